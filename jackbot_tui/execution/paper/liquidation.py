"""Liquidation at the paper venue: what happens to a position whose margin does not suffice any more.

The executor asks after every mark, fill and funding; the answer is complete in that moment, so no position outlives the
mark that crosses its liquidation price. As at Binance (liquidation protocol): the orders that share its margin are
canceled, one order closes the position against the displayed book down to the bankruptcy price, and the insurance fund
takes the rest at that price. So an isolated position never loses more than it posted, and a cross account never more
than it has. The rest goes to the fund whole where the book is not LIVE: nothing else could be priced honestly.

Positions are closed whole: the venues' stepwise reduction of large ones, and auto-deleveraging (ADL), are not modelled.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.execution.base import ExecutorEvent, VenueOrder
from jackbot_tui.execution.paper.account import PaperAccount
from jackbot_tui.execution.paper.matching import Matching, PaperIds
from jackbot_tui.model.enums import OrderType, Side, TimeInForce
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.numbers import round_down, round_up, text_of
from jackbot_tui.model.orders import Order, OrderCanceled

OWNER = "venue"
"""Owner and source of orders that nobody here asked for."""

TAG = "liquidation"


class Liquidator:
    """See the module's paragraph. ``matching`` gives the matching of an instrument by key."""

    def __init__(
        self,
        account: PaperAccount,
        markets: Mapping[str, InstrumentMarket],
        matching: Callable[[str], Matching],
        ids: PaperIds,
    ) -> None:
        self._account = account
        self._markets = markets
        self._matching = matching
        self._ids = ids
        self._safe_at: dict[str, Decimal | None] = {}  # prices by key at which nothing was in danger

    def check(self, now: int) -> list[ExecutorEvent]:
        """Liquidate what has to be, one position at a time: each may save, or doom, the others."""
        events: list[ExecutorEvent] = []
        self._safe_at = {}
        while doomed := self._account.endangered(now):
            events += self._liquidate(doomed[0], now)
        return events

    def check_without_mark(self, market: InstrumentMarket, now: int) -> list[ExecutorEvent]:
        """A trade in a market without a fresh mark: the market itself is all there is to value its position.

        Nothing is computed while it is flat, nor at the very prices of the last check: fills, marks and funding have
        checks of their own.
        """
        if not self._account.portfolio.position(market.key).quantity:
            return []
        prices = {key: self._markets[key].value_price(now) for key in self._account.held()}
        if prices == self._safe_at:
            return []
        events = self.check(now)
        if not events:
            self._safe_at = prices
        return events

    def _liquidate(self, key: str, now: int) -> list[ExecutorEvent]:
        account, instrument = self._account, self._markets[key].instrument
        view = account.margin(key, now)
        held = account.portfolio.position(key).quantity
        bankrupt = account.bankruptcy(key, now)
        side = Side.SELL if held > 0 else Side.BUY
        events = self._cancel_orders(instrument, now)
        order = Order(
            number=0,
            client_id=self._ids.next("q"),
            key=key,
            side=side,
            quantity=abs(held),
            type=OrderType.MARKET,
            price=None,
            tif=TimeInForce.IOC,
            post_only=False,
            reduce_only=True,
            owner=OWNER,
            source=OWNER,
            parent_id="",
            tag=TAG,
            created_ns=now,
            updated_ns=now,
        )
        limit = _towards_holder(bankrupt, side, instrument.tick)
        mark = self._markets[key].value_price(now)
        at = "unknown" if mark is None else f"{mark:.{instrument.price_places}f}"
        reason = (
            f"LIQUIDATION {instrument.symbol} {'long' if held > 0 else 'short'} {text_of(abs(held))}"
            f" {view.setting.mode.value} at mark {at}: margin {view.behind:.2f} of {view.kept:.2f} {instrument.settle}"
            f" to keep; the insurance fund takes what the book does not, at {text_of(limit)}"
        )
        events.append(VenueOrder(order.client_id, now, order, reason))
        account.bankrupt_at[order.client_id] = bankrupt
        events += self._matching(key).force(order, limit, now)
        del account.bankrupt_at[order.client_id]
        return events

    def _cancel_orders(self, instrument: Instrument, now: int) -> list[ExecutorEvent]:
        """Cancel the working orders that share the margin: the instrument's own, or all of the cross account's."""
        events: list[ExecutorEvent] = []
        for resting in list(self._account.working.values()):
            key = resting.order.key
            if key != instrument.key and not self._share_margin(instrument, self._markets[key].instrument):
                continue
            for event in self._matching(key).cancel(resting.order.client_id, now):
                if isinstance(event, OrderCanceled):
                    events.append(replace(event, reason=f"canceled by the venue: liquidation of {instrument.symbol}"))
        return events

    def _share_margin(self, one: Instrument, other: Instrument) -> bool:
        return (
            other.is_perpetual
            and other.settle == one.settle
            and all(self._account.setting(each.key).mode is MarginMode.CROSS for each in (one, other))
        )


def _towards_holder(bankrupt: Decimal, side: Side, tick: Decimal) -> Decimal:
    """The bankruptcy price as a price of the book, rounded so that no more than the margin is lost."""
    return max(tick, round_up(bankrupt, tick)) if side is Side.SELL else max(tick, round_down(bankrupt, tick))
