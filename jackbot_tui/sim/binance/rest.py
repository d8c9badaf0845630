"""The public REST pages of one market kind, without HTTP: path and parameters in, body or error out.

``front`` mounts one object for spot (``/api/v3``) and one for USD-M (``/fapi/v1``). It reads feeds and engines and
changes nothing. Weights and error codes: ../shared/exchanges/binance.md §4, §8, §9, §11.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.sim.binance.exchange_info import linear_exchange_info, spot_exchange_info
from jackbot_tui.sim.binance.feed import MarketFeed, eight
from jackbot_tui.sim.history import Candle
from jackbot_tui.sim.limits import Limits
from jackbot_tui.sim.marks import INTEREST, MarkPrices
from jackbot_tui.sim.text import fixed
from jackbot_tui.sim.timeline import Timeline

Query = Mapping[str, str]
LINEAR_DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, 1000)
INTERVALS_MS = {
    "1m": 60_000, "3m": 180_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000,
    "2h": 7_200_000, "4h": 14_400_000, "6h": 21_600_000, "8h": 28_800_000, "12h": 43_200_000, "1d": 86_400_000,
}  # fmt: skip
END_OF_TIME = 10**15


class PageError(JackbotError):
    """A request Binance would refuse; ``status`` is HTTP's, ``code`` Binance's."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    @property
    def body(self) -> bytes:
        return msgspec.json.encode({"code": self.code, "msg": str(self)})


class Page(msgspec.Struct, frozen=True):
    """One path: what it weighs, given its parameters, and what it answers."""

    weight: Callable[[Query], int]
    answer: Callable[[Query], Any]


class DepthImage(msgspec.Struct, frozen=True):
    """A whole book at one moment."""

    update_id: int
    ms: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


class RestPages:
    """``feeds`` by native symbol. Call ``remember_opening`` once the book is filled, before the first request."""

    def __init__(self, market: MarketKind, feeds: Mapping[str, MarketFeed], timeline: Timeline, limits: Limits) -> None:
        self._market = market
        self._feeds = feeds
        self._timeline = timeline
        self._limits = limits
        self._opening: dict[str, DepthImage] = {}
        self.pages = self._spot_pages() if market is MarketKind.SPOT else self._linear_pages()

    def remember_opening(self) -> None:
        """Keep the book as it is now: what a ``stale_snapshot`` fault answers with."""
        self._opening = {native: self._image(feed) for native, feed in self._feeds.items()}

    def is_depth(self, path: str) -> bool:
        return path in ("/api/v3/depth", "/fapi/v1/depth")

    def answer(self, path: str, query: Query) -> bytes:
        """Body of a page; PageError where Binance would refuse."""
        reply = self.pages[path].answer(query)
        return reply if isinstance(reply, bytes) else msgspec.json.encode(reply)

    def stale_depth(self, query: Query) -> bytes:
        """A depth reply from the opening of the market."""
        feed = self._feed(query)
        return self._depth_body(feed, self._opening[feed.listing.instrument.native], query)

    def _spot_pages(self) -> dict[str, Page]:
        return {
            "/api/v3/ping": Page(_weigh(1), lambda query: {}),
            "/api/v3/time": Page(_weigh(1), lambda query: {"serverTime": self._timeline.now_ms()}),
            "/api/v3/exchangeInfo": Page(_weigh(20), self._exchange_info),
            "/api/v3/depth": Page(_spot_depth_weight, self._depth),
            "/api/v3/trades": Page(_weigh(25), self._trades),
            "/api/v3/aggTrades": Page(_weigh(4), self._agg_trades),
            "/api/v3/klines": Page(_weigh(2), self._klines),
            "/api/v3/avgPrice": Page(_weigh(2), self._avg_price),
            "/api/v3/ticker/price": Page(_per_symbol(2, 4), self._ticker_price),
            "/api/v3/ticker/bookTicker": Page(_per_symbol(2, 4), self._book_ticker),
            "/api/v3/ticker/24hr": Page(_per_symbol(2, 80), self._ticker_day),
        }

    def _linear_pages(self) -> dict[str, Page]:
        return {
            "/fapi/v1/ping": Page(_weigh(1), lambda query: {}),
            "/fapi/v1/time": Page(_weigh(1), lambda query: {"serverTime": self._timeline.now_ms()}),
            "/fapi/v1/exchangeInfo": Page(_weigh(1), self._exchange_info),
            "/fapi/v1/depth": Page(_linear_depth_weight, self._depth),
            "/fapi/v1/trades": Page(_weigh(5), self._trades),
            "/fapi/v1/aggTrades": Page(_weigh(20), self._agg_trades),
            "/fapi/v1/klines": Page(_linear_klines_weight, self._klines),
            "/fapi/v1/premiumIndex": Page(_per_symbol(1, 10), self._premium_index),
            "/fapi/v1/fundingRate": Page(_weigh(0), self._funding_rate),
            "/fapi/v1/fundingInfo": Page(_weigh(0), lambda query: []),
            "/fapi/v1/ticker/price": Page(_per_symbol(1, 2), self._ticker_price),
            "/fapi/v2/ticker/price": Page(_per_symbol(1, 2), self._ticker_price),
            "/fapi/v1/ticker/bookTicker": Page(_per_symbol(2, 5), self._book_ticker),
            "/fapi/v1/ticker/24hr": Page(_per_symbol(1, 40), self._ticker_day),
        }

    # --- parameters ----------------------------------------------------------------------------------------------

    def _feed(self, query: Query) -> MarketFeed:
        symbol = query.get("symbol")
        if not symbol:
            raise PageError(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        feed = self._feeds.get(symbol)
        if feed is None:
            raise PageError(-1121, "Invalid symbol.")
        return feed

    def _one_or_all(self, query: Query, row: Callable[[MarketFeed], dict[str, Any]]) -> Any:
        """One object for ``symbol``, a list for ``symbols`` or for none."""
        if "symbol" in query:
            return row(self._feed(query))
        return [row(self._feed({"symbol": native})) for native in self._symbols(query)]

    def _symbols(self, query: Query) -> list[str]:
        if "symbols" not in query:
            return list(self._feeds)
        try:
            return msgspec.json.decode(query["symbols"], type=list[str])
        except msgspec.MsgspecError:
            raise PageError(-1100, "Illegal characters found in parameter 'symbols'.") from None

    # --- pages ---------------------------------------------------------------------------------------------------

    def _exchange_info(self, query: Query) -> dict[str, Any]:
        feeds = [self._feed(query)] if "symbol" in query else [self._feeds[native] for native in self._known(query)]
        listings = [feed.listing for feed in feeds]
        build = spot_exchange_info if self._market is MarketKind.SPOT else linear_exchange_info
        return build(listings, self._limits, self._timeline.now_ms())

    def _known(self, query: Query) -> list[str]:
        return [self._feed({"symbol": native}).listing.instrument.native for native in self._symbols(query)]

    def _image(self, feed: MarketFeed) -> DepthImage:
        engine = feed.engine
        return DepthImage(
            engine.last_update_id, self._timeline.now_ms(), engine.depth(Side.BUY), engine.depth(Side.SELL)
        )

    def _depth(self, query: Query) -> bytes:
        feed = self._feed(query)
        return self._depth_body(feed, self._image(feed), query)

    def _depth_body(self, feed: MarketFeed, image: DepthImage, query: Query) -> bytes:
        limit = _depth_limit(self._market, query)
        sides = f'"bids":{feed.text.levels(image.bids[:limit])},"asks":{feed.text.levels(image.asks[:limit])}'
        if self._market is MarketKind.SPOT:
            return f'{{"lastUpdateId":{image.update_id},{sides}}}'.encode()
        return f'{{"lastUpdateId":{image.update_id},"E":{image.ms},"T":{image.ms},{sides}}}'.encode()

    def _trades(self, query: Query) -> list[dict[str, Any]]:
        feed = self._feed(query)
        text = feed.text
        rows = []
        for trade in list(feed.history.trades)[-_whole(query, "limit", 500, 1000) :]:
            row = {
                "id": trade.trade_id,
                "price": text.price(trade.price),
                "qty": text.quantity(trade.quantity),
                "quoteQty": text.value(trade.price * trade.quantity),
                "time": trade.ms,
                "isBuyerMaker": trade.buyer_is_maker,
            }
            if self._market is MarketKind.SPOT:
                row["isBestMatch"] = True
            rows.append(row)
        return rows

    def _agg_trades(self, query: Query) -> list[dict[str, Any]]:
        feed = self._feed(query)
        limit = _whole(query, "limit", 500, 1000)
        first_id = _whole(query, "fromId", 0, END_OF_TIME)
        start, end = _whole(query, "startTime", 0, END_OF_TIME), _whole(query, "endTime", END_OF_TIME, END_OF_TIME)
        chosen = [
            trade for trade in feed.history.aggregates if trade.aggregate_id >= first_id and start <= trade.ms <= end
        ]
        chosen = chosen[:limit] if first_id or start else chosen[-limit:]
        rows = []
        for trade in chosen:
            row: dict[str, Any] = {
                "a": trade.aggregate_id,
                "p": feed.text.price(trade.price),
                "q": feed.text.quantity(trade.quantity),
                "f": trade.first_trade,
                "l": trade.last_trade,
                "T": trade.ms,
                "m": trade.buyer_is_maker,
            }
            row |= {"M": True} if self._market is MarketKind.SPOT else {"nq": row["q"]}
            rows.append(row)
        return rows

    def _klines(self, query: Query) -> list[list[Any]]:
        feed = self._feed(query)
        interval_ms = INTERVALS_MS.get(query.get("interval", ""))
        if interval_ms is None:
            raise PageError(-1120, "Invalid interval.")
        start, end = _whole(query, "startTime", 0, END_OF_TIME), _whole(query, "endTime", END_OF_TIME, END_OF_TIME)
        candles = feed.history.candles(interval_ms, _whole(query, "limit", 500, 1500), start, end)
        return [_kline(feed, candle, interval_ms) for candle in candles]

    def _avg_price(self, query: Query) -> dict[str, Any]:
        feed = self._feed(query)
        value, quantity = feed.history.average(self._timeline.now_ms())
        return {"mins": 5, "price": feed.text.average(value, quantity), "closeTime": self._timeline.now_ms()}

    def _ticker_price(self, query: Query) -> Any:
        def row(feed: MarketFeed) -> dict[str, Any]:
            price = {"symbol": feed.listing.instrument.native, "price": feed.text.price(feed.history.last_price)}
            return price if self._market is MarketKind.SPOT else price | {"time": self._timeline.now_ms()}

        return self._one_or_all(query, row)

    def _book_ticker(self, query: Query) -> Any:
        def row(feed: MarketFeed) -> dict[str, Any]:
            best = {"symbol": feed.listing.instrument.native, **_best(feed)}
            if self._market is MarketKind.SPOT:
                return best
            return best | {"time": self._timeline.now_ms(), "lastUpdateId": feed.engine.last_update_id}

        return self._one_or_all(query, row)

    def _ticker_day(self, query: Query) -> Any:
        return self._one_or_all(query, self._day_row)

    def _day_row(self, feed: MarketFeed) -> dict[str, Any]:
        now_ms = self._timeline.now_ms()
        day, text, trades = feed.history.day(now_ms), feed.text, feed.history.trades
        change = day.close - day.open
        row: dict[str, Any] = {
            "symbol": feed.listing.instrument.native,
            "priceChange": text.price(change),
            "priceChangePercent": fixed(round(change * 100_000 / day.open), 3),
            "weightedAvgPrice": text.average(day.value, day.quantity) if day.quantity else text.price(day.close),
            "lastPrice": text.price(day.close),
            "lastQty": text.quantity(trades[-1].quantity if trades else 0),
            "openPrice": text.price(day.open),
            "highPrice": text.price(day.high),
            "lowPrice": text.price(day.low),
            "volume": text.quantity(day.quantity),
            "quoteVolume": text.value(day.value),
            "openTime": day.open_ms,
            "closeTime": now_ms,
            "firstId": trades[-1].trade_id - day.trades + 1 if trades else -1,
            "lastId": trades[-1].trade_id if trades else -1,
            "count": day.trades,
        }
        if self._market is MarketKind.SPOT:
            row |= {"prevClosePrice": text.price(day.open), **_best(feed)}
        return row

    def _premium_index(self, query: Query) -> Any:
        def row(feed: MarketFeed) -> dict[str, Any]:
            marks = _marks(feed)
            return {
                "symbol": feed.listing.instrument.native,
                "markPrice": eight(marks.mark),
                "indexPrice": eight(marks.index),
                "estimatedSettlePrice": eight(marks.index),
                "lastFundingRate": eight(marks.rate),
                "interestRate": eight(INTEREST),
                "nextFundingTime": marks.next_funding_ms,
                "time": self._timeline.now_ms(),
            }

        return self._one_or_all(query, row)

    def _funding_rate(self, query: Query) -> list[dict[str, Any]]:
        feeds = [self._feed(query)] if "symbol" in query else list(self._feeds.values())
        rows: list[dict[str, Any]] = [
            {
                "symbol": feed.listing.instrument.native,
                "fundingTime": paid.ms,
                "fundingRate": eight(paid.rate),
                "markPrice": eight(paid.mark),
            }
            for feed in feeds
            for paid in _marks(feed).settlements
        ]
        rows.sort(key=lambda row: row["fundingTime"])
        return rows[-_whole(query, "limit", 100, 1000) :]


def _marks(feed: MarketFeed) -> MarkPrices:
    if feed.marks is None:
        raise PageError(-1121, "Invalid symbol.")
    return feed.marks


def _best(feed: MarketFeed) -> dict[str, str]:
    """Best quotes; zeros for an empty side, as Binance sends them."""
    engine, text = feed.engine, feed.text
    bid, ask = engine.best_bid or 0, engine.best_ask or 0
    return {
        "bidPrice": text.price(bid),
        "bidQty": text.quantity(engine.size_at(Side.BUY, bid)),
        "askPrice": text.price(ask),
        "askQty": text.quantity(engine.size_at(Side.SELL, ask)),
    }


def _kline(feed: MarketFeed, candle: Candle, interval_ms: int) -> list[Any]:
    price, quantity, value = feed.text.price, feed.text.quantity, feed.text.value
    return [
        candle.open_ms, price(candle.open), price(candle.high), price(candle.low), price(candle.close),
        quantity(candle.quantity), candle.open_ms + interval_ms - 1, value(candle.value), candle.trades,
        quantity(candle.bought), value(candle.bought_value), "0",
    ]  # fmt: skip


def _whole(query: Query, name: str, default: int, highest: int) -> int:
    """A whole number parameter, cut to ``highest``."""
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise PageError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    if int(text) == 0 and name == "limit":
        raise PageError(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(int(text), highest)


def _depth_limit(market: MarketKind, query: Query) -> int:
    if market is MarketKind.SPOT:
        return _whole(query, "limit", 100, 5000)
    limit = _whole(query, "limit", 500, END_OF_TIME)
    if limit not in LINEAR_DEPTH_LIMITS:
        raise PageError(-4021, f"'{limit}' is not valid depth limit.")
    return limit


def _weigh(weight: int) -> Callable[[Query], int]:
    return lambda query: weight


def _per_symbol(one: int, many: int) -> Callable[[Query], int]:
    return lambda query: one if "symbol" in query else many


def _limit_or(query: Query, default: int) -> int:
    text = query.get("limit", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else default


def _spot_depth_weight(query: Query) -> int:
    limit = _limit_or(query, 100)
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1000 else 250


def _linear_depth_weight(query: Query) -> int:
    limit = _limit_or(query, 500)
    return 2 if limit <= 50 else 5 if limit <= 100 else 10 if limit <= 500 else 20


def _linear_klines_weight(query: Query) -> int:
    limit = _limit_or(query, 500)
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10
