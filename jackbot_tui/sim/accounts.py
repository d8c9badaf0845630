"""The back office of the exchange: accounts, their money, orders, positions and settings. Venue-neutral, sans-I/O.

Owned by ``sim.exchange``, which calls ``advance`` after each step of the market; private pages of fronts call the rest
and drain ``take_events``. Accounts are numbered from 1, as the matching engines know them. Everything happens at the
timeline's present and in one thread: between two calls, the books are settled. It knows no protocol.

A test, or a client in the same process, looks up the truth here::

    exchange.accounts.keys.of(1)                                        # ApiKey(key, secret, passphrase, …)
    exchange.accounts.orders.open_orders(1); exchange.accounts.orders.fills(1)
    exchange.accounts.holding(1, "USDT"); exchange.accounts.positions.view(1, "binance:BTC/USDT:USDT")
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.sim.clearing import Clearing
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.keys import KeyRing
from jackbot_tui.sim.ledger import OUTSIDE, Cause, Ledger, Purse
from jackbot_tui.sim.margin import LINEAR_WALLET, Positions, Working
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.order_desk import OrderDesk
from jackbot_tui.sim.order_store import OrderStore
from jackbot_tui.sim.orders import Reason
from jackbot_tui.sim.requests import (
    AccountEvent,
    AccountOrder,
    BalanceEvent,
    Holding,
    OrderSpec,
    Refusal,
    Refused,
    SettingEvent,
)
from jackbot_tui.sim.settlement import SPOT_WALLET, LinearSettlement, SpotSettlement
from jackbot_tui.sim.terms import Terms
from jackbot_tui.sim.timeline import Timeline

EVENTS_WAITING = 100_000
"""More events than this without anybody taking them is a front that forgot to."""


class Accounts:
    """``count`` accounts, each with the deposits of ``terms``. ``attach`` comes before anything else."""

    def __init__(self, count: int, listings: Sequence[Listing], timeline: Timeline, terms: Terms, seed: int) -> None:
        self.numbers = range(1, count + 1)
        self.terms = terms
        self.keys = KeyRing(self.numbers, seed)
        self.ledger = Ledger()
        self.orders = OrderStore(self.numbers)
        self.listings: Mapping[str, Listing] = {listing.key: listing for listing in listings}
        if terms.one_wallet:
            self.spot = SpotSettlement(self.ledger, terms.fee_currency, LINEAR_WALLET, self._left_by_positions)
            withheld = self.spot.locked
            self.positions = Positions(self.listings, self.ledger, self.mark, self.working, withheld)
        else:
            self.spot = SpotSettlement(self.ledger, terms.fee_currency)
            self.positions = Positions(self.listings, self.ledger, self.mark, self.working)
        self._linear = LinearSettlement(self.ledger, self.positions)
        self._timeline = timeline
        self.desks: dict[str, OrderDesk] = {}
        self._clearing = Clearing(self)
        self._events: list[AccountEvent] = []
        self._touched: dict[tuple[int, MarketKind, Cause], tuple[dict[str, Decimal], dict[str, None]]] = {}
        self._deposit()

    def attach(self, markets: Mapping[MarketKind, Mapping[str, SimMarket]]) -> None:
        """The markets on which accounts trade, as the front has them."""
        for kind, by_native in markets.items():
            settlement = self.spot if kind is MarketKind.SPOT else self._linear
            for market in by_native.values():
                key = market.listing.key
                self.desks[key] = OrderDesk(
                    market, settlement, self.orders, self.terms, self._timeline, self, market.engine.position_of
                )

    # --- orders --------------------------------------------------------------------------------------------------

    def submit(self, account: int, spec: OrderSpec) -> AccountOrder:
        """The order as it stands after matching. Refused, with nothing done, where a rule or the funds forbid it."""
        return self.desks[spec.key].submit(account, spec)

    def cancel(self, order: AccountOrder, request_id: str = "") -> None:
        self.desks[order.key].cancel(order, request_id)

    def cancel_all(self, account: int, key: str, reason: Reason = Reason.CANCELED) -> list[AccountOrder]:
        """Every open order of the instrument; those it canceled."""
        canceled = self.orders.open_orders(account, key)
        for order in canceled:
            if order.is_open:  # one cancel may end another: reduce-only orders follow the position
                self.desks[key].cancel(order, reason=reason)
        return canceled

    def examine(self, account: int, spec: OrderSpec) -> None:
        """Refused for an order that breaks a rule; nothing is placed."""
        self.desks[spec.key].examine(account, spec)

    def amend(self, order: AccountOrder, price: Decimal | None, quantity: Decimal | None, client_id: str = "") -> None:
        """New price, total quantity or client id, as far as given."""
        self.desks[order.key].amend(order, price, quantity, client_id)

    def count_down(self, account: int, key: str, ms: int) -> None:
        """Dead-man switch: cancel all orders of the instrument in ``ms`` unless told again; 0 stops it."""
        self._clearing.count_down(account, key, ms)

    # --- settings ------------------------------------------------------------------------------------------------

    def set_leverage(self, account: int, key: str, leverage: Decimal) -> None:
        instrument, setting = self.listings[key].instrument, self.positions.setting(account, key)
        if not ONE <= leverage <= instrument.max_leverage or leverage != leverage.to_integral_value():
            raise Refused(Refusal.BAD_LEVERAGE, instrument.max_leverage)
        if self.positions.exposure(account, key, Working()) > self.positions.limit(key, leverage):
            raise Refused(Refusal.POSITION_LIMIT, self.positions.limit(key, leverage))
        held = self.positions.position(account, key).lots
        if held and setting.isolated and leverage < setting.leverage:
            raise Refused(Refusal.ISOLATED_LEVERAGE)
        before = setting.leverage
        setting.leverage = leverage
        if self.positions.margin(account, instrument.settle).available < ZERO and leverage < before:
            setting.leverage = before
            raise Refused(Refusal.INSUFFICIENT_MARGIN)
        self._events.append(SettingEvent(self._timeline.now_ms(), account, key, leverage))

    def set_isolated(self, account: int, key: str, *, isolated: bool) -> None:
        setting = self.positions.setting(account, key)
        if setting.isolated is isolated:
            raise Refused(Refusal.MODE_UNCHANGED)
        if self.orders.open_orders(account, key):
            raise Refused(Refusal.MODE_WITH_ORDERS)
        if self.positions.position(account, key).lots:
            raise Refused(Refusal.MODE_WITH_POSITION)
        setting.isolated = isolated

    # --- figures -------------------------------------------------------------------------------------------------

    def holding(self, account: int, currency: str) -> Holding:
        """A spot balance."""
        return self.spot.holding(account, currency)

    def _left_by_positions(self, account: int, currency: str) -> Decimal | None:
        """What perpetuals leave of a currency in the wallet that spot shares; None for one they do not settle in."""
        if currency not in self.currencies(MarketKind.LINEAR):
            return None
        return self.positions.margin(account, currency).available

    def currencies(self, kind: MarketKind) -> list[str]:
        """Currencies in which this exchange keeps balances."""
        found: dict[str, None] = {}
        for listing in self.listings.values():
            instrument = listing.instrument
            if instrument.kind is kind:
                names = (instrument.quote, instrument.base) if kind is MarketKind.SPOT else (instrument.settle,)
                found |= dict.fromkeys(names)
        return list(found)

    def mark(self, key: str) -> Decimal:
        """Mark price as published, to eight decimals."""
        marks = self.desks[key].market.marks
        if marks is None:
            raise ValueError(f"{key} has no mark price")
        return Decimal(f"{marks.mark:.8f}")

    def working(self, account: int, key: str) -> Working:
        """Value of open orders, without reduce-only ones and those that wait."""
        instrument = self.listings[key].instrument
        sums = {1: 0, -1: 0}
        for order in self.orders.open_orders(account, key):
            if not order.reduce_only and not order.waiting:
                sums[order.side.sign] += order.remaining * order.price
        scale = instrument.tick * instrument.lot
        return Working(sums[1] * scale, sums[-1] * scale)

    # --- time and events -----------------------------------------------------------------------------------------

    def advance(self) -> None:
        """The market has moved to the timeline's present: triggers, funding, liquidations, dead-man switches."""
        if self.numbers:
            self._clearing.advance(self._timeline.elapsed_ns, self._timeline.now_ms())

    def take_events(self) -> list[AccountEvent]:
        """What happened since the last time: orders in their order, then balances as they are now."""
        self._settle_touched()
        taken, self._events = self._events, []
        return taken

    def tell(self, event: AccountEvent) -> None:
        if len(self._events) >= EVENTS_WAITING:
            raise RuntimeError("nobody takes the events of accounts: the front must drain them at every beat")
        self._events.append(event)

    def touch(self, order: AccountOrder, cause: Cause) -> None:
        instrument = self.listings[order.key].instrument
        names = (instrument.base, instrument.quote) if order.kind is MarketKind.SPOT else (instrument.settle,)
        self.touch_money(order.account, order.key, names, cause)

    def touch_money(
        self, account: int, key: str, currencies: Sequence[str], cause: Cause, change: Decimal = ZERO
    ) -> None:
        """Note that balances changed, ``change`` of them not by a trade; one event will tell."""
        place = account, self.listings[key].instrument.kind, cause
        money, keys = self._touched.setdefault(place, ({}, {}))
        for currency in currencies:
            money[currency] = money.get(currency, ZERO) + change
        keys[key] = None

    def _settle_touched(self) -> None:
        touched, self._touched = self._touched, {}
        now_ms = self._timeline.now_ms()
        for (account, kind, cause), (money, keys) in touched.items():
            if kind is MarketKind.SPOT:
                holdings = tuple(self.holding(account, currency) for currency in money)
                self.tell(BalanceEvent(now_ms, account, kind, cause, holdings))
                continue
            wallets = tuple(self.positions.wallet(account, currency, change) for currency, change in money.items())
            views = tuple(self.positions.view(account, key) for key in keys)
            self.tell(BalanceEvent(now_ms, account, kind, cause, wallets=wallets, positions=views))

    def _deposit(self) -> None:
        for account in self.numbers:
            paid: set[Purse] = set()
            for kind, amounts in self.terms.deposits.items():
                apart = kind is MarketKind.SPOT and not self.terms.one_wallet
                wallet = SPOT_WALLET if apart else LINEAR_WALLET
                for currency in self.currencies(kind):
                    source, target = Purse(OUTSIDE, wallet, currency), Purse(account, wallet, currency)
                    amount = ZERO if target in paid else amounts.get(currency, ZERO)
                    paid.add(target)
                    self.ledger.move(Cause.DEPOSIT, source, target, amount, ms=self._timeline.now_ms())
