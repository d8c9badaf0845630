"""The engine's log: shape of a line, masking, rotation, and an output that breaks or blocks."""

import io
import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.headless.log import JsonLog, RotatingFile, StreamOutput, log_line
from jackbot_tui.settings.redaction import is_secret_name, redact_text, redact_value

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class Memory:
    """An output that remembers, and breaks or waits when told to."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.written = io.BytesIO()
        self.broken = False
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def write(self, line: bytes) -> None:
        self.entered.set()
        self.gate.wait()
        if self.broken:
            raise BrokenPipeError("reader gone")
        self.written.write(line)

    def close(self) -> None:
        return

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_event_and_fields() -> None:
    line = log_line(1_700_000_000_123_456_789, "info", "fill", {"key": "binance:BTC/USDT", "text": "a\nb", "n": 3})
    assert b"\n" not in line
    assert json.loads(line) == {
        "ts": "2023-11-14T22:13:20.123456Z",
        "level": "info",
        "event": "fill",
        "key": "binance:BTC/USDT",
        "text": "a\nb",
        "n": 3,
    }


@pytest.mark.parametrize(
    "text",
    [
        f"apiKey={API_KEY}&symbol=BTCUSDT",
        "wss://host/ws?listenKey=hunter2",
        "https://user:hunter2@host/path",
        "Authorization: Bearer hunter2",
        '{"api_secret": "hunter2", "x": 1}',
        "X-MBX-APIKEY: hunter2",
        "password=hunter2",
        "signature=hunter2",
        f"got {API_KEY} from the file",
    ],
)
def test_secrets_never_reach_a_line(text: str) -> None:
    line = log_line(0, "info", "x", {"text": text, "nested": {"deep": [text]}}).decode()
    assert "hunter2" not in line and API_KEY not in line and "***" in line


@pytest.mark.parametrize("text", ["key=binance:BTC/USDT", f"digest {DIGEST}", "buy 0.5 @ 61000 post", "10:22 token"])
def test_harmless_text_is_left_alone(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("api_key", True),
        ("apiSecret", True),
        ("listenKey", True),
        ("access_token", True),
        ("key", False),
        ("seq", False),
    ],
)
def test_secret_fields_are_known_by_name(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret
    assert (redact_value(name, "value") == "***") is secret


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEF0123456789", min_size=1, max_size=80), st.text(max_size=30))
def test_an_assigned_secret_is_masked_whatever_stands_around_it(secret: str, around: str) -> None:
    marked = f"Q{secret}Q7"
    assert marked not in redact_text(f"{around} secret={marked} {around}")


def test_a_broken_output_moves_the_log_to_the_fallback_and_says_so() -> None:
    first, second = Memory("stdout"), Memory("file")
    log = JsonLog(first, fallback=second)
    log("info", "one", {})
    first.broken = True
    log("info", "two", {})
    log.close()
    assert log.switched == 1 and log.lost == 0
    events = [line["event"] for line in first.lines() + second.lines()]
    assert sorted(str(event) for event in events) in (["log_moved", "one", "two"],)
    assert next(line for line in second.lines() if line["event"] == "log_moved")["from"] == "stdout"


def test_a_closed_pipe_does_not_end_the_process(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    log = JsonLog(StreamOutput(writing), fallback=RotatingFile(tmp_path / "log" / "x.log", 1000, 1))
    log("error", "still_here", {})
    log.close()
    os.close(writing)
    assert "still_here" in (tmp_path / "log" / "x.log").read_text()


def test_without_a_fallback_lines_are_counted_as_lost() -> None:
    output = Memory()
    output.broken = True
    log = JsonLog(output)
    log("info", "one", {})
    log("info", "two", {})
    log.close()
    assert (log.switched, log.lost) == (1, 2)


def test_a_blocked_reader_never_blocks_the_engine_and_drops_are_told() -> None:
    output = Memory()
    output.gate.clear()
    log = JsonLog(output, capacity=10)
    log("info", "first", {})
    assert output.entered.wait(10)  # the writer now hangs in the output, with an empty queue
    for number in range(100):
        log("info", "later", {"n": number})
    assert log.dropped == 90
    output.gate.set()
    log.close()
    told = [line for line in output.lines() if line["event"] == "log_dropped"]
    assert [line["lines"] for line in told] == [90]
    assert [line["n"] for line in output.lines() if line["event"] == "later"] == list(range(10))


def test_lines_below_the_level_are_not_written() -> None:
    output = Memory()
    log = JsonLog(output, level="warning")
    for level in ("debug", "info", "warning", "error"):
        log(level, level, {})
    log.close()
    assert [line["event"] for line in output.lines()] == ["warning", "error"]


def test_a_file_is_put_aside_at_its_size_and_old_ones_go(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    file = RotatingFile(path, max_bytes=100, keep=2)
    for number in range(10):
        file.write(b"%02d" % number + b"x" * 57 + b"\n")
    file.close()
    names = sorted(entry.name for entry in tmp_path.iterdir())
    assert names == ["engine.log", "engine.log.1", "engine.log.2"]
    assert [(tmp_path / name).read_bytes()[:2] for name in names] == [b"09", b"08", b"07"]
    assert path.stat().st_mode & 0o077 == 0


def test_without_old_files_the_log_starts_over(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "engine.log", max_bytes=100, keep=0)
    for number in range(5):
        file.write(b"%02d" % number + b"x" * 57 + b"\n")
    file.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["engine.log"]
    assert (tmp_path / "engine.log").read_bytes()[:2] == b"04"


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    assert json.loads(log_line(0, "info", "x", {"path": Path("/a"), "error": ValueError("no")})) == {
        "ts": "1970-01-01T00:00:00.000000Z",
        "level": "info",
        "event": "x",
        "path": "/a",
        "error": "no",
    }
