"""When funding falls due: the venue names the next time with each mark price, and moves it on once it has passed.

Sans-I/O; the engine core asks at every mark. What is settled is the rate and the mark that were last seen before the
funding time, on the position that was held at that time of the exchange. When the stream was away over several funding
times, each is settled with what was last seen before the first: the true rates were never heard.
"""

from typing import Protocol

from msgspec import Struct

from jackbot_tui.execution.base import VenueExecutor
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import MarkPrice
from jackbot_tui.model.numbers import decimal_of, text_of
from jackbot_tui.model.records import FundingApplied, Record

HOUR_NS = 3600 * NS_PER_S

MOST_MISSED = 72
"""Funding times that are made up for after a silence: three days of hourly ones."""


EARLY_NS = 60 * NS_PER_S
"""A venue that names the following time so shortly before a funding time has settled it; earlier, it moved it."""


class FundingPort(Protocol):
    """What funding needs of the engine."""

    @property
    def executor(self) -> VenueExecutor: ...

    @property
    def portfolio(self) -> Portfolio: ...

    def append(self, record: Record) -> int: ...

    def publish_durable(
        self, seq: int, ts: int, kind: str, level: str, text: str, *, key: str = "", number: int = 0
    ) -> None: ...


class FundingDue(Struct, frozen=True):
    """A funding time has passed: exchange time ``at_ns``, to be settled at ``mark``'s rate and price.

    ``heard`` is False where the stream was away and the rate is only the last one known.
    """

    at_ns: int
    mark: MarkPrice
    heard: bool


class FundingClock:
    """Watches the mark prices of each instrument by key."""

    def __init__(self) -> None:
        self._last: dict[str, MarkPrice] = {}

    def due(self, mark: MarkPrice, interval_h: int) -> list[FundingDue]:
        """The funding times that passed between the last mark of the instrument and this one, oldest first.

        ``interval_h`` tells how many there were in a silence. A mark without exchange time counts by its arrival.
        """
        before = self._last.get(mark.key)
        if before is not None and mark.next_funding_ns < before.next_funding_ns:
            return []  # an older mark that came late, or one that names no time
        self._last[mark.key] = mark
        if before is None or not 0 < before.next_funding_ns < mark.next_funding_ns:
            return []
        now = mark.ts_event or mark.ts_recv
        interval = interval_h * HOUR_NS or mark.next_funding_ns
        times = range(before.next_funding_ns, min(mark.next_funding_ns, now + EARLY_NS), interval)
        return [FundingDue(at, before, heard=place == 0) for place, at in enumerate(times[-MOST_MISSED:])]


class Funding:
    """Settles funding when it falls due, journals it and says so."""

    def __init__(self, engine: FundingPort) -> None:
        self._engine = engine
        self._clock = FundingClock()

    def on_mark(self, instrument: Instrument, mark: MarkPrice, now: int) -> None:
        """A mark price of ``instrument`` came."""
        for due in self._clock.due(mark, instrument.funding_interval_h):
            self._settle(instrument.key, due, now)

    def _settle(self, key: str, due: FundingDue, now: int) -> None:
        """Settle on what the venue held at the funding time: fills since then, or still on their way, do not count."""
        engine = self._engine
        rate, price = decimal_of(due.mark.funding_rate), decimal_of(due.mark.mark)
        settled = engine.executor.settle_funding(key, rate, price, due.at_ns, now)
        quantity, amount = settled.quantity, settled.amount
        if not quantity:
            return
        seq = engine.append(FundingApplied(ts=now, key=key, rate=rate, mark=price, quantity=quantity, amount=amount))
        engine.portfolio.apply_funding(key, amount, now)
        known = "" if due.heard else ", the last rate known: the stream was away"
        text = f"funding {text_of(amount)} on {text_of(quantity)} at {text_of(rate * 100)}%{known}"
        engine.publish_durable(seq, now, "note", "info", text, key=key)
