"""What Gate writes about one market: frames of its channels and rows of its pages (gateio.md §4 to §6). Pure.

Sizes of perpetuals are decimal texts for whom ``X-Gate-Size-Decimal`` asks for them (``whole``), else integers cut
towards zero, of which contracts that trade in fractions lose theirs. Open interest is 0: nobody holds positions here.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.text import decimals, fixed

PREFIXES = {MarketKind.SPOT: "spot", MarketKind.LINEAR: "futures"}
RATE_PLACES = 6


def size_text(market: SimMarket, lots: int, *, whole: bool) -> str:
    """A size without quotes; ``whole`` False cuts those of perpetuals to integers."""
    text = market.text.quantity(lots)
    return text if whole or market.kind is MarketKind.SPOT else text.partition(".")[0]


def size_value(market: SimMarket, lots: int, *, whole: bool) -> str:
    """A size as JSON: a text on spot and where ``whole``, else an integer."""
    text = size_text(market, lots, whole=whole)
    return f'"{text}"' if whole or market.kind is MarketKind.SPOT else text


def pairs(market: SimMarket, levels: Levels, *, whole: bool) -> str:
    """``["64000.1","0.5"]``"""
    price = market.text.price
    rows = [f'["{price(ticks)}","{size_text(market, lots, whole=whole)}"]' for ticks, lots in levels]
    return f"[{','.join(rows)}]"


def objects(market: SimMarket, levels: Levels, *, whole: bool, size_first: bool = False) -> str:
    """``{"p":"64000.1","s":"120"}``, as perpetuals write levels outside of order book V2."""
    rows = []
    for ticks, lots in levels:
        price, size = f'"p":"{market.text.price(ticks)}"', f'"s":{size_value(market, lots, whole=whole)}'
        rows.append(f"{{{size},{price}}}" if size_first else f"{{{price},{size}}}")
    return f"[{','.join(rows)}]"


def update(channel: str, now_ms: int, result: str) -> str:
    return f'{{"time":{now_ms // 1000},"time_ms":{now_ms},"channel":"{channel}","event":"update","result":{result}}}'


def book_v2(
    market: SimMarket, name: str, sides: tuple[Levels, Levels], first: int, last: int, now_ms: int, *, whole: bool
) -> str:
    """Order book V2: ``first`` 0 is a whole book, which names no first id. It has no time in seconds."""
    bids, asks = (pairs(market, levels, whole=whole) for levels in sides)
    numbers = f'"U":{first},"u":{last}' if first else f'"u":{last}'
    full = "" if first else '"full":true,'
    return (
        f'{{"channel":"{PREFIXES[market.kind]}.obu","time_ms":{now_ms},"event":"update","result":{{"t":{now_ms},'
        f'{full}"s":"{name}",{numbers},"b":{bids},"a":{asks}}}}}'
    )


def book_update(
    market: SimMarket,
    levels: int,
    sides: tuple[Levels, Levels],
    numbers: tuple[int, int],
    now_ms: int,
    *,
    whole: bool,
    full: bool,
) -> str:
    """``order_book_update``: ``numbers`` are the first and last id. ``full`` ones replace the book."""
    first, last = numbers
    spot = market.kind is MarketKind.SPOT
    bids, asks = (pairs(market, rows, whole=True) if spot else objects(market, rows, whole=whole) for rows in sides)
    event = f'"e":"depthUpdate","E":{now_ms // 1000},' if spot else ""
    mark = '"full":true,' if full else ""
    result = (
        f'{{"t":{now_ms},{event}{mark}"s":"{market.native}","U":{first},"u":{last},"b":{bids},"a":{asks},'
        f'"l":"{levels}"}}'
    )
    return update(f"{PREFIXES[market.kind]}.order_book_update", now_ms, result)


def spot_trade(market: SimMarket, trade: Print, number: int) -> dict[str, Any]:
    """One match; ``number`` counts over all markets."""
    return {
        "id": number,
        "id_market": trade.trade_id,
        "create_time": trade.ms // 1000,
        "create_time_ms": f"{trade.ms}.0000",
        "side": "sell" if trade.buyer_is_maker else "buy",
        "currency_pair": market.native,
        "amount": market.text.quantity(trade.quantity),
        "price": market.text.price(trade.price),
        "range": f"{trade.trade_id}-{trade.trade_id}",
    }


def contract_trades(market: SimMarket, prints: Sequence[Print], *, whole: bool) -> str:
    """The sign of a size is the taker's side."""
    quote = '"' if whole else ""
    rows = [
        f'{{"size":{quote}{"-" if trade.buyer_is_maker else ""}{size_text(market, trade.quantity, whole=whole)}{quote},'
        f'"id":{trade.trade_id},"create_time":{trade.ms // 1000},"create_time_ms":{trade.ms},'
        f'"price":"{market.text.price(trade.price)}","contract":"{market.native}"}}'
        for trade in prints
    ]
    return f"[{','.join(rows)}]"


def best(market: SimMarket, now_ms: int, *, whole: bool) -> str:
    """Best prices; an empty side has no price."""
    bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
    bid_text, ask_text = (market.text.price(price) if price else "" for price in (bid, ask))
    bid_lots, ask_lots = (size_value(market, lots, whole=whole) for lots in (bid_size, ask_size))
    return (
        f'{{"t":{now_ms},"u":{market.engine.last_update_id},"s":"{market.native}","b":"{bid_text}","B":{bid_lots},'
        f'"a":"{ask_text}","A":{ask_lots}}}'
    )


def spot_ticker(market: SimMarket, now_ms: int) -> dict[str, str]:
    text, day = market.text, market.history.day(now_ms)
    bid, _, ask, _ = market.best() or (0, 0, 0, 0)
    return {
        "currency_pair": market.native,
        "last": text.price(day.close),
        "lowest_ask": text.price(ask) if ask else "",
        "highest_bid": text.price(bid) if bid else "",
        "change_percentage": decimals(100 * (day.close - day.open) / day.open, 2),
        "base_volume": text.base(day.quantity),
        "quote_volume": text.value(day.value),
        "high_24h": text.price(day.high),
        "low_24h": text.price(day.low),
    }


def contract_ticker(market: SimMarket, now_ms: int, *, whole: bool) -> dict[str, Any]:
    text, day, marks = market.text, market.history.day(now_ms), market.marks
    assert marks is not None
    places = market.listing.instrument.price_places + 1
    rate, value = decimals(marks.rate, RATE_PLACES), text.value(day.value)
    volume = msgspec.Raw(size_value(market, day.quantity, whole=whole).encode())
    return {
        "contract": market.native,
        "last": text.price(day.close),
        "change_percentage": decimals(100 * (day.close - day.open) / day.open, 2),
        "total_size": msgspec.Raw(size_value(market, 0, whole=whole).encode()),
        "low_24h": text.price(day.low),
        "high_24h": text.price(day.high),
        "volume_24h": volume,
        "volume_24h_base": text.base(day.quantity),
        "volume_24h_quote": value,
        "volume_24h_settle": value,
        "mark_price": decimals(marks.mark, places),
        "index_price": decimals(marks.index, places),
        "funding_rate": rate,
        "funding_rate_indicative": rate,
        "quanto_base_rate": "",
    }


def seconds(ms: int) -> str:
    """Milliseconds as the perpetuals' pages write a time: seconds with a fraction."""
    return fixed(ms, 3)
