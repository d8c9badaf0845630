"""The words of the command line: commands, options, their checks and their help.

Pure parsing: a wrong word gives one line with the nearest right one (InputError) and starts nothing. Only the parser of
the command at hand is built.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from jackbot_tui import __version__
from jackbot_tui.model.errors import InputError
from jackbot_tui.settings.symbols import unified_symbol

COMMANDS = {
    "demo": "the console on the embedded exchange: no keys, no network, simulated money",
    "run": "the console on a real exchange's market data, trading on paper",
    "replay": "play recorded market data through the console, or print its totals with --json",
    "record": "write an exchange's market data to a capture file",
    "attach": "open another screen on a running engine",
    "ctl": "send one line of the command language to a running engine",
    "watch": "print what a running engine does, line by line",
    "journal": "list and export orders, fills, positions and daily results",
    "paper": "how much the rule of filling flatters, on a recorded session",
    "backtest": "trade recorded sessions with a strategy, check a session's journal, convert captures",
    "keys": "keep, test and forget the API keys of exchanges",
    "range": "find out by trying which prices an exchange takes, list and forget what was found",
    "keymap": "print the keys of the console",
    "config": "check, show, find or print the settings",
    "venues": "what is supported where: markets, streams, proofs",
    "doctor": "check names, encryption, clock, round trip and a subscription",
}
MARKETS = ("spot", "linear")
SPEEDS = ("1", "10", "max")

_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_S = 366 * 86400.0
_NS = 1_000_000_000


class HelpWanted(Exception):
    """``--help`` was given: ``str()`` is the text to print."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of one command, with ``command`` set; InputError in one line when something is wrong."""
    if not argv or argv[0] in ("-h", "--help", "help"):
        if len(argv) > 1 and argv[0] == "help":
            return parse([argv[1], "--help"])
        raise HelpWanted(overview())
    command = argv[0]
    builder = _BUILDERS.get(command)
    if builder is None:
        what = "option" if command.startswith("-") else "command"
        raise InputError(f"unknown {what} {_quoted(command)}{_near(command, COMMANDS)}; see jackbot --help")
    parser = _Parser(command)
    builder(parser)
    options = parser.read_line(argv[1:]) if command == "ctl" else parser.parse_args(argv[1:])
    options.command = command
    return options


def overview() -> str:
    """The text of ``jackbot --help``."""
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    return (
        f"Jackbot {__version__}: a terminal trading console for crypto exchanges.\n\n"
        f"usage: jackbot COMMAND [options]      jackbot COMMAND --help\n\n{rows}\n\n"
        "Trading is on paper, but for 'jackbot run --live VENUE' (see docs/LIVE.md).\n"
    )


class _Parser(argparse.ArgumentParser):
    """argparse whose errors are one line and an exception instead of usage text and an exit."""

    def __init__(self, command: str) -> None:
        super().__init__(f"jackbot {command}", description=f"{COMMANDS[command]}.", allow_abbrev=False)
        self.known: list[str] = ["--help"]

    def option(self, *names: str, **details: Any) -> None:
        """An option; ``details`` are argparse's own."""
        self.known += names
        self.add_argument(*names, **details)

    def error(self, message: str) -> NoReturn:
        flat = " ".join(message.split())
        unknown = re.match(r"unrecognized arguments: (--?[A-Za-z][\w-]*)", flat)
        hint = _near(unknown.group(1), self.known) if unknown else ""
        raise InputError(f"{_shortened(flat, 300)}{hint}; see {self.prog} --help")

    def print_help(self, file: object = None) -> None:
        raise HelpWanted(self.format_help())

    def read_line(self, words: Sequence[str]) -> argparse.Namespace:
        """``ctl``: everything that is not an option of its own is the line, even words that begin with a dash."""
        own: list[str] = []
        line: list[str] = []
        rest = iter(words)
        for word in rest:
            if word == "--":
                line.extend(rest)
            elif word in self.known or word == "-h" or word.partition("=")[0] in self.known:
                own.append(word)
                if word in ("--socket", "--timeout"):
                    own.extend([value] if (value := next(rest, None)) is not None else [])
            else:
                line.append(word)
        options = self.parse_args([*own, "--", *line])
        options.line = " ".join(options.line)
        return options


class _ActionParser(_Parser):
    """The parser of one action of a command; made by argparse."""

    def __init__(self, **details: Any) -> None:
        argparse.ArgumentParser.__init__(self, allow_abbrev=False, **details)
        self.known = ["--help"]


# ---------------------------------------------------------------------- commands


def _demo(parser: _Parser) -> None:
    parser.option("--venue", metavar="NAME", help="exchange to play: its protocol, its rules")
    _symbols(parser, "instruments of the embedded exchange, separated by commas")
    parser.option("--volatility", type=_number, metavar="X", help="price movement, 1 = a normal day")
    parser.option("--rate", type=_number, metavar="X", help="order flow, 1 = some tens of book updates a second")
    parser.option("--fault", metavar="SPEC", help="faults of the exchange, as drop=0.01,gap@30s")
    parser.option("--live-sim", action="store_true", help="trade its test account through the live executor")
    parser.option("--keep", action="store_true", help="leave the engine and its exchange running after the screen")
    _engine(parser)
    _screen(parser)


def _run(parser: _Parser) -> None:
    _symbols(parser, "an instrument to follow, as BTC/USDT or BTC/USDT:USDT; may be repeated")
    parser.option("--venue", metavar="NAME", help="exchange")
    parser.option("--live", metavar="VENUE", help="REAL MONEY: trade on this exchange's account; see docs/LIVE.md")
    _engine(parser)
    _screen(parser)


def _replay(parser: _Parser) -> None:
    parser.add_argument("captures", nargs="+", type=Path, metavar="CAPTURE", help="capture files, in order of time")
    parser.option("--venue", required=True, metavar="NAME", help="exchange that was recorded")
    parser.option("--market", required=True, choices=MARKETS, help="kind of market that was recorded")
    _symbols(parser, "an instrument of the capture; may be repeated; all when not given")
    parser.option("--speed", default="1", type=_speed, metavar="1|10|max", help="how fast to play")
    parser.option("--json", action="store_true", help="no screen: print the totals as one JSON object")
    parser.option("--paused", action="store_true", help="begin paused")
    _engine(parser, journal=False)
    _screen(parser)


def _record(parser: _Parser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="capture file to write, as session.jsonl.gz")
    _symbols(parser, "an instrument to record; may be repeated")
    parser.option("--venue", metavar="NAME", help="exchange")
    _engine(parser, journal=False)


def _attach(parser: _Parser) -> None:
    _socket(parser)
    _configuration(parser)
    parser.option("--ascii", action="store_true", default=None, help="draw with ASCII characters only")


def _ctl(parser: _Parser) -> None:
    parser.add_argument("line", nargs="+", metavar="LINE", help="a line of the command language; - reads lines")
    parser.option("--json", action="store_true", help="print the answer as one JSON object a line")
    parser.option("--timeout", type=_duration, default=_duration("15s"), metavar="TIME", help="longest wait, as 15s")
    _socket(parser)


def _watch(parser: _Parser) -> None:
    parser.option("--json", action="store_true", help="print JSON lines")
    parser.option("--for", dest="run_for_ns", type=_duration, default=0, metavar="TIME", help="end after, as 30s")
    _socket(parser)


def _keymap(parser: _Parser) -> None:
    """No options: the page shows every key map."""


def _keys(parser: _Parser) -> None:
    parser.add_argument("action", choices=("add", "list", "test", "remove"), help="what to do")
    parser.add_argument("account", nargs="?", default="", metavar="ACCOUNT", help="as binance or binance/second")
    parser.option("--from", dest="source", metavar="FILE", help="add: take parts from JSON, name = text, or a PEM")
    parser.option("--place", choices=("keyring", "encrypted", "file"), help="add: where the key is kept")
    parser.option("--allow-withdrawals", action="store_true", help="test: accept a key that may withdraw")
    parser.option("--data-dir", metavar="DIR", help="directory of journals and keys")
    _configuration(parser)


def _range(parser: _Parser) -> None:
    parser.add_argument("action", choices=("probe", "list", "forget"), help="what to do")
    parser.add_argument("venue", nargs="?", default="", metavar="VENUE", help="exchange")
    parser.add_argument("symbol", nargs="?", default="", metavar="SYMBOL", help="as BTC/USDT:USDT")
    parser.option("--live", action="store_true", help="REAL MONEY: probe the real account; see docs/LIVE.md")
    parser.option("--testnet", action="store_true", help="probe the exchange's test net, with the key VENUE/testnet")
    parser.option("--data-dir", metavar="DIR", help="directory of journals, keys and ranges")
    _configuration(parser)


def _config(parser: _Parser) -> None:
    parser.add_argument("action", choices=("check", "show", "path", "template"), help="what to do")
    parser.add_argument("file", nargs="*", help="check: files instead of the usual one")
    parser.option("--json", action="store_true", help="show: one JSON object")
    _configuration(parser)


def _venues(parser: _Parser) -> None:
    parser.option("--markdown", action="store_true", help="as the pages of the documentation")
    parser.option("--json", action="store_true", help="one JSON object")


def _doctor(parser: _Parser) -> None:
    parser.option("--venue", action="append", metavar="NAME", help="exchange to check; may be repeated; all by default")
    parser.option("--json", action="store_true", help="one JSON object a line")
    _configuration(parser)


def _paper(parser: _Parser) -> None:
    parser.add_argument("action", choices=("report",), help="what to do")
    parser.add_argument("captures", nargs="+", type=Path, metavar="CAPTURE", help="capture files, in order of time")
    parser.option("--venue", required=True, metavar="NAME", help="exchange that was recorded")
    parser.option("--market", required=True, choices=MARKETS, help="kind of market that was recorded")
    parser.option("--symbol", type=unified_symbol, metavar="SYMBOL", help="an instrument, where there are several")
    parser.option("--json", action="store_true", help="one JSON object")


def _backtest(parser: _Parser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=_ActionParser)
    run = actions.add_parser("run", help="trade captures with a strategy or a script of command lines")
    run.add_argument("strategy", type=Path, metavar="FILE", help="strategy (FILE.py) or script (anything else)")
    run.add_argument("captures", nargs="+", metavar="CAPTURE", help="capture or converted file, or venue:market:FILE")
    run.option("--venue", metavar="NAME", help="exchange of captures that do not name theirs")
    run.option("--market", choices=MARKETS, help="kind of market of captures that do not name theirs")
    _symbols(run, "an instrument of the captures; may be repeated; all when not given")
    run.option("--set", dest="parameters", action="append", default=[], metavar="NAME=VALUE", help="of the strategy")
    run.option("--seed", type=_seed, metavar="N", help="seed of every random generator")
    run.option("--json", action="store_true", help="one JSON object")
    _configuration(run)
    check = actions.add_parser("check", help="replay recorded sessions: does the journal come out the same?")
    check.add_argument("captures", nargs="+", type=Path, metavar="CAPTURE", help="captures or their folder, in order")
    check.option("--journal", type=Path, metavar="FILE", help="the session's journal: name the first difference")
    check.option("--json", action="store_true", help="one JSON object per session")
    convert = actions.add_parser("convert", help="write a capture as columns: .parquet, or .npz for hftbacktest")
    convert.add_argument("captures", nargs="+", type=Path, metavar="CAPTURE", help="capture files, in order of time")
    convert.add_argument("out", type=Path, metavar="OUT", help="file to write, ending in .parquet or .npz")
    convert.option("--venue", required=True, metavar="NAME", help="exchange that was recorded")
    convert.option("--market", required=True, choices=MARKETS, help="kind of market that was recorded")
    _symbols(convert, "an instrument of the capture; may be repeated; all when not given")


_BUILDERS: dict[str, Callable[[_Parser], None]] = {
    "demo": _demo,
    "run": _run,
    "replay": _replay,
    "record": _record,
    "attach": _attach,
    "ctl": _ctl,
    "watch": _watch,
    "paper": _paper,
    "backtest": _backtest,
    "keys": _keys,
    "range": _range,
    "keymap": _keymap,
    "config": _config,
    "venues": _venues,
    "doctor": _doctor,
}


# ---------------------------------------------------------------------- options in common


def _engine(parser: _Parser, *, journal: bool = True) -> None:
    parser.option("--no-ui", action="store_true", help="the engine alone in the foreground, JSON lines on stdout")
    parser.option(
        "--for", dest="run_for_ns", type=_duration, default=0, metavar="TIME", help="end after this time, as 30s or 2h"
    )
    parser.option("--seed", type=_seed, metavar="N", help="seed of every random generator")
    if journal:
        parser.option("--record", type=Path, metavar="FILE", help="write the whole session to a capture file")
        parser.option("--shutdown", metavar="leave|cancel|flatten", help="working orders at an orderly end")
    parser.option("--data-dir", metavar="DIR", help="directory of journals and captures")
    _socket(parser)
    _configuration(parser)


def _screen(parser: _Parser) -> None:
    parser.option("--embed", action="store_true", help="engine and screen in one process")
    parser.option("--ascii", action="store_true", default=None, help="draw with ASCII characters only")


def _symbols(parser: _Parser, text: str) -> None:
    parser.option("--symbol", "--symbols", dest="symbols", action="extend", type=_symbol_list, metavar="S", help=text)


def _socket(parser: _Parser) -> None:
    parser.option("--socket", metavar="NAME", help="engine's socket: a name, or a path with a slash in it")


def _configuration(parser: _Parser) -> None:
    parser.option("--config", action="append", metavar="FILE", help="settings file; may be repeated, the last wins")


# ---------------------------------------------------------------------- values


def _symbol_list(text: str) -> list[str]:
    try:
        return [unified_symbol(part.strip()) for part in text.split(",") if part.strip()]
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _duration(text: str) -> int:
    """``30s``, ``2h``, ``1.5d`` in nanoseconds."""
    match = _DURATION.fullmatch(text)
    seconds = float(match.group(1)) * _SECONDS[match.group(2)] if match else 0.0
    if not 0 < seconds <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not a time: write 500ms, 30s, 5m, 2h or 1d (up to 366d)")
    return max(1, round(seconds * _NS))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not a number, as 1 or 0.5") from None


def _seed(text: str) -> int:
    if not re.fullmatch(r"\d{1,19}", text):
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not a seed: a whole number of at most 19 digits, as 7")
    return int(text)


def _speed(text: str) -> float:
    if text == "max":
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not a speed: 1, 10, max, or a factor from 0.01 to 1000")
    return value


def _near(word: str, known: Sequence[str] | dict[str, str]) -> str:
    close = get_close_matches(word, list(known), 1, 0.5)
    return f": did you mean {close[0]}?" if close else ""


def _quoted(text: str) -> str:
    return repr(_shortened(text, 60))


def _shortened(text: str, limit: int) -> str:
    flat = "".join(character if character.isprintable() else " " for character in text)
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
