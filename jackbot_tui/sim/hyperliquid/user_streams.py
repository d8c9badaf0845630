"""Hyperliquid's streams of accounts: subscriptions by address on the one socket, and what they tell.

Part of ``front``, which hands it subscriptions of its types and every event of accounts. Nobody logs in. Fills, states
and open orders begin with a picture; order updates do not. A partial fill is an update that is still ``open`` with less
left; a modified order's successor is told before its end. Facts: ../shared/exchanges/hyperliquid.md §7.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.front import Socket
from jackbot_tui.sim.hyperliquid import account_texts as texts
from jackbot_tui.sim.hyperliquid.account_texts import Coins
from jackbot_tui.sim.hyperliquid.private_queries import AccountQueries
from jackbot_tui.sim.hyperliquid.signing import Signers
from jackbot_tui.sim.hyperliquid.texts import plain
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.requests import AccountEvent, BalanceEvent, MarginCallEvent, OrderChange, OrderEvent

ORDERS, FILLS, EVENTS, FUNDINGS = "orderUpdates", "userFills", "userEvents", "userFundings"
PERPETUALS, SPOT, OPEN_ORDERS = "clearinghouseState", "spotState", "openOrders"
TYPES = frozenset({ORDERS, FILLS, EVENTS, FUNDINGS, PERPETUALS, SPOT, OPEN_ORDERS})
OF_A_DEX = frozenset({PERPETUALS, OPEN_ORDERS})
CHANNELS = {EVENTS: "user"}
"""Channels that are not called as what was subscribed to."""

MOST_USERS = 10
"""Distinct users over all subscriptions of one address."""

FILLS_SHOWN = 2_000
PART = "users"


def subscriptions(socket: Socket) -> dict[str, tuple[str, str]]:
    """Type and user of what a client subscribed to, by name."""
    found: dict[str, tuple[str, str]] = socket.state.setdefault(PART, {})
    return found


class UserStreams:
    """``sockets`` gives the open connections."""

    def __init__(
        self,
        accounts: Accounts,
        coins: Coins,
        signers: Signers,
        queries: AccountQueries,
        sockets: Callable[[], Sequence[Socket]],
    ) -> None:
        self._accounts = accounts
        self._coins = coins
        self._signers = signers
        self._queries = queries
        self._sockets = sockets
        self._successors: dict[int, int] = {}
        self._ends: dict[int, list[dict[str, Any]]] = {}

    # --- subscriptions -------------------------------------------------------------------------------------------

    def is_full(self, user: str) -> bool:
        """Whether one user more is one too many."""
        known = {owner for socket in self._sockets() for _, owner in subscriptions(socket).values()}
        return user not in known and len(known) >= MOST_USERS

    def subscribe(self, socket: Socket, kind: str, user: str) -> None:
        """From now on; what has a picture begins with it."""
        subscriptions(socket)[f"{kind}:{user}"] = kind, user
        account = self._signers.account(user)
        match kind:
            case "userFills":
                fills = self._queries.fills(account)[-FILLS_SHOWN:]
                self._push(socket, kind, {"isSnapshot": True, "user": user, "fills": fills})
            case "userFundings":
                rows = self._queries.fundings(account)
                self._push(socket, kind, {"isSnapshot": True, "user": user, "fundings": rows})
            case "clearinghouseState" | "spotState" | "openOrders":
                self._push(socket, kind, self._picture(kind, user, account))

    def listeners(self, account: int, kind: MarketKind) -> int:
        """Sockets that hear of orders or fills, and of the wallet where anybody on them asked for it."""
        wallet = self._signers.wallet(account)
        return sum(
            any((name, wallet) in subscriptions(socket).values() for name in (ORDERS, FILLS))
            for socket in self._sockets()
        )

    def replaced(self, before: int, after: int) -> None:
        """An order was modified: its end is told after its successor's beginning."""
        self._successors[before] = after

    # --- events --------------------------------------------------------------------------------------------------

    def event(self, event: AccountEvent) -> None:
        match event:
            case OrderEvent():
                self._order(event)
            case BalanceEvent():
                self._balance(event)
            case MarginCallEvent():
                view = event.position
                wallet = self._accounts.positions.wallet(view.account, self._settle(view.key))
                said = {
                    "lid": event.ms,
                    "liquidator": "0x" + 40 * "0",
                    "liquidated_user": self._signers.wallet(view.account),
                    "liquidated_ntl_pos": plain(abs(view.quantity * view.mark)),
                    "liquidated_account_value": plain(wallet.total),
                }
                self._tell(view.account, EVENTS, {"liquidation": said})

    def _order(self, event: OrderEvent) -> None:
        order = event.order
        number = self._coins.order_number(order.key, order.order_id)
        if event.fill is not None:
            self._fill(event)
        status = "triggered" if event.change is OrderChange.TRIGGERED else texts.status_of(order)
        row = texts.update_row(self._coins, order, status)
        successor = self._successors.pop(number, None) if not order.is_open else None
        if successor is not None:
            self._ends.setdefault(successor, []).append(row)
            return
        self._tell(order.account, ORDERS, [row])
        for late in self._ends.pop(number, ()):
            self._tell(order.account, ORDERS, [late])
        if event.change is OrderChange.CANCELED and status != "canceled":
            gone = {"coin": self._coins.market(order.key).native, "oid": number}
            self._tell(order.account, EVENTS, {"nonUserCancel": [gone]})
        self._tell_pictures(order.account, OPEN_ORDERS)

    def _fill(self, event: OrderEvent) -> None:
        """What was held before it is worked out from what is held now and what was traded since."""
        fill = event.fill
        if fill is None:
            return
        since = [
            each
            for each in self._accounts.orders.fills(fill.account, fill.key)
            if each.trade_id > fill.trade_id or (each.trade_id, each.order_id) == (fill.trade_id, fill.order_id)
        ]
        start = self._queries.held(fill.account, fill.key) - sum(each.side.sign * each.quantity for each in since)
        row = self._queries.fill_row(fill, start)
        user = self._signers.wallet(fill.account)
        self._tell(fill.account, FILLS, {"user": user, "fills": [row]})
        self._tell(fill.account, EVENTS, {"fills": [row]})

    def _balance(self, event: BalanceEvent) -> None:
        if event.kind is MarketKind.SPOT:
            self._tell_pictures(event.account, SPOT)
            return
        if event.cause is Cause.FUNDING:
            row = self._queries.fundings(event.account)[-1]
            user = self._signers.wallet(event.account)
            self._tell(event.account, FUNDINGS, {"user": user, "fundings": [row]})
            self._tell(event.account, EVENTS, {"funding": row})
        self._tell_pictures(event.account, PERPETUALS)

    def _settle(self, key: str) -> str:
        return self._accounts.listings[key].instrument.settle

    # --- telling -------------------------------------------------------------------------------------------------

    def _picture(self, kind: str, user: str, account: int | None) -> dict[str, Any]:
        match kind:
            case "spotState":
                return {"user": user, "spotState": self._queries.spot(account)}
            case "openOrders":
                return {"dex": "", "user": user, "orders": self._queries.full_orders(account)}
        return {"dex": "", "user": user, "clearinghouseState": self._queries.clearinghouse(account)}

    def _tell_pictures(self, account: int, kind: str) -> None:
        user = self._signers.wallet(account)
        if any((kind, user) in subscriptions(socket).values() for socket in self._sockets()):
            self._tell(account, kind, self._picture(kind, user, account))

    def _tell(self, account: int, kind: str, data: Any) -> None:
        user = self._signers.wallet(account)
        frame = ""
        for socket in self._sockets():
            if (kind, user) in subscriptions(socket).values():
                frame = frame or _text(kind, data)
                socket.deliver_private(frame)

    def _push(self, socket: Socket, kind: str, data: Any) -> None:
        socket.push(_text(kind, data))


def _text(kind: str, data: Any) -> str:
    return msgspec.json.encode({"channel": CHANNELS.get(kind, kind), "data": data}).decode()
