"""Gate's private side on the wire: signed pages mounted, and private channels, which share the public sockets.

Part of ``front``, which hands it messages about private channels and every event of accounts. Each subscription carries
a signature of its own; there is nothing to renew. Facts: ../shared/exchanges/gateio.md §7 and §8. Not played: orders
over the WebSocket, batches, the account book. Played as unconfirmed: ``futures.balances`` tells a trade's profit and
fee in one row, and a uid that is not the key's is refused with code 2.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.front import Call, Page, Reply, Socket, json_reply
from jackbot_tui.sim.gateio import order_texts as texts
from jackbot_tui.sim.gateio.pages import BASE_PATH
from jackbot_tui.sim.gateio.private_linear import LinearPrivate
from jackbot_tui.sim.gateio.private_records import Records
from jackbot_tui.sim.gateio.private_rest import (
    Authority,
    LabelError,
    PrivatePage,
    Signed,
    UserLimits,
)
from jackbot_tui.sim.gateio.private_spot import SpotPrivate
from jackbot_tui.sim.gateio.texts import PREFIXES
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.ledger import Cause
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
    from jackbot_tui.sim.gateio.front import GateioFront

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
ALL = "!all"
CHANNELS = {
    SPOT: ("orders", "usertrades", "balances", "priceorders"),
    LINEAR: ("orders", "usertrades", "balances", "positions", "autoorders"),
}
WITHOUT_MARKETS = frozenset({"balances"})
BAD_ARGUMENT = 2
BAD_KEY = 4
CHANGES = {Cause.TRADE: "order-update", Cause.DEPOSIT: "deposit"}
PAYMENTS = {Cause.TRADE: "fee", Cause.FUNDING: "fund", Cause.MARGIN: "pnl"}


class PrivateRequest(Struct):
    """A message about a private channel."""

    channel: str
    event: str = ""
    time: int = 0
    id: int | None = None
    payload: list[Any] | None = None
    auth: dict[str, Any] = {}


class Subscription(Struct):
    """To one private channel; ``markets`` may hold ``!all``."""

    account: int
    markets: set[str]

    def hears(self, account: int, native: str) -> bool:
        return account == self.account and (not native or native in self.markets or ALL in self.markets)


class ChannelRefused(Exception):
    """A private subscription that is not taken: the code and the words of the answer."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class GateioPrivate:
    def __init__(self, front: "GateioFront") -> None:
        world = front.world
        self._front = front
        self._accounts = world.accounts
        self._timeline = world.timeline
        numbers = {listing.key: number for number, listing in enumerate(world.listings)}
        self._records = {
            kind: Records(world.accounts, front.markets[kind], numbers, world.timeline) for kind in PREFIXES
        }
        self._authority = Authority(world.accounts.keys, world.timeline)
        self._limits = UserLimits(world.limits.spot_weight, world.limits.window_ms, world.limits.refusals_before_ban)
        self._sockets: list[Socket] = []
        self._holdings: dict[tuple[int, str], Holding] = {}
        self._wallets: dict[tuple[int, str], Decimal] = {}
        self._updates = 0

    # --- REST ----------------------------------------------------------------------------------------------------

    def pages(self) -> list[Page]:
        account = [
            PrivatePage("GET", "/account/detail", self._detail),
            PrivatePage("GET", "/account/main_keys", self._main_keys),
        ]
        return [
            Page(page.method, BASE_PATH + page.path, self._answer(kind, page), page.permission is Permission.TRADE)
            for kind, pages in (
                (SPOT, SpotPrivate(self._records[SPOT]).pages() + account),
                (LINEAR, LinearPrivate(self._records[LINEAR]).pages()),
            )
            for page in pages
        ]

    def _answer(self, kind: MarketKind, page: PrivatePage) -> Callable[[Call], Reply]:
        endpoint = f"{page.method} {page.path}"

        def answer(call: Call) -> Reply:
            headers: dict[str, str] = {}
            try:
                signed = self._authority.read(call, page.permission)
                now_ms = self._timeline.now_ms()
                headers = self._limits.count(signed.account, endpoint, now_ms)
                if page.orders:
                    self._limits.count_order(signed.account, kind, signed.text("currency_pair"), now_ms)
                return json_reply(page.answer(signed), page.status, headers)
            except LabelError as error:
                reply = error.reply()
                return Reply(reply.body, reply.status, headers)

        return answer

    def _detail(self, signed: Signed) -> dict[str, Any]:
        return {
            "user_id": texts.user_id(signed.account), "ip_whitelist": [], "currency_pairs": [], "key": {"mode": 1},
            "tier": 0, "tier_expire_time": "0001-01-01T00:00:00Z", "copy_trading_role": 0,
        }  # fmt: skip

    def _main_keys(self, signed: Signed) -> list[dict[str, Any]]:
        """All keys of the account, each with what it may do; their ends are hidden."""
        rows = []
        for key in self._accounts.keys.all():
            if key.account != signed.account:
                continue
            reads_only = not key.may(Permission.TRADE)
            permissions = [{"name": name, "read_only": reads_only} for name in ("account", "spot", "futures")]
            if key.may(Permission.WITHDRAW):
                permissions.append({"name": "withdraw", "read_only": False})
            rows.append(
                {
                    "state": 1, "mode": 1, "name": key.role.value, "user_id": texts.user_id(key.account),
                    "perms": permissions, "ip_whitelist": [], "currency_pairs": [], "key": f"{key.key[:12]}*****",
                    "created_at": 1_700_000_000, "update_at": 1_700_000_000, "last_access": 1_700_000_000,
                }
            )  # fmt: skip
        return rows

    # --- channels ------------------------------------------------------------------------------------------------

    @staticmethod
    def is_private(market: MarketKind, channel: str) -> bool:
        prefix, _, name = channel.partition(".")
        return prefix == PREFIXES[market] and name in CHANNELS[market]

    def closed(self, socket: Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)

    def perform(self, socket: Socket, request: PrivateRequest) -> None:
        """Subscribe or unsubscribe; ChannelRefused in Gate's words."""
        name = request.channel.partition(".")[2]
        account = self._account(request)
        markets = self._markets(socket.door.market, name, account, request.payload or [])
        held: dict[str, Subscription] = socket.state.setdefault("private", {})
        if request.event == "unsubscribe":
            if name in held:
                held[name].markets -= markets
                if not held[name].markets:
                    del held[name]
            return
        if request.event != "subscribe":
            raise ChannelRefused(BAD_ARGUMENT, f"unknown event: {request.event}")
        if name in held and held[name].account == account:
            held[name].markets |= markets
        else:
            held[name] = Subscription(account, markets)
        if socket not in self._sockets:
            self._sockets.append(socket)

    def _account(self, request: PrivateRequest) -> int:
        """The account by the request's own signature."""
        auth = request.auth
        try:
            key = self._authority.key(str(auth.get("KEY", "")))
            self._authority.check_time(str(request.time))
            payload = f"channel={request.channel}&event={request.event}&time={request.time}"
            self._authority.check_signature(key, payload, str(auth.get("SIGN", "")))
        except LabelError as error:
            words = msgspec.json.encode({"label": error.label, "message": error.words}).decode()
            raise ChannelRefused(BAD_KEY, words + "\n") from None
        return key.account

    def _markets(self, kind: MarketKind, name: str, account: int, payload: Sequence[Any]) -> set[str]:
        names = [str(item) for item in payload]
        if kind is LINEAR:
            if not names or names[0] != str(texts.user_id(account)):
                raise ChannelRefused(BAD_ARGUMENT, "invalid argument: user id")
            names = names[1:]
        if name in WITHOUT_MARKETS:
            return {ALL}
        if not names:
            raise ChannelRefused(BAD_ARGUMENT, "invalid argument: payload is empty")
        for native in names:
            if native != ALL and native not in self._front.markets[kind]:
                what = "unknown currency pair" if kind is SPOT else "unknown contract"
                raise ChannelRefused(BAD_ARGUMENT, f"{what} {native}")
        return set(names)

    def listeners(self, account: int, kind: MarketKind) -> int:
        """Sockets on which the account hears its orders and its trades."""
        return sum(
            socket.door.market is kind
            and {"orders", "usertrades"} <= socket.state["private"].keys()
            and socket.state["private"]["orders"].account == account
            for socket in self._sockets
        )

    # --- events --------------------------------------------------------------------------------------------------

    def event(self, event: AccountEvent) -> None:
        match event:
            case OrderEvent():
                self._order_event(event)
            case BalanceEvent(kind=MarketKind.SPOT):
                self._spot_balances(event)
            case BalanceEvent():
                self._wallet_balances(event)
                for view in event.positions:
                    self._position(view)
            case SettingEvent():
                self._position(self._accounts.positions.view(event.account, event.key))
            case MarginCallEvent():
                self._position(event.position)

    def _order_event(self, event: OrderEvent) -> None:
        order, fill, records = event.order, event.fill, self._records[event.order.kind]
        market, wire_id = records.by_key[order.key], records.id_of(order)
        if order.trigger is not None:
            self._trigger_event(event)
            return
        spot = order.kind is SPOT
        if fill is not None:
            self._tell(
                order.kind, "usertrades", order.account, market.native,
                lambda whole: texts.spot_trade_event(market, fill, wire_id) if spot
                else texts.linear_trade_event(market, fill, wire_id, whole=whole),
            )  # fmt: skip
        self._updates += 1
        number = self._updates
        if spot:
            row = texts.spot_row(market, order, wire_id, records.fills(order))
            row = texts.spot_event(market, event.change, row, order)
            self._tell(SPOT, "orders", order.account, market.native, lambda whole: row)
            return
        self._tell(
            LINEAR, "orders", order.account, market.native,
            lambda whole: texts.linear_event(
                market, event.change, texts.linear_row(market, order, wire_id, whole=whole), order, number
            ),
        )  # fmt: skip

    def _trigger_event(self, event: OrderEvent) -> None:
        order, records = event.order, self._records[event.order.kind]
        market, wire_id, fired = records.by_key[order.key], records.id_of(order), records.fired(order)
        if order.kind is SPOT:
            row = texts.spot_trigger_row(market, order, wire_id, fired)
            self._tell(SPOT, "priceorders", order.account, market.native, lambda whole: row)
            return
        self._tell(
            LINEAR, "autoorders", order.account, market.native,
            lambda whole: texts.linear_trigger_row(market, order, wire_id, fired, whole=whole),
        )  # fmt: skip

    def _spot_balances(self, event: BalanceEvent) -> None:
        change_type = CHANGES.get(event.cause, "order-update")
        rows = []
        for holding in event.holdings:
            place = event.account, holding.currency
            before, self._holdings[place] = self._holdings.get(place), holding
            rows.append(texts.balance_event(event.account, holding, before, event.ms, change_type))
        self._tell_rows(SPOT, "balances", event.account, "", lambda whole: rows)

    def _wallet_balances(self, event: BalanceEvent) -> None:
        kind, rows = PAYMENTS.get(event.cause, "dnw"), []
        for wallet in event.wallets:
            place = event.account, wallet.currency
            change = wallet.total - self._wallets.get(place, wallet.total)
            self._wallets[place] = wallet.total
            rows.append(texts.wallet_event(event.account, wallet.currency, wallet.total, change, kind, event.ms))
        self._tell_rows(LINEAR, "balances", event.account, "", lambda whole: rows)

    def _position(self, view: PositionView) -> None:
        market = self._records[LINEAR].by_key[view.key]
        self._updates += 1
        number, ms = self._updates, view.updated_ms or self._timeline.now_ms()
        self._tell(
            LINEAR, "positions", view.account, market.native,
            lambda whole: texts.position_event(
                texts.position_row(market, view, 0, whole=whole), view.account, number, ms
            ),
        )  # fmt: skip

    def _tell(
        self, kind: MarketKind, name: str, account: int, native: str, row: Callable[[bool], dict[str, Any]]
    ) -> None:
        self._tell_rows(kind, name, account, native, lambda whole: [row(whole)])

    def _tell_rows(
        self, kind: MarketKind, name: str, account: int, native: str, rows: Callable[[bool], list[dict[str, Any]]]
    ) -> None:
        """One frame to every socket that hears the channel; ``rows`` is given whether sizes keep their fractions."""
        now_ms = self._timeline.now_ms()
        frames: dict[bool, str] = {}
        for socket in self._sockets:
            held = socket.state["private"].get(name)
            if socket.door.market is not kind or held is None or not held.hears(account, native):
                continue
            whole: bool = socket.state["whole"]
            if whole not in frames:
                content = {
                    "time": now_ms // 1000, "time_ms": now_ms, "channel": f"{PREFIXES[kind]}.{name}",
                    "event": "update", "result": rows(whole),
                }  # fmt: skip
                frames[whole] = msgspec.json.encode(content).decode()
            socket.deliver_private(frames[whole])
