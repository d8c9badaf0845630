"""A smart trade in words: what it does now, what it would do, what that may cost, and what forbids it."""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.algos.algorithm import BASIS_POINTS, capped, money_text, size_problem, smallest
from jackbot_tui.algos.guard import safety_of, trigger_of
from jackbot_tui.algos.smart_plan import Rung, break_even, on_position, part_now, taken_off, whole_of
from jackbot_tui.algos.smart_trade import Trade
from jackbot_tui.algos.state import GUARD, Preview
from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ZERO, round_down, text_of

LOCAL = "stops are watched in this engine: nothing watches them while it is down or the book is not LIVE"
GAP = "a gap through a stop is filled where the market is, not at the stop"
MAY_MISS = "a limit exit does not follow the market: beyond its slip it rests and may not fill"


# ---------------------------------------------------------------------- while it runs


def standing(trade: Trade) -> str:
    """What is in, which exits stand, and where the watched price is."""
    seen, exits = trade.seen, trade.exits
    parts = [_inside(trade)]
    open_takes = [
        f"{text_of(rung.price)} for {text_of(size)}{_kept(trade, rung.price)}"
        for n, (rung, size) in enumerate(zip(exits.takes, trade.target_sizes, strict=True))
        if size and n not in trade.memory.takes_done
    ]
    stops = [text_of(exits.stops[n].price) for n in trade.open_stops]
    stops += [f"trailing {text_of(trade.trail_stop)}"] if trade.trail_stop else []
    stops += [f"give-back {text_of(trade.lock_stop)}"] if trade.lock_stop else []
    stops += [f"break-even {text_of(trade.even_price)}"] if trade.memory.even else []
    if stops:
        parts.append(f"stop {', '.join(stops)}")
    if exits.lock_from is not None and not trade.lock_stop:
        parts.append(f"trails its profit from {text_of(exits.lock_from)}")
    trigger = trade.terms.word("trigger")
    parts.append(f"{trigger} {text_of(trade.price)}" if trade.price else f"no {trigger} price now")
    if open_takes and trade.left:
        parts.append(f"targets {', '.join(open_takes)}")
    guard = seen.child(GUARD)
    if guard is not None:
        does = "waits at the venue" if guard.accepted_ns else "is sent"
        parts.append(f"#{guard.number} {does} at {text_of(guard.price)}")
    if seen.open_children and any(child.cancel_ns for child in seen.open_children):
        parts.append("waits for a cancel")
    return "; ".join(parts)


def _kept(trade: Trade, price: Decimal) -> str:
    return " kept here" if trade.terms.word("take") == "rest" and trade.is_kept_here(price) else ""


def _inside(trade: Trade) -> str:
    seen = trade.seen
    if trade.left >= trade.least or on_position(trade.terms):
        entering = f", {text_of(seen.remaining)} still to enter" if trade.may_enter else ""
        beside = f", {text_of(trade.memory.beside)} beside it not covered" if trade.memory.beside else ""
        return f"{text_of(trade.left)} in{entering}{beside}"
    at = trade.terms.price("price")
    return f"waits to enter at {text_of(at)}" if at else "enters at the market"


# ---------------------------------------------------------------------- before it is sent


class Outcome(Struct, frozen=True):
    """Money of exits in quote currency: what price makes (loss negative), and fees."""

    gross: Decimal
    fees: Decimal
    quantity: Decimal

    @property
    def net(self) -> Decimal:
        return self.gross - self.fees


def preview(trade: Trade) -> Preview:
    """What it would do in the market as it is; for an edit, what it would do with what is left."""
    problem = _problem(trade)
    if problem:
        return Preview(lines=(), problem=problem)
    entry, quantity = _entry_price(trade), _quantity(trade)
    quote = trade.seen.instrument.quote
    gain, loss = _targets(trade, entry, quantity), _stopped(trade, entry, quantity)
    figures: list[str] = []
    safety = safety_of(trade)
    warnings = [] if safety else [LOCAL]
    warnings += [GAP if trade.terms.word("exit") == "market" else MAY_MISS]
    if loss.quantity:
        figures.append(
            f"worst case {money_text(loss.net)} {quote} at the stop, with slip and fees of {money_text(loss.fees)}"
        )
    if loss.quantity < quantity:
        warnings.insert(0, f"{text_of(quantity - loss.quantity)} has no stop: what it may lose has no bound here")
    if gain.quantity:
        ratio = f", reward to risk {gain.net / -loss.net:.2f}" if loss.net < ZERO and loss.quantity == quantity else ""
        figures.append(f"targets make {money_text(gain.net)} after fees{ratio}")
        if gain.net <= ZERO:
            warnings.insert(0, "the targets do not earn their fees")
    figures.append(f"break-even {text_of(_even(trade, entry))} with fees")
    lines = [_entry_line(trade, entry, quantity), *_target_lines(trade, entry, quantity), *_stop_lines(trade, entry)]
    if safety is not None:
        lines.append(f"a stop at the venue {safety.text} behind the last one, for all that is left")
    lines[:0] = figures  # a narrow screen shows the beginning
    return Preview(lines=tuple(lines), warnings=tuple(warnings))


def _quantity(trade: Trade) -> Decimal:
    """What the exits would be for: everything, less what is gone already."""
    gone = taken_off(trade.seen, trade.terms) + trade.memory.lost
    return max(ZERO, trade.seen.quantity - gone)


def _entry_price(trade: Trade) -> Decimal:
    seen = trade.seen
    if on_position(trade.terms):
        return trade.memory.entry or trade.memory.reference
    if seen.state.entry.filled:
        return seen.state.entry.average
    return capped(seen.view.far(seen.side), trade.terms.price("price"), seen.side)


def _even(trade: Trade, entry: Decimal) -> Decimal:
    return break_even(trade.seen, trade.terms, entry)


def _entry_fee(trade: Trade) -> Decimal:
    """Fee of the entry, as a fraction: that of a maker where it is post-only."""
    instrument = trade.seen.instrument
    return instrument.maker_fee if trade.terms.on("post") else instrument.taker_fee


def _money(trade: Trade, entry: Decimal, quantity: Decimal, price: Decimal, fee: Decimal) -> Outcome:
    """An exit of ``quantity`` at ``price``, with its part of the entry's fee."""
    gross = (entry - price) * trade.exits.side.sign * quantity
    return Outcome(gross, quantity * (entry * _entry_fee(trade) + price * fee), quantity)


def _sum(found: list[Outcome]) -> Outcome:
    return Outcome(
        sum((each.gross for each in found), ZERO),
        sum((each.fees for each in found), ZERO),
        sum((each.quantity for each in found), ZERO),
    )


def _parts(rungs: tuple[Rung, ...], done: tuple[int, ...], quantity: Decimal, lot: Decimal) -> list[Decimal]:
    """What each level would take when they are reached one after the other."""
    parts: list[Decimal] = []
    left, before = quantity, list(done)
    for n in range(len(rungs)):
        if n in done:
            parts.append(ZERO)
            continue
        taken = part_now(rungs, tuple(before), (n,), left)
        taken = left if taken == left else round_down(taken, lot)
        parts.append(taken)
        left -= taken
        before.append(n)
    return parts


def _targets(trade: Trade, entry: Decimal, quantity: Decimal) -> Outcome:
    instrument = trade.seen.instrument
    fee = instrument.maker_fee if trade.terms.word("take") == "rest" else instrument.taker_fee
    parts = _target_parts(trade, quantity)
    return _sum(
        [_money(trade, entry, part, rung.price, fee) for rung, part in zip(trade.exits.takes, parts, strict=True)]
    )


def _target_parts(trade: Trade, quantity: Decimal) -> list[Decimal]:
    if trade.terms.word("take") == "rest" and whole_of(trade.seen, trade.terms) == trade.seen.quantity:
        return trade.target_sizes
    return _parts(trade.exits.takes, trade.memory.takes_done, quantity, trade.seen.instrument.lot)


def _first_stop(trade: Trade, entry: Decimal) -> Decimal:
    """Where the trailing stop stands, or would stand at the entry; 0 without one."""
    away = trade.exits.trail
    if trade.trail_stop or away is None:
        return trade.trail_stop
    peak = trade.price if on_position(trade.terms) and trade.price else entry
    return trade.behind(away, peak)


def _stopped(trade: Trade, entry: Decimal, quantity: Decimal) -> Outcome:
    """All that is left taken off at the stops, as far as they reach, with the slip."""
    exits, instrument = trade.exits, trade.seen.instrument
    found: list[Outcome] = []
    left = quantity
    always = [_first_stop(trade, entry)] if exits.trail else []
    always += [trade.even_price] if trade.memory.even else []
    always = [price for price in always if price]
    nearest = min(always, key=lambda price: -price * -exits.side.sign, default=None)
    slip = trade.terms.number("slip") / BASIS_POINTS

    def out(price: Decimal, part: Decimal) -> None:
        found.append(_money(trade, entry, part, price + price * slip * exits.side.sign, instrument.taker_fee))

    parts = _parts(exits.stops, trade.memory.stops_done, quantity, instrument.lot)
    for rung, part in zip(exits.stops, parts, strict=True):
        if nearest is not None and exits.behind(rung.price, nearest):
            break
        out(rung.price, part)
        left -= part
    if nearest is not None and left > ZERO:
        out(nearest, left)
    return _sum(found)


# ---------------------------------------------------------------------- lines


def _entry_line(trade: Trade, entry: Decimal, quantity: Decimal) -> str:
    seen = trade.seen
    if on_position(trade.terms):
        return f"takes over {text_of(quantity)} of the position from {text_of(_short(trade, entry))}"
    if seen.state.entry.filled:
        return f"{text_of(seen.state.entry.filled)} of {text_of(seen.quantity)} entered at {_short(trade, entry)}"
    at = trade.terms.price("price")
    how = f"at {text_of(at)}" if at else f"at the market, {text_of(seen.view.far(seen.side))} now"
    return f"enters {text_of(seen.quantity)} {how}"


def _short(trade: Trade, price: Decimal) -> Decimal:
    return round(price, trade.seen.instrument.price_places + 2).normalize() if price else price


def _target_lines(trade: Trade, entry: Decimal, quantity: Decimal) -> list[str]:
    parts = _target_parts(trade, quantity)
    way = -trade.exits.side.sign
    return [
        f"target {text_of(rung.price)}: {text_of(part)}, {money_text((rung.price - entry) * way * part)} before fees"
        f"{', kept here until the market is near' if _kept(trade, rung.price) else ''}"
        for rung, part in zip(trade.exits.takes, parts, strict=True)
        if part
    ]


def _stop_lines(trade: Trade, entry: Decimal) -> list[str]:
    exits, terms = trade.exits, trade.terms
    parts = _parts(exits.stops, trade.memory.stops_done, _quantity(trade), trade.seen.instrument.lot)
    lines = [
        f"stop {text_of(rung.price)} on {terms.word('trigger')}: {text_of(part)}"
        for rung, part in zip(exits.stops, parts, strict=True)
        if part
    ]
    if exits.trail:
        first = text_of(_first_stop(trade, entry))
        lines.append(f"trailing stop {exits.trail.text} behind the best price, {first} at first")
    if exits.lock_from is not None and exits.giveback is not None:
        lines.append(f"from {text_of(exits.lock_from)} on it may give back {exits.giveback.text}")
    if terms.word("be"):
        lines.append(f"after target {terms.word('be')} the stop moves to break-even")
    return [*lines, f"out after {terms.word('time')}"] if terms.word("time") else lines


# ---------------------------------------------------------------------- what forbids it


def _problem(trade: Trade) -> str:
    """Why it cannot begin, or go on with these terms; "" when it can."""
    seen, terms = trade.seen, trade.terms
    if not any(terms.word(name) for name in ("tp", "sl", "trail", "trailtp", "time")):
        return "no exit was given: say tp, sl, trail, trailtp or time"
    if on_position(terms) and terms.word("price"):
        return "a price is for an entry, and smart position has none: leave it out"
    return (
        size_problem(seen, _entry_price(trade), reduce_only=on_position(terms) and trade.exits.reduce_only)
        or _position_problem(trade)
        or _time_problem(trade)
        or _tick_problem(trade)
        or _side_problem(trade)
        or _part_problem(trade)
        or _even_problem(trade)
        or _safety_problem(trade)
    )


def _position_problem(trade: Trade) -> str:
    """What the account holds must be there to be taken off, or must not stand against the entry."""
    seen, terms, position = trade.seen, trade.terms, trade.seen.view.position
    symbol, side = seen.instrument.symbol, trade.exits.side
    if not on_position(terms):
        if seen.side is Side.SELL and not seen.instrument.is_perpetual:
            return f"{symbol} is spot, which has no short position: smart position takes over what is held"
        if position * seen.side.sign < ZERO and not seen.state.entry.filled:
            there = "short" if position < ZERO else "long"
            return (
                f"a {there} position of {text_of(abs(position))} is there, which this entry would only make smaller:"
                " flatten it first, or say smart position"
            )
        return ""
    held = max(ZERO, -position * side.sign)
    wanted = seen.quantity - taken_off(seen, terms) - seen.state.memory.lost
    if not held:
        return f"no {'long' if side is Side.SELL else 'short'} position in {symbol} to exit"
    if wanted > held:
        return f"the position is only {text_of(held)}, not {text_of(wanted)}"
    return ""


def _time_problem(trade: Trade) -> str:
    span, began = trade.terms.time("time"), trade.seen.state.started_ns
    if span and began and trade.seen.view.now >= began + span:
        return f"time {trade.terms.word('time')} is up already: task finish exits now"
    return ""


def _tick_problem(trade: Trade) -> str:
    exits, instrument = trade.exits, trade.seen.instrument
    named = [("tp", rung.price) for rung in exits.takes] + [("sl", rung.price) for rung in exits.stops]
    named += [("trailtp", exits.lock_from)] if exits.lock_from is not None else []
    for name, price in named:
        if price <= ZERO:
            return f"{name}: that is {text_of(price)}, a price is above 0"
        tick = instrument.tick_at(price)
        if price % tick:
            return f"{name} {text_of(price)} is not a multiple of the tick {text_of(tick)}"
    for name, rungs in (("tp", exits.takes), ("sl", exits.stops)):
        prices = [rung.price for rung in rungs]
        twice = next((price for price in prices if prices.count(price) > 1), None)
        if twice is not None:
            return f"{name}: two levels are at {text_of(twice)}"
    return ""


def _side_problem(trade: Trade) -> str:
    """Targets lie where profit is, stops where loss is, and nothing may trigger at once."""
    exits, terms, seen = trade.exits, trade.terms, trade.seen
    entered, price, at = trade.left >= trade.least, trade.price, terms.price("price")
    if not price:
        return f"no {terms.word('trigger')} price of {seen.instrument.symbol} is known now: choose another trigger"
    takes_from = price if entered else _entry_price(trade)
    stops_from = price if entered else capped(price, at, seen.side)

    def named(level: Decimal) -> str:
        return (
            f"the {terms.word('trigger')} price {text_of(level)}" if level == price else f"the entry {text_of(level)}"
        )

    above, below = ("above", "below") if exits.side is Side.SELL else ("below", "above")
    taken = trade.filled_takes
    for n, rung in enumerate(exits.takes):
        if exits.behind(rung.price, takes_from) and not taken[n] and n not in trade.memory.takes_done:
            return f"tp {text_of(rung.price)} must be {above} {named(takes_from)}"
    if exits.lock_from is not None and not trade.memory.lock_peak and exits.behind(exits.lock_from, takes_from):
        return f"trailtp {text_of(exits.lock_from)} must be {above} {named(takes_from)}"
    for n in trade.open_stops:
        if exits.beyond(exits.stops[n].price, stops_from):
            return f"sl {text_of(exits.stops[n].price)} must be {below} {named(stops_from)}"
    for name, stop in (("trail", trade.trail_stop), ("trailtp", trade.lock_stop)):
        if entered and stop and exits.behind(trade.price, stop):
            return f"{name} would stand at {text_of(stop)} and exit at once: {named(price)}"
    return ""


def _part_problem(trade: Trade) -> str:
    """No level may be smaller than what the venue takes."""
    exits, quantity, lot = trade.exits, _quantity(trade), trade.seen.instrument.lot
    for name, rungs, done in (
        ("tp", exits.takes, trade.memory.takes_done),
        ("sl", exits.stops, trade.memory.stops_done),
    ):
        if trade.seen.state.entry.filled:
            break  # later what has become too small is folded
        for n, (rung, part) in enumerate(zip(rungs, _parts(rungs, done, quantity, lot), strict=True)):
            least = smallest(trade.seen.instrument, rung.price, exits.reduce_only)
            if part < least and n not in done:
                return (
                    f"{name} {text_of(rung.price)} would be {text_of(part)}: the venue takes at least"
                    f" {text_of(least)}; fewer levels or larger sizes"
                )
    return ""


def _even_problem(trade: Trade) -> str:
    after, rungs = trade.terms.count("be"), len(trade.exits.takes)
    if after > rungs:
        have = "no take-profit level" if not rungs else f"{rungs} take-profit level{'s' if rungs > 1 else ''}"
        return f"be {after}: there {'is' if rungs < 2 else 'are'} {have}"
    return ""


def _safety_problem(trade: Trade) -> str:
    """A stop at the venue needs a venue that has them, and a stop to stand behind."""
    away = safety_of(trade)
    if away is None:
        return ""
    instrument, terms = trade.seen.instrument, trade.terms
    if not instrument.is_perpetual:
        return f"safety is for perpetuals, {instrument.symbol} is spot: leave it out"
    if trigger_of(trade) is None:
        return f"{instrument.venue} takes no stops from here: leave safety out"
    if not terms.word("sl") and not terms.word("trail"):
        return "safety stands behind a stop: say sl or trail"
    return ""
