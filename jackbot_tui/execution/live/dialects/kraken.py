"""Kraken's private side: spot and derivatives are two exchanges of ccxt's, with a key and a wallet each.

What ccxt 4.5.90 gets wrong there, and ``corrected`` mends. Spot: a nonce that was overtaken fails the request; an
order cannot be asked for by client id; an amend is answered with the amend's id as the order's; own trades end at the
fiftieth; rows of the executions stream that tell only what changed become orders without a market, and their client id
is lost. Derivatives: IOC and FOK are dropped, and a limit order rests in their place; what is left of an IOC order
that filled in part is told as open; an edit counts the open size, not the whole; an order cannot be asked for or
canceled by client id; own trades end at the hundredth; each frame about an open order adds its whole fill once more; a
position that is gone is not told; executions in answers have no fee; the balance wants its wallet named.
"""

from collections.abc import Mapping
from typing import Any

from jackbot_tui.execution.live.dialect import (
    WORD,
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
from jackbot_tui.venues.kraken.errors import ERRORS

_NOTHING: dict[str, Any] = {}
SPOT_PAGE = 50
OVERLAP_S, KEPT_S = 60.0, 8 * 86_400.0
FILLS_PAGE, MOST_FILL_PAGES = 100, 20
NONCE_TRIES = 4
"""A request whose nonce was overtaken by that of another is refused undone: it is signed again, so often at most."""

UNKNOWN, STALE_TOKEN = "EOrder:Unknown order", "ESession:Invalid session"
EVENTS_ASKED = 500
GONE_AT_ONCE = ("ioc", "fok", "mkt")


def _rights(said: Mapping[str, Any], kind: MarketKind) -> KeyRights:
    """Spot's keys only: what derivatives' keys may do is told where ccxt does not ask."""
    told = (said.get("result") or {}).get("permissions")
    if not isinstance(told, list):
        return KeyRights()
    return KeyRights(may_trade="modify-trades" in told, may_withdraw="withdraw-funds" in told)


def _stop(raw: Mapping[str, Any]) -> StopState | None:
    """Spot's stops stay one order: rows of the stream carry ``triggers``, rows of pages a ``stopprice`` once woken."""
    info: Mapping[str, Any] = raw.get("info") or {}
    streamed, described = info.get("triggers"), info.get("descr")
    if isinstance(streamed, Mapping) and streamed.get("status"):
        return StopState(waits=streamed["status"] != "triggered")
    kind = str(described.get("ordertype") or "") if isinstance(described, Mapping) else ""
    if not kind.startswith(("stop-loss", "take-profit")):
        return None
    return StopState(waits=not str(info.get("stopprice") or "").strip("0."))


def _count_down(market_id: str, ms: int) -> dict[str, object]:
    return {"timeout": ms // 1000}


def corrected(plain: type[Any]) -> type[Any]:
    """ccxt's class for either kind of market, without what the module's text says against it."""
    return _spot(plain) if plain.__name__ == "kraken" else _futures(plain)


def _spot(plain: type[Any]) -> type[Any]:
    class Kraken(plain):  # type: ignore[misc]
        def __init__(self, config: Mapping[str, Any]) -> None:
            self.execution_rows: dict[str, dict[str, Any]] = {}
            self.own_trades: dict[str, dict[str, Any]] = {}
            self.known: tuple[float, float] | None = None  # seconds between which all own trades are kept
            super().__init__(config)

        async def request(
            self, path: str, api: Any = "public", method: str = "GET", params: Any = _NOTHING, config: Any = _NOTHING
        ) -> Any:
            overtaken = self.exceptions["exact"]["EAPI:Invalid nonce"]
            for _ in range(NONCE_TRIES - 1):
                try:
                    return await super().request(path, api, method, params, config)
                except overtaken:
                    continue
            return await super().request(path, api, method, params, config)

        # --- orders ----------------------------------------------------------------------------------------------

        async def fetch_order(self, id: str | None, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            client_id = self.safe_string(params, "clientOrderId")
            if client_id is None:
                return await super().fetch_order(id, symbol, params)
            asked = {"clientOrderId": client_id, "trades": True}
            for ask in (self.fetch_open_orders, self.fetch_closed_orders):
                named = [order for order in await ask(symbol, None, None, asked) if order["clientOrderId"] == client_id]
                if named:
                    return max(named, key=lambda order: order["timestamp"])
            raise self.exceptions["exact"][UNKNOWN](f"{self.id} {UNKNOWN}")

        async def edit_order(self, id: str, symbol: str, *arguments: Any) -> Any:
            return {**await super().edit_order(id, symbol, *arguments), "id": id}

        async def fetch_my_trades(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            """All of them since then. What was read once is kept: a page costs a tenth of what Kraken lets one ask."""
            if since is None or params:
                return list(await super().fetch_my_trades(symbol, since, limit, dict(params)))
            since_s = since / 1000
            await self._read_new_trades()
            if self.known is None or self.known[0] > since_s:
                await self._read_trades(since_s, self.known[0] if self.known is not None else None)
            rows = [row for row in self.own_trades.values() if float(row["time"]) >= since_s]
            return list(self.parse_trades(rows, self.market(symbol) if symbol is not None else None, since, None))

        async def _read_new_trades(self) -> None:
            """What came since the last time. Where that is refused in between, it counts from what it got to."""
            before = self.known
            if before is None:
                return
            self.known = None
            try:
                await self._read_trades(before[1] - OVERLAP_S, None, to_known=True)
            finally:
                first, last = self.known or before
                self.known = before[0] if first <= before[1] else first, last
            kept = last - KEPT_S
            if kept > self.known[0]:
                self.known = kept, last
                self.own_trades = {name: row for name, row in self.own_trades.items() if float(row["time"]) >= kept}

        async def _read_trades(self, start_s: float, end_s: float | None, *, to_known: bool = False) -> None:
            """Newest first; ``known`` grows with each page, so that the next attempt goes on where this one ends.

            ``to_known``: a page whose oldest trade is known is the last; the newest are asked for again each time.
            """
            last = self.known[1] if self.known is not None else self.milliseconds() / 1000
            page, asked = 0, {"start": int(start_s) - 1}  # the venue counts whole seconds
            if end_s is not None:
                asked["end"] = int(end_s) + 1
            while True:
                told = await self.privatePostTradesHistory({**asked, "ofs": page * SPOT_PAGE})
                trades = self.safe_dict(told["result"], "trades", {})
                oldest = min(trades, key=lambda name: float(trades[name]["time"]), default="")
                done = len(trades) < SPOT_PAGE or (to_known and oldest in self.own_trades)
                self.own_trades |= {name: {**trade, "id": name} for name, trade in trades.items()}
                if done:
                    self.known = start_s, last
                    return
                self.known = float(trades[oldest]["time"]), last
                page += 1

        # --- streams ---------------------------------------------------------------------------------------------

        async def watch_my_trades(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> Any:
            return await super().watch_my_trades(symbol, since, limit, dict(params))

        def handle_orders(self, client: Any, message: Any, subscription: Any = None) -> None:
            whole = [self._whole(row) for row in self.safe_list(message, "data", [])]
            super().handle_orders(client, {**message, "data": whole}, subscription)

        def handle_my_trades(self, client: Any, message: Any, subscription: Any = None) -> None:
            rows = self.safe_list(message, "data", [])
            super().handle_my_trades(client, message, subscription)
            self.handle_orders(client, {**message, "data": [row for row in rows if row.get("exec_type") == "trade"]})

        def _whole(self, row: Mapping[str, Any]) -> dict[str, Any]:
            """A row with all that was told of its order before."""
            name = str(row.get("order_id"))
            whole = {**self.execution_rows.get(name, {}), **row}
            self.execution_rows[name] = whole
            if whole.get("order_status") in ("filled", "canceled", "expired"):
                del self.execution_rows[name]
            return whole

        def parse_ws_order(self, order: Any, market: Any = None) -> Any:
            parsed = super().parse_ws_order(order, market)
            parsed["clientOrderId"] = self.safe_string(order, "cl_ord_id")
            parsed["filled"] = self.safe_number(order, "cum_qty")
            parsed["lastUpdateTimestamp"] = parsed["timestamp"]
            return parsed

        def parse_ws_trade(self, trade: Any, market: Any = None) -> Any:
            client_id = self.safe_string(trade, "cl_ord_id")
            return {**super().parse_ws_trade(trade, market), "clientOrderId": client_id}

        def handle_error_message(self, client: Any, message: Any) -> Any:
            """A subscription that was refused ends the socket's watches: ccxt has nobody wait for the answer to it."""
            fine = super().handle_error_message(client, message)
            if not fine and self.safe_string(message, "method") == "subscribe":
                client.reject(self.exceptions["exact"][STALE_TOKEN](f"{self.id} {message.get('error')}"))
            return fine

    return Kraken


def _futures(plain: type[Any]) -> type[Any]:
    class KrakenFutures(plain):  # type: ignore[misc]
        orders: Any

        def __init__(self, config: Mapping[str, Any]) -> None:
            self.open_rows: dict[str, dict[str, Any]] = {}
            self.held: set[str] = set()
            self.isolates: dict[str, bool] = {}
            super().__init__(config)

        async def load_time_difference(self, params: Any = _NOTHING) -> int:
            """Nothing that is signed here has a time in it."""
            return 0

        async def privatePostGetApiKeyInfo(self, params: Any = _NOTHING) -> dict[str, Any]:
            """Spot's only."""
            return {}

        # --- orders ----------------------------------------------------------------------------------------------

        def create_order_request(
            self, symbol: str, type: str, side: str, amount: float, price: float | None = None, params: Any = _NOTHING
        ) -> Any:
            tif = self.safe_string_upper(params, "timeInForce")
            params = self.omit(params, "timeInForce")
            if tif == "IOC":
                params = {**params, "timeInForce": "ioc"}
            elif tif == "FOK":
                params = {**params, "orderType": "fok"}
            return super().create_order_request(symbol, type, side, amount, price, params)

        async def create_order(
            self, symbol: str, type: str, side: str, amount: float, price: float | None = None, params: Any = _NOTHING
        ) -> Any:
            made = await super().create_order(symbol, type, side, amount, price, params)
            kinds = {self.safe_string(order, "type") for order in _orders_of(made["info"])}
            if kinds & set(GONE_AT_ONCE) and made["status"] == "open":
                made["status"] = "canceled"
                made["remaining"] = None
            return made

        def parse_order(self, order: Any, market: Any = None) -> Any:
            """With the limit of an order that rests: the venue's is only wrong where it sets one itself. Without the
            executions in an answer: they have no fee, and come again with one.
            """
            parsed = super().parse_order(order, market)
            parsed["trades"] = []
            limits = [each.get("limitPrice") for each in (*_orders_of(order), order)]
            resting = parsed["status"] == "open" and parsed["type"] not in ("market", "ioc", "fok")
            parsed["price"] = (
                self.safe_number({"price": next(filter(None, limits), None)}, "price") if resting else None
            )
            return parsed

        async def edit_order(
            self, id: str, symbol: str, type: str, side: str, amount: float | None = None, price: float | None = None,
            params: Any = _NOTHING,
        ) -> Any:  # fmt: skip
            size = None if amount is None else self.amount_to_precision(symbol, amount)
            limit = None if price is None else self.price_to_precision(symbol, price)
            return await super().edit_order(id, symbol, type, side, size, limit, {"qtyMode": "ABSOLUTE", **params})

        async def cancel_order(self, id: str | None, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            client_id = self.safe_string(params, "clientOrderId")
            if id is not None or client_id is None:
                return await super().cancel_order(id, symbol, params)
            response = await self.privatePostCancelorder({"cliOrdId": client_id})
            status = self.safe_dict(response, "cancelStatus", {})
            self.verify_order_action_success(self.safe_string(status, "status"), "cancelOrder")
            return self.parse_order(status)

        async def fetch_order(self, id: str | None, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            """Among open orders, else what the history says became of it: its status is told for five seconds only."""
            client_id = self.safe_string(params, "clientOrderId")
            if client_id is None:
                return await super().fetch_order(id, symbol, params)
            for order in await self.fetch_open_orders(symbol):
                if order["clientOrderId"] == client_id:
                    return order
            history = await self.historyGetOrders({"count": EVENTS_ASKED})
            for element in self.safe_list(history, "elements", []):  # newest first
                over = self._over(element["event"], client_id)
                if over is not None:
                    return over
            return self.verify_order_action_success("notFound", "fetchOrder")

        def _over(self, event: Any, client_id: str) -> Any:
            """How an order ended, by one event of the history; None when it is another's or does not end it."""
            for kind, content in event.items():
                order = content.get("newOrder") or content.get("order") or {}
                if order.get("clientId") != client_id:
                    continue
                left = float(order.get("quantity") or 0)
                at_once = str(order.get("orderType", "")).lower() in ("ioc", "fok")
                if kind == "OrderPlaced" and left and not at_once:
                    return None
                market = self.safe_market(order.get("tradeable"))
                return self.safe_order(
                    {
                        "id": order.get("uid"),
                        "clientOrderId": client_id,
                        "symbol": market["symbol"],
                        "side": str(order.get("direction", "")).lower(),
                        "filled": self.safe_string(order, "filled"),
                        "status": "canceled" if left else "closed",
                        "lastUpdateTimestamp": self.safe_integer(order, "lastUpdateTimestamp"),
                        "info": order,
                    }
                )
            return None

        async def fetch_my_trades(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            found: dict[str, Any] = {}
            until = _NOTHING
            for _ in range(MOST_FILL_PAGES):
                fills = self.safe_list(await self.privateGetFills({**params, **until}), "fills", [])
                before = len(found)
                found |= {fill["fill_id"]: fill for fill in fills}
                oldest = min((fill["fillTime"] for fill in fills), default="")
                done = len(fills) < FILLS_PAGE or len(found) == before
                if done or since is None or self.parse8601(oldest) < since:
                    break
                until = {"lastFillTime": oldest}
            market = self.market(symbol) if symbol is not None else None
            return list(self.parse_trades(list(found.values()), market, since, None))

        def parse_trade(self, trade: Any, market: Any = None) -> Any:
            return {**super().parse_trade(trade, market), "clientOrderId": self.safe_string(trade, "cliOrdId")}

        # --- the account -----------------------------------------------------------------------------------------

        async def fetch_balance(self, params: Any = _NOTHING) -> Any:
            return await super().fetch_balance({**params, "type": "flex"})

        async def set_margin_mode(self, mode: str, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            """Kraken keeps no mode: a product with a leverage of its own is isolated, one without is cross."""
            self.isolates[str(symbol)] = mode == "isolated"
            if mode == "cross":
                return await self.privatePutLeveragepreferences({"symbol": self.market_id(symbol)})
            return {}

        async def set_leverage(self, leverage: int, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            if str(symbol) not in self.isolates:
                told = await self.privateGetLeveragepreferences({"symbol": self.market_id(symbol)})
                self.isolates[str(symbol)] = bool(told.get("leveragePreferences"))
            if not self.isolates[str(symbol)]:
                return {}  # cross margin has no leverage of its own here
            return await super().set_leverage(leverage, symbol, params)

        # --- streams ---------------------------------------------------------------------------------------------

        async def watch_balance(self, params: Any = _NOTHING) -> Any:
            return await super().watch_balance({"account": "flex_futures"})

        async def watch_positions(
            self, symbols: Any = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            """With those that were told before and are gone, flat."""
            shown: list[Any] = await super().watch_positions(None, None, None, {})
            now = {position["symbol"] for position in shown}
            gone = [{"symbol": symbol, "contracts": 0, "info": {}} for symbol in self.held - now]
            self.held = now
            return [*shown, *gone]

        def handle_order(self, client: Any, message: Any) -> Any:
            order = self.safe_dict(message, "order")
            removed = {"order_id": message.get("order_id"), "cli_ord_id": message.get("cli_ord_id")}
            self._hear(client, order or removed, "" if order is not None else str(message.get("reason")))
            return message

        def handle_order_snapshot(self, client: Any, message: Any) -> None:
            for order in self.safe_list(message, "orders", []):
                self._hear(client, order, "")

        def _hear(self, client: Any, row: Mapping[str, Any], gone: str) -> None:
            """An open order as the feed tells it, or why it is none any more."""
            name = str(row.get("order_id"))
            whole = {**self.open_rows.get(name, {}), **{key: value for key, value in row.items() if value is not None}}
            self.open_rows[name] = whole
            status = "open" if not gone else "closed" if gone == "full_fill" else "canceled"
            if gone:
                del self.open_rows[name]
            if self.orders is None:
                super().handle_order_snapshot(client, {"feed": "open_orders_snapshot", "orders": []})
            filled, left = self.safe_number(whole, "filled"), self.safe_number(whole, "qty")
            total = None if filled is None or left is None else self.sum(filled, left)
            told = {
                "id": name,
                "clientOrderId": whole.get("cli_ord_id"),
                "symbol": self.safe_symbol(whole.get("instrument")),
                "side": {0: "buy", 1: "sell"}.get(whole.get("direction", -1)),
                "amount": total,
                "filled": None if gone == "full_fill" else filled,
                "price": self.safe_number(whole, "limit_price") if not gone else None,
                "status": status,
                "lastUpdateTimestamp": self.safe_integer(whole, "last_update_time"),
                "info": dict(whole),
            }
            self.orders.append(told)
            client.resolve(self.orders, "orders")
            client.resolve(self.orders, f"orders:{told['symbol']}")

        def parse_ws_my_trade(self, trade: Any, market: Any = None) -> Any:
            client_id = self.safe_string(trade, "cli_ord_id")
            return {**super().parse_ws_my_trade(trade, market), "clientOrderId": client_id}

    return KrakenFutures


def _orders_of(answer: Any) -> list[Any]:
    """The orders inside of an answer's events."""
    status = answer.get("sendStatus") or answer.get("editStatus") or answer
    events = status.get("orderEvents") or ()
    return [
        order
        for event in events
        for order in (event.get("new"), event.get("order"), event.get("orderPriorExecution"))
        if order
    ]


DIALECT = Dialect(
    venue="kraken",
    client_ids=ClientIdRule(18, WORD, "cl_ord_id: free text of at most 18 characters; cliOrdId: 100"),
    errors=ERRORS,
    exchanges={MarketKind.SPOT: "kraken", MarketKind.LINEAR: "krakenfutures"},
    rights=RightsRule("privatePostGetApiKeyInfo", _rights),
    amends=frozenset(MarketKind),
    settle_s=60.0,  # requests carry no time: nothing says how long one may be under way
    weights={
        # the counter of spot's private pages does not count orders, amends and cancels
        MarketKind.SPOT: Weights(load=0, create=0, cancel=0, amend=0, order=2, trades=2, count_down=1),
        MarketKind.LINEAR: Weights(
            load=2,
            create=10,
            cancel=10,
            amend=10,
            order=3,
            open_orders=2,
            trades=2,
            balance=2,
            positions=2,
            setting=10,
            count_down=25,
        ),
    },
    watch_params={MarketKind.SPOT: {}, MarketKind.LINEAR: {}},
    dead_man={
        MarketKind.SPOT: DeadMan("privatePostCancelAllOrdersAfter", _count_down, whole=True),
        MarketKind.LINEAR: DeadMan("privatePostCancelallordersafter", _count_down, whole=True),
    },
    dead_man_s=(15.0, 86400.0),
    stops={MarketKind.SPOT: StopRule(triggers={TriggerBy.LAST: ""}, ask=trigger_of_kind, read=_stop)},
    override=corrected,
    source="docs.kraken.com: spot REST and WebSocket v2, derivatives REST and WebSocket v1, 2026-11-21",
)
