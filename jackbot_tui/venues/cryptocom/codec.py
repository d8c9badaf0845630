"""Crypto.com's protocol, sans-I/O: channels, subscribe frames, frames into canonical events, answers to its heartbeats.

Every frame is one typed decode. The book comes with its own snapshot; updates name the id of the one before (``pu``),
and an empty update moves the id on. A new subscription brings a new snapshot: resynchronising needs no unsubscribing.
Subscribing to trades brings the last ones again: what was seen before a reconnect is left out. Mark, index and funding
come on channels of their own and are merged here; sizes are base units.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import (
    BookDelta,
    BookSnapshot,
    BookTicker,
    FeedEvent,
    Level,
    MarkPrice,
    SubscriptionAck,
    Trade,
    VenueNotice,
)
from jackbot_tui.venues.base import Channel, Codec, ConnectionPlan, HttpRequest, Inferred, VenueSpec, with_endpoints
from jackbot_tui.venues.cryptocom import traffic
from jackbot_tui.venues.cryptocom.instruments import index_of, instruments_of
from jackbot_tui.venues.cryptocom.spec import BOOK_DEPTH, BOOK_UPDATE_MS, SPEC
from jackbot_tui.venues.cryptocom.wire import UNREADABLE, BookTexts, Datum, Frame, Result, Row
from jackbot_tui.venues.plans import connections_of
from jackbot_tui.venues.texts import is_decimal, is_price, is_rate, is_trade, padding, unknown_frame

INSTRUMENTS_PATH = "/public/get-instruments"
HEARTBEAT = "public/heartbeat"
HOUR_NS = 3600 * NS_PER_S

MAINTENANCE_CODES = (9010001,)

UNUSED_CHANNELS = ("candlestick", "estimatedfunding", "settlement")
"""Documented channels that nobody here subscribes to: a capture of others may hold them."""

_FRAME = msgspec.json.Decoder(Frame, strict=False)
_TEXTS = msgspec.json.Decoder(BookTexts)
_ANY = msgspec.json.Decoder()
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_VALUES = {"mark", "index", "funding"}


def make_codec(endpoints: Mapping[str, str]) -> "CryptocomCodec":
    """A codec of its own for one engine; see ``venues.base.with_endpoints`` for the names of ``endpoints``."""
    return CryptocomCodec(with_endpoints(SPEC, endpoints))


class CryptocomCodec(Codec):
    """See the module's paragraph."""

    def __init__(self, spec: VenueSpec = SPEC) -> None:
        super().__init__(spec)
        self._keys: dict[MarketKind, dict[str, str]] = {kind: {} for kind in spec.markets}
        self._indexed: dict[str, str] = {}  # index name -> key of its perpetual
        self._depths: dict[str, int] = {}  # key -> depth of the book that is followed
        self._values: dict[str, dict[str, float]] = {}
        self._newest_trade: dict[str, int] = {}
        self._histories: dict[str, tuple[int, int]] = {}  # key -> when the last history came, newest trade before it

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            self._keys[instrument.kind][instrument.native] = instrument.key
            if instrument.kind is MarketKind.LINEAR:
                self._indexed[index_of(instrument.native)] = instrument.key
            self._adopted.pop(instrument.key, None)

    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        return traffic.infer(self.spec.name, self.spec.markets[kind], raws)

    # ------------------------------------------------------------------ requests

    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        wanted: dict[MarketKind, dict[str, str]] = {}
        for instrument in instruments:
            for channel in channels:
                for topic in _topics_of(instrument, channel):
                    book_key = instrument.key if channel is Channel.BOOK else ""
                    wanted.setdefault(instrument.kind, {}).setdefault(topic, book_key)
        return connections_of(self.spec, wanted)

    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        """One channel a frame: a refused one takes no other along."""
        return [_subscription(first_id + number, topic) for number, topic in enumerate(plan.topics)]

    def resubscribe(self, instrument: Instrument, first_id: int) -> list[tuple[int, str]]:
        (topic,) = _topics_of(instrument, Channel.BOOK)
        return [_subscription(first_id, topic)]

    def answer(self, raw: str | bytes) -> str | None:
        """The frame that ``raw`` demands back on its own connection within 5 s; None for all but a heartbeat."""
        try:
            frame = _FRAME.decode(raw)
        except UNREADABLE:
            return None
        if frame.method != HEARTBEAT:
            return None
        return msgspec.json.encode({"id": frame.id, "method": "public/respond-heartbeat"}).decode()

    def instruments_request(self, kind: MarketKind) -> HttpRequest:
        return HttpRequest("instruments", kind, "GET", self.spec.markets[kind].rest_url + INSTRUMENTS_PATH, 1)

    def snapshot_request(self, instrument: Instrument) -> HttpRequest | None:
        return None

    # ------------------------------------------------------------------ frames

    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        try:
            frame = _FRAME.decode(raw)
        except UNREADABLE as error:
            return self._decode_odd(raw, str(error))
        result = frame.result
        if result is None or frame.code != 0 or not result.channel:
            return _answer_of(frame, raw)
        if result.channel == "book.update":
            key = self._keys[kind].get(result.instrument_name)
            if key is not None and self._depths.get(key) == result.depth:
                return self._updates(key, result, raw, ts_recv)
        events = self._decode_result(kind, frame, result, raw, ts_recv)
        return (SubscriptionAck(frame.id), *events) if frame.id >= 0 else events

    def _updates(self, key: str, result: Result, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        events = list[FeedEvent]()
        for datum in result.data:
            update, number = datum.update, datum.u
            if update is None or number < 0 or datum.pu < 0:
                events.append(unknown_frame(raw, f"book update of {key} without levels or ids"))
                continue
            ts = (datum.tt or datum.t) * NS_PER_MS
            bids, asks = _levels(update.bids), _levels(update.asks)
            events.append(BookDelta(key, ts, ts_recv, number, number, datum.pu, bids, asks))
        return events

    def _decode_result(
        self, kind: MarketKind, frame: Frame, result: Result, raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        """Any data but an update of a known book."""
        channel, native = result.channel, result.instrument_name
        if channel == "index":
            key = self._indexed.get(native)
        else:
            key = self._keys[kind].get(native) or self.adopt(kind, native, raw)
        if channel.startswith(UNUSED_CHANNELS):
            return ()
        if key is None:
            return (unknown_frame(raw, f"instrument {native[:40]} is not followed"),)
        if channel in ("book", "book.update"):
            return self._book(key, result, raw, ts_recv)
        if channel == "trade":
            return self._trades(key, frame, result.data, raw, ts_recv)
        if channel == "ticker":
            return [event for datum in result.data if (event := _ticker(key, datum, ts_recv)) is not None]
        if channel in _VALUES:
            return self._value(key, channel, result.data, raw, ts_recv)
        return (unknown_frame(raw, f"channel {channel[:40]} is not known"),)

    def _book(self, key: str, result: Result, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """A snapshot, or the first message of a book; the first depth seen is the one that is followed."""
        if self._depths.setdefault(key, result.depth) != result.depth:
            return (unknown_frame(raw, f"{result.subscription[:80]} is a second book of {key}"),)
        if result.channel == "book.update":
            return self._updates(key, result, raw, ts_recv)
        try:
            texts = _TEXTS.decode(raw).result.data
        except UNREADABLE:
            texts = []  # numbers instead of texts: nothing is padded
        rows = [row for datum in texts for row in datum.bids + datum.asks]
        places = padding(row[0] for row in rows), padding(row[1] for row in rows)
        events = list[FeedEvent]()
        for datum in result.data:
            if datum.bids is None or datum.asks is None or datum.u < 0:
                events.append(unknown_frame(raw, f"book of {key} without levels or id"))
                continue
            ts = (datum.tt or datum.t) * NS_PER_MS
            events.append(BookSnapshot(key, ts, ts_recv, datum.u, _levels(datum.bids), _levels(datum.asks), *places))
        return events

    def _trades(
        self, key: str, frame: Frame, rows: Sequence[Datum], raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        """Oldest first. A frame that answers a subscription is history: only what is newer than all seen counts.

        The same history decoded twice gives the same trades twice (see ``feeds.stream``).
        """
        events = list[FeedEvent]()
        newest, floor = self._newest_trade.get(key, -1), -1
        if frame.id != -1:
            floor = newest
            came, before = self._histories.get(key, (0, -1))
            if came == ts_recv:
                floor = before
            self._histories[key] = ts_recv, floor
        numbered = [(int(row.d) if is_decimal(row.d) and "." not in row.d else -1, row) for row in rows]
        for number, row in sorted(numbered, key=lambda each: each[0]):
            side = _SIDES.get(row.s)
            if side is None or number < 0 or not is_trade(row.p, row.q):
                events.append(unknown_frame(raw, f"trade {row.d[:40]}: {row.s[:20]} {row.q[:40]} at {row.p[:40]}"))
            elif number > floor:
                ts = row.t * NS_PER_MS
                events.append(Trade(key, ts, ts_recv, row.d, side, float(row.p), float(row.q), row.p, row.q))
                newest = max(newest, number)
        self._newest_trade[key] = newest
        return events

    def _value(
        self, key: str, channel: str, rows: Sequence[Datum], raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        """A mark gives an event; index (0.0 until one came) and funding rate are kept for the next mark."""
        events = list[FeedEvent]()
        known = self._values.setdefault(key, {})
        for row in rows:
            text = row.v or ""
            if not (is_rate(text) if channel == "funding" else is_price(text)):
                events.append(unknown_frame(raw, f"{channel} of {key}: {text[:40]!r}"))
                continue
            known[channel] = float(text)
            if channel == "mark":
                ts = row.t * NS_PER_MS
                due = ((ts or ts_recv) // HOUR_NS + 1) * HOUR_NS
                events.append(
                    MarkPrice(key, ts, ts_recv, known["mark"], known.get("index", 0.0), known.get("funding", 0.0), due)
                )
        return events

    def _decode_odd(self, raw: str | bytes, problem: str) -> Sequence[FeedEvent]:
        """What has not the shape of a frame that we asked for: a channel of somebody else's capture, or unknown."""
        try:
            channel = _ANY.decode(raw)["result"]["channel"]
            if isinstance(channel, str) and channel.startswith(UNUSED_CHANNELS):
                return ()
        except (*UNREADABLE, TypeError, LookupError) as error:
            problem = f"{problem} ({error})"
        return (unknown_frame(raw, problem),)

    # ------------------------------------------------------------------ replies

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        return instruments_of(self.spec.name, self.spec.markets[kind], body)

    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        return (unknown_frame(body, f"a {request.purpose} reply holds no market event"),)

    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        text = "" if url else raw if isinstance(raw, str) else raw.decode(errors="replace")
        if INSTRUMENTS_PATH in url or ('"inst_type"' in text and '"price_tick_size"' in text):
            return HttpRequest("instruments", kind, "GET", url, 1)
        return None


def _topics_of(instrument: Instrument, channel: Channel) -> tuple[str, ...]:
    native = instrument.native
    match channel:
        case Channel.BOOK:
            return (f"book.{native}.{BOOK_DEPTH}",)
        case Channel.TRADES:
            return (f"trade.{native}",)
        case Channel.TICKER:
            return (f"ticker.{native}",)
        case Channel.MARK:
            if instrument.kind is not MarketKind.LINEAR:
                return ()
            return f"mark.{native}", f"funding.{native}", f"index.{index_of(native)}"


def _subscription(request_id: int, topic: str) -> tuple[int, str]:
    """Without ``book_subscription_type`` the venue sends whole books every 500 ms."""
    params: dict[str, object] = {"channels": [topic]}
    if topic.startswith("book."):
        params["book_subscription_type"] = "SNAPSHOT_AND_UPDATE"
        params["book_update_frequency"] = BOOK_UPDATE_MS
    frame = {"id": request_id, "method": "subscribe", "params": params}
    return request_id, msgspec.json.encode(frame).decode()


def _levels(rows: Sequence[Row]) -> list[Level]:
    return [(row.price, row.size) for row in rows]


def _ticker(key: str, row: Datum, ts_recv: int) -> BookTicker | None:
    """Best bid and ask; None while one side is empty."""
    bid, bid_size, ask, ask_size = row.b or "", row.bs or "", row.k or "", row.ks or ""
    if not (is_trade(bid, bid_size) and is_trade(ask, ask_size)):
        return None
    return BookTicker(
        key, row.t * NS_PER_MS, ts_recv, -1, float(bid), float(bid_size), float(ask), float(ask_size)
    )  # fmt: skip


def _answer_of(frame: Frame, raw: str | bytes) -> Sequence[FeedEvent]:
    """A frame without data: a heartbeat, an acknowledgement or an error."""
    if frame.code != 0:
        kind = "maintenance" if frame.code in MAINTENANCE_CODES else "error"
        return (VenueNotice(kind, str(frame.code), frame.message, max(frame.id, -1)),)
    if frame.method in (HEARTBEAT, "unsubscribe"):
        return ()
    if frame.method == "subscribe":
        return (SubscriptionAck(frame.id),) if frame.id >= 0 else ()
    return (unknown_frame(raw, "neither data nor an answer"),)
