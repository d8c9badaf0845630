"""Gate's protocol, sans-I/O: one socket per market, channels, subscribe frames, frames and replies into events.

Spot and perpetuals share native names and differ by channel only, so everything is keyed by market kind. A frame is
read in two steps: what it belongs to, then its data by the type of that channel. The book is order book V2, which
brings its own snapshot and any later one replaces it; the older update channel and its REST books are understood too,
recordings hold them. Sizes of perpetuals count contracts on the wire and are base units in events; in a replay without
an instrument list the contract size is unknown and counts as 1. Gate does not pad its decimals.

The venue refuses a request whose ``time`` is more than a minute off: requests alone read the clock handed in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
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
from jackbot_tui.venues.gateio import traffic
from jackbot_tui.venues.gateio.instruments import instruments_of, names_of
from jackbot_tui.venues.gateio.spec import BOOK_DEPTH, FUNDING_INTERVAL_H, SPEC
from jackbot_tui.venues.gateio.wire import (
    NO_DATA,
    UNREADABLE,
    Best,
    Book,
    ContractBook,
    ContractDepth,
    ContractLevel,
    ContractTicker,
    ContractTrade,
    Frame,
    Number,
    Row,
    SpotDepth,
    SpotTrade,
    Status,
    written,
)
from jackbot_tui.venues.inference import symbol_of
from jackbot_tui.venues.plans import public_plans
from jackbot_tui.venues.texts import is_number, is_price, is_rate, is_trade, unknown_frame
from jackbot_tui.venues.times import time_in

PREFIXES = {MarketKind.SPOT: "spot.", MarketKind.LINEAR: "futures."}
"""Beginnings of a market's channels: the only thing on the wire that tells the markets apart."""

TIME_PATH = "/spot/time"

DECIMAL_SIZES = (("X-Gate-Size-Decimal", "1"),)
"""Header by which sizes of contracts come whole: without it those of fractional contracts are cut to integers."""

LISTING_PATHS = {MarketKind.SPOT: "/spot/currency_pairs", MarketKind.LINEAR: "/futures/usdt/contracts"}
DEPTH_PATHS = {MarketKind.SPOT: "/spot/order_book", MarketKind.LINEAR: "/futures/usdt/order_book"}
LISTING_MARKS = {MarketKind.SPOT: '"trade_status"', MarketKind.LINEAR: '"quanto_multiplier"'}
"""A field that only rows of that listing have."""

UNUSED_CHANNELS = {
    MarketKind.SPOT: ("spot.tickers", "spot.candlesticks", "spot.order_book", "spot.trades_v2"),
    MarketKind.LINEAR: (
        "futures.candlesticks",
        "futures.order_book",
        "futures.public_liquidates",
        "futures.contract_stats",
    ),
}
"""Documented channels that nobody here subscribes to: a capture of others may hold them."""

ALREADY = "Alert sub"
"""How the refusal of a second subscription to a book begins: the first one stands."""

MAX_TIME_MS = 1e14

_FRAME = msgspec.json.Decoder(Frame)
_STATUS = msgspec.json.Decoder(Status)
_BOOK = msgspec.json.Decoder(Book, strict=False)
_CONTRACT_BOOK = msgspec.json.Decoder(ContractBook, strict=False)
_SPOT_TRADES = msgspec.json.Decoder(SpotTrade | list[SpotTrade])
_CONTRACT_TRADES = msgspec.json.Decoder(list[ContractTrade])
_BEST = msgspec.json.Decoder(Best)
_TICKERS = msgspec.json.Decoder(list[ContractTicker])
_SPOT_DEPTH = msgspec.json.Decoder(SpotDepth, strict=False)
_CONTRACT_DEPTH = msgspec.json.Decoder(ContractDepth, strict=False)
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def make_codec(endpoints: Mapping[str, str]) -> "GateioCodec":
    """A codec of its own for one engine; see ``venues.base.with_endpoints`` for the names of ``endpoints``."""
    return GateioCodec(with_endpoints(SPEC, endpoints))


class _Known(Struct):
    """What is known of one instrument: key, contract size in base units, time between its fundings.

    A size is multiplied by ``times`` and divided by ``by``, both whole: multiplying by 0.0001 loses decimals that the
    venue means, dividing by 10000 does not.
    """

    key: str
    contract: Decimal
    times: int
    by: int
    funding_ns: int


class GateioCodec(Codec):
    """See the module's paragraph. ``clock`` dates requests; nothing else reads it."""

    def __init__(self, spec: VenueSpec = SPEC, clock: Clock | None = None) -> None:
        super().__init__(spec)
        self._clock = clock or SystemClock()
        self._known: dict[MarketKind, dict[str, _Known]] = {kind: {} for kind in spec.markets}
        self._books: dict[tuple[MarketKind, str], str] = {}  # the stream that feeds the book of a native name
        self._by_channel: dict[
            MarketKind, dict[str, Callable[[MarketKind, Frame, str | bytes, int], Sequence[FeedEvent]]]
        ] = {
            MarketKind.SPOT: {
                "spot.obu": self._book,
                "spot.order_book_update": self._book,
                "spot.trades": self._spot_trades,
                "spot.book_ticker": self._best,
            },
            MarketKind.LINEAR: {
                "futures.obu": self._book,
                "futures.order_book_update": self._contract_book,
                "futures.trades": self._contract_trades,
                "futures.book_ticker": self._best,
                "futures.tickers": self._tickers,
            },
        }

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            times, by = instrument.contract_size.as_integer_ratio()
            hours = instrument.funding_interval_h or FUNDING_INTERVAL_H
            self._known[instrument.kind][instrument.native] = _Known(
                instrument.key, instrument.contract_size, times, by, hours * 3600 * NS_PER_S
            )
            self._adopted.pop(instrument.key, None)

    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        return traffic.infer(self.spec.name, self.spec.markets[kind], raws)

    # ------------------------------------------------------------------ requests

    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        plans = public_plans(self.spec, instruments, channels, _topic_of)
        return [replace(plan, headers=_headers(plan.kind)) for plan in plans]

    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        """A frame is taken or refused as a whole: one name each, so that a refused one takes no other along."""
        frames: list[tuple[int, str]] = []
        for number, topic in enumerate(plan.topics, first_id):
            channel, _, name = topic.partition(":")
            frames.append(self._request(number, channel, "subscribe", [name]))
        return frames

    def resubscribe(self, instrument: Instrument, first_id: int) -> list[tuple[int, str]]:
        channel, _, name = _topic_of(instrument, Channel.BOOK).partition(":")
        return [
            self._request(first_id + number, channel, event, [name])
            for number, event in enumerate(("unsubscribe", "subscribe"))
        ]

    def _request(self, request_id: int, channel: str, event: str, names: Sequence[str]) -> tuple[int, str]:
        now_s = self._clock.now_ns() // NS_PER_S
        frame = {"time": now_s, "id": request_id, "channel": channel, "event": event, "payload": names}
        return request_id, msgspec.json.encode(frame).decode()

    def instruments_request(self, kind: MarketKind) -> HttpRequest:
        url = self.spec.markets[kind].rest_url + LISTING_PATHS[kind]
        return HttpRequest("instruments", kind, "GET", url, 1, headers=_headers(kind))

    def snapshot_request(self, instrument: Instrument) -> HttpRequest | None:
        return None

    # ------------------------------------------------------------------ frames

    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        try:
            frame = _FRAME.decode(raw)
            if frame.event not in ("update", "all"):
                return _answer(frame, raw)
            read = self._by_channel[kind].get(frame.channel)
            if read is not None:
                return read(kind, frame, raw, ts_recv)
        except UNREADABLE as error:
            return (unknown_frame(raw, str(error)),)
        if frame.channel in UNUSED_CHANNELS[kind]:
            return ()
        return (unknown_frame(raw, f"channel {frame.channel[:80]} is none of {kind.value}"),)

    def _book(self, kind: MarketKind, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        book = _BOOK.decode(frame.result)
        return self._changed(kind, frame, book, book.b or [], book.a or [], raw, ts_recv)

    def _contract_book(self, kind: MarketKind, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        book = _CONTRACT_BOOK.decode(frame.result)
        return self._changed(kind, frame, book, _rows(book.b), _rows(book.a), raw, ts_recv)

    def _changed(
        self,
        kind: MarketKind,
        frame: Frame,
        book: Book | ContractBook,
        bids: list[Row],
        asks: list[Row],
        raw: str | bytes,
        ts_recv: int,
    ) -> Sequence[FeedEvent]:
        """A whole book or changed levels. Depths of one name are books of their own that must never mix."""
        native = traffic.book_name(book.s)
        known = self._known[kind].get(native) or self._adopt(kind, native, raw)
        if known is None:
            return (unknown_frame(raw, f"market {native[:40]} is not followed"),)
        stream = f"{frame.channel}:{book.s}:{book.l}"
        if self._books.setdefault((kind, native), stream) != stream:
            return (unknown_frame(raw, f"{frame.channel} {book.s[:60]} is a second book of {native[:40]}"),)
        first, last, ts = book.U, book.u, book.t * NS_PER_MS
        bids, asks = _levels(bids, known), _levels(asks, known)
        if book.full and last >= 0:
            return (BookSnapshot(known.key, ts, ts_recv, last, bids, asks),)
        if not 0 <= first <= last:
            return (unknown_frame(raw, f"book update {first}-{last}"),)
        return (BookDelta(known.key, ts, ts_recv, first, last, first - 1, bids, asks),)

    def _spot_trades(self, kind: MarketKind, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        rows = _SPOT_TRADES.decode(frame.result)
        events = list[FeedEvent]()
        for row in rows if isinstance(rows, list) else [rows]:
            known = self._known[kind].get(row.currency_pair) or self._adopt(kind, row.currency_pair, raw)
            side = _SIDES.get(row.side)
            if known is None:
                events.append(unknown_frame(raw, f"market {row.currency_pair[:40]} is not followed"))
            elif side is None or not is_trade(row.price, row.amount):
                events.append(unknown_frame(raw, f"trade {row.side[:20]} of {row.amount[:40]} at {row.price[:40]}"))
            else:
                ts = _time_ns(row.create_time_ms, row.create_time)
                price, size = float(row.price), float(row.amount)
                events.append(Trade(known.key, ts, ts_recv, str(row.id), side, price, size, row.price, row.amount))
        return events

    def _contract_trades(self, kind: MarketKind, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        events = list[FeedEvent]()
        for row in _CONTRACT_TRADES.decode(frame.result):
            known = self._known[kind].get(row.contract) or self._adopt(kind, row.contract, raw)
            price, signed = written(row.price), written(row.size)
            size = signed.removeprefix("-")
            if known is None:
                events.append(unknown_frame(raw, f"contract {row.contract[:40]} is not followed"))
            elif not is_trade(price, size) or not float(size):
                events.append(unknown_frame(raw, f"trade of {signed[:40]} at {price[:40]}"))
            elif not row.is_internal:
                side = Side.BUY if size == signed else Side.SELL
                text = size if known.contract == 1 else format((Decimal(size) * known.contract).normalize(), "f")
                ts = _time_ns(row.create_time_ms, row.create_time)
                events.append(Trade(known.key, ts, ts_recv, str(row.id), side, float(price), float(text), price, text))
        return events

    def _best(self, kind: MarketKind, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        best = _BEST.decode(frame.result)
        known = self._known[kind].get(best.s) or self._adopt(kind, best.s, raw)
        if known is None:
            return (unknown_frame(raw, f"market {best.s[:40]} is not followed"),)
        if not best.b or not best.a:
            return ()  # one side is empty: no best bid and ask
        bid_size, ask_size = written(best.B), written(best.A)
        if not (is_trade(best.b, bid_size) and is_trade(best.a, ask_size)):
            words = f"best bid {best.b[:40]} x {bid_size[:40]}, ask {best.a[:40]} x {ask_size[:40]}"
            return (unknown_frame(raw, words),)
        bid, ask = _levels([(float(best.b), float(bid_size)), (float(best.a), float(ask_size))], known)
        return (BookTicker(known.key, best.t * NS_PER_MS, ts_recv, best.u, *bid, *ask),)

    def _tickers(self, kind: MarketKind, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """Mark prices. The stream names no funding time: fundings are at whole multiples of their interval (UTC)."""
        events = list[FeedEvent]()
        ts = frame.time_ms * NS_PER_MS or frame.time * NS_PER_S
        for row in _TICKERS.decode(frame.result):
            known, rate = self._known[kind].get(row.contract), row.funding_rate or "0"
            if known is None:
                events.append(unknown_frame(raw, f"contract {row.contract[:40]} is not followed"))
            elif not (is_price(row.mark_price) and is_price(row.index_price) and is_rate(rate)):
                words = f"mark {row.mark_price[:40]}, index {row.index_price[:40]}, funding rate {rate[:40]}"
                events.append(unknown_frame(raw, words))
            else:
                mark, index = float(row.mark_price), float(row.index_price)
                due = (ts // known.funding_ns + 1) * known.funding_ns if ts else 0
                events.append(MarkPrice(known.key, ts, ts_recv, mark, index, float(rate), due))
        return events

    def _adopt(self, kind: MarketKind, native: str, raw: str | bytes) -> _Known | None:
        self.adopt(kind, native, raw)
        return self._known[kind].get(native)

    # ------------------------------------------------------------------ replies

    def time_request(self, kind: MarketKind) -> HttpRequest | None:
        return HttpRequest("time", kind, "GET", self.spec.markets[kind].rest_url + TIME_PATH, 1)

    def decode_time(self, kind: MarketKind, body: str | bytes) -> int:
        return time_in(f"{self.spec.name} {kind.value} time", body, "server_time", unit_ns=NS_PER_MS)

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        return instruments_of(self.spec.name, self.spec.markets[kind], body)

    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        if request.purpose != "snapshot":
            return (unknown_frame(body, f"a {request.purpose} reply holds no market event"),)
        try:
            if request.kind is MarketKind.SPOT:
                spot = _SPOT_DEPTH.decode(body)
                last, bids, asks, ts = spot.id, spot.bids, spot.asks, int(spot.current) * NS_PER_MS
            else:
                depth = _CONTRACT_DEPTH.decode(body)
                last, bids, asks = depth.id, _rows(depth.bids), _rows(depth.asks)
                ts = round(depth.current * 1000) * NS_PER_MS
        except UNREADABLE as error:
            return (unknown_frame(body, f"book of {request.key}: {error}"),)
        known = next((each for each in self._known[request.kind].values() if each.key == request.key), None)
        if known is not None:
            bids, asks = _levels(bids, known), _levels(asks, known)
        return (BookSnapshot(request.key, ts, ts_recv, last, bids, asks),)

    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        """By its address; without one a book belongs to ``keys`` if that is a single instrument."""
        path, _, query = url.partition("?")
        text = "" if url else raw if isinstance(raw, str) else raw.decode(errors="replace")
        if path.endswith(LISTING_PATHS[kind]) or LISTING_MARKS[kind] in text:
            return HttpRequest("instruments", kind, "GET", url, 1)
        key: str | None = None
        if path.endswith(DEPTH_PATHS[kind]):
            named = parse_qs(query)
            native = (named.get("currency_pair") or named.get("contract") or [""])[0]
            known, names = self._known[kind].get(native), names_of(kind, native)
            if known is not None:
                key = known.key
            elif self.adopt_unknown and names is not None:
                key = f"{self.spec.name}:{symbol_of(kind, *names)}"
        elif '"bids"' in text and '"id"' in text and len(keys) == 1:
            key = keys[0]
        return None if key is None else HttpRequest("snapshot", kind, "GET", url, 1, key)


def _headers(kind: MarketKind) -> tuple[tuple[str, str], ...]:
    return DECIMAL_SIZES if kind is MarketKind.LINEAR else ()


def _topic_of(instrument: Instrument, channel: Channel) -> str:
    """``channel:name``, "" where the market has none."""
    native, prefix = instrument.native, PREFIXES[instrument.kind]
    match channel:
        case Channel.BOOK:
            return f"{prefix}obu:ob.{native}.{BOOK_DEPTH}"
        case Channel.TRADES:
            return f"{prefix}trades:{native}"
        case Channel.TICKER:
            return f"{prefix}book_ticker:{native}"
        case Channel.MARK:
            return f"{prefix}tickers:{native}" if instrument.kind is MarketKind.LINEAR else ""


def _levels(rows: list[Row], known: _Known) -> list[Level]:
    """In base units."""
    times, by = known.times, known.by
    if times == by:
        return rows
    return [(price, size * times / by) for price, size in rows]


def _rows(levels: list[ContractLevel] | None) -> list[Row]:
    return [(level.p, level.s) for level in levels or ()]


def _time_ns(milliseconds: Number, seconds: float) -> int:
    """Time of a trade: milliseconds with a fraction, of which old frames had none; 0 where neither is sound."""
    text = written(milliseconds)
    if is_number(text, MAX_TIME_MS) and (exact := int(Decimal(text) * NS_PER_MS)):
        return exact
    return int(seconds) * NS_PER_S if 0 < seconds * 1000 <= MAX_TIME_MS else 0


def _answer(answer: Frame, raw: str | bytes) -> Sequence[FeedEvent]:
    """Answers repeat the id of a request; those of old recordings have none and confirm nothing."""
    request_id = -1 if answer.id is None else answer.id
    if answer.event == "upgrade":
        return (VenueNotice("shutdown", answer.event, "the venue asks for a new connection"),)
    if answer.error is not None:
        if answer.error.message.startswith(ALREADY) and request_id >= 0:
            return (SubscriptionAck(request_id),)
        return (VenueNotice("error", str(answer.error.code), answer.error.message, request_id),)
    if answer.channel.endswith(".pong"):
        return ()
    if answer.event not in ("subscribe", "unsubscribe") or answer.result is NO_DATA:
        return (unknown_frame(raw, "neither data nor an answer"),)
    status = _STATUS.decode(answer.result).status
    if status != "success":
        return (VenueNotice("error", status, f"{answer.channel} was refused", request_id),)
    return (SubscriptionAck(request_id),) if request_id >= 0 else ()
