"""MEXC's private side on the wire: signed pages mounted, listen keys of spot, logins and pushes of contracts.

Part of ``front``, which hands it what public streams do not know and every event of accounts. Facts:
../shared/exchanges/mexc.md §7 to §9. Spot's private streams are named on a socket that was opened with a listen key; on
the contracts' socket everything is pushed after a login, or what a filter names. A listen key that has run out goes
silent without a word (unconfirmed).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.front import Call, Page, Reply, Socket, json_reply
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.mexc import order_texts as texts
from jackbot_tui.sim.mexc.private_contracts import ContractPrivate
from jackbot_tui.sim.mexc.private_records import Records
from jackbot_tui.sim.mexc.private_rest import Authority, CodeError, PrivatePage, Signed, UserLimits
from jackbot_tui.sim.mexc.private_spot import SpotPrivate
from jackbot_tui.sim.mexc.protobuf import block, integer, string
from jackbot_tui.sim.requests import (
    AccountEvent,
    BalanceEvent,
    Holding,
    MarginCallEvent,
    OrderEvent,
    PositionView,
    SettingEvent,
)

if TYPE_CHECKING:
    from jackbot_tui.sim.mexc.front import MexcFront

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
KEY_LIFE_MS = 60 * 60_000
MOST_KEYS, MOST_CONNECTIONS = 60, 5
ORDERS, DEALS, ACCOUNT = (f"spot@private.{name}.v3.api.pb" for name in ("orders", "deals", "account"))
SPOT_STREAMS = frozenset({ORDERS, DEALS, ACCOUNT})
FILTERS = frozenset({"order", "order.deal", "position", "risk.limit", "adl.level", "asset"})
BAD_KEY = "Invalid listen key"
TYPES = {Cause.TRADE: "ENTRUST", Cause.DEPOSIT: "DEPOSIT"}


class _Request(Struct):
    method: str = ""
    param: Any = None
    subscribe: bool = True


_REQUEST = msgspec.json.Decoder(_Request)


class MexcPrivate:
    def __init__(self, front: "MexcFront") -> None:
        world, limits = front.world, front.world.limits
        self._accounts = world.accounts
        self._timeline = world.timeline
        numbers = {listing.key: number for number, listing in enumerate(world.listings)}
        self._records = {
            kind: Records(world.accounts, front.markets[kind], numbers, world.timeline) for kind in (SPOT, LINEAR)
        }
        self._contracts = ContractPrivate(self._records[LINEAR])
        self._authority = Authority(world.accounts.keys, world.timeline)
        refusals = limits.refusals_before_ban
        self._limits = {
            SPOT: UserLimits(limits.spot_weight, limits.window_ms, refusals, (429, "Too many requests", 429)),
            LINEAR: UserLimits(limits.linear_weight, 2_000, 1_000_000, (510, "Excessive frequency of requests", 400)),
        }
        self._seed = world.seed
        self._listen_keys: dict[str, tuple[int, int]] = {}  # key -> account, end of its life
        self._given = 0
        self._sockets: list[Socket] = []
        self._holdings: dict[tuple[int, str], Holding] = {}

    # --- REST ----------------------------------------------------------------------------------------------------

    def pages(self) -> list[Page]:
        path = "/api/v3/userDataStream"
        keys = [
            PrivatePage("POST", path, self._give_key),
            PrivatePage("PUT", path, self._extend_key),
            PrivatePage("DELETE", path, self._end_key),
            PrivatePage("GET", path, self._list_keys),
        ]
        kinds = (
            (SPOT, SpotPrivate(self._records[SPOT]).pages() + keys),
            (LINEAR, self._contracts.pages()),
        )
        return [
            Page(page.method, page.path, self._answer(kind, page), page.permission is Permission.TRADE)
            for kind, pages in kinds
            for page in pages
        ]

    def _answer(self, kind: MarketKind, page: PrivatePage) -> Callable[[Call], Reply]:
        read = self._authority.spot if kind is SPOT else self._authority.contract
        name = f"{page.method} {page.path}"

        def answer(call: Call) -> Reply:
            try:
                signed = read(call, page.permission)
                self._limits[kind].count(signed.account, name, page.weight, self._timeline.now_ms())
                content = page.answer(signed)
            except CodeError as error:
                return error.reply(contract=kind is LINEAR)
            return json_reply(content if kind is SPOT else {"success": True, "code": 0, "data": content})

        return answer

    def _give_key(self, signed: Signed) -> dict[str, str]:
        now_ms = self._timeline.now_ms()
        if sum(account == signed.account for account, _ in self._listen_keys.values()) >= MOST_KEYS:
            raise CodeError(33333, "too many listen keys")
        self._given += 1
        key = f"{self._seed:08x}{signed.account:08x}{self._given:048x}"
        self._listen_keys[key] = signed.account, now_ms + KEY_LIFE_MS
        return {"listenKey": key}

    def _extend_key(self, signed: Signed) -> dict[str, str]:
        key = signed.text("listenKey")
        if self._owner(key) != signed.account:
            raise CodeError(33333, BAD_KEY)
        self._listen_keys[key] = signed.account, self._timeline.now_ms() + KEY_LIFE_MS
        return {"listenKey": key}

    def _end_key(self, signed: Signed) -> dict[str, str]:
        key = signed.text("listenKey")
        if self._owner(key) != signed.account:
            raise CodeError(33333, BAD_KEY)
        del self._listen_keys[key]
        return {"listenKey": key}

    def _list_keys(self, signed: Signed) -> dict[str, list[str]]:
        return {"listenKey": [key for key in self._listen_keys if self._owner(key) == signed.account]}

    def _owner(self, key: str) -> int | None:
        found = self._listen_keys.get(key)
        return found[0] if found is not None and self._timeline.now_ms() < found[1] else None

    # --- sockets -------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        """A spot socket with a listen key. Where that does not exist the client is told, and closed as one without a
        subscription.
        """
        key = socket.call.query.get("listenKey", "")
        if not key or socket.door.market is not SPOT:
            return
        used = sum(other.state.get("listen_key") == key for other in self._sockets)
        if self._owner(key) is None or used >= MOST_CONNECTIONS:
            socket.push(BAD_KEY)
            return
        socket.state["listen_key"] = key
        socket.state["private"] = set()
        self._sockets.append(socket)

    def closed(self, socket: Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)

    def join(self, socket: Socket, name: str) -> bool:
        """Subscribe a spot socket to a private stream; False where it cannot."""
        if name not in SPOT_STREAMS or self._owner(socket.state.get("listen_key", "")) is None:
            return False
        socket.state["private"].add(name)
        return True

    @staticmethod
    def leave(socket: Socket, name: str) -> None:
        socket.state.get("private", set()).discard(name)

    def received(self, socket: Socket, message: str | bytes) -> bool:
        """A login or a filter on the contracts' socket; False for everything else."""
        try:
            request = _REQUEST.decode(message)
        except (msgspec.DecodeError, UnicodeError):
            return False
        param = request.param if isinstance(request.param, dict) else {}
        if request.method == "login":
            self._log_in(socket, param, request.subscribe)
        elif request.method == "personal.filter":
            self._filter(socket, param)
        else:
            return False
        return True

    def _log_in(self, socket: Socket, param: dict[str, Any], subscribe: bool) -> None:
        name, stamp = str(param.get("apiKey", "")), str(param.get("reqTime", ""))
        try:
            key = self._authority.contract_key(name)
            self._authority.check_contract_time(stamp)
            self._authority.check_signature(key, name + stamp, str(param.get("signature", "")))
        except CodeError as error:
            self._say(socket, "rs.error", error.words)
            return
        socket.state["account"] = key.account
        socket.state["filters"] = None if subscribe else {}
        if socket not in self._sockets:
            self._sockets.append(socket)
        self._say(socket, "rs.login", "success")

    def _filter(self, socket: Socket, param: dict[str, Any]) -> None:
        filters = param.get("filters")
        if "account" not in socket.state:
            self._say(socket, "rs.error", "Not logged in")
            return
        rows = [row for row in filters if isinstance(row, dict)] if isinstance(filters, list) else []
        if any(row.get("filter") not in FILTERS for row in rows):
            self._say(socket, "rs.error", "Illegal request")
            return
        socket.state["filters"] = {row["filter"]: tuple(row.get("rules") or ()) for row in rows} or None
        self._say(socket, "rs.personal.filter", "success")

    def _say(self, socket: Socket, channel: str, words: str) -> None:
        answer = {"channel": channel, "data": words, "ts": self._timeline.now_ms()}
        socket.push(msgspec.json.encode(answer).decode())

    def listeners(self, account: int, kind: MarketKind) -> int:
        """Sockets that hear all of an account."""
        if kind is LINEAR:
            return sum(socket.state.get("account") == account for socket in self._sockets)
        return sum(
            self._owner(socket.state.get("listen_key", "")) == account and socket.state["private"] == SPOT_STREAMS
            for socket in self._sockets
        )

    def expire_tokens(self) -> None:
        """Every listen key ends; their streams stay open and hear nothing more."""
        self._listen_keys.clear()

    # --- events --------------------------------------------------------------------------------------------------

    def event(self, event: AccountEvent) -> None:
        match event:
            case OrderEvent():
                if event.order.kind is SPOT:
                    self._spot_order(event)
                else:
                    self._contract_order(event)
            case BalanceEvent(kind=MarketKind.SPOT):
                self._spot_balances(event)
            case BalanceEvent():
                for wallet in event.wallets:
                    margin = self._accounts.positions.margin(event.account, wallet.currency)
                    content = texts.asset_event(texts.asset_row(wallet.currency, margin))
                    self._tell_contracts(event.account, "asset", "", content)
                for view in event.positions:
                    self._position(view)
            case SettingEvent():
                view = self._accounts.positions.view(event.account, event.key)
                if view.lots:
                    self._position(view)
            case MarginCallEvent():
                self._position(event.position)

    def _spot_order(self, event: OrderEvent) -> None:
        order, fill, records = event.order, event.fill, self._records[SPOT]
        market, wire_id = records.by_key[order.key], records.id_of(order)
        if fill is not None:
            body = texts.spot_deal_frame(market, fill, wire_id)
            self._tell_spot(order.account, DEALS, market.native, texts.PRIVATE_DEALS, body)
        body = texts.spot_order_frame(market, order, wire_id, fill)
        self._tell_spot(order.account, ORDERS, market.native, texts.PRIVATE_ORDERS, body)

    def _spot_balances(self, event: BalanceEvent) -> None:
        for holding in event.holdings:
            place = event.account, holding.currency
            before = self._holdings.get(place) or Holding(holding.currency, holding.total, ZERO)
            self._holdings[place] = holding
            body = texts.spot_account_frame(holding, before, TYPES.get(event.cause, "ENTRUST"), event.ms)
            self._tell_spot(event.account, ACCOUNT, "", texts.PRIVATE_ACCOUNT, body)

    def _tell_spot(self, account: int, name: str, native: str, field: int, body: bytes) -> None:
        now_ms = self._timeline.now_ms()
        frame = string(1, name) + string(3, native) + integer(5, now_ms) + integer(6, now_ms) + block(field, body)
        for socket in self._sockets:
            if name in socket.state.get("private", ()) and self._owner(socket.state["listen_key"]) == account:
                socket.deliver_private(frame)

    def _contract_order(self, event: OrderEvent) -> None:
        order, fill, records = event.order, event.fill, self._records[LINEAR]
        market, wire_id = records.by_key[order.key], records.id_of(order)
        if order.trigger is not None:
            self._tell_contracts(order.account, "plan.order", market.native, self._contracts.plan_row(order))
            return
        if fill is not None:
            row = texts.contract_deal_row(market, fill, wire_id, closes=order.reduce_only)
            self._tell_contracts(order.account, "order.deal", market.native, row)
        setting = self._accounts.positions.setting(order.account, order.key)
        fills = [each for each in records.fills(order) if each.ms <= event.ms]
        row = texts.contract_row(market, order, wire_id, fills, isolated=setting.isolated, leverage=setting.leverage)
        self._tell_contracts(order.account, "order", market.native, row)

    def _position(self, view: PositionView) -> None:
        market = self._records[LINEAR].by_key[view.key]
        row = texts.position_row(market, view, self._contracts.position_number(view.account, view.key))
        self._tell_contracts(view.account, "position", market.native, row)

    def _tell_contracts(self, account: int, name: str, native: str, content: dict[str, Any]) -> None:
        frame = ""
        for socket in self._sockets:
            if socket.state.get("account") != account or not _passes(socket.state["filters"], name, native):
                continue
            if not frame:
                message = {"channel": f"push.personal.{name}", "data": content, "ts": self._timeline.now_ms()}
                frame = msgspec.json.encode(message).decode()
            socket.deliver_private(frame)


def _passes(filters: dict[str, tuple[str, ...]] | None, name: str, native: str) -> bool:
    """None lets everything through."""
    if filters is None:
        return True
    rules = filters.get(name)
    return rules is not None and (not rules or not native or native in rules)
