"""What a benchmark hands back, and how it is printed. Figures are only comparable within one report of one machine."""

import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from msgspec import Struct, field


class Options(Struct, frozen=True):
    """``recorded``: folder of the recordings. ``rounds``: interleaved repetitions, the best of which counts.

    ``frames`` > 0 cuts recordings short, for a quick look.
    """

    recorded: Path
    rounds: int = 5
    frames: int = 0


class Table(Struct, frozen=True):
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str | float, ...]]
    notes: tuple[str, ...] = ()


class Report(Struct, frozen=True):
    name: str
    tables: list[Table]
    machine: dict[str, str] = field(default_factory=dict)


def machine(*distributions: str) -> dict[str, str]:
    """Processor, system, Python, and the versions of ``distributions``."""
    facts = {
        "processor": _processor(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }
    for name in distributions:
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            facts[name] = "not installed"
    return facts


def text_of(report: Report) -> str:
    lines = [f"== {report.name}", "   " + ", ".join(f"{name} {value}" for name, value in report.machine.items())]
    for table in report.tables:
        lines += ["", table.title]
        cells = [table.columns, *(tuple(_cell(value) for value in row) for row in table.rows)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(table.columns))]
        lines += ["  " + _line(row, widths) for row in cells]
        lines += [f"  {note}" for note in table.notes]
    return "\n".join(lines)


def _line(row: Iterable[str], widths: list[int]) -> str:
    first, *others = (f"{value:<{width}}" if not place else f"{value:>{width}}" for place, (value, width) in
                      enumerate(zip(row, widths, strict=True)))  # fmt: skip
    return "  ".join([first, *others]).rstrip()


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,.2f}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    except OSError:
        return platform.processor() or platform.machine()
    return platform.processor() or platform.machine()
