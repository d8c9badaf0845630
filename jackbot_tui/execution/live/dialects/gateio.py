"""Gate's private side: spot and USDT perpetuals, one ccxt class for both, with what ccxt 4.5.90 gets wrong mended.

Mended here, each with a test that fails on plain ccxt (``tests/conformance/test_live_gateio.py``):

- An order that has ended is not found by its text any more (on spot at once, on perpetuals after a minute), so ccxt
  says that an order filled at once does not exist: it is looked for in the lists, which tell the text.
- ccxt drops the client id of a cancel and of every own trade.
- ccxt leaves words of the venue as they are that it does not know (``_update``, ``fok``, ``stp``, ``reduce_only`` …).
- ``set_leverage`` makes a position isolated, whatever it was, and there is no ``set_margin_mode``.
- Own trades come newest first, one page: all pages are read.
- Of a triggered order ccxt tells no text, and asks for one by text, which the venue does not know: the lists tell it.
- A request may arrive a minute late and still count: orders carry the time after which the venue must drop them.
- Streams of perpetuals need the account's uid: it is asked for when the first stream is opened, and with it whether the
  account is a unified one, which is refused.
"""

from collections.abc import Mapping
from typing import Any

from jackbot_tui.execution.live.dialect import (
    BOTH_KINDS,
    ClientIdRule,
    DeadMan,
    Dialect,
    KeyRights,
    RightsRule,
    StopRule,
    StopState,
    Weights,
    trigger_of_kind,
)
from jackbot_tui.model.enums import MarketKind, TriggerBy
from jackbot_tui.venues.gateio.errors import ERRORS

ORDER_LIFE_MS = 5_000
"""An order or amend that reaches the venue later than this is dropped by it (header x-gate-exptime)."""

UNIFIED = "2"
"""The mode of a unified account, whose orders and balances are on pages of their own."""

PAGE = 100
PAGE_SPACE_MS = 60
"""Between two pages: a page may be asked for 200 times in 10 s."""

MOST_PAGES = 20
STATUSES = {
    "_update": "open",
    **dict.fromkeys(
        (
            "fok", "poc", "stp", "small", "liquidate_cancelled", "depth_not_enough", "trader_not_enough", "unknown",
            "auto_deleveraged", "reduce_only", "position_closed", "reduce_out", "liquidated",
        ),
        "canceled",
    ),
}  # fmt: skip
"""Words of ``finish_as`` that ccxt leaves as they are, or takes for filled."""

NAMES = {MarketKind.SPOT: "spot", MarketKind.LINEAR: "futures"}


def _error(exchange: Any, label: str) -> type[Exception]:
    """ccxt's class for a label of the venue's: no module of it is imported here."""
    found: type[Exception] = exchange.exceptions["exact"][label]
    return found


def _mended(plain: type[Any]) -> type[Any]:
    """ccxt's class with the shortfalls of this module's text mended."""

    def parse_order_status(self: Any, status: Any) -> Any:
        return STATUSES.get(status) or plain.parse_order_status(self, status)

    def parse_trade(self: Any, trade: Any, market: Any = None) -> Any:
        return {**plain.parse_trade(self, trade, market), "clientOrderId": trade.get("text")}

    def parse_order(self: Any, order: Any, market: Any = None) -> Any:
        parsed = plain.parse_order(self, order, market)
        return {**parsed, "clientOrderId": order["initial"].get("text")} if "initial" in order else parsed

    async def fetch_order(self: Any, id: Any, symbol: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        missing, text = _error(self, "ORDER_NOT_FOUND"), (params or {}).get("clientOrderId")
        waits = {"trigger": True} if (params or {}).get("trigger") else {}
        try:
            if waits and text:
                raise missing("a triggered order is found by its own id only")
            return await plain.fetch_order(self, id, symbol, dict(params or {}))
        except missing:
            if not text:
                raise
        for ask in (self.fetch_open_orders, self.fetch_closed_orders):
            for order in await ask(symbol, None, PAGE, dict(waits)):
                if order["clientOrderId"] == text:
                    return order
        raise missing(f'{self.id} {{"label":"CLIENT_ID_NOT_FOUND","message":"{text} is in no list"}}')

    async def cancel_order(self: Any, id: Any, symbol: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        rest = dict(params or {})
        text = rest.pop("clientOrderId", None)
        return await plain.cancel_order(self, id or text, symbol, rest)

    async def fetch_my_trades(
        self: Any, symbol: Any = None, since: Any = None, limit: Any = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        found: dict[str, Any] = {}
        spot = self.market(symbol)["spot"] if symbol is not None else True
        for number in range(MOST_PAGES):
            place = {"page": number + 1} if spot else {"offset": number * PAGE}
            page = await plain.fetch_my_trades(self, symbol, since, PAGE, {**(params or {}), **place})
            found |= {trade["id"]: trade for trade in page}
            if len(page) < PAGE:
                break
            await self.sleep(PAGE_SPACE_MS)
        return sorted(found.values(), key=lambda trade: (trade["timestamp"], int(trade["id"])))

    def sign(
        self: Any, path: Any, api: Any = (), method: str = "GET", params: Any = None, *more: Any, **named: Any
    ) -> Any:
        signed = plain.sign(self, path, api, method, {} if params is None else params, *more, **named)
        if method in ("POST", "PUT", "PATCH") and "orders" in path and signed["headers"]:
            signed["headers"]["x-gate-exptime"] = str(self.nonce() + ORDER_LIFE_MS)
        return signed

    async def set_leverage(
        self: Any, leverage: Any, symbol: Any = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(params or {})
        if "marginMode" not in given:
            given["marginMode"] = (await self.fetch_position(symbol))["marginMode"]
        return await plain.set_leverage(self, leverage, symbol, given)

    async def set_margin_mode(self: Any, mode: str, symbol: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """Keep the leverage, change the mode."""
        position = await self.fetch_position(symbol)
        leverage = position["leverage"] or position["info"]["cross_leverage_limit"]
        return await plain.set_leverage(self, int(float(leverage)), symbol, {"marginMode": mode, **(params or {})})

    async def subscribe_private(
        self: Any, url: Any, hash: Any, payload: Any, channel: Any, params: Any, requires_uid: bool = False
    ) -> Any:
        if not self.uid:
            detail = await self.privateAccountGetDetail()
            if str(detail.get("key", {}).get("mode")) == UNIFIED:
                raise _error(self, "USER_NOT_FOUND")(f'{self.id} {{"label":"UNIFIED_ACCOUNT"}}')
            self.uid = str(detail["user_id"])
        return await plain.subscribe_private(self, url, hash, payload, channel, params, requires_uid)

    async def fetch_key_rights(self: Any) -> Any:
        """Permissions of the key in use, by name; nothing where the venue does not tell."""
        try:
            rows = await self.privateAccountGetMainKeys()
        except _error(self, "NOT_FOUND"):
            return {}
        mine = [row for row in rows if self.apiKey.startswith(str(row["key"]).rstrip("*"))]
        return {"perms": mine[0]["perms"], "mode": mine[0]["mode"]} if len(mine) == 1 else {}

    mends = (
        parse_order_status, parse_order, parse_trade, fetch_order, cancel_order, fetch_my_trades, sign, set_leverage,
        set_margin_mode, subscribe_private, fetch_key_rights,
    )  # fmt: skip
    return type(plain.__name__, (plain,), {mend.__name__: mend for mend in mends})


def _rights(said: Mapping[str, Any], kind: MarketKind) -> KeyRights:
    permissions = {row["name"]: row["read_only"] for row in said.get("perms", ())}
    if not permissions:
        return KeyRights()
    withdraws = any(name.startswith("withdraw") and not reads for name, reads in permissions.items())
    return KeyRights(may_trade=permissions.get(NAMES[kind]) is False, may_withdraw=withdraws)


def _triggered(raw: Mapping[str, Any]) -> StopState | None:
    """Triggered orders have pages and ids of their own; ``trade_id`` is the order that one has fired."""
    info: Mapping[str, Any] = raw.get("info") or {}
    if set(info) <= {"id", "id_string"}:  # the answer to placing one is no more than that
        return StopState(stands_for=True)
    if "initial" not in info:
        return None
    fired, end = str(info.get("trade_id") or "0"), info.get("finish_as")
    waits = False if end == "succeeded" else True if info.get("status") == "open" else None
    return StopState(waits=waits, stands_for=True, follower=fired if waits is False and fired != "0" else "")


_APART: Mapping[str, object] = {"trigger": True}


def _spot_count_down(market_id: str, ms: int) -> dict[str, object]:
    return {"currency_pair": market_id, "timeout": -(-ms // 1000)}


def _linear_count_down(market_id: str, ms: int) -> dict[str, object]:
    return {"settle": "usdt", "contract": market_id, "timeout": -(-ms // 1000)}


DIALECT = Dialect(
    venue="gateio",
    client_ids=ClientIdRule(30, "0-9A-Za-z_.-", "text: t- and at most 28 bytes", prefix="t-"),
    errors=ERRORS,
    exchanges=dict.fromkeys(BOTH_KINDS, "gate"),
    options={
        "unifiedAccount": False,  # else every first call asks for the account's mode, signed
        "fetchMarkets": {"types": ["spot", "swap"]},
        "swap": {"fetchMarkets": {"settlementCurrencies": ["usdt"]}},
        # else ccxt waits for a snapshot and returns without having subscribed; the session asks for it anyway
        "watchPositions": {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False},
    },
    override=_mended,
    amends=frozenset(BOTH_KINDS),
    market_buy_by_cost=True,
    settle_s=ORDER_LIFE_MS / 1000 + 2,
    weights=dict.fromkeys(BOTH_KINDS, Weights(load=4, order=3, count_down=1)),
    dead_man={
        MarketKind.SPOT: DeadMan("privateSpotPostCountdownCancelAll", _spot_count_down),
        MarketKind.LINEAR: DeadMan("privateFuturesPostSettleCountdownCancelAll", _linear_count_down),
    },
    dead_man_s=(5.0, 3600.0),
    stops={  # on spot ccxt cannot write one that is to be a market order
        MarketKind.LINEAR: StopRule(
            triggers={TriggerBy.LAST: "0", TriggerBy.MARK: "1"},
            by="price_type",
            ask=trigger_of_kind,
            query=_APART,
            cancel=_APART,
            listed=_APART,
            read=_triggered,
        ),
    },
    rights=RightsRule("fetch_key_rights", _rights),
    source="Gate API v4, REST and WebSocket documents, 2025-11-30; ccxt 4.5.90",
)
