"""Who may send orders without a confirm, and until when: the pen and the armed state. Synchronous; told the time.

DISARMED at start, always. One screen has the pen; only that one can be armed. Anything that makes acting on a picture
doubtful disarms: idle time, a change of instrument, a stale book, an old picture, a rejected order, another screen.
"""

from collections.abc import Callable

from jackbot_tui.model.clock import NS_PER_S

USUAL_NS = 600 * NS_PER_S
LONGEST_NS = 8 * 3600 * NS_PER_S
SILENCE_NS = 5 * NS_PER_S
"""A screen that has sent heartbeats and then none for this long is taken for gone."""


class Arming:
    """``tell`` takes one line for people whenever the state changes."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self.pen: int | None = None
        self.armed = False
        self.market = False
        self.until_ns = 0
        self.key = ""
        self._tell = tell

    def arm(self, client_id: int, now: int, duration_ns: int, market: bool, key: str) -> None:
        """The holder of the pen is armed for ``duration_ns`` (0: the usual time) while it looks at ``key``."""
        assert self.pen == client_id
        self.armed = True
        self.market = market
        self.key = key
        self.until_ns = now + min(duration_ns or USUAL_NS, LONGEST_NS)
        what = "limit and market keys send" if market else "limit keys send, market keys ask"
        self._tell("warn", f"ARMED: {what} at once")

    def disarm(self, why: str) -> bool:
        """Back to confirming; False when nothing was armed."""
        if not self.armed:
            return False
        self.armed = False
        self.market = False
        self.until_ns = 0
        self._tell("warn", f"DISARMED: {why}")
        return True

    def looked_at(self, client_id: int, key: str) -> None:
        """A client turned to instrument ``key``: what was armed for another one is not for this one."""
        if self.armed and self.pen == client_id and key and key != self.key:
            self.disarm("the instrument was changed")

    def give_pen(self, client_id: int | None, why: str) -> None:
        """Hand the pen over; whoever was armed is not any more."""
        if client_id != self.pen:
            self.disarm(why)
            self.pen = client_id

    def expire(self, now: int, *, last_line_ns: int, last_beat_ns: int, idle_ns: int) -> None:
        """Disarm when the time is up, or nobody seems to be there."""
        if not self.armed:
            return
        if now >= self.until_ns:
            self.disarm("the time is up")
        elif now - last_line_ns > idle_ns:
            self.disarm(f"idle for {idle_ns // NS_PER_S} s")
        elif last_beat_ns >= 0 and now - last_beat_ns > SILENCE_NS:
            self.disarm("the screen fell silent")

    def is_armed(self, client_id: int, market: bool) -> bool:
        """Whether an order of this client may leave without a confirm."""
        return self.armed and self.pen == client_id and (self.market or not market)
