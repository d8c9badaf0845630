"""MEXC's protocol, sans-I/O: sockets, subscriptions, requests and replies; frames of each market have a module.

Spot's requests and answers are JSON and its data is protobuf (``spot``, ``messages``); perpetuals speak JSON
(``contracts``). Both books take a REST snapshot and updates that count versions by one. The repair page of perpetuals
(depth_commits) is not used: a new snapshot heals the same hole with one request and nothing to trust.
"""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qs

import msgspec

from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import BookSnapshot, FeedEvent
from jackbot_tui.venues.base import Channel, Codec, ConnectionPlan, HttpRequest, Inferred, VenueSpec, with_endpoints
from jackbot_tui.venues.inference import symbol_of
from jackbot_tui.venues.mexc import contracts, spot, traffic
from jackbot_tui.venues.mexc.instruments import instruments_of, names_of
from jackbot_tui.venues.mexc.roster import Roster, time_ns
from jackbot_tui.venues.mexc.spec import INSTRUMENTS_WEIGHTS, SPEC, SPOT_LEVELS
from jackbot_tui.venues.mexc.wire import UNREADABLE, ContractDepth, ServerTime, SpotDepth, SpotDepthTexts
from jackbot_tui.venues.plans import public_plans
from jackbot_tui.venues.texts import padding, unknown_frame

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR

LISTING_PATHS = {SPOT: "/api/v3/exchangeInfo", LINEAR: "/api/v1/contract/detail"}
DEPTH_PATHS = {SPOT: "/api/v3/depth", LINEAR: "/api/v1/contract/depth"}
TIME_PATHS = {SPOT: "/api/v3/time", LINEAR: "/api/v1/contract/ping"}
LISTING_MARKS = {SPOT: '"baseSizePrecision"', LINEAR: '"contractSize"'}
DEPTH_MARKS = {SPOT: '"lastUpdateId"', LINEAR: '"version"'}
"""Fields that only rows of that listing, and only that market's REST books, have."""

PINGS = {SPOT: '{"method":"PING"}', LINEAR: '{"method":"ping"}'}

_SPOT_DEPTH = msgspec.json.Decoder(SpotDepth, strict=False)
_SPOT_TEXTS = msgspec.json.Decoder(SpotDepthTexts)
_CONTRACT_DEPTH = msgspec.json.Decoder(ContractDepth)
_TIME = msgspec.json.Decoder(ServerTime, strict=False)


def make_codec(endpoints: Mapping[str, str]) -> "MexcCodec":
    """A codec of its own for one engine; see ``venues.base.with_endpoints`` for the names of ``endpoints``."""
    return MexcCodec(with_endpoints(SPEC, endpoints))


class MexcCodec(Codec):
    """See the module's paragraph."""

    def __init__(self, spec: VenueSpec = SPEC) -> None:
        super().__init__(spec)
        self._rosters = {
            SPOT: Roster(lambda raw: self.infer(SPOT, (raw,))),
            LINEAR: Roster(lambda raw: self.infer(LINEAR, (raw,))),
        }
        self._spot = spot.SpotFrames(self._rosters[SPOT])
        self._contracts = contracts.ContractFrames(self._rosters[LINEAR])

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            self._rosters[instrument.kind].register([instrument])

    def adopted(self, key: str) -> Instrument | None:
        return self._rosters[SPOT].adopted.get(key) or self._rosters[LINEAR].adopted.get(key)

    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        return traffic.infer(self.spec.name, self.spec.markets[kind], raws)

    # ------------------------------------------------------------------ requests

    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        """Pairs share sockets up to the venue's limit; every perpetual has its own (see ``contracts``)."""
        plans = public_plans(self.spec, [each for each in instruments if each.kind is SPOT], channels, _spot_topic)
        for instrument in dict.fromkeys(each for each in instruments if each.kind is LINEAR):
            wanted = [name for channel in channels for name in _CONTRACT_CHANNELS[channel]]
            if wanted:
                plans.append(
                    ConnectionPlan(
                        conn=f"{self.spec.name}.{LINEAR.value}.public.{instrument.native}",
                        kind=LINEAR,
                        url=self.spec.markets[LINEAR].ws_urls["public"],
                        topics=tuple(f"{name}:{instrument.native}" for name in dict.fromkeys(wanted)),
                        book_keys=(instrument.key,) if Channel.BOOK in channels else (),
                    )
                )
        return plans

    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        """One name a frame: then an answer is about that name alone."""
        frames: list[tuple[int, str]] = []
        next_id = first_id
        for topic in plan.topics:
            if plan.kind is SPOT:
                number = self._spot.asked[topic] = next_id
                frame = msgspec.json.encode({"method": "SUBSCRIPTION", "params": [topic]}).decode()
            else:
                channel, _, native = topic.partition(":")
                number = contracts.numbered(channel, next_id)
                self._contracts.asked.setdefault(plan.conn, {})[channel] = number
                frame = contracts.request(channel, native)
            frames.append((number, frame))
            next_id = number + 1
        return frames

    def heartbeat(self, kind: MarketKind) -> str | None:
        return PINGS[kind]

    def time_request(self, kind: MarketKind) -> HttpRequest | None:
        return HttpRequest("time", kind, "GET", self.spec.markets[kind].rest_url + TIME_PATHS[kind], 1)

    def instruments_request(self, kind: MarketKind) -> HttpRequest:
        url = self.spec.markets[kind].rest_url + LISTING_PATHS[kind]
        return HttpRequest("instruments", kind, "GET", url, INSTRUMENTS_WEIGHTS[kind])

    def snapshot_request(self, instrument: Instrument) -> HttpRequest | None:
        kind, native = instrument.kind, instrument.native
        market = self.spec.markets[kind]
        rest = f"?symbol={native}&limit={SPOT_LEVELS}" if kind is SPOT else f"/{native}"
        url = market.rest_url + DEPTH_PATHS[kind] + rest
        return HttpRequest("snapshot", kind, "GET", url, market.snapshot_weight, instrument.key)

    # ------------------------------------------------------------------ frames and replies

    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        if self.adopt_unknown:
            self._rosters[kind].adopting = True
        if kind is SPOT:
            return self._spot.decode(raw, ts_recv)
        return self._contracts.decode(raw, ts_recv)

    def decode_time(self, kind: MarketKind, body: str | bytes) -> int:
        try:
            reply = _TIME.decode(body)
        except UNREADABLE as error:
            raise WireError(f"{self.spec.name} {kind.value} time cannot be read ({error})") from error
        milliseconds = reply.serverTime if kind is SPOT else reply.data
        if not milliseconds:
            raise WireError(f"{self.spec.name} {kind.value} time: the reply tells none")
        return milliseconds * NS_PER_MS

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        return instruments_of(self.spec.name, self.spec.markets[kind], body)

    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        if request.purpose != "snapshot":
            return (unknown_frame(body, f"a {request.purpose} reply holds no market event"),)
        try:
            read = _spot_book if request.kind is SPOT else self._contract_book
            return (read(request.key, body, ts_recv),)
        except UNREADABLE as error:
            return (unknown_frame(body, f"book of {request.key}: {error}"),)

    def _contract_book(self, key: str, body: str | bytes, ts_recv: int) -> BookSnapshot:
        reply = _CONTRACT_DEPTH.decode(body)
        known, book = self._rosters[LINEAR].keyed(key), reply.data
        if not reply.success or reply.code or book is None:
            raise ValueError(f"refused: {reply.code} {reply.message[:100]}")
        if known is None:
            raise ValueError("the contract is not known")
        bids, asks = contracts.levels_of(known, book.bids), contracts.levels_of(known, book.asks)
        return BookSnapshot(key, time_ns(book.timestamp), ts_recv, book.version, bids, asks)

    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        """By its address; without one a book belongs to ``keys`` if that is a single instrument."""
        path, _, query = url.partition("?")
        text = "" if url else raw if isinstance(raw, str) else raw.decode(errors="replace")
        if path.endswith(LISTING_PATHS[kind]) or LISTING_MARKS[kind] in text:
            return HttpRequest("instruments", kind, "GET", url, INSTRUMENTS_WEIGHTS[kind])
        key: str | None = None
        if path.endswith(DEPTH_PATHS[SPOT]) and kind is SPOT:
            key = self._recorded_key(kind, parse_qs(query).get("symbol", [""])[0])
        elif f"{DEPTH_PATHS[LINEAR]}/" in path and kind is LINEAR:
            key = self._recorded_key(kind, path.rpartition("/")[2])
        elif '"bids"' in text and DEPTH_MARKS[kind] in text and len(keys) == 1:
            key = keys[0]
        weight = self.spec.markets[kind].snapshot_weight
        return None if key is None else HttpRequest("snapshot", kind, "GET", url, weight, key)

    def _recorded_key(self, kind: MarketKind, native: str) -> str | None:
        """Key of a native name that an address holds; in a replay its frames may come later."""
        known = self._rosters[kind].named(native, "")
        if known is not None:
            return known.key
        names = names_of(kind, native)
        return f"{self.spec.name}:{symbol_of(kind, *names)}" if self.adopt_unknown and names is not None else None


_CONTRACT_CHANNELS = {
    Channel.BOOK: (contracts.DEPTH,),
    Channel.TRADES: (contracts.DEAL,),
    Channel.TICKER: (contracts.BEST,),
    Channel.MARK: (contracts.TICKER, contracts.FUNDING),
}


def _spot_topic(instrument: Instrument, channel: Channel) -> str:
    """Channel name, "" where spot has none."""
    purposes = {Channel.BOOK: spot.DEPTH, Channel.TRADES: spot.DEALS, Channel.TICKER: spot.BEST}
    purpose = purposes.get(channel)
    return spot.channel_of(purpose, instrument.native) if purpose else ""


def _spot_book(key: str, body: str | bytes, ts_recv: int) -> BookSnapshot:
    book, texts = _SPOT_DEPTH.decode(body), _SPOT_TEXTS.decode(body)
    levels = texts.bids + texts.asks
    places = padding(price for price, _ in levels), padding(size for _, size in levels)
    return BookSnapshot(key, time_ns(book.timestamp), ts_recv, book.lastUpdateId, book.bids, book.asks, *places)
