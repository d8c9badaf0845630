"""The pre-trade risk gate: one question before every order and amend, answered with a refusal or nothing.

The engine asks it; screens may ask as often as they like, since asking changes nothing. Only ``on_submitted``,
``on_amended``, ``kill`` and ``reset`` change the gate. It computes exposures when asked and does nothing per book
event. Checks run from the fundamental to the particular and the first refusal is the answer.

The way out stays open: an order that can only reduce a position passes the kill switch, the day's loss, our caps on
size, the order rate and the duplicate guard; as a market order it passes the checks of the book too. Orders that are
working already count: what they take off a spot position cannot be taken off twice. Cancels never come here.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO, decimal_of, round_down, text_of
from jackbot_tui.model.orders import Order, OrderRequest, Position
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.risk.reach import collar_bound, far_bound, mark_bound
from jackbot_tui.risk.refusal import Refusal, RefusalCode
from jackbot_tui.risk.triggers import check_trigger
from jackbot_tui.risk.venue_filters import (
    check_notional,
    check_price,
    check_quantity,
    check_shape,
    money,
    priced,
)

MarkOf = Callable[[str], Decimal | None]
LimitUse = tuple[str, str, str, float]
"""``(name, used, limit, fraction)`` of one limit, texts for people."""

RECENT_REQUESTS = 256
"""Manual orders remembered for the duplicate guard; at any sane order rate this is longer than its window."""

FLATTEN_TAG = "flatten"
CLOSING_TAGS = frozenset({FLATTEN_TAG, "close"})
"""Orders so tagged shall only close; on spot, which has no reduce-only, the gate sees to it."""

_HUNDRED = Decimal(100)


class RiskGate:
    """See the module's paragraph. ``limits`` are fixed for the life of the gate."""

    def __init__(self, limits: RiskLimits) -> None:
        self.limits = limits
        self.killed = False
        self._sent: deque[int] = deque(maxlen=max(1, limits.max_orders_per_s))
        self._recent: deque[tuple[int, OrderRequest]] = deque(maxlen=RECENT_REQUESTS)

    # ------------------------------------------------------------------ what changes the gate

    def kill(self) -> None:
        """Lock new risk until ``reset``."""
        self.killed = True

    def reset(self) -> None:
        self.killed = False

    def on_submitted(self, request: OrderRequest, now: int) -> None:
        """``request`` passed and is on its way: it counts for the order rate and the duplicate guard."""
        self._sent.append(now)
        if request.owner == "manual":
            self._recent.append((now, request))

    def on_amended(self, now: int) -> None:
        """An amend is on its way: it counts for the order rate."""
        self._sent.append(now)

    # ------------------------------------------------------------------ questions

    def check(
        self,
        request: OrderRequest,
        *,
        market: InstrumentMarket,
        position: Position,
        open_orders: Sequence[Order],
        day_pnl: Decimal,
        now: int,
        confirmed: bool = False,
    ) -> Refusal | None:
        """Why ``request`` may not be sent at ``now``, None when it may.

        ``position`` is the instrument's, ``open_orders`` are those of all instruments, each as large as it may become
        by an amend under way; ``day_pnl`` is the result since UTC midnight in dollars. ``confirmed``: a person has
        confirmed this very order.
        """
        instrument = market.instrument
        refusal = check_shape(request, instrument)
        if refusal is not None:
            return refusal
        reducing = self._reduces(request, market, position, open_orders)
        if not reducing and (request.reduce_only or request.tag in CLOSING_TAGS):
            refusal = self._nothing_to_reduce(request, market, position, open_orders)
            if refusal is not None:
                return refusal
        if self.killed and not reducing:
            return Refusal(RefusalCode.KILLED, "the kill switch is engaged: type 'kill reset' to trade again")
        refusal = check_quantity(request, instrument)
        if refusal is not None:
            return refusal
        if request.trigger_price is not None:
            refusal = None if reducing else self._check_book(market, now)
            refusal = refusal or check_trigger(request, market, self.limits, now)
            if refusal is not None:
                return refusal
        elif not (reducing and request.type is OrderType.MARKET):
            refusal = self._check_priced(request, market, now)
            if refusal is not None:
                return refusal
        price = self._valued_at(request, market, now)
        if price is not None:
            refusal = check_notional(request, instrument, price)
            if refusal is not None:
                return refusal
        if reducing:
            return self._check_count(request, market, open_orders)
        return (
            (None if price is None else self._check_size(request, market, price, position, open_orders, now))
            or self._check_count(request, market, open_orders)
            or self._check_day(day_pnl)
            or self._check_rate(now)
            or self._check_duplicate(request, now, confirmed)
        )

    def check_amend(
        self,
        order: Order,
        price: Decimal,
        quantity: Decimal,
        *,
        market: InstrumentMarket,
        position: Position,
        open_orders: Sequence[Order],
        day_pnl: Decimal,
        now: int,
    ) -> Refusal | None:
        """Why ``order`` may not get this price and total quantity, None when it may; the rest is as in ``check``."""
        request = OrderRequest(
            key=order.key,
            side=order.side,
            quantity=quantity,
            price=price,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
            owner=order.owner,
            source=order.source,
        )
        refusal = check_shape(request, market.instrument)
        if refusal is not None:
            return refusal
        smaller = price == order.price and quantity <= order.quantity
        rest = replace(request, quantity=max(market.instrument.lot, quantity - order.filled))
        others = [each for each in open_orders if each.client_id != order.client_id]
        reducing = order.reduce_only or self._reduces(rest, market, position, others)
        if self.killed and not (smaller or reducing):
            return Refusal(RefusalCode.KILLED, "the kill switch is engaged: only cancel, or type 'kill reset'")
        refusal = check_quantity(request, market.instrument) or check_notional(request, market.instrument, price)
        if refusal is not None or smaller:
            return refusal
        refusal = self._check_priced(rest, market, now)
        if refusal is not None or reducing:
            return refusal
        return (
            self._check_size(rest, market, price, position, others, now)
            or self._check_day(day_pnl)
            or self._check_rate(now)
        )

    def limits_view(
        self,
        *,
        positions: Iterable[Position],
        open_orders: Sequence[Order],
        mark_of: MarkOf,
        day_pnl: Decimal,
        now: int,
    ) -> list[LimitUse]:
        """Every limit that is switched on, with what is used of it; the position figure is the largest of all."""
        limits = self.limits
        uses: list[LimitUse] = []
        if limits.max_position_notional:
            largest = max((self._worst(each, open_orders, mark_of) for each in positions), default=ZERO)
            uses.append(_use("position value", largest, limits.max_position_notional))
        if limits.max_open_orders:
            uses.append(_use("open orders", Decimal(len(open_orders)), Decimal(limits.max_open_orders)))
        if limits.max_orders_per_s:
            recent = sum(1 for sent in self._sent if now - sent < NS_PER_S)
            uses.append(_use("orders per second", Decimal(recent), Decimal(limits.max_orders_per_s)))
        if limits.max_day_loss:
            uses.append(_use("day loss", max(ZERO, -day_pnl), limits.max_day_loss))
        return uses

    # ------------------------------------------------------------------ reducing

    def _reduces(
        self, request: OrderRequest, market: InstrumentMarket, position: Position, open_orders: Sequence[Order]
    ) -> bool:
        """Whether the order can do nothing but shrink the position."""
        if market.instrument.is_perpetual:
            return request.reduce_only and -position.quantity * request.side.sign > ZERO
        return request.quantity <= self._reducible(request, position, open_orders)

    def _reducible(self, request: OrderRequest, position: Position, open_orders: Sequence[Order]) -> Decimal:
        """How much of a spot position no working order of the request's side will take off; a short one is bought back.

        For a flatten, orders whose cancel is under way do not count: it does not wait for the answers, and makes good
        what fills meanwhile.
        """
        if request.tag == FLATTEN_TAG:
            open_orders = [order for order in open_orders if order.status is not OrderStatus.PENDING_CANCEL]
        working = self._working(request.key, request.side, open_orders)
        return max(ZERO, -position.quantity * request.side.sign - working)

    def _nothing_to_reduce(
        self, request: OrderRequest, market: InstrumentMarket, position: Position, open_orders: Sequence[Order]
    ) -> Refusal | None:
        """Why an order that should only reduce would do more; None when the venue holds it to reducing."""
        held, side = text_of(position.quantity), request.side.value
        if request.reduce_only:
            message = f"reduce-only {side} with a position of {held}: there is nothing to reduce"
            return Refusal(RefusalCode.REDUCE_ONLY, message, held, "0")
        if market.instrument.is_perpetual:
            return None
        figure, near = text_of(request.quantity), text_of(self._reducible(request, position, open_orders))
        message = (
            f"{side} {figure} to close, but of the position {held} only {near} is left by the working {side} orders:"
            " cancel them, or wait for their fills"
        )
        return Refusal(RefusalCode.REDUCE_ONLY, message, figure, near, near)

    # ------------------------------------------------------------------ book and price

    def _check_priced(self, request: OrderRequest, market: InstrumentMarket, now: int) -> Refusal | None:
        """Everything about the order's price: the book that prices it, the venue's rules, our own reach."""
        return (
            self._check_book(market, now)
            or check_price(request, market, now)
            or self._check_reach(request, market, now)
        )

    def _check_book(self, market: InstrumentMarket, now: int) -> Refusal | None:
        symbol = market.instrument.symbol
        if not market.live:
            state = market.state.value.upper()
            message = f"the book of {symbol} is {state}: only cancel, flatten and kill work until it is LIVE"
            return Refusal(RefusalCode.BOOK_NOT_LIVE, message, market.state.value, "live")
        limit = self.limits.max_book_age_ms
        age_ms = (now - market.last_book_ns) // NS_PER_MS
        if limit and age_ms > limit:
            age = f"{age_ms / 1000:.1f}"
            message = f"the book of {symbol} is {age} s old: only cancel, flatten and kill work"
            return Refusal(RefusalCode.BOOK_OLD, message, f"{age} s", f"{limit / 1000:.1f} s")
        return None

    def _check_reach(self, request: OrderRequest, market: InstrumentMarket, now: int) -> Refusal | None:
        """Collar on the aggressive side (touch and mark), bound on the passive side."""
        if request.price is None:
            return self._check_market_reach(request, market)
        return (
            self._check_limit_reach(request.side, request.price, market)
            or self._check_mark(request.side, request.price, market, now)
            or self._check_far(request.side, request.price, market)
        )

    def _check_limit_reach(self, side: Side, price: Decimal, market: InstrumentMarket) -> Refusal | None:
        bounds = collar_bound(side, market, self.limits)
        if bounds is None or (price - bounds[1]) * side.sign <= ZERO:
            return None
        instrument = market.instrument
        figure, limit, touch = (priced(each, instrument) for each in (price, bounds[1], bounds[0]))
        message = f"price {figure} is {_beyond(price, bounds[0])} through the touch {touch}: try {limit}"
        return Refusal(RefusalCode.COLLAR, message, figure, limit, limit)

    def _check_market_reach(self, request: OrderRequest, market: InstrumentMarket) -> Refusal | None:
        """A market order must be able to fill from the displayed book within the collar."""
        bounds = collar_bound(request.side, market, self.limits)
        instrument = market.instrument
        fits = ZERO
        for price, size in market.book.iter_from_best(request.side.opposite):
            if bounds is not None and (decimal_of(price) - bounds[1]) * request.side.sign > ZERO:
                break
            fits += decimal_of(size)
            if fits >= request.quantity:
                return None
        figure, near = text_of(request.quantity), text_of(round_down(fits, instrument.lot))
        within = "on display" if bounds is None else f"up to {priced(bounds[1], instrument)}"
        message = f"a market order for {figure} finds only {near} {within}: send at most {near}, or a limit order"
        return Refusal(RefusalCode.COLLAR, message, figure, near, near)

    def _check_mark(self, side: Side, price: Decimal, market: InstrumentMarket, now: int) -> Refusal | None:
        bounds, instrument = mark_bound(side, market, self.limits, now), market.instrument
        if bounds is None or (price - bounds[1]) * side.sign <= ZERO:
            return None
        mark, bound = bounds
        figure, limit = priced(price, instrument), priced(bound, instrument)
        message = f"price {figure} is {_beyond(price, mark)} beyond the mark {priced(mark, instrument)}: try {limit}"
        return Refusal(RefusalCode.MARK_COLLAR, message, figure, limit, limit)

    def _check_far(self, side: Side, price: Decimal, market: InstrumentMarket) -> Refusal | None:
        bounds, instrument = far_bound(side, market, self.limits), market.instrument
        if bounds is None or (price - bounds[1]) * side.sign >= ZERO:
            return None
        touch, bound = bounds
        figure, limit = priced(price, instrument), priced(bound, instrument)
        message = f"price {figure} is {_beyond(price, touch)} behind the touch {priced(touch, instrument)}: try {limit}"
        return Refusal(RefusalCode.FAR, message, figure, limit, limit)

    @staticmethod
    def _valued_at(request: OrderRequest, market: InstrumentMarket, now: int) -> Decimal | None:
        """Price at which it is valued: its own, its trigger, the opposite touch, else what the market is worth."""
        if request.price is not None:
            return request.price
        if request.trigger_price is not None:
            return request.trigger_price
        best = market.book.best_ask() if request.side is Side.BUY else market.book.best_bid()
        return decimal_of(best[0]) if best is not None else market.value_price(now)

    # ------------------------------------------------------------------ our own caps

    def _check_size(
        self,
        request: OrderRequest,
        market: InstrumentMarket,
        price: Decimal,
        position: Position,
        open_orders: Sequence[Order],
        now: int,
    ) -> Refusal | None:
        """Our caps on one order and on the position it leads to.

        The position counts at what the market holds it worth where that is more than the order's own price: many
        cheap resting orders must not add up to more than the cap.
        """
        limits, lot, quote = self.limits, market.instrument.lot, market.instrument.quote
        quantity = request.quantity
        if limits.max_order_qty and quantity > limits.max_order_qty:
            figure, limit = text_of(quantity), text_of(limits.max_order_qty)
            near = text_of(round_down(limits.max_order_qty, lot))
            message = f"quantity {figure} is above max_order_qty {limit}: try {near}"
            return Refusal(RefusalCode.ORDER_QTY, message, figure, limit, near)
        value = quantity * price
        if limits.max_order_notional and value > limits.max_order_notional:
            figure, limit = money(value), text_of(limits.max_order_notional)
            near = text_of(round_down(limits.max_order_notional / price, lot))
            message = f"value {figure} {quote} is above max_order_notional {limit}: try quantity {near}"
            return Refusal(RefusalCode.ORDER_NOTIONAL, message, figure, limit, near)
        if not limits.max_position_notional:
            return None
        signed = position.quantity * request.side.sign + self._working(request.key, request.side, open_orders)
        value_price = max(price, market.value_price(now) or price)
        worst = (signed + quantity) * value_price
        if worst <= limits.max_position_notional:
            return None
        figure, limit = money(worst), text_of(limits.max_position_notional)
        near = text_of(max(ZERO, round_down(limits.max_position_notional / value_price - signed, lot)))
        message = (
            f"the position would be worth {figure} {quote} with its working orders, above max_position_notional"
            f" {limit}: try quantity {near}"
        )
        return Refusal(RefusalCode.POSITION, message, figure, limit, near)

    @staticmethod
    def _working(key: str, side: Side, open_orders: Iterable[Order]) -> Decimal:
        """What the working orders of one side would still add to the position."""
        return sum(
            (o.remaining for o in open_orders if o.key == key and o.side is side and not o.reduce_only), start=ZERO
        )

    def _worst(self, position: Position, open_orders: Sequence[Order], mark_of: MarkOf) -> Decimal:
        """Value of the position if all buys, or all sells, filled; whichever is more."""
        mark = mark_of(position.key)
        if mark is None:
            mark = position.average_entry
        long = position.quantity + self._working(position.key, Side.BUY, open_orders)
        short = self._working(position.key, Side.SELL, open_orders) - position.quantity
        return max(long, short) * mark

    def _check_count(
        self, request: OrderRequest, market: InstrumentMarket, open_orders: Sequence[Order]
    ) -> Refusal | None:
        """Resting orders; one whose cancel is under way does not count, one that cannot rest is not counted against."""
        at_once = request.type is OrderType.MARKET or request.tif is not TimeInForce.GTC
        if at_once and request.trigger_price is None:
            return None
        resting = [order for order in open_orders if order.status is not OrderStatus.PENDING_CANCEL]
        ours, venues = self.limits.max_open_orders, market.instrument.max_orders
        here = sum(1 for order in resting if order.key == request.key)
        if ours and len(resting) >= ours:
            message = f"{len(resting)} orders rest already, max_open_orders is {ours}: cancel one first"
            return Refusal(RefusalCode.OPEN_ORDERS, message, str(len(resting)), str(ours))
        if venues and here >= venues:
            message = f"{here} orders rest in {market.instrument.symbol}, the venue allows {venues}: cancel one first"
            return Refusal(RefusalCode.OPEN_ORDERS, message, str(here), str(venues))
        return None

    def _check_day(self, day_pnl: Decimal) -> Refusal | None:
        limit = self.limits.max_day_loss
        if not limit or -day_pnl < limit:
            return None
        figure = money(-day_pnl)
        message = f"the day's loss {figure} has reached max_day_loss {text_of(limit)}: only reducing orders pass"
        return Refusal(RefusalCode.DAY_LOSS, message, figure, text_of(limit))

    def _check_rate(self, now: int) -> Refusal | None:
        limit = self.limits.max_orders_per_s
        if not limit or len(self._sent) < limit or now - self._sent[0] >= NS_PER_S:
            return None
        wait_ms = (NS_PER_S - (now - self._sent[0])) // NS_PER_MS + 1
        message = f"{limit} orders were sent within the last second: wait {wait_ms} ms (cancels are exempt)"
        return Refusal(RefusalCode.RATE, message, str(limit + 1), str(limit), f"{wait_ms} ms")

    def _check_duplicate(self, request: OrderRequest, now: int, confirmed: bool) -> Refusal | None:
        if request.owner != "manual":
            return None
        limits = self.limits
        window = max(limits.duplicate_refuse_ms, limits.duplicate_confirm_ms) * NS_PER_MS
        for sent, earlier in reversed(self._recent):
            age_ms = (now - sent) // NS_PER_MS
            if now - sent >= window:
                return None
            if not _same(earlier, request):
                continue
            ago = f"{age_ms / 1000:.1f} s"
            if age_ms < limits.duplicate_refuse_ms:
                limit = f"{limits.duplicate_refuse_ms / 1000:.1f} s"
                message = f"the same order was sent {ago} ago: taken for a double press, wait {limit}"
                return Refusal(RefusalCode.DUPLICATE, message, ago, limit)
            if not confirmed and age_ms < limits.duplicate_confirm_ms:
                limit = f"{limits.duplicate_confirm_ms / 1000:.1f} s"
                message = f"the same order was sent {ago} ago: confirm to send it again"
                return Refusal(RefusalCode.DUPLICATE_RECENT, message, ago, limit)
        return None


def _same(earlier: OrderRequest, request: OrderRequest) -> bool:
    """Whether two requests ask for the same thing, whatever face they came through.

    The price of a market order bounded by ticks moved with the touch: it does not make another order of it.
    """
    if earlier.key != request.key or earlier.side is not request.side or earlier.quantity != request.quantity:
        return False
    price = request.price if request.limit_slip_ticks else earlier.price
    return replace(earlier, source=request.source, tag=request.tag, price=price) == request


def _beyond(price: Decimal, reference: Decimal) -> str:
    return f"{abs(price - reference) / reference * _HUNDRED:.2f}%"


def _use(name: str, used: Decimal, limit: Decimal) -> LimitUse:
    return name, money(used) if used % 1 else text_of(used), text_of(limit), float(used / limit)
