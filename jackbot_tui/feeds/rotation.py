"""Merges two connections that carry the same streams for a while: every frame once, none lost.

Sans-I/O; used by ``stream`` while it moves from an old connection to a new one. Frames are told apart by their text, so
a venue that numbers messages per connection brings some twice; their ids let the pipeline ignore them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from jackbot_tui.feeds.line import Deliver


class Overlap:
    """Deliver from the old connection and hold the new one's frames; after ``hand_over`` deliver from the new.

    ``full`` is done when ``most_held`` frames are held: the owner then hands over early. ``repeated`` counts the frames
    that both brought. ``stale`` names frames that a new connection sends first and that are of no use to someone who
    has followed the old one: they are left out at the hand-over.
    """

    def __init__(self, deliver: Deliver, most_held: int, stale: Callable[[str | bytes], bool] | None = None) -> None:
        self.full: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.repeated = 0
        self._deliver = deliver
        self._most_held = most_held
        self._stale = stale
        self._seen: Counter[str | bytes] = Counter()
        self._held: list[tuple[str | bytes, int]] = []

    def from_old(self, raw: str | bytes, now: int) -> None:
        self._seen[raw] += 1
        self._deliver(raw, now)

    def hold(self, raw: str | bytes, now: int) -> None:
        self._held.append((raw, now))
        if len(self._held) >= self._most_held and not self.full.done():
            self.full.set_result(None)

    def hand_over(self) -> None:
        """Deliver what the new connection brought and the old one did not."""
        held, self._held = self._held, []
        stale = self._stale
        for raw, now in held:
            if stale is None or raw in self._seen or not stale(raw):
                self.from_new(raw, now)

    def from_new(self, raw: str | bytes, now: int) -> None:
        if self._seen.get(raw, 0) > 0:
            self._seen[raw] -= 1
            self.repeated += 1
        else:
            self._deliver(raw, now)
