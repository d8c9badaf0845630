"""What ``status``, ``positions``, ``orders``, ``fills``, ``book``, ``limits`` and ``connections`` answer.

Lines for people and data for programs say the same; data holds decimal text, nanoseconds and plain words only.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import to_builtins
from msgspec.structs import asdict

from jackbot_tui.desk import commands as c
from jackbot_tui.desk.accounts import account
from jackbot_tui.desk.parent_words import parents_report
from jackbot_tui.desk.pictures import budget_views, limit_views, order_view, position_view
from jackbot_tui.desk.ports import EnginePort, HostFigures
from jackbot_tui.desk.proof import proof_of_kill
from jackbot_tui.desk.settling import HEAD, difference_data, difference_rows
from jackbot_tui.desk.views import ConnectionView, is_far
from jackbot_tui.desk.why import assumptions, fill_view, honesty
from jackbot_tui.desk.words import data_of_order, money, signed_money, working_words
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.numbers import float_text, text_of

if TYPE_CHECKING:
    from jackbot_tui.book.market import InstrumentMarket
    from jackbot_tui.desk.desk import Desk

Report = tuple[list[str], dict[str, object]]

USUAL_FILLS = 20
USUAL_LEVELS = 10


def show(command: c.Show, desk: "Desk", active: str) -> Report:
    """Lines and data of one topic; ``active`` is the client's instrument."""
    match command.topic:
        case c.Topic.STATUS:
            return _status(desk, active)
        case c.Topic.POSITIONS:
            return _positions(desk.engine)
        case c.Topic.ORDERS:
            return _orders(desk.engine)
        case c.Topic.FILLS:
            return _fills(desk.engine, command.count or USUAL_FILLS)
        case c.Topic.BOOK:
            return _book(desk.engine, command.key or active, command.count or USUAL_LEVELS)
        case c.Topic.LIMITS:
            return _limits(desk.engine)
        case c.Topic.CONNECTIONS:
            return _connections(desk)
        case c.Topic.PARENTS:
            return parents_report(desk.engine)
        case c.Topic.HONESTY:
            return honesty(desk.engine, active)
        case c.Topic.RECONCILE:
            return _reconcile(desk.engine)
        case c.Topic.ACCOUNT:
            return account(desk.engine, table)
        case c.Topic.KILLED:
            return proof_of_kill(desk.engine)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell; numbers to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = []
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if _is_number(cell) else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _is_number(cell: str) -> bool:
    return cell.lstrip("+-")[:1].isdigit()


def _time(ns: int) -> str:
    moment = datetime.fromtimestamp(ns // NS_PER_S, UTC)
    return f"{moment:%H:%M:%S}.{ns // NS_PER_MS % 1000:03d}"


def _symbol(key: str) -> str:
    return key.partition(":")[2]


def _market_status(market: "InstrumentMarket", now: int) -> dict[str, object]:
    bid, ask = market.book.best_bid(), market.book.best_ask()
    places = market.instrument.price_places
    return {
        "state": market.state.value,
        "reason": "" if market.live else market.sequencer.reason,
        "age_ms": round((now - market.last_book_ns) / NS_PER_MS, 1) if market.last_book_ns else -1,
        "best_bid": None if bid is None else f"{bid[0]:.{places}f}",
        "best_ask": None if ask is None else f"{ask[0]:.{places}f}",
        "updates": market.sequencer.stats.updates,
        "gaps": market.sequencer.stats.gaps,
        "resyncs": market.sequencer.stats.resyncs,
        "trades": market.trades.seq,
    }


def _status(desk: "Desk", active: str) -> Report:
    engine, arming = desk.engine, desk.arming
    now = engine.clock.now_ns()
    equity, day = engine.portfolio.equity(engine.mark_of), engine.portfolio.day_pnl(engine.mark_of)
    figures = HostFigures() if desk.host is None else desk.host.figures()
    books = {_symbol(key): _market_status(market, now) for key, market in engine.data.markets.items()}
    working = len(engine.oms.open_orders())
    held = [p.key for p in engine.portfolio.positions if p.quantity]
    killed = "KILLED, new orders locked" if engine.killed else "orders allowed"
    armed = ("ARMED market" if arming.market else "ARMED") if arming.armed else "DISARMED"
    lines = [
        f"{engine.mode.value.upper()} {engine.venue} session {engine.journal.session}  {killed}  {armed}",
        f"equity {money(equity)}  day {signed_money(day)}  {working} working orders  {len(held)} open positions",
        f"loop lag p99 {figures.loop_lag_p99_ms:.1f} ms, max {figures.loop_lag_max_ms:.1f} ms"
        f"  {figures.frames_per_s:.0f} frames/s  {figures.unknown_frames} unknown",
    ]
    if figures.detail:
        lines.append(figures.detail)
    assumed = assumptions(engine, active)
    if assumed:
        lines.append(f"paper assumes {'; '.join(assumed)}")
    lines += _troubles(figures)
    rows = [
        (
            symbol,
            str(b["state"]).upper(),
            str(b["best_bid"] or "-"),
            str(b["best_ask"] or "-"),
            str(b["gaps"]),
            str(b["reason"]),
        )
        for symbol, b in books.items()
    ]
    lines += table(("symbol", "book", "bid", "ask", "gaps", ""), rows) if rows else ["no instruments yet"]
    connections = [] if desk.host is None else desk.host.connections()
    if connections:
        lines += _connection_lines(connections) + _venue_lines(figures)
    data: dict[str, object] = {
        "mode": engine.mode.value,
        "venue": engine.venue,
        "session": engine.journal.session,
        "journal": engine.journal.journal_id,
        "version": engine.version,
        "now_ns": now,
        "killed": engine.killed,
        "armed": arming.armed,
        "armed_market": arming.market,
        "equity": text_of(equity),
        "day_pnl": text_of(day),
        "assumptions": assumed,
        "working_orders": working,
        "open_positions": held,
        "books": books,
        "order_round_trip_ms": engine.order_round_trip_ms,
        "runtime": to_builtins(figures),
        "connections": to_builtins(connections),
    }
    return lines, data


def _positions(engine: EnginePort) -> Report:
    views = [position_view(p, engine) for p in engine.portfolio.positions if p.quantity or p.bought or p.sold]
    head = (
        "symbol",
        "quantity",
        "entry",
        "mark",
        "unrealized",
        "ticks",
        "realized",
        "fees",
        "funding",
        "net",
        "break-even",
    )
    rows = [
        (
            _symbol(v.key),
            v.quantity,
            v.average_entry or "-",
            v.mark or "-",
            v.unrealized,
            v.ticks or "-",
            v.realized,
            v.fees,
            v.funding,
            v.net,
            v.break_even or "-",
        )
        for v in views
    ]
    return (table(head, rows) if rows else ["no positions"]), {"positions": [asdict(view) for view in views]}


def _orders(engine: EnginePort) -> Report:
    orders = engine.oms.open_orders()
    lines, listed = [], []
    for order in orders:
        market = engine.data.markets.get(order.key)
        view = order_view(order, engine)
        queue = f"  q~{view.queue_ahead:g}" if view.queue_ahead >= 0 else ""
        words = working_words(order, None if market is None else market.instrument)
        lines.append(f"{words}  {order.status.value}{queue}")
        listed.append(data_of_order(order) | {"queue_ahead": view.queue_ahead})
    return lines or ["no working orders"], {"orders": listed}


def _fills(engine: EnginePort, count: int) -> Report:
    fills = engine.fills
    views = [fill_view(fills[-place], engine) for place in range(1, min(count, len(fills)) + 1)]
    rows = [
        (
            _time(v.ts),
            f"#{v.number}",
            v.side.upper(),
            v.quantity,
            _symbol(v.key),
            v.price,
            v.liquidity,
            v.fee,
            v.fee_currency,
            *(text or "-" for text in v.markouts),
            "TOXIC" if v.toxic else "",
        )
        for v in views
    ]
    head = ("time", "order", "side", "quantity", "symbol", "price", "", "fee", "", "1s bp", "5s", "30s", "5min", "")
    return (table(head, rows) if rows else ["no fills in this session"]), {"fills": [asdict(view) for view in views]}


def _book(engine: EnginePort, key: str, count: int) -> Report:
    market = engine.data.markets.get(key)
    if market is None:
        return ["no instrument yet"], {"book": None}
    places, decimals = market.instrument.price_places, market.sequencer.size_decimals

    bids, asks = (
        [[f"{price:.{places}f}", float_text(size, decimals)] for price, size in levels]
        for levels in market.book.top(count)
    )
    state = market.state.value.upper() + ("" if market.live else f": {market.sequencer.reason}")
    rows = [
        (*(bids[row][::-1] if row < len(bids) else ("", "")), *(asks[row] if row < len(asks) else ("", "")))
        for row in range(max(len(bids), len(asks)))
    ]
    lines = [f"{market.instrument.symbol} {state}", *table(("size", "bid", "ask", "size"), rows)]
    data: dict[str, object] = {"key": key, "state": market.state.value, "last_id": market.sequencer.last_id}
    return lines, {"book": data | {"bids": bids, "asks": asks}}


def _limits(engine: EnginePort) -> Report:
    views = limit_views(engine)
    rows = [(view.name, view.used, view.limit, f"{view.fraction * 100:.0f}%") for view in views]
    lines = table(("limit", "used", "allowed", ""), rows) if rows else ["no limits are set"]
    return lines, {"limits": [asdict(view) for view in views]}


def _troubles(figures: HostFigures) -> list[str]:
    """What is wrong with requests and captures now, one line each."""
    paused = [
        f"REST {rest.kind}: the venue's rate limit keeps us silent for {rest.paused_s:.0f} s more"
        for rest in figures.rest
        if rest.paused_s
    ]
    lost = [
        f"capture {capture.name}: {capture.dropped} records lost" + (f", {capture.problem}" if capture.problem else "")
        for capture in figures.captures
        if capture.dropped or capture.problem
    ]
    return paused + lost


def _reconcile(engine: EnginePort) -> Report:
    """Ours, the venue's and what each difference is; with the age of the venue's last word."""
    executor = engine.executor
    if not executor.remote:
        text = f"orders are on {engine.mode.value.upper()}: there is no venue's account to compare with"
        return [text], {"live": False, "differences": []}
    found = difference_rows(engine)
    looked_ns = executor.account_heard_ns
    if not looked_ns:
        return ["the venue has not told of the account yet"], {"live": True, "heard": False, "differences": []}
    age = (engine.clock.now_ns() - looked_ns) / NS_PER_S
    heard = f"account heard {age:.0f} s ago"
    lines = [f"no difference between our books and the venue's; {heard}"]
    if found:
        how = "nothing is done about these before you say so: reconcile apply, or adopt|close|ignore NO"
        lines = [*table(HEAD, found), f"{heard}; {how}"]
    return lines, {"live": True, "heard": True, "differences": difference_data(engine)}


def _connections(desk: "Desk") -> Report:
    views = [] if desk.host is None else desk.host.connections()
    figures = HostFigures() if desk.host is None else desk.host.figures()
    lines = _connection_lines(views) + _venue_lines(figures)
    lines += [f"capture {each.name}: {each.written} records written" for each in figures.captures]
    lines += _troubles(figures)
    data = {"connections": views, "rest": figures.rest, "clocks": figures.clocks, "captures": figures.captures}
    return lines, {name: to_builtins(value) for name, value in data.items()}


def _connection_lines(views: Sequence[ConnectionView]) -> list[str]:
    """A table of the sockets, and below it what last went wrong with each."""
    rows = [
        (
            v.conn,
            v.state + (" slowed" if v.slowed and v.state == "waiting" else ""),
            f"{v.uptime_s:.0f}s",
            str(v.reconnects),
            f"{v.frames_per_s:.0f}",
            _ms(v.latency_ms),
            _ms(v.rtt_ms),
            f"{v.live_books}/{v.books}",
            str(v.gaps),
            str(v.resyncs),
            _ms(v.resync_p99_ms),
        )
        for v in views
    ]
    if not rows:
        return ["no connections"]
    head = ("connection", "state", "up", "reconn", "msg/s", "latency", "rtt", "live", "gaps", "resyncs", "p99 resync")
    troubles = [
        f"{v.conn}: {v.detail}" if v.detail else f"{v.conn}: {v.error_kind}, {v.error_age_s:.0f} s ago: {v.error}"
        for v in views
        if v.detail or v.error
    ]
    return table(head, rows) + troubles


def _venue_lines(figures: HostFigures) -> list[str]:
    """What is left of the venue's limits, and how far its clock is from ours."""
    rows = [(b.kind, b.name, b.scope, f"{b.left} of {b.limit}", f"{b.interval_s}s") for b in budget_views(figures)]
    lines = table(("requests", "limit", "per", "left", "in"), rows) if rows else []
    for clock in figures.clocks:
        offset = f"{clock.offset_ms:+.1f} ms (within {clock.error_ms:.1f} ms)" if clock.known else "unknown"
        problem = f": {clock.problem}" if clock.problem else ""
        far = "  TOO FAR: synchronise our clock (NTP)" if clock.known and is_far(clock) else ""
        lines.append(f"clock of {clock.kind} against ours {offset}{problem}{far}")
    return lines


def _ms(value: float) -> str:
    return "-" if value < 0 else f"{value:.0f}ms"
