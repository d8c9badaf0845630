"""What recorded OKX traffic says about its instruments, for replay only: names, ticks and lots by their decimals.

Contract sizes cannot be seen in traffic: sizes of swaps count contracts as if one were one base unit.
"""

from collections.abc import Iterable

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Inferred, MarketSpec
from jackbot_tui.venues.inference import Seen, provisional
from jackbot_tui.venues.okx.instruments import names_of
from jackbot_tui.venues.okx.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.okx.wire import UNREADABLE

_ANY = msgspec.json.Decoder()
_PAIRS = (("px", "sz"), ("bidPx", "bidSz"), ("askPx", "askSz"))


def infer(venue: str, market: MarketSpec, raws: Iterable[str | bytes]) -> list[Inferred]:
    """Instruments of ``market`` in these frames, in order of appearance."""
    seen: dict[str, Seen] = {}
    for raw in raws:
        try:
            frame = _ANY.decode(raw)
        except UNREADABLE:
            continue  # the codec counts and keeps it when it is played
        arg = frame.get("arg") if isinstance(frame, dict) else None
        native = arg.get("instId") if isinstance(arg, dict) else None
        rows = frame.get("data") if isinstance(frame, dict) else None
        if isinstance(native, str) and isinstance(rows, list) and names_of(market.kind, native):
            for row in rows:
                if isinstance(row, dict):
                    _learn(seen.setdefault(native, Seen()), row)
    return [made for native, facts in seen.items() if facts.prices and (made := _made(venue, market, native, facts))]


def _made(venue: str, market: MarketSpec, native: str, facts: Seen) -> Inferred | None:
    names = names_of(market.kind, native)
    if names is None:
        return None
    interval = FUNDING_INTERVAL_H if market.kind is MarketKind.LINEAR else 0
    return Inferred(provisional(venue, market, native, *names, facts, interval), facts.last_price)


def _learn(facts: Seen, row: dict[str, object]) -> None:
    for side in ("bids", "asks"):
        levels = row.get(side)
        for level in levels if isinstance(levels, list) else ():
            if isinstance(level, list) and len(level) >= 2:
                facts.add(level[0], level[1])
    for price, size in _PAIRS:
        facts.add(row.get(price), row.get(size))
