"""Bitget's private side: a unified account (API v3) and one ccxt class for spot and USDT perpetuals.

A classic account (API v2) is told so and refused. What ccxt 4.5.90 gets wrong with a unified one, and ``corrected``
mends: own trades are asked for without their market, so that fills of spot and of perpetuals with the same name are
taken for each other's; they and open orders end at the hundredth row; fees on pages have the wrong sign; a market sell
on the stream has its value for its size; margin modes are set through the classic API, which a unified account refuses;
perpetuals that settle in USDC are left out of positions and of streamed orders; the stream is signed in to by this
machine's clock, however wrong it is.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from jackbot_tui.execution.live.dialect import (
    BOTH_KINDS,
    WORD,
    ClientIdRule,
    Dialect,
    KeyRights,
    RightsRule,
    Weights,
    time_windows,
)
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.bitget.errors import ERRORS

_NOTHING: dict[str, Any] = {}
PAGE = 100
MOST_PAGES = 50
SPAN_MS, KEPT_MS = 30 * 86_400_000, 89 * 86_400_000
"""The longest time that Bitget looks back on at once, and at all (90 days)."""

PRODUCTS = ("USDT-FUTURES", "USDC-FUTURES")


def _rights(said: Mapping[str, Any], kind: MarketKind) -> KeyRights:
    data = said.get("data") or {}
    names = data.get("permissions")
    if not data.get("permType") or names is None:
        return KeyRights()
    writes = "write" in str(data["permType"])
    return KeyRights(
        may_trade=writes and "uta_trade" in names, may_withdraw=writes and any("withdraw" in name for name in names)
    )


def corrected(plain: type[Any]) -> type[Any]:
    """``ccxt.pro.bitget`` without what the module's text says against it."""

    class Bitget(plain):  # type: ignore[misc]
        def __init__(self, config: Mapping[str, Any]) -> None:
            self.margin_modes: dict[str, str] = {}
            super().__init__(config)

        # --- orders ----------------------------------------------------------------------------------------------

        def create_uta_order_request(
            self, symbol: str, type: str, side: str, amount: float, price: float | None = None, params: Any = _NOTHING
        ) -> dict[str, Any]:
            request: dict[str, Any] = super().create_uta_order_request(symbol, type, side, amount, price, params)
            if symbol in self.margin_modes:
                request["marginMode"] = self.margin_modes[symbol]
            return request

        async def fetch_open_orders(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            market = self.market(symbol)
            asked = {"category": _category(market), "symbol": market["id"], "limit": limit or PAGE, **params}
            rows = await self._pages(self.privateUtaGetV3TradeUnfilledOrders, asked, once=limit is not None)
            return self.parse_orders(rows, market, since, None)  # type: ignore[no-any-return]

        async def _pages(self, ask: Any, asked: dict[str, Any], *, once: bool = False) -> list[Any]:
            rows: list[Any] = []
            for _ in range(1 if once else MOST_PAGES):
                data = (await ask(asked))["data"] or {}
                rows += data.get("list") or []
                if not data.get("cursor") or not data.get("list"):
                    break
                asked = {**asked, "cursor": data["cursor"]}
            return rows

        def parse_ws_order(self, order: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            parsed: dict[str, Any] = super().parse_ws_order(order, market)
            if "qty" in order and not (order.get("amount") or "0").strip("0."):  # it is counted in base units
                parsed["amount"] = self.parse_number(order["qty"])
                parsed["filled"] = self.parse_number(order["cumExecQty"])
            return parsed

        # --- trades ----------------------------------------------------------------------------------------------

        async def fetch_my_trades(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            """Of one market, oldest first, all pages."""
            market = self.market(symbol)
            asked, found = {"category": _category(market), "limit": PAGE, **params}, {}
            earliest = None if since is None else max(since, self.nonce() - KEPT_MS)
            for window in time_windows(earliest, self.nonce(), SPAN_MS):
                for row in await self._pages(self.privateUtaGetV3TradeFills, {**asked, **window}):
                    if (row["category"], row["symbol"]) == (_category(market), market["id"]):
                        found[row["execId"]] = self.parse_trade(row, market)
            return sorted(found.values(), key=lambda trade: trade["timestamp"])

        def parse_trade(self, trade: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            parsed: dict[str, Any] = super().parse_trade(trade, market)
            return _paid(parsed, trade) if "execId" in trade and "orderId" in trade else parsed

        def parse_ws_trade(self, trade: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            parsed: dict[str, Any] = super().parse_ws_trade(trade, market)
            return _paid(parsed, trade) if "execId" in trade else parsed

        # --- the account -----------------------------------------------------------------------------------------

        async def fetch_positions(self, symbols: Any = None, params: Any = _NOTHING) -> list[Any]:
            """Whatever they settle in."""
            if symbols or "productType" in params:
                found: list[Any] = await super().fetch_positions(symbols, params)
                return found
            return [
                position
                for product in PRODUCTS
                for position in await self.fetch_positions(None, {**params, "productType": product})
            ]

        async def authenticate(self, params: Any = _NOTHING) -> Any:
            """By the venue's clock, as requests are signed; ccxt takes this machine's."""
            url, topic = str(params["url"]), "authenticated"
            client = self.client(url)
            done = client.reusableFuture(topic)
            if topic not in client.subscriptions:
                stamp = str(self.nonce() // 1000)
                signed = self.hmac(self.encode(f"{stamp}GET/user/verify"), self.encode(self.secret), sha256, "base64")
                fields = {"apiKey": self.apiKey, "passphrase": self.password, "timestamp": stamp, "sign": signed}
                self.watch(url, topic, {"op": "login", "args": [fields]}, topic)
            return await done

        async def watch_orders(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> Any:
            """Of all markets without a symbol: the stream is one, and only under spot's name all of it is heard."""
            every = {} if symbol is not None else {"type": "spot"}
            return await super().watch_orders(symbol, since, limit, {**params, **every})

        # --- margin ----------------------------------------------------------------------------------------------

        async def set_margin_mode(self, mode: str, symbol: str | None = None, params: Any = _NOTHING) -> None:
            """A unified account has none to set: orders from now on bring it."""
            self.margin_modes[str(symbol)] = "isolated" if mode == "isolated" else "crossed"

        def parse_position(self, position: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            parsed: dict[str, Any] = super().parse_position(position, market)
            if parsed["contracts"] and position.get("marginMode") in ("isolated", "crossed"):
                self.margin_modes[parsed["symbol"]] = position["marginMode"]
            return parsed

    return Bitget


def _paid(parsed: dict[str, Any], trade: Mapping[str, Any]) -> dict[str, Any]:
    """An own trade with its client id and its fee as Bitget says it: positive when paid."""
    parsed["clientOrderId"] = trade.get("clientOid")
    detail = (trade.get("feeDetail") or [{}])[0]
    for fee in (parsed["fee"], *parsed["fees"]):
        if fee is not None and detail.get("fee"):
            fee["cost"] = float(detail["fee"])
    return parsed


def _category(market: Mapping[str, Any]) -> str:
    return "SPOT" if market["spot"] else f"{market['settleId']}-FUTURES"


DIALECT = Dialect(
    venue="bitget",
    client_ids=ClientIdRule(32, WORD, "clientOid: what v2 and v3 both take"),
    errors=ERRORS,
    floating=frozenset({MarketKind.LINEAR}),
    exchanges=dict.fromkeys(BOTH_KINDS, "bitget"),
    credentials=("apiKey", "secret", "password"),
    options={"uta": True},  # else ccxt asks, and takes a time-out for a classic account
    amends=frozenset(BOTH_KINDS),
    one_wallet=True,
    market_buy_by_cost=True,
    watch_params={kind: {} for kind in BOTH_KINDS},  # the wallet's kind would go into the subscription
    settle_s=31.0,  # a request's timestamp is good for 30 s
    # 10 orders or cancels a second are allowed, 20 queries, and ours count 20 units a second
    weights=dict.fromkeys(BOTH_KINDS, Weights(load=6, create=2, cancel=2, amend=2, setting=2, trades=2, positions=2)),
    rights=RightsRule("privateUtaGetV3AccountInfo", _rights),
    override=corrected,
    source="Bitget v3 (unified account) documents of December 2025 and pages of 2026, bitget.md",
)
