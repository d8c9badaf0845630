"""The engine's feed over real sockets on loopback: what dies of a bug of ours is told and started again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from jackbot_tui.engine.options import EngineOptions, ShutdownPolicy
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.feeds.stream import ConnectionState
from jackbot_tui.model.enums import BookState, Mode
from tests.conformance.test_stream_snapshots import Okx, eventually

KEY = "okx:BTC/USDT"


class Poison:
    """Calls through to ``healthy``, but raises the first ``times`` times."""

    def __init__(self, healthy: object, times: int) -> None:
        self.healthy = healthy
        self.left = times

    def __call__(self, *args: object) -> object:
        if self.left:
            self.left -= 1
            raise RuntimeError("a bug of ours")
        return self.healthy(*args)  # type: ignore[operator]


@contextlib.asynccontextmanager
async def engine(venue: Okx, shutdown: ShutdownPolicy = ShutdownPolicy.LEAVE) -> AsyncIterator[EngineRuntime]:
    endpoints = {"spot.public": venue.url, "spot.rest": venue.rest}
    logged: list[str] = []
    runtime = EngineRuntime(
        EngineOptions(
            mode=Mode.PAPER,
            venue="okx",
            symbols=["BTC/USDT"],
            endpoints=endpoints,
            shutdown=shutdown,
            log=lambda level, event, fields: logged.append(event),
        )
    )
    await runtime.open()
    try:
        yield runtime
    finally:
        await runtime.close()


@contextlib.asynccontextmanager
async def running(runtime: EngineRuntime) -> AsyncIterator[None]:
    task = asyncio.create_task(runtime.run())
    try:
        yield
    finally:
        runtime.stop("test over")
        await task


def notices(runtime: EngineRuntime, level: str) -> list[str]:
    return [notice.text for notice in runtime.engine.board.ring if notice.level == level]


async def test_a_connection_that_dies_of_a_bug_is_told_and_started_again() -> None:
    venue = Okx()
    async with venue.listening(), engine(venue) as runtime:
        runtime.codec.subscribe = Poison(runtime.codec.subscribe, 2)  # type: ignore[method-assign,assignment]
        async with running(runtime):
            await eventually(lambda: KEY in runtime.data.markets and runtime.data.markets[KEY].live)
            assert runtime.feed is not None
            assert runtime.feed.crashes == 2
            told = notices(runtime, "bad")
            assert len(told) == 2
            words = "okx.spot.public: an error of ours stopped it (RuntimeError: a bug of ours); started again in "
            assert all(line.startswith(words) for line in told)


async def test_a_frame_that_breaks_the_pipeline_takes_its_books_down_until_they_are_whole_again() -> None:
    venue = Okx()
    async with venue.listening(), engine(venue) as runtime, running(runtime):
        await eventually(lambda: KEY in runtime.data.markets and runtime.data.markets[KEY].live)
        market, states = runtime.data.markets[KEY], list[BookState]()
        runtime.data.on_state_change(lambda market, old, new, now: states.append(new))
        runtime.data.on_frame = Poison(runtime.data.on_frame, 1)  # type: ignore[method-assign,assignment]
        await venue.update()
        await eventually(lambda: market.live and states)
        assert states == [BookState.DOWN, BookState.SYNCING, BookState.LIVE]
        assert runtime.feed is not None
        assert [session.metrics.state for session in runtime.feed.sessions] == [ConnectionState.UP]
        await venue.update()
        await eventually(lambda: market.book.bid_price == venue.seq)


@pytest.mark.parametrize("shutdown", list(ShutdownPolicy))
async def test_a_feed_that_cannot_go_on_ends_the_engine_by_its_shutdown_policy(shutdown: ShutdownPolicy) -> None:
    venue = Okx()
    async with venue.listening(), engine(venue, shutdown) as runtime:
        runtime.codec.decode_instruments = Poison(None, 1)  # type: ignore[method-assign,assignment]
        done: list[str] = []
        runtime.engine.cancel_all = lambda **_: done.append("cancel")  # type: ignore[method-assign,assignment,return-value]
        runtime.engine.flatten = lambda *_: done.append("flatten")  # type: ignore[method-assign,assignment,return-value]
        with pytest.raises(ExceptionGroup):
            await runtime.run()
        assert (
            done
            == {ShutdownPolicy.LEAVE: [], ShutdownPolicy.CANCEL: ["cancel"], ShutdownPolicy.FLATTEN: ["flatten"]}[
                shutdown
            ]
        )
        assert "stopping: the feed failed: a bug of ours" in notices(runtime, "info")


async def test_a_bug_in_one_duty_of_the_timer_is_told_once_and_leaves_the_others_running() -> None:
    venue = Okx()
    async with venue.listening(), engine(venue) as runtime:
        runtime.engine.advance = Poison(None, 10**9)  # type: ignore[method-assign,assignment]
        async with running(runtime):
            await eventually(lambda: KEY in runtime.data.markets and runtime.data.markets[KEY].live)
            looked = runtime.data.check_silence
            times: list[int] = []
            runtime.data.check_silence = lambda now: (times.append(now), looked(now))[1]  # type: ignore[method-assign,func-returns-value]
            await eventually(lambda: len(times) >= 3)
            failures = [line for line in notices(runtime, "bad") if "failed" in line]
            assert failures == ["the clock of orders failed: RuntimeError: a bug of ours"]


async def test_what_happens_to_connections_is_told_in_the_log() -> None:
    venue = Okx()
    async with venue.listening(), engine(venue) as runtime, running(runtime):
        await eventually(lambda: KEY in runtime.data.markets and runtime.data.markets[KEY].live)
        assert runtime.feed is not None
        (session,) = runtime.feed.sessions
        await eventually(lambda: session.metrics.state is ConnectionState.UP)
        session.request_rotation()
        await eventually(lambda: session.metrics.rotations == 1)
        for socket in tuple(venue.subscribers):
            socket.transport.abort()
        await eventually(lambda: session.metrics.reconnects == 1 and runtime.data.markets[KEY].live)
        told = [notice.text.partition(";")[0] for notice in runtime.engine.board.ring if notice.kind == "feed"]
        lost = [line for line in told if line.startswith("okx.spot.public lost: ")]
        for line in (
            "okx.spot.public connected",
            "okx.spot.public: all subscriptions confirmed",
            "okx.spot.public moved to a new connection",
            *lost,
        ):
            assert line in told
        assert len(lost) == 1


async def test_a_connection_with_a_cut_off_book_is_replaced_without_a_gap() -> None:
    venue = Okx()
    async with venue.listening(), engine(venue) as runtime, running(runtime):
        await eventually(lambda: KEY in runtime.data.markets and runtime.data.markets[KEY].live)
        assert runtime.feed is not None
        (session,) = runtime.feed.sessions
        await eventually(lambda: session.metrics.state is ConnectionState.UP)
        cut_off = [session.plan.conn]
        runtime.data.cut_off_connections = lambda: [cut_off.pop()] if cut_off else []  # type: ignore[method-assign]
        await eventually(lambda: session.metrics.rotations == 1)
        assert runtime.data.markets[KEY].live
        assert session.metrics.reconnects == 0
        assert any("a book is cut off" in line for line in notices(runtime, "warn"))


async def test_pongs_prove_a_quiet_line() -> None:
    venue = Okx()
    async with venue.listening(), engine(venue) as runtime, running(runtime):
        await eventually(lambda: KEY in runtime.data.markets and runtime.data.markets[KEY].live)
        assert runtime.feed is not None
        (session,) = runtime.feed.sessions
        heard: list[tuple[str, int]] = []
        runtime.data.on_heard = lambda conn, at: heard.append((conn, at))  # type: ignore[method-assign]
        await eventually(lambda: session.metrics.heard_ns > session.metrics.last_frame_ns and heard)
        assert heard[-1][0] == session.plan.conn
        assert session.metrics.rtt_ms >= 0
