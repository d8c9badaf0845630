"""Jackpot: a small ticket on a large leverage, of which no more can be lost than the ticket, everything included.

One entry at the market on isolated margin, of a size that the ticket pays for (``jackpot_size``); then it is a smart
trade that holds what the entry filled: a stop at the venue, the same stop watched here, targets and trailing where
they were asked for. It never adds, neither margin nor quantity. No exit of its own is worse than the bankruptcy price:
beyond it the venue liquidates, and that costs the margin and no more.
"""

from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.algos.algorithm import BASIS_POINTS, SLIP, money_text, taking_price
from jackbot_tui.algos.exits import TRIGGER
from jackbot_tui.algos.guard import SLACK, guard_want, last_stop
from jackbot_tui.algos.jackpot_card import card
from jackbot_tui.algos.jackpot_size import Table, nearer, worst_entry
from jackbot_tui.algos.levels import levels
from jackbot_tui.algos.parameters import Parameter, Terms, Unit, read, time_text
from jackbot_tui.algos.smart import ENTRY, Smart, aim
from jackbot_tui.algos.smart_table import TABLE as SMART_TABLE
from jackbot_tui.algos.smart_trade import SmartMemory, Trade
from jackbot_tui.algos.smart_words import preview as smart_preview
from jackbot_tui.algos.state import (
    Child,
    Decision,
    Finish,
    Kind,
    MarketView,
    Outcome,
    ParentRequest,
    ParentState,
    Preview,
    Seen,
    Want,
)
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import Side, TimeInForce, TriggerBy
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.numbers import ONE, ZERO, text_of

ENTER_WITHIN_NS = 10 * NS_PER_S
"""An entry that could not be sent for so long is not sent any more: the card that was accepted is old."""

ASK_AGAIN_NS = 250 * NS_PER_MS
LOOK_NS = NS_PER_S
"""It looks at its margin, its liquidation price and its funding so often, though no price moves."""

CALL_PART = Decimal("0.9")
"""A margin call is told when the price has gone this part of the way to the liquidation."""

_SMART = {parameter.name: parameter for parameter in SMART_TABLE}


def _hidden(name: str, default: str = "") -> Parameter:
    """A word of smart trades that nobody says of a jackpot."""
    known = _SMART[name]
    return replace(known, default=default or known.default, hidden=True, fixed=True)


class JackpotMemory(SmartMemory, frozen=True, kw_only=True):
    """``paid_before``: what funding of the instrument came to before it began."""

    paid_before: Decimal = ZERO


class Jackpot(Smart):
    """See the module's paragraph."""

    kind = Kind.JACKPOT
    title = (
        "a leveraged bet of which no more than its ticket can be lost: isolated margin, a stop here and at the venue"
    )
    example = "jackpot long 100x ticket 50"
    short = ("jp",)
    memory_type = JackpotMemory
    sizes_itself = True
    isolates = True
    table = (
        Parameter(
            name="leverage",
            unit=Unit.LEVERAGE,
            meaning="leverage, said as 100x; at most what the venue allows for the size",
            low="1",
            high="1000",
            required=True,
            fixed=True,
        ),
        Parameter(
            name="ticket",
            unit=Unit.MONEY,
            meaning="the most that may be lost, margin, fees, slip and funding included, in quote currency",
            required=True,
            bare=True,
            fixed=True,
        ),
        replace(_SMART["sl"], meaning="price of the stop; without it at 70 % of the way to the liquidation"),
        _SMART["tp"],
        _SMART["trail"],
        _SMART["trailtp"],
        _SMART["be"],
        _SMART["time"],
        Parameter(
            name="hold",
            unit=Unit.TIME,
            meaning="how long it is meant to be held: funding and odds on the card are for this time",
            default="8h",
            low="1m",
            high="720h",
            fixed=True,
        ),
        replace(TRIGGER, default="mark"),
        replace(SLIP, default="5", meaning=f"{SLIP.meaning}, in and out"),
        Parameter(
            name="accept",
            unit=Unit.MONEY,
            meaning="the ticket once more, typed after the card was read: without it nothing is sent",
            bare=True,
            fixed=True,
        ),
        _hidden("on"),
        _hidden("price"),
        _hidden("take"),
        _hidden("exit"),
        _hidden("post"),
        _hidden("safety"),
    )
    diagram = (
        "start ──▶ SETTING: isolated margin, leverage ──▶ ENTERING: one order ──▶ STANDING, as a smart trade",
        "              │ not confirmed in 10 s,              │ nothing filled        │ stop, target, ticket used up,",
        "              │ price left the card                 │                       │ stop refused, not isolated",
        "              ▼                                     ▼                       ▼",
        "            FAILED                                FAILED                   OUT",
    )
    notes = (
        "The size is the ticket divided by what one base unit may cost at the worst entry: isolated margin, taker fees"
        " of entry and exit, liquidation fee, slip of the exit. It is rounded down to the lot.",
        "The card comes first. It is sent when the line is typed again with `accept` and the ticket at its end; the"
        " price that was on the card may then be passed by no more than `slip`.",
        "Refused: spot; a position in the instrument; a stop behind the liquidation or through the market; a leverage"
        " that the tier of this size does not allow; a ticket below the venue's smallest size; margin that is not free;"
        " a venue that takes no stops from here; a stop that waits for the mark while none is known.",
        "Margin mode and leverage are set first, and nothing is sent before the venue has confirmed them. Brackets and"
        " the liquidation fee are [our table](PAPER_COSTS.md) where the venue tells none; once it stands, the venue's"
        " own liquidation price counts: one that comes before the stop closes it at once.",
        "One entry, immediate or cancel. What it does not fill is not tried again: a partial entry is the jackpot.",
        "The stop at the venue is reduce-only, woken by `trigger` (the mark; the last trade where the venue knows no"
        " other) and bounded by the bankruptcy price. The same stop is watched here, on the touch while there is no"
        " mark. Refused by gate or venue, the position is closed at once.",
        "It closes by itself when closing would cost the ticket: price, fees and funding together.",
        "No own exit is worse than the bankruptcy price (entry less margin). Beyond it the exit rests there and the"
        " venue liquidates: a gap costs the margin and the fees.",
        "A margin call is told at 90 % of the way to the liquidation. A liquidation is noticed as a position that was"
        " closed from outside, and ends it.",
        "While the book is not LIVE, or the line is down, the stop at the venue stands; when it is back it goes on"
        " watching and says so. After a restart it goes on watching whatever the policy, unless that is `cancel`:"
        " all it can do is close. One that had not entered ends.",
        "Only stops and targets may be edited; a stop never beyond the liquidation. `task finish` closes it;"
        " `task cancel` ends it and leaves the position without its stop.",
    )

    # ------------------------------------------------------------------ before it begins

    def completed(self, request: ParentRequest, instrument: Instrument, view: MarketView) -> ParentRequest:
        """Its worst entry, its stop and its size, from the market as it is. InputError."""
        terms, side = read(self.table, request.values), request.side
        problem = _market_problem(instrument, view)
        if problem:
            raise InputError(problem)
        far = view.far(side)
        entry = worst_entry(far, terms.number("slip"), instrument, side)
        table = _table(instrument, view, side, terms, entry)
        stop = _stop_of(terms)
        if not stop:  # the liquidation hardly hangs on the size, and never within a bracket
            quantity = table.largest(terms.number("ticket"), ZERO)
            stop = table.usual_stop(table.liquidation(quantity, entry))
        quantity = table.largest(terms.number("ticket"), stop)
        values = {**request.values, "price": text_of(entry), "sl": text_of(stop)}
        return replace(request, quantity=quantity, values=values)

    def begin(self, seen: Seen, terms: Terms) -> SmartMemory:
        memory, stakes = super().begin(seen, terms), seen.view.stakes
        return replace(memory, paid_before=ZERO if stakes is None else stakes.funding)

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        entered = seen.state.entry.filled or seen.state.memory.shut
        problem = _market_problem(seen.instrument, seen.view) or _stop_problem(terms)
        problem = problem or ("" if entered else _mark_problem(seen, terms))
        if problem:
            return Preview(lines=(), problem=problem)
        try:
            trade = self.look(seen, terms, seen.state.memory)
            table = _table(seen.instrument, seen.view, seen.side, terms, terms.price("price") or ZERO)
            if entered:
                return _edit(trade, table)
            return self._new(trade, table)
        except InputError as error:
            return Preview(lines=(), problem=str(error))

    def _new(self, trade: Trade, table: Table) -> Preview:
        """The card, with what forbids it."""
        seen, terms = trade.seen, trade.terms
        if not table.entry:
            return Preview(lines=(), problem=f"its size follows from the ticket: {self.example}")
        if (table.far - table.entry) * seen.side.sign > ZERO:
            left = f"the market has left the card: {text_of(table.far)} is beyond {text_of(table.entry)}"
            return Preview(lines=(), problem=f"{left}, look again")
        stop = _stop_of(terms)
        costs = table.unit(stop).times(seen.quantity)
        table.check_tier(seen.quantity, table.unit(stop).total)
        problem = ""
        if costs.total > terms.number("ticket"):
            problem = f"{text_of(seen.quantity)} could cost {money_text(costs.total)}, more than the ticket: look again"
        problem = problem or _position_problem(seen) or _room_problem(trade, table, seen.quantity, table.entry, stop)
        problem = problem or smart_preview(trade).problem
        free = table.stakes.free
        if not problem and free is not None and costs.margin + costs.entry_fee > free:
            problem = f"it needs {money_text(costs.margin + costs.entry_fee)} {seen.instrument.quote}, free are only " \
                      f"{money_text(max(ZERO, free))}"  # fmt: skip
        if problem:
            return Preview(lines=(), problem=problem)
        shown = card(trade, table, costs, stop)
        if terms.number("accept") != terms.number("ticket"):
            wanted = f"to send it type the line again with accept {terms.word('ticket')} at its end: nothing was sent"
            return replace(shown, problem=wanted, card=True)
        return shown

    # ------------------------------------------------------------------ while it runs

    def look(self, seen: Seen, terms: Terms, memory: SmartMemory) -> Trade:
        trade = super().look(seen, terms, memory)
        return trade if trade.price else replace(trade, price=seen.view.far(trade.exits.side))

    def goes_on(self, state: "ParentState[SmartMemory]") -> bool:
        return state.entry.filled > state.exit.filled

    def decide(self, seen: Seen, terms: Terms, memory: SmartMemory, paused: bool) -> Decision[SmartMemory]:
        if not seen.state.entry.filled and seen.child(ENTRY) is None:
            held = self._before_entry(seen, terms, memory)
            if held is not None:
                return held
        decision = super().decide(seen, terms, memory, paused)
        if not seen.state.entry.filled and not decision.ended:
            what = f"enters {text_of(seen.quantity)} at the market, {text_of(seen.view.far(seen.side))} now"
            decision = replace(decision, why=f"{what}, at worst {terms.word('price')}")
        if not decision.ended:
            look = seen.view.now + LOOK_NS
            decision = replace(decision, wake_ns=min(decision.wake_ns or look, look))
        call = _margin_call(seen, terms)
        return replace(decision, alert=call) if call and not decision.alert else decision

    def _before_entry(self, seen: Seen, terms: Terms, memory: SmartMemory) -> Decision[SmartMemory] | None:
        """Why the entry is not sent now, or not any more; None when it may be."""
        leverage, stakes, worst = terms.number("leverage"), seen.view.stakes, terms.word("price")
        ends = seen.state.started_ns + ENTER_WITHIN_NS

        def failed(why: str) -> Decision[SmartMemory]:
            return Decision(memory=memory, why=why, ended=why, failed=True)

        if memory.shut:
            return failed(f"nothing was filled up to {worst}: no position, nothing lost")
        sure = stakes is not None and stakes.isolates(leverage)
        setting = f"isolated margin at {text_of(leverage)}x"
        if seen.view.now >= ends:
            late = f"it could not enter within {time_text(ENTER_WITHIN_NS)}: the card is old, nothing was sent"
            return failed(late if sure else f"the venue did not confirm {setting}: nothing was sent")
        if seen.view.position:
            return failed("a position is there by now: nothing was sent")
        if not sure:
            wake = min(ends, seen.view.now + ASK_AGAIN_NS)
            return Decision(memory=memory, why=f"waits for the venue to confirm {setting}", wake_ns=wake)
        if markless := _mark_problem(seen, terms):
            return Decision(memory=memory, why=f"waits: {markless}", wake_ns=min(ends, seen.view.now + ASK_AGAIN_NS))
        if taking_price(seen, terms.number("slip"), terms.price("price"), seen.side) is None:
            return failed(f"the market has left the card: {text_of(seen.view.far(seen.side))} is beyond {worst}")
        return None

    def entry(self, trade: Trade) -> list[Want]:
        seen, price = trade.seen, trade.terms.price("price")
        if price is None or not trade.may_enter or (seen.state.entry.filled and seen.child(ENTRY) is None):
            return []
        return [Want(slot=ENTRY, quantity=seen.remaining, price=price, tif=TimeInForce.IOC)]

    def ended(self, seen: Seen, child: Child, outcome: Outcome, memory: SmartMemory) -> SmartMemory:
        memory = super().ended(seen, child, outcome, memory)
        return replace(memory, shut=True) if child.slot == ENTRY else memory

    def expects(self, seen: Seen, child: Child, outcome: Outcome) -> bool:
        return child.slot == ENTRY or super().expects(seen, child, outcome)

    def guard(self, trade: Trade) -> Want | None:
        """The stop at the venue, once the entry is over: it is over at once."""
        if trade.seen.child(ENTRY) is not None or trade.memory.unguarded:
            return None
        stop, away = last_stop(trade), trade.exits.trail
        slack = ZERO if away is None else away.at(stop, trade.seen.instrument.tick_at(stop)) / SLACK
        return guard_want(trade, stop, slack, self.worst_exit(trade))

    def worst_exit(self, trade: Trade) -> Decimal | None:
        """The bankruptcy price: the mean entry less the margin, on the tick nearer to the entry."""
        entry, leverage = trade.seen.state.entry.average, trade.terms.number("leverage")
        price = entry - entry / leverage * trade.seen.side.sign
        return max(nearer(price, trade.seen.instrument, trade.seen.side), trade.seen.instrument.tick)

    def to_finish(self, seen: Seen, terms: Terms, memory: SmartMemory) -> Finish:
        finish = super().to_finish(seen, terms, memory)
        return replace(finish, limit=self.worst_exit(self.look(seen, terms, memory)))

    def endangered(self, trade: Trade) -> SmartMemory:
        """Whatever else may cost more than the ticket, or takes its protection away, closes it."""
        memory, stakes, terms = trade.memory, trade.seen.view.stakes, trade.terms
        stop = last_stop(trade)
        why = f"the stop at the venue was refused ({memory.unguarded})" if memory.unguarded else ""
        if stakes is not None:
            mode = stakes.confirmed
            if mode is not None and mode.mode is not MarginMode.ISOLATED:
                why = why or f"the venue says {mode.mode.value} margin, not isolated"
            told = stakes.liquidation
            if told and stop and (told - stop) * trade.seen.side.sign >= ZERO:
                why = (
                    why or f"the venue would liquidate at {text_of(round(told, 8))}, before the stop at {text_of(stop)}"
                )
        used = spent(trade)
        if used >= terms.number("ticket"):
            why = why or f"the ticket of {terms.word('ticket')} is used up: closing now costs {money_text(used)}"
        return aim(trade, ZERO, f"OUT: {why}", stop) if why else memory


# ---------------------------------------------------------------------- figures


def spent(trade: Trade) -> Decimal:
    """What it would have cost if the rest were closed now: price, fees, slip and funding; negative = it earns."""
    seen, memory, side = trade.seen, trade.memory, trade.seen.side
    entry, out, far = seen.state.entry, seen.state.exit, seen.view.far(trade.exits.side)
    rest = (trade.left + memory.lost) * far
    price = (entry.value - out.value - rest) * side.sign
    fees = entry.fees + out.fees + trade.left * far * max(ZERO, seen.instrument.taker_fee)
    slip = trade.left * far * trade.terms.number("slip") / BASIS_POINTS
    stakes = seen.view.stakes
    before = memory.paid_before if isinstance(memory, JackpotMemory) else ZERO
    funding = ZERO if stakes is None else stakes.funding - before
    return price + fees + slip - funding


def _table(instrument: Instrument, view: MarketView, side: Side, terms: Terms, entry: Decimal) -> Table:
    assert view.stakes is not None  # ``_market_problem`` has looked
    return Table(
        instrument=instrument,
        side=side,
        leverage=terms.number("leverage"),
        entry=entry,
        far=view.far(side),
        slip_bp=terms.number("slip"),
        stakes=view.stakes,
    )


def _stop_of(terms: Terms) -> Decimal:
    """The price of the stop, 0 when it was not said. InputError: more than one price, or a part of the position."""
    problem = _stop_problem(terms)
    if problem:
        raise InputError(problem)
    return levels(terms.word("sl"))[0].place.number if terms.word("sl") else ZERO


def _stop_problem(terms: Terms) -> str:
    found = levels(terms.word("sl")) if terms.word("sl") else ()
    if len(found) > 1 or any(each.place.unit or each.percent or each.size for each in found):
        return "sl of a jackpot is one price for all of it, such as sl 60500"
    return ""


def _margin_call(seen: Seen, terms: Terms) -> str:
    """What to tell when little is left to the liquidation, "" otherwise."""
    stakes, entry, view = seen.view.stakes, seen.state.entry.average, seen.view
    if stakes is None or stakes.liquidation is None or not seen.view.position or not entry:
        return ""
    price = view.mark or view.far(seen.side.opposite)
    way = (entry - price) / (entry - stakes.liquidation) if entry != stakes.liquidation else ONE
    if way < CALL_PART:
        return ""
    return f"MARGIN CALL: {text_of(price)} is near the liquidation at {text_of(round(stakes.liquidation, 8))}; " \
           f"no margin is added to a ticket of {terms.word('ticket')}"  # fmt: skip


# ---------------------------------------------------------------------- what forbids it


def _market_problem(instrument: Instrument, view: MarketView) -> str:
    if not instrument.is_perpetual:
        return f"{instrument.symbol} is spot: a jackpot needs a perpetual"
    if not view.live:
        return f"a jackpot begins on a LIVE book: {view.trouble}"
    if view.stakes is None:
        return f"the margin of {instrument.symbol} is not known here"
    return ""


def _mark_problem(seen: Seen, terms: Terms) -> str:
    """Without a mark the gate refuses a stop that waits for it: the jackpot would be closed as soon as it stands."""
    if terms.word("trigger") != "mark" or TriggerBy.MARK not in seen.view.triggers or seen.view.mark:
        return ""
    return f"no mark price of {seen.instrument.symbol} is known now: its stop could not be placed"


def _position_problem(seen: Seen) -> str:
    instrument, position = seen.instrument, seen.view.position
    if position:
        there = f"a position of {text_of(position)} {instrument.base} is there"
        return f"{there}, and isolated margin is for all of it: flatten {instrument.symbol} first"
    if not seen.view.triggers:
        return f"{instrument.venue} takes no stops from here: a jackpot needs one at the venue"
    return ""


def _room_problem(trade: Trade, table: Table, quantity: Decimal, entry: Decimal, stop: Decimal) -> str:
    """The stop must stand between the market and the liquidation."""
    sign, liquidation = trade.seen.side.sign, table.liquidation(quantity, entry)
    tick = trade.seen.instrument.tick_at(stop)
    if liquidation and (stop - liquidation) * sign < tick:
        name = f"the liquidation at about {text_of(nearer(liquidation, trade.seen.instrument, trade.seen.side))}"
        near = text_of(table.usual_stop(liquidation)) if not trade.seen.state.entry.filled else ""
        return f"{name} would come before the stop at {text_of(stop)}" + (
            f": sl {near}, or less leverage" if near else ""
        )
    if (trade.price - stop) * sign <= ZERO:
        word = trade.terms.word("trigger")
        return f"the stop at {text_of(stop)} would act at once, the {word} price is {text_of(trade.price)}: " \
               f"{text_of(table.leverage)}x leaves too little room"  # fmt: skip
    return ""


def _edit(trade: Trade, table: Table) -> Preview:
    """What it would be with other stops and targets."""
    seen, stop = trade.seen, _stop_of(trade.terms)
    if seen.quantity != seen.state.quantity:
        return Preview(lines=(), problem="the size of a jackpot follows from its ticket and never changes")
    if not stop:
        return Preview(lines=(), problem="a jackpot keeps its stop: say where sl shall be")
    problem = _room_problem(trade, table, max(trade.left, seen.instrument.lot), seen.state.entry.average, stop)
    return Preview(lines=(), problem=problem) if problem else smart_preview(trade)
