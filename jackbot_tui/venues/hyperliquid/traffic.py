"""What recorded Hyperliquid traffic says about its instruments; for replay, where a capture may hold no listing."""

from collections.abc import Iterable, Iterator

import msgspec

from jackbot_tui.venues.base import Inferred, MarketSpec
from jackbot_tui.venues.hyperliquid.instruments import names_of
from jackbot_tui.venues.hyperliquid.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.hyperliquid.wire import UNREADABLE
from jackbot_tui.venues.inference import Seen, provisional

_ANY = msgspec.json.Decoder()


def infer(venue: str, market: MarketSpec, raws: Iterable[str | bytes]) -> list[Inferred]:
    """Instruments in these frames and ``l2Book`` replies, in order of appearance."""
    seen: dict[str, Seen] = {}
    for raw in raws:
        try:
            frame = _ANY.decode(raw)
        except UNREADABLE:
            continue  # the codec counts and keeps it when it is played
        if isinstance(frame, dict):
            for coin, price, size in _texts_of(frame.get("data", frame)):
                if isinstance(coin, str):
                    seen.setdefault(coin, Seen()).add(price, size)
    found: list[Inferred] = []
    for coin, facts in seen.items():
        names = names_of(market.kind, coin)
        if names is not None and facts.prices:
            instrument = provisional(venue, market, coin, *names, facts, FUNDING_INTERVAL_H)
            found.append(Inferred(instrument, facts.last_price))
    return found


def _texts_of(data: object) -> Iterator[tuple[object, object, object]]:
    """Coin, price and size of each trade, level and best price."""
    if isinstance(data, list):
        for row in data:
            if isinstance(row, dict):
                yield row.get("coin"), row.get("px"), row.get("sz")
    elif isinstance(data, dict):
        for side in (*_rows(data.get("levels")), data.get("bbo")):
            for level in _rows(side):
                if isinstance(level, dict):
                    yield data.get("coin"), level.get("px"), level.get("sz")


def _rows(found: object) -> list[object]:
    return found if isinstance(found, list) else []
