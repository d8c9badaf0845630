"""Bitget's protocol (v3), sans-I/O: one public socket a market, topics, subscribe frames, frames into canonical events.

Spot and perpetuals share native names, so everything is keyed by market kind. A frame is read in two steps: what it
belongs to, then its data by the type of that topic. The book comes with its own snapshot and links its updates
(bitget.md §4): an update that names no predecessor links to nothing, so that the book starts anew. Sizes are base
units. Mark, index, funding and best prices come in one ticker.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

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
from jackbot_tui.venues.bitget import traffic
from jackbot_tui.venues.bitget.instruments import CATEGORIES, category_of, instruments_of
from jackbot_tui.venues.bitget.spec import SPEC
from jackbot_tui.venues.bitget.wire import NO_DATA, UNREADABLE, Arg, Book, BookTexts, Frame, TickerRow, TradeRow
from jackbot_tui.venues.plans import public_plans
from jackbot_tui.venues.texts import (
    MAX_PRICE,
    is_decimal,
    is_number,
    is_price,
    is_rate,
    is_trade,
    padding,
    unknown_frame,
)
from jackbot_tui.venues.times import time_in

INSTRUMENTS_PATH = "/api/v3/market/instruments"

TIME_PATH = "/api/v2/public/time"
"""Of version 2: version 3 lists one as well, which answered 404 to some."""

UNUSED_TOPICS = ("books", "kline", "candle", "liquidation")
"""Beginnings of topics that nobody here subscribes to: a capture of others may hold them."""

PING, PONG = "ping", ("pong", b"pong")

_FRAME = msgspec.json.Decoder(Frame, strict=False)
_BOOK = msgspec.json.Decoder(tuple[Book], strict=False)
_TEXTS = msgspec.json.Decoder(tuple[BookTexts])
_TRADES = msgspec.json.Decoder(list[TradeRow], strict=False)
_TICKER = msgspec.json.Decoder(tuple[TickerRow], strict=False)
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_TYPES = {kind: tuple(category.lower() for category in categories) for kind, categories in CATEGORIES.items()}


def make_codec(endpoints: Mapping[str, str]) -> "BitgetCodec":
    """A codec of its own for one engine; see ``venues.base.with_endpoints`` for the names of ``endpoints``."""
    return BitgetCodec(with_endpoints(SPEC, endpoints))


class _Known(Struct):
    """What is known of one instrument: key, ``instType``, whether its checksums can still be proved, its newest trade.

    ``history`` says when the last history of trades came and the newest id before it.
    """

    key: str
    of_type: str
    provable: bool = True
    newest_trade: int = -1
    history: tuple[int, int] = (0, -1)


class _Request(Struct):
    """A subscribe frame: its id, and the topics that the venue has not acknowledged."""

    request_id: int
    waiting: set[str]


class BitgetCodec(Codec):
    """See the module's paragraph. Topics are written ``instType:topic:symbol``."""

    def __init__(self, spec: VenueSpec = SPEC) -> None:
        super().__init__(spec)
        self._known: dict[MarketKind, dict[str, _Known]] = {kind: {} for kind in spec.markets}
        self._requests: dict[str, _Request] = {}  # topic -> the newest request for it

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            known = self._known[instrument.kind].get(instrument.native)
            if known is None or known.key != instrument.key:
                self._known[instrument.kind][instrument.native] = _Known(instrument.key, _type_of(instrument))
            self._adopted.pop(instrument.key, None)

    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        return traffic.infer(self.spec.name, self.spec.markets[kind], raws)

    # ------------------------------------------------------------------ requests

    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        return public_plans(self.spec, instruments, channels, _topic_of)

    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        """One frame a symbol: an answer names its argument only, and a refused symbol takes no other along."""
        by_symbol: dict[str, list[str]] = {}
        for topic in plan.topics:
            by_symbol.setdefault(topic.split(":", 2)[2], []).append(topic)
        frames = []
        for request_id, topics in enumerate(by_symbol.values(), first_id):
            request = _Request(request_id, set(topics))
            self._requests.update(dict.fromkeys(topics, request))
            frames.append((request_id, _frame("subscribe", topics)))
        return frames

    def resubscribe(self, instrument: Instrument, first_id: int) -> list[tuple[int, str]]:
        """A subscription that still waits for its answer keeps its id."""
        topics = (_topic_of(instrument, Channel.BOOK),)
        return [(first_id, _frame("unsubscribe", topics)), (first_id + 1, _frame("subscribe", topics))]

    def heartbeat(self, kind: MarketKind) -> str | None:
        return PING

    def instruments_request(self, kind: MarketKind) -> HttpRequest:
        return self.instruments_requests(kind)[0]

    def instruments_requests(self, kind: MarketKind) -> list[HttpRequest]:
        """One a category: perpetuals are listed by the currency they settle in."""
        url = f"{self.spec.markets[kind].rest_url}{INSTRUMENTS_PATH}?category="
        return [HttpRequest("instruments", kind, "GET", url + category, 1) for category in CATEGORIES[kind]]

    def snapshot_request(self, instrument: Instrument) -> HttpRequest | None:
        return None

    # ------------------------------------------------------------------ frames

    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        if raw in PONG:
            return ()
        try:
            frame = _FRAME.decode(raw)
            arg = frame.arg
            if frame.event or arg is None or frame.data is NO_DATA:
                return self._answer(frame, raw)
            if arg.instType not in _TYPES[kind]:
                return (unknown_frame(raw, f"instType {arg.instType[:40]} is not that of this market"),)
            if arg.topic not in ("books", "publicTrade", "ticker"):
                known_topic = arg.topic.startswith(UNUSED_TOPICS)
                return () if known_topic else (unknown_frame(raw, f"topic {arg.topic[:80]} is not known"),)
            known = self._known[kind].get(arg.symbol) or self._adopt(kind, arg.symbol, raw)
            if known is None or known.of_type != arg.instType:
                return (unknown_frame(raw, f"symbol {arg.symbol[:40]} is not followed in {arg.instType}"),)
            if arg.topic == "books":
                return _book(known, frame, raw, ts_recv)
            if arg.topic == "publicTrade":
                return _trades(known, frame, raw, ts_recv)
            return _ticker(kind, known, frame, raw, ts_recv)
        except UNREADABLE as error:
            return (unknown_frame(raw, str(error)),)

    def _answer(self, answer: Frame, raw: str | bytes) -> Sequence[FeedEvent]:
        """One answer comes for each argument; the last one confirms its frame, an error refuses it.

        The same answer decoded twice gives the same event twice (see ``feeds.stream``).
        """
        topic = _name_of(answer.arg) if answer.arg is not None else ""
        request = self._requests.get(topic)
        match answer.event:
            case "subscribe" if request is not None:
                request.waiting.discard(topic)
                return () if request.waiting else (SubscriptionAck(request.request_id),)
            case "subscribe" | "unsubscribe":
                return ()
            case "error":
                request_id = -1 if request is None else request.request_id
                return (VenueNotice("error", str(answer.code)[:40], answer.msg[:500], request_id),)
        return (unknown_frame(raw, "neither data nor an answer"),)

    def _adopt(self, kind: MarketKind, native: str, raw: str | bytes) -> _Known | None:
        self.adopt(kind, native, raw)
        return self._known[kind].get(native)

    # ------------------------------------------------------------------ replies

    def time_request(self, kind: MarketKind) -> HttpRequest | None:
        return HttpRequest("time", kind, "GET", self.spec.markets[kind].rest_url + TIME_PATH, 1)

    def decode_time(self, kind: MarketKind, body: str | bytes) -> int:
        return time_in(f"{self.spec.name} {kind.value} time", body, "data", "serverTime", unit_ns=NS_PER_MS)

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        return instruments_of(self.spec.name, self.spec.markets[kind], body)

    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        return (unknown_frame(body, f"a {request.purpose} reply holds no market event"),)

    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        """By its address, else by its shape; both say of which category a listing is."""
        text = "" if url else raw if isinstance(raw, str) else raw.decode(errors="replace")
        for category in CATEGORIES[kind]:
            mine = f'"category":"{category}"' in text and '"pricePrecision"' in text
            if mine or (INSTRUMENTS_PATH in url and url.endswith(f"category={category}")):
                return HttpRequest("instruments", kind, "GET", url, 1)
        return None


def _book(known: _Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    """A checksum is told only while every message since the snapshot had one: else the texts have holes."""
    (book,) = _BOOK.decode(frame.data)
    ts = (book.ts or frame.ts) * NS_PER_MS
    key, checksum = known.key, book.checksum or None  # 0: the venue sends none any more
    if frame.action == "update":
        previous = book.pseq or -1  # 0: the venue restarted its numbering
        if checksum is None or not known.provable:
            known.provable = False
            return (BookDelta(key, ts, ts_recv, previous, book.seq, previous, book.b, book.a),)
        texts = _texts_of(frame)
        return (BookDelta(key, ts, ts_recv, previous, book.seq, previous, book.b, book.a, checksum, texts),)
    if frame.action != "snapshot":
        return (unknown_frame(raw, f"book action {frame.action[:40]!r}"),)
    texts = _texts_of(frame)
    known.provable = True
    price_places, size_places = (padding(level[at] for side in texts for level in side) for at in (0, 1))
    return (
        BookSnapshot(key, ts, ts_recv, book.seq, book.b, book.a, price_places, size_places, checksum, texts),
    )  # fmt: skip


def _texts_of(frame: Frame) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    (written,) = _TEXTS.decode(frame.data)
    return written.b, written.a


def _trades(known: _Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    """Oldest first. A snapshot is history: only what is newer than all seen counts. Ids grow, with gaps.

    The same history decoded twice gives the same trades twice (see ``feeds.stream``).
    """
    events = list[FeedEvent]()
    newest, floor = known.newest_trade, -1
    if frame.action == "snapshot":
        came, before = known.history
        floor = before if came == ts_recv else newest
        known.history = ts_recv, floor
    for row in reversed(_TRADES.decode(frame.data)):
        side = _SIDES.get(row.S)
        number = int(row.i) if is_decimal(row.i) and "." not in row.i else -1
        if side is None or number < 0 or not is_trade(row.p, row.v):
            events.append(unknown_frame(raw, f"trade {row.i[:40]}: {row.S[:20]} {row.v[:40]} at {row.p[:40]}"))
        elif number > floor:
            ts = row.T * NS_PER_MS
            events.append(Trade(known.key, ts, ts_recv, row.i, side, float(row.p), float(row.v), row.p, row.v))
            newest = max(newest, number)
    known.newest_trade = newest
    return events


def _ticker(kind: MarketKind, known: _Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    (row,) = _TICKER.decode(frame.data)
    ts, events = frame.ts * NS_PER_MS, list[FeedEvent]()
    if kind is MarketKind.LINEAR:
        mark, index, rate, due = row.markPrice, row.indexPrice, row.fundingRate or "0", row.nextFundingTime
        if is_price(mark) and is_price(index) and is_rate(rate):
            next_ns = int(due) * NS_PER_MS if is_number(due, MAX_PRICE) and "." not in due else 0
            events.append(MarkPrice(known.key, ts, ts_recv, float(mark), float(index), float(rate), next_ns))
        else:
            events.append(unknown_frame(raw, f"mark {mark[:40]!r}, index {index[:40]!r}, funding rate {rate[:40]!r}"))
    bid, ask = (row.bid1Price, row.bid1Size), (row.ask1Price, row.ask1Size)
    if is_trade(*bid) and is_trade(*ask):
        events.append(BookTicker(known.key, ts, ts_recv, -1, *map(float, (*bid, *ask))))
    elif all((*bid, *ask)):  # one side may be empty
        events.append(unknown_frame(raw, f"best bid {bid[0][:40]}, best ask {ask[0][:40]}"))
    return events


def _type_of(instrument: Instrument) -> str:
    return category_of(instrument.kind, instrument.settle).lower()


def _topic_of(instrument: Instrument, channel: Channel) -> str:
    """Topic in our notation, "" where the market has none. A perpetual's mark price comes with its ticker."""
    of_type, native = _type_of(instrument), instrument.native
    match channel:
        case Channel.BOOK:
            return f"{of_type}:books:{native}"
        case Channel.TRADES:
            return f"{of_type}:publicTrade:{native}"
        case Channel.TICKER:
            return f"{of_type}:ticker:{native}"
        case Channel.MARK:
            return f"{of_type}:ticker:{native}" if instrument.kind is MarketKind.LINEAR else ""


def _name_of(arg: Arg) -> str:
    return f"{arg.instType}:{arg.topic}:{arg.symbol}"


def _frame(operation: str, topics: Sequence[str]) -> str:
    args = [Arg(*topic.split(":", 2)) for topic in topics]
    return msgspec.json.encode({"op": operation, "args": args}).decode()
