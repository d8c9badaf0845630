"""What recorded KuCoin traffic says about its instruments, for replay only: names, ticks and lots by their decimals.

Contract sizes cannot be seen in traffic: sizes of perpetuals count contracts as if one were one base unit.
"""

from collections.abc import Iterable, Iterator

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import Inferred, MarketSpec
from jackbot_tui.venues.inference import Seen, provisional
from jackbot_tui.venues.kucoin.instruments import names_of
from jackbot_tui.venues.kucoin.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.kucoin.wire import UNREADABLE, written

_ANY = msgspec.json.Decoder()

TOPICS = {MarketKind.SPOT: ("/market/", "/spotMarket/"), MarketKind.LINEAR: ("/contractMarket/", "/contract/")}
"""Beginnings of a market's topics."""


def infer(venue: str, market: MarketSpec, raws: Iterable[str | bytes]) -> list[Inferred]:
    """Instruments of ``market`` in these frames, in order of appearance. Replies of books name none."""
    seen: dict[str, Seen] = {}
    for raw in raws:
        try:
            frame = _ANY.decode(raw)
        except UNREADABLE:
            continue  # the codec counts and keeps it when it is played
        if isinstance(frame, dict) and isinstance(frame.get("topic"), str) and isinstance(frame.get("data"), dict):
            topic, _, native = frame["topic"].partition(":")
            if topic.startswith(TOPICS[market.kind]):
                for price, size in _pairs(frame["data"]):
                    seen.setdefault(native, Seen()).add(_text(price), _text(size))
    found: list[Inferred] = []
    for native, facts in seen.items():
        names = names_of(market.kind, native)
        if names is not None and facts.prices and facts.last_price > 0.0:
            made = provisional(venue, market, native, *names, facts, FUNDING_INTERVAL_H)
            found.append(Inferred(made, facts.last_price))
    return found


def _pairs(data: dict[str, object]) -> Iterator[tuple[object, object]]:
    """Price and size of each changed level, of a trade, of best prices, and a mark price; placeholders are none."""
    changes = data.get("changes")
    if isinstance(changes, dict):
        for levels in (changes.get("bids"), changes.get("asks")):
            for level in levels if isinstance(levels, list) else ():
                if isinstance(level, list) and len(level) == 3 and level[0] != "0":
                    yield level[0], level[1]
    elif isinstance(change := data.get("change"), str):
        price, _, rest = change.partition(",")
        yield price, rest.partition(",")[2]
    elif "bestBid" in data:
        yield data["bestBid"], data.get("bestBidSize")
        yield data.get("bestAsk"), data.get("bestAskSize")
    elif "bestBidPrice" in data:
        yield data["bestBidPrice"], data.get("bestBidSize")
        yield data.get("bestAskPrice"), data.get("bestAskSize")
    elif "markPrice" in data:
        yield data["markPrice"], "1"
    else:
        yield data.get("price"), data.get("size")


def _text(value: object) -> str:
    """A number as it would be written, "" for what is none."""
    return written(value) if isinstance(value, str | int | float) else ""
