"""The compiled fast path: what becomes of many planned post-only orders under a queue model, over one session.

Needs the optional extra ``fast`` (numba); the first call compiles and caches. It answers as ``venue_time`` with its
comparing contenders does, order by order and nanosecond by nanosecond (tests compare them), some hundred times faster:
for questions that need many passes. Only whole fills of orders planned beforehand: whoever must react to fills, take,
or share queues uses the event engine.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from jackbot_tui.backtest.recorded import MarketChange, RecordedMarket
from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.execution.paper.queue_models import queue_model
from jackbot_tui.model.enums import OrderStatus, Side
from jackbot_tui.model.errors import InputError

try:
    from numba import njit
except ImportError as error:  # pragma: no cover - the extra is installed where this is tested
    raise InputError(
        "the fast path needs numba: install the extra 'fast', as in pip install 'jackbot_tui[fast]'"
    ) from error

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

REACH = 2000
"""Ticks below the lowest best bid and above the highest best ask of the session that are kept: no order may lie beyond.
Levels farther out can neither be a best price nor hold an order, so they change nothing."""

WIDEST = 60_000_000
"""Ticks kept at most: the book is one array over all of them."""

BID, ASK, BOUGHT, SOLD = 0, 1, 2, 3
"""Kinds of rows: a level of either side, a trade by either aggressor."""

RESTING, FILLED, CANCELED, EXPIRED = 1, 2, 3, 4

STATUSES = {
    0: OrderStatus.PENDING_NEW,
    RESTING: OrderStatus.NEW,
    FILLED: OrderStatus.FILLED,
    CANCELED: OrderStatus.CANCELED,
    EXPIRED: OrderStatus.EXPIRED,
}
FAMILIES = {"risk_averse": 0, "power": 1, "power2": 2, "power3": 3, "log": 4, "log2": 5}


class Columns(Struct, frozen=True):
    """One row per changed level and per trade, in one order of time. ``frame`` numbers the changes the rows came in.

    ``tick`` counts from ``base``; levels lie between 0 and ``width``, trades anywhere.
    """

    at: Integers
    frame: Integers
    kind: Integers
    tick: Integers
    size: Floats
    base: int
    width: int

    @property
    def rows(self) -> int:
        return len(self.at)


class Session(Struct, frozen=True):
    """A session twice: in the order in which things happened at the venue, and in which they became known here."""

    venue: Columns
    local: Columns
    tick: float
    lot: float
    first_ns: int
    last_ns: int
    events: int
    """Normalised events of the session, levels left out of the columns included."""


class OrderPlan(Struct, frozen=True):
    """Post-only orders: when they and their cancels are sent (local, ns), +1 buy or -1 sell, tick from ``base``."""

    send_ns: Integers
    cancel_ns: Integers
    side: Integers
    tick: Integers


class Outcomes(Struct, frozen=True):
    """Final ``status`` (``STATUSES``) and the venue's time of it, by order of the plan."""

    status: Integers
    venue_ns: Integers

    def texts(self) -> list[tuple[str, int]]:
        return [(STATUSES[int(s)].value, int(at)) for s, at in zip(self.status, self.venue_ns, strict=True)]


def session_of(recorded: RecordedMarket) -> Session:
    """Columns of a recorded session; InputError when its prices are too far apart."""
    tick = float(recorded.instrument.tick)
    shift = recorded.clock_error_ns
    by_venue = sorted(recorded.changes, key=lambda change: change.venue_ns)
    lowest, highest = _reach_of(by_venue)
    low, high = _reach_of(recorded.changes)
    base = round(min(lowest, low) / tick) - REACH
    width = round(max(highest, high) / tick) + REACH + 1 - base
    if width > WIDEST:
        raise InputError(f"best prices {width} ticks apart, the fast path holds {WIDEST}: use the event engine")
    return Session(
        venue=_columns(by_venue, [change.venue_ns for change in by_venue], tick, base, width),
        local=_columns(recorded.changes, [change.local_ns + shift for change in recorded.changes], tick, base, width),
        tick=tick,
        lot=float(recorded.instrument.lot),
        first_ns=recorded.changes[0].local_ns + shift,
        last_ns=min(by_venue[-1].venue_ns, recorded.changes[-1].local_ns + shift),
        events=recorded.events,
    )


def _reach_of(changes: Sequence[MarketChange]) -> tuple[float, float]:
    """The lowest best bid and the highest best ask that these changes lead to."""
    book = OrderBook(max_levels=10**6)
    lowest, highest = math.inf, -math.inf
    for change in changes:
        if change.trade is None:
            book.apply(change.bids, change.asks)
            if -math.inf < book.bid_price < lowest:
                lowest = book.bid_price
            if highest < book.ask_price < math.inf:
                highest = book.ask_price
    if lowest > highest:
        raise InputError("the session has no bids or no asks: nothing can be filled")
    return lowest, highest


def _columns(changes: Sequence[MarketChange], times: Sequence[int], tick: float, base: int, width: int) -> Columns:
    at: list[int] = []
    frame: list[int] = []
    kind: list[int] = []
    price: list[float] = []
    size: list[float] = []
    for number, (change, time) in enumerate(zip(changes, times, strict=True)):
        trade = change.trade
        if trade is not None:
            rows = [(BOUGHT if trade.side is Side.BUY else SOLD, trade.price, trade.size)]
        else:
            rows = [(BID, *level) for level in change.bids] + [(ASK, *level) for level in change.asks]
        for what, where, much in rows:
            at.append(time)
            frame.append(number)
            kind.append(what)
            price.append(where)
            size.append(much)
    kinds, ticks = np.array(kind, np.int64), np.rint(np.array(price) / tick).astype(np.int64) - base
    kept = (kinds >= BOUGHT) | ((ticks >= 0) & (ticks < width))
    return Columns(
        np.array(at, np.int64)[kept],
        np.array(frame, np.int64)[kept],
        kinds[kept],
        ticks[kept],
        np.array(size)[kept],
        base,
        width,
    )


def touch_plan(session: Session, every_ns: int, life_ns: int, answer_ns: int) -> OrderPlan:
    """A buy at the best bid and a sell at the best ask, as known here, over and over; each canceled after its life."""
    last = session.last_ns - life_ns - answer_ns
    times = np.arange(session.first_ns, max(session.first_ns, last), every_ns, dtype=np.int64)
    columns = session.local
    bids, asks = _touches(columns.at, columns.kind, columns.tick, columns.size, columns.width, times)
    send = np.repeat(times, 2)
    side = np.tile(np.array([1, -1], np.int64), len(times))
    tick = np.column_stack((bids, asks)).ravel()
    known = (tick >= 0) & (tick < columns.width)
    return OrderPlan(send[known], send[known] + life_ns, side[known], tick[known])


def run_plan(session: Session, plan: OrderPlan, queue: str, *, entry_ns: int) -> Outcomes:
    """What becomes of the orders; ``queue`` names a queue model. InputError when there is no such model."""
    family, _, exponent = queue_model(queue).name.partition(":")
    count = len(plan.send_ns)
    if count and not (plan.tick.min() >= 0 and plan.tick.max() < session.venue.width):
        raise InputError(f"an order lies more than {REACH} ticks from where the market ever was: leave it out")
    due = np.concatenate((plan.send_ns, plan.cancel_ns)) + entry_ns
    requests = np.argsort(due, kind="stable")
    columns = session.venue
    status, venue_ns = _play(
        columns.at, columns.frame, columns.kind, columns.tick, columns.size, columns.width,
        due[requests], requests % max(1, count), requests >= count, plan.side, plan.tick,
        FAMILIES[family], float(exponent or 0.0), session.lot, session.last_ns,
    )  # fmt: skip
    return Outcomes(status, venue_ns)


# ---------------------------------------------------------------------- compiled


def _ratio_python(part: float, whole: float) -> float:
    if whole != 0.0:
        return part / whole
    if part == 0.0 or part != part:
        return np.nan
    return np.inf if part > 0.0 else -np.inf


_ratio: Callable[..., Any] = njit(cache=True)(_ratio_python)


def _behind_python(family: int, n: float, front: float, back: float) -> float:
    """P of ``queue_models``: the part of cancels that stood behind."""
    if family == 1:
        return float(_ratio(back**n, back**n + front**n))
    if family == 2:
        return float(_ratio(back**n, (back + front) ** n))
    if family == 3:
        return float(1.0 - _ratio(front, front + back) ** n)
    if family == 4:
        return float(_ratio(np.log(1.0 + back), np.log(1.0 + back) + np.log(1.0 + front)))
    return float(_ratio(np.log(1.0 + back), np.log(1.0 + back + front)))


_behind: Callable[..., Any] = njit(cache=True)(_behind_python)


def _ahead_after_python(family: int, n: float, ahead: float, before: float, shown: float, traded: float) -> float:
    """``QueueModel.ahead_after``."""
    vanished = before - shown - traded
    if family == 0 or vanished < 0.0:
        return min(ahead, shown)
    back = before - ahead
    share = float(_behind(family, n, ahead, back))
    if share != share:
        return shown
    if np.isinf(share):
        share = 1.0
    return min(ahead - (1.0 - share) * vanished + min(back - share * vanished, 0.0), shown)


_ahead_after: Callable[..., Any] = njit(cache=True)(_ahead_after_python)


def _touches_python(
    at: Integers, kind: Integers, tick: Integers, size: Floats, width: int, times: Integers
) -> tuple[Integers, Integers]:
    """Best bid and ask ticks after everything up to each time; -1 and ``width`` where there is none."""
    bids, asks = np.zeros(width), np.zeros(width)
    best_bid, best_ask = -1, width
    found_bids, found_asks = np.empty(len(times), np.int64), np.empty(len(times), np.int64)
    row = 0
    for place in range(len(times)):
        while row < len(at) and at[row] <= times[place]:
            where = tick[row]
            if kind[row] == BID:
                bids[where] = size[row]
                if size[row] > 0.0:
                    best_bid = max(best_bid, where)
                while best_bid >= 0 and bids[best_bid] == 0.0:
                    best_bid -= 1
            elif kind[row] == ASK:
                asks[where] = size[row]
                if size[row] > 0.0:
                    best_ask = min(best_ask, where)
                while best_ask < width and asks[best_ask] == 0.0:
                    best_ask += 1
            row += 1
        found_bids[place], found_asks[place] = best_bid, best_ask
    return found_bids, found_asks


_touches: Callable[..., Any] = njit(cache=True)(_touches_python)


def _play_python(
    at: Integers, frame: Integers, kind: Integers, tick: Integers, size: Floats, width: int,
    due: Integers, request_of: Integers, is_cancel: NDArray[np.bool_], sides: Integers, ticks: Integers,
    family: int, n: float, lot: float, last_ns: int,
) -> tuple[Integers, Integers]:  # fmt: skip
    """The venue: every row, and every request at its time; rows of an instant come before requests of it."""
    count = len(sides)
    status, venue_ns = np.zeros(count, np.int64), np.zeros(count, np.int64)
    ahead, traded = np.zeros(count), np.zeros(count)
    bids, asks = np.zeros(width), np.zeros(width)
    own_bids, own_asks = np.zeros(width, np.int32), np.zeros(width, np.int32)  # own orders by tick
    resting = np.empty(count, np.int64)  # their numbers, without gaps
    held = 0
    best_bid, best_ask = -1, width
    row, request = 0, 0
    while row < len(at) or request < len(due):
        if row >= len(at) or at[row] > last_ns:
            until = last_ns + 1
            row = len(at)
        else:
            until = at[row]
        while request < len(due) and due[request] < until:
            order = request_of[request]
            where = ticks[order]
            buys = sides[order] > 0
            if is_cancel[request]:
                if status[order] == RESTING:
                    status[order], venue_ns[order] = CANCELED, due[request]
            else:
                venue_ns[order] = due[request]
                if (buys and where >= best_ask) or (not buys and where <= best_bid):
                    status[order] = EXPIRED
                else:
                    status[order] = RESTING
                    ahead[order] = bids[where] if buys else asks[where]
                    resting[held] = order
                    held += 1
                    if buys:
                        own_bids[where] += 1
                    else:
                        own_asks[where] += 1
            request += 1
        if row >= len(at):
            break
        number, now = frame[row], at[row]
        if kind[row] >= BOUGHT:
            hit = -1 if kind[row] == BOUGHT else 1
            for place in range(held):
                order = resting[place]
                if status[order] != RESTING or sides[order] != hit:
                    continue
                if ticks[order] == tick[row]:
                    ahead[order] -= size[row]
                    traded[order] += size[row]
                    if -ahead[order] / lot >= 0.5:
                        status[order], venue_ns[order] = FILLED, now
                elif (tick[row] - ticks[order]) * hit < 0:
                    status[order], venue_ns[order] = FILLED, now
            row += 1
        else:
            old_bid, old_ask = best_bid, best_ask
            while row < len(at) and frame[row] == number:
                where = tick[row]
                if kind[row] == BID:
                    before = bids[where]
                    bids[where] = size[row]
                    if size[row] > 0.0 and where > best_bid:
                        best_bid = where
                    mine = own_bids[where]
                    side = 1
                else:
                    before = asks[where]
                    asks[where] = size[row]
                    if size[row] > 0.0 and where < best_ask:
                        best_ask = where
                    mine = own_asks[where]
                    side = -1
                if mine > 0:
                    for place in range(held):
                        order = resting[place]
                        if status[order] == RESTING and ticks[order] == where and sides[order] == side:
                            ahead[order] = _ahead_after(family, n, ahead[order], before, size[row], traded[order])
                            traded[order] = 0.0
                row += 1
            while best_bid >= 0 and bids[best_bid] == 0.0:
                best_bid -= 1
            while best_ask < width and asks[best_ask] == 0.0:
                best_ask += 1
            if best_bid > old_bid or best_ask < old_ask:
                for place in range(held):
                    order = resting[place]
                    if status[order] == RESTING and (
                        (sides[order] > 0 and ticks[order] >= best_ask)
                        or (sides[order] < 0 and ticks[order] <= best_bid)
                    ):
                        status[order], venue_ns[order] = FILLED, now
        kept = 0
        for place in range(held):  # forget what rests no more
            order = resting[place]
            if status[order] == RESTING:
                resting[kept] = order
                kept += 1
            elif sides[order] > 0:
                own_bids[ticks[order]] -= 1
            else:
                own_asks[ticks[order]] -= 1
        held = kept
    return status, venue_ns


_play: Callable[..., Any] = njit(cache=True)(_play_python)
