"""The private sides of the venues, one module each: how its orders, keys and errors differ from another's, as data.

A venue is open for live trading once its own gateway, driven through ccxt, has proven the executor; until then
``Dialect.closed`` says so and the console refuses to go live there. One venue's module is loaded when it is asked for.
"""

from importlib import import_module

from jackbot_tui.execution.live.dialect import Dialect
from jackbot_tui.model.errors import ConfigError
from jackbot_tui.venues import VENUES


def load_dialect(venue: str) -> Dialect:
    """The dialect of ``venue``, open or not; ConfigError for a venue that is not known."""
    if venue not in VENUES:
        raise ConfigError(f"{venue!r} names no known exchange: known are {', '.join(sorted(VENUES))}")
    dialect = import_module(f"jackbot_tui.execution.live.dialects.{venue}").DIALECT
    if not isinstance(dialect, Dialect):
        raise TypeError(f"dialects/{venue}.py: DIALECT must be a Dialect")
    return dialect


def dialect_of(venue: str) -> Dialect:
    """The dialect of ``venue``; ConfigError with the reason where it cannot be traded live."""
    dialect = load_dialect(venue)
    if dialect.closed:
        raise ConfigError(f"{venue} cannot be traded live: {dialect.closed}")
    return dialect


def all_dialects() -> dict[str, Dialect]:
    """Every venue's dialect, by venue."""
    return {venue: load_dialect(venue) for venue in sorted(VENUES)}


def open_venues() -> list[str]:
    """The venues where live trading is proven."""
    return [venue for venue, dialect in all_dialects().items() if not dialect.closed]
