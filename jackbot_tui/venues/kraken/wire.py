"""Kraken's frames and replies as typed structs: spot's WebSocket v2, the derivatives' v1, both instrument lists.

Numbers are JSON numbers. Prices must be above 0, sizes at least 0, both finite: anything else makes a frame unreadable
instead of poisoning a book. Fields that nobody reads are left out and skipped. Field names are the venue's.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Price = Annotated[float, Meta(gt=0, le=1e15)]
Size = Annotated[float, Meta(ge=0, le=1e18)]

NO_DATA = msgspec.Raw(b"null")

# ---------------------------------------------------------------------- spot, v2


class Level(Struct, gc=False):
    price: Price
    qty: Size


class LevelText(Struct, gc=False):
    """The same level undecoded; a number without a point comes as an integer."""

    price: Any
    qty: Any


class Book(Struct, gc=False):
    """One symbol's book or changes of it; ``checksum`` is that of the book after them."""

    symbol: str
    bids: list[Level]
    asks: list[Level]
    checksum: int | None = None
    timestamp: datetime | None = None


class BookTexts(Struct, gc=False):
    bids: list[LevelText]
    asks: list[LevelText]


class SpotTrade(Struct, gc=False):
    """``side`` is the taker's."""

    symbol: str
    side: str
    price: Decimal
    qty: Decimal
    trade_id: int
    timestamp: datetime


class SpotTicker(Struct, gc=False):
    symbol: str
    bid: Price
    bid_qty: Size
    ask: Price
    ask_qty: Size


class Status(Struct, gc=False):
    """State of the trading engine: online, cancel_only, maintenance, post_only, limit_only."""

    system: str


class SpotFrame(Struct, gc=False):
    """Any frame: data of a ``channel``, or the answer to a ``method``."""

    channel: str = ""
    type: str = ""
    data: msgspec.Raw = NO_DATA
    method: str = ""
    req_id: int = -1
    success: bool | None = None
    error: str = ""
    symbol: str = ""


# ---------------------------------------------------------------------- derivatives, v1


class FuturesBookSnapshot(Struct, gc=False, tag_field="feed", tag="book_snapshot"):
    product_id: str
    timestamp: int
    seq: int
    bids: list[Level]
    asks: list[Level]


class FuturesBook(Struct, gc=False, tag_field="feed", tag="book"):
    """One changed level."""

    product_id: str
    side: str
    seq: int
    price: Price
    qty: Size
    timestamp: int


class FuturesTrade(Struct, gc=False, tag_field="feed", tag="trade"):
    """``side`` is the taker's; ``type``: fill, liquidation, termination, block, assignment."""

    product_id: str
    uid: str
    side: str
    type: str
    time: int
    qty: Decimal
    price: Decimal


class FuturesTicker(Struct, gc=False, tag_field="feed", tag="ticker"):
    """``relative_funding_rate`` is a fraction per hour, ``next_funding_rate_time`` in ms. Dated contracts lack both."""

    product_id: str
    time: int
    markPrice: Price
    index: Annotated[float, Meta(ge=0, le=1e15)] = 0.0
    relative_funding_rate: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    next_funding_rate_time: int = 0
    bid: float = 0.0
    bid_size: Size = 0.0
    ask: float = 0.0
    ask_size: Size = 0.0


FuturesFeed = FuturesBookSnapshot | FuturesBook | FuturesTrade | FuturesTicker


class FuturesEvent(Struct, gc=False):
    """An answer or notice, or a feed that nobody here reads. There are no request ids."""

    event: str = ""
    feed: str = ""
    product_ids: list[str] = []
    message: str = ""


# ---------------------------------------------------------------------- instrument lists


class AssetPair(Struct, gc=False):
    """One row of AssetPairs. ``tick_size``, ``costmin`` and ``status`` are absent in old replies."""

    base: str
    quote: str
    pair_decimals: int
    lot_decimals: int
    wsname: str = ""
    ordermin: str = "0"
    costmin: str = "0"
    tick_size: str = ""
    status: str = "online"
    fees: list[tuple[float, float]] = []
    fees_maker: list[tuple[float, float]] = []


class AssetPairs(Struct, gc=False):
    """Rows one by one, so that an odd one does not take the others along."""

    error: list[str]
    result: dict[str, msgspec.Raw] = {}


class MarginLevel(Struct, gc=False):
    initialMargin: Decimal


class Product(Struct, gc=False):
    """One row of the derivatives' instruments. ``contractValueTradePrecision`` may be negative: lots of 10, 100 …"""

    symbol: str
    type: str
    tradeable: bool
    tickSize: Decimal = Decimal(0)
    contractSize: Decimal = Decimal(0)
    contractValueTradePrecision: Decimal = Decimal(0)
    base: str = ""
    quote: str = ""
    marginLevels: list[MarginLevel] = []


class Products(Struct, gc=False):
    result: str
    instruments: list[msgspec.Raw] = []
    error: str = ""


UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign bytes may raise."""
