"""Kraken's public REST pages, of spot and of derivatives: what clients load before they subscribe (kraken.md §4, §8.3).

Owned by the front. Errors of spot come with HTTP 200, as the venue's do. Volumes of ``Depth`` are written with all
their decimals.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.front import Call, Front, Page, Reply, RequestRefused, json_reply
from jackbot_tui.sim.kraken.futures import HOURS_OF_INTEREST, FuturesStreams, pair_of, uid_of
from jackbot_tui.sim.kraken.listings import SPOT_QTY_PLACES, own_code
from jackbot_tui.sim.kraken.spot import pair_id
from jackbot_tui.sim.limits import Verdict, WeightLimiter
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.past import PastBooks
from jackbot_tui.sim.text import instant

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
SPOT_BASE = "/0/public"
FUTURES_BASE = "/derivatives/api/v3"
MOST_LEVELS = 500
DEFAULT_LEVELS = 100
MOST_TRADES = 1000
FUTURES_TRADES = 100
_ASSETS = {"XBT": ("XXBT", 10, 5), "ETH": ("XETH", 10, 5), "XDG": ("XXDG", 8, 2), "USD": ("ZUSD", 4, 2)}
"""REST's id, decimals and decimals shown of currencies that have a prefix, by Kraken's own code."""

PageBody = Callable[[Call], Any]


class Pages:
    """``futures`` gives the figures of tickers."""

    def __init__(self, front: Front, futures: FuturesStreams, past: PastBooks) -> None:
        self._front, self._timeline = front, front.timeline
        self._futures, self._past = futures, past
        self._spot, self._linear = front.markets[SPOT], front.markets[LINEAR]
        self._by_pair: dict[str, SimMarket] = {}
        for native, market in self._spot.items():
            names = (pair_id(market), altname(market), _wsname(market), native)
            self._by_pair.update(dict.fromkeys(names, market))
        limits = front.world.limits
        self._limiters = {
            kind: WeightLimiter(limits.weight(kind), limits.refusals_before_ban, limits.ban_s, limits.window_ms)
            for kind in (SPOT, LINEAR)
        }

    def all(self) -> Sequence[Page]:
        spot: dict[str, PageBody] = {
            "Time": lambda call: self._time(),
            "SystemStatus": lambda call: {"status": "online", "timestamp": f"{self._now()[:19]}Z"},
            "Assets": lambda call: self._assets(),
            "AssetPairs": lambda call: {pair_id(market): _asset_pair(market) for market in self._chosen(call)},
            "Depth": lambda call: self._depth(call, _now_levels),
            "Trades": self._trades,
            "Ticker": lambda call: {pair_id(market): self._ticker(market) for market in self._chosen(call)},
        }
        futures: dict[str, PageBody] = {
            "instruments": lambda call: {"instruments": [_product(market) for market in self._linear.values()]},
            "tickers": lambda call: {"tickers": [self._futures_ticker(market) for market in self._linear.values()]},
            "tickers/{symbol}": lambda call: {"ticker": self._futures_ticker(self._of_symbol(call))},
            "orderbook": lambda call: self._orderbook(call, _now_levels),
            "history": self._history,
            "historical-funding-rates": self._funding_rates,
        }
        return [
            *(Page("GET", f"{SPOT_BASE}/{name}", self._page(SPOT, body)) for name, body in spot.items()),
            *(Page("GET", f"{FUTURES_BASE}/{name}", self._page(LINEAR, body)) for name, body in futures.items()),
        ]

    def stale(self, call: Call) -> Reply | None:
        """``Depth`` and ``orderbook`` from a book of a moment ago."""
        try:
            if call.path == f"{SPOT_BASE}/Depth" and self._past.of(self._chosen(call)[0]):
                return self._reply(SPOT, self._depth(call, self._past_levels))
            if call.path == f"{FUTURES_BASE}/orderbook" and self._past.of(self._of_symbol(call)):
                return self._reply(LINEAR, self._orderbook(call, self._past_levels))
        except RequestRefused as refused:
            return refused.reply
        return None

    def admit(self, kind: MarketKind, cost: int) -> bool:
        """Count a request."""
        return self._limiters[kind].admit(cost, self._timeline.now_ms()) is Verdict.ALLOWED

    def _page(self, kind: MarketKind, body: PageBody) -> Callable[[Call], Reply]:
        def answer(call: Call) -> Reply:
            if not self.admit(kind, 1):
                words = "EAPI:Rate limit exceeded" if kind is SPOT else "apiLimitExceeded"
                raise RequestRefused(self._refusal(kind, words, 429 if kind is LINEAR else 200))
            return self._reply(kind, body(call))

        return answer

    def _reply(self, kind: MarketKind, result: Any) -> Reply:
        if kind is SPOT:
            return json_reply({"error": [], "result": result})
        return json_reply({"result": "success", **result, "serverTime": self._now()})

    def _refusal(self, kind: MarketKind, words: str, status: int = 200) -> Reply:
        if kind is SPOT:
            return json_reply({"error": [words]}, status)
        return json_reply({"result": "error", "error": words, "serverTime": self._now()}, status)

    def _now(self) -> str:
        return instant(self._timeline.now_ns(), 3)

    def _past_levels(self, market: SimMarket, side: Side, limit: int) -> Levels:
        past = self._past.of(market)
        levels = past[side is Side.SELL] if past is not None else []
        return levels[:limit] if limit else levels

    # --- spot ----------------------------------------------------------------------------------------------------

    def _chosen(self, call: Call) -> list[SimMarket]:
        """The pairs that ``pair`` names, by any of their names; all of them without it."""
        names = [name for name in call.query.get("pair", "").split(",") if name]
        chosen = [self._by_pair[name] for name in names if name in self._by_pair]
        if len(chosen) < len(names):
            raise RequestRefused(self._refusal(SPOT, "EQuery:Unknown asset pair"))
        return chosen or list(self._spot.values())

    def _one(self, call: Call) -> SimMarket:
        if not call.query.get("pair"):
            raise RequestRefused(self._refusal(SPOT, "EGeneral:Invalid arguments"))
        return self._chosen(call)[0]

    def _time(self) -> dict[str, Any]:
        seconds = self._timeline.now_ms() // 1000
        return {
            "unixtime": seconds,
            "rfc1123": f"{datetime.fromtimestamp(seconds, UTC):%a, %d %b %y %H:%M:%S} +0000",
        }

    def _assets(self) -> dict[str, Any]:
        names = sorted({own_code(name) for native in self._spot for name in native.split("/")})
        rows = {name: _ASSETS.get(name, (name, 10, 5)) for name in names}
        return {
            asset: {
                "aclass": "currency",
                "altname": name,
                "decimals": places,
                "display_decimals": shown,
                "status": "enabled",
            }
            for name, (asset, places, shown) in rows.items()
        }

    def _depth(self, call: Call, levels_of: Callable[[SimMarket, Side, int], Levels]) -> dict[str, Any]:
        market = self._one(call)
        count = _whole(call, "count", DEFAULT_LEVELS, MOST_LEVELS)
        seconds, text = self._timeline.now_ms() // 1000, market.text
        sides = {
            name: [[text.price(price), text.quantity(size), seconds] for price, size in levels_of(market, side, count)]
            for name, side in (("asks", Side.SELL), ("bids", Side.BUY))
        }
        return {pair_id(market): sides}

    def _trades(self, call: Call) -> dict[str, Any]:
        market = self._one(call)
        trades = list(market.history.trades)[-_whole(call, "count", MOST_TRADES, MOST_TRADES) :]
        text = market.text
        rows = [
            [
                text.price(trade.price),
                text.quantity(trade.quantity),
                trade.ms / 1000,
                "s" if trade.buyer_is_maker else "b",
                "l",
                "",
                trade.trade_id,
            ]
            for trade in trades
        ]
        return {pair_id(market): rows, "last": str(trades[-1].ms * 1_000_000 if trades else 0)}

    def _ticker(self, market: SimMarket) -> dict[str, Any]:
        text, trades = market.text, market.history.trades
        day = market.history.day(self._timeline.now_ms())
        bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
        vwap = text.average(day.value, day.quantity) if day.quantity else text.price(day.close)
        last_size = text.quantity(trades[-1].quantity if trades else 0)
        count = sum(minute.trades for minute in market.history.minutes)
        one = 10**SPOT_QTY_PLACES
        return {
            "a": [text.price(ask), str(ask_size // one), text.quantity(ask_size)],
            "b": [text.price(bid), str(bid_size // one), text.quantity(bid_size)],
            "c": [text.price(day.close), last_size],
            "v": [text.quantity(day.quantity)] * 2,
            "p": [vwap] * 2,
            "t": [count] * 2,
            "l": [text.price(day.low)] * 2,
            "h": [text.price(day.high)] * 2,
            "o": text.price(day.open),
        }

    # --- derivatives ---------------------------------------------------------------------------------------------

    def _of_symbol(self, call: Call) -> SimMarket:
        symbol = call.query.get("symbol") or call.match.get("symbol", "")
        market = self._linear.get(symbol.upper())
        if market is None:
            words = "contractNotFound" if symbol else "requiredArgumentMissing"
            raise RequestRefused(self._refusal(LINEAR, words, 404 if symbol else 400))
        return market

    def _futures_ticker(self, market: SimMarket) -> dict[str, Any]:
        facts = self._futures.facts(market)
        trades = market.history.trades
        named = {"tag": "perpetual", "pair": pair_of(market), "symbol": market.native}
        last: dict[str, Any] = {}
        if trades:
            last["lastTime"] = instant(trades[-1].ms * 1_000_000, 3)
            last["lastSize"] = float(market.text.quantity(trades[-1].quantity))
        return named | facts | last | {"suspended": False, "postOnly": False}

    def _orderbook(self, call: Call, levels_of: Callable[[SimMarket, Side, int], Levels]) -> dict[str, Any]:
        market = self._of_symbol(call)
        text = market.text
        return {
            "orderBook": {
                name: [
                    [float(text.price(price)), float(text.quantity(size))] for price, size in levels_of(market, side, 0)
                ]
                for name, side in (("bids", Side.BUY), ("asks", Side.SELL))
            }
        }

    def _history(self, call: Call) -> dict[str, Any]:
        market = self._of_symbol(call)
        text = market.text
        return {
            "history": [
                {
                    "time": instant(trade.ms * 1_000_000, 3),
                    "trade_id": trade.trade_id,
                    "price": float(text.price(trade.price)),
                    "size": float(text.quantity(trade.quantity)),
                    "side": "sell" if trade.buyer_is_maker else "buy",
                    "type": "fill",
                    "uid": uid_of(market, trade),
                }
                for trade in reversed(list(market.history.trades)[-FUTURES_TRADES:])
            ]
        }

    def _funding_rates(self, call: Call) -> dict[str, Any]:
        marks = self._of_symbol(call).marks
        settlements = marks.settlements if marks is not None else []
        return {
            "rates": [
                {
                    "timestamp": instant(paid.ms * 1_000_000, 3),
                    "fundingRate": paid.rate / HOURS_OF_INTEREST * paid.mark,
                    "relativeFundingRate": paid.rate / HOURS_OF_INTEREST,
                }
                for paid in settlements
            ]
        }


def _now_levels(market: SimMarket, side: Side, limit: int) -> Levels:
    return market.engine.depth(side, limit)


def _whole(call: Call, name: str, default: int, most: int) -> int:
    text = call.query.get(name, "")
    return max(1, min(most, int(text))) if text.isascii() and text.isdigit() else default


def altname(market: SimMarket) -> str:
    return _wsname(market).replace("/", "")


def _wsname(market: SimMarket) -> str:
    """The name that WebSocket v1 used."""
    instrument = market.listing.instrument
    return f"{own_code(instrument.base)}/{own_code(instrument.quote)}"


def asset_id(currency: str) -> str:
    code = own_code(currency)
    return _ASSETS[code][0] if code in _ASSETS else code


def _asset_pair(market: SimMarket) -> dict[str, Any]:
    """One row of AssetPairs."""
    instrument = market.listing.instrument
    taker, maker = (float(fee * 100) for fee in (instrument.taker_fee, instrument.maker_fee))
    return {
        "altname": altname(market),
        "wsname": _wsname(market),
        "aclass_base": "currency",
        "base": asset_id(instrument.base),
        "aclass_quote": "currency",
        "quote": asset_id(instrument.quote),
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": instrument.price_places,
        "lot_decimals": SPOT_QTY_PLACES,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, taker]],
        "fees_maker": [[0, maker]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": format(instrument.min_qty, "f"),
        "costmin": format(instrument.min_notional, "f"),
        "tick_size": format(instrument.tick, "f"),
        "status": "online",
        "execution_venue": "international",
    }


def _product(market: SimMarket) -> dict[str, Any]:
    """One row of the derivatives' instruments."""
    instrument = market.listing.instrument
    margin = float(1 / instrument.max_leverage)
    return {
        "symbol": market.native,
        "type": "flexible_futures",
        "tickSize": float(instrument.tick),
        "contractSize": 1,
        "tradeable": True,
        "openingDate": "2022-03-22T13:15:36Z",
        "marginLevels": [{"numNonContractUnits": 0.0, "initialMargin": margin, "maintenanceMargin": margin / 2}],
        "fundingRateCoefficient": 24,
        "maxRelativeFundingRate": 0.0025,
        "contractValueTradePrecision": instrument.qty_places,
        "postOnly": False,
        "mtf": True,
        "base": instrument.base,
        "quote": instrument.quote,
        "pair": f"{instrument.base}:{instrument.quote}",
        "category": "",
        "tradfi": False,
        "isExpired": False,
    }
