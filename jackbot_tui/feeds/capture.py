"""Writing capture files: the recorders that see all traffic, and what reads captures back.

The engine hands recorders to sessions and REST clients as their ``Tap``. They write on a thread of their own and never
hold up the caller: when their queue is full they drop and count. Secrets are replaced before anything is written.
The format and its reader live in ``capture_format`` and are offered here as well.
"""

import os
import threading
import time
import zlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec
from msgspec import Struct

from jackbot_tui.feeds.capture_format import MIB, CaptureKind, CaptureReader, CaptureRecord, read_capture
from jackbot_tui.feeds.redaction import redact_frame, redact_reply, redact_request, redact_url
from jackbot_tui.model.errors import CaptureError, InputError

__all__ = [
    "CaptureError",
    "CaptureKind",
    "CaptureReader",
    "CaptureRecord",
    "CaptureWriter",
    "RingCapture",
    "Tap",
    "read_capture",
    "write_capture",
]

COMPRESSION = 3
"""gzip level of the recorders: about the size of level 6 at a third of its time on order book frames."""


class Tap(Protocol):
    """Whoever wants to see all traffic. Called on the event loop's thread; must return at once and never raise."""

    def record(self, ts_ns: int, kind: str, conn: str, url: str, raw: str | bytes) -> None: ...


class _WrittenLine(Struct, omit_defaults=True):
    ts_ns: int
    kind: str
    conn: str
    url: str = ""
    raw: str | None = None
    hex: str | None = None


def write_capture(path: Path, records: Iterable[CaptureRecord]) -> int:
    """Write ``records`` to ``path`` as one capture, here and now, and return their number. For tools, not engines."""
    count = 0
    with path.open("wb") as file:
        pack = zlib.compressobj(COMPRESSION, zlib.DEFLATED, 31)
        for record in records:
            file.write(pack.compress(_line(record)))
            count += 1
        file.write(pack.flush())
    return count


def _line(record: CaptureRecord) -> bytes:
    """The line of ``record`` with every secret replaced. ValueError when its text is not Unicode."""
    url = redact_url(record.url) if record.url else ""
    line = _WrittenLine(record.ts_ns, record.kind.value, record.conn, url)
    raw = record.raw
    if isinstance(raw, bytes):
        line.hex = raw.hex()
    else:
        match record.kind:
            case CaptureKind.CONNECT:
                line.raw = raw or None
            case CaptureKind.SEND:
                line.raw = redact_request(raw)
            case CaptureKind.HTTP:
                line.raw = redact_reply(raw)
            case _:
                line.raw = redact_frame(raw)
    return _ENCODER.encode(line) + b"\n"


_ENCODER = msgspec.json.Encoder()


class GzipSegment:
    """One gzip capture file being written. Used by one thread at a time.

    A write that the disk refuses raises OSError and leaves the file as it was before, so that writing may go on later.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
        self._pack = zlib.compressobj(COMPRESSION, zlib.DEFLATED, 31)
        self.size = 0

    def write(self, lines: bytes) -> None:
        """Append whole lines and push them to the operating system, so that a reader sees them at once."""
        before = self._pack.copy()
        try:
            self._put(self._pack.compress(lines) + self._pack.flush(zlib.Z_SYNC_FLUSH))
        except OSError:
            self._pack = before
            raise

    def close(self) -> None:
        try:
            self._put(self._pack.flush())
        finally:
            self._file.close()

    def _put(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            self._file.truncate(self.size)
            self._file.seek(self.size)
            raise
        self.size += len(data)


class Recorder(ABC):
    """What both recorders share: a bounded queue, a thread that empties it, counters, and an end that loses nothing.

    ``record`` is for one thread (the event loop's) and costs about a microsecond. ``dropped`` counts records lost: the
    queue was full, the disk refused, or it was no record. ``problem`` tells of the last such loss on the way to disk.
    """

    QUEUE_BYTES = 16 * MIB
    RECORD_BYTES = 200  # what a queued record weighs besides its payload
    BATCH_BYTES = 256 * 1024
    WAKE_S = 0.25
    RETRY_S = 5.0
    CLOSE_S = 10.0

    def __init__(self, name: str) -> None:
        self.problem = ""
        self._queue: deque[tuple[int, str, str, str, str | bytes]] = deque()
        self._bytes_in = 0
        self._bytes_out = 0
        self._refused = 0  # counted by the caller's thread
        self._lost = 0  # counted by the writing thread
        self._written = 0
        self._blocked_until = 0.0
        self._closing = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        return self._refused + self._lost

    @property
    def written(self) -> int:
        """Records given to the operating system so far."""
        return self._written

    def record(self, ts_ns: int, kind: str, conn: str, url: str, raw: str | bytes) -> None:
        pending = self._bytes_in - self._bytes_out
        if self._closing or pending > self.QUEUE_BYTES:
            self._refused += 1
            return
        self._bytes_in += len(raw) + self.RECORD_BYTES
        self._queue.append((ts_ns, kind, conn, url, raw))
        if pending > self.BATCH_BYTES and not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what is queued and close the file; records offered later are dropped and counted."""
        self._closing = True
        self._wake.set()
        self._thread.join(self.CLOSE_S)
        if self._thread.is_alive():
            self.problem = self.problem or f"the disk did not take the last records within {self.CLOSE_S:.0f} s"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- on the writing thread

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(self.WAKE_S)
            self._wake.clear()
            self._empty()
        self._empty()
        try:
            self._end()
        except OSError as error:
            self.problem = _disk_words(error)

    def _empty(self) -> None:
        while self._queue:
            lines = self._batch()
            if time.monotonic() < self._blocked_until:
                self._lost += len(lines)
                continue
            try:
                self._put(b"".join(lines))
            except OSError as error:
                self._lost += len(lines)
                self.problem = _disk_words(error)
                self._blocked_until = time.monotonic() + self.RETRY_S
            else:
                self._written += len(lines)

    def _batch(self) -> list[bytes]:
        """Lines of the next records, about ``BATCH_BYTES`` of them and at least one record's."""
        lines: list[bytes] = []
        size = 0
        while self._queue and size < self.BATCH_BYTES:
            ts_ns, kind, conn, url, raw = self._queue.popleft()
            size += len(raw) + self.RECORD_BYTES
            try:
                lines.append(_line(CaptureRecord(ts_ns, CaptureKind(kind), conn, url, raw)))
            except (ValueError, TypeError) as error:
                self._lost += 1
                self.problem = f"a record of {conn} cannot be written: {error}"
        self._bytes_out += size
        return lines

    @abstractmethod
    def _put(self, lines: bytes) -> None:
        """Write whole lines; OSError when the disk refuses."""

    @abstractmethod
    def _end(self) -> None:
        """Close what is open; OSError when the disk refuses."""


def _disk_words(error: OSError) -> str:
    where = f" {error.filename}" if error.filename else ""
    return f"cannot write{where}: {error.strerror or error}"


class CaptureWriter(Recorder):
    """Records into one file. Raises InputError when the file exists or cannot be made."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        try:
            self._segment = GzipSegment(self.path)
        except FileExistsError:
            raise InputError(f"{path} exists already: nothing was overwritten; choose another name") from None
        except OSError as error:
            raise InputError(f"cannot record to {path}: {error.strerror or error}") from error
        super().__init__("capture-writer")

    def _put(self, lines: bytes) -> None:
        self._segment.write(lines)

    def _end(self) -> None:
        self._segment.close()


class RingCapture(Recorder):
    """Records always, into segments ``ring-<number>.jsonl.gz`` of a folder, and removes the oldest to stay in bounds.

    The folder's segments together never exceed ``max_bytes`` by more than one batch of lines. Segments of earlier runs
    count and are removed first. ``segments_opened`` counts up with each new file: an owner that fetches a book snapshot
    then makes every segment replayable on its own.
    """

    def __init__(self, directory: Path, *, max_bytes: int = 256 * MIB, segment_bytes: int = 0) -> None:
        self.directory = Path(directory)
        self.max_bytes = max_bytes
        self.segment_bytes = segment_bytes or max(max_bytes // 16, 64 * 1024)
        self.segments_opened = 0
        if self.segment_bytes * 2 > max_bytes:
            raise InputError(
                f"a ring capture of {max_bytes} bytes cannot hold two segments of {self.segment_bytes}: "
                f"give it at least {self.segment_bytes * 2} bytes"
            )
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = self.segments()
        except OSError as error:
            raise InputError(f"cannot keep captures in {directory}: {error.strerror or error}") from error
        self._number = max((_segment_number(path) for path in found), default=0)
        self._segment: GzipSegment | None = None
        super().__init__("ring-capture")

    def segments(self) -> list[Path]:
        """The ring's files, oldest first."""
        return sorted(self.directory.glob("ring-*.jsonl.gz"), key=_segment_number)

    def _put(self, lines: bytes) -> None:
        if self._segment is None or self._segment.size >= self.segment_bytes:
            self._end()
            self._segment = self._next_segment()
            self.segments_opened += 1
        self._segment.write(lines)

    def _end(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()

    def _next_segment(self) -> GzipSegment:
        """Open the next file after making room for all of it."""
        found = self.segments()
        sizes = [_size(path) for path in found]
        total = sum(sizes)
        for path, size in zip(found, sizes, strict=True):
            if total + self.segment_bytes <= self.max_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size
        while True:
            self._number += 1
            try:
                return GzipSegment(self.directory / f"ring-{self._number:08d}.jsonl.gz")
            except FileExistsError:
                continue  # another engine records into the same folder


def _size(path: Path) -> int:
    """Bytes of a segment; 0 when another engine that records into the same folder has removed it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _segment_number(path: Path) -> int:
    digits = path.name.removeprefix("ring-").removesuffix(".jsonl.gz")
    return int(digits) if digits.isdigit() else 0
