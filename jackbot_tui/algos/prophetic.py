"""Prophetic: a limit order whose price the venue does not take yet is kept here, armed, and placed when it does.

It waits for the market to come near enough that the venue's price band (and our own gate) lets the price pass; until
then nothing of it is at the venue and no margin is held there. What the venue refuses at the edge all the same teaches
it where the edge is.
"""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.algos.algorithm import (
    BASIS_POINTS,
    REDUCE,
    Algorithm,
    Holding,
    is_worse,
    money_text,
    passive_price,
    size_problem,
    smallest,
)
from jackbot_tui.algos.parameters import Parameter, Terms, Unit, time_text
from jackbot_tui.algos.state import Child, Decision, Kind, Outcome, Preview, Seen, Want
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ONE, ZERO, text_of
from jackbot_tui.risk.reach import Reach
from jackbot_tui.venues.bands import is_band_refusal

SLOT = "p"
HUNDRED = Decimal(100)
FIRST_WAIT_NS = 250 * NS_PER_MS
LONGEST_WAIT_NS = 60 * NS_PER_S
"""After a refusal at the edge it asks again after so long at the latest, though nothing moved: the venue's own average
may have followed."""

SOONEST_AGAIN_NS = 100 * NS_PER_MS
"""However fast the market comes, it asks no sooner again after a refusal."""

STEP = Decimal("0.0005")
"""Share of the reference by which the price must have come nearer than where it was refused; doubled each time."""

LARGEST_STEP = Decimal("0.01")
LOOK_NS = 2 * NS_PER_S
"""Asleep it looks so often all the same, and up to half as late again by its seed, so that many do not look together: a
mark that stopped coming changes the reference without a move."""

REST_NS = NS_PER_S
"""A placed order is not pulled sooner: a reference that trembles at the edge must not make it come and go."""

QUIET_SHARE = Decimal("0.5")
"""Part of the way to the edge within which nothing needs to be looked at."""

NO_REACH = Reach()


class ProphetMemory(Struct, frozen=True, kw_only=True):
    """``refusals`` at the edge in a row, the ``refused`` distance from the reference (share of it) of the last one, not
    to be asked again ``until``. ``sent`` is the distance at which the child under way was sent; ``placed`` counts."""

    refusals: int = 0
    refused: Decimal = ZERO
    until_ns: int = 0
    sent: Decimal = ZERO
    placed: int = 0
    pulled: int = 0


class Prophet(Algorithm[ProphetMemory]):
    """See the module's paragraph."""

    kind = Kind.PROPHET
    title = "wait here with a far limit price; place it the moment the venue takes it"
    example = "prophet buy 0.2 @ 42000"
    short = ("pr",)
    memory_type = ProphetMemory
    on_hold = Holding.LEAVE
    works_paused = True
    watches_trades = True
    watches_reach = True
    table = (
        Parameter(name="price", unit=Unit.PRICE, meaning="the limit price; also said as @ PRICE", required=True),
        Parameter(
            name="margin",
            unit=Unit.BASIS_POINTS,
            meaning="how far inside the edge of what the venue takes the price must be before it is sent",
            default="2",
            low="0",
            high="500",
        ),
        Parameter(
            name="wake",
            unit=Unit.PERCENT,
            meaning="place no sooner than this near to the touch, though the venue would take it; none = at once",
            low="0.01",
            high="99",
        ),
        Parameter(
            name="back",
            unit=Unit.WORD,
            meaning="when the price falls out of range again: the placed order stays, or is pulled and armed anew",
            default="stay",
            words=("stay", "pull"),
        ),
        Parameter(name="ttl", unit=Unit.TIME, meaning="give up after this time", low="1s", high="2160h"),
        Parameter(name="post", unit=Unit.SWITCH, meaning="post-only: never takes, waits instead", default="off"),
        REDUCE,
    )
    notes = (
        "ARMED: nothing is at the venue. The range is the venue's band (probed, else from its rules) around its own"
        " reference (mark, index, last, or the other side's best price), its lowest and highest price, and our gate's"
        " bounds. It is looked at with every book, trade and mark that could matter.",
        "PLACED: one limit order for all that is left. It stays when the price falls out of range again, unless"
        f" `back=pull`: then it is pulled, {time_text(REST_NS)} after it began to rest at the soonest, and never"
        " once part of it has filled.",
        "Refused at the edge: the distance from the reference is remembered; it asks again when the price has come"
        f" {text_of(STEP * HUNDRED)} % of the reference nearer (twice as much after each further refusal, at most"
        f" {text_of(LARGEST_STEP * HUNDRED)} %), or after {time_text(FIRST_WAIT_NS)}, twice as long each time, at most"
        f" {time_text(LONGEST_WAIT_NS)}. Such refusals never end or pause it. Other refusals count as they do for every"
        " parent.",
        "Where no band is known it is sent at once and learns from the refusal.",
        "When the market jumps through the price, it is sent at the furthest price that passes, never beyond its own;"
        " the rest moves to its own price when that passes. With `post=on` it waits until it would rest.",
        "A price through the market is refused at the start: such a limit order takes at once and needs no prophet.",
        "While the book is not LIVE nothing is placed; a placed order stays. `ttl` counts from the start, through"
        " pauses and while the book is not LIVE, and ends it FAILED with what is left.",
        "While it is paused a placed order stays and nothing is placed.",
        "It sleeps with the engine: while the engine is down nothing is placed.",
    )
    diagram = (
        "        price passes, margin and wake reached",
        " ARMED ──────────────────────────────────────▶ SENT ──▶ PLACED ──▶ filled ──▶ DONE",
        "  ▲ ▲                                           │          │",
        "  │ └───── refused at the edge: learns, waits ──┘          │",
        "  └──────────── out of range again, back=pull ─────────────┘        ttl ──▶ FAILED",
    )

    def begin(self, seen: Seen, terms: Terms) -> ProphetMemory:
        return ProphetMemory()

    def limit(self, terms: Terms) -> Decimal | None:
        return terms.price("price")

    def ends_ns(self, seen: Seen, terms: Terms) -> int:
        ttl = terms.time("ttl")
        return seen.state.started_ns + ttl if ttl else 0

    def decide(self, seen: Seen, terms: Terms, memory: ProphetMemory, paused: bool) -> Decision[ProphetMemory]:
        price = Decimal(terms.values["price"])
        ends = self.ends_ns(seen, terms)
        if ends and seen.view.now >= ends:
            over = f"its time of {terms.word('ttl')} is up"
            return Decision(memory=memory, why=over, ended=over, failed=True)
        child = seen.child(SLOT)
        decision = self._armed(seen, terms, memory, price) if child is None else self._placed(
            seen, terms, memory, price, child
        )  # fmt: skip
        if paused and child is None:
            decision = Decision(memory=memory, why=f"{text_of(price)} is not placed while paused")
        return _until(decision, ends)

    def _placed(
        self, seen: Seen, terms: Terms, memory: ProphetMemory, price: Decimal, child: Child
    ) -> Decision[ProphetMemory]:
        place = f"#{child.number} {'rests' if child.accepted_ns else 'is sent'} at {text_of(child.price)}"
        if child.cancel_ns:
            return Decision(memory=memory, why=f"waits for the cancel of #{child.number}")
        if child.accepted_ns and memory.refusals:
            memory = replace(memory, refusals=0, refused=ZERO, until_ns=0)
        keep = (_want(seen, terms, child.price, child.remaining),)
        reach = seen.view.reach or NO_REACH
        wanted = _nearest(seen, price, reach)
        if is_worse(child.price, price, seen.side) or (child.accepted_ns and child.price != price == wanted):
            return Decision(memory=memory, why=f"{place}: moves to {text_of(wanted)}")
        if terms.word("back") == "pull" and child.accepted_ns and not child.filled:
            away, rested = _out(seen, terms, price, reach), child.accepted_ns + REST_NS
            if away and seen.view.now < rested:
                return Decision(memory=memory, wants=keep, why=f"{place}, {away}", wake_ns=rested)
            if away:
                pulled = replace(memory, pulled=memory.pulled + 1)
                return Decision(memory=pulled, why=f"{place}, {away}: pulled and armed again")
        return Decision(memory=memory, wants=keep, why=place)

    def _armed(self, seen: Seen, terms: Terms, memory: ProphetMemory, price: Decimal) -> Decision[ProphetMemory]:
        side, view, left = seen.side, seen.view, seen.remaining
        if left < smallest(seen.instrument, price, terms.on("reduce")):
            rest = f", {text_of(left)} left is below the venue's minimum" if left else ""
            return Decision(memory=memory, why="complete", ended=f"complete{rest}")
        reach, look = view.reach or NO_REACH, LOOK_NS + seen.seed % 1000 * NS_PER_MS
        edge, rule = (reach.low, reach.low_by) if side is Side.BUY else (reach.high, reach.high_by)
        inside = edge * (1 + side.sign * terms.number("margin") / BASIS_POINTS)
        if edge and is_worse(inside, price, side):
            way = abs(inside - price) / inside
            asleep = float(way * QUIET_SHARE)
            why = (
                f"armed: {_word(side)} at {text_of(price)} pass when the market has come {_percent(way)}"
                f" nearer; now {text_of(edge)} ({rule}, {reach.reference_name} {_shown(seen, reach.reference)})"
            )
            return Decision(memory=memory, why=why, quiet=asleep, wake_ns=view.now + look)
        wake = terms.price("wake")
        near = view.near(side)
        if wake is not None and near:
            away = abs(near - price) / near if is_worse(near, price, side) else ZERO
            if away * HUNDRED > wake:
                way = (away - wake / HUNDRED) / (ONE - wake / HUNDRED)
                why = (
                    f"armed: {text_of(price)} is {_percent(away)} from the touch {text_of(near)}, placed within {wake}%"
                )
                return Decision(memory=memory, why=why, quiet=float(way * QUIET_SHARE), wake_ns=view.now + look)
        distance = _distance(price, reach.reference)
        held = self._held_back(seen, memory, distance)
        if held is not None:
            return held
        target = _nearest(seen, price, reach)
        if terms.on("post") and view.far(side) and not is_worse(view.far(side), target, side):
            why = f"armed: {text_of(target)} would take at {text_of(view.far(side))}, post-only waits"
            return Decision(memory=memory, why=why)
        sent = replace(memory, sent=distance, placed=memory.placed + 1)
        short = f", the furthest that passes ({reach.high_by or reach.low_by})" if target != price else ""
        return Decision(
            memory=sent,
            wants=(_want(seen, terms, target, left),),
            why=f"places {text_of(left)} at {text_of(target)}{short}",
            alert=f"{text_of(price)} passes now: places {text_of(left)} at {text_of(target)}{short}",
        )

    def _held_back(self, seen: Seen, memory: ProphetMemory, distance: Decimal) -> Decision[ProphetMemory] | None:
        """Why it does not ask again yet after a refusal at the edge; None when it may."""
        if not memory.refusals:
            return None
        now = seen.view.now
        step = min(STEP * (1 << min(memory.refusals - 1, 10)), LARGEST_STEP)
        soonest = memory.until_ns - _wait(memory.refusals) + SOONEST_AGAIN_NS
        nearer = distance <= memory.refused - step
        if now >= memory.until_ns or (nearer and now >= soonest):
            return None
        why = (
            f"armed: refused at the edge {memory.refusals} times, last {_percent(memory.refused)} from the reference;"
            f" asks again {_percent(step)} nearer, or in {time_text(max(0, memory.until_ns - now))}"
        )
        return Decision(memory=memory, why=why, wake_ns=soonest if nearer else memory.until_ns)

    def ended(self, seen: Seen, child: Child, outcome: Outcome, memory: ProphetMemory) -> ProphetMemory:
        if not self.expects(seen, child, outcome):
            return memory
        refusals = memory.refusals + 1
        return replace(
            memory, refusals=refusals, refused=memory.sent, until_ns=seen.view.now + _wait(refusals), sent=ZERO
        )

    def expects(self, seen: Seen, child: Child, outcome: Outcome) -> bool:
        return outcome is Outcome.REJECTED and is_band_refusal(seen.instrument.venue, child.reason)

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        price, side, view = Decimal(terms.values["price"]), seen.side, seen.view
        reach = view.reach or NO_REACH
        problem = size_problem(seen, price, reduce_only=terms.on("reduce"))
        far, near, instrument = view.far(side), view.near(side), seen.instrument
        if instrument.max_qty and seen.quantity > instrument.max_qty:
            most = text_of(instrument.max_qty)
            problem = problem or f"quantity {text_of(seen.quantity)} is above the venue's maximum {most} for one order"
        if far and not is_worse(far, price, side):
            problem = problem or (
                f"{text_of(price)} is through the market ({text_of(far)}): a limit order there takes at once, send it"
                " as one; prophet waits at prices behind the market"
            )
        away = abs(near - price) / near if near else ZERO
        lines = [
            f"{_word(side)} {text_of(seen.quantity)} at {text_of(price)}, {_percent(away)} from the touch;"
            f" value {money_text(price * seen.quantity)} {instrument.quote}, fee as maker"
            f" {money_text(price * seen.quantity * instrument.maker_fee)}",
            _range_line(seen, reach),
        ]
        armed = self._armed(seen, terms, ProphetMemory(), price)
        lines.append(f"now: {armed.why}" + ("" if armed.wants else "; until then nothing is at the venue"))
        warnings = ["it waits in this engine: while that is down nothing is placed"]
        if not reach.band:
            warnings.append("the venue tells no price band here: it is sent at once and learns from a refusal")
        if not terms.time("ttl"):
            warnings.append("no ttl: it waits until it is canceled")
        return Preview(lines=tuple(lines), warnings=tuple(warnings), problem=problem)


def _want(seen: Seen, terms: Terms, price: Decimal, quantity: Decimal) -> Want:
    return Want(slot=SLOT, quantity=quantity, price=price, post_only=terms.on("post"), reduce_only=terms.on("reduce"))


def _word(side: Side) -> str:
    return f"{side.value}s"


def _nearest(seen: Seen, price: Decimal, reach: Reach) -> Decimal:
    """``price``, or the furthest on its side of the market that passes now where it would go too far through it."""
    if seen.side is Side.BUY:
        return passive_price(min(price, reach.high), seen.instrument, seen.side) if reach.high else price
    return passive_price(max(price, reach.low), seen.instrument, seen.side) if reach.low else price


def _out(seen: Seen, terms: Terms, price: Decimal, reach: Reach) -> str:
    """Why a resting order is out of range again, "" when it is not."""
    side, near, wake = seen.side, seen.view.near(seen.side), terms.price("wake")
    edge = reach.low if side is Side.BUY else reach.high
    if edge and is_worse(edge, price, side):
        return f"the venue would take none beyond {text_of(edge)} now"
    away = abs(near - price) / near if near and is_worse(near, price, side) else ZERO
    if wake is not None and away * HUNDRED > wake * Decimal("1.25"):
        return f"{_percent(away)} from the touch again"
    return ""


def _distance(price: Decimal, reference: Decimal) -> Decimal:
    """How far ``price`` is from the reference, as a share of it; 0 where there is none."""
    return round(abs(price - reference) / reference, 8) if reference else ZERO


def _wait(refusals: int) -> int:
    return min(FIRST_WAIT_NS << min(max(refusals, 1) - 1, 10), LONGEST_WAIT_NS)


def _until(decision: Decision[ProphetMemory], ends: int) -> Decision[ProphetMemory]:
    """``decision``, looked at again when its time is up at the latest."""
    if not ends or decision.ended:
        return decision
    return replace(decision, wake_ns=min(decision.wake_ns, ends) if decision.wake_ns else ends)


def _percent(share: Decimal) -> str:
    return f"{share * HUNDRED:.2f}%"


def _shown(seen: Seen, price: Decimal) -> str:
    return text_of(round(price, seen.instrument.price_places))


def _range_line(seen: Seen, reach: Reach) -> str:
    side = f"{seen.side.value}s"
    low = f"from {text_of(reach.low)} ({reach.low_by})" if reach.low else ""
    high = f"up to {text_of(reach.high)} ({reach.high_by})" if reach.high else ""
    bounds = " ".join(part for part in (low, high) if part) or "at any price"
    return f"{side} pass now {bounds}"
