"""How ``jackbot keys add`` gets the parts of a key: typed or pasted without echo, over a pipe, or out of a file.

A PEM text has many lines: it is read until its end. The terminal stays without echo from the first part to the last,
since a paste brings its next lines before anybody can switch echo off again. Nothing is ever taken from arguments.
"""

import contextlib
import getpass
import json
import sys
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from jackbot_tui.execution.live.key_shapes import BEGIN, END, shape_of
from jackbot_tui.execution.live.keys import PASSPHRASE
from jackbot_tui.model.errors import ConfigError, InputError

MOST_LINES = 100
"""Of a PEM text; a private RSA key of 16384 bits has fewer than 200, one that an exchange takes fewer than 60."""

LARGEST_FILE = 65_536

_OTHER_NAMES: Mapping[str, Mapping[str, str]] = {"coinbase": {"name": "apiKey", "privateKey": "secret"}}
"""Names in the JSON files that exchanges give out."""


def read_parts(venue: str, account: str, names: Sequence[str], source: Path | None) -> dict[str, str]:
    """Every part by its name, as it was given; those that ``source`` does not have are asked for."""
    found = {} if source is None else parts_of_file(source, venue, names)
    wanting = [name for name in names if name not in found]
    with _hidden() as prompt:
        for name in wanting:
            prompt(f"{name} of {account}, {shape_of(venue, name).words} (not shown): ")
            found[name] = _part(sys.stdin.readline)
            prompt("\n")
    return found


def parts_of_file(path: Path, venue: str, names: Sequence[str]) -> dict[str, str]:
    """A JSON object by names, a PEM text alone, or lines ``name = text``. InputError in one line for anything else."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        text = data.decode()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text") from None
    if len(data) > LARGEST_FILE:
        raise InputError(f"{path} is too large to hold a key")
    if text.lstrip().startswith(BEGIN):
        if "secret" not in names:
            raise InputError(
                f"{path} holds a PEM text, and a key of {venue} has none: its parts are {', '.join(names)}"
            )
        return {"secret": text}
    given = _of_json(text) if text.lstrip().startswith("{") else _of_lines(text)
    aliases = _OTHER_NAMES.get(venue, {})
    found = {aliases.get(name, name): part for name, part in given.items()}
    found = {name: part for name, part in found.items() if name in names}
    if not found:
        raise InputError(f"{path} names none of {', '.join(names)}: give JSON, lines 'name = text', or a PEM text")
    return found


def ask_passphrase(new: bool) -> str:
    """The passphrase of the encrypted file, typed without echo; a new one twice. ConfigError without a terminal."""
    if not sys.stdin.isatty():
        raise ConfigError(f"the keys are encrypted: set {PASSPHRASE} or start from a terminal")
    try:
        said = getpass.getpass("new passphrase of your keys: " if new else "passphrase of your keys: ")
        if new and getpass.getpass("once more: ") != said:
            raise InputError("the two passphrases differ: nothing was kept")
    except EOFError:
        raise InputError("no passphrase was given") from None
    if not said:
        raise InputError("no passphrase was given")
    return said


def _part(read: Callable[[], str]) -> str:
    first = read()
    if not first.strip().startswith(BEGIN) or END in first:
        return first.strip()
    lines = [first]
    while END not in lines[-1]:
        line = read()
        if not line or len(lines) >= MOST_LINES:
            raise InputError("the PEM text has no line with -----END: nothing was kept")
        lines.append(line)
    return "".join(lines)


@contextlib.contextmanager
def _hidden() -> Iterator[Callable[[str], None]]:
    """Standard input without echo while the block runs; gives what writes a prompt (to nobody over a pipe)."""
    if not sys.stdin.isatty():
        yield lambda _: None
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    silent = [*before]
    silent[3] = before[3] & ~termios.ECHO

    def prompt(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    termios.tcsetattr(descriptor, termios.TCSADRAIN, silent)
    try:
        yield prompt
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _of_json(text: str) -> dict[str, str]:
    try:
        kept = json.loads(text)
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        return {}
    return {str(name): part for name, part in kept.items() if isinstance(part, str)}


def _of_lines(text: str) -> dict[str, str]:
    rows = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {name.strip(): part.strip() for name, sign, part in rows if sign}
