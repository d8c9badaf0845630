"""Bybit's protocol, sans-I/O: one socket per market, topics, subscribe frames, frames into canonical events.

Spot and USDT perpetuals share native names, so everything is keyed by market kind. Every frame is one typed decode. The
book comes with its own snapshot; any later snapshot, and any message with ``u`` 1 (the venue restarted), replaces it.
Linear tickers name changed fields only and are merged here. Sizes are base units. Block trades are left out: they did
not go through the book.
"""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

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
from jackbot_tui.venues.bybit import traffic
from jackbot_tui.venues.bybit.instruments import cursor_of, instruments_of
from jackbot_tui.venues.bybit.spec import BOOK_DEPTH, INSTRUMENTS_LIMIT, SPEC, TOPICS_PER_FRAME
from jackbot_tui.venues.bybit.wire import UNREADABLE, Body, BookTexts, Frame, TradeRow
from jackbot_tui.venues.plans import public_plans
from jackbot_tui.venues.texts import MAX_PRICE, is_number, is_price, is_rate, is_trade, padding, unknown_frame
from jackbot_tui.venues.times import time_in

TIME_PATH = "/v5/market/time"
INSTRUMENTS_PATH = "/v5/market/instruments-info"

PING = '{"op":"ping"}'

UNUSED_TOPICS = ("kline.", "allLiquidation.", "liquidation.", "priceLimit.", "insurance.", "adlAlert.")
"""Documented topics that nobody here subscribes to: a capture of others may hold them."""

_FRAME = msgspec.json.Decoder(Frame, strict=False)
_TEXTS = msgspec.json.Decoder(BookTexts)
_TOPIC = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}


def make_codec(endpoints: Mapping[str, str]) -> "BybitCodec":
    """A codec of its own for one engine; see ``venues.base.with_endpoints`` for the names of ``endpoints``."""
    return BybitCodec(with_endpoints(SPEC, endpoints))


class BybitCodec(Codec):
    """See the module's paragraph."""

    def __init__(self, spec: VenueSpec = SPEC) -> None:
        super().__init__(spec)
        self._keys: dict[MarketKind, dict[str, str]] = {kind: {} for kind in spec.markets}
        self._books: dict[MarketKind, dict[str, str]] = {kind: {} for kind in spec.markets}
        self._tickers: dict[str, dict[str, str]] = {}

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            self._keys[instrument.kind][instrument.native] = instrument.key
            self._adopted.pop(instrument.key, None)

    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        return traffic.infer(self.spec.name, self.spec.markets[kind], raws)

    # ------------------------------------------------------------------ requests

    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        return public_plans(self.spec, instruments, channels, _topic_of)

    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        """A frame is accepted or refused as a whole: one symbol each, so that a refused one takes no other along."""
        by_symbol: dict[str, list[str]] = {}
        for topic in plan.topics:
            by_symbol.setdefault(topic.rpartition(".")[2], []).append(topic)
        parts = [
            topics[at : at + TOPICS_PER_FRAME]
            for topics in by_symbol.values()
            for at in range(0, len(topics), TOPICS_PER_FRAME)
        ]
        return [_request(first_id + number, "subscribe", part) for number, part in enumerate(parts)]

    def resubscribe(self, instrument: Instrument, first_id: int) -> list[tuple[int, str]]:
        topics = (_topic_of(instrument, Channel.BOOK),)
        return [_request(first_id, "unsubscribe", topics), _request(first_id + 1, "subscribe", topics)]

    def heartbeat(self, kind: MarketKind) -> str | None:
        return PING

    def instruments_request(self, kind: MarketKind) -> HttpRequest:
        url = f"{self.spec.markets[kind].rest_url}{INSTRUMENTS_PATH}?category={kind.value}&limit={INSTRUMENTS_LIMIT}"
        return HttpRequest("instruments", kind, "GET", url, 1)

    def next_page(self, request: HttpRequest, body: str | bytes) -> HttpRequest | None:
        """The listings after those of ``body``: the venue names a cursor, empty on the last page."""
        cursor = cursor_of(body)
        if not cursor:
            return None
        url = request.url.partition("&cursor=")[0]
        return replace(request, url=f"{url}&cursor={quote(cursor, safe='')}")

    def snapshot_request(self, instrument: Instrument) -> HttpRequest | None:
        return None

    # ------------------------------------------------------------------ frames

    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        try:
            frame = _FRAME.decode(raw)
        except UNREADABLE as error:
            return self._decode_odd(raw, str(error))
        body = frame.data
        if type(body) is Body:
            key = self._books[kind].get(frame.topic)
            if key is None:
                return self._decode_topic(kind, frame, body, raw, ts_recv)
            return self._book(key, frame, body, raw, ts_recv)
        if body is None:
            return _answer(frame, raw)
        if not frame.topic.startswith("publicTrade."):
            return (unknown_frame(raw, f"topic {frame.topic[:80]} holds no trades"),)
        return self._trades(kind, body, raw, ts_recv)

    def _book(self, key: str, frame: Frame, body: Body, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        number, ts = body.u, (frame.cts or frame.ts) * NS_PER_MS
        if number > 1 and frame.type == "delta":
            return (BookDelta(key, ts, ts_recv, number, number, number - 1, body.b, body.a),)
        if number < 0 or frame.type not in ("snapshot", "delta"):
            return (unknown_frame(raw, f"book message {frame.type[:20]!r} with u {number}"),)
        try:
            texts = _TEXTS.decode(raw).data
        except UNREADABLE as error:
            return (unknown_frame(raw, f"levels of a book are not text: {error}"),)
        levels = texts.b + texts.a
        places = padding(price for price, _ in levels), padding(size for _, size in levels)
        return (BookSnapshot(key, ts, ts_recv, number, body.b, body.a, *places),)

    def _decode_topic(
        self, kind: MarketKind, frame: Frame, body: Body, raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        """A book topic seen for the first time, or a ticker."""
        channel, _, rest = frame.topic.partition(".")
        depth, _, native = rest.rpartition(".")
        key = self._key_of(kind, native, raw)
        if key is None:
            return (unknown_frame(raw, f"symbol {native[:40]} is not followed"),)
        if channel == "tickers":
            return self._ticker(kind, key, frame, body, raw, ts_recv)
        if channel != "orderbook" or not depth.isdigit():
            return (unknown_frame(raw, f"topic {frame.topic[:80]} is not known"),)
        if depth == "1":
            if len(body.b) != 1 or len(body.a) != 1:
                return ()  # one side is empty: no best bid and ask
            return (BookTicker(key, frame.ts * NS_PER_MS, ts_recv, body.u, *body.b[0], *body.a[0]),)
        if key in self._books[kind].values():
            return (unknown_frame(raw, f"topic {frame.topic[:80]} is a second book of {native[:40]}"),)
        self._books[kind][frame.topic] = key
        return self._book(key, frame, body, raw, ts_recv)

    def _ticker(
        self, kind: MarketKind, key: str, frame: Frame, body: Body, raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        """Merge what a ticker names: a field that a delta leaves out is unchanged, not zero."""
        if kind is MarketKind.SPOT:
            return ()  # spot's has neither best prices nor a mark
        named = {name: text for name in _TICKER_FIELDS if (text := getattr(body, name))}
        known = self._tickers.setdefault(key, {})
        if frame.type == "snapshot":
            known.clear()
        known.update(named)
        ts, events = frame.ts * NS_PER_MS, list[FeedEvent]()
        if not _MARK_FIELDS.isdisjoint(named) and {"markPrice", "indexPrice"} <= known.keys():
            mark, index, rate = known["markPrice"], known["indexPrice"], known.get("fundingRate", "0")
            due = known.get("nextFundingTime", "0")
            if not (is_price(mark) and is_price(index) and is_rate(rate)):
                return (unknown_frame(raw, f"mark {mark[:40]}, index {index[:40]}, funding rate {rate[:40]}"),)
            next_ns = int(due) * NS_PER_MS if is_number(due, MAX_PRICE) and "." not in due else 0
            events.append(MarkPrice(key, ts, ts_recv, float(mark), float(index), float(rate), next_ns))
        if not _BEST_FIELDS.isdisjoint(named) and known.keys() >= _BEST_FIELDS:
            bid, bid_size, ask, ask_size = (known[name] for name in _BEST)
            if not (is_trade(bid, bid_size) and is_trade(ask, ask_size)):
                return (*events, unknown_frame(raw, f"best bid {bid[:40]}, best ask {ask[:40]}"))
            events.append(BookTicker(key, ts, ts_recv, -1, float(bid), float(bid_size), float(ask), float(ask_size)))
        return events

    def _trades(
        self, kind: MarketKind, rows: Sequence[TradeRow], raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        events = list[FeedEvent]()
        for row in rows:
            key, side = self._key_of(kind, row.s, raw), _SIDES.get(row.S)
            if key is None:
                events.append(unknown_frame(raw, f"symbol {row.s[:40]} is not followed"))
            elif side is None or not is_trade(row.p, row.v):
                events.append(unknown_frame(raw, f"trade {row.S[:20]} of {row.v[:40]} at {row.p[:40]}"))
            elif not row.BT:
                ts = row.T * NS_PER_MS
                events.append(Trade(key, ts, ts_recv, row.i, side, float(row.p), float(row.v), row.p, row.v))
        return events

    def _key_of(self, kind: MarketKind, native: str, raw: str | bytes) -> str | None:
        """Key of a native name; with ``adopt_unknown`` a provisional instrument is made from the frame it came in."""
        key = self._keys[kind].get(native)
        if key is None and self.adopt_unknown:
            for found in self.infer(kind, (raw,)):
                if found.instrument.native == native:
                    key = found.instrument.key
                    self._keys[kind][native] = key
                    self._adopted[key] = found.instrument
        return key

    def _decode_odd(self, raw: str | bytes, problem: str) -> Sequence[FeedEvent]:
        """What has not the shape of a frame that we asked for: a topic of somebody else's capture, or unknown."""
        try:
            topic = msgspec.json.decode(_TOPIC.decode(raw).get("topic", b'""'))
            if isinstance(topic, str) and topic.startswith(UNUSED_TOPICS):
                return ()
        except UNREADABLE as error:
            problem = str(error)
        return (unknown_frame(raw, problem),)

    # ------------------------------------------------------------------ replies

    def time_request(self, kind: MarketKind) -> HttpRequest | None:
        return HttpRequest("time", kind, "GET", self.spec.markets[kind].rest_url + TIME_PATH, 1)

    def decode_time(self, kind: MarketKind, body: str | bytes) -> int:
        return time_in(f"{self.spec.name} {kind.value} time", body, "result", "timeNano", unit_ns=1)

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        return instruments_of(self.spec.name, self.spec.markets[kind], body)

    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        return (unknown_frame(body, f"a {request.purpose} reply holds no market event"),)

    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        """By its address, else by its shape; both say of which category a listing is."""
        text = "" if url else raw if isinstance(raw, str) else raw.decode(errors="replace")
        addressed = INSTRUMENTS_PATH in url and f"category={kind.value}" in url
        if addressed or ('"lotSizeFilter"' in text and f'"category":"{kind.value}"' in text):
            return HttpRequest("instruments", kind, "GET", url, 1)
        return None


_MARK_FIELDS = frozenset({"markPrice", "indexPrice", "fundingRate", "nextFundingTime"})
_BEST = ("bid1Price", "bid1Size", "ask1Price", "ask1Size")
_BEST_FIELDS = frozenset(_BEST)
_TICKER_FIELDS = (*sorted(_MARK_FIELDS), *_BEST)


def _topic_of(instrument: Instrument, channel: Channel) -> str:
    """Topic name, "" where the market has none. Spot's ticker has no best prices: level 1 of the book stands in."""
    native, linear = instrument.native, instrument.kind is MarketKind.LINEAR
    match channel:
        case Channel.BOOK:
            return f"orderbook.{BOOK_DEPTH}.{native}"
        case Channel.TRADES:
            return f"publicTrade.{native}"
        case Channel.TICKER:
            return f"tickers.{native}" if linear else f"orderbook.1.{native}"
        case Channel.MARK:
            return f"tickers.{native}" if linear else ""


def _request(request_id: int, op: str, topics: Sequence[str]) -> tuple[int, str]:
    frame = {"req_id": str(request_id), "op": op, "args": topics}
    return request_id, msgspec.json.encode(frame).decode()


def _answer(answer: Frame, raw: str | bytes) -> Sequence[FeedEvent]:
    """Public pongs keep op ``ping``; an acknowledgement need not repeat a request id (then it confirms nothing)."""
    if answer.op in ("ping", "pong"):
        return ()
    if answer.success is None:
        return (unknown_frame(raw, "neither data nor an answer"),)
    text = str(answer.req_id)
    request_id = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
    if not answer.success:
        return (VenueNotice("error", answer.op, answer.ret_msg, request_id),)
    return (SubscriptionAck(request_id),) if request_id >= 0 else ()
