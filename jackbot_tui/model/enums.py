"""Closed sets of words used everywhere. Values are the text in the journal and on the wire of our own socket."""

from enum import StrEnum


class MarketKind(StrEnum):
    """Kind of market. ``LINEAR`` is a perpetual settled in its quote currency."""

    SPOT = "spot"
    LINEAR = "linear"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell: the sign a fill gives to a position."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"


class TriggerBy(StrEnum):
    """Which price wakes an order that waits for a trigger."""

    LAST = "last"  # the last trade
    MARK = "mark"  # the mark price, perpetuals only


class DifferenceRule(StrEnum):
    """What a person may do about a difference between our books and the venue's."""

    ADOPT = "adopt"  # it becomes ours
    CLOSE = "close"  # it is canceled or closed at the venue
    IGNORE = "ignore"  # it stays, and is warned about no more


class TimeInForce(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class Liquidity(StrEnum):
    MAKER = "maker"
    TAKER = "taker"


class OrderStatus(StrEnum):
    """Life of an order (DESIGN: NautilusTrader and FIX use the same moves under other names)."""

    PENDING_NEW = "pending_new"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    PENDING_UNKNOWN = "pending_unknown"

    @property
    def is_open(self) -> bool:
        """True while the order may still be filled (an unknown fate counts as open)."""
        return self not in _CLOSED


_CLOSED = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED})


class BookState(StrEnum):
    """Whether a local order book may be believed. Only ``LIVE`` may price an order."""

    EMPTY = "empty"  # nothing received yet
    SYNCING = "syncing"  # buffering updates until a snapshot bridges them
    LIVE = "live"
    STALE = "stale"  # in sequence, but silent for longer than the venue's limit
    DOWN = "down"  # connection lost


class Mode(StrEnum):
    """What the console's orders touch. Shown in unmistakable form on every screen."""

    PAPER = "paper"  # real market data, simulated fills
    SIM = "sim"  # the embedded exchange, simulated fills
    REPLAY = "replay"  # recorded market data, simulated fills
    LIVE = "live"  # a real account
