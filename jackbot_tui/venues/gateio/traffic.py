"""What recorded Gate traffic says about its instruments, for replay only: names, ticks and lots by their decimals.

Contract sizes cannot be seen in traffic: sizes of perpetuals count contracts as if one were one base unit.
"""

from collections.abc import Iterable, Iterator

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Inferred, MarketSpec
from jackbot_tui.venues.gateio.instruments import names_of
from jackbot_tui.venues.gateio.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.gateio.wire import UNREADABLE, written
from jackbot_tui.venues.inference import Seen, provisional

_ANY = msgspec.json.Decoder()


def infer(venue: str, market: MarketSpec, raws: Iterable[str | bytes]) -> list[Inferred]:
    """Instruments of ``market`` in these frames, in order of appearance. Replies of books name none."""
    own = "spot." if market.kind is MarketKind.SPOT else "futures."
    seen: dict[str, Seen] = {}
    for raw in raws:
        try:
            frame = _ANY.decode(raw)
        except UNREADABLE:
            continue  # the codec counts and keeps it when it is played
        if isinstance(frame, dict) and isinstance(frame.get("channel"), str) and frame["channel"].startswith(own):
            result = frame.get("result")
            for row in result if isinstance(result, list) else [result]:
                if isinstance(row, dict):
                    native = _native(row)
                    for price, size in _pairs(row):
                        seen.setdefault(native, Seen()).add(_text(price), _text(size))
    found: list[Inferred] = []
    for native, facts in seen.items():
        names = names_of(market.kind, native)
        if names is not None and facts.prices:
            made = provisional(venue, market, native, *names, facts, FUNDING_INTERVAL_H)
            found.append(Inferred(made, facts.last_price))
    return found


def book_name(stream: str) -> str:
    """``ob.BTC_USDT.400`` -> ``BTC_USDT``; a bare name stays."""
    return stream.removeprefix("ob.").partition(".")[0]


def _native(row: dict[str, object]) -> str:
    for field in ("s", "currency_pair", "contract"):
        name = row.get(field)
        if isinstance(name, str):
            return book_name(name)
    return ""


def _pairs(row: dict[str, object]) -> Iterator[tuple[object, object]]:
    """Price and size of each level of a book, of a trade, and of a best bid and ask."""
    for side, best_size in (("b", "B"), ("a", "A")):
        levels = row.get(side)
        if isinstance(levels, list):
            for level in levels:
                if isinstance(level, list) and len(level) == 2:
                    yield level[0], level[1]
                elif isinstance(level, dict):
                    yield level.get("p"), level.get("s")
        else:
            yield levels, row.get(best_size)
    yield row.get("price"), _text(row.get("amount", row.get("size"))).removeprefix("-")


def _text(value: object) -> str:
    """A number as it would be written, "" for what is none."""
    return written(value) if isinstance(value, str | int | float) else ""
