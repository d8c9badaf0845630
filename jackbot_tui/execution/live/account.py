"""The account as the venue tells of it: balances, positions, margin. Sans-I/O; the session writes it, screens read it.

It is the venue's word and nothing else: what our own fills say is the portfolio's, and where both differ is for
reconciliation to show.
"""

from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.execution.holdings import HeldPosition, Holding, Holdings
from jackbot_tui.execution.live.statements import AccountStatement, BalanceStatement, PositionStatement
from jackbot_tui.execution.paper.account import MarginView, Outlook
from jackbot_tui.model.accounting import currencies_of
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.margin import MarginMode, MarginSetting
from jackbot_tui.model.numbers import ONE, ZERO


class LiveAccount:
    """``heard_ns`` is when the venue last told of everything, 0 = not yet. ``one_wallet``: all kinds of market are paid
    from the same balances, which each of them tells. ``floating``: kinds whose balances the venue tells with the open
    profit of positions in them; it is taken out here, so that totals mean the same everywhere.
    """

    def __init__(self, venue: str, *, one_wallet: bool = False, floating: frozenset[MarketKind] = frozenset()) -> None:
        self.positions: dict[str, PositionStatement] = {}
        self.settings: dict[str, MarginSetting] = {}
        self.confirmed: dict[str, MarginSetting] = {}
        """Settings that the venue has taken from us, by instrument key."""
        self.heard_ns = 0
        self._venue = venue
        self._one_wallet = one_wallet
        self._floating = floating
        self._balances: dict[MarketKind, dict[str, BalanceStatement]] = {}

    def take(self, kind: MarketKind, said: AccountStatement, now: int) -> None:
        """The whole account of one kind of market: what it does not name is not there."""
        if kind is not MarketKind.SPOT:
            self.positions = {f"{self._venue}:{each.symbol}": each for each in said.positions}
        self._balances[self._wallet(kind)] = {each.currency: self._settled(kind, each) for each in said.balances}
        self.heard_ns = now

    def take_balances(self, kind: MarketKind, said: tuple[BalanceStatement, ...]) -> None:
        """Some currencies changed."""
        self._balances.setdefault(self._wallet(kind), {}).update({each.currency: each for each in said})

    def take_position(self, symbol: str, said: PositionStatement | None) -> None:
        """One position changed, None = it is flat. Streams tell less than pages do: mode and leverage stay as they
        were, figures that hang on the size stay while the size does.
        """
        key = f"{self._venue}:{symbol}"
        before = self.positions.get(key)
        if said is None:
            self.positions.pop(key, None)
        elif before is None:
            self.positions[key] = said
        else:
            same = before if before.quantity == said.quantity else said
            self.positions[key] = replace(
                said,
                mode=said.mode or before.mode,
                leverage=said.leverage or before.leverage,
                liquidation=said.liquidation or same.liquidation,
                initial_margin=said.initial_margin or same.initial_margin,
                maintenance_margin=said.maintenance_margin or same.maintenance_margin,
                collateral=said.collateral or same.collateral,
            )

    def _settled(self, kind: MarketKind, each: BalanceStatement) -> BalanceStatement:
        """A balance without the open profit of positions."""
        if kind not in self._floating:
            return each
        open_profits = (
            said.unrealized or ZERO
            for key, said in self.positions.items()
            if currencies_of(key).settle == each.currency
        )
        return BalanceStatement(each.currency, each.total - sum(open_profits, ZERO), each.free)

    def holdings(self) -> Holdings:
        """Everything that the venue tells of."""
        wallets = []
        for kind, wallet in sorted(self._balances.items(), reverse=True):
            name = "all" if self._one_wallet else "spot" if kind is MarketKind.SPOT else "perpetuals"
            wallets += [Holding(name, each.currency, each.total, each.free) for _, each in sorted(wallet.items())]
        positions = [
            HeldPosition(
                key=key,
                quantity=said.quantity,
                entry=said.entry,
                setting=self.setting(key),
                margin=said.initial_margin or said.collateral,
                liquidation=said.liquidation,
            )
            for key, said in sorted(self.positions.items())
        ]
        return Holdings(tuple(wallets), tuple(positions))

    def balances(self, kind: MarketKind) -> dict[str, BalanceStatement]:
        return self._balances.get(self._wallet(kind), {})

    def totals(self) -> dict[str, Decimal]:
        """All there is of each currency, over all wallets."""
        totals: dict[str, Decimal] = {}
        for wallet in self._balances.values():
            for currency, held in wallet.items():
                totals[currency] = totals.get(currency, ZERO) + held.total
        return totals

    def _wallet(self, kind: MarketKind) -> MarketKind:
        return MarketKind.SPOT if self._one_wallet else kind

    def free(self, kind: MarketKind, currency: str) -> Decimal:
        held = self.balances(kind).get(currency)
        return ZERO if held is None else held.free

    def setting(self, key: str) -> MarginSetting:
        """Margin mode and leverage in force, as the venue says, else as they were last set here."""
        said, chosen = self.positions.get(key), self.settings.get(key)
        mode = said.mode if said is not None and said.mode is not None else chosen.mode if chosen else MarginMode.CROSS
        leverage = said.leverage if said is not None and said.leverage else chosen.leverage if chosen else ONE
        return MarginSetting(mode, leverage)

    def confirmed_setting(self, key: str) -> MarginSetting | None:
        """What the venue says of a position goes before what it has taken from us; None: neither."""
        said, taken = self.positions.get(key), self.confirmed.get(key)
        if said is None or said.mode is None:
            return taken
        leverage = said.leverage or (taken.leverage if taken is not None else None)
        return None if leverage is None else MarginSetting(said.mode, leverage)

    def margin(self, key: str) -> MarginView:
        """The venue's figures of one perpetual; zeros where it tells none."""
        said = self.positions.get(key)
        if said is None:
            return MarginView(self.setting(key), ZERO, ZERO, ZERO, None)
        return MarginView(
            self.setting(key),
            said.initial_margin or ZERO,
            said.maintenance_margin or ZERO,
            said.collateral or ZERO,
            said.liquidation,
        )

    def outlook(self, key: str, cost: Decimal, fee: Decimal) -> Outlook:
        """What an order needs of what is free, by the leverage in force; only the venue knows the liquidation."""
        leverage = self.setting(key).leverage or ONE
        settle = currencies_of(key).settle
        return Outlook(cost / leverage + fee, self.free(MarketKind.LINEAR, settle), None)
