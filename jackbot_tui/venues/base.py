"""The face that every venue folder has, and the typed spec that says how one venue differs from another."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import FeedEvent


class Channel(StrEnum):
    """Public streams a client may ask for; a venue's spec says which it has per market kind."""

    BOOK = "book"
    TRADES = "trades"
    TICKER = "ticker"
    MARK = "mark"


class SequencePolicy(StrEnum):
    """How a venue's book updates follow one another (implemented in ``book.sequencer``)."""

    UPDATE_ID_RANGE = "update_id_range"  # Binance spot: first_id == previous last_id + 1
    PREVIOUS_ID = "previous_id"  # Binance USD-M: prev_id == previous last_id


class RateLimit(Struct, frozen=True):
    """``limit`` units per ``interval_s`` seconds, counted per ``scope`` (``ip`` or ``account``)."""

    name: str
    limit: int
    interval_s: int
    scope: str = "ip"


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


class VenueSpec(Struct, frozen=True, kw_only=True):
    name: str
    title: str
    markets: dict[MarketKind, MarketSpec]
    unsupported: dict[MarketKind, str] = {}  # kind -> reason, shown instead of failing


class HttpRequest(Struct, frozen=True):
    """A REST request as data. ``purpose`` and ``key`` come back with the reply so that the codec can decode it."""

    purpose: str  # "instruments" | "snapshot" | "time"
    kind: MarketKind
    method: str
    url: str
    weight: int
    key: str = ""


class ConnectionPlan(Struct, frozen=True):
    """One WebSocket to open: its name, URL and the instruments and channels it carries."""

    conn: str  # e.g. "binance.linear.public"; appears as ``conn`` in captures
    kind: MarketKind
    url: str
    topics: tuple[str, ...]  # the venue's own stream names


class Codec(ABC):
    """Sans-I/O protocol object of one venue: all the venue-specific behaviour the rest of the house needs.

    Built with the venue's spec (endpoints possibly overridden). ``register`` tells it the instruments so that native
    names map to keys; a codec that meets an unregistered native symbol in a capture registers a provisional
    instrument-less key itself (``adopt_unknown=True``, used by replay).
    """

    spec: VenueSpec

    @abstractmethod
    def register(self, instruments: Sequence[Instrument]) -> None: ...

    @abstractmethod
    def plan(self, instruments: Sequence[Instrument], channels: Sequence[Channel]) -> list[ConnectionPlan]:
        """Connections needed for these instruments and channels."""

    @abstractmethod
    def subscribe(self, plan: ConnectionPlan, first_id: int) -> list[tuple[int, str]]:
        """``(request_id, frame)`` to send after connecting, request ids counting up from ``first_id``."""

    @abstractmethod
    def decode(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """Canonical events of one frame. Never raises on bad input: an unreadable frame is one ``UnknownFrame``."""

    @abstractmethod
    def instruments_request(self, kind: MarketKind) -> HttpRequest: ...

    @abstractmethod
    def decode_instruments(self, kind: MarketKind, body: bytes) -> list[Instrument]:
        """Tradable instruments of a reply; raises WireError with what and where when it is not one."""

    @abstractmethod
    def snapshot_request(self, instrument: Instrument) -> HttpRequest | None:
        """Request for a book snapshot, None where snapshots come in the stream."""

    @abstractmethod
    def decode_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> Sequence[FeedEvent]:
        """Events of a REST reply (a book snapshot); ``UnknownFrame`` when unreadable."""

    @abstractmethod
    def recognise_http(self, kind: MarketKind, url: str, raw: str, keys: Sequence[str]) -> HttpRequest | None:
        """For replay: which request a recorded reply answers (by URL, else by shape), None if it is none of ours."""
