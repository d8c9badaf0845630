"""``jackbot range``: find out which prices an exchange takes, list what was found, forget it.

A probe sends tiny post-only orders that cannot fill and cancels them at once. Without ``--live`` it does so on the
embedded exchange, or with ``--testnet`` on the exchange's test net; a real account needs all the locks of live trading.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

from jackbot_tui.cli.key_input import ask_passphrase
from jackbot_tui.execution.live.dialect import Dialect
from jackbot_tui.execution.live.dialects import dialect_of
from jackbot_tui.execution.live.keys import Credentials, KeyPlace, KeyStore, keyring_module
from jackbot_tui.execution.live.probe import MOST_ORDERS, Edge, RangeFound
from jackbot_tui.headless.job import SimJob
from jackbot_tui.headless.probing import probe_range
from jackbot_tui.headless.ranges import Place, RangeStore, StoredRange
from jackbot_tui.headless.sim_process import SimProcess
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.errors import ConfigError, InputError
from jackbot_tui.model.instrument import PriceBand
from jackbot_tui.model.numbers import text_of
from jackbot_tui.settings.load import config_files, load_settings
from jackbot_tui.settings.model import Settings
from jackbot_tui.settings.places import places_of, private_directory
from jackbot_tui.settings.symbols import unified_symbol

OK, INCOMPLETE = 0, 1
LOCK = "live"
CALM = 0.2
"""Volatility of the embedded exchange while it is probed, so that the reference stands nearly still."""


def run(options: argparse.Namespace) -> int:
    """Carry out one action; its exit code. InputError or ConfigError in one line when it cannot be done."""
    places = places_of(os.environ)
    given = {} if options.data_dir is None else {"session.data_dir": options.data_dir}
    files = config_files([Path(path) for path in options.config or []], os.environ, places)
    settings = load_settings(files, os.environ, given).settings
    data = private_directory(places.data_directory(settings.session.data_dir))
    store = RangeStore(data)
    if options.action == "list":
        return _list(store)
    if not options.venue or not options.symbol:
        raise InputError(f"range {options.action} wants an exchange and a symbol: as 'binance BTC/USDT:USDT'")
    symbol = unified_symbol(options.symbol)
    if options.action == "forget":
        if not store.forget(f"{options.venue}:{symbol}"):
            raise InputError(
                f"no range of {options.venue}:{symbol} is kept: 'jackbot range list' shows those there are"
            )
        sys.stdout.write(f"forgot the range of {options.venue}:{symbol}\n")
        return OK
    if options.live and options.testnet:
        raise InputError("--live and --testnet are two places: give one")
    dialect = dialect_of(options.venue)
    place = Place.LIVE if options.live else Place.TESTNET if options.testnet else Place.SIM
    if place is Place.SIM:
        found = asyncio.run(_on_sim(dialect, symbol))
    else:
        found = _on_account(dialect, symbol, place, settings, data)
    stored = store.keep(found, place)
    sys.stdout.write(f"{_line(stored)}\nkept in {store.path}\n")
    if not found.complete:
        sys.stderr.write("jackbot: not every edge is known: what is kept is shown, but no engine uses it\n")
    return OK if found.complete else INCOMPLETE


async def _on_sim(dialect: Dialect, symbol: str) -> RangeFound:
    """Start an embedded exchange with an account, probe it, end it."""
    job = SimJob(
        venue=dialect.venue, symbols=[symbol], seed=1, volatility=CALM, rate=1.0, fault="", accounts=1
    )  # fmt: skip
    sim = SimProcess(job, lambda *_: None, lambda _: None)
    ready = await sim.start()
    try:
        fields = {name: ready.credentials[name] for name in dialect.credentials}
        credentials = Credentials(dialect.venue, KeyPlace.ENVIRONMENT, fields)
        _say(f"probing {dialect.venue}:{symbol} on the embedded exchange")
        return await probe_range(
            dialect, symbol, credentials, endpoints=ready.endpoints, addresses=ready.ccxt_urls, tell=_say
        )
    finally:
        await sim.stop()


def _on_account(dialect: Dialect, symbol: str, place: Place, settings: Settings, data: Path) -> RangeFound:
    """Probe a real account or one of a test net, when every lock is open."""
    venue, section = dialect.venue, settings.live
    endpoints = {
        name.replace("_", ".", 1): url for name, url in getattr(settings.venues, venue).model_dump().items() if url
    }
    if place is Place.LIVE:
        if venue not in section.venues:
            raise InputError(f'live trading on {venue} is not allowed: set venues = ["{venue}"] under [live] first')
        account = section.account or venue
        if account.partition("/")[0] != venue:
            raise InputError(f"account {account} is none of {venue}: set account under [live]")
    else:
        account = f"{venue}/testnet"
        if not endpoints:
            raise InputError(
                f"the test net's market data is needed as reference: set its addresses under [venues.{venue}]"
            )
    credentials = KeyStore(data, ring=keyring_module(), ask=ask_passphrase).find(account, dialect.credentials)
    if place is Place.LIVE:
        _demand_lock(dialect.venue, symbol, account)
    _say(f"probing {venue}:{symbol} with the account {account}")
    return asyncio.run(
        probe_range(dialect, symbol, credentials, endpoints=endpoints, sandbox=place is Place.TESTNET, tell=_say)
    )


def _demand_lock(venue: str, symbol: str, account: str) -> None:
    """A person types the word; anything else changes nothing."""
    sys.stderr.write(
        f"REAL ACCOUNT {account}: up to {MOST_ORDERS} post-only orders of the smallest size in {symbol}, each canceled"
        f" at once.\nType {LOCK} to send them: "
    )
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != LOCK:
        raise ConfigError(f"nothing was sent: '{LOCK}' was not typed")


def _list(store: RangeStore) -> int:
    ranges = store.all()
    for stored in ranges:
        sys.stdout.write(_line(stored) + "\n")
    if not ranges:
        sys.stdout.write("no ranges: 'jackbot range probe binance BTC/USDT:USDT' finds one on the embedded exchange\n")
    return OK


def _line(stored: StoredRange) -> str:
    day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(stored.at_ns / NS_PER_S))
    return f"{stored.key}  {stored.place.value}  {band_words(stored.band, stored.known)}  {stored.orders} orders, {day}"


def band_words(band: PriceBand, known: tuple[str, ...]) -> str:
    """``buys none to 1.05, sells 0.95 to none, of the mark``."""

    def one(edge: Edge) -> str:
        if edge.value not in known:
            return "?"
        figure = getattr(band, edge.value)
        return text_of(figure) if figure else "none"

    buys = f"buys {one(Edge.BUY_DOWN)} to {one(Edge.BUY_UP)}"
    return f"{buys}, sells {one(Edge.SELL_DOWN)} to {one(Edge.SELL_UP)}, of the {band.reference}"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
