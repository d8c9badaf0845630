"""Crypto.com's frames and replies as typed structs: the decoder turns decimal texts into floats while it reads them.

Prices must be above 0, sizes at least 0, both finite: anything else makes a frame unreadable instead of poisoning a
book. Fields that nobody reads are left out and skipped. Field names are the venue's.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Price = Annotated[float, Meta(gt=0, le=1e15)]
Size = Annotated[float, Meta(ge=0, le=1e18)]


class Row(Struct, gc=False, array_like=True):
    """A level. What follows the size, the count of orders, may be 0 on a live level and is not read."""

    price: Price
    size: Size


class Update(Struct, gc=False):
    asks: list[Row] = []
    bids: list[Row] = []


class Datum(Struct, gc=False):
    """One entry of ``data``: a book (``asks`` to ``pu``), a trade (``d p q s``), a ticker (``b bs k ks``) or a value.

    ``t`` is the time of publishing, ``tt`` that of the book (ms). ``v`` is the value of mark, index and funding.
    """

    asks: list[Row] | None = None
    bids: list[Row] | None = None
    update: Update | None = None
    u: int = -1
    pu: int = -1
    t: int = 0
    tt: int = 0
    d: str = ""
    p: str = ""
    q: str = ""
    s: str = ""
    b: str | None = None
    bs: str | None = None
    k: str | None = None
    ks: str | None = None
    v: str | None = None


class Result(Struct, gc=False):
    """``depth`` is that of the book that was subscribed to."""

    channel: str = ""
    instrument_name: str = ""
    subscription: str = ""
    depth: int = 0
    data: list[Datum] = []


class Frame(Struct, gc=False):
    """Any frame. Pushed data has id -1; the first answer to a subscription may carry the request's id and data."""

    method: str = ""
    id: int = -1
    code: int = 0
    message: str = ""
    result: Result | None = None


class LevelTexts(Struct, gc=False):
    bids: list[tuple[str, str, str]]
    asks: list[tuple[str, str, str]]


class TextResult(Struct, gc=False):
    data: list[LevelTexts]


class BookTexts(Struct, gc=False):
    """A book snapshot as text, for the number of decimals that the venue pads to."""

    result: TextResult


class Listing(Struct, gc=False):
    symbol: str
    inst_type: str
    base_ccy: str
    quote_ccy: str
    price_tick_size: str
    qty_tick_size: str
    tradable: bool = True
    max_leverage: str = "1"
    contract_size: str = "1"


class ListingPage(Struct, gc=False):
    """Listings one by one, so that an odd one does not take the others along."""

    data: list[msgspec.Raw] = []


class InstrumentsReply(Struct, gc=False):
    code: int
    message: str = ""
    result: ListingPage | None = None


UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign bytes may raise."""
