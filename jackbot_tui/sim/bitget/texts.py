"""What Bitget (v3) writes about one market: books, trades, tickers (bitget.md §4 to §6). Pure; no subscriptions.

The checksum is gone: 0 in snapshots, no field in updates. Open interest is left out of tickers: nobody holds positions
here.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.text import decimals

FIRST_EXECUTION = 1_260_000_000_000_000_000
"""Where execution ids begin; each trade takes two, one for either side."""


def category_of(instrument: Instrument) -> str:
    """``SPOT``, ``USDT-FUTURES`` or ``USDC-FUTURES``."""
    return "SPOT" if instrument.kind is MarketKind.SPOT else f"{instrument.settle}-FUTURES"


def type_of(market: SimMarket) -> str:
    """The same as sockets write it."""
    return category_of(market.listing.instrument).lower()


def frame_text(market: SimMarket, topic: str, action: str, rows: str, now_ms: int) -> str:
    """A push; ``rows`` is the JSON of its data."""
    arg = f'{{"instType":"{type_of(market)}","topic":"{topic}","symbol":"{market.native}"}}'
    return f'{{"action":"{action}","arg":{arg},"data":[{rows}],"ts":{now_ms}}}'


def levels_text(market: SimMarket, levels: Levels) -> str:
    """A level that is gone is ``0``, however sizes are padded."""
    price, quantity = market.text.price, market.text.quantity
    return "[" + ",".join([f'["{price(ticks)}","{quantity(lots) if lots else "0"}"]' for ticks, lots in levels]) + "]"


def snapshot_text(market: SimMarket, topic: str, sides: tuple[Levels, Levels], sequence: int, now_ms: int) -> str:
    bids, asks = (levels_text(market, levels) for levels in sides)
    row = f'{{"a":{asks},"b":{bids},"checksum":0,"pseq":0,"seq":{sequence},"ts":"{now_ms}"}}'
    return frame_text(market, topic, "snapshot", row, now_ms)


def update_text(market: SimMarket, sides: tuple[Levels, Levels], previous: int, sequence: int, now_ms: int) -> str:
    """A change of ``books``; ``previous`` is the sequence of the update before it."""
    bids, asks = (levels_text(market, levels) for levels in sides)
    row = f'{{"a":{asks},"b":{bids},"pseq":{previous},"seq":{sequence},"ts":"{now_ms}"}}'
    return frame_text(market, "books", "update", row, now_ms)


def execution_id(trade: Print) -> int:
    return FIRST_EXECUTION + 2 * trade.trade_id


def side_text(trade: Print) -> str:
    """The taker's side."""
    return "sell" if trade.buyer_is_maker else "buy"


def trades_text(market: SimMarket, action: str, prints: Sequence[Print], now_ms: int) -> str:
    """``prints`` oldest first; the venue writes the newest first."""
    rows = []
    for trade in reversed(prints):
        number = execution_id(trade)
        rows.append(
            f'{{"p":"{market.text.price(trade.price)}","v":"{market.text.quantity(trade.quantity)}",'
            f'"S":"{side_text(trade)}","T":"{trade.ms}","i":"{number}","L":"{number + 1}","isRPI":"no"}}'
        )
    return frame_text(market, "publicTrade", action, ",".join(rows), now_ms)


def ticker_of(market: SimMarket, now_ms: int) -> dict[str, str]:
    """All fields of a ticker, as the stream and the page tell them."""
    text, day = market.text, market.history.day(now_ms)
    bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
    ticker = {
        "lastPrice": text.price(day.close),
        "openPrice24h": text.price(day.open),
        "highPrice24h": text.price(day.high),
        "lowPrice24h": text.price(day.low),
        "ask1Price": text.price(ask) if ask else "",
        "bid1Price": text.price(bid) if bid else "",
        "ask1Size": text.quantity(ask_size) if ask else "",
        "bid1Size": text.quantity(bid_size) if bid else "",
        "price24hPcnt": decimals((day.close - day.open) / day.open, 5),
        "volume24h": text.quantity(day.quantity),
        "turnover24h": text.value(day.value),
    }
    marks = market.marks
    if marks is not None:
        places = market.listing.price_places
        ticker["indexPrice"] = decimals(marks.index, places + 2)
        ticker["markPrice"] = decimals(marks.mark, places)
        ticker["fundingRate"] = decimals(marks.rate, 6)
        ticker["nextFundingTime"] = str(marks.next_funding_ms)
    return ticker


def ticker_text(market: SimMarket, ticker: dict[str, Any], now_ms: int) -> str:
    return frame_text(market, "ticker", "snapshot", msgspec.json.encode(ticker).decode(), now_ms)
