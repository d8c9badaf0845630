"""What time does to accounts: triggers, dead-man switches, funding payments and liquidations.

Part of ``sim.accounts``, called once per beat. Marks move once a second and so do funding and liquidations. A position
that its margin no longer carries is closed through the book by a market order of the exchange, after the orders in its
way were canceled; what is left of its margin pays the liquidation fee, what is missing the insurance fund.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.ledger import INSURANCE, Cause, Purse
from jackbot_tui.sim.margin import LINEAR_WALLET, settled
from jackbot_tui.sim.orders import Reason
from jackbot_tui.sim.requests import MarginCallEvent

if TYPE_CHECKING:
    from jackbot_tui.sim.accounts import Accounts


class Clearing:
    def __init__(self, accounts: "Accounts") -> None:
        self._accounts = accounts
        self._countdowns: dict[tuple[int, str], int] = {}
        self._mark_beats: dict[str, int] = {}
        self._settlements: dict[str, int] = {}
        self._elapsed_ns = 0
        self._liquidations = 0

    def count_down(self, account: int, key: str, ms: int) -> None:
        if ms:
            self._countdowns[account, key] = self._elapsed_ns + ms * 1_000_000
        else:
            self._countdowns.pop((account, key), None)

    def advance(self, elapsed_ns: int, now_ms: int) -> None:
        self._elapsed_ns = elapsed_ns
        for (account, key), due_ns in list(self._countdowns.items()):
            if due_ns <= elapsed_ns:
                del self._countdowns[account, key]
                self._accounts.cancel_all(account, key, Reason.COUNTDOWN)
        marks_moved = False
        for key, desk in self._accounts.desks.items():
            market = desk.market
            desk.sweep()
            if market.marks is None or self._mark_beats.get(key) == market.mark_beats:
                continue
            self._mark_beats[key] = market.mark_beats
            marks_moved = True
            self._pay_funding(key, now_ms)
        if marks_moved:
            self._liquidate(now_ms)

    def _pay_funding(self, key: str, now_ms: int) -> None:
        marks = self._accounts.desks[key].market.marks
        if marks is None or not marks.settlements:
            return
        last = marks.settlements[-1]
        if self._settlements.setdefault(key, 0) >= last.ms:
            return
        self._settlements[key] = last.ms
        rate, mark = Decimal(f"{last.rate:.8f}"), Decimal(f"{last.mark:.8f}")
        settle = self._accounts.listings[key].instrument.settle
        for account, held, _ in self._accounts.positions.held():
            if held == key:
                amount = self._accounts.positions.fund(account, key, rate, mark, ms=now_ms)
                self._accounts.touch_money(account, key, (settle,), Cause.FUNDING, amount)

    def _liquidate(self, now_ms: int) -> None:
        positions = self._accounts.positions
        for account, key, position in positions.held():
            if not position.lots or not positions.is_doomed(account, key):
                continue
            self._accounts.tell(MarginCallEvent(now_ms, positions.view(account, key)))
            if positions.setting(account, key).isolated:
                self._close(account, key, now_ms)
                continue
            together = self._crossed_with(account, key)
            for other in together:
                self._accounts.cancel_all(account, other, Reason.LIQUIDATION)
            for other in sorted(together, key=lambda name: -positions.position_margin(account, name)):
                if positions.position(account, other).lots:
                    self._close(account, other, now_ms)

    def _crossed_with(self, account: int, key: str) -> list[str]:
        """Instruments whose cross margin is the same wallet."""
        positions, listings = self._accounts.positions, self._accounts.listings
        settle = listings[key].instrument.settle
        return [
            other
            for other in positions.perpetuals()
            if listings[other].instrument.settle == settle and not positions.setting(account, other).isolated
        ]

    def _close(self, account: int, key: str, now_ms: int) -> None:
        """Close one position at market; margin pays the fee as far as it reaches, the fund pays what is missing."""
        accounts, positions = self._accounts, self._accounts.positions
        settle = accounts.listings[key].instrument.settle
        accounts.cancel_all(account, key, Reason.LIQUIDATION)
        lots = positions.position(account, key).lots
        isolated = positions.setting(account, key).isolated
        cross_before = accounts.ledger.balance(account, LINEAR_WALLET, settle)
        self._liquidations += 1
        client_id = f"{accounts.terms.liquidation_id}{now_ms}{self._liquidations:04d}"
        side = Side.SELL if lots > 0 else Side.BUY
        order = accounts.desks[key].place_liquidation(account, side, abs(lots), client_id)
        instrument = accounts.listings[key].instrument
        value = order.value * instrument.tick * instrument.lot
        cross = accounts.ledger.balance(account, LINEAR_WALLET, settle)
        left = cross - cross_before if isolated else cross
        fund, own = Purse(INSURANCE, LINEAR_WALLET, settle), Purse(account, LINEAR_WALLET, settle)
        if left < ZERO:
            accounts.ledger.move(Cause.INSURANCE, fund, own, -left, ms=now_ms, key=key, reference=client_id)
            return
        fee = min(left, settled(value * accounts.terms.liquidation_fee))
        accounts.ledger.move(Cause.LIQUIDATION_FEE, own, fund, fee, ms=now_ms, key=key, reference=client_id)
