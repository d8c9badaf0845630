"""Keymaps: TOML files that give every action its keys, checked so that no key means two things.

A file may extend another: actions it names get the keys it gives. A key that belonged to another action may be taken
only when that action is named as well, so nothing loses its key by accident. Key names are characters or ``f1``,
``ctrl+k``, ``pageup``… .
"""

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import resources

from msgspec import Struct

from jackbot_tui.model.errors import ConfigError
from jackbot_tui.tui.actions import ACTIONS, Act

SHIPPED = ("default", "dom", "cscalp", "left")

NAMED_KEYS = frozenset(
    {
        *(f"f{number}" for number in range(1, 13)),
        "up",
        "down",
        "left",
        "right",
        "pageup",
        "pagedown",
        "home",
        "end",
        "insert",
        "delete",
        "tab",
        "escape",
        "enter",
        "space",
        "backspace",
        "ctrl+k",
        "ctrl+p",
        "ctrl+r",
        "ctrl+l",
        "ctrl+y",
    }
)
"""Names of keys that every terminal sends (UI.md 2.7); everything else must be one printable character."""

LOCKED = {Act.KILL: ("f12",), Act.DROP: ("escape",)}
"""Keys that no keymap may take away."""


class Keymap(Struct, frozen=True):
    """``by_key`` is key -> action; ``sources`` key -> where it was set."""

    name: str
    by_key: dict[str, Act]
    sources: dict[str, str]

    def keys_of(self, act: Act) -> list[str]:
        return [key for key, found in self.by_key.items() if found is act]

    def shown(self, act: Act) -> str:
        """The keys of an action as people read them, "" when it has none."""
        return " ".join(shown_key(key) for key in self.keys_of(act))


def shown_key(key: str) -> str:
    special = {"pageup": "PgUp", "pagedown": "PgDn", "escape": "Esc", "delete": "Del", "insert": "Ins"}
    if key in special:
        return special[key]
    if "+" in key and len(key) > 1:
        return "+".join(part.capitalize() if len(part) > 1 else part.upper() for part in key.split("+"))
    return key.upper() if key[:1] == "f" and key[1:].isdigit() else key.capitalize() if len(key) > 1 else key


def load(name: str, overrides: Mapping[str, Iterable[str]] | None = None) -> Keymap:
    """The shipped keymap ``name`` with the user's own keys on top; ConfigError in one line for anything unsound."""
    if name not in SHIPPED:
        near = get_close_matches(name, SHIPPED, 1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise ConfigError(f"no keymap {name[:40]!r}: there are {', '.join(SHIPPED)}{hint}")
    by_key: dict[str, Act] = {}
    sources: dict[str, str] = {}
    for layer, table in (*_layers(name), ("keys in the settings", overrides or {})):
        _apply(layer, table, by_key, sources)
    for act, keys in LOCKED.items():
        for key in keys:
            if by_key.get(key) is not act:
                raise ConfigError(f"keymap {name}: {shown_key(key)} must stay {act.value}")
    return Keymap(name, by_key, sources)


def _layers(name: str) -> list[tuple[str, Mapping[str, Iterable[str]]]]:
    text = resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    below = _layers(content["extends"]) if "extends" in content else []
    return [*below, (f"keymap {name}", content["keys"])]


def _apply(layer: str, table: Mapping[str, Iterable[str]], by_key: dict[str, Act], sources: dict[str, str]) -> None:
    taken: dict[str, Act] = {}
    given: list[tuple[Act, list[str]]] = []
    for name, keys in table.items():
        act = _act(layer, name)
        listed = [_checked(layer, name, key) for key in keys]
        for key in listed:
            if taken.setdefault(key, act) is not act:
                raise ConfigError(
                    f"{layer}: key {shown_key(key)} is given to both {taken[key].value} and {act.value}: choose one"
                )
        given.append((act, listed))
    named = {act for act, _ in given}
    for key, act in taken.items():
        owner = by_key.get(key)
        if owner is not None and owner not in named:
            raise ConfigError(
                f"{layer}: key {shown_key(key)} for {act.value} is {owner.value} already: give that another key as well"
            )
    for act, listed in given:
        for key in [key for key, found in by_key.items() if found is act and key not in LOCKED.get(act, ())]:
            del by_key[key]
        for key in listed:
            by_key[key] = act
            sources[key] = layer


def _act(layer: str, name: str) -> Act:
    try:
        return Act(name)
    except ValueError:
        near = get_close_matches(name, [act.value for act in ACTIONS], 1)
        hint = f": did you mean {near[0]}?" if near else ""
        raise ConfigError(f"{layer}: no action {name[:40]!r}{hint}") from None


def _checked(layer: str, name: str, key: object) -> str:
    if isinstance(key, str):
        if len(key) == 1 and key.isprintable() and key != " ":
            return key
        if key.lower() in NAMED_KEYS:
            return key.lower()
    raise ConfigError(f"{layer}: {name}: {str(key)[:40]!r} is not a key: one character, f1..f12, ctrl+k, pageup, tab…")
