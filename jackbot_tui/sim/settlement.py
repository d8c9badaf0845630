"""What orders and fills do to money, on spot and on perpetuals: one object for each kind of market.

Called by order desks. ``admit`` says whether an account can afford an order, ``reserve`` locks what an order binds,
``fill`` moves what was traded. Money moves through the ledger only.
"""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Protocol

from msgspec import Struct

from jackbot_tui.model.enums import Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.transitions import EXACT
from jackbot_tui.sim.ledger import FEES, Cause, Ledger, Purse
from jackbot_tui.sim.margin import LINEAR_WALLET, MONEY, Positions, Working
from jackbot_tui.sim.orders import CROWD
from jackbot_tui.sim.requests import AccountOrder, Holding, Refusal, Refused
from jackbot_tui.sim.terms import FeeCurrency

SPOT_WALLET = "spot"


class Wish(Struct, frozen=True):
    """An order that asks to be let in: ``value`` is the most it may cost (buy) or the least it brings, quote units.
    ``replaces`` is the order whose place it takes.
    """

    account: int
    side: Side
    quantity: Decimal
    value: Decimal
    reduce_only: bool = False
    replaces: AccountOrder | None = None


class Match(Struct, frozen=True):
    """One execution of one order, in base and quote units."""

    order: AccountOrder
    quantity: Decimal
    price: Decimal
    lots: int
    is_maker: bool
    trade_id: int
    ms: int


class Charge(Struct, frozen=True):
    """What a fill cost and realised."""

    fee: Decimal
    currency: str
    profit: Decimal = ZERO


class Settlement(Protocol):
    def admit(self, instrument: Instrument, wish: Wish) -> None:
        """Refused when the account cannot afford it."""

    def reserve(self, instrument: Instrument, order: AccountOrder) -> None:
        """Lock what ``order`` binds now; nothing once it is closed."""

    def fill(self, instrument: Instrument, match: Match) -> Charge: ...


class SpotSettlement:
    """Buys lock quote currency at their limit, sells lock what they sell. Fees are taken from what is received, or
    from the quote currency, by the venue's terms. Money moves when a fill is booked, and only the order's own side: the
    other side of a match between two clients is booked by its own fill, both against the crowd. ``available_of`` says,
    where perpetuals are paid from the same ``wallet``, how much of a currency they leave (None: they do not use it).
    """

    def __init__(
        self,
        ledger: Ledger,
        fee_currency: FeeCurrency,
        wallet: str = SPOT_WALLET,
        available_of: Callable[[int, str], Decimal | None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._fee_currency = fee_currency
        self._wallet = wallet
        self._available_of = available_of
        self._locked: dict[tuple[int, str], Decimal] = {}

    def locked(self, account: int, currency: str) -> Decimal:
        """What spot orders bind."""
        return self._locked.get((account, currency), ZERO)

    def holding(self, account: int, currency: str) -> Holding:
        total, locked = self._ledger.balance(account, self._wallet, currency), self.locked(account, currency)
        available = None if self._available_of is None else self._available_of(account, currency)
        if available is not None:
            locked = max(locked, total - max(ZERO, available))
        return Holding(currency, total, locked)

    def admit(self, instrument: Instrument, wish: Wish) -> None:
        buys = wish.side is Side.BUY
        currency, needed = (instrument.quote, wish.value) if buys else (instrument.base, wish.quantity)
        if buys and self._fee_currency is FeeCurrency.QUOTE:
            needed = EXACT.fma(needed, max(instrument.maker_fee, instrument.taker_fee), needed)
        free = self.holding(wish.account, currency).free
        if wish.replaces is not None and wish.replaces.reserved_in == currency:
            free += wish.replaces.reserved
        if needed > free:
            raise Refused(Refusal.INSUFFICIENT_FUNDS, free)

    def reserve(self, instrument: Instrument, order: AccountOrder) -> None:
        currency, bound = instrument.base, order.remaining * instrument.lot
        if order.side is Side.BUY:
            currency, bound = instrument.quote, EXACT.multiply(bound, order.price * instrument.tick)
            if self._fee_currency is FeeCurrency.QUOTE:
                bound = EXACT.fma(bound, max(instrument.maker_fee, instrument.taker_fee), bound)
        if not order.is_open or order.is_market:
            bound = ZERO
        place = order.account, currency
        self._locked[place] = EXACT.add(self._locked.get(place, ZERO), bound - order.reserved)
        order.reserved, order.reserved_in = bound, currency

    def fill(self, instrument: Instrument, match: Match) -> Charge:
        order, value = match.order, EXACT.multiply(match.price, match.quantity)
        self._move(instrument, match, Cause.TRADE, CROWD, instrument.base, order.side.sign * match.quantity)
        self._move(instrument, match, Cause.TRADE, CROWD, instrument.quote, -order.side.sign * value)
        in_base = order.side is Side.BUY and self._fee_currency is FeeCurrency.RECEIVED
        currency, received = (instrument.base, match.quantity) if in_base else (instrument.quote, value)
        rate = instrument.maker_fee if match.is_maker else instrument.taker_fee
        fee = EXACT.multiply(received, rate).quantize(MONEY, ROUND_DOWN, context=EXACT)
        self._move(instrument, match, Cause.FEE, FEES, currency, -fee)
        return Charge(fee, currency)

    def _move(
        self, instrument: Instrument, match: Match, cause: Cause, other: int, currency: str, amount: Decimal
    ) -> None:
        source, target = Purse(other, self._wallet, currency), Purse(match.order.account, self._wallet, currency)
        self._ledger.move(cause, source, target, amount, ms=match.ms, key=instrument.key, reference=str(match.trade_id))


class LinearSettlement:
    """Orders bind initial margin, which ``Positions`` works out; fills move profit, fees and isolated margin."""

    def __init__(self, ledger: Ledger, positions: Positions) -> None:
        self._ledger = ledger
        self._positions = positions

    def admit(self, instrument: Instrument, wish: Wish) -> None:
        """An order that binds no more than is bound already is always let in."""
        positions, key = self._positions, instrument.key
        if wish.reduce_only:
            return
        extra = Working(wish.value, ZERO) if wish.side is Side.BUY else Working(ZERO, wish.value)
        if wish.replaces is not None and not wish.replaces.reduce_only:
            freed = wish.replaces.remaining * instrument.lot * wish.replaces.price * instrument.tick
            extra = Working(extra.buys - freed, ZERO) if wish.side is Side.BUY else Working(ZERO, extra.sells - freed)
        more = positions.bound(wish.account, key, extra) - positions.bound(wish.account, key)
        if more <= ZERO:
            return
        leverage = positions.setting(wish.account, key).leverage
        if positions.exposure(wish.account, key, extra) > positions.limit(key, leverage):
            raise Refused(Refusal.POSITION_LIMIT, positions.limit(key, leverage))
        at_mark = EXACT.multiply(wish.quantity, positions.mark(key))
        loss = max(ZERO, wish.side.sign * (wish.value - at_mark))
        fee = EXACT.multiply(wish.value, instrument.taker_fee)
        available = positions.margin(wish.account, instrument.settle).available
        if more + loss + fee > available:
            raise Refused(Refusal.INSUFFICIENT_MARGIN, max(ZERO, available))

    def reserve(self, instrument: Instrument, order: AccountOrder) -> None:
        """Nothing to note: what orders bind follows from the orders."""

    def fill(self, instrument: Instrument, match: Match) -> Charge:
        order, positions = match.order, self._positions
        profit = positions.fill(order.account, instrument.key, order.side, match.price, match.lots, ms=match.ms)
        rate = instrument.maker_fee if match.is_maker else instrument.taker_fee
        fee = EXACT.multiply(EXACT.multiply(match.price, match.quantity), rate).quantize(MONEY, context=EXACT)
        source = Purse(order.account, LINEAR_WALLET, instrument.settle)
        target = Purse(FEES, LINEAR_WALLET, instrument.settle)
        self._ledger.move(
            Cause.FEE, source, target, fee, ms=match.ms, key=instrument.key, reference=str(match.trade_id)
        )
        return Charge(fee, instrument.settle, profit)
