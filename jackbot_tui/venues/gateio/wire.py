"""Gate's frames and replies as typed structs: the decoder turns decimal texts into floats while it reads them.

Prices must be above 0, sizes at least 0, both finite: anything else makes a frame unreadable instead of poisoning a
book. A size of a perpetual is a whole number or a text, whichever the venue sends. Fields that nobody reads are left
out and skipped. Field names are the venue's.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from jackbot_tui.model.numbers import float_text

Price = Annotated[float, Meta(gt=0, le=1e15)]
Size = Annotated[float, Meta(ge=0, le=1e18)]
Row = tuple[Price, Size]
Number = str | int | float
"""A number that comes as text today and came as a JSON number once."""

NO_DATA = msgspec.Raw(b"null")


def written(number: Number) -> str:
    """The number as text, whether the venue wrote text or a JSON number."""
    return number if isinstance(number, str) else float_text(number) if isinstance(number, float) else str(number)


class Problem(Struct, gc=False):
    code: int = 0
    message: str = ""


class Frame(Struct, gc=False):
    """Any frame: data of a channel (``event`` "update"), or an answer. ``time`` in seconds; book V2 has only ms."""

    channel: str = ""
    event: str = ""
    time: int = 0
    time_ms: int = 0
    id: int | None = None
    error: Problem | None = None
    result: msgspec.Raw = NO_DATA


class Status(Struct, gc=False):
    """``result`` of an answer."""

    status: str


class Book(Struct, gc=False):
    """A book message. ``s`` is ``ob.<name>.<levels>`` in book V2, else the name; ``full`` messages replace the book."""

    s: str
    u: int
    U: int = -1
    t: int = 0
    full: bool = False
    b: list[Row] | None = None
    a: list[Row] | None = None
    l: Number = ""  # noqa: E741 - the venue's name: levels of an update stream


class ContractLevel(Struct, gc=False):
    p: Price
    s: Size


class ContractBook(Struct, gc=False):
    """``futures.order_book_update``: as ``Book``, with levels as objects."""

    s: str
    u: int
    U: int = -1
    t: int = 0
    full: bool = False
    b: list[ContractLevel] | None = None
    a: list[ContractLevel] | None = None
    l: Number = ""  # noqa: E741 - the venue's name


class SpotTrade(Struct, gc=False):
    """One match. ``side`` is the taker's; ``id`` counts over all markets."""

    id: int | str
    currency_pair: str
    side: str
    amount: str
    price: str
    create_time: int = 0
    create_time_ms: Number = 0


class ContractTrade(Struct, gc=False):
    """One match of ``size`` contracts, below 0 where the taker sold; ``is_internal`` did not go through the book."""

    id: int | str
    contract: str
    size: Number
    price: Number
    create_time: float = 0.0
    create_time_ms: Number = 0
    is_internal: bool = False


class Best(Struct, gc=False):
    """Best bid and ask; texts, since a side may be empty."""

    s: str
    u: int
    b: str
    B: Number
    a: str
    A: Number
    t: int = 0


class ContractTicker(Struct, gc=False):
    contract: str
    mark_price: str
    index_price: str
    funding_rate: str = ""


class SpotDepth(Struct, gc=False):
    """REST book, ``current`` in milliseconds (2021: absent). ``id`` comes when asked for, and joins it to updates."""

    bids: list[Row]
    asks: list[Row]
    id: int
    current: Annotated[float, Meta(ge=0, le=1e14)] = 0.0


class ContractDepth(Struct, gc=False):
    """REST book, ``current`` in seconds with a fraction."""

    bids: list[ContractLevel]
    asks: list[ContractLevel]
    id: int
    current: Annotated[float, Meta(ge=0, le=1e11)] = 0.0


class Pair(Struct, gc=False):
    """One row of spot/currency_pairs: decimals, not steps."""

    id: str
    base: str
    quote: str
    trade_status: str
    precision: Annotated[int, Meta(ge=0, le=30)]
    amount_precision: Annotated[int, Meta(ge=0, le=30)]
    min_base_amount: str | None = None
    max_base_amount: str | None = None
    min_quote_amount: str | None = None
    max_quote_amount: str | None = None


class Contract(Struct, gc=False):
    """One row of futures/usdt/contracts; sizes count contracts of ``quanto_multiplier`` base units."""

    name: str
    quanto_multiplier: str
    order_price_round: str
    type: str = "direct"
    status: str = "trading"
    in_delisting: bool = False
    is_pre_market: bool = False
    enable_decimal: bool = False
    order_size_min: Number = 1
    order_size_max: Number = 0
    market_order_size_max: Number = 0
    order_price_deviate: str = "0"
    orders_limit: Annotated[int, Meta(ge=0)] = 0
    leverage_max: str = "1"
    funding_interval: Annotated[int, Meta(ge=0)] = 0


UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign bytes may raise."""
