"""What KuCoin writes about one market: frames of its topics and rows of its pages (kucoin.md §4 to §6). Pure.

Spot writes numbers as text and times in milliseconds, trades in nanoseconds; perpetuals write sizes as whole numbers of
contracts and most times in nanoseconds. Open interest is told nowhere: nobody holds positions here.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.history import Print
from jackbot_tui.sim.kucoin.books import Change
from jackbot_tui.sim.market import Levels, SimMarket
from jackbot_tui.sim.text import decimals

SIDE_WORDS = {Side.BUY: "buy", Side.SELL: "sell"}
RATE_PLACES = 6
MARK_GRANULARITY_MS = 1000
RATE_GRANULARITY_MS = 60_000


def message(topic: str, subject: str, data: dict[str, Any], number: int | None = None) -> str:
    """A data frame; perpetuals' repeat a ``number`` beside the data."""
    frame: dict[str, Any] = {"topic": topic, "type": "message", "subject": subject}
    if number is not None:
        frame["sn"] = number
    return msgspec.json.encode({**frame, "data": data}).decode()


def spot_update(market: SimMarket, changes: Sequence[Change], now_ms: int) -> str:
    """All ``changes``, whose numbers follow one another, in one frame."""
    price, quantity, native = market.text.price, market.text.quantity, market.native
    bids, asks = (
        ",".join([f'["{price(c.price)}","{quantity(c.quantity)}","{c.number}"]' for c in changes if c.side is side])
        for side in (Side.BUY, Side.SELL)
    )
    return (
        f'{{"topic":"/market/level2:{native}","type":"message","subject":"trade.l2update","data":{{"changes":'
        f'{{"asks":[{asks}],"bids":[{bids}]}},"sequenceEnd":{changes[-1].number},'
        f'"sequenceStart":{changes[0].number},"symbol":"{native}","time":{now_ms}}}}}'
    )


def contract_update(market: SimMarket, change: Change, now_ms: int) -> str:
    words = f"{market.text.price(change.price)},{SIDE_WORDS[change.side]},{market.text.quantity(change.quantity)}"
    return (
        f'{{"topic":"/contractMarket/level2:{market.native}","type":"message","subject":"level2","sn":{change.number},'
        f'"data":{{"sequence":{change.number},"change":"{words}","timestamp":{now_ms}}}}}'
    )


def levels(market: SimMarket, rows: Levels, *, quoted_prices: bool = True) -> str:
    """Rows of a whole book; REST books of perpetuals write prices as numbers."""
    price, quantity = market.text.price, market.text.quantity
    if market.kind is MarketKind.SPOT:
        return market.text.levels(rows)
    mark = '"' if quoted_prices else ""
    return "[" + ",".join([f"[{mark}{price(ticks)}{mark},{quantity(lots)}]" for ticks, lots in rows]) + "]"


def depth_frame(market: SimMarket, topic: str, sides: tuple[Levels, Levels], number: int, now_ms: int) -> str:
    """The best levels as a whole. It shares its subject with the increments of perpetuals."""
    bids, asks = (levels(market, rows) for rows in sides)
    begin = f'{{"topic":"{topic}","type":"message","subject":"level2",'
    if market.kind is MarketKind.SPOT:
        return f'{begin}"data":{{"asks":{asks},"bids":{bids},"timestamp":{now_ms}}}}}'
    return (
        f'{begin}"sn":{number},"data":{{"sequence":{number},"asks":{asks},"bids":{bids},'
        f'"timestamp":{now_ms},"ts":{now_ms}}}}}'
    )


def trade_row(market: SimMarket, trade: Print) -> dict[str, Any]:
    """One match as streams tell it. Trades are counted apart from the book."""
    side = SIDE_WORDS[Side.SELL if trade.buyer_is_maker else Side.BUY]
    price, size, ns = market.text.price(trade.price), market.text.quantity(trade.quantity), trade.ms * NS_PER_MS
    orders = {"makerOrderId": f"{trade.trade_id:024x}", "takerOrderId": f"{trade.taker:024x}"}
    number = str(trade.trade_id)
    if market.kind is MarketKind.SPOT:
        return {
            "symbol": market.native,
            "type": "match",
            "sequence": number,
            "tradeId": number,
            "side": side,
            "price": price,
            "size": size,
            **orders,
            "time": str(ns),
        }
    return {
        "symbol": market.native,
        "sequence": trade.trade_id,
        "tradeId": number,
        "side": side,
        "price": price,
        "size": int(size),
        **orders,
        "ts": ns,
    }


def spot_ticker(market: SimMarket, number: int, now_ms: int) -> dict[str, Any]:
    """Best prices and last trade, at book number ``number``."""
    bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
    text, trades = market.text, market.history.trades
    return {
        "sequence": str(number),
        "price": text.price(market.history.last_price),
        "size": text.quantity(trades[-1].quantity if trades else 0),
        "bestAsk": text.price(ask),
        "bestAskSize": text.quantity(ask_size),
        "bestBid": text.price(bid),
        "bestBidSize": text.quantity(bid_size),
        "time": now_ms,
    }


def contract_ticker(market: SimMarket, number: int, now_ns: int) -> dict[str, Any]:
    """Best prices at book number ``number``."""
    bid, bid_size, ask, ask_size = market.best() or (0, 0, 0, 0)
    text = market.text
    return {
        "symbol": market.native,
        "sequence": number,
        "bestBidSize": int(text.quantity(bid_size)),
        "bestBidPrice": text.price(bid),
        "bestAskPrice": text.price(ask),
        "bestAskSize": int(text.quantity(ask_size)),
        "ts": now_ns,
    }


def mark_frame(market: SimMarket, now_ms: int) -> str:
    assert market.marks is not None
    places = market.listing.instrument.price_places + 1
    mark, index = (decimals(price, places) for price in (market.marks.mark, market.marks.index))
    return (
        f'{{"topic":"/contract/instrument:{market.native}","type":"message","subject":"mark.index.price",'
        f'"data":{{"markPrice":{mark},"indexPrice":{index},"granularity":{MARK_GRANULARITY_MS},'
        f'"timestamp":{now_ms}}}}}'
    )


def funding_frame(market: SimMarket, now_ms: int) -> str:
    """The rate of the coming funding."""
    assert market.marks is not None
    return (
        f'{{"topic":"/contract/instrument:{market.native}","type":"message","subject":"funding.rate",'
        f'"data":{{"granularity":{RATE_GRANULARITY_MS},"fundingRate":{decimals(market.marks.rate, RATE_PLACES)},'
        f'"timestamp":{now_ms}}}}}'
    )


def day_row(market: SimMarket, now_ms: int) -> dict[str, Any]:
    """A spot market's last 24 hours, as ``/market/snapshot`` and ``allTickers`` tell them."""
    text, day = market.text, market.history.day(now_ms)
    bid, _, ask, _ = market.best() or (0, 0, 0, 0)
    return {
        "symbol": market.native,
        "buy": text.price(bid),
        "sell": text.price(ask),
        "changeRate": decimals((day.close - day.open) / day.open, 4),
        "changePrice": _difference(market, day.close - day.open),
        "high": text.price(day.high),
        "low": text.price(day.low),
        "vol": text.base(day.quantity),
        "volValue": text.value(day.value),
        "last": text.price(day.close),
    }


def _difference(market: SimMarket, ticks: int) -> str:
    return f"-{market.text.price(-ticks)}" if ticks < 0 else market.text.price(ticks)
