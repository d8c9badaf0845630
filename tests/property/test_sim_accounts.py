"""The exchange's back office under random trading of three accounts and a crowd: money, margin, orders and events."""

from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.sim.ledger import HOUSE_ACCOUNTS, Purse
from jackbot_tui.sim.margin import LINEAR_WALLET
from jackbot_tui.sim.orders import SelfTrade
from jackbot_tui.sim.requests import BalanceEvent, OrderChange, OrderEvent, OrderSpec, Refused, TriggerPrice
from jackbot_tui.sim.settlement import SPOT_WALLET
from tests.accounts_world import LINEAR, SPOT, AccountsWorld

OPENING = {SPOT: 6_400_000, LINEAR: 640_000}
REACH = {SPOT: 4_000, LINEAR: 400}
LOTS = {SPOT: 150_000, LINEAR: 1_500}
CLOSED = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED})

KEYS = st.sampled_from([SPOT, LINEAR])
SIDES = st.sampled_from(list(Side))
ACCOUNTS = st.integers(1, 3)
RARELY = st.sampled_from([False, False, False, True])
SHARES = st.floats(0, 1)
ACTIONS = st.one_of(
    st.tuples(
        st.just("submit"), ACCOUNTS, KEYS, SIDES, SHARES, SHARES, RARELY,
        st.sampled_from([TimeInForce.GTC] * 4 + [TimeInForce.IOC, TimeInForce.FOK]), RARELY, RARELY,
        st.sampled_from(list(SelfTrade)),
    ),
    st.tuples(st.just("crowd"), KEYS, SIDES, SHARES, SHARES, RARELY),
    st.tuples(st.just("stop"), ACCOUNTS, KEYS, SIDES, SHARES, SHARES, st.booleans(), st.booleans(), st.booleans()),
    st.tuples(st.just("cancel"), ACCOUNTS, SHARES),
    st.tuples(st.just("amend"), ACCOUNTS, SHARES, SHARES, SHARES),
    st.tuples(st.just("mark"), st.floats(-0.12, 0.12), st.sampled_from([None, None, None, 0.003, -0.003])),
    st.tuples(st.just("leverage"), ACCOUNTS, st.sampled_from([1, 5, 20, 50, 125])),
    st.tuples(st.just("isolate"), ACCOUNTS, st.booleans()),
    st.tuples(st.just("countdown"), ACCOUNTS, KEYS, st.sampled_from([0, 500, 5000])),
)  # fmt: skip


class Trading:
    """Plays actions, and keeps books of its own from what is told."""

    def __init__(self) -> None:
        self.world = AccountsWorld()
        self.accounts = self.world.accounts
        self.told_filled: dict[tuple[str, int], int] = defaultdict(int)
        self.told_status: dict[tuple[str, int], OrderStatus] = {}
        self.told_spot: dict[tuple[int, str], tuple[Decimal, Decimal]] = {}
        self.told_wallets: dict[tuple[int, str], Decimal] = {}
        self.told_lots: dict[int, int] = {}
        for key in (SPOT, LINEAR):
            for side in Side:
                self._crowd(key, side, 0.5 + side.sign * -0.3, 1.0)
        self.opened = self.accounts.ledger.purses()

    def play(self, action: tuple[Any, ...]) -> None:
        with suppress(Refused):  # what is refused must have changed nothing: the checks that follow see to it
            getattr(self, f"_{action[0]}")(*action[1:])
        self.hear()

    def _price(self, key: str, share: float) -> Decimal:
        return self.world.price(key, int(OPENING[key] + (share - 0.5) * 2 * REACH[key]))

    def _quantity(self, key: str, share: float) -> Decimal:
        return self.world.quantity(key, 1 + int(share * LOTS[key]))

    def _submit(
        self, account: int, key: str, side: Side, price: float, size: float, at_market: bool, tif: TimeInForce,
        post_only: bool, reduce_only: bool, self_trade: SelfTrade,
    ) -> None:  # fmt: skip
        self.accounts.submit(
            account,
            OrderSpec(
                key=key,
                side=side,
                quantity=self._quantity(key, size),
                price=None if at_market else self._price(key, price),
                tif=tif,
                post_only=post_only and not at_market,
                reduce_only=reduce_only and key == LINEAR,
                self_trade=self_trade,
            ),
        )

    def _crowd(self, key: str, side: Side, price: float, size: float, at_market: bool = False) -> None:
        text = None if at_market else str(self._price(key, price))
        self.world.crowd(key, side, str(self._quantity(key, size)), text)

    def _stop(
        self, account: int, key: str, side: Side, trigger: float, size: float, at_market: bool, profit: bool, mark: bool
    ) -> None:
        self.accounts.submit(
            account,
            OrderSpec(
                key=key,
                side=side,
                quantity=self._quantity(key, size),
                price=None if at_market else self._price(key, 1 - trigger),
                trigger_price=self._price(key, trigger),
                trigger_by=TriggerPrice.MARK if mark and key == LINEAR else TriggerPrice.LAST,
                takes_profit=profit,
            ),
        )

    def _cancel(self, account: int, share: float) -> None:
        orders = self.accounts.orders.open_orders(account)
        if orders:
            self.accounts.cancel(orders[int(share * (len(orders) - 1))])

    def _amend(self, account: int, share: float, price: float, size: float) -> None:
        orders = self.accounts.orders.open_orders(account)
        if orders:
            order = orders[int(share * (len(orders) - 1))]
            self.accounts.amend(order, self._price(order.key, price), self._quantity(order.key, size))

    def _mark(self, change: float, funding: float | None) -> None:
        self.world.move_mark(64_000 * (1 + change), funding=funding)

    def _leverage(self, account: int, leverage: int) -> None:
        self.accounts.set_leverage(account, LINEAR, Decimal(leverage))

    def _isolate(self, account: int, isolated: bool) -> None:
        self.accounts.set_isolated(account, LINEAR, isolated=isolated)

    def _countdown(self, account: int, key: str, ms: int) -> None:
        self.accounts.count_down(account, key, ms)

    # --- what is told --------------------------------------------------------------------------------------------

    def hear(self) -> None:
        for event in self.world.told():
            if isinstance(event, OrderEvent):
                self._hear_order(event)
            elif isinstance(event, BalanceEvent):
                for held in event.holdings:
                    self.told_spot[event.account, held.currency] = held.total, held.locked
                for wallet in event.wallets:
                    self.told_wallets[event.account, wallet.currency] = wallet.total
                for view in event.positions:
                    self.told_lots[event.account] = view.lots

    def _hear_order(self, event: OrderEvent) -> None:
        place = event.order.key, event.order.order_id
        before = self.told_status.get(place)
        assert before not in CLOSED, f"{event.change} after {before}"
        assert (before is None) == (event.change is OrderChange.NEW), f"{event.change} after {before}"
        if event.change is OrderChange.FILL:
            assert event.fill is not None
            self.told_filled[place] += event.fill.quantity
        assert event.order.filled == self.told_filled[place]
        assert event.order.filled <= event.order.quantity
        self.told_status[place] = event.order.status

    # --- what must hold ------------------------------------------------------------------------------------------

    def check(self) -> None:
        self.check_money()
        self.check_reservations()
        self.check_orders()
        self.check_positions()
        self.check_told()

    def check_money(self) -> None:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for purse, amount in self.accounts.ledger.purses().items():
            sums[purse.currency] += amount
        assert set(sums.values()) == {Decimal(0)}
        replayed: dict[Purse, Decimal] = defaultdict(Decimal)
        for entry in self.accounts.ledger.entries:
            assert entry.amount > 0
            replayed[entry.source] -= entry.amount
            replayed[entry.target] += entry.amount
        assert dict(replayed) == self.accounts.ledger.purses()

    def check_reservations(self) -> None:
        for account in self.accounts.numbers:
            locked: dict[str, Decimal] = defaultdict(Decimal)
            for order in self.accounts.orders.open_orders(account, SPOT):
                assert order.reserved >= 0
                locked[order.reserved_in] += order.reserved
            for currency in self.accounts.currencies(MarketKind.SPOT):
                held = self.accounts.holding(account, currency)
                assert held.locked == locked[currency]
                assert held.free >= 0, f"{currency} of account {account} is overdrawn: {held}"

    def check_orders(self) -> None:
        for key, market in self.world.markets.items():
            for account in self.accounts.numbers:
                ours = {
                    order.order_id: (order.price, order.quantity, order.filled)
                    for order in self.accounts.orders.open_orders(account, key)
                    if not order.waiting
                }
                resting = {
                    order.order_id: (order.price, order.quantity, order.filled)
                    for order in market.engine.open_orders(account)
                }
                assert ours == resting
                for order in self.accounts.orders.orders(account, key):
                    fills = self.accounts.orders.fills(account, key, order.order_id)
                    assert sum(fill.quantity for fill in fills) == order.filled
                    assert sum(fill.price * fill.quantity for fill in fills) == order.value
                    assert (order.status in CLOSED) is not order.is_open

    def check_positions(self) -> None:
        """Wallet and open profit, worked out from deposits, fills and ledger entries alone."""
        price = Decimal(61_234)
        for account in self.accounts.numbers:
            position = self.accounts.positions.position(account, LINEAR)
            assert position.lots == self.world.markets[LINEAR].engine.position_of(account)
            cash = self.opened[Purse(account, LINEAR_WALLET, "USDT")]
            lots = 0
            for fill in self.accounts.orders.fills(account, LINEAR):
                lots += fill.side.sign * fill.quantity
                value = self.world.price(LINEAR, fill.price) * self.world.quantity(LINEAR, fill.quantity)
                cash -= fill.side.sign * value + fill.fee
            assert lots == position.lots
            for entry in self.accounts.ledger.entries:
                if entry.cause.value in ("funding", "insurance", "liquidation fee"):
                    cash += entry.amount * ((entry.target.account == account) - (entry.source.account == account))
            wallet = self.accounts.positions.wallet(account, "USDT").total
            open_value = self.world.quantity(LINEAR, lots) * price
            assert wallet + (open_value - position.cost) == cash + open_value
            if not position.lots:
                assert (position.cost, self.accounts.positions.isolated_margin(account, LINEAR)) == (0, 0)

    def check_told(self) -> None:
        for (account, currency), (total, locked) in self.told_spot.items():
            held = self.accounts.holding(account, currency)
            assert (held.total, held.locked) == (total, locked)
        for (account, currency), total in self.told_wallets.items():
            assert self.accounts.positions.wallet(account, currency).total == total
        for account, lots in self.told_lots.items():
            assert self.accounts.positions.position(account, LINEAR).lots == lots


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTIONS, min_size=15, max_size=80))
def test_money_margin_orders_and_events_agree_whatever_is_traded(actions: list[tuple[Any, ...]]) -> None:
    trading = Trading()
    for action in actions:
        trading.play(action)
        trading.check()


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, min_size=5, max_size=40))
def test_an_account_that_never_trades_keeps_what_it_has(actions: list[tuple[Any, ...]]) -> None:
    trading = Trading()
    for action in actions:
        if action[0] in ("crowd", "mark") or action[1] != 3:
            trading.play(action)
    purses = trading.accounts.ledger.purses()
    for purse, amount in trading.opened.items():
        if purse.account == 3:
            assert purses[purse] == amount
            assert purse.wallet in (SPOT_WALLET, LINEAR_WALLET)
    assert {purse.account for purse in purses} <= {*HOUSE_ACCOUNTS, 1, 2, 3}
