"""KuCoin's public REST pages, as far as a client starts with them: tokens, time, listings, depth, trades, tickers.

Shapes, weights and errors: ../shared/exchanges/kucoin.md §3 to §6, §9 to §11. Spot and perpetuals have paths in common,
so each has a prefix in place of its host. Errors of business come with HTTP 200 and a code. Used by ``front`` alone.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.front import Call, Page, Reply, RequestRefused, json_reply
from jackbot_tui.sim.kucoin.listings import FUNDING_INTERVAL_H, NATIVE_BASES, PERPETUAL_BAND
from jackbot_tui.sim.kucoin.texts import contract_ticker, day_row, levels, spot_ticker, trade_row
from jackbot_tui.sim.limits import Verdict, WeightLimiter
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.text import decimals

if TYPE_CHECKING:
    from jackbot_tui.sim.kucoin.front import KucoinFront

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
PREFIXES = {SPOT: "/spot", LINEAR: "/futures"}
SOCKET_PATHS = {SPOT: "/ws-api-spot/", LINEAR: "/ws-api-futures/"}
PING_INTERVAL_MS = 18_000
PING_TIMEOUT_MS = 10_000
DEPTHS = {
    "/api/v1/market/orderbook/level2_20": (SPOT, 20, 2),
    "/api/v1/market/orderbook/level2_100": (SPOT, 100, 2),
    "/api/v1/level2/snapshot": (LINEAR, 0, 3),
    "/api/v1/level2/depth20": (LINEAR, 20, 5),
    "/api/v1/level2/depth100": (LINEAR, 100, 5),
}
"""Market, levels a side (0: all) and weight of each page of a book."""

SUCCESS = "200000"
BAD_PARAMETER = "400100"
TOO_MANY = "429000"
BUSY = "503000"
TOO_MANY_WORDS = "Too many requests in a short period. Please retry later."
UNKNOWN_WORDS = {SPOT: "Unsupported trading pair.", LINEAR: "Contract parameter invalid."}
TRADES_SHOWN = 100

HOUR_MS = 3_600_000


class _Opening(Struct, frozen=True):
    """A book as it was when the market opened."""

    sides: tuple[Levels, Levels]
    number: int


class KucoinPages:
    """Answers for ``front``. Made before the market moves: stale depth is that of the opening."""

    def __init__(self, front: "KucoinFront") -> None:
        limits = front.world.limits
        self._front = front
        self._timeline = front.timeline
        self._limiter = WeightLimiter(limits.spot_weight, limits.refusals_before_ban, limits.ban_s, limits.window_ms)
        self._refusals = 0
        self._openings = {
            market.listing.key: _Opening(self._sides(market, 0), front.book(market).number)
            for markets in front.markets.values()
            for market in markets.values()
        }

    def all(self) -> list[Page]:
        spot: list[tuple[str, int, Callable[[Call], Reply]]] = [
            ("/api/v1/timestamp", 3, self._time),
            ("/api/v1/status", 3, lambda call: self._ok({"status": "open", "msg": ""})),
            ("/api/v3/currencies", 3, self._currencies),
            ("/api/v2/symbols", 4, lambda call: self._ok([_pair(m) for m in self._markets(SPOT)])),
            ("/api/v1/market/allTickers", 15, self._all_tickers),
            ("/api/v1/market/orderbook/level1", 2, self._spot_ticker),
            ("/api/v1/market/histories", 3, lambda call: self._trades(SPOT, call)),
        ]
        linear: list[tuple[str, int, Callable[[Call], Reply]]] = [
            ("/api/v1/timestamp", 2, self._time),
            ("/api/v1/status", 4, lambda call: self._ok({"status": "open", "msg": ""})),
            ("/api/v1/contracts/active", 3, lambda call: self._ok([self._contract(m) for m in self._markets(LINEAR)])),
            ("/api/v1/contracts/{symbol}", 3, lambda call: self._ok(self._contract(self._market(LINEAR, call)))),
            ("/api/v1/ticker", 2, self._contract_ticker),
            ("/api/v1/trade/history", 5, lambda call: self._trades(LINEAR, call)),
            ("/api/v1/funding-rate/{symbol}/current", 2, self._funding),
        ]
        for path, (kind, depth, weight) in DEPTHS.items():
            (spot if kind is SPOT else linear).append((path, weight, self._depth_of(kind, depth)))
        pages = [Page("POST", PREFIXES[kind] + "/api/v1/bullet-public", self._bullet_of(kind)) for kind in PREFIXES]
        for kind, rows in ((SPOT, spot), (LINEAR, linear)):
            pages += [Page("GET", PREFIXES[kind] + path, self._counted(weight, page)) for path, weight, page in rows]
        return pages

    def overloaded(self) -> Reply:
        return json_reply({"code": BUSY, "msg": "Server is busy. Please retry later."}, 503)

    def too_many_requests(self, retry_after_s: int) -> Reply:
        """Every other one as the venue's overload, which names no time to wait."""
        self._refusals += 1
        headers = self._usage(retry_after_s * 1000) if self._refusals % 2 else {}
        return json_reply({"code": TOO_MANY, "msg": TOO_MANY_WORDS}, 429, headers)

    def stale(self, call: Call) -> Reply | None:
        for path, (kind, depth, _) in DEPTHS.items():
            market = self._front.markets[kind].get(call.query.get("symbol", ""))
            if market is not None and call.path == PREFIXES[kind] + path:
                opening = self._openings[market.listing.key]
                bids, asks = opening.sides
                sides = (bids[:depth], asks[:depth]) if depth else opening.sides
                return self._depth_reply(market, sides, opening.number)
        return None

    def _counted(self, weight: int, answer: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        """``answer`` within the address's limit, which the headers tell of."""

        def counted(call: Call) -> Reply:
            now_ms = self._timeline.now_ms()
            verdict = self._limiter.admit(weight, now_ms)
            headers = self._usage(self._window_left_ms(now_ms))
            if verdict is not Verdict.ALLOWED:
                raise RequestRefused(json_reply({"code": TOO_MANY, "msg": TOO_MANY_WORDS}, 429, headers))
            reply = answer(call)
            return Reply(reply.body, reply.status, {**headers, **reply.headers}, reply.content_type)

        return counted

    def _window_left_ms(self, now_ms: int) -> int:
        window_ms = self._front.world.limits.window_ms
        return window_ms - now_ms % window_ms

    def _usage(self, reset_ms: int) -> dict[str, str]:
        return {
            "gw-ratelimit-limit": str(self._limiter.limit),
            "gw-ratelimit-remaining": str(max(0, self._limiter.limit - self._limiter.used)),
            "gw-ratelimit-reset": str(reset_ms),
        }

    # --- pages ---------------------------------------------------------------------------------------------------

    def _bullet_of(self, kind: MarketKind) -> Callable[[Call], Reply]:
        return self._counted(10, lambda call: self.bullet(kind, call, 0))

    def bullet(self, kind: MarketKind, call: Call, account: int) -> Reply:
        """A token for nobody's sockets or an account's, and where to use it."""
        host = call.headers.get("Host", "127.0.0.1")
        server = {
            "endpoint": f"ws://{host}{SOCKET_PATHS[kind]}",
            "encrypt": True,
            "protocol": "websocket",
            "pingInterval": PING_INTERVAL_MS,
            "pingTimeout": PING_TIMEOUT_MS,
        }
        token = self._front.tokens.give(kind, self._front.elapsed_ms, account)
        return self._ok({"token": token, "instanceServers": [server]})

    def _time(self, call: Call) -> Reply:
        return self._ok(self._timeline.now_ms())

    def _currencies(self, call: Call) -> Reply:
        codes = dict.fromkeys(
            code for m in self._markets(SPOT) for code in (m.listing.instrument.base, m.listing.instrument.quote)
        )
        return self._ok(
            [
                {
                    "currency": code,
                    "name": code,
                    "fullName": code,
                    "precision": 8,
                    "isMarginEnabled": True,
                    "isDebitEnabled": True,
                    "chains": [],
                }
                for code in codes
            ]
        )

    def _all_tickers(self, call: Call) -> Reply:
        now_ms = self._timeline.now_ms()
        rows = [
            {
                **day_row(market, now_ms),
                "symbolName": market.native,
                "takerFeeRate": str(market.listing.instrument.taker_fee),
                "makerFeeRate": str(market.listing.instrument.maker_fee),
                "takerCoefficient": "1",
                "makerCoefficient": "1",
            }
            for market in self._markets(SPOT)
        ]
        return self._ok({"time": now_ms, "ticker": rows})

    def _spot_ticker(self, call: Call) -> Reply:
        market = self._market(SPOT, call)
        return self._ok(spot_ticker(market, self._front.book(market).number, self._timeline.now_ms()))

    def _contract_ticker(self, call: Call) -> Reply:
        market = self._market(LINEAR, call)
        trades = market.history.trades
        last = trade_row(market, trades[-1]) if trades else {}
        return self._ok({**last, **contract_ticker(market, self._front.book(market).number, self._timeline.now_ns())})

    def _trades(self, kind: MarketKind, call: Call) -> Reply:
        """The newest, newest first."""
        market = self._market(kind, call)
        recent = list(market.history.trades)[-TRADES_SHOWN:]
        rows = [trade_row(market, trade) for trade in reversed(recent)]
        if kind is SPOT:
            shown = ("sequence", "price", "size", "side")
            return self._ok([{**{name: row[name] for name in shown}, "time": int(row["time"])} for row in rows])
        return self._ok([{name: value for name, value in row.items() if name != "symbol"} for row in rows])

    def _depth_of(self, kind: MarketKind, depth: int) -> Callable[[Call], Reply]:
        def depth_page(call: Call) -> Reply:
            market = self._market(kind, call)
            return self._depth_reply(market, self._sides(market, depth), self._front.book(market).number)

        return depth_page

    @staticmethod
    def _sides(market: SimMarket, depth: int) -> tuple[Levels, Levels]:
        return market.engine.depth(Side.BUY, depth), market.engine.depth(Side.SELL, depth)

    def _depth_reply(self, market: SimMarket, sides: tuple[Levels, Levels], number: int) -> Reply:
        bids, asks = (levels(market, rows, quoted_prices=False) for rows in sides)
        now_ms = self._timeline.now_ms()
        data = (
            f'{{"time":{now_ms},"sequence":"{number}","bids":{bids},"asks":{asks}}}'
            if market.kind is SPOT
            else f'{{"symbol":"{market.native}","sequence":{number},"bids":{bids},"asks":{asks},'
            f'"ts":{now_ms * NS_PER_MS}}}'
        )
        return Reply(f'{{"code":"{SUCCESS}","data":{data}}}'.encode())

    def _funding(self, call: Call) -> Reply:
        market = self._market(LINEAR, call)
        marks = market.marks
        assert marks is not None
        interval_ms = FUNDING_INTERVAL_H * HOUR_MS
        rate = _number(decimals(marks.rate, 6))
        return self._ok(
            {
                "symbol": f".{market.native}FPI{FUNDING_INTERVAL_H}H",
                "granularity": interval_ms,
                "timePoint": marks.next_funding_ms - interval_ms,
                "value": rate,
                "predictedValue": rate,
                "fundingRateCap": 0.003,
                "fundingRateFloor": -0.003,
                "period": 0,
                "fundingTime": marks.next_funding_ms,
            }
        )

    def _contract(self, market: SimMarket) -> dict[str, Any]:
        """One row of contracts/active."""
        instrument, marks = market.listing.instrument, market.marks
        assert marks is not None
        contract, places = instrument.contract_size, instrument.price_places
        day = market.history.day(self._timeline.now_ms())
        granularity_ms = instrument.funding_interval_h * HOUR_MS
        return {
            "symbol": instrument.native,
            "rootSymbol": instrument.settle,
            "type": "FFWCSX",
            "firstOpenDate": 1_585_555_200_000,
            "expireDate": None,
            "settleDate": None,
            "baseCurrency": NATIVE_BASES.get(instrument.base, instrument.base),
            "quoteCurrency": instrument.quote,
            "settleCurrency": instrument.settle,
            "maxOrderQty": int(instrument.max_qty / contract),
            "marketMaxOrderQty": int(instrument.market_max_qty / contract),
            "maxPrice": int(instrument.max_price),
            "lotSize": 1,
            "tickSize": float(instrument.tick),
            "indexPriceTickSize": float(instrument.tick),
            "multiplier": float(contract),
            "initialMargin": 1 / float(instrument.max_leverage),
            "maintainMargin": 0.5 / float(instrument.max_leverage),
            "makerFeeRate": float(instrument.maker_fee),
            "takerFeeRate": float(instrument.taker_fee),
            "isDeleverage": True,
            "isQuanto": True,
            "isInverse": False,
            "markMethod": "FairPrice",
            "fairMethod": "FundingRate",
            "status": "Open",
            "fundingFeeRate": _number(decimals(marks.rate, 6)),
            "predictedFundingFeeRate": _number(decimals(marks.rate, 6)),
            "fundingRateGranularity": granularity_ms,
            "turnoverOf24h": float(market.text.value(day.value)),
            "volumeOf24h": float(market.text.base(day.quantity)),
            "markPrice": _number(decimals(marks.mark, places + 1)),
            "indexPrice": _number(decimals(marks.index, places + 1)),
            "lastTradePrice": float(market.text.price(day.close)),
            "nextFundingRateTime": marks.next_funding_ms - self._timeline.now_ms(),
            "maxLeverage": int(instrument.max_leverage),
            "buyLimit": _number(decimals(marks.mark * float(PERPETUAL_BAND.buy_up), places)),
            "sellLimit": _number(decimals(marks.mark * float(PERPETUAL_BAND.sell_down), places)),
            "lowPrice": float(market.text.price(day.low)),
            "highPrice": float(market.text.price(day.high)),
        }

    # --- what they share -----------------------------------------------------------------------------------------

    def _markets(self, kind: MarketKind) -> list[SimMarket]:
        return list(self._front.markets[kind].values())

    def _market(self, kind: MarketKind, call: Call) -> SimMarket:
        native = call.match.get("symbol") or call.query.get("symbol", "")
        market = self._front.markets[kind].get(native)
        if market is None:
            raise RequestRefused(json_reply({"code": BAD_PARAMETER, "msg": UNKNOWN_WORDS[kind]}))
        return market

    @staticmethod
    def _ok(data: Any) -> Reply:
        return json_reply({"code": SUCCESS, "data": data})


def _number(text: str) -> msgspec.Raw:
    """A decimal text as a JSON number."""
    return msgspec.Raw(text.encode())


def _pair(market: SimMarket) -> dict[str, Any]:
    """One row of symbols."""
    instrument = market.listing.instrument
    return {
        "symbol": instrument.native,
        "name": instrument.native,
        "baseCurrency": instrument.base,
        "quoteCurrency": instrument.quote,
        "feeCurrency": instrument.quote,
        "market": "USDS",
        "baseMinSize": format(instrument.min_qty, "f"),
        "quoteMinSize": "0.1",
        "baseMaxSize": format(instrument.max_qty, "f"),
        "quoteMaxSize": "99999999",
        "baseIncrement": format(instrument.lot, "f"),
        "quoteIncrement": "0.000001",
        "priceIncrement": format(instrument.tick, "f"),
        "priceLimitRate": "0.1",
        "minFunds": format(instrument.min_notional, "f"),
        "isMarginEnabled": True,
        "enableTrading": True,
        "feeCategory": 1,
        "makerFeeCoefficient": "1.00",
        "takerFeeCoefficient": "1.00",
        "st": False,
        "callauctionIsEnabled": False,
    }
