"""The engine's log: one JSON object a line with ``ts``, ``level``, ``event`` and the event's own fields.

Written by a thread of its own from a bounded queue, so that a paused pager on the other end of a pipe, a full disk or a
slow SD card never holds the engine up. When the queue is full new lines are dropped and counted; when the place it
writes to breaks (closed pipe) it goes on in the fallback file. Secrets are masked on the way in.
"""

import os
import queue
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from jackbot_tui.settings.redaction import redact_value

LEVELS = ("debug", "info", "warning", "error")
QUEUE_LINES = 10_000
CLOSE_S = 2.0
"""Longest time that an orderly end waits for the last lines."""

_encode = msgspec.json.Encoder(enc_hook=str).encode


def timestamp(now_ns: int) -> str:
    """RFC 3339 in UTC with microseconds."""
    seconds, rest = divmod(now_ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest // 1000:06d}Z"


def log_line(now_ns: int, level: str, event: str, fields: dict[str, object]) -> bytes:
    """One line of the log, without its newline, secrets masked."""
    safe = {name: redact_value(name, value) for name, value in fields.items()}
    return _encode({"ts": timestamp(now_ns), "level": level, "event": event, **safe})


class LogOutput(Protocol):
    """Where lines go. ``write`` raises OSError when the place is broken."""

    name: str

    def write(self, line: bytes) -> None: ...

    def close(self) -> None: ...


class StreamOutput:
    """Lines to an open file descriptor, usually standard output, which stays open."""

    def __init__(self, descriptor: int, name: str = "stdout") -> None:
        self.name = name
        self._descriptor = descriptor

    def write(self, line: bytes) -> None:
        data = memoryview(line)
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # somebody made the shared terminal non-blocking
                select.select([], [self._descriptor], [])

    def close(self) -> None:
        return


class RotatingFile:
    """Lines to ``path``; at ``max_bytes`` it becomes ``path.1``, that one ``path.2`` …; ``keep`` old ones stay."""

    def __init__(self, path: Path, max_bytes: int, keep: int) -> None:
        self.name = str(path)
        self._path, self._max_bytes, self._keep = path, max_bytes, keep
        self._file: BinaryIO | None = None
        self._size = 0

    def write(self, line: bytes) -> None:
        if self._file is None:
            self._open()
        elif self._size + len(line) > self._max_bytes and self._size:
            self._rotate()
        assert self._file is not None
        self._file.write(line)
        self._file.flush()
        self._size += len(line)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "ab")
        self._size = os.fstat(descriptor).st_size

    def _rotate(self) -> None:
        self.close()
        for number in range(self._keep, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
            if newer.exists():
                newer.replace(older)
        if not self._keep:
            self._path.unlink(missing_ok=True)
        self._open()


class JsonLog:
    """See the module's paragraph. Callable as the engine's log sink; safe to call from any thread."""

    def __init__(
        self,
        output: LogOutput,
        *,
        fallback: LogOutput | None = None,
        level: str = "info",
        now_ns: Callable[[], int] = time.time_ns,
        capacity: int = QUEUE_LINES,
    ) -> None:
        self.dropped = 0
        self.switched = 0
        self.lost = 0
        self._least = LEVELS.index(level)
        self._now_ns = now_ns
        self._queue: queue.Queue[bytes | None] = queue.Queue(capacity)
        self._outputs: list[LogOutput] = [output] if fallback is None else [output, fallback]
        self._reported = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def __call__(self, level: str, event: str, fields: dict[str, object]) -> None:
        if LEVELS.index(level) < self._least or self._closing.is_set():
            return
        line = log_line(self._now_ns(), level, event, fields)
        try:
            self._queue.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Write what is queued, waiting at most ``CLOSE_S``; later lines are ignored."""
        if self._closing.is_set():
            return
        self._closing.set()
        try:
            self._queue.put(None, timeout=CLOSE_S)
        except queue.Full:
            return
        self._thread.join(CLOSE_S)

    def _write_all(self) -> None:
        while (line := self._queue.get()) is not None:
            self._write(line)
            if self.dropped > self._reported and self._queue.empty():
                missing, self._reported = self.dropped - self._reported, self.dropped
                self._write(log_line(self._now_ns(), "warning", "log_dropped", {"lines": missing}))
        for output in self._outputs:
            output.close()

    def _write(self, line: bytes) -> None:
        while self._outputs:
            try:
                self._outputs[0].write(line + b"\n")
                return
            except OSError as error:
                self._switch(error)
        self.lost += 1

    def _switch(self, error: OSError) -> None:
        """Give up the broken output for good and say so in the next one."""
        broken = self._outputs.pop(0)
        self.switched += 1
        if self._outputs:
            fields: dict[str, object] = {"from": broken.name, "to": self._outputs[0].name, "reason": str(error)}
            self._write(log_line(self._now_ns(), "warning", "log_moved", fields))
