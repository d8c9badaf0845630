"""A market of 60000.0 / 60000.5 with a mark, and jackpots in it, for their tests."""

from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.algos.state import Kind, ParentRequest, Preview
from jackbot_tui.engine.parents import ParentAnswer, ParentOptions, RestartPolicy
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import MarkPrice
from jackbot_tui.model.orders import Order
from jackbot_tui.model.records import Record
from tests.desk_world import PERP, instrument
from tests.parents_world import ParentsWorld, recovered_from, until

D = Decimal
LISTED = replace(instrument(PERP), max_leverage=D(125), funding_interval_h=8)


class JackpotWorld(ParentsWorld):
    """Long enough books; ``at`` moves book and mark together."""

    def __init__(self, **more: object) -> None:
        self.past: list[Record] = []
        """What was written before the last restart."""
        super().__init__(**{"listed": LISTED, "first": ("60000.0", "60000.5"), **more})  # type: ignore[arg-type]
        self.at(60_000)

    def book(self, bid: str, ask: str, bid_size: float = 5.0, ask_size: float = 5.0) -> None:
        super().book(bid, ask, bid_size, ask_size)

    def mark(self, price: float) -> None:
        now = self.clock.now_ns()
        self.market.mark = MarkPrice(self.key, now, now, price, price, 0.0001, now + 3600 * NS_PER_S)
        self.engine.on_mark(self.market, self.market.mark, now)

    def at(self, price: float, mark: float | None = None) -> None:
        """The book at ``price``, then the mark there too (or elsewhere)."""
        if self.market.live:
            self.book(str(price), str(price + 0.5))
        self.mark(price if mark is None else mark)

    def asked(self, side: Side = Side.BUY, leverage: str = "100", ticket: str = "50", **values: str) -> ParentRequest:
        """As the desk asks for one. InputError."""
        given = {"leverage": leverage, "ticket": ticket, "accept": ticket, **values}
        request = ParentRequest(kind=Kind.JACKPOT, key=self.key, side=side, quantity=D(0), values=given, source="test")
        completed: ParentRequest = self.parents.completed(request)
        return completed

    def card(self, side: Side = Side.BUY, **values: str) -> Preview:
        card: Preview = self.parents.preview(self.asked(side, **values))
        return card

    def play(self, side: Side = Side.BUY, **values: str) -> ParentAnswer:
        answer: ParentAnswer = self.parents.start(self.asked(side, **values))
        return answer

    def stands(self, side: Side = Side.BUY, **values: str) -> int:
        """A jackpot with its stop at the venue; its number."""
        answer = self.play(side, **values)
        assert answer.picture is not None, answer.problem
        until(self, lambda: self.guard() is not None and bool(self.guard().venue_order_id))  # type: ignore[union-attr]
        return answer.picture.number

    def guard(self) -> Order | None:
        """The stop at the venue."""
        return next((order for order in self.open_orders() if order.trigger_price is not None), None)

    def result(self) -> Decimal:
        """What was made since the beginning, all included; negative = lost. Flat only."""
        position = self.engine.portfolio.position(self.key)
        assert not position.quantity
        return position.realized - position.fees + position.funding


def again(world: JackpotWorld, policy: RestartPolicy, upto: int | None = None) -> JackpotWorld:
    """An engine that comes up on what ``world`` has written, as after a power cut."""
    records = [*world.past, *(record for _, record in world.journal.records[:upto])]
    after = JackpotWorld(
        options=ParentOptions(restart=policy, children_per_s=1000),
        recovered=recovered_from(records),
        start_ns=world.clock.now_ns() + NS_PER_S,
        seed=2,
    )
    after.past = records
    return after
