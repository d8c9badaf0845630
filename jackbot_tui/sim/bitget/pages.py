"""Bitget's public REST pages, as far as a client starts with them: time, listings, depth, tickers, trades, funding.

Shapes and limits: ../shared/exchanges/bitget.md §2, §4 to §6, §8, §9: version 3, but for the clock and the coins. A
page may be asked 20 times a second, all together 6000 times a minute; headers say what is left. Markets that this
exchange could run and does not are listed as offline. Used by ``front`` alone.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.numbers import ONE, places_of
from jackbot_tui.sim.bitget.listings import BAND
from jackbot_tui.sim.bitget.texts import category_of, execution_id, side_text, ticker_of
from jackbot_tui.sim.front import Call, Page, Reply, RequestRefused, json_reply
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.limits import MINUTE_MS, Verdict, WeightLimiter
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.text import decimals

if TYPE_CHECKING:
    from jackbot_tui.sim.bitget.front import BitgetFront

DEPTH_PATH = "/api/v3/market/orderbook"
CATEGORIES = ("SPOT", "MARGIN", "USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES")
DEPTH_LIMITS = (5, 200)
"""Levels a side when none are asked for, and at most."""

TRADE_LIMITS = (100, 100)
REQUESTS_PER_MINUTE = 6000
RECOVERY_S = 300
"""How long an address is refused that asked more often than that."""

SUCCESS, BAD_PARAMETER, TOO_FREQUENT, UNAVAILABLE = "00000", "400172", "429", "45001"


class BitgetPages:
    """Answers for ``front``. Made before the market moves: stale depth is that of the opening."""

    def __init__(self, front: "BitgetFront") -> None:
        self._front = front
        self._timeline = front.timeline
        self._minute = WeightLimiter(REQUESTS_PER_MINUTE, 0, RECOVERY_S, MINUTE_MS)
        self._markets = {
            (category_of(market.listing.instrument), native): market
            for markets in front.markets.values()
            for native, market in markets.items()
        }
        self._opening = {market.listing.key: _book(market) for market in self._markets.values()}

    def pages(self) -> list[Page]:
        answers = {
            "/api/v2/public/time": self._time,
            "/api/v2/spot/public/coins": self._coins,
            "/api/v3/market/instruments": self._instruments,
            DEPTH_PATH: self._depth,
            "/api/v3/market/tickers": self._tickers,
            "/api/v3/market/fills": self._trades,
            "/api/v3/market/current-fund-rate": self._funding,
        }
        return [Page("GET", path, self._counted(answer)) for path, answer in answers.items()]

    def overloaded(self) -> Reply:
        words = "The system is under maintenance, please try again later"
        return json_reply(self._body(UNAVAILABLE, words, None), 503)

    def too_many_requests(self) -> Reply:
        return json_reply(self._body(TOO_FREQUENT, "Too Many Requests", None), 429)

    def stale(self, call: Call) -> Reply | None:
        """A depth reply from the opening of the market."""
        market = self._markets.get((call.query.get("category", "").upper(), call.query.get("symbol", "")))
        if call.path != DEPTH_PATH or market is None:
            return None
        return self._depth_reply(market, call, self._opening[market.listing.key])

    def _counted(self, answer: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        limits = self._front.world.limits
        second = WeightLimiter(limits.spot_weight, limits.refusals_before_ban, limits.ban_s, limits.window_ms)

        def counted(call: Call) -> Reply:
            now_ms = self._timeline.now_ms()
            verdicts = {limiter.admit(1, now_ms) for limiter in (self._minute, second)}
            left = {"x-mbx-used-remain-limit": str(max(0, second.limit - second.used))}
            if verdicts != {Verdict.ALLOWED}:
                raise RequestRefused(replace(self.too_many_requests(), headers=left))
            return replace(answer(call), headers=left)

        return counted

    def count_minute(self) -> None:
        """Count a private request of the address; RequestRefused beyond what all pages together allow."""
        if self._minute.admit(1, self._timeline.now_ms()) is not Verdict.ALLOWED:
            raise RequestRefused(self.too_many_requests())

    # --- pages ---------------------------------------------------------------------------------------------------

    def _time(self, call: Call) -> Reply:
        return self._ok({"serverTime": str(self._timeline.now_ms())})

    def _coins(self, call: Call) -> Reply:
        """Coins without networks: nothing is deposited here."""
        instruments = [market.listing.instrument for market in self._markets.values()]
        coins = dict.fromkeys(coin for instrument in instruments for coin in (instrument.base, instrument.quote))
        rows = [
            {"coinId": str(number), "coin": coin, "transfer": "true", "chains": [], "areaCoin": "no"}
            for number, coin in enumerate(coins, 1)
        ]
        return self._ok(rows)

    def _instruments(self, call: Call) -> Reply:
        category, wanted = self._category(call), call.query.get("symbol")
        listings = [each for each in self._front.LISTINGS if category_of(each.instrument) == category]
        rows = [
            _rules(each, online=(category, each.instrument.native) in self._markets)
            for each in listings
            if wanted in (None, each.instrument.native)
        ]
        if wanted is not None and not rows:
            raise self._refusal()
        return self._ok(rows)

    def _depth(self, call: Call) -> Reply:
        market = self._market(call)
        return self._depth_reply(market, call, _book(market))

    def _depth_reply(self, market: SimMarket, call: Call, book: tuple[Levels, Levels]) -> Reply:
        """Levels are numbers here, and nothing joins them to the stream."""
        limit, text = _limit(call, DEPTH_LIMITS), market.text
        bids, asks = (
            ",".join([f"[{text.price(price)},{text.quantity(size)}]" for price, size in side[:limit]]) for side in book
        )
        now_ms = self._timeline.now_ms()
        return self._ok(msgspec.Raw(f'{{"a":[{asks}],"b":[{bids}],"ts":"{now_ms}"}}'.encode()))

    def _tickers(self, call: Call) -> Reply:
        now_ms = self._timeline.now_ms()
        rows = [
            {
                "category": call.query["category"].upper(),
                "symbol": market.native,
                **ticker_of(market, now_ms),
                "ts": str(now_ms),
            }
            for market in self._chosen(call)
        ]
        return self._ok(rows)

    def _trades(self, call: Call) -> Reply:
        market = self._market(call)
        recent = list(market.history.trades)[-_limit(call, TRADE_LIMITS) :]
        rows = [
            {
                "execId": str(execution_id(trade)),
                "execLinkId": str(execution_id(trade) + 1),
                "price": market.text.price(trade.price),
                "size": market.text.quantity(trade.quantity),
                "side": side_text(trade),
                "ts": str(trade.ms),
            }
            for trade in reversed(recent)
        ]
        return self._ok(rows)

    def _funding(self, call: Call) -> Reply:
        """By symbol alone: only perpetuals have it."""
        market = self._front.markets[MarketKind.LINEAR].get(call.query.get("symbol", ""))
        if market is None or market.marks is None:
            raise self._refusal()
        row = {
            "symbol": market.native,
            "fundingRate": decimals(market.marks.rate, 6),
            "fundingRateInterval": str(market.listing.instrument.funding_interval_h),
            "nextUpdate": str(market.marks.next_funding_ms),
            "minFundingRate": "-0.003",
            "maxFundingRate": "0.003",
        }
        return self._ok([row])

    # --- what they share -----------------------------------------------------------------------------------------

    def _category(self, call: Call) -> str:
        category = call.query.get("category", "").upper()
        if category not in CATEGORIES:
            raise self._refusal()
        return category

    def _chosen(self, call: Call) -> list[SimMarket]:
        """The markets of a category, or the one that is named."""
        category = self._category(call)
        if "symbol" in call.query:
            return [self._market(call)]
        return [market for (of_category, _), market in self._markets.items() if of_category == category]

    def _market(self, call: Call) -> SimMarket:
        market = self._markets.get((call.query.get("category", "").upper(), call.query.get("symbol", "")))
        if market is None:
            raise self._refusal()
        return market

    def _refusal(self) -> RequestRefused:
        return RequestRefused(json_reply(self._body(BAD_PARAMETER, "Parameter verification failed", None), 400))

    def _ok(self, data: Any) -> Reply:
        return json_reply(self._body(SUCCESS, "success", data))

    def _body(self, code: str, words: str, data: Any) -> dict[str, Any]:
        return {"code": code, "msg": words, "requestTime": self._timeline.now_ms(), "data": data}


def _book(market: SimMarket) -> tuple[Levels, Levels]:
    most = DEPTH_LIMITS[1]
    return market.engine.depth(Side.BUY, most), market.engine.depth(Side.SELL, most)


def _limit(call: Call, limits: tuple[int, int]) -> int:
    otherwise, most = limits
    text = call.query.get("limit", "")
    return max(1, min(most, int(text))) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _rules(listing: Listing, *, online: bool) -> dict[str, Any]:
    """One row of market/instruments."""
    instrument = listing.instrument
    spot = instrument.kind is MarketKind.SPOT
    row = {
        "symbol": instrument.native,
        "category": category_of(instrument),
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "buyLimitPriceRatio": format(BAND, "f"),
        "sellLimitPriceRatio": format(BAND, "f"),
        "minOrderQty": format(instrument.min_qty, "f"),
        "maxOrderQty": "" if spot else format(instrument.max_qty, "f"),
        "pricePrecision": str(places_of(instrument.tick)),
        "quantityPrecision": str(places_of(instrument.lot)),
        "minOrderAmount": format(instrument.min_notional, "f"),
        "status": "online" if online else "offline",
    }
    if spot:
        return row | {"quotePrecision": "8", "areaSymbol": "no"}
    return row | {
        "makerFeeRate": format(instrument.maker_fee, "f"),
        "takerFeeRate": format(instrument.taker_fee, "f"),
        "maxMarketOrderQty": format(instrument.market_max_qty, "f"),
        "priceMultiplier": format(instrument.tick, "f"),
        "quantityMultiplier": format(instrument.lot, "f"),
        "type": "perpetual",
        "fundInterval": str(instrument.funding_interval_h),
        "minLeverage": format(ONE, "f"),
        "maxLeverage": format(instrument.max_leverage, "f"),
    }
