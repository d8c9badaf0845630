"""How large a jackpot may be for its ticket, and where it stands then: margin, fees, stop, liquidation. Pure, exact.

All is computed at the worst entry that is allowed and rounded against the trader. ``ticket`` holds the isolated margin,
the taker fees of entry and exit, the liquidation fee, and the slip of the exit: what goes wrong on the way from the
entry to the liquidation costs margin, whatever happens after that is the venue's.
"""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.algos.algorithm import BASIS_POINTS, money_text, passive_price, smallest
from jackbot_tui.algos.stakes import Stakes
from jackbot_tui.model.enums import Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import bracket_of, liquidation_price
from jackbot_tui.model.numbers import ONE, ZERO, round_down, round_up, text_of

STOP_PART = Decimal("0.7")
"""Where the stop stands when nobody says: this part of the way from the entry to the liquidation."""


class Costs(Struct, frozen=True, kw_only=True):
    """Quote currency, for a quantity or for one base unit."""

    margin: Decimal
    entry_fee: Decimal
    exit_fee: Decimal
    liquidation_fee: Decimal
    slip: Decimal

    @property
    def total(self) -> Decimal:
        return self.margin + self.entry_fee + self.exit_fee + self.liquidation_fee + self.slip

    @property
    def with_gap(self) -> Decimal:
        """What a gap may cost: the isolated margin, and the fees of coming in and going out."""
        return self.margin + self.entry_fee + self.exit_fee

    def times(self, quantity: Decimal) -> "Costs":
        return Costs(
            margin=self.margin * quantity,
            entry_fee=self.entry_fee * quantity,
            exit_fee=self.exit_fee * quantity,
            liquidation_fee=self.liquidation_fee * quantity,
            slip=self.slip * quantity,
        )


class Table(Struct, frozen=True, kw_only=True):
    """What a jackpot is computed from. ``entry`` is the worst price it may enter at, ``far`` the touch it takes now."""

    instrument: Instrument
    side: Side
    leverage: Decimal
    entry: Decimal
    far: Decimal
    slip_bp: Decimal
    stakes: Stakes

    @property
    def highest(self) -> Decimal:
        """No more than this is paid or owed for a base unit on the way in."""
        return max(self.entry, self.far)

    def unit(self, stop: Decimal) -> Costs:
        """Of one base unit; ``stop`` 0: not known yet, it is no further than the liquidation."""
        fee = max(ZERO, self.instrument.taker_fee)
        slip = self.slip_bp / BASIS_POINTS
        out = stop or self.entry * (ONE + ONE / self.leverage)
        highest = max(self.highest, out * (ONE + slip))
        return Costs(
            margin=self.highest / self.leverage,
            entry_fee=self.highest * fee,
            exit_fee=highest * fee,
            liquidation_fee=highest * self.stakes.liquidation_fee,
            slip=highest * slip,
        )

    def liquidation(self, quantity: Decimal, entry: Decimal) -> Decimal:
        """Mark that liquidates ``quantity`` from ``entry``, by the brackets; 0 when none does."""
        margin = quantity * entry / self.leverage
        found = liquidation_price(quantity * self.side.sign, entry, margin, self.stakes.brackets)
        return ZERO if found is None else found

    def usual_stop(self, liquidation: Decimal) -> Decimal:
        """Where the stop stands when nobody says, on the tick nearer to the entry."""
        price = self.entry + (liquidation - self.entry) * STOP_PART
        return nearer(price, self.instrument, self.side)

    def largest(self, ticket: Decimal, stop: Decimal) -> Decimal:
        """The quantity that ``ticket`` pays for, a multiple of the lot. InputError when it may not be, and why."""
        instrument, unit = self.instrument, self.unit(stop).total
        quantity = round_down(ticket / unit, instrument.lot)
        most = min((size for size in (instrument.max_qty, instrument.market_max_qty) if size), default=quantity)
        quantity = min(quantity, round_down(most, instrument.lot))
        least = smallest(instrument, self.entry)
        if quantity < least:
            raise InputError(
                f"a ticket of {money_text(ticket)} {instrument.quote} is too small: the venue takes at least"
                f" {text_of(least)} {instrument.base}, which at {text_of(self.leverage)}x needs a ticket of"
                f" {money_text(round_up(unit * least, Decimal('0.01')))}"
            )
        self.check_tier(quantity, unit)
        return quantity

    def check_tier(self, quantity: Decimal, unit: Decimal) -> None:
        """InputError when the leverage is not allowed for a position of this size."""
        instrument, brackets = self.instrument, self.stakes.brackets
        value = quantity * self.highest
        allowed = min(bracket_of(brackets, value).max_leverage, instrument.max_leverage)
        if self.leverage <= allowed:
            return
        fitting = [each.cap for each in brackets if min(each.max_leverage, instrument.max_leverage) >= self.leverage]
        if not fitting:
            most = max(min(each.max_leverage, instrument.max_leverage) for each in brackets)
            raise InputError(f"leverage {text_of(self.leverage)}x is above the most for {instrument.symbol}: "
                             f"{text_of(most)}x")  # fmt: skip
        ticket = round_down(max(fitting) / self.highest * unit, ONE)
        raise InputError(
            f"{text_of(self.leverage)}x is allowed for positions worth up to {max(fitting):,.0f} {instrument.quote},"
            f" this one would be worth {value:,.0f}: a ticket up to {text_of(ticket)}, or {text_of(allowed)}x"
        )


def worst_entry(far: Decimal, slip_bp: Decimal, instrument: Instrument, side: Side) -> Decimal:
    """The worst price that the entry may have: the touch and the slip, rounded towards the market."""
    price = passive_price(far + far * side.sign * slip_bp / BASIS_POINTS, instrument, side)
    return max(price, far) if side is Side.BUY else min(price, far)


def nearer(price: Decimal, instrument: Instrument, side: Side) -> Decimal:
    """On the tick, rounded towards the entry of a position on ``side``: a stop moves away from the liquidation."""
    tick = instrument.tick_at(price)
    return round_up(price, tick) if side is Side.BUY else round_down(price, tick)
