"""One market's price-time priority matching engine, order by order, in integer ticks and lots (exact by construction).

Fed by ``sim.flow`` and, through gateways, by clients; watched through ``BookListener``. It knows nothing of symbols,
text, sockets or the clock: ``now`` (nanoseconds) comes in with each call and goes out with each trade. Venue filters
(tick, notional, price band) are a gateway's business: here a price is any positive integer.

Rules: better price first, then earlier arrival. An amend that only takes quantity away keeps its place, any other goes
to the back. Self-trade prevention uses Binance's modes. Account 0 is the anonymous crowd: prevention does not apply to
it and it has no position. A reduce-only order is clipped to the position when it enters and trimmed whenever the
position no longer carries it, so that no fill of such an order ever opens or turns a position.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

from jackbot_tui.model.enums import OrderStatus, Side, TimeInForce
from jackbot_tui.sim.orders import CROWD, BookListener, BookOrder, Execution, Reason, SelfTrade, UpdateIds


class _Level:
    __slots__ = ("orders", "price", "total")

    def __init__(self, price: int) -> None:
        self.price = price
        self.total = 0
        self.orders: dict[int, BookOrder] = {}


class _Half:
    """One side. ``keys`` ascends to the best price: the price itself for bids, its negative for asks."""

    __slots__ = ("keys", "levels", "order_count", "sign")

    def __init__(self, side: Side) -> None:
        self.sign = side.sign
        self.keys: list[int] = []
        self.levels: dict[int, _Level] = {}
        self.order_count = 0

    def add(self, order: BookOrder) -> _Level:
        level = self.levels.get(order.price)
        if level is None:
            level = self.levels[order.price] = _Level(order.price)
            insort(self.keys, order.price * self.sign)
        level.orders[order.order_id] = order
        level.total += order.remaining
        self.order_count += 1
        return level

    def discard(self, level: _Level, order: BookOrder) -> None:
        del level.orders[order.order_id]
        level.total -= order.remaining
        self.order_count -= 1

    def drop_if_empty(self, level: _Level) -> None:
        if level.orders:
            return
        del self.levels[level.price]
        key = level.price * self.sign
        if self.keys[-1] == key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, key)]


class MatchingEngine:
    """The book of one market and the only way to change it."""

    def __init__(
        self, update_ids: UpdateIds | None = None, *, first_order_id: int = 1, first_trade_id: int = 1
    ) -> None:
        self._ids = update_ids or UpdateIds()
        self._bids = _Half(Side.BUY)
        self._asks = _Half(Side.SELL)
        self._orders: dict[int, BookOrder] = {}
        self._reduce_only: dict[int, dict[int, BookOrder]] = {}
        self._next_order_id = first_order_id
        self._next_trade_id = first_trade_id
        self._listeners: list[BookListener] = []
        self.last_update_id = self._ids.last
        self.last_price = 0  # ticks, 0 before the first trade
        self.positions: dict[int, int] = {}  # account -> signed lots, without the crowd

    def listen(self, listener: BookListener) -> None:
        self._listeners.append(listener)

    # --- what is in the book -------------------------------------------------------------------------------------

    @property
    def best_bid(self) -> int | None:
        """Highest bid in ticks."""
        return self._bids.keys[-1] if self._bids.keys else None

    @property
    def best_ask(self) -> int | None:
        """Lowest ask in ticks."""
        return -self._asks.keys[-1] if self._asks.keys else None

    @property
    def order_count(self) -> int:
        return len(self._orders)

    def level_count(self, side: Side) -> int:
        return len(self._half(side).keys)

    def orders_on(self, side: Side) -> int:
        """Number of resting orders of one side."""
        return self._half(side).order_count

    def price_at(self, side: Side, rank: int) -> int:
        """Price of the ``rank``-th best level (0 = best; -1 = the worst)."""
        half = self._half(side)
        return half.keys[-1 - rank] * half.sign

    def size_at(self, side: Side, price: int) -> int:
        level = self._half(side).levels.get(price)
        return level.total if level else 0

    def depth(self, side: Side, limit: int = 0) -> list[tuple[int, int]]:
        """``(price, quantity)`` from the best on; ``limit`` levels, all of them when 0."""
        half = self._half(side)
        keys = half.keys[-limit:] if limit else half.keys
        return [(key * half.sign, half.levels[key * half.sign].total) for key in reversed(keys)]

    def queue_at(self, side: Side, price: int) -> list[BookOrder]:
        """Resting orders at ``price``, first in line first."""
        level = self._half(side).levels.get(price)
        return list(level.orders.values()) if level else []

    def queue_length(self, side: Side, price: int) -> int:
        """Number of orders resting at ``price``."""
        level = self._half(side).levels.get(price)
        return len(level.orders) if level else 0

    def newest_at(self, side: Side, price: int) -> BookOrder:
        """Last in line at an occupied ``price``; KeyError where nothing rests."""
        orders = self._half(side).levels[price].orders
        return orders[next(reversed(orders))]

    def oldest_at(self, side: Side, price: int) -> BookOrder:
        """First in line at an occupied ``price``; KeyError where nothing rests."""
        orders = self._half(side).levels[price].orders
        return orders[next(iter(orders))]

    def order(self, order_id: int) -> BookOrder | None:
        """The resting order with this id."""
        return self._orders.get(order_id)

    def position_of(self, account: int) -> int:
        """Signed lots."""
        return self.positions.get(account, 0)

    def open_orders(self, account: int) -> Iterator[BookOrder]:
        return (order for order in self._orders.values() if order.account == account)

    # --- orders --------------------------------------------------------------------------------------------------

    def take_order_id(self) -> int:
        """The next order id, for who must know it before the order enters."""
        self._next_order_id += 1
        return self._next_order_id - 1

    def submit(
        self,
        side: Side,
        quantity: int,
        price: int | None = None,
        *,
        now: int,
        tif: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        self_trade: SelfTrade = SelfTrade.NONE,
        account: int = CROWD,
        client_id: str = "",
        order_id: int = 0,
    ) -> BookOrder:
        """Match an order and rest what may rest. ``price`` None is a market order, which never rests. ``order_id`` is
        one that ``take_order_id`` gave, 0 for the next.

        The order returned tells its fate: NEW or PARTIALLY_FILLED while it rests, FILLED, EXPIRED with the reason of
        its remainder, or REJECTED with nothing done.
        """
        order = BookOrder(
            order_id or self.take_order_id(), account, client_id, side, price or 0, quantity, quantity,
            tif, post_only, reduce_only, self_trade, now,
        )  # fmt: skip
        refusal = self._refusal(order, is_market=price is None)
        if refusal is not Reason.NONE:
            return self._end(order, OrderStatus.REJECTED, refusal, now)
        if tif is TimeInForce.FOK and self._available_to(order) < order.quantity:
            return self._end(order, OrderStatus.EXPIRED, Reason.FOK, now)
        self._match_and_rest(order, now, is_market=price is None)
        return order

    def cancel(self, order_id: int, *, now: int, reason: Reason = Reason.CANCELED) -> BookOrder | None:
        """Take a resting order out; None when no such order rests."""
        order = self._orders.get(order_id)
        if order is None:
            return None
        self._remove(order)
        return self._end(order, OrderStatus.CANCELED, reason, now)

    def amend(
        self, order_id: int, *, now: int, price: int | None = None, quantity: int | None = None
    ) -> BookOrder | None:
        """Change price and total quantity of a resting order; None when no such order rests.

        Less quantity at the same price keeps the place in line. Anything else leaves the line and enters again: it may
        take (a post-only order that would is canceled instead). A quantity not above what is filled ends the order.
        Out-of-range values change nothing, the order comes back as it was.
        """
        order = self._orders.get(order_id)
        if order is None:
            return None
        new_price = order.price if price is None else price
        new_quantity = order.quantity if quantity is None else quantity
        if new_price <= 0 or new_quantity <= 0:
            return order
        remaining = new_quantity - order.filled
        if remaining <= 0:
            self._remove(order)
            return self._end(order, OrderStatus.CANCELED, Reason.AMENDED_AWAY, now)
        if new_price == order.price and remaining <= order.remaining:
            if remaining < order.remaining:
                self._shrink(order, order.remaining - remaining)
                self._tell(order, now)
            return order
        self._remove(order)
        if order.reduce_only:
            remaining = min(remaining, max(0, self._reducible(order.account, order.side)))
        order.price, order.quantity, order.remaining = new_price, order.filled + remaining, remaining
        if order.post_only and self._crosses(order):
            return self._end(order, OrderStatus.CANCELED, Reason.POST_ONLY, now)
        self._match_and_rest(order, now, is_market=False)
        return order

    # --- inside --------------------------------------------------------------------------------------------------

    def _half(self, side: Side) -> _Half:
        return self._bids if side is Side.BUY else self._asks

    def _facing(self, side: Side) -> _Half:
        return self._asks if side is Side.BUY else self._bids

    def _refusal(self, order: BookOrder, *, is_market: bool) -> Reason:
        if order.quantity <= 0:
            return Reason.BAD_QUANTITY
        if not is_market and order.price <= 0:
            return Reason.BAD_PRICE
        if order.reduce_only:
            room = self._reducible(order.account, order.side)
            if room <= 0:
                return Reason.REDUCE_ONLY
            order.quantity = order.remaining = min(order.quantity, room)
        if order.post_only and (is_market or self._crosses(order)):
            return Reason.POST_ONLY
        return Reason.NONE

    def _reducible(self, account: int, side: Side) -> int:
        return -side.sign * self.positions.get(account, 0)

    def _crosses(self, order: BookOrder) -> bool:
        keys = self._facing(order.side).keys
        return bool(keys) and keys[-1] >= -order.side.sign * order.price

    def _limit_key(self, order: BookOrder) -> int | None:
        """Lowest key of the facing half that the order may still take; None for a market order."""
        return -order.side.sign * order.price if order.price else None

    def _available_to(self, order: BookOrder) -> int:
        """Lots a fill-or-kill order would get, up to its quantity: the rules of ``_take_level``, nothing changed."""
        facing = self._facing(order.side)
        limit = self._limit_key(order)
        positions = dict(self.positions)
        found = 0
        for key in reversed(facing.keys):
            if limit is not None and key < limit:
                break
            for maker in facing.levels[key * facing.sign].orders.values():
                if self._is_self_trade(order, maker):
                    if order.self_trade is SelfTrade.EXPIRE_MAKER:
                        continue
                    return found
                take = min(maker.remaining, order.quantity - found)
                if maker.reduce_only:
                    take = max(0, min(take, -maker.side.sign * positions.get(maker.account, 0)))
                positions[maker.account] = positions.get(maker.account, 0) + maker.side.sign * take
                positions[order.account] = positions.get(order.account, 0) + order.side.sign * take
                found += take
                if found == order.quantity:
                    return found
        return found

    @staticmethod
    def _is_self_trade(taker: BookOrder, maker: BookOrder) -> bool:
        return maker.account == taker.account != CROWD and taker.self_trade is not SelfTrade.NONE

    def _match_and_rest(self, order: BookOrder, now: int, *, is_market: bool) -> None:
        facing = self._facing(order.side)
        limit = self._limit_key(order)
        if order.account != CROWD:
            self._tell(order, now)
        while order.remaining and order.reason is Reason.NONE and facing.keys:
            key = facing.keys[-1]
            if limit is not None and key < limit:
                break
            self._take_level(facing, facing.levels[key * facing.sign], order, now)
        if order.remaining == 0:
            self._settle(order)
        elif order.reason is not Reason.NONE:
            self._end(order, OrderStatus.EXPIRED, order.reason, now)
        elif is_market:
            self._end(order, OrderStatus.EXPIRED, Reason.NO_LIQUIDITY, now)
        elif order.tif is not TimeInForce.GTC:
            self._end(order, OrderStatus.EXPIRED, Reason.IOC, now)
        else:
            self._rest(order)
        if self._reduce_only:
            self._trim_reduce_only(now)

    def _take_level(self, facing: _Half, level: _Level, taker: BookOrder, now: int) -> None:
        """Match ``taker`` along one price, first in line first."""
        before = level.total
        while taker.remaining and level.orders:
            maker = level.orders[next(iter(level.orders))]
            if self._is_self_trade(taker, maker):
                if taker.self_trade is not SelfTrade.EXPIRE_TAKER:
                    facing.discard(level, maker)
                    self._settle(maker)
                    self._end(maker, OrderStatus.EXPIRED, Reason.SELF_TRADE, now)
                if taker.self_trade is not SelfTrade.EXPIRE_MAKER:
                    taker.reason = Reason.SELF_TRADE
                    break
                continue
            if maker.reduce_only and not self._clip(facing, level, maker, now):
                continue
            self._execute(facing, level, maker, taker, now)
        if level.total != before:
            self._publish_level(facing, level)

    def _clip(self, facing: _Half, level: _Level, maker: BookOrder, now: int) -> bool:
        """Cut a resting reduce-only order to the position it may still close; False when nothing is left of it."""
        room = max(0, self._reducible(maker.account, maker.side))
        if room == 0:
            facing.discard(level, maker)
            self._settle(maker)
            self._end(maker, OrderStatus.EXPIRED, Reason.REDUCE_ONLY, now)
            return False
        if room < maker.remaining:
            cut = maker.remaining - room
            maker.quantity -= cut
            maker.remaining -= cut
            level.total -= cut
            self._tell(maker, now)
        return True

    def _execute(self, facing: _Half, level: _Level, maker: BookOrder, taker: BookOrder, now: int) -> None:
        quantity = min(maker.remaining, taker.remaining)
        taker.remaining -= quantity
        maker.remaining -= quantity
        level.total -= quantity
        if maker.remaining == 0:
            del level.orders[maker.order_id]
            facing.order_count -= 1
            self._settle(maker)
        for order in (maker, taker):
            order.status = OrderStatus.PARTIALLY_FILLED if order.remaining else OrderStatus.FILLED
            if order.account != CROWD:
                self.positions[order.account] = self.positions.get(order.account, 0) + order.side.sign * quantity
        execution = Execution(
            self._next_trade_id, now, level.price, quantity, maker.side is Side.BUY,
            maker.order_id, taker.order_id, maker.account, taker.account,
        )  # fmt: skip
        self._next_trade_id += 1
        self.last_price = level.price
        for listener in self._listeners:
            listener.on_execution(execution)
        self._tell(maker, now)
        self._tell(taker, now)

    def _rest(self, order: BookOrder) -> None:
        half = self._half(order.side)
        level = half.add(order)
        self._orders[order.order_id] = order
        if order.reduce_only:
            self._reduce_only.setdefault(order.account, {})[order.order_id] = order
        self._publish_level(half, level)

    def _remove(self, order: BookOrder) -> None:
        half = self._half(order.side)
        level = half.levels[order.price]
        half.discard(level, order)
        self._settle(order)
        self._publish_level(half, level)

    def _shrink(self, order: BookOrder, cut: int) -> None:
        half = self._half(order.side)
        level = half.levels[order.price]
        order.quantity -= cut
        order.remaining -= cut
        level.total -= cut
        self._publish_level(half, level)

    def _settle(self, order: BookOrder) -> None:
        """Forget an order that no longer rests."""
        self._orders.pop(order.order_id, None)
        if order.reduce_only:
            siblings = self._reduce_only.get(order.account)
            if siblings is not None:
                siblings.pop(order.order_id, None)
                if not siblings:
                    del self._reduce_only[order.account]

    def _trim_reduce_only(self, now: int) -> None:
        """Newest first, cut resting reduce-only orders until the position carries all that are left."""
        for account in list(self._reduce_only):
            for side in (Side.BUY, Side.SELL):
                siblings = [order for order in self._reduce_only.get(account, {}).values() if order.side is side]
                excess = sum(order.remaining for order in siblings) - max(0, self._reducible(account, side))
                for order in reversed(siblings):
                    if excess <= 0:
                        break
                    if order.remaining <= excess:
                        excess -= order.remaining
                        self._remove(order)
                        self._end(order, OrderStatus.EXPIRED, Reason.REDUCE_ONLY, now)
                    else:
                        self._shrink(order, excess)
                        excess = 0
                        self._tell(order, now)

    def _publish_level(self, half: _Half, level: _Level) -> None:
        half.drop_if_empty(level)
        self.last_update_id = update_id = self._ids.take()
        side = Side.BUY if half.sign > 0 else Side.SELL
        for listener in self._listeners:
            listener.on_level(side, level.price, level.total, update_id)

    def _end(self, order: BookOrder, status: OrderStatus, reason: Reason, now: int) -> BookOrder:
        order.status = status
        order.reason = reason
        self._tell(order, now)
        return order

    def _tell(self, order: BookOrder, now: int) -> None:
        if order.account == CROWD:
            return
        for listener in self._listeners:
            listener.on_order(order, now)
