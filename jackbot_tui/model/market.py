"""Canonical market events: what every venue codec turns raw frames into.

All are immutable and cheap. ``key`` is the instrument's key; ``ts_event`` is the exchange's time and ``ts_recv`` the
local receive time, both nanoseconds since 1970 UTC (``ts_event`` is 0 where the venue sends none). Levels are
``(price, size)`` floats, sizes in base units; size 0 deletes a level.
"""

from msgspec import Struct

from jackbot_tui.model.enums import Side

Level = tuple[float, float]

LevelTexts = tuple[list[tuple[str, str]], list[tuple[str, str]]]
"""Bids and asks as ``(price, size)`` in the venue's own texts, in the order of the event's levels."""


class BookSnapshot(Struct, frozen=True, gc=False):
    """The whole book (to the venue's depth). Replaces everything known before.

    ``price_decimals``/``size_decimals`` are the padded decimal places of the venue's own text, or -1 where it does
    not pad; they let a level be printed again exactly as the venue wrote it.

    ``checksum`` is the venue's checksum of its book, None where it sent none; ``texts`` come with it where the spec
    names a checksum of ``book.checksums``.
    """

    key: str
    ts_event: int
    ts_recv: int
    last_id: int
    bids: list[Level]
    asks: list[Level]
    price_decimals: int = -1
    size_decimals: int = -1
    checksum: int | None = None
    texts: LevelTexts | None = None


class BookDelta(Struct, frozen=True, gc=False):
    """Changed levels. ``first_id``/``last_id``/``prev_id`` are the venue's update ids, -1 where it has none.

    ``checksum`` and ``texts`` as in ``BookSnapshot``: the checksum is that of the book after this update.
    """

    key: str
    ts_event: int
    ts_recv: int
    first_id: int
    last_id: int
    prev_id: int
    bids: list[Level]
    asks: list[Level]
    checksum: int | None = None
    texts: LevelTexts | None = None


class Trade(Struct, frozen=True, gc=False):
    """A public trade. ``side`` is the aggressor's. The texts are the venue's decimals, ``size_text`` in base units."""

    key: str
    ts_event: int
    ts_recv: int
    trade_id: str
    side: Side
    price: float
    size: float
    price_text: str
    size_text: str


class BookTicker(Struct, frozen=True, gc=False):
    """Best bid and ask as the venue publishes them apart from its book."""

    key: str
    ts_event: int
    ts_recv: int
    update_id: int
    bid: float
    bid_size: float
    ask: float
    ask_size: float


class MarkPrice(Struct, frozen=True, gc=False):
    """Mark price of a perpetual, its index, funding rate estimate (fraction per interval), next funding time (ns)."""

    key: str
    ts_event: int
    ts_recv: int
    mark: float
    index: float
    funding_rate: float
    next_funding_ns: int


class SubscriptionAck(Struct, frozen=True, gc=False):
    """The venue confirmed request ``request_id``."""

    request_id: int


class VenueNotice(Struct, frozen=True, gc=False):
    """An error or service message in the stream. ``kind``: error, shutdown, maintenance. ``request_id`` -1: none."""

    kind: str
    code: str
    message: str
    request_id: int = -1


class UnknownFrame(Struct, frozen=True, gc=False):
    """A frame the codec does not know: counted and kept for inspection, never fatal."""

    raw: str
    reason: str


MarketEvent = BookSnapshot | BookDelta | Trade | BookTicker | MarkPrice
ControlEvent = SubscriptionAck | VenueNotice | UnknownFrame
FeedEvent = MarketEvent | ControlEvent
