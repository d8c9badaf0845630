"""``jackbot journal``: finds the journal that is meant and hands over to the journal room, which reads it without an
engine."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from jackbot_tui.journal.command import main as journal_main
from jackbot_tui.model.errors import InputError
from jackbot_tui.settings.load import config_files, load_settings
from jackbot_tui.settings.places import JOURNAL_SUFFIX, journal_path, places_of

OPTION = "--journal"


def run_journal(arguments: Sequence[str]) -> int:
    """Exit code of the journal's own command."""
    words = list(arguments)
    if any(word in ("-h", "--help") for word in words):
        return journal_main(words)
    places = places_of(os.environ)
    settings = load_settings(config_files([], os.environ, places), os.environ, {}).settings
    data = places.data_directory(settings.session.data_dir)
    words = _with_paths(words, data)
    if any(word == OPTION or word.startswith(f"{OPTION}=") for word in words):
        return journal_main(words)
    directory = journal_path(data, "x").parent
    found = sorted(directory.glob(f"*{JOURNAL_SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)
    if not found:
        raise InputError(f"no journal in {directory}: one is made by 'jackbot demo' or 'jackbot run'")
    if len(found) > 1:
        others = ", ".join(path.stem for path in found[1:])
        sys.stderr.write(f"jackbot: journal {found[0].stem}, the newest; others: {others} ({OPTION} NAME)\n")
    return journal_main(words, journal=found[0])


def _with_paths(words: Sequence[str], data: Path) -> list[str]:
    """The words with an engine's name after ``--journal`` made into the path of its journal."""
    result: list[str] = []
    for index, word in enumerate(words):
        head, separator, value = word.partition("=")
        if separator and head == OPTION:
            result.append(f"{OPTION}={_path_of(value, data)}")
        elif index and words[index - 1] == OPTION:
            result.append(_path_of(word, data))
        else:
            result.append(word)
    return result


def _path_of(name: str, data: Path) -> str:
    is_name = name and "/" not in name and not name.startswith("-") and not Path(name).exists()
    return str(journal_path(data, name.removesuffix(JOURNAL_SUFFIX))) if is_name else name
