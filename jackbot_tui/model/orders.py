"""Orders, the events that move them, fills, positions. Money and quantities are Decimal, time is nanoseconds."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from jackbot_tui.model.enums import Liquidity, OrderStatus, OrderType, Side, TimeInForce, TriggerBy
from jackbot_tui.model.numbers import ZERO, text_of


class OrderRequest(Struct, frozen=True, kw_only=True):
    """What somebody wants. Nothing has been checked yet.

    ``price`` is None for a market order. ``limit_slip_ticks`` bounds a market order: it becomes IOC at the touch plus
    that many ticks (0 = no bound). ``owner`` is who asks (``manual``, a strategy's name); ``source`` through which face
    (``ui``, ``ctl``, ``engine``).

    With a ``trigger_price`` the order waits at the venue, outside the book, until the price that ``trigger_by`` names
    has reached it; then it is the market or limit order that ``type`` says. A stop waits on the side where the price
    is getting worse for who must trade (a buy above the market, a sell below it), a ``take_profit`` on the other.
    """

    key: str
    side: Side
    quantity: Decimal
    type: OrderType = OrderType.LIMIT
    price: Decimal | None = None
    tif: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    limit_slip_ticks: int = 0
    owner: str = "manual"
    source: str = "engine"
    parent_id: str = ""
    tag: str = ""
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy = TriggerBy.LAST
    take_profit: bool = False

    @property
    def trigger_text(self) -> str:
        """What it waits for, ``stop 61000 mark``; "" for an order without a trigger."""
        return _trigger_text(self.trigger_price, self.trigger_by, self.take_profit)


class Order(Struct, frozen=True, kw_only=True):
    """An order and all that is known of it. Immutable: the state machine returns a new one for each event.

    ``number`` is the short number shown to people (``#41``), unique within one journal and never used again.
    ``client_id`` is ours and valid on every venue. ``filled`` is cumulative in base units, ``average_price`` its mean
    price (0 before the first fill), ``fees`` the sum per fee currency. ``trigger_price``, ``trigger_by`` and
    ``take_profit`` are as in the request; ``triggered_ns`` is when the trigger was reached, 0 = not yet.
    """

    number: int
    client_id: str
    key: str
    side: Side
    quantity: Decimal
    type: OrderType
    price: Decimal | None
    tif: TimeInForce
    post_only: bool
    reduce_only: bool
    owner: str
    source: str
    parent_id: str
    tag: str
    created_ns: int
    updated_ns: int
    status: OrderStatus = OrderStatus.PENDING_NEW
    venue_order_id: str = ""
    filled: Decimal = ZERO
    average_price: Decimal = ZERO
    fees: dict[str, Decimal] = {}
    reason: str = ""
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy = TriggerBy.LAST
    take_profit: bool = False
    triggered_ns: int = 0

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        return self.status.is_open

    @property
    def is_waiting(self) -> bool:
        """True while it waits for its trigger: it is not in the book and cannot be filled."""
        return self.trigger_price is not None and not self.triggered_ns

    @property
    def trigger_text(self) -> str:
        """What it waits for, or waited for, ``stop 61000 mark``; "" for an order without a trigger."""
        return _trigger_text(self.trigger_price, self.trigger_by, self.take_profit)


def _trigger_text(price: Decimal | None, by: TriggerBy, take_profit: bool) -> str:
    if price is None:
        return ""
    word = "take" if take_profit else "stop"
    return f"{word} {text_of(price)} {by.value}"


def trigger_rises(side: Side, take_profit: bool) -> bool:
    """Whether the trigger is reached from below: a stop that buys, a take-profit that sells."""
    return (side is Side.BUY) is not take_profit


def trigger_reached(side: Side, take_profit: bool, trigger: Decimal, price: Decimal) -> bool:
    """Whether ``price`` wakes an order of ``side`` that waits for ``trigger``."""
    return price >= trigger if trigger_rises(side, take_profit) else price <= trigger


class OrderAccepted(Struct, frozen=True, tag="accepted"):
    client_id: str
    ts: int
    venue_order_id: str = ""


class OrderRejected(Struct, frozen=True, tag="rejected"):
    """The venue refused the order; it never rested. ``code`` is the venue's own."""

    client_id: str
    ts: int
    code: str
    reason: str


class OrderTriggered(Struct, frozen=True, tag="triggered"):
    """The price that a waiting order waited for has come: it is an order of the book from now on.

    ``price`` is the last trade or mark that did it, 0 where the venue does not tell.
    """

    client_id: str
    ts: int
    price: Decimal = ZERO


class FillReason(StrEnum):
    """What made a fill on paper."""

    TRADE = "trade"  # a trade at the price got past the queue
    THROUGH = "through"  # a trade beyond the price
    REACHED = "reached"  # the opposite best came to the price
    TOOK = "took"  # the order took displayed liquidity


class FillCause(Struct, frozen=True, kw_only=True, array_like=True):
    """How a paper fill came about; short in the journal.

    ``price`` and ``size`` are the trade's or the level's, ``event_ns`` the exchange's time of it and ``event_id`` the
    trade's own id. For an order that rested (``rested_ns`` long): ``first_ahead`` stood before it at the beginning, of
    which trades ate ``eaten`` and shrinking levels took ``vanished``; ``ahead`` was left right before the event, of
    ``shown`` displayed at its price. ``request_ns`` and ``answer_ns`` are the latencies drawn, both ways.
    """

    reason: FillReason
    price: Decimal
    size: Decimal
    event_ns: int = 0
    event_id: str = ""
    rested_ns: int = 0
    first_ahead: Decimal = ZERO
    eaten: Decimal = ZERO
    vanished: Decimal = ZERO
    ahead: Decimal = ZERO
    shown: Decimal = ZERO
    request_ns: int = 0
    answer_ns: int = 0


class OrderFilled(Struct, frozen=True, tag="filled"):
    """One execution. ``trade_id`` is unique per venue and makes fills idempotent. ``fee`` is positive when paid.

    ``cause`` explains a fill on paper; a real venue tells none.
    """

    client_id: str
    ts: int
    trade_id: str
    price: Decimal
    quantity: Decimal
    liquidity: Liquidity
    fee: Decimal
    fee_currency: str
    cause: FillCause | None = None


class OrderCanceled(Struct, frozen=True, tag="canceled"):
    client_id: str
    ts: int
    reason: str = ""


class OrderExpired(Struct, frozen=True, tag="expired"):
    """The venue ended the order by itself: IOC remainder, FOK miss, post-only that would cross at some venues."""

    client_id: str
    ts: int
    reason: str = ""


class OrderCancelRequested(Struct, frozen=True, tag="cancel_requested"):
    client_id: str
    ts: int
    source: str = ""


class OrderCancelRejected(Struct, frozen=True, tag="cancel_rejected"):
    client_id: str
    ts: int
    reason: str


class OrderAmendRequested(Struct, frozen=True, tag="amend_requested"):
    client_id: str
    ts: int
    price: Decimal
    quantity: Decimal
    source: str = ""


class OrderAmended(Struct, frozen=True, tag="amended"):
    """The order now has this price and total quantity."""

    client_id: str
    ts: int
    price: Decimal
    quantity: Decimal


class OrderAmendRejected(Struct, frozen=True, tag="amend_rejected"):
    client_id: str
    ts: int
    reason: str


class OrderUnknown(Struct, frozen=True, tag="unknown"):
    """The fate of the last request is not known (time-out, dropped connection): to be asked for, never assumed."""

    client_id: str
    ts: int
    reason: str


OrderEvent = (
    OrderAccepted
    | OrderTriggered
    | OrderRejected
    | OrderFilled
    | OrderCanceled
    | OrderExpired
    | OrderCancelRequested
    | OrderCancelRejected
    | OrderAmendRequested
    | OrderAmended
    | OrderAmendRejected
    | OrderUnknown
)


class Position(Struct, frozen=True, kw_only=True):
    """Net position in one instrument. ``quantity`` is signed base units; money is in the instrument's quote currency.

    ``average_entry`` is the mean price of what is open (0 when flat). ``realized`` is price profit of closed quantity
    before fees; ``fees`` (quote) and ``funding`` (positive = received) are apart: net = realized - fees + funding.
    """

    key: str
    quantity: Decimal = ZERO
    average_entry: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    updated_ns: int = 0
