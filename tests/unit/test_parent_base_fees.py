"""Fees in the base currency make what a spot entry left smaller: exits are for what is there, not what was bought."""

from decimal import Decimal

from jackbot_tui.algos.state import Action, Kind
from jackbot_tui.engine.parents import RestartPolicy
from jackbot_tui.model.enums import Side
from jackbot_tui.model.orders import OrderFilled
from tests.desk_world import SPOT, instrument
from tests.parents_world import BUY, ParentsWorld, restarted, until


def bought(quantity: str = "2") -> ParentsWorld:
    """A bracket on spot that has entered and paid its fee in the base currency; its target rests."""
    world = ParentsWorld(listed=instrument(SPOT))
    world.begin(Kind.BRACKET, BUY, quantity, entry="101", target="110", stop="95")
    until(world, lambda: bool(world.look().filled) and any(o.side is Side.SELL for o in world.open_orders()))
    return world


def base_fees(world: ParentsWorld) -> Decimal:
    return sum((fill.fee for fill in world.fills() if fill.fee_currency == "ETH"), Decimal(0))


def test_the_target_is_for_what_the_fee_has_left() -> None:
    world = bought()
    filled, fee = world.look().filled, base_fees(world)
    assert fee > 0
    resting = sum(order.remaining for order in world.open_orders() if order.side is Side.SELL)
    assert resting <= filled - fee < resting + world.listed.lot * 2


def test_the_stop_takes_all_off_that_is_there_and_ends() -> None:
    world = bought()
    world.book("94", "94.5", 50, 50)
    until(world, lambda: not world.look().status.is_open)
    picture = world.look()
    assert picture.status.value == "done" and "stopped at" in picture.why
    assert world.position() < world.listed.lot
    assert not world.open_orders()


def test_finishing_takes_all_off_that_is_there_and_ends() -> None:
    world = bought()
    world.book("100", "100.5", 50, 50)
    assert world.steer(1, Action.FINISH) == ""
    until(world, lambda: not world.look().status.is_open)
    assert world.look().status.value == "done"
    assert world.position() < world.listed.lot


def test_a_crash_at_every_record_counts_the_fee_once() -> None:
    world = bought()
    records = [record for _, record in world.journal.records]
    first_fill = next(n for n, record in enumerate(records) if isinstance(record, OrderFilled))
    for upto in range(first_fill + 1, len(records) + 1):
        again = restarted(world, upto, RestartPolicy.RESUME)
        again.book("94", "94.5", 50, 50)
        until(again, lambda again=again: not again.look().status.is_open)  # type: ignore[misc]
        assert again.look().status.value == "done", again.look().why
        assert Decimal(0) <= again.position() < again.listed.lot, f"at record {upto}"
