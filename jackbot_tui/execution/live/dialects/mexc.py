"""MEXC's private side: spot and contracts, one ccxt class for both, with what ccxt 4.5.90 gets wrong mended.

Mended here, each with a test that fails on plain ccxt (``tests/conformance/test_live_mexc.py``):

- Contracts count sides 1 to 4; ccxt reads 2 (a buy that closes a short) as a sell, and 3 and 4 not at all.
- Limit orders for contracts go out as resting ones, whatever ``timeInForce`` says, and market orders as limit orders at
  the price of the moment.
- An order names its margin mode; ccxt always says cross. ``set_leverage`` and ``set_margin_mode`` want to be told more.
- Client ids of contracts, and of own trades on spot, are dropped; cancels and questions by them do not arrive.
- A spot order that was canceled with a part filled is told as filled on the stream, and every own trade as a taker's.
- The margin of positions is left out of a wallet's total. Own trades and open orders end at the first page.
- Loading markets asks for currencies with the key, and both kinds' clients for the listing of contracts, which may be
  asked for once in five seconds.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jackbot_tui.execution.live.dialect import BOTH_KINDS, WORD, ClientIdRule, Dialect, Weights
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import text_of
from jackbot_tui.venues.mexc.errors import ERRORS

_NOTHING: dict[str, Any] = {}
SIDES = {"1": "buy", "2": "buy", "3": "sell", "4": "sell"}
KINDS = {"IOC": 3, "FOK": 4}
MARKET = 5
OPEN_TYPES = {"isolated": 1, "cross": 2}
CONTRACT_PAGE, SPOT_PAGE, MOST_PAGES = 100, 1000, 50
PAGE_SPACE_MS = 220
"""Between two pages: contracts' may be asked for 20 times in 2 s, spot's trades weigh 10 of 500 in 10 s."""


def corrected(plain: type[Any]) -> type[Any]:
    """``ccxt.pro.mexc`` without what the module's text says against it."""

    class Mexc(plain):  # type: ignore[misc]
        def __init__(self, config: Mapping[str, Any]) -> None:
            self.margin_modes: dict[str, tuple[str, int]] = {}  # symbol -> mode and leverage, as last set or read
            super().__init__(config)

        async def fetch_currencies(self, params: Any = _NOTHING) -> dict[str, Any]:
            """A signed call that nobody asked for."""
            return {}

        async def fetch_markets(self, params: Any = _NOTHING) -> Any:
            """Those of the client's own kind."""
            if self.options.get("defaultType") == "swap":
                return await self.fetch_swap_markets(params)
            return await self.fetch_spot_markets(params)

        # --- orders ----------------------------------------------------------------------------------------------

        async def create_swap_order(
            self, market: Any, type: Any, side: Any, amount: Any, price: Any = None, mode: Any = None,
            params: Any = _NOTHING,
        ) -> Any:  # fmt: skip
            given = dict(params)
            kind = KINDS.get(str(given.pop("timeInForce", "")).upper(), MARKET if type == "market" else type)
            if mode is None:
                mode, leverage = await self._margin_mode(market["symbol"])
                if mode == "isolated":
                    given.setdefault("leverage", leverage)
            return await super().create_swap_order(market, kind, side, amount, price, mode, given)

        async def cancel_order(self, id: Any, symbol: Any = None, params: Any = _NOTHING) -> Any:
            market = self.market(symbol)
            name = params.get("clientOrderId")
            if market["spot"] or params.get("trigger"):
                return await super().cancel_order(id, symbol, dict(params))
            if id is None:
                request = {"symbol": market["id"], "externalOid": name}
                await self.contractPrivatePostOrderCancelWithExternal(request)
                return self.safe_order({"clientOrderId": name}, market)
            (row,) = (await self.contractPrivatePostOrderCancel([id]))["data"]
            if str(row["errorCode"]) != "0":
                words = f'{{"code":{row["errorCode"]},"message":"{row["errorMsg"]}"}}'
                raise self.exceptions["exact"]["2009"](f"{self.id} {words}")
            return self.safe_order({"id": str(id)}, market)

        async def fetch_order(self, id: Any, symbol: Any = None, params: Any = _NOTHING) -> Any:
            market, name = self.market(symbol), params.get("clientOrderId")
            if market["spot"] or not name:
                return await super().fetch_order(id, symbol, dict(params))
            request = {"symbol": market["id"], "external_oid": name}
            return self.parse_order(
                (await self.contractPrivateGetOrderExternalSymbolExternalOid(request))["data"], market
            )

        async def fetch_open_orders(
            self, symbol: Any = None, since: Any = None, limit: Any = None, params: Any = _NOTHING
        ) -> Any:
            market = self.market(symbol) if symbol is not None else None
            if market is None or market["spot"] or params.get("trigger"):
                return await super().fetch_open_orders(symbol, since, limit, dict(params))
            found: dict[str, Any] = {}
            for page in range(1, MOST_PAGES):
                request = {"page_num": page, "page_size": CONTRACT_PAGE}
                rows = (await self.contractPrivateGetOrderListOpenOrders(request))["data"]
                found |= {str(row["orderId"]): row for row in rows}
                if len(rows) < CONTRACT_PAGE:
                    break
                await self.sleep(PAGE_SPACE_MS)
            return self.parse_orders(list(found.values()), market, since, limit)

        async def fetch_my_trades(
            self, symbol: Any = None, since: Any = None, limit: Any = None, params: Any = _NOTHING
        ) -> Any:
            """Every page, oldest first."""
            spot = self.market(symbol)["spot"]
            found: dict[str, Any] = {}
            size, given = (SPOT_PAGE, dict(params)) if spot else (CONTRACT_PAGE, dict(params))
            for page in range(1, MOST_PAGES):
                if not spot:
                    given["page_num"] = page
                rows = await super().fetch_my_trades(symbol, since, size, given)
                before = len(found)
                found |= {row["id"]: row for row in rows}
                if len(rows) < size or len(found) == before:
                    break
                await self.sleep(PAGE_SPACE_MS)
                if spot:
                    given["until"] = min(row["timestamp"] for row in rows)
            return sorted(found.values(), key=lambda row: row["timestamp"])

        # --- margin ----------------------------------------------------------------------------------------------

        async def _margin_mode(self, symbol: str) -> tuple[str, int]:
            if symbol not in self.margin_modes:
                said = await self.fetch_leverage(symbol)
                self.margin_modes[symbol] = said["marginMode"], int(said["longLeverage"])
            return self.margin_modes[symbol]

        async def _set_margin(self, symbol: str, mode: str, leverage: int) -> None:
            market = self.market(symbol)["id"]
            for side in (1, 2):
                request = {
                    "symbol": market, "openType": OPEN_TYPES[mode], "positionType": side, "leverage": leverage,
                }  # fmt: skip
                await self.contractPrivatePostPositionChangeLeverage(request)
            self.margin_modes[symbol] = mode, leverage

        async def set_leverage(self, leverage: Any, symbol: Any = None, params: Any = _NOTHING) -> Any:
            mode, _ = await self._margin_mode(symbol)
            await self._set_margin(symbol, params.get("marginMode") or mode, int(leverage))

        async def set_margin_mode(self, mode: str, symbol: Any = None, params: Any = _NOTHING) -> Any:
            _, leverage = await self._margin_mode(symbol)
            await self._set_margin(symbol, mode, int(params.get("leverage") or leverage))

        # --- reading ---------------------------------------------------------------------------------------------

        def parse_order(self, order: Any, market: Any = None) -> Any:
            read = super().parse_order(order, market)
            if not isinstance(order, dict) or "externalOid" not in order:
                return read
            state = "rejected" if str(order.get("state")) == "5" else read["status"]
            return {
                **read, "side": SIDES.get(str(order.get("side"))), "clientOrderId": order["externalOid"],
                "status": state,
            }  # fmt: skip

        def parse_trade(self, trade: Any, market: Any = None) -> Any:
            read = super().parse_trade(trade, market)
            if "positionMode" in trade:
                return {**read, "side": SIDES.get(str(trade.get("side")))}
            return {**read, "clientOrderId": trade.get("clientOrderId")}

        def parse_ws_trade(self, trade: Any, market: Any = None) -> Any:
            read = super().parse_ws_trade(trade, market)
            if "tradeId" not in trade:
                return read
            maker = "maker" if trade.get("isMaker") else "taker"
            return {**read, "takerOrMaker": maker, "clientOrderId": trade.get("clientOrderId")}

        def parse_ws_order_status(self, status: Any, market: Any = None) -> Any:
            return "canceled" if str(status) == "5" else super().parse_ws_order_status(status, market)

        def custom_parse_balance(self, response: Any, kind: Any) -> Any:
            if kind == "swap":
                rows = [_whole_wallet(row, ("equity", "unrealized")) for row in response.get("data") or ()]
                response = {**response, "data": rows}
            return super().custom_parse_balance(response, kind)

        def handle_balance(self, client: Any, message: Any) -> None:
            if message.get("channel") == "push.personal.asset":
                message = {**message, "data": _whole_wallet(message["data"], ("positionMargin",))}
            super().handle_balance(client, message)

    return Mexc


def _whole_wallet(row: Mapping[str, Any], told: tuple[str, ...]) -> dict[str, Any]:
    """A wallet in which what is not available counts as used: positions' margin too."""
    figures = {name: Decimal(str(row.get(name) or 0)) for name in (*told, "frozenBalance", "availableBalance")}
    if "equity" in figures:
        used = figures["equity"] - figures["unrealized"] - figures["availableBalance"]
    else:
        used = figures["frozenBalance"] + figures["positionMargin"]
    return {**row, "frozenBalance": text_of(used)}


DIALECT = Dialect(
    venue="mexc",
    client_ids=ClientIdRule(32, WORD, "newClientOrderId; externalOid, error 2030"),
    errors=ERRORS,
    exchanges=dict.fromkeys(BOTH_KINDS, "mexc"),
    options={"recvWindow": 5000},
    override=corrected,
    tokens=("listenKey", "listenKeyFetching"),
    market_buy_by_cost=True,
    unwatched={MarketKind.LINEAR: frozenset({"positions"})},  # ccxt has no stream of them there: polls tell
    settle_s=12.0,  # contracts take requests that are ten seconds late
    weights={
        MarketKind.SPOT: Weights(load=25, order=2, open_orders=3, trades=10, balance=10),
        MarketKind.LINEAR: Weights(load=2, setting=2),
    },
    source="MEXC spot v3 and contract v1 documents, 2025-11-03; ccxt 4.5.90",
)
