"""The parts of the engine's feed without sockets: instruments, snapshots by urgency, clocks, health of books."""

# ruff: noqa: ASYNC110 - a test polls with a deadline

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackbot_tui.engine.clock_watch import ClockWatch
from jackbot_tui.engine.health import FeedHealth, quantiles_of
from jackbot_tui.engine.listing import MOST_PAGES, instruments_of
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.snapshots import CONCURRENT, SnapshotFetcher
from jackbot_tui.feeds.failures import FailureKind
from jackbot_tui.feeds.rest import HttpReply, RestError
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, ManualClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError, WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import BookDelta, BookSnapshot
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel, HttpRequest
from jackbot_tui.venues.binance.codec import BinanceCodec
from jackbot_tui.venues.binance.spec import SPEC
from tests.binance_world import depth_reply

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
START = 1_795_000_000 * NS_PER_S
WAIT_S = 10.0
BIDS, ASKS = [(99.0, 1.0)], [(101.0, 1.0)]


def instrument(symbol: str) -> Instrument:
    base, _, rest = symbol.partition("/")
    quote = rest.partition(":")[0]
    kind = LINEAR if ":" in symbol else SPOT
    return Instrument(
        "binance", symbol, base + quote, kind, base, quote, quote, tick=Decimal("0.1"), lot=Decimal("0.001")
    )


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.002)


class Rest:
    """Answers requests as ``answer`` says: a body, or an error to raise. Takes ``trip_ns`` of the clock for it."""

    def __init__(self, clock: ManualClock, answer: Callable[[HttpRequest], bytes | Exception]) -> None:
        self.clock = clock
        self.answer = answer
        self.asked: list[HttpRequest] = []
        self.trip_ns = 20 * NS_PER_MS
        self.hold: asyncio.Event | None = None

    async def fetch(self, request: HttpRequest) -> HttpReply:
        self.asked.append(request)
        if self.hold is not None:
            await self.hold.wait()
        sent = self.clock.now_ns()
        self.clock.advance(self.trip_ns)
        given = self.answer(request)
        if isinstance(given, Exception):
            raise given
        return HttpReply(given, self.clock.now_ns(), sent, 200)


# ---------------------------------------------------------------------- instruments


class Paged(BinanceCodec):
    """Two requests, the first of two pages; a body is the symbols it lists, and the next page after a ``;``."""

    def instruments_requests(self, kind: MarketKind) -> list[HttpRequest]:
        return [HttpRequest("instruments", kind, "GET", f"http://x/{name}", 1) for name in ("usdt", "usdc")]

    def next_page(self, request: HttpRequest, body: str | bytes) -> HttpRequest | None:
        cursor = bytes(body).partition(b";")[2].decode()  # type: ignore[arg-type]
        return replace(request, url=f"{request.url}?{cursor}") if cursor else None

    def decode_instruments(self, kind: MarketKind, body: str | bytes) -> list[Instrument]:
        listed = bytes(body).partition(b";")[0].decode()  # type: ignore[arg-type]
        if listed == "bad":
            raise WireError("cannot be read")
        return [instrument(symbol) for symbol in listed.split(",") if symbol]


PAGES = {
    "http://x/usdt": b"BTC/USDT:USDT;2",
    "http://x/usdt?2": b"ETH/USDT:USDT",
    "http://x/usdc": b"BTC/USDC:USDC",
}


async def listed(
    symbols: Sequence[str], answer: Callable[[HttpRequest], bytes | Exception], told: list[str] | None = None
) -> tuple[list[str], list[str]]:
    rest = Rest(ManualClock(START), answer)
    said = [] if told is None else told
    found = await instruments_of(Paged(), rest, LINEAR, symbols, random.Random(1), said.append)  # type: ignore[arg-type]
    return [each.symbol for each in found], [request.url.removeprefix("http://x/") for request in rest.asked]


@pytest.mark.parametrize(
    ("symbols", "asked"),
    [
        (["BTC/USDT:USDT"], ["usdt"]),
        (["ETH/USDT:USDT", "BTC/USDT:USDT"], ["usdt", "usdt?2"]),
        (["BTC/USDC:USDC", "ETH/USDT:USDT"], ["usdt", "usdt?2", "usdc"]),
    ],
)
async def test_pages_and_lists_are_asked_until_every_symbol_is_found(symbols: list[str], asked: list[str]) -> None:
    assert await listed(symbols, lambda request: PAGES[request.url]) == (symbols, asked)


async def test_a_symbol_that_no_list_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"binance has no linear instrument ETC/USDT:USDT trading now; near: ETH/USDT"):
        await listed(["ETC/USDT:USDT"], lambda request: PAGES[request.url])


async def test_a_market_that_the_venue_does_not_have_is_refused_with_the_reason() -> None:
    codec = BinanceCodec(replace(SPEC, markets={SPOT: SPEC.markets[SPOT]}, unsupported={LINEAR: "moved elsewhere"}))
    rest = Rest(ManualClock(START), lambda _: b"")
    with pytest.raises(InputError, match="binance linear cannot be followed: moved elsewhere"):
        await instruments_of(codec, rest, LINEAR, ["A/B:B"], random.Random(1), print)  # type: ignore[arg-type]
    assert rest.asked == []


async def test_a_list_that_fails_does_not_hold_up_symbols_of_another_one() -> None:
    def answer(request: HttpRequest) -> bytes | Exception:
        return b"bad" if "usdc" in request.url else PAGES[request.url]

    assert (await listed(["ETH/USDT:USDT"], answer))[0] == ["ETH/USDT:USDT"]


async def test_failures_are_told_and_asked_again_until_the_symbol_is_there() -> None:
    failures = iter([RestError("no answer in time", FailureKind.NETWORK, retry_after_s=0.01), b"bad"])
    told: list[str] = []
    found, asked = await listed(
        ["BTC/USDC:USDC"], lambda r: next(failures, PAGES["http://x/usdc"]) if "usdc" in r.url else PAGES[r.url], told
    )
    assert found == ["BTC/USDC:USDC"]
    assert asked.count("usdc") == 3
    assert [line.partition(";")[0] for line in told] == [
        "binance linear: no answer in time",
        "binance linear: cannot be read",
    ]


async def test_a_cursor_that_runs_in_a_circle_ends() -> None:
    def answer(request: HttpRequest) -> bytes:
        return b"BTC/USDT:USDT;again" if "usdt" in request.url else PAGES[request.url]

    with pytest.raises(InputError):
        await listed(["NO/USDT:USDT"], answer)
    rest = Rest(ManualClock(START), answer)
    with contextlib.suppress(InputError):
        await instruments_of(Paged(), rest, LINEAR, ["NO/USDT:USDT"], random.Random(1), print)  # type: ignore[arg-type]
    assert len(rest.asked) == MOST_PAGES + 1


# ---------------------------------------------------------------------- snapshots


class Snapshots:
    """Some books of Binance spot that all want a snapshot, and the fetcher that serves them."""

    def __init__(self, names: Sequence[str], answer: Callable[[HttpRequest], bytes | Exception]) -> None:
        self.clock = ManualClock(START)
        self.data = MarketData(load_venue("binance"))
        self.ranks: dict[str, int] = {}
        self.told: list[str] = []
        self.rest = Rest(self.clock, answer)
        self.fetcher = SnapshotFetcher(
            self.data,
            self.rest,  # type: ignore[arg-type]
            self.clock,
            random.Random(1),
            lambda level, text: self.told.append(text),
            lambda key: self.ranks.get(key, 2),
        )
        for name in names:
            market = self.data.add(instrument(f"{name}/USDT"))
            self.data._on_delta(  # no frames of five symbols: the pipeline wants snapshots after a first update
                BookDelta(market.key, 0, START, 101, 101, 100, BIDS, ASKS), START
            )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.fetcher.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    def asked(self) -> list[str]:
        return [request.key.partition(":")[2].partition("/")[0] for request in self.rest.asked]

    def live(self) -> set[str]:
        return {market.instrument.base for market in self.data.markets.values() if market.live}


async def test_after_a_mass_loss_the_book_on_the_glass_comes_first_and_those_with_money_next() -> None:
    names = ["A", "B", "C", "D", "E", "F", "G", "H"]
    bench = Snapshots(names, lambda _: depth_reply(100, BIDS, ASKS).encode())
    bench.ranks = {"binance:H/USDT": 0, "binance:F/USDT": 1}
    bench.fetcher.collect()
    async with bench.running():
        await eventually(lambda: len(bench.live()) == len(names))
    assert bench.asked()[:2] == ["H", "F"]
    assert bench.asked() == ["H", "F", "A", "B", "C", "D", "E", "G"]


async def test_at_most_a_few_snapshots_are_under_way_at_once() -> None:
    bench = Snapshots(["A", "B", "C", "D", "E"], lambda _: depth_reply(100, BIDS, ASKS).encode())
    bench.rest.hold = asyncio.Event()
    bench.fetcher.collect()
    async with bench.running():
        await eventually(lambda: len(bench.rest.asked) == CONCURRENT)
        for _ in range(20):
            await asyncio.sleep(0)
        assert (len(bench.rest.asked), bench.fetcher.waiting) == (CONCURRENT, 2)
        bench.rest.hold.set()
        await eventually(lambda: len(bench.live()) == 5)


async def test_books_whose_snapshots_fail_do_not_hold_up_the_others_and_are_asked_for_again_later() -> None:
    broken = {"A", "B", "C", "D"}

    def answer(request: HttpRequest) -> bytes | Exception:
        name = request.key.partition(":")[2].partition("/")[0]
        failure = RestError("the venue answered 503", FailureKind.MAINTENANCE, retry_after_s=60)
        return failure if name in broken else depth_reply(100, BIDS, ASKS).encode()

    bench = Snapshots(["A", "B", "C", "D", "E"], answer)
    bench.fetcher.collect()
    async with bench.running():
        await eventually(lambda: bench.live() == {"E"})
        await eventually(lambda: len(bench.told) == 4)
        assert bench.told[0].startswith("snapshot of binance:A/USDT: the venue answered 503; again in 6")
        broken.clear()
        bench.fetcher.collect()
        assert len(bench.rest.asked) == 5, "the wish of the venue is kept"
        bench.clock.advance(61 * NS_PER_S)
        bench.fetcher.collect()
        await eventually(lambda: len(bench.live()) == 5)


# ---------------------------------------------------------------------- clocks


class Clocks:
    """A venue whose clock is ``off_ns`` ahead of ours."""

    def __init__(self, off_ms: float, name: str = "binance") -> None:
        self.clock = ManualClock(START)
        self.off_ms = off_ms
        self.fails = False
        self.told: list[tuple[str, str]] = []
        self.rest = Rest(self.clock, self.answer)
        self.watch = ClockWatch(
            load_venue(name),
            self.rest,  # type: ignore[arg-type]
            self.clock,
            random.Random(1),
            lambda level, text: self.told.append((level, text)),
        )

    def answer(self, request: HttpRequest) -> bytes | Exception:
        """The venue's time as it was in the middle of the trip."""
        if self.fails:
            return RestError("no answer in time", FailureKind.NETWORK)
        middle_ms = (self.clock.now_ns() - self.rest.trip_ns // 2) / NS_PER_MS + self.off_ms
        return f'{{"serverTime":{int(middle_ms)}}}'.encode()

    async def ask(self, kinds: Sequence[MarketKind] = (SPOT,)) -> None:
        """The first question to every clock."""
        task = asyncio.create_task(self.watch.run(kinds))
        wanted = len(self.rest.asked) + len({request.url for kind in kinds if (request := self.request(kind))})
        await eventually(lambda: len(self.rest.asked) >= wanted)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    def request(self, kind: MarketKind) -> HttpRequest | None:
        return self.watch._codec.time_request(kind)


@pytest.mark.parametrize("off_ms", [0, 37, -412, 5_000])
async def test_the_venues_clock_is_known_within_half_the_round_trip(off_ms: float) -> None:
    bench = Clocks(off_ms)
    await bench.ask()
    (figure,) = bench.watch.figures()
    assert (figure.kind, figure.known, figure.problem) == (SPOT, True, "")
    assert abs(figure.offset_ms - off_ms) <= figure.error_ms <= 11
    assert bench.watch.offset_ns(SPOT) == pytest.approx(off_ms * NS_PER_MS, abs=11 * NS_PER_MS)
    assert bench.watch.offset_ns(LINEAR) == 0


@pytest.mark.parametrize(
    ("off_ms", "words"),
    [
        (900, "our clock is 0.9 s behind that of binance spot: synchronise it (NTP)"),
        (-2_500, "our clock is 2.5 s ahead of that of binance spot: synchronise it (NTP)"),
    ],
)
async def test_a_clock_that_is_far_off_is_warned_about_once_until_it_is_right_again(off_ms: float, words: str) -> None:
    bench = Clocks(off_ms)
    await bench.ask()
    await bench.ask()
    assert bench.told == [("bad", words)]
    bench.off_ms = 0
    bench.clock.advance(700 * NS_PER_S)
    await bench.ask()
    assert bench.told[1:] == [("good", "our clock agrees with that of binance spot again")]


@pytest.mark.parametrize(("off_ms", "used_ms"), [(400, 0), (-480, 0), (2_000, 2_000)])
async def test_a_clock_told_in_whole_seconds_corrects_nothing_that_it_cannot_tell(
    off_ms: float, used_ms: float
) -> None:
    bench = Clocks(off_ms, "kraken")
    bench.rest.answer = lambda _: (
        f'{{"error":[],"result":{{"unixtime":{int((bench.clock.now_ns() / NS_PER_MS + off_ms) // 1000)}}}}}'.encode()
    )
    await bench.ask()
    assert bench.watch.offset_ns(SPOT) == pytest.approx(used_ms * NS_PER_MS, abs=520 * NS_PER_MS if used_ms else 0)
    assert bench.watch.figures()[0].error_ms >= 500


async def test_what_a_slow_answer_leaves_open_is_not_warned_about() -> None:
    bench = Clocks(711)
    bench.rest.trip_ns = 600 * NS_PER_MS
    await bench.ask()
    assert bench.told == []
    assert bench.watch.figures()[0].error_ms == pytest.approx(300, abs=1)


async def test_market_kinds_at_one_address_are_asked_once_and_others_each() -> None:
    bench = Clocks(5, "okx")
    assert bench.request(SPOT) is not None
    await bench.ask([SPOT, LINEAR])
    assert len(bench.rest.asked) == 1
    assert len(bench.watch.figures()) == 2
    binance = Clocks(5)
    await binance.ask([SPOT, LINEAR])
    assert len(binance.rest.asked) == 2


async def test_a_clock_that_cannot_be_asked_says_why() -> None:
    bench = Clocks(0)
    bench.fails = True
    await bench.ask()
    (figure,) = bench.watch.figures()
    assert (figure.known, figure.problem) == (False, "no answer in time")
    none = Clocks(0, "cryptocom")
    await none.watch.run([SPOT])
    assert [(each.known, each.problem) for each in none.watch.figures()] == [
        (False, "the venue has no page for its time")
    ]
    assert none.rest.asked == []


# ---------------------------------------------------------------------- health


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_quantiles_are_measured_values_that_enough_others_do_not_exceed(values: list[float]) -> None:
    found = quantiles_of(values)
    assert found.count == len(values)
    for quantile, share in ((found.half, 0.5), (found.p99, 0.99), (found.worst, 1.0)):
        assert quantile in values
        assert sum(value <= quantile for value in values) >= share * len(values) - 1e-9
        assert sum(value < quantile for value in values) < share * len(values)


class Health:
    """One book of OKX, whose snapshots come in the stream, fed with events."""

    def __init__(self, offset_ms: float = 0.0) -> None:
        codec = load_venue("okx")
        self.data = MarketData(codec)
        self.market = self.data.add(replace(instrument("BTC/USDT"), venue="okx", native="BTC-USDT"))
        (self.plan,) = codec.plan([self.market.instrument], [Channel.BOOK])
        self.health = FeedHealth(self.data, lambda kind: int(offset_ms * NS_PER_MS))
        self.now = START
        self.last = 100
        self.data.on_connect(self.plan, self.now)
        self.snapshot(0)

    def snapshot(self, late_ms: float) -> None:
        event_ns = self.now - int(late_ms * NS_PER_MS)
        self.data._on_event(BookSnapshot(self.market.key, event_ns, self.now, self.last, BIDS, ASKS), self.now)

    def update(self, late_ms: float, *, lost: bool = False) -> None:
        previous, self.last = self.last + lost, self.last + 1 + lost
        event_ns = self.now - int(late_ms * NS_PER_MS)
        delta = BookDelta(self.market.key, event_ns, self.now, self.last, self.last, previous, BIDS, [])
        self.data._on_delta(delta, self.now)

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * NS_PER_S)


@pytest.mark.parametrize(("offset_ms", "shown"), [(0.0, 30.0), (-20.0, 10.0), (500.0, 530.0), (-100.0, 0.0)])
def test_latency_is_the_age_of_news_on_arrival_by_the_venues_clock(offset_ms: float, shown: float) -> None:
    bench = Health(offset_ms)
    for _ in range(20):
        bench.wait(0.1)
        bench.update(30.0)
        bench.health.sample()
        bench.health.sample()  # no news: nothing to measure
    figures = bench.health.of([bench.market.key, "okx:NOT/THERE"])
    assert (figures.books, figures.live, figures.latency.count) == (1, 1, 20)
    assert figures.latency.half == pytest.approx(shown)


def test_the_time_to_resync_is_measured_from_the_break_to_live_again_outage_included() -> None:
    bench = Health()
    bench.update(1)
    bench.update(1, lost=True)
    assert not bench.market.live
    bench.wait(0.25)
    bench.snapshot(1)
    bench.wait(5)
    bench.data.on_disconnect(bench.plan, "lost", bench.now)
    bench.wait(2)
    bench.data.on_connect(bench.plan, bench.now)
    bench.wait(1)
    bench.snapshot(1)
    figures = bench.health.of([bench.market.key])
    assert (figures.gaps, figures.resyncs, figures.live) == (1, 2, 1)
    assert (figures.resync.count, figures.resync.half, figures.resync.worst) == (2, 250.0, 3000.0)


def test_a_silent_book_is_no_broken_one() -> None:
    bench = Health()
    bench.wait(200)
    bench.data.check_silence(bench.now)
    assert not bench.market.live
    bench.update(1)
    assert bench.market.live
    assert bench.health.of([bench.market.key]).resync.count == 0
