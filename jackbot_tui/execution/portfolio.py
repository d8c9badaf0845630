"""Positions, balances, equity and the day's result, from fills and funding.

The engine feeds it every counted fill; screens and the risk gate read it. All money follows from the positions and
the starting balances, so a portfolio rebuilt from the journal's positions equals the one that lived through the
fills. It looks up no prices: whoever asks for a value brings ``mark_of``.

Balances are one wallet per currency. A spot fill moves base and quote; a perpetual's profit, fees and funding go to
its settlement currency as they are realised.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, localcontext

from jackbot_tui.model.accounting import (
    adopted,
    apply_fill,
    apply_funding,
    currencies_of,
    fee_in_base,
    fee_in_quote,
    net_realized,
    unrealized,
)
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.model.orders import Order, OrderFilled, Position
from jackbot_tui.model.records import PositionAdopted
from jackbot_tui.model.transitions import EXACT

MarkOf = Callable[[str], Decimal | None]
"""Price at which an instrument (by key) is valued now, None when unknown."""

DOLLARS = frozenset({"USD", "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "DAI"})
"""Currencies that equity and the day's result add up at par. A paper simplification, said on screen as 'USD'."""


class Portfolio:
    """See the module's paragraph. Money in the results is in dollars at par (``DOLLARS``)."""

    def __init__(self, start_balances: Mapping[str, Decimal] | None = None) -> None:
        self._start = dict(start_balances or {})
        self._positions: dict[str, Position] = {}
        self._marks: dict[str, Decimal] = {}
        self._opening: dict[str, Position] = {}
        self._opening_marks: dict[str, Decimal] = {}

    # ------------------------------------------------------------------ facts in

    def load(self, positions: Iterable[Position], opening: Iterable[tuple[Position, Decimal]] | None = None) -> None:
        """Take over positions of earlier sessions.

        ``opening`` are the positions as they were at the last UTC midnight with the prices they had then; without
        them the day's result counts from now.
        """
        self._positions = {position.key: position for position in positions}
        if opening is None:
            self._opening, self._opening_marks = dict(self._positions), {}
        else:
            known = list(opening)
            self._opening = {position.key: position for position, _ in known}
            self._opening_marks = {position.key: mark for position, mark in known}

    def apply(self, order: Order, fill: OrderFilled) -> Position:
        """Count one fill of ``order``; the caller sees to it that no fill comes twice."""
        fee, kept_back = fee_in_quote(order.key, fill), fee_in_base(order.key, fill)
        position = apply_fill(self.position(order.key), order.side, fill, fee, kept_back)
        self._positions[order.key] = position
        return position

    def apply_funding(self, key: str, amount: Decimal, ts: int) -> Position:
        """Count a funding settlement (quote currency, positive = received)."""
        position = self._positions[key] = apply_funding(self.position(key), amount, ts)
        return position

    def adopt(self, record: PositionAdopted) -> Position:
        """Take over what the venue holds in one instrument. What the account has of each currency stays as it was."""
        before = self.balances()
        position = adopted(self.position(record.key), record.quantity, record.average_entry, record.realized, record.ts)
        self._positions[record.key] = position
        with localcontext(EXACT):
            for name, held in self.balances().items():
                self._start[name] = self._start.get(name, ZERO) + before.get(name, ZERO) - held
        return position

    def agree_with(self, totals: Mapping[str, Decimal]) -> None:
        """A venue says what the account holds: what was there besides our own trades is whatever makes it so."""
        with localcontext(EXACT):
            held = self.balances()
            self._start = {
                name: totals.get(name, ZERO) - held.get(name, ZERO) + self._start.get(name, ZERO)
                for name in totals.keys() | held.keys()
            }

    def new_day(self, now: int, mark_of: MarkOf) -> None:
        """UTC midnight: the day's result starts again from the positions and prices of ``now``."""
        self._opening_marks = {}
        for key in self._positions:
            price = self._mark(key, mark_of)
            if price is not None:
                self._opening_marks[key] = price
        self._opening = dict(self._positions)

    # ------------------------------------------------------------------ questions

    @property
    def positions(self) -> list[Position]:
        """Every instrument ever traded, flat ones included, in the order of their first trade."""
        return list(self._positions.values())

    def position(self, key: str) -> Position:
        """The instrument's position, a flat one when it was never traded."""
        return self._positions.get(key) or Position(key=key)

    def balances(self) -> dict[str, Decimal]:
        """Holdings per currency, unrealised profit of perpetuals not included."""
        held = dict(self._start)
        with localcontext(EXACT):
            for position in self._positions.values():
                currencies = currencies_of(position.key)
                if currencies.is_perpetual:
                    held[currencies.settle] = held.get(currencies.settle, ZERO) + net_realized(position)
                    continue
                spent = position.average_entry * position.quantity
                held[currencies.base] = held.get(currencies.base, ZERO) + position.quantity
                held[currencies.quote] = held.get(currencies.quote, ZERO) + net_realized(position) - spent
        return held

    def balance(self, currency: str) -> Decimal:
        return self.balances().get(currency, ZERO)

    def equity(self, mark_of: MarkOf) -> Decimal:
        """Everything held, valued now; a currency without a known price counts 0."""
        with localcontext(EXACT):
            prices = self._dollar_prices(mark_of)
            total = sum((held * prices.get(name, ZERO) for name, held in self.balances().items()), ZERO)
            for key, position in self._positions.items():
                currencies = currencies_of(key)
                mark = self._mark(key, mark_of)
                if currencies.is_perpetual and mark is not None:
                    total += unrealized(position, mark) * prices.get(currencies.settle, ZERO)
            return total

    def day_pnl(self, mark_of: MarkOf) -> Decimal:
        """Result since UTC midnight (or since ``load`` without an opening): realised, unrealised, fees and
        funding.
        """
        with localcontext(EXACT):
            prices = self._dollar_prices(mark_of)
            total = ZERO
            for key, position in self._positions.items():
                result = self._result(position, self._mark(key, mark_of))
                opening = self._opening.get(key)
                if opening is not None:
                    result -= self._result(opening, self._opening_mark(key, mark_of))
                total += result * prices.get(currencies_of(key).settle, ZERO)
            return total

    # ------------------------------------------------------------------ inside

    def _dollar_prices(self, mark_of: MarkOf) -> dict[str, Decimal]:
        """Dollars per unit of every currency with a known price: dollars at par, others by the positions' marks."""
        prices = dict.fromkeys(DOLLARS, ONE)
        for key in self._positions:
            currencies = currencies_of(key)
            mark = self._mark(key, mark_of)
            if mark is not None and currencies.quote in DOLLARS and currencies.base not in DOLLARS:
                prices.setdefault(currencies.base, mark)
        return prices

    @staticmethod
    def _result(position: Position, mark: Decimal | None) -> Decimal:
        open_profit = ZERO if mark is None else unrealized(position, mark)
        return net_realized(position) + open_profit

    def _mark(self, key: str, mark_of: MarkOf) -> Decimal | None:
        """The price now; while it is unknown, the last one known, so that a lost feed does not move the result."""
        price = mark_of(key)
        if price is None:
            return self._marks.get(key)
        self._marks[key] = price
        return price

    def _opening_mark(self, key: str, mark_of: MarkOf) -> Decimal | None:
        if key not in self._opening_marks:
            price = self._mark(key, mark_of)
            if price is None:
                return None
            self._opening_marks[key] = price
        return self._opening_marks[key]
