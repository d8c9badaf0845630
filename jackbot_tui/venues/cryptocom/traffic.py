"""What recorded Crypto.com traffic says about its instruments; for replay only, where a capture may hold no listing."""

from collections.abc import Iterable, Iterator

import msgspec

from jackbot_tui.venues.base import Inferred, MarketSpec
from jackbot_tui.venues.cryptocom.instruments import split_native
from jackbot_tui.venues.cryptocom.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.cryptocom.wire import UNREADABLE
from jackbot_tui.venues.inference import Seen, provisional

_ANY = msgspec.json.Decoder()


def infer(venue: str, market: MarketSpec, raws: Iterable[str | bytes]) -> list[Inferred]:
    """Instruments in these frames, in order of appearance."""
    seen: dict[str, Seen] = {}
    for raw in raws:
        try:
            frame = _ANY.decode(raw)
        except UNREADABLE:
            continue  # the codec counts and keeps it when it is played
        result = frame.get("result") if isinstance(frame, dict) else None
        if not isinstance(result, dict):
            continue
        native = result.get("instrument_name")
        if isinstance(native, str):
            for price, size in _texts_of(result.get("data")):
                seen.setdefault(native, Seen()).add(price, size)
    found: list[Inferred] = []
    for native, facts in seen.items():
        names = split_native(market.kind, native)
        if names is not None and facts.prices:
            instrument = provisional(venue, market, native, *names, facts, FUNDING_INTERVAL_H)
            found.append(Inferred(instrument, facts.last_price))
    return found


def _texts_of(data: object) -> Iterator[tuple[object, object]]:
    """Price and size of each level, trade, best bid and best ask."""
    for row in data if isinstance(data, list) else ():
        if not isinstance(row, dict):
            continue
        book = row.get("update", row)
        for side in ("bids", "asks"):
            levels = book.get(side) if isinstance(book, dict) else None
            if isinstance(levels, list):
                yield from ((level[0], level[1]) for level in levels if isinstance(level, list) and len(level) > 1)
        yield row.get("p"), row.get("q")
        yield row.get("b"), row.get("bs")
        yield row.get("k"), row.get("ks")
