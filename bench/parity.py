"""Our fills against hftbacktest's, order by order: same session, same orders, nine queue settings.

``python -m bench.parity CAPTURE [CAPTURE …] --tick T --lot L`` prints the table and ends with status 1 when a single
order differs in its final status or in the exchange's time of it. Every 0.4 s one post-only buy joins the best bid and
one sell the best ask; both are canceled 3 s later; order latency is constant, feed latency the recorded one.

hftbacktest is driven through the functions its shared library exports for its own Python binding: nothing of ours takes
part in its answers but the market data, which both sides read as one list of changes.
"""

import argparse
import ctypes
import sys
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from bench.report import Options, Report, Table, machine, text_of
from jackbot_tui.backtest.honesty import LATENCY_NS, join_the_touch, schedule
from jackbot_tui.backtest.recorded import MarketChange, RecordedMarket, record_market
from jackbot_tui.backtest.venue_time import VenueTimeline
from jackbot_tui.execution.paper.queue_models import SETTINGS
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import MarketKind, OrderStatus, Side
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.model.instrument import Instrument

Outcome = tuple[str, int]
"""Final status of an order and the exchange's time of it, nanoseconds."""


class Comparison(Struct, frozen=True):
    """One queue setting: every order's outcome in both engines."""

    queue: str
    ours: list[Outcome]
    theirs: list[Outcome]

    @property
    def equal(self) -> int:
        return sum(a == b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def differences(self) -> list[tuple[int, Outcome, Outcome]]:
        return [(number, a, b) for number, (a, b) in enumerate(zip(self.ours, self.theirs, strict=True)) if a != b]


def compare(recorded: RecordedMarket, queues: Sequence[str] = SETTINGS) -> list[Comparison]:
    """Run both engines over the session."""
    ours, theirs = our_outcomes(recorded, queues), their_outcomes(recorded, queues)
    return [Comparison(queue, ours[queue], theirs[queue]) for queue in queues]


def with_steps(recorded: RecordedMarket, tick: Decimal, lot: Decimal) -> RecordedMarket:
    """The session of an instrument with these steps: captures seldom hold them."""
    instrument = msgspec.structs.replace(recorded.instrument, tick=tick, lot=lot, min_qty=lot)
    return RecordedMarket(instrument, recorded.changes)


def beginning(recorded: RecordedMarket, seconds: float) -> RecordedMarket:
    """Only so much of the session."""
    end = recorded.changes[0].local_ns + int(seconds * NS_PER_S)
    return RecordedMarket(recorded.instrument, [change for change in recorded.changes if change.local_ns <= end])


# ---------------------------------------------------------------------- our engine


def our_outcomes(recorded: RecordedMarket, queues: Sequence[str]) -> dict[str, list[Outcome]]:
    timeline = VenueTimeline(recorded, queues, entry_ns=LATENCY_NS, response_ns=LATENCY_NS)
    join_the_touch(timeline, recorded.instrument.lot)
    return {queue: [(s.status.value, s.venue_ns) for s in timeline.states(queue).values()] for queue in queues}


# ---------------------------------------------------------------------- hftbacktest


def their_outcomes(recorded: RecordedMarket, queues: Sequence[str]) -> dict[str, list[Outcome]]:
    session = rows_of_session(recorded)
    return {queue: outcomes_of_rows(recorded.instrument, *session, queue) for queue in queues}


def outcomes_of_rows(instrument: Instrument, rows: Any, first_ns: int, last_ns: int, queue: str) -> list[Outcome]:
    from hftbacktest import BacktestAsset, binding, build_hashmap_backtest
    from hftbacktest.order import CANCELED, EXPIRED, FILLED, GTX, LIMIT, NEW, NONE

    words = {
        NEW: OrderStatus.NEW.value,
        EXPIRED: OrderStatus.EXPIRED.value,
        FILLED: OrderStatus.FILLED.value,
        CANCELED: OrderStatus.CANCELED.value,
    }
    asset = (
        BacktestAsset()
        .data(rows)
        .linear_asset(1.0)
        .constant_order_latency(LATENCY_NS, LATENCY_NS)
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(float(instrument.tick))
        .lot_size(float(instrument.lot))
        .last_trades_capacity(0)
    )
    engine = build_hashmap_backtest([_with_queue(asset, queue)])
    lot = float(instrument.lot)
    try:
        _check(binding.hashmapbt_elapse(engine, 0))
        orders, depth = binding.hashmapbt_orders(engine, 0), binding.hashmapbt_depth(engine, 0)
        sent: dict[int, list[int]] = {}
        numbers: list[int] = []
        for step in schedule(first_ns, last_ns):
            _check(binding.hashmapbt_elapse(engine, step.at - binding.hashmapbt_current_timestamp(engine)))
            if step.cancel:
                for number in sent[step.number]:
                    order = _order(binding.orders_get(orders, number))
                    if order["status"] == NEW and order["req"] == NONE:
                        _check(binding.hashmapbt_cancel(engine, 0, number, False))
                continue
            sent[step.number] = []
            for submit, price in (
                (binding.hashmapbt_submit_buy_order, binding.hashmapdepth_best_bid(depth)),
                (binding.hashmapbt_submit_sell_order, binding.hashmapdepth_best_ask(depth)),
            ):
                if price == price:  # not NaN: there is a best price
                    number = len(numbers)
                    numbers.append(number)
                    sent[step.number].append(number)
                    _check(submit(engine, 0, number, price, lot, GTX, LIMIT, False))
        _check(binding.hashmapbt_elapse(engine, last_ns - binding.hashmapbt_current_timestamp(engine)))
        found = [_order(binding.orders_get(orders, number)) for number in numbers]
        return [(words[int(order["status"])], int(order["exch_timestamp"])) for order in found]
    finally:
        binding.hashmapbt_close(engine)


def _with_queue(asset: Any, queue: str) -> Any:
    family, _, exponent = queue.partition(":")
    models: dict[str, Callable[[], Any]] = {
        "risk_averse": asset.risk_adverse_queue_model,
        "power": lambda: asset.power_prob_queue_model(float(exponent)),
        "power2": lambda: asset.power_prob_queue_model2(float(exponent)),
        "power3": lambda: asset.power_prob_queue_model3(float(exponent)),
        "log": asset.log_prob_queue_model,
        "log2": asset.log_prob_queue_model2,
    }
    return models[family]()


def _check(code: int) -> None:
    if code != 0:
        raise RuntimeError(f"hftbacktest answered {code}: 1 is the end of its data, anything else an error of its own")


def _order(pointer: int) -> Any:
    from hftbacktest.types import order_dtype

    raw = (ctypes.c_char * order_dtype.itemsize).from_address(pointer)
    return np.frombuffer(raw, order_dtype)[0].copy()


def rows_of_session(recorded: RecordedMarket) -> tuple[Any, int, int]:
    """The session as hftbacktest's event array: the venue's timeline, then ours; and its ends in local time."""
    from hftbacktest.types import EXCH_EVENT, LOCAL_EVENT, event_dtype

    shift = recorded.clock_error_ns
    by_venue = sorted(recorded.changes, key=lambda change: change.venue_ns)
    rows = [row for change in by_venue for row in _rows_of(change, EXCH_EVENT, shift)]
    rows += [row for change in recorded.changes for row in _rows_of(change, LOCAL_EVENT, shift)]
    first_ns = recorded.changes[0].local_ns + shift
    last_ns = min(by_venue[-1].venue_ns, recorded.changes[-1].local_ns + shift)
    return np.array(rows, event_dtype), first_ns, last_ns


def _rows_of(
    change: MarketChange, timeline: int, shift: int
) -> Iterator[tuple[int, int, int, float, float, int, int, float]]:
    from hftbacktest.types import BUY_EVENT, DEPTH_EVENT, SELL_EVENT, TRADE_EVENT

    local = change.local_ns + shift
    trade = change.trade
    if trade is not None:
        side = BUY_EVENT if trade.side is Side.BUY else SELL_EVENT
        yield TRADE_EVENT | side | timeline, change.venue_ns, local, trade.price, trade.size, 0, 0, 0.0
    for levels, side in ((change.bids, BUY_EVENT), (change.asks, SELL_EVENT)):
        for price, size in levels:
            yield DEPTH_EVENT | side | timeline, change.venue_ns, local, price, size, 0, 0, 0.0


# ---------------------------------------------------------------------- what it says


def report_of(recorded: RecordedMarket, comparisons: Sequence[Comparison]) -> Report:
    rows: list[tuple[str | float, ...]] = []
    for each in comparisons:
        counts = [sum(status == wanted for status, _ in each.ours) for wanted in ("filled", "canceled", "expired")]
        total = len(each.ours)
        verdict = "equal" if each.equal == total else f"{total - each.equal} DIFFER"
        rows.append((each.queue, *(str(count) for count in (total, *counts, each.equal)), verdict))
    table = Table(
        f"{recorded.instrument.key}, {recorded.events:,} normalised events, constant order latency 10 ms + 10 ms",
        ("queue model", "orders", "filled", "canceled", "expired", "equal", ""),
        rows,
        notes=("final status and exchange time of every order, ours against hftbacktest's NoPartialFill exchange",),
    )
    return Report("parity", [table], machine("hftbacktest"))


def run(options: Options) -> Report:
    """As one of the benchmarks: on the recorded USD-M session."""
    path = options.recorded / "binance" / "linear" / "btcusdt_20240808.jsonl.gz"
    recorded = with_steps(record_market([path], "binance", MarketKind.LINEAR), Decimal("0.1"), Decimal("0.001"))
    return report_of(recorded, compare(recorded))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.parity", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("captures", nargs="+", type=Path, metavar="CAPTURE")
    parser.add_argument("--tick", type=Decimal, required=True, help="price step")
    parser.add_argument("--lot", type=Decimal, required=True, help="quantity step, base units")
    parser.add_argument("--venue", default="binance")
    parser.add_argument("--market", default="linear", choices=[kind.value for kind in MarketKind])
    parser.add_argument("--symbol", default=None, help="unified symbol, if the capture holds several")
    parser.add_argument("--seconds", type=float, default=0.0, help="only so much of the session (default: all)")
    chosen = parser.parse_args(arguments)
    try:
        recorded = record_market(chosen.captures, chosen.venue, MarketKind(chosen.market), chosen.symbol)
    except JackbotError as error:
        print(f"bench parity: {error}", file=sys.stderr)
        return 2
    recorded = with_steps(recorded, chosen.tick, chosen.lot)
    if chosen.seconds:
        recorded = beginning(recorded, chosen.seconds)
    comparisons = compare(recorded)
    print(text_of(report_of(recorded, comparisons)))
    differing = [(each.queue, *difference) for each in comparisons for difference in each.differences]
    for queue, number, ours, theirs in differing[:20]:
        print(f"  {queue}: order {number}: ours {ours[0]} at {ours[1]}, hftbacktest {theirs[0]} at {theirs[1]}")
    return 1 if differing or not any(each.ours for each in comparisons) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
