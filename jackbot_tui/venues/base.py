"""The face that every venue folder has, and the typed spec that says how one venue differs from another."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import ConfigError, WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import FeedEvent


class Channel(StrEnum):
    """Public streams a client may ask for; a venue's spec says which it has per market kind."""

    BOOK = "book"
    TRADES = "trades"
    TICKER = "ticker"
    MARK = "mark"


class SequencePolicy(StrEnum):
    """How a venue's book updates follow one another (implemented in ``book.rules``)."""

    UPDATE_ID_RANGE = "update_id_range"  # Binance spot: first_id == previous last_id + 1
    PREVIOUS_ID = "previous_id"  # Binance USD-M: prev_id == previous last_id, ids only grow
    LINKED_ID = "linked_id"  # OKX: prev_id == previous last_id, ids may fall (numbering reset) or repeat (keep-alive)
    STRICT_SEQUENCE = "strict_sequence"  # last_id == previous last_id + 1
    SNAPSHOT_ONLY = "snapshot_only"  # every message is the whole book, there are no updates
    UNSEQUENCED = "unsequenced"  # no ids at all: only a checksum proves the book


class RateLimit(Struct, frozen=True):
    """``limit`` units per ``interval_s`` seconds, counted per ``scope`` (``ip`` or ``account``).

    ``purposes`` names the class of requests that it counts (``HttpRequest.purpose``); empty = every request.
    """

    name: str
    limit: int
    interval_s: int
    scope: str = "ip"
    purposes: tuple[str, ...] = ()


class HeaderFigure(StrEnum):
    """What a usage header counts."""

    USED = "used"
    REMAINING = "remaining"


class UsageHeader(Struct, frozen=True):
    """A reply header that says how much of limit ``limit`` per ``interval_s`` is used (X-MBX-USED-WEIGHT-1M …).

    Where the header ``tells`` what remains (X-Gate-RateLimit-Requests-Remain …), the rest of our limit counts as used.
    """

    header: str
    limit: str
    interval_s: int
    tells: HeaderFigure = HeaderFigure.USED


class ResetUnit(StrEnum):
    """How a reset header counts: what is left until then, or a point in time since 1970 UTC (seconds or ms)."""

    SECONDS_LEFT = "seconds left"
    MILLISECONDS_LEFT = "milliseconds left"
    UNIX_TIME = "unix time"


class ResetHeader(Struct, frozen=True):
    """A header of a refusing reply that says when requests are welcome again; ``Retry-After`` goes before it."""

    header: str
    unit: ResetUnit


class MarketSpec(Struct, frozen=True, kw_only=True):
    """Facts about one market kind at one venue. URLs are templates that settings may override."""

    kind: MarketKind
    ws_urls: dict[str, str]  # role -> URL, e.g. {"public": "wss://…", "market": "wss://…"}
    rest_url: str
    channels: tuple[Channel, ...]
    sequence: SequencePolicy
    snapshot_depth: int  # levels a side in the REST snapshot (0: snapshot comes in the stream)
    max_levels: int  # levels a side kept locally before far ones are trimmed
    silence_s: float  # no book is STALE before so long a silence; see ``engine.silence`` for quieter ones
    ping_timeout_s: float  # no server ping or frame for longer: reconnect
    max_connection_s: int  # planned rotation before the venue cuts
    max_streams: int  # subscriptions per connection
    max_messages_per_s: float  # inbound limit of the venue, per connection
    rate_limits: tuple[RateLimit, ...]
    snapshot_weight: int  # weight of one book snapshot request
    maker_fee: str  # default tier, fraction as text
    taker_fee: str
    max_leverage: int
    source: str  # where these facts come from
    partial_snapshot: bool = False  # REST snapshots end at ``snapshot_depth``: nothing is known of levels beyond
    keeps_unseen: bool = False  # with that: levels beyond are kept as far as updates told of them
    in_stream_snapshot: bool = False  # snapshots come in the stream and replace the book whenever they come
    book_depth: int = 0  # levels a side that the venue keeps us told of, cut off here; 0 where it deletes itself
    checksum: str = ""  # name in ``book.checksums``, "" where the venue sends none
    heartbeat_s: float = 0.0  # ``Codec.heartbeat`` is sent so often (0: never)
    answers_heartbeats: bool = False  # the venue asks, and ``Codec.answer`` gives what must go back at once
    unchanged_s: float = 0.0  # a book that does not change is sent at least so often (0: only changes are sent)


class VenueSpec(Struct, frozen=True, kw_only=True):
    name: str
    title: str
    markets: dict[MarketKind, MarketSpec]
    unsupported: dict[MarketKind, str] = {}  # kind -> reason, shown instead of failing
    usage_headers: tuple[UsageHeader, ...] = ()  # reply headers that say how much of a rate limit is used
    reset_headers: tuple[ResetHeader, ...] = ()  # headers of a refusal that say how long to wait


def with_endpoints(spec: VenueSpec, endpoints: Mapping[str, str]) -> VenueSpec:
    """``spec`` with some URLs replaced: by ``spot.rest``, ``linear.public``, … (``rest`` or a WebSocket role).

    URLs stand in place of the spec's own, which have no path of a stream or a request. ConfigError for a name that the
    venue lacks.
    """
    markets = dict(spec.markets)
    for name, url in endpoints.items():
        kind, _, role = name.partition(".")
        market = next((m for m in markets.values() if m.kind.value == kind), None)
        if market is not None and role == "rest":
            markets[market.kind] = replace(market, rest_url=url.rstrip("/"))
        elif market is not None and role in market.ws_urls:
            markets[market.kind] = replace(market, ws_urls={**market.ws_urls, role: url})
        else:
            known = [f"{m.kind.value}.{r}" for m in markets.values() for r in ("rest", *m.ws_urls)]
            near = get_close_matches(name, known, 1) or known
            raise ConfigError(f"{spec.name} has no endpoint {name!r}: did you mean {near[0]}? ({', '.join(known)})")
    return replace(spec, markets=markets)


class HttpRequest(Struct, frozen=True):
    """A REST request as data. ``purpose`` and ``key`` come back with the reply so that the codec can decode it."""

    purpose: str  # "instruments" | "snapshot" | "time" | "address"
    kind: MarketKind
    method: str
    url: str
    weight: int
    key: str = ""
    body: str = ""  # JSON of a POST request
    headers: tuple[tuple[str, str], ...] = ()


class ConnectionPlan(Struct, frozen=True):
    """One WebSocket to open: its name, URL and the streams it carries.

    ``book_keys`` are the instruments whose book updates come over it: losing it takes their books down.
    """

    conn: str  # e.g. "binance.linear.public"; appears as ``conn`` in captures
    kind: MarketKind
    url: str
    topics: tuple[str, ...]  # the venue's own stream names
    book_keys: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()  # of the opening handshake
    heartbeat_s: float = 0.0  # in place of the spec's, where the venue names it per connection (0: the spec's)


class Inferred(Struct, frozen=True):
    """An instrument guessed from recorded traffic alone, and a price it was seen at (0.0 when none was)."""

    instrument: Instrument
    price: float


class Codec(ABC):
    """Sans-I/O protocol object of one venue: all the venue-specific behaviour the rest of the house needs.

    Built with the venue's spec (endpoints possibly overridden). ``register`` tells it the instruments so that native
    names map to keys. With ``adopt_unknown`` (replay) a native symbol that nobody registered is given a provisional
    instrument, which ``adopted`` hands out; otherwise its frames are unknown.
    """

    spec: VenueSpec
    adopt_unknown: bool = False

    @abstractmethod
    def register(self, instruments: Sequence[Instrument]) -> None: ...

    def __init__(self, spec: VenueSpec) -> None:
        self.spec = spec
        self._adopted: dict[str, Instrument] = {}

    def adopted(self, key: str) -> Instrument | None:
        """The provisional instrument made for ``key``, None when it was registered or never seen."""
        return self._adopted.get(key)

    def adopt(self, kind: MarketKind, native: str, raw: str | bytes) -> str | None:
        """With ``adopt_unknown``, register what ``infer`` makes of the frame that a native name came in: its key."""
        if self.adopt_unknown:
            for found in self.infer(kind, (raw,)):
                if found.instrument.native == native:
                    self.register([found.instrument])
                    self._adopted[found.instrument.key] = found.instrument
                    return found.instrument.key
        return None

    @abstractmethod
    def infer(self, kind: MarketKind, raws: Iterable[str | bytes]) -> list[Inferred]:
        """Instruments that recorded frames and replies speak of, ticks and lots guessed from their decimals."""

    @abstractmethod
    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        """Connections needed for these instruments and channels."""

    @abstractmethod
    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        """``(request_id, frame)`` to send after connecting, request ids counting up from ``first_id``."""

    def resubscribe(self, instrument: Instrument, first_id: int) -> list[tuple[int, str]]:
        """Frames that make the venue send a fresh snapshot of this one book, other books untouched.

        Numbered as in ``subscribe``. Empty where snapshots come over REST, or where the next message is one anyway.
        """
        return []

    def answer(self, raw: str | bytes) -> str | None:
        """The text frame that ``raw`` demands back on its own connection; None for all but a venue's heartbeat.

        Asked about short frames only, where the spec says ``answers_heartbeats``.
        """
        return None

    def heartbeat(self, kind: MarketKind) -> str | None:
        """The text frame that keeps a connection alive, sent every ``heartbeat_s`` of the spec; None where none is due.

        ``decode`` gives no event for the answer to it.
        """
        return None

    @abstractmethod
    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """Canonical events of one frame. Never raises on bad input: an unreadable frame is one ``UnknownFrame``."""

    def address_request(self, plan: ConnectionPlan) -> HttpRequest | None:
        """Purpose ``address``: what must be asked before each connecting (KuCoin's token); None for most venues."""
        return None

    def addressed(self, plan: ConnectionPlan, body: str | bytes) -> ConnectionPlan:
        """``plan`` as the reply to ``address_request`` completes it; raises WireError with what and where."""
        return plan

    def time_request(self, kind: MarketKind) -> HttpRequest | None:
        """Purpose ``time``: asks for the venue's clock; None where it has no such page."""
        return None

    def decode_time(self, kind: MarketKind, body: str | bytes) -> int:
        """The venue's clock in ns since 1970 UTC; raises WireError with what and where when the reply has none."""
        raise WireError(f"{self.spec.name} {kind.value}: the venue has no page that tells its time")

    @abstractmethod
    def instruments_request(self, kind: MarketKind) -> HttpRequest: ...

    def instruments_requests(self, kind: MarketKind) -> list[HttpRequest]:
        """All requests whose replies together list the instruments of ``kind`` (Bitget: one per settle currency)."""
        return [self.instruments_request(kind)]

    def next_page(self, request: HttpRequest, body: str | bytes) -> HttpRequest | None:
        """The request for what ``body``, the reply to ``request``, left out (Bybit's cursor); None when it is all."""
        return None

    @abstractmethod
    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        """Tradable instruments of a reply; raises WireError with what and where when it is not one."""

    @abstractmethod
    def snapshot_request(self, instrument: Instrument) -> HttpRequest | None:
        """Request for a book snapshot, None where snapshots come in the stream."""

    @abstractmethod
    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """Events of a REST reply (a book snapshot); ``UnknownFrame`` when unreadable."""

    @abstractmethod
    def recognise_http(self, kind: MarketKind, url: str, raw: str | bytes, keys: Sequence[str]) -> HttpRequest | None:
        """For replay: which request a recorded reply answers (by URL, else by shape), None if it is none of ours."""
