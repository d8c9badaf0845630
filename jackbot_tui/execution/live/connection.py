"""Opens a venue's private side: loads ccxt in a thread, gives it keys and addresses, and reads the venue's markets.

The live session calls it when the engine goes live, not before: importing ccxt takes a second. ccxt's own limiter is
off, since every call passes ours.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from jackbot_tui.execution.live.client import VenueClient
from jackbot_tui.execution.live.dialect import Dialect
from jackbot_tui.execution.live.failures import Redactor
from jackbot_tui.execution.live.keys import Credentials
from jackbot_tui.feeds.limiter import LimitGate
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import MarketKind

_TYPES: dict[MarketKind, dict[str, str]] = {
    MarketKind.SPOT: {"defaultType": "spot"},
    MarketKind.LINEAR: {"defaultType": "swap", "defaultSubType": "linear"},
}


async def open_clients(
    dialect: Dialect,
    kinds: Sequence[MarketKind],
    credentials: Credentials,
    gate_of: Callable[[MarketKind], LimitGate],
    clock: Clock,
    addresses: Mapping[str, Any] | None = None,
    *,
    sandbox: bool = False,
) -> dict[MarketKind, VenueClient]:
    """One loaded client per kind of market; VenueFailure when the venue cannot be reached or refuses.

    ``addresses`` replaces entries of ccxt's ``urls["api"]`` (the embedded exchange's), by ccxt's name of the exchange
    where a venue's market kinds are two of them; ``sandbox`` goes to the venue's test net, by ccxt's own means.
    """
    library = await asyncio.to_thread(_load_ccxt)
    redact = Redactor(credentials.fields().values())
    clients: dict[MarketKind, VenueClient] = {}
    try:
        for kind in kinds:
            plain = getattr(library, dialect.exchanges[kind])
            exchange = (dialect.override(plain) if dialect.override is not None else plain)(
                {
                    **credentials.fields(),
                    "enableRateLimit": False,
                    "options": {**dialect.options, **_TYPES[kind]},
                }
            )
            if sandbox:
                exchange.set_sandbox_mode(True)
            if addresses is not None:
                own = addresses.get(dialect.exchanges[kind], addresses)
                exchange.urls["api"] = exchange.deep_extend(exchange.urls["api"], own)
            clients[kind] = VenueClient(exchange, dialect, kind, gate_of(kind), clock, redact)
            await clients[kind].load()
    except BaseException:
        for client in clients.values():
            await client.close()
        raise
    return clients


def _load_ccxt() -> ModuleType:
    import ccxt.pro

    logging.getLogger("ccxt").setLevel(logging.WARNING)  # at its debug level it writes down headers, keys included
    module: ModuleType = ccxt.pro
    return module
