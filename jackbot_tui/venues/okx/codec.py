"""OKX's protocol, sans-I/O: one public socket, channels, subscribe frames, frames and replies into canonical events.

A frame is read in two steps: what it belongs to, then its data by the type of that channel. The book comes with its own
snapshot and links its updates (okx.md §4). Sizes of swaps count contracts on the wire and are base units in events;
in a replay without an instrument list the contract size is unknown and counts as 1. Mark, index and funding come in
three channels and are merged here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

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
    Level,
    MarkPrice,
    SubscriptionAck,
    Trade,
    VenueNotice,
)
from jackbot_tui.venues.base import Channel, Codec, ConnectionPlan, HttpRequest, Inferred, VenueSpec, with_endpoints
from jackbot_tui.venues.okx import traffic
from jackbot_tui.venues.okx.instruments import instruments_of
from jackbot_tui.venues.okx.spec import BOOKS_PER_CONNECTION, SPEC, TOPICS_PER_FRAME
from jackbot_tui.venues.okx.wire import (
    NO_DATA,
    UNREADABLE,
    Arg,
    Book,
    BookTexts,
    Frame,
    FundingRow,
    IndexRow,
    MarkRow,
    Row,
    TickerRow,
    TradeRow,
)
from jackbot_tui.venues.texts import is_rate, is_trade, padding, unknown_frame
from jackbot_tui.venues.times import time_in

TIME_PATH = "/api/v5/public/time"
INSTRUMENTS_PATH = "/api/v5/public/instruments"

BOOK_CHANNELS = ("books", "books-l2-tbt", "books50-l2-tbt")
"""Channels of one snapshot and its updates. We subscribe to the first; recordings hold the others."""

UNUSED_CHANNELS = (
    "books5",
    "bbo-tbt",
    "books-elp",
    "price-limit",
    "open-interest",
    "candle",
    "estimated-price",
    "status",
)
"""Beginnings of documented channels that nobody here subscribes to: a capture of others may hold them."""

PING, PONG = "ping", ("pong", b"pong")

_FRAME = msgspec.json.Decoder(Frame, strict=False)
_BOOK = msgspec.json.Decoder(tuple[Book], strict=False)
_TEXTS = msgspec.json.Decoder(tuple[BookTexts])
_TRADES = msgspec.json.Decoder(list[TradeRow], strict=False)
_TICKERS = msgspec.json.Decoder(list[TickerRow], strict=False)
_MARKS = msgspec.json.Decoder(list[MarkRow], strict=False)
_INDEXES = msgspec.json.Decoder(list[IndexRow], strict=False)
_FUNDINGS = msgspec.json.Decoder(list[FundingRow], strict=False)
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_TYPES = {MarketKind.SPOT: "SPOT", MarketKind.LINEAR: "SWAP"}


def make_codec(endpoints: Mapping[str, str]) -> "OkxCodec":
    """A codec of its own for one engine; see ``venues.base.with_endpoints`` for the names of ``endpoints``."""
    return OkxCodec(with_endpoints(SPEC, endpoints))


class _Known(Struct):
    """What is known of one instrument: key, contract size in base units, and the parts of its mark price so far.

    A size is multiplied by ``times`` and divided by ``by``: dividing by a whole number keeps the decimals that the
    venue means, multiplying by 0.1 does not.
    """

    key: str
    contract: Decimal
    times: float
    by: float
    mark: float = 0.0
    index: float = 0.0
    rate: float = 0.0
    next_ns: int = 0


class OkxCodec(Codec):
    """See the module's paragraph."""

    def __init__(self, spec: VenueSpec = SPEC) -> None:
        super().__init__(spec)
        self._known: dict[MarketKind, dict[str, _Known]] = {kind: {} for kind in spec.markets}
        self._book_channels: dict[tuple[MarketKind, str], str] = {}
        self._by_channel: dict[str, Callable[[MarketKind, Arg, msgspec.Raw, str | bytes, int], Sequence[FeedEvent]]] = {
            "trades": self._trades,
            "tickers": self._tickers,
            "mark-price": self._marks,
            "index-tickers": self._indexes,
            "funding-rate": self._fundings,
        }

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            contract = instrument.contract_size
            times, by = (float(contract), 1.0) if contract >= 1 else (1.0, float(1 / contract))
            self._known[instrument.kind][instrument.native] = _Known(instrument.key, contract, times, by)
            self._adopted.pop(instrument.key, None)

    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        return traffic.infer(self.spec.name, self.spec.markets[kind], raws)

    # ------------------------------------------------------------------ requests

    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        by_kind: dict[MarketKind, list[Instrument]] = {}
        for instrument in instruments:
            by_kind.setdefault(instrument.kind, []).append(instrument)
        plans = []
        for kind, members in by_kind.items():
            parts = [members[at : at + BOOKS_PER_CONNECTION] for at in range(0, len(members), BOOKS_PER_CONNECTION)]
            for number, part in enumerate(parts, 1):
                topics = [topic for each in part for channel in channels for topic in _topics_of(each, channel)]
                if topics:
                    plans.append(
                        ConnectionPlan(
                            conn=f"{self.spec.name}.{kind.value}.public" + (f".{number}" if number > 1 else ""),
                            kind=kind,
                            url=self.spec.markets[kind].ws_urls["public"],
                            topics=tuple(dict.fromkeys(topics)),
                            book_keys=tuple(each.key for each in part) if Channel.BOOK in channels else (),
                        )
                    )
        return plans

    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        parts = [plan.topics[at : at + TOPICS_PER_FRAME] for at in range(0, len(plan.topics), TOPICS_PER_FRAME)]
        return [_request(first_id + number, "subscribe", part) for number, part in enumerate(parts)]

    def resubscribe(self, instrument: Instrument, first_id: int) -> list[tuple[int, str]]:
        topics = _topics_of(instrument, Channel.BOOK)
        return [_request(first_id, "unsubscribe", topics), _request(first_id + 1, "subscribe", topics)]

    def heartbeat(self, kind: MarketKind) -> str | None:
        return PING

    def instruments_request(self, kind: MarketKind) -> HttpRequest:
        url = f"{self.spec.markets[kind].rest_url}{INSTRUMENTS_PATH}?instType={_TYPES[kind]}"
        return HttpRequest("instruments", kind, "GET", url, 1)

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
                return _answer(frame, raw)
            if arg.channel in BOOK_CHANNELS:
                return self._book(kind, arg, frame, raw, ts_recv)
            read = self._by_channel.get(arg.channel)
            if read is not None:
                return read(kind, arg, frame.data, raw, ts_recv)
        except UNREADABLE as error:
            return (unknown_frame(raw, str(error)),)
        if arg.channel.startswith(UNUSED_CHANNELS):
            return ()
        return (unknown_frame(raw, f"channel {arg.channel[:80]} is not known"),)

    def _book(self, kind: MarketKind, arg: Arg, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        known = self._known[kind].get(arg.instId) or self._adopt(kind, arg.instId, raw)
        if known is None:
            return (unknown_frame(raw, f"instrument {arg.instId[:40]} is not followed"),)
        if self._book_channels.setdefault((kind, arg.instId), arg.channel) != arg.channel:
            return (unknown_frame(raw, f"channel {arg.channel} is a second book of {arg.instId[:40]}"),)
        (book,) = _BOOK.decode(frame.data)
        ts = book.ts * NS_PER_MS
        bids, asks = _levels(book.bids, known), _levels(book.asks, known)
        if frame.action == "update" and not book.checksum:
            return (BookDelta(known.key, ts, ts_recv, -1, book.seqId, book.prevSeqId, bids, asks),)
        if frame.action not in ("update", "snapshot"):
            return (unknown_frame(raw, f"book action {frame.action[:40]!r}"),)
        (written,) = _TEXTS.decode(frame.data)
        texts = ([row[:2] for row in written.bids], [row[:2] for row in written.asks])
        checksum = book.checksum or None  # 0: the venue sends none any more
        if frame.action == "update":
            return (BookDelta(known.key, ts, ts_recv, -1, book.seqId, book.prevSeqId, bids, asks, checksum, texts),)
        price_places, size_places = (padding(row[at] for side in texts for row in side) for at in (0, 1))
        if known.contract != 1:
            size_places = -1  # those were contracts
        kept = texts if checksum is not None else None
        return (
            BookSnapshot(
                known.key, ts, ts_recv, book.seqId, bids, asks, price_places, size_places, checksum, kept
            ),
        )  # fmt: skip

    def _trades(
        self, kind: MarketKind, arg: Arg, data: msgspec.Raw, raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        events = list[FeedEvent]()
        for row in _TRADES.decode(data):
            known = self._known[kind].get(row.instId) or self._adopt(kind, row.instId, raw)
            side = _SIDES.get(row.side)
            if known is None:
                events.append(unknown_frame(raw, f"instrument {row.instId[:40]} is not followed"))
            elif side is None or not is_trade(row.px, row.sz):
                events.append(unknown_frame(raw, f"trade {row.side[:20]} of {row.sz[:40]} at {row.px[:40]}"))
            else:
                size = row.sz if known.contract == 1 else format(Decimal(row.sz) * known.contract, "f")
                ts = row.ts * NS_PER_MS
                events.append(
                    Trade(known.key, ts, ts_recv, row.tradeId, side, float(row.px), float(size), row.px, size)
                )
        return events

    def _tickers(
        self, kind: MarketKind, arg: Arg, data: msgspec.Raw, raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        events = list[FeedEvent]()
        for row in _TICKERS.decode(data):
            known = self._known[kind].get(row.instId) or self._adopt(kind, row.instId, raw)
            if known is None:
                events.append(unknown_frame(raw, f"instrument {row.instId[:40]} is not followed"))
            elif row.bidPx and row.askPx:  # one side may be empty
                if not (is_trade(row.bidPx, row.bidSz) and is_trade(row.askPx, row.askSz)):
                    events.append(unknown_frame(raw, f"best bid {row.bidPx[:40]}, best ask {row.askPx[:40]}"))
                    continue
                bid_size = float(row.bidSz) * known.times / known.by
                ask_size = float(row.askSz) * known.times / known.by
                ts = row.ts * NS_PER_MS
                events.append(
                    BookTicker(known.key, ts, ts_recv, -1, float(row.bidPx), bid_size, float(row.askPx), ask_size)
                )
        return events

    def _marks(
        self, kind: MarketKind, arg: Arg, data: msgspec.Raw, raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        events = list[FeedEvent]()
        for row in _MARKS.decode(data):
            known = self._known[kind].get(row.instId)
            if known is None:
                events.append(unknown_frame(raw, f"instrument {row.instId[:40]} is not followed"))
            else:
                known.mark = row.markPx
                events.append(_mark(known, row.ts, ts_recv))
        return events

    def _indexes(
        self, kind: MarketKind, arg: Arg, data: msgspec.Raw, raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        """The index is named like the spot pair; it is told with the next mark price, which comes as often."""
        for row in _INDEXES.decode(data):
            known = self._known[MarketKind.LINEAR].get(f"{row.instId}-SWAP")
            if known is not None:
                known.index = row.idxPx
        return ()

    def _fundings(
        self, kind: MarketKind, arg: Arg, data: msgspec.Raw, raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        events = list[FeedEvent]()
        for row in _FUNDINGS.decode(data):
            known = self._known[kind].get(row.instId)
            if known is None:
                events.append(unknown_frame(raw, f"instrument {row.instId[:40]} is not followed"))
            elif not is_rate(row.fundingRate):
                events.append(unknown_frame(raw, f"funding rate {row.fundingRate[:40]}"))
            else:
                known.rate = float(row.fundingRate)
                known.next_ns = row.fundingTime * NS_PER_MS
                if known.mark:
                    events.append(_mark(known, 0, ts_recv))
        return events

    def _adopt(self, kind: MarketKind, native: str, raw: str | bytes) -> _Known | None:
        self.adopt(kind, native, raw)
        return self._known[kind].get(native)

    # ------------------------------------------------------------------ replies

    def time_request(self, kind: MarketKind) -> HttpRequest | None:
        return HttpRequest("time", kind, "GET", self.spec.markets[kind].rest_url + TIME_PATH, 1)

    def decode_time(self, kind: MarketKind, body: str | bytes) -> int:
        return time_in(f"{self.spec.name} {kind.value} time", body, "data", 0, "ts", unit_ns=NS_PER_MS)

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        return instruments_of(self.spec.name, self.spec.markets[kind], body)

    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        return (unknown_frame(body, f"a {request.purpose} reply holds no market event"),)

    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        text = "" if url else raw if isinstance(raw, str) else raw.decode(errors="replace")
        mine = f'"instType":"{_TYPES[kind]}"' in text and '"tickSz"' in text
        if mine or (INSTRUMENTS_PATH in url and f"instType={_TYPES[kind]}" in url):
            return HttpRequest("instruments", kind, "GET", url, 1)
        return None


def _levels(rows: list[Row], known: _Known) -> list[Level]:
    """Without the order counts, in base units."""
    if known.contract == 1:
        return [row[:2] for row in rows]
    times, by = known.times, known.by
    return [(row[0], row[1] * times / by) for row in rows]


def _mark(known: _Known, ts_ms: int, ts_recv: int) -> MarkPrice:
    return MarkPrice(
        known.key, ts_ms * NS_PER_MS, ts_recv, known.mark, known.index, known.rate, known.next_ns
    )  # fmt: skip


def _topics_of(instrument: Instrument, channel: Channel) -> tuple[str, ...]:
    """``channel:instId``; a mark price is put together from three channels."""
    native = instrument.native
    match channel:
        case Channel.BOOK:
            return (f"{BOOK_CHANNELS[0]}:{native}",)
        case Channel.TRADES:
            return (f"trades:{native}",)
        case Channel.TICKER:
            return (f"tickers:{native}",)
        case Channel.MARK:
            if instrument.kind is not MarketKind.LINEAR:
                return ()
            index = native.removesuffix("-SWAP")
            return f"mark-price:{native}", f"funding-rate:{native}", f"index-tickers:{index}"


def _request(request_id: int, op: str, topics: Sequence[str]) -> tuple[int, str]:
    args = [{"channel": channel, "instId": native} for channel, _, native in (topic.partition(":") for topic in topics)]
    return request_id, msgspec.json.encode({"id": str(request_id), "op": op, "args": args}).decode()


def _answer(answer: Frame, raw: str | bytes) -> Sequence[FeedEvent]:
    """Acknowledgements come one per argument, all with the id of their frame; the first confirms it."""
    text = answer.id
    request_id = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
    match answer.event:
        case "subscribe":
            return (SubscriptionAck(request_id),) if request_id >= 0 else ()
        case "unsubscribe" | "channel-conn-count":
            return ()
        case "error" | "channel-conn-count-error":
            return (VenueNotice("error", answer.code, answer.msg, request_id),)
        case "notice":
            return (VenueNotice("shutdown", answer.code, answer.msg),)
    return (unknown_frame(raw, "neither data nor an answer"),)
