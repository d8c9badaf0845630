"""KuCoin's private side on the wire: signed pages mounted and counted, tokens of private sockets, private topics.

Part of ``front``. Private topics share their sockets with public ones, as far as a socket's token was given out to a
key (../shared/exchanges/kucoin.md §7). Budgets of requests count per account: spot, and perpetuals.
"""

from collections.abc import Callable, Mapping, Sequence

from jackbot_tui.model.enums import MarketKind, OrderStatus, TimeInForce
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.front import Call, Page, Reply, Socket, json_reply
from jackbot_tui.sim.kucoin import private_texts as texts
from jackbot_tui.sim.kucoin.private_auth import Authority, KucoinRefusal, Names
from jackbot_tui.sim.kucoin.private_futures import FuturesPrivate
from jackbot_tui.sim.kucoin.private_spot import PrivatePage, SpotPrivate
from jackbot_tui.sim.kucoin.texts import message
from jackbot_tui.sim.limits import Limits, Verdict, WeightLimiter
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountEvent, BalanceEvent, Holding, OrderChange, OrderEvent, PositionView
from jackbot_tui.sim.timeline import Timeline

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
SUCCESS = "200000"
TOO_MANY = "429000"
BULLET_WEIGHT = 10
ORDERS = {SPOT: "/spotMarket/tradeOrders", LINEAR: "/contractMarket/tradeOrders"}
ORDERS_V2 = "/spotMarket/tradeOrdersV2"
STOPS = {SPOT: "/spotMarket/advancedOrders", LINEAR: "/contractMarket/advancedOrders"}
BALANCES = {SPOT: "/account/balance", LINEAR: "/contractAccount/wallet"}
POSITIONS = "/contract/positionAll"
POSITION = "/contract/position"
SUBJECTS = {SPOT: "orderChange", LINEAR: "symbolOrderChange"}


class KucoinPrivate:
    """``prefixes`` stand in place of hosts; ``bullet`` answers a request for a token of an account's sockets."""

    def __init__(
        self,
        accounts: Accounts,
        markets: Mapping[MarketKind, Mapping[str, SimMarket]],
        timeline: Timeline,
        limits: Limits,
        prefixes: Mapping[MarketKind, str],
        bullet: Callable[[MarketKind, Call, int], Reply],
    ) -> None:
        self._accounts = accounts
        self._timeline = timeline
        self._limits = limits
        self._prefixes = prefixes
        self._bullet = bullet
        self._authority = Authority(accounts.keys, timeline)
        self._markets = {market.listing.key: market for by_native in markets.values() for market in by_native.values()}
        self._natives = {kind: frozenset(by_native) for kind, by_native in markets.items()}
        self._names = Names(list(self._markets))
        self._pages: dict[MarketKind, list[PrivatePage]] = {
            SPOT: SpotPrivate(accounts, markets[SPOT], timeline, self._names).pages(),
            LINEAR: FuturesPrivate(accounts, markets[LINEAR], timeline, self._names).pages(),
        }
        self._budgets: dict[tuple[int, MarketKind], WeightLimiter] = {}
        self._sockets: list[Socket] = []
        self._held: dict[tuple[int, str], Holding] = {}
        self._versions = 0

    # --- REST ----------------------------------------------------------------------------------------------------

    def pages(self) -> list[Page]:
        mounted = []
        for kind, pages in self._pages.items():
            prefix = self._prefixes[kind]
            mounted += [
                Page(page.method, prefix + page.path, self._answer(kind, page), trades=page.trades) for page in pages
            ]
            for version in ("v1", "v2"):
                path = f"{prefix}/api/{version}/bullet-private"
                mounted.append(Page("POST", path, self._bullet_page(kind)))
        return mounted

    def _answer(self, kind: MarketKind, page: PrivatePage) -> Callable[[Call], Reply]:
        def answer(call: Call) -> Reply:
            try:
                signed = self._authority.read(call, self._prefixes[kind], page.permission)
                refused, headers = self._count(signed.account, kind, page.weight)
                if refused is not None:
                    return refused
                return json_reply({"code": SUCCESS, "data": page.work(signed)}, headers=headers)
            except KucoinRefusal as refusal:
                return json_reply({"code": refusal.code, "msg": str(refusal)}, refusal.status)

        return answer

    def _bullet_page(self, kind: MarketKind) -> Callable[[Call], Reply]:
        def answer(call: Call) -> Reply:
            try:
                signed = self._authority.read(call, self._prefixes[kind], None)
                refused, _ = self._count(signed.account, kind, BULLET_WEIGHT)
                return refused or self._bullet(kind, call, signed.account)
            except KucoinRefusal as refusal:
                return json_reply({"code": refusal.code, "msg": str(refusal)}, refusal.status)

        return answer

    def _count(self, account: int, kind: MarketKind, weight: int) -> tuple[Reply | None, dict[str, str]]:
        """The refusal when an account's budget is used up, and the headers that tell of it: spot has twice as much."""
        limits = self._limits
        budget = self._budgets.get((account, kind))
        if budget is None:
            most = 2 * limits.spot_weight if kind is SPOT else limits.linear_weight
            budget = WeightLimiter(most, limits.refusals_before_ban, limits.ban_s, limits.window_ms)
            self._budgets[account, kind] = budget
        now_ms = self._timeline.now_ms()
        verdict = budget.admit(weight, now_ms)
        headers = {
            "gw-ratelimit-limit": str(budget.limit),
            "gw-ratelimit-remaining": str(max(0, budget.limit - budget.used)),
            "gw-ratelimit-reset": str(limits.window_ms - now_ms % limits.window_ms),
        }
        if verdict is Verdict.ALLOWED:
            return None, headers
        words = "Too many requests in a short period. Please retry later."
        return json_reply({"code": TOO_MANY, "msg": words}, 429, headers), headers

    # --- sockets -------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket, account: int) -> None:
        """A socket whose token belongs to ``account``."""
        socket.state["account"] = account
        socket.state["private"] = {}
        self._sockets.append(socket)

    def closed(self, socket: Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)

    def sockets(self) -> list[Socket]:
        return list(self._sockets)

    def listeners(self, account: int, kind: MarketKind) -> int:
        return sum(
            socket.state["account"] == account and ORDERS[kind] in socket.state["private"] for socket in self._sockets
        )

    def exists(self, kind: MarketKind, name: str) -> bool:
        """Whether a private topic is one of this market's."""
        channel, _, native = name.partition(":")
        channels = {ORDERS[kind], STOPS[kind], BALANCES[kind]}
        channels |= {ORDERS_V2} if kind is SPOT else {POSITIONS, POSITION, "/contract/marginMode"}
        needs_native = channel == POSITION
        return channel in channels and (native in self._natives[kind] if native or needs_native else True)

    def subscribe(self, socket: Socket, names: Sequence[str]) -> None:
        socket.state["private"] |= dict.fromkeys(name.rstrip(":") for name in names)

    def unsubscribe(self, socket: Socket, name: str) -> None:
        socket.state.get("private", {}).pop(name.rstrip(":"), None)

    # --- events --------------------------------------------------------------------------------------------------

    def event(self, event: AccountEvent) -> None:
        match event:
            case OrderEvent():
                self._order_event(event)
            case BalanceEvent(kind=MarketKind.SPOT):
                self._spot_balances(event)
            case BalanceEvent():
                self._wallets(event)
                for view in event.positions:
                    self._position(event, view)

    def _order_event(self, event: OrderEvent) -> None:
        order, market = event.order, self._markets[event.order.key]
        if order.trigger is not None and (order.waiting or order.child_id or event.change is OrderChange.TRIGGERED):
            data = texts.stop_change(market, event, self._names)
            self._tell(order.account, (STOPS[order.kind],), "stopOrder", data)
            return
        topics: tuple[str, ...] = (ORDERS[order.kind],)
        topics += (ORDERS_V2,) if order.kind is SPOT else (f"{ORDERS[LINEAR]}:{market.native}",)
        for kind in self._news(event):
            data = texts.order_change(market, event, self._names, kind)
            self._tell(order.account, topics, SUBJECTS[order.kind], data)

    def _news(self, event: OrderEvent) -> list[str]:
        """What is said of an event: a taker is only said to be open once it rests with what it could not take."""
        order = event.order
        fills = self._accounts.orders.fills(order.account, order.key, order.order_id)
        taken = [fill.trade_id for fill in fills if not fill.is_maker]
        at_once = order.is_market or order.tif is not TimeInForce.GTC
        match event.change:
            case OrderChange.NEW:
                return [] if at_once or taken else ["open"]
            case OrderChange.FILL if order.status is OrderStatus.FILLED:
                return ["match", "filled"]
            case OrderChange.FILL:
                rests = event.fill is not None and taken[-1:] == [event.fill.trade_id] and not at_once
                return ["match", "open"] if rests else ["match"]
            case OrderChange.CANCELED | OrderChange.EXPIRED:
                return ["canceled"]
        return []

    def _spot_balances(self, event: BalanceEvent) -> None:
        for held in event.holdings:
            before = self._held.get((event.account, held.currency), Holding(held.currency, ZERO, ZERO))
            self._held[event.account, held.currency] = held
            relation = "trade_hf.hold" if before.total == held.total else "trade_hf.setted"
            data = texts.balance_change(held, before, relation, {}, event.ms)
            self._tell(event.account, (BALANCES[SPOT],), "account.balance", data)

    def _wallets(self, event: BalanceEvent) -> None:
        for wallet in event.wallets:
            self._versions += 1
            margin = self._accounts.positions.margin(event.account, wallet.currency)
            isolated = wallet.total - wallet.cross
            data = texts.wallet_change(wallet.currency, margin, isolated, self._versions, event.ms)
            self._tell(event.account, (BALANCES[LINEAR],), "walletBalance.change", data)

    def _position(self, event: BalanceEvent, view: PositionView) -> None:
        market = self._markets[view.key]
        data = texts.position_row(market, view, event.ms) | {"changeReason": "positionChange"}
        self._tell(event.account, (POSITIONS, f"{POSITION}:{market.native}"), "position.change", data)

    def _tell(self, account: int, topics: Sequence[str], subject: str, data: dict[str, object]) -> None:
        for socket in list(self._sockets):
            if socket.state["account"] != account:
                continue
            for topic in topics:
                if topic in socket.state["private"]:
                    socket.deliver_private(message(topic, subject, data))
