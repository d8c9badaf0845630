"""What the desk needs of the engine below it and of the process around it: faces that tests can stand in for."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from jackbot_tui.desk.commands import ReplayAction
from jackbot_tui.desk.views import ClockView, ConnectionView
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import Mode, Side, TriggerBy
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.orders import Order, OrderRequest, Position

if TYPE_CHECKING:
    from jackbot_tui.algos.state import Action, ParentPicture, ParentRequest, Preview
    from jackbot_tui.book.market import InstrumentMarket
    from jackbot_tui.engine.answers import Asked, FillRow, KillReport, Settling, Submitted
    from jackbot_tui.engine.notices import EngineNotice
    from jackbot_tui.engine.parents import ParentAnswer
    from jackbot_tui.execution.holdings import Holdings
    from jackbot_tui.execution.paper.account import MarginView, Outlook
    from jackbot_tui.execution.paper.queue import QueueView
    from jackbot_tui.execution.paper.shadows import HonestyView
    from jackbot_tui.model.instrument import Instrument
    from jackbot_tui.model.records import FillMarkout
    from jackbot_tui.risk.refusal import Refusal

MarkOf = Callable[[str], Decimal | None]


class MarketsPort(Protocol):
    @property
    def markets(self) -> "Mapping[str, InstrumentMarket]": ...


class OrdersPort(Protocol):
    @property
    def orders(self) -> Mapping[str, Order]: ...

    def open_orders(self, key: str | None = None) -> list[Order]: ...

    def by_number(self, number: int) -> Order | None: ...


class PortfolioPort(Protocol):
    @property
    def positions(self) -> Iterable[Position]: ...

    def position(self, key: str) -> Position: ...

    def equity(self, mark_of: MarkOf) -> Decimal: ...

    def day_pnl(self, mark_of: MarkOf) -> Decimal: ...


class JournalPort(Protocol):
    @property
    def session(self) -> int: ...

    @property
    def journal_id(self) -> str: ...

    @property
    def durable_seq(self) -> int: ...

    def when_durable(self, seq: int, callback: Callable[[], None]) -> None: ...


class VenuePort(Protocol):
    """What the venue tells of the account."""

    @property
    def remote(self) -> bool: ...

    @property
    def holder(self) -> str: ...

    @property
    def locked(self) -> str: ...

    @property
    def account_heard_ns(self) -> int:
        """When the venue last told of the whole account, 0 = never."""
        ...

    def holdings(self, now: int) -> "Holdings":
        """Everything that the account holds, as far as it is known."""
        ...

    def differences(self) -> "list[tuple[str, str, str, str]]":
        """What, which, ours, the venue's: everything in which our books and a real venue's differ."""
        ...

    def queue(self, client_id: str) -> "QueueView | None": ...

    def honesty(self) -> "HonestyView | None":
        """What every rule of filling would have made of this session's orders; None where nothing is compared."""
        ...

    def triggers(self, instrument: "Instrument") -> tuple[TriggerBy, ...]:
        """The prices that may wake an order that waits there, the usual one first; empty: no order can wait."""
        ...

    def assumptions(self, instrument: "Instrument") -> list[str]:
        """What paper fills of ``instrument`` rest on, each in a few words; empty where a real venue fills."""
        ...

    def margin(self, key: str, now: int) -> "MarginView | None": ...

    def outlook(self, key: str, side: Side, quantity: Decimal, cost: Decimal, fee: Decimal, now: int) -> "Outlook": ...


class MarkoutsPort(Protocol):
    @property
    def changes(self) -> int: ...

    def of(self, trade_id: str) -> "FillMarkout | None": ...


class BoardPort(Protocol):
    @property
    def seq(self) -> int: ...

    def publish(
        self, ts: int, kind: str, level: str, text: str, *, key: str = "", number: int = 0
    ) -> "EngineNotice": ...

    def after(self, seq: int) -> "list[EngineNotice]": ...

    def listen(self, listener: "Callable[[EngineNotice], None]") -> Callable[[], None]: ...


class ParentsPort(Protocol):
    """Parent orders (``engine.parents.Parents``)."""

    def pictures(self) -> "list[ParentPicture]": ...

    def picture(self, number: int) -> "ParentPicture | None": ...

    def completed(self, request: "ParentRequest") -> "ParentRequest": ...

    def preview(self, request: "ParentRequest") -> "Preview": ...

    def start(self, request: "ParentRequest") -> "ParentAnswer": ...

    def steer(
        self, number: int, action: "Action", quantity: Decimal | None, changes: Mapping[str, str], source: str
    ) -> "ParentAnswer": ...

    def stop_matching(self, key: str | None, side: Side | None, source: str) -> list[int]: ...


class EnginePort(Protocol):
    """The engine core as the desk sees it (``engine.core.Engine``)."""

    @property
    def clock(self) -> Clock: ...

    @property
    def mode(self) -> Mode: ...

    @property
    def venue(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def order_round_trip_ms(self) -> float: ...

    @property
    def data(self) -> MarketsPort: ...

    @property
    def oms(self) -> OrdersPort: ...

    @property
    def portfolio(self) -> PortfolioPort: ...

    @property
    def journal(self) -> JournalPort: ...

    @property
    def executor(self) -> VenuePort: ...

    @property
    def board(self) -> BoardPort: ...

    @property
    def parents(self) -> ParentsPort: ...

    @property
    def markouts(self) -> MarkoutsPort: ...

    @property
    def settling(self) -> "Settling | None":
        """Who settles differences to a real account; None where there is none."""
        ...

    @property
    def killed(self) -> bool: ...

    @property
    def fills(self) -> "Sequence[FillRow] | deque[FillRow]": ...

    def as_sent(self, request: OrderRequest) -> OrderRequest:
        """What would be sent for ``request`` now: a market order may have to go out as a limit order."""
        ...

    def refusal_of(self, request: OrderRequest, confirmed: bool = False) -> "Refusal | None": ...

    def amend_refusal(self, order: Order, price: Decimal, quantity: Decimal) -> "Refusal | None": ...

    def submit(self, request: OrderRequest, confirmed: bool = False) -> "Submitted": ...

    def cancel(self, client_id: str, source: str) -> "Asked": ...

    def amend(self, client_id: str, price: Decimal | None, quantity: Decimal | None, source: str) -> "Asked": ...

    def cancel_all(
        self, *, key: str | None = None, side: Side | None = None, owner: str | None = None, source: str
    ) -> list[Order]: ...

    def flatten(self, key: str | None, source: str) -> "list[Submitted]": ...

    def reverse(self, key: str, source: str) -> "Submitted | None": ...

    def kill(self, source: str, flatten: bool = False) -> "KillReport": ...

    @property
    def last_kill(self) -> "KillReport | None": ...

    def reset_kill(self, source: str) -> int: ...

    def go_live(self, source: str) -> int: ...

    def set_margin(self, key: str, mode: MarginMode | None, leverage: Decimal | None, source: str) -> "Asked": ...

    def note(self, topic: str, text: str) -> int: ...

    def log_command(self, source: str, line: str, seen: dict[str, str] | None = None) -> int: ...

    def limits(self) -> list[tuple[str, str, str, float]]: ...

    def mark_of(self, key: str) -> Decimal | None: ...


class RequestBudget(Struct, frozen=True):
    """One of the venue's request limits: ``used`` of ``limit`` within the last ``interval_s`` seconds."""

    name: str
    scope: str
    used: int
    limit: int
    interval_s: int


class RestFigures(Struct, frozen=True):
    """Requests of one market kind: seconds for which the venue told us to be silent (0 = it did not), limits."""

    kind: str
    paused_s: float
    budgets: list[RequestBudget]


class CaptureFigures(Struct, frozen=True):
    """One capture being written: ``dropped`` records were lost, ``problem`` says why the last ones were ("" = none)."""

    name: str
    written: int
    dropped: int
    problem: str


class HostFigures(Struct, frozen=True, kw_only=True):
    """What the runtime around the engine measures. Times in milliseconds; ``replay`` is the header text of a replay."""

    loop_lag_ms: float = 0.0  # newest sample
    loop_lag_p99_ms: float = 0.0  # over the last minute
    loop_lag_max_ms: float = 0.0  # since the start
    frames_per_s: float = 0.0
    dropped_frames: int = 0
    unknown_frames: int = 0
    detail: str = ""
    replay: str = ""
    rest: list[RestFigures] = []
    clocks: list[ClockView] = []
    captures: list[CaptureFigures] = []


class HostPort(Protocol):
    """The process around the engine. Methods raise JackbotError in one line when they cannot."""

    def stop(self, reason: str) -> None: ...

    def replay(self, action: ReplayAction, value: Decimal) -> str: ...

    def record(self, start: bool) -> str: ...

    async def export_today(self) -> str: ...

    def connections(self) -> list[ConnectionView]: ...

    def figures(self) -> HostFigures: ...
