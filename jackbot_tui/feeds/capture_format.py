"""What a capture file is, and how it is read back: one JSON object a line, plain or gzip.

The format is that of the project's recordings: keys ``ts_ns``, ``kind``, ``conn``, ``url`` (where known) and ``raw``
(``hex`` for a binary frame). Anyone may read a capture; import from ``capture``. Nothing here decodes a payload.
"""

import zlib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
from msgspec import Meta, Struct

from jackbot_tui.model.errors import CaptureError

MIB = 1024 * 1024
READ_BYTES = 256 * 1024
MAX_LINE = 64 * MIB
"""A longer line is damage: the largest reply of any venue (exchangeInfo) is below 10 MiB."""


class CaptureKind(StrEnum):
    RECV = "recv"  # WebSocket frame
    SEND = "send"  # what we sent
    HTTP = "http"  # REST reply
    CONNECT = "connect"  # a connection was opened
    INPUT = "input"  # what else entered the engine: orders, timers, commits (engine.inputs)
    RECV_PUSH = "recv_push"  # in hand-collected samples only: data
    RECV_ACK = "recv_ack"  # in hand-collected samples only: answer to a request


class CaptureRecord(Struct, frozen=True):
    """One line of a capture. ``ts_ns`` is local time of arrival or sending (0 in samples, which carry none).

    ``raw`` is the payload as it was on the wire; ``bytes`` for a binary frame; empty for ``connect``.
    """

    ts_ns: int
    kind: CaptureKind
    conn: str
    url: str
    raw: str | bytes


class _Line(Struct):
    """A line as it is read; samples lack time and connection."""

    kind: CaptureKind
    ts_ns: Annotated[int, Meta(ge=0)] = 0
    conn: str = ""
    url: str = ""
    raw: str | None = None
    hex: str | None = None


def read_capture(paths: Sequence[Path]) -> "CaptureReader":
    """Records of ``paths`` in order, one file continuing the other; a folder stands for the captures in it, by name.

    Plain or gzip is told by content. Raises CaptureError: at once when a path is missing or empty of captures, while
    iterating when a file is damaged in its middle.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.name.endswith((".jsonl", ".jsonl.gz")))
            if not inside:
                raise CaptureError(f"{path}: no captures (*.jsonl, *.jsonl.gz) in this folder: name a capture file")
            files += inside
        elif path.is_file():
            files.append(path)
        else:
            raise CaptureError(f"{path}: no such file: check the path of the capture")
    return CaptureReader(files)


class CaptureReader(Iterator[CaptureRecord]):
    """Iterator over the records of several files.

    A file cut short (still being written, or its writer was killed) ends at its last whole line; ``notes`` has one line
    about each such file and about nothing else.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = list(files)
        self.records = 0
        self.notes: list[str] = []
        self._decoder = msgspec.json.Decoder(_Line)
        self._source = self._read_all()

    def __iter__(self) -> Iterator[CaptureRecord]:
        return self._source

    def __next__(self) -> CaptureRecord:
        return next(self._source)

    def _read_all(self) -> Iterator[CaptureRecord]:
        for path in self.files:
            yield from self._read_file(path)

    def _read_file(self, path: Path) -> Iterator[CaptureRecord]:
        number = 0
        rest = b""
        blocks = _Blocks(path)
        try:
            for block in blocks:
                lines = (rest + block).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    number += 1
                    if line and not line.isspace():
                        yield self._record(path, number, line)
                if len(rest) > MAX_LINE:
                    raise CaptureError(f"{path}:{number + 1}: line longer than {MAX_LINE // MIB} MiB: not a capture")
        except OSError as error:
            raise CaptureError(f"{path}: cannot be read: {error.strerror or error}") from error
        except zlib.error as error:
            raise CaptureError(
                f"{path}:{number + 1}: gzip data damaged here ({error}): restore the file, or replay the lines before"
            ) from error
        cut = blocks.cut
        if rest and not rest.isspace():
            try:
                last = self._record(path, number + 1, rest)
            except CaptureError:
                cut = True
            else:
                yield last
        if cut:
            self.notes.append(f"{path}: cut short after line {number}; what is there was read")

    def _record(self, path: Path, number: int, text: bytes) -> CaptureRecord:
        try:
            line = self._decoder.decode(text)
            raw: str | bytes
            if line.raw is not None:
                raw = line.raw
            elif line.hex is not None:
                raw = bytes.fromhex(line.hex)
            elif line.kind is CaptureKind.CONNECT:
                raw = ""
            else:
                raise ValueError("neither raw nor hex")
        except (ValueError, RecursionError) as error:
            raise CaptureError(
                f"{path}:{number}: not a capture line ({error}): expected ts_ns, kind, conn, raw as JSON"
            ) from error
        self.records += 1
        return CaptureRecord(line.ts_ns, line.kind, line.conn, line.url, raw)


class _Blocks:
    """Content of a file in blocks, unzipped where it is gzip (several members and zero padding are allowed).

    ``cut`` is True after the end when the gzip stream has no end. Raises zlib.error where the data is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.cut = False

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            head = file.read(READ_BYTES)
            if not head.startswith(b"\x1f\x8b"):
                # A gzip file cut within its first two bytes is an empty capture, not a plain one.
                self.cut = head == b"\x1f"
                while head and not self.cut:
                    yield head
                    head = file.read(READ_BYTES)
                return
            yield from self._unzip(file, head)

    def _unzip(self, file: BinaryIO, data: bytes) -> Iterator[bytes]:
        member = zlib.decompressobj(wbits=31)
        started = False
        while data:
            if not started:
                data = data.lstrip(b"\0")
                if not data:
                    data = file.read(READ_BYTES)
                    continue
            started = True
            block = member.decompress(data, MIB)
            if block:
                yield block
            if member.eof:
                data = member.unused_data
                member = zlib.decompressobj(wbits=31)
                started = False
            else:
                data = member.unconsumed_tail
            data = data or file.read(READ_BYTES)
        self.cut = started
