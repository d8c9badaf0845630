"""All kinds of parent orders by name, and how a machine of one is begun or brought back."""

from typing import Any

from jackbot_tui.algos.algorithm import Algorithm
from jackbot_tui.algos.chase import Chase
from jackbot_tui.algos.exits import Bracket, Oco
from jackbot_tui.algos.iceberg import Iceberg
from jackbot_tui.algos.jackpot import Jackpot
from jackbot_tui.algos.machine import Parent
from jackbot_tui.algos.maker import Maker
from jackbot_tui.algos.parameters import read
from jackbot_tui.algos.prophetic import Prophet
from jackbot_tui.algos.scale import Scale
from jackbot_tui.algos.smart import Smart
from jackbot_tui.algos.state import Arrival, Kind, MarketView, ParentRequest, Preview
from jackbot_tui.algos.tally import first_state, state_from
from jackbot_tui.algos.twap import Twap
from jackbot_tui.algos.vwap import Vwap
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO

_KINDS: tuple[Algorithm[Any], ...] = (
    Maker(),
    Chase(),
    Iceberg(),
    Scale(),
    Bracket(),
    Smart(),
    Jackpot(),
    Oco(),
    Twap(),
    Vwap(),
    Prophet(),
)
ALGORITHMS: dict[Kind, Algorithm[Any]] = {algorithm.kind: algorithm for algorithm in _KINDS}


def preview(request: ParentRequest, instrument: Instrument, view: MarketView, arrival: Arrival) -> Preview:
    """What a parent would do; its ``problem`` says why it cannot begin."""
    algorithm = ALGORITHMS[request.kind]
    try:
        terms = read(algorithm.table, request.values)
    except InputError as error:
        return Preview(lines=(), problem=str(error))
    if not view.live:
        return Preview(lines=(), problem=f"a parent order begins on a LIVE book: {view.trouble}")
    if request.quantity <= ZERO:
        return Preview(lines=(), problem="the quantity must be above 0")
    if "reduce" in terms.values and terms.on("reduce") and not instrument.is_perpetual:
        return Preview(lines=(), problem=f"{instrument.symbol} is spot, which has no reduce-only: leave it out")
    for parameter in algorithm.table:
        if parameter.unit.value == "price" and (price := terms.price(parameter.name)) is not None:
            tick = instrument.tick_at(price)
            if price % tick:
                return Preview(lines=(), problem=f"{parameter.name} {price} is not a multiple of the tick {tick}")
    machine = begin(request, instrument, parent_id="p0", number=0, seed=0, view=view, arrival=arrival)
    return algorithm.preview(machine.seen(view), machine.terms)


def begin(
    request: ParentRequest,
    instrument: Instrument,
    *,
    parent_id: str,
    number: int,
    seed: int,
    view: MarketView,
    arrival: Arrival,
) -> Parent:
    """A new parent. InputError when its terms cannot be taken."""
    algorithm = ALGORITHMS[request.kind]
    state = first_state(algorithm, request, arrival, view.now)
    machine = Parent(algorithm, request, instrument, parent_id=parent_id, number=number, seed=seed, state=state)
    state.memory = algorithm.begin(machine.seen(view), machine.terms)
    return machine


def restore(
    request: ParentRequest, instrument: Instrument, *, parent_id: str, number: int, seed: int, text: str
) -> Parent:
    """A parent as the journal kept it; its children must be told with ``Parent.restore`` next. JournalError."""
    algorithm = ALGORITHMS[request.kind]
    state = state_from(text, algorithm)
    return Parent(algorithm, request, instrument, parent_id=parent_id, number=number, seed=seed, state=state)
