"""The derivatives' WebSocket v1, sans-I/O; the only module that knows it, since the venue ends it on 2027-03-01.

It has no request ids: an answer names feed and product, and is given the id of the request that asked for them.
Full books, one changed level a frame, numbered without a hole.
"""

from collections.abc import Callable, Sequence

import msgspec

from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import (
    BookDelta,
    BookSnapshot,
    BookTicker,
    FeedEvent,
    MarkPrice,
    SubscriptionAck,
    Trade,
    VenueNotice,
)
from jackbot_tui.venues.kraken.numbers import exact
from jackbot_tui.venues.kraken.wire import (
    UNREADABLE,
    FuturesBook,
    FuturesBookSnapshot,
    FuturesEvent,
    FuturesFeed,
    FuturesTicker,
    FuturesTrade,
)
from jackbot_tui.venues.texts import is_trade, unknown_frame

PING = '{"event":"ping"}'

SIDES = {"buy": Side.BUY, "sell": Side.SELL}

UNUSED_FEEDS = ("trade_snapshot", "ticker_lite", "heartbeat")
"""Feeds without anything new in them: trades of before, a ticker without a mark."""

OFF_BOOK = ("block", "assignment", "termination")
"""Kinds of trades that did not go through the book."""

_FEED = msgspec.json.Decoder(FuturesFeed)
_EVENT = msgspec.json.Decoder(FuturesEvent)

KeyOf = Callable[[str, str | bytes], str | None]
"""Key of a product name that came in a frame, None for one that nobody follows."""


def request(request_id: int, feed: str, products: Sequence[str]) -> tuple[int, str]:
    """A subscription; asked for a second time it makes the venue send a new snapshot."""
    frame = {"event": "subscribe", "feed": feed, "product_ids": products}
    return request_id, msgspec.json.encode(frame).decode()


class FuturesCodec:
    """Decodes frames; ``asked`` remembers which request asked for what."""

    def __init__(self, key_of: KeyOf) -> None:
        self._key_of = key_of
        self._ids: dict[tuple[str, str], int] = {}

    def asked(self, request_id: int, feed: str, products: Sequence[str]) -> None:
        for product in products:
            self._ids[feed, product] = request_id

    def decode(self, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        try:
            feed: FuturesFeed = _FEED.decode(raw)
        except UNREADABLE as error:
            return self._event(raw, str(error))
        key = self._key_of(feed.product_id, raw)
        if key is None:
            return (unknown_frame(raw, f"product {feed.product_id[:40]} is not followed"),)
        match feed:
            case FuturesBook():
                side = SIDES.get(feed.side)
                if side is None:
                    return (unknown_frame(raw, f"book side {feed.side[:20]!r}"),)
                level, ts = [(feed.price, feed.qty)], feed.timestamp * NS_PER_MS
                bids, asks = (level, []) if side is Side.BUY else ([], level)
                return (BookDelta(key, ts, ts_recv, feed.seq, feed.seq, feed.seq - 1, bids, asks),)
            case FuturesBookSnapshot():
                bids, asks = ([(level.price, level.qty) for level in side] for side in (feed.bids, feed.asks))
                return (BookSnapshot(key, feed.timestamp * NS_PER_MS, ts_recv, feed.seq, bids, asks),)
            case FuturesTrade():
                return _trade(key, feed, raw, ts_recv)
            case FuturesTicker():
                return _ticker(key, feed, ts_recv)

    def _event(self, raw: str | bytes, problem: str) -> Sequence[FeedEvent]:
        try:
            event = _EVENT.decode(raw)
        except UNREADABLE:
            return (unknown_frame(raw, problem),)
        match event.event:
            case "subscribed":
                ids = {self._ids.get((event.feed, product.upper())) for product in event.product_ids}
                return [SubscriptionAck(number) for number in sorted(each for each in ids if each is not None)]
            case "unsubscribed" | "pong" | "info":
                return ()
            case "alert" if event.message.startswith("Already subscribed"):
                return ()
            case "alert" | "error":
                return (VenueNotice("error", event.event, event.message),)
            case "" if event.feed in UNUSED_FEEDS:
                return ()
        return (unknown_frame(raw, problem),)


def _trade(key: str, trade: FuturesTrade, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    if trade.type in OFF_BOOK:
        return ()
    side, price, size = SIDES.get(trade.side), exact(trade.price), exact(trade.qty)
    if side is None or not is_trade(price, size):
        return (unknown_frame(raw, f"trade {trade.side[:20]} of {size[:40]} at {price[:40]}"),)
    ts = trade.time * NS_PER_MS
    return (Trade(key, ts, ts_recv, trade.uid, side, float(price), float(size), price, size),)


def _ticker(key: str, ticker: FuturesTicker, ts_recv: int) -> Sequence[FeedEvent]:
    ts = ticker.time * NS_PER_MS
    due = ticker.next_funding_rate_time * NS_PER_MS
    mark = MarkPrice(key, ts, ts_recv, ticker.markPrice, ticker.index, ticker.relative_funding_rate, due)
    if ticker.bid <= 0 or ticker.ask <= 0:  # one side may be empty
        return (mark,)
    best = BookTicker(key, ts, ts_recv, -1, ticker.bid, ticker.bid_size, ticker.ask, ticker.ask_size)
    return (mark, best)
