"""Margin modes and leverage as OKX keeps them: an order brings its mode, and each mode has a leverage of its own.

The back office keeps one mode and one leverage per instrument; this remembers the leverage of the other mode. OKX lets
a cross and an isolated position stand side by side; here an order in the other mode is refused while either is open.
"""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import ONE, text_of
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import Refusal, Refused


class TradeModes:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._asleep: dict[tuple[int, str], Decimal] = {}  # leverage of the mode that is not in use

    def of(self, account: int, market: SimMarket) -> str:
        """``tdMode`` of the account's orders there."""
        if market.kind is MarketKind.SPOT:
            return "cash"
        return "isolated" if self._accounts.positions.setting(account, market.listing.key).isolated else "cross"

    def leverage(self, account: int, market: SimMarket, mode: str) -> Decimal:
        setting = self._accounts.positions.setting(account, market.listing.key)
        in_use = mode == self.of(account, market)
        return setting.leverage if in_use else self._asleep.get((account, market.listing.key), setting.leverage)

    def leverage_text(self, account: int, market: SimMarket) -> str:
        if market.kind is MarketKind.SPOT:
            return ""
        return text_of(self._accounts.positions.setting(account, market.listing.key).leverage)

    def set_leverage(self, account: int, market: SimMarket, mode: str, leverage: Decimal) -> None:
        """Refused where the back office refuses it, or for a mode not in use when it is out of range."""
        if mode == self.of(account, market):
            self._accounts.set_leverage(account, market.listing.key, leverage)
            return
        most = market.listing.instrument.max_leverage
        if not ONE <= leverage <= most or leverage != leverage.to_integral_value():
            raise Refused(Refusal.BAD_LEVERAGE, most)
        self._asleep[account, market.listing.key] = leverage

    def enter(self, account: int, market: SimMarket, mode: str) -> None:
        """The mode of an order to come. Refused while the other mode has orders or a position."""
        key, before = market.listing.key, self.of(account, market)
        if mode == before:
            return
        wanted = self.leverage(account, market, mode)
        left = self._accounts.positions.setting(account, key).leverage
        self._accounts.set_isolated(account, key, isolated=mode == "isolated")
        self._asleep[account, key] = left
        if wanted != left:
            self._accounts.set_leverage(account, key, wanted)
