"""What recorded Kraken traffic says about its instruments, for replay only: names, ticks and lots by their decimals.

Frames are read with their numbers as they were written. Derivatives of type PF_ count base units.
"""

from collections.abc import Iterable, Iterator

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Inferred, MarketSpec
from jackbot_tui.venues.inference import Seen, provisional
from jackbot_tui.venues.kraken.instruments import names_of
from jackbot_tui.venues.kraken.numbers import plain
from jackbot_tui.venues.kraken.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.kraken.wire import UNREADABLE

_ANY = msgspec.json.Decoder(float_hook=str)


def infer(venue: str, market: MarketSpec, raws: Iterable[str | bytes]) -> list[Inferred]:
    """Instruments of ``market`` in these frames, in order of appearance."""
    seen: dict[str, Seen] = {}
    for raw in raws:
        try:
            frame = _ANY.decode(raw)
        except UNREADABLE:
            continue  # the codec counts and keeps it when it is played
        if not isinstance(frame, dict):
            continue
        data = frame.get("data")
        for body in data if isinstance(data, list) else [frame]:
            native = (body.get("symbol") or body.get("product_id")) if isinstance(body, dict) else None
            if isinstance(native, str) and names_of(market.kind, native):
                for price, size in _pairs_of(body):
                    seen.setdefault(native, Seen()).add(plain(price), plain(size))
    made = ((native, names_of(market.kind, native), facts) for native, facts in seen.items() if facts.prices)
    interval = FUNDING_INTERVAL_H if market.kind is MarketKind.LINEAR else 0
    return [
        Inferred(provisional(venue, market, native, *names, facts, interval), facts.last_price)
        for native, names, facts in made
        if names is not None
    ]


def _pairs_of(body: dict[str, object]) -> Iterator[tuple[object, object]]:
    """Price and size of a trade or changed level, of a ticker, and of a book's levels."""
    yield body.get("price"), body.get("qty")
    for side, size in (("bid", "bid_qty"), ("ask", "ask_qty"), ("bid", "bid_size"), ("ask", "ask_size")):
        yield body.get(side), body.get(size)
    for side in ("bids", "asks"):
        levels = body.get(side)
        for level in levels if isinstance(levels, list) else ():
            if isinstance(level, dict):
                yield level.get("price"), level.get("qty")
