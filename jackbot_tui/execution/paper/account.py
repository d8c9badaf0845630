"""The paper venue's own books: what the account holds, what working orders tie up, and whether a new one is covered.

Owned by the executor and kept apart from the engine's portfolio, as at a real venue: the venue knows of a fill before
the answer has travelled. One wallet per currency. Spot buys tie up quote with the taker fee, spot sells the base;
perpetuals need initial margin for the larger of what the position would be with all buys, or all sells, filled. Open
losses count against what is free, open gains do not. There is no maintenance margin and no liquidation yet.
"""

from collections.abc import Mapping
from decimal import Decimal

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.queue import RestingOrder
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.accounting import unrealized
from jackbot_tui.model.enums import Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ONE, ZERO


class PaperAccount:
    """See the module's paragraph. ``working`` are the orders at the venue by client id."""

    def __init__(self, config: PaperConfig, markets: Mapping[str, InstrumentMarket]) -> None:
        self.portfolio = Portfolio(config.start_balances)
        self.working: dict[str, RestingOrder] = {}
        self._leverage = config.leverage
        self._markets = markets

    def reducible(self, key: str, side: Side) -> Decimal:
        """How much an order on ``side`` can take off the position, base units."""
        return max(ZERO, -self.portfolio.position(key).quantity * side.sign)

    def covers(self, instrument: Instrument, side: Side, quantity: Decimal, cost: Decimal, now: int) -> bool:
        """Whether an order of ``quantity``, worth ``cost`` quote currency, is covered on top of all working orders.

        ``now`` tells which mark prices are too old to be believed.
        """
        if instrument.is_perpetual:
            buys, sells = (quantity, ZERO) if side is Side.BUY else (ZERO, quantity)
            more = self._margin(instrument, buys, sells, now) - self._margin(instrument, ZERO, ZERO, now)
            return more <= ZERO or more + cost * instrument.taker_fee <= self.free(instrument.settle, now)
        if side is Side.BUY:
            return cost * (ONE + instrument.taker_fee) <= self.free(instrument.quote, now)
        return quantity <= self.free(instrument.base, now)

    def free(self, currency: str, now: int) -> Decimal:
        """What of a currency no working order, margin or open loss ties up."""
        free = self.portfolio.balance(currency)
        for resting in self.working.values():
            instrument = self._markets[resting.order.key].instrument
            if instrument.is_perpetual or resting.price is None:
                continue
            if resting.order.side is Side.SELL:
                free -= resting.remaining if instrument.base == currency else ZERO
            elif instrument.quote == currency:
                free -= resting.remaining * resting.price * (ONE + instrument.taker_fee)
        for market in self._markets.values():
            instrument = market.instrument
            if instrument.is_perpetual and instrument.settle == currency:
                position = self.portfolio.position(instrument.key)
                free -= self._margin(instrument, ZERO, ZERO, now)
                free += min(ZERO, unrealized(position, self._price(instrument.key, now)))
        return free

    def _margin(self, instrument: Instrument, more_buys: Decimal, more_sells: Decimal, now: int) -> Decimal:
        quantity = self.portfolio.position(instrument.key).quantity
        buys, sells = more_buys, more_sells
        for resting in self.working.values():
            if resting.order.key == instrument.key and not resting.order.reduce_only:
                if resting.order.side is Side.BUY:
                    buys += resting.remaining
                else:
                    sells += resting.remaining
        exposure = max(abs(quantity + buys), abs(quantity - sells))
        if not exposure:
            return ZERO
        return exposure * self._price(instrument.key, now) / max(ONE, min(self._leverage, instrument.max_leverage))

    def _price(self, key: str, now: int) -> Decimal:
        """What the market is worth now, else what the position cost."""
        price = self._markets[key].value_price(now)
        return self.portfolio.position(key).average_entry if price is None else price
