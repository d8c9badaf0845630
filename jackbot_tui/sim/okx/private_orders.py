"""OKX's signed pages for orders, algo orders and fills; the operations of the private socket are the same methods.

``private`` mounts them. An operation on one order answers with a row that has its own ``sCode``; what waits for a
trigger is an algo order on pages of its own, and the order that follows from it has an id of its own. What an order
says is read in ``private_specs``. Facts: ../shared/exchanges/okx.md §8.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import structs

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.budgets import Budget
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.okx import private_texts as texts
from jackbot_tui.sim.okx.private_modes import TradeModes
from jackbot_tui.sim.okx.private_rest import (
    NOT_EXISTING,
    Fields,
    OkxError,
    PrivatePage,
    Signed,
    bad_parameter,
    error_of,
)
from jackbot_tui.sim.okx.private_specs import OrderReader, at_once
from jackbot_tui.sim.okx.private_texts import Context
from jackbot_tui.sim.requests import AccountOrder, Fill, OrderSpec, Refusal, Refused
from jackbot_tui.sim.timeline import Timeline

MOST_IN_BATCH = 20
MOST_ALGOS_CANCELED = 10
ROWS = 100
NOTES_KEPT = 20_000
COUNTDOWN_S = (10, 120)
_Row = TypeVar("_Row")
_Operation = Callable[[Fields], dict[str, Any]]


class Note:
    """What OKX remembers of an order and the back office does not."""

    __slots__ = ("kind", "parent", "request_id", "tag")

    def __init__(self, tag: str = "", kind: str = "", parent: AccountOrder | None = None) -> None:
        self.tag = tag
        self.kind = kind
        self.parent = parent
        self.request_id = ""


class OrderPages:
    """``markets`` by native symbol, ``codes`` by ``instIdCode``."""

    def __init__(
        self,
        accounts: Accounts,
        markets: Mapping[str, SimMarket],
        codes: Mapping[int, SimMarket],
        modes: TradeModes,
        timeline: Timeline,
    ) -> None:
        self._accounts = accounts
        self._by_key = {market.listing.key: market for market in markets.values()}
        self._modes = modes
        self._reader = OrderReader(markets, codes, modes)
        self.market = self._reader.market
        self._timeline = timeline
        self._notes: dict[tuple[str, int], Note] = {}

    def pages(self) -> list[PrivatePage]:
        trade, single, batch = Permission.TRADE, Budget(60), Budget(300)
        base = "/api/v5/trade"
        return [
            PrivatePage("POST", f"{base}/order", single, self._one(self.place), trade, True),
            PrivatePage("POST", f"{base}/batch-orders", batch, self._many(self.place), trade, True, True),
            PrivatePage("POST", f"{base}/cancel-order", single, self._one(self.cancel), trade, True),
            PrivatePage("POST", f"{base}/cancel-batch-orders", batch, self._many(self.cancel), trade, True, True),
            PrivatePage("POST", f"{base}/amend-order", single, self._one(self.amend), trade, True),
            PrivatePage("POST", f"{base}/amend-batch-orders", batch, self._many(self.amend), trade, True, True),
            PrivatePage("POST", f"{base}/close-position", Budget(20), self._close_position, trade, True),
            PrivatePage("POST", f"{base}/cancel-all-after", Budget(1, 1_000), self._count_down, trade),
            PrivatePage("GET", f"{base}/order", single, self._order, per_instrument=True),
            PrivatePage("GET", f"{base}/orders-pending", single, self._pending),
            PrivatePage("GET", f"{base}/orders-history", Budget(40), self._history),
            PrivatePage("GET", f"{base}/orders-history-archive", Budget(20), self._history),
            PrivatePage("GET", f"{base}/fills", single, self._fills),
            PrivatePage("GET", f"{base}/fills-history", Budget(10), self._fills),
            PrivatePage("POST", f"{base}/order-algo", Budget(20), self._one(self.place_algo), trade, True),
            PrivatePage("POST", f"{base}/cancel-algos", Budget(20), self._many(self.cancel_algo), trade, True, True),
            PrivatePage("GET", f"{base}/order-algo", Budget(20), self._algo),
            PrivatePage("GET", f"{base}/orders-algo-pending", Budget(20), self._algos_pending),
            PrivatePage("GET", f"{base}/orders-algo-history", Budget(20), self._algos_history),
        ]

    # --- operations ----------------------------------------------------------------------------------------------

    def place(self, fields: Fields) -> dict[str, Any]:
        spec, tag = self._reader.spec(fields), self._reader.tag(fields)
        try:
            order = self._submitted(fields, spec)
        except Refused as refused:
            raise error_of(refused, self._lacking(spec)) from None
        if tag:
            self._note(order.key, order.order_id).tag = tag
        return {"ordId": str(order.order_id), "clOrdId": spec.client_id, "tag": tag}

    def _submitted(self, fields: Fields, spec: OrderSpec) -> AccountOrder:
        """A spot market order beyond the balance is cut to it, unless ``banAmend`` forbids that."""
        try:
            return self._accounts.submit(fields.account, spec)
        except Refused as refused:
            at_market = self._by_key[spec.key].kind is MarketKind.SPOT and spec.price is None
            if refused.refusal is not Refusal.INSUFFICIENT_FUNDS or not at_market or fields.flag("banAmend"):
                raise
        free, lot = self._accounts.holding(fields.account, self._lacking(spec)).free, self._lot(spec)
        if spec.side is Side.BUY:
            cut = structs.replace(spec, quantity=ZERO, cost=free)
        else:
            cut = structs.replace(spec, quantity=free // lot * lot)
        return self._accounts.submit(fields.account, cut)

    def cancel(self, fields: Fields) -> dict[str, Any]:
        order = self._asked(fields)
        if order is None:
            raise error_of(Refused(Refusal.UNKNOWN_ORDER))
        try:
            self._accounts.cancel(order)
        except Refused as refused:
            raise error_of(refused) from None
        return {"ordId": str(order.order_id), "clOrdId": texts.client_id(order)}

    def amend(self, fields: Fields) -> dict[str, Any]:
        market, order = self._reader.market(fields), self._asked(fields)
        if order is None or not order.is_open:
            raise OkxError("51503", "Your order has already been filled or canceled.")
        price, size, request_id = fields.number("newPx"), fields.number("newSz"), fields.text("reqId")
        if price is None and size is None:
            raise OkxError("51500", "You must enter a price, quantity, or TP/SL")
        note = self._note(order.key, order.order_id)
        before, note.request_id = note.request_id, request_id
        try:
            self._accounts.amend(order, price, None if size is None else size * market.listing.wire_unit)
        except Refused as refused:
            if refused.refusal is not Refusal.NOTHING_CHANGED:
                note.request_id = before
                if fields.flag("cxlOnFail"):
                    self._accounts.cancel(order)
                if refused.refusal in (Refusal.INSUFFICIENT_FUNDS, Refusal.INSUFFICIENT_MARGIN):
                    raise OkxError("51502", "Unable to edit order: insufficient balance or margin.") from None
                raise error_of(refused) from None
        return {"ordId": str(order.order_id), "clOrdId": texts.client_id(order), "reqId": request_id}

    def place_algo(self, fields: Fields) -> dict[str, Any]:
        spec, kind, tag = self._reader.algo_spec(fields), fields.required("ordType"), self._reader.tag(fields)
        try:
            order = self._accounts.submit(fields.account, spec)
        except Refused as refused:
            if refused.refusal is Refusal.WOULD_TRIGGER:
                raise at_once(spec) from None
            if refused.refusal is Refusal.DUPLICATE_CLIENT_ID:
                raise OkxError("51065", "algoClOrdId already exists.") from None
            raise error_of(refused, self._lacking(spec)) from None
        note = self._note(order.key, order.order_id)
        note.tag, note.kind = tag, kind
        return {"algoId": str(order.order_id), "algoClOrdId": spec.client_id, "clOrdId": "", "tag": tag}

    def cancel_algo(self, fields: Fields) -> dict[str, Any]:
        order = self._asked_algo(fields)
        if order is None:
            raise error_of(Refused(Refusal.UNKNOWN_ORDER))
        try:
            self._accounts.cancel(order)
        except Refused as refused:
            raise error_of(refused) from None
        return {"algoId": str(order.order_id), "algoClOrdId": texts.client_id(order)}

    def tried(self, operation: _Operation, items: Iterable[Fields]) -> tuple[str, list[dict[str, Any]]]:
        """The answer's code and a row for each item, failures in their own rows."""
        rows: list[dict[str, Any]] = []
        failures = 0
        for fields in items:
            try:
                row = operation(fields) | {"sCode": "0", "sMsg": ""}
            except OkxError as error:
                failures += 1
                ids = {name: fields.text(name) for name in ("clOrdId", "ordId", "algoId") if fields.text(name)}
                row = {"ordId": "", "clOrdId": "", "tag": fields.text("tag")} | ids
                row |= {"sCode": error.code, "sMsg": str(error)}
            rows.append(row | {"subCode": "", "ts": str(self._timeline.now_ms())})
        return "0" if not failures else "1" if failures == len(rows) else "2", rows

    def _one(self, operation: _Operation) -> Any:
        return lambda signed: self.tried(operation, [signed.fields])

    def _many(self, operation: _Operation) -> Any:
        def answer(signed: Signed) -> Any:
            most = MOST_ALGOS_CANCELED if operation == self.cancel_algo else MOST_IN_BATCH
            if len(signed.items) > most:
                raise OkxError("51111", f"Maximum {most} orders can be placed in bulk.")
            return self.tried(operation, signed.items)

        return answer

    def _close_position(self, signed: Signed) -> list[dict[str, Any]]:
        fields = signed.fields
        market = self._reader.market(fields)
        held = self._accounts.positions.position(signed.account, market.listing.key).lots if market.marks else 0
        if not held or self._modes.of(signed.account, market) != fields.required("mgnMode"):
            raise OkxError("51023", "Position doesn't exist.")
        side = Side.SELL if held > 0 else Side.BUY
        key, quantity = market.listing.key, abs(held) * market.listing.instrument.lot
        client_id = self._reader.client_id(fields)
        spec = OrderSpec(key=key, side=side, quantity=quantity, client_id=client_id, reduce_only=True)
        try:
            self._accounts.submit(signed.account, spec)
        except Refused as refused:
            raise error_of(refused) from None
        return [{"instId": market.native, "posSide": "net", "clOrdId": client_id, "tag": fields.text("tag")}]

    def _count_down(self, signed: Signed) -> list[dict[str, Any]]:
        """For every order-book order of the account; algo orders are left."""
        seconds = signed.fields.whole("timeOut")
        if seconds is None or (seconds and not COUNTDOWN_S[0] <= seconds <= COUNTDOWN_S[1]):
            raise bad_parameter("timeOut")
        for key in self._by_key:
            self._accounts.count_down(signed.account, key, seconds * 1_000)
        now_ms = self._timeline.now_ms()
        return [{"triggerTime": str(now_ms + seconds * 1_000) if seconds else "0", "tag": "", "ts": str(now_ms)}]

    def _lot(self, spec: OrderSpec) -> Decimal:
        return self._by_key[spec.key].listing.instrument.lot

    def _lacking(self, spec: OrderSpec) -> str:
        instrument = self._by_key[spec.key].listing.instrument
        return instrument.base if instrument.kind is MarketKind.SPOT and spec.side is Side.SELL else instrument.settle

    # --- asking --------------------------------------------------------------------------------------------------

    def _asked(self, fields: Fields) -> AccountOrder | None:
        """An order of the book, by id or client id. Those that followed from an algo order have no client id."""
        key, store = self._reader.market(fields).listing.key, self._accounts.orders
        order_id, client_id = fields.whole("ordId"), fields.text("clOrdId")
        if order_id is None and not client_id:
            raise OkxError("51003", "Either client order ID or order ID is required.")
        if order_id is not None:
            found = store.order(fields.account, key, order_id)
        else:
            found = store.by_client_id(fields.account, key, client_id)
            if found is not None and self._parent(found) is not None:
                found = None
        return None if found is None or found.trigger is not None else found

    def _asked_algo(self, fields: Fields) -> AccountOrder | None:
        order_id, client_id = fields.whole("algoId"), fields.text("algoClOrdId")
        if order_id is None and not client_id:
            raise OkxError("50015", "Either parameter algoId or algoClOrdId is required", 400)
        native = fields.text("instId")
        for order in reversed(self._accounts.orders.orders(fields.account)):
            named = order.order_id == order_id if order_id is not None else order.client_id == client_id
            here = not native or self._by_key[order.key].native == native
            if named and here and order.trigger is not None:
                return order
        return None

    def _order(self, signed: Signed) -> list[dict[str, Any]]:
        order = self._asked(signed.fields)
        if order is None:
            raise NOT_EXISTING
        return [self.row(order)]

    def _pending(self, signed: Signed) -> list[dict[str, Any]]:
        found = self._accounts.orders.open_orders(signed.account)
        return [self.row(order) for order in self._paged(signed.fields, self._regular(signed.fields, found))]

    def _history(self, signed: Signed) -> list[dict[str, Any]]:
        signed.fields.required("instType")
        found = [order for order in self._accounts.orders.orders(signed.account) if not order.is_open]
        state = signed.fields.text("state")
        chosen = [order for order in self._regular(signed.fields, found) if state in ("", texts.STATES[order.status])]
        return [self.row(order) for order in self._paged(signed.fields, chosen)]

    def _regular(self, fields: Fields, orders: Sequence[AccountOrder]) -> list[AccountOrder]:
        """Orders of the book that the request's filters let through."""
        kind = fields.text("ordType")
        return [
            order
            for order in orders
            if order.trigger is None and self._concerns(fields, order.key)
            and (not kind or texts.order_type(order) in kind.split(","))
        ]  # fmt: skip

    def _concerns(self, fields: Fields, key: str) -> bool:
        market = self._by_key[key]
        kind, native = fields.text("instType"), fields.text("instId")
        return kind in ("", "ANY", texts.inst_type(market)) and native in ("", market.native)

    def _paged(self, fields: Fields, orders: Sequence[AccountOrder]) -> list[AccountOrder]:
        return _page(fields, orders, lambda order: order.order_id, lambda order: order.created_ms)

    def _fills(self, signed: Signed) -> list[dict[str, Any]]:
        fields, order_id = signed.fields, signed.fields.whole("ordId")
        found = [
            fill
            for fill in self._accounts.orders.fills(signed.account, order_id=order_id)
            if self._concerns(fields, fill.key)
        ]
        chosen = _page(
            fields, found, lambda fill: int(f"{fill.ms}{fill.trade_id % 1_000_000:06d}"), lambda fill: fill.ms
        )
        return [texts.fill_row(self._by_key[fill.key], fill, self._client_id_of(fill)) for fill in chosen]

    def _client_id_of(self, fill: Fill) -> str:
        order = self._accounts.orders.order(fill.account, fill.key, fill.order_id)
        return "" if order is None or self._parent(order) is not None else texts.client_id(order)

    def _algo(self, signed: Signed) -> list[dict[str, Any]]:
        order = self._asked_algo(signed.fields)
        if order is None:
            raise NOT_EXISTING
        return [self.algo_row(order)]

    def _algos_pending(self, signed: Signed) -> list[dict[str, Any]]:
        return [self.algo_row(order) for order in self._algos(signed.fields, signed.account) if order.is_open]

    def _algos_history(self, signed: Signed) -> list[dict[str, Any]]:
        state, algo_id = signed.fields.text("state"), signed.fields.whole("algoId")
        if not state and algo_id is None:
            raise OkxError("50015", "Either parameter state or algoId is required", 400)
        return [
            self.algo_row(order)
            for order in self._algos(signed.fields, signed.account)
            if not order.is_open and state in ("", texts.algo_state(order)) and algo_id in (None, order.order_id)
        ]

    def _algos(self, fields: Fields, account: int) -> list[AccountOrder]:
        kinds = fields.required("ordType").split(",")
        found = [
            order
            for order in self._accounts.orders.orders(account)
            if order.trigger is not None and self._concerns(fields, order.key)
            and self._note(order.key, order.order_id).kind in kinds
        ]  # fmt: skip
        return self._paged(fields, found)

    # --- rows ----------------------------------------------------------------------------------------------------

    def row(self, order: AccountOrder) -> dict[str, Any]:
        """With its newest fill, as REST pages have it."""
        fills = self._accounts.orders.fills(order.account, order.key, order.order_id)
        market = self._by_key[order.key]
        context = self._context(order, sum((fill.fee for fill in fills), ZERO))
        return texts.order_row(market, order, context) | texts.fill_part(market, fills[-1] if fills else None)

    def push_row(self, order: AccountOrder, fill: Fill | None, *, amended: bool) -> dict[str, Any]:
        """As the channel ``orders`` tells it: with the fill of the moment."""
        fills = self._accounts.orders.fills(order.account, order.key, order.order_id)
        paid = ZERO
        for other in fills:
            if fill is None or other.trade_id <= fill.trade_id:
                paid += other.fee
        market = self._by_key[order.key]
        row = texts.order_row(market, order, self._context(order, paid)) | texts.fill_part(market, fill)
        note = self._notes.get((order.key, order.order_id))
        told = {"reqId": note.request_id if amended and note is not None else "", "amendResult": "0" if amended else ""}
        return row | told | {"amendSource": "1" if amended else "", "code": "0", "msg": ""}

    def algo_row(self, order: AccountOrder) -> dict[str, Any]:
        kind = self._note(order.key, order.order_id).kind
        return texts.algo_row(self._by_key[order.key], order, kind, self._context(order, ZERO))

    def set_off(self, order: AccountOrder) -> None:
        """An algo order's price was reached: the order that followed from it is to be known by it."""
        if order.child_id:
            self._note(order.key, order.child_id).parent = order

    def _context(self, order: AccountOrder, fees: Decimal) -> Context:
        market, note = self._by_key[order.key], self._notes.get((order.key, order.order_id))
        return Context(
            self._modes.of(order.account, market),
            self._modes.leverage_text(order.account, market),
            fees,
            None if note is None else note.parent,
            tag="" if note is None else note.tag,
        )

    def _parent(self, order: AccountOrder) -> AccountOrder | None:
        note = self._notes.get((order.key, order.order_id))
        return None if note is None else note.parent

    def _note(self, key: str, order_id: int) -> Note:
        found = self._notes.get((key, order_id))
        if found is None:
            if len(self._notes) >= NOTES_KEPT:
                del self._notes[next(iter(self._notes))]
            found = self._notes[key, order_id] = Note()
        return found


def _page(
    fields: Fields, rows: Sequence[_Row], id_of: Callable[[_Row], int], ms_of: Callable[[_Row], int]
) -> list[_Row]:
    """Newest first: ``after`` asks for older ids, ``before`` for newer ones, ``begin`` and ``end`` for times."""
    after, before = fields.whole("after"), fields.whole("before")
    begin, end = fields.whole("begin") or 0, fields.whole("end")
    limit = min(ROWS, fields.whole("limit") or ROWS)
    chosen = [
        row
        for row in rows
        if (after is None or id_of(row) < after) and (before is None or id_of(row) > before)
        and begin <= ms_of(row) and (end is None or ms_of(row) <= end)
    ]  # fmt: skip
    chosen.sort(key=lambda row: (ms_of(row), id_of(row)), reverse=True)
    return chosen[:limit]

