"""What MEXC's codec knows of the instruments of one market: keys by native name, contract sizes, marks so far.

Kept by the codec; both kinds of frames look names up here. Adopts unknown names in a replay.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import Level
from jackbot_tui.venues.base import Inferred

MAX_TIME_MS = 10**14


class Known(Struct):
    """Key, contract size in base units, and the parts of a perpetual's mark price so far.

    A size is multiplied by ``times`` and divided by ``by``, both whole: multiplying by 0.0001 loses decimals that the
    venue means, dividing by 10000 does not.
    """

    key: str
    contract: Decimal
    times: int
    by: int
    mark: float = 0.0
    index: float = 0.0
    rate: float = 0.0
    next_ns: int = 0

    def in_base(self, rows: list[Level]) -> list[Level]:
        """Levels in contracts as levels in base units."""
        times, by = self.times, self.by
        return rows if times == by else [(price, size * times / by) for price, size in rows]


class Roster:
    """Instruments of one market by native name. ``adopting``: see ``Codec.adopt_unknown``."""

    def __init__(self, infer: Callable[[str | bytes], list[Inferred]]) -> None:
        self.adopting = False
        self.adopted: dict[str, Instrument] = {}
        self._infer = infer
        self._known: dict[str, Known] = {}
        self._streams: dict[tuple[str, str], str] = {}

    def register(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            times, by = instrument.contract_size.as_integer_ratio()
            self._known[instrument.native] = Known(instrument.key, instrument.contract_size, times, by)
            self.adopted.pop(instrument.key, None)

    def named(self, native: str, raw: str | bytes) -> Known | None:
        """What is known of ``native``; when adopting, a provisional instrument is made from the frame it came in."""
        known = self._known.get(native)
        if known is None and self.adopting:
            for found in self._infer(raw):
                if found.instrument.native == native:
                    self.register([found.instrument])
                    self.adopted[found.instrument.key] = found.instrument
            known = self._known.get(native)
        return known

    def keyed(self, key: str) -> Known | None:
        return next((known for known in self._known.values() if known.key == key), None)

    def claims(self, purpose: str, native: str, stream: str) -> bool:
        """Whether ``stream`` is the one that serves ``native``: the first one does, another is told twice as much."""
        return self._streams.setdefault((purpose, native), stream) == stream


def time_ns(milliseconds: int) -> int:
    """The venue's time in ns, 0 where it is none."""
    return milliseconds * NS_PER_MS if 0 < milliseconds <= MAX_TIME_MS else 0
