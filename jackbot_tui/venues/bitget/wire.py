"""Bitget's frames and replies as typed structs: the decoder turns decimal texts into floats while it reads them.

Prices must be above 0, sizes at least 0, both finite: anything else makes a frame unreadable instead of poisoning a
book. Fields that nobody reads are left out and skipped. Field names are the venue's; whole numbers may come as text.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Price = Annotated[float, Meta(gt=0, le=1e15)]
Size = Annotated[float, Meta(ge=0, le=1e18)]
Milliseconds = Annotated[int, Meta(ge=0, le=10**15)]
BookId = Annotated[int, Meta(ge=0)]
Levels = list[tuple[Price, Size]]

NO_DATA = msgspec.Raw(b"null")


class Arg(Struct, gc=False):
    """What a frame belongs to; ``instType`` is ``spot``, ``usdt-futures`` (same symbols) or ``usdc-futures``."""

    instType: str = ""
    topic: str = ""
    symbol: str = ""


class Frame(Struct, gc=False):
    """Any frame: data of a topic, or an answer with an ``event``. ``ts`` is when it was pushed."""

    arg: Arg | None = None
    action: str = ""
    data: msgspec.Raw = NO_DATA
    ts: Milliseconds = 0
    event: str = ""
    code: str | int = ""
    msg: str = ""


class Book(Struct, gc=False):
    """Levels of a snapshot or an update. ``pseq`` is the ``seq`` before; 0 in a snapshot and after a renumbering.

    ``checksum`` was taken away in 2026: absent or 0.
    """

    a: Levels
    b: Levels
    seq: BookId
    pseq: BookId = 0
    ts: Milliseconds = 0
    checksum: int = 0


class BookTexts(Struct, gc=False):
    """The same levels as they were written."""

    a: list[tuple[str, str]]
    b: list[tuple[str, str]]


class TradeRow(Struct, gc=False):
    """One public trade; ``S`` is the taker's side."""

    p: str
    v: str
    S: str
    T: Milliseconds
    i: str


class TickerRow(Struct, gc=False):
    """Best prices and, of a perpetual, mark, index and funding; "" where there is none."""

    bid1Price: str = ""
    bid1Size: str = ""
    ask1Price: str = ""
    ask1Size: str = ""
    markPrice: str = ""
    indexPrice: str = ""
    fundingRate: str = ""
    nextFundingTime: str = ""


class Listing(Struct, gc=False):
    """One row of market/instruments. Multipliers are the steps; where absent, the precision counts decimals."""

    symbol: str
    category: str
    status: str
    baseCoin: str
    quoteCoin: str
    pricePrecision: str
    quantityPrecision: str
    priceMultiplier: str = ""
    quantityMultiplier: str = ""
    minOrderQty: str = ""
    maxOrderQty: str = ""
    maxMarketOrderQty: str = ""
    minOrderAmount: str = ""
    buyLimitPriceRatio: str = ""
    sellLimitPriceRatio: str = ""
    makerFeeRate: str = ""
    takerFeeRate: str = ""
    maxLeverage: str = ""
    fundInterval: str = ""
    type: str = ""
    isRwa: Any = None
    isReality: Any = None


class Reply(Struct, gc=False):
    """A REST reply; ``data`` one by one, so that an odd row does not take the others along."""

    code: str
    msg: str = ""
    data: list[msgspec.Raw] | None = None


UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign bytes may raise."""
