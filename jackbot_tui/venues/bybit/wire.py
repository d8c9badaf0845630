"""Bybit's frames and replies as typed structs: the decoder turns decimal texts into floats while it reads them.

Prices must be above 0, sizes at least 0, both finite: anything else makes a frame unreadable instead of poisoning a
book. Fields that nobody reads are left out and skipped; their order is free. Field names are the venue's.
"""

from typing import Annotated, final

import msgspec
from msgspec import Meta, Struct

Price = Annotated[float, Meta(gt=0, le=1e15)]
Size = Annotated[float, Meta(ge=0, le=1e18)]
Levels = list[tuple[Price, Size]]


@final
class Body(Struct, gc=False):
    """``data`` of a book topic (``s`` to ``u``) or of a ticker (the rest; a ticker's delta names changed ones only)."""

    s: str = ""
    b: Levels = []
    a: Levels = []
    u: int = -1
    markPrice: str = ""
    indexPrice: str = ""
    fundingRate: str = ""
    nextFundingTime: str = ""
    bid1Price: str = ""
    bid1Size: str = ""
    ask1Price: str = ""
    ask1Size: str = ""


@final
class TradeRow(Struct, gc=False):
    """One public trade. ``S`` is the taker's side; a block trade (``BT``) did not go through the book."""

    s: str
    T: int
    S: str
    v: str
    p: str
    i: str
    BT: bool = False


class Frame(Struct, gc=False):
    """Any frame: data under a ``topic``, or an answer to a request under ``op``."""

    topic: str = ""
    type: str = ""
    ts: int = 0
    cts: int = 0
    data: Body | list[TradeRow] | None = None
    success: bool | None = None
    ret_msg: str = ""
    req_id: str | int = ""
    op: str = ""


class LevelTexts(Struct, gc=False):
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]


class BookTexts(Struct, gc=False):
    """A book snapshot as text, for the number of decimals that the venue pads to."""

    data: LevelTexts


class PriceFilter(Struct, gc=False):
    tickSize: str
    minPrice: str = "0"
    maxPrice: str = "0"


class LotSizeFilter(Struct, gc=False):
    """Linear: ``qtyStep`` … ``minNotionalValue``; spot: ``basePrecision`` … ``minOrderAmt``."""

    minOrderQty: str = "0"
    qtyStep: str = ""
    basePrecision: str = ""
    maxOrderQty: str = "0"
    maxLimitOrderQty: str = ""
    maxMktOrderQty: str = ""
    maxMarketOrderQty: str = ""
    minNotionalValue: str = "0"
    minOrderAmt: str = ""
    maxOrderAmt: str = "0"


class LeverageFilter(Struct, gc=False, frozen=True):
    maxLeverage: str = "1"


class RiskParameters(Struct, gc=False, frozen=True):
    priceLimitRatioX: str = "0"


class Listing(Struct, gc=False):
    symbol: str
    status: str
    baseCoin: str
    quoteCoin: str
    priceFilter: PriceFilter
    lotSizeFilter: LotSizeFilter
    contractType: str = ""
    settleCoin: str = ""
    leverageFilter: LeverageFilter = LeverageFilter()
    fundingInterval: int = 0
    riskParameters: RiskParameters = RiskParameters()


class ListingPage(Struct, gc=False):
    """Listings one by one, so that an odd one does not take the others along."""

    listings: list[msgspec.Raw] = msgspec.field(name="list", default_factory=list)
    nextPageCursor: str = ""


class InstrumentsReply(Struct, gc=False):
    """``retCode`` 0 is success; HTTP says 200 for errors too."""

    retCode: int
    retMsg: str = ""
    result: ListingPage | None = None


UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign bytes may raise."""
