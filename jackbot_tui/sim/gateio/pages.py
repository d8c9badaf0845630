"""Gate's public REST pages, as far as a client starts with them: time, listings, depth, trades, tickers, funding.

Shapes and limits: ../shared/exchanges/gateio.md §4 to §6, §8 to §11. Replies have no envelope; refusals are HTTP 4xx
with a ``label``. Each endpoint has a limit of its own. Used by ``front`` alone.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.front import Call, Page, Reply, RequestRefused, json_reply
from jackbot_tui.sim.gateio.texts import (
    RATE_PLACES,
    contract_ticker,
    contract_trades,
    objects,
    pairs,
    seconds,
    size_value,
    spot_ticker,
    spot_trade,
)
from jackbot_tui.sim.limits import Verdict, WeightLimiter
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.text import decimals

if TYPE_CHECKING:
    from jackbot_tui.sim.gateio.front import GateioFront

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
BASE_PATH = "/api/v4"
SIZE_HEADER = "X-Gate-Size-Decimal"
DEPTH_PATHS = {SPOT: "/spot/order_book", LINEAR: "/futures/usdt/order_book"}
NAME_FIELDS = {SPOT: "currency_pair", LINEAR: "contract"}
DEPTH_LIMITS = {SPOT: (10, 1000), LINEAR: (10, 300)}
"""Levels a side when none are asked for, and at most."""

TRADE_LIMITS = (100, 1000)
UNKNOWN = {
    SPOT: ("INVALID_CURRENCY_PAIR", "Invalid currency_pair"),
    LINEAR: ("CONTRACT_NOT_FOUND", "contract not found"),
}


def wants_whole_sizes(call: Call) -> bool:
    """Whether sizes of contracts are asked for as decimal texts."""
    return call.headers.get(SIZE_HEADER) == "1"


class _Opening(Struct, frozen=True):
    """A book as it was when the market opened."""

    sides: tuple[Levels, Levels]
    last_id: int


class GateioPages:
    """Answers for ``front``. Made before the market moves: stale depth is that of the opening."""

    def __init__(self, front: "GateioFront") -> None:
        self._front = front
        self._timeline = front.timeline
        self._openings = {
            market.listing.key: _Opening(self._sides(market, 0), market.engine.last_update_id)
            for markets in front.markets.values()
            for market in markets.values()
        }

    def all(self) -> list[Page]:
        answers: dict[str, Callable[[Call], Reply]] = {
            "/spot/time": lambda call: json_reply({"server_time": self._timeline.now_ms()}),
            "/spot/currencies": self._currencies,
            "/spot/currency_pairs": lambda call: json_reply([_pair(market) for market in self._markets(SPOT)]),
            "/spot/tickers": lambda call: self._tickers(SPOT, call),
            "/spot/trades": self._spot_trades,
            "/margin/currency_pairs": lambda call: json_reply([]),
            "/futures/usdt/contracts": lambda call: json_reply(
                [self._contract(m, call) for m in self._markets(LINEAR)]
            ),
            "/futures/usdt/contracts/{contract}": lambda call: json_reply(
                self._contract(self._market(LINEAR, call), call)
            ),
            "/futures/btc/contracts": lambda call: json_reply([]),
            "/futures/usdt/tickers": lambda call: self._tickers(LINEAR, call),
            "/futures/usdt/trades": self._contract_trades,
            "/futures/usdt/funding_rate": self._funding,
            "/delivery/usdt/contracts": lambda call: json_reply([]),
            "/options/underlyings": lambda call: json_reply([]),
        }
        answers |= {path: self._depth_of(kind) for kind, path in DEPTH_PATHS.items()}
        return [Page("GET", BASE_PATH + path, self._counted(answer)) for path, answer in answers.items()]

    def overloaded(self) -> Reply:
        return json_reply({"label": "SERVER_ERROR", "message": "Internal server error"}, 503)

    def too_many_requests(self, retry_after_s: int) -> Reply:
        limits = self._front.world.limits
        now_s = self._timeline.now_ms() // 1000
        return _throttled(_usage(limits.spot_weight, limits.spot_weight, now_s + retry_after_s))

    def stale(self, call: Call) -> Reply | None:
        for kind, path in DEPTH_PATHS.items():
            market = self._front.markets[kind].get(call.query.get(NAME_FIELDS[kind], ""))
            if market is not None and call.path == BASE_PATH + path:
                opening, limit = self._openings[market.listing.key], _limit(call, DEPTH_LIMITS[kind])
                bids, asks = opening.sides
                return self._depth_reply(market, call, (bids[:limit], asks[:limit]), opening.last_id)
        return None

    def _counted(self, answer: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        """``answer`` within the limit of its endpoint, which the headers tell of."""
        limits = self._front.world.limits
        limiter = WeightLimiter(limits.spot_weight, limits.refusals_before_ban, limits.ban_s, limits.window_ms)

        def counted(call: Call) -> Reply:
            now_ms = self._timeline.now_ms()
            verdict = limiter.admit(1, now_ms)
            reset_s = (now_ms // limits.window_ms + 1) * limits.window_ms // 1000
            headers = _usage(limiter.limit, limiter.used, reset_s)
            if verdict is not Verdict.ALLOWED:
                raise RequestRefused(_throttled(headers))
            reply = answer(call)
            return Reply(reply.body, reply.status, {**headers, **reply.headers}, reply.content_type)

        return counted

    # --- pages ---------------------------------------------------------------------------------------------------

    def _currencies(self, call: Call) -> Reply:
        codes = dict.fromkeys(
            code for m in self._markets(SPOT) for code in (m.listing.instrument.base, m.listing.instrument.quote)
        )
        return json_reply(
            [
                {
                    "currency": code,
                    "name": code,
                    "delisted": False,
                    "withdraw_disabled": False,
                    "withdraw_delayed": False,
                    "deposit_disabled": False,
                    "trade_disabled": False,
                    "fixed_rate": "",
                    "chain": code,
                    "chains": [],
                }
                for code in codes
            ]
        )

    def _tickers(self, kind: MarketKind, call: Call) -> Reply:
        now_ms, whole = self._timeline.now_ms(), wants_whole_sizes(call)
        markets = [self._market(kind, call)] if NAME_FIELDS[kind] in call.query else self._markets(kind)
        if kind is SPOT:
            return json_reply([spot_ticker(market, now_ms) for market in markets])
        return json_reply([contract_ticker(market, now_ms, whole=whole) for market in markets])

    def _spot_trades(self, call: Call) -> Reply:
        """Newest first. ``id`` is the market's own count here."""
        market = self._market(SPOT, call)
        recent = list(market.history.trades)[-_limit(call, TRADE_LIMITS) :]
        return json_reply([spot_trade(market, trade, trade.trade_id) for trade in reversed(recent)])

    def _contract_trades(self, call: Call) -> Reply:
        market = self._market(LINEAR, call)
        recent = list(market.history.trades)[-_limit(call, TRADE_LIMITS) :]
        return Reply(contract_trades(market, recent[::-1], whole=wants_whole_sizes(call)).encode())

    def _depth_of(self, kind: MarketKind) -> Callable[[Call], Reply]:
        def depth(call: Call) -> Reply:
            market = self._market(kind, call)
            self._front.publish_updates(market)
            sides = self._sides(market, _limit(call, DEPTH_LIMITS[kind]))
            return self._depth_reply(market, call, sides, market.engine.last_update_id)

        return depth

    @staticmethod
    def _sides(market: SimMarket, limit: int) -> tuple[Levels, Levels]:
        return market.engine.depth(Side.BUY, limit), market.engine.depth(Side.SELL, limit)

    def _depth_reply(self, market: SimMarket, call: Call, sides: tuple[Levels, Levels], last_id: int) -> Reply:
        """Times in ms on spot, in seconds with a fraction on perpetuals. The id comes when it is asked for."""
        now_ms, whole, spot = self._timeline.now_ms(), wants_whole_sizes(call), market.kind is SPOT
        bids, asks = (
            pairs(market, rows, whole=True) if spot else objects(market, rows, whole=whole, size_first=True)
            for rows in sides
        )
        now = str(now_ms) if spot else seconds(now_ms)
        number = f'"id":{last_id},' if call.query.get("with_id", "").lower() == "true" else ""
        return Reply(f'{{{number}"current":{now},"update":{now},"asks":{asks},"bids":{bids}}}'.encode())

    def _funding(self, call: Call) -> Reply:
        """What was paid since the market opened, newest first."""
        marks = self._market(LINEAR, call).marks
        assert marks is not None
        paid = marks.settlements[-_limit(call, TRADE_LIMITS) :]
        return json_reply([{"t": row.ms // 1000, "r": decimals(row.rate, RATE_PLACES)} for row in reversed(paid)])

    def _contract(self, market: SimMarket, call: Call) -> dict[str, Any]:
        """One row of contracts; sizes as the header asks for them."""
        instrument, marks, whole = market.listing.instrument, market.marks, wants_whole_sizes(call)
        assert marks is not None and instrument.band is not None
        places, contract = instrument.price_places, instrument.contract_size
        rate = decimals(marks.rate, RATE_PLACES)

        def size(base: Any) -> msgspec.Raw:
            return msgspec.Raw(size_value(market, int(base / instrument.lot), whole=whole).encode())

        return {
            "name": instrument.native,
            "type": "direct",
            "quanto_multiplier": format(contract, "f"),
            "leverage_min": "1",
            "leverage_max": format(instrument.max_leverage, "f"),
            "maintenance_rate": "0.005",
            "mark_type": "index",
            "mark_price": decimals(marks.mark, places + 1),
            "index_price": decimals(marks.index, places + 1),
            "last_price": market.text.price(market.history.last_price),
            "maker_fee_rate": format(instrument.maker_fee, "f"),
            "taker_fee_rate": format(instrument.taker_fee, "f"),
            "order_price_round": format(instrument.tick, "f"),
            "mark_price_round": format(instrument.tick / 10, "f"),
            "funding_rate": rate,
            "funding_rate_indicative": rate,
            "funding_interval": instrument.funding_interval_h * 3600,
            "funding_next_apply": marks.next_funding_ms // 1000,
            "order_price_deviate": format(instrument.band.buy_up - 1, "f"),
            "order_size_min": size(instrument.min_qty),
            "order_size_max": size(instrument.max_qty),
            "market_order_size_max": size(instrument.market_max_qty),
            "orders_limit": instrument.max_orders,
            "position_size": size(0),
            "trade_size": size(0),
            "orderbook_id": market.engine.last_update_id,
            "trade_id": market.history.trades[-1].trade_id if market.history.trades else 0,
            "in_delisting": False,
            "status": "trading",
            "enable_decimal": instrument.lot < contract,
            "config_change_time": 1_700_000_000,
            "create_time": 1_600_000_000,
        }

    # --- what they share -----------------------------------------------------------------------------------------

    def _markets(self, kind: MarketKind) -> list[SimMarket]:
        return list(self._front.markets[kind].values())

    def _market(self, kind: MarketKind, call: Call) -> SimMarket:
        field = NAME_FIELDS[kind]
        market = self._front.markets[kind].get(call.match.get(field) or call.query.get(field, ""))
        if market is None:
            label, words = UNKNOWN[kind]
            raise RequestRefused(json_reply({"label": label, "message": words}, 400))
        return market


def _usage(limit: int, used: int, reset_s: int) -> dict[str, str]:
    return {
        "X-Gate-RateLimit-Limit": str(limit),
        "X-Gate-RateLimit-Requests-Remain": str(max(0, limit - used)),
        "X-Gate-RateLimit-Reset-Timestamp": str(reset_s),
    }


def _throttled(headers: dict[str, str]) -> Reply:
    return json_reply({"label": "TOO_MANY_REQUESTS", "message": "Request Rate limit Exceeded"}, 429, headers)


def _limit(call: Call, limits: tuple[int, int]) -> int:
    otherwise, most = limits
    text = call.query.get("limit", "")
    return max(1, min(most, int(text))) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _pair(market: SimMarket) -> dict[str, Any]:
    """One row of currency_pairs."""
    instrument = market.listing.instrument
    return {
        "id": instrument.native,
        "base": instrument.base,
        "base_name": instrument.base,
        "quote": instrument.quote,
        "quote_name": instrument.quote,
        "fee": "0.2",
        "min_base_amount": format(instrument.min_qty, "f"),
        "min_quote_amount": format(instrument.min_notional, "f"),
        "max_quote_amount": format(instrument.max_notional, "f"),
        "amount_precision": instrument.qty_places,
        "precision": instrument.price_places,
        "trade_status": "tradable",
        "sell_start": 1_516_378_650,
        "buy_start": 1_516_378_650,
        "type": "normal",
    }
