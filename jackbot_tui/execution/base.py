"""The face of an executor: where orders go once the risk gate has passed them and the journal holds them.

The engine calls it; an executor answers with order events, at once or later, and never changes an order itself.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from jackbot_tui.model.enums import Side, TriggerBy
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import MarginSetting
from jackbot_tui.model.market import Trade
from jackbot_tui.model.orders import Order, OrderEvent, Position

if TYPE_CHECKING:
    from jackbot_tui.book.market import InstrumentMarket
    from jackbot_tui.execution.holdings import Holdings
    from jackbot_tui.execution.paper.account import FundingSettled, MarginView, Outlook
    from jackbot_tui.execution.paper.queue import QueueView
    from jackbot_tui.execution.paper.shadows import HonestyView


class VenueOrder(Struct, frozen=True):
    """The venue placed an order on the account by itself: a liquidation. Its events follow, under its client id.

    ``order`` carries the venue's client id and no number yet (0): the engine gives it one and journals it. ``reason``
    is what a person must know, in one line.
    """

    client_id: str
    ts: int
    order: Order
    reason: str


ExecutorEvent = OrderEvent | VenueOrder


class Executor(Protocol):
    """Takes requests, gives back the events that are known by ``now`` (nanoseconds)."""

    def submit(self, order: Order, now: int) -> list[ExecutorEvent]: ...

    def cancel(self, order: Order, now: int) -> list[ExecutorEvent]: ...

    def amend(self, order: Order, price: Decimal, quantity: Decimal, now: int) -> list[ExecutorEvent]:
        """Ask for a new price and total quantity."""
        ...


class VenueExecutor(Executor, Protocol):
    """An executor with the account behind it: all that the engine core and the desk ask of paper and live alike."""

    @property
    def remote(self) -> bool:
        """True when its orders live at a venue that goes on without us; False when they end with this process."""
        ...

    @property
    def holder(self) -> str:
        """The account that is traded, by its name in the settings; "" on paper."""
        ...

    @property
    def locked(self) -> str:
        """What a person must do before new orders are let through at all, "" = nothing. Flattening is never locked."""
        ...

    @property
    def account_heard_ns(self) -> int:
        """When the venue last told of the whole account, 0 = never."""
        ...

    def holdings(self, now: int) -> "Holdings":
        """Everything that the account holds, as far as it is known."""
        ...

    def differences(self) -> list[tuple[str, str, str, str]]:
        """What, which, ours, the venue's: everything in which our books and a real venue's differ."""
        ...

    def unlock(self) -> None:
        """A person said so, in full."""
        ...

    @property
    def trouble(self) -> str:
        """Why no new order may go to the venue now, in words; "" = it may. Cancels always may."""
        ...

    @property
    def next_wakeup(self) -> int | None:
        """When ``advance`` has something to do next, None while nothing is under way."""
        ...

    def advance(self, now: int) -> list[ExecutorEvent]:
        """What has become known by ``now``."""
        ...

    def terms(self, instrument: Instrument) -> Instrument:
        """``instrument`` with the fees that this account pays."""
        ...

    def load(self, positions: Iterable[Position], settings: Mapping[str, MarginSetting] | None = None) -> None:
        """Positions and margin settings of earlier sessions, before anything else."""
        ...

    def remember(self, orders: Iterable[Order]) -> None:
        """Every order that the journal still knows, closed ones too: what is told late about them must find them."""
        ...

    def restore(self, orders: list[Order], now: int) -> list[OrderEvent]:
        """Orders that were at the venue when the last session ended."""
        ...

    def reconcile(self, order: Order, now: int) -> list[OrderEvent]:
        """An intent whose sending is in doubt."""
        ...

    def on_book(self, market: "InstrumentMarket", now: int) -> list[ExecutorEvent]: ...

    def on_trade(self, market: "InstrumentMarket", trade: Trade, now: int) -> list[ExecutorEvent]: ...

    def on_mark(self, market: "InstrumentMarket", now: int) -> list[ExecutorEvent]: ...

    def on_resync(self, market: "InstrumentMarket", now: int) -> list[ExecutorEvent]: ...

    def settle_funding(self, key: str, rate: Decimal, mark: Decimal, at_ns: int, now: int) -> "FundingSettled":
        """Funding that the house has to settle itself; nothing where the venue does."""
        ...

    def setting_problem(self, key: str, wanted: MarginSetting, now: int) -> str: ...

    def set_margin(self, key: str, wanted: MarginSetting) -> None: ...

    def margin(self, key: str, now: int) -> "MarginView | None": ...

    def confirmed_setting(self, key: str) -> MarginSetting | None:
        """Margin mode and leverage of new orders as the venue has confirmed them, None = it has not."""
        ...

    def outlook(self, key: str, side: Side, quantity: Decimal, cost: Decimal, fee: Decimal, now: int) -> "Outlook": ...

    def measure_latency(self, round_trip_ns: int) -> None:
        """An answer of the real venue took so long."""
        ...

    def queue(self, client_id: str) -> "QueueView | None": ...

    def honesty(self) -> "HonestyView | None":
        """What every rule of filling would have made of this session's orders; None where nothing is compared."""
        ...

    def buys_by_cost(self, instrument: Instrument) -> bool:
        """True where market buys of ``instrument`` are counted in money: none of an exact quantity can be sent."""
        ...

    def triggers(self, instrument: Instrument) -> tuple[TriggerBy, ...]:
        """The prices that may wake an order that waits there, the usual one first; empty: no order can wait."""
        ...

    def assumptions(self, instrument: Instrument) -> list[str]:
        """What paper fills of ``instrument`` rest on, each in a few words; empty where a real venue fills."""
        ...
