"""The embedded exchange as one object: engines, crowd and gateway, running free or stepped by hand.

For ``python -m jackbot_tui.sim`` and for tests of any room::

    async with SimExchange(["BTC/USDT", "BTC/USDT:USDT"], seed=7) as exchange:        # runs in real time
        exchange.endpoints                # {"spot.public": "ws://127.0.0.1:40121/stream-spot", …} for load_venue()
        exchange.engine("BTC/USDT").depth(Side.BUY, 5)     # [(ticks, lots), …], the truth to compare with
        exchange.faults.set("drop", 0.1); exchange.faults.trigger("close", 1006)

    async with SimExchange(seed=7, manual=True) as exchange:     # time stands still …
        await exchange.step(0.5)                                  # … until it is moved: half a second of market,
                                                                  # returns when all its frames are on their way

    async with SimExchange(accounts=2) as exchange:              # two accounts with keys and money of their own
        exchange.accounts.keys.of(1)                              # ApiKey(key, secret, …) of account 1
        exchange.accounts.orders.fills(1)                         # the truth about it: sim/accounts.py

Same symbols, seed, rate and volatility give the same market, event for event, in simulated time. In manual mode the
time of day starts at ``MANUAL_START_NS`` and texts are the same in every run, too. Clients may add orders of their own
through ``engine(symbol).submit(…, account=1, now=exchange.timeline.elapsed_ns)``.
"""

import asyncio
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from types import TracebackType
from typing import Any

from jackbot_tui.model.clock import Clock, SystemClock
from jackbot_tui.model.errors import InputError, JackbotError
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.faults import Faults, parse_faults
from jackbot_tui.sim.flow import Flow
from jackbot_tui.sim.front import FLUSH_MS, Front, World
from jackbot_tui.sim.hub import Hub
from jackbot_tui.sim.instruments import Listing, chosen_listings
from jackbot_tui.sim.limits import Limits
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.server import Gateway
from jackbot_tui.sim.timeline import Timeline

QUANTUM_NS = FLUSH_MS * 1_000_000
CATCH_UP_NS = 250_000_000  # at most this much market in one go, so that sockets are served in between
LAG_LIMIT_NS = 2_000_000_000  # farther behind than this: the market skips the moment instead of chasing it
MANUAL_START_NS = 1_795_000_000_000_000_000  # 2026-11-18T11:06:40Z
DRAIN_TIMEOUT_S = 10.0
RATES = (0.05, 100.0)
VOLATILITIES = (0.0, 20.0)
PORTS = (0, 65535)
ACCOUNTS = (0, 100)


VENUES = (
    "binance", "bitget", "bybit", "coinbase", "cryptocom", "gateio", "hyperliquid", "kraken", "kucoin", "mexc", "okx",
)  # fmt: skip
"""Venues whose public protocol the exchange plays: folders of this package."""


def front_of(venue: str) -> type[Front]:
    """The front that plays ``venue``; InputError names the nearest one when there is none."""
    if venue not in VENUES:
        near = get_close_matches(venue, VENUES, 1)
        hint = f"did you mean {near[0]}?" if near else f"it plays {', '.join(VENUES)}"
        raise InputError(f"the embedded exchange does not play {venue!r}: {hint}")
    front: type[Front] = import_module(f"jackbot_tui.sim.{venue}.front").VENUE_FRONT
    return front


class SimExchange:
    """See the module's text. Without ``symbols`` it runs the venue's default ones.

    InputError for a venue, symbols, rates, volatilities or faults it cannot have.
    """

    def __init__(
        self,
        symbols: Sequence[str] | None = None,
        *,
        venue: str = "binance",
        seed: int = 1,
        rate: float = 1.0,
        volatility: float = 1.0,
        faults: str = "",
        manual: bool = False,
        limits: Limits | None = None,
        start_ns: int | None = None,
        clock: Clock | None = None,
        accounts: int = 0,
    ) -> None:
        _within("rate", rate, RATES)
        _within("volatility", volatility, VOLATILITIES)
        _within("accounts", accounts, ACCOUNTS)
        self.manual = manual
        front = front_of(venue)
        self.venue = venue
        self.listings = chosen_listings(front.LISTINGS, front.DEFAULT_SYMBOLS if symbols is None else symbols)
        self.faults = Faults(parse_faults(faults), seed)
        self._clock = clock or SystemClock()
        if start_ns is None:
            start_ns = MANUAL_START_NS if manual else self._clock.now_ns()
        self.timeline = Timeline(start_ns)
        update_ids = front.update_ids(self.listings, seed)
        self.engines = {listing.key: MatchingEngine(update_ids[listing.key]) for listing in self.listings}
        self.flow = Flow(self.listings, self.engines, seed=seed, rate=rate, volatility=volatility)
        self.accounts = Accounts(accounts, self.listings, self.timeline, front.TERMS, seed)
        world = World(
            self.listings, self.engines, self.flow, self.timeline, self.faults, Hub(), limits or front.LIMITS, seed,
            self.accounts,
        )  # fmt: skip
        self.front = front(world)
        self.gateway = Gateway(self.front, self.timeline, self.faults)
        self.skipped_ns = 0  # market time that was skipped because the machine could not keep up
        self._port: int | None = None
        self._pacer: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        if self._port is None:
            raise InputError("the embedded exchange is not started: await start() first")
        return self._port

    @property
    def endpoints(self) -> dict[str, str]:
        """URLs in place of production's, by the names under which a venue's codec takes them."""
        return self.gateway.endpoints(self.port)

    @property
    def ccxt_urls(self) -> dict[str, Any]:
        """What ccxt's ``urls["api"]`` must be updated with to trade here."""
        return self.gateway.ccxt_urls(self.port)

    def engine(self, symbol: str) -> MatchingEngine:
        """The matching engine of a ccxt unified symbol."""
        return self.engines[self.listing(symbol).key]

    def market(self, symbol: str) -> SimMarket:
        """The market of a ccxt unified symbol: texts, history, mark price."""
        instrument = self.listing(symbol).instrument
        return self.front.markets[instrument.kind][instrument.native]

    def listing(self, symbol: str) -> Listing:
        for listing in self.listings:
            if listing.instrument.symbol == symbol:
                return listing
        raise InputError(f"this exchange does not run {symbol!r}: it runs {', '.join(self._symbols())}")

    async def start(self, port: int = 0) -> None:
        """Open the port (0: any free one) and, unless manual, let the market run. InputError when it cannot be had."""
        _within("port", port, PORTS)
        try:
            self._port = await self.gateway.start(port)
        except OSError as error:
            await self.gateway.stop()
            reason = error.strerror or str(error)
            raise InputError(f"port {port} cannot be opened on 127.0.0.1 ({reason}): choose another, or 0") from None
        if not self.manual:
            self._pacer = asyncio.create_task(self._run_free(), name="sim pacer")

    async def stop(self) -> None:
        """Stop the market, cut all connections, close the port."""
        if self._pacer is not None:
            self._pacer.cancel()
            await asyncio.gather(self._pacer, return_exceptions=True)
            self._pacer = None
        await self.gateway.stop()
        self._port = None

    async def __aenter__(self) -> "SimExchange":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def finished(self) -> None:
        """Wait for the pacing task: returns when it was stopped, raises what broke it."""
        if self._pacer is not None:
            await self._pacer

    async def step(self, seconds: float) -> None:
        """Manual mode: move the market on, and return when every frame it published was handed to the transport.

        JackbotError when a client lets its frames pile up: clients must read while long steps are made.
        """
        if not self.manual:
            raise InputError("step() is for SimExchange(manual=True): this one runs by itself")
        until_ns = self.timeline.elapsed_ns + round(seconds * 1e9)
        while self.timeline.elapsed_ns < until_ns:
            self.advance(min(until_ns, self.timeline.elapsed_ns + CATCH_UP_NS))
            try:
                async with asyncio.timeout(DRAIN_TIMEOUT_S):
                    await self.gateway.drained()
            except TimeoutError:
                raise JackbotError("a client of the embedded exchange does not read its frames") from None

    def advance(self, until_ns: int) -> None:
        """Move the market to ``until_ns`` of simulated time, in beats of ``QUANTUM_NS``."""
        timeline = self.timeline
        while timeline.elapsed_ns < until_ns:
            beat = (timeline.elapsed_ns // QUANTUM_NS + 1) * QUANTUM_NS
            timeline.advance_to(min(beat, until_ns))
            self.flow.advance(timeline.elapsed_ns)
            self.accounts.advance()
            self.gateway.pump()

    async def _run_free(self) -> None:
        """Keep simulated time level with the clock; when far behind, skip rather than chase."""
        while True:
            lag = self._clock.now_ns() - self.timeline.origin_ns - self.timeline.elapsed_ns
            if lag > LAG_LIMIT_NS:
                self.timeline.slip(lag)
                self.skipped_ns += lag
                lag = 0
            self.advance(self.timeline.elapsed_ns + min(lag, CATCH_UP_NS) // QUANTUM_NS * QUANTUM_NS)
            behind = self._clock.now_ns() - self.timeline.origin_ns - self.timeline.elapsed_ns
            await asyncio.sleep(max(0.0, (QUANTUM_NS - behind) / 1e9))

    def _symbols(self) -> list[str]:
        return [listing.instrument.symbol for listing in self.listings]


def _within(name: str, value: float, bounds: tuple[float, float]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise InputError(f"{name} {value:g} is out of range: give one from {bounds[0]:g} to {bounds[1]:g}")
