"""Kraken's protocol, sans-I/O: spot's WebSocket v2 here, the derivatives' v1 in ``futures``; plans, requests, replies.

Spot books have no ids: the checksum over the venue's own texts is what proves them (kraken.md §4.1), so every level is
read as a number and as text. Spot prices and sizes are base units, so are those of PF_ contracts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import (
    BookDelta,
    BookSnapshot,
    BookTicker,
    FeedEvent,
    SubscriptionAck,
    Trade,
    VenueNotice,
)
from jackbot_tui.venues.base import Channel, Codec, ConnectionPlan, HttpRequest, Inferred, VenueSpec, with_endpoints
from jackbot_tui.venues.kraken import futures, traffic
from jackbot_tui.venues.kraken.futures import SIDES, FuturesCodec
from jackbot_tui.venues.kraken.instruments import instruments_of
from jackbot_tui.venues.kraken.numbers import exact, padded, places_of
from jackbot_tui.venues.kraken.spec import BOOK_DEPTH, SPEC, SYMBOLS_PER_FRAME
from jackbot_tui.venues.kraken.wire import (
    NO_DATA,
    UNREADABLE,
    Book,
    BookTexts,
    LevelText,
    SpotFrame,
    SpotTicker,
    SpotTrade,
    Status,
)
from jackbot_tui.venues.plans import connections_of
from jackbot_tui.venues.texts import is_trade, unknown_frame
from jackbot_tui.venues.times import time_in

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR

UNUSED_CHANNELS = ("heartbeat", "ohlc", "instrument")

TIME_PATH = "/0/public/Time"
_PATHS = {SPOT: "/0/public/AssetPairs", LINEAR: "/derivatives/api/v3/instruments"}
_FRAME = msgspec.json.Decoder(SpotFrame)
_BOOK = msgspec.json.Decoder(list[Book])
_TEXTS = msgspec.json.Decoder(list[BookTexts], float_hook=str)
_TRADES = msgspec.json.Decoder(list[SpotTrade])
_TICKERS = msgspec.json.Decoder(list[SpotTicker])
_STATUS = msgspec.json.Decoder(list[Status])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def make_codec(endpoints: Mapping[str, str]) -> "KrakenCodec":
    """A codec of its own for one engine; see ``venues.base.with_endpoints`` for the names of ``endpoints``."""
    return KrakenCodec(with_endpoints(SPEC, endpoints))


class KrakenCodec(Codec):
    """See the module's paragraph."""

    def __init__(self, spec: VenueSpec = SPEC) -> None:
        super().__init__(spec)
        self._keys: dict[MarketKind, dict[str, str]] = {kind: {} for kind in spec.markets}
        self._places: dict[str, tuple[int, int]] = {}  # decimals of a spot symbol's prices and sizes
        self._futures = FuturesCodec(lambda native, raw: self._key_of(LINEAR, native, raw))

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            self._keys[instrument.kind][instrument.native] = instrument.key
            self._adopted.pop(instrument.key, None)
            if instrument.kind is SPOT:
                self._places[instrument.native] = instrument.price_places, instrument.qty_places

    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        return traffic.infer(self.spec.name, self.spec.markets[kind], raws)

    # ------------------------------------------------------------------ requests

    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        wanted: dict[MarketKind, dict[str, str]] = {}
        for channel in channels:
            for instrument in instruments:
                topic = _topic_of(instrument, channel)
                if topic:
                    book_key = instrument.key if channel is Channel.BOOK else ""
                    wanted.setdefault(instrument.kind, {}).setdefault(topic, book_key)
        return connections_of(self.spec, wanted)

    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        by_channel: dict[str, list[str]] = {}
        for topic in plan.topics:
            channel, _, native = topic.partition(":")
            by_channel.setdefault(channel, []).append(native)
        frames: list[tuple[int, str]] = []
        for channel, natives in by_channel.items():
            for at in range(0, len(natives), SYMBOLS_PER_FRAME):
                frames.append(
                    self._request(plan.kind, first_id + len(frames), channel, natives[at:][:SYMBOLS_PER_FRAME])
                )
        return frames

    def resubscribe(self, instrument: Instrument, first_id: int) -> list[tuple[int, str]]:
        """Derivatives send a new snapshot when the same is asked for again."""
        if instrument.kind is LINEAR:
            return [futures.request(first_id, "book", [instrument.native])]
        return [
            _spot_request(first_id, "unsubscribe", "book", [instrument.native]),
            _spot_request(first_id + 1, "subscribe", "book", [instrument.native]),
        ]

    def _request(self, kind: MarketKind, request_id: int, channel: str, natives: list[str]) -> tuple[int, str]:
        if kind is SPOT:
            return _spot_request(request_id, "subscribe", channel, natives)
        self._futures.asked(request_id, channel, natives)
        return futures.request(request_id, channel, natives)

    def heartbeat(self, kind: MarketKind) -> str | None:
        """Of the derivatives; spot's server talks every second and wants none."""
        return futures.PING

    def instruments_request(self, kind: MarketKind) -> HttpRequest:
        return HttpRequest("instruments", kind, "GET", self.spec.markets[kind].rest_url + _PATHS[kind], 1)

    def snapshot_request(self, instrument: Instrument) -> HttpRequest | None:
        return None

    # ------------------------------------------------------------------ frames

    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        if kind is LINEAR:
            return self._futures.decode(raw, ts_recv)
        try:
            frame = _FRAME.decode(raw)
            match frame.channel:
                case "book":
                    return self._books(frame, raw, ts_recv)
                case "trade":
                    return self._trades(frame, raw, ts_recv)
                case "ticker":
                    return self._tickers(frame, raw, ts_recv)
                case "status":
                    return _status(frame)
        except UNREADABLE as error:
            return (unknown_frame(raw, str(error)),)
        if frame.channel in UNUSED_CHANNELS:
            return ()
        return _answer(frame, raw)

    def _books(self, frame: SpotFrame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        events = list[FeedEvent]()
        for book, written in zip(_BOOK.decode(frame.data), _TEXTS.decode(frame.data), strict=True):
            key = self._key_of(SPOT, book.symbol, raw)
            if key is None:
                events.append(unknown_frame(raw, f"symbol {book.symbol[:40]} is not followed"))
                continue
            if frame.type == "snapshot":
                self._learn_places(book.symbol, written)
            places = self._places.get(book.symbol, (0, 0))
            texts = _texts(written.bids, places), _texts(written.asks, places)
            bids = [(level.price, level.qty) for level in book.bids]
            asks = [(level.price, level.qty) for level in book.asks]
            ts = _ns(book.timestamp)
            if frame.type == "snapshot":
                events.append(BookSnapshot(key, ts, ts_recv, -1, bids, asks, *places, book.checksum, texts))
            elif frame.type == "update" and book.checksum is not None:
                events.append(BookDelta(key, ts, ts_recv, -1, -1, -1, bids, asks, book.checksum, texts))
            else:
                events.append(unknown_frame(raw, f"book message {frame.type[:20]!r} without a proof"))
        return events

    def _learn_places(self, native: str, written: BookTexts) -> None:
        """The decimals that a whole book is written with are the least that the checksum counts."""
        levels = written.bids + written.asks
        price, size = self._places.get(native, (0, 0))
        price = max(price, places_of([level.price for level in levels]))
        self._places[native] = price, max(size, places_of([level.qty for level in levels]))

    def _trades(self, frame: SpotFrame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        if frame.type == "snapshot":
            return ()  # trades of before
        events = list[FeedEvent]()
        for row in _TRADES.decode(frame.data):
            key, side = self._key_of(SPOT, row.symbol, raw), SIDES.get(row.side)
            price, size = exact(row.price), exact(row.qty)
            if key is None:
                events.append(unknown_frame(raw, f"symbol {row.symbol[:40]} is not followed"))
            elif side is None or not is_trade(price, size):
                events.append(unknown_frame(raw, f"trade {row.side[:20]} of {size[:40]} at {price[:40]}"))
            else:
                number, ts = str(row.trade_id), _ns(row.timestamp)
                events.append(Trade(key, ts, ts_recv, number, side, float(price), float(size), price, size))
        return events

    def _tickers(self, frame: SpotFrame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        events = list[FeedEvent]()
        for row in _TICKERS.decode(frame.data):
            key = self._key_of(SPOT, row.symbol, raw)
            if key is None:
                events.append(unknown_frame(raw, f"symbol {row.symbol[:40]} is not followed"))
            else:
                events.append(BookTicker(key, 0, ts_recv, -1, row.bid, row.bid_qty, row.ask, row.ask_qty))
        return events

    def _key_of(self, kind: MarketKind, native: str, raw: str | bytes) -> str | None:
        """Key of a native name; with ``adopt_unknown`` a provisional instrument is made from the frame it came in."""
        key = self._keys[kind].get(native)
        if key is None and self.adopt_unknown:
            for found in self.infer(kind, (raw,)):
                if found.instrument.native == native:
                    key = self._keys[kind][native] = found.instrument.key
                    self._adopted[key] = found.instrument
        return key

    # ------------------------------------------------------------------ replies

    def time_request(self, kind: MarketKind) -> HttpRequest | None:
        """Spot's only: derivatives have no page for it. It counts whole seconds."""
        if kind is not SPOT:
            return None
        return HttpRequest("time", kind, "GET", self.spec.markets[kind].rest_url + TIME_PATH, 1)

    def decode_time(self, kind: MarketKind, body: str | bytes) -> int:
        return time_in(f"{self.spec.name} {kind.value} time", body, "result", "unixtime", unit_ns=NS_PER_S)

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        return instruments_of(self.spec.name, self.spec.markets[kind], body)

    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        return (unknown_frame(body, f"a {request.purpose} reply holds no market event"),)

    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        text = "" if url else raw if isinstance(raw, str) else raw.decode(errors="replace")
        word = '"wsname"' if kind is SPOT else '"tickSize"'
        if url.partition("?")[0].endswith(_PATHS[kind]) or word in text:
            return HttpRequest("instruments", kind, "GET", url, 1)
        return None


def _topic_of(instrument: Instrument, channel: Channel) -> str:
    """``channel:name``, "" where the market has none."""
    match channel:
        case Channel.BOOK:
            return f"book:{instrument.native}"
        case Channel.TRADES:
            return f"trade:{instrument.native}"
        case Channel.TICKER:
            return f"ticker:{instrument.native}"
        case Channel.MARK:
            return f"ticker:{instrument.native}" if instrument.kind is LINEAR else ""


def _spot_request(request_id: int, method: str, channel: str, natives: Sequence[str]) -> tuple[int, str]:
    """An unsubscription must repeat the depth, or it fails without a word (kraken.md §12)."""
    params: dict[str, object] = {"channel": channel, "symbol": natives}
    match channel:
        case "book":
            params |= {"depth": BOOK_DEPTH}
        case "ticker":
            params |= {"event_trigger": "bbo"}
    if method == "subscribe":
        params |= {"snapshot": channel != "trade"}
    return request_id, msgspec.json.encode({"method": method, "params": params, "req_id": request_id}).decode()


def _texts(levels: list[LevelText], places: tuple[int, int]) -> list[tuple[str, str]]:
    price, size = places
    return [(padded(level.price, price), padded(level.qty, size)) for level in levels]


def _ns(moment: datetime | None) -> int:
    if moment is None or moment.tzinfo is None:
        return 0
    return (moment - _EPOCH) // _MICROSECOND * 1000


def _status(frame: SpotFrame) -> Sequence[FeedEvent]:
    """Sent after connecting and when the trading engine changes its mode."""
    return [
        VenueNotice("maintenance", row.system, f"Kraken's trading engine is in mode {row.system}")
        for row in (_STATUS.decode(frame.data) if frame.data is not NO_DATA else ())
        if row.system != "online"
    ]


def _answer(answer: SpotFrame, raw: str | bytes) -> Sequence[FeedEvent]:
    """Acknowledgements come one per symbol, all with the id of their frame; the first confirms it."""
    if answer.method in ("pong", "ping"):
        return ()
    if answer.success is False or answer.error:
        about = f" ({answer.symbol})" if answer.symbol and answer.symbol not in answer.error else ""
        return (VenueNotice("error", answer.method, answer.error + about, answer.req_id),)
    if answer.method == "subscribe" and answer.success and answer.req_id >= 0:
        return (SubscriptionAck(answer.req_id),)
    if answer.method == "unsubscribe" and answer.success:
        return ()
    return (unknown_frame(raw, "neither data nor an answer"),)
