"""What recorded Coinbase traffic says about its instruments; for replay only, where a capture may hold no listing."""

from collections.abc import Iterable, Iterator

import msgspec

from jackbot_tui.venues.base import Inferred, MarketSpec
from jackbot_tui.venues.coinbase.instruments import split_native
from jackbot_tui.venues.coinbase.wire import UNREADABLE
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
        events = frame.get("events") if isinstance(frame, dict) else None
        for event in events if isinstance(events, list) else ():
            for native, price, size in _texts_of(event):
                if isinstance(native, str):
                    seen.setdefault(native, Seen()).add(price, size)
    found: list[Inferred] = []
    for native, facts in seen.items():
        names = split_native(native)
        if names is not None and facts.prices:
            found.append(Inferred(provisional(venue, market, native, *names, facts, 0), facts.last_price))
    return found


def _texts_of(event: object) -> Iterator[tuple[object, object, object]]:
    """Product, price and size of each level, trade, best bid and best ask."""
    if not isinstance(event, dict):
        return
    for row in _rows(event, "updates"):
        yield event.get("product_id"), row.get("price_level"), row.get("new_quantity")
    for row in _rows(event, "trades"):
        yield row.get("product_id"), row.get("price"), row.get("size")
    for row in _rows(event, "tickers"):
        yield row.get("product_id"), row.get("best_bid"), row.get("best_bid_quantity")
        yield row.get("product_id"), row.get("best_ask"), row.get("best_ask_quantity")


def _rows(event: dict[str, object], name: str) -> list[dict[str, object]]:
    rows = event.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
