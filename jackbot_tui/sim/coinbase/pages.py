"""Coinbase's public REST pages: products, time, book, trades, and the three wallet pages that clients load first.

Owned by the front. Shapes: the product list recorded on 9 August 2026 and coinbase.md §4, §8.3, §9.
"""

from collections.abc import Callable, Sequence
from typing import Any

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.coinbase.listings import NAMES
from jackbot_tui.sim.front import Call, Front, Page, Reply, RequestRefused, json_reply
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.limits import Verdict, WeightLimiter
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.past import PastBooks
from jackbot_tui.sim.text import decimals, instant

BASE_PATH = "/api/v3/brokerage"
BOOK_PATH = f"{BASE_PATH}/market/product_book"
DEFAULT_TRADES = 100
MOST_TRADES = 1000
MOST_PRODUCTS = 10_000
QUOTE_NAMES = {"USD": "US Dollar", "USDC": "USDC"}


def twin_of(product: str) -> str:
    """The product whose book ``product`` shares: ``BTC-USD`` for ``BTC-USDC``, itself for any other."""
    return product.removesuffix("C") if product.endswith("-USDC") else product


def trade_text(market: SimMarket, trade: Print) -> str:
    """A row of the stream; ``side`` is the maker's."""
    side = "BUY" if trade.buyer_is_maker else "SELL"
    return (
        f'{{"product_id":"{market.native}","trade_id":"{trade.trade_id}","price":"{market.text.price(trade.price)}",'
        f'"size":"{market.text.quantity(trade.quantity)}","time":"{instant(trade.ms * 1_000_000)}","side":"{side}"}}'
    )


class Pages:
    """See the module's text."""

    def __init__(self, front: Front, past: PastBooks) -> None:
        self._timeline, self._past = front.timeline, past
        self._products = front.markets[MarketKind.SPOT]
        limits = front.world.limits
        self._limiter = WeightLimiter(limits.spot_weight, limits.refusals_before_ban, limits.ban_s, limits.window_ms)

    def all(self) -> Sequence[Page]:
        bodies: dict[str, Callable[[Call], Any]] = {
            f"{BASE_PATH}/time": lambda call: self._time(),
            f"{BASE_PATH}/market/products": self._list,
            BOOK_PATH: lambda call: self._book(self._named(call), call, _now_levels),
            f"{BASE_PATH}/market/products/{{product_id}}": lambda call: self._row(self._named(call)),
            f"{BASE_PATH}/market/products/{{product_id}}/ticker": self._ticker,
            "/v2/currencies": lambda call: {
                "data": [{"id": "USD", "name": "United States Dollar", "min_size": "0.01"}]
            },
            "/v2/currencies/crypto": lambda call: {"data": self._coins()},
            "/v2/exchange-rates": lambda call: {"data": {"currency": "USD", "rates": self._rates()}},
        }
        return [Page("GET", path, self._page(body)) for path, body in bodies.items()]

    def too_many_requests(self, retry_after_s: int) -> Reply:
        errors = [{"id": "rate_limit_exceeded", "message": "Too many requests"}]
        limit = str(self._limiter.limit)
        headers = {
            "Retry-After": str(retry_after_s),
            "x-ratelimit-limit": limit,
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": str(retry_after_s),
        }
        return json_reply({"errors": errors}, 429, headers)

    def stale(self, call: Call) -> Reply | None:
        """The book page from a book of a moment ago."""
        market = self._products.get(twin_of(call.query.get("product_id", "")))
        if call.path != BOOK_PATH or market is None or self._past.of(market) is None:
            return None
        return json_reply(self._book(call.query["product_id"], call, self._past_levels))

    def _page(self, body: Callable[[Call], Any]) -> Callable[[Call], Reply]:
        def answer(call: Call) -> Reply:
            now_ms = self._timeline.now_ms()
            if self._limiter.admit(1, now_ms) is not Verdict.ALLOWED:
                raise RequestRefused(self.too_many_requests(self._limiter.retry_after_s(now_ms)))
            return json_reply(body(call))

        return answer

    def _past_levels(self, market: SimMarket, side: Side, limit: int) -> Levels:
        past = self._past.of(market)
        levels = past[side is Side.SELL] if past is not None else []
        return levels[:limit] if limit else levels

    # --- products ------------------------------------------------------------------------------------------------

    def _named(self, call: Call) -> str:
        """The product that a call asks for; a USDC twin is one of its own."""
        product = call.query.get("product_id") or call.match.get("product_id", "")
        if twin_of(product) not in self._products:
            words = "valid product_id is required"
            raise RequestRefused(json_reply({"error": "NOT_FOUND", "error_details": words, "message": words}, 404))
        return product

    def _list(self, call: Call) -> dict[str, Any]:
        """All products, or one page of them: ``cursor`` is the place of its first one."""
        wanted = call.query.get("product_type", "SPOT")
        names = [each for native in self._products for each in (native, f"{native}C")] if wanted == "SPOT" else []
        start = _whole(call.query.get("cursor", ""), 0, MOST_PRODUCTS)
        end = min(len(names), start + _whole(call.query.get("limit", ""), MOST_PRODUCTS, MOST_PRODUCTS))
        return {
            "products": [self._row(name) for name in names[start:end]],
            "num_products": len(names),
            "pagination": {
                "prev_cursor": "",
                "next_cursor": str(end) if end < len(names) else "",
                "has_next": end < len(names),
                "has_prev": start > 0,
            },
        }

    def _row(self, product: str) -> dict[str, Any]:
        market = self._products[twin_of(product)]
        instrument, text = market.listing.instrument, market.text
        day = market.history.day(self._timeline.now_ms())
        quote = product.partition("-")[2]
        has_twin = product == market.native
        change = decimals((day.close - day.open) / day.open * 100, 14)
        return {
            "product_id": product,
            "price": text.price(day.close),
            "price_percentage_change_24h": change,
            "volume_24h": text.quantity(day.quantity),
            "volume_percentage_change_24h": "0",
            "base_increment": format(instrument.lot, "f"),
            "quote_increment": format(instrument.tick, "f"),
            "quote_min_size": format(instrument.min_notional, "f"),
            "quote_max_size": format(instrument.max_notional, "f"),
            "base_min_size": format(instrument.min_qty, "f"),
            "base_max_size": format(instrument.max_qty, "f"),
            "base_name": NAMES[instrument.base],
            "quote_name": QUOTE_NAMES[quote],
            "watched": False,
            "is_disabled": False,
            "new": False,
            "status": "online",
            "cancel_only": False,
            "limit_only": False,
            "post_only": False,
            "trading_disabled": False,
            "auction_mode": False,
            "product_type": "SPOT",
            "quote_currency_id": quote,
            "base_currency_id": instrument.base,
            "fcm_trading_session_details": None,
            "mid_market_price": "",
            "alias": "" if has_twin else market.native,
            "alias_to": [f"{market.native}C"] if has_twin else [],
            "base_display_symbol": instrument.base,
            "quote_display_symbol": "USD",
            "view_only": False,
            "price_increment": format(instrument.tick, "f"),
            "display_name": product,
            "product_venue": "CBE",
            "approximate_quote_24h_volume": text.value(day.value),
            "high_24h": text.price(day.high),
            "low_24h": text.price(day.low),
        }

    def _coins(self) -> list[dict[str, str]]:
        bases = [market.listing.instrument.base for market in self._products.values()]
        return [
            {"asset_id": f"00000000-0000-4000-8000-{number:012d}", "code": base, "name": NAMES[base], "exponent": "8",
             "sort_index": str(100 + number), "type": "crypto"}
            for number, base in enumerate(bases)
        ]  # fmt: skip

    def _rates(self) -> dict[str, str]:
        """How much of each coin a dollar buys."""
        rates = {market.listing.instrument.base: decimals(1 / market.mid(), 16) for market in self._products.values()}
        return {"USD": "1.0"} | rates

    # --- market data ---------------------------------------------------------------------------------------------

    def _time(self) -> dict[str, str]:
        now_ms = self._timeline.now_ms()
        return {
            "iso": f"{instant(now_ms * 1_000_000, 3)[:19]}Z",
            "epochSeconds": str(now_ms // 1000),
            "epochMillis": str(now_ms),
        }

    def _book(self, product: str, call: Call, levels_of: Callable[[SimMarket, Side, int], Levels]) -> dict[str, Any]:
        market = self._products[twin_of(product)]
        limit, text = _whole(call.query.get("limit", ""), 0, 10**6), market.text
        sides = {side: levels_of(market, side, limit) for side in (Side.BUY, Side.SELL)}
        book: dict[str, Any] = {"product_id": product}
        for name, side in (("bids", Side.BUY), ("asks", Side.SELL)):
            book[name] = [{"price": text.price(price), "size": text.quantity(size)} for price, size in sides[side]]
        book["time"] = instant(self._timeline.now_ns())
        summary: dict[str, str] = {"last": text.price(market.history.last_price)}
        if sides[Side.BUY] and sides[Side.SELL]:
            bid, ask = sides[Side.BUY][0][0], sides[Side.SELL][0][0]
            tick, places = float(market.listing.instrument.tick), market.listing.instrument.price_places
            summary |= {
                "mid_market": decimals((bid + ask) / 2 * tick, places + 1),
                "spread_bps": decimals((ask - bid) / (ask + bid) * 20_000, 3),
                "spread_absolute": text.price(ask - bid),
            }
        return {"pricebook": book, **summary}

    def _ticker(self, call: Call) -> dict[str, Any]:
        product = self._named(call)
        market = self._products[twin_of(product)]
        count = _whole(call.query.get("limit", ""), DEFAULT_TRADES, MOST_TRADES)
        bid, _, ask, _ = market.best() or (0, 0, 0, 0)
        rows = [
            {
                "trade_id": str(trade.trade_id),
                "product_id": product,
                "price": market.text.price(trade.price),
                "size": market.text.quantity(trade.quantity),
                "time": instant(trade.ms * 1_000_000),
                "side": "BUY" if trade.buyer_is_maker else "SELL",
                "bid": "",
                "ask": "",
            }
            for trade in reversed(list(market.history.trades)[-count:])
        ]
        return {"trades": rows, "best_bid": market.text.price(bid), "best_ask": market.text.price(ask)}


def _now_levels(market: SimMarket, side: Side, limit: int) -> Levels:
    return market.engine.depth(side, limit)


def _whole(text: str, default: int, most: int) -> int:
    return min(most, int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else default
