"""What a venue's gateway must say and understand: the face of all fronts, sans-I/O.

``sim.server`` owns sockets and HTTP and calls a front with what clients ask; a front answers with texts and publishes
through the hub. One folder per venue holds its ``front`` (a class ``VENUE_FRONT``), its ``listings`` and whatever else
its protocol needs. A front holds no trading rule: engines decide. It opens nothing, sleeps never, and its only clock is
the exchange's timeline.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.faults import Faults
from jackbot_tui.sim.flow import Flow
from jackbot_tui.sim.hub import Hub, Subscriber, Topic
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.keys import ApiKey
from jackbot_tui.sim.limits import Limits, SocketLimits
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.orders import UpdateIds
from jackbot_tui.sim.outbox import Outbox
from jackbot_tui.sim.requests import AccountEvent
from jackbot_tui.sim.terms import Terms
from jackbot_tui.sim.timeline import Timeline

FLUSH_MS = 10
"""The beat: how often, in simulated milliseconds, fronts are asked to publish."""

CLOSE_NORMAL = 1000
CLOSE_GOING_AWAY = 1001
CLOSE_POLICY = 1008
CUT_OFF = 1006
"""Not a code on the wire: the connection is dropped without a close frame."""


class Call(Struct, frozen=True):
    """One HTTP request, or the handshake of a WebSocket. ``match`` holds the named parts of the path; ``raw_query`` is
    the query as it was sent, which signatures are made over.
    """

    method: str
    path: str
    query: Mapping[str, str] = {}
    match: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes = b""
    raw_query: str = ""


class Reply(Struct, frozen=True):
    """``body`` is JSON unless ``content_type`` says otherwise."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}
    content_type: str = "application/json"


def json_reply(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(msgspec.json.encode(content), status, headers or {})


class RequestRefused(JackbotError):
    """A page or a door refuses with ``reply``: raised anywhere below a page."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with {reply.status}")
        self.reply = reply


class Page(Struct, frozen=True):
    """One path of the REST API, in aiohttp's notation (``/orders/{id}``). ``trades``: it changes orders, and the faults
    of trading requests strike it.
    """

    method: str
    path: str
    answer: Callable[[Call], Reply]
    trades: bool = False


class Door(Struct, frozen=True):
    """A path at which WebSockets are opened. ``role`` is the front's own word for what is behind it."""

    path: str
    market: MarketKind
    role: str = "public"


class Socket(Subscriber, Protocol):
    """One client's connection, as a front sees it."""

    door: Door
    call: Call
    state: dict[str, Any]
    """The front's own notes on this connection."""

    topics: dict[str, Topic]
    """What the client subscribed to, by the topic's name."""

    def deliver_private(self, frame: str | bytes) -> None:
        """Queue an event of the client's own account."""

    def push(self, frame: str | bytes) -> None:
        """Queue a frame that faults leave alone (answers, greetings, pings)."""

    def subscribe(self, topic: Topic) -> None:
        """From now on ``topic`` is delivered here."""

    def unsubscribe(self, name: str) -> None: ...

    def answered(self) -> None:
        """The client said that it is alive."""

    def end(self, code: int, reason: str) -> None:
        """Close with ``code`` as soon as possible; ``CUT_OFF`` drops at once."""


class World(Struct, frozen=True):
    """What a front plays on."""

    listings: Sequence[Listing]
    engines: Mapping[str, MatchingEngine]
    flow: Flow
    timeline: Timeline
    faults: Faults
    hub: Hub
    limits: Limits
    seed: int
    accounts: Accounts


class Front(ABC):
    """The protocol of one venue. ``markets`` by market kind and native symbol, in the order of the listings."""

    VENUE: ClassVar[str]
    LIMITS: ClassVar[Limits]
    LISTINGS: ClassVar[tuple[Listing, ...]]
    DEFAULT_SYMBOLS: ClassVar[tuple[str, ...]]
    AGGREGATE_WINDOW_MS: ClassVar[Mapping[MarketKind, int]] = {}
    """Trades of one side at one price within this time are one aggregate; without it those of one taker are."""

    TERMS: ClassVar[Terms] = Terms()
    """How the venue keeps accounts."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.timeline = world.timeline
        self.faults = world.faults
        self.hub = world.hub
        self.markets: dict[MarketKind, dict[str, SimMarket]] = {kind: {} for kind in MarketKind}
        for number, listing in enumerate(world.listings):
            instrument = listing.instrument
            window_ms = self.AGGREGATE_WINDOW_MS.get(instrument.kind, 0)
            market = SimMarket(listing, world.engines[listing.key], world.timeline, number, window_ms)
            self.markets[instrument.kind][instrument.native] = market
        self.accounts = world.accounts
        self.accounts.attach(self.markets)
        self._outbox = Outbox(world.faults, world.timeline)
        self.over_limit: Counter[str] = Counter()
        """What clients sent beyond the venue's limits: ``requests``, ``messages``, ``handshakes``."""


    @classmethod
    def update_ids(cls, listings: Sequence[Listing], seed: int) -> dict[str, UpdateIds]:
        """Where each book takes its update ids from, by instrument key; a venue may share one between books."""
        return {listing.key: UpdateIds() for listing in listings}

    # --- what there is -------------------------------------------------------------------------------------------

    @abstractmethod
    def endpoints(self, ws: str, http: str) -> dict[str, str]:
        """URLs in place of production's, by the names of ``venues.base.with_endpoints``.

        ``ws`` and ``http`` are the gateway's own bases (``ws://127.0.0.1:PORT``), without a slash at the end.
        """

    def ccxt_urls(self, ws: str, http: str) -> dict[str, Any]:
        """What ccxt's ``urls["api"]`` must be updated with to reach this gateway, nested as ccxt nests it. Empty where
        no private side is played.
        """
        return {}

    def credentials(self, key: ApiKey) -> dict[str, str]:
        """``key`` in the fields that ccxt takes the venue's keys in."""
        return {"apiKey": key.key, "secret": key.secret, "password": key.passphrase}

    @abstractmethod
    def doors(self) -> Sequence[Door]: ...

    @abstractmethod
    def pages(self) -> Sequence[Page]: ...

    # --- WebSocket -----------------------------------------------------------------------------------------------

    def admit(self, door: Door, call: Call) -> None:
        """Look at a handshake; raises RequestRefused where the venue would not let it in."""
        return

    def opened(self, socket: Socket) -> None:
        """A connection is open: greet, or subscribe to what its URL names."""
        return

    def closed(self, socket: Socket) -> None:
        """A connection that was ``opened`` has ended, whoever ended it."""
        return

    @abstractmethod
    def received(self, socket: Socket, message: str | bytes) -> None:
        """A client's message. Must not raise: what the venue would refuse is answered as the venue does."""

    def ask_alive(self, socket: Socket) -> None:
        """Ask, in the venue's own words, whether the client is alive; ``socket.answered`` when it says so."""
        return

    def dress(self, socket: Socket, topic: Topic, frame: str | bytes) -> str | bytes:
        """``frame`` as it goes to this client, where venues wrap or number frames per connection."""
        return frame

    def too_many_messages(self, socket: Socket) -> None:
        """The client broke its limit of messages per second."""
        socket.end(CLOSE_POLICY, "Too many requests")

    # --- the market's beat ---------------------------------------------------------------------------------------

    def beat(self, elapsed_ms: int) -> None:
        """Publish what is due ``elapsed_ms`` after the opening; the server calls it every ``FLUSH_MS``."""
        prices = self.world.flow.prices
        for markets in self.markets.values():
            for market in markets.values():
                instrument = market.listing.instrument
                market.sample_mark(elapsed_ms, prices.spot(instrument.base) * float(market.listing.opening))
                self.publish(market, elapsed_ms)
                market.fresh_trades.clear()

    @abstractmethod
    def publish(self, market: SimMarket, elapsed_ms: int) -> None:
        """Hand what is new in ``market`` to the hub: ``fresh_trades``, due book changes, tickers, marks."""

    @abstractmethod
    def publish_books(self) -> None:
        """Publish every change of every book now, whatever its beat: what subscribers know is then the whole truth."""

    # --- accounts ------------------------------------------------------------------------------------------------

    def publish_accounts(self) -> None:
        """Tell clients what happened to their accounts; the server calls it at every beat and after every request."""
        for event in self._outbox.pass_on(self.accounts.take_events()):
            self.account_event(event)

    def account_event(self, event: AccountEvent) -> None:
        """Say ``event`` on the private streams of its account."""
        return

    def listeners(self, account: int, kind: MarketKind) -> int:
        """How many private streams of an account are open, for who must know that nothing will be missed."""
        return 0

    def expire_tokens(self) -> None:
        """End every listen key or token of private streams, under the ``expire_tokens`` fault."""
        return

    def lost_in_between(self) -> Reply:
        """The reply to a trading request that took effect, under the ``accepted5xx`` fault."""
        return self.overloaded()

    # --- faults --------------------------------------------------------------------------------------------------

    def overloaded(self) -> Reply:
        """The reply to any request under the ``rest5xx`` fault."""
        return json_reply({"error": "service unavailable"}, 503)

    def too_many_requests(self, retry_after_s: int) -> Reply:
        """The reply to any request under the ``rest429`` fault."""
        return json_reply({"error": "too many requests"}, 429, {"Retry-After": str(retry_after_s)})

    def stale(self, call: Call) -> Reply | None:
        """A book snapshot older than the stream, under ``stale_snapshot``; None where this call asks for none."""
        return None

    def announce_shutdown(self, socket: Socket) -> bool:
        """Tell a client that its connection will be closed soon; False where the venue has no such word."""
        return False

    def is_refused(self, listing_symbol: str) -> bool:
        """Whether the ``reject`` fault makes subscriptions to this unified symbol fail."""
        return listing_symbol in self.faults.rejected

    def socket_limits(self, door: Door) -> SocketLimits:
        return self.world.limits.socket(door.market)
