"""Samples a family of processes while it runs: memory and processor time from /proc, and a line through them."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Samples:
    """One process: seconds since the start, resident bytes and processor seconds at each sample."""

    name: str
    at_s: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def slope_mb_per_hour(self, after_s: float) -> float:
        """Least squares slope of resident memory after a warm-up of ``after_s`` seconds; 0 with too few samples."""
        points = [(t, r / 1e6) for t, r in zip(self.at_s, self.resident, strict=True) if t >= after_s]
        if len(points) < 2:
            return 0.0
        mean_t = sum(t for t, _ in points) / len(points)
        mean_r = sum(r for _, r in points) / len(points)
        spread = sum((t - mean_t) ** 2 for t, _ in points)
        return sum((t - mean_t) * (r - mean_r) for t, r in points) / spread * 3600

    def cpu_percent(self) -> float:
        """Share of one core over the whole time, per cent."""
        if len(self.at_s) < 2:
            return 0.0
        return 100 * (self.cpu_s[-1] - self.cpu_s[0]) / (self.at_s[-1] - self.at_s[0])

    def line(self, after_s: float) -> str:
        return (
            f"{self.name:<8} cpu {self.cpu_percent():5.1f} %  rss first {self.resident[0] / 1e6:6.1f} MB"
            f"  last {self.resident[-1] / 1e6:6.1f} MB  max {max(self.resident) / 1e6:6.1f} MB"
            f"  slope {self.slope_mb_per_hour(after_s):+6.2f} MB/h after {after_s:.0f} s"
        )


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
