"""One folder per exchange: ``spec`` (facts as frozen data) and ``codec`` (sans-I/O: frames out, frames in -> events).

Nothing here opens a socket, sleeps or reads the clock. ``load_venue`` imports one folder by name, so that starting with
one venue loads one venue.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module

from jackbot_tui.model.errors import ConfigError
from jackbot_tui.venues.base import Codec, VenueSpec

VENUES = (
    "binance",
    "okx",
    "kraken",
    "bybit",
    "bitget",
    "cryptocom",
    "gateio",
    "hyperliquid",
    "kucoin",
    "coinbase",
    "mexc",
)
"""Folders of this package, in the order in which they are shown."""


def load_spec(name: str) -> VenueSpec:
    """The facts of venue ``name`` without its protocol; ConfigError names the nearest venue for an unknown one."""
    _check(name)
    spec = import_module(f"jackbot_tui.venues.{name}.spec").SPEC
    if not isinstance(spec, VenueSpec):
        raise TypeError(f"venues/{name}/spec.py: SPEC must be a VenueSpec")
    return spec


def load_venue(name: str, endpoints: Mapping[str, str] | None = None) -> Codec:
    """A fresh codec of venue ``name``; ``endpoints`` override its URLs (see ``venues.base.with_endpoints``).

    ConfigError names the nearest venue for an unknown one.
    """
    _check(name)
    codec = import_module(f"jackbot_tui.venues.{name}.codec").make_codec(endpoints or {})
    if not isinstance(codec, Codec):
        raise TypeError(f"venues/{name}/codec.py: make_codec must return a Codec")
    return codec


def _check(name: str) -> None:
    if name not in VENUES:
        near = get_close_matches(name, VENUES, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(VENUES)}"
        raise ConfigError(f"venue {name!r} is not known: {hint}")
