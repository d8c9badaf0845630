"""Positions of accounts in perpetuals: what fills do to them, what they bind, and what they are worth.

One-way positions, isolated or cross, per account and instrument. ``sim.accounts`` owns the one object and tells it of
fills, funding and settings; money moves through the ledger only. Formulas are ``model.margin``'s. Initial margin of an
instrument is the larger of what its position would be with all its buys or all its sells filled, at mark and order
prices, divided by the leverage (Binance's rule for one-way mode); reduce-only orders bind nothing.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext

from msgspec import Struct

from jackbot_tui.model.enums import Side
from jackbot_tui.model.margin import Bracket, joined, liquidation_price, maintenance
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.model.transitions import EXACT
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.ledger import Cause, Ledger, Purse
from jackbot_tui.sim.orders import CROWD
from jackbot_tui.sim.requests import PositionView, Wallet

LINEAR_WALLET = "linear"
MONEY = Decimal("1e-8")
"""Money is settled to this; every venue writes its wallets to eight decimals or fewer."""

DEFAULT_LEVERAGE = Decimal(20)
BRACKETS: tuple[tuple[Decimal, Decimal], ...] = (
    (Decimal(50_000), Decimal(125)),
    (Decimal(600_000), Decimal(100)),
    (Decimal(3_000_000), Decimal(50)),
    (Decimal(12_000_000), Decimal(20)),
    (Decimal(70_000_000), Decimal(10)),
    (Decimal(250_000_000), Decimal(4)),
    (Decimal("1E+12"), Decimal(1)),
)
"""``(position value in quote currency, largest leverage)``: this exchange's own, of the order of the venues'."""


def brackets_of(listing: Listing) -> tuple[Bracket, ...]:
    """Maintenance is half the initial margin at a bracket's largest leverage, never below 0.4 %."""
    most = listing.instrument.max_leverage
    steps: list[tuple[Decimal, Decimal, Decimal]] = []
    for cap, leverage in BRACKETS:
        allowed = max(ONE, min(leverage, most))
        rate = max(Decimal("0.004"), (ONE / (2 * allowed)).quantize(Decimal("0.0001")))
        if steps and steps[-1][2] == allowed:
            steps[-1] = (cap, rate, allowed)
        else:
            steps.append((cap, rate, allowed))
    return joined(steps)


def settled(amount: Decimal) -> Decimal:
    """``amount`` rounded to what is paid."""
    return amount.quantize(MONEY, context=EXACT)


class Setting(Struct):
    """How an account trades an instrument."""

    leverage: Decimal
    isolated: bool = False


class Position(Struct):
    """``lots`` signed; ``cost`` is what they cost, signed alike, in quote currency."""

    lots: int = 0
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    updated_ms: int = 0


class Working(Struct, frozen=True):
    """Value of an account's open orders in an instrument, without reduce-only ones, in quote currency."""

    buys: Decimal = ZERO
    sells: Decimal = ZERO


class Margin(Struct, frozen=True):
    """An account's state in one currency. ``available`` may open something new; it is below 0 when nothing may."""

    wallet: Decimal
    cross_wallet: Decimal
    unrealized: Decimal
    cross_unrealized: Decimal
    position_initial: Decimal
    order_initial: Decimal
    maintenance: Decimal
    cross_maintenance: Decimal
    available: Decimal


class Positions:
    """All positions and their settings. ``mark_of`` and ``working_of`` are asked whenever a figure is needed, and so is
    ``withheld_of``: what of a currency in the wallet is bound by something else than perpetuals.
    """

    def __init__(
        self,
        listings: Mapping[str, Listing],
        ledger: Ledger,
        mark_of: Callable[[str], Decimal],
        working_of: Callable[[int, str], Working],
        withheld_of: Callable[[int, str], Decimal] = lambda account, currency: ZERO,
    ) -> None:
        self._listings = {key: listing for key, listing in listings.items() if listing.instrument.is_perpetual}
        self._ledger = ledger
        self._mark_of = mark_of
        self._working_of = working_of
        self._withheld_of = withheld_of
        self._positions: dict[tuple[int, str], Position] = {}
        self._settings: dict[tuple[int, str], Setting] = {}
        self.brackets = {key: brackets_of(listing) for key, listing in self._listings.items()}

    # --- state ---------------------------------------------------------------------------------------------------

    def perpetuals(self) -> list[str]:
        """Keys of all instruments that positions can be in."""
        return list(self._listings)

    def position(self, account: int, key: str) -> Position:
        found = self._positions.get((account, key))
        if found is None:
            found = self._positions[account, key] = Position()
        return found

    def held(self) -> list[tuple[int, str, Position]]:
        """Positions that are not flat, with account and key."""
        return [(account, key, held) for (account, key), held in self._positions.items() if held.lots]

    def setting(self, account: int, key: str) -> Setting:
        found = self._settings.get((account, key))
        if found is None:
            most = self._listings[key].instrument.max_leverage
            found = self._settings[account, key] = Setting(min(DEFAULT_LEVERAGE, most))
        return found

    def isolated_margin(self, account: int, key: str) -> Decimal:
        return self._ledger.balance(account, key, self._listings[key].instrument.settle)

    def mark(self, key: str) -> Decimal:
        return self._mark_of(key)

    def value(self, key: str, lots: int, price: Decimal) -> Decimal:
        """Signed value of ``lots`` at ``price``."""
        return EXACT.multiply(lots * self._listings[key].instrument.lot, price)

    # --- changes -------------------------------------------------------------------------------------------------

    def fill(self, account: int, key: str, side: Side, price: Decimal, lots: int, *, ms: int) -> Decimal:
        """Book ``lots`` traded at ``price``; returns the profit realised, already in the wallet."""
        position, setting = self.position(account, key), self.setting(account, key)
        change = side.sign * lots
        with localcontext(EXACT):
            closing = min(lots, abs(position.lots)) if position.lots * change < 0 else 0
            profit = ZERO
            if closing:
                share = Decimal(closing) / abs(position.lots)
                cost = position.cost if closing == abs(position.lots) else settled(position.cost * share)
                profit = settled(self.value(key, -side.sign * closing, price) - cost)
                margin = self.isolated_margin(account, key)
                back = margin if closing == abs(position.lots) else settled(margin * share)
                self._isolate(account, key, -back, ms)
                position.cost -= cost
                position.lots += side.sign * closing
            opened = lots - closing
            if opened:
                position.cost += self.value(key, side.sign * opened, price)
                position.lots += side.sign * opened
                if setting.isolated:
                    posted = abs(self.value(key, opened, price)) / setting.leverage
                    self._isolate(account, key, settled(posted), ms)
            position.realized = profit + (position.realized if position.lots else ZERO)
            position.updated_ms = ms
        self._pay(Cause.PROFIT, account, key, profit, LINEAR_WALLET, ms)
        return profit

    def fund(self, account: int, key: str, rate: Decimal, mark: Decimal, *, ms: int) -> Decimal:
        """Settle funding at ``rate``, a fraction of the value at ``mark``; returns what was received (negative: paid).
        An isolated position pays from its own margin.
        """
        position = self.position(account, key)
        amount = settled(-self.value(key, position.lots, EXACT.multiply(mark, rate)))
        wallet = key if self.setting(account, key).isolated else LINEAR_WALLET
        self._pay(Cause.FUNDING, account, key, amount, wallet, ms)
        position.updated_ms = ms
        return amount

    def add_margin(self, account: int, key: str, amount: Decimal, *, ms: int) -> None:
        """Move ``amount`` from the cross wallet to an isolated position, or back when negative."""
        self._isolate(account, key, amount, ms)

    def _isolate(self, account: int, key: str, amount: Decimal, ms: int) -> None:
        settle = self._listings[key].instrument.settle
        cross, isolated = Purse(account, LINEAR_WALLET, settle), Purse(account, key, settle)
        self._ledger.move(Cause.MARGIN, cross, isolated, amount, ms=ms, key=key)

    def _pay(self, cause: Cause, account: int, key: str, amount: Decimal, wallet: str, ms: int) -> None:
        settle = self._listings[key].instrument.settle
        source, target = Purse(CROWD, LINEAR_WALLET, settle), Purse(account, wallet, settle)
        self._ledger.move(cause, source, target, amount, ms=ms, key=key)

    # --- figures -------------------------------------------------------------------------------------------------

    def unrealized(self, account: int, key: str) -> Decimal:
        position = self.position(account, key)
        return EXACT.subtract(self.value(key, position.lots, self._mark_of(key)), position.cost)

    def bound(self, account: int, key: str, extra: Working | None = None) -> Decimal:
        """Initial margin of position and orders, with ``extra`` orders on top."""
        working, more = self._working_of(account, key), extra or Working()
        with localcontext(EXACT):
            value = self.value(key, self.position(account, key).lots, self._mark_of(key))
            worst = max(abs(value + working.buys + more.buys), abs(value - working.sells - more.sells))
            return worst / self.setting(account, key).leverage

    def position_margin(self, account: int, key: str) -> Decimal:
        with localcontext(EXACT):
            value = abs(self.value(key, self.position(account, key).lots, self._mark_of(key)))
            return value / self.setting(account, key).leverage

    def maintenance(self, account: int, key: str) -> Decimal:
        lots = self.position(account, key).lots
        return maintenance(self.brackets[key], abs(self.value(key, lots, self._mark_of(key)))) if lots else ZERO

    def exposure(self, account: int, key: str, extra: Working) -> Decimal:
        """The largest value that the position could get with all orders of a side filled."""
        return self.bound(account, key, extra) * self.setting(account, key).leverage

    def limit(self, key: str, leverage: Decimal) -> Decimal:
        """The largest value a position may have at ``leverage``."""
        allowed = [bracket.cap for bracket in self.brackets[key] if bracket.max_leverage >= leverage]
        return allowed[-1] if allowed else ZERO

    def margin(self, account: int, currency: str) -> Margin:
        with localcontext(EXACT):
            cross_wallet = self._ledger.balance(account, LINEAR_WALLET, currency)
            wallet, unrealized, cross_unrealized = cross_wallet, ZERO, ZERO
            position_initial = order_initial = kept = cross_kept = ZERO
            bound = ZERO
            for key, listing in self._listings.items():
                if listing.instrument.settle != currency:
                    continue
                isolated = self.setting(account, key).isolated
                own, whole = self.position_margin(account, key), self.bound(account, key)
                profit, needed = self.unrealized(account, key), self.maintenance(account, key)
                wallet += self.isolated_margin(account, key)
                unrealized += profit
                position_initial += own
                order_initial += whole - own
                kept += needed
                if isolated:
                    bound += whole - own
                else:
                    bound += whole
                    cross_unrealized += profit
                    cross_kept += needed
            available = cross_wallet + cross_unrealized - bound - self._withheld_of(account, currency)
            return Margin(
                wallet, cross_wallet, unrealized, cross_unrealized, position_initial, order_initial, kept, cross_kept,
                available,
            )  # fmt: skip

    def wallet(self, account: int, currency: str, change: Decimal = ZERO) -> Wallet:
        cross = self._ledger.balance(account, LINEAR_WALLET, currency)
        isolated = [
            self.isolated_margin(account, key)
            for key, listing in self._listings.items()
            if listing.instrument.settle == currency
        ]
        return Wallet(currency, sum(isolated, cross), cross, change)

    def view(self, account: int, key: str) -> PositionView:
        instrument = self._listings[key].instrument
        position, setting, mark = self.position(account, key), self.setting(account, key), self._mark_of(key)
        working = self._working_of(account, key)
        with localcontext(EXACT):
            quantity = position.lots * instrument.lot
            entry = position.cost / quantity if position.lots else ZERO
            side = ONE if position.lots > 0 else -ONE
            even = entry * (ONE + side * instrument.taker_fee) if position.lots else ZERO
            own = self.position_margin(account, key)
            return PositionView(
                key, account, position.lots, quantity, entry, even, mark, self.unrealized(account, key),
                position.realized, setting.isolated, self.isolated_margin(account, key), setting.leverage, own,
                self.bound(account, key) - own, self.maintenance(account, key), self._liquidation(account, key, entry),
                position.updated_ms, working.buys, working.sells,
            )  # fmt: skip

    def is_doomed(self, account: int, key: str) -> bool:
        """Whether what stands behind the position no longer covers its maintenance."""
        with localcontext(EXACT):
            if self.setting(account, key).isolated:
                behind = self.isolated_margin(account, key) + self.unrealized(account, key)
                return behind <= self.maintenance(account, key)
            margin = self.margin(account, self._listings[key].instrument.settle)
            return margin.cross_wallet + margin.cross_unrealized <= margin.cross_maintenance

    def _liquidation(self, account: int, key: str, entry: Decimal) -> Decimal | None:
        position = self.position(account, key)
        if not position.lots:
            return None
        if self.setting(account, key).isolated:
            behind = self.isolated_margin(account, key)
        else:
            margin = self.margin(account, self._listings[key].instrument.settle)
            others = margin.cross_unrealized - self.unrealized(account, key)
            behind = margin.cross_wallet + others - margin.cross_maintenance + self.maintenance(account, key)
        quantity = EXACT.multiply(Decimal(position.lots), self._listings[key].instrument.lot)
        return liquidation_price(quantity, entry, behind, self.brackets[key])
