"""OKX's frames and replies as typed structs: the decoder turns decimal texts into floats while it reads them.

Prices must be above 0, sizes at least 0, both finite: anything else makes a frame unreadable instead of poisoning a
book. Fields that nobody reads are left out and skipped. Field names are the venue's; whole numbers may come as text.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Price = Annotated[float, Meta(gt=0, le=1e15)]
Size = Annotated[float, Meta(ge=0, le=1e18)]
Row = tuple[Price, Size, Any, Any]
"""A level: price, size, always "0", number of orders."""

TextRow = tuple[str, str, Any, Any]


NO_DATA = msgspec.Raw(b"null")


class Arg(Struct, gc=False):
    """What a frame belongs to."""

    channel: str = ""
    instId: str = ""


class Frame(Struct, gc=False):
    """Any frame: data of a channel, or an answer or notice with an ``event``."""

    arg: Arg | None = None
    action: str = ""
    data: msgspec.Raw = NO_DATA
    event: str = ""
    id: str = ""
    code: str = ""
    msg: str = ""


class Book(Struct, gc=False):
    """Levels of a snapshot or an update. Before 2023 there were no ids; since 2026-06-23 ``checksum`` is always 0."""

    bids: list[Row]
    asks: list[Row]
    ts: int
    seqId: int = -1
    prevSeqId: int = -1
    checksum: int = 0


class BookTexts(Struct, gc=False):
    """The same levels as they were written."""

    bids: list[TextRow]
    asks: list[TextRow]


class TradeRow(Struct, gc=False):
    """Matches of one taker order at one price; ``sz`` in contracts on swaps, ``side`` the taker's."""

    instId: str
    tradeId: str
    px: str
    sz: str
    side: str
    ts: int


class TickerRow(Struct, gc=False):
    """Best bid and ask of ``tickers``: "" where a side is empty."""

    instId: str
    bidPx: str
    bidSz: str
    askPx: str
    askSz: str
    ts: int


class MarkRow(Struct, gc=False):
    instId: str
    markPx: Price
    ts: int


class IndexRow(Struct, gc=False):
    instId: str
    idxPx: Price
    ts: int


class FundingRow(Struct, gc=False):
    """``fundingRate`` of the period that ends at ``fundingTime`` (ms)."""

    instId: str
    fundingRate: str
    fundingTime: int


class Listing(Struct, gc=False):
    """One row of public/instruments. Contract values exist on swaps only; sizes there count contracts."""

    instId: str
    instType: str
    state: str
    tickSz: str
    lotSz: str
    minSz: str
    baseCcy: str = ""
    quoteCcy: str = ""
    settleCcy: str = ""
    uly: str = ""
    ctType: str = ""
    ctVal: str = ""
    ctMult: str = ""
    ctValCcy: str = ""
    lever: str = ""
    maxLmtSz: str = ""
    maxMktSz: str = ""
    instCategory: str = ""


class Reply(Struct, gc=False):
    """A REST reply; ``data`` one by one, so that an odd row does not take the others along."""

    code: str
    data: list[msgspec.Raw]
    msg: str = ""


UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign bytes may raise."""
