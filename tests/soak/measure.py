"""Samples a family of processes while it runs: memory and processor time from /proc, their slope and their span.

A slope alone may be one step of an allocator, a span alone may hide a slow growth: both are printed, window by window.
"""

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from statistics import median

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


WINDOW_S = 600.0


@dataclass(frozen=True)
class Course:
    """What resident memory did in a window of time: Theil-Sen slope in MB/h, lowest and highest in MB."""

    begin_s: float
    end_s: float
    slope: float
    lowest: float
    highest: float

    def __str__(self) -> str:
        span = self.highest - self.lowest
        return (
            f"minute {self.begin_s / 60:4.1f}..{self.end_s / 60:4.1f}: slope {self.slope:+6.2f} MB/h,"
            f" span {span:5.2f} MB ({self.lowest:.2f}..{self.highest:.2f})"
        )


def theil_sen(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs of points: a few odd samples or one step do not turn it. 0 below 2."""
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x2 != x1]
    return median(slopes) if slopes else 0.0


@dataclass
class Samples:
    """One process: seconds since the start, resident bytes and processor seconds at each sample."""

    name: str
    at_s: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def course(self, begin_s: float, end_s: float = float("inf")) -> Course:
        """What memory did between two moments; everything 0 where there is no sample."""
        points = [(t, r / 1e6) for t, r in zip(self.at_s, self.resident, strict=True) if begin_s <= t <= end_s]
        if not points:
            return Course(begin_s, begin_s, 0.0, 0.0, 0.0)
        sizes = [size for _, size in points]
        return Course(points[0][0], points[-1][0], theil_sen(points) * 3600, min(sizes), max(sizes))

    def courses(self, warm_up_s: float) -> list[Course]:
        """Everything after the warm-up, then its windows where there are several."""
        last = self.at_s[-1] if self.at_s else 0.0
        out = [self.course(warm_up_s)]
        begin = warm_up_s
        while last - warm_up_s > 1.5 * WINDOW_S and begin + WINDOW_S / 2 < last:
            out.append(self.course(begin, begin + WINDOW_S))
            begin += WINDOW_S
        return out

    def cpu_percent(self) -> float:
        """Share of one core over the whole time, per cent."""
        if len(self.at_s) < 2:
            return 0.0
        return 100 * (self.cpu_s[-1] - self.cpu_s[0]) / (self.at_s[-1] - self.at_s[0])

    def lines(self, warm_up_s: float) -> list[str]:
        """The report of one process."""
        head = (
            f"{self.name:<8} cpu {self.cpu_percent():5.1f} %  rss first {self.resident[0] / 1e6:6.1f} MB"
            f"  last {self.resident[-1] / 1e6:6.1f} MB  max {max(self.resident) / 1e6:6.1f} MB"
        )
        return [head, *(f"         {course}" for course in self.courses(warm_up_s))]


class Family:
    """Processes by name; ``sample`` reads them all. A process that is gone is left out from then on."""

    def __init__(self, processes: dict[str, int]) -> None:
        self._start = time.monotonic()
        self._processes = processes
        self.samples = {name: Samples(name) for name in processes}

    def sample(self) -> None:
        now = time.monotonic() - self._start
        for name, pid in self._processes.items():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
            except (FileNotFoundError, ProcessLookupError):
                continue
            samples = self.samples[name]
            samples.at_s.append(now)
            samples.resident.append(resident)
            samples.cpu_s.append((int(fields[11]) + int(fields[12])) / _TICK)


def descendants(pid: int) -> Iterable[tuple[int, str]]:
    """``(pid, command line)`` of every process below ``pid``."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            yield int(entry.name), command
            yield from descendants(int(entry.name))
