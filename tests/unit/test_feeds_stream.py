"""What a session does about silence, with a connection that is a plain fake; and the parts that need no connection."""

# ruff: noqa: ASYNC110 - a test polls with a deadline

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.feeds.backoff import BackoffPolicy, ReconnectPolicy
from jackbot_tui.feeds.clock_skew import BEST_OF, FRESH_NS, ClockSkew
from jackbot_tui.feeds.failures import Failure, FailureKind, FeedError, seconds_of_retry_after
from jackbot_tui.feeds.ledger import SubscriptionLedger
from jackbot_tui.feeds.rotation import Overlap
from jackbot_tui.feeds.stream import StreamPolicy, StreamSession
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.base import ConnectionPlan
from jackbot_tui.venues.binance.codec import BinanceCodec
from jackbot_tui.venues.binance.spec import SPEC

WAIT_S = 15.0
SPOT = SPEC.markets[MarketKind.SPOT]
POLICY = StreamPolicy(
    reconnect=ReconnectPolicy(backoff=BackoffPolicy(first_s=0.02, cap_s=0.02, floor_s=0.01)),
    watch_every_s=0.01,
    probe_after_s=0.05,
    probe_every_s=0.01,
    probe_timeout_s=0.05,
)


class FakeConnection:
    """Frames are put in by the test; pings are answered while ``answers`` is True."""

    def __init__(self) -> None:
        self.wakeups = 0
        self.bytes_received = 0
        self.pings = 0
        self.answers = False
        self.aborted = False
        self.closed = False
        self._frames: asyncio.Queue[str | None] = asyncio.Queue()

    def put(self, frame: str) -> None:
        self.wakeups += 1
        self._frames.put_nowait(frame)

    async def receive(self) -> str | bytes:
        frame = await self._frames.get()
        if frame is None:
            raise FeedError(Failure(FailureKind.NETWORK, "hung up"))
        return frame

    async def send(self, text: str) -> None:
        self.put(f'{{"result":null,"id":{msgspec.json.decode(text)["id"]}}}')

    async def ping(self) -> float:
        self.pings += 1
        if not self.answers:
            await asyncio.Event().wait()
        self.wakeups += 1
        return 0.001

    def abort(self) -> None:
        self.aborted = True

    async def close(self) -> None:
        self.closed = True


class FakeTransport:
    def __init__(self) -> None:
        self.connections: list[FakeConnection] = []

    async def connect(
        self, url: str, *, timeout_s: float, close_timeout_s: float, headers: Sequence[tuple[str, str]] = ()
    ) -> FakeConnection:
        self.connections.append(FakeConnection())
        return self.connections[-1]


class Sink:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def on_connect(self, plan: ConnectionPlan, now: int) -> None: ...
    def on_frame(self, plan: ConnectionPlan, raw: str | bytes, ts_recv: int) -> None: ...
    def on_disconnect(self, plan: ConnectionPlan, reason: str, now: int) -> None:
        self.reasons.append(reason)


async def with_session(ping_timeout_s: float, work: Callable[[FakeConnection], object], sink: Sink) -> FakeConnection:
    """Run a session and call ``work`` with its first connection every few milliseconds until that returns true."""
    transport = FakeTransport()
    spec = msgspec.structs.replace(SPOT, ping_timeout_s=ping_timeout_s)
    plan = ConnectionPlan("c", MarketKind.SPOT, "ws://fake", ("btcusdt@trade",))
    rng = random.Random(1)
    subject = StreamSession(
        plan, spec, BinanceCodec(), sink, SystemClock(), policy=POLICY, rng=rng, transport=transport
    )
    task = asyncio.create_task(subject.run())
    try:
        async with asyncio.timeout(WAIT_S):
            while not transport.connections or not work(transport.connections[0]):
                await asyncio.sleep(0.002)
    finally:
        task.cancel()
        await asyncio.wait({task})
    return transport.connections[0]


async def test_connection_that_brings_nothing_is_given_up_at_the_venue_limit_even_if_it_never_answered_a_ping() -> None:
    sink = Sink()
    connection = await with_session(0.2, lambda _: sink.reasons, sink)
    assert sink.reasons[0].startswith("nothing received for 0 s, not even a ping; next attempt in")
    assert connection.aborted
    assert connection.closed


async def test_connection_that_stops_answering_pings_is_given_up_as_half_open() -> None:
    sink = Sink()

    def work(connection: FakeConnection) -> bool:
        connection.answers = connection.pings < 3
        return bool(sink.reasons)

    await with_session(WAIT_S, work, sink)
    assert sink.reasons[0].startswith("half-open: nothing received for")


async def test_unanswered_pings_do_not_matter_while_data_flows() -> None:
    sink = Sink()

    def work(connection: FakeConnection) -> bool:
        connection.put("data")
        connection.answers = connection.pings < 3
        return connection.pings > 8

    connection = await with_session(5.0, work, sink)
    assert sink.reasons == []
    assert (connection.aborted, connection.closed) == (False, True)


# ---------------------------------------------------------------------- rotation


@settings(max_examples=200, deadline=None)
@given(st.data())
async def test_overlap_delivers_every_frame_of_both_connections_once(data: st.DataObject) -> None:
    """The old connection lags by any amount, so does the new one, and texts may repeat as real frames."""
    stream = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40))
    joins = data.draw(st.integers(0, len(stream)))  # first frame the new connection brings
    old_end = data.draw(st.integers(joins, len(stream)))  # the old one got this far at the hand-over
    held = data.draw(st.integers(joins, len(stream)))  # and the new one this far
    got: list[str | bytes] = []
    overlap = Overlap(lambda raw, now: got.append(raw), 1000)
    turns = data.draw(st.permutations(["old"] * old_end + ["new"] * (held - joins)))
    at_old, at_new = 0, joins
    for turn in turns:
        if turn == "old":
            if at_old < joins:
                got.append(stream[at_old])  # before the rotation began
            else:
                overlap.from_old(stream[at_old], 0)
            at_old += 1
        else:
            overlap.hold(stream[at_new], 0)
            at_new += 1
    overlap.hand_over()
    for raw in stream[held:]:
        overlap.from_new(raw, 0)
    assert sorted(map(str, got)) == sorted(stream)
    assert overlap.repeated == old_end - joins


async def test_overlap_says_when_it_holds_as_much_as_it_may() -> None:
    overlap = Overlap(lambda raw, now: None, 3)
    for n in range(5):
        assert overlap.full.done() == (n >= 3)
        overlap.hold(str(n), 0)


# ---------------------------------------------------------------------- ledger


def test_ledger_knows_what_is_pending_overdue_refused_and_done() -> None:
    ledger = SubscriptionLedger()
    assert ledger.complete
    ledger.expect(1, "one", 10)
    ledger.expect(2, "two", 20)
    assert (ledger.overdue(9), ledger.overdue(10), ledger.overdue(20)) == ([], [1], [1, 2])
    assert ledger.acknowledge(1)
    assert not ledger.acknowledge(1)
    assert ledger.refuse(2, "no")
    assert not ledger.refuse(2, "no")
    assert (ledger.complete, ledger.overdue(99), ledger.refused[2].frame) == (False, [], "two")
    ledger.expect(2, "two", 120)
    assert ledger.acknowledge(2)
    assert (ledger.complete, ledger.confirmed) == (True, 2)


# ---------------------------------------------------------------------- clock skew


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.tuples(st.integers(0, NS_PER_S), st.integers(0, NS_PER_S)), min_size=1, max_size=30),
)
def test_true_offset_lies_within_the_stated_error(offset: int, ways: list[tuple[int, int]]) -> None:
    skew, now = ClockSkew(), 1_700_000_000 * NS_PER_S
    for there, back in ways:
        server = (now + there + offset) // NS_PER_MS * NS_PER_MS
        assert skew.sample(now, now + there + back, server)
        now += there + back
    best = skew.best(now)
    assert best is not None
    assert abs(best.offset_ns - offset) <= best.error_ns + 1
    assert best.error_ns == min((a + b) // 2 for a, b in ways[-BEST_OF:]) + NS_PER_MS // 2


def test_old_samples_are_forgotten_and_impossible_ones_refused() -> None:
    skew = ClockSkew()
    assert skew.venue_time_ns(5) == 5
    assert not skew.sample(10, 9, 100)
    assert skew.sample(0, 2, 1_000, resolution_ns=0)
    assert skew.venue_time_ns(2) == 2 + 999
    assert skew.best(2 + FRESH_NS + 1) is None


# ---------------------------------------------------------------------- small


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, None), ("30", 30.0), ("0.5", 0.5), ("-1", None), ("inf", None), ("nan", None), ("Wed, 21 Oct 2026", None)],
)
def test_retry_after_is_a_sane_number_of_seconds_or_nothing(text: str | None, seconds: float | None) -> None:
    assert seconds_of_retry_after(text) == seconds


def test_importing_the_room_loads_no_network_library() -> None:
    code = (
        "import sys, jackbot_tui.feeds.stream, jackbot_tui.feeds.rest, jackbot_tui.feeds.capture\n"
        "print([name for name in ('aiohttp', 'websockets') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == "[]"
