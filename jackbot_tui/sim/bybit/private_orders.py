"""Bybit's signed pages for orders and executions, spot and linear alike: a signed request in, ``result`` out.

``private`` mounts them on REST and on the order-entry socket. Shapes and codes: ../shared/exchanges/bybit.md §8 and
§11. Not played: attached take-profit and stop-loss, trailing stops, spot margin, hedge mode.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.bybit import order_texts as texts
from jackbot_tui.sim.bybit.private_rest import PARAMETER_ERROR, PrivatePage, Signed, VenueError, venue_error
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import SelfTrade
from jackbot_tui.sim.requests import AccountOrder, OrderSpec, Refusal, Refused, TriggerPrice

CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
TIMES = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK, "PostOnly": TimeInForce.GTC}
SELF_TRADES = {
    "None": None,
    "CancelMaker": SelfTrade.EXPIRE_MAKER,
    "CancelTaker": SelfTrade.EXPIRE_TAKER,
    "CancelBoth": SelfTrade.EXPIRE_BOTH,
}
TRIGGERED_BY = {"LastPrice": TriggerPrice.LAST, "MarkPrice": TriggerPrice.MARK, "IndexPrice": TriggerPrice.MARK}
BATCHES = {MarketKind.LINEAR: 20, MarketKind.SPOT: 10}
"""Orders in one batch, at most."""

PAGE_SIZES = {"order": (20, 50), "execution": (50, 100)}
"""Rows when nothing is asked for, and at most."""

SPAN_MS = 7 * 86_400_000
"""The longest time that a page of history or executions looks back on."""

CLOSED_SHOWN = 500
"""Closed orders that the page of open ones still knows by their id."""

NOT_PLAYED = ("takeProfit", "stopLoss", "tpLimitPrice", "slLimitPrice", "trailingStop", "orderIv", "mmp")


def wrong(words: str) -> VenueError:
    return VenueError(PARAMETER_ERROR, f"params error: {words}")


class OrderPages:
    """``markets`` by kind and native symbol."""

    def __init__(self, accounts: Accounts, markets: Mapping[MarketKind, Mapping[str, SimMarket]]) -> None:
        self._accounts = accounts
        self._markets = markets
        self._by_key = {market.listing.key: market for by_native in markets.values() for market in by_native.values()}

    def pages(self) -> list[PrivatePage]:
        trade = Permission.TRADE
        acts: dict[str, Callable[[Signed], dict[str, Any]]] = {
            "create": self._create, "amend": self._amend, "cancel": self._cancel,
        }  # fmt: skip
        single = [PrivatePage("POST", f"/v5/order/{name}", act, name, trade, trades=True) for name, act in acts.items()]
        batches = [
            PrivatePage(
                "POST", f"/v5/order/{name}-batch", self._batch(act), f"{name}-batch", trade, trades=True, cost=_length
            )
            for name, act in acts.items()
        ]
        return [
            *single,
            *batches,
            PrivatePage("POST", "/v5/order/cancel-all", self._cancel_all, "cancel-all", trade, trades=True),
            PrivatePage("GET", "/v5/order/realtime", self._realtime, "query"),
            PrivatePage("GET", "/v5/order/history", self._history, "query"),
            PrivatePage("GET", "/v5/execution/list", self._executions, "query"),
        ]

    # --- placing and changing ------------------------------------------------------------------------------------

    def _create(self, signed: Signed) -> dict[str, Any]:
        market = self._market(signed)
        spec = self._spec(signed, market)
        try:
            order = self._accounts.submit(signed.account, spec)
        except Refused as refused:
            raise _said(market.kind, refused, spec) from None
        return self._named(market, order)

    def _spec(self, signed: Signed, market: SimMarket) -> OrderSpec:
        for name in NOT_PLAYED:
            if signed.text(name) not in ("", "0", "false"):
                raise wrong(f"{name} is not available here")
        if signed.whole("positionIdx", 0):
            raise VenueError(PARAMETER_ERROR, "position idx not match position mode")
        if signed.text("isLeverage") == "1":
            raise wrong("isLeverage is not available here")
        side, kind = SIDES.get(signed.required("side")), signed.required("orderType")
        if side is None:
            raise wrong("side invalid")
        if kind not in ("Market", "Limit"):
            raise wrong("orderType invalid")
        tif = signed.text("timeInForce") or "GTC"
        if tif not in TIMES:
            raise wrong("timeInForce invalid")
        signed.required("qty")
        price = signed.number("price") if kind == "Limit" else None
        if kind == "Limit" and price is None:
            raise wrong("price is required")
        quantity = signed.number("qty") or ZERO
        spot = market.kind is MarketKind.SPOT
        by_cost = spot and price is None and signed.text("marketUnit") != "baseCoin"
        by_cost = by_cost and (side is Side.BUY or signed.text("marketUnit") == "quoteCoin")
        return OrderSpec(
            key=market.listing.key,
            side=side,
            quantity=ZERO if by_cost else quantity,
            cost=quantity if by_cost else None,
            price=price,
            client_id=_client_id(signed),
            tif=TIMES[tif] if price is not None else TimeInForce.GTC,
            post_only=tif == "PostOnly" and price is not None,
            reduce_only=not spot and signed.flag("reduceOnly"),
            self_trade=SELF_TRADES.get(signed.text("smpType") or "None"),
            **self._trigger(signed, market, side),
        )

    def _trigger(self, signed: Signed, market: SimMarket, side: Side) -> dict[str, Any]:
        """On linear the client says which way the price must move, on spot the present price tells."""
        price = signed.number("triggerPrice")
        if price is None or price == ZERO:
            return {}
        by = TRIGGERED_BY.get(signed.text("triggerBy") or "LastPrice", TriggerPrice.LAST)
        if market.kind is MarketKind.SPOT:
            if signed.text("orderFilter") not in ("StopOrder", "tpslOrder"):
                raise wrong("orderFilter must be StopOrder or tpslOrder with a triggerPrice")
            by = TriggerPrice.LAST
            rises = price > market.engine.last_price * market.listing.instrument.tick
        else:
            direction = signed.whole("triggerDirection", 0)
            if direction not in (1, 2):
                raise wrong("TriggerDirection invalid")
            rises = direction == 1
        takes_profit = (side is Side.BUY) is not rises
        return {"trigger_price": price, "trigger_by": by, "takes_profit": takes_profit}

    def _amend(self, signed: Signed) -> dict[str, Any]:
        market = self._market(signed)
        price, quantity = signed.number("price"), signed.number("qty")
        if price is None and quantity is None:
            raise wrong("nothing to amend")
        try:
            order = self._asked(signed, market)
            if quantity is not None and order.filled and quantity <= order.filled * market.listing.instrument.lot:
                raise VenueError(110064, "The modified quantity must be larger than the filled quantity.")
            self._accounts.amend(order, price, quantity)
        except Refused as refused:
            raise venue_error(market.kind, refused) from None
        return self._named(market, order)

    def _cancel(self, signed: Signed) -> dict[str, Any]:
        market = self._market(signed)
        try:
            order = self._asked(signed, market)
            self._accounts.cancel(order)
        except Refused as refused:
            raise venue_error(market.kind, refused) from None
        return self._named(market, order)

    def _cancel_all(self, signed: Signed) -> dict[str, Any]:
        kind = _kind(signed)
        chosen = self._chosen(signed, kind, must_choose=kind is MarketKind.LINEAR)
        only = signed.text("orderFilter")
        canceled: list[dict[str, Any]] = []
        for market in chosen:
            for order in self._accounts.orders.open_orders(signed.account, market.listing.key):
                if order.is_open and (not only or _passes(order, only)):
                    self._accounts.cancel(order)
                    canceled.append(self._named(market, order))
        return {"list": canceled, "success": "1"}

    def _batch(self, act: Callable[[Signed], dict[str, Any]]) -> Callable[[Signed], dict[str, Any]]:
        def answer(signed: Signed) -> dict[str, Any]:
            """Each order's fate is its own; ``ext`` tells it, in the same order."""
            kind, rows = _kind(signed), signed.fields.get("request")
            if not isinstance(rows, list) or not 0 < len(rows) <= BATCHES[kind]:
                raise wrong(f"request must hold 1 to {BATCHES[kind]} orders")
            made, told = [], []
            for row in rows:
                fields = {**(row if isinstance(row, dict) else {}), "category": kind.value}
                one = Signed(signed.key, fields)
                try:
                    made.append({**act(one), "category": kind.value, "symbol": one.text("symbol")})
                    told.append({"code": 0, "msg": "OK"})
                except VenueError as error:
                    made.append(
                        {"category": kind.value, "symbol": one.text("symbol"), "orderId": "",
                         "orderLinkId": one.text("orderLinkId")}
                    )  # fmt: skip
                    told.append({"code": error.code, "msg": str(error)})
            return {"list": made, "ext": told}

        return answer

    # --- asking --------------------------------------------------------------------------------------------------

    def _realtime(self, signed: Signed) -> dict[str, Any]:
        """Open orders; with an id, a closed one too as long as it is among the newest."""
        kind = _kind(signed)
        chosen = self._chosen(signed, kind, must_choose=kind is MarketKind.LINEAR)
        orders = self._orders_of(signed, chosen)
        if signed.text("orderId") or signed.text("orderLinkId"):
            closed = [order for order in orders if not order.is_open][-CLOSED_SHOWN:]
            orders = [order for order in orders if order.is_open or order in closed]
        elif signed.whole("openOnly", 0) == 1:
            orders = [order for order in orders if not order.is_open][-CLOSED_SHOWN:]
        else:
            orders = [order for order in orders if order.is_open]
        return self._orders_page(signed, kind, orders)

    def _history(self, signed: Signed) -> dict[str, Any]:
        """Closed orders."""
        kind = _kind(signed)
        chosen = self._chosen(signed, kind, must_choose=False)
        orders = [order for order in self._orders_of(signed, chosen) if not order.is_open]
        orders = [order for order in orders if _in_time(signed, order.created_ms)]
        return self._orders_page(signed, kind, orders)

    def _orders_of(self, signed: Signed, chosen: Sequence[SimMarket]) -> list[AccountOrder]:
        """All orders that a query's ids, filter and status leave."""
        keys = {market.listing.key for market in chosen}
        wanted_id, wanted_link = signed.text("orderId"), signed.text("orderLinkId")
        status, only = signed.text("orderStatus"), signed.text("orderFilter")
        found = []
        for order in self._accounts.orders.orders(signed.account):
            if order.key not in keys or (only and not _passes(order, only)):
                continue
            if wanted_id and texts.order_id_text(self._by_key[order.key], order.order_id) != wanted_id:
                continue
            if wanted_link and not wanted_id and texts.link_id_text(order) != wanted_link:
                continue
            if not status or texts.status_text(order) == status:
                found.append(order)
        return found

    def _orders_page(self, signed: Signed, kind: MarketKind, orders: Sequence[AccountOrder]) -> dict[str, Any]:
        shown, cursor = _paged(signed, list(reversed(orders)), "order")
        return {"category": kind.value, "nextPageCursor": cursor, "list": [self.row(order) for order in shown]}

    def row(self, order: AccountOrder) -> dict[str, Any]:
        fills = self._accounts.orders.fills(order.account, order.key, order.order_id)
        return texts.order_row(self._by_key[order.key], order, fills)

    def _executions(self, signed: Signed) -> dict[str, Any]:
        """Fills and funding payments, newest first."""
        kind = _kind(signed)
        chosen = {market.listing.key: market for market in self._chosen(signed, kind, must_choose=False)}
        wanted = signed.text("execType")
        rows: list[tuple[int, dict[str, Any]]] = []
        for fill in self._accounts.orders.fills(signed.account):
            market = chosen.get(fill.key)
            if market is None:
                continue
            order = self._accounts.orders.order(signed.account, fill.key, fill.order_id)
            row = texts.fill_row(market, order, fill, 0)
            rows.append((fill.ms, row))
        if wanted in ("", "Funding"):
            rows += self._payments(signed.account, chosen)
            rows.sort(key=lambda pair: pair[0])
        shown = [
            row
            for ms, row in reversed(rows)
            if (not wanted or row["execType"] == wanted)
            and _in_time(signed, ms)
            and signed.text("orderId") in ("", row["orderId"])
            and signed.text("orderLinkId") in ("", row["orderLinkId"])
        ]
        page, cursor = _paged(signed, shown, "execution")
        return {"category": kind.value, "nextPageCursor": cursor, "list": page}

    def _payments(self, account: int, chosen: Mapping[str, SimMarket]) -> list[tuple[int, dict[str, Any]]]:
        """Funding, as executions tell it."""
        rows = []
        for entry in self._accounts.ledger.entries:
            own = account in (entry.source.account, entry.target.account)
            if entry.cause is Cause.FUNDING and own and entry.key in chosen:
                view = self._accounts.positions.view(account, entry.key)
                rows.append((entry.ms, texts.funding_row(chosen[entry.key], view, entry, account)))
        return rows

    # --- what they share -----------------------------------------------------------------------------------------

    def _market(self, signed: Signed) -> SimMarket:
        market = self._markets[_kind(signed)].get(signed.required("symbol"))
        if market is None:
            raise wrong("symbol invalid")
        return market

    def _chosen(self, signed: Signed, kind: MarketKind, *, must_choose: bool) -> list[SimMarket]:
        """The markets that symbol, base coin or settle coin name."""
        if signed.text("symbol"):
            return [self._market(signed)]
        base, settle = signed.text("baseCoin"), signed.text("settleCoin")
        if must_choose and not base and not settle:
            raise wrong("symbol, settleCoin or baseCoin is required")
        return [
            market
            for market in self._markets[kind].values()
            if base in ("", market.listing.instrument.base) and settle in ("", market.listing.instrument.settle)
        ]

    def _asked(self, signed: Signed, market: SimMarket) -> AccountOrder:
        """The order that a request names: the venue's id goes before the client's. Refused where there is none."""
        order_id, link_id = signed.text("orderId"), signed.text("orderLinkId")
        orders, key = self._accounts.orders, market.listing.key
        found: AccountOrder | None
        if order_id:
            number = texts.order_id_of(market, order_id)
            found = None if number is None else orders.order(signed.account, key, number)
        elif link_id:
            found = orders.by_client_id(signed.account, key, link_id)
        else:
            raise wrong("orderId or orderLinkId is required")
        if found is None:
            raise Refused(Refusal.UNKNOWN_ORDER)
        return found

    @staticmethod
    def _named(market: SimMarket, order: AccountOrder) -> dict[str, Any]:
        return {"orderId": texts.order_id_text(market, order.order_id), "orderLinkId": texts.link_id_text(order)}


def _kind(signed: Signed) -> MarketKind:
    category = signed.required("category")
    if category not in ("spot", "linear"):
        raise wrong("category invalid")
    return MarketKind(category)


def _client_id(signed: Signed) -> str:
    text = signed.text("orderLinkId")
    if text and CLIENT_ID.fullmatch(text) is None:
        raise wrong("OrderLinkId must be 1 to 36 letters, digits, dashes or underscores")
    return text


def _said(kind: MarketKind, refused: Refused, spec: OrderSpec) -> VenueError:
    """A trigger that has been passed already is told with the way it should go."""
    if refused.refusal is not Refusal.WOULD_TRIGGER:
        return venue_error(kind, refused)
    rises = (spec.side is Side.BUY) is not spec.takes_profit
    price = format(spec.trigger_price or Decimal(0), "f")
    if rises:
        return VenueError(110092, f"expect Rising, but trigger_price[{price}] <= current")
    return VenueError(110093, f"expect Falling, but trigger_price[{price}] >= current")


def _passes(order: AccountOrder, only: str) -> bool:
    """Whether ``orderFilter`` lets an order through."""
    waits = order.trigger is not None
    return waits if only in ("StopOrder", "tpslOrder") else not waits


def _in_time(signed: Signed, ms: int) -> bool:
    """Whether a row is of the time asked for: seven days at most, from the start where no end is named."""
    start, end = signed.whole("startTime", 0), signed.whole("endTime", 0)
    if start and end and end - start > SPAN_MS:
        raise wrong("endTime - startTime must be at most 7 days")
    start = start or (end - SPAN_MS if end else 0)
    return start <= ms <= (end or (start + SPAN_MS if start else ms))


def _paged(signed: Signed, rows: Sequence[Any], kind: str) -> tuple[Sequence[Any], str]:
    """One page and the cursor of the next."""
    otherwise, most = PAGE_SIZES[kind]
    size = max(1, min(most, signed.whole("limit", otherwise)))
    begin = signed.whole("cursor", 0)
    return rows[begin : begin + size], str(begin + size) if begin + size < len(rows) else ""


def _length(signed: Signed) -> int:
    rows = signed.fields.get("request")
    return max(1, len(rows)) if isinstance(rows, list) else 1
