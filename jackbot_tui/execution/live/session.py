"""Keeps a venue's private side open: connects, listens to the user streams, polls across them, catches up after gaps.

Owned by the engine's runtime as one task. Whatever is heard goes to the executor. New orders are let through (its
``trouble`` is "") only while the streams are open and everything missed has been fetched and merged. A stream that
stays silent while polls find news is replaced, and so is a socket that answers no ping.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from decimal import getcontext, setcontext
from functools import partial
from typing import Any

from msgspec import Struct

from jackbot_tui.execution.live.client import VenueClient
from jackbot_tui.execution.live.executor import LiveExecutor, Tell
from jackbot_tui.execution.live.failures import VenueFailure
from jackbot_tui.execution.live.sockets import Pulse, drop, stands
from jackbot_tui.execution.live.statements import balances_of
from jackbot_tui.feeds.backoff import Backoff, BackoffPolicy
from jackbot_tui.feeds.limiter import Lane
from jackbot_tui.model.clock import NS_PER_S, Clock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.errors import ErrorKind

Open = Callable[[], Awaitable[Mapping[MarketKind, VenueClient]]]
LONGEST_LOOK_BACK_NS = 7 * 86_400 * NS_PER_S
WINDS = 3
"""The dead-man switch is wound up so often within its time: one failed call does not let it strike."""


class SessionPolicy(Struct, frozen=True, kw_only=True):
    """Seconds. ``silent_s``: answers or polls have brought news, and so long after it the stream has told nothing."""

    open_s: float = 15.0
    poll_s: float = 15.0
    silent_s: float = 4.0
    quiet_s: float = 5.0  # nothing at all was heard on a socket for so long: it is pinged
    answer_s: float = 5.0  # so long it may take to answer: then it is dead and replaced
    look_s: float = 0.25
    end_s: float = 5.0  # what an orderly end may take with each of its parts
    dead_man_s: float = 0.0  # the venue cancels our working orders when it has not heard from us for so long; 0 = never
    look_back_s: float = 300.0
    retry: BackoffPolicy = BackoffPolicy(first_s=0.5, cap_s=30.0)


class LiveSession:
    """See the module's paragraph. ``symbols`` are followed by kind; ``open`` gives loaded clients."""

    def __init__(
        self,
        executor: LiveExecutor,
        open: Open,
        symbols: Mapping[MarketKind, Sequence[str]],
        clock: Clock,
        tell: Tell,
        rng: random.Random,
        *,
        policy: SessionPolicy | None = None,
        on_account: Callable[[], None] = lambda: None,
    ) -> None:
        self.policy = policy or SessionPolicy()
        self.reconnects = 0
        self.silences = 0
        self._executor = executor
        self._open = open
        self._symbols = symbols
        self._clock = clock
        self._tell = tell
        self._rng = rng
        self._on_account = on_account
        self._troubles: dict[MarketKind, str] = {}
        self._heard: dict[MarketKind, int] = {}
        self._counting: set[tuple[MarketKind, str]] = set()

    async def run(self) -> None:
        """Until cancelled; closes every connection then."""
        clients = await self._connect()
        self._troubles = dict.fromkeys(clients, "the private streams are being opened")
        self._executor.connect(clients)
        try:
            async with asyncio.TaskGroup() as group:
                for kind, client in clients.items():
                    group.create_task(self._keep(kind, client), name=f"live {kind.value}")
                    if self.policy.dead_man_s and kind in client.dialect.dead_man:
                        group.create_task(self._count_down(kind, client), name=f"dead man {kind.value}")
        finally:
            self._executor.trouble = "the live session has ended"
            await self._stop_counting(clients)
            await asyncio.gather(*(client.close() for client in clients.values()))

    async def _connect(self) -> Mapping[MarketKind, VenueClient]:
        backoff = Backoff(self._rng, self.policy.retry)
        while True:
            try:
                return await self._open()
            except VenueFailure as failure:
                self._executor.trouble = f"the private side cannot be opened: {failure.reason}"
                self._tell("bad", f"{self._executor.trouble}; trying again")
                delay = self.policy.retry.cap_s if failure.kind is ErrorKind.AUTH else backoff.next_delay_s()
            await asyncio.sleep(delay)

    # ------------------------------------------------------------------ one kind of market

    async def _keep(self, kind: MarketKind, client: VenueClient) -> None:
        """Open the streams, catch up, stay until one breaks; again and again."""
        backoff = Backoff(self._rng, self.policy.retry)
        while True:
            watches = self._watches(kind, client)
            try:
                await self._opened(client, watches)
                await self._catch_up(kind, client)
                self._set(kind, "")
                self._tell("good", f"private streams of {kind.value} are open, everything missed is merged")
                backoff.reset()
                reason = await self._stay(kind, client, watches)
            except VenueFailure as failure:
                reason = failure.reason
            finally:
                self._set(kind, f"the private stream of {kind.value} is down")
                await _ended(watches)
            self.reconnects += 1
            self._set(kind, f"the private stream of {kind.value} is down: {reason}")
            self._tell("warn", f"private stream of {kind.value} lost: {reason}; no new orders until it is back")
            await self._forget_streams(client)
            await asyncio.sleep(backoff.next_delay_s())

    def _set(self, kind: MarketKind, trouble: str) -> None:
        self._troubles[kind] = trouble
        self._executor.trouble = next((each for each in self._troubles.values() if each), "")

    def _watches(self, kind: MarketKind, client: VenueClient) -> list[asyncio.Task[None]]:
        """One task for each private stream that ccxt and the venue have."""
        exchange, dialect = client.exchange, client.dialect
        params = dict(dialect.watch_params[kind])
        lacking = dialect.unwatched.get(kind, frozenset())
        tasks: list[asyncio.Task[None]] = []

        def begin(name: str, listen: Callable[[], Awaitable[Any]], hear: Callable[[VenueClient, Any], None]) -> None:
            if name not in lacking:
                tasks.append(asyncio.create_task(self._watch(kind, client, listen, hear), name=f"watch {name} {kind}"))

        for name, watch, hear in (
            ("orders", exchange.watch_orders, self._on_orders),
            ("trades", exchange.watch_my_trades, self._on_trades),
        ):
            for symbol in self._symbols.get(kind, ()) if name in dialect.watch_each else (None,):
                begin(name, partial(watch, symbol, None, None, params), hear)
        begin("balance", partial(exchange.watch_balance, params), self._on_balance)
        if kind is MarketKind.LINEAR:
            symbols = list(self._symbols.get(kind, ())) if "positions" in dialect.watch_each else None
            begin("positions", partial(exchange.watch_positions, symbols, None, None, params), self._on_positions)
        return tasks

    async def _watch(
        self,
        kind: MarketKind,
        client: VenueClient,
        listen: Callable[[], Awaitable[Any]],
        hear: Callable[[VenueClient, Any], None],
    ) -> None:
        setcontext(getcontext().copy())  # ccxt sets the rounding of the decimal context that it runs in
        while True:
            try:
                raws = await listen()
            except Exception as error:  # noqa: BLE001 - ccxt's tree and whatever an odd message makes of it
                raise client.failure(error) from None
            self._heard[kind] = self._clock.now_ns()
            self._executor.news_ns.pop(kind, None)
            hear(client, raws)

    def _on_orders(self, client: VenueClient, raws: Any) -> None:
        for raw in list(raws):
            self._executor.hear_order(client.read_order(raw), streamed=True)

    def _on_trades(self, client: VenueClient, raws: Any) -> None:
        for raw in list(raws):
            trade = client.read_trade(raw)
            if trade is not None:
                self._executor.hear_trade(trade)

    def _on_balance(self, client: VenueClient, raw: Any) -> None:
        self._executor.account.take_balances(client.kind, balances_of(raw))

    def _on_positions(self, client: VenueClient, raws: Any) -> None:
        for raw in list(raws):
            said = client.read_position(raw)
            self._executor.account.take_position(str(raw.get("symbol")), said)

    async def _opened(self, client: VenueClient, watches: Sequence[asyncio.Task[None]]) -> None:
        """Return when a private socket stands; VenueFailure when it does not in time, or a watch broke."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.policy.open_s):
                while not stands(client.exchange):
                    _raise_broken(watches)
                    await asyncio.sleep(0.02)
                return
        raise VenueFailure(ErrorKind.UNKNOWN, "timeout", "the private stream did not open in time")

    async def _forget_streams(self, client: VenueClient) -> None:
        """Close the sockets and the session's tokens, so that the next attempt signs in anew."""
        await drop(client.exchange)
        for path in client.dialect.tokens:
            *buckets, name = path.split(".")
            options = client.exchange.options
            for bucket in buckets:
                options = options.get(bucket) or {}
            options.pop(name, None)

    # ------------------------------------------------------------------ dead-man switch

    async def _count_down(self, kind: MarketKind, client: VenueClient) -> None:
        """Wind the venue's cancel-all-after up again and again, in every market where orders of ours work."""
        after = self.policy.dead_man_s
        while True:
            for symbol, working in self._exposed(kind, client):
                place = (kind, symbol)
                if not working and place not in self._counting:
                    continue
                try:
                    await client.count_down(symbol, after if working else 0)
                except VenueFailure as failure:
                    self._tell("bad", f"the dead-man switch of {symbol} was not wound up: {failure.reason}")
                    continue
                if working and place not in self._counting:
                    self._tell("info", f"dead-man switch of {symbol}: orders end {after:g} s after we fall silent")
                (self._counting.add if working else self._counting.discard)(place)
            await asyncio.sleep(after / WINDS)

    def _exposed(self, kind: MarketKind, client: VenueClient) -> list[tuple[str, bool]]:
        """What the switch counts for, and whether orders of ours work there: markets, or the account by one of them."""
        tracker, venue = self._executor.tracker, client.dialect.venue
        found = [(symbol, bool(tracker.working(f"{venue}:{symbol}"))) for symbol in self._followed(kind)]
        if client.dialect.dead_man[kind].whole and found:
            return [(self._symbols[kind][0] if self._symbols.get(kind) else found[0][0], any(w for _, w in found))]
        return found

    async def _stop_counting(self, clients: Mapping[MarketKind, VenueClient]) -> None:
        """An orderly end leaves orders as the shutdown policy wants them: the venue must not cancel them afterwards."""

        async def stop(kind: MarketKind, symbol: str) -> None:
            try:
                async with asyncio.timeout(self.policy.end_s):
                    await clients[kind].count_down(symbol, 0)
            except TimeoutError:
                self._tell("bad", f"the dead-man switch of {symbol} still counts down: no answer in time")
            except VenueFailure as failure:
                self._tell("bad", f"the dead-man switch of {symbol} still counts down: {failure.reason}")

        await asyncio.gather(*(stop(kind, symbol) for kind, symbol in sorted(self._counting)))

    # ------------------------------------------------------------------ asking

    async def _catch_up(self, kind: MarketKind, client: VenueClient) -> None:
        """Fetch what was missed: working orders, own trades, the account. VenueFailure when the venue does not say."""
        await client.adjust_clock()
        since = self._since()
        for symbol in self._followed(kind):
            for trade in await client.trades(symbol, since, lane=Lane.ORDER):
                self._executor.hear_trade(trade)
            await self._open_orders(client, symbol)
        await self._account(kind, client, Lane.ORDER)  # orders wait for it

    async def _stay(self, kind: MarketKind, client: VenueClient, watches: Sequence[asyncio.Task[None]]) -> str:
        """Until the stream must be replaced; why. Meanwhile it is asked across, and whether its sockets still hear."""
        policy = self.policy
        self._executor.news_ns.pop(kind, None)  # what was missed is merged: the stream does not owe it
        beside = [
            asyncio.create_task(self._polls(kind, client), name=f"polls {kind.value}"),
            asyncio.create_task(self._listens(client), name=f"pulse {kind.value}"),
        ]
        try:
            while True:
                done, _ = await asyncio.wait(
                    [*watches, *beside], timeout=policy.look_s, return_when=asyncio.FIRST_COMPLETED
                )
                _raise_broken(list(done))
                now = self._clock.now_ns()
                if now - self._executor.news_ns.get(kind, now) > policy.silent_s * NS_PER_S:
                    self.silences += 1
                    return "it is silent though the venue has news"
        finally:
            await _ended(beside)

    async def _listens(self, client: VenueClient) -> None:
        """VenueFailure when a socket is dead."""
        pulse, loop = Pulse(self.policy.quiet_s, self.policy.answer_s), asyncio.get_running_loop()
        while True:
            reason = await pulse.look(client.exchange, loop.time())
            if reason:
                raise VenueFailure(ErrorKind.UNKNOWN, "dead", reason)
            await asyncio.sleep(self.policy.look_s)

    async def _polls(self, kind: MarketKind, client: VenueClient) -> None:
        """Ask across the stream every now and then."""
        while True:
            await asyncio.sleep(self.policy.poll_s)
            try:
                for symbol in self._followed(kind):
                    await self._open_orders(client, symbol)
                await self._account(kind, client)
            except VenueFailure as failure:
                self._tell("warn", f"poll of {kind.value} orders failed: {failure.reason}")

    async def _open_orders(self, client: VenueClient, symbol: str) -> None:
        """Merge the working orders of one market; those of ours that lack are asked about."""
        asked = self._clock.now_ns()
        executor = self._executor
        shown = await client.open_orders(symbol, Lane.ORDER)
        for said in shown:
            executor.hear_order(said)
        executor.tracker.drop_foreign(symbol, {said.venue_id for said in shown})
        names = {said.client_id for said in shown}
        for tracked in executor.tracker.working(f"{client.dialect.venue}:{symbol}"):
            if tracked.client_id not in names and tracked.sent_ns < asked and tracked.heard_ns < asked:
                if tracked.accepted:
                    executor.news_ns.setdefault(client.kind, asked)
                executor.inquire(tracked.client_id)
            elif tracked.doubt or tracked.amend is not None:
                executor.inquire(tracked.client_id)

    async def _account(self, kind: MarketKind, client: VenueClient, lane: Lane = Lane.QUERY) -> None:
        said = await client.account(lane)
        self._executor.account.take(kind, said, self._clock.now_ns())
        self._on_account()

    def _followed(self, kind: MarketKind) -> list[str]:
        """Markets of the engine and those in which an order of ours is not over."""
        orders = self._executor.tracker.orders.values()
        ours = {tracked.key.partition(":")[2] for tracked in orders if not tracked.ended}
        mine = {symbol for symbol in ours if (":" in symbol) == (kind is MarketKind.LINEAR)}
        return sorted(mine | set(self._symbols.get(kind, ())))

    def _since(self) -> int:
        """From when on trades may have been missed: some time before the last thing known, or the oldest open order."""
        now = self._clock.now_ns()
        known = [tracked.sent_ns for tracked in self._executor.tracker.orders.values() if not tracked.ended]
        known.append(max((t.end_ns for t in self._executor.tracker.orders.values() if t.ended), default=now))
        known.append(max(self._heard.values(), default=now))
        return max(now - LONGEST_LOOK_BACK_NS, min(known) - int(self.policy.look_back_s * NS_PER_S))


def _raise_broken(watches: Sequence[asyncio.Task[None]]) -> None:
    for task in watches:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel them and wait for their ends; what they failed with is known or of no use any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
