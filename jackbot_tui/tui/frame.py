"""The frame clock: pulls the newest picture at a steady rate, one request in flight, never faster than the terminal.

``Pacer`` is pure. It learns the terminal's delay from cursor-position reports written behind each frame: while they
come back at their usual speed, as many frames may be under way as that delay holds, and one when they are late; so
what is on the glass is new even on a slow link (UI.md 3.5, 3.6). A terminal that never answers is drawn at full rate.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from jackbot_tui.link.face import Link
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.errors import LinkError
from jackbot_tui.tui.glass import Glass
from jackbot_tui.tui.trade import TradeState

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
WINDOW = 8
LATE_TIMES = 2
LATE_NS = 15 * NS_PER_MS
NO_ANSWER_NS = 2 * NS_PER_S
LOST_ANSWER_NS = 5 * NS_PER_S
FORGET_SHARE = 0.02
HEARTBEAT_NS = NS_PER_S
PULL_TIMEOUT_S = 3.0
FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 2.0


class Pacer:
    """Says when a frame may be drawn. All times are a monotonic clock's nanoseconds."""

    def __init__(self, interval_ns: int, answers: bool = True) -> None:
        self.interval_ns = interval_ns
        self.dropped = 0
        self._answers = answers
        self._sent: deque[int] = deque()
        self._due = 0
        self._least_ns: float = -1.0
        self._rtt_ns = -1
        self._drawn: deque[int] = deque(maxlen=120)

    @property
    def measuring(self) -> bool:
        """Whether the terminal has ever answered."""
        return self._least_ns >= 0

    @property
    def window(self) -> int:
        """Frames that may be under way: what the bare delay holds, one when answers are late."""
        late = self._rtt_ns > LATE_TIMES * self._least_ns and self._rtt_ns - self._least_ns > LATE_NS
        return 1 if late else min(WINDOW, int(self._least_ns // self.interval_ns) + 2)

    def glass_age_ms(self, now: int) -> float:
        """How late the terminal is: the queueing part of the newest answer or of the open question; -1 unknown."""
        if not self.measuring:
            return -1.0
        behind = self._rtt_ns - self._least_ns
        if self._sent:
            behind = max(behind, now - self._sent[0] - self._least_ns)
        return max(0.0, behind / NS_PER_MS)

    def frames_per_s(self, now: int) -> float:
        while self._drawn and now - self._drawn[0] > NS_PER_S:
            self._drawn.popleft()
        return float(len(self._drawn))

    def quiet_ns(self, now: int) -> int:
        """Time since the last frame, or since the start of the clock before the first."""
        return now - self._drawn[-1] if self._drawn else now

    def wait_ns(self, now: int) -> int:
        """Until the next frame is due, at least a millisecond."""
        return max(NS_PER_MS, self._due - now)

    def due(self, now: int, writes_waiting: int = 0) -> bool:
        """Whether to draw now. A frame that was due and must wait for the terminal is counted as dropped."""
        if now < self._due:
            return False
        self._give_up(now)
        if writes_waiting > 0 or (self.measuring and len(self._sent) >= self.window):
            self.dropped += 1
            self._due = now + self.interval_ns
            return False
        self._due = max(self._due + self.interval_ns, now)
        return True

    def drawn(self, now: int) -> None:
        self._drawn.append(now)

    def asked(self, now: int) -> None:
        """A question was written behind a frame."""
        self._sent.append(now)

    @property
    def wants_to_ask(self) -> bool:
        """False once the terminal was found not to answer."""
        return self._answers and (self.measuring or len(self._sent) < 2)

    def answered(self, now: int) -> None:
        """The terminal has drawn everything up to the oldest open question."""
        if not self._sent:
            return
        self._rtt_ns = now - self._sent.popleft()
        if self._least_ns < 0 or self._rtt_ns < self._least_ns:
            self._least_ns = float(self._rtt_ns)
        else:
            # A route that became longer for good is not queueing: the least slowly forgets.
            self._least_ns += (
                (self._rtt_ns - self._least_ns) * FORGET_SHARE if self._rtt_ns < 2 * self._least_ns else 0.0
            )

    def _give_up(self, now: int) -> None:
        if not self._sent:
            return
        patience = LOST_ANSWER_NS if self.measuring else NO_ANSWER_NS
        if now - self._sent[0] < patience:
            return
        self._sent.clear()
        if not self.measuring:
            self._answers = False


class Stage(Protocol):
    """What the frame clock needs of the screen."""

    def draw(self, forced: bool = False) -> None: ...

    def writes_waiting(self) -> int: ...

    def reconnected(self) -> None: ...

    @property
    def shows_parents(self) -> bool: ...


class FrameClock:
    """Owns the loop that keeps the glass new, and the connection. Runs as one task of the screen."""

    def __init__(
        self,
        link: Link,
        glass: Glass,
        state: TradeState,
        stage: Stage,
        clock: Clock,
        pacer: Pacer,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.link = link
        self.glass = glass
        self.state = state
        self.stage = stage
        self.clock = clock
        self.pacer = pacer
        self.monotonic = monotonic
        self._instance = ""
        self._beat_due = 0

    async def run(self) -> None:
        """Until cancelled."""
        pause = FIRST_RETRY_S
        while True:
            if not self.link.connected:
                if not await self._connect():
                    self.stage.draw()
                    await asyncio.sleep(pause)
                    pause = min(LONGEST_RETRY_S, pause * 2)
                    continue
                pause = FIRST_RETRY_S
            now = self.monotonic()
            if self.pacer.due(now, self.stage.writes_waiting()):
                await self.frame()
            await asyncio.sleep(self.pacer.wait_ns(self.monotonic()) / NS_PER_S)

    async def frame(self) -> None:
        """One picture, taken and drawn."""
        state = self.state
        rows, parents = max(20, state.axis.rows), self.stage.shows_parents
        request = self.glass.request(state.wanted_key, rows, state.group, state.anchor, parents)
        try:
            view = await self.link.pull(request, PULL_TIMEOUT_S)
            await self._beat()
        except LinkError as error:
            self._lost(str(error))
            return
        now = self.clock.now_ns()
        self.glass.connected = True
        self.glass.trouble = ""
        self.glass.glass_age_ms = self.pacer.glass_age_ms(self.monotonic())
        self.glass.accept(view, now)
        state.new_picture(now)
        state.tick(now)
        self.stage.draw()
        self.pacer.drawn(self.monotonic())

    async def _connect(self) -> bool:
        try:
            welcome = await self.link.connect()
        except LinkError as error:
            self._lost(str(error))
            return False
        if self._instance and welcome.instance != self._instance:
            self.glass.restart()
            self.state.wanted_key = ""
        if self._instance:
            self.stage.reconnected()
        self._instance = welcome.instance
        self.glass.client_id = welcome.client_id
        self.glass.connected = True
        self.glass.trouble = ""
        return True

    async def _beat(self) -> None:
        now = self.monotonic()
        if now >= self._beat_due:
            self._beat_due = now + HEARTBEAT_NS
            await self.link.heartbeat(self.pacer.glass_age_ms(now))

    def _lost(self, reason: str) -> None:
        self.glass.connected = False
        self.glass.trouble = self.link.trouble or reason
        self.state.drop_question()
        self.stage.draw()
