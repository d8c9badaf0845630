"""Coinbase's protocol, sans-I/O: products, subscribe frames, frames into canonical events, the count of a connection.

Every frame is one typed decode. The only proof of a book is the number that every frame of a connection bears, whatever
its channel (coinbase.md §3): each book message is linked here to the one before it of its book, and a number that does
not follow breaks every book at once. A heartbeat, a frame in sequence too, therefore proves each book up to its time.
There are no request ids: an answer is the list of all that a connection now has. A USDC pair shares the book of its USD
pair, whose name is the only one in the stream, so one product may feed two instruments.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import msgspec

from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import MarketKind, Side
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
from jackbot_tui.venues.coinbase import traffic
from jackbot_tui.venues.coinbase.instruments import cursor_of, instruments_of
from jackbot_tui.venues.coinbase.spec import SPEC
from jackbot_tui.venues.coinbase.wire import UNREADABLE, Event, Frame, Row, TickerRow, TradeRow
from jackbot_tui.venues.texts import is_trade, unknown_frame
from jackbot_tui.venues.times import time_in

PRODUCTS_PATH = "/market/products"
TIME_PATH = "/time"

HEARTBEATS = "heartbeats"
"""Needs no product. Without it a connection is closed after 60 to 90 s in which nothing was traded."""

UNUSED_CHANNELS = frozenset({"candles", "status", "ticker_batch", "user", "futures_balance_summary"})
"""Documented channels that nobody here subscribes to: a capture of others may hold them."""

AGGRESSORS = {"BUY": Side.SELL, "SELL": Side.BUY}
"""A trade's ``side`` is the maker's: in the recording of 9 August 2026 every ``SELL`` at the touch is at the ask."""

RENUMBERED = 1_000
"""A history of trades that ends so many numbers before the newest one we saw is counted anew, not merely late."""

MOST_BEATS = 30
"""Seconds after which a resubscription that brought no snapshot may be repeated."""

_CHANNELS = {Channel.BOOK: "level2", Channel.TRADES: "market_trades", Channel.TICKER: "ticker"}
_FRAME = msgspec.json.Decoder(Frame, strict=False)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def make_codec(endpoints: Mapping[str, str]) -> "CoinbaseCodec":
    """A codec of its own for one engine; see ``venues.base.with_endpoints`` for the names of ``endpoints``."""
    return CoinbaseCodec(with_endpoints(SPEC, endpoints))


class CoinbaseCodec(Codec):
    """See the module's paragraph."""

    def __init__(self, spec: VenueSpec = SPEC) -> None:
        super().__init__(spec)
        self._products: dict[str, str] = {}  # native name -> product of its market data
        self._keys: dict[str, tuple[str, ...]] = {}  # product of the stream -> instruments
        self._number = -1  # of the connection's newest frame
        self._links: dict[str, int] = {}  # product -> number of its newest book message, from its snapshot on
        self._newest_trade: dict[str, int] = {}
        self._asked: dict[int, tuple[str, str]] = {}  # request id -> channel and product
        self._confirmed: set[int] = set()
        self._held: frozenset[str] = frozenset()  # products whose books the newest list of subscriptions names
        self._leaving: dict[str, int] = {}  # product on its way through a resubscription -> heartbeats since
        self._last: tuple[str | bytes | None, int, Sequence[FeedEvent]] = (None, 0, ())

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            product = self._product_of(instrument)
            if instrument.key not in self._keys.get(product, ()):
                self._keys[product] = (*self._keys.get(product, ()), instrument.key)
            self._adopted.pop(instrument.key, None)

    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        return traffic.infer(self.spec.name, self.spec.markets[kind], raws)

    def _product_of(self, instrument: Instrument) -> str:
        return self._products.get(instrument.native, instrument.native)

    # ------------------------------------------------------------------ requests

    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        """One connection per market kind: the codec counts frames, and it is not told whose they are."""
        topics: dict[MarketKind, dict[str, None]] = {}
        books: dict[MarketKind, dict[str, None]] = {}
        for instrument in instruments:
            for channel in channels:
                if channel in _CHANNELS:
                    wanted = topics.setdefault(instrument.kind, {HEARTBEATS: None})
                    wanted[f"{_CHANNELS[channel]}:{self._product_of(instrument)}"] = None
                    if channel is Channel.BOOK:
                        books.setdefault(instrument.kind, {})[instrument.key] = None
        return [
            ConnectionPlan(
                conn=f"{self.spec.name}.{kind.value}.public",
                kind=kind,
                url=self.spec.markets[kind].ws_urls["public"],
                topics=tuple(wanted),
                book_keys=tuple(books.get(kind, ())),
            )
            for kind, wanted in topics.items()
        ]

    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        """One channel and product a frame: a refused one takes no other along."""
        self._asked = {}
        self._confirmed = set()
        self._leaving = {}
        frames = []
        for request_id, topic in enumerate(plan.topics, first_id):
            channel, _, product = topic.partition(":")
            self._asked[request_id] = channel, product
            frames.append((request_id, _request("subscribe", channel, product)))
        return frames

    def resubscribe(self, instrument: Instrument, first_id: int) -> list[tuple[int, str]]:
        """Nothing while one is on its way: its frames wait for their turn, and a second one would end the book anew."""
        product = self._product_of(instrument)
        if product in self._leaving:
            return []
        self._leaving[product] = 0
        return [
            (first_id, _request("unsubscribe", "level2", product)),
            (first_id + 1, _request("subscribe", "level2", product)),
        ]

    def time_request(self, kind: MarketKind) -> HttpRequest | None:
        return HttpRequest("time", kind, "GET", self.spec.markets[kind].rest_url + TIME_PATH, 1)

    def instruments_request(self, kind: MarketKind) -> HttpRequest:
        url = f"{self.spec.markets[kind].rest_url}{PRODUCTS_PATH}?product_type={kind.value.upper()}"
        return HttpRequest("instruments", kind, "GET", url, 1)

    def next_page(self, request: HttpRequest, body: str | bytes) -> HttpRequest | None:
        first, _, previous = request.url.partition("&cursor=")
        cursor = quote(cursor_of(body), safe="")
        if cursor in ("", previous):
            return None
        return msgspec.structs.replace(request, url=f"{first}&cursor={cursor}")

    def snapshot_request(self, instrument: Instrument) -> HttpRequest | None:
        return None

    # ------------------------------------------------------------------ frames

    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """The same frame may be asked about twice in a row (see ``feeds.line``): it is counted once."""
        frame, at, events = self._last
        if raw is frame and ts_recv == at:
            return events
        events = self._decode(kind, raw, ts_recv)
        self._last = raw, ts_recv, events
        return events

    def _decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        try:
            frame = _FRAME.decode(raw)
        except UNREADABLE as error:
            return (unknown_frame(raw, str(error)),)
        number = frame.sequence_num
        if kind not in self.spec.markets or number is None:
            return self._unnumbered(frame, raw)
        broken = self._count(number, ts_recv)
        events = self._contents(kind, frame, number, raw, ts_recv)
        return (*broken, *events) if broken else events

    def _contents(
        self, kind: MarketKind, frame: Frame, number: int, raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        ts = _ns(frame.timestamp)
        match frame.channel:
            case "l2_data":
                books = frame.events if len(frame.events) == 1 else _merged(frame.events)
                return [each for event in books for each in self._book(kind, event, number, ts, raw, ts_recv)]
            case "market_trades":
                return [each for event in frame.events for each in self._trades(kind, event, raw, ts_recv)]
            case "ticker":
                rows = [row for event in frame.events for row in event.tickers]
                return [each for row in rows for each in self._ticker(kind, row, ts, raw, ts_recv)]
            case "heartbeats":
                return self._prove(number, ts, ts_recv)
            case "subscriptions":
                return self._confirm(frame.events, number, ts_recv)
        if frame.channel in UNUSED_CHANNELS:
            return ()
        return (unknown_frame(raw, f"channel {frame.channel[:40]!r} is not known"),)

    # ------------------------------------------------------------------ the count of the connection

    def _count(self, number: int, ts_recv: int) -> list[FeedEvent]:
        """Note a frame's number. One that does not follow, or a new connection's 0, breaks every book so far."""
        expected = self._number + 1
        self._number = number
        if number == expected:
            return []
        self._held = frozenset()
        return self._break(list(self._links), number, ts_recv)

    def _break(self, products: Iterable[str], number: int, ts_recv: int) -> list[FeedEvent]:
        """Updates that follow nothing: they take the books of these products out of LIVE."""
        events = list[FeedEvent]()
        for product in products:
            self._links.pop(product, None)
            events += [BookDelta(key, 0, ts_recv, -1, number, -1, [], []) for key in self._keys.get(product, ())]
        return events

    def _prove(self, number: int, ts: int, ts_recv: int) -> list[FeedEvent]:
        """A heartbeat in sequence: no book has changed since its newest message."""
        events = list[FeedEvent]()
        self._leaving = {name: beats + 1 for name, beats in self._leaving.items() if beats < MOST_BEATS}
        for product, link in self._links.items():
            self._links[product] = number
            events += [BookDelta(key, ts, ts_recv, number, number, link, [], []) for key in self._keys.get(product, ())]
        return events

    # ------------------------------------------------------------------ channels

    def _book(
        self, kind: MarketKind, event: Event, number: int, ts: int, raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        product = event.product_id
        keys = self._keys.get(product) or self._keys_of(kind, product, raw)
        if not keys:
            return (unknown_frame(raw, f"product {product[:40]!r} is not followed"),)
        bids, asks = _sides(event.updates)
        if event.type == "update":
            link = self._links.get(product, -1)
            if link >= 0:
                self._links[product] = number
            return [BookDelta(key, ts, ts_recv, number, number, link, bids, asks) for key in keys]
        if event.type == "snapshot":
            self._leaving.pop(product, None)
            self._links[product] = number
            return [BookSnapshot(key, ts, ts_recv, number, bids, asks) for key in keys]
        reason = f"book message {event.type[:20]!r} of {product[:40]}"
        return (unknown_frame(raw, reason), *self._break([product], number, ts_recv))

    def _trades(self, kind: MarketKind, event: Event, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """Oldest first. The history that a subscription begins with brings only what was missed since the last one."""
        events = list[FeedEvent]()
        rows: dict[str, list[tuple[int, TradeRow]]] = {}
        for row in event.trades:
            text = row.trade_id
            number = int(text) if len(text) <= 18 and text.isascii() and text.isdigit() else -1
            if number < 0 or row.side not in AGGRESSORS or not is_trade(row.price, row.size):
                words = f"trade {text[:40]}: {row.side[:20]} {row.size[:40]} at {row.price[:40]}"
                events.append(unknown_frame(raw, words))
            else:
                rows.setdefault(row.product_id, []).append((number, row))
        for product, numbered in rows.items():
            keys = self._keys.get(product) or self._keys_of(kind, product, raw)
            if not keys:
                events.append(unknown_frame(raw, f"product {product[:40]!r} is not followed"))
                continue
            numbered.sort(key=lambda each: each[0])
            floor = self._floor_of(product, numbered[-1][0], event.type == "snapshot")
            self._newest_trade[product] = max(floor, numbered[-1][0])
            for number, row in numbered:
                if number > floor:
                    floor = number
                    ts, side = _ns(row.time), AGGRESSORS[row.side]
                    price, size = float(row.price), float(row.size)
                    events += [
                        Trade(key, ts, ts_recv, row.trade_id, side, price, size, row.price, row.size) for key in keys
                    ]
        return events

    def _floor_of(self, product: str, newest: int, history: bool) -> int:
        """The number up to which trades are known already."""
        known = self._newest_trade.get(product)
        if known is None:
            return newest if history else -1
        return newest if history and newest < known - RENUMBERED else known

    def _ticker(self, kind: MarketKind, row: TickerRow, ts: int, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        keys = self._keys.get(row.product_id) or self._keys_of(kind, row.product_id, raw)
        if not keys:
            return (unknown_frame(raw, f"product {row.product_id[:40]!r} is not followed"),)
        texts = row.best_bid, row.best_bid_quantity, row.best_ask, row.best_ask_quantity
        if not (is_trade(*texts[:2]) and is_trade(*texts[2:])):
            return ()  # a side without orders
        bid, bid_size, ask, ask_size = map(float, texts)
        return [BookTicker(key, ts, ts_recv, -1, bid, bid_size, ask, ask_size) for key in keys]

    def _confirm(self, events: Sequence[Event], number: int, ts_recv: int) -> Sequence[FeedEvent]:
        """The list of all subscriptions confirms each request that it contains, and tells which books have ended: a
        product on its way through a resubscription gets no updates, whatever the count proves."""
        held = {channel: names for event in events for channel, names in event.subscriptions.items()}
        confirmed = [
            request_id
            for request_id, (channel, product) in self._asked.items()
            if channel in held and (not product or product in held[channel])
        ]
        self._confirmed.update(confirmed)
        before, self._held = self._held, frozenset(held.get(_CHANNELS[Channel.BOOK], ()))
        ended = self._break(sorted((before - self._held) & self._links.keys()), number, ts_recv)
        return [*(SubscriptionAck(request_id) for request_id in confirmed), *ended]

    def _unnumbered(self, frame: Frame, raw: str | bytes) -> Sequence[FeedEvent]:
        """An error names no request: it is taken for the answer to the oldest one that has none."""
        if frame.type != "error":
            return (unknown_frame(raw, "neither a numbered frame of this market nor an error"),)
        waiting = [number for number in self._asked if number not in self._confirmed]
        return (VenueNotice("error", "", frame.message[:200] or "no reason given", waiting[0] if waiting else -1),)

    def _keys_of(self, kind: MarketKind, product: str, raw: str | bytes) -> tuple[str, ...]:
        """With ``adopt_unknown`` a provisional instrument is made from the frame that a product came in."""
        if self.adopt_unknown:
            for found in self.infer(kind, (raw,)):
                if found.instrument.native == product:
                    self.register([found.instrument])
                    self._adopted[found.instrument.key] = found.instrument
        return self._keys.get(product, ())

    # ------------------------------------------------------------------ replies

    def decode_time(self, kind: MarketKind, body: str | bytes) -> int:
        return time_in(f"{self.spec.name} {kind.value} time", body, "epochMillis", unit_ns=NS_PER_MS)

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        found = instruments_of(self.spec.name, self.spec.markets[kind], body)
        self._products.update({instrument.native: product for instrument, product in found})
        return [instrument for instrument, _ in found]

    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        return (unknown_frame(body, f"a {request.purpose} reply holds no market event"),)

    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        text = "" if url else raw if isinstance(raw, str) else raw.decode(errors="replace")
        if url.partition("?")[0].endswith(PRODUCTS_PATH) or ('"products"' in text and '"base_increment"' in text):
            return HttpRequest("instruments", kind, "GET", url, 1)
        return None


def _request(action: str, channel: str, product: str) -> str:
    frame: dict[str, object] = {"type": action, "channel": channel}
    if product:
        frame["product_ids"] = [product]
    return msgspec.json.encode(frame).decode()


def _merged(events: Sequence[Event]) -> list[Event]:
    """Updates of one product as one: it may be crossed between them, and is sound after the whole frame only."""
    merged = list[Event]()
    updates: dict[str, Event] = {}  # those that the next update of their product goes on
    for event in events:
        before = updates.get(event.product_id)
        if event.type != "update":
            updates.pop(event.product_id, None)
        elif before is not None:
            before.updates.extend(event.updates)
            continue
        else:
            updates[event.product_id] = event
        merged.append(event)
    return merged


def _sides(rows: Sequence[Row]) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    bids = [(row.price_level, row.new_quantity) for row in rows if row.side == "bid"]
    asks = [(row.price_level, row.new_quantity) for row in rows if row.side == "offer"]
    return bids, asks


def _ns(moment: datetime | None) -> int:
    """Nanoseconds since 1970, to the microsecond; 0 for none, or one without a time zone."""
    if moment is None or moment.tzinfo is None:
        return 0
    return (moment - _EPOCH) // _MICROSECOND * 1000
