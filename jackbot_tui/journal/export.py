"""Writing sheets: CSV and JSON for programs, a table for people. Streamed, so a million rows need no memory.

Numbers are plain decimal text, exact to the last digit. A CSV cell that a spreadsheet would run as a formula is
prefixed with an apostrophe; control characters never reach a terminal.
"""

import csv
import os
import tempfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import msgspec

from jackbot_tui.journal.report import Filter, JournalReader
from jackbot_tui.journal.sheets import FILLS, ORDERS, Sheet, Value
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import text_of
from jackbot_tui.model.transitions import EXACT

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Cells that begin so are formulas to spreadsheet programs (OWASP, CSV injection)."""

SHOWN_STEP = Decimal("1e-8")
"""Numbers in a table are rounded to this; exports are exact."""

TABLE_CHUNK = 500
"""Rows of a table whose column widths are found together."""

NUMERIC_TYPES = (int, float, Decimal)


def write_csv(sheet: Sheet, rows: Iterable[Any], out: TextIO) -> int:
    """Write heading and ``rows``; returns the number of rows."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in sheet.columns])
    count = 0
    for row in rows:
        writer.writerow([_csv_cell(column.value(row)) for column in sheet.columns])
        count += 1
    return count


def write_json(sheet: Sheet, rows: Iterable[Any], out: TextIO) -> int:
    """Write an array of one object per line; returns the number of rows. Amounts are text, so that none is rounded."""
    count = 0
    out.write("[")
    for count, row in enumerate(rows, 1):
        line = {column.name: _json_value(column.value(row)) for column in sheet.columns}
        out.write(("\n" if count == 1 else ",\n") + msgspec.json.encode(line).decode())
    out.write("\n]\n")
    return count


def write_table(sheet: Sheet, rows: Iterable[Any], out: TextIO) -> int:
    """Write a table for people; returns the number of rows."""
    columns = [column for column in sheet.columns if column.shown]
    heading = [column.name for column in columns]
    count = 0
    for chunk in _chunks(rows):
        values = [[column.value(row) for column in columns] for row in chunk]
        cells = [[_shown(value) for value in line] for line in values]
        right = [any(isinstance(line[place], NUMERIC_TYPES) for line in values) for place in range(len(columns))]
        widths = [max(len(line[place]) for line in [heading, *cells]) for place in range(len(columns))]
        for line in [heading, *cells] if count == 0 else cells:
            padded = [
                cell.rjust(width) if to_right else cell.ljust(width)
                for cell, width, to_right in zip(line, widths, right, strict=True)
            ]
            out.write("  ".join(padded).rstrip() + "\n")
        count += len(chunk)
    return count


FORMATS = {"table": write_table, "csv": write_csv, "json": write_json}


def write_file(sheet: Sheet, rows: Iterable[Any], path: Path, form: str, *, replace: bool = False) -> int:
    """Write ``rows`` to ``path`` (mode 0600), whole or not at all; returns their number.

    InputError when the file exists and ``replace`` is not set, or cannot be written.
    """
    if path.exists() and not replace:
        raise InputError(f"{path} exists: give another name, or --force to replace it")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with open(handle, "w", encoding="utf-8", newline="") as out:
                count = FORMATS[form](sheet, rows, out)
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another place with --output") from error
    return count


def export_period(journal: Path, chosen: Filter, directory: Path, stem: str) -> list[Path]:
    """Orders and fills of a period as ``<stem>-orders.csv`` and ``<stem>-fills.csv``, replacing older ones."""
    written = []
    with JournalReader(journal) as reader:
        for sheet in (ORDERS, FILLS):
            path = directory / f"{stem}-{sheet.name}.csv"
            write_file(sheet, sheet.rows(reader, chosen), path, "csv", replace=True)
            written.append(path)
    return written


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(rows)
    while chunk := list(islice(left, TABLE_CHUNK)):
        yield chunk


def _csv_cell(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return text_of(value)
        case str():
            return f"'{value}" if value.startswith(FORMULA_STARTS) else value
        case _:
            return str(value)


def _json_value(value: Value) -> Value:
    return text_of(value) if isinstance(value, Decimal) else value


def _shown(value: Value) -> str:
    match value:
        case None:
            return "-"
        case Decimal():
            return text_of(value.quantize(SHOWN_STEP, context=EXACT) if value.is_finite() else value)
        case str():
            return "".join(character if character.isprintable() else "?" for character in value) or "-"
        case _:
            return str(value)
