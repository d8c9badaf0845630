"""What Bybit writes about one market: levels, book frames, trades, tickers (bybit.md §4 to §6). Pure; no subscriptions.

Spot's frames put ``ts`` before ``type``, as those of level 1 do everywhere. Open interest is left out of tickers:
nobody holds positions here.
"""

import uuid
from collections.abc import Mapping, Sequence

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.bybit.listings import FUNDING_INTERVAL_H
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.text import decimals

HOUR_MS = 3_600_000
FUNDING_CAP = "0.003"
"""As ``sim.marks`` caps it."""

PAIRS = (("bid1Price", "bid1Size"), ("ask1Price", "ask1Size"))
"""Fields that a ticker's delta names together."""

_TRADES = uuid.UUID("6f0d1a3e-0f57-5c7e-9a53-2b1c8f4d7e60")
"""Namespace of the trade ids of perpetuals."""


def size_text(market: SimMarket, lots: int) -> str:
    """A level that is gone is ``0``, however sizes are padded."""
    return market.text.quantity(lots) if lots else "0"


def levels_text(market: SimMarket, levels: Levels) -> str:
    price = market.text.price
    return "[" + ",".join([f'["{price(ticks)}","{size_text(market, lots)}"]' for ticks, lots in levels]) + "]"


def book_text(
    market: SimMarket, topic: str, kind: str, sides: tuple[Levels, Levels], numbers: tuple[int, int], now_ms: int
) -> str:
    """``kind`` is snapshot or delta; ``numbers`` are the topic's own update id and the cross sequence."""
    number, sequence = numbers
    bids, asks = (levels_text(market, levels) for levels in sides)
    data = f'{{"s":"{market.native}","b":{bids},"a":{asks},"u":{number},"seq":{sequence}}},"cts":{now_ms}}}'
    if market.kind is MarketKind.SPOT or topic.startswith("orderbook.1."):
        return f'{{"topic":"{topic}","ts":{now_ms},"type":"{kind}","data":{data}'
    return f'{{"topic":"{topic}","type":"{kind}","ts":{now_ms},"data":{data}'


def trade_id_text(market: SimMarket, trade: Print) -> str:
    return trade_number_text(market, trade.trade_id)


def trade_number_text(market: SimMarket, trade_id: int) -> str:
    """A number on spot, a UUID on perpetuals."""
    if market.kind is MarketKind.SPOT:
        return f"229{trade_id:016d}"
    return str(uuid.uuid5(_TRADES, f"{market.native}:{trade_id}"))


def side_text(trade: Print) -> str:
    """The taker's side."""
    return "Sell" if trade.buyer_is_maker else "Buy"


def trades_text(market: SimMarket, prints: Sequence[Print], directions: Sequence[str], now_ms: int) -> str:
    """One push, oldest first. ``directions`` are the tick directions of ``prints``; spot does not tell them."""
    text, native, sequence = market.text, market.native, market.engine.last_update_id
    spot = market.kind is MarketKind.SPOT
    rows = []
    for trade, direction in zip(prints, directions, strict=True):
        price, size, number = text.price(trade.price), text.quantity(trade.quantity), trade_id_text(market, trade)
        rows.append(
            f'{{"i":"{number}","T":{trade.ms},"p":"{price}","v":"{size}","S":"{side_text(trade)}","seq":{sequence},'
            f'"s":"{native}","BT":false,"RPI":false}}'
            if spot
            else f'{{"T":{trade.ms},"s":"{native}","S":"{side_text(trade)}","v":"{size}","p":"{price}",'
            f'"L":"{direction}","i":"{number}","BT":false,"RPI":false,"seq":{sequence}}}'
        )
    moment = f'"ts":{now_ms},"type":"snapshot"' if spot else f'"type":"snapshot","ts":{now_ms}'
    return f'{{"topic":"publicTrade.{native}",{moment},"data":[{",".join(rows)}]}}'


def direction_text(previous: int, price: int, before: str) -> str:
    """The tick direction of a trade at ``price`` after one at ``previous`` whose own direction was ``before``."""
    if price > previous:
        return "PlusTick"
    if price < previous:
        return "MinusTick"
    return "ZeroMinusTick" if before.endswith("MinusTick") else "ZeroPlusTick"


def ticker_of(market: SimMarket, index: float, direction: str, now_ms: int) -> dict[str, str]:
    """All fields of a ticker; ``index`` in quote currency."""
    text, day = market.text, market.history.day(now_ms)
    change = decimals((day.close - day.open) / day.open, 6)
    common = {
        "symbol": market.native,
        "lastPrice": text.price(day.close),
        "highPrice24h": text.price(day.high),
        "lowPrice24h": text.price(day.low),
        "prevPrice24h": text.price(day.open),
        "volume24h": text.quantity(day.quantity),
        "turnover24h": text.value(day.value),
        "price24hPcnt": change,
    }
    marks = market.marks
    if marks is None:
        return {**common, "usdIndexPrice": decimals(index, 6)}
    places = market.listing.price_places
    bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
    return {
        **common,
        "tickDirection": direction,
        "prevPrice1h": text.price(_price_an_hour_ago(market, now_ms)),
        "markPrice": decimals(marks.mark, places),
        "indexPrice": decimals(marks.index, places),
        "fundingIntervalHour": str(FUNDING_INTERVAL_H),
        "fundingCap": FUNDING_CAP,
        "nextFundingTime": str(marks.next_funding_ms),
        "fundingRate": decimals(marks.rate, 8),
        "bid1Price": text.price(bid) if bid else "",
        "bid1Size": size_text(market, bid_size) if bid else "",
        "ask1Price": text.price(ask) if ask else "",
        "ask1Size": size_text(market, ask_size) if ask else "",
    }


def _price_an_hour_ago(market: SimMarket, now_ms: int) -> int:
    price = market.history.last_price
    for minute in reversed(market.history.minutes):
        if minute.open_ms < now_ms - HOUR_MS:
            break
        price = minute.open
    return price


def changed_fields(known: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """What a ticker's delta names: what is new, best prices together with their sizes."""
    changed = {name for name, text in now.items() if known.get(name) != text}
    for pair in PAIRS:
        if not changed.isdisjoint(pair):
            changed.update(pair)
    return {name: text for name, text in now.items() if name in changed}
