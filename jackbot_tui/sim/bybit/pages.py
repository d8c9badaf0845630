"""Bybit's public REST pages, as far as a client starts with them: time, listings, depth, tickers, trades, funding.

Shapes and limits: ../shared/exchanges/bybit.md §4 to §6, §8, §9. Refusals come with HTTP 200 and a ``retCode``; only
the limit of an address is HTTP 403. Used by ``front`` alone.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.sim.bybit.texts import levels_text, side_text, trade_id_text
from jackbot_tui.sim.front import Call, Page, Reply, RequestRefused, json_reply
from jackbot_tui.sim.limits import Verdict, WeightLimiter
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.text import decimals

if TYPE_CHECKING:
    from jackbot_tui.sim.bybit.front import BybitFront

DEPTH_PATH = "/v5/market/orderbook"
CATEGORIES = ("spot", "linear", "inverse", "option")
DEPTH_LIMITS = {MarketKind.SPOT: (1, 1000), MarketKind.LINEAR: (25, 1000)}
"""Levels a side when none are asked for, and at most."""

TRADE_LIMITS = {MarketKind.SPOT: (60, 60), MarketKind.LINEAR: (500, 1000)}
LISTING_LIMITS = (500, 1000)
FUNDING_LIMITS = (200, 200)
PARAMETER_ERROR = 10001
TOO_MANY_VISITS = 10006
SERVER_ERROR = 10016


class WholeBook(Struct):
    """What a depth reply shows: bids and asks, update id and cross sequence of the topic of 1000 levels."""

    sides: tuple[Levels, Levels]
    numbers: tuple[int, int]


class BybitPages:
    """Answers for ``front``, asking it for books. Made before the market moves: stale depth is that of the opening."""

    def __init__(self, front: "BybitFront") -> None:
        limits = front.world.limits
        self._front = front
        self._timeline = front.timeline
        self._limiter = WeightLimiter(
            limits.spot_weight, limits.refusals_before_ban, limits.ban_s, limits.window_ms
        )  # one for all pages: it counts an address
        self._opening = {
            market.listing.key: front.book_now(market)
            for markets in front.markets.values()
            for market in markets.values()
        }

    def pages(self) -> list[Page]:
        answers = {
            "/v5/market/time": self._time,
            "/v5/market/instruments-info": self._instruments,
            DEPTH_PATH: lambda call: self._depth(self._market(call), call),
            "/v5/market/tickers": self._tickers,
            "/v5/market/recent-trade": self._trades,
            "/v5/market/funding/history": self._funding,
        }
        return [Page("GET", path, self._counted(answer)) for path, answer in answers.items()]

    def overloaded(self) -> Reply:
        return json_reply(self._body(SERVER_ERROR, "Internal server error", {}), 503)

    def too_many_requests(self, retry_after_s: int) -> Reply:
        """The short refusal; an address that goes on is banned with 403."""
        reset_ms = self._timeline.now_ms() + retry_after_s * 1000
        body = self._body(TOO_MANY_VISITS, "Too many visits. Exceeded the API Rate Limit.", {})
        return json_reply(body, 429, {"X-Bapi-Limit-Reset-Timestamp": str(reset_ms)})

    def stale(self, call: Call) -> Reply | None:
        """A depth reply from the opening of the market."""
        market = self._listed(call.query)
        if call.path != DEPTH_PATH or market is None:
            return None
        return self._depth_reply(market, call, self._opening[market.listing.key])

    def _counted(self, answer: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        def counted(call: Call) -> Reply:
            self.count()
            return answer(call)

        return counted

    def count(self) -> None:
        """Count a request of the address, public or private; RequestRefused beyond its limit."""
        if self._limiter.admit(1, self._timeline.now_ms()) is not Verdict.ALLOWED:
            raise RequestRefused(json_reply(self._body(403, "access too frequent", {}), 403))

    # --- pages ---------------------------------------------------------------------------------------------------

    def _time(self, call: Call) -> Reply:
        now_ns = self._timeline.now_ns()
        return self._ok({"timeSecond": str(now_ns // 1_000_000_000), "timeNano": str(now_ns)})

    def _instruments(self, call: Call) -> Reply:
        category = self._category(call.query)
        kind = _kind_of(category)
        wanted, status = call.query.get("symbol"), call.query.get("status", "Trading")
        markets = list(self._front.markets[kind].values()) if kind is not None and status == "Trading" else []
        rows = [_rules(market) for market in markets if wanted in (None, market.native)]
        if kind is MarketKind.SPOT:
            return self._ok({"category": category, "list": rows})  # all at once, without a cursor
        begin = _whole(call.query.get("cursor", ""), 0, 0, len(rows))
        end = begin + _limit(call, LISTING_LIMITS)
        cursor = str(end) if end < len(rows) else ""
        return self._ok({"category": category, "list": rows[begin:end], "nextPageCursor": cursor})

    def _depth(self, market: SimMarket, call: Call) -> Reply:
        self._front.publish_whole_book(market)
        return self._depth_reply(market, call, self._front.book_now(market))

    def _depth_reply(self, market: SimMarket, call: Call, book: WholeBook) -> Reply:
        limit = _limit(call, DEPTH_LIMITS[market.kind])
        bids, asks = (levels_text(market, levels[:limit]) for levels in book.sides)
        number, sequence = book.numbers
        now_ms = self._timeline.now_ms()
        result = (
            f'{{"s":"{market.native}","b":{bids},"a":{asks},"ts":{now_ms},"u":{number},'
            f'"seq":{sequence},"cts":{now_ms}}}'
        )
        text = f'{{"retCode":0,"retMsg":"OK","result":{result},"retExtInfo":{{}},"time":{now_ms}}}'
        return Reply(text.encode())

    def _tickers(self, call: Call) -> Reply:
        category = self._category(call.query)
        kind = _kind_of(category)
        markets = (
            [self._market(call)] if "symbol" in call.query else list(self._front.markets[kind].values() if kind else [])
        )
        rows = []
        for market in markets:
            row = self._front.ticker(market)
            bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
            text = market.text
            row["bid1Price"], row["bid1Size"] = (text.price(bid), text.quantity(bid_size)) if bid else ("", "")
            row["ask1Price"], row["ask1Size"] = (text.price(ask), text.quantity(ask_size)) if ask else ("", "")
            rows.append(row)
        return self._ok({"category": category, "list": rows})

    def _trades(self, call: Call) -> Reply:
        market = self._market(call)
        recent = list(market.history.trades)[-_limit(call, TRADE_LIMITS[market.kind]) :]
        rows = [
            {
                "execId": trade_id_text(market, trade),
                "symbol": market.native,
                "price": market.text.price(trade.price),
                "size": market.text.quantity(trade.quantity),
                "side": side_text(trade),
                "time": str(trade.ms),
                "isBlockTrade": False,
                "isRPITrade": False,
            }
            for trade in reversed(recent)
        ]
        return self._ok({"category": market.kind.value, "list": rows})

    def _funding(self, call: Call) -> Reply:
        """What was paid since the market opened, newest first."""
        market = self._market(call)
        if market.marks is None:
            raise self._refusal("category only support linear or inverse")
        paid = market.marks.settlements[-_limit(call, FUNDING_LIMITS) :]
        rows = [
            {
                "symbol": market.native,
                "fundingRate": decimals(settlement.rate, 8),
                "fundingRateTimestamp": str(settlement.ms),
            }
            for settlement in reversed(paid)
        ]
        return self._ok({"category": market.kind.value, "list": rows})

    # --- what they share -----------------------------------------------------------------------------------------

    def _category(self, query: Mapping[str, str]) -> str:
        category = query.get("category", "")
        if category not in CATEGORIES:
            raise self._refusal("params error: category invalid")
        return category

    def _listed(self, query: Mapping[str, str]) -> SimMarket | None:
        kind = _kind_of(query.get("category", ""))
        return None if kind is None else self._front.markets[kind].get(query.get("symbol", ""))

    def _market(self, call: Call) -> SimMarket:
        self._category(call.query)
        market = self._listed(call.query)
        if market is None:
            raise self._refusal("params error: symbol invalid")
        return market

    def _refusal(self, words: str) -> RequestRefused:
        return RequestRefused(json_reply(self._body(PARAMETER_ERROR, words, {})))

    def _ok(self, result: dict[str, Any]) -> Reply:
        return json_reply(self._body(0, "OK", result))

    def _body(self, code: int, words: str, result: dict[str, Any]) -> dict[str, Any]:
        now_ms = self._timeline.now_ms()
        return {"retCode": code, "retMsg": words, "result": result, "retExtInfo": {}, "time": now_ms}


def _kind_of(category: str) -> MarketKind | None:
    """None for what is not listed here."""
    return MarketKind(category) if category in ("spot", "linear") else None


def _limit(call: Call, limits: tuple[int, int]) -> int:
    otherwise, most = limits
    return _whole(call.query.get("limit", ""), otherwise, 1, most)


def _whole(text: str, otherwise: int, least: int, most: int) -> int:
    return max(least, min(most, int(text))) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _rules(market: SimMarket) -> dict[str, Any]:
    """One row of instruments-info. Figures of perpetuals are padded like their prices and sizes."""
    listing, instrument = market.listing, market.listing.instrument
    common = {"symbol": instrument.native, "baseCoin": instrument.base, "quoteCoin": instrument.quote}
    if market.kind is MarketKind.SPOT:
        return {
            **common,
            "innovation": "0",
            "status": "Trading",
            "marginTrading": "utaOnly",
            "stTag": "0",
            "lotSizeFilter": {
                "basePrecision": format(instrument.lot, "f"),
                "quotePrecision": "0.0000001",
                "minOrderQty": format(instrument.min_qty, "f"),
                "maxOrderQty": format(instrument.max_qty, "f"),
                "minOrderAmt": format(instrument.min_notional, "f"),
                "maxOrderAmt": format(instrument.max_notional, "f"),
                "maxLimitOrderQty": format(instrument.max_qty, "f"),
                "maxMarketOrderQty": format(instrument.market_max_qty, "f"),
                "postOnlyMaxLimitOrderSize": format(5 * instrument.max_qty, "f"),
            },
            "priceFilter": {"tickSize": format(instrument.tick, "f")},
            "riskParameters": {"priceLimitRatioX": "0.005", "priceLimitRatioY": "0.01"},
        }
    prices, sizes = f".{listing.price_places}f", f".{listing.qty_places}f"
    most = format(instrument.max_qty, sizes)
    ratio = instrument.band.buy_up - ONE if instrument.band else ZERO
    return {
        **common,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "launchTime": "1584230400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(listing.price_places),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": format(instrument.max_leverage, ".2f"),
            "leverageStep": "0.01",
        },
        "priceFilter": {
            "minPrice": format(instrument.min_price, prices),
            "maxPrice": format(instrument.max_price, prices),
            "tickSize": format(instrument.tick, prices),
        },
        "lotSizeFilter": {
            "maxOrderQty": most,
            "minOrderQty": format(instrument.min_qty, sizes),
            "qtyStep": format(instrument.lot, sizes),
            "postOnlyMaxOrderQty": most,
            "maxMktOrderQty": format(instrument.market_max_qty, sizes),
            "minNotionalValue": format(instrument.min_notional, "f"),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 60 * instrument.funding_interval_h,
        "settleCoin": instrument.settle,
        "copyTrading": "both",
        "upperFundingRate": "0.003",
        "lowerFundingRate": "-0.003",
        "isPreListing": False,
        "riskParameters": {"priceLimitRatioX": format(ratio, "f"), "priceLimitRatioY": format(2 * ratio, "f")},
    }
