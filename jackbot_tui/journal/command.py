"""``jackbot journal``: look at a journal, prove it, export it. Reads only; works beside a running engine.

``main`` is called by the command line of the program with the words after ``journal``. Exit status: 0 done, 1 the
journal failed its proof, 2 the request was wrong or the file is no journal (one line says why).
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from msgspec.structs import replace

from jackbot_tui.journal.explain import explain
from jackbot_tui.journal.export import FORMATS, write_file
from jackbot_tui.journal.projection import DAY_NS
from jackbot_tui.journal.report import STATUS_WORDS, Filter, JournalReader
from jackbot_tui.journal.sheets import DAILY_BY_SYMBOL, POSITIONS, SHEETS, STATS, Sheet
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.errors import InputError, JournalError

DEFAULT_ROWS = 50
"""Rows of a table when no limit is given."""

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_EPILOG = (
    "Times: 2026-11-21, 2026-11-21T14:00, today, yesterday, or how long ago: 90m, 12h, 7d. All times are UTC."
    " Symbols: BTC/USDT:USDT, binance:BTC/USDT:USDT, or a base currency such as BTC."
)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of printing its usage and leaving."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see 'jackbot journal --help'")


def main(args: Sequence[str], *, journal: Path | None = None, now_ns: int | None = None) -> int:
    """Run ``jackbot journal ARGS``; returns the exit status. ``journal`` is used when ``--journal`` is not given."""
    try:
        options = _parser().parse_args(list(args))
        return _run(options, journal, time.time_ns() if now_ns is None else now_ns)
    except (InputError, JournalError) as error:
        print(f"jackbot journal: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as leaving:  # --help
        return int(leaving.code or 0)


def instant_ns(text: str, now_ns: int) -> int:
    """The moment that ``text`` names, nanoseconds UTC; InputError when it names none."""
    today = date(1970, 1, 1) + timedelta(days=now_ns // DAY_NS)
    ago = _AGO.fullmatch(text)
    if ago:
        return max(0, now_ns - int(ago[1]) * _UNIT_S[ago[2]] * NS_PER_S)
    days = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        moment = datetime.fromisoformat(days[text].isoformat() if text in days else text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        whole = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{text!r} is not a time: write 2026-11-21, 2026-11-21T14:00, today or 7d") from error
    if not 0 <= whole < 2**63 // 1_000:
        raise InputError(f"{text!r} is out of range: times lie between 1970 and 2262")
    return whole * 1_000


def _parser() -> _Parser:
    common = _Parser(add_help=False)
    common.add_argument("--journal", type=Path, metavar="FILE", help="the journal (default: the configured one)")
    rows = _Parser(add_help=False, parents=[common])
    rows.add_argument("--since", default="", metavar="TIME", help="rows from this time on")
    rows.add_argument("--until", default="", metavar="TIME", help="rows before this time")
    rows.add_argument("--day", default="", metavar="DAY", help="rows of one UTC day")
    rows.add_argument("--symbol", default="", help="one instrument, or all of a base currency")
    rows.add_argument("--limit", type=_count, metavar="N", help=f"the newest N rows (tables: {DEFAULT_ROWS}); 0 = all")
    rows.add_argument("--format", choices=sorted(FORMATS), default=None, help="table (default), csv or json")
    rows.add_argument("--output", type=Path, metavar="FILE", help="write to a file instead of the screen")
    rows.add_argument("--force", action="store_true", help="replace the file if it exists")
    parser = _Parser(prog="jackbot journal", description="Look at the journal. Nothing is changed.", epilog=_EPILOG)
    commands = parser.add_subparsers(dest="command", required=True, metavar="WHAT")
    for sheet in SHEETS.values():
        command = commands.add_parser(sheet.name, help=sheet.help, parents=[rows], epilog=_EPILOG)
        _add_sheet_options(command, sheet.name)
    export = commands.add_parser("export", help="one of these as CSV or JSON, all rows", parents=[rows], epilog=_EPILOG)
    export.add_argument("what", choices=list(SHEETS), help="which rows")
    _add_sheet_options(export, "")
    explain_fill = commands.add_parser("explain", help="why a paper fill came, and what followed", parents=[common])
    explain_fill.add_argument("fill", metavar="FILL", help="a trade id, or an order's number for all of its fills")
    commands.add_parser("verify", help="prove that the tables equal a replay of the log", parents=[common])
    return parser


def _add_sheet_options(command: argparse.ArgumentParser, sheet: str) -> None:
    """Options that only some sheets have; "" = all of them."""
    if sheet in ("orders", ""):
        command.add_argument("--status", default="", choices=STATUS_WORDS, metavar="STATE", help="open, closed, …")
    if sheet in ("orders", "fills", "log", ""):
        command.add_argument("--order", type=_order_number, default=0, metavar="N", help="one order, by its number")
    if sheet in ("log", ""):
        command.add_argument("--kind", default="", help="one kind of record, such as filled")
    if sheet in ("daily", ""):
        command.add_argument("--by-symbol", action="store_true", help="a row for each instrument")


def _run(options: argparse.Namespace, journal: Path | None, now_ns: int) -> int:
    path = options.journal or journal
    if path is None:
        raise InputError("which journal? give its file with --journal")
    if options.command == "verify":
        return _verify(path)
    if options.command == "explain":
        with JournalReader(path) as reader:
            print(*explain(reader, options.fill), sep="\n")
        return 0
    exporting = options.command == "export"
    sheet = SHEETS[options.what if exporting else options.command]
    if sheet.name == "daily" and options.by_symbol:
        sheet = DAILY_BY_SYMBOL
    form = options.format or ("csv" if exporting else "table")
    limit = DEFAULT_ROWS if options.limit is None and form == "table" and sheet is not STATS else options.limit or 0
    if sheet is POSITIONS and (options.since or options.until or options.day):
        raise InputError("positions are as of now, a time does not apply: leave --since, --until and --day away")
    chosen = _filter(options, limit, now_ns)
    with JournalReader(path) as reader:
        rows = sheet.rows(reader, chosen)
        if options.output is not None:
            count = write_file(sheet, rows, options.output, form, replace=options.force)
            print(f"{count} rows of {sheet.name} written to {options.output}")
            return 0
        count = FORMATS[form](sheet, rows, sys.stdout)
    if form == "table":
        _say_what_was_left_out(sheet, count, options.limit, limit)
    sys.stdout.flush()
    return 0


def _say_what_was_left_out(sheet: Sheet, count: int, asked: int | None, limit: int) -> None:
    if count == 0:
        print(f"no {sheet.name} match")
    elif asked is None and limit and count == limit:
        print(f"(the newest {count}; --limit 0 shows all)")


def _filter(options: argparse.Namespace, limit: int, now_ns: int) -> Filter:
    chosen = Filter(
        since_ns=instant_ns(options.since, now_ns) if options.since else 0,
        until_ns=instant_ns(options.until, now_ns) if options.until else 0,
        symbol=options.symbol,
        status=getattr(options, "status", ""),
        kind=getattr(options, "kind", ""),
        number=getattr(options, "order", 0),
        limit=limit,
    )
    if options.day:
        if options.since or options.until:
            raise InputError("--day stands for --since and --until: give one or the other")
        start = instant_ns(options.day, now_ns) // DAY_NS * DAY_NS
        chosen = replace(chosen, since_ns=start, until_ns=start + DAY_NS)
    if chosen.until_ns and chosen.until_ns <= chosen.since_ns:
        raise InputError("--until lies before --since: no row can match")
    return chosen


def _verify(path: Path) -> int:
    with JournalReader(path) as reader:
        problems = reader.verify()
        if problems:
            print(*problems, sep="\n")
            return 1
        skipped = reader.skipped()
        print(f"{path}: {reader.last_seq()} records, no damage, the tables equal a replay of the log")
        for record in skipped:
            print(f"note: record {record.seq} could not be applied: {record.reason}")
    return 0


def _count(text: str) -> int:
    return _whole(text, 0)


def _order_number(text: str) -> int:
    return _whole(text.removeprefix("#"), 1)


def _whole(text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= 2**53):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return int(text)
