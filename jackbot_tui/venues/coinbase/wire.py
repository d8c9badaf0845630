"""Coinbase's frames and replies as typed structs: the decoder turns decimal texts into floats while it reads them.

Prices must be above 0, sizes at least 0, both finite, sides known: anything else makes a frame unreadable instead of
poisoning a book. Fields that nobody reads are left out and skipped. Field names are the venue's.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Price = Annotated[float, Meta(gt=0, le=1e15)]
Size = Annotated[float, Meta(ge=0, le=1e18)]
Number = Annotated[int, Meta(ge=0)]


class Row(Struct, gc=False):
    """A level; ``new_quantity`` is what is left there. The sell side is called ``offer``."""

    side: Literal["bid", "offer"]
    price_level: Price
    new_quantity: Size


class TradeRow(Struct, gc=False):
    trade_id: str
    product_id: str
    price: str
    size: str
    side: str
    time: datetime | None = None


class TickerRow(Struct, gc=False):
    """``ticker_batch`` has no best bid and ask."""

    product_id: str
    best_bid: str = ""
    best_bid_quantity: str = ""
    best_ask: str = ""
    best_ask_quantity: str = ""


class Event(Struct, gc=False):
    """One of a frame's events, of any channel: a book, trades, tickers, or all that the connection subscribes to."""

    type: str = ""
    product_id: str = ""
    updates: list[Row] = []
    trades: list[TradeRow] = []
    tickers: list[TickerRow] = []
    subscriptions: dict[str, list[str]] = {}


class Frame(Struct, gc=False):
    """Any frame. Only errors have ``type`` and ``message``, and nothing else."""

    channel: str = ""
    timestamp: datetime | None = None
    sequence_num: Number | None = None
    events: list[Event] = []
    type: str = ""
    message: str = ""


class Listing(Struct, gc=False):
    """``alias`` names the product whose book this one shares."""

    product_id: str
    product_type: str
    base_currency_id: str
    quote_currency_id: str
    price_increment: str
    base_increment: str
    base_min_size: str
    base_max_size: str
    quote_min_size: str
    quote_max_size: str
    status: str = ""
    alias: str = ""
    trading_disabled: bool = False
    is_disabled: bool = False
    view_only: bool = False
    cancel_only: bool = False
    post_only: bool = False
    auction_mode: bool = False


class Pagination(Struct, gc=False):
    next_cursor: str = ""
    has_next: bool = False


class ProductsReply(Struct, gc=False):
    """Listings one by one, so that an odd one does not take the others along."""

    products: list[msgspec.Raw] | None = None
    pagination: Pagination | None = None
    message: str = ""
    error: str = ""


UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign bytes may raise."""
