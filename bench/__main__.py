"""``python -m bench [NAME …] [--list] [--json] [--recorded DIR] [--rounds N]``: runs benchmarks, prints tables.

A benchmark is a module of this package with ``run(options) -> Report``; the first line of its docstring is its summary.
"""

import argparse
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import msgspec

import bench
from bench.report import Options, text_of
from jackbot_tui.model.errors import InputError

NOT_BENCHMARKS = {"__main__", "report", "nautilus"}


def names() -> list[str]:
    return sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if m.name not in NOT_BENCHMARKS)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run benchmarks side by side with peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (default: all)")
    parser.add_argument("--list", action="store_true", help="say what there is and end")
    parser.add_argument("--json", action="store_true", help="one JSON object per benchmark")
    parser.add_argument("--recorded", type=Path, default=Path("../shared/recorded"), help="folder of the recordings")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds, the best counts")
    parser.add_argument("--frames", type=int, default=0, help="only so many frames of a recording (default: all)")
    chosen = parser.parse_args(arguments)
    known = names()
    if chosen.list:
        for name in known:
            summary = (import_module(f"bench.{name}").__doc__ or "").strip().partition("\n")[0]
            print(f"{name:<16} {summary}")
        return 0
    for name in chosen.names:
        if name not in known:
            print(f"bench: no benchmark {name!r}: there are {', '.join(known)}", file=sys.stderr)
            return 2
    options = Options(chosen.recorded, max(1, chosen.rounds), max(0, chosen.frames))
    for name in chosen.names or known:
        try:
            report = import_module(f"bench.{name}").run(options)
        except InputError as error:
            print(f"bench {name}: {error}", file=sys.stderr)
            return 2
        print(msgspec.json.encode(report).decode() if chosen.json else text_of(report) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
