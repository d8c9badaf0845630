"""Bitget's signed v3 pages for orders and fills, spot and perpetuals alike: a signed request in, ``data`` out.

``private`` mounts them. An order is named by its id or client id alone, without its market. Shapes and codes:
../shared/exchanges/bitget.md §8 and §11; those that wait for a price are in ``private_strategy``. Not played: margin
trading on spot, hedge mode, attached take-profit and stop-loss.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.bitget import order_texts as texts
from jackbot_tui.sim.bitget.private_rest import PrivatePage, Signed, VenueError, venue_error, wrong
from jackbot_tui.sim.bitget.texts import category_of
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import SelfTrade
from jackbot_tui.sim.requests import AccountOrder, OrderSpec, Refusal, Refused

CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,32}")
TIMES = {
    "": TimeInForce.GTC, "gtc": TimeInForce.GTC, "ioc": TimeInForce.IOC, "fok": TimeInForce.FOK,
    "post_only": TimeInForce.GTC,
}  # fmt: skip
SELF_TRADES = {
    "cancel_maker": SelfTrade.EXPIRE_MAKER,
    "cancel_taker": SelfTrade.EXPIRE_TAKER,
    "cancel_both": SelfTrade.EXPIRE_BOTH,
}
MOST_IN_BATCH = 20
PAGE_SIZE = 100
SPAN_MS = 30 * 86_400_000
"""The longest time that one query looks back on."""

NOT_PLAYED = ("takeProfit", "stopLoss", "tpLimitPrice", "slLimitPrice")


class OrderPages:
    """``markets`` by category and native symbol, in the order in which ids number them."""

    def __init__(
        self, accounts: Accounts, markets: Mapping[tuple[str, str], SimMarket], numbers: texts.Numbers
    ) -> None:
        self._accounts = accounts
        self._markets = markets
        self._numbers = numbers
        self._by_key = {market.listing.key: market for market in markets.values()}

    def pages(self) -> list[PrivatePage]:
        trade = Permission.TRADE

        def change(name: str, answer: Callable[[Signed], Any], per_s: int) -> PrivatePage:
            return PrivatePage("POST", f"/api/v3/trade/{name}", answer, per_s, trade, trades=True)

        return [
            change("place-order", self._place, 10),
            change("modify-order", self._modify, 10),
            change("cancel-order", self._cancel, 10),
            change("place-batch", self._batch(self._place), 5),
            change("cancel-batch", self._batch(self._cancel), 5),
            change("cancel-symbol-order", self._cancel_all, 5),
            change("countdown-cancel-all", self._count_down, 1),
            PrivatePage("GET", "/api/v3/trade/order-info", self._order),
            PrivatePage("GET", "/api/v3/trade/unfilled-orders", self._open),
            PrivatePage("GET", "/api/v3/trade/history-orders", self._history),
            PrivatePage("GET", "/api/v3/trade/fills", self._fills),
        ]

    # --- placing and changing ------------------------------------------------------------------------------------

    def _place(self, signed: Signed) -> dict[str, str]:
        market = self._market(signed)
        spec = self._spec(signed, market)
        try:
            self._set_mode(signed, market)
            order = self._accounts.submit(signed.account, spec)
        except Refused as refused:
            raise venue_error(refused) from None
        return self._named(order)

    def _spec(self, signed: Signed, market: SimMarket) -> OrderSpec:
        """A market buy on spot has its quantity in quote currency."""
        for name in NOT_PLAYED:
            if signed.text(name):
                raise wrong(f"{name} is not available here")
        if signed.text("posSide"):
            raise VenueError("25236", "posSide does not fit the holding mode")
        side, kind = signed.required("side").lower(), signed.required("orderType").lower()
        tif = signed.text("timeInForce").lower()
        if side not in ("buy", "sell") or kind not in ("limit", "market") or tif not in TIMES:
            raise wrong("side, orderType or timeInForce")
        signed.required("qty")
        quantity, price = signed.number("qty") or ZERO, signed.number("price") if kind == "limit" else None
        if kind == "limit" and price is None:
            raise VenueError("40019", "Parameter price cannot be empty")
        spends = market.kind is MarketKind.SPOT and price is None and side == "buy"
        return OrderSpec(
            key=market.listing.key,
            side=Side(side),
            quantity=ZERO if spends else quantity,
            cost=quantity if spends else None,
            price=price,
            client_id=_client_id(signed),
            tif=TIMES[tif] if price is not None else TimeInForce.GTC,
            post_only=tif == "post_only" and price is not None,
            reduce_only=market.kind is MarketKind.LINEAR and signed.flag("reduceOnly"),
            self_trade=SELF_TRADES.get(signed.text("stpMode").lower()),
        )

    def _set_mode(self, signed: Signed, market: SimMarket) -> None:
        """An order may name the margin mode; it must be the market's unless nothing is open there. Refused else."""
        asked = signed.text("marginMode").lower()
        if not asked or market.kind is MarketKind.SPOT:
            return
        isolated = asked == "isolated"
        if self._isolated(signed.account, market) is not isolated:
            self._accounts.set_isolated(signed.account, market.listing.key, isolated=isolated)

    def _modify(self, signed: Signed) -> dict[str, str]:
        """A new price or total quantity; the order keeps its id. Cut below what is filled it would end."""
        price, quantity = signed.number("price"), signed.number("qty")
        if price is None and quantity is None:
            raise VenueError("40019", "Parameter qty cannot be empty")
        try:
            order = self._asked(signed)
            lot = self._by_key[order.key].listing.instrument.lot
            if quantity is not None and order.filled and quantity <= order.filled * lot:
                raise wrong("qty must be larger than what is filled")
            self._accounts.amend(order, price, quantity)
        except Refused as refused:
            raise venue_error(refused) from None
        return self._named(order)

    def _cancel(self, signed: Signed) -> dict[str, str]:
        try:
            order = self._asked(signed)
            self._accounts.cancel(order)
        except Refused as refused:
            raise venue_error(refused) from None
        return self._named(order)

    def _cancel_all(self, signed: Signed) -> dict[str, Any]:
        category, symbol = _category(signed.required("category")), signed.text("symbol")
        canceled = []
        for (of_category, native), market in self._markets.items():
            if of_category == category and symbol in ("", native):
                for order in self._accounts.orders.open_orders(signed.account, market.listing.key):
                    if order.is_open and order.trigger is None:
                        self._accounts.cancel(order)
                        canceled.append({**self._named(order), "code": "00000", "msg": "success"})
        return {"list": canceled}

    def _batch(self, act: Callable[[Signed], dict[str, str]]) -> Callable[[Signed], Any]:
        def answer(signed: Signed) -> list[dict[str, str]]:
            """Each order's fate is its own."""
            if not 0 < len(signed.rows) <= MOST_IN_BATCH:
                raise wrong(f"1 to {MOST_IN_BATCH} orders")
            told = []
            for row in signed.rows:
                try:
                    told.append({**act(Signed(signed.key, row)), "code": "00000", "msg": "success"})
                except VenueError as error:
                    client_id = str(row.get("clientOid", ""))
                    told.append({"orderId": "", "clientOid": client_id, "code": error.code, "msg": str(error)})
            return told

        return answer

    def _count_down(self, signed: Signed) -> Any:
        """Accounts that did not apply for it are refused."""
        raise VenueError("40014", "Incorrect permissions: apply for countdown-cancel-all")

    # --- asking --------------------------------------------------------------------------------------------------

    def _order(self, signed: Signed) -> dict[str, Any]:
        try:
            return self.row(self._asked(signed), pushed=False)
        except Refused as refused:
            raise venue_error(refused) from None

    def row(self, order: AccountOrder, *, pushed: bool) -> dict[str, Any]:
        market = self._by_key[order.key]
        fills = self._accounts.orders.fills(order.account, order.key, order.order_id)
        isolated = self._isolated(order.account, market)
        return texts.order_row(market, order, fills, self._numbers, isolated=isolated, pushed=pushed)

    def _isolated(self, account: int, market: SimMarket) -> bool:
        perpetual = market.kind is MarketKind.LINEAR
        return perpetual and self._accounts.positions.setting(account, market.listing.key).isolated

    def _open(self, signed: Signed) -> dict[str, Any]:
        return self._orders_page(signed, [order for order in self._orders(signed) if order.is_open])

    def _history(self, signed: Signed) -> dict[str, Any]:
        """What is not open any more."""
        signed.required("category")
        return self._orders_page(signed, [order for order in self._orders(signed) if not order.is_open])

    def _orders(self, signed: Signed) -> list[AccountOrder]:
        return [
            order
            for order in self._accounts.orders.orders(signed.account)
            if order.trigger is None and self._named_by(signed, order.key) and _in_time(signed, order.created_ms)
        ]

    def _orders_page(self, signed: Signed, orders: Sequence[AccountOrder]) -> dict[str, Any]:
        """Newest first; the cursor is the last id shown."""
        numbered = [(self._numbers.order(order.key, order.order_id), order) for order in reversed(orders)]
        shown, cursor = _paged(signed, numbered)
        return {"list": [self.row(order, pushed=False) for _, order in shown], "cursor": cursor}

    def _fills(self, signed: Signed) -> dict[str, Any]:
        """Of all markets unless a category is named; a symbol cannot be."""
        wanted, signed = signed.text("orderId"), Signed(signed.key, {**signed.fields, "symbol": ""})
        chosen = []
        for fill in reversed(self._accounts.orders.fills(signed.account)):
            named = wanted in ("", self._numbers.order(fill.key, fill.order_id))
            if named and self._named_by(signed, fill.key) and _in_time(signed, fill.ms):
                chosen.append((self._numbers.fill(fill), fill))
        shown, cursor = _paged(signed, chosen)
        rows = []
        for _, fill in shown:
            order = self._accounts.orders.order(signed.account, fill.key, fill.order_id)
            rows.append(texts.fill_row(self._by_key[fill.key], fill, order, self._numbers, pushed=False))
        return {"list": rows, "cursor": cursor}

    # --- what they share -----------------------------------------------------------------------------------------

    def _market(self, signed: Signed) -> SimMarket:
        market = self._markets.get((_category(signed.required("category")), signed.required("symbol")))
        if market is None:
            raise wrong("symbol")
        return market

    def _named_by(self, signed: Signed, key: str) -> bool:
        """Whether category and symbol, as far as given, name the instrument."""
        market = self._by_key[key]
        category, symbol = signed.text("category"), signed.text("symbol")
        fits = not category or _category(category) == category_of(market.listing.instrument)
        return fits and symbol in ("", market.native)

    def _asked(self, signed: Signed) -> AccountOrder:
        """The order that a request names; Refused where there is none."""
        order_id, client_id = signed.text("orderId"), signed.text("clientOid")
        orders = self._accounts.orders
        if not order_id and not client_id:
            raise VenueError("40019", "Parameter orderId cannot be empty")
        found: AccountOrder | None = None
        if order_id:
            place = self._numbers.find(order_id)
            found = None if place is None else orders.order(signed.account, *place)
        else:
            named = [orders.by_client_id(signed.account, key, client_id) for key in self._by_key]
            known = [order for order in named if order is not None]
            found = max(known, key=lambda order: (order.is_open, order.created_ms), default=None)
        if found is None or found.trigger is not None:
            raise Refused(Refusal.UNKNOWN_ORDER)
        return found

    def _named(self, order: AccountOrder) -> dict[str, str]:
        return {"orderId": self._numbers.order(order.key, order.order_id), "clientOid": texts.client_id_text(order)}


def _category(text: str) -> str:
    category = text.upper()
    if category not in ("SPOT", "MARGIN", "USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES"):
        raise wrong("category")
    return category


def _client_id(signed: Signed) -> str:
    text = signed.text("clientOid")
    if text and CLIENT_ID.fullmatch(text) is None:
        raise wrong("clientOid")
    return text


def _in_time(signed: Signed, ms: int) -> bool:
    """Whether a row is of the time asked for: thirty days at most, from the start where no end is named."""
    start, end = signed.whole("startTime", 0), signed.whole("endTime", 0)
    if start and end and end - start > SPAN_MS:
        raise wrong("the time between startTime and endTime must not exceed 30 days")
    return start <= ms <= (end or (start + SPAN_MS if start else ms))


def _paged(signed: Signed, rows: Sequence[tuple[str, Any]]) -> tuple[Sequence[tuple[str, Any]], str]:
    """One page of ``(id, row)``, newest first, after the row that the cursor names; and the next cursor."""
    size = max(1, min(PAGE_SIZE, signed.whole("limit", PAGE_SIZE)))
    cursor = signed.text("cursor")
    ids = [number for number, _ in rows]
    begin = ids.index(cursor) + 1 if cursor in ids else 0
    shown = rows[begin : begin + size]
    return shown, shown[-1][0] if begin + size < len(rows) else ""
