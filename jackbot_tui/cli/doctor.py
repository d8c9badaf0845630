"""``jackbot doctor``: can this machine follow an exchange? One line a check, and what to do when it fails.

Per venue and market kind, in this order: names (DNS), encryption (TLS), the REST interface with its round trip, the
clock, and a subscription: a real book, brought to LIVE by the engine's own feed. Nothing is written, nothing is traded.
"""

import argparse
import asyncio
import os
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from jackbot_tui.cli.engines import endpoints_of
from jackbot_tui.model.clock import NS_PER_MS, SystemClock
from jackbot_tui.model.enums import MarketKind, Mode
from jackbot_tui.model.errors import InputError, JackbotError
from jackbot_tui.venues import VENUES, load_venue
from jackbot_tui.venues.base import Codec, MarketSpec

STEP_S = 10.0
"""Longest time for names, encryption and one request."""

SUBSCRIPTION_S = 30.0
"""Longest time until a book is LIVE."""

SKEW_WARNS_MS = 500
PREFERRED = ("BTC/USDT", "BTC/USDC", "BTC/USD")
"""Pairs that are tried first, in this order: the busiest ones."""


class Finding(Struct, frozen=True):
    """One line. ``todo`` is empty when all is well."""

    venue: str
    market: str
    check: str
    ok: bool
    words: str
    todo: str = ""

    @property
    def line(self) -> str:
        mark = "ok  " if self.ok else "FAIL"
        advice = f"; {self.todo}" if self.todo else ""
        return f"{mark} {self.venue:<12}{self.market:<8}{self.check:<14}{self.words}{advice}"


def run(options: argparse.Namespace) -> int:
    """Check the venues that were named, or all; exit code 1 when anything failed."""
    from jackbot_tui.settings.load import config_files, load_settings
    from jackbot_tui.settings.places import places_of

    for name in options.venue or ():
        load_venue(name)  # a wrong name is told before anything is tried
    files = config_files([Path(path) for path in options.config or []], os.environ, places_of(os.environ))
    settings = load_settings(files, os.environ, {}).settings
    endpoints = {name: endpoints_of(settings, name) for name in options.venue or VENUES}
    return asyncio.run(_print_all(endpoints, as_json=options.json))


async def _print_all(endpoints: dict[str, dict[str, str]], *, as_json: bool) -> int:
    failed = False
    for venue, overrides in endpoints.items():
        async for finding in examine(venue, overrides):
            failed = failed or not finding.ok
            text = msgspec.json.encode(finding).decode() if as_json else finding.line
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
    return 1 if failed else 0


async def examine(venue: str, endpoints: dict[str, str]) -> AsyncIterator[Finding]:
    """All checks of one venue; a market kind stops at the first that fails, since later ones need it."""
    codec = load_venue(venue, endpoints)
    for kind in MarketKind:
        market = codec.spec.markets.get(kind)
        if market is None:
            yield Finding(
                venue, kind.value, "market", True, f"not there: {codec.spec.unsupported.get(kind, 'no market')}"
            )
            continue
        for check in (_names, _encryption, _rest, _clock, _subscription):
            finding = await check(codec, market)
            yield finding
            if not finding.ok and check is not _clock:
                break


def _urls(market: MarketSpec) -> list[str]:
    return [market.rest_url, *(url for url in market.ws_urls.values() if url)]


async def _names(codec: Codec, market: MarketSpec) -> Finding:
    hosts = sorted({urlsplit(url).hostname or "" for url in _urls(market)})
    loop = asyncio.get_running_loop()
    for host in hosts:
        try:
            async with asyncio.timeout(STEP_S):
                await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError) as error:
            todo = "check the network and the name server, or set another address under [venues] in the settings"
            return _no(codec, market, "names", f"{host} cannot be resolved ({_reason(error)})", todo)
    return _yes(codec, market, "names", f"{', '.join(hosts)} found")


async def _encryption(codec: Codec, market: MarketSpec) -> Finding:
    """A TLS handshake with every encrypted host."""
    secure = sorted(
        {
            (parts.hostname or "", parts.port or 443)
            for parts in map(urlsplit, _urls(market))
            if parts.scheme in ("https", "wss")
        }
    )
    for host, port in secure:
        try:
            async with asyncio.timeout(STEP_S):
                _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
        except ssl.SSLCertVerificationError as error:
            todo = "check the machine's date and its certificates (package ca-certificates), or a proxy in between"
            return _no(codec, market, "encryption", f"{host}: certificate not accepted: {error.verify_message}", todo)
        except (OSError, TimeoutError) as error:
            todo = "check the firewall and whether the exchange is reachable from this country"
            return _no(codec, market, "encryption", f"{host}:{port} does not answer ({_reason(error)})", todo)
        writer.close()
    words = (
        f"{len(secure)} host{'s' * (len(secure) != 1)} encrypted"
        if secure
        else "not encrypted: addresses are overridden"
    )
    return _yes(codec, market, "encryption", words)


async def _rest(codec: Codec, market: MarketSpec) -> Finding:
    """The listing, and how long its first page took."""
    import random

    from jackbot_tui.feeds.rest import RestClient, RestError

    clock = SystemClock()
    rest = RestClient(clock, codec.spec, rng=random.Random())
    began = time.monotonic()
    try:
        async with asyncio.timeout(2 * STEP_S):
            reply = await rest.fetch(codec.instruments_requests(market.kind)[0])
            listed = codec.decode_instruments(market.kind, reply.body)
    except (RestError, JackbotError, TimeoutError) as error:
        todo = "wait if it is under maintenance; else look whether the exchange refuses this address"
        return _no(codec, market, "listing", _reason(error), todo)
    finally:
        await rest.close()
    took = (time.monotonic() - began) * 1000
    return _yes(codec, market, "listing", f"{len(listed):,} instruments in {took:.0f} ms")


async def _clock(codec: Codec, market: MarketSpec) -> Finding:
    """The venue's clock against ours, and the round trip of that question."""
    import random

    from jackbot_tui.feeds.rest import RestClient

    request = codec.time_request(market.kind)
    if request is None:
        return _yes(codec, market, "clock", "the exchange has no page that tells its time")
    clock = SystemClock()
    rest = RestClient(clock, codec.spec, rng=random.Random())
    try:
        async with asyncio.timeout(STEP_S):
            await rest.fetch(request)  # the connection is open afterwards, so that the second one measures the way
            sent = clock.now_ns()
            reply = await rest.fetch(request)
            venue_ns = codec.decode_time(market.kind, reply.body)
    except (JackbotError, TimeoutError) as error:
        return _no(codec, market, "clock", _reason(error), "try again; the exchange did not tell its time")
    finally:
        await rest.close()
    round_trip = (reply.ts_recv - sent) / NS_PER_MS
    skew = ((sent + reply.ts_recv) / 2 - venue_ns) / NS_PER_MS
    words = f"{abs(skew):.0f} ms {'ahead of' if skew > 0 else 'behind'} the exchange, round trip {round_trip:.0f} ms"
    if abs(skew) > SKEW_WARNS_MS:
        return _no(codec, market, "clock", words, "let the machine follow a time server (timedatectl set-ntp true)")
    return _yes(codec, market, "clock", words)


async def _subscription(codec: Codec, market: MarketSpec) -> Finding:
    """One book, brought to LIVE by the engine's own feed, in memory."""
    from jackbot_tui.engine.options import EngineOptions
    from jackbot_tui.engine.runtime import EngineRuntime

    try:
        symbol = await _busy_symbol(codec, market)
    except JackbotError as error:
        return _no(codec, market, "subscription", _reason(error), "see the listing above")
    options = EngineOptions(mode=Mode.PAPER, venue=codec.spec.name, symbols=[symbol], endpoints=_overrides(market))
    runtime = EngineRuntime(options)
    await runtime.open()
    work = asyncio.create_task(runtime.run(), name="doctor")
    began = time.monotonic()
    try:
        async with asyncio.timeout(SUBSCRIPTION_S):
            while not work.done() and not any(book.live for book in runtime.data.markets.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            if work.done():
                work.result()
    except TimeoutError:
        why = runtime.feed_detail or "no book came"
        todo = "look at 'jackbot run --no-ui' for what it says"
        return _no(codec, market, "subscription", f"{symbol} not LIVE within {SUBSCRIPTION_S:g} s: {why}", todo)
    except (JackbotError, ExceptionGroup) as error:
        return _no(codec, market, "subscription", _reason(error), "please report it")
    finally:
        runtime.stop("examined")
        await asyncio.gather(work, return_exceptions=True)
        await runtime.close()
    return _yes(codec, market, "subscription", f"{symbol} LIVE after {(time.monotonic() - began) * 1000:.0f} ms")


async def _busy_symbol(codec: Codec, market: MarketSpec) -> str:
    """A busy pair of this market kind; InputError when nothing is listed."""
    import random

    from jackbot_tui.feeds.rest import RestClient

    rest = RestClient(SystemClock(), codec.spec, rng=random.Random())
    try:
        reply = await rest.fetch(codec.instruments_requests(market.kind)[0])
        listed = [instrument.symbol for instrument in codec.decode_instruments(market.kind, reply.body)]
    finally:
        await rest.close()
    for pair in PREFERRED:
        for symbol in listed:
            if symbol.partition(":")[0] == pair:
                return symbol
    if not listed:
        raise InputError("nothing is listed")
    return listed[0]


def _overrides(market: MarketSpec) -> dict[str, str]:
    """The market's addresses as they are now, so that the runtime uses the same."""
    kind = market.kind.value
    return {f"{kind}.rest": market.rest_url, **{f"{kind}.{role}": url for role, url in market.ws_urls.items() if url}}


def _yes(codec: Codec, market: MarketSpec, check: str, words: str) -> Finding:
    return Finding(codec.spec.name, market.kind.value, check, True, words)


def _no(codec: Codec, market: MarketSpec, check: str, words: str, todo: str) -> Finding:
    return Finding(codec.spec.name, market.kind.value, check, False, words, todo)


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {STEP_S:g} s"
    if isinstance(error, OSError):
        return (error.strerror or str(error) or type(error).__name__).lower()
    return " ".join(str(error).split())[:200]
