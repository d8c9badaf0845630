"""What a line of the command language means, as immutable values.

The parser makes them, ``language.explain`` writes them back as canonical text, the desk carries them out, the journal
keeps the text. Nothing here knows prices, orders or clients: ``bid+1t`` stays that until the desk resolves it.
"""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from jackbot_tui.algos.state import Action, Kind
from jackbot_tui.model.enums import DifferenceRule, Side, TimeInForce, TriggerBy
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.numbers import ZERO


class SizeUnit(StrEnum):
    """How a size was said."""

    BASE = "base"  # base units
    QUOTE = "quote"  # quote currency to spend
    PERCENT = "percent"  # of equity for an order, of the position for a close
    POSITION = "position"  # the whole position
    HALF = "half"  # half of the position
    PRESET = "preset"  # the client's preset with this number


class Size(Struct, frozen=True):
    """``value`` is in the unit's own measure and 0 for ``POSITION`` and ``HALF``."""

    unit: SizeUnit
    value: Decimal = ZERO


class PriceRef(StrEnum):
    """What a price is counted from."""

    NONE = "none"  # an absolute price
    BID = "bid"
    ASK = "ask"
    MID = "mid"
    LAST = "last"
    MARK = "mark"
    ENTRY = "entry"  # average entry of the position
    CUR = "cur"  # the ladder cursor
    NEAR = "near"  # a bare offset: best bid for a buy, best ask for a sell
    OWN = "own"  # a bare offset in ``move``: the order's own price


class OffsetUnit(StrEnum):
    PRICE = ""
    TICKS = "t"
    PERCENT = "%"
    BASIS_POINTS = "bp"


class Price(Struct, frozen=True):
    """``value`` is the absolute price for ``PriceRef.NONE`` and the signed offset in ``unit`` otherwise."""

    ref: PriceRef
    value: Decimal = ZERO
    unit: OffsetUnit = OffsetUnit.PRICE


class CancelScope(StrEnum):
    ALL = "all"
    BUYS = "buys"
    SELLS = "sells"
    LAST = "last"
    NUMBERS = "numbers"


class Topic(StrEnum):
    """What can be shown without changing anything."""

    STATUS = "status"
    POSITIONS = "positions"
    ORDERS = "orders"
    FILLS = "fills"
    BOOK = "book"
    LIMITS = "limits"
    CONNECTIONS = "connections"
    PARENTS = "parents"
    HONESTY = "honesty"
    RECONCILE = "reconcile"
    ACCOUNT = "account"
    KILLED = "killed"


class ReplayAction(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    STEP = "step"
    SPEED = "speed"


class PlaceOrder(Struct, frozen=True, kw_only=True, tag="order"):
    """``price`` None: a market order. ``slip_ticks`` None: the client's own slip. ``key`` "": the active symbol.

    With a ``trigger`` it waits at the venue for it; ``trigger_by`` None: for the price that the venue usually means.
    """

    side: Side
    size: Size
    key: str = ""
    price: Price | None = None
    post: bool = False
    reduce: bool = False
    tif: TimeInForce = TimeInForce.GTC
    slip_ticks: int | None = None
    trigger: Price | None = None
    trigger_by: TriggerBy | None = None
    take_profit: bool = False


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """``key`` "" is every instrument."""

    scope: CancelScope
    numbers: tuple[int, ...] = ()
    key: str = ""


class Move(Struct, frozen=True, kw_only=True, tag="move"):
    """``number`` 0 is the newest working order; a value that is None stays as it is."""

    number: int
    price: Price | None = None
    quantity: Decimal | None = None


class Close(Struct, frozen=True, kw_only=True, tag="close"):
    size: Size
    key: str = ""


class Flatten(Struct, frozen=True, kw_only=True, tag="flatten"):
    everything: bool = False
    key: str = ""


class Reverse(Struct, frozen=True, kw_only=True, tag="reverse"):
    key: str = ""


class StartParent(Struct, frozen=True, kw_only=True, tag="parent"):
    """A parent order. ``values`` are what was said, in the table's order: PRICE words, else canonical texts.

    ``side`` None: that which takes the position off (``smart position``); ``size`` is then a part of the position.
    """

    kind: Kind
    side: Side | None
    size: Size
    key: str = ""
    values: tuple[tuple[str, str], ...] = ()


class SteerParent(Struct, frozen=True, kw_only=True, tag="steer_parent"):
    """Resume, finish or edit a parent order: these may send orders. ``quantity`` None stays as it is."""

    action: Action
    number: int
    quantity: Decimal | None = None
    values: tuple[tuple[str, str], ...] = ()


class StopParent(Struct, frozen=True, kw_only=True, tag="stop_parent"):
    """Pause or cancel a parent order, ``number`` 0: all. Always allowed, as cancels are."""

    action: Action
    number: int


class Arm(Struct, frozen=True, kw_only=True, tag="arm"):
    """``duration_ns`` 0 takes the usual time."""

    duration_ns: int = 0
    market: bool = False


class Disarm(Struct, frozen=True, tag="disarm"):
    pass


class Kill(Struct, frozen=True, tag="kill"):
    flatten: bool = False


class KillReset(Struct, frozen=True, tag="kill_reset"):
    pass


class Take(Struct, frozen=True, tag="take"):
    pass


class SelectSymbol(Struct, frozen=True, tag="sym"):
    key: str


class SetQuantity(Struct, frozen=True, tag="size"):
    quantity: Decimal


class Preset(Struct, frozen=True, tag="preset"):
    """Select preset ``number`` (1..5), or store ``quantity`` in it as well when given."""

    number: int
    quantity: Decimal | None = None


class Group(Struct, frozen=True, tag="group"):
    ticks: int


class Slip(Struct, frozen=True, tag="slip"):
    """Slip bound of market orders in ticks; 0 = none."""

    ticks: int


class FlagName(StrEnum):
    POST = "post"
    REDUCE = "reduce"


class SetLeverage(Struct, frozen=True, tag="leverage"):
    """``key`` "" is the active symbol."""

    leverage: Decimal
    key: str = ""


class SetMarginMode(Struct, frozen=True, tag="margin"):
    mode: MarginMode
    key: str = ""


class Toggle(Struct, frozen=True, tag="toggle"):
    """``on`` None turns the flag over."""

    flag: FlagName
    on: bool | None = None


class Show(Struct, frozen=True, kw_only=True, tag="show"):
    """``count`` 0 takes the usual number of rows; ``key`` "" is the active symbol (``book``) or all."""

    topic: Topic
    count: int = 0
    key: str = ""


class Settle(Struct, frozen=True, kw_only=True, tag="settle"):
    """What shall become of differences to the venue. ``rule`` None: all of them, each by its rule in the settings."""

    rule: DifferenceRule | None = None
    numbers: tuple[int, ...] = ()


class Why(Struct, frozen=True, tag="why"):
    """``fill`` is a trade id, an order's number for all of its fills, or "" for the newest fill."""

    fill: str = ""


class JournalNote(Struct, frozen=True, tag="journal_note"):
    text: str


class JournalTag(Struct, frozen=True, tag="journal_tag"):
    text: str


class PriceNote(Struct, frozen=True, kw_only=True, tag="price_note"):
    price: Decimal
    text: str


class Replay(Struct, frozen=True, kw_only=True, tag="replay"):
    """``value``: frames to step, or the speed factor (0 = as fast as possible)."""

    action: ReplayAction
    value: Decimal = ZERO


class Record(Struct, frozen=True, tag="record"):
    start: bool


class Export(Struct, frozen=True, tag="export"):
    """Write today's orders and fills (UTC day) to files beside the journal."""


class SetOption(Struct, frozen=True, kw_only=True, tag="set"):
    """``name`` "" lists the options. ``value`` is a whole number in the option's own unit."""

    name: str = ""
    value: int = 0


class Help(Struct, frozen=True, tag="help"):
    topic: str = ""


class Quit(Struct, frozen=True, tag="quit"):
    pass


class Paper(Struct, frozen=True, tag="paper"):
    pass


class GoLive(Struct, frozen=True, tag="live"):
    pass


class ScreenOnly(Struct, frozen=True, kw_only=True, tag="screen"):
    """A word that only a screen can carry out (``theme``, ``center``…): it intercepts these, the engine says so."""

    verb: str
    rest: str = ""


class Unavailable(Struct, frozen=True, kw_only=True, tag="unavailable"):
    """A word of the language that this version does not carry out; never executed."""

    verb: str
    rest: str = ""


Command = (
    PlaceOrder
    | Cancel
    | Move
    | Close
    | Flatten
    | Reverse
    | StartParent
    | SteerParent
    | StopParent
    | Arm
    | Disarm
    | Kill
    | KillReset
    | Take
    | SelectSymbol
    | SetQuantity
    | Preset
    | Group
    | Slip
    | SetLeverage
    | SetMarginMode
    | Toggle
    | Show
    | Settle
    | Why
    | JournalNote
    | JournalTag
    | PriceNote
    | Replay
    | Record
    | Export
    | SetOption
    | Help
    | Quit
    | Paper
    | GoLive
    | ScreenOnly
    | Unavailable
)

RISK_CARRYING = (PlaceOrder, Move, Close, Flatten, Reverse, StartParent, SteerParent)
"""Commands that can change a position or put an order in the market: guarded by arming, pen and confirms."""

READ_ONLY = (Show, Why, Help, Paper)
"""Commands that change nothing: everybody may say them and they are not journaled."""
