"""The crowd: seeded order flow that keeps every book of the exchange alive, in simulated time.

Owned by ``sim.exchange``, which calls ``advance``; it acts on the engines through their public face only, and knows no
wall clock, socket or text. Same listings, seed, rate and volatility give the same actions at the same simulated
nanoseconds, however ``advance`` is sliced.

Per market, order actions arrive as a self-exciting (Hawkes) process: each action makes the next more likely for a
moment, so activity clusters. An action is a market order (power-law size, sides persist), a cancel (mostly near the
touch) or a new limit order (joining the touch, crowding near it, or far away on a power law, with bigger ones on round
prices). The crowd quotes around a centre that stays put until the fair price (``sim.prices``) has gone some way; then
stale quotes are canceled or swept and the book forms again at the new centre. That gives one-tick spreads with moves
in bursts, as in the recordings. The numbers of orders and levels are pulled to their targets, so the book neither
dries up nor grows.
"""

import heapq
import math
import random
from collections.abc import Mapping, Sequence

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.orders import CROWD
from jackbot_tui.sim.prices import GRID_NS, FairPrices

EXCITED_SHARE = 0.5  # share of ordinary actions that earlier ones provoke (the branching ratio of the Hawkes process)
CALM_DOWN_PER_S = 6.0  # rate at which excitement fades
MOVE_EXCITEMENT = 60.0  # extra actions per second at once after the centre moves, at rate 1
STALE_REACTION_S = 0.003  # mean time between actions while quotes are on the wrong side of the centre, at rate 1
SIDE_PERSISTENCE = 0.8  # chance that a market order goes the way of the one before it
SIZE_TAIL = 1.35  # Pareto exponent of market order sizes
LARGEST_TAKE = 400.0  # largest market order, as a multiple of the median
ROUND_SHARE = 0.12
FAR_SHARE = 0.05
TAIL_SHARE = 0.27
TOUCH_SHARE = 0.24
MAX_DISTANCE = 0.03  # of the price: nobody quotes farther away
MAX_LEVELS_OVER = 1.5  # the book is cut back when a side holds more than this multiple of its target orders
REBUILD_ORDERS = 6  # makers come back with so many orders at once, times the share of the book that is missing
OPENING_SHARE = 0.95  # of the target orders are there when the market opens
OPENING_TOUCH_ORDERS = 12


class MarketFlow:
    """The crowd in one market."""

    def __init__(self, listing: Listing, engine: MatchingEngine, seed: int, rate: float, volatility: float) -> None:
        character = listing.character
        self.listing = listing
        self.engine = engine
        self._random = random.Random(f"{seed}:{listing.key}:flow")
        self._rate = rate
        self._calm_rate = character.events_per_s * (1 - EXCITED_SHARE) * rate
        self._excitement = 0.0
        self._kick = EXCITED_SHARE * CALM_DOWN_PER_S
        self._tick = float(listing.instrument.tick)
        self._lots_per_quote = 1 / (float(listing.opening) * float(listing.instrument.lot))
        self._least = max(1, math.ceil(float(listing.instrument.min_notional) * 1.2 * self._lots_per_quote))
        self._target = character.resting_orders
        self._near = max(2.0, listing.opening_ticks * character.near_bp * 1e-4)
        self._move = listing.opening_ticks * character.move_bp * 1e-4 * min(1.0, max(0.25, volatility))
        self._side = Side.BUY
        self.centre = listing.opening_ticks  # highest price the crowd bids; it offers one tick above
        self._patience = self._next_patience()

    def open(self, fair: float) -> None:
        """Fill the empty book around ``fair`` (ticks) as if it had stood for a while."""
        self.centre = max(1, math.floor(fair))
        for side in (Side.BUY, Side.SELL):
            for _ in range(int(self._target * OPENING_SHARE)):
                self._quote(side, now=0)
            for order in self.engine.queue_at(side, self._touch(side))[OPENING_TOUCH_ORDERS:]:
                self.engine.cancel(order.order_id, now=0)

    def follow(self, fair: float) -> None:
        """Hear the fair price (ticks); the centre goes there once it is farther away than the crowd's patience."""
        if abs(fair - self.centre - 0.5) < self._patience:
            return
        self.centre = max(1, math.floor(fair))
        self._patience = self._next_patience()
        self._excitement += MOVE_EXCITEMENT * self._rate

    def wait_ns(self) -> int:
        """Draw the time to the next action, by thinning: the rate only falls between two actions."""
        rng = self._random
        if self._stale_side() is not None:
            return 1 + int(rng.expovariate(self._rate / STALE_REACTION_S) * 1e9)
        waited = 0.0
        bound = self._calm_rate + self._excitement
        while True:
            step = rng.expovariate(bound)
            waited += step
            self._excitement *= math.exp(-CALM_DOWN_PER_S * step)
            current = self._calm_rate + self._excitement
            if rng.random() * bound <= current:
                self._excitement += self._kick
                return 1 + int(waited * 1e9)
            bound = current

    def act(self, now: int) -> None:
        """One action of the crowd: several orders at once where much of the book is missing."""
        rng = self._random
        stale = self._stale_side()
        if stale is not None:
            self._clear_stale(stale, now)
            return
        thin = self._thin_side()
        if thin is not None and rng.random() < 0.7:
            self._quote_touch(thin, now)
            return
        if rng.random() < self.listing.character.take_share:
            self._take(now)
            return
        side = Side.BUY if rng.random() < 0.5 else Side.SELL
        missing = 1 - self.engine.orders_on(side) / self._target
        if rng.random() >= min(0.95, max(0.05, 0.5 + 1.5 * missing)):
            self._withdraw(side, now)
            return
        for _ in range(1 + max(0, int(REBUILD_ORDERS * missing))):
            self._quote(side, now)

    # --- where the crowd quotes ----------------------------------------------------------------------------------

    def _next_patience(self) -> float:
        return max(1.0, self._move * (0.4 + self._random.expovariate(1.6)))

    def _touch(self, side: Side) -> int:
        return self.centre if side is Side.BUY else self.centre + 1

    def _stale_side(self) -> Side | None:
        """Side whose best quote is beyond the other side's touch, so that the crowd wants it gone."""
        bid, ask = self.engine.best_bid, self.engine.best_ask
        if ask is not None and ask <= self.centre:
            return Side.SELL
        if bid is not None and bid > self.centre:
            return Side.BUY
        return None

    def _thin_side(self) -> Side | None:
        """Side with nobody at its touch."""
        bid, ask = self.engine.best_bid, self.engine.best_ask
        bid_missing = bid is None or bid < self.centre
        ask_missing = ask is None or ask > self.centre + 1
        if bid_missing and ask_missing:
            return Side.BUY if self._random.random() < 0.5 else Side.SELL
        return Side.BUY if bid_missing else Side.SELL if ask_missing else None

    def _size(self, quote: float) -> int:
        return max(self._least, int(quote * self._lots_per_quote * self._random.lognormvariate(0.0, 1.2)))

    def _place(self, side: Side, price: int, quantity: int, now: int) -> None:
        """Rest an order unless a stale quote of the other side is in the way."""
        if price > 0:
            self.engine.submit(side, quantity, price, now=now, post_only=True)

    def _quote_touch(self, side: Side, now: int) -> None:
        self._place(side, self._touch(side), self._size(self.listing.character.touch_quote), now)

    def _quote(self, side: Side, now: int) -> None:
        rng = self._random
        draw = rng.random()
        reach = self.centre * MAX_DISTANCE
        size = self.listing.character.order_quote
        if draw < TOUCH_SHARE:
            distance = 0.0
            size *= 3
        elif draw < 1 - TAIL_SHARE - FAR_SHARE:
            distance = 1 + rng.expovariate(1 / self._near)
        elif draw < 1 - FAR_SHARE:
            distance = self._near * 2 * rng.paretovariate(1.1)
        else:
            distance = reach * rng.random()
        away = int(min(distance, reach * (0.8 + 0.2 * rng.random())))
        price = self._touch(side) - side.sign * away
        if away > 10 and rng.random() < ROUND_SHARE:
            step = 100 if away > 200 else 10
            price = price // step * step + (0 if side is Side.BUY else step)
            size *= 3
        self._place(side, price, self._size(size), now)

    # --- what the crowd takes away -------------------------------------------------------------------------------

    def _take(self, now: int) -> None:
        """A market order of power-law size. It stops a move's length beyond the touch rather than empty the book."""
        rng = self._random
        if rng.random() > SIDE_PERSISTENCE:
            self._side = self._side.opposite
        multiple = min(LARGEST_TAKE, 0.6 * rng.paretovariate(SIZE_TAIL))
        quantity = max(self._least, int(self.listing.character.take_quote * self._lots_per_quote * multiple))
        bound = self._touch(self._side.opposite) + self._side.sign * int(self._move)
        self.engine.submit(self._side, quantity, max(1, bound), now=now, tif=TimeInForce.IOC)

    def _withdraw(self, side: Side, now: int) -> None:
        """Cancel one order: mostly near the touch and newest first, always the farthest when there are too many."""
        engine, rng = self.engine, self._random
        levels = engine.level_count(side)
        if not levels:
            return
        farthest = self._farthest(side, levels)
        if engine.orders_on(side) > self._target * MAX_LEVELS_OVER or self._beyond_reach(side, farthest):
            rank = farthest
        else:
            rank = max(self._withdrawal_rank(levels), self._withdrawal_rank(levels), key=lambda r: self._queue(side, r))
        price = engine.price_at(side, rank)
        order = engine.newest_at(side, price) if rng.random() < 0.7 else engine.oldest_at(side, price)
        if order.account != CROWD:  # a client's: nobody else may cancel it
            others = [other for other in engine.queue_at(side, price) if other.account == CROWD]
            if not others:
                return
            order = others[-1]
        engine.cancel(order.order_id, now=now)

    def _withdrawal_rank(self, levels: int) -> int:
        """Where somebody thinks of leaving: anywhere, or more often near the touch."""
        rng = self._random
        return int(rng.random() * levels) if rng.random() < 0.3 else min(levels - 1, int(rng.expovariate(1 / 25)))

    def _queue(self, side: Side, rank: int) -> int:
        return self.engine.queue_length(side, self.engine.price_at(side, rank))

    def _farthest(self, side: Side, levels: int) -> int:
        """Rank of the crowd's own farthest level; the first one where it has none."""
        for rank in range(levels - 1, 0, -1):
            price = self.engine.price_at(side, rank)
            if any(order.account == CROWD for order in self.engine.queue_at(side, price)):
                return rank
        return 0

    def _beyond_reach(self, side: Side, farthest: int) -> bool:
        worst = self.engine.price_at(side, farthest)
        return abs(worst - self.centre) > self.centre * MAX_DISTANCE

    def _clear_stale(self, side: Side, now: int) -> None:
        """Quotes on the wrong side of the centre are withdrawn by their owners or swept by somebody faster."""
        engine, rng = self.engine, self._random
        deepest = 1 + int(rng.expovariate(1 / 5))
        limit = self._touch(side.opposite)
        levels = [
            (price, size) for price, size in engine.depth(side, deepest) if side.sign * (price - limit) >= 0
        ]  # fmt: skip
        if rng.random() < 0.35:
            quantity = sum(size for _, size in levels)
            engine.submit(side.opposite, quantity, limit, now=now, tif=TimeInForce.IOC)
            return
        for price, _ in levels:
            for order in engine.queue_at(side, price):
                if order.account == CROWD:
                    engine.cancel(order.order_id, now=now)


class Flow:
    """The crowd in all markets, on one simulated timeline that starts at 0 ns."""

    def __init__(
        self,
        listings: Sequence[Listing],
        engines: Mapping[str, MatchingEngine],
        *,
        seed: int,
        rate: float = 1.0,
        volatility: float = 1.0,
    ) -> None:
        self.prices = FairPrices((listing.instrument.base for listing in listings), seed, volatility)
        self.markets = {
            listing.key: MarketFlow(listing, engines[listing.key], seed, rate, volatility) for listing in listings
        }
        self.now = 0
        self.actions = 0
        self._order = list(self.markets.values())
        for key, market in self.markets.items():
            market.open(self._fair_ticks(key))
        self._next_grid = GRID_NS
        self._due = [(market.wait_ns(), index) for index, market in enumerate(self._order)]
        heapq.heapify(self._due)

    def advance(self, until_ns: int) -> None:
        """Let everything happen up to and including ``until_ns`` of simulated time."""
        due = self._due
        while True:
            at, index = due[0]
            if self._next_grid <= at:
                if self._next_grid > until_ns:
                    break
                self._move_prices()
                self._next_grid += GRID_NS
                continue
            if at > until_ns:
                break
            self.now = at
            market = self._order[index]
            market.act(at)
            self.actions += 1
            heapq.heapreplace(due, (at + market.wait_ns(), index))
        self.now = max(self.now, until_ns)

    def fair(self, key: str) -> float:
        """Fair price of a market in quote currency."""
        listing = self.markets[key].listing
        coin = listing.instrument.base
        linear = listing.instrument.kind is MarketKind.LINEAR
        return float(listing.opening) * (self.prices.linear(coin) if linear else self.prices.spot(coin))

    def _move_prices(self) -> None:
        self.prices.advance()
        for key, market in self.markets.items():
            market.follow(self._fair_ticks(key))

    def _fair_ticks(self, key: str) -> float:
        return self.fair(key) / float(self.markets[key].listing.instrument.tick)
