"""MEXC's REST pages as the embedded exchange plays them: listings, books, trades, tickers, clocks, limits per page.

Part of ``front``. Replies: ../shared/exchanges/mexc.md §2, §4, §5, §9 to §11; field names of pages that are not written
out there as ccxt 4.5.90 reads them.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.front import Call, Front, Page, Reply, RequestRefused, json_reply
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.limits import Verdict, WeightLimiter
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.mexc.contracts import (
    COMMITS_KEPT,
    ContractStreams,
    book_of,
    commits_of,
    fair_price,
    index_price,
    rows_of,
)
from jackbot_tui.sim.mexc.listings import FUNDING_INTERVAL_H

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
SPOT_WINDOW_MS = 10_000
CONTRACT_WINDOW_MS = 2000
DETAIL_WINDOW_MS = 5000
"""The listing of contracts may be asked for once in this time."""

DEPTH_DEFAULT, DEPTH_MOST = 100, 5000
TRADES_DEFAULT, TRADES_MOST = 500, 1000
DEALS_MOST = 100
INVALID_SYMBOL, MISSING, ILLEGAL = -1121, 700004, 700008

Image = tuple[int, Levels, Levels]
Answer = Callable[[Call], Reply]


def image_of(market: SimMarket) -> Image:
    """Version, bids and asks as they are now."""
    engine = market.engine
    return engine.last_update_id, engine.depth(Side.BUY), engine.depth(Side.SELL)


class SpotPages:
    """``settle`` publishes what a pair's streams still owe: a book then ends where the stream stands."""

    def __init__(self, front: Front, markets: Mapping[str, SimMarket], settle: Callable[[SimMarket], None]) -> None:
        self._front = front
        self._markets = markets
        self._settle = settle
        self._opening = {native: image_of(market) for native, market in markets.items()}

    def pages(self) -> list[Page]:
        answers: dict[str, tuple[int, Answer]] = {
            "ping": (1, lambda call: json_reply({})),
            "time": (1, lambda call: json_reply({"serverTime": self._front.timeline.now_ms()})),
            "exchangeInfo": (10, self._exchange_info),
            "defaultSymbols": (1, lambda call: json_reply({"code": 200, "data": list(self._markets), "msg": None})),
            "depth": (1, self._depth),
            "trades": (5, self._trades),
            "ticker/24hr": (1, lambda call: self._per_symbol(call, self._day)),
            "ticker/price": (1, lambda call: self._per_symbol(call, self._price)),
            "ticker/bookTicker": (1, lambda call: self._per_symbol(call, self._best)),
        }
        return [Page("GET", f"/api/v3/{name}", self._counted(*answer)) for name, answer in answers.items()]

    def stale(self, call: Call) -> Reply | None:
        """A book from the opening of the market."""
        market = self._markets.get(call.query.get("symbol", "")) if call.path == "/api/v3/depth" else None
        return None if market is None else self._depth_reply(market, call, self._opening[market.native])

    def _counted(self, weight: int, answer: Answer) -> Answer:
        """Each page has a budget of its own; whoever goes on asking is banned for a while."""
        limits = self._front.world.limits
        limiter = WeightLimiter(limits.spot_weight, limits.refusals_before_ban, limits.ban_s, SPOT_WINDOW_MS)

        def counted(call: Call) -> Reply:
            now_ms = self._front.timeline.now_ms()
            verdict = limiter.admit(weight, now_ms)
            if verdict is Verdict.ALLOWED:
                return answer(call)
            after = {"Retry-After": str(limiter.retry_after_s(now_ms))}
            return json_reply({"code": int(verdict), "msg": "Too many requests"}, int(verdict), after)

        return counted

    def _market(self, call: Call) -> SimMarket:
        name = call.query.get("symbol", "")
        if not name:
            raise _refused(MISSING, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        if name not in self._markets:
            raise _refused(INVALID_SYMBOL, "Invalid symbol.")
        return self._markets[name]

    def _per_symbol(self, call: Call, row: Callable[[SimMarket], dict[str, Any]]) -> Reply:
        """One row where a pair is named, else all of them."""
        if "symbol" in call.query:
            return json_reply(row(self._market(call)))
        return json_reply([row(market) for market in self._markets.values()])

    def _exchange_info(self, call: Call) -> Reply:
        names = call.query.get("symbols", call.query.get("symbol", ""))
        wanted = names.split(",") if names else list(self._markets)
        if any(name not in self._markets for name in wanted):
            raise _refused(INVALID_SYMBOL, "Invalid symbol.")
        return json_reply(
            {
                "timezone": "CST",
                "serverTime": self._front.timeline.now_ms(),
                "rateLimits": [],
                "exchangeFilters": [],
                "symbols": [_pair_rules(self._markets[name]) for name in wanted],
            }
        )

    def _depth(self, call: Call) -> Reply:
        market = self._market(call)
        self._settle(market)
        return self._depth_reply(market, call, image_of(market))

    def _depth_reply(self, market: SimMarket, call: Call, image: Image) -> Reply:
        limit = _count(call, DEPTH_DEFAULT, DEPTH_MOST)
        version, bids, asks = image
        body = (
            f'{{"lastUpdateId":{version},"bids":{market.text.levels(bids[:limit])},'
            f'"asks":{market.text.levels(asks[:limit])},"timestamp":{self._front.timeline.now_ms()}}}'
        )
        return Reply(body.encode())

    def _trades(self, call: Call) -> Reply:
        market, count = self._market(call), _count(call, TRADES_DEFAULT, TRADES_MOST)
        text = market.text

        def row(trade: Print) -> dict[str, Any]:
            return {
                "id": None,
                "price": text.price(trade.price),
                "qty": text.quantity(trade.quantity),
                "quoteQty": text.value(trade.price * trade.quantity),
                "time": trade.ms,
                "isBuyerMaker": trade.buyer_is_maker,
                "isBestMatch": True,
                "tradeType": "ASK" if trade.buyer_is_maker else "BID",
            }

        return json_reply([row(trade) for trade in reversed(list(market.history.trades)[-count:])])

    def _day(self, market: SimMarket) -> dict[str, Any]:
        now_ms, text = self._front.timeline.now_ms(), market.text
        day = market.history.day(now_ms)
        return {
            **self._best(market),
            "priceChange": text.price(day.close - day.open),
            "priceChangePercent": f"{(day.close - day.open) / day.open:.4f}",
            "prevClosePrice": text.price(day.open),
            "lastPrice": text.price(day.close),
            "openPrice": text.price(day.open),
            "highPrice": text.price(day.high),
            "lowPrice": text.price(day.low),
            "volume": text.quantity(day.quantity),
            "quoteVolume": text.value(day.value),
            "openTime": now_ms - 86_400_000,
            "closeTime": now_ms,
            "count": None,
        }

    def _price(self, market: SimMarket) -> dict[str, Any]:
        return {"symbol": market.native, "price": market.text.price(market.history.last_price)}

    def _best(self, market: SimMarket) -> dict[str, Any]:
        bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
        text = market.text
        return {
            "symbol": market.native,
            "bidPrice": text.price(bid),
            "bidQty": text.quantity(bid_size),
            "askPrice": text.price(ask),
            "askQty": text.quantity(ask_size),
        }


class ContractPages:
    """``streams`` knows the last versions of the books, and the ticker."""

    def __init__(self, front: Front, markets: Mapping[str, SimMarket], streams: ContractStreams) -> None:
        self._front = front
        self._markets = markets
        self._streams = streams
        self._opening = {native: image_of(market) for native, market in markets.items()}

    def pages(self) -> list[Page]:
        limits, now_ms = self._front.world.limits, self._front.timeline.now_ms
        answers: dict[str, Answer] = {
            "ping": lambda call: _data(now_ms()),
            "ticker": self._tickers,
            "depth/{symbol}": self._depth,
            "depth_commits/{symbol}/{limit}": self._commits,
            "deals/{symbol}": self._deals,
            "funding_rate/{symbol}": lambda call: _data(self._funding(self._market(call))),
            "fair_price/{symbol}": lambda call: self._figure(call, "fairPrice", fair_price),
            "index_price/{symbol}": lambda call: self._figure(call, "indexPrice", index_price),
        }
        listing = self._counted(WeightLimiter(1, limits.refusals_before_ban, 0, DETAIL_WINDOW_MS), self._detail)
        counted = {
            name: self._counted(
                WeightLimiter(limits.linear_weight, limits.refusals_before_ban, 0, CONTRACT_WINDOW_MS), answer
            )
            for name, answer in answers.items()
        }
        return [Page("GET", f"/api/v1/contract/{name}", each) for name, each in {"detail": listing, **counted}.items()]

    def stale(self, call: Call) -> Reply | None:
        """A book from the opening of the market; the numbers of orders on its levels are those of now."""
        before, _, native = call.path.rpartition("/")
        market = self._markets.get(native) if before == "/api/v1/contract/depth" else None
        if market is None:
            return None
        version, bids, asks = self._opening[native]
        sides = f'"asks":{rows_of(market, Side.SELL, asks)},"bids":{rows_of(market, Side.BUY, bids)}'
        return _raw(f'{{{sides},"version":{version},"timestamp":{self._front.timeline.now_ms()}}}')

    def _counted(self, limiter: WeightLimiter, answer: Answer) -> Answer:
        """Too many requests are refused one by one, with status 200; there is no ban."""

        def counted(call: Call) -> Reply:
            if limiter.admit(1, self._front.timeline.now_ms()) is Verdict.ALLOWED:
                return answer(call)
            return json_reply({"success": False, "code": 510, "message": "Excessive frequency of requests"})

        return counted

    def _market(self, call: Call) -> SimMarket:
        market = self._markets.get(call.match.get("symbol") or call.query.get("symbol", ""))
        if market is None:
            raise RequestRefused(json_reply({"success": False, "code": 1001, "message": "Contract does not exist"}))
        return market

    def _detail(self, call: Call) -> Reply:
        wanted = [self._market(call)] if "symbol" in call.query else list(self._markets.values())
        return _data([_contract_rules(market, self._streams.ids[market.native]) for market in wanted])

    def _depth(self, call: Call) -> Reply:
        market = self._market(call)
        limit = call.query.get("limit", "")
        book = book_of(market, int(limit) if limit.isdigit() else 0)
        return _raw(f'{{{book},"timestamp":{self._front.timeline.now_ms()}}}')

    def _commits(self, call: Call) -> Reply:
        market, limit = self._market(call), call.match["limit"]
        if not limit.isdigit() or not 0 < int(limit) <= COMMITS_KEPT:
            raise RequestRefused(json_reply({"success": False, "code": 600, "message": "Parameter error"}))
        return _raw(commits_of(market, list(self._streams.logs[market.native].commits)[-int(limit) :]))

    def _deals(self, call: Call) -> Reply:
        market, limit = self._market(call), call.query.get("limit", "")
        count = min(DEALS_MOST, int(limit)) if limit.isdigit() and int(limit) else DEALS_MOST
        text = market.text
        rows = [
            {
                "p": msgspec.Raw(text.price(trade.price).encode()),
                "v": msgspec.Raw(text.quantity(trade.quantity).encode()),
                "T": 2 if trade.buyer_is_maker else 1,
                "O": 3,
                "M": 2,
                "t": trade.ms,
            }
            for trade in reversed(list(market.history.trades)[-count:])
        ]
        return _data(rows)

    def _tickers(self, call: Call) -> Reply:
        if "symbol" in call.query:
            return _data(self._streams.ticker(self._market(call)))
        return _data([self._streams.ticker(market) for market in self._markets.values()])

    def _funding(self, market: SimMarket) -> dict[str, Any]:
        marks = market.marks
        assert marks is not None
        return {
            "symbol": market.native,
            "fundingRate": round(marks.rate, 6),
            "maxFundingRate": 0.003,
            "minFundingRate": -0.003,
            "collectCycle": FUNDING_INTERVAL_H,
            "nextSettleTime": marks.next_funding_ms,
            "timestamp": self._front.timeline.now_ms(),
        }

    def _figure(self, call: Call, name: str, write: Callable[[SimMarket], str]) -> Reply:
        market = self._market(call)
        price = msgspec.Raw(write(market).encode())
        return _data({"symbol": market.native, name: price, "timestamp": self._front.timeline.now_ms()})


def _pair_rules(market: SimMarket) -> dict[str, Any]:
    """One row of exchangeInfo: decimals, not steps."""
    instrument = market.listing.instrument
    band = instrument.band
    assert band is not None
    return {
        "symbol": instrument.native,
        "status": "1",
        "baseAsset": instrument.base,
        "baseAssetPrecision": instrument.qty_places,
        "quoteAsset": instrument.quote,
        "quotePrecision": instrument.price_places,
        "quoteAssetPrecision": instrument.price_places,
        "baseCommissionPrecision": instrument.qty_places,
        "quoteCommissionPrecision": instrument.price_places,
        "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "quoteAmountPrecision": format(instrument.min_notional, "f"),
        "quoteAmountPrecisionMarket": format(instrument.min_notional, "f"),
        "baseSizePrecision": format(instrument.min_qty, "f"),
        "maxQuoteAmount": format(instrument.max_notional, "f"),
        "makerCommission": format(instrument.maker_fee, "f"),
        "takerCommission": format(instrument.taker_fee, "f"),
        "permissions": ["SPOT"],
        "filters": [
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": format(band.buy_up, "f"),
                "askMultiplierDown": format(band.sell_down, "f"),
            }
        ],
        "tradeSideType": 1,
        "st": False,
    }


def _contract_rules(market: SimMarket, number: int) -> dict[str, Any]:
    """One row of contract/detail: volumes in contracts."""
    instrument = market.listing.instrument
    size, band = instrument.contract_size, instrument.band
    assert band is not None
    figures = {
        "contractSize": size,
        "priceUnit": instrument.tick,
        "volUnit": instrument.lot / size,
        "minVol": instrument.min_qty / size,
        "maxVol": instrument.max_qty / size,
        "maxLeverage": instrument.max_leverage,
        "bidLimitPriceRate": band.buy_up - 1,
        "askLimitPriceRate": 1 - band.sell_down,
        "takerFeeRate": instrument.taker_fee,
        "makerFeeRate": instrument.maker_fee,
    }
    return {
        "id": number,
        "symbol": instrument.native,
        "displayNameEn": f"{instrument.native} PERPETUAL",
        "positionOpenType": 3,
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "settleCoin": instrument.settle,
        "futureType": 1,
        "minLeverage": 1,
        "priceScale": instrument.price_places,
        "volScale": 0,
        "amountScale": 4,
        **{name: _number(figure) for name, figure in figures.items()},
        "state": 0,
        "isNew": False,
        "isHot": True,
        "isHidden": False,
        "maxNumOrders": [200, 50],
        "apiAllowed": True,
    }


def _number(figure: Decimal) -> msgspec.Raw:
    return msgspec.Raw(format(figure.normalize(), "f").encode())


def _count(call: Call, default: int, most: int) -> int:
    text = call.query.get("limit", str(default))
    if not text.isdigit() or not int(text):
        raise _refused(ILLEGAL, "Illegal characters found in parameter 'limit'.")
    return min(most, int(text))


def _refused(code: int, words: str) -> RequestRefused:
    return RequestRefused(json_reply({"code": code, "msg": words}, 400))


def _data(content: Any) -> Reply:
    return json_reply({"success": True, "code": 0, "data": content})


def _raw(text: str) -> Reply:
    return Reply(f'{{"success":true,"code":0,"data":{text}}}'.encode())
