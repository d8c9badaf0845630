"""Always maker: one post-only order at the best price of its own side, moved when it lies behind, until all is filled.

It never takes, even in a race: a post-only that the venue refuses is posted again after a pause. Every repost gives up
a place in the queue; what that costs is shown.
"""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.algos.algorithm import (
    BASIS_POINTS,
    LIMIT,
    REDUCE,
    Algorithm,
    capped,
    is_worse,
    money_text,
    passive_price,
    size_problem,
    smallest,
)
from jackbot_tui.algos.parameters import Parameter, Terms, Unit, time_text
from jackbot_tui.algos.state import Child, Decision, Kind, Outcome, ParentStatus, Preview, Seen, Want
from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ONE, ZERO, text_of

SLOT = "m"

IMPROVE = Parameter(
    name="improve",
    unit=Unit.TICKS,
    meaning="go this far inside the spread where it is wider than one tick; 0 joins the best price",
    default="0",
    low="0",
    high="1000",
)


class MakerMemory(Struct, frozen=True, kw_only=True):
    """``reposts`` and ``rejections`` so far. ``leaving`` is the queue ahead (base units) of the place that it is about
    to leave, as far as known, ``given_up`` the sum of those left: what the reposts cost."""

    reposts: int = 0
    rejections: int = 0
    leaving: Decimal = ZERO
    given_up: Decimal = ZERO


class Maker(Algorithm[MakerMemory]):
    """See the module's paragraph."""

    kind = Kind.MAKER
    title = "follow the best price with one post-only order until all is filled; never takes"
    example = "maker buy 0.5 limit=60500"
    short = ("mk",)
    notes = (
        "One live order at most, post-only always. It is moved when the interval has passed since the venue took it and"
        " the best price lies further; it keeps its place otherwise (`requeue=always` gives it up).",
        "A refused post-only is posted again after a pause, at the best price there is then.",
        "`profit` makes a limit of its own: the worst price that, with the maker fee, still saves that much against"
        " having taken everything at the start with the taker fee.",
        "Improving inside the spread never crosses: it stops one tick before the other side.",
        "When `reposts` are used up it cancels its order and ends FAILED with what is left.",
        "The queue cost of reposts: what is displayed ahead at the new place, and what stood ahead at those given up.",
    )
    memory_type = MakerMemory
    table = (
        LIMIT,
        Parameter(
            name="interval",
            unit=Unit.TIME,
            meaning="how long an order rests before it may be moved",
            default="3s",
            low="100ms",
            high="1h",
        ),
        Parameter(
            name="requeue",
            unit=Unit.WORD,
            meaning="after the interval repost when the best price has moved, or always (gives the place up)",
            default="moved",
            words=("moved", "always"),
        ),
        Parameter(
            name="reposts",
            unit=Unit.COUNT,
            meaning="end after this many reposts; 0 = no bound",
            default="0",
            low="0",
            high="100000",
        ),
        IMPROVE,
        Parameter(
            name="profit",
            unit=Unit.BASIS_POINTS,
            meaning="post only where this much is saved against having taken at the start, fees included",
            low="0",
            high="1000",
        ),
        REDUCE,
    )

    def begin(self, seen: Seen, terms: Terms) -> MakerMemory:
        return MakerMemory()

    def limit(self, terms: Terms) -> Decimal | None:
        return terms.price("limit")

    def decide(self, seen: Seen, terms: Terms, memory: MakerMemory, paused: bool) -> Decision[MakerMemory]:
        side, now = seen.side, seen.view.now
        child = seen.child(SLOT)
        target, bound_by = target_price(seen, terms)
        if child is None:
            return self._post(seen, terms, memory, target, bound_by)
        keep = (_want(seen, terms, child.price, child.remaining),)
        if child.cancel_ns:
            return Decision(memory=memory, why=f"waits for the cancel of #{child.number}")
        if is_worse(child.price, target, side):  # the limit was tightened under it
            return Decision(
                memory=memory, why=f"leaves {text_of(child.price)}: {bound_by or 'the best price'} is lower"
            )
        rested = child.accepted_ns or child.placed_ns
        due = rested + terms.time("interval")
        behind = abs(target - child.price) / seen.instrument.tick_at(child.price)
        at_top = not is_worse(target, child.price, side)
        place = f"#{child.number} rests at {text_of(child.price)}"
        place += (
            " at the top" if at_top and not bound_by else f" ({bound_by})" if at_top else f", {behind:f} ticks behind"
        )
        place += _ahead_text(seen, child)
        if now < due:
            why = f"{place}, may move in {time_text(max(0, due - now))}"
            return Decision(memory=memory, wants=keep, wake_ns=due, why=why)
        if at_top and terms.word("requeue") == "moved":
            return Decision(memory=memory, wants=keep, why=f"{place}, keeps its place")
        most = terms.count("reposts")
        if most and memory.reposts >= most:
            return Decision(
                memory=memory,
                why=place,
                ended=f"{most} reposts are used up, {text_of(seen.remaining)} left",
                failed=True,
            )
        leaving = seen.view.ahead.get(child.client_id, ZERO)
        return Decision(memory=replace(memory, leaving=leaving), why=f"{place}: moves to {text_of(target)}")

    def _post(
        self, seen: Seen, terms: Terms, memory: MakerMemory, target: Decimal, bound_by: str
    ) -> Decision[MakerMemory]:
        left = seen.remaining
        if left < smallest(seen.instrument, target, terms.on("reduce")):
            rest = f", {text_of(left)} left is below the venue's minimum" if left else ""
            return Decision(memory=memory, why="complete", ended=f"complete{rest}")
        where = bound_by or "the best price"
        if memory.reposts:
            ahead = ZERO if bound_by else _size_at_best(seen, target)
            where += f", repost {memory.reposts}, {text_of(ahead)} ahead"
            where += f" instead of {text_of(memory.given_up)} in the places given up" if memory.given_up else ""
        return Decision(
            memory=memory,
            wants=(_want(seen, terms, target, left),),
            why=f"posts {text_of(left)} at {text_of(target)}: {where}",
        )

    def ended(self, seen: Seen, child: Child, outcome: Outcome, memory: MakerMemory) -> MakerMemory:
        match outcome:
            case Outcome.REJECTED:
                return replace(memory, rejections=memory.rejections + 1)
            case Outcome.CANCELED if child.cancel_ns and seen.state.status is ParentStatus.RUNNING:
                return replace(
                    memory,
                    reposts=memory.reposts + 1,
                    leaving=ZERO,
                    given_up=memory.given_up + memory.leaving,
                )
            case _:
                return memory

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        target, bound_by = target_price(seen, terms)
        problem = size_problem(seen, target, reduce_only=terms.on("reduce"))
        instrument, view = seen.instrument, seen.view
        value = target * seen.quantity
        fee, taker = value * instrument.maker_fee, view.far(seen.side) * seen.quantity * instrument.taker_fee
        lines = (
            f"posts {text_of(seen.quantity)} at {text_of(target)} ({bound_by or 'the best price'}), post-only,"
            f" {text_of(_size_at_best(seen, target))} displayed ahead",
            f"moves it after {terms.word('interval')} when it lies behind"
            + (" or not" if terms.word("requeue") == "always" else "")
            + (f", at most {terms.count('reposts')} times" if terms.count("reposts") else ""),
            f"fee {money_text(fee)} {instrument.quote} as maker; taking at once: {money_text(taker)}",
        )
        warnings = []
        if terms.price("limit") is None and terms.price("profit") is None:
            warnings.append("no limit: it follows the price wherever it goes")
        warnings.append("it may never fill: a market that runs away is followed, not caught")
        return Preview(lines=lines, warnings=tuple(warnings), problem=problem)


def _want(seen: Seen, terms: Terms, price: Decimal, quantity: Decimal) -> Want:
    return Want(slot=SLOT, quantity=quantity, price=price, post_only=True, reduce_only=terms.on("reduce"))


def best_price(seen: Seen, improve: int) -> Decimal:
    """The best price of the own side, or inside the spread by ``improve`` ticks where there is room; never crossing."""
    near, far, side = seen.view.near(seen.side), seen.view.far(seen.side), seen.side
    tick = seen.instrument.tick_at(near)
    if improve:
        inner = near + side.sign * improve * tick
        edge = far - side.sign * tick
        near = min(inner, edge) if side is Side.BUY else max(inner, edge)
    return passive_price(near, seen.instrument, side)


def target_price(seen: Seen, terms: Terms) -> tuple[Decimal, str]:
    """Where to post now, and what holds it back from the best price ("" = nothing does)."""
    best = best_price(seen, terms.count("improve"))
    price, why = best, ""
    for bound, name in ((terms.price("limit"), "its limit"), (_profit_bound(seen, terms), "the saving asked for")):
        if bound is not None and is_worse(price, bound, seen.side):
            price, why = passive_price(capped(price, bound, seen.side), seen.instrument, seen.side), name
    return price, why


def _profit_bound(seen: Seen, terms: Terms) -> Decimal | None:
    """Worst price that, with the maker fee, still saves ``profit`` against taking at the start with the taker fee."""
    profit, start = terms.price("profit"), seen.state.arrival.take or seen.state.arrival.touch
    if profit is None or not start:
        return None
    sign, instrument = seen.side.sign, seen.instrument
    paid = start * (ONE + sign * instrument.taker_fee) * (ONE - sign * profit / BASIS_POINTS)
    return paid / (ONE + sign * instrument.maker_fee)


def _size_at_best(seen: Seen, price: Decimal) -> Decimal:
    """What is displayed at ``price`` where that is the best of the own side, 0 inside the spread."""
    view = seen.view
    size = view.bid_size if seen.side is Side.BUY else view.ask_size
    return size if price == view.near(seen.side) else ZERO


def _ahead_text(seen: Seen, child: Child) -> str:
    ahead = seen.view.ahead.get(child.client_id)
    return "" if ahead is None else f", {text_of(round(ahead, seen.instrument.qty_places))} ahead"
