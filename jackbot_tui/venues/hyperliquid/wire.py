"""Hyperliquid's frames and replies as typed structs: the decoder turns decimal texts into floats while it reads them.

Prices must be above 0, sizes at least 0, both finite: anything else makes a frame unreadable instead of poisoning a
book. Fields that nobody reads are left out and skipped. Field names are the venue's.
"""

from typing import Annotated, final

import msgspec
from msgspec import Meta, Struct

Price = Annotated[float, Meta(gt=0, le=1e15)]
Size = Annotated[float, Meta(ge=0, le=1e18)]


class WireLevel(Struct, gc=False):
    px: Price
    sz: Size


WireSides = tuple[list[WireLevel], list[WireLevel]]
"""Bids and asks, best first."""

WireBest = tuple[WireLevel | None, WireLevel | None]
"""Best bid and best ask; None where a side is empty."""


class Context(Struct, gc=False):
    """Figures of one asset. ``funding`` is per hour. A new asset has no mark yet."""

    markPx: str | None = None
    oraclePx: str | None = None
    funding: str | None = None
    coin: str = ""


class Subscription(Struct, gc=False):
    """What is subscribed to; an acknowledgement repeats it completed with defaults."""

    type: str
    coin: str = ""
    fast: bool | None = None


@final
class Body(Struct, gc=False):
    """``data`` of a book (``levels``), of the best prices (``bbo``), of figures (``ctx``) or of an acknowledgement."""

    coin: str = ""
    time: int = 0
    levels: WireSides | None = None
    fast: bool | None = None
    bbo: WireBest | None = None
    ctx: Context | None = None
    method: str = ""
    subscription: Subscription | None = None


class TradeRow(Struct, gc=False):
    """One public trade. ``side`` is the aggressor's; ``tid`` is a hash and does not count up."""

    coin: str
    side: str
    px: str
    sz: str
    time: int
    tid: int


class Frame(Struct, gc=False):
    """Any frame; ``data`` is text for an error."""

    channel: str
    data: Body | list[TradeRow] | str | None = None


class PerpetualListing(Struct, gc=False):
    name: str
    szDecimals: int
    maxLeverage: int = 1
    isDelisted: bool = False


class Universe(Struct, gc=False):
    """Listings one by one, so that an odd one does not take the others along; a delisted one keeps its place."""

    universe: list[msgspec.Raw]


class SpotPair(Struct, gc=False):
    """``tokens`` are the indices of base and quote; ``name`` is the coin of the streams (``PURR/USDC`` or ``@107``)."""

    name: str
    tokens: tuple[int, int]


class SpotToken(Struct, gc=False):
    name: str
    szDecimals: int
    index: int


class SpotUniverse(Struct, gc=False):
    universe: list[msgspec.Raw]
    tokens: list[SpotToken]


class InfoBook(Struct, gc=False):
    """Reply to ``l2Book``."""

    coin: str
    time: int
    levels: WireSides


UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign bytes may raise."""
