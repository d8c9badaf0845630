"""KuCoin's protocol, sans-I/O: token requests, topics, subscribe frames, frames and replies into events.

A frame is read in two steps: what topic it belongs to, then its data by the type of that topic. Topics tell frames
apart, subjects do not: increments and whole books of few levels share one. Books begin with a REST snapshot. Sizes of
perpetuals count contracts on the wire and are base units in events; in a replay without an instrument list the contract
size is unknown and counts as 1. KuCoin does not pad its decimals.

There is no fixed address: a token is asked for before each connection and its reply says where to connect and how often
to speak up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import count
from urllib.parse import parse_qs, urlencode

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.errors import WireError
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
from jackbot_tui.venues.inference import symbol_of
from jackbot_tui.venues.kucoin import traffic
from jackbot_tui.venues.kucoin.instruments import SUCCESS, data_of, instruments_of, names_of
from jackbot_tui.venues.kucoin.spec import (
    ADDRESS_WEIGHT,
    FUNDING_INTERVAL_H,
    LISTING_WEIGHTS,
    SPEC,
    TIME_WEIGHTS,
)
from jackbot_tui.venues.kucoin.wire import (
    UNREADABLE,
    Bullet,
    ContractBest,
    ContractDepth,
    ContractTrade,
    ContractUpdate,
    Frame,
    FundingRate,
    MarkAndIndex,
    Number,
    Row,
    SpotDepth,
    SpotTicker,
    SpotTrade,
    SpotUpdate,
    written,
)
from jackbot_tui.venues.plans import public_plans
from jackbot_tui.venues.texts import MAX_PRICE, MAX_SIZE, is_trade, unknown_frame

ADDRESS_PATH = "/api/v1/bullet-public"
TIME_PATH = "/api/v1/timestamp"
LISTING_PATHS = {MarketKind.SPOT: "/api/v2/symbols", MarketKind.LINEAR: "/api/v1/contracts/active"}
OLD_LISTING_PATH = "/api/v1/symbols"
DEPTH_PATHS = {
    MarketKind.SPOT: "/api/v1/market/orderbook/level2_100",
    MarketKind.LINEAR: "/api/v1/level2/snapshot",
}
WHOLE_DEPTH_PATH = "/market/orderbook/level2"
"""Spot's whole book, for key holders: recordings have it."""

LISTING_MARKS = {MarketKind.SPOT: '"baseIncrement"', MarketKind.LINEAR: '"multiplier"'}
"""A field that only rows of that listing have."""

PING = '{"id":"ping","type":"ping"}'

TOKEN_REFUSED = ("token is expired", "token is invalid")
"""Words of the venue for a token that does not count: asking again on that connection would never help."""

LONGEST_PREDICTION_MS = 60_000
"""Granularity of funding rates to come; a longer one marks the rate that was paid last."""

UNUSED_TOPICS = (
    "/market/candles", "/market/snapshot", "/spotMarket/level1", "/spotMarket/level2Depth", "/spotMarket/level3",
    "/contractMarket/level2Depth", "/contractMarket/level3", "/contractMarket/snapshot", "/contractMarket/ticker:",
    "/contractMarket/limitCandle", "/contract/announcement",
)  # fmt: skip
"""Documented topics that nobody here subscribes to: a capture of others may hold them."""

_FRAME = msgspec.json.Decoder(Frame)
_WORDS = msgspec.json.Decoder(str)
_SPOT_UPDATE = msgspec.json.Decoder(SpotUpdate, strict=False)
_CONTRACT_UPDATE = msgspec.json.Decoder(ContractUpdate)
_SPOT_TRADE = msgspec.json.Decoder(SpotTrade, strict=False)
_CONTRACT_TRADE = msgspec.json.Decoder(ContractTrade)
_SPOT_TICKER = msgspec.json.Decoder(SpotTicker, strict=False)
_CONTRACT_BEST = msgspec.json.Decoder(ContractBest)
_MARK = msgspec.json.Decoder(MarkAndIndex, strict=False)
_FUNDING = msgspec.json.Decoder(FundingRate, strict=False)
_SPOT_DEPTH = msgspec.json.Decoder(SpotDepth, strict=False)
_CONTRACT_DEPTH = msgspec.json.Decoder(ContractDepth, strict=False)
_BULLET = msgspec.json.Decoder(Bullet)
_TIME = msgspec.json.Decoder(int)
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def make_codec(endpoints: Mapping[str, str]) -> "KucoinCodec":
    """A codec of its own for one engine; see ``venues.base.with_endpoints`` for the names of ``endpoints``."""
    return KucoinCodec(with_endpoints(SPEC, endpoints))


class _Known(Struct):
    """What is known of one instrument: key, contract size in base units, time between its fundings, its last rate.

    A size is multiplied by ``times`` and divided by ``by``, both whole: multiplying by 0.001 loses decimals that the
    venue means, dividing by 1000 does not.
    """

    key: str
    contract: Decimal
    times: int
    by: int
    funding_ns: int
    funding_rate: float = 0.0


_Reader = Callable[[_Known, Frame, str | bytes, int], Sequence[FeedEvent]]


class KucoinCodec(Codec):
    """See the module's paragraph."""

    def __init__(self, spec: VenueSpec = SPEC) -> None:
        super().__init__(spec)
        self._known: dict[MarketKind, dict[str, _Known]] = {kind: {} for kind in spec.markets}
        self._topics: dict[MarketKind, dict[str, tuple[_Reader, _Known]]] = {kind: {} for kind in spec.markets}
        self._connections = count(1)

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            times, by = instrument.contract_size.as_integer_ratio()
            hours = instrument.funding_interval_h or FUNDING_INTERVAL_H
            self._known[instrument.kind][instrument.native] = _Known(
                instrument.key, instrument.contract_size, times, by, hours * 3600 * NS_PER_S
            )
            self._topics[instrument.kind].clear()
            self._adopted.pop(instrument.key, None)

    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        return traffic.infer(self.spec.name, self.spec.markets[kind], raws)

    # ------------------------------------------------------------------ requests

    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        return public_plans(self.spec, instruments, channels, _topic_of)

    def address_request(self, plan: ConnectionPlan) -> HttpRequest:
        url = self.spec.markets[plan.kind].rest_url + ADDRESS_PATH
        return HttpRequest("address", plan.kind, "POST", url, ADDRESS_WEIGHT)

    def addressed(self, plan: ConnectionPlan, body: str | bytes) -> ConnectionPlan:
        """The reply's address with its token, a fresh connection id, and the venue's ping interval."""
        where = f"{self.spec.name} {plan.kind.value} bullet-public"
        data = data_of(body, where)
        try:
            bullet = _BULLET.decode(data)
        except UNREADABLE as error:
            raise WireError(f"{where} names no address ({error}): the next attempt asks again") from error
        for server in bullet.instanceServers:
            if server.protocol == "websocket" and server.endpoint.startswith(("wss://", "ws://")):
                query = urlencode({"token": bullet.token, "connectId": f"jackbot{next(self._connections)}"})
                joint = "&" if "?" in server.endpoint else "?"
                url = f"{server.endpoint}{joint}{query}"
                return replace(plan, url=url, heartbeat_s=server.pingInterval / 1000)
        raise WireError(f"{where} names no WebSocket server: the next attempt asks again")

    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        """A frame is taken or refused as a whole: one name each, so that a refused one takes no other along."""
        frames: list[tuple[int, str]] = []
        for number, topic in enumerate(plan.topics, first_id):
            request = {"id": str(number), "type": "subscribe", "topic": topic, "response": True}
            frames.append((number, msgspec.json.encode(request).decode()))
        return frames

    def heartbeat(self, kind: MarketKind) -> str | None:
        return PING

    def time_request(self, kind: MarketKind) -> HttpRequest:
        return HttpRequest("time", kind, "GET", self.spec.markets[kind].rest_url + TIME_PATH, TIME_WEIGHTS[kind])

    def decode_time(self, kind: MarketKind, body: str | bytes) -> int:
        where = f"{self.spec.name} {kind.value} timestamp"
        data = data_of(body, where)
        try:
            return _TIME.decode(data) * NS_PER_MS
        except UNREADABLE as error:
            raise WireError(f"{where} holds no time ({error}): check the REST URL") from error

    def instruments_request(self, kind: MarketKind) -> HttpRequest:
        url = self.spec.markets[kind].rest_url + LISTING_PATHS[kind]
        return HttpRequest("instruments", kind, "GET", url, LISTING_WEIGHTS[kind])

    def snapshot_request(self, instrument: Instrument) -> HttpRequest:
        kind, market = instrument.kind, self.spec.markets[instrument.kind]
        url = f"{market.rest_url}{DEPTH_PATHS[kind]}?symbol={instrument.native}"
        return HttpRequest("snapshot", kind, "GET", url, market.snapshot_weight, instrument.key)

    # ------------------------------------------------------------------ frames

    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        try:
            frame = _FRAME.decode(raw)
            found = self._topics[kind].get(frame.topic)
            if found is not None and frame.type == "message":
                return found[0](found[1], frame, raw, ts_recv)
            if frame.type != "message":
                return _answer(frame, raw)
            return self._first(kind, frame, raw, ts_recv)
        except UNREADABLE as error:
            return (unknown_frame(raw, str(error)),)

    def _first(self, kind: MarketKind, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """A topic that was not seen before."""
        channel, _, native = frame.topic.partition(":")
        reader = _READERS[kind].get(channel)
        if reader is None:
            if frame.topic.startswith(UNUSED_TOPICS):
                return ()
            return (unknown_frame(raw, f"topic {frame.topic[:80]} is none of {kind.value}"),)
        known = self._known[kind].get(native) or self._adopt(kind, native, raw)
        if known is None:
            return (unknown_frame(raw, f"market {native[:40]} is not followed"),)
        self._topics[kind][frame.topic] = reader, known
        return reader(known, frame, raw, ts_recv)

    def _adopt(self, kind: MarketKind, native: str, raw: str | bytes) -> _Known | None:
        self.adopt(kind, native, raw)
        return self._known[kind].get(native)

    # ------------------------------------------------------------------ replies

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        return instruments_of(self.spec.name, self.spec.markets[kind], body)

    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        if request.purpose != "snapshot":
            return (unknown_frame(body, f"a {request.purpose} reply holds no market event"),)
        try:
            data = data_of(body, f"book of {request.key}")
            depth: SpotDepth | ContractDepth
            if request.kind is MarketKind.SPOT:
                depth = _SPOT_DEPTH.decode(data)
                ts = depth.time * NS_PER_MS
            else:
                depth = _CONTRACT_DEPTH.decode(data)
                ts = depth.ts
        except (*UNREADABLE, WireError) as error:
            return (unknown_frame(body, f"book of {request.key}: {error}"),)
        known = next((each for each in self._known[request.kind].values() if each.key == request.key), None)
        bids, asks = _levels(depth.bids or (), known), _levels(depth.asks or (), known)
        return (BookSnapshot(request.key, ts, ts_recv, depth.sequence, bids, asks),)

    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        """By its address; without one a book belongs to ``keys`` if that is a single instrument."""
        path, _, query = url.partition("?")
        text = "" if url else raw if isinstance(raw, str) else raw.decode(errors="replace")
        listed = path.endswith(LISTING_PATHS[kind]) or (kind is MarketKind.SPOT and path.endswith(OLD_LISTING_PATH))
        if listed or LISTING_MARKS[kind] in text:
            return HttpRequest("instruments", kind, "GET", url, LISTING_WEIGHTS[kind])
        key: str | None = None
        if path.endswith(DEPTH_PATHS[kind]) or (kind is MarketKind.SPOT and path.endswith(WHOLE_DEPTH_PATH)):
            native = parse_qs(query).get("symbol", [""])[0]
            known, names = self._known[kind].get(native), names_of(kind, native)
            if known is not None:
                key = known.key
            elif self.adopt_unknown and names is not None:
                key = f"{self.spec.name}:{symbol_of(kind, *names)}"
        elif '"bids"' in text and '"sequence"' in text and f'"{SUCCESS}"' in text and len(keys) == 1:
            key = keys[0]
        if key is None:
            return None
        return HttpRequest("snapshot", kind, "GET", url, self.spec.markets[kind].snapshot_weight, key)


def _topic_of(instrument: Instrument, channel: Channel) -> str:
    """``topic:name``, "" where the market has none."""
    native, linear = instrument.native, instrument.kind is MarketKind.LINEAR
    match channel:
        case Channel.BOOK:
            return f"/contractMarket/level2:{native}" if linear else f"/market/level2:{native}"
        case Channel.TRADES:
            return f"/contractMarket/execution:{native}" if linear else f"/market/match:{native}"
        case Channel.TICKER:
            return f"/contractMarket/tickerV2:{native}" if linear else f"/market/ticker:{native}"
        case Channel.MARK:
            return f"/contract/instrument:{native}" if linear else ""


# ---------------------------------------------------------------------- data by topic


def _spot_update(known: _Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    """Changes in the order of their numbers; a price of 0 is no level, yet its number counts."""
    update = _SPOT_UPDATE.decode(frame.data)
    first, last, changes = update.sequenceStart, update.sequenceEnd, update.changes
    if first > last:
        return (unknown_frame(raw, f"book update {first}-{last}"),)
    if first != last:
        changes.bids.sort(key=_number_of)
        changes.asks.sort(key=_number_of)
    bids = [(price, size) for price, size, _ in changes.bids if price]
    asks = [(price, size) for price, size, _ in changes.asks if price]
    return (BookDelta(known.key, update.time * NS_PER_MS, ts_recv, first, last, first - 1, bids, asks),)


def _number_of(change: tuple[float, float, int]) -> int:
    return change[2]


def _contract_update(known: _Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    update = _CONTRACT_UPDATE.decode(frame.data)
    parts = update.change.split(",")
    if len(parts) != 3 or parts[1] not in _SIDES or "_" in update.change:
        return (unknown_frame(raw, f"book change {update.change[:60]!r}"),)
    price, size = float(parts[0]), float(parts[2])
    if not (0.0 <= price <= MAX_PRICE and 0.0 <= size <= MAX_SIZE):
        return (unknown_frame(raw, f"book change {update.change[:60]!r}"),)
    levels = [(price, size * known.times / known.by)] if price else []
    bids, asks = (levels, []) if parts[1] == "buy" else ([], levels)
    number, ts = update.sequence, update.timestamp * NS_PER_MS
    return (BookDelta(known.key, ts, ts_recv, number, number, number - 1, bids, asks),)


def _spot_trade(known: _Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    row = _SPOT_TRADE.decode(frame.data)
    side = _SIDES.get(row.side)
    if side is None or not is_trade(row.price, row.size):
        return (unknown_frame(raw, f"trade {row.side[:20]} of {row.size[:40]} at {row.price[:40]}"),)
    price, size = float(row.price), float(row.size)
    return (Trade(known.key, row.time, ts_recv, row.tradeId, side, price, size, row.price, row.size),)


def _contract_trade(known: _Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    row = _CONTRACT_TRADE.decode(frame.data)
    side, price, contracts = _SIDES.get(row.side), written(row.price), written(row.size)
    if side is None or not is_trade(price, contracts):
        return (unknown_frame(raw, f"trade {row.side[:20]} of {contracts[:40]} at {price[:40]}"),)
    size = contracts if known.contract == 1 else format((Decimal(contracts) * known.contract).normalize(), "f")
    return (Trade(known.key, row.ts, ts_recv, row.tradeId, side, float(price), float(size), price, size),)


def _spot_ticker(known: _Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    best = _SPOT_TICKER.decode(frame.data)
    ts, texts = best.time * NS_PER_MS, (best.bestBid, best.bestBidSize, best.bestAsk, best.bestAskSize)
    return _best(known, ts, best.sequence, texts, raw, ts_recv)


def _contract_best(known: _Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    best = _CONTRACT_BEST.decode(frame.data)
    texts = (best.bestBidPrice, best.bestBidSize, best.bestAskPrice, best.bestAskSize)
    return _best(known, best.ts, best.sequence, texts, raw, ts_recv)


def _best(
    known: _Known, ts: int, number: int, best: Sequence[Number | None], raw: str | bytes, ts_recv: int
) -> Sequence[FeedEvent]:
    bid, bid_size, ask, ask_size = ("" if each is None else written(each) for each in best)
    if bid in ("", "0") or ask in ("", "0"):
        return ()  # one side is empty: no best bid and ask
    if not (is_trade(bid, bid_size) and is_trade(ask, ask_size)):
        return (unknown_frame(raw, f"best bid {bid[:40]} x {bid_size[:40]}, ask {ask[:40]} x {ask_size[:40]}"),)
    levels = _levels([(float(bid), float(bid_size)), (float(ask), float(ask_size))], known)
    return (BookTicker(known.key, ts, ts_recv, number, *levels[0], *levels[1]),)


def _instrument(known: _Known, frame: Frame, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
    """Mark prices carry the last rate told. Fundings are at whole multiples of their interval (UTC)."""
    if frame.subject == "funding.rate":
        rate = _FUNDING.decode(frame.data)
        if rate.granularity <= LONGEST_PREDICTION_MS:
            known.funding_rate = rate.fundingRate
        return ()
    if frame.subject != "mark.index.price":
        return (unknown_frame(raw, f"subject {frame.subject[:40]} of a contract is not known"),)
    prices = _MARK.decode(frame.data)
    if not (prices.markPrice and prices.indexPrice):
        return (unknown_frame(raw, f"mark {prices.markPrice}, index {prices.indexPrice}"),)
    ts = prices.timestamp * NS_PER_MS
    due = (ts // known.funding_ns + 1) * known.funding_ns if ts else 0
    return (MarkPrice(known.key, ts, ts_recv, prices.markPrice, prices.indexPrice, known.funding_rate, due),)


def _levels(rows: Sequence[Row], known: _Known | None) -> list[Level]:
    """In base units, without placeholders."""
    times, by = (1, 1) if known is None else (known.times, known.by)
    return [(price, size * times / by) for price, size in rows if price]


def _answer(answer: Frame, raw: str | bytes) -> Sequence[FeedEvent]:
    text = str(answer.id)
    request_id = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
    match answer.type:
        case "ack":
            return (SubscriptionAck(request_id),) if request_id >= 0 else ()
        case "welcome" | "pong":
            return ()
        case "error":
            words, code = _WORDS.decode(answer.data), str(answer.code)
            if words in TOKEN_REFUSED:
                return (VenueNotice("shutdown", code, f"{words}: a new connection is needed"),)
            return (VenueNotice("error", code, words, request_id),)
    return (unknown_frame(raw, f"neither data nor an answer: type {answer.type[:40]!r}"),)


_READERS: dict[MarketKind, dict[str, _Reader]] = {
    MarketKind.SPOT: {
        "/market/level2": _spot_update,
        "/market/match": _spot_trade,
        "/market/ticker": _spot_ticker,
    },
    MarketKind.LINEAR: {
        "/contractMarket/level2": _contract_update,
        "/contractMarket/execution": _contract_trade,
        "/contractMarket/tickerV2": _contract_best,
        "/contract/instrument": _instrument,
    },
}
