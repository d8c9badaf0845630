"""Binance's frames and replies as typed structs: the decoder turns decimal texts into floats while it reads them.

Prices must be above 0, sizes at least 0, both finite (NaN is neither): anything else makes a frame unreadable instead
of poisoning a book. Fields that nobody reads are left out and skipped. Field names are the venue's.
"""

from typing import Annotated, final

import msgspec
from msgspec import Meta, Struct

Price = Annotated[float, Meta(gt=0, le=1e15)]
Size = Annotated[float, Meta(ge=0, le=1e18)]
Levels = list[tuple[Price, Size]]


@final
class DepthUpdate(Struct, gc=False, tag_field="e", tag="depthUpdate"):
    """Changed levels. ``pu``, the ``u`` of the event before, exists on USD-M only.

    The symbol is left to the stream's name: in an envelope it is the same for ever.
    """

    E: int
    U: int
    u: int
    b: Levels
    a: Levels
    pu: int = -1


class TradeEvent(Struct, gc=False, tag_field="e", tag="trade"):
    """One match. ``X`` (USD-M): only MARKET trades went through the book."""

    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool
    X: str = "MARKET"


class AggTradeEvent(Struct, gc=False, tag_field="e", tag="aggTrade"):
    """Matches of one taker order at one price."""

    s: str
    a: int
    p: str
    q: str
    T: int
    m: bool


class BookTickerEvent(Struct, gc=False, tag_field="e", tag="bookTicker"):
    """Best bid and ask, as USD-M sends it."""

    u: int
    s: str
    b: Price
    B: Size
    a: Price
    A: Size
    T: int = 0


class MarkPriceEvent(Struct, gc=False, tag_field="e", tag="markPriceUpdate"):
    """``p`` mark, ``i`` index, ``r`` funding rate estimate ("" where there is none), ``T`` next funding time (ms)."""

    E: int
    s: str
    p: Price
    i: Price
    r: str
    T: int


class ServerShutdown(Struct, gc=False, tag_field="e", tag="serverShutdown"):
    """The server will close this connection soon."""

    E: int = 0


class BareDepthUpdate(Struct, gc=False, tag_field="e", tag="depthUpdate"):
    """Changed levels in a frame that has no stream name."""

    E: int
    s: str
    U: int
    u: int
    b: Levels
    a: Levels
    pu: int = -1


class Envelope(Struct, gc=False):
    """A frame of a combined stream."""

    stream: str
    data: DepthUpdate | TradeEvent | AggTradeEvent | BookTickerEvent | MarkPriceEvent | ServerShutdown


BareEvent = BareDepthUpdate | TradeEvent | AggTradeEvent | BookTickerEvent | MarkPriceEvent | ServerShutdown
"""A frame of a raw stream."""


class SpotBookTicker(Struct, gc=False):
    """Best bid and ask, as spot sends it: without event name and time."""

    u: int
    s: str
    b: Price
    B: Size
    a: Price
    A: Size


class Problem(Struct, gc=False):
    code: int | str = ""
    msg: str = ""


class Control(Struct, gc=False):
    """Answers to our requests: ``result`` for an acknowledgement, else an error in one of two shapes."""

    id: int | str | None = None
    result: object = None
    code: int | None = None
    msg: str = ""
    error: Problem | None = None


class DepthSnapshot(Struct, gc=False):
    """REST depth. ``E`` exists on USD-M only. Texts are kept: they show how many decimals the venue pads to."""

    lastUpdateId: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    E: int = 0


class Filter(Struct, gc=False):
    """One filter of exchangeInfo; each type uses some of the fields (binance.md §10)."""

    filterType: str
    minPrice: str = "0"
    maxPrice: str = "0"
    tickSize: str = "0"
    minQty: str = "0"
    maxQty: str = "0"
    stepSize: str = "0"
    minNotional: str = "0"
    maxNotional: str = "0"
    notional: str = "0"
    limit: int = 0
    maxNumOrders: int = 0
    multiplierUp: str = "0"
    multiplierDown: str = "0"
    bidMultiplierUp: str = "0"
    bidMultiplierDown: str = "0"
    askMultiplierUp: str = "0"
    askMultiplierDown: str = "0"


class SymbolInfo(Struct, gc=False):
    symbol: str
    status: str
    baseAsset: str
    quoteAsset: str
    filters: list[Filter]
    marginAsset: str = ""
    contractType: str = ""
    isSpotTradingAllowed: bool = True


class ExchangeInfo(Struct, gc=False):
    """Listings one by one, so that an odd one does not take the others along."""

    symbols: list[msgspec.Raw]


UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign bytes may raise."""
