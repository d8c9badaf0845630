"""What recorded Binance traffic says about its instruments: names by their quote currency, ticks by their decimals.

For replay only, where a capture need not hold an exchangeInfo. A guess from few texts takes their full padded decimals,
so a tick may come out too fine but never too coarse; from many texts trailing zeros tell padding from precision.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeGuard

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.venues.base import Inferred, MarketSpec
from jackbot_tui.venues.binance.instruments import symbol_of
from jackbot_tui.venues.binance.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.binance.wire import UNREADABLE
from jackbot_tui.venues.texts import is_decimal

QUOTES = (
    "FDUSD",
    "USDT",
    "USDC",
    "TUSD",
    "BUSD",
    "USDS",
    "USD1",
    "BTC",
    "ETH",
    "BNB",
    "EUR",
    "TRY",
    "BRL",
    "JPY",
    "USD",
)
"""Quote currencies by which a native name is split, longest first."""

MANY_TEXTS = 40
"""Prices needed before trailing zeros are taken for padding."""

_ANY = msgspec.json.Decoder()


class _Seen:
    """Decimals met in one instrument's texts."""

    __slots__ = ("last_price", "padded", "prices", "significant")

    def __init__(self) -> None:
        self.prices = 0
        self.last_price = 0.0
        self.padded = [0, 0]  # of prices, of sizes
        self.significant = [0, 0]

    def add(self, price: str, size: str) -> None:
        for place, text in enumerate((price, size)):
            decimals = text.partition(".")[2]
            self.padded[place] = max(self.padded[place], len(decimals))
            self.significant[place] = max(self.significant[place], len(decimals.rstrip("0")))
        self.prices += 1
        self.last_price = float(price)

    def steps(self) -> tuple[Decimal, Decimal]:
        places = self.significant if self.prices >= MANY_TEXTS else self.padded
        return Decimal(1).scaleb(-places[0]), Decimal(1).scaleb(-places[1])


def split_native(native: str) -> tuple[str, str] | None:
    """``BTCUSDT`` -> ``("BTC", "USDT")``; None for a dated contract or an unknown quote currency."""
    for quote in QUOTES:
        if native.endswith(quote) and len(native) > len(quote) and native.isalnum():
            return native[: -len(quote)], quote
    return None


def infer(venue: str, market: MarketSpec, raws: Iterable[str | bytes]) -> list[Inferred]:
    """Instruments in these frames, in order of appearance; snapshots count where only one instrument is there."""
    seen: dict[str, _Seen] = {}
    nameless: list[tuple[str, str]] = []
    for raw in raws:
        try:
            frame = _ANY.decode(raw)
        except UNREADABLE:
            continue  # the codec counts and keeps it when it is played
        if not isinstance(frame, dict):
            continue
        body = frame.get("data", frame)
        if not isinstance(body, dict):
            continue
        native = body.get("s")
        if isinstance(native, str):
            for price, size in _texts_of(body):
                seen.setdefault(native, _Seen()).add(price, size)
        elif "lastUpdateId" in body:
            nameless += _texts_of(body)
    if len(seen) == 1:
        for price, size in nameless:
            next(iter(seen.values())).add(price, size)
    made = ((provisional(venue, market, native, *facts.steps()), facts) for native, facts in seen.items())
    return [Inferred(instrument, facts.last_price) for instrument, facts in made if instrument is not None]


def provisional(venue: str, market: MarketSpec, native: str, tick: Decimal, lot: Decimal) -> Instrument | None:
    """An instrument of which only name and steps are known; None when the name cannot be split."""
    parts = split_native(native)
    if parts is None:
        return None
    base, quote = parts
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, base, quote),
        native=native,
        kind=market.kind,
        base=base,
        quote=quote,
        settle=quote,
        tick=tick,
        lot=lot,
        min_qty=lot,
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
        max_leverage=Decimal(market.max_leverage),
        funding_interval_h=FUNDING_INTERVAL_H if market.kind is MarketKind.LINEAR else 0,
    )


def _texts_of(body: dict[str, object]) -> list[tuple[str, str]]:
    """Price and size texts of a depth update, a snapshot, a trade or a ticker."""
    found: list[tuple[str, str]] = []
    for side in ("b", "a", "bids", "asks"):
        levels = body.get(side)
        if isinstance(levels, list):
            found += [(level[0], level[1]) for level in levels if _is_level(level)]
    for price, size in (("p", "q"), ("b", "B"), ("a", "A")):
        pair = [body.get(price), body.get(size)]
        if _is_level(pair):
            found.append((pair[0], pair[1]))
    return found


def _is_level(pair: object) -> TypeGuard[list[str]]:
    return isinstance(pair, list) and len(pair) >= 2 and is_decimal(pair[0]) and is_decimal(pair[1])

