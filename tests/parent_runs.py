"""Every kind of parent order with short parameters, for any venue and market, and what must hold when they are over.

``Run`` starts one of a kind, looks after it until it has ended (what only rests is finished at the market once it has
had its time), and keeps what was asked. ``problems`` holds the journal against it: totals, limits, makers, orders left.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from jackbot_tui.algos.algorithm import is_worse, smallest
from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.algos.state import Action, Kind, Leg, ParentPicture, ParentRequest, ParentStatus
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.core import Engine
from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.model.clock import NS_PER_S, SystemClock
from jackbot_tui.model.enums import Liquidity, MarketKind, Side
from jackbot_tui.model.numbers import ZERO, decimal_of, round_down, round_up, text_of
from tests.gateway_world import symbols_of

KINDS = tuple(kind for kind, algorithm in ALGORITHMS.items() if not algorithm.sizes_itself)
PERPETUALS_ONLY = frozenset({Kind.JACKPOT})
RESTS_NS = 2 * NS_PER_S
"""How long one that need not end by itself is left alone before it is finished at the market."""

ENDS_ITSELF = frozenset({Kind.MAKER, Kind.CHASE, Kind.TWAP, Kind.VWAP})
LIMITS = {Kind.ICEBERG: "limit", Kind.SCALE: "", Kind.BRACKET: "entry", Kind.PROPHET: "price", Kind.OCO: ""}
"""Which parameter no entry may be worse than, where it is not ``limit``."""


class Asked(Struct, frozen=True):
    """A request short enough for a test, in the market as it is."""

    quantity: Decimal
    values: dict[str, str]


def asked(kind: Kind, side: Side, market: InstrumentMarket) -> Asked:
    """A few times the venue's minimum, prices within a thousandth of the touch, seconds."""
    instrument = market.instrument
    bid, ask = decimal_of(market.book.bid_price), decimal_of(market.book.ask_price)
    near, far = (bid, ask) if side is Side.BUY else (ask, bid)

    def at(bp: int, base: Decimal) -> str:
        """So many basis points towards the other side from ``base``, on the tick and not ``base`` itself."""
        tick = instrument.tick_at(base)
        moved = base * (1 + Decimal(bp * side.sign) / 10_000)
        price = round_up(moved, tick) if bp * side.sign > 0 else round_down(moved, tick)
        return text_of(price if price != base or not bp else base + tick * side.sign * (1 if bp > 0 else -1))

    least = smallest(instrument, bid * Decimal("0.98"))
    quantity = max(round_up(Decimal(60) / bid, instrument.lot), least * 6)
    third = round_down(quantity / 3, instrument.lot)
    loose = at(50, far)
    match kind:
        case Kind.MAKER:
            values = {"limit": loose, "interval": "300ms"}
        case Kind.CHASE:
            values = {"limit": loose, "patience": "1s"}
        case Kind.TWAP | Kind.VWAP:
            values = {"limit": loose, "over": "5s", "slices": "3"}
        case Kind.ICEBERG:
            values = {"limit": at(10, far), "show": text_of(third), "post": "off"}
        case Kind.SCALE:
            values = {"into": "3", "from": text_of(near), "to": at(-10, near)}
        case Kind.BRACKET:
            values = {"entry": at(10, far), "target": at(14, far), "stop": at(-4, near)}
        case Kind.SMART:
            values = {"tp": f"{at(4, far)}:50%,{at(8, far)}", "sl": f"{at(-6, near)}:50%,{at(-10, near)}"}
        case Kind.OCO:
            values = {"target": at(-4, near), "stop": at(4, far)}
        case Kind.PROPHET:
            values = {"price": at(-1, near)}
        case Kind.JACKPOT:
            values = {"leverage": "20", "ticket": "100", "accept": "100", "slip": "50", "trigger": "mark"}
            quantity = ZERO
    return Asked(quantity, values)


class Run:
    """One parent order from its start to its end."""

    def __init__(self, engine: Engine, kind: Kind, key: str, side: Side) -> None:
        self.engine, self.kind, self.key, self.side = engine, kind, key, side
        self.number = 0
        self.finishing = False

    def start(self) -> None:
        market = self.engine.data.markets[self.key]
        wish = asked(self.kind, self.side, market)
        request = ParentRequest(
            kind=self.kind, key=self.key, side=self.side, quantity=wish.quantity, values=wish.values, source="test"
        )
        answer = self.engine.parents.start(self.engine.parents.completed(request))
        assert answer.problem == "", f"{self.kind} {self.side} {self.key} {wish}: {answer.problem}"
        assert answer.picture is not None
        self.number = answer.picture.number

    @property
    def picture(self) -> ParentPicture:
        picture = self.engine.parents.picture(self.number)
        assert picture is not None
        return picture

    def over(self) -> bool:
        """Whether it has ended; finishes what has rested for long enough."""
        picture = self.picture
        if not picture.status.is_open:
            return True
        rested = self.engine.clock.now_ns() - picture.started_ns > RESTS_NS
        if rested and not self.finishing and self.kind not in ENDS_ITSELF and picture.status is ParentStatus.RUNNING:
            assert self.engine.parents.steer(self.number, Action.FINISH, None, {}, "test").problem == ""
            self.finishing = True
        return False

    def __str__(self) -> str:
        picture = self.picture
        return (
            f"p{self.number} {self.kind} {self.side} {self.key} {picture.status} {picture.filled}/{picture.quantity}"
            f" off {picture.exited}: {picture.why}"
        )


def all_over(runs: Sequence[Run]) -> bool:
    """Whether all have ended; looks after each of them."""
    still = [run for run in runs if not run.over()]
    return not still


def places(venue: str, kinds: Sequence[Kind], turn: int) -> list[tuple[Kind, str, Side]]:
    """Each of ``kinds`` with a symbol of its own, perpetuals and spot by turns; spot is only bought."""
    perpetuals, spot = symbols_of(venue, MarketKind.LINEAR), symbols_of(venue, MarketKind.SPOT)
    found: list[tuple[Kind, str, Side]] = []
    for n, kind in enumerate(kinds):
        first, second = (perpetuals, spot) if (n + turn) % 2 == 0 or kind in PERPETUALS_ONLY else (spot, perpetuals)
        pool = first or (second if kind not in PERPETUALS_ONLY else [])
        if not pool:
            continue
        symbol = pool.pop(0)
        found.append((kind, symbol, Side.SELL if ":" in symbol and (n + turn) % 4 >= 2 else Side.BUY))
    return found


def rotation(venue_index: int, shift: int, count: int) -> list[Kind]:
    """``count`` kinds for one venue; over all venues each kind comes as often as any other."""
    first = venue_index * count + shift
    return [KINDS[(first + n) % len(KINDS)] for n in range(count)]


async def problems(path: Path, runs: Sequence[Run], pictures: Sequence[ParentPicture]) -> list[str]:
    """What is wrong with the ``runs`` whose last ``pictures`` are given, by the closed journal at ``path``."""
    journal = await SqliteJournal.open(path, SystemClock())
    try:
        found = [f"verify: {line}" for line in await journal.verify()]
        orders = {order.client_id: order for order in await journal.all_orders()}
        fills = await journal.all_fills()
    finally:
        await journal.close()
    for run, picture in zip(runs, pictures, strict=True):
        instrument = run.engine.data.markets[run.key].instrument
        who = f"p{run.number} {run.kind} {run.side.value} {run.key} ({picture.why})"
        mine = {client_id: order for client_id, order in orders.items() if order.parent_id == picture.parent_id}
        found += [f"{who}: #{order.number} is still {order.status.value}" for order in mine.values() if order.is_open]
        sums, in_base = dict.fromkeys(Leg, ZERO), ZERO
        limit_name = LIMITS.get(run.kind, "limit")
        limit = Decimal(picture.values[limit_name]) if picture.values.get(limit_name) else None
        for fill in fills:
            order = mine.get(fill.client_id)
            if order is None:
                continue
            leg = Leg(order.tag[:1])
            sums[leg] += fill.quantity
            in_base += fill.fee if fill.fee_currency == instrument.base and leg is Leg.ENTRY else ZERO
            if leg is Leg.ENTRY and limit is not None and is_worse(fill.price, limit, run.side):
                found.append(f"{who}: filled at {fill.price}, worse than {limit}")
            if run.kind is Kind.MAKER and fill.liquidity != Liquidity.MAKER.value:
                found.append(f"{who}: took {fill.quantity} at {fill.price}")
        if sums != {Leg.ENTRY: picture.filled, Leg.EXIT: picture.exited}:
            found.append(f"{who}: counted {picture.filled} and {picture.exited} off, its fills are {sums}")
        if picture.filled > picture.quantity or picture.exited > picture.filled:
            found.append(f"{who}: {picture.filled} filled, {picture.exited} off, of {picture.quantity}")
        if not picture.filled:
            found.append(f"{who}: nothing was filled")
        if picture.status is not ParentStatus.DONE:
            found.append(f"{who}: ended {picture.status.value}")
        exits = ALGORITHMS[run.kind].finishes_with_exit
        taken_by_fees = in_base if not instrument.is_perpetual else ZERO
        left = picture.filled - picture.exited - taken_by_fees if exits else picture.quantity - picture.filled
        if left >= instrument.lot and "below the venue's minimum" not in picture.why:
            found.append(f"{who}: {left} is left and nobody says so")
        if left >= smallest(instrument, decimal_of(run.engine.data.markets[run.key].book.bid_price)):
            found.append(f"{who}: {left} is left, which the venue would take")
    return found
