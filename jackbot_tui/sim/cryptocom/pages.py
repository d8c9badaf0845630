"""Crypto.com's public REST pages, without HTTP: calls in, replies out. Shapes: cryptocom.md §4 to §6 and §8.

Made by the front, which mounts them under ``/exchange/v1``. It reads markets and changes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.front import Call, Page, Reply, RequestRefused, json_reply
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.text import decimals
from jackbot_tui.sim.timeline import Timeline

ROOT = "/exchange/v1/public"
MOST_LEVELS = 50
MOST_TRADES = 150
_TYPES = {MarketKind.SPOT: "CCY_PAIR", MarketKind.LINEAR: "PERPETUAL_SWAP"}


def refusal(method: str, code: int, words: str, status: int = 400) -> Reply:
    return json_reply({"id": -1, "method": method, "code": code, "message": words}, status)


class CryptocomPages:
    """``markets`` by native symbol."""

    def __init__(self, markets: Mapping[str, SimMarket], timeline: Timeline) -> None:
        self._markets = markets
        self._timeline = timeline

    def pages(self) -> Sequence[Page]:
        return [
            Page("GET", f"{ROOT}/get-instruments", self._instruments),
            Page("GET", f"{ROOT}/get-book", self._book),
            Page("GET", f"{ROOT}/get-trades", self._trades),
            Page("GET", f"{ROOT}/get-tickers", self._tickers),
            Page("GET", f"{ROOT}/get-valuations", self._valuations),
        ]

    def _instruments(self, call: Call) -> Reply:
        return _data("get-instruments", [_rules(market) for market in self._markets.values()])

    def _book(self, call: Call) -> Reply:
        market = self._market(call, "get-book")
        depth = _count(call, "depth", MOST_LEVELS)
        now_ms, text = self._timeline.now_ms(), market.text
        sides = {
            name: [
                [text.price(price), text.quantity(size), str(market.engine.queue_length(side, price))]
                for price, size in market.engine.depth(side, depth)
            ]
            for name, side in (("asks", Side.SELL), ("bids", Side.BUY))
        }
        row = {**sides, "t": now_ms, "tt": now_ms, "u": market.engine.last_update_id}
        result = {"instrument_name": market.native, "depth": depth, "data": [row]}
        return json_reply({"id": -1, "method": "public/get-book", "code": 0, "result": result})

    def _trades(self, call: Call) -> Reply:
        market = self._market(call, "get-trades")
        latest = list(market.history.trades)[-_count(call, "count", MOST_TRADES) :]
        return _data("get-trades", [row_of_trade(market, trade) for trade in reversed(latest)])

    def _tickers(self, call: Call) -> Reply:
        chosen = [self._market(call, "get-tickers")] if "instrument_name" in call.query else self._markets.values()
        return _data("get-tickers", [ticker_of(market, self._timeline.now_ms()) for market in chosen])

    def _valuations(self, call: Call) -> Reply:
        market = self._market(call, "get-valuations")
        if market.marks is None:
            raise RequestRefused(refusal("public/get-valuations", 40004, "MISSING_OR_INVALID_ARGUMENT"))
        values = {
            "mark_price": decimals(market.marks.mark, 4),
            "index_price": decimals(market.marks.index, 4),
            "funding_rate": decimals(market.marks.rate, 9),
            "estimated_funding_rate": decimals(market.marks.rate, 9),
        }
        value = values.get(call.query.get("valuation_type", ""))
        if value is None:
            raise RequestRefused(refusal("public/get-valuations", 40004, "MISSING_OR_INVALID_ARGUMENT"))
        return _data("get-valuations", [{"v": value, "t": self._timeline.now_ms()}])

    def _market(self, call: Call, method: str) -> SimMarket:
        market = self._markets.get(call.query.get("instrument_name", ""))
        if market is None:
            raise RequestRefused(refusal(f"public/{method}", 40003, "INVALID_REQUEST: unknown instrument_name"))
        return market


def ticker_of(market: SimMarket, now_ms: int) -> dict[str, Any]:
    """One ticker row, day figures included."""
    day, text = market.history.day(now_ms), market.text
    bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
    change = (day.close - day.open) / day.open if day.open else 0.0
    return {
        "i": market.native,
        "h": text.price(day.high),
        "l": text.price(day.low),
        "a": text.price(day.close),
        "b": text.price(bid) if bid else None,
        "bs": text.quantity(bid_size),
        "k": text.price(ask) if ask else None,
        "ks": text.quantity(ask_size),
        "c": decimals(change, 4),
        "v": text.quantity(day.quantity),
        "vv": text.value(day.value),
        "oi": "0",
        "t": now_ms,
    }


def row_of_trade(market: SimMarket, trade: Print) -> dict[str, Any]:
    """``s`` is the taker's side."""
    return {
        "d": str(4_611_686_018_439_000_000 + trade.trade_id),
        "t": trade.ms,
        "tn": f"{trade.ms}000000",
        "p": market.text.price(trade.price),
        "q": market.text.quantity(trade.quantity),
        "s": "SELL" if trade.buyer_is_maker else "BUY",
        "i": market.native,
        "m": str(trade.trade_id),
    }


def _rules(market: SimMarket) -> dict[str, Any]:
    instrument, linear = market.listing.instrument, market.kind is MarketKind.LINEAR
    return {
        "symbol": instrument.native,
        "inst_type": _TYPES[instrument.kind],
        "display_name": f"{instrument.base}{instrument.quote} Perpetual" if linear else instrument.symbol,
        "base_ccy": instrument.base,
        "quote_ccy": instrument.quote,
        "quote_decimals": instrument.price_places,
        "quantity_decimals": instrument.qty_places,
        "price_tick_size": format(instrument.tick, "f"),
        "qty_tick_size": format(instrument.lot, "f"),
        "max_leverage": str(instrument.max_leverage) if linear else "50",
        "tradable": True,
        "expiry_timestamp_ms": 0,
        "beta_product": False,
        "underlying_symbol": f"{instrument.base}{instrument.quote}-INDEX" if linear else "",
        "contract_size": "1" if linear else "",
        "margin_buy_enabled": False,
        "margin_sell_enabled": False,
    }


def _data(method: str, rows: list[dict[str, Any]]) -> Reply:
    return json_reply({"id": -1, "method": f"public/{method}", "code": 0, "result": {"data": rows}})


def _count(call: Call, name: str, most: int) -> int:
    text = call.query.get(name, "")
    return min(most, int(text)) if text.isdigit() and int(text) > 0 else most
