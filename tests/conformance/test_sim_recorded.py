"""Frames of the embedded exchange beside real ones: same fields in the same order, same decimals, same types."""

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from jackbot_tui.sim.exchange import SimExchange

RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "binance"
SINCE_2026 = {"ps", "st"}  # fields newer than the recordings (../shared/exchanges/binance.md §2)
STREAMS = {
    "spot": ("btcusdt@depth@100ms", "btcusdt@trade", "btcusdt@bookTicker"),
    "linear": ("btcusdt@depth@0ms", "btcusdt@trade", "btcusdt@bookTicker"),
}
pytestmark = pytest.mark.recorded


def recorded_samples(kind: str) -> dict[str, dict[str, Any]]:
    """The first frame of each stream, and the depth snapshot under ``http``."""
    path = RECORDED / kind / "btcusdt_20240808.jsonl.gz"
    if not path.exists():
        assert "CI" not in os.environ, f"{path} must be there in CI"
        pytest.skip(f"no recordings at {RECORDED}")
    found: dict[str, dict[str, Any]] = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            record = json.loads(line)
            frame = json.loads(record["raw"])
            if record["kind"] == "http":
                found.setdefault("http", frame)
            elif "stream" in frame:
                found.setdefault(frame["stream"], frame["data"])
            if len(found) == len(STREAMS[kind]) + 1:
                return found
    raise AssertionError(f"{path} lacks one of {STREAMS[kind]}")


async def simulated_samples(kind: str) -> dict[str, dict[str, Any]]:
    symbol = "BTC/USDT" if kind == "spot" else "BTC/USDT:USDT"
    found: dict[str, dict[str, Any]] = {}
    async with SimExchange([symbol], manual=True) as sim, aiohttp.ClientSession() as session:
        base = sim.endpoints["spot.public"] if kind == "spot" else sim.endpoints["linear.public"]
        async with session.ws_connect(f"{base}/stream?streams={'/'.join(STREAMS[kind])}") as socket:
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            await socket.receive_json(timeout=10)
            await sim.step(5)
            while len(found) < len(STREAMS[kind]):
                frame = await socket.receive_json(timeout=10)
                data = frame["data"]
                if "a" not in data or isinstance(data["a"], str) or (data["a"] and data["b"]):
                    found.setdefault(frame["stream"], data)
        path = "/api/v3/depth" if kind == "spot" else "/fapi/v1/depth"
        async with session.get(sim.endpoints["spot.rest"] + f"{path}?symbol=BTCUSDT&limit=1000") as reply:
            found["http"] = await reply.json()
    return found


def shape(value: Any) -> str:
    """What kind of value: decimals of a padded text, a number, a list of its first element."""
    if isinstance(value, str):
        number = re.fullmatch(r"\d+(?:\.(\d+))?", value)
        return f"decimal with {len(number[1] or '')} places" if number else value
    if isinstance(value, list):
        return f"[{', '.join(shape(item) for item in value[:2])}]" if value and isinstance(value[0], str) else "levels"
    return type(value).__name__


@pytest.mark.parametrize("kind", ["spot", "linear"])
async def test_frames_have_the_shape_of_recorded_ones(kind: str) -> None:
    real, simulated = recorded_samples(kind), await simulated_samples(kind)
    assert simulated.keys() == real.keys()
    for name, frame in real.items():
        ours = {field: value for field, value in simulated[name].items() if field not in SINCE_2026}
        assert list(ours) == list(frame), name
        for field, value in frame.items():
            if field in ("m", "M"):
                assert isinstance(ours[field], bool)
            else:
                assert shape(ours[field]) == shape(value), (name, field)
            if isinstance(value, list) and value:
                assert shape(ours[field][0]) == shape(value[0]), (name, field)
