"""Hyperliquid's queries as the embedded exchange answers them: bodies of ``POST /info``, and the same over the socket.

Part of ``front``. Weights: ../shared/exchanges/hyperliquid.md §9; replies §4, §6 and §8.2. A book of a coin that is not
there is null.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.front import Call, Front, Reply, RequestRefused
from jackbot_tui.sim.hyperliquid.texts import (
    DEEP_LEVELS,
    Grid,
    book_text,
    figures_of,
    grouped_text,
    image_text,
    meta_of,
    mids_of,
    sides_text,
    spot_meta_of,
)
from jackbot_tui.sim.limits import Verdict, WeightLimiter
from jackbot_tui.sim.market import Levels, SimMarket

LIGHT_QUERIES = ("l2Book", "allMids", "exchangeStatus", "clearinghouseState", "spotClearinghouseState", "orderStatus")
LIGHT, HEAVY, HEAVIEST = 2, 20, 60
WEIGHTS = dict.fromkeys(LIGHT_QUERIES, LIGHT) | {"userRole": HEAVIEST}
LISTS = frozenset({"recentTrades", "userFills", "userFillsByTime", "historicalOrders", "userFunding"})
ROWS_A_WEIGHT = 20
"""Lists weigh one more for each so many rows."""

NOT_UNDERSTOOD = "Failed to deserialize the JSON body into the target type"
SIGNIFICANT_FIGURES = (2, 3, 4, 5)
MANTISSAS = (2, 5)


class Query(msgspec.Struct):
    type: str
    coin: str = ""
    dex: str | None = None
    nSigFigs: int | None = None
    mantissa: int | None = None
    user: str = ""
    oid: int | str | None = None
    startTime: int | None = None
    endTime: int | None = None


_QUERY = msgspec.json.Decoder(Query)


def grid_of(figures: int | None, mantissa: int | None) -> Grid | None:
    """None for the book as it is; ValueError for an aggregation that the venue does not have."""
    if figures is None and mantissa is None:
        return None
    if figures not in SIGNIFICANT_FIGURES or (mantissa is not None and (figures != 5 or mantissa not in MANTISSAS)):
        raise ValueError(f"no such aggregation: {figures} {mantissa}")
    return Grid(figures, mantissa or 1)


class Queries:
    """See the module's text. ``recent`` are the newest trades of a coin as texts, oldest first."""

    def __init__(
        self,
        front: Front,
        markets: Mapping[str, SimMarket],
        recent: Callable[[SimMarket], list[str]],
        limiter: WeightLimiter,
    ) -> None:
        self._front = front
        self._markets = markets
        self._recent = recent
        self._limiter = limiter
        self._opened_ms = front.timeline.now_ms()
        self._opening: dict[str, tuple[Levels, Levels]] = {
            native: (each.engine.depth(Side.BUY, DEEP_LEVELS), each.engine.depth(Side.SELL, DEEP_LEVELS))
            for native, each in markets.items()
        }
        self._answers: dict[str, Callable[[Query], Any]] = {
            "meta": lambda query: meta_of(self._of(MarketKind.LINEAR)),
            "metaAndAssetCtxs": lambda query: [
                meta_of(self._of(MarketKind.LINEAR)), self._figures(MarketKind.LINEAR),
            ],
            "spotMeta": lambda query: spot_meta_of(self._of(MarketKind.SPOT)),
            "spotMetaAndAssetCtxs": lambda query: [
                spot_meta_of(self._of(MarketKind.SPOT)), self._figures(MarketKind.SPOT),
            ],
            "perpDexs": lambda query: [None],
            "allMids": lambda query: mids_of(self._markets.values()),
            "exchangeStatus": lambda query: {"specialStatuses": None, "time": self._front.timeline.now_ms()},
            "l2Book": self._book,
            "recentTrades": self._trades,
        }  # fmt: skip

    def add(self, answers: Mapping[str, Callable[[Query], Any]]) -> None:
        """Queries of other parts of the front, by name."""
        self._answers |= answers

    def page(self, call: Call) -> Reply:
        """``POST /info``."""
        query = self._read(call.body)
        answer = self._answer(query)
        weight = WEIGHTS.get(query.type, HEAVY)
        if query.type in LISTS and isinstance(answer, list):
            weight += len(answer) // ROWS_A_WEIGHT
        if self._limiter.admit(weight, self._front.timeline.now_ms()) is not Verdict.ALLOWED:
            return self._front.too_many_requests(1)
        return Reply(msgspec.json.encode(answer))

    def over_socket(self, payload: msgspec.Raw) -> dict[str, Any]:
        """The ``response`` of a ``post`` of type ``info``."""
        try:
            query = self._read(bytes(payload))
            return {"type": "info", "payload": {"type": query.type, "data": self._answer(query)}}
        except RequestRefused as refused:
            return {"type": "error", "payload": refused.reply.body.decode()}

    def stale(self, call: Call) -> Reply | None:
        """A book from the opening of the market."""
        try:
            query = self._read(call.body)
        except RequestRefused:
            return None
        market = self._markets.get(query.coin) if query.type == "l2Book" else None
        if market is None:
            return None
        sides = image_text(market, *self._opening[market.native])
        return Reply(book_text(market, sides, self._opened_ms).encode())

    def _read(self, body: bytes) -> Query:
        try:
            query = _QUERY.decode(body)
        except (msgspec.DecodeError, UnicodeError):
            raise _refused(NOT_UNDERSTOOD) from None
        if query.type not in self._answers or query.dex:
            raise _refused(NOT_UNDERSTOOD)
        return query

    def _answer(self, query: Query) -> Any:
        return self._answers[query.type](query)

    def _of(self, kind: MarketKind) -> list[SimMarket]:
        return list(self._front.markets[kind].values())

    def _figures(self, kind: MarketKind) -> list[dict[str, Any]]:
        now_ms = self._front.timeline.now_ms()
        return [figures_of(market, now_ms) for market in self._of(kind)]

    def _book(self, query: Query) -> msgspec.Raw | None:
        market = self._markets.get(query.coin)
        try:
            grid = grid_of(query.nSigFigs, query.mantissa)
        except ValueError:
            raise _refused(NOT_UNDERSTOOD) from None
        if market is None:
            return None
        sides = sides_text(market, DEEP_LEVELS) if grid is None else grouped_text(market, grid)
        return msgspec.Raw(book_text(market, sides, self._front.timeline.now_ms()).encode())

    def _trades(self, query: Query) -> list[msgspec.Raw] | None:
        """Newest first."""
        market = self._markets.get(query.coin)
        return None if market is None else [msgspec.Raw(row.encode()) for row in reversed(self._recent(market))]


def _refused(words: str) -> RequestRefused:
    return RequestRefused(Reply(words.encode(), 422, content_type="text/plain"))
