"""Writes the settings down for people: the commented default file and the tables of docs/CONFIGURATION.md.

Both are made from the model, so they cannot disagree with what the loader accepts; a test compares the files in the
repository with what this module prints.
"""

import textwrap
from collections.abc import Iterator
from decimal import Decimal

from jackbot_tui.settings.fields import FieldFacts, fields_of, section_notes
from jackbot_tui.settings.model import ENVIRONMENT_PREFIX, Settings

WIDTH = 100

HEAD = """\
# Jackbot: every setting with its default. Made by 'jackbot config template'; do not edit in the repository.
#
# Copy it to ~/.config/jackbot/config.toml (or name another file with --config or JACKBOT_CONFIG), take the '#' away
# from a line and change its value. Built-in values < files < environment (JACKBOT_RISK__MAX_ORDER_NOTIONAL=2500)
# < command line. 'jackbot config check' says what is wrong, 'jackbot config show' what counts and why.
"""


def toml_value(value: object) -> str:
    """``value`` as TOML text."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:g}" if isinstance(value, float) and value.is_integer() else repr(value)
        case Decimal():
            return format(value, "f")
        case list():
            return f"[{', '.join(toml_value(item) for item in value)}]"
        case dict() if not value:
            return "{}"
        case dict():
            return f"{{ {', '.join(f'{key} = {toml_value(item)}' for key, item in value.items())} }}"
        case _:
            escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'


def default_file() -> str:
    """The commented default file."""
    notes = section_notes(Settings)
    lines = [HEAD]
    for section, facts in _by_section():
        lines += [*_comment(notes[section]), f"[{section}]", ""]
        for fact in facts:
            lines += [*_comment(f"{fact.description} ({fact.valid})"), f"#{fact.name} = {toml_value(fact.default)}", ""]
    return "\n".join(lines).rstrip() + "\n"


def reference_tables() -> str:
    """One Markdown table per section: key, default, valid values, meaning."""
    notes = section_notes(Settings)
    parts: list[str] = []
    for section, facts in _by_section():
        parts += [
            f"### [{section}]",
            "",
            notes[section],
            "",
            "| key | default | valid | meaning |",
            "|---|---|---|---|",
        ]
        for fact in facts:
            valid = fact.valid.replace("|", "\\|")
            meaning = fact.description.replace("|", "\\|")
            parts.append(f"| `{fact.name}` | `{toml_value(fact.default)}` | {valid} | {meaning} |")
        parts.append("")
    return "\n".join(parts)


def environment_name(key: str) -> str:
    """Environment variable of a dotted key."""
    return ENVIRONMENT_PREFIX + key.upper().replace(".", "__")


def _by_section() -> Iterator[tuple[str, list[FieldFacts]]]:
    grouped: dict[str, list[FieldFacts]] = {}
    for fact in fields_of(Settings):
        grouped.setdefault(fact.section, []).append(fact)
    yield from grouped.items()


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH)]
