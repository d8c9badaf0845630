"""``jackbot venues``: the feature matrix on a terminal, as Markdown, or as JSON."""

import argparse
import sys

import msgspec

from jackbot_tui.execution.live import table
from jackbot_tui.venues import matrix


def run(options: argparse.Namespace) -> int:
    """Print what was asked for; exit code 0."""
    if options.json:
        tables = {
            "status": [dict(zip(matrix.STATUS_HEAD, row, strict=True)) for row in matrix.status_rows()],
            "trading": [dict(zip(table.TRADING_HEAD, row, strict=True)) for row in table.trading_rows()],
            "ccxt with a key": [dict(zip(table.JUDGED_HEAD, row, strict=True)) for row in table.judged_rows()],
            "ccxt cannot": [dict(zip(table.WITHOUT_HEAD, row, strict=True)) for row in table.without_rows()],
            "streams": [dict(zip(matrix.STREAM_HEAD, row, strict=True)) for row in matrix.stream_rows()],
        }
        sys.stdout.write(msgspec.json.encode(tables).decode() + "\n")
    elif options.markdown:
        sys.stdout.write(f"{matrix.status_page(table.trading_sections())}\n{matrix.streams_page()}")
    else:
        sys.stdout.write(matrix.plain_table(matrix.STATUS_HEAD, matrix.status_rows()) + "\n\n")
        sys.stdout.write(matrix.plain_table(table.TRADING_HEAD, table.trading_rows()) + "\n\n")
        sys.stdout.write(matrix.plain_table(matrix.STREAM_HEAD, matrix.stream_rows()) + "\n")
    return 0
