"""The paper venue's own books: what the account holds, what ties it up, what margin its positions need, what it pays.

Owned by the executor and kept apart from the engine's portfolio, as at a real venue: the venue knows of a fill before
the answer has travelled. One wallet per currency; what is not asked for by orders or margin is free. The rules:

* A spot buy ties up its cost, with the fee where that is paid in quote; a spot sell ties up the base.
* A perpetual ties up initial margin for the larger of what it would be with all its buys, or all its sells, filled.
  Open losses of cross positions count against what is free, open gains do not; an order that would start with a loss at
  the mark needs that as well.
* An isolated position answers with what it posted, ``|quantity| * average entry / leverage``. Fees and funding come out
  of the wallet; only when that is used up do they shorten what isolated positions posted, in proportion.
* A cross position answers with everything in its settlement currency that isolated positions did not post. Holdings of
  other currencies are no collateral. Orders do not weaken it: they are canceled when it comes to that.

Prices are ``InstrumentMarket.value_price``: the mark while it is fresh. Nothing is lent: borrowing is not modelled.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from decimal import ROUND_FLOOR, Decimal, localcontext
from enum import Enum

from msgspec import Struct

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.execution.holdings import HeldPosition, Holding, Holdings
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.fees import pays_in_base
from jackbot_tui.execution.paper.margin import LIQUIDATION_FEE, brackets_of
from jackbot_tui.execution.paper.queue import RestingOrder
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.accounting import currencies_of, funding_amount, moved, unrealized
from jackbot_tui.model.enums import Liquidity, Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import (
    MarginMode,
    MarginSetting,
    bankruptcy_price,
    bracket_of,
    initial_margin,
    liquidation_price,
    maintenance,
)
from jackbot_tui.model.numbers import ONE, ZERO, text_of
from jackbot_tui.model.orders import Order, OrderFilled, Position
from jackbot_tui.model.transitions import EXACT, PRICE_PLACES
from jackbot_tui.venues.refusals import refusals_of

REMEMBERED_FILLS = 1_000
"""Changes of a position that are kept per instrument, to know it at a funding time that is heard of later."""


class Lack(Enum):
    """Why the account does not take an order."""

    FUNDS = "funds"
    POSITION = "position"  # larger than the leverage that is set allows


class FundingSettled(Struct, frozen=True):
    """``quantity`` is the signed position at the funding time, ``amount`` quote currency, positive = received."""

    quantity: Decimal
    amount: Decimal


class MarginView(Struct, frozen=True):
    """Margin of one perpetual at the venue, settlement currency.

    ``initial`` is what the position ties up, ``kept`` what it must keep, ``behind`` what answers for it now (open
    profit included). ``liquidation`` is None when flat, or when no price of the mark does it.
    """

    setting: MarginSetting
    initial: Decimal
    kept: Decimal
    behind: Decimal
    liquidation: Decimal | None


class Outlook(Struct, frozen=True):
    """What an order would mean: initial margin ``needed`` of what is ``free`` (settlement currency), and the mark that
    would liquidate the position after it, None for none.
    """

    needed: Decimal
    free: Decimal
    liquidation: Decimal | None


class _Standing(Struct, frozen=True):
    """An open position with its profit, what it must keep and what it posted, at the prices of one moment."""

    position: Position
    setting: MarginSetting
    profit: Decimal
    kept: Decimal
    posted: Decimal


class _Wallet(Struct, frozen=True):
    """One currency: equity of the cross positions, what they must keep together, what isolated ones posted."""

    cross: Decimal
    kept: Decimal
    posted: Decimal

    def behind(self, own: _Standing) -> Decimal:
        """What answers for a position: cross everything, isolated its margin and profit, shortened by a shortage."""
        if own.setting.mode is MarginMode.CROSS:
            return self.cross
        short = max(ZERO, -self.cross)
        share = min(own.posted, short * own.posted / self.posted) if short and self.posted else ZERO
        return own.posted - share + own.profit


class PaperAccount:
    """See the module's paragraph. ``working`` are the orders at the venue by client id."""

    def __init__(self, config: PaperConfig, markets: Mapping[str, InstrumentMarket]) -> None:
        self.portfolio = Portfolio(config.start_balances)
        self.working: dict[str, RestingOrder] = {}
        self.settings: dict[str, MarginSetting] = {}
        """What was chosen per instrument; the others are at the configuration's."""
        self.bankrupt_at: dict[str, Decimal] = {}
        """Exact bankruptcy price by client id, of liquidation orders under way: their fee never goes beyond it."""
        self._config = config
        self._markets = markets
        self._changes: dict[str, deque[tuple[int, Decimal]]] = {}

    # ------------------------------------------------------------------ facts in

    def apply(self, order: Order, fill: OrderFilled) -> None:
        """Count a fill that the venue has just made."""
        market = self._markets.get(order.key)
        made_ns = fill.ts if market is None else exchange_time(market, fill.ts)
        changes = self._changes.setdefault(order.key, deque(maxlen=REMEMBERED_FILLS))
        changes.append((made_ns, self.portfolio.position(order.key).quantity))
        self.portfolio.apply(order, fill)

    def settle_funding(self, key: str, rate: Decimal, mark: Decimal, at_ns: int, now: int) -> FundingSettled:
        """Settle the funding of exchange time ``at_ns`` on the position that was held then."""
        quantity = self.quantity_at(key, at_ns)
        amount = funding_amount(quantity, mark, rate)
        if amount:
            self.portfolio.apply_funding(key, amount, now)
        return FundingSettled(quantity, amount)

    def quantity_at(self, key: str, at_ns: int) -> Decimal:
        """The signed position after all fills that the exchange made until its time ``at_ns``."""
        quantity = self.portfolio.position(key).quantity
        for made_ns, before in reversed(self._changes.get(key, ())):
            if made_ns <= at_ns:
                break
            quantity = before
        return quantity

    # ------------------------------------------------------------------ orders

    def reducible(self, key: str, side: Side) -> Decimal:
        """How much an order on ``side`` can take off the position, base units."""
        return max(ZERO, -self.portfolio.position(key).quantity * side.sign)

    def lack(self, instrument: Instrument, side: Side, quantity: Decimal, cost: Decimal, now: int) -> Lack | None:
        """Why an order of ``quantity``, worth ``cost`` quote currency, is not covered on top of all working orders.

        ``now`` tells which mark prices are too old to be believed.
        """
        with localcontext(EXACT):
            if not instrument.is_perpetual:
                return None if self._covers_spot(instrument, side, quantity, cost, now) else Lack.FUNDS
            buys, sells = (quantity, ZERO) if side is Side.BUY else (ZERO, quantity)
            more = self._tied(instrument, buys, sells, now) - self._tied(instrument, ZERO, ZERO, now)
            if more <= ZERO:
                return None
            price = self._price(instrument.key, now)
            most = bracket_of(brackets_of(instrument), self._exposure(instrument.key, buys, sells) * price).max_leverage
            if self.setting(instrument.key).leverage > most:
                return Lack.POSITION
            loss = max(ZERO, (cost - quantity * price) * side.sign)
            needed = more + loss + cost * max(ZERO, instrument.taker_fee)
            return None if needed <= self.free(instrument.settle, now) else Lack.FUNDS

    def fee(self, order: Order, price: Decimal, size: Decimal, role: Liquidity) -> tuple[Decimal, str]:
        """Fee of a fill and its currency; negative is a rebate.

        A liquidation pays the liquidation fee on top of the taker fee, but never beyond the bankruptcy price.
        """
        instrument = self._markets[order.key].instrument
        value = EXACT.multiply(price, size)
        rate = instrument.maker_fee if role is Liquidity.MAKER else instrument.taker_fee
        bankrupt = self.bankrupt_at.get(order.client_id)
        if bankrupt is not None:
            with localcontext(EXACT):
                left = (bankrupt - price) * size * order.side.sign
                most = max(ZERO, left).quantize(PRICE_PLACES, ROUND_FLOOR)
                return min(value * (max(ZERO, rate) + LIQUIDATION_FEE), most), instrument.settle
        if pays_in_base(instrument, order.side):
            return EXACT.multiply(size, rate), instrument.base
        return EXACT.multiply(value, rate), instrument.settle

    def free(self, currency: str, now: int) -> Decimal:
        """What of a currency no working order, margin or open loss ties up."""
        with localcontext(EXACT):
            free = self.portfolio.balance(currency)
            for resting in self.working.values():
                instrument = self._markets[resting.order.key].instrument
                if instrument.is_perpetual or resting.price is None:
                    continue
                if resting.order.side is Side.SELL:
                    free -= resting.remaining if instrument.base == currency else ZERO
                elif instrument.quote == currency:
                    free -= resting.remaining * resting.price * (ONE + _quote_fee(instrument))
            for instrument, position in self._perpetuals(currency):
                free -= self._tied(instrument, ZERO, ZERO, now)
                if self.setting(instrument.key).mode is MarginMode.CROSS:
                    free += min(ZERO, unrealized(position, self._price(instrument.key, now)))
            return free

    def holdings(self, now: int) -> Holdings:
        """Every currency and every perpetual position."""
        wallets = [
            Holding("all", name, total, self.free(name, now))
            for name, total in sorted(self.portfolio.balances().items())
        ]
        positions = []
        for position in self.portfolio.positions:
            if position.quantity and currencies_of(position.key).is_perpetual and position.key in self._markets:
                view = self.margin(position.key, now)
                positions.append(
                    HeldPosition(
                        key=position.key,
                        quantity=position.quantity,
                        entry=position.average_entry,
                        setting=view.setting,
                        margin=view.initial,
                        liquidation=view.liquidation,
                    )
                )
        return Holdings(tuple(wallets), tuple(positions))

    # ------------------------------------------------------------------ margin

    def setting(self, key: str) -> MarginSetting:
        """Margin mode and leverage of an instrument: as chosen, else the configuration's, within what it allows."""
        chosen = self.settings.get(key)
        if chosen is not None:
            return chosen
        most = self._markets[key].instrument.max_leverage
        return MarginSetting(self._config.margin, max(ONE, min(self._config.leverage, most)))

    def setting_problem(self, key: str, wanted: MarginSetting, now: int) -> str:
        """Why the venue refuses ``wanted`` for an instrument now, "" when it does not."""
        instrument = self._markets[key].instrument
        if not instrument.is_perpetual:
            return f"{instrument.symbol} is spot: leverage and margin mode are for perpetuals"
        rules = refusals_of(instrument.venue, instrument.kind)
        before = self.setting(key)
        held = self.portfolio.position(key).quantity
        if wanted.mode is not before.mode and (held or any(each.order.key == key for each in self.working.values())):
            locked = f"the margin mode of {instrument.symbol} cannot change with a position or working orders"
            return locked + _coded(rules.mode_refused)
        with localcontext(EXACT):
            value = self._exposure(key, ZERO, ZERO) * self._price(key, now)
        most = bracket_of(brackets_of(instrument), value).max_leverage
        if not ONE <= wanted.leverage <= most:
            worth = f" for what is held and ordered (worth {value:,.0f} {instrument.quote})" if value else ""
            allowed = f"leverage {text_of(wanted.leverage)} is not within 1 to {text_of(most)}{worth}"
            return allowed + _coded(rules.leverage_refused)
        return self._consequence(instrument, wanted, now)

    def margin(self, key: str, now: int) -> MarginView:
        """Margin figures of a perpetual."""
        instrument = self._markets[key].instrument
        with localcontext(EXACT):
            own, behind, balance = self._support(key, now)
            position = own.position
            return MarginView(
                setting=own.setting,
                initial=own.posted,
                kept=own.kept,
                behind=behind,
                liquidation=liquidation_price(
                    position.quantity, position.average_entry, balance, brackets_of(instrument)
                ),
            )

    def outlook(self, key: str, side: Side, quantity: Decimal, cost: Decimal, fee: Decimal, now: int) -> Outlook:
        """Where a perpetual would stand if ``quantity`` on ``side`` were filled now for ``cost``, with ``fee`` paid."""
        instrument = self._markets[key].instrument
        before = self.portfolio.position(key)
        with localcontext(EXACT):
            buys, sells = (quantity, ZERO) if side is Side.BUY else (ZERO, quantity)
            needed = self._tied(instrument, buys, sells, now) - self._tied(instrument, ZERO, ZERO, now)
            if not quantity:
                return Outlook(ZERO, self.free(instrument.settle, now), self.margin(key, now).liquidation)
            after = moved(before, quantity * side.sign, cost / quantity)
            if self.setting(key).mode is MarginMode.ISOLATED:
                balance = initial_margin(after.quantity, after.average_entry, self.setting(key).leverage)
            else:
                _, _, balance = self._support(key, now)
                balance += after.realized - before.realized - fee
            liquidation = liquidation_price(after.quantity, after.average_entry, balance, brackets_of(instrument))
            return Outlook(max(ZERO, needed), self.free(instrument.settle, now), liquidation)

    def endangered(self, now: int) -> list[str]:
        """Keys of positions whose margin does not suffice any more, in the order in which the venue closes them.

        Isolated positions first, then, where the cross positions of a currency are short together, the one with the
        largest open loss.
        """
        isolated: list[str] = []
        cross: list[tuple[str, Decimal, str]] = []
        with localcontext(EXACT):
            for currency in sorted({self._markets[key].instrument.settle for key in self.held()}):
                standings = self._standings(currency, now)
                wallet = self._wallet(currency, standings)
                for own in standings:
                    if own.setting.mode is MarginMode.ISOLATED and wallet.behind(own) <= own.kept:
                        isolated.append(own.position.key)
                    elif own.setting.mode is MarginMode.CROSS and wallet.cross <= wallet.kept:
                        cross.append((currency, own.profit, own.position.key))
        return isolated + [key for _, _, key in sorted(cross)]

    def bankruptcy(self, key: str, now: int) -> Decimal:
        """Price at which closing the position in ``key`` leaves nothing of what answers for it; exact."""
        with localcontext(EXACT):
            own, behind, _ = self._support(key, now)
            position = own.position
            return bankruptcy_price(position.quantity, position.average_entry, behind - own.profit)

    # ------------------------------------------------------------------ inside

    def _covers_spot(self, instrument: Instrument, side: Side, quantity: Decimal, cost: Decimal, now: int) -> bool:
        if side is Side.BUY:
            return cost * (ONE + _quote_fee(instrument)) <= self.free(instrument.quote, now)
        return quantity <= self.free(instrument.base, now)

    def _consequence(self, instrument: Instrument, wanted: MarginSetting, now: int) -> str:
        """What would go wrong with ``wanted``: margin that is not there, or a position liquidated by it."""
        key = instrument.key
        chosen = self.settings.get(key)
        self.settings[key] = wanted
        try:
            free = self.free(instrument.settle, now)
            doomed = key in self.endangered(now)
        finally:
            if chosen is None:
                del self.settings[key]
            else:
                self.settings[key] = chosen
        if free < ZERO and wanted.leverage < self.setting(key).leverage:
            return (
                f"leverage {text_of(wanted.leverage)} needs {-free:.2f} {instrument.settle} more than is free"
                f"{_coded(refusals_of(instrument.venue, instrument.kind).no_funds.code)}"
            )
        if doomed:
            return f"leverage {text_of(wanted.leverage)} would liquidate the position at once: nothing was changed"
        return ""

    def held(self) -> list[str]:
        """Keys of open positions in perpetuals that are followed."""
        return [
            position.key
            for position in self.portfolio.positions
            if position.quantity
            and position.key in self._markets
            and self._markets[position.key].instrument.is_perpetual
        ]

    def _perpetuals(self, currency: str) -> Iterator[tuple[Instrument, Position]]:
        for key, market in self._markets.items():
            instrument = market.instrument
            if instrument.is_perpetual and instrument.settle == currency:
                yield instrument, self.portfolio.position(key)

    def _exposure(self, key: str, more_buys: Decimal, more_sells: Decimal) -> Decimal:
        """The largest position that all buys, or all sells, would make of it; reduce-only orders add nothing."""
        quantity = self.portfolio.position(key).quantity
        buys, sells = more_buys, more_sells
        for resting in self.working.values():
            if resting.order.key == key and not resting.order.reduce_only:
                if resting.order.side is Side.BUY:
                    buys += resting.remaining
                else:
                    sells += resting.remaining
        return max(abs(quantity + buys), abs(quantity - sells))

    def _tied(self, instrument: Instrument, more_buys: Decimal, more_sells: Decimal, now: int) -> Decimal:
        """Initial margin of the position and of what orders could add to it."""
        position = self.portfolio.position(instrument.key)
        more = self._exposure(instrument.key, more_buys, more_sells) - abs(position.quantity)
        posted = self._posted(instrument, position, now)
        if more <= ZERO:
            return posted
        leverage = self.setting(instrument.key).leverage
        return posted + initial_margin(more, self._price(instrument.key, now), leverage)

    def _posted(self, instrument: Instrument, position: Position, now: int) -> Decimal:
        """Initial margin of the position itself: at its entry where it is isolated, else at its value now."""
        if not position.quantity:
            return ZERO
        setting = self.setting(instrument.key)
        isolated = setting.mode is MarginMode.ISOLATED
        price = position.average_entry if isolated else self._price(instrument.key, now)
        return initial_margin(position.quantity, price, setting.leverage)

    def _standings(self, currency: str, now: int) -> "list[_Standing]":
        """Every open position that is settled in ``currency``."""
        return [self._standing(key, now) for key in self.held() if self._markets[key].instrument.settle == currency]

    def _standing(self, key: str, now: int) -> "_Standing":
        instrument, position = self._markets[key].instrument, self.portfolio.position(key)
        price = self._price(key, now)
        return _Standing(
            position=position,
            setting=self.setting(key),
            profit=unrealized(position, price),
            kept=maintenance(brackets_of(instrument), abs(position.quantity) * price),
            posted=self._posted(instrument, position, now),
        )

    def _wallet(self, currency: str, standings: "list[_Standing]") -> "_Wallet":
        isolated = [own for own in standings if own.setting.mode is MarginMode.ISOLATED]
        cross = [own for own in standings if own.setting.mode is MarginMode.CROSS]
        posted = sum((own.posted for own in isolated), ZERO)
        return _Wallet(
            cross=self.portfolio.balance(currency) - posted + sum((own.profit for own in cross), ZERO),
            kept=sum((own.kept for own in cross), ZERO),
            posted=posted,
        )

    def _support(self, key: str, now: int) -> "tuple[_Standing, Decimal, Decimal]":
        """A position, what answers for it now, and what does so apart from its own profit, less what others keep."""
        currency = self._markets[key].instrument.settle
        standings = self._standings(currency, now)
        own = next((each for each in standings if each.position.key == key), None) or self._standing(key, now)
        wallet = self._wallet(currency, standings)
        behind = wallet.behind(own)
        others_keep = wallet.kept - own.kept if own.setting.mode is MarginMode.CROSS else ZERO
        return own, behind, behind - own.profit - others_keep

    def _price(self, key: str, now: int) -> Decimal:
        """What the market is worth now, else what the position cost."""
        price = self._markets[key].value_price(now)
        return self.portfolio.position(key).average_entry if price is None else price


def _coded(code: str) -> str:
    return f" [{code}]" if code else ""


def _quote_fee(instrument: Instrument) -> Decimal:
    """Fee rate that a spot buy needs in quote currency on top of its cost."""
    return ZERO if pays_in_base(instrument, Side.BUY) else max(ZERO, instrument.taker_fee)


def exchange_time(market: InstrumentMarket, ts: int) -> int:
    """The exchange's own time at local time ``ts``: that of the newest thing the market has shown, and what has passed
    since it came. ``ts`` itself where the venue sends no times.
    """
    newest = market.newest_event_ns
    if not newest:
        return ts
    last = market.trades.last
    heard_ns = max(market.last_book_ns, 0 if last is None else last.ts_recv)
    return newest + max(0, ts - heard_ns)
