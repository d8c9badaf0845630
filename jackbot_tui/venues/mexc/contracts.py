"""MEXC perpetuals' stream frames into events (JSON). Called by the codec only; sans-I/O.

Sizes count contracts on the wire and are base units in events; in a replay without a listing the contract size is
unknown and counts as 1. Mark, index and funding come in two channels and are merged here. Numbers are JSON numbers:
trades read them as decimals, books as floats. A frame gives the same events however often it is decoded.

An acknowledgement names its channel and nothing else, so a connection carries one contract and asks for a channel once.
Connections share this decoder, hence an acknowledgement gives the numbers of all their requests for that channel.
Numbers of different channels never agree, so each connection finds its own among them and no other.
"""

import zlib
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import (
    BookDelta,
    BookTicker,
    FeedEvent,
    Level,
    MarkPrice,
    SubscriptionAck,
    Trade,
    VenueNotice,
)
from jackbot_tui.venues.mexc.roster import Known, Roster, time_ns
from jackbot_tui.venues.mexc.spec import BEST_LEVELS
from jackbot_tui.venues.mexc.wire import (
    NO_DATA,
    UNREADABLE,
    ContractBook,
    ContractDeal,
    ContractLevel,
    ContractTicker,
    Frame,
    Funding,
)
from jackbot_tui.venues.texts import MAX_PRICE, MAX_SIZE, unknown_frame

DEPTH, DEAL, BEST, TICKER, FUNDING = "depth", "deal", "depth.full", "ticker", "funding.rate"
CHANNELS = (DEPTH, DEAL, BEST, TICKER, FUNDING)

NUMBERED_BY = 8
"""Request numbers are told apart by channel: the remainder by this is the place in ``CHANNELS``, from 1 on."""

PUSH, ANSWER = "push.", "rs."
UNUSED = ("tickers", "kline", "fair.price", "index.price", "contract", "event.contract", "personal.")
"""Beginnings of documented channels that nobody here subscribes to: a capture of others may hold them."""

GZIP_MAGIC = b"\x1f\x8b"
GZIP_MOST = 4 * 1024 * 1024
"""A frame that unpacks to more is not believed."""

_FRAME = msgspec.json.Decoder(Frame)
_BOOK = msgspec.json.Decoder(ContractBook)
_DEALS = msgspec.json.Decoder(list[ContractDeal] | ContractDeal)
_TICKER = msgspec.json.Decoder(ContractTicker)
_FUNDING = msgspec.json.Decoder(Funding)
_ANY = msgspec.json.Decoder()
_SIDES = {1: Side.BUY, 2: Side.SELL}


def request(channel: str, native: str) -> str:
    """The frame that subscribes to a channel of one contract.

    The book comes one frame a version: for those the venue documents how they follow one another, for merged ones it
    does not. ``gzip`` false keeps frames plain.
    """
    param: dict[str, object] = {"symbol": native}
    if channel == DEPTH:
        param["compress"] = False
    elif channel == BEST:
        param["limit"] = BEST_LEVELS
    return msgspec.json.encode({"method": f"sub.{channel}", "param": param, "gzip": False}).decode()


def numbered(channel: str, first_id: int) -> int:
    """The first number from ``first_id`` on that a request for ``channel`` may have."""
    return first_id + (CHANNELS.index(channel) + 1 - first_id) % NUMBERED_BY


class ContractFrames:
    """See the module's paragraph. ``asked``: by connection and channel, the newest request."""

    def __init__(self, roster: Roster) -> None:
        self.asked: dict[str, dict[str, int]] = {}
        self._roster = roster
        self._by_channel: dict[str, Callable[[Known, Frame, str | bytes, int], Sequence[FeedEvent]]] = {
            DEPTH: self._depth,
            DEAL: self._deals,
            BEST: self._best,
            TICKER: self._ticker,
            FUNDING: self._funding,
        }

    def decode(self, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        try:
            if isinstance(raw, bytes) and raw[:2] == GZIP_MAGIC:
                raw = _unpacked(raw)
            frame = _FRAME.decode(raw)
            channel = frame.channel
            if channel[:5] != PUSH:
                return self._answer(frame, raw)
            read = self._by_channel.get(channel[5:])
            if read is not None:
                known = self._roster.named(frame.symbol, raw)
                if known is None:
                    return (unknown_frame(raw, f"contract {frame.symbol[:40]!r} is not followed"),)
                return read(known, frame, raw, ts_recv)
        except (*UNREADABLE, zlib.error) as error:
            return (unknown_frame(raw, str(error)),)
        if channel[5:].startswith(UNUSED):
            return ()
        return (unknown_frame(raw, f"channel {channel[:80]!r} is not known"),)

    def _depth(self, known: Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """Changed levels. An absent side is unchanged; without ``begin`` the update is that of one version."""
        book = _BOOK.decode(frame.data)
        last = book.version
        first = last if book.begin < 0 else book.begin
        if first > last:
            return (unknown_frame(raw, f"book update {first}-{last}"),)
        bids, asks = levels_of(known, book.bids), levels_of(known, book.asks)
        return (BookDelta(known.key, time_ns(frame.ts), ts_recv, first, last, first - 1, bids, asks),)

    def _deals(self, known: Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """A list today, one object in older frames. There are no ids: time, price, size and place stand for one."""
        deals = _DEALS.decode(frame.data)
        events = list[FeedEvent]()
        for place, deal in enumerate(deals if isinstance(deals, list) else [deals]):
            side, price, contracts = _SIDES.get(deal.T), deal.p, deal.v
            if side is None or not (_within(price, MAX_PRICE) and price and _within(contracts, MAX_SIZE)):
                events.append(unknown_frame(raw, f"trade type {deal.T} of {str(contracts)[:40]} at {str(price)[:40]}"))
                continue
            size = contracts * known.contract
            texts = format(price, "f"), format(size, "f")
            trade_id = f"{deal.t}:{texts[0]}:{contracts}:{place}"
            events.append(Trade(known.key, time_ns(deal.t), ts_recv, trade_id, side, float(price), float(size), *texts))
        return events

    def _best(self, known: Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        book = _BOOK.decode(frame.data)
        bids, asks = levels_of(known, book.bids), levels_of(known, book.asks)
        if not bids or not asks:
            return ()  # one side is empty: no best bid and ask
        return (BookTicker(known.key, time_ns(frame.ts), ts_recv, book.version, *max(bids), *min(asks)),)

    def _ticker(self, known: Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        ticker = _TICKER.decode(frame.data)
        known.mark, known.index = ticker.fairPrice, ticker.indexPrice
        if ticker.fundingRate is not None:
            known.rate = ticker.fundingRate
        return (_mark(known, time_ns(ticker.timestamp or frame.ts), ts_recv),)

    def _funding(self, known: Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """Rate and time of the next funding; a mark only once a price is known to go with them."""
        funding = _FUNDING.decode(frame.data)
        known.rate, known.next_ns = funding.rate, time_ns(funding.nextSettleTime)
        return (_mark(known, time_ns(frame.ts), ts_recv),) if known.mark else ()

    def _answer(self, frame: Frame, raw: str | bytes) -> Sequence[FeedEvent]:
        channel = frame.channel
        if channel == "pong":
            return ()
        if not channel.startswith(ANSWER) or frame.data is NO_DATA:
            return (unknown_frame(raw, f"channel {channel[:80]!r} is not known"),)
        said = _ANY.decode(frame.data)
        words = (said if isinstance(said, str) else bytes(frame.data).decode())[:500]
        if words != "success":
            return (VenueNotice("error", channel[:80], words),)
        name = channel.removeprefix("rs.sub.")
        return [SubscriptionAck(numbers[name]) for numbers in self.asked.values() if name in numbers]


def levels_of(known: Known, levels: list[ContractLevel] | None) -> list[Level]:
    """In base units."""
    return known.in_base([(level.price, level.contracts) for level in levels]) if levels else []


def _mark(known: Known, ts: int, ts_recv: int) -> MarkPrice:
    return MarkPrice(known.key, ts, ts_recv, known.mark, known.index, known.rate, known.next_ns)


def _within(number: Decimal, most: float) -> bool:
    return number.is_finite() and 0 <= number <= most


def _unpacked(raw: bytes) -> bytes:
    """A gzip frame unpacked; ValueError when it is cut short or too large."""
    unzip = zlib.decompressobj(wbits=31)
    text = unzip.decompress(raw, GZIP_MOST)
    if not unzip.eof:
        raise ValueError("gzip frame is cut short, or too large")
    return text
