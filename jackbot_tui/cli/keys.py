"""``jackbot keys``: add, list, test and remove the API keys of exchanges. No more of a key is printed than its end.

Secrets are typed without echo or read from standard input, one field a line, never taken from the command line, which
other users of the machine can see. A key that may withdraw is refused unless that is allowed explicitly.
"""

import argparse
import asyncio
import getpass
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

from jackbot_tui.execution.live.client import VenueClient
from jackbot_tui.execution.live.connection import open_clients
from jackbot_tui.execution.live.dialect import Dialect
from jackbot_tui.execution.live.dialects import all_dialects, load_dialect
from jackbot_tui.execution.live.failures import VenueFailure
from jackbot_tui.execution.live.keys import Credentials, KeyPlace, KeyStore, keyring_module
from jackbot_tui.feeds.venue_limits import VenueLimits
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import ConfigError, InputError
from jackbot_tui.settings.load import config_files, load_settings
from jackbot_tui.settings.places import places_of, private_directory
from jackbot_tui.venues import load_spec

OK, REFUSED = 0, 1


def run(options: argparse.Namespace) -> int:
    """Carry out one action; its exit code. InputError or ConfigError in one line when it cannot be done."""
    places = places_of(os.environ)
    given = {} if options.data_dir is None else {"session.data_dir": options.data_dir}
    files = config_files([Path(path) for path in options.config or []], os.environ, places)
    settings = load_settings(files, os.environ, given).settings
    store = KeyStore(private_directory(places.data_directory(settings.session.data_dir)), ring=keyring_module())
    if options.action == "list":
        return _list(store, options.account)
    if not options.account:
        raise InputError(f"keys {options.action} wants an account: as 'jackbot keys {options.action} binance'")
    dialect = _dialect(options.account)
    match options.action:
        case "add":
            return _add(store, options.account, dialect)
        case "remove":
            if not store.remove(options.account):
                raise InputError(f"there is no key for {options.account}: 'jackbot keys list' shows those there are")
            sys.stdout.write(f"removed the key of {options.account}; delete it at {dialect.venue} as well\n")
            return OK
        case _:
            return asyncio.run(_test(store.find(options.account, dialect.credentials), dialect, options))


def _dialect(account: str) -> Dialect:
    return load_dialect(account.partition("/")[0])


def _list(store: KeyStore, only: str) -> int:
    known = dict(store.list())
    for venue, dialect in all_dialects().items():
        if venue not in known:
            try:
                found = store.find(venue, dialect.credentials)
            except ConfigError:
                continue
            known[venue] = found.place
    for account, place in sorted(known.items()):
        if only in ("", account):
            hint = store.find(account, _dialect(account).credentials).hint
            sys.stdout.write(f"{account}  {place.value}  {hint}\n")
    if not known:
        sys.stdout.write("no keys: 'jackbot keys add binance' adds one\n")
    return OK


def _add(store: KeyStore, account: str, dialect: Dialect) -> int:
    read: Callable[[str], str] = getpass.getpass if sys.stdin.isatty() else lambda _: sys.stdin.readline()
    fields = {}
    for name in dialect.credentials:
        text = read(f"{name} of {account} (not shown): ").strip()
        if not text:
            raise InputError(f"{name} is empty: nothing was kept")
        fields[name] = text
    place = store.add(account, fields)
    where = "the keyring" if place is KeyPlace.KEYRING else f"{store.path} (readable by you alone)"
    sys.stdout.write(f"kept the key of {account} in {where}; 'jackbot keys test {account}' tries it\n")
    return OK


async def _test(credentials: Credentials, dialect: Dialect, options: argparse.Namespace) -> int:
    """Sign one harmless question and read the key's rights where the venue tells them."""
    clock, rng = SystemClock(), random.Random()
    limits = VenueLimits(clock, load_spec(dialect.venue), rng)
    if dialect.closed:
        raise ConfigError(f"{dialect.venue} cannot be asked: {dialect.closed}")
    clients: dict[MarketKind, VenueClient] = {}
    try:
        clients = await open_clients(dialect, [MarketKind.SPOT], credentials, limits.requests, clock)
        client = clients[MarketKind.SPOT]
        await client.account()
        rights = await client.rights()
    except VenueFailure as failure:
        sys.stderr.write(f"jackbot: {credentials.account}: {failure.reason}\n")
        return REFUSED
    finally:
        for each in clients.values():
            await each.close()
    if rights.may_withdraw and not options.allow_withdrawals:
        sys.stderr.write(
            f"jackbot: {credentials.account}: this key may withdraw: take that right away at {dialect.venue}\n"
        )
        return REFUSED
    trading = {True: "may trade", False: "READ-ONLY", None: "rights unknown"}[rights.may_trade]
    sys.stdout.write(f"{credentials.account}  {credentials.place.value}  {credentials.hint}  accepted, {trading}\n")
    return OK
