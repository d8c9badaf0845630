"""What recorded Bitget traffic says about its instruments; for replay only, where a capture may hold no listing."""

from collections.abc import Iterable

import msgspec

from jackbot_tui.venues.base import Inferred, MarketSpec
from jackbot_tui.venues.bitget.instruments import CATEGORIES, split_native
from jackbot_tui.venues.bitget.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.bitget.wire import UNREADABLE
from jackbot_tui.venues.inference import Seen, provisional

_ANY = msgspec.json.Decoder()
_PAIRS = (("p", "v"), ("bid1Price", "bid1Size"), ("ask1Price", "ask1Size"))


def infer(venue: str, market: MarketSpec, raws: Iterable[str | bytes]) -> list[Inferred]:
    """Instruments of ``market`` in these frames, in order of appearance."""
    seen: dict[str, Seen] = {}
    types = [category.lower() for category in CATEGORIES[market.kind]]
    for raw in raws:
        try:
            frame = _ANY.decode(raw)
        except UNREADABLE:
            continue  # the codec counts and keeps it when it is played
        arg = frame.get("arg") if isinstance(frame, dict) else None
        rows = frame.get("data") if isinstance(frame, dict) else None
        if isinstance(arg, dict) and isinstance(rows, list) and arg.get("instType") in types:
            native = arg.get("symbol")
            for row in rows:
                if isinstance(native, str) and isinstance(row, dict):
                    _learn(seen.setdefault(native, Seen()), row)
    found: list[Inferred] = []
    for native, facts in seen.items():
        names = split_native(market.kind, native)
        if names is not None and facts.prices:
            instrument = provisional(venue, market, native, *names, facts, FUNDING_INTERVAL_H)
            found.append(Inferred(instrument, facts.last_price))
    return found


def _learn(facts: Seen, row: dict[str, object]) -> None:
    for side in ("b", "a"):
        levels = row.get(side)
        for level in levels if isinstance(levels, list) else ():
            if isinstance(level, list) and len(level) == 2:
                facts.add(level[0], level[1])
    for price, size in _PAIRS:
        facts.add(row.get(price), row.get(size))
