"""Stream names of Binance's public WebSockets and the routes under which each lives. Plain data, no state.

Facts: ../shared/exchanges/binance.md §3 to §6. A name that is not understood here is acknowledged and stays mute, as
is a USD-M stream on the wrong route: that is what the exchange does.
"""

import re
from enum import StrEnum

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind


class StreamKind(StrEnum):
    DEPTH = "depth"
    PARTIAL_DEPTH = "partial_depth"
    TRADE = "trade"
    AGG_TRADE = "aggTrade"
    BOOK_TICKER = "bookTicker"
    MARK_PRICE = "markPrice"

    @property
    def is_depth(self) -> bool:
        return self in (StreamKind.DEPTH, StreamKind.PARTIAL_DEPTH)


class Route(StrEnum):
    """Path prefix of a WebSocket. ``LEGACY`` is USD-M without a prefix: it delivers what ``/public`` delivers."""

    SPOT = "spot"
    PUBLIC = "public"
    MARKET = "market"
    LEGACY = "legacy"

    @property
    def kind(self) -> MarketKind:
        return MarketKind.SPOT if self is Route.SPOT else MarketKind.LINEAR


class Stream(Struct, frozen=True):
    """A stream of one symbol. ``period_ms`` 0 is as fast as the exchange goes; ``levels`` a side, of a partial book."""

    name: str
    native: str
    kind: StreamKind
    period_ms: int = 0
    levels: int = 0


_NAME = re.compile(r"([a-z0-9]+)@(depth|trade|aggTrade|bookTicker|markPrice)(5|10|20)?(?:@(\w+))?")
_DEPTH_PERIODS = {
    MarketKind.SPOT: {None: 1000, "100ms": 100, "1000ms": 1000},
    MarketKind.LINEAR: {None: 250, "0ms": 0, "100ms": 100, "250ms": 250, "500ms": 500},
}
_MARK_PERIODS = {None: 3000, "3s": 3000, "1s": 1000}
_MARKET_ROUTE = (StreamKind.AGG_TRADE, StreamKind.MARK_PRICE)


def parse_stream(name: str, market: MarketKind) -> Stream | None:
    """The stream of this name in that market, None if it has none."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    native, word, levels, speed = match[1].upper(), match[2], match[3], match[4]
    if word == "depth":
        period = _DEPTH_PERIODS[market].get(speed)
        if period is None:
            return None
        if levels:
            return Stream(name, native, StreamKind.PARTIAL_DEPTH, period, int(levels))
        return Stream(name, native, StreamKind.DEPTH, period)
    if levels:
        return None
    if word == "markPrice":
        period = _MARK_PERIODS.get(speed) if market is MarketKind.LINEAR else None
        return None if period is None else Stream(name, native, StreamKind.MARK_PRICE, period)
    return None if speed else Stream(name, native, StreamKind(word))


def delivers(route: Route, stream: Stream) -> bool:
    """Whether a socket on ``route`` is sent that stream."""
    match route:
        case Route.SPOT:
            return True
        case Route.MARKET:
            return stream.kind in _MARKET_ROUTE
        case Route.PUBLIC | Route.LEGACY:
            return stream.kind not in _MARKET_ROUTE
