"""What recorded MEXC traffic says about its instruments, for replay only: names, ticks and lots by their decimals.

Contract sizes cannot be seen in traffic: sizes of perpetuals count contracts as if one were one base unit.
"""

from collections.abc import Iterable, Iterator

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import float_text
from jackbot_tui.venues.base import Inferred, MarketSpec
from jackbot_tui.venues.inference import Seen, provisional
from jackbot_tui.venues.mexc.instruments import names_of
from jackbot_tui.venues.mexc.messages import UNREADABLE_BINARY, read
from jackbot_tui.venues.mexc.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.mexc.wire import UNREADABLE

_ANY = msgspec.json.Decoder()

Pairs = Iterator[tuple[object, object]]


def infer(venue: str, market: MarketSpec, raws: Iterable[str | bytes]) -> list[Inferred]:
    """Instruments of ``market`` in these frames, in order of appearance. Replies of books name none."""
    seen: dict[str, Seen] = {}
    for raw in raws:
        native, pairs = _spot(raw) if market.kind is MarketKind.SPOT else _contract(raw)
        for price, size in pairs:
            seen.setdefault(native, Seen()).add(price, size)
    found: list[Inferred] = []
    for native, facts in seen.items():
        names = names_of(market.kind, native)
        if names is not None and facts.prices:
            made = provisional(venue, market, native, *names, facts, FUNDING_INTERVAL_H)
            found.append(Inferred(made, facts.last_price))
    return found


def native_of(channel: str) -> str:
    """``spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT`` -> ``BTCUSDT``."""
    return channel.rpartition("@")[2]


def _spot(raw: str | bytes) -> tuple[str, Pairs]:
    """Name, and price and size of each level, trade and best price of a binary frame."""
    if isinstance(raw, str):
        return "", iter(())
    try:
        frame = read(raw)
    except UNREADABLE_BINARY:
        return "", iter(())  # the codec counts and keeps it when it is played
    depths, best = frame.publicAggreDepths, frame.publicAggreBookTicker
    rows = [*depths.bids, *depths.asks, *frame.publicAggreDeals.deals]
    pairs: list[tuple[object, object]] = [(row.price, row.quantity) for row in rows]
    if frame.HasField("publicAggreBookTicker"):
        pairs += [(best.bidPrice, best.bidQuantity), (best.askPrice, best.askQuantity)]
    return native_of(frame.channel), iter(pairs)


def _contract(raw: str | bytes) -> tuple[str, Pairs]:
    try:
        frame = _ANY.decode(raw)
    except UNREADABLE:
        return "", iter(())
    if not isinstance(frame, dict) or not isinstance(frame.get("symbol"), str):
        return "", iter(())
    return frame["symbol"], _pairs(frame.get("data"))


def _pairs(data: object) -> Pairs:
    """Price and size of each level of a book and of each trade; of a ticker its last price."""
    for row in data if isinstance(data, list) else [data]:
        if not isinstance(row, dict):
            continue
        for side in ("bids", "asks"):
            levels = row.get(side)
            for level in levels if isinstance(levels, list) else ():
                if isinstance(level, list) and len(level) >= 2:
                    yield _text(level[0]), _text(level[1])
        yield _text(row.get("p")), _text(row.get("v"))
        yield _text(row.get("lastPrice")), "1"


def _text(value: object) -> str:
    """A JSON number as it would be written, "" for what is none."""
    if isinstance(value, float):
        return float_text(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
