"""Smart trades in random markets with hands from outside, edits, refusals and crashes: exact, and out in the end."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from jackbot_tui.algos.state import Action, Kind, ParentStatus
from jackbot_tui.engine.parents import RestartPolicy
from jackbot_tui.model.enums import OrderType, Side, TimeInForce
from jackbot_tui.model.numbers import round_down
from jackbot_tui.model.orders import OrderRequest
from jackbot_tui.model.records import ParentMoved
from tests.desk_world import PERP, SPOT, instrument
from tests.parents_world import BUY, SELL, ParentsWorld, restarted

D = Decimal
TICK = D("0.5")
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""A story is hundreds of engine steps: shrinking one takes longer than reading it."""

EXITS = {
    "levels": {"tp": "2%:50%,4%", "sl": "2%:50%,3%"},
    "thirds": {"tp": "1%,2%,3%", "sl": "3%", "be": "1"},
    "crossing": {"tp": "1%:30%,3%:30%", "trailtp": "4%:1%", "sl": "2%:30%,4%", "take": "cross"},
    "trailing": {"trail": "2%", "tp": "5%:60%"},
    "limit": {"sl": "2%:50%,4%", "exit": "limit", "slip": "90", "tp": "3%"},
    "time": {"tp": "3%:40%", "time": "5s"},
    "safe": {"sl": "2%:50%,3%", "tp": "3%:50%", "safety": "1%"},
    "safe trail": {"trail": "2%", "tp": "4%:40%", "safety": "4t"},
}
EDITS = (
    {"tp": "3%:50%,6%"},
    {"tp": "5%:0.05,7%"},
    {"sl": "5%"},
    {"sl": "4%:30%,6%"},
    {"trail": "6%"},
    {"trail": "none", "sl": "5%"},
    {"be": "1"},
    {"trailtp": "9%:2%"},
)


class Move(Struct, frozen=True):
    """One thing that happens. ``amount`` is ticks for the book, percent of the position for hands, else a choice."""

    what: str
    amount: int = 0


MOVES = st.lists(
    st.one_of(
        st.builds(Move, st.just("book"), st.integers(-5, 5)),
        st.builds(Move, st.sampled_from(("trade buy", "trade sell")), st.integers(1, 40)),
        st.builds(Move, st.just("wait"), st.sampled_from((10, 50, 200, 700, 1500))),
        st.builds(Move, st.sampled_from(("lose", "find", "pause", "resume", "hand cancel", "kill", "reset", "flash"))),
        st.builds(Move, st.sampled_from(("less", "more")), st.integers(5, 100)),
        st.builds(Move, st.just("edit"), st.integers(0, len(EDITS) - 1)),
        st.builds(Move, st.just("total"), st.integers(30, 150)),
    ),
    min_size=3,
    max_size=25,
)


class Story:
    """A smart trade on its own or on a position of ``quantity``; ``sign`` 1 is long."""

    def __init__(self, exits: dict[str, str], sign: int, quantity: str, *, entering: bool, key: str = PERP) -> None:
        self.sign, self.entering = sign, entering
        self.into, self.out = (BUY, SELL) if sign > 0 else (SELL, BUY)
        self.world = ParentsWorld(listed=instrument(key))
        self.perpetual = key == PERP
        self.bid = D(100)
        if entering:
            self.number = self.world.begin(Kind.SMART, self.into, quantity, **exits)
        else:
            self.hand(self.into, D(quantity))
            self.world.step(200)
            held = round_down(abs(self.world.position()), D("0.001"))  # on spot the venue keeps its fee in base units
            self.number = self.world.begin(Kind.SMART, self.out, str(held), on="position", **exits)

    def hand(self, side: Side, quantity: Decimal) -> None:
        self.world.engine.submit(
            OrderRequest(
                key=self.world.key,
                side=side,
                quantity=quantity,
                type=OrderType.MARKET,
                tif=TimeInForce.IOC,
                reduce_only=side is self.out and self.perpetual,
            )
        )

    @property
    def held(self) -> Decimal:
        return self.world.position() * self.sign

    def play(self, move: Move) -> None:
        world = self.world
        match move.what:
            case "book":
                self.bid = max(D(80), min(D(125), self.bid + move.amount * TICK))
                self.show()
            case "flash":  # there and back before anything has been answered
                self.bid -= 10 * TICK * self.sign
                self.show()
                self.bid += 10 * TICK * self.sign
                self.show()
            case "trade buy":
                world.trade(BUY, str(self.bid + TICK), str(D(move.amount) / 4))
            case "trade sell":
                world.trade(SELL, str(self.bid), str(D(move.amount) / 4))
            case "wait":
                world.step(move.amount)
            case "lose" if world.market.live:
                world.lose_book()
            case "find" if not world.market.live:
                world.find_book(str(self.bid), str(self.bid + TICK))
            case "pause":
                world.steer(self.number, Action.PAUSE)
            case "resume":
                world.steer(self.number, Action.RESUME)
            case "hand cancel" if world.open_orders():
                world.engine.cancel(world.open_orders()[0].client_id, "hand")
            case "kill":
                world.engine.gate.kill()
            case "reset":
                world.engine.gate.reset()
            case "less" | "more":
                quantity = (abs(world.position()) * move.amount / 100).quantize(D("0.001"))
                if quantity:
                    self.hand(self.out if move.what == "less" else self.into, quantity)
            case "edit":
                world.steer(self.number, Action.EDIT, **EDITS[move.amount])
            case "total":
                total = (world.look(self.number).quantity * move.amount / 100).quantize(D("0.001"))
                if total:
                    world.steer(self.number, Action.EDIT, str(total))
            case _:
                pass
        self.check()

    def show(self) -> None:
        if self.world.market.live:
            self.world.book(str(self.bid), str(self.bid + TICK))

    def check(self) -> None:
        world, picture = self.world, self.world.look(self.number)
        orders = world.engine.oms.orders.values()
        moved = sum((order.filled * order.side.sign for order in orders), D(0))
        assert world.position() == moved if self.perpetual else world.position() <= moved  # less fees in base units
        children = [order for order in orders if order.parent_id]
        outward = [order for order in children if order.side is self.out]
        assert all(order.reduce_only is self.perpetual for order in outward)
        assert self.held >= 0  # never through flat to the other side
        taken = picture.exited if self.entering else picture.filled
        assert taken == sum((order.filled for order in outward), D(0))
        resting = sum((order.remaining for order in outward if order.is_open and not order.is_waiting), D(0))
        whole = picture.filled if self.entering else max(picture.quantity, self.most_total())
        assert taken + resting <= whole
        guards = [order for order in children if order.is_open and order.trigger_price is not None]
        assert len(guards) <= 1
        if not picture.status.is_open:
            assert not any(order.is_open for order in children)

    def most_total(self) -> Decimal:
        """The largest total it ever had: an edit to less may cross what rests."""
        totals = [D(record.state.partition('"quantity":"')[2].partition('"')[0]) for record in self.moved()]
        return max(totals, default=D(0))

    def moved(self) -> list[ParentMoved]:
        return [record for record in self.world.records(ParentMoved) if isinstance(record, ParentMoved)]

    def until_over(self, most: int = 300) -> None:
        """New liquidity comes, as it does."""
        world = self.world
        for turn in range(most):
            if not world.look(self.number).status.is_open:
                return
            self.bid += TICK if turn % 2 else -TICK
            self.show()
            world.step(50)
            self.check()
        raise AssertionError(world.look(self.number))

    def settle(self) -> None:
        """Everything that holds it back passes."""
        world = self.world
        world.engine.gate.reset()
        if not world.market.live:
            world.find_book(str(self.bid), str(self.bid + TICK))
        world.step(500)


@pytest.mark.parametrize("entering", [True, False], ids=["entry", "position"])
@pytest.mark.parametrize("name", EXITS)
@given(moves=MOVES, sign=st.sampled_from((1, -1)), size=st.integers(20, 900), crash=st.booleans())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=PHASES)
def test_whatever_happens_it_is_exact_and_stops_take_all_of_it_off(
    name: str, entering: bool, moves: list[Move], sign: int, size: int, crash: bool
) -> None:
    story = Story(EXITS[name], sign, str(D(size) / 1000), entering=entering)
    for move in moves:
        story.play(move)
    story.settle()
    if crash:
        story.world = restarted(story.world, len(story.world.journal.records), RestartPolicy.RESUME)
        if not story.world.parents.pictures():
            return  # it had ended
        story.bid = D(100)
    if story.world.look(story.number).status.is_open:
        story.world.steer(story.number, Action.RESUME)
        # a gap far through every stop, then an orderly market there; what has no stop is finished by hand
        story.bid = D(82) if sign > 0 else D(122)
        story.show()
        story.world.step(1_000)
        values = story.world.look(story.number).values
        if not values["sl"] or values["exit"] == "limit":
            story.world.steer(story.number, Action.FINISH)
        story.until_over()
    picture = story.world.look(story.number)
    assert picture.status in (ParentStatus.DONE, ParentStatus.CANCELED)
    story.check()


@pytest.mark.parametrize("entering", [True, False], ids=["entry", "position"])
@given(moves=MOVES, name=st.sampled_from(sorted(set(EXITS) - {"safe", "safe trail"})), size=st.integers(20, 900))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=PHASES)
def test_on_spot_no_more_is_sold_than_is_held(entering: bool, name: str, moves: list[Move], size: int) -> None:
    story = Story(EXITS[name], 1, str(D(size) / 1000), entering=entering, key=SPOT)
    for move in moves:
        story.play(move)
    story.settle()
    if story.world.look(story.number).status.is_open:
        story.world.steer(story.number, Action.FINISH)
        story.until_over()


def test_two_runs_of_the_same_story_write_the_same_journal() -> None:
    def digest() -> str:
        story = Story(EXITS["thirds"], 1, "0.6", entering=True)
        for move in (Move("wait", 700), Move("book", 3), Move("less", 20), Move("wait", 300), Move("flash")):
            story.play(move)
        story.until_over()
        return story.world.journal.digest()

    assert digest() == digest()


@pytest.mark.parametrize("entering", [True, False], ids=["entry", "position"])
@pytest.mark.parametrize("name", ["levels", "thirds", "crossing", "safe"])
def test_a_crash_at_every_journal_record_takes_off_what_is_there_and_no_more(name: str, entering: bool) -> None:
    story = Story(EXITS[name], 1, "0.6", entering=entering)
    script = (
        Move("wait", 700), Move("book", 3), Move("trade buy", 20), Move("wait", 200), Move("less", 20),
        Move("wait", 700), Move("edit", 1), Move("book", -2), Move("wait", 200), Move("lose"), Move("wait", 200),
        Move("find"), Move("flash"), Move("wait", 20), Move("book", -5), Move("wait", 300),
    )  # fmt: skip
    for move in script:
        story.play(move)
    assert story.world.look(story.number).status.is_open or story.held < D("0.6")
    for upto in range(1, len(story.world.journal.records) + 1):
        after = restarted(story.world, upto, RestartPolicy.RESUME)
        if not after.parents.pictures():
            continue
        after.step(200)
        after.book("82.0", "82.5")
        for turn in range(200):
            if not after.look(story.number).status.is_open:
                break
            after.book(*(("81.0", "81.5") if turn % 2 else ("80.5", "81.0")))
            after.step(50)
        picture = after.look(story.number)
        assert picture.status is ParentStatus.DONE, (upto, picture)
        assert after.open_orders() == []
        assert after.position() == 0, (upto, picture)
