"""``jackbot config check|show|path|template``: look at the settings without starting anything."""

import argparse
import json
import os
from pathlib import Path
from typing import TextIO

from jackbot_tui.model.errors import ConfigError
from jackbot_tui.settings.fields import fields_of
from jackbot_tui.settings.load import (
    CONFIG_VARIABLE,
    Loaded,
    check_file,
    config_files,
    load_settings,
    plain,
)
from jackbot_tui.settings.model import Settings
from jackbot_tui.settings.places import Places
from jackbot_tui.settings.redaction import redact_value
from jackbot_tui.settings.template import default_file, toml_value

OK, WRONG = 0, 2


def run_config(arguments: argparse.Namespace, places: Places, out: TextIO, error: TextIO) -> int:
    """Carry out one ``config`` command; exit code 0, or 2 with one line per problem on ``error``."""
    chosen = [Path(path) for path in arguments.config or []]
    match arguments.action:
        case "check":
            return _check(
                [Path(path) for path in arguments.file] or config_files(chosen, os.environ, places), out, error
            )
        case "show":
            return _show(load_settings(config_files(chosen, os.environ, places), os.environ, {}), arguments.json, out)
        case "path":
            return _path(config_files(chosen, os.environ, places), places, out)
        case _:
            out.write(default_file())
            return OK


def _check(files: list[Path], out: TextIO, error: TextIO) -> int:
    problems = [line for path in files for line in check_file(path)]
    if not problems:
        try:
            load_settings(files, os.environ, {})
        except ConfigError as found:
            problems = str(found).splitlines()
    for line in problems:
        error.write(f"{line}\n")
    if not problems:
        names = ", ".join(str(path) for path in files) or "no file (built-in values)"
        out.write(f"ok: {names}\n")
    return WRONG if problems else OK


def _show(loaded: Loaded, as_json: bool, out: TextIO) -> int:
    rows = [(fact.key, _value_of(loaded.settings, fact.key), loaded.sources[fact.key]) for fact in fields_of(Settings)]
    if as_json:
        shown = {key: {"value": plain(redact_value(key, value)), "source": source} for key, value, source in rows}
        out.write(json.dumps(shown, default=str) + "\n")
        return OK
    texts = [(key, toml_value(redact_value(key, value)), source) for key, value, source in rows]
    width = max(len(key) for key, _, _ in texts)
    middle = min(60, max(len(value) for _, value, _ in texts))
    for key, value, source in texts:
        out.write(f"{key:<{width}}  {value:<{middle}}  {source}\n")
    return OK


def _path(files: list[Path], places: Places, out: TextIO) -> int:
    for path in files or [places.config_file]:
        out.write(f"{path}{'' if path.exists() else f'  (not there; {CONFIG_VARIABLE} or --config names another)'}\n")
    return OK


def _value_of(settings: Settings, key: str) -> object:
    value: object = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value
