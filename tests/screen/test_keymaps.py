"""Keymaps: every action reachable, no key means two things, readable refusals, the page of keys."""

import pytest

from jackbot_tui.model.errors import ConfigError
from jackbot_tui.tui.actions import ACTIONS, Act, Kind
from jackbot_tui.tui.keymaps import SHIPPED, load
from jackbot_tui.tui.keys import keys_page

PALETTE_ONLY = {
    "default": set(),
    "dom": {Act.PRESET_1, Act.PRESET_2, Act.PRESET_3, Act.PRESET_4, Act.PRESET_5},
    "cscalp": {Act.TICKET_LAST},
    "left": set(),
}


def test_every_action_is_in_the_registry() -> None:
    assert set(ACTIONS) == set(Act)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_action_has_a_key(name: str) -> None:
    keymap = load(name)
    assert {act for act in Act if not keymap.keys_of(act)} == PALETTE_ONLY[name]


@pytest.mark.parametrize("name", SHIPPED)
def test_kill_and_escape_keep_their_keys(name: str) -> None:
    keymap = load(name)
    assert keymap.by_key["f12"] is Act.KILL
    assert keymap.by_key["ctrl+k"] is Act.KILL
    assert keymap.by_key["escape"] is Act.DROP


@pytest.mark.parametrize("name", SHIPPED)
def test_only_keys_that_every_terminal_sends(name: str) -> None:
    forbidden = {f"ctrl+{letter}" for letter in "sqzcbamihj"} | {"ctrl+[", "ctrl+enter"}
    keys = set(load(name).by_key)
    assert not keys & forbidden
    assert not any(key.startswith(("alt+", "shift+")) for key in keys)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"buy_limit": ["x"]}, ["x", "buy_limit", "cancel_here"]),
        ({"buy_limit": ["a"], "sell_limit": ["a"]}, ["a", "buy_limit", "sell_limit"]),
        ({"buy_limmit": ["a"]}, ["buy_limmit", "did you mean buy_limit"]),
        ({"buy_limit": ["ctrl+s"]}, ["ctrl+s", "is not a key"]),
        ({"buy_limit": [""]}, ["is not a key"]),
        ({"kill": ["ctrl+k"], "centre": ["f12", "space"]}, ["F12", "kill"]),
    ],
)
def test_an_unsound_keymap_is_refused_in_one_line(overrides: dict[str, list[str]], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load("default", overrides)
    text = str(caught.value)
    assert "\n" not in text
    assert all(word in text for word in words)


def test_an_unknown_keymap_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean cscalp"):
        load("cscalpp")


def test_a_key_may_be_moved_when_its_owner_gets_another() -> None:
    keymap = load("default", {"buy_limit": ["x"], "cancel_here": ["delete"]})
    assert keymap.by_key["x"] is Act.BUY_LIMIT
    assert keymap.by_key["delete"] is Act.CANCEL_HERE
    assert "b" not in keymap.by_key
    assert keymap.sources["x"] == "keys in the settings"


def test_cancel_and_kill_are_always_allowed() -> None:
    always = {action.act for action in ACTIONS.values() if action.kind is Kind.ALWAYS}
    assert {Act.CANCEL_HERE, Act.CANCEL_SYMBOL, Act.CANCEL_LAST, Act.KILL, Act.DROP} <= always
    assert not any(ACTIONS[act].fresh for act in always)


def test_the_page_of_keys_has_every_action_and_key() -> None:
    page = keys_page()
    assert all(f"`{act.value}`" in page for act in Act)
    assert "F12" in page and "`b`" in page
