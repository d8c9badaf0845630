"""KuCoin's frames and replies as typed structs: the decoder turns decimal texts into floats while it reads them.

Prices and sizes must be at least 0 and finite: anything else makes a frame unreadable instead of poisoning a book. A
price of 0 is spot's placeholder for what is no level. Spot writes numbers as text, perpetuals as text or JSON numbers.
Fields that nobody reads are left out and skipped; their order is free. Field names are the venue's.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from jackbot_tui.model.numbers import float_text

Price = Annotated[float, Meta(ge=0, le=1e15)]
Size = Annotated[float, Meta(ge=0, le=1e18)]
Sequence = Annotated[int, Meta(ge=0, le=2**62)]
Time = Annotated[int, Meta(ge=0, le=2**62)]
Row = tuple[Price, Size]
Number = str | int | float
"""A number that comes as text here and as a JSON number there."""

NO_DATA = msgspec.Raw(b"null")


def written(number: Number) -> str:
    """The number as text, whether the venue wrote text or a JSON number."""
    return number if isinstance(number, str) else float_text(number) if isinstance(number, float) else str(number)


class Frame(Struct, gc=False):
    """Any frame: data of a ``topic`` (``type`` "message"), or an answer. ``data`` of an error is its text."""

    type: str = ""
    topic: str = ""
    subject: str = ""
    id: str | int = ""
    code: int | str = ""
    data: msgspec.Raw = NO_DATA


class SpotChanges(Struct, gc=False):
    """Price, absolute size and the number of each change."""

    asks: list[tuple[Price, Size, Sequence]] = []
    bids: list[tuple[Price, Size, Sequence]] = []


class SpotUpdate(Struct, gc=False):
    """``time`` in ms; recordings of 2021 have none."""

    sequenceStart: Sequence
    sequenceEnd: Sequence
    changes: SpotChanges
    time: Time = 0


class ContractUpdate(Struct, gc=False):
    """``change`` is ``price,side,contracts``; ``timestamp`` in ms."""

    sequence: Sequence
    change: str
    timestamp: Time = 0


class SpotTrade(Struct, gc=False):
    """One match. ``side`` is the taker's; ``time`` in ns; ``sequence`` counts trades and is nothing of the book's."""

    side: str
    price: str
    size: str
    tradeId: str
    time: Time


class ContractTrade(Struct, gc=False):
    """One match of ``size`` contracts. ``side`` is the taker's; ``ts`` in ns."""

    side: str
    price: Number
    size: Number
    tradeId: str
    ts: Time


class SpotTicker(Struct, gc=False):
    """Best prices at book number ``sequence``; texts, since a side may be empty. ``time`` in ms."""

    sequence: Sequence
    bestBid: str | None = None
    bestBidSize: str | None = None
    bestAsk: str | None = None
    bestAskSize: str | None = None
    time: Time = 0


class ContractBest(Struct, gc=False):
    """Best prices, sizes in contracts, ``ts`` in ns."""

    sequence: Sequence
    bestBidPrice: Number | None = None
    bestBidSize: Number | None = None
    bestAskPrice: Number | None = None
    bestAskSize: Number | None = None
    ts: Time = 0


class MarkAndIndex(Struct, gc=False):
    """Subject ``mark.index.price``, ``timestamp`` in ms."""

    markPrice: Price
    indexPrice: Price
    timestamp: Time = 0


class FundingRate(Struct, gc=False):
    """Subject ``funding.rate``: the rate of the coming funding every minute, the paid one at ``granularity`` hours."""

    fundingRate: Annotated[float, Meta(ge=-1, le=1)]
    granularity: int = 0


class Reply(Struct, gc=False):
    """Every REST reply: ``code`` "200000" is success, whatever HTTP says."""

    code: str | int
    data: msgspec.Raw = NO_DATA
    msg: str = ""


class SpotDepth(Struct, gc=False):
    """``time`` in ms."""

    sequence: Sequence
    bids: list[Row] | None = None
    asks: list[Row] | None = None
    time: Time = 0


class ContractDepth(Struct, gc=False):
    """Sizes in contracts, ``ts`` in ns."""

    sequence: Sequence
    bids: list[Row] | None = None
    asks: list[Row] | None = None
    ts: Time = 0


class Server(Struct, gc=False):
    """Where to connect to; intervals in ms."""

    endpoint: str
    pingInterval: Annotated[int, Meta(ge=1000, le=600_000)]
    protocol: str = "websocket"


class Bullet(Struct, gc=False):
    """Reply to the token request."""

    token: Annotated[str, Meta(min_length=1)]
    instanceServers: list[Server]


class Pair(Struct, gc=False):
    """One row of symbols; fee coefficients are factors of the tier's fee (the reply of 2021 has none)."""

    symbol: str
    quoteCurrency: str
    baseIncrement: str
    priceIncrement: str
    enableTrading: bool
    baseMinSize: str | None = None
    baseMaxSize: str | None = None
    minFunds: str | None = None
    makerFeeCoefficient: str = "1"
    takerFeeCoefficient: str = "1"
    callauctionIsEnabled: bool | None = None


class Contract(Struct, gc=False):
    """One row of contracts/active; sizes count contracts of ``multiplier`` base units, negative on inverse ones."""

    symbol: str
    baseCurrency: str
    quoteCurrency: str
    settleCurrency: str
    status: str
    multiplier: Number
    tickSize: Number
    lotSize: Number
    isInverse: bool = False
    expireDate: int | None = None
    maxOrderQty: Number | None = None
    marketMaxOrderQty: Number | None = None
    maxPrice: Number | None = None
    buyLimit: Number | None = None
    sellLimit: Number | None = None
    markPrice: Number | None = None
    makerFeeRate: Number | None = None
    takerFeeRate: Number | None = None
    maxLeverage: Number | None = None
    fundingRateGranularity: int | None = None
    currentFundingRateGranularity: int | None = None


UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign bytes may raise."""
