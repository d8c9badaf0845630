"""When funding falls due: the venue names the next time with each mark price, and moves it on once it has passed."""

from jackbot_tui.model.market import MarkPrice


class FundingClock:
    """Watches the mark prices of each instrument by key."""

    def __init__(self) -> None:
        self._last: dict[str, MarkPrice] = {}

    def due(self, key: str, mark: MarkPrice) -> MarkPrice | None:
        """The mark with the rate to settle now, when ``mark`` is the first one after a funding time; else None."""
        before = self._last.get(key)
        self._last[key] = mark
        passed = before is not None and 0 < before.next_funding_ns <= mark.ts_event < mark.next_funding_ns
        return before if passed else None
