"""The face that every venue folder has, and the typed spec that says how one venue differs from another."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import ConfigError
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
    """``limit`` units per ``interval_s`` seconds, counted per ``scope`` (``ip`` or ``account``)."""

    name: str
    limit: int
    interval_s: int
    scope: str = "ip"


class UsageHeader(Struct, frozen=True):
    """A reply header that says how much of limit ``limit`` per ``interval_s`` is used (X-MBX-USED-WEIGHT-1M …)."""

    header: str
    limit: str
    interval_s: int


class MarketSpec(Struct, frozen=True, kw_only=True):
    """Facts about one market kind at one venue. URLs are templates that settings may override."""

    kind: MarketKind
    ws_urls: dict[str, str]  # role -> URL, e.g. {"public": "wss://…", "market": "wss://…"}
    rest_url: str
    channels: tuple[Channel, ...]
    sequence: SequencePolicy
    snapshot_depth: int  # levels a side in the REST snapshot (0: snapshot comes in the stream)
    max_levels: int  # levels a side kept locally before far ones are trimmed
    silence_s: float  # a book with no frame for longer is STALE
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
    in_stream_snapshot: bool = False  # snapshots come in the stream and replace the book whenever they come
    book_depth: int = 0  # levels a side that the venue keeps us told of, cut off here; 0 where it deletes itself
    checksum: str = ""  # name in ``book.checksums``, "" where the venue sends none
    heartbeat_s: float = 0.0  # ``Codec.heartbeat`` is sent so often (0: never)
    answers_heartbeats: bool = False  # the venue asks, and ``Codec.answer`` gives what must go back at once


class VenueSpec(Struct, frozen=True, kw_only=True):
    name: str
    title: str
    markets: dict[MarketKind, MarketSpec]
    unsupported: dict[MarketKind, str] = {}  # kind -> reason, shown instead of failing
    usage_headers: tuple[UsageHeader, ...] = ()  # reply headers that say how much of a rate limit is used


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

    purpose: str  # "instruments" | "snapshot" | "time"
    kind: MarketKind
    method: str
    url: str
    weight: int
    key: str = ""
    body: str = ""  # JSON of a POST request


class ConnectionPlan(Struct, frozen=True):
    """One WebSocket to open: its name, URL and the streams it carries.

    ``book_keys`` are the instruments whose book updates come over it: losing it takes their books down.
    """

    conn: str  # e.g. "binance.linear.public"; appears as ``conn`` in captures
    kind: MarketKind
    url: str
    topics: tuple[str, ...]  # the venue's own stream names
    book_keys: tuple[str, ...] = ()


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

    @abstractmethod
    def adopted(self, key: str) -> Instrument | None:
        """The provisional instrument made for ``key``, None when it was registered or never seen."""

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

    def heartbeat(self) -> str | None:
        """The text frame that keeps a connection alive, sent every ``heartbeat_s`` of the spec; None where none is due.

        ``decode`` gives no event for the answer to it.
        """
        return None

    @abstractmethod
    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """Canonical events of one frame. Never raises on bad input: an unreadable frame is one ``UnknownFrame``."""

    @abstractmethod
    def instruments_request(self, kind: MarketKind) -> HttpRequest: ...

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
