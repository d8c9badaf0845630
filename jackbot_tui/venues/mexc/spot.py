"""MEXC spot's stream frames into events: answers are JSON, data is protobuf. Called by the codec only; sans-I/O.

A channel name says what a frame holds and of which pair. It is looked up once: the first of a pair's two frequencies
that comes by is taken, the other merges updates differently and is left out. A frame that is understood gives the same
events however often it is decoded.
"""

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import (
    BookDelta,
    BookTicker,
    FeedEvent,
    Level,
    SubscriptionAck,
    Trade,
    VenueNotice,
)
from jackbot_tui.venues.mexc.messages import UNREADABLE_BINARY, DealsBody, DepthBody, LevelRow, Wrapper, read
from jackbot_tui.venues.mexc.roster import Roster, time_ns
from jackbot_tui.venues.mexc.spec import FREQUENCY
from jackbot_tui.venues.mexc.traffic import native_of
from jackbot_tui.venues.mexc.wire import UNREADABLE, SpotAnswer
from jackbot_tui.venues.texts import MAX_PRICE, MAX_SIZE, is_trade, unknown_frame

DEPTH, DEALS, BEST = "aggre.depth", "aggre.deals", "aggre.bookTicker"
PURPOSES = (DEPTH, DEALS, BEST)

UNUSED = ("spot@public.", "spot@private.")
"""Beginnings of documented channels that nobody here subscribes to: a capture of others may hold them."""

PONG = "PONG"
OPENING = b"{"
"""First byte of JSON; no binary frame begins with it (it would be field 15 as a group)."""

MAX_VERSION_DIGITS = 18

_ANSWER = msgspec.json.Decoder(SpotAnswer)
_NAMES = re.compile(r"spot@[^\s,\[\]]+")
_SIDES = {1: Side.BUY, 2: Side.SELL}


def channel_of(purpose: str, native: str) -> str:
    """``aggre.depth`` of ``BTCUSDT`` -> ``spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT``."""
    return f"spot@public.{purpose}.v3.api.pb@{FREQUENCY}@{native}"


class _Stream(Struct, frozen=True):
    """One channel that is followed."""

    purpose: str
    key: str


class SpotFrames:
    """See the module's paragraph. ``asked`` maps channel names to the newest request for them."""

    def __init__(self, roster: Roster) -> None:
        self.asked: dict[str, int] = {}
        self._roster = roster
        self._streams: dict[str, _Stream] = {}

    def decode(self, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        if isinstance(raw, str) or raw[:1] == OPENING:
            return self._answer(raw)
        try:
            frame = read(raw)
            stream = self._streams.get(frame.channel)
            if stream is None:
                stream = self._look_up(frame.channel, raw)
                if stream is None:
                    return self._decode_odd(frame.channel, raw)
            match stream.purpose:
                case "aggre.depth":
                    return (_delta(stream.key, frame, frame.publicAggreDepths, ts_recv),)
                case "aggre.deals":
                    return _trades(stream.key, frame.publicAggreDeals, raw, ts_recv)
                case _:
                    return _best(stream.key, frame, raw, ts_recv)
        except UNREADABLE_BINARY as error:
            return (unknown_frame(raw, f"binary frame: {error}"),)

    def _look_up(self, channel: str, raw: str | bytes) -> _Stream | None:
        """The stream of a channel that is met for the first time; None when it is not to be followed."""
        native = native_of(channel)
        purpose = next((each for each in PURPOSES if channel.startswith(f"spot@public.{each}.v3.api.pb@")), None)
        if purpose is None:
            return None
        known = self._roster.named(native, raw)
        if known is None or not self._roster.claims(purpose, native, channel):
            return None
        stream = self._streams[channel] = _Stream(purpose, known.key)
        return stream

    def _decode_odd(self, channel: str, raw: bytes) -> Sequence[FeedEvent]:
        if any(f".{purpose}." in channel for purpose in PURPOSES):
            words = "is not followed, or by its other frequency"
        elif channel.startswith(UNUSED):
            return ()
        else:
            words = "is not known"
        return (unknown_frame(raw, f"channel {channel[:80]!r} {words}"),)

    def _answer(self, raw: str | bytes) -> Sequence[FeedEvent]:
        """A text frame. Success repeats the names; a refusal names them among other words, with code 0 as well."""
        try:
            answer = _ANSWER.decode(raw)
        except UNREADABLE as error:
            return (unknown_frame(raw, str(error)),)
        if answer.msg.upper() == PONG:
            return ()
        numbers = [self.asked[name] for name in _NAMES.findall(answer.msg) if name in self.asked]
        plain = not _NAMES.sub("", answer.msg).strip(", ")
        if answer.code == 0 and plain and answer.msg:
            return [SubscriptionAck(number) for number in numbers]
        if not answer.msg:
            return (unknown_frame(raw, "an answer without words"),)
        return [VenueNotice("error", str(answer.code), answer.msg[:500], number) for number in numbers or (-1,)]


def _levels(rows: Sequence[LevelRow]) -> list[Level]:
    """Raises ValueError for a price or size beyond reason."""
    levels = [(float(row.price), float(row.quantity)) for row in rows]
    for price, size in levels:
        if not (0.0 < price <= MAX_PRICE and 0.0 <= size <= MAX_SIZE):
            raise ValueError(f"level {price} x {size}")
    return levels


def _version(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_VERSION_DIGITS):
        raise ValueError(f"version {text[:40]!r}")
    return int(text)


def _delta(key: str, frame: Wrapper, body: DepthBody, ts_recv: int) -> BookDelta:
    first, last = _version(body.fromVersion), _version(body.toVersion)
    if first > last:
        raise ValueError(f"book update {first}-{last}")
    return BookDelta(
        key, time_ns(frame.sendTime), ts_recv, first, last, first - 1, _levels(body.bids), _levels(body.asks)
    )


def _trades(key: str, body: DealsBody, raw: bytes, ts_recv: int) -> Sequence[FeedEvent]:
    """Ids came in June 2026 and may be empty: then time, price, size and place in the frame stand for one."""
    events = list[FeedEvent]()
    for place, deal in enumerate(body.deals):
        side, price, size = _SIDES.get(deal.tradeType), deal.price, deal.quantity
        if side is None or not is_trade(price, size):
            events.append(unknown_frame(raw, f"trade type {deal.tradeType} of {size[:40]} at {price[:40]}"))
            continue
        trade_id = deal.tradeId or f"{deal.time}:{price}:{size}:{place}"
        events.append(Trade(key, time_ns(deal.time), ts_recv, trade_id, side, float(price), float(size), price, size))
    return events


def _best(key: str, frame: Wrapper, raw: bytes, ts_recv: int) -> Sequence[FeedEvent]:
    best = frame.publicAggreBookTicker
    texts = (best.bidPrice, best.bidQuantity, best.askPrice, best.askQuantity)
    if not (best.bidPrice and best.askPrice):
        return ()  # one side is empty: no best bid and ask
    if not (is_trade(*texts[:2]) and is_trade(*texts[2:])):
        return (unknown_frame(raw, f"best prices {' '.join(text[:40] for text in texts)}"),)
    number = _version(best.version) if best.version else -1
    return (BookTicker(key, time_ns(frame.sendTime), ts_recv, number, *map(float, texts)),)
