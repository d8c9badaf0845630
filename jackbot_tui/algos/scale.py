"""Scale: a row of limit orders over a range of prices, sized by a curve; each rests until it fills."""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.algos.algorithm import REDUCE, Algorithm, Holding, passive_price, smallest
from jackbot_tui.algos.parameters import Parameter, Terms, Unit
from jackbot_tui.algos.state import Decision, Kind, Preview, Seen, Want
from jackbot_tui.model.enums import Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO, round_down, text_of

CURVES = ("even", "near", "far")


class ScaleMemory(Struct, frozen=True):
    """Nothing: every rung follows from the terms, and what it filled is counted by slot."""


class Rung(Struct, frozen=True):
    slot: str
    price: Decimal
    quantity: Decimal


class Scale(Algorithm[ScaleMemory]):
    """See the module's paragraph."""

    kind = Kind.SCALE
    title = "a row of limit orders over a range of prices"
    example = "scale buy 1 into 5 from 60000 to 59500"
    notes = (
        "Sizes are multiples of the lot and add up to the quantity exactly; the remainder goes to the largest order.",
        "A rung that fills is not placed again.",
    )
    memory_type = ScaleMemory
    on_hold = Holding.LEAVE
    table = (
        Parameter(
            name="into",
            unit=Unit.COUNT,
            meaning="number of orders",
            low="2",
            high="50",
            required=True,
            bare=True,
            fixed=True,
        ),
        Parameter(
            name="from", unit=Unit.PRICE, meaning="price of the first order", required=True, bare=True, fixed=True
        ),
        Parameter(name="to", unit=Unit.PRICE, meaning="price of the last order", required=True, bare=True, fixed=True),
        Parameter(
            name="curve",
            unit=Unit.WORD,
            meaning="sizes: even, or growing towards the orders near to or far from the market",
            default="even",
            words=CURVES,
            fixed=True,
        ),
        Parameter(name="post", unit=Unit.SWITCH, meaning="post-only orders", default="on", fixed=True),
        REDUCE,
    )

    def begin(self, seen: Seen, terms: Terms) -> ScaleMemory:
        return ScaleMemory()

    def limit(self, terms: Terms) -> Decimal | None:
        return None  # every rung is its own limit; finishing is asked for by a person

    def decide(self, seen: Seen, terms: Terms, memory: ScaleMemory, paused: bool) -> Decision[ScaleMemory]:
        wants = []
        for rung in rungs(seen, terms):
            left = rung.quantity - seen.state.in_slot.get(rung.slot, ZERO)
            child = seen.child(rung.slot)
            if child is None and left < smallest(seen.instrument, rung.price, terms.on("reduce")):
                continue
            if child is not None and child.remaining > left:
                continue  # the total was made smaller: placed again with what is left
            wants.append(
                Want(
                    slot=rung.slot,
                    quantity=left,
                    price=rung.price,
                    post_only=terms.on("post"),
                    reduce_only=terms.on("reduce"),
                )
            )
        if not wants and not seen.open_children:
            rest = f", {text_of(seen.remaining)} left is below the venue's minimum" if seen.remaining else ""
            return Decision(memory=memory, why="complete", ended=f"complete{rest}")
        why = f"{len(wants)} orders rest, {text_of(seen.state.entry.filled)} of {text_of(seen.quantity)} filled"
        return Decision(memory=memory, wants=tuple(wants), why=why)

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        row = rungs(seen, terms)
        problem = ""
        if seen.quantity % seen.instrument.lot:
            problem = f"quantity {text_of(seen.quantity)} is not a multiple of lot {text_of(seen.instrument.lot)}"
        for rung in row:
            least = smallest(seen.instrument, rung.price, terms.on("reduce"))
            if not problem and rung.quantity < least:
                problem = (
                    f"an order of {text_of(rung.quantity)} at {text_of(rung.price)} is too small: the venue takes at"
                    f" least {text_of(least)}; fewer orders or a larger quantity"
                )
        if len({rung.price for rung in row}) < len(row):
            problem = problem or f"{len(row)} orders do not fit into the range: two would have the same price"
        average = sum((rung.price * rung.quantity for rung in row), ZERO) / max(seen.quantity, seen.instrument.lot)
        lines = [f"{text_of(rung.quantity)} at {text_of(rung.price)}" for rung in row[:10]]
        lines += [f"… {len(row) - 10} more"] if len(row) > 10 else []
        lines.append(f"mean price when all fill: {text_of(round(average, seen.instrument.price_places))}")
        crossing = [rung for rung in row if (rung.price - seen.view.far(seen.side)) * seen.side.sign >= 0]
        warnings = (f"{len(crossing)} of them would cross the book now",) if crossing else ()
        return Preview(lines=tuple(lines), warnings=warnings, problem=problem)


def rungs(seen: Seen, terms: Terms) -> list[Rung]:
    """The row as it should fill in all: exact in sum, multiples of the lot, the rest on the largest."""
    count, instrument = terms.count("into"), seen.instrument
    first, last = Decimal(terms.values["from"]), Decimal(terms.values["to"])
    prices = [
        passive_price(first + (last - first) * index / (count - 1), instrument, seen.side) for index in range(count)
    ]
    weights = _weights(prices, seen.side, terms.word("curve"))
    sizes = _sizes(seen.quantity, weights, instrument)
    return [Rung(f"s{index}", price, size) for index, (price, size) in enumerate(zip(prices, sizes, strict=True))]


def _weights(prices: list[Decimal], side: Side, curve: str) -> list[int]:
    """1, 2, 3… from the side that gets least; the market is above a buyer's row and below a seller's."""
    count = len(prices)
    if curve == "even":
        return [1] * count
    nearest_first = sorted(range(count), key=lambda index: -prices[index] * side.sign)
    ranks = {index: rank for rank, index in enumerate(nearest_first)}
    return [count - ranks[index] if curve == "near" else ranks[index] + 1 for index in range(count)]


def _sizes(quantity: Decimal, weights: list[int], instrument: Instrument) -> list[Decimal]:
    total = sum(weights)
    sizes = [round_down(quantity * weight / total, instrument.lot) for weight in weights]
    largest = max(range(len(sizes)), key=lambda index: weights[index])
    sizes[largest] += quantity - sum(sizes, ZERO)
    return sizes
