"""The UTC day of an engine: at midnight, and when a session ends, open positions are valued for the daily results."""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.records import MarkSampled, Record

DAY_NS = 86_400 * NS_PER_S


class DayPort(Protocol):
    """What the day needs of the engine."""

    @property
    def portfolio(self) -> Portfolio: ...

    def mark_of(self, key: str) -> Decimal | None: ...


class TradingDay:
    """Knows which day it is; ``append`` journals a record."""

    def __init__(self, engine: DayPort, now: int, append: Callable[[Record], int]) -> None:
        self._engine = engine
        self._append = append
        self._day = now // DAY_NS

    def advance(self, now: int) -> None:
        """Time went on, perhaps over midnight."""
        day = now // DAY_NS
        if day != self._day:
            self._day = day
            self.sample_marks(now)
            self._engine.portfolio.new_day(now, self._engine.mark_of)

    def sample_marks(self, now: int) -> None:
        """Journal what open positions are worth."""
        for position in self._engine.portfolio.positions:
            price = self._engine.mark_of(position.key)
            if position.quantity and price is not None:
                self._append(MarkSampled(ts=now, key=position.key, price=price))
