"""Crypto.com's private side: one account, one wallet and one ccxt class for spot and perpetuals.

What ccxt 4.5.90 gets wrong there, and ``corrected`` mends: it drops client ids; ``reduceOnly`` goes out as a boolean
that it signs otherwise than it writes it; it cannot ask for or cancel an order by our id, for it signs a missing one;
trigger orders go where they are refused; own trades of the stream are kept among the public ones; own trades end at the
hundredth row; positions have no entry price; a refused subscription is told to nobody. Requests are spaced by method
and key as the venue limits them. What it cannot be asked is left alone: the venue tells its time nowhere, and takes
requests up to a minute off.

There are no amends: the venue cancels and places anew, and what becomes of our client id then is not written anywhere.
"""

import sys
from collections.abc import Mapping
from typing import Any

from jackbot_tui.execution.live.dialect import BOTH_KINDS, WORD, ClientIdRule, Dialect, Weights
from jackbot_tui.venues.cryptocom.errors import ERRORS

_NOTHING: dict[str, Any] = {}
PAGE = 100
MOST_PAGES = 50
SPACING_MS = {
    "private/get-trades": 1_200,
    "private/get-order-history": 1_200,
    "private/create-order": 8,
    "private/cancel-order": 8,
    "private/cancel-all-orders": 8,
    "private/get-order-detail": 5,
}
"""At least so long between two requests of a method with one key, with room for uneven ways; ``OTHERS_MS`` for all
other private methods.
"""

OTHERS_MS = 45
_sent_ms: dict[tuple[int, str], int] = {}


def _named(order_id: str | None, params: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """A request by the id there is, never with a missing one, and whether it asks for orders that wait."""
    rest = {name: value for name, value in params.items() if name != "trigger"}
    return ({**rest, "order_id": order_id} if order_id is not None else rest), params.get("trigger") is True


class NotSupported(Exception):
    """What the console does not do at this venue."""


def corrected(plain: type[Any]) -> type[Any]:
    """``ccxt.pro.cryptocom`` without what the module's text says against it."""
    trade_cache = vars(sys.modules[plain.__module__])["ArrayCacheBySymbolById"]

    class Cryptocom(plain):  # type: ignore[misc]
        def __init__(self, config: Mapping[str, Any]) -> None:
            self.last_nonce = 0
            self.own_trades: Any = None
            super().__init__(config)

        # --- asking ----------------------------------------------------------------------------------------------

        def nonce(self) -> int:
            """Never the same twice: it is the request's id as well."""
            self.last_nonce = max(self.milliseconds(), self.last_nonce + 1)
            return self.last_nonce

        async def load_time_difference(self, params: Any = _NOTHING) -> int:
            """The venue has no page that tells its time."""
            return 0

        async def fetch2(self, path: str, *arguments: Any, **named: Any) -> Any:
            if path.startswith("private/"):
                place, space = (hash(self.apiKey), path), SPACING_MS.get(path, OTHERS_MS)
                while 0 < (wait := _sent_ms.get(place, 0) + space - self.milliseconds()) <= space:
                    await self.sleep(wait)
                _sent_ms[place] = self.milliseconds()
            return await super().fetch2(path, *arguments, **named)

        # --- orders ----------------------------------------------------------------------------------------------

        def create_order_request(
            self, symbol: str, type: str, side: str, amount: float, price: float | None = None, params: Any = _NOTHING
        ) -> dict[str, Any]:
            reduces = params.get("reduceOnly") is True
            rest = {name: value for name, value in params.items() if name not in ("reduceOnly", "clientOrderId")}
            if "clientOrderId" in params:
                rest.setdefault("client_oid", params["clientOrderId"])
            request: dict[str, Any] = super().create_order_request(symbol, type, side, amount, price, rest)
            if reduces:
                request["exec_inst"] = [*request.get("exec_inst", []), "REDUCE_ONLY"]
            return request

        async def create_order(
            self, symbol: str, type: str, side: str, amount: float, price: float | None = None, params: Any = _NOTHING
        ) -> Any:
            """Trigger orders have a method of their own since December 2025; ccxt sends them as all others."""
            if not {"stopLossPrice", "takeProfitPrice"} & set(params):
                return await super().create_order(symbol, type, side, amount, price, params)
            request = self.create_order_request(symbol, type, side, amount, price, params)
            for name in ("broker_id", "spot_margin"):
                request.pop(name, None)
            if self.market(symbol)["spot"]:
                request.setdefault("ref_price_type", "LAST_PRICE")
            return self.parse_order(await self._advanced("create-order", request), self.market(symbol))

        async def _advanced(self, method: str, params: Mapping[str, Any]) -> Any:
            answer = await self.request(f"private/advanced/{method}", ["v1", "private"], "POST", params)
            return answer["result"]

        async def fetch_order(self, id: str | None, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            named, waits = _named(id, params)
            if waits:
                return self.parse_order(await self._advanced("get-order-detail", named), self.market(symbol))
            answer = await self.v1PrivatePostPrivateGetOrderDetail(named)
            return self.parse_order(answer["result"], self.market(symbol))

        async def cancel_order(self, id: str | None, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            named, waits = _named(id, params)
            if waits:
                return self.parse_order(await self._advanced("cancel-order", named), self.market(symbol))
            answer = await self.v1PrivatePostPrivateCancelOrder(named)
            return self.parse_order(answer["result"], self.market(symbol))

        async def fetch_open_orders(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> Any:
            named, waits = _named(None, params)
            if not waits:
                return await super().fetch_open_orders(symbol, since, limit, params)
            market = self.market(symbol)
            found = await self._advanced("get-open-orders", {"instrument_name": market["id"], **named})
            return self.parse_orders(found["data"], market, since, limit)

        def parse_order(self, order: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            parsed: dict[str, Any] = super().parse_order(order, market)
            parsed["triggerPrice"] = self.safe_number(order, "ref_price")
            return parsed

        def parse_order_status(self, status: str | None) -> Any:
            return "open" if status in ("NEW", "PENDING") else super().parse_order_status(status)

        async def fetch_my_trades(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            found: dict[str, Any] = {}
            for _ in range(MOST_PAGES):
                first = min((int(trade["info"]["create_time_ns"]) for trade in found.values()), default=None)
                older = {} if first is None else {"end_time": str(first)}
                page = await super().fetch_my_trades(symbol, since, PAGE, {**params, **older})
                found |= {trade["id"]: trade for trade in page}
                if len(page) < PAGE:
                    break
            return sorted(found.values(), key=lambda trade: int(trade["info"]["create_time_ns"]))

        def parse_trade(self, trade: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            parsed: dict[str, Any] = super().parse_trade(trade, market)
            parsed["clientOrderId"] = trade.get("client_oid")
            return parsed

        # --- positions -------------------------------------------------------------------------------------------

        def parse_position(self, position: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            parsed: dict[str, Any] = super().parse_position(position, market)
            quantity, cost = (self.safe_number(position, name) for name in ("quantity", "open_pos_cost"))
            if quantity and cost:
                parsed["entryPrice"] = abs(cost / quantity)
            parsed["collateral"] = parsed["initialMargin"] = None  # ccxt writes what the position cost
            parsed["leverage"] = self.safe_number(position, "leverage")
            parsed["liquidationPrice"] = self.safe_number(position, "liquidation_price")
            isolated = self.safe_string(position, "isolation_type") == "ISOLATED_MARGIN"
            parsed["marginMode"] = "isolated" if isolated else "cross"
            return parsed

        async def set_margin_mode(self, mode: str, symbol: str | None = None, params: Any = _NOTHING) -> None:
            if mode != "cross":
                raise NotSupported("isolated positions of Crypto.com are not opened from here: use cross margin")

        async def set_leverage(self, leverage: int, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            """The account's own, for every instrument as far as that allows it."""
            accounts = await self.v1PrivatePostPrivateGetAccounts()
            request = {"account_id": accounts["result"]["master_account"]["uuid"], "leverage": str(leverage)}
            return await self.v1PrivatePostPrivateChangeAccountLeverage(request)

        # --- streams ---------------------------------------------------------------------------------------------

        async def watch_private_subscribe(self, name: str, params: Any = _NOTHING) -> Any:
            return await super().watch_private_subscribe(name, {"id": self.nonce(), **self.omit(params, "type")})

        async def watch_positions(
            self, symbols: Any = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> Any:
            wanted = {"id": self.nonce(), **self.omit(params, "type")}
            return await super().watch_positions(symbols, since, limit, wanted)

        def handle_trades(self, client: Any, message: Mapping[str, Any]) -> None:
            if not str(message.get("channel")).startswith("user.trade"):
                super().handle_trades(client, message)
                return
            if self.own_trades is None:
                self.own_trades = self.myTrades = trade_cache(1_000)
            for trade in self.parse_trades(message.get("data") or []):
                self.own_trades.append(trade)
            client.resolve(self.own_trades, message["subscription"])

        def handle_error_message(self, client: Any, message: Mapping[str, Any]) -> bool:
            failed = bool(super().handle_error_message(client, message))
            if failed and message.get("method") == "subscribe":
                client.reject(NotSupported(self.json(message)))  # ccxt tells only who asked by a number
            return failed

    return Cryptocom


DIALECT = Dialect(
    venue="cryptocom",
    client_ids=ClientIdRule(36, WORD, "client_oid: at most 36 characters; the charset is what others use there"),
    errors=ERRORS,
    exchanges=dict.fromkeys(BOTH_KINDS, "cryptocom"),
    options={"fetchCurrencies": {"skipFetchCurrencies": True}},
    create_id="client_oid",
    query_id="client_oid",
    cancel_id="client_oid",
    settle_s=61.0,  # a request's nonce is good for 60 s
    weights=dict.fromkeys(BOTH_KINDS, Weights(load=2, trades=4, open_orders=4, balance=4, positions=4)),
    override=corrected,
    source="Exchange API v1 documents of May 2026, cryptocom.md",
)
