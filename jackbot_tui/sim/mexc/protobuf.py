"""MEXC spot's binary frames, written byte by byte: the protobuf encoding of the few messages that are played here.

Pure. The venue's codec has a message table of its own and the protobuf package to read it with; neither is used here,
so that a wrong number in that table cannot agree with itself. Field numbers: mexcdevelop/websocket-proto of 2026-06-17
(../shared/exchanges/mexc.md §3c); the encoding: protobuf.dev, "Encoding".
"""

from collections.abc import Iterable, Sequence

from jackbot_tui.sim.history import Print
from jackbot_tui.sim.market import Levels
from jackbot_tui.sim.text import MarketText

LIMIT_DEPTHS, AGGRE_DEPTHS, AGGRE_DEALS, AGGRE_BOOK_TICKER = 303, 313, 314, 315
"""Numbers of the wrapper's fields, one for each kind of body."""

BUY, SELL = 1, 2
_VARINT, _BYTES = 0, 2


def varint(number: int) -> bytes:
    """Seven bits a byte, the least significant first, the top bit set on all but the last."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def integer(field: int, number: int) -> bytes:
    """A field with a number; zero is the default and takes no bytes."""
    return varint(field << 3 | _VARINT) + varint(number) if number else b""


def block(field: int, content: bytes) -> bytes:
    """A field with a message, present even when that is empty."""
    return varint(field << 3 | _BYTES) + varint(len(content)) + content


def string(field: int, text: str) -> bytes:
    """A field with text; empty is the default and takes no bytes."""
    return block(field, text.encode()) if text else b""


def wrapper(channel: str, symbol: str, send_ms: int, body_field: int, body: bytes) -> bytes:
    """PushDataV3ApiWrapper: every data frame."""
    return string(1, channel) + string(3, symbol) + integer(6, send_ms) + block(body_field, body)


def aggre_depths(
    text: MarketText, bids: Levels, asks: Levels, event: str, first: int, last: int, order_ms: int
) -> bytes:
    """PublicAggreDepthsV3Api: changes that took the book from version ``first - 1`` to ``last``."""
    versions = string(4, str(first)) + string(5, str(last))
    return _levels(1, text, asks) + _levels(2, text, bids) + string(3, event) + versions + integer(6, order_ms)


def limit_depths(text: MarketText, bids: Levels, asks: Levels, event: str, version: int, order_ms: int) -> bytes:
    """PublicLimitDepthsV3Api: the best levels as they are."""
    sides = _levels(1, text, asks) + _levels(2, text, bids)
    return sides + string(3, event) + string(4, str(version)) + integer(5, order_ms)


def aggre_deals(text: MarketText, prints: Sequence[Print], event: str) -> bytes:
    """PublicAggreDealsV3Api: trades, oldest first; ``tradeType`` is the taker's side."""
    return b"".join(block(1, _deal(text, trade)) for trade in prints) + string(2, event)


def aggre_book_ticker(text: MarketText, best: tuple[int, int, int, int], version: int, order_ms: int) -> bytes:
    """PublicAggreBookTickerV3Api: ``best`` as ``SimMarket.best`` gives it."""
    bid, bid_size, ask, ask_size = best
    figures = (text.price(bid), text.quantity(bid_size), text.price(ask), text.quantity(ask_size), str(version))
    return b"".join(string(number, figure) for number, figure in enumerate(figures, 1)) + integer(6, order_ms)


def _levels(field: int, text: MarketText, levels: Iterable[tuple[int, int]]) -> bytes:
    return b"".join(
        block(field, string(1, text.price(price)) + string(2, text.quantity(size))) for price, size in levels
    )


def _deal(text: MarketText, trade: Print) -> bytes:
    side = SELL if trade.buyer_is_maker else BUY
    figures = string(1, text.price(trade.price)) + string(2, text.quantity(trade.quantity))
    return figures + integer(3, side) + integer(4, trade.ms) + string(5, str(trade.trade_id))
