"""Private calls of one market kind at one venue, made by ccxt and paced by the house's own rate limiter.

The live executor and its session are the callers. Every call waits its turn in a lane, has a time-out, and either gives
a typed statement or raises ``VenueFailure`` with what is known about the outcome. Nothing is retried here. ccxt's own
limiter stays off, and nothing is signed that was not asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from decimal import Decimal, localcontext
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.execution.live.dialect import Dialect, KeyRights, StopRule
from jackbot_tui.execution.live.failures import Redactor, VenueFailure
from jackbot_tui.execution.live.sockets import CLOSE_S, drop
from jackbot_tui.execution.live.statements import (
    AccountStatement,
    OrderStatement,
    OrderWord,
    PositionStatement,
    TradeStatement,
    balances_of,
    order_of,
    position_of,
    trade_of,
)
from jackbot_tui.feeds.limiter import Lane, LimitGate
from jackbot_tui.model.clock import NS_PER_MS, Clock
from jackbot_tui.model.enums import MarketKind, OrderType, TimeInForce
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.margin import MarginMode, MarginSetting
from jackbot_tui.model.numbers import ONE, text_of
from jackbot_tui.model.orders import Order
from jackbot_tui.venues.errors import ErrorKind, classify

TRADES_PER_PAGE = 500
MOST_PAGES = 20


class CallPolicy(Struct, frozen=True, kw_only=True):
    """Seconds. ``answer_s``: how long an answer is waited for once sent; ``queue_s``: how long for the rate limit."""

    answer_s: float = 8.0
    load_s: float = 60.0
    queue_s: float = 5.0
    query_queue_s: float = 30.0


class VenueClient:
    """See the module's paragraph. ``exchange`` is a ccxt.pro exchange whose addresses and keys are set."""

    def __init__(
        self,
        exchange: Any,
        dialect: Dialect,
        kind: MarketKind,
        gate: LimitGate,
        clock: Clock,
        redact: Redactor,
        policy: CallPolicy | None = None,
    ) -> None:
        self.exchange = exchange
        self.dialect = dialect
        self.kind = kind
        self.policy = policy or CallPolicy()
        self._gate = gate
        self._clock = clock
        self._redact = redact
        self._weights = dialect.weights_of(kind)

    async def load(self) -> None:
        """Read the venue's markets and its clock."""
        # Venues count their lists apart (MEXC: one in 5 s), and the public side has just asked for them.
        await self._gate.enter(1, Lane.QUERY, purpose="instruments")
        await self._call(self.exchange.load_markets, Lane.QUERY, self._weights.load, self.policy.load_s)
        await self.adjust_clock()

    async def adjust_clock(self) -> int:
        """Measure the venue's clock against ours and sign by it from now on; ms by which ours is ahead."""
        measured = await self._call(self.exchange.load_time_difference, Lane.URGENT, 1, purpose="time")
        return int(measured)

    # ------------------------------------------------------------------ orders

    async def create(self, order: Order, symbol: str) -> OrderStatement:
        """Place ``order``; the venue's answer to it, which may say little more than its id."""
        wire_id = self.dialect.client_ids.to_wire(order.client_id)
        params: dict[str, object] = {self.dialect.create_id: wire_id}
        if order.post_only:
            params["postOnly"] = True
        elif order.type is OrderType.LIMIT and order.tif is not TimeInForce.GTC:
            params["timeInForce"] = order.tif.value.upper()
        if order.reduce_only and self.kind is not MarketKind.SPOT:
            params["reduceOnly"] = True
        params.update(self._trigger(order))
        amount = self._amount(symbol, order.quantity)
        price = None if order.price is None else _number(order.price)
        lane = Lane.URGENT if order.reduce_only else Lane.ORDER
        raw = await self._call(
            lambda: self.exchange.create_order(symbol, order.type.value, order.side.value, amount, price, params),
            lane,
            self._weights.create,
            orders=1,
        )
        return self._answered(raw, symbol, order.client_id)

    async def amend(
        self, order: Order, symbol: str, venue_id: str, price: Decimal, quantity: Decimal
    ) -> OrderStatement:
        """Give a resting order a new price and total quantity."""
        amount = self._amount(symbol, quantity)
        raw = await self._call(
            lambda: self.exchange.edit_order(
                venue_id, symbol, order.type.value, order.side.value, amount, _number(price)
            ),
            Lane.ORDER,
            self._weights.amend,
            orders=1,
        )
        return self._answered(raw, symbol, order.client_id)

    async def cancel(self, client_id: str, symbol: str, venue_id: str, *, waits: bool = False) -> OrderStatement:
        """Cancel by the venue's id where it is known, else by ours. ``waits``: for its trigger, as far as we know."""
        rule = self._stops if waits else None
        params: dict[str, object] = {} if rule is None else dict(rule.cancel)
        if not venue_id:
            if not self.dialect.cancel_id:
                raise VenueFailure(
                    ErrorKind.RESYNC, "", "the venue cancels by its own id only, not known yet", sent=False
                )
            params[self.dialect.cancel_id] = self.dialect.client_ids.to_wire(client_id)
        raw = await self._call(
            lambda: self.exchange.cancel_order(venue_id or None, symbol, params), Lane.URGENT, self._weights.cancel
        )
        return self._answered(raw, symbol, client_id)

    async def order(
        self, client_id: str, symbol: str, venue_id: str, lane: Lane = Lane.QUERY, *, waits: bool = False
    ) -> OrderStatement:
        """Ask for one order: by our id where the venue can, else by its own.

        ``waits``: for its trigger, as far as we know. Where such orders have pages of their own it is looked for there
        first, and in the book if it is not there or has been woken.
        """
        rule = self._stops if waits else None
        if rule is None or not rule.query:
            return await self._order(client_id, symbol, venue_id, lane, {})
        try:
            said = await self._order(client_id, symbol, venue_id, lane, rule.query)
        except VenueFailure as failure:
            if failure.kind is not ErrorKind.RESYNC:
                raise
            return await self._order(client_id, symbol, "", lane, {})
        if said.waits is not False:
            return said
        try:
            became = await self._order("" if said.follower else client_id, symbol, said.follower, lane, {})
        except VenueFailure as failure:
            if failure.kind is not ErrorKind.RESYNC:
                raise
            return said
        return replace(became, client_id=client_id or became.client_id, waits=False)

    async def _order(
        self, client_id: str, symbol: str, venue_id: str, lane: Lane, extra: Mapping[str, object]
    ) -> OrderStatement:
        params = {**self.dialect.query_extra, **extra}
        if self.dialect.query_id and client_id:
            params[self.dialect.query_id] = self.dialect.client_ids.to_wire(client_id)
            venue_id = ""
        elif not venue_id:
            raise VenueFailure(ErrorKind.RESYNC, "", "the venue finds orders by its own id only", sent=False)
        raw = await self._call(
            lambda: self.exchange.fetch_order(venue_id or None, symbol, params), lane, self._weights.order
        )
        return self._answered(raw, symbol, client_id)

    async def open_orders(self, symbol: str, lane: Lane = Lane.QUERY) -> list[OrderStatement]:
        """All orders of the account that rest in one market, foreign ones included."""
        raws = await self._call(lambda: self.exchange.fetch_open_orders(symbol), lane, self._weights.open_orders)
        rule = self._stops
        if rule is not None and rule.listed:
            asked = partial(self.exchange.fetch_open_orders, symbol, None, None, dict(rule.listed))
            raws = [*raws, *await self._call(asked, lane, self._weights.open_orders)]
        return [self.read_order(raw) for raw in raws]

    async def trades(
        self, symbol: str, since_ns: int, venue_id: str = "", lane: Lane = Lane.QUERY
    ) -> list[TradeStatement]:
        """The account's own executions in one market since then, oldest first; of one order where the venue can."""
        narrow = {self.dialect.trades_of_order: venue_id} if venue_id and self.dialect.trades_of_order else {}
        since = None if narrow else max(0, since_ns // NS_PER_MS)
        found: dict[str, TradeStatement] = {}
        for _ in range(MOST_PAGES):
            ask = partial(self.exchange.fetch_my_trades, symbol, since, TRADES_PER_PAGE, narrow)
            raws = await self._call(ask, lane, self._weights.trades)
            before = len(found)
            for raw in raws:
                trade = self.read_trade(raw)
                if trade is not None:
                    found[trade.trade_id] = trade
            if len(raws) < TRADES_PER_PAGE or len(found) == before or since is None:
                break
            since = max(trade.ts for trade in found.values()) // NS_PER_MS
        return sorted(found.values(), key=lambda trade: trade.ts)

    # ------------------------------------------------------------------ the account

    async def account(self, lane: Lane = Lane.QUERY) -> AccountStatement:
        """Balances of this kind's wallet and, on perpetuals, the positions that are not flat."""
        params = {"type": "spot" if self.kind is MarketKind.SPOT else "swap"}
        balance = await self._call(lambda: self.exchange.fetch_balance(params), lane, self._weights.balance)
        if self.kind is MarketKind.SPOT:
            return AccountStatement(balances=balances_of(balance))
        raws = await self._call(lambda: self.exchange.fetch_positions(), lane, self._weights.positions)
        positions = (self.read_position(raw) for raw in raws)
        return AccountStatement(balances=balances_of(balance), positions=tuple(each for each in positions if each))

    async def rights(self) -> KeyRights:
        """What the key may do, as far as the venue tells."""
        rule = self.dialect.rights
        if rule is None:
            return KeyRights()
        return rule.read(await self._call(getattr(self.exchange, rule.call), Lane.QUERY, 1), self.kind)

    async def count_down(self, symbol: str, seconds: float) -> None:
        """Let the venue cancel all orders of one market unless it hears again within that time; 0 takes it back."""
        rule = self.dialect.dead_man[self.kind]
        call = getattr(self.exchange, rule.call)
        request = rule.request(self.exchange.market(symbol)["id"], int(seconds * 1000))
        await self._call(lambda: call(request), Lane.ORDER, self._weights.count_down)

    async def set_margin(self, symbol: str, wanted: MarginSetting, *, mode: bool) -> None:
        """Set leverage and, with ``mode``, the margin mode; "it is so already" is success."""
        if mode:
            name = "isolated" if wanted.mode is MarginMode.ISOLATED else "cross"
            await self._settle(lambda: self.exchange.set_margin_mode(name, symbol))
        await self._settle(lambda: self.exchange.set_leverage(int(wanted.leverage), symbol))

    async def _settle(self, ask: Callable[[], Awaitable[Any]]) -> None:
        try:
            await self._call(ask, Lane.ORDER, self._weights.setting)
        except VenueFailure as failure:
            if failure.kind is not ErrorKind.SETTLED:
                raise

    async def close(self) -> None:
        """Close every connection, in a few seconds at most."""
        await drop(self.exchange)
        with suppress(TimeoutError):  # what still hangs then is nobody's any more
            async with asyncio.timeout(CLOSE_S):
                await self.exchange.close()

    # ------------------------------------------------------------------ reading

    def size(self, symbol: str) -> Decimal:
        """Base units per unit of ccxt's amounts: the contract's size, 1 on spot."""
        market: Mapping[str, Any] = (self.exchange.markets or {}).get(symbol) or {}
        size = market.get("contractSize")
        return ONE if size is None or self.kind is MarketKind.SPOT else Decimal(str(size))

    def read_order(self, raw: Mapping[str, Any]) -> OrderStatement:
        said = order_of(raw, self.size(str(raw.get("symbol"))), self.dialect.client_ids.from_wire)
        rule = self._stops
        told = isinstance(raw.get("info"), Mapping)  # an answer may be a bare word
        state = rule.read(raw) if rule is not None and told else None
        if state is None:  # an order of the book: where others have pages of their own it waits for nothing
            return replace(said, waits=False) if rule is not None and rule.query else said
        if state.stands_for and state.waits is False:
            return replace(said, word=OrderWord.OPEN, filled=None, trades=(), waits=False, follower=state.follower)
        return replace(said, waits=state.waits)

    def read_trade(self, raw: Mapping[str, Any]) -> TradeStatement | None:
        return trade_of(raw, self.size(str(raw.get("symbol"))), self.dialect.client_ids.from_wire)

    def read_position(self, raw: Mapping[str, Any]) -> PositionStatement | None:
        """None for a flat one."""
        return position_of(raw, self.size(str(raw.get("symbol"))))

    def failure(self, error: BaseException) -> VenueFailure:
        """What ``error`` of ccxt means, without secrets."""
        classes = [each.__name__ for each in type(error).__mro__]
        text = self._redact(" ".join(str(error).split()))
        problem = classify(self.dialect.errors, classes, text)
        return VenueFailure(problem.kind, problem.code, problem.words)

    # ------------------------------------------------------------------ inside

    def _answered(self, raw: Mapping[str, Any], symbol: str, client_id: str) -> OrderStatement:
        """The answer to a request about one order of ours: venues leave out what the request named."""
        said = self.read_order({**raw, "symbol": symbol})
        return said if said.client_id == client_id else replace(said, client_id=client_id)

    @property
    def _stops(self) -> StopRule | None:
        return self.dialect.stops.get(self.kind)

    def _trigger(self, order: Order) -> dict[str, object]:
        """Parameters of an order that waits. VenueFailure where we have no words for it there."""
        if order.trigger_price is None:
            return {}
        rule = self._stops
        if rule is None or order.trigger_by not in rule.triggers:
            reason = f"{self.dialect.venue} {self.kind.value} takes no order that waits for {order.trigger_text}"
            raise VenueFailure(ErrorKind.REJECTED, "trigger", reason, sent=False)
        params = dict(rule.ask(order, _number(order.trigger_price)))
        if rule.by:
            params[rule.by] = rule.triggers[order.trigger_by]
        return params

    def _amount(self, symbol: str, quantity: Decimal) -> float:
        return _number(quantity / self.size(symbol))

    async def _call(
        self,
        ask: Callable[[], Awaitable[Any]],
        lane: Lane,
        weight: int,
        answer_s: float = 0.0,
        *,
        orders: int = 0,
        purpose: str = "private",
    ) -> Any:
        """Wait for the rate limit, ask once, and tell a failure by what it means."""
        policy = self.policy
        try:
            async with asyncio.timeout(policy.query_queue_s if lane is Lane.QUERY else policy.queue_s):
                await self._gate.enter(weight, lane, orders=orders, purpose=purpose)
        except TimeoutError:
            reason = "no room in the venue's rate limit: it was not sent"
            raise VenueFailure(ErrorKind.RETRYABLE, "rate_limit", reason, sent=False) from None
        except InputError as error:
            raise VenueFailure(ErrorKind.RETRYABLE, "rate_limit", str(error), sent=False) from None
        try:
            async with asyncio.timeout(answer_s or policy.answer_s):
                with localcontext():  # ccxt sets the rounding of the decimal context that it runs in
                    answer = await ask()
        except TimeoutError:
            raise VenueFailure(ErrorKind.UNKNOWN, "timeout", "no answer in time") from None
        except Exception as error:  # noqa: BLE001 - ccxt raises its own tree and, on odd answers, whatever Python does
            failure = self.failure(error)
            self._learn(failure, error)
            raise failure from None
        return answer

    def _learn(self, failure: VenueFailure, error: BaseException) -> None:
        """Tell the limiter that the venue said no: by ccxt's class, or by a code that it has no class for."""
        classes = {each.__name__ for each in type(error).__mro__}
        if not classes & {"RateLimitExceeded", "DDoSProtection"} and failure.code not in ("-1003", "-1015"):
            return
        headers = getattr(self.exchange, "last_response_headers", None) or {}
        told = str(headers.get("Retry-After", ""))
        wait = float(told) if told.isdigit() else self.dialect.errors.pauses.get(failure.code)
        self._gate.limiter.refuse(self._clock.now_ns(), banned=False, retry_after_s=wait)


def _number(value: Decimal) -> float:
    """``value`` as ccxt takes it. VenueFailure when a float cannot hold it so that the same text comes out."""
    number = float(value)
    if Decimal(repr(number)) != value:
        raise VenueFailure(ErrorKind.REJECTED, "precision", f"{text_of(value)} has too many digits to send", sent=False)
    return number
