"""Coinbase's private side on the wire: signed pages of orders and accounts, and the ``user`` channel.

Part of ``front``. Success and failure of an order are both HTTP 200. A client id that was used before is answered with
the order that has it, and nothing is placed. An order bears no fills on the channel, only its sums so far, and no
balance is told there. Facts: ../shared/exchanges/coinbase.md §7 to §9, §11; names of failures of edits and cancels as
clients list them. A market buy spends ``quote_size`` and the fee on top. Not played: USDC products' wallets, orders
with an end, brackets, futures, portfolios.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.coinbase import order_texts as texts
from jackbot_tui.sim.coinbase.pages import BASE_PATH
from jackbot_tui.sim.coinbase.private_auth import Authority, Unauthorized
from jackbot_tui.sim.front import Call, Front, Page, Reply, RequestRefused, Socket, json_reply
from jackbot_tui.sim.keys import ApiKey, Permission
from jackbot_tui.sim.limits import Verdict, WeightLimiter
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, Fill, OrderEvent, OrderSpec, Refused

SPOT = MarketKind.SPOT
MOST_CANCELS = 100
MOST_ROWS = 1_000
DEFAULT_ROWS = 100
LARGEST_EXPONENT = 20
PRIVATE_LIMIT = 30
"""Requests a second and account."""

USER = "user"
NO_POSITIONS: Mapping[str, list[Any]] = {"perpetual_futures_positions": [], "expiring_futures_positions": []}
_STATUS_NAMES = frozenset(texts.STATUSES.values()) | {"PENDING", "QUEUED", "CANCEL_QUEUED"}


class _Order(Struct):
    client_order_id: str
    product_id: str
    side: str
    order_configuration: dict[str, dict[str, Any]]


class _Cancels(Struct):
    order_ids: list[str]


class _Edit(Struct):
    order_id: str
    price: str = ""
    size: str = ""


class Asked(Struct, frozen=True):
    """A request whose sender is known. ``fields`` are those of the query, with all values of each."""

    key: ApiKey
    call: Call
    fields: Mapping[str, list[str]]

    @property
    def account(self) -> int:
        return self.key.account

    def first(self, name: str) -> str:
        return self.fields.get(name, [""])[0]

    def body(self, shape: type[Any]) -> Any:
        try:
            return msgspec.json.decode(self.call.body, type=shape)
        except (msgspec.DecodeError, UnicodeError):
            raise _argument("invalid request body") from None


class CoinbasePrivate:
    """See the module's text. ``too_many`` is the venue's answer beyond a rate limit."""

    def __init__(self, front: Front, limit: int, too_many: Callable[[int], Reply]) -> None:
        self._accounts = front.accounts
        self._timeline = front.timeline
        self._products = front.markets[SPOT]
        self._markets = list(self._products.values())
        self._numbers = {market.listing.key: number for number, market in enumerate(self._markets)}
        self._authority = Authority(front.accounts.keys, front.timeline)
        self._limiters = {
            account: WeightLimiter(limit, front.world.limits.refusals_before_ban, 0, front.world.limits.window_ms)
            for account in front.accounts.numbers
        }
        self._too_many = too_many

    # --- pages ---------------------------------------------------------------------------------------------------

    def pages(self) -> list[Page]:
        trade = Permission.TRADE
        made: list[tuple[str, str, Callable[[Asked], Any], Permission | None]] = [
            ("POST", f"{BASE_PATH}/orders", self._create, trade),
            ("POST", f"{BASE_PATH}/orders/preview", self._preview, trade),
            ("POST", f"{BASE_PATH}/orders/batch_cancel", self._cancel, trade),
            ("POST", f"{BASE_PATH}/orders/edit", self._edit, trade),
            ("GET", f"{BASE_PATH}/orders/historical/batch", self._list, None),
            ("GET", f"{BASE_PATH}/orders/historical/fills", self._fills, None),
            ("GET", f"{BASE_PATH}/orders/historical/{{order_id}}", self._one, None),
            ("GET", f"{BASE_PATH}/accounts", self._wallets, None),
            ("GET", f"{BASE_PATH}/key_permissions", self._permissions, None),
            ("GET", f"{BASE_PATH}/transaction_summary", self._summary, None),
            ("GET", "/v2/accounts", self._old_wallets, None),
        ]
        return [
            Page(method, path, self._page(answer, permission), trades=permission is not None)
            for method, path, answer, permission in made
        ]

    def _page(self, answer: Callable[[Asked], Any], permission: Permission | None) -> Callable[[Call], Reply]:
        def reply(call: Call) -> Reply:
            try:
                token = call.headers.get("Authorization", "").removeprefix("Bearer ")
                key = self._authority.read(token, call.method, call.path)
            except Unauthorized as error:
                return Reply(f"{error}\n".encode(), 401, content_type="text/plain")
            limiter, now_ms = self._limiters[key.account], self._timeline.now_ms()
            if limiter.admit(1, now_ms) is not Verdict.ALLOWED:
                return self._too_many(limiter.retry_after_s(now_ms))
            if permission is not None and not key.may(permission):
                return _error("PERMISSION_DENIED", "Missing required scopes", 403)
            return json_reply(answer(Asked(key, call, _fields(call))))

        return reply

    # --- orders --------------------------------------------------------------------------------------------------

    def _create(self, asked: Asked) -> dict[str, Any]:
        wanted: _Order = asked.body(_Order)
        market = self._products.get(wanted.product_id)
        if market is None:
            return _failed("INVALID_PRODUCT_ID", "PREVIEW_INVALID_PRODUCT_ID", wanted.order_configuration)
        known = self._accounts.orders.by_client_id(asked.account, market.listing.key, wanted.client_order_id)
        if known is None or not wanted.client_order_id:
            try:
                known = self._accounts.submit(asked.account, self._spec(market, wanted))
            except Refused as refused:
                return _failed(*texts.REFUSALS[refused.refusal], wanted.order_configuration)
        return {
            "success": True,
            "success_response": {
                "order_id": self.order_id(known),
                "product_id": market.native,
                "side": known.side.value.upper(),
                "client_order_id": known.client_id,
            },
            "order_configuration": wanted.order_configuration,
        }

    def _preview(self, asked: Asked) -> dict[str, Any]:
        """What would become of an order."""
        fields = asked.body(dict[str, Any])
        try:
            wanted = msgspec.convert({"client_order_id": "", **fields}, _Order)
        except msgspec.ValidationError:
            raise _argument("invalid request body") from None
        market = self._products.get(wanted.product_id)
        if market is None:
            return {"errs": ["PREVIEW_INVALID_PRODUCT_ID"]}
        try:
            self._accounts.examine(asked.account, self._spec(market, wanted))
        except Refused as refused:
            return {"errs": [texts.REFUSALS[refused.refusal][1]]}
        return {"errs": [], "warning": []}

    def _spec(self, market: SimMarket, wanted: _Order) -> OrderSpec:
        if wanted.side not in ("BUY", "SELL") or len(wanted.order_configuration) != 1:
            raise _argument("side and one order_configuration are required")
        ((name, fields),) = wanted.order_configuration.items()
        side = Side(wanted.side.lower())
        made = OrderSpec(key=market.listing.key, side=side, client_id=wanted.client_order_id)
        match name:
            case "market_market_ioc" if "quote_size" in fields:
                return msgspec.structs.replace(made, cost=_number(fields, "quote_size"))
            case "market_market_ioc":
                return msgspec.structs.replace(made, quantity=_number(fields, "base_size"))
            case "limit_limit_gtc" | "sor_limit_ioc" | "limit_limit_fok" | "stop_limit_stop_limit_gtc":
                pass
            case _:
                raise RequestRefused(
                    json_reply(
                        _failed("UNSUPPORTED_ORDER_CONFIGURATION", "UNKNOWN_PREVIEW_FAILURE_REASON", {name: fields})
                    )
                )
        size, price = _number(fields, "base_size"), _number(fields, "limit_price")
        made = msgspec.structs.replace(made, quantity=size, price=price)
        match name:
            case "sor_limit_ioc":
                return msgspec.structs.replace(made, tif=TimeInForce.IOC)
            case "limit_limit_fok":
                return msgspec.structs.replace(made, tif=TimeInForce.FOK)
            case "stop_limit_stop_limit_gtc":
                rises = fields.get("stop_direction") == "STOP_DIRECTION_STOP_UP"
                profits = rises is not (side is Side.BUY)
                return msgspec.structs.replace(made, trigger_price=_number(fields, "stop_price"), takes_profit=profits)
        return msgspec.structs.replace(made, post_only=fields.get("post_only") is True)

    def _cancel(self, asked: Asked) -> dict[str, Any]:
        wanted: _Cancels = asked.body(_Cancels)
        if len(wanted.order_ids) > MOST_CANCELS:
            raise _argument(f"no more than {MOST_CANCELS} order_ids")
        return {"results": [self._cancel_one(asked.account, order_id) for order_id in wanted.order_ids]}

    def _cancel_one(self, account: int, order_id: str) -> dict[str, Any]:
        order = self._order(account, order_id)
        gone = order is None or not order.is_open
        if order is not None and not gone:
            self._accounts.cancel(order)
        reason = "UNKNOWN_CANCEL_ORDER" if gone else texts.NO_REASON
        return {"success": not gone, "failure_reason": reason, "order_id": order_id}

    def _edit(self, asked: Asked) -> dict[str, Any]:
        """``size`` is the new whole size; one that is not named counts as nothing."""
        wanted: _Edit = asked.body(_Edit)
        order = self._order(asked.account, wanted.order_id)
        if order is None or not order.is_open:
            return _unedited("ORDER_NOT_FOUND")
        if order.tif is not TimeInForce.GTC or order.waiting or order.is_market:
            return _unedited("ONLY_LIMIT_ORDER_EDITS_SUPPORTED")
        size = _number({"size": wanted.size or "0"}, "size")
        price = _number({"price": wanted.price or "0"}, "price")
        market = self._market(order)
        if not size:
            return _unedited("INVALID_EDITED_SIZE")
        if not price:
            return _unedited("INVALID_EDITED_PRICE")
        if size < order.filled * market.listing.instrument.lot:
            return _unedited("CANNOT_EDIT_TO_BELOW_FILLED_SIZE")
        try:
            self._accounts.amend(order, price, size)
        except Refused as refused:
            return _unedited(*texts.REFUSALS[refused.refusal])
        return {"success": True, "errors": []}

    def _one(self, asked: Asked) -> dict[str, Any]:
        order = self._order(asked.account, asked.call.match["order_id"])
        if order is None:
            raise RequestRefused(_error("NOT_FOUND", texts.UNKNOWN_ORDER, 404))
        return {"order": self._row(order)}

    def _list(self, asked: Asked) -> dict[str, Any]:
        """Newest first."""
        wanted = set(asked.fields.get("order_status", ()))
        if not wanted <= _STATUS_NAMES:
            raise _argument(f"unknown order_status {sorted(wanted - _STATUS_NAMES)}")
        products = {*asked.fields.get("product_id", ()), *asked.fields.get("product_ids", ())}
        since, until = _moment(asked.first("start_date")), _moment(asked.first("end_date"))
        orders = [
            order
            for order in self._accounts.orders.orders(asked.account)
            if (not wanted or texts.STATUSES[order.status] in wanted)
            and (not products or self._market(order).native in products)
            and (since is None or order.created_ms >= since)
            and (until is None or order.created_ms < until)
        ]
        orders.sort(key=lambda order: (order.created_ms, order.order_id), reverse=True)
        rows, cursor = _paged(orders, asked)
        return {"orders": [self._row(order) for order in rows], "has_next": bool(cursor), "cursor": cursor}

    def _fills(self, asked: Asked) -> dict[str, Any]:
        """Newest first; those of one moment in the order in which they happened."""
        products = {*asked.fields.get("product_id", ()), *asked.fields.get("product_ids", ())}
        wanted = set(asked.fields.get("order_ids", ())) | set(asked.fields.get("order_id", ()))
        since = _moment(asked.first("start_sequence_timestamp"))
        until = _moment(asked.first("end_sequence_timestamp"))
        fills = [
            fill
            for fill in self._accounts.orders.fills(asked.account)
            if (not products or self._markets[self._numbers[fill.key]].native in products)
            and (not wanted or self._fill_order(fill) in wanted)
            and (since is None or fill.ms >= since)
            and (until is None or fill.ms < until)
        ]
        fills.sort(key=lambda fill: -fill.ms)
        rows, cursor = _paged(fills, asked)
        made = [
            texts.fill_row(self._markets[self._numbers[fill.key]], fill, self._fill_order(fill)) for fill in rows
        ]
        return {"fills": made, "cursor": cursor}

    # --- accounts ------------------------------------------------------------------------------------------------

    def _wallets(self, asked: Asked) -> dict[str, Any]:
        rows, cursor = _paged(texts.account_rows(asked.account, self._holdings(asked.account)), asked)
        return {"accounts": rows, "has_next": bool(cursor), "cursor": cursor, "size": len(rows)}

    def _old_wallets(self, asked: Asked) -> dict[str, Any]:
        """The wallet pages know totals only."""
        rows = [
            {
                "id": held.currency,
                "name": f"{held.currency} Wallet",
                "primary": True,
                "type": "fiat" if held.currency == "USD" else "wallet",
                "currency": {"code": held.currency},
                "balance": {"amount": f"{held.total:f}", "currency": held.currency},
            }
            for held in self._holdings(asked.account)
        ]
        return {"pagination": {"next_uri": None, "next_starting_after": None}, "data": rows}

    def _holdings(self, account: int) -> list[Any]:
        return [self._accounts.holding(account, name) for name in self._accounts.currencies(SPOT)]

    def _permissions(self, asked: Asked) -> dict[str, Any]:
        return {
            "can_view": True,
            "can_trade": asked.key.may(Permission.TRADE),
            "can_transfer": asked.key.may(Permission.WITHDRAW),
            "portfolio_uuid": f"00000000-0000-4000-8000-{asked.account:012d}",
            "portfolio_type": "DEFAULT",
        }

    def _summary(self, asked: Asked) -> dict[str, Any]:
        instrument = self._markets[0].listing.instrument
        tier = {
            "pricing_tier": "Intro 1", "usd_from": "0", "usd_to": "10000",
            "taker_fee_rate": f"{instrument.taker_fee:f}", "maker_fee_rate": f"{instrument.maker_fee:f}",
        }  # fmt: skip
        return {"total_volume": 0, "total_fees": 0, "fee_tier": tier, "margin_rate": None}

    # --- the user channel ----------------------------------------------------------------------------------------

    def sender(self, token: str) -> int:
        """The account that asks on a socket. Unauthorized for a token that is no good."""
        return self._authority.read(token).account

    def snapshot(self, account: int, products: Sequence[str]) -> str:
        """Open orders, as the channel begins."""
        orders = self._accounts.orders.open_orders(account)
        rows = [self._stream_row(order) for order in orders if not products or self._market(order).native in products]
        return _event("snapshot", rows)

    def update(self, event: OrderEvent) -> str:
        return _event("update", [self._stream_row(event.order)])

    def product(self, order: AccountOrder) -> str:
        return self._market(order).native

    # --- inside --------------------------------------------------------------------------------------------------

    def order_id(self, order: AccountOrder) -> str:
        return texts.order_uuid(self._numbers[order.key], order.order_id)

    def _fill_order(self, fill: Fill) -> str:
        return texts.order_uuid(self._numbers[fill.key], fill.order_id)

    def _order(self, account: int, order_id: str) -> AccountOrder | None:
        parts = texts.parted(order_id)
        if parts is None or parts[0] >= len(self._markets):
            return None
        return self._accounts.orders.order(account, self._markets[parts[0]].listing.key, parts[1])

    def _market(self, order: AccountOrder) -> SimMarket:
        return self._markets[self._numbers[order.key]]

    def _row(self, order: AccountOrder) -> dict[str, Any]:
        return texts.order_row(self._market(order), order, self.order_id(order), *self._paid(order))

    def _stream_row(self, order: AccountOrder) -> dict[str, Any]:
        return texts.stream_row(self._market(order), order, self.order_id(order), *self._paid(order))

    def _paid(self, order: AccountOrder) -> tuple[Decimal, int]:
        """Fees and number of the fills that ``order``, a picture of some moment, counts."""
        fees, count, lots = ZERO, 0, 0
        for fill in self._accounts.orders.fills(order.account, order.key, order.order_id):
            if lots >= order.filled:
                break
            fees, count, lots = fees + fill.fee, count + 1, lots + fill.quantity
        return fees, count


class UserChannel:
    """Which sockets hear of which account. ``say`` writes a numbered frame's text for one client."""

    def __init__(self, private: CoinbasePrivate, say: Callable[[Socket, str, str], None]) -> None:
        self._private = private
        self._say = say
        self._sockets: dict[Socket, tuple[int, list[str]]] = {}

    def subscribe(self, socket: Socket, token: str, products: list[str]) -> None:
        """Unauthorized for a token that is no good. Again: other products."""
        account = self._private.sender(token)
        self._sockets[socket] = account, products
        self._say(socket, USER, self._private.snapshot(account, products))

    def unsubscribe(self, socket: Socket) -> None:
        self._sockets.pop(socket, None)

    def names(self, socket: Socket) -> list[str]:
        """What the list of subscriptions shows of it: the account it is of."""
        held = self._sockets.get(socket)
        return [] if held is None else held[1] or [f"account-{held[0]}"]

    def listeners(self, account: int) -> int:
        return sum(owner == account for owner, _ in self._sockets.values())

    def tell(self, event: OrderEvent) -> None:
        order = event.order
        text = ""
        for socket, (owner, products) in list(self._sockets.items()):
            if owner == order.account and (not products or self._private.product(order) in products):
                text = text or self._private.update(event)
                self._say(socket, USER, text)


def _event(kind: str, rows: list[dict[str, Any]]) -> str:
    return msgspec.json.encode({"type": kind, "orders": rows, "positions": NO_POSITIONS}).decode()


def _fields(call: Call) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(call.raw_query) if call.raw_query else call.query.items():
        found.setdefault(name.removesuffix("[]"), []).append(value)
    return found


def _paged(rows: list[Any], asked: Asked) -> tuple[list[Any], str]:
    """One page and the cursor of the next, "" after the last."""
    limit, cursor = asked.first("limit"), asked.first("cursor")
    if not (limit or "1").isdigit() or not (cursor or "0").isdigit():
        raise _argument("limit and cursor are numbers")
    start, size = int(cursor or 0), min(int(limit or DEFAULT_ROWS), MOST_ROWS)
    return rows[start : start + size], str(start + size) if start + size < len(rows) else ""


def _moment(text: str) -> int | None:
    """Milliseconds since 1970 UTC of an ISO time; None for none."""
    if not text:
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise _argument(f"{text!r} is no time") from None


def _number(fields: Mapping[str, Any], name: str) -> Decimal:
    try:
        value = Decimal(str(fields.get(name, "")))
    except InvalidOperation:
        raise _argument(f"{name} is required and a number") from None
    if not value.is_finite() or value < ZERO or (value and abs(value.adjusted()) > LARGEST_EXPONENT):
        raise _argument(f"{name} is out of range")
    return value


def _failed(error: str, preview: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "success": False,
        "failure_reason": error,
        "order_id": "",
        "error_response": {
            "error": error,
            "message": "",
            "error_details": "",
            "preview_failure_reason": preview,
            "new_order_failure_reason": error,
        },
        "order_configuration": configuration,
    }


def _unedited(reason: str, preview: str = "") -> dict[str, Any]:
    errors = [{"edit_failure_reason": reason, "preview_failure_reason": preview}]
    return {"success": False, "errors": errors}


def _argument(words: str) -> RequestRefused:
    return RequestRefused(_error("INVALID_ARGUMENT", words, 400))


def _error(name: str, words: str, status: int) -> Reply:
    return json_reply({"error": name, "error_details": words, "message": words}, status)
