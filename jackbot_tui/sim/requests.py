"""What clients of the exchange ask for, what becomes of it, and why it is refused: plain values, no behaviour.

Made and read by ``sim.accounts`` and by the private parts of fronts, which turn them into their venue's texts. Prices
are ticks and quantities lots, as in ``sim.orders``; money is Decimal; ``ms`` is milliseconds since 1970 UTC.
"""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.orders import Reason, SelfTrade


class Refusal(StrEnum):
    """Why nothing was done. Fronts have their venue's code and words for each."""

    UNKNOWN_ORDER = "there is no such open order"
    DUPLICATE_CLIENT_ID = "an order with this client id is open"
    BAD_TICK = "the price is not a multiple of the tick"
    PRICE_TOO_LOW = "the price is below the lowest allowed"
    PRICE_TOO_HIGH = "the price is above the highest allowed"
    BAD_LOT = "the quantity is not a multiple of the lot"
    QUANTITY_TOO_SMALL = "the quantity is below the least allowed"
    QUANTITY_TOO_LARGE = "the quantity is above the most allowed"
    MARKET_QUANTITY_TOO_LARGE = "the quantity is above the most allowed at market"
    NOTIONAL_TOO_SMALL = "the value is below the least allowed"
    NOTIONAL_TOO_LARGE = "the value is above the most allowed"
    BAND_TOO_HIGH = "the price is above its band"
    BAND_TOO_LOW = "the price is below its band"
    TOO_MANY_ORDERS = "too many orders are open"
    INSUFFICIENT_FUNDS = "the balance does not suffice"
    INSUFFICIENT_MARGIN = "the margin does not suffice"
    POSITION_LIMIT = "the position would be too large for its leverage"
    POST_ONLY = "the order would take"
    FILL_OR_KILL = "the order cannot be filled at once as a whole"
    REDUCE_ONLY = "the order would not reduce the position"
    WOULD_TRIGGER = "the order would trigger at once"
    AMEND_NOT_ALLOWED = "this order cannot be amended so"
    NOTHING_CHANGED = "the amend changes nothing"
    BAD_LEVERAGE = "the leverage is out of range"
    MODE_UNCHANGED = "the margin mode is already so"
    MODE_WITH_ORDERS = "the margin mode cannot be changed while orders are open"
    MODE_WITH_POSITION = "the margin mode cannot be changed while a position is open"
    ISOLATED_LEVERAGE = "leverage cannot be reduced on an isolated position"


class Refused(JackbotError):
    """Nothing was done. ``amount`` is the bound that was broken, where there is one."""

    def __init__(self, refusal: Refusal, amount: Decimal | None = None) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.amount = amount


class TriggerPrice(StrEnum):
    """Which price sets a waiting order off."""

    LAST = "last"
    MARK = "mark"


class Trigger(Struct, frozen=True):
    """A price, in ticks, that sets an order off. ``rises``: when the market rises to it, else when it falls to it."""

    price: int
    by: TriggerPrice
    rises: bool
    takes_profit: bool = False


class OrderSpec(Struct, frozen=True, kw_only=True):
    """An order as a client asks for it. ``price`` None is a market order; ``quantity`` and ``price`` as on the wire,
    in base and quote units. ``cost`` instead of ``quantity``: how much quote currency a market order trades.
    ``close_position``: whatever the position is when the trigger strikes.
    """

    key: str
    side: Side
    quantity: Decimal = ZERO
    price: Decimal | None = None
    client_id: str = ""
    tif: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    self_trade: SelfTrade | None = None
    cost: Decimal | None = None
    trigger_price: Decimal | None = None
    trigger_by: TriggerPrice = TriggerPrice.LAST
    takes_profit: bool = False
    close_position: bool = False


class AccountOrder(Struct, gc=False):
    """An order as the exchange's back office keeps it. Only ``sim.accounts`` and its parts write it.

    ``order_id`` is the matching engine's; ``value`` is ticks times lots filled. ``waiting``: it waits for its trigger.
    ``reserved`` is what it locks of ``reserved_in`` on spot. ``child_id``: the order that followed from a trigger.
    """

    order_id: int
    account: int
    key: str
    kind: MarketKind
    client_id: str
    side: Side
    price: int
    quantity: int
    tif: TimeInForce
    post_only: bool
    reduce_only: bool
    self_trade: SelfTrade
    created_ms: int
    updated_ms: int
    status: OrderStatus = OrderStatus.NEW
    reason: Reason = Reason.NONE
    filled: int = 0
    value: int = 0
    is_market: bool = False
    trigger: Trigger | None = None
    waiting: bool = False
    close_position: bool = False
    is_liquidation: bool = False
    announced: bool = False
    reserved: Decimal = ZERO
    reserved_in: str = ""
    amendments: int = 0
    cost: Decimal | None = None
    child_id: int = 0

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        return self.status.is_open


class Fill(Struct, frozen=True):
    """One execution of a client's order. ``fee`` is positive when paid; ``profit`` is what it realised (perpetuals)."""

    trade_id: int
    order_id: int
    client_id: str
    account: int
    key: str
    side: Side
    price: int
    quantity: int
    ms: int
    is_maker: bool
    fee: Decimal
    fee_currency: str
    profit: Decimal


class OrderChange(StrEnum):
    NEW = "new"
    FILL = "fill"
    CANCELED = "canceled"
    EXPIRED = "expired"
    AMENDED = "amended"
    TRIGGERED = "triggered"


class OrderEvent(Struct, frozen=True):
    """``order`` is a picture of the moment. ``request_id``: the id a client gave to its cancel; on an amend that
    changes the client id, the former one.
    """

    ms: int
    change: OrderChange
    order: AccountOrder
    fill: Fill | None = None
    request_id: str = ""


class Holding(Struct, frozen=True):
    """A spot balance."""

    currency: str
    total: Decimal
    locked: Decimal

    @property
    def free(self) -> Decimal:
        return self.total - self.locked


class Wallet(Struct, frozen=True):
    """A wallet of derivatives: ``total`` with isolated margins, ``cross`` without; ``change`` since the last event,
    without profit and fees of trades.
    """

    currency: str
    total: Decimal
    cross: Decimal
    change: Decimal = ZERO


class PositionView(Struct, frozen=True):
    """One perpetual position at a moment. ``lots`` signed; prices and money in quote currency."""

    key: str
    account: int
    lots: int
    quantity: Decimal
    entry: Decimal
    break_even: Decimal
    mark: Decimal
    unrealized: Decimal
    realized: Decimal
    is_isolated: bool
    isolated_margin: Decimal
    leverage: Decimal
    initial_margin: Decimal
    order_margin: Decimal
    maintenance: Decimal
    liquidation: Decimal | None
    updated_ms: int
    buys: Decimal = ZERO
    sells: Decimal = ZERO


class BalanceEvent(Struct, frozen=True):
    """What changed for one account in one kind of market, absolute figures."""

    ms: int
    account: int
    kind: MarketKind
    cause: Cause
    holdings: tuple[Holding, ...] = ()
    wallets: tuple[Wallet, ...] = ()
    positions: tuple[PositionView, ...] = ()


class SettingEvent(Struct, frozen=True):
    """Leverage of an instrument was changed."""

    ms: int
    account: int
    key: str
    leverage: Decimal


class MarginCallEvent(Struct, frozen=True):
    """A position is about to be liquidated."""

    ms: int
    position: PositionView


AccountEvent = OrderEvent | BalanceEvent | SettingEvent | MarginCallEvent
