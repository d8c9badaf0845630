"""Guards of the keyboard that only a screen can keep: key repeat, pasted text, double presses. Pure; time comes in.

Terminals do not tell a held key from a pressed one, nor typed text from pasted text without brackets (UI.md 2.6). The
guards of the market (arming, drift, limits) are the engine's.
"""

from collections import deque
from enum import Enum

NS_PER_MS = 1_000_000
REPEAT_NS = 250 * NS_PER_MS
PASTE_NS = 20 * NS_PER_MS
PASTE_KEYS = 6
BURST_NS = 2 * NS_PER_MS
"""No hand presses two different keys within this; an order key waits that long before it leaves."""

TWICE_NS = 1500 * NS_PER_MS
READ_NS = 150 * NS_PER_MS
"""A question must have been on the glass this long before Enter counts."""


class RepeatGuard:
    """Drops an order key that comes again within ``REPEAT_NS`` of its last press, dropped or not."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def allows(self, key: str, now: int) -> bool:
        before = self._last.get(key)
        self._last[key] = now
        return before is None or now - before >= REPEAT_NS


class Typing(Enum):
    """What a printable key outside a text field looks like."""

    HAND = "hand"
    BURST = "burst"
    PASTE = "paste"


class PasteGuard:
    """Tells text that was pasted into the keyboard from keys that were pressed."""

    def __init__(self) -> None:
        self._times: deque[int] = deque(maxlen=PASTE_KEYS + 1)
        self._pasting_until = 0

    def key(self, now: int) -> Typing:
        """A printable key came at ``now``. ``PASTE`` lasts until the keys pause."""
        before = self._times[-1] if self._times else None
        self._times.append(now)
        full = len(self._times) > PASTE_KEYS and now - self._times[0] <= PASTE_NS
        if full or now < self._pasting_until:
            self._pasting_until = now + PASTE_NS
            return Typing.PASTE
        return Typing.BURST if before is not None and now - before < BURST_NS else Typing.HAND


class Chord:
    """Two presses of the same thing within ``TWICE_NS``."""

    def __init__(self) -> None:
        self._what = ""
        self._until = 0

    def press(self, what: str, now: int) -> bool:
        """True on the second press; the chord is over then."""
        if what == self._what and now <= self._until:
            self._what = ""
            return True
        self._what, self._until = what, now + TWICE_NS
        return False

    def break_off(self) -> None:
        self._what = ""
