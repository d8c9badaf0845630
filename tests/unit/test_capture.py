"""Captures: what was written is read back, cut files end cleanly, damage names its line, bounds hold, no secrets."""

import errno
import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.feeds import capture
from jackbot_tui.feeds.capture import (
    CaptureKind,
    CaptureRecord,
    CaptureWriter,
    RingCapture,
    read_capture,
    write_capture,
)
from jackbot_tui.model.errors import CaptureError, InputError

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"
LINE = b'{"ts_ns":1723161255030314667,"kind":"recv","conn":"ws1","raw":"{\\"u\\":1}"}\n'


def record(n: int, raw: str | bytes = "{}", kind: CaptureKind = CaptureKind.RECV, url: str = "") -> CaptureRecord:
    return CaptureRecord(n, kind, "ws1", url, raw)


def numbers(path: Path) -> list[int]:
    return [r.ts_ns for r in read_capture([path])]


# ---------------------------------------------------------------------- reading


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("name", "frames", "replies"),
    [("binance/linear/btcusdt_20240808.jsonl.gz", 93953, 1), ("binance/spot/btcusdt_20240808.jsonl.gz", 41248, 1)],
)
def test_recording_has_the_frames_its_readme_states(name: str, frames: int, replies: int) -> None:
    path = RECORDED / name
    if not path.exists() and not os.environ.get("CI"):
        pytest.skip("real exchange traffic is not here (../shared/recorded)")
    reader = read_capture([path])
    kinds = [r.kind for r in reader]
    assert (kinds.count(CaptureKind.RECV), kinds.count(CaptureKind.HTTP)) == (frames, replies)
    assert (reader.records, reader.notes) == (frames + replies, [])


@pytest.mark.recorded
def test_every_recording_and_sample_of_every_venue_can_be_read() -> None:
    paths = sorted(p for p in RECORDED.rglob("*.jsonl.gz") if p.parts[-3] != "binance")
    if not paths and not os.environ.get("CI"):
        pytest.skip("real exchange traffic is not here (../shared/recorded)")
    assert len(paths) > 20
    for path in paths:
        with gzip.open(path) as file:
            assert len(list(read_capture([path]))) == sum(1 for _ in file), path


def test_plain_and_gzip_files_continue_one_another(tmp_path: Path) -> None:
    write_capture(tmp_path / "a.jsonl.gz", [record(1), record(2)])
    (tmp_path / "b.jsonl").write_bytes(b'{"ts_ns":3,"kind":"recv","conn":"ws1","raw":"{}"}\n')
    write_capture(tmp_path / "c.jsonl.gz", [record(4, kind=CaptureKind.CONNECT, raw="", url="wss://x/ws")])
    paths = [tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl", tmp_path / "c.jsonl.gz"]
    assert [r.ts_ns for r in read_capture(paths)] == [1, 2, 3, 4]
    assert [r.ts_ns for r in read_capture([tmp_path])] == [1, 2, 3, 4]


def test_members_glued_together_and_zero_padding_are_read_as_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(LINE * 2) + b"\0" * 700 + gzip.compress(LINE) + b"\0" * 4096)
    reader = read_capture([path])
    assert (len(list(reader)), reader.notes) == (3, [])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_gzip_file_cut_anywhere_yields_a_prefix_and_a_note(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.jsonl.gz"
    whole = gzip.compress(b"".join(b'{"ts_ns":%d,"kind":"recv","conn":"w","raw":"x"}\n' % n for n in range(40)))
    cut = data.draw(st.integers(1, len(whole) - 1))
    path.write_bytes(whole[:cut])
    reader = read_capture([path])
    got = [r.ts_ns for r in reader]
    assert got == list(range(len(got)))
    assert len(reader.notes) == 1
    assert str(path) in reader.notes[0]


def test_torn_last_line_ends_its_file_and_the_next_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINE + LINE[:40])
    (tmp_path / "b.jsonl").write_bytes(LINE)
    reader = read_capture([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert len(list(reader)) == 2
    assert reader.notes == [f"{tmp_path / 'a.jsonl'}: cut short after line 1; what is there was read"]


def test_last_line_without_newline_is_a_line_when_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINE + LINE.rstrip())
    reader = read_capture([tmp_path / "a.jsonl"])
    assert (len(list(reader)), reader.notes) == (2, [])


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage",
        b'{"ts_ns":1,"kind":"recv"',
        b'{"ts_ns":1,"kind":"recv","conn":"w"}',
        b'{"ts_ns":1,"kind":"nonsense","conn":"w","raw":""}',
        b'{"ts_ns":"1","kind":"recv","conn":"w","raw":""}',
        b'{"ts_ns":-1,"kind":"recv","conn":"w","raw":""}',
        b'{"ts_ns":1,"kind":"recv","conn":"w","hex":"0g"}',
        b'{"ts_ns":1,"kind":"recv","conn":"w","raw":"\xff"}',
        b'{"x":' + b"[" * 100_000,
        b"[]",
    ],
)
def test_garbage_in_the_middle_names_file_and_line(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINE + b"\n" + garbage + b"\n" + LINE)
    reader = read_capture([path])
    assert next(reader).conn == "ws1"
    with pytest.raises(CaptureError) as error:
        next(reader)
    assert str(error.value).startswith(f"{path}:3: not a capture line")
    assert "\n" not in str(error.value)


def test_damaged_gzip_data_is_an_error_not_an_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    whole = bytearray(gzip.compress(os.urandom(2000).hex().encode()))
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(bytes(whole))
    with pytest.raises(CaptureError, match="damaged"):
        list(read_capture([path]))


def test_missing_file_and_empty_folder_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no such file"):
        read_capture([tmp_path / "none.jsonl.gz"])
    with pytest.raises(CaptureError, match="no captures"):
        read_capture([tmp_path])


def test_line_without_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jackbot_tui.feeds.capture_format.MAX_LINE", 1024 * 1024)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"x" * (8 * 1024 * 1024)))
    with pytest.raises(CaptureError, match=":1: line longer"):
        list(read_capture([path]))


# ---------------------------------------------------------------------- writing

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=80).filter(lambda t: "istenKey" not in t)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**62), _text | st.binary(max_size=80)), max_size=20))
def test_what_is_written_is_read_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, frames: list[tuple[int, str | bytes]]
) -> None:
    path = tmp_path_factory.mktemp("round") / "a.jsonl.gz"
    records = [record(ts, raw) for ts, raw in frames]
    assert write_capture(path, records) == len(records)
    assert list(read_capture([path])) == records


def test_line_on_disk_has_the_keys_of_the_recordings_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    url = "wss://stream.example/ws"
    with CaptureWriter(path) as writer:
        writer.record(5, "connect", "ws1", url, "")
        writer.record(6, "send", "ws1", url, '{"id":1}')
        writer.record(7, "recv", "ws1", "", '{"u":1}')
        writer.record(8, "recv", "ws1", "", b"\x00\xff")
    assert gzip.decompress(path.read_bytes()).splitlines() == [
        b'{"ts_ns":5,"kind":"connect","conn":"ws1","url":"wss://stream.example/ws"}',
        b'{"ts_ns":6,"kind":"send","conn":"ws1","url":"wss://stream.example/ws","raw":"{\\"id\\":1}"}',
        b'{"ts_ns":7,"kind":"recv","conn":"ws1","raw":"{\\"u\\":1}"}',
        b'{"ts_ns":8,"kind":"recv","conn":"ws1","hex":"00ff"}',
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_recording_never_overwrites_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b"precious")
    with pytest.raises(InputError, match="exists already"):
        CaptureWriter(path)
    assert path.read_bytes() == b"precious"


def test_full_queue_drops_counts_and_never_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture.Recorder, "QUEUE_BYTES", 10_000)
    path = tmp_path / "a.jsonl.gz"
    with CaptureWriter(path) as writer:
        for n in range(2000):
            writer.record(n, "recv", "ws1", "", "x" * 100)
    assert writer.dropped > 0
    assert writer.written + writer.dropped == 2000
    assert len(numbers(path)) == writer.written


def test_record_after_the_end_and_nonsense_kinds_are_counted(tmp_path: Path) -> None:
    with CaptureWriter(tmp_path / "a.jsonl.gz") as writer:
        writer.record(1, "nonsense", "ws1", "", "x")
        writer.record(2, "recv", "ws1", "", "\ud800")
        writer.record(3, "recv", "ws1", "", "x")
    writer.record(4, "recv", "ws1", "", "x")
    assert (writer.written, writer.dropped) == (1, 3)
    assert numbers(tmp_path / "a.jsonl.gz") == [3]


class FullDisk:
    """A file that takes half of a write and then refuses, as a full disk does."""

    def __init__(self, file: object) -> None:
        self.file = file
        self.full = False

    def write(self, data: memoryview) -> int:
        if self.full:
            self.full = False
            self.file.write(data[: len(data) // 2])  # type: ignore[attr-defined]
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.file.write(data)  # type: ignore[attr-defined, no-any-return]

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)


def test_disk_that_fills_up_costs_its_batch_and_nothing_written_before_or_after(tmp_path: Path) -> None:
    segment = capture.GzipSegment(tmp_path / "a.jsonl.gz")
    disk = FullDisk(segment._file)
    segment._file = disk  # type: ignore[assignment]
    segment.write(b'{"ts_ns":1,"kind":"recv","conn":"w","raw":"before"}\n')
    disk.full = True
    with pytest.raises(OSError, match="No space"):
        segment.write(b'{"ts_ns":2,"kind":"recv","conn":"w","raw":"lost"}\n' * 500)
    segment.write(b'{"ts_ns":3,"kind":"recv","conn":"w","raw":"after"}\n')
    segment.close()
    assert numbers(tmp_path / "a.jsonl.gz") == [1, 3]


def test_ring_stays_within_its_bytes_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture.Recorder, "BATCH_BYTES", 8_000)
    largest = 0
    with RingCapture(tmp_path / "ring", max_bytes=120_000, segment_bytes=20_000) as ring:
        put = ring._put

        def put_and_look(lines: bytes) -> None:
            nonlocal largest
            put(lines)
            largest = max(largest, sum(p.stat().st_size for p in ring.segments()))

        monkeypatch.setattr(ring, "_put", put_and_look)
        for n in range(1500):
            ring.record(n, "recv", "ws1", "", os.urandom(150).hex())
    assert ring.dropped == 0
    assert ring.segments_opened > 6
    assert 60_000 < largest <= 120_000 + 8_000
    kept = [r.ts_ns for r in read_capture([tmp_path / "ring"])]
    assert kept == list(range(kept[0], 1500))
    assert kept[0] > 0


def test_ring_goes_on_after_the_segments_of_an_earlier_run(tmp_path: Path) -> None:
    for start in (0, 10):
        with RingCapture(tmp_path) as ring:
            for n in range(start, start + 10):
                ring.record(n, "recv", "ws1", "", "{}")
    assert [p.name for p in ring.segments()] == ["ring-00000001.jsonl.gz", "ring-00000002.jsonl.gz"]
    assert [r.ts_ns for r in read_capture([tmp_path])] == list(range(20))


def test_killed_writer_leaves_a_readable_segment(tmp_path: Path) -> None:
    segment = capture.GzipSegment(tmp_path / "a.jsonl.gz")
    segment.write(LINE * 3)  # and never closed
    reader = read_capture([tmp_path / "a.jsonl.gz"])
    assert len(list(reader)) == 3
    assert len(reader.notes) == 1


def test_ring_too_small_for_two_segments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 2000000 bytes"):
        RingCapture(tmp_path, max_bytes=1_000_001, segment_bytes=1_000_000)


# ---------------------------------------------------------------------- secrets

SECRET = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6"


@pytest.mark.parametrize(
    ("kind", "url", "raw"),
    [
        ("connect", f"wss://x.example/endpoint?token={SECRET}&connectId=1", ""),
        ("connect", f"wss://x.example/ws/{SECRET}", ""),
        ("connect", f"wss://x.example/private/ws?listenKey={SECRET}&events=ORDER_TRADE_UPDATE", ""),
        ("http", f"https://user:{SECRET}@x.example/api", "{}"),
        ("http", f"https://x.example/api/v3/order?symbol=BTCUSDT&signature={SECRET}", "{}"),
        ("http", f"https://x.example/api?apiKey={SECRET}", "{}"),
        ("http", "https://x.example/bullet", f'{{"data":{{"token":"{SECRET}","instanceServers":[]}}}}'),
        ("http", "https://x.example/listenKey", f'{{"listenKey":"{SECRET}"}}'),
        ("send", "wss://x.example", f'{{"op":"auth","args":["key",1662350400000,"{SECRET}"]}}'),
        ("send", "wss://x.example", f'{{"op":"login","args":[{{"apiKey":"k","passphrase":"p","sign":"{SECRET}"}}]}}'),
        ("send", "wss://x.example", f'{{"auth":{{"method":"api_key","KEY":"k","SIGN":"{SECRET}"}}}}'),
        ("send", "wss://x.example", f'{{"method":"session.logon","params":{{"apiKey":"{SECRET}"}}}}'),
        ("send", "https://x.example", f"symbol=BTCUSDT&signature={SECRET}"),
        ("recv", "", f'{{"e":"listenKeyExpired","E":1,"listenKey":"{SECRET}"}}'),
    ],
)
def test_secret_never_reaches_the_disk(tmp_path: Path, kind: str, url: str, raw: str) -> None:
    path = tmp_path / "a.jsonl.gz"
    with CaptureWriter(path) as writer:
        writer.record(1, kind, "ws1", url, raw)
    text = gzip.decompress(path.read_bytes()).decode()
    assert SECRET not in text
    assert "TOKEN" in text
    written = json.loads(text)
    if raw.startswith("{"):
        assert isinstance(json.loads(written["raw"]), dict)


@pytest.mark.parametrize(
    ("kind", "url", "raw"),
    [
        ("connect", "wss://stream.binance.com:9443/stream?streams=btcusdt@depth@100ms/btcusdt@trade", ""),
        ("send", "wss://x.example", '{"method":"SUBSCRIBE","params":["btcusdt@depth@100ms"],"id":1}'),
        ("http", "https://x.example/api/v3/depth?symbol=BTCUSDT&limit=1000", '{"lastUpdateId":1,"bids":[],"asks":[]}'),
        ("http", "https://x.example/info", '{"tokens":[{"name":"KEY","token":1,"tokenId":"0xabc"}]}'),
        ("recv", "", '{"key":"value","token":"PURR","sign":"-"}'),
    ],
)
def test_public_traffic_is_written_unchanged(tmp_path: Path, kind: str, url: str, raw: str) -> None:
    with CaptureWriter(tmp_path / "a.jsonl.gz") as writer:
        writer.record(1, kind, "ws1", url, raw)
    assert list(read_capture([tmp_path / "a.jsonl.gz"])) == [CaptureRecord(1, CaptureKind(kind), "ws1", url, raw)]
