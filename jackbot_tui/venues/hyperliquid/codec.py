"""Hyperliquid's protocol, sans-I/O: subscriptions, frames into canonical events, whole books merged from three streams.

There is no incremental book: every event is the whole book as far as it is known (see ``pictures``): any frame heals.
Requests have no id: an acknowledgement repeats the subscription, completed with defaults, and is matched by its type,
coin and speed. Subscribing to trades brings the last ones again: what was seen before a reconnect is left out. Depth
beyond five levels may be 5 s old. Sizes are base units.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import (
    BookSnapshot,
    BookTicker,
    FeedEvent,
    MarkPrice,
    SubscriptionAck,
    Trade,
    VenueNotice,
)
from jackbot_tui.venues.base import Channel, Codec, ConnectionPlan, HttpRequest, Inferred, VenueSpec, with_endpoints
from jackbot_tui.venues.hyperliquid import traffic
from jackbot_tui.venues.hyperliquid.instruments import instruments_of
from jackbot_tui.venues.hyperliquid.pictures import Pictures
from jackbot_tui.venues.hyperliquid.spec import INSTRUMENTS_WEIGHT, SPEC, TIME_WEIGHT
from jackbot_tui.venues.hyperliquid.wire import (
    UNREADABLE,
    Body,
    Context,
    Frame,
    InfoBook,
    Subscription,
    TradeRow,
    WireBest,
    WireSides,
)
from jackbot_tui.venues.plans import connections_of
from jackbot_tui.venues.texts import is_price, is_rate, is_trade, unknown_frame
from jackbot_tui.venues.times import time_in

INFO_PATH = "/info"
TIME_QUERY = '{"type":"exchangeStatus"}'
PING = '{"method":"ping"}'
GREETING = "Websocket connection established."
HOUR_NS = 3600 * NS_PER_S

INSTRUMENTS_QUERY = {MarketKind.SPOT: "spotMetaAndAssetCtxs", MarketKind.LINEAR: "metaAndAssetCtxs"}

UNUSED_CHANNELS = {"activeSpotAssetCtx", "candle", "allMids", "notification", "webData2", "webData3"}
"""Documented channels that nobody here subscribes to: a capture of others may hold them."""

_FRAME = msgspec.json.Decoder(Frame, strict=False)
_INFO_BOOK = msgspec.json.Decoder(InfoBook, strict=False)
_SUBSCRIPTION = msgspec.json.Decoder(Subscription)
_ANY = msgspec.json.Decoder()
_SIDES = {"B": Side.BUY, "A": Side.SELL}


def make_codec(endpoints: Mapping[str, str]) -> "HyperliquidCodec":
    """A codec of its own for one engine; see ``venues.base.with_endpoints`` for the names of ``endpoints``."""
    return HyperliquidCodec(with_endpoints(SPEC, endpoints))


class HyperliquidCodec(Codec):
    """See the module's paragraph. Topics are written ``type:coin``, the fast book ``l2Book.fast:coin``."""

    def __init__(self, spec: VenueSpec = SPEC) -> None:
        super().__init__(spec)
        self._keys: dict[MarketKind, dict[str, str]] = {kind: {} for kind in spec.markets}
        self._pictures: dict[str, Pictures] = {}
        self._requests: dict[str, int] = {}  # topic -> id of the newest request for it
        self._newest_trade_ms: dict[str, int] = {}
        self._histories: dict[str, tuple[int, int]] = {}  # key -> when the last history came, newest trade before it

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            self._keys[instrument.kind][instrument.native] = instrument.key
            self._adopted.pop(instrument.key, None)

    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        return traffic.infer(self.spec.name, self.spec.markets[kind], raws)

    # ------------------------------------------------------------------ requests

    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        wanted: dict[MarketKind, dict[str, str]] = {}
        for instrument in instruments:
            for channel in channels:
                for topic in _topics_of(instrument, channel):
                    book_key = instrument.key if topic.startswith("l2Book:") else ""
                    wanted.setdefault(instrument.kind, {}).setdefault(topic, book_key)
        return connections_of(self.spec, wanted)

    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        self._requests.update((topic, first_id + number) for number, topic in enumerate(plan.topics))
        return [_request(first_id + number, "subscribe", topic) for number, topic in enumerate(plan.topics)]

    def resubscribe(self, instrument: Instrument, first_id: int) -> list[tuple[int, str]]:
        """The id of the subscription stays that of ``subscribe``: one that still waits for its answer must get it."""
        topic = f"l2Book:{instrument.native}"
        return [_request(first_id, "unsubscribe", topic), _request(first_id + 1, "subscribe", topic)]

    def heartbeat(self, kind: MarketKind) -> str | None:
        return PING

    def instruments_request(self, kind: MarketKind) -> HttpRequest:
        body = msgspec.json.encode({"type": INSTRUMENTS_QUERY[kind]}).decode()
        url = self.spec.markets[kind].rest_url + INFO_PATH
        return HttpRequest("instruments", kind, "POST", url, INSTRUMENTS_WEIGHT, body=body)

    def snapshot_request(self, instrument: Instrument) -> HttpRequest | None:
        return None

    # ------------------------------------------------------------------ frames

    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        try:
            frame = _FRAME.decode(raw)
        except UNREADABLE as error:
            return _decode_odd(raw, str(error))
        channel, body = frame.channel, frame.data
        if channel in UNUSED_CHANNELS or channel == "pong":
            return ()
        if type(body) is Body:
            if channel == "subscriptionResponse" and body.subscription is not None:
                return self._acknowledged(body.method, body.subscription)
            key = self._keys[kind].get(body.coin) or self.adopt(kind, body.coin, raw)
            if key is None:
                return (unknown_frame(raw, f"coin {body.coin[:40]} is not followed"),)
            if channel == "l2Book" and body.levels is not None:
                return self._book(key, body, body.levels, ts_recv)
            if channel == "bbo" and body.bbo is not None:
                return self._best(key, body.time, body.bbo, ts_recv)
            if channel == "activeAssetCtx" and body.ctx is not None:
                return _figures(key, body.ctx, raw, ts_recv)
        elif isinstance(body, list) and channel == "trades":
            return self._trades(kind, body, raw, ts_recv)
        elif isinstance(body, str) and channel == "error":
            return self._refused(body)
        return (unknown_frame(raw, f"channel {channel[:40]} is not known"),)

    def _book(self, key: str, body: Body, levels: WireSides, ts_recv: int) -> Sequence[FeedEvent]:
        """Deep and fast books share a channel; a picture older than the one held says nothing new."""
        pictures = self._pictures.setdefault(key, Pictures())
        newer = (pictures.on_fast if body.fast else pictures.on_deep)(body.time, levels)
        return (_snapshot(key, pictures, ts_recv),) if newer else ()

    def _best(self, key: str, time_ms: int, best: WireBest, ts_recv: int) -> Sequence[FeedEvent]:
        """The ticker, and the book with its top brought up to date once there is one."""
        pictures = self._pictures.setdefault(key, Pictures())
        if not pictures.on_best(time_ms, best):
            return ()
        events = list[FeedEvent]()
        bid, ask = best
        if bid is not None and ask is not None:
            ts = time_ms * NS_PER_MS
            events.append(BookTicker(key, ts, ts_recv, time_ms, bid.px, bid.sz, ask.px, ask.sz))
        if pictures.known:
            events.append(_snapshot(key, pictures, ts_recv))
        return events

    def _trades(
        self, kind: MarketKind, rows: Sequence[TradeRow], raw: str | bytes, ts_recv: int
    ) -> Sequence[FeedEvent]:
        """A batch is of one block; several times in one frame are history, of which only what is newer than all counts.

        The same history decoded twice gives the same trades twice (see ``feeds.stream``). Trade ids do not count up.
        """
        events = list[FeedEvent]()
        times = {row.time for row in rows}
        floors: dict[str, int] = {}
        for row in rows:
            key, side = self._keys[kind].get(row.coin) or self.adopt(kind, row.coin, raw), _SIDES.get(row.side)
            if key is None:
                events.append(unknown_frame(raw, f"coin {row.coin[:40]} is not followed"))
                continue
            if len(times) > 1 and key not in floors:
                came, before = self._histories.get(key, (0, 0))
                floors[key] = before if came == ts_recv else self._newest_trade_ms.get(key, 0)
                self._histories[key] = ts_recv, floors[key]
            if side is None or not is_trade(row.px, row.sz):
                events.append(unknown_frame(raw, f"trade {row.side[:20]} of {row.sz[:40]} at {row.px[:40]}"))
            elif row.time > floors.get(key, -1):
                ts = row.time * NS_PER_MS
                size, price = float(row.sz), float(row.px)
                events.append(Trade(key, ts, ts_recv, str(row.tid), side, price, size, row.px, row.sz))
                self._newest_trade_ms[key] = max(self._newest_trade_ms.get(key, 0), row.time)
        return events

    def _acknowledged(self, method: str, subscription: Subscription) -> Sequence[FeedEvent]:
        request_id = self._requests.get(_topic_of(subscription), -1) if method == "subscribe" else -1
        return (SubscriptionAck(request_id),) if request_id >= 0 else ()

    def _refused(self, text: str) -> Sequence[FeedEvent]:
        """An error names the subscription it is about; being subscribed already is as good as being acknowledged."""
        request_id = -1
        try:
            subscription = _SUBSCRIPTION.decode(text[text.index("{") : text.rindex("}") + 1])
            request_id = self._requests.get(_topic_of(subscription), -1)
        except UNREADABLE:
            request_id = -1  # an error about something else
        if text.startswith("Already subscribed"):
            return (SubscriptionAck(request_id),) if request_id >= 0 else ()
        return (VenueNotice("error", "", text[:500], request_id),)

    # ------------------------------------------------------------------ replies

    def time_request(self, kind: MarketKind) -> HttpRequest | None:
        url = self.spec.markets[kind].rest_url + INFO_PATH
        return HttpRequest("time", kind, "POST", url, TIME_WEIGHT, body=TIME_QUERY)

    def decode_time(self, kind: MarketKind, body: str | bytes) -> int:
        return time_in(f"{self.spec.name} {kind.value} time", body, "time", unit_ns=NS_PER_MS)

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        return instruments_of(self.spec.name, self.spec.markets[kind], body)

    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """A recorded ``l2Book`` reply is one more deep picture."""
        if request.purpose != "snapshot":
            return (unknown_frame(body, f"a {request.purpose} reply holds no market event"),)
        try:
            reply = _INFO_BOOK.decode(body)
        except UNREADABLE as error:
            return (unknown_frame(body, f"l2Book of {request.key}: {error}"),)
        pictures = self._pictures.setdefault(request.key, Pictures())
        return (_snapshot(request.key, pictures, ts_recv),) if pictures.on_deep(reply.time, reply.levels) else ()

    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        """By shape: every query goes to one address."""
        try:
            reply = _ANY.decode(raw)
        except UNREADABLE:
            return None
        meta = reply[0] if isinstance(reply, list) and reply else reply
        if not isinstance(meta, dict):
            return None
        if "universe" in meta:
            listed = kind if ("tokens" in meta) == (kind is MarketKind.SPOT) else None
            return None if listed is None else HttpRequest("instruments", kind, "POST", url, INSTRUMENTS_WEIGHT)
        coin = meta.get("coin")
        if "levels" not in meta or not isinstance(coin, str):
            return None
        key = self._keys[kind].get(coin) or self.adopt(kind, coin, raw)
        if key is None:
            return None
        return HttpRequest("snapshot", kind, "POST", url, self.spec.markets[kind].snapshot_weight, key)


def _topics_of(instrument: Instrument, channel: Channel) -> tuple[str, ...]:
    coin = instrument.native
    match channel:
        case Channel.BOOK:
            return f"l2Book:{coin}", f"l2Book.fast:{coin}", f"bbo:{coin}"
        case Channel.TRADES:
            return (f"trades:{coin}",)
        case Channel.TICKER:
            return (f"bbo:{coin}",)
        case Channel.MARK:
            return (f"activeAssetCtx:{coin}",) if instrument.kind is MarketKind.LINEAR else ()


def _request(request_id: int, method: str, topic: str) -> tuple[int, str]:
    """Unsubscribing must repeat the object of the subscription exactly."""
    name, _, coin = topic.partition(":")
    subscription: dict[str, object] = {"type": name.removesuffix(".fast"), "coin": coin}
    if name.endswith(".fast"):
        subscription["fast"] = True
    return request_id, msgspec.json.encode({"method": method, "subscription": subscription}).decode()


def _topic_of(subscription: Subscription) -> str:
    return f"{subscription.type}{'.fast' if subscription.fast else ''}:{subscription.coin}"


def _snapshot(key: str, pictures: Pictures, ts_recv: int) -> BookSnapshot:
    bids, asks = pictures.merged()
    time_ms = pictures.time_ms
    return BookSnapshot(key, time_ms * NS_PER_MS, ts_recv, time_ms, bids, asks, *pictures.places)


def _figures(key: str, context: Context, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    """Mark, oracle and hourly funding; the frame has no time, and funding is due at the next full hour."""
    mark, oracle, rate = context.markPx or "", context.oraclePx or "", context.funding or "0"
    if not (is_price(mark) and is_price(oracle) and is_rate(rate)):
        return (unknown_frame(raw, f"mark {mark[:40]}, oracle {oracle[:40]}, funding {rate[:40]}"),)
    due = (ts_recv // HOUR_NS + 1) * HOUR_NS
    return (MarkPrice(key, 0, ts_recv, float(mark), float(oracle), float(rate), due),)


def _decode_odd(raw: str | bytes, problem: str) -> Sequence[FeedEvent]:
    """The greeting is plain text; other channels have data of other shapes."""
    text = raw[:100] if isinstance(raw, str) else raw[:100].decode(errors="replace")
    if text.strip('" \n') == GREETING:
        return ()
    try:
        if _ANY.decode(raw)["channel"] in UNUSED_CHANNELS:
            return ()
    except (*UNREADABLE, TypeError, LookupError) as error:
        problem = f"{problem} ({error})"
    return (unknown_frame(raw, problem),)
