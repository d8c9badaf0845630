"""What recorded Bybit traffic says about its instruments; for replay only, where a capture may hold no listing."""

from collections.abc import Iterable, Iterator

import msgspec

from jackbot_tui.venues.base import Inferred, MarketSpec
from jackbot_tui.venues.bybit.instruments import split_native
from jackbot_tui.venues.bybit.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.bybit.wire import UNREADABLE
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
        if isinstance(frame, dict) and isinstance(frame.get("topic"), str):
            native = frame["topic"].rpartition(".")[2]
            for price, size in _texts_of(frame.get("data")):
                seen.setdefault(native, Seen()).add(price, size)
    found: list[Inferred] = []
    for native, facts in seen.items():
        names = split_native(market.kind, native)
        if names is not None and facts.prices:
            instrument = provisional(venue, market, native, *names, facts, FUNDING_INTERVAL_H)
            found.append(Inferred(instrument, facts.last_price))
    return found


def _texts_of(data: object) -> Iterator[tuple[object, object]]:
    """Price and size of each level of a book, of each trade, and of a ticker's best bid and ask."""
    if isinstance(data, list):
        yield from ((row.get("p"), row.get("v")) for row in data if isinstance(row, dict))
    elif isinstance(data, dict):
        for side in ("b", "a"):
            levels = data.get(side)
            if isinstance(levels, list):
                yield from ((level[0], level[1]) for level in levels if isinstance(level, list) and len(level) == 2)
        yield data.get("bid1Price"), data.get("bid1Size")
        yield data.get("ask1Price"), data.get("ask1Size")
