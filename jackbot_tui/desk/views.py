"""View models: everything a screen may see, as immutable values that travel over the link.

Prices and sizes for display are decimal text (already at the instrument's precision) unless said otherwise; times are
nanoseconds, ages milliseconds (-1 = unknown). A client sends a ``ViewRequest`` and gets the newest ``ScreenView``;
nothing is queued for it, so a slow screen sees fewer pictures, never old ones.
"""

from enum import StrEnum

from msgspec import Struct


class Role(StrEnum):
    """What a client is, which says what it may do."""

    SCREEN = "screen"  # a person looks at it: guarded orders, may hold the pen and arm
    CTL = "ctl"  # one line at a time, counted as confirmed
    WATCH = "watch"  # looks only
    KILL = "kill"  # carries the kill switch and nothing else


class ClientInfo(Struct, frozen=True):
    """One attached client. ``client_id`` counts up within one engine process."""

    client_id: int
    role: Role
    name: str = ""

    @property
    def source(self) -> str:
        """How the journal names it."""
        return "ui" if self.role is Role.SCREEN else self.role.value


class ViewRequest(Struct, frozen=True):
    """What the client has on the glass. ``levels`` is rows a side wanted, ``group`` ticks per row (>= 1).

    ``tape_after`` is the highest tape sequence the client already has; ``log_after`` the same for log lines.
    ``anchor`` (price text, "" = the inside) asks for the window around that price instead, for a scrolled ladder.
    ``parents``: whether parent orders are looked at; their pictures cost the engine time and are made only then.
    """

    key: str = ""
    levels: int = 60
    group: int = 1
    tape_after: int = 0
    log_after: int = 0
    anchor: str = ""
    parents: bool = False


class LadderLevel(Struct, frozen=True, array_like=True, gc=False):
    """One row of the ladder. ``index`` = price / (tick * group) as an integer, so rows compare and sort exactly.

    Sizes are floats in base units for the renderer to format; ``volume`` is traded at this row this session and
    ``delta`` bought minus sold.
    """

    index: int
    size: float
    volume: float = 0.0
    delta: float = 0.0


class OwnOrderView(Struct, frozen=True):
    """A working order. ``queue_ahead`` is base units estimated ahead of it, -1 unknown.

    ``trigger`` says what it waits for and what it will be, ``stop 61000.0 mark @ 60950``, "" once it does not wait;
    ``price`` and ``index`` are its trigger's meanwhile. ``parent``: ``maker p3`` for the child of a parent order.
    """

    number: int
    client_id: str
    key: str
    side: str
    type: str
    quantity: str
    price: str
    filled: str
    remaining: str
    status: str
    flags: str
    owner: str
    created_ns: int
    queue_ahead: float = -1.0
    queue_behind: float = -1.0
    index: int = 0  # row of the ladder at the requested grouping
    reason: str = ""
    trigger: str = ""
    parent: str = ""


class KeptView(Struct, frozen=True):
    """What a parent order keeps here and would do at ``price``: ``what`` is ``armed`` or ``stop``.

    Nothing of it is at the venue. ``quantity`` "0" = not told; ``index`` as in ``OwnOrderView``.
    """

    number: int
    key: str
    side: str
    what: str
    quantity: str
    price: str
    index: int


class BookView(Struct, frozen=True):
    """The part of one book the client asked for. ``bids`` best first (descending), ``asks`` best first (ascending).

    ``state`` is a BookState value; ``age_ms`` since its last frame; ``spread_ticks`` between best prices.
    """

    key: str
    state: str
    age_ms: float
    update_id: int
    tick: str
    group: int
    price_places: int
    qty_places: int
    best_bid: str
    best_bid_size: str
    best_ask: str
    best_ask_size: str
    last: str
    last_side: str
    spread_ticks: int
    bids: list[LadderLevel]
    asks: list[LadderLevel]
    sum_bid: float
    sum_ask: float
    imbalance: float
    gaps: int = 0
    resyncs: int = 0
    reason: str = ""  # why it is not live, in words


class TapeLine(Struct, frozen=True, array_like=True, gc=False):
    seq: int
    ts: int
    price: str
    size: str
    side: str  # aggressor: "buy" / "sell"
    value: float  # size as float, for the minimum-size filter


class PositionView(Struct, frozen=True):
    """Position of one instrument. Money in quote currency. ``liquidation`` is the mark that ends it, "" for none.

    ``margin`` is what it ties up, ``maintenance`` what must stay behind it, ``behind`` what does now; "" on spot.
    ``next_funding`` is what the funding at ``next_funding_ns`` would bring at the rate announced now (negative: it
    pays), "" and 0 when unknown.
    """

    key: str
    quantity: str
    average_entry: str
    mark: str
    unrealized: str
    realized: str
    fees: str
    funding: str
    net: str
    ticks: str  # unrealised in ticks per unit
    break_even: str
    liquidation: str = ""
    margin_mode: str = ""
    leverage: str = ""
    margin: str = ""
    maintenance: str = ""
    behind: str = ""
    next_funding: str = ""
    next_funding_ns: int = 0


class FillView(Struct, frozen=True):
    """One fill. ``markouts``: the mid 1 s, 5 s, 30 s and 5 min after it against its price, in basis points, positive
    when the market moved our way; "" = still to come, "?" = never known. ``toxic`` says why it looks like that.
    """

    ts: int
    number: int
    key: str
    side: str
    quantity: str
    price: str
    liquidity: str
    fee: str
    fee_currency: str
    trade_id: str
    markouts: list[str] = []
    toxic: str = ""


class ParentView(Struct, frozen=True, kw_only=True):
    """A parent order. ``why`` says what it does now and why; ``fraction`` is filled of the total, 0..1.

    ``slippage_bp`` against the mid at its start (positive: worse), "" unknown; ``saved`` is taker fees minus fees paid,
    quote currency; ``wakes_in_ms`` -1: it waits for an event. ``orders`` are the numbers of its working orders.
    ``footprint``: how far its children stand out from the tape, a few words, "" unknown; ``traced``: they do;
    ``trace``: the figures of that by name.
    """

    number: int
    kind: str
    key: str
    side: str
    quantity: str
    filled: str
    exited: str
    fraction: float
    average: str
    status: str
    is_open: bool
    why: str
    slippage_bp: str
    saved: str
    maker_pct: str
    races: int
    orders: list[int]
    values: dict[str, str]
    started_ns: int
    ended_ns: int
    wakes_in_ms: int
    footprint: str = ""
    traced: bool = False
    trace: dict[str, str] = {}


class LogLine(Struct, frozen=True):
    """A line for people. ``level``: info, good, warn, bad."""

    seq: int
    ts: int
    level: str
    text: str


class LimitView(Struct, frozen=True):
    """One figure of the risk gate: what is used, what is allowed (text), fraction used 0..1 (or more)."""

    name: str
    used: str
    limit: str
    fraction: float


class ConnectionView(Struct, frozen=True):
    """One socket and the books that it carries. Times in milliseconds unless named otherwise, -1 = unknown.

    ``detail`` is the trouble it is in now, ``error`` the newest one, past or present, and ``error_kind`` its class
    (network, protocol, auth, rate_limit, maintenance). ``slowed``: it failed so often that attempts are held apart.
    ``latency_ms``: from the venue's time of a book event to its arrival here, half of them not longer, by the venue's
    clock. ``resync_ms``: from the break of a book until it was LIVE again.
    """

    conn: str
    state: str
    uptime_s: float
    reconnects: int
    frames: int
    frames_per_s: float
    rtt_ms: float
    age_ms: float
    detail: str = ""
    slowed: bool = False
    error: str = ""
    error_kind: str = ""
    error_age_s: float = -1.0
    rotations: int = 0
    books: int = 0
    live_books: int = 0
    gaps: int = 0
    resyncs: int = 0
    latency_ms: float = -1.0
    latency_p99_ms: float = -1.0
    resync_ms: float = -1.0
    resync_p99_ms: float = -1.0


FAR_MS = 500.0
"""A clock that is off by more is warned about."""


class BudgetView(Struct, frozen=True):
    """What is left of one of the venue's request limits. ``paused_s``: the venue told us to be silent so long."""

    kind: str
    name: str
    scope: str
    left: int
    limit: int
    interval_s: int
    paused_s: float


class ClockView(Struct, frozen=True):
    """The venue's clock minus ours, true within ``error_ms``; ``problem`` says why it is not known or not renewed."""

    kind: str
    known: bool
    offset_ms: float
    error_ms: float
    problem: str


def is_far(clock: ClockView) -> bool:
    """Whether our clock is off by more than half a second for certain: venues refuse signed requests soon after."""
    return clock.known and abs(clock.offset_ms) - clock.error_ms > FAR_MS


class SymbolView(Struct, frozen=True):
    """One tab: an instrument the engine follows."""

    key: str
    symbol: str
    venue: str
    state: str
    last: str
    change_pct: float  # since the session's first price; NaN-free, 0 when unknown
    position: str
    working: int


class HeaderView(Struct, frozen=True):
    """The status bar. ``mode`` is a Mode value; ``md_ms`` feed age, ``ord_ms`` last order round trip, -1 unknown."""

    mode: str
    venue: str
    session: int
    now_ns: int
    md_ms: float
    ord_ms: float
    loop_lag_ms: float
    frames_per_s: float
    dropped_frames: int
    unknown_frames: int
    equity: str
    day_pnl: str
    armed: bool
    armed_market: bool
    armed_until_ns: int
    armed_client: str
    killed: bool
    market_detail: str = ""  # one line when there is no network, maintenance…
    mark: str = ""
    index: str = ""
    funding_rate: str = ""  # fraction per interval as decimal text
    next_funding_ns: int = 0
    replay: str = ""  # "PLAY x10 12:01:03 41%" in replay
    quantity: str = ""  # active order quantity of the ticket
    assumptions: list[str] = []  # what paper fills of the active instrument rest on, in words
    presets: list[str] = []
    preset: int = 0  # 1-based, 0 = none
    post_only: bool = False
    reduce_only: bool = False
    slip_ticks: int = 0
    account: str = ""  # the account that orders go to, "" on paper
    locked: bool = False  # a person must let new orders through first


class ScreenView(Struct, frozen=True):
    """One picture."""

    seq: int
    header: HeaderView
    symbols: list[SymbolView]
    book: BookView | None
    tape: list[TapeLine]  # newest last, only lines after ViewRequest.tape_after (bounded)
    cvd: float
    orders: list[OwnOrderView]  # all working orders, oldest first
    positions: list[PositionView]
    fills: list[FillView]  # newest first, bounded
    log: list[LogLine]  # only lines after ViewRequest.log_after
    limits: list[LimitView]
    connections: list[ConnectionView]
    budgets: list[BudgetView] = []
    clocks: list[ClockView] = []
    parents: list[ParentView] | None = None  # at work, then the newest ended; None = not asked for
    kept: list[KeptView] = []  # of the active instrument


class Seen(Struct, frozen=True):
    """What was on the glass when a key was pressed: the guard against acting on an old picture."""

    bid: str = ""
    ask: str = ""
    update_id: int = -1
    book_age_ms: float = -1.0
    glass_age_ms: float = -1.0


class Context(Struct, frozen=True):
    """Where a line was said: active instrument, ladder cursor (price text) and what was seen. All optional."""

    key: str = ""
    cursor: str = ""
    seen: Seen | None = None


class Reply(Struct, frozen=True):
    """Answer to a line. ``lines`` is for people, ``data`` for programs (``ctl --json``).

    ``ok`` False leaves everything unchanged; ``code`` is a stable word (``syntax``, a refusal code, ``confirm``…).
    ``caret`` is the column of a syntax error in the line, -1 none. ``confirm`` asks for the same line again with
    ``confirmed`` set.
    """

    ok: bool
    lines: list[str]
    code: str = ""
    caret: int = -1
    confirm: bool = False
    data: dict[str, object] | None = None


class Notice(Struct, frozen=True):
    """A pushed fact: an order event, a fill, a refusal, the kill switch. Never dropped; ``seq`` has no holes."""

    seq: int
    ts: int
    kind: str  # accepted filled canceled rejected expired amended unknown refused kill mode
    level: str  # info good warn bad
    text: str
    key: str = ""
    number: int = 0
