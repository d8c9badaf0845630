"""``jackbot backtest run | check | convert``: strategies on recordings, sessions against their journals, columns.

Prints to standard output and trades nothing but paper. Exit code 1 of ``check``: not proven equal.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from jackbot_tui.backtest.kernel import Backtest, BacktestOptions, BacktestResult, Source, Strategy
from jackbot_tui.backtest.outcome import InstrumentOutcome, outcomes_of
from jackbot_tui.backtest.script import Script, read_script
from jackbot_tui.backtest.session import Comparison, SessionReport, Verdict, replay_sessions
from jackbot_tui.backtest.trader import Coded, load_strategy
from jackbot_tui.cli.engines import limits_of, paper_of
from jackbot_tui.journal.report import JournalReader
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import text_of
from jackbot_tui.settings.load import config_files, load_settings
from jackbot_tui.settings.places import places_of

OK, FAILED = 0, 1


def run(options: argparse.Namespace) -> int:
    """Carry out the action; its exit code. InputError and CaptureError say what is wrong."""
    match options.action:
        case "run":
            return _run(options)
        case "check":
            return _check(options)
        case _:
            return _convert(options)


# ---------------------------------------------------------------------- run


def _run(options: argparse.Namespace) -> int:
    path: Path = options.strategy
    coded = path.suffix == ".py"
    if not coded and options.parameters:
        raise InputError(f"--set is for strategies in Python: {path} is a script of command lines")
    strategy: Strategy = load_strategy(path, options.parameters) if coded else _script(path)
    places = places_of(os.environ)
    files = config_files([Path(each) for each in options.config or []], os.environ, places)
    given = {} if options.seed is None else {"session.seed": options.seed}
    settings = load_settings(files, os.environ, given).settings
    backtest = Backtest(
        BacktestOptions(
            sources=tuple(_sources(options)),
            seed=settings.session.seed,
            paper=paper_of(settings.paper),
            limits=limits_of(settings),
        ),
        strategy,
    )
    began = time.perf_counter()
    result = backtest.run()
    outcomes = outcomes_of(backtest.engines)
    lines, refused = _said(strategy)
    if options.json:
        _print(
            {
                "result": msgspec.structs.asdict(result),
                "instruments": [msgspec.structs.asdict(each) for each in outcomes],
                "lines": lines,
                "refused": refused,
            }
        )
    else:
        sys.stdout.write(_text(result, outcomes, lines, refused, time.perf_counter() - began))
    return OK


def _script(path: Path) -> Script:
    if not path.is_file():
        raise InputError(f"{path}: no such file: name a strategy (FILE.py) or a script of command lines")
    return Script(read_script(path))


def _said(strategy: Strategy) -> tuple[int, list[str]]:
    """How many lines were said, and those not carried out with their answers."""
    match strategy:
        case Coded():
            return strategy.lines, [f"{line}: {answer}" for _, line, answer in strategy.refused]
        case Script():
            replies = strategy.replies
            return len(replies), [f"{said.line}: {reply.lines[0]}" for said, reply in replies if not reply.ok]
        case _:
            return 0, []


def _sources(options: argparse.Namespace) -> Iterator[Source]:
    """Captures that follow one another under one venue and market are one source."""
    grouped: dict[tuple[str, MarketKind], list[Path]] = {}
    for text in options.captures:
        venue, kind, path = _capture(text, options)
        if not path.exists():
            raise InputError(f"{path}: no such capture file")
        grouped.setdefault((venue, kind), []).append(path)
    for (venue, kind), paths in grouped.items():
        yield Source(paths=tuple(paths), venue=venue, kind=kind, symbols=tuple(options.symbols or ()))


def _capture(text: str, options: argparse.Namespace) -> tuple[str, MarketKind, Path]:
    """``venue:market:FILE``, or a file of ``--venue`` and ``--market``."""
    venue, separator, rest = text.partition(":")
    kind, second, name = rest.partition(":")
    if separator and second and kind in tuple(MarketKind):
        return venue, MarketKind(kind), Path(name)
    if not options.venue or not options.market:
        raise InputError(f"{text}: whose capture is it? Add --venue and --market, or write binance:linear:{text}")
    return options.venue, MarketKind(options.market), Path(text)


def _text(
    result: BacktestResult, outcomes: Sequence[InstrumentOutcome], lines: int, refused: Sequence[str], took_s: float
) -> str:
    """The result for people."""
    seconds = (result.last_ns - result.first_ns) / NS_PER_S
    rows = [
        f"{seconds:.1f} s of data, {result.frames:,} frames in {took_s:.1f} s; {lines} lines said, "
        f"{len(refused)} not carried out"
    ]
    rows += [f"  {line}" for line in refused[:3]] + (["  …"] if len(refused) > 3 else [])
    for each in outcomes:
        quote = each.key.partition("/")[2].partition(":")[0]
        rows += [
            f"{each.key}",
            f"  orders {each.submitted}, refused {each.refused}, fills {each.fills} ({each.maker_fills} maker), "
            f"turnover {_money(each.turnover)} {quote}, position {text_of(each.position)}",
            f"  gross {_money(each.gross)}, fees {_money(each.fees)}, funding {_money(each.funding)}, "
            f"profit after fees {_money(each.profit)} {quote}",
            f"  markouts 1s {_points(each.markouts[0])}, 5s {_points(each.markouts[1])}, 30s "
            f"{_points(each.markouts[2])}, 5m {_points(each.markouts[3])}; toxic {each.toxic:.0%} of maker fills",
        ]
    rows += [f"deepest drawdown {_money(result.drawdown)} USD", f"journal {result.digest}"]
    return "\n".join(rows) + "\n"


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _points(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f} bp"


# ---------------------------------------------------------------------- check


def _check(options: argparse.Namespace) -> int:
    if options.journal is None:
        reports, comparison = replay_sessions(options.captures), None
    else:
        with JournalReader(options.journal) as journal:
            comparison = Comparison((entry.seq, entry.body) for entry in journal.log())
            reports = replay_sessions(options.captures, comparison)
    for report in reports:
        if options.json:
            _print(msgspec.structs.asdict(report))
        else:
            sys.stdout.write(_session_text(report))
    if comparison is not None and comparison.difference is not None:
        seq, written, replayed = comparison.difference
        sys.stdout.write(f"record {seq} differs\n  journal: {written or 'nothing'}\n  replay:  {replayed}\n")
        return FAILED
    if comparison is not None:
        sys.stdout.write(f"{comparison.compared:,} records equal those of {options.journal}\n")
        return OK
    return OK if all(report.verdict is Verdict.EQUAL for report in reports) else FAILED


def _session_text(report: SessionReport) -> str:
    seconds = (report.last_ns - report.first_ns) / NS_PER_S
    verdict = report.verdict.value.upper() + (f": {report.why}" if report.why else "")
    lines = [
        f"{report.mode} {report.venue}, session {report.journal_session} of journal {report.journal_id}: "
        f"{seconds:.1f} s, {report.frames:,} frames, {report.orders} orders, {report.fills} fills, "
        f"{report.records:,} journal records",
        f"journal {report.digest} {verdict}",
    ]
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------- convert


def _convert(options: argparse.Namespace) -> int:
    from jackbot_tui.backtest.convert import convert

    written = convert(options.captures, options.venue, MarketKind(options.market), options.out, options.symbols or ())
    sys.stdout.write(f"{options.out}: {written.rows:,} rows of {', '.join(written.symbols)}\n")
    return OK


def _print(content: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(content, enc_hook=str).decode() + "\n")
