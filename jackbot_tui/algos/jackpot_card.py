"""The risk card of a jackpot: what it would be, what it may cost and how likely, before it is sent. Pure."""

from decimal import Decimal

from jackbot_tui.algos.algorithm import BASIS_POINTS, money_text
from jackbot_tui.algos.jackpot_size import Costs, Table, nearer
from jackbot_tui.algos.parameters import time_text
from jackbot_tui.algos.smart_plan import break_even
from jackbot_tui.algos.smart_trade import Trade
from jackbot_tui.algos.stakes import LEAST_SEEN_S, Volatility
from jackbot_tui.algos.state import Preview
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ONE, ZERO, text_of

HUNDRED = Decimal(100)
HOUR_NS = 3600 * NS_PER_S
USUAL_INTERVAL_H = 8
TIGHT = Decimal("0.2")
"""A stop nearer to the liquidation than this part of the way is warned of."""


def card(trade: Trade, table: Table, costs: Costs, stop: Decimal) -> Preview:
    """All its lines; the first ones are what a narrow screen shows."""
    seen, terms = trade.seen, trade.terms
    instrument, quantity, quote = seen.instrument, seen.quantity, seen.instrument.quote
    exact = table.liquidation(quantity, table.entry)
    liquidation = nearer(exact, instrument, seen.side) if exact else ZERO
    slip = stop * terms.number("slip") / BASIS_POINTS
    at_stop = (abs(table.entry - stop) + slip) * quantity + costs.entry_fee + costs.exit_fee
    word = "long" if seen.side is Side.BUY else "short"
    even = _even(trade, table)
    lines = [
        f"{word} {text_of(quantity)} {instrument.base} at {text_of(table.leverage)}x isolated, worth"
        f" {money_text(quantity * table.entry)} {quote}; at most {money_text(costs.total)} of the ticket of"
        f" {terms.word('ticket')} can be lost",
        f"stop {text_of(stop)} on {terms.word('trigger')}, {_away(table.entry, stop, trade)} from the entry: about"
        f" -{money_text(at_stop)}",
        f"liquidation about {text_of(liquidation)}, {_away(table.entry, liquidation, trade)}"
        if liquidation
        else "no price of the mark liquidates it",
        f"worst case with a gap -{money_text(costs.with_gap)}: the isolated margin {money_text(costs.margin)} and fees",
        f"enters at the market, {text_of(table.far)} now, {_worst(seen.side)} {text_of(table.entry)}; fees"
        f" {money_text(costs.entry_fee)} in, {money_text(costs.exit_fee)} out, liquidation up to"
        f" {money_text(costs.liquidation_fee)}, slip {money_text(costs.slip)}",
        f"break-even {text_of(even)}, {_away(table.entry, even, trade)}",
        _funding(trade, table),
        _odds(trade, table, stop, liquidation, even),
    ]
    warnings = []
    if liquidation and abs(stop - liquidation) < abs(table.entry - liquidation) * TIGHT:
        warnings.append("the stop is close to the liquidation: a fast move goes through both at once")
    warnings.append(
        "brackets and liquidation fee are our table where the venue tells none; its own may differ a little"
    )
    return Preview(lines=tuple(lines), warnings=tuple(warnings))


def _away(entry: Decimal, price: Decimal, trade: Trade) -> str:
    """``240 ticks (0.40%)``."""
    tick = trade.seen.instrument.tick_at(entry)
    share = abs(price - entry) / entry * HUNDRED
    return f"{abs(price - entry) / tick:.0f} ticks ({share:.2f}%)"


def _worst(side: Side) -> str:
    return "never above" if side is Side.BUY else "never below"


def _even(trade: Trade, table: Table) -> Decimal:
    return break_even(trade.seen, trade.terms, table.entry)


def _funding(trade: Trade, table: Table) -> str:
    """What funding until ``hold`` would come to at the rate of now."""
    stakes, hold, seen = table.stakes, trade.terms.time("hold"), trade.seen
    if not stakes.next_funding_ns:
        return "funding: no rate is known now"
    interval = (seen.instrument.funding_interval_h or USUAL_INTERVAL_H) * HOUR_NS
    times = 0 if hold < stakes.next_funding_ns else 1 + (hold - stakes.next_funding_ns) // interval
    amount = -stakes.funding_rate * seen.quantity * table.entry * seen.side.sign * times
    rate = f"{stakes.funding_rate * HUNDRED:.4f}%"
    often = "once" if times == 1 else f"{times} times"
    return f"funding until {time_text(hold)}: {often} at {rate} as now, {amount:+.2f} {seen.instrument.quote}"


def _odds(trade: Trade, table: Table, stop: Decimal, liquidation: Decimal, even: Decimal) -> str:
    """How likely stop and liquidation are within ``hold``, and how that was computed."""
    moves = table.stakes.volatility
    if moves is None:
        return f"odds: not known, the tape was seen for less than {LEAST_SEEN_S // 60} minutes"
    hold = trade.terms.time("hold")
    seconds, price = hold / NS_PER_S, float(trade.price)
    parts = [f"stop {_percent(moves, price, stop, seconds)}"]
    if liquidation:
        parts.append(f"liquidation {_percent(moves, price, liquidation, seconds)} without the stop")
    down, up = abs(trade.price - stop), max(ZERO, (even - trade.price) * trade.seen.side.sign)
    before = up / (up + down) if up + down else ONE
    parts.append(f"stop before break-even {before * 100:.0f}%")
    return (
        f"odds within {time_text(hold)}: {', '.join(parts)} (a random walk without drift or jumps,"
        f" {moves.hourly * 100:.2f}% an hour as in the last {moves.seen_s / 60:.0f} minutes)"
    )


def _percent(moves: Volatility, price: float, level: Decimal, seconds: float) -> str:
    return f"{moves.touches(price, float(level), seconds) * 100:.0f}%"
