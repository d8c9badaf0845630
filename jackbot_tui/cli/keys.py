"""``jackbot keys``: add, list, test and remove the API keys of exchanges. No more of a key is printed than its end.

Secrets are typed without echo or read from standard input or a file, never taken from the command line, which other
users of the machine can see. A key that may withdraw is refused unless that is allowed explicitly.
"""

import argparse
import asyncio
import os
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jackbot_tui.cli.key_input import ask_passphrase, read_parts
from jackbot_tui.execution.live.client import VenueClient
from jackbot_tui.execution.live.connection import open_clients
from jackbot_tui.execution.live.dialect import Dialect, KeyRights, untold_withdrawals
from jackbot_tui.execution.live.dialects import all_dialects, load_dialect
from jackbot_tui.execution.live.failures import VenueFailure
from jackbot_tui.execution.live.key_shapes import checked
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
    data = private_directory(places.data_directory(settings.session.data_dir))
    store = KeyStore(data, ring=keyring_module(), ask=ask_passphrase)
    if options.action == "list":
        return _list(store, options.account)
    if not options.account:
        raise InputError(f"keys {options.action} wants an account: as 'jackbot keys {options.action} binance'")
    dialect = _dialect(options.account)
    match options.action:
        case "add":
            return _add(store, options, dialect)
        case "remove":
            if not store.remove(options.account):
                raise InputError(f"there is no key for {options.account}: 'jackbot keys list' shows those there are")
            sys.stdout.write(f"removed the key of {options.account}; delete it at {dialect.venue} as well\n")
            return OK
        case _:
            credentials = store.find(options.account, dialect.credentials)
            return asyncio.run(test_key(credentials, dialect, allow_withdrawals=options.allow_withdrawals))


def _dialect(account: str) -> Dialect:
    return load_dialect(account.partition("/")[0])


def _list(store: KeyStore, only: str) -> int:
    """Accounts, places, ends of public halves; no passphrase is asked for."""
    shown = 0
    for account in sorted({account for account, _ in store.list()} | set(all_dialects())):
        found = store.locate(account, _dialect(account).credentials)
        if found is not None and only in ("", account):
            place, hint = found
            sys.stdout.write(f"{account}  {place.value}  {hint}\n")
            shown += 1
    if not shown:
        sys.stdout.write(f"no key{f' for {only}' if only else 's'}: 'jackbot keys add {only or 'binance'}' adds one\n")
    return OK


def _add(store: KeyStore, options: argparse.Namespace, dialect: Dialect) -> int:
    account, source = options.account, None if options.source is None else Path(options.source)
    given = read_parts(dialect.venue, account, dialect.credentials, source)
    fields = checked(dialect.venue, account, dialect.credentials, given)
    place = store.add(account, fields, KeyPlace(options.place) if options.place else None)
    where = {
        KeyPlace.KEYRING: "the keyring",
        KeyPlace.ENCRYPTED: f"{store.sealed.path} (encrypted)",
    }.get(place, f"{store.path} (readable by you alone)")
    sys.stdout.write(f"kept the key of {account} in {where}; 'jackbot keys test {account}' tries it\n")
    if source is not None:
        sys.stdout.write(f"{source} still holds it: delete that file\n")
    return OK


async def test_key(
    credentials: Credentials,
    dialect: Dialect,
    *,
    allow_withdrawals: bool = False,
    addresses: Mapping[str, Any] | None = None,
) -> int:
    """Sign harmless questions and read the key's rights where the venue tells them; the exit code.

    Where spot and derivatives are two exchanges with keys of their own (Kraken), one that takes the key is enough.
    ``addresses`` replaces ccxt's, as for an engine.
    """
    if dialect.closed:
        raise ConfigError(f"{dialect.venue} cannot be asked: {dialect.closed}")
    by_exchange: dict[str, list[MarketKind]] = {}
    for kind, name in dialect.exchanges.items():
        by_exchange.setdefault(name, []).append(kind)
    limits = VenueLimits(SystemClock(), load_spec(dialect.venue), random.Random())
    failed: list[str] = []
    code = REFUSED
    for kinds in by_exchange.values():
        try:
            rights = await _rights(credentials, dialect, kinds, limits, addresses)
        except VenueFailure as failure:
            failed.append(f"{credentials.account} ({kinds[0].value}): {failure.reason}")
            continue
        if any(each.may_withdraw for each in rights.values()) and not allow_withdrawals:
            sys.stderr.write(
                f"jackbot: {credentials.account}: this key may withdraw: take that right away at {dialect.venue}\n"
            )
            return REFUSED
        code = OK
        _tell_rights(credentials, dialect, rights)
    for line in failed:
        sys.stderr.write(f"jackbot: {line}\n")
    return code


async def _rights(
    credentials: Credentials,
    dialect: Dialect,
    kinds: list[MarketKind],
    limits: VenueLimits,
    addresses: Mapping[str, Any] | None,
) -> dict[MarketKind, KeyRights]:
    """Of one of ccxt's exchanges, by kind of market; VenueFailure when it does not accept the key."""
    clients: dict[MarketKind, VenueClient] = {}
    try:
        clients = await open_clients(dialect, kinds, credentials, limits.requests, SystemClock(), addresses)
        await clients[kinds[0]].account()
        return {kind: await client.rights() for kind, client in clients.items()}
    finally:
        for each in clients.values():
            await each.close()


def _tell_rights(credentials: Credentials, dialect: Dialect, rights: Mapping[MarketKind, KeyRights]) -> None:
    words = {True: "may trade", False: "READ-ONLY", None: "rights unknown"}
    told = ", ".join(f"{kind.value}: {words[each.may_trade]}" for kind, each in rights.items())
    sys.stdout.write(f"{credentials.account}  {credentials.place.value}  {credentials.hint}  accepted, {told}\n")
    for kind, each in rights.items():
        if each.may_withdraw is None:
            sys.stdout.write(f"{untold_withdrawals(dialect.venue, kind)}\n")
