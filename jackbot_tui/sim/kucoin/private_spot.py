"""KuCoin spot's private pages: high-frequency orders, stop orders, fills, accounts, keys. Without HTTP.

``private`` mounts them. Shapes, weights and codes: ../shared/exchanges/kucoin.md §8, §9 and §11. What a market order
holds back and what an altered order is called follow KuCoin: an alter is a cancel and a new order under the same client
id.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.kucoin import private_texts as texts
from jackbot_tui.sim.kucoin.private_auth import BAD_PARAMETER, KucoinRefusal, Names, Signed
from jackbot_tui.sim.kucoin.private_fields import SPOT_REFUSALS, client_id_of, number_of, number_or_none, refusal
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, Fill, OrderSpec, Refused
from jackbot_tui.sim.timeline import Timeline

ROWS_A_PAGE = 20
MOST_ROWS = 100
TIMER_S = (5, 86_400)
Work = Callable[[Signed], Any]
_GONE = KucoinRefusal(BAD_PARAMETER, "order_not_exist_or_not_allow_to_cancel")
_UNKNOWN = KucoinRefusal(BAD_PARAMETER, "order not exist.")


class PrivatePage(Struct, frozen=True):
    """One signed path; ``trades``: the faults of trading requests strike it."""

    method: str
    path: str
    weight: int
    work: Work
    permission: Permission | None = None
    trades: bool = False


class SpotPrivate:
    """``markets`` by native symbol."""

    def __init__(self, accounts: Accounts, markets: Mapping[str, SimMarket], timeline: Timeline, names: Names) -> None:
        self._accounts = accounts
        self._markets = markets
        self._timeline = timeline
        self._names = names
        self.by_key = {market.listing.key: market for market in markets.values()}
        self._timers: dict[int, tuple[int, int, str]] = {}

    def pages(self) -> list[PrivatePage]:
        trade, base, stop = Permission.TRADE, "/api/v1/hf/orders", "/api/v1/stop-order"
        return [
            PrivatePage("POST", base, 1, self._place, trade, True),
            PrivatePage("POST", f"{base}/sync", 1, self._place, trade, True),
            PrivatePage("POST", f"{base}/test", 1, self._test, trade),
            PrivatePage("POST", f"{base}/alter", 3, self._alter, trade, True),
            PrivatePage("POST", f"{base}/dead-cancel-all", 2, self._count_down, trade, True),
            PrivatePage("GET", f"{base}/dead-cancel-all/query", 2, self._timer),
            PrivatePage("GET", f"{base}/active", 2, self._active),
            PrivatePage("GET", f"{base}/done", 2, self._done),
            PrivatePage("DELETE", f"{base}/cancelAll", 30, self._cancel_everything, trade, True),
            PrivatePage("GET", f"{base}/client-order/{{clientOid}}", 2, self._order),
            PrivatePage("DELETE", f"{base}/client-order/{{clientOid}}", 1, self._cancel, trade, True),
            PrivatePage("GET", f"{base}/{{orderId}}", 2, self._order),
            PrivatePage("DELETE", f"{base}/{{orderId}}", 1, self._cancel, trade, True),
            PrivatePage("DELETE", base, 2, self._cancel_all, trade, True),
            PrivatePage("GET", "/api/v1/hf/fills", 2, self._fills),
            PrivatePage("POST", stop, 1, self._place_stop, trade, True),
            PrivatePage("GET", stop, 8, self._stops),
            PrivatePage("DELETE", f"{stop}/cancel", 3, self._cancel_stops, trade, True),
            PrivatePage("DELETE", f"{stop}/cancelOrderByClientOid", 5, self._cancel_stop, trade, True),
            PrivatePage("GET", f"{stop}/queryOrderByClientOid", 3, self._stop),
            PrivatePage("GET", f"{stop}/{{orderId}}", 3, self._stop),
            PrivatePage("DELETE", f"{stop}/{{orderId}}", 3, self._cancel_stop, trade, True),
            PrivatePage("GET", "/api/v1/hf/accounts/opened", 2, lambda signed: True),
            PrivatePage("GET", "/api/v1/accounts", 5, self._balances),
            PrivatePage("GET", "/api/v1/user/api-key", 20, self._key),
            PrivatePage("GET", "/api/v3/margin/symbols", 3, lambda signed: {"items": []}),
            PrivatePage("GET", "/api/v1/isolated/symbols", 3, lambda signed: []),
            PrivatePage("GET", "/api/ua/v1/account/mode", 3, lambda signed: {"selfAccountMode": "CLASSIC"}),
        ]

    # --- orders --------------------------------------------------------------------------------------------------

    def _spec(self, signed: Signed, *, stop: bool = False) -> OrderSpec:
        market, kind = self._market(signed), signed.text("type") or "limit"
        if kind not in ("limit", "market"):
            raise KucoinRefusal(BAD_PARAMETER, "type is not valid")
        side = signed.required("side")
        if side not in ("buy", "sell"):
            raise KucoinRefusal(BAD_PARAMETER, "side is not valid")
        tif = signed.text("timeInForce") or "GTC"
        if tif not in TimeInForce.__members__:
            raise KucoinRefusal(BAD_PARAMETER, "timeInForce is not valid")
        limited, post_only = kind == "limit", signed.text("postOnly") == "true"
        if post_only and (not limited or tif != "GTC"):
            raise KucoinRefusal(BAD_PARAMETER, "postOnly is not allowed for this order")
        cost = number_or_none(signed, "funds") if not limited else None
        return OrderSpec(
            key=market.listing.key,
            side=Side(side),
            quantity=ZERO if cost is not None else number_of(signed, "size"),
            cost=cost,
            price=number_of(signed, "price") if limited else None,
            client_id=client_id_of(signed),
            tif=TimeInForce[tif] if limited else TimeInForce.GTC,
            post_only=post_only,
            trigger_price=number_of(signed, "stopPrice") if stop else None,
            takes_profit=stop and self._takes_profit(signed, Side(side)),
        )

    @staticmethod
    def _takes_profit(signed: Signed, side: Side) -> bool:
        """``entry`` waits for a rise, ``loss`` for a fall: which is the stop depends on the side."""
        rises = (signed.text("stop") or "loss") == "entry"
        return rises is (side is Side.SELL)

    def _place(self, signed: Signed) -> dict[str, Any]:
        order = self._submitted(signed, self._spec(signed))
        return {"orderId": texts.name_of(self._names, order), "clientOid": texts.own_client_id(order)}

    def _place_stop(self, signed: Signed) -> dict[str, Any]:
        order = self._submitted(signed, self._spec(signed, stop=True))
        return {"orderId": texts.name_of(self._names, order), "clientOid": texts.own_client_id(order)}

    def _submitted(self, signed: Signed, spec: OrderSpec) -> AccountOrder:
        try:
            return self._accounts.submit(signed.account, spec)
        except Refused as refused:
            raise refusal(SPOT_REFUSALS, refused) from None

    def _test(self, signed: Signed) -> dict[str, Any]:
        spec = self._spec(signed)
        try:
            self._accounts.examine(signed.account, spec)
        except Refused as refused:
            raise refusal(SPOT_REFUSALS, refused) from None
        return {"orderId": "", "clientOid": spec.client_id}

    def _alter(self, signed: Signed) -> dict[str, Any]:
        order = self._asked(signed, waiting=False)
        if order is None or not order.is_open:
            raise _GONE
        market = self.by_key[order.key]
        price, size = number_or_none(signed, "newPrice"), number_or_none(signed, "newSize")
        instrument = market.listing.instrument
        spec = OrderSpec(
            key=order.key,
            side=order.side,
            quantity=order.remaining * instrument.lot if size is None else size,
            price=order.price * instrument.tick if price is None else price,
            tif=order.tif,
            post_only=order.post_only,
        )
        try:
            self._accounts.examine(signed.account, spec)
            self._accounts.cancel(order)
            made = self._accounts.submit(
                signed.account, OrderSpec(
                    key=spec.key, side=spec.side, quantity=spec.quantity, price=spec.price, tif=spec.tif,
                    post_only=spec.post_only, client_id=texts.own_client_id(order),
                )
            )  # fmt: skip
        except Refused as refused:
            raise refusal(SPOT_REFUSALS, refused) from None
        return {"newOrderId": texts.name_of(self._names, made), "clientOid": texts.own_client_id(made)}

    def _cancel(self, signed: Signed) -> dict[str, str]:
        order = self._asked(signed, waiting=False)
        if order is None or not order.is_open:
            raise _GONE
        self._accounts.cancel(order)
        if signed.text("orderId"):
            return {"orderId": signed.text("orderId")}
        return {"clientOid": signed.text("clientOid")}

    def _cancel_all(self, signed: Signed) -> str:
        key = self._market(signed).listing.key
        for order in self._open(signed.account, waiting=False):
            if order.key == key and order.is_open:
                self._accounts.cancel(order)
        return "success"

    def _cancel_everything(self, signed: Signed) -> dict[str, Any]:
        done: dict[str, None] = {}
        for order in self._open(signed.account, waiting=False):
            if order.is_open:
                self._accounts.cancel(order)
                done[self.by_key[order.key].native] = None
        return {"succeedSymbols": list(done), "failedSymbols": []}

    def _count_down(self, signed: Signed) -> dict[str, Any]:
        """On the symbols that are named, or on all of them; -1 stops it."""
        seconds = int(number_of(signed, "timeout"))
        if seconds != -1 and not TIMER_S[0] <= seconds <= TIMER_S[1]:
            raise KucoinRefusal(BAD_PARAMETER, "timeout is not valid")
        named = [name for name in signed.text("symbols").split(",") if name]
        if any(name not in self._markets for name in named):
            raise KucoinRefusal(BAD_PARAMETER, "symbols is not valid")
        for name, market in self._markets.items():
            wanted = seconds != -1 and (not named or name in named)
            self._accounts.count_down(signed.account, market.listing.key, seconds * 1000 if wanted else 0)
        now_s = self._timeline.now_ms() // 1000
        due_s = now_s + seconds if seconds != -1 else 0
        self._timers[signed.account] = (seconds, due_s, signed.text("symbols"))
        return {"currentTime": now_s, "triggerTime": due_s}

    def _timer(self, signed: Signed) -> dict[str, Any] | None:
        seconds, due_s, symbols = self._timers.get(signed.account, (-1, 0, ""))
        now_s = self._timeline.now_ms() // 1000
        if seconds == -1 or due_s < now_s:
            return None
        return {"timeout": seconds, "symbols": symbols, "currentTime": now_s, "triggerTime": due_s}

    # --- asking --------------------------------------------------------------------------------------------------

    def _active(self, signed: Signed) -> list[dict[str, Any]]:
        key = self._market(signed).listing.key
        return [self._row(order) for order in self._open(signed.account, waiting=False) if order.key == key]

    def _done(self, signed: Signed) -> dict[str, Any]:
        key = self._market(signed).listing.key
        orders = [
            order for order in self._accounts.orders.orders(signed.account, key)
            if not order.is_open and not order.waiting and not order.child_id
        ]  # fmt: skip
        shown = _within(orders, signed, lambda order: (order.created_ms, order.order_id))
        return {"lastId": shown[-1].order_id if shown else 0, "items": [self._row(order) for order in shown]}

    def _order(self, signed: Signed) -> dict[str, Any]:
        order = self._asked(signed, waiting=False)
        if order is None:
            raise _UNKNOWN
        return self._row(order)

    def _fills(self, signed: Signed) -> dict[str, Any]:
        key, asked = self._market(signed).listing.key, signed.text("orderId")
        found = self._names.find_spot(asked) if asked else None
        fills = [
            fill for fill in self._accounts.orders.fills(signed.account, key)
            if not asked or (found is not None and fill.order_id == found[1])
        ]  # fmt: skip
        shown = _within(fills, signed, lambda fill: (fill.ms, fill.trade_id))
        rows = [texts.spot_fill(self.by_key[key], fill, self._names, self._kind_of(fill)) for fill in shown]
        return {"items": rows, "lastId": shown[-1].trade_id if shown else 0}

    def _kind_of(self, fill: Fill) -> str:
        order = self._accounts.orders.order(fill.account, fill.key, fill.order_id)
        return texts.order_type(order) if order is not None else "limit"

    def _row(self, order: AccountOrder) -> dict[str, Any]:
        fills = self._accounts.orders.fills(order.account, order.key, order.order_id)
        fee = sum((fill.fee for fill in fills), ZERO)
        return texts.spot_row(self.by_key[order.key], order, self._names, fee)

    # --- stop orders ---------------------------------------------------------------------------------------------

    def _stops(self, signed: Signed) -> dict[str, Any]:
        wanted = self._market(signed).listing.key if signed.text("symbol") else None
        orders = [order for order in self._open(signed.account, waiting=True) if wanted in (None, order.key)]
        rows = [texts.stop_row(self.by_key[order.key], order, self._names) for order in orders]
        return {"currentPage": 1, "pageSize": 50, "totalNum": len(rows), "totalPage": 1, "items": rows}

    def _stop(self, signed: Signed) -> Any:
        order = self._asked(signed, waiting=True)
        if order is None:
            raise _UNKNOWN
        row = texts.stop_row(self.by_key[order.key], order, self._names)
        return row if signed.text("orderId") else [row]

    def _cancel_stop(self, signed: Signed) -> dict[str, Any]:
        order = self._asked(signed, waiting=True)
        if order is None or not order.is_open:
            raise _GONE
        self._accounts.cancel(order)
        name = texts.name_of(self._names, order)
        if signed.text("orderId"):
            return {"cancelledOrderIds": [name]}
        return {"cancelledOrderId": name, "clientOid": order.client_id}

    def _cancel_stops(self, signed: Signed) -> dict[str, Any]:
        wanted = self._market(signed).listing.key if signed.text("symbol") else None
        canceled = [order for order in self._open(signed.account, waiting=True) if wanted in (None, order.key)]
        for order in canceled:
            self._accounts.cancel(order)
        return {"cancelledOrderIds": [texts.name_of(self._names, order) for order in canceled]}

    # --- the account ---------------------------------------------------------------------------------------------

    def _balances(self, signed: Signed) -> list[dict[str, Any]]:
        """All money of spot is in the high-frequency account."""
        if signed.text("type") not in ("", "trade_hf"):
            return []
        held = [self._accounts.holding(signed.account, name) for name in self._accounts.currencies(MarketKind.SPOT)]
        wanted = signed.text("currency")
        return [texts.account_row(one, signed.account) for one in held if wanted in ("", one.currency)]

    def _key(self, signed: Signed) -> dict[str, Any]:
        rights = ["General"]
        if signed.key.may(Permission.TRADE):
            rights += ["Spot", "Futures"]
        if signed.key.may(Permission.WITHDRAW):
            rights.append("Transfer")  # the word for withdrawals, among the SDK's values of this field
        return {
            "remark": f"sim-{signed.key.role}",
            "apiKey": signed.key.key,
            "apiVersion": 3,
            "permission": ",".join(rights),
            "ipWhitelist": "",
            "createdAt": self._timeline.origin_ns // 1_000_000,
            "uid": signed.account,
            "isMaster": True,
        }

    # --- inside --------------------------------------------------------------------------------------------------

    def _market(self, signed: Signed) -> SimMarket:
        market = self._markets.get(signed.required("symbol"))
        if market is None:
            raise KucoinRefusal(BAD_PARAMETER, "Unsupported trading pair.")
        return market

    def _open(self, account: int, *, waiting: bool) -> list[AccountOrder]:
        found = self._accounts.orders.open_orders(account)
        return [order for order in found if order.key in self.by_key and order.waiting is waiting]

    def _asked(self, signed: Signed, *, waiting: bool) -> AccountOrder | None:
        """The order that an id or a client id names: with a trigger or without."""
        text, client_id = signed.text("orderId"), signed.text("clientOid")
        orders, order = self._accounts.orders, None
        if text:
            found = self._names.find_spot(text)
            order = orders.order(signed.account, *found) if found is not None and found[0] in self.by_key else None
        elif client_id:
            keys = [self._market(signed).listing.key] if signed.text("symbol") else list(self.by_key)
            named = [orders.by_client_id(signed.account, key, client_id) for key in keys]
            order = next((one for one in named if one is not None), None)
        if order is None or (order.trigger is not None) is not waiting:
            return None
        return order


def _within(rows: list[Any], signed: Signed, place_of: Callable[[Any], tuple[int, int]]) -> list[Any]:
    """Newest first, of those between ``startAt`` and ``endAt`` and before ``lastId``. ``place_of``: time and number."""
    start, end, last = (number_or_none(signed, name) or Decimal(0) for name in ("startAt", "endAt", "lastId"))
    limit = min(MOST_ROWS, int(number_or_none(signed, "limit") or ROWS_A_PAGE))
    places = [(place_of(row), row) for row in rows]
    chosen = [
        row for (ms, number), row in places
        if ms >= start and (not end or ms <= end) and (not last or number < last)
    ]  # fmt: skip
    return chosen[::-1][:limit]
