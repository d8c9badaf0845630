"""A made-up order book that trades by itself: levels, trades, volume at price. Seeded; it knows no orders and no clock.

``synthetic`` puts it behind the link's face; nothing else uses it.
"""

import random
from collections import deque
from decimal import Decimal

from jackbot_tui.desk.views import BookView, LadderLevel, TapeLine, ViewRequest
from jackbot_tui.model.numbers import text_of

DEPTH = 400
TAPE_KEPT = 400


class SyntheticBook:
    """One instrument: sizes by tick on both sides, trades, volume at price."""

    def __init__(self, key: str, tick: str, places: int, qty_places: int, middle: float, seed: int) -> None:
        self.key = key
        self.tick = Decimal(tick)
        self.places = places
        self.qty_places = qty_places
        self.rng = random.Random(f"{seed}/{key}")
        self.best = int(Decimal(str(middle)) / self.tick)
        self.opened = self.best
        self.bids: dict[int, float] = {}
        self.asks: dict[int, float] = {}
        self.volume: dict[int, float] = {}
        self.delta: dict[int, float] = {}
        self.tape: deque[TapeLine] = deque(maxlen=TAPE_KEPT)
        self.sequence = 0
        self.update_id = 0
        self.cvd = 0.0
        self.last = self.best
        self.last_side = "buy"
        for step in range(DEPTH):
            self.bids[self.best - step] = self._size()
            self.asks[self.best + 1 + step] = self._size()

    def _size(self) -> float:
        size = self.rng.lognormvariate(0.0, 1.0) * (6.0 if self.rng.random() < 0.03 else 1.0)
        return max(10.0**-self.qty_places, round(size, self.qty_places))

    def step(self, now: int) -> None:
        """One event: a level changes or somebody takes."""
        self.update_id += 1
        if self.rng.random() < 0.12:
            self._trade(now)
            return
        side, best, sign = (
            (self.bids, max(self.bids), -1) if self.rng.random() < 0.5 else (self.asks, min(self.asks), 1)
        )
        place = best + sign * min(DEPTH - 1, int(self.rng.expovariate(0.25)))
        if self.rng.random() < 0.05 and place != best:
            side.pop(place, None)
        else:
            side[place] = self._size()

    def _trade(self, now: int) -> None:
        buying = self.rng.random() < 0.5 + 0.08 * ((self.opened - self.last) / 200.0)
        side = self.asks if buying else self.bids
        price = min(side) if buying else max(side)
        size = min(side[price], max(10.0**-self.qty_places, round(self.rng.lognormvariate(-1.8, 1.1), self.qty_places)))
        left = round(side[price] - size, self.qty_places)
        if left > 0:
            side[price] = left
        else:
            del side[price]
            other = self.bids if buying else self.asks
            if self.rng.random() < 0.7:
                other[price] = self._size()
            far = max(side) + 1 if buying else min(side) - 1
            side[far] = self._size()
        self.sequence += 1
        self.last, self.last_side = price, "buy" if buying else "sell"
        signed = size if buying else -size
        self.cvd += signed
        self.volume[price] = self.volume.get(price, 0.0) + size
        self.delta[price] = self.delta.get(price, 0.0) + signed
        self.tape.append(
            TapeLine(self.sequence, now, self.price(price), f"{size:.{self.qty_places}f}", self.last_side, size)
        )

    def price(self, ticks: int) -> str:
        return f"{self.tick * ticks:.{self.places}f}"

    def view(self, request: ViewRequest, state: str, age_ms: float) -> BookView:
        group = max(1, request.group)
        best_bid, best_ask = max(self.bids), min(self.asks)
        centre = int(Decimal(request.anchor) / self.tick) if request.anchor else None
        bids = self._side(self.bids, True, group, request.levels, centre)
        asks = self._side(self.asks, False, group, request.levels, centre)
        sum_bid, sum_ask = sum(level.size for level in bids[:20]), sum(level.size for level in asks[:20])
        return BookView(
            key=self.key,
            state=state,
            age_ms=age_ms,
            update_id=self.update_id,
            tick=text_of(self.tick),
            group=group,
            price_places=self.places,
            qty_places=self.qty_places,
            best_bid=self.price(best_bid),
            best_bid_size=f"{self.bids[best_bid]:.{self.qty_places}f}",
            best_ask=self.price(best_ask),
            best_ask_size=f"{self.asks[best_ask]:.{self.qty_places}f}",
            last=self.price(self.last),
            last_side=self.last_side,
            spread_ticks=best_ask - best_bid,
            bids=bids,
            asks=asks,
            sum_bid=sum_bid,
            sum_ask=sum_ask,
            imbalance=(sum_bid - sum_ask) / ((sum_bid + sum_ask) or 1.0),
            reason="" if state == "live" else "asked for by the test",
        )

    def _side(
        self, sizes: dict[int, float], is_bid: bool, group: int, rows: int, centre: int | None
    ) -> list[LadderLevel]:
        found: dict[int, list[float]] = {}
        for ticks, size in sizes.items():
            index = ticks // group if is_bid else -(-ticks // group)
            if centre is not None and abs(index - centre // group) > rows:
                continue
            entry = found.setdefault(index, [0.0, 0.0, 0.0])
            entry[0] += size
        for ticks, volume in self.volume.items():
            index = ticks // group if is_bid else -(-ticks // group)
            if index in found:
                found[index][1] += volume
                found[index][2] += self.delta[ticks]
        ordered = sorted(found.items(), reverse=is_bid)[: rows if centre is None else 2 * rows]
        return [LadderLevel(index, *values) for index, values in ordered]
