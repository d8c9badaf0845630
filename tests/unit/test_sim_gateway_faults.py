"""Every fault of the catalogue, seen from a client's side of the socket."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from jackbot_tui.sim.exchange import SimExchange
from tests.unit.test_sim_gateway import TIMEOUT_S, Client, NaiveBook, closing_code, connect, exchange, fetch

DEPTH = "btcusdt@depth@100ms"


async def depth_frames(spec: str, seconds: float = 20.0) -> list[str]:
    async with exchange(symbols=["BTC/USDT"], faults=spec) as (sim, session):
        client = await connect(session, sim.endpoints["spot.public"] + "/ws", DEPTH)
        await sim.step(seconds)
        return await client.texts()


async def test_dropped_repeated_reordered_and_garbled_frames() -> None:
    healthy = await depth_frames("")
    assert len(set(healthy)) == len(healthy) > 150
    dropped = await depth_frames("drop=0.2")
    assert len(healthy) * 0.6 < len(dropped) < len(healthy) * 0.95
    assert set(dropped) < set(healthy)
    repeated = await depth_frames("repeat=0.2")
    assert list(dict.fromkeys(repeated)) == healthy
    assert len(repeated) > len(healthy) * 1.1
    swapped = await depth_frames("reorder=0.2")
    ids = [json.loads(text)["u"] for text in swapped]
    assert ids != sorted(ids)
    assert set(swapped) <= set(healthy)
    garbled = await depth_frames("garbage=0.2")
    assert [text for text in garbled if text in set(healthy)] == healthy
    assert len(garbled) > len(healthy) * 1.1


async def test_a_gap_loses_one_frame_of_each_depth_stream_and_trades_go_on() -> None:
    async with exchange(faults="gap@5s") as (sim, session):
        url = sim.endpoints["spot.public"] + "/stream"
        client = await connect(session, url, DEPTH, "ethusdt@depth@100ms", "btcusdt@trade")
        await sim.step(10)
        last: dict[str, int] = {}
        gaps: dict[str, int] = {}
        trades = []
        for frame in await client.frames():
            name, data = frame["stream"], frame["data"]
            if name == "btcusdt@trade":
                trades.append(data["t"])
                continue
            if name in last and data["U"] != last[name] + 1:
                gaps[name] = gaps.get(name, 0) + 1
            last[name] = data["u"]
        assert gaps == {DEPTH: 1, "ethusdt@depth@100ms": 1}
        assert trades == list(range(1, len(trades) + 1))


@pytest.mark.parametrize(("code", "seen"), [(1006, 1006), (1012, 1012), (1001, 1001)])
async def test_close_ends_every_connection_with_its_code_and_new_ones_work(code: int, seen: int) -> None:
    async with exchange(faults=f"close@2s:{code}") as (sim, session):
        spot = await connect(session, sim.endpoints["spot.public"] + "/ws", DEPTH)
        linear = await connect(session, sim.endpoints["linear.public"] + "/ws", DEPTH)
        await sim.step(2.5)
        assert [await closing_code(client) for client in (spot, linear)] == [seen, seen]
        again = await connect(session, sim.endpoints["spot.public"] + "/ws", DEPTH)
        await sim.step(1)
        assert len(await again.frames()) > 5


async def test_half_open_sockets_say_and_hear_nothing_but_stay_connected() -> None:
    async with exchange(symbols=["BTC/USDT"]) as (sim, session):
        client = await connect(session, sim.endpoints["spot.public"] + "/ws", DEPTH)
        await sim.step(1)
        assert len(await client.frames()) > 5
        sim.faults.trigger("halfopen")
        await client.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 5})
        await client.socket.ping()
        await sim.step(3)
        fresh = await connect(session, sim.endpoints["spot.public"] + "/ws", DEPTH)
        await sim.step(1)
        assert len(await fresh.frames()) > 5
        with pytest.raises(TimeoutError):
            await client.socket.receive(timeout=0.2)
        assert not client.socket.closed
        await client.socket.close()


async def test_shutdown_is_announced_on_spot_and_then_carried_out() -> None:
    async with exchange(faults="shutdown@1s:2s") as (sim, session):
        raw = await connect(session, sim.endpoints["spot.public"] + "/ws")
        combined = await connect(session, sim.endpoints["spot.public"] + "/stream")
        linear = await connect(session, sim.endpoints["linear.public"] + "/ws")
        await sim.step(2)
        assert [frame["e"] for frame in await raw.frames()] == ["serverShutdown"]
        notice = (await combined.frames())[0]
        assert (notice["stream"], notice["data"]["e"]) == ("!serverShutdown", "serverShutdown")
        await sim.step(1.5)
        assert await closing_code(raw) == await closing_code(combined) == 1001
        assert await linear.request("LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}


async def test_an_acknowledgement_may_be_lost_while_the_data_flows() -> None:
    async with exchange(symbols=["BTC/USDT"], faults="noack=1") as (sim, session):
        client = await connect(session, sim.endpoints["spot.public"] + "/ws")
        await client.socket.send_json({"method": "SUBSCRIBE", "params": [DEPTH], "id": 1})
        frame = await first_frame(sim, client)
        assert frame["e"] == "depthUpdate"
        assert sim.faults.counts["noack"] == 1


async def first_frame(sim: SimExchange, client: Client) -> dict[str, Any]:
    """Step until something arrives; the subscription takes effect at a moment of the server's choosing."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            await sim.step(0.1)
            try:
                return json.loads(await client.socket.receive_str(timeout=0.05))
            except TimeoutError:
                continue


@pytest.mark.parametrize(
    ("spec", "status", "code", "retry_after"),
    [("rest429=1", 429, -1003, "1"), ("rest5xx=1", 503, -1008, None)],
)
async def test_rest_failures(spec: str, status: int, code: int, retry_after: str | None) -> None:
    async with exchange(symbols=["BTC/USDT"], faults=spec) as (sim, session):
        async with session.get(sim.endpoints["spot.rest"] + "/api/v3/depth?symbol=BTCUSDT") as reply:
            assert (reply.status, (await reply.json())["code"]) == (status, code)
            assert reply.headers.get("Retry-After") == retry_after
        sim.faults.clear()
        await fetch(session, sim.endpoints["spot.rest"] + "/api/v3/depth?symbol=BTCUSDT")


async def test_refused_handshakes_slow_replies_and_a_wrong_clock() -> None:
    async with exchange(symbols=["BTC/USDT"], faults="refuse=1,slow_rest=150ms,skew=-5s") as (sim, session):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(sim.endpoints["spot.public"] + "/ws")
        assert refused.value.status == 503
        url = sim.endpoints["spot.rest"] + "/api/v3/time"
        with pytest.raises(TimeoutError):
            await session.get(url, timeout=aiohttp.ClientTimeout(total=0.05))
        await sim.step(0.01)
        honest_ms = (sim.timeline.origin_ns + sim.timeline.elapsed_ns) // 1_000_000
        assert (await fetch(session, url))["serverTime"] == honest_ms - 5000


async def test_a_stale_snapshot_is_older_than_the_stream_and_the_next_one_bridges() -> None:
    async with exchange(symbols=["BTC/USDT"], faults="stale_snapshot=1") as (sim, session):
        await sim.step(3)
        client = await connect(session, sim.endpoints["spot.public"] + "/ws", DEPTH)
        await sim.step(1)
        events = await client.frames()
        url = sim.endpoints["spot.rest"] + "/api/v3/depth?symbol=BTCUSDT&limit=1000"
        assert (await fetch(session, url))["lastUpdateId"] < events[0]["U"] - 1
        sim.faults.set("stale_snapshot", 0)
        book = NaiveBook(await fetch(session, url), linear=False)
        await sim.step(1)
        for event in events + await client.frames():
            book.apply(event)
        assert book.bridged
