"""Learns the trading rules of the followed symbols from the venue: all requests and pages, endlessly, politely.

Used by the engine's feed at its start.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from difflib import get_close_matches

from jackbot_tui.feeds.backoff import Backoff
from jackbot_tui.feeds.rest import RestClient, RestError
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError, WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.venues.base import Codec, HttpRequest

MOST_PAGES = 50
"""Pages of one listing: Bybit's thousand a page make two today; a cursor that runs in a circle must end."""


async def instruments_of(
    codec: Codec,
    rest: RestClient,
    kind: MarketKind,
    symbols: Sequence[str],
    rng: random.Random,
    tell: Callable[[str], None],
) -> list[Instrument]:
    """The instruments ``symbols``, in this order. Asks until they are found; ``tell`` gets each failure in one line.

    InputError when the venue lists everything and a symbol is not among it, or does not have the market at all.
    """
    spec = codec.spec
    if kind not in spec.markets:
        reason = spec.unsupported.get(kind, f"{spec.title} has no such market here")
        raise InputError(f"{spec.name} {kind.value} cannot be followed: {reason}")
    backoff = Backoff(rng)
    while True:
        listed: dict[str, Instrument] = {}
        problems: list[RestError | WireError] = []
        for request in codec.instruments_requests(kind):
            try:
                await _collect(codec, rest, request, symbols, listed)
            except (RestError, WireError) as error:
                problems.append(error)
            if all(symbol in listed for symbol in symbols):
                return [listed[symbol] for symbol in symbols]
        if not problems:
            missing = next(symbol for symbol in symbols if symbol not in listed)
            raise InputError(_unknown_symbol(spec.name, kind, missing, list(listed)))
        wait = max(backoff.next_delay_s(), *(_wish_of(error) for error in problems))
        tell(f"{spec.name} {kind.value}: {problems[0]}; again in {wait:.0f} s")
        await asyncio.sleep(wait)


async def _collect(
    codec: Codec, rest: RestClient, first: HttpRequest, symbols: Sequence[str], listed: dict[str, Instrument]
) -> None:
    """Add what one request and the pages after it list, until there is no more or all ``symbols`` are there."""
    request: HttpRequest | None = first
    pages = 0
    while request is not None and pages < MOST_PAGES:
        reply = await rest.fetch(request)
        listed.update((each.symbol, each) for each in codec.decode_instruments(request.kind, reply.body))
        if all(symbol in listed for symbol in symbols):
            return
        request = codec.next_page(request, reply.body)
        pages += 1


def _wish_of(error: RestError | WireError) -> float:
    """Seconds that the venue wants us to wait."""
    return (error.retry_after_s or 0.0) if isinstance(error, RestError) else 0.0


def _unknown_symbol(venue: str, kind: MarketKind, symbol: str, listed: list[str]) -> str:
    near = get_close_matches(symbol, listed, 3, 0.5)
    hint = f"; near: {', '.join(near)}" if near else ""
    return f"{venue} has no {kind.value} instrument {symbol} trading now{hint}"
