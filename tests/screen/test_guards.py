"""Guards of the keyboard."""

import pytest

from jackbot_tui.tui.guards import BURST_NS, NS_PER_MS, REPEAT_NS, TWICE_NS, Chord, PasteGuard, RepeatGuard, Typing


def test_a_held_order_key_counts_once_however_long_it_is_held() -> None:
    guard = RepeatGuard()
    presses = [guard.allows("b", step * 30 * NS_PER_MS) for step in range(40)]
    assert presses == [True] + [False] * 39
    assert guard.allows("b", 39 * 30 * NS_PER_MS + REPEAT_NS)


def test_another_key_is_not_a_repeat() -> None:
    guard = RepeatGuard()
    assert guard.allows("b", 0) and guard.allows("s", 1)


def test_seven_keys_within_twenty_milliseconds_are_a_paste_until_they_pause() -> None:
    guard = PasteGuard()
    seen = [guard.key(step * 3 * NS_PER_MS) for step in range(10)]
    assert Typing.PASTE not in seen[:6]
    assert seen[6:] == [Typing.PASTE] * 4
    assert guard.key(500 * NS_PER_MS) is Typing.HAND


@pytest.mark.parametrize("gap_ms", [15, 40, 120])
def test_a_fast_hand_is_not_a_paste(gap_ms: int) -> None:
    guard = PasteGuard()
    assert {guard.key(step * gap_ms * NS_PER_MS) for step in range(30)} == {Typing.HAND}


def test_two_keys_at_once_are_a_burst() -> None:
    guard = PasteGuard()
    guard.key(0)
    assert guard.key(BURST_NS - 1) is Typing.BURST


def test_a_chord_needs_the_same_thing_twice_in_time() -> None:
    chord = Chord()
    assert not chord.press("kill", 0)
    assert chord.press("kill", TWICE_NS)
    assert not chord.press("kill", TWICE_NS + 1), "the third press starts anew"
    assert not chord.press("arm", TWICE_NS + 2), "another thing is not the second press"
    assert not chord.press("arm", 3 * TWICE_NS)


def test_a_chord_can_be_broken_off() -> None:
    chord = Chord()
    chord.press("kill", 0)
    chord.break_off()
    assert not chord.press("kill", 1)
