"""MEXC's JSON frames and replies as typed structs. Spot's data is binary and described in ``messages``.

Prices must be above 0, sizes at least 0, both finite: anything else makes a frame unreadable instead of poisoning a
book. Fields that nobody reads are left out and skipped. Field names are the venue's.
"""

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Price = Annotated[float, Meta(gt=0, le=1e15)]
Size = Annotated[float, Meta(ge=0, le=1e18)]
Rate = Annotated[float, Meta(ge=-1, le=1)]
Milliseconds = Annotated[int, Meta(ge=0, le=10**14)]
Version = Annotated[int, Meta(ge=0, le=10**18)]
Places = Annotated[int, Meta(ge=0, le=30)]
Row = tuple[Price, Size]

NO_DATA = msgspec.Raw(b"null")


class SpotAnswer(Struct, gc=False):
    """Answer to a spot request. ``code`` is 0 for a refused name too: ``msg`` repeats the name only on success."""

    msg: str
    code: int = 0


class SpotDepth(Struct, gc=False):
    """Spot's REST book."""

    lastUpdateId: Version
    bids: list[Row]
    asks: list[Row]
    timestamp: Milliseconds = 0


class SpotDepthTexts(Struct, gc=False):
    """The same as text, for the number of decimals that the venue pads to."""

    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class Frame(Struct, gc=False):
    """Any frame of the perpetuals' socket: data of a channel ``push.…``, an answer ``rs.…``, or a pong."""

    channel: str
    symbol: str = ""
    data: msgspec.Raw = NO_DATA
    ts: Milliseconds = 0


class ContractLevel(Struct, array_like=True, gc=False):
    """``[price, contracts, orders]``: only the first two are read."""

    price: Price
    contracts: Size


class ContractBook(Struct, gc=False):
    """Changed levels, or the whole of a REST book. A side that is left out is unchanged.

    Merged updates span ``begin`` to ``end``; older ones name ``version`` only, which is the last one of a span.
    """

    version: Version
    begin: Version = -1
    asks: list[ContractLevel] | None = None
    bids: list[ContractLevel] | None = None
    timestamp: Milliseconds = 0


class ContractDepth(Struct, gc=False):
    """REST book of a perpetual."""

    success: bool = True
    code: int = 0
    message: str = ""
    data: ContractBook | None = None


class ContractDeal(Struct, gc=False):
    """One match: ``v`` contracts, ``T`` the taker's side (1 bought, 2 sold), ``t`` in ms."""

    p: Decimal
    v: Decimal
    T: int
    t: Milliseconds = 0


class ContractTicker(Struct, gc=False):
    fairPrice: Price
    indexPrice: Price
    fundingRate: Rate | None = None
    timestamp: Milliseconds = 0


class Funding(Struct, gc=False):
    rate: Rate
    nextSettleTime: Milliseconds = 0


class ServerTime(Struct, gc=False):
    """``serverTime`` of spot, ``data`` of perpetuals."""

    serverTime: Milliseconds = 0
    data: Milliseconds = 0


class Filter(Struct, gc=False):
    """A price band of spot."""

    filterType: str = ""
    bidMultiplierUp: str = "0"
    askMultiplierDown: str = "0"


class Pair(Struct, gc=False):
    """One row of exchangeInfo: decimals, not steps; ``baseSizePrecision`` and ``quoteAmountPrecision`` are minima."""

    symbol: str
    status: str
    baseAsset: str
    quoteAsset: str
    baseAssetPrecision: Places
    quoteAssetPrecision: Places | None = None
    quotePrecision: Places | None = None
    isSpotTradingAllowed: bool = False
    tradeSideType: int = 1
    baseSizePrecision: str = "0"
    quoteAmountPrecision: str = "0"
    maxQuoteAmount: str = "0"
    makerCommission: str | None = None
    takerCommission: str | None = None
    filters: list[Filter] = []


class ExchangeInfo(Struct, gc=False):
    """Listings one by one, so that an odd one does not take the others along; ``code`` and ``msg`` of a refusal."""

    symbols: list[msgspec.Raw] = []
    code: int = 0
    msg: str = ""


class Contract(Struct, gc=False):
    """One row of contract/detail; volumes count contracts of ``contractSize`` base units. ``state`` 0 is enabled."""

    symbol: str
    baseCoin: str
    quoteCoin: str
    settleCoin: str
    contractSize: Decimal
    priceUnit: Decimal
    state: int
    volUnit: Decimal = Decimal(1)
    minVol: Decimal = Decimal(1)
    maxVol: Decimal = Decimal(0)
    maxLeverage: Decimal = Decimal(1)
    bidLimitPriceRate: Decimal = Decimal(0)
    askLimitPriceRate: Decimal = Decimal(0)
    makerFeeRate: Decimal = Decimal(0)
    takerFeeRate: Decimal = Decimal(0)
    isHidden: bool = False


class ContractList(Struct, gc=False):
    """``data`` is a list of contracts; a refusal has ``code`` and ``message``, mostly with HTTP status 200."""

    success: bool = True
    code: int = 0
    message: str = ""
    data: list[msgspec.Raw] | None = None


UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ArithmeticError, ValueError)
"""What decoding foreign bytes may raise; ArithmeticError for a number that Decimal refuses."""
