"""Private feeds of Kraken's derivatives: open orders, fills, balances, positions (kraken.md §7.2).

Owned by ``private``; they share their sockets with the public feeds. A client signs a challenge once and sends both
with each subscription. Orders that take or go at once never come up among open orders: their fills are all that is
told.
"""

from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind, OrderStatus
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.faults import Chance, Faults
from jackbot_tui.sim.front import CLOSE_POLICY, Socket
from jackbot_tui.sim.kraken import private_futures_rows as rows
from jackbot_tui.sim.kraken.futures import Request
from jackbot_tui.sim.kraken.private_auth import Authority
from jackbot_tui.sim.kraken.private_futures import FuturesPrivate
from jackbot_tui.sim.kraken.private_spot_rows import own_client_id
from jackbot_tui.sim.orders import Reason
from jackbot_tui.sim.requests import AccountOrder, BalanceEvent, OrderChange, OrderEvent
from jackbot_tui.sim.timeline import Timeline

ORDER_FEEDS = ("open_orders", "open_orders_verbose")
FEEDS = (*ORDER_FEEDS, "fills", "balances", "open_positions", "notifications_auth")
SNAPSHOT_FILLS = 100


class FuturesAccountFeeds:
    def __init__(
        self, requests: FuturesPrivate, accounts: Accounts, authority: Authority, timeline: Timeline, faults: Faults
    ) -> None:
        self._requests = requests
        self._accounts = accounts
        self._authority = authority
        self._timeline = timeline
        self._faults = faults
        self._sockets: list[Socket] = []
        self._connections = 0
        self._seqs: dict[tuple[int, str], int] = {}
        self._from_stop: set[tuple[str, int]] = set()

    def opened(self, socket: Socket) -> None:
        self._connections += 1
        socket.state["connection"] = self._connections
        socket.state["feeds"] = {}
        self._sockets.append(socket)

    def closed(self, socket: Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)

    def listeners(self, account: int) -> int:
        return sum(socket.state["feeds"].get("fills") == account for socket in self._sockets)

    def expire_tokens(self) -> None:
        """Challenges that were signed count no longer: who used one is put out and must sign another."""
        for socket in list(self._sockets):
            if socket.state["feeds"]:
                socket.end(CLOSE_POLICY, "Session expired")

    # --- requests ------------------------------------------------------------------------------------------------

    def concerns(self, request: Request) -> bool:
        return request.event == "challenge" or request.feed in FEEDS

    def received(self, socket: Socket, request: Request) -> None:
        if request.event == "challenge":
            challenge = self._authority.challenge(request.api_key, socket.state["connection"])
            if challenge is None:
                _push(socket, {"event": "error", "message": "Invalid api key"})
                return
            socket.state["challenge"] = challenge
            _push(socket, {"event": "challenge", "message": challenge})
            return
        key = self._authority.by_challenge(request.api_key, request.original_challenge, request.signed_challenge)
        if key is None or request.original_challenge != socket.state.get("challenge"):
            _push(socket, {"event": "alert", "message": "Failed to subscribe to authenticated feed"})
            return
        feeds: dict[str, int] = socket.state["feeds"]
        answer = {
            "event": f"{request.event}d", "feed": request.feed, "api_key": request.api_key,
            "original_challenge": request.original_challenge, "signed_challenge": request.signed_challenge,
        }  # fmt: skip
        if request.event == "unsubscribe":
            feeds.pop(request.feed, None)
            _push(socket, answer)
            return
        if request.feed in feeds:
            _push(socket, {"event": "alert", "message": "Already subscribed to feed, re-requesting"})
        elif not self._faults.strikes(Chance.NOACK):
            _push(socket, answer)
        feeds[request.feed] = key.account
        self._greet(socket, request.feed, key.account)

    def _greet(self, socket: Socket, feed: str, account: int) -> None:
        requests, who = self._requests, {"account": f"sim-{account}"}
        if feed in ORDER_FEEDS:
            orders = [
                rows.feed_order(requests.by_key[order.key], order, requests.names)
                for order in requests.open_orders(account)
                if rows.rests(order)
            ]
            _push(socket, {"feed": f"{feed}_snapshot", **who, "orders": orders})
        elif feed == "fills":
            shown = []
            for fill in requests.fills(account)[-SNAPSHOT_FILLS:]:
                order = requests.order(account, fill.key, fill.order_id)
                if order is not None:
                    seq = self._next(account, feed)
                    shown.append(rows.feed_fill(requests.by_key[fill.key], fill, requests.names, order, seq))
            _push(socket, {"feed": "fills_snapshot", **who, "fills": shown})
        elif feed == "balances":
            _push(socket, {"feed": "balances_snapshot", **self._balances(account), "holding": {}, "futures": {}})
        elif feed == "open_positions":
            _push(socket, self._positions(account))

    # --- events --------------------------------------------------------------------------------------------------

    def order_event(self, event: OrderEvent) -> None:
        order = event.order
        if event.fill is not None:
            market, names = self._requests.by_key[order.key], self._requests.names
            row = rows.feed_fill(market, event.fill, names, order, self._next(order.account, "fills"))
            self._tell(order.account, "fills", {"feed": "fills", "username": f"sim-{order.account}", "fills": [row]})
        for feed in ORDER_FEEDS:
            for content in self._order_news(event):
                self._tell(order.account, feed, {"feed": feed, **content})
        if event.change is OrderChange.TRIGGERED:
            self._from_stop.add((order.key, order.order_id))
        elif not order.is_open:
            self._from_stop.discard((order.key, order.order_id))

    def _order_news(self, event: OrderEvent) -> list[dict[str, Any]]:
        order = event.order
        from_stop = (order.key, order.order_id) in self._from_stop
        match event.change:
            case OrderChange.TRIGGERED:
                return [self._removal(order, "stop_order_triggered"), *self._limit_from_stop(order)]
            case _ if not rows.rests(order) or (from_stop and order.is_market):
                return []
            case OrderChange.NEW:
                return [self._shown(order, "new_placed_order_by_user")]
            case OrderChange.AMENDED:
                return [self._shown(order, "edited_by_user")]
            case OrderChange.FILL if order.status is OrderStatus.FILLED:
                return [self._removal(order, "full_fill")]
            case OrderChange.FILL:
                return [self._shown(order, "partial_fill")]
        return [self._removal(order, rows.REMOVALS.get(order.reason, rows.REMOVALS[Reason.CANCELED]))]

    def _limit_from_stop(self, order: AccountOrder) -> list[dict[str, Any]]:
        return [] if order.is_market else [self._shown(order, "limit_order_from_stop")]

    def _shown(self, order: AccountOrder, reason: str) -> dict[str, Any]:
        content = rows.feed_order(self._requests.by_key[order.key], order, self._requests.names)
        return {"order": content, "is_cancel": False, "reason": reason}

    def _removal(self, order: AccountOrder, reason: str) -> dict[str, Any]:
        ids = {"order_id": self._requests.names.uuid(order.key, order.order_id)}
        client_id = own_client_id(order)
        return ids | ({"cli_ord_id": client_id} if client_id else {}) | {"is_cancel": True, "reason": reason}

    def balance_event(self, event: BalanceEvent) -> None:
        self._tell(event.account, "balances", {"feed": "balances", **self._balances(event.account)})
        if event.positions:
            self._tell(event.account, "open_positions", self._positions(event.account))

    def _balances(self, account: int) -> dict[str, Any]:
        (currency,) = self._accounts.currencies(MarketKind.LINEAR)
        margin = self._accounts.positions.margin(account, currency)
        seq = self._next(account, "balances")
        return {
            "account": f"sim-{account}", "timestamp": self._timeline.now_ms(), "seq": seq,
            "flex_futures": rows.feed_flex(currency, margin),
        }  # fmt: skip

    def _positions(self, account: int) -> dict[str, Any]:
        shown = []
        for key, market in self._requests.by_key.items():
            view = self._accounts.positions.view(account, key)
            if view.lots:
                index = market.marks.index if market.marks is not None else 0.0
                shown.append(rows.feed_position(market, view, index))
        seq = self._next(account, "open_positions")
        now_ms = self._timeline.now_ms()
        return {
            "feed": "open_positions", "account": f"sim-{account}", "positions": shown, "seq": seq, "timestamp": now_ms,
        }  # fmt: skip

    def _next(self, account: int, feed: str) -> int:
        self._seqs[account, feed] = self._seqs.get((account, feed), -1) + 1
        return self._seqs[account, feed]

    def _tell(self, account: int, feed: str, content: dict[str, Any]) -> None:
        frame = msgspec.json.encode(content).decode()
        for socket in list(self._sockets):
            if socket.state["feeds"].get(feed) == account:
                socket.deliver_private(frame)


def _push(socket: Socket, content: dict[str, Any]) -> None:
    socket.push(msgspec.json.encode(content).decode())
