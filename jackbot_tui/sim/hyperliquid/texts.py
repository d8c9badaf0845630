"""What the embedded Hyperliquid writes: pictures of books, trades, figures, listings. Pure; used by ``front``.

Figures are the shortest text that has a decimal (``61000.0``), as the venue sends them (../shared/exchanges/
hyperliquid.md §2, §4 to §6). Ids and addresses are hashes on the chain; here they are hashes of what they name.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from hashlib import blake2b
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.hyperliquid.listings import QUOTE, TOKENS
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.text import trimmed

DEEP_LEVELS, FAST_LEVELS = 20, 5
TRADE_ID_BITS = 50
IMPACT_NOTIONAL = 20_000
"""Impact prices are what so much quote currency costs on average."""

HOURS_OF_RATE = 8
"""The rate is worked out for eight hours and paid in parts of an hour."""


class Grid(msgspec.Struct, frozen=True):
    """Prices of an aggregated book: so many significant figures; with five of them in steps of ``mantissa``."""

    figures: int
    mantissa: int = 1

    def rounded(self, side: Side, price: Decimal) -> Decimal:
        """Bids down and asks up."""
        step = Decimal(self.mantissa).scaleb(price.adjusted() + 1 - self.figures)
        rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
        return (price / step).to_integral_value(rounding) * step


def figure(text: str) -> str:
    """``61000`` -> ``61000.0``; nothing else changes."""
    return text if "." in text else f"{text}.0"


def shortest(value: float, places: int) -> str:
    """A float to at most so many decimals."""
    return figure(trimmed(round(value * 10**places), places))


def plain(number: Decimal) -> str:
    text = format(number, "f")
    return figure(text.rstrip("0").rstrip(".") if "." in text else text)


def sides_text(market: SimMarket, depth: int) -> str:
    """``[[bids],[asks]]``, best first."""
    engine = market.engine
    bids = _rows(market, Side.BUY, engine.depth(Side.BUY, depth))
    asks = _rows(market, Side.SELL, engine.depth(Side.SELL, depth))
    return f"[[{bids}],[{asks}]]"


def image_text(market: SimMarket, bids: Levels, asks: Levels) -> str:
    """The same of levels that were taken down before."""
    return f"[[{_rows(market, Side.BUY, bids)}],[{_rows(market, Side.SELL, asks)}]]"


def grouped_text(market: SimMarket, grid: Grid) -> str:
    """The same on a coarser grid of prices."""
    instrument, engine = market.listing.instrument, market.engine
    sides = []
    for side in (Side.BUY, Side.SELL):
        rows: dict[Decimal, list[int]] = {}
        for price, size in engine.depth(side):
            place = grid.rounded(side, price * instrument.tick)
            if place not in rows and len(rows) == DEEP_LEVELS:
                break
            row = rows.setdefault(place, [0, 0])
            row[0] += size
            row[1] += engine.queue_length(side, price)
        sides.append(
            ",".join(
                f'{{"px":"{plain(price)}","sz":"{figure(market.text.quantity(size))}","n":{orders}}}'
                for price, (size, orders) in rows.items()
            )
        )
    return f"[[{sides[0]}],[{sides[1]}]]"


def best_text(market: SimMarket) -> str:
    """``[best bid, best ask]``, null where a side is empty."""
    engine = market.engine
    rows = (_rows(market, side, engine.depth(side, 1)) or "null" for side in (Side.BUY, Side.SELL))
    return f"[{','.join(rows)}]"


def _rows(market: SimMarket, side: Side, levels: Levels) -> str:
    text, orders = market.text, market.engine.queue_length
    return ",".join(
        f'{{"px":"{figure(text.price(price))}","sz":"{figure(text.quantity(size))}","n":{orders(side, price)}}}'
        for price, size in levels
    )


def trade_text(market: SimMarket, trade: Print, block_ms: int) -> str:
    """One match, with the time of its block. All matches of one taker are of one transaction."""
    native, text = market.native, market.text
    taker, maker = _hash(f"{native}:{trade.taker}", 20), _hash(f"{native}:{trade.trade_id}:maker", 20)
    buyer, seller = (maker, taker) if trade.buyer_is_maker else (taker, maker)
    side = "A" if trade.buyer_is_maker else "B"
    number = trade_number(market, trade.trade_id)
    price, size = figure(text.price(trade.price)), figure(text.quantity(trade.quantity))
    return (
        f'{{"coin":"{native}","side":"{side}","px":"{price}","sz":"{size}","time":{block_ms},'
        f'"hash":"{transaction(market, trade.taker)}","tid":{number},'
        f'"users":["0x{buyer}","0x{seller}"]}}'
    )


def trade_number(market: SimMarket, trade_id: int) -> int:
    """The chain's number of a match: the same for both sides and on every stream."""
    return int(_hash(f"{market.native}:{trade_id}", 8), 16) % (1 << TRADE_ID_BITS)


def transaction(market: SimMarket, taker: int) -> str:
    """The hash of what a taking order did."""
    return f"0x{_hash(f'{market.native}:{taker}:transaction', 32)}"


def _hash(name: str, size: int) -> str:
    return blake2b(name.encode(), digest_size=size).hexdigest()


def mid_text(market: SimMarket) -> str:
    return shortest(market.mid(), market.listing.instrument.price_places + 1)


def figures_of(market: SimMarket, now_ms: int) -> dict[str, Any]:
    """An asset's context. Open interest is that of named accounts: the crowd holds none."""
    text, marks, places = market.text, market.marks, market.listing.instrument.price_places
    day = market.history.day(now_ms)
    shared = {
        "prevDayPx": figure(text.price(day.open)),
        "dayNtlVlm": plain(Decimal(text.value(day.value))),
        "midPx": mid_text(market),
        "dayBaseVlm": figure(text.base(day.quantity)),
    }
    if marks is None:
        return {**shared, "markPx": mid_text(market), "coin": market.native}
    held = sum(max(0, lots) for lots in market.engine.positions.values())
    return {
        **shared,
        "funding": shortest(marks.rate / HOURS_OF_RATE, 10),
        "openInterest": figure(text.base(held)),
        "premium": shortest(marks.premium, 10),
        "oraclePx": shortest(marks.index, places),
        "markPx": shortest(marks.mark, places),
        "impactPxs": [_impact(market, side) for side in (Side.BUY, Side.SELL)],
    }


def _impact(market: SimMarket, side: Side) -> str:
    """Average price at which ``IMPACT_NOTIONAL`` could be traded against one side, or all that there is."""
    instrument = market.listing.instrument
    left, base = Decimal(IMPACT_NOTIONAL), Decimal(0)
    for price, size in market.engine.depth(side):
        value = min(left, price * instrument.tick * size * instrument.lot)
        left -= value
        base += value / (price * instrument.tick)
        if not left:
            break
    average = (IMPACT_NOTIONAL - left) / base if base else Decimal(0)
    return shortest(float(average), instrument.price_places + 1)


def meta_of(markets: Sequence[SimMarket]) -> dict[str, Any]:
    """Perpetuals; the place in the universe is the number of the asset."""
    universe = [
        {
            "szDecimals": market.listing.instrument.qty_places,
            "name": market.native,
            "maxLeverage": int(market.listing.instrument.max_leverage),
            "marginTableId": int(market.listing.instrument.max_leverage),
        }
        for market in markets
    ]
    tables = [
        [number, {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": number}]}]
        for number in sorted({row["marginTableId"] for row in universe}, key=str)
    ]
    return {"universe": universe, "marginTables": tables, "collateralToken": 0}


def spot_meta_of(markets: Sequence[SimMarket]) -> dict[str, Any]:
    """Pairs and their tokens; a token's index is its place in the list, a pair's index is not."""
    decimals = {QUOTE: 8} | {each.listing.instrument.base: each.listing.instrument.qty_places for each in markets}
    places = {name: number for number, name in enumerate(decimals)}
    tokens = [
        {
            "name": TOKENS[name],
            "szDecimals": decimals[name],
            "weiDecimals": max(8, decimals[name]),
            "index": number,
            "tokenId": f"0x{_hash(name, 16)}",
            "isCanonical": name == QUOTE,
            "evmContract": None,
            "fullName": None,
        }
        for name, number in places.items()
    ]
    universe = [
        {
            "tokens": [places[market.listing.instrument.base], places[QUOTE]],
            "name": market.native,
            "index": int(market.native.removeprefix("@")),
            "isCanonical": False,
        }
        for market in markets
    ]
    return {"universe": universe, "tokens": tokens}


def mids_of(markets: Iterable[SimMarket]) -> dict[str, str]:
    return {market.native: mid_text(market) for market in markets}


def book_text(market: SimMarket, sides: str, now_ms: int, *, fast: bool = False) -> str:
    """One picture, without the frame around it."""
    mark = ',"fast":true' if fast else ""
    return f'{{"coin":"{market.native}","time":{now_ms},"levels":{sides}{mark}}}'


def context_channel(market: SimMarket) -> str:
    return "activeSpotAssetCtx" if market.kind is MarketKind.SPOT else "activeAssetCtx"
