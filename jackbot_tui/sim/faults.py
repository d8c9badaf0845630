"""Faults on demand: what goes wrong at the exchange, when, and how often. Seeded, switchable while it runs.

A gateway asks ``strikes`` wherever something may fail and hears of one-off events through ``on_event``. Nothing here
touches a socket.

The specification, as given to ``--fault``, is a list separated by commas:

- ``NAME=CHANCE`` happens to each frame, reply or request with that chance, 0 to 1.
  Data frames of a WebSocket: ``drop`` (lost), ``repeat`` (sent twice), ``reorder`` (changes place with the next),
  ``garbage`` (an unreadable frame in front), ``truncate`` (cut short), ``corrupt`` (some characters turned into
  others), ``checksum`` (a wrong checksum, at venues that send one). Requests: ``noack`` (a subscription takes effect
  but is never confirmed),
  ``refuse`` (a WebSocket handshake is answered 503), ``rest429`` (429 with Retry-After: 1), ``rest5xx`` (503),
  ``stale_snapshot`` (a depth reply that is older than the stream).
- ``NAME=TIME`` lasts as long as the exchange: ``slow_rest`` (every reply that much later), ``skew`` (its clock is that
  far ahead, or behind when negative).
- ``NAME@TIME[/EVERY][:ARGUMENT]`` happens once at that time after the opening, then again after each EVERY:
  ``gap[:FRAMES]`` (every subscribed depth stream loses that many frames, 1), ``halfopen`` (every open WebSocket goes
  mute and deaf but stays connected), ``close[:CODE]`` (every WebSocket is closed; 1006, the default, cuts the
  connection without a close frame), ``shutdown[:TIME]`` (spot sockets are told ``serverShutdown`` and closed with 1001
  that much later, 5s; other venues where they have such a word), ``silence[:TIME]`` (no market data for that long, 10s,
  while connections stay alive), ``maintenance[:TIME]`` (every WebSocket is closed, and for that long, 10s, new ones and
  all requests are answered 503).
- Orders and private streams, by chance. Trading requests (orders, cancels, amends): ``lost_answer`` (it takes effect,
  then the connection drops without an answer), ``accepted5xx`` (it takes effect, the answer is a 503 that does not say
  so), ``late_answer`` (it takes effect at once, the answer comes 0.4 s later, so that a fill is known before its
  order's acknowledgement). Private events: ``repeat_fill`` (a fill is told twice), ``late_new`` (an order's ``new``
  comes after what happened to it next, 2 s later at the latest). As events: ``private_silence@TIME[:TIME]`` (private
  streams tell nothing for that long, 10s, and never make up for it, while connections stay alive),
  ``expire_tokens@TIME`` (every listen key or token of a private stream ends). ``skew`` is what requests' timestamps are
  compared with, too.
- ``reject=SYMBOL`` refuses subscriptions to that unified symbol, as the venue does for one it does not know.

TIME is a number with ``ms``, ``s`` (default), ``m`` or ``h``. Example: ``drop=0.01,gap@30s,close@90s/60s:1006``.
"""

import difflib
import heapq
import random
import re
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from jackbot_tui.model.errors import InputError


class Chance(StrEnum):
    DROP = "drop"
    REPEAT = "repeat"
    REORDER = "reorder"
    GARBAGE = "garbage"
    TRUNCATE = "truncate"
    CORRUPT = "corrupt"
    CHECKSUM = "checksum"
    NOACK = "noack"
    REFUSE = "refuse"
    REST_429 = "rest429"
    REST_5XX = "rest5xx"
    STALE_SNAPSHOT = "stale_snapshot"
    LOST_ANSWER = "lost_answer"
    ACCEPTED_5XX = "accepted5xx"
    LATE_ANSWER = "late_answer"
    REPEAT_FILL = "repeat_fill"
    LATE_NEW = "late_new"


class Lasting(StrEnum):
    SLOW_REST = "slow_rest"
    SKEW = "skew"


class EventKind(StrEnum):
    GAP = "gap"
    HALF_OPEN = "halfopen"
    CLOSE = "close"
    SHUTDOWN = "shutdown"
    SILENCE = "silence"
    MAINTENANCE = "maintenance"
    PRIVATE_SILENCE = "private_silence"
    EXPIRE_TOKENS = "expire_tokens"


FRAME_FAULTS = (Chance.DROP, Chance.REPEAT, Chance.REORDER, Chance.GARBAGE, Chance.TRUNCATE, Chance.CORRUPT)
REJECT = "reject"
TIMED = (EventKind.SHUTDOWN, EventKind.SILENCE, EventKind.MAINTENANCE, EventKind.PRIVATE_SILENCE)
"""Events whose argument is a time."""

DEFAULT_ARGUMENT = {
    EventKind.GAP: 1,
    EventKind.HALF_OPEN: 0,
    EventKind.CLOSE: 1006,
    EventKind.SHUTDOWN: 5_000_000_000,
    EventKind.SILENCE: 10_000_000_000,
    EventKind.MAINTENANCE: 10_000_000_000,
    EventKind.PRIVATE_SILENCE: 10_000_000_000,
    EventKind.EXPIRE_TOKENS: 0,
}
_UNITS = {"ms": 1_000_000, "": 1_000_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}
_TIME = re.compile(r"(-?\d+(?:\.\d+)?)(ms|s|m|h|)")


class FaultEvent(Struct, frozen=True):
    """``argument``: frames for a gap, close code for a close, else nanoseconds. ``every_ns`` 0: only once."""

    kind: EventKind
    argument: int
    at_ns: int = 0
    every_ns: int = 0


class FaultPlan(Struct, frozen=True):
    """A specification, read."""

    chances: dict[Chance, float] = {}
    lasting: dict[Lasting, int] = {}
    events: tuple[FaultEvent, ...] = ()
    rejected: tuple[str, ...] = ()


def parse_faults(spec: str) -> FaultPlan:
    """Read a specification (see the module's text); InputError with what is wrong and a legal example."""
    chances: dict[Chance, float] = {}
    lasting: dict[Lasting, int] = {}
    events: list[FaultEvent] = []
    rejected: list[str] = []
    for item in filter(None, (part.strip() for part in spec.split(","))):
        name, sign, rest = re.match(r"([^=@]*)([=@]?)(.*)", item, re.DOTALL).groups()  # type: ignore[union-attr]
        if name in _names(Chance) and sign == "=":
            chances[Chance(name)] = _chance(item, rest)
        elif name in _names(Lasting) and sign == "=":
            lasting[Lasting(name)] = _duration(item, rest, negative=name == Lasting.SKEW)
        elif name in _names(EventKind) and sign == "@":
            events.append(_event(item, EventKind(name), rest))
        elif name == REJECT and sign == "=" and rest:
            rejected.append(rest)
        else:
            raise InputError(_advice(item, name))
    return FaultPlan(chances, lasting, tuple(events), tuple(rejected))


def _names(kind: type[StrEnum]) -> set[str]:
    return {member.value for member in kind}


def _advice(item: str, name: str) -> str:
    if name in _names(Chance):
        return f"fault {item!r}: {name} takes a chance from 0 to 1, as in {name}=0.01"
    if name in _names(Lasting):
        return f"fault {item!r}: {name} takes a time, as in {name}=2s"
    if name in _names(EventKind):
        return f"fault {item!r}: {name} takes the time at which it happens, as in {name}@30s"
    if name == REJECT:
        return f"fault {item!r}: reject takes a symbol, as in reject=BTC/USDT"
    known = sorted(_names(Chance) | _names(Lasting) | _names(EventKind) | {REJECT})
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"fault {item!r} is not known: " + (f"try {nearest[0]}" if nearest else f"known are {', '.join(known)}")


def _chance(item: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(f"fault {item!r}: {text!r} is not a chance from 0 to 1, as in 0.01")
    return value


def _duration(item: str, text: str, *, negative: bool = False) -> int:
    match = _TIME.fullmatch(text)
    if match is None or (match[1].startswith("-") and not negative):
        raise InputError(f"fault {item!r}: {text!r} is not a time, as in 500ms, 30s or 2m")
    return int(float(match[1]) * _UNITS[match[2]])


def _event(item: str, kind: EventKind, text: str) -> FaultEvent:
    when, colon, argument_text = text.partition(":")
    at, slash, every = when.partition("/")
    argument = DEFAULT_ARGUMENT[kind]
    if colon:
        argument = _duration(item, argument_text) if kind in TIMED else _whole(item, kind, argument_text)
    every_ns = _duration(item, every) if slash else 0
    if slash and every_ns <= 0:
        raise InputError(f"fault {item!r}: the time between two of them must be above 0, as in {kind}@30s/60s")
    return FaultEvent(kind, argument, _duration(item, at), every_ns)


def _whole(item: str, kind: EventKind, text: str) -> int:
    lowest, highest = {EventKind.GAP: (1, 1_000_000), EventKind.CLOSE: (1000, 4999)}.get(kind, (1, 0))
    if lowest > highest:
        raise InputError(f"fault {item!r}: {kind} takes nothing after its time")
    if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
        raise InputError(f"fault {item!r}: {text!r} is not a whole number from {lowest} to {highest}")
    return int(text)


class Faults:
    """The faults of a running exchange. Tests and demos may change them at any time.

    ``counts`` tells how often each has struck, by name. ``rejected`` are unified symbols nobody may subscribe to.
    """

    def __init__(self, plan: FaultPlan | None = None, seed: int = 0) -> None:
        plan = plan or FaultPlan()
        self._seed = seed
        self._random = random.Random(f"{seed}:faults")
        self._chances = dict(plan.chances)
        self._lasting = dict(plan.lasting)
        self._agenda = [(event.at_ns, number, event) for number, event in enumerate(plan.events)]
        heapq.heapify(self._agenda)
        self._connections = 0
        self.counts: Counter[str] = Counter()
        self.rejected: set[str] = set(plan.rejected)
        self.gap_number = 0
        self.gap_frames = 0
        self.cleared_gaps = 0
        """Gaps up to this number are over, whatever of them is left."""

        self.on_event: Callable[[FaultEvent], None] | None = None
        self._elapsed_ns = 0
        self._silent_until_ns = 0
        self._closed_until_ns = 0
        self._private_silent_until_ns = 0

    @property
    def silent(self) -> bool:
        """No market data is sent now."""
        return self._elapsed_ns < self._silent_until_ns

    @property
    def private_silent(self) -> bool:
        """Private streams tell nothing now."""
        return self._elapsed_ns < self._private_silent_until_ns

    @property
    def under_maintenance(self) -> bool:
        """Nobody is let in now."""
        return self._elapsed_ns < self._closed_until_ns

    @property
    def touches_frames(self) -> bool:
        """Whether data frames may be altered now, so that a healthy exchange need not ask frame by frame."""
        return self.gap_number > self.cleared_gaps or any(self._chances.get(name) for name in FRAME_FAULTS)

    @property
    def slow_rest_ns(self) -> int:
        return self._lasting.get(Lasting.SLOW_REST, 0)

    @property
    def skew_ns(self) -> int:
        return self._lasting.get(Lasting.SKEW, 0)

    def chance(self, name: Chance) -> float:
        return self._chances.get(name, 0.0)

    def strikes(self, name: Chance) -> bool:
        """Draw whether this one fails."""
        chance = self._chances.get(name, 0.0)
        if chance <= 0 or self._random.random() >= chance:
            return False
        self.counts[name] += 1
        return True

    def set(self, name: str, value: float | str) -> None:
        """Change a chance or a lasting fault while running: ``set("drop", 0.5)``, ``set("slow_rest", "2s")``."""
        plan = parse_faults(f"{name}={value}")
        self._chances.update(plan.chances)
        self._lasting.update(plan.lasting)

    def trigger(self, name: str, argument: int | None = None) -> None:
        """Make an event happen now: ``trigger("close", 1001)``, ``trigger("gap")``."""
        try:
            kind = EventKind(name)
        except ValueError:
            raise InputError(f"fault {name!r} is not an event: known are {', '.join(EventKind)}") from None
        self._happen(FaultEvent(kind, DEFAULT_ARGUMENT[kind] if argument is None else argument))

    def clear(self) -> None:
        """Nothing fails any more. What already happened stays."""
        self._chances.clear()
        self._lasting.clear()
        self._agenda.clear()
        self.rejected.clear()
        self.gap_frames = 0
        self.cleared_gaps = self.gap_number
        self._silent_until_ns = self._closed_until_ns = self._private_silent_until_ns = 0

    def advance(self, elapsed_ns: int) -> None:
        """Let scheduled events up to this moment happen."""
        self._elapsed_ns = elapsed_ns
        while self._agenda and self._agenda[0][0] <= elapsed_ns:
            at, number, event = heapq.heappop(self._agenda)
            if event.every_ns:
                heapq.heappush(self._agenda, (at + event.every_ns, number, event))
            self._happen(event)

    def connection(self) -> "FrameFaults":
        """What happens to the frames of a new connection, with a generator of its own."""
        self._connections += 1
        return FrameFaults(self, random.Random(f"{self._seed}:frames:{self._connections}"))

    def _happen(self, event: FaultEvent) -> None:
        self.counts[event.kind] += 1
        if event.kind is EventKind.GAP:
            self.gap_number += 1
            self.gap_frames = event.argument
        elif event.kind is EventKind.SILENCE:
            self._silent_until_ns = self._elapsed_ns + event.argument
        elif event.kind is EventKind.PRIVATE_SILENCE:
            self._private_silent_until_ns = self._elapsed_ns + event.argument
        elif event.kind is EventKind.MAINTENANCE:
            self._closed_until_ns = self._elapsed_ns + event.argument
        if self.on_event is not None:
            self.on_event(event)


class FrameFaults:
    """Alters the data frames of one connection."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        self._faults = faults
        self._random = rng
        self._held: str | bytes | None = None
        self._born = faults.gap_number
        self._gaps: dict[str, tuple[int, int]] = {}

    @property
    def holds(self) -> bool:
        """Whether a frame waits to go out after the next one."""
        return self._held is not None

    def alter(self, stream: str, frame: str | bytes, *, is_depth: bool) -> list[str | bytes]:
        """The frames that really go out when ``frame`` is to be sent on ``stream``."""
        if is_depth and self._in_gap(stream):
            return []
        if self._strikes(Chance.DROP):
            return []
        if self._strikes(Chance.TRUNCATE):
            frame = self._cut(frame)
        elif self._strikes(Chance.CORRUPT):
            frame = self._spoilt(frame)
        out = [frame]
        if self._strikes(Chance.REPEAT):
            out.append(frame)
        if self._held is not None:
            out.append(self._held)
            self._held = None
        elif self._strikes(Chance.REORDER):
            self._held = out.pop()
        if self._strikes(Chance.GARBAGE):
            out.insert(0, self._unreadable(frame))
        return out

    def _strikes(self, name: Chance) -> bool:
        chance = self._faults.chance(name)
        if chance <= 0 or self._random.random() >= chance:
            return False
        self._faults.counts[name] += 1
        return True

    def _in_gap(self, stream: str) -> bool:
        number = self._faults.gap_number
        if number == self._born or number <= self._faults.cleared_gaps:
            return False
        seen, left = self._gaps.get(stream, (self._born, 0))
        if seen != number:
            left = self._faults.gap_frames
        self._gaps[stream] = (number, max(0, left - 1))
        return left > 0

    def _cut(self, frame: str | bytes) -> str | bytes:
        return frame[: 1 + int(self._random.random() * max(0, len(frame) - 2))]

    def _spoilt(self, frame: str | bytes) -> str | bytes:
        """Four characters in a row become others that no figure is made of: whatever they hit cannot be read as one."""
        at = int(self._random.random() * max(1, len(frame) - 4))
        if isinstance(frame, str):
            return frame[:at] + "#~#~"[: len(frame) - at] + frame[at + 4 :]
        return frame[:at] + b"\xff\xff\xff\xff"[: len(frame) - at] + frame[at + 4 :]

    def _unreadable(self, frame: str | bytes) -> str | bytes:
        """A frame cut short, bytes of nothing, or JSON of no known shape."""
        draw = self._random.random()
        if draw < 0.4:
            return self._cut(frame)
        if draw < 0.7:
            return "".join(chr(33 + int(self._random.random() * 94)) for _ in range(40))
        return self._random.choice(('{"e":"depthUpdate"}', "[]", '{"stream":5,"data":null}', "null", '{"result":'))
