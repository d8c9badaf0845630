"""Bybit's private side: one unified account and one ccxt class for spot and USDT perpetuals.

What ccxt 4.5.90 gets wrong there, and ``corrected`` mends: it asks for currencies with the key whenever markets are
loaded; an order asked for by client id alone is asked for under the id ``None`` as well, which no order has; open
orders end at the twentieth row and own trades at the hundredth or after seven days; trades of liquidations are left
out; the kind of market of a streamed order is guessed from a field that need not be there; streamed wallets count
unrealised profit as money and forget what margin binds; positions that settle in USDC are not asked for, and none tells
its margin mode, which is the whole account's; streams are signed in to by this machine's clock, however wrong it is.
"""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

from jackbot_tui.execution.live.dialect import (
    BOTH_KINDS,
    WORD,
    ClientIdRule,
    Dialect,
    KeyRights,
    RightsRule,
    StopRule,
    StopState,
    Weights,
    time_windows,
    trigger_alone,
    trigger_with_direction,
)
from jackbot_tui.model.enums import MarketKind, TriggerBy
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.venues.bybit.errors import ERRORS

_NOTHING: dict[str, Any] = {}
ORDERS_PAGE = 50
TRADES_PAGE = 100
MOST_PAGES = 50
TRADES = ("Trade", "AdlTrade", "BustTrade", "Settle", "BlockTrade")
"""Executions that change a position; funding is none."""

SPAN_MS, MOST_MS = 7 * 86_400_000, 180 * 86_400_000
"""The longest time that Bybit looks back on at once (from a start alone it looks no further than that), and that we do
at all.
"""

LOGIN_MS = 10_000
"""So long a login of the stream may be under way."""

SETTLED_IN = ("USDT", "USDC")
RIGHTS = {MarketKind.SPOT: ("Spot", "SpotTrade"), MarketKind.LINEAR: ("ContractTrade", "Order")}


class OrderNotFound(JackbotError):
    """Named as ccxt's, by which failures are classified."""


def _rights(said: Mapping[str, Any], kind: MarketKind) -> KeyRights:
    result = said.get("result") or {}
    permissions: Mapping[str, Any] = result.get("permissions") or {}
    if not permissions:
        return KeyRights()
    group, name = RIGHTS[kind]
    writes = str(result.get("readOnly")) == "0"
    withdraws = "Withdraw" in (permissions.get("Wallet") or ())
    return KeyRights(may_trade=writes and name in (permissions.get(group) or ()), may_withdraw=writes and withdraws)


def _stop(raw: Mapping[str, Any]) -> StopState | None:
    """A conditional order stays one order, ``Untriggered`` while it waits."""
    info: Mapping[str, Any] = raw.get("info") or {}
    status, trigger = str(info.get("orderStatus") or ""), str(info.get("triggerPrice") or "")
    if not status or not trigger.strip("0."):
        return None
    over = status in ("Deactivated", "Cancelled", "Rejected")
    return StopState(waits=None if over else status == "Untriggered")


def corrected(plain: type[Any]) -> type[Any]:
    """``ccxt.pro.bybit`` without what the module's text says against it."""

    class Bybit(plain):  # type: ignore[misc]
        async def fetch_currencies(self, params: Any = _NOTHING) -> dict[str, Any]:
            """A signed call that nobody asked for; currencies follow from the markets."""
            return {}

        def _place(self, symbol: str) -> dict[str, str]:
            market = self.market(symbol)
            return {"category": "spot" if market["spot"] else "linear", "symbol": market["id"]}

        # --- orders ----------------------------------------------------------------------------------------------

        async def fetch_order(self, id: str | None, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            """Open or among the newest that ended, else in the history."""
            rest = self.omit(params, ["acknowledged", "clientOrderId"])
            link = self.safe_string_2(params, "orderLinkId", "clientOrderId")
            asked = {**self._place(str(symbol)), **rest, **({"orderLinkId": link} if link else {"orderId": id})}
            for ask in (self.privateGetV5OrderRealtime, self.privateGetV5OrderHistory):
                found = (await ask(asked))["result"]["list"]
                if found:
                    return self.parse_order(found[0], self.market(symbol))
            raise OrderNotFound(f"Bybit knows no order {link or id}")

        async def fetch_open_orders(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            found: list[Any] = []
            cursor: dict[str, str] = {}
            for _ in range(MOST_PAGES):
                page = await super().fetch_open_orders(symbol, since, ORDERS_PAGE, {**params, **cursor})
                found += page
                more = _next(page)
                if not more or limit is not None:
                    break
                cursor = {"cursor": more}
            return found

        def parse_order(self, order: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            if market is None and order.get("category") in ("spot", "linear"):
                kind = "spot" if order["category"] == "spot" else "contract"
                market = self.safe_market(order.get("symbol"), None, None, kind)
            parsed: dict[str, Any] = super().parse_order(order, market)
            return parsed

        # --- trades ----------------------------------------------------------------------------------------------

        async def fetch_my_trades(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            """Oldest first, all pages, those of liquidations too."""
            found: dict[str, Any] = {}
            earliest = None if since is None else max(since, self.nonce() - MOST_MS)
            for window in time_windows(earliest, self.nonce(), SPAN_MS):
                asked = {**self._place(str(symbol)), "limit": TRADES_PAGE, **window, **params}
                for _ in range(MOST_PAGES):
                    result = (await self.privateGetV5ExecutionList(asked))["result"]
                    rows = [row for row in result["list"] if row.get("execType") in TRADES]
                    found |= {row["execId"]: self.parse_trade(row, self.market(symbol)) for row in rows}
                    if not result.get("nextPageCursor") or not result["list"]:
                        break
                    asked["cursor"] = result["nextPageCursor"]
            return sorted(found.values(), key=lambda trade: trade["timestamp"])

        def parse_trade(self, trade: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            parsed: dict[str, Any] = super().parse_trade(trade, market)
            parsed["clientOrderId"] = trade.get("orderLinkId")
            told = trade.get("feeCurrency") or trade.get("feeCoin")
            if told:
                for fee in (parsed["fee"], *parsed["fees"]):
                    if fee is not None:
                        fee["currency"] = self.safe_currency_code(told)
            return parsed

        # --- the account -----------------------------------------------------------------------------------------

        async def fetch_positions(self, symbols: Any = None, params: Any = _NOTHING) -> list[Any]:
            """Whatever they settle in, with the margin mode, which the account has and its positions do not tell."""
            coins = [{}] if symbols or "settleCoin" in params else [{"settleCoin": coin} for coin in SETTLED_IN]
            found: list[Any] = []
            for coin in coins:
                found += await super().fetch_positions(symbols, {**params, **coin})
            if any(position["contracts"] for position in found):
                said = (await self.privateGetV5AccountInfo())["result"]
                mode = "isolated" if said.get("marginMode") == "ISOLATED_MARGIN" else "cross"
                found = [{**position, "marginMode": mode} for position in found]
            return found

        async def authenticate(self, url: str, params: Any = _NOTHING) -> Any:
            """By the venue's clock, as requests are signed; ccxt takes this machine's."""
            client, topic = self.client(url), "authenticated"
            done = client.reusableFuture(topic)
            if topic not in client.subscriptions:
                expires = str(self.nonce() + LOGIN_MS)
                signed = self.hmac(self.encode(f"GET/realtime{expires}"), self.encode(self.secret), sha256, "hex")
                message = {"op": "auth", "args": [self.apiKey, expires, signed], **params}
                self.watch(url, topic, message, topic)
            return await done

        def parse_ws_balance(self, balance: Mapping[str, Any], account: str | None = None) -> None:
            """As the page has it: money without unrealised profit, and what orders and positions bind is not free."""
            bound = [balance.get(name) or "0" for name in ("locked", "totalOrderIM", "totalPositionIM")]
            used = str(sum(map(Decimal, bound)))
            rest = self.omit(balance, ["availableToWithdraw", "free", "equity"])
            super().parse_ws_balance({**rest, "locked": used}, account)

    return Bybit


def _next(page: list[Any]) -> str:
    """The cursor that ccxt hangs on one of a page's rows."""
    return next((str(order["info"]["nextPageCursor"]) for order in page if order["info"].get("nextPageCursor")), "")


DIALECT = Dialect(
    venue="bybit",
    client_ids=ClientIdRule(36, WORD, "orderLinkId, v5 order page"),
    errors=ERRORS,
    exchanges=dict.fromkeys(BOTH_KINDS, "bybit"),
    options={
        # else ccxt asks, signed, what kind of account it is before its first private call
        "enableUnifiedMargin": False,
        "enableUnifiedAccount": True,
        "unifiedMarginStatus": 6,
        "fetchMarkets": {"types": ["spot", "linear"]},
        "recvWindow": 5000,
        # else ccxt asks for them by itself, outside of our rate limits; the session asks for them anyway
        "watchPositions": {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False},
    },
    query_id="orderLinkId",
    cancel_id="orderLinkId",
    amends=frozenset(BOTH_KINDS),
    one_wallet=True,
    watch_params={kind: {} for kind in BOTH_KINDS},  # the wallet's kind would go into the subscription
    settle_s=7.0,  # recvWindow and the second that Bybit allows for clocks, with some room
    # 10 cancels a second are allowed, and ours count 50 private units
    weights=dict.fromkeys(BOTH_KINDS, Weights(load=4, cancel=5, order=2, open_orders=2, trades=2, positions=3)),
    stops={
        # spot has the last price only; a waiting order there is canceled with orderFilter StopOrder
        MarketKind.SPOT: StopRule(
            triggers={TriggerBy.LAST: ""}, ask=trigger_alone, cancel={"trigger": True}, read=_stop
        ),
        MarketKind.LINEAR: StopRule(
            triggers={TriggerBy.LAST: "LastPrice", TriggerBy.MARK: "MarkPrice"},
            by="triggerBy",
            ask=trigger_with_direction,
            read=_stop,
        ),
    },
    rights=RightsRule("privateGetV5UserQueryApi", _rights),
    override=corrected,
    source="Bybit v5 documents of 2026-07-24 and changelog to 2026-10-09, bybit.md",
)
