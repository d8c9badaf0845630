"""One range probe from its sockets to its result.

It follows the market with an engine of its own, asks through the live client, and closes everything afterwards.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from jackbot_tui.book.bands import reference_price
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.options import EngineOptions
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.execution.live.client import VenueClient
from jackbot_tui.execution.live.connection import open_clients
from jackbot_tui.execution.live.dialect import Dialect
from jackbot_tui.execution.live.failures import VenueFailure
from jackbot_tui.execution.live.keys import Credentials
from jackbot_tui.execution.live.probe import Around, ProbeStopped, RangeFound, RangeProbe
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind, Mode, Side
from jackbot_tui.model.errors import ConfigError, InputError
from jackbot_tui.model.ids import base36
from jackbot_tui.model.numbers import decimal_of
from jackbot_tui.venues.errors import ErrorKind

LIVE_S = 30.0
"""How long the market may take to be believed before a probe gives up."""

MARK_S = 10.0
LOOK_S = 0.05
OPEN_TRIES, OPEN_PAUSE_S = 4, 3.0
Clients = dict[MarketKind, VenueClient]


async def probe_range(
    dialect: Dialect,
    symbol: str,
    credentials: Credentials,
    *,
    endpoints: Mapping[str, str] | None = None,
    addresses: Mapping[str, Any] | None = None,
    sandbox: bool = False,
    allow_withdrawals: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> RangeFound:
    """Probe one market. JackbotError in one line when it cannot be done; nothing of it rests at the venue then.

    ``endpoints`` and ``addresses`` replace the public and the private ones (an embedded exchange's, a test net's).
    """
    kind = MarketKind.LINEAR if ":" in symbol else MarketKind.SPOT
    runtime = EngineRuntime(
        EngineOptions(mode=Mode.PAPER, venue=dialect.venue, symbols=[symbol], endpoints=dict(endpoints or {}))
    )
    await runtime.open()
    work = asyncio.create_task(runtime.run(), name="probe's market")
    clients: Clients = {}
    try:
        market = await _market(runtime, work, f"{dialect.venue}:{symbol}")
        assert runtime.feed is not None
        clock = SystemClock()
        limits = runtime.feed.rest.limits
        clients = await _opened(
            lambda: open_clients(dialect, [kind], credentials, limits.requests, clock, addresses, sandbox=sandbox)
        )
        rights = await clients[kind].rights()
        if rights.may_withdraw and not allow_withdrawals:
            raise ConfigError(f"the key may withdraw: take that right away at {dialect.venue}")
        band = market.instrument.band
        reference = band.reference if band is not None else "mark" if kind is MarketKind.LINEAR else "last"

        def around(side: Side) -> Around:
            bid, ask = market.book.best_bid(), market.book.best_ask()
            now = reference_price(market, reference, side, clock.now_ns())
            if not market.live or bid is None or ask is None or not now:
                raise ProbeStopped(f"the book of {symbol} is {market.state.value.upper()}: nothing can be measured")
            return Around(now, decimal_of(bid[0]), decimal_of(ask[0]))

        probe = RangeProbe(
            clients[kind],
            market.instrument,
            reference,
            around,
            clock,
            asyncio.sleep,
            tag=base36(secrets.randbelow(36**4), 4),
            tell=tell,
        )
        return await probe.run()
    finally:
        for client in clients.values():
            await client.close()
        runtime.stop("the probe is over")
        await asyncio.gather(work, return_exceptions=True)
        await runtime.close()


async def _market(runtime: EngineRuntime, work: "asyncio.Task[None]", key: str) -> InstrumentMarket:
    """The market once it is believed and, on perpetuals, once its mark has come."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while True:
        if work.done():
            work.result()
            raise ProbeStopped("the market data ended")
        market = runtime.data.markets.get(key)
        waited = loop.time() - begun
        if market is not None and market.live:
            priced = market.fresh_mark(runtime.clock.now_ns()) is not None or not market.instrument.is_perpetual
            traded = market.trades.last_price is not None
            if (priced and traded) or waited > MARK_S:
                return market
        if waited > LIVE_S:
            raise InputError(f"{key} was not LIVE within {LIVE_S:g} s: is the symbol right, and the network there?")
        await asyncio.sleep(LOOK_S)


async def _opened(open: Callable[[], Awaitable[Clients]]) -> Clients:
    """The private side; asked again while the venue says that it has had too many requests."""
    for _ in range(OPEN_TRIES):
        try:
            return await open()
        except VenueFailure as failure:
            if failure.kind is not ErrorKind.RETRYABLE:
                raise
            await asyncio.sleep(OPEN_PAUSE_S)
    return await open()
