"""Binance's protocol, sans-I/O: which sockets and streams, subscribe frames, frames and replies into canonical events.

Spot and perpetual share native names, so everything is keyed by market kind. The common case, a known event in a
combined stream's envelope, is one typed decode; everything else takes a slower path that tries the other shapes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec

from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.instrument import Instrument
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
from jackbot_tui.venues.base import Channel, Codec, ConnectionPlan, HttpRequest, Inferred, VenueSpec, with_endpoints
from jackbot_tui.venues.binance import traffic
from jackbot_tui.venues.binance.instruments import instruments_of, symbol_of
from jackbot_tui.venues.binance.spec import INSTRUMENTS_WEIGHTS, NAMES_PER_FRAME, SPEC, snapshot_weight
from jackbot_tui.venues.binance.wire import (
    UNREADABLE,
    AggTradeEvent,
    BareDepthUpdate,
    BareEvent,
    BookTickerEvent,
    Control,
    DepthSnapshot,
    DepthUpdate,
    Envelope,
    MarkPriceEvent,
    ServerShutdown,
    SpotBookTicker,
    TradeEvent,
)
from jackbot_tui.venues.texts import is_rate, is_trade, padding, unknown_frame
from jackbot_tui.venues.times import time_in

_ENVELOPE = msgspec.json.Decoder(Envelope, strict=False)
_EVENT = msgspec.json.Decoder(BareEvent, strict=False)
_CONTROL = msgspec.json.Decoder(Control)
_SNAPSHOT = msgspec.json.Decoder(DepthSnapshot)
_ANY = msgspec.json.Decoder(dict[str, Any])
_SPOT_TICKER_FIELDS = set(SpotBookTicker.__struct_fields__)

_PATHS = {
    MarketKind.SPOT: ("/api/v3/depth", "/api/v3/exchangeInfo"),
    MarketKind.LINEAR: ("/fapi/v1/depth", "/fapi/v1/exchangeInfo"),
}
TIME_PATHS = {MarketKind.SPOT: "/api/v3/time", MarketKind.LINEAR: "/fapi/v1/time"}


def make_codec(endpoints: Mapping[str, str]) -> "BinanceCodec":
    """A codec of its own for one engine; see ``venues.base.with_endpoints`` for the names of ``endpoints``."""
    return BinanceCodec(with_endpoints(SPEC, endpoints))


class BinanceCodec(Codec):
    """See the module's paragraph."""

    def __init__(self, spec: VenueSpec = SPEC) -> None:
        super().__init__(spec)
        self._keys: dict[MarketKind, dict[str, str]] = {kind: {} for kind in spec.markets}
        self._book_streams: dict[MarketKind, dict[str, str]] = {kind: {} for kind in spec.markets}

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            self._keys[instrument.kind][instrument.native] = instrument.key
            self._adopted.pop(instrument.key, None)

    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        return traffic.infer(self.spec.name, self.spec.markets[kind], raws)

    # ------------------------------------------------------------------ requests

    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        wanted: dict[tuple[MarketKind, str], list[tuple[str, str]]] = {}
        for instrument in instruments:
            for channel in channels:
                stream = _stream_of(instrument, channel)
                if stream is not None:
                    role, topic = stream
                    book_key = instrument.key if channel is Channel.BOOK else ""
                    wanted.setdefault((instrument.kind, role), []).append((topic, book_key))
        plans = []
        for (kind, role), streams in wanted.items():
            market = self.spec.markets[kind]
            parts = [streams[at : at + market.max_streams] for at in range(0, len(streams), market.max_streams)]
            for number, part in enumerate(parts, 1):
                plans.append(
                    ConnectionPlan(
                        conn=f"{self.spec.name}.{kind.value}.{role}" + (f".{number}" if number > 1 else ""),
                        kind=kind,
                        url=_combined(market.ws_urls[role]),
                        topics=tuple(topic for topic, _ in part),
                        book_keys=tuple(key for _, key in part if key),
                    )
                )
        return plans

    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        frames: list[tuple[int, str]] = []
        for at in range(0, len(plan.topics), NAMES_PER_FRAME):
            request_id = first_id + len(frames)
            request = {"method": "SUBSCRIBE", "params": plan.topics[at : at + NAMES_PER_FRAME], "id": request_id}
            frames.append((request_id, msgspec.json.encode(request).decode()))
        return frames

    def instruments_request(self, kind: MarketKind) -> HttpRequest:
        url = self.spec.markets[kind].rest_url + _PATHS[kind][1]
        return HttpRequest("instruments", kind, "GET", url, INSTRUMENTS_WEIGHTS[kind])

    def snapshot_request(self, instrument: Instrument) -> HttpRequest:
        kind, market = instrument.kind, self.spec.markets[instrument.kind]
        levels = market.snapshot_depth
        url = f"{market.rest_url}{_PATHS[kind][0]}?symbol={instrument.native}&limit={levels}"
        return HttpRequest("snapshot", kind, "GET", url, snapshot_weight(kind, levels), instrument.key)

    # ------------------------------------------------------------------ frames

    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        try:
            envelope = _ENVELOPE.decode(raw)
        except UNREADABLE as error:
            return self._decode_odd(kind, raw, ts_recv, error)
        event = envelope.data
        if type(event) is DepthUpdate:
            key = self._book_streams[kind].get(envelope.stream)
            if key is None:
                key = self._book_of(kind, envelope.stream, raw)
                if key is None:
                    return (unknown_frame(raw, f"stream {envelope.stream[:80]} is no update of a followed book"),)
            first, previous = event.U, event.pu
            if previous < 0:  # spot: ids count by one
                previous = first - 1
            ts = event.E * NS_PER_MS
            return (BookDelta(key, ts, ts_recv, first, event.u, previous, event.b, event.a),)
        return self._decode_event(kind, event, raw, ts_recv)

    def _book_of(self, kind: MarketKind, stream: str, raw: str | bytes) -> str | None:
        """Key of the book that a diff depth stream updates, remembered by its name; None for any other stream.

        Partial books (``@depth5``, ``@depth10``, ``@depth20``) carry the same event name on USD-M but are no diffs.
        """
        symbol, _, channel = stream.partition("@")
        if channel != "depth" and not channel.startswith("depth@"):
            return None
        key = self._key_of(kind, symbol.upper(), raw)
        if key is not None:
            self._book_streams[kind][stream] = key
        return key

    def _key_of(self, kind: MarketKind, native: str, raw: str | bytes) -> str | None:
        """Key of a native name; with ``adopt_unknown`` a provisional instrument is made from the frame it came in."""
        key = self._keys[kind].get(native)
        if key is None and self.adopt_unknown:
            for found in traffic.infer(self.spec.name, self.spec.markets[kind], (raw,)):
                if found.instrument.native == native:
                    key = found.instrument.key
                    self._keys[kind][native] = key
                    self._adopted[key] = found.instrument
        return key

    def _decode_event(self, kind: MarketKind, event: BareEvent, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """Any event but the enveloped depth update."""
        if isinstance(event, ServerShutdown):
            return (VenueNotice("shutdown", "serverShutdown", "the server will close this connection soon"),)
        native = event.s
        key = self._keys[kind].get(native) or self._key_of(kind, native, raw)
        if key is None:
            return (unknown_frame(raw, f"symbol {native[:40]} is not followed"),)
        match event:
            case TradeEvent():
                if event.X != "MARKET":
                    return ()  # insurance fund and ADL: not a trade in the book
                return _trade(key, event.t, event.p, event.q, event.T, event.m, raw, ts_recv)
            case AggTradeEvent():
                return _trade(key, event.a, event.p, event.q, event.T, event.m, raw, ts_recv)
            case BookTickerEvent():
                ts = event.T * NS_PER_MS
                return (BookTicker(key, ts, ts_recv, event.u, event.b, event.B, event.a, event.A),)
            case MarkPriceEvent():
                return _mark(key, event, raw, ts_recv)
            case BareDepthUpdate():
                ts, previous = event.E * NS_PER_MS, event.U - 1 if event.pu < 0 else event.pu
                return (BookDelta(key, ts, ts_recv, event.U, event.u, previous, event.b, event.a),)

    def _decode_odd(self, kind: MarketKind, raw: str | bytes, ts_recv: int, error: Exception) -> Sequence[FeedEvent]:
        """What is not a known event in an envelope: spot's ticker, a bare event, an answer to a request, or unknown."""
        try:
            frame = _ANY.decode(raw)
            data = frame.get("data", frame)
            if "e" in frame:
                return self._decode_event(kind, _EVENT.decode(raw), raw, ts_recv)
            if "e" not in data and data.keys() >= _SPOT_TICKER_FIELDS:
                return self._spot_ticker(kind, msgspec.convert(data, SpotBookTicker, strict=False), raw, ts_recv)
            if "stream" not in frame:
                return _answer(_CONTROL.decode(raw), raw)
        except (*UNREADABLE, AttributeError, TypeError) as problem:
            error = problem
        return (unknown_frame(raw, str(error)[:200]),)

    def _spot_ticker(
        self, kind: MarketKind, ticker: SpotBookTicker, raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        key = self._keys[kind].get(ticker.s) or self._key_of(kind, ticker.s, raw)
        if key is None:
            return (unknown_frame(raw, f"symbol {ticker.s[:40]} is not followed"),)
        return (BookTicker(key, 0, ts_recv, ticker.u, ticker.b, ticker.B, ticker.a, ticker.A),)

    # ------------------------------------------------------------------ replies

    def time_request(self, kind: MarketKind) -> HttpRequest | None:
        return HttpRequest("time", kind, "GET", self.spec.markets[kind].rest_url + TIME_PATHS[kind], 1)

    def decode_time(self, kind: MarketKind, body: str | bytes) -> int:
        return time_in(f"{self.spec.name} {kind.value} time", body, "serverTime", unit_ns=NS_PER_MS)

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        return instruments_of(self.spec.name, self.spec.markets[kind], body)

    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        if request.purpose != "snapshot":
            return (unknown_frame(body, f"a {request.purpose} reply holds no market event"),)
        try:
            reply = _SNAPSHOT.decode(body)
        except UNREADABLE as error:
            return (unknown_frame(body, f"depth snapshot of {request.key}: {error}"[:200]),)
        texts = reply.bids + reply.asks
        for price, size in texts:
            if not is_trade(price, size):
                return (unknown_frame(body, f"depth snapshot of {request.key}: level {price[:40]} x {size[:40]}"),)
        return (
            BookSnapshot(
                key=request.key,
                ts_event=reply.E * NS_PER_MS,
                ts_recv=ts_recv,
                last_id=reply.lastUpdateId,
                bids=[(float(price), float(size)) for price, size in reply.bids],
                asks=[(float(price), float(size)) for price, size in reply.asks],
                price_decimals=padding(price for price, _ in texts),
                size_decimals=padding(size for _, size in texts),
            ),
        )

    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        """By its URL; without one a depth reply belongs to ``keys`` if that is a single instrument."""
        depth_path, instruments_path = _PATHS[kind]
        path, _, query = url.partition("?")
        text = "" if url else raw if isinstance(raw, str) else raw.decode(errors="replace")
        if path.endswith(instruments_path) or ('"symbols"' in text and '"filters"' in text):
            return HttpRequest("instruments", kind, "GET", url, INSTRUMENTS_WEIGHTS[kind])
        key: str | None = None
        if path.endswith(depth_path):
            native = parse_qs(query).get("symbol", [""])[0].upper()
            names = traffic.split_native(native)
            key = self._keys[kind].get(native)
            if key is None and self.adopt_unknown and names is not None:
                key = f"{self.spec.name}:{symbol_of(kind, *names)}"
        elif '"lastUpdateId"' in text and len(keys) == 1:
            key = keys[0]
        if key is None:
            return None
        return HttpRequest("snapshot", kind, "GET", url, self.spec.markets[kind].snapshot_weight, key)


def _stream_of(instrument: Instrument, channel: Channel) -> tuple[str, str] | None:
    """``(role, stream name)``. USD-M serves a stream under one route only; the wrong one is silent (binance.md §3)."""
    name = instrument.native.lower()
    linear = instrument.kind is MarketKind.LINEAR
    match channel:
        case Channel.BOOK:
            return "public", f"{name}@depth@100ms"
        case Channel.TICKER:
            return "public", f"{name}@bookTicker"
        case Channel.TRADES:
            return ("market", f"{name}@aggTrade") if linear else ("public", f"{name}@trade")
        case Channel.MARK:
            return ("market", f"{name}@markPrice@1s") if linear else None


def _combined(base: str) -> str:
    """Address of combined streams below a WebSocket base URL."""
    base = base.rstrip("/")
    return base if base.endswith("/stream") else f"{base}/stream"


def _trade(
    key: str, number: int, price: str, size: str, ts_ms: int, buyer_was_maker: bool, raw: str | bytes, ts_recv: int
) -> Sequence[FeedEvent]:
    if not is_trade(price, size):
        return (unknown_frame(raw, f"trade of {size[:40]} at {price[:40]}"),)
    side = Side.SELL if buyer_was_maker else Side.BUY
    return (Trade(key, ts_ms * NS_PER_MS, ts_recv, str(number), side, float(price), float(size), price, size),)


def _mark(key: str, event: MarkPriceEvent, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    if event.r and not is_rate(event.r):
        return (unknown_frame(raw, f"funding rate {event.r[:40]}"),)
    return (
        MarkPrice(
            key, event.E * NS_PER_MS, ts_recv, event.p, event.i, float(event.r or 0), event.T * NS_PER_MS
        ),
    )  # fmt: skip


def _answer(answer: Control, raw: str | bytes) -> Sequence[FeedEvent]:
    request_id = answer.id if isinstance(answer.id, int) else -1
    if isinstance(answer.id, str) and answer.id.isascii() and answer.id.isdigit():
        request_id = int(answer.id)
    if answer.error is not None:
        return (VenueNotice("error", str(answer.error.code), answer.error.msg, request_id),)
    if answer.code is not None:
        return (VenueNotice("error", str(answer.code), answer.msg, request_id),)
    if request_id >= 0:
        return (SubscriptionAck(request_id),)
    return (unknown_frame(raw, "neither an event nor an answer"),)

