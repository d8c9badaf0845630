"""Full-screen pages as rows: journal, orders, connections, chart, log, answers, help. Pure."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from textwrap import wrap

from msgspec import ValidationError, convert

from jackbot_tui.desk.views import (
    BudgetView,
    ClockView,
    ConnectionView,
    FillView,
    LimitView,
    PositionView,
    Reply,
    ScreenView,
    is_far,
)
from jackbot_tui.model.errors import LinkError
from jackbot_tui.model.numbers import text_of
from jackbot_tui.tui.actions import ACTIONS, Action, Group, Kind
from jackbot_tui.tui.glass import Glass
from jackbot_tui.tui.keymaps import Keymap
from jackbot_tui.tui.view.account import LEVELS, order_cells, orders_head
from jackbot_tui.tui.view.account_page import account_rows
from jackbot_tui.tui.view.chart import chart_rows
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit, left, right, text_row, whole_groups
from jackbot_tui.tui.view.text import age_text, clock_text, quantity_text, signed_money, span_text, symbol_of


class Page(Enum):
    """The pages and their tabs."""

    JOURNAL = "journal"
    ORDERS = "orders"
    CONNECTIONS = "connections"
    CHART = "chart"
    LOG = "log"
    HONESTY = "honesty"
    PARENTS = "parents"
    ACCOUNT = "account"
    ANSWER = "answer"
    HELP = "help"


TABS = {
    Page.JOURNAL: ("FILLS", "ORDERS", "POSITIONS", "STATUS"),
    Page.CONNECTIONS: ("CONNECTIONS", "LIMITS"),
}

ASKED = {
    (Page.JOURNAL, 0): "fills 500",
    (Page.JOURNAL, 3): "status",
    (Page.HONESTY, 0): "honesty",
    (Page.ACCOUNT, 0): "reconcile; account",
}
"""Tabs whose contents are the engine's answer to a line of the language."""

MOVING = {(Page.HONESTY, 0), (Page.ACCOUNT, 0)}
"""Those that are asked for again every second."""

FILLS_TAB = (Page.JOURNAL, 0)
"""The tab whose lines can be chosen: Enter explains the fill."""

HEAD_ROWS = 2
"""Rows above the first fill."""

FILLS_WIDE = 110
"""Columns from which on a fill shows its instrument and its fee."""


def tab_rows(page: Page, tab: int, glass: Glass, answer: Reply | None, width: int, height: int, now: int) -> list[Row]:
    """Contents of a page. ``answer``: what the engine said to the tab's line, where it has one."""
    view = glass.view
    if view is None:
        return [fit([(" no picture from the engine yet", Ink.DIM)], width)]
    match page, tab:
        case (Page.JOURNAL, 1) | (Page.ORDERS, _):
            rows = [fit([("  ", Ink.TEXT), *order_cells(order, now, width)], width) for order in reversed(view.orders)]
            head = [orders_head(width)] if width >= 100 else []
            return head + (rows or [fit([("  no working orders", Ink.DIM)], width)])
        case (Page.JOURNAL, 2):
            return [*positions(view.positions, width), *assumed(view.header.assumptions, width)]
        case (Page.CONNECTIONS, 0):
            return connections(view, width)
        case (Page.CONNECTIONS, 1):
            return limits(view.limits, width)
        case (Page.CHART, _):
            places = view.book.price_places if view.book is not None else 2
            return chart_rows(glass.bars.bars, width, height, places)
        case (Page.LOG, _):
            lines = list(glass.log)[::-1]
            return [
                fit([(f" {clock_text(line.ts)} ", Ink.DIM), (line.text, LEVELS.get(line.level, Ink.TEXT))], width)
                for line in lines
            ]
        case (Page.ACCOUNT, _):
            return account_rows(answer, width, now)
        case (Page.HONESTY, _):
            return honesty(answer, width)
        case (Page.ANSWER, _) if answer is not None:
            return [fit([(f" {part}", Ink.TEXT)], width) for line in answer.lines for part in folded(line, width - 2)]
        case _:
            return [fit([(f" {line}", Ink.TEXT)], width) for line in (answer.lines if answer is not None else [])]


def answered_fills(answer: Reply) -> list[FillView]:
    """The fills in the engine's answer to ``fills``, newest first."""
    try:
        return convert((answer.data or {}).get("fills", []), list[FillView])
    except ValidationError as error:
        raise LinkError(f"the engine's list of fills cannot be read ({error}): use the same version of both") from None


def folded(line: str, width: int) -> list[str]:
    """A line of prose in as many lines as it needs, the later ones indented as far as its words are."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return wrap(line, width, subsequent_indent=indent, drop_whitespace=True, replace_whitespace=False) or [""]


def listed_fills(glass: Glass, answer: Reply | None, wanted: str) -> list[FillView]:
    """Every known fill of the session that has ``wanted`` in its line, newest first; LinkError for a broken answer."""
    recent = glass.view.fills if glass.view is not None else []
    older = answered_fills(answer) if answer is not None and answer.ok else []
    known = {(fill.key, fill.trade_id) for fill in recent}
    listed = [*recent, *(fill for fill in older if (fill.key, fill.trade_id) not in known)]
    if not wanted:
        return listed
    return [fill for fill in listed if wanted.lower() in text_row(fill_row(fill, 200, False)).lower()]


def fills(listed: Sequence[FillView], chosen: int, width: int) -> list[Row]:
    """Fills under what they amount to; ``chosen`` is the place of the one that Enter explains."""
    if not listed:
        return [fit([("  no fills in this session", Ink.DIM)], width)]
    fees: dict[str, Decimal] = {}
    for fill in listed:
        fees[fill.fee_currency] = fees.get(fill.fee_currency, Decimal(0)) + Decimal(fill.fee)
    makers = sum(1 for fill in listed if fill.liquidity == "maker")
    toxic = sum(1 for fill in listed if fill.toxic)
    paid = ", ".join(f"{text_of(amount)} {currency}" for currency, amount in sorted(fees.items()))
    summary = f"  {len(listed)} fills   {makers} maker, {len(listed) - makers} taker   fees {paid}"
    poison: list[Cell] = [(f"   {toxic} toxic", Ink.WARN)] if toxic else []
    return [
        fit([(summary, Ink.STRONG), *poison], width),
        fills_head(width),
        *(fill_row(fill, width, place == chosen) for place, fill in enumerate(listed)),
    ]


def fills_head(width: int) -> Row:
    horizons = "".join(right(name, 7 if width >= FILLS_WIDE else 6) for name in ("1s bp", "5s", "30s", "5m"))
    if width >= FILLS_WIDE:
        first = f"  {'time':<9}{'order':<7}{'symbol':<16}{'side':<5}{'quantity':>11}{'price':>12} role  "
        return fit([(f"{first}{horizons}{'':<7}fee", Ink.DIM)], width)
    return fit([(f"  {'time':<9}{'order':<6}{'fill':<25}{horizons}", Ink.DIM)], width)


def fill_row(fill: FillView, width: int, chosen: bool) -> Row:
    """One fill with what it was worth afterwards; the fee where there is room."""
    ink = Ink.BUY if fill.side == "buy" else Ink.SELL
    wide = width >= FILLS_WIDE
    cells: list[Cell] = [("> " if chosen else "  ", Ink.TEXT), (left(clock_text(fill.ts), 9), Ink.DIM)]
    if wide:
        cells += [
            (left(f"#{fill.number}", 7), Ink.STRONG),
            (left(symbol_of(fill.key), 16), Ink.DIM),
            (left(fill.side.upper(), 5), ink),
            (right(quantity_text(fill.quantity), 11), ink),
            (right(fill.price, 12), Ink.TEXT),
            (f" {fill.liquidity:<6}", Ink.DIM),
        ]
    else:
        what = f"{fill.side.upper()} {quantity_text(fill.quantity)} @{fill.price}"
        cells += [(left(f"#{fill.number}", 6), Ink.STRONG), (left(what, 25), ink)]
    cells += [markout_cell(text, 7 if wide else 6) for text in fill.markouts]
    cells += [(" TOXIC " if fill.toxic else " " * 7, Ink.WARN)]
    if wide:
        cells.append((f"{fill.fee} {fill.fee_currency}", Ink.DIM))
    if chosen:
        cells = [(text, Ink.SELECTED) for text, _ in cells]
    return fit(cells, width, Ink.SELECTED if chosen else Ink.TEXT)


def markout_cell(text: str, width: int) -> Cell:
    """Basis points in the colour of their sign; a dot while the moment is still to come."""
    ink = Ink.PROFIT if text.startswith("+") else Ink.LOSS if text.startswith("-") else Ink.DIM
    return (right(text or "·", width), ink)


def honesty(answer: Reply | None, width: int) -> list[Row]:
    """The honesty meter as the engine tells it: its first line, the rules, what is assumed."""
    if answer is None:
        return [fit([("  asking the engine", Ink.DIM)], width)]
    if not answer.ok:
        return [fit([(f"  {line}", Ink.WARN)], width) for line in answer.lines]
    rows = [fit([], width)]
    for line in answer.lines:
        ink = Ink.DIM if line.startswith(("filled when", "assumed")) else Ink.TEXT
        rows += [fit([(f"  {part}", ink)], width) for part in folded(line, width - 4)]
    words = (
        "Every order that rested in this session, filled whole under each rule beside the others. Touched: any",
        "trade at the price fills it. Through: only a trade beyond it. The rest are queue models, of which",
        "risk_averse never flatters. Working: not filled yet, still followed. Missed: ended without.",
    )
    return [*rows, fit([], width), *(fit([(f"  {p}", Ink.DIM)], width) for p in wrap(" ".join(words), width - 4))]


def assumed(words: Sequence[str], width: int) -> list[Row]:
    """What paper fills of the active instrument rest on; nothing where a real venue fills."""
    if not words:
        return []
    lines = wrap(f"paper assumes {'; '.join(words)}", width - 4, subsequent_indent="  ")
    return [fit([], width), *(fit([(f"  {line}", Ink.DIM)], width) for line in lines)]


def positions(listed: Sequence[PositionView], width: int) -> list[Row]:
    """One line per instrument."""
    rows = [
        fit([(f"  {'symbol':<18}{'quantity':>12}{'entry':>12}{'mark':>12}{'unreal':>11}{'net':>11}", Ink.DIM)], width)
    ]
    for position in listed:
        profit = Ink.LOSS if position.unrealized.startswith("-") else Ink.PROFIT
        rows.append(
            fit(
                [
                    (f"  {left(symbol_of(position.key), 18)}", Ink.STRONG),
                    (right(position.quantity, 12), Ink.TEXT),
                    (right(position.average_entry, 12), Ink.TEXT),
                    (right(position.mark, 12), Ink.TEXT),
                    (right(signed_money(position.unrealized), 11), profit),
                    (right(signed_money(position.net), 11), Ink.TEXT),
                    (f"   fees {position.fees}  funding {position.funding}", Ink.DIM),
                ],
                width,
            )
        )
    return rows if len(rows) > 1 else [*rows, fit([("  flat everywhere", Ink.DIM)], width)]


SILENCE = (
    "STALE: silent for 3 times the longest silence the book itself broke lately,",
    "10-20 s at least, 5 min at most. Before that the venue is asked for proof: a",
    "snapshot that shows the same book keeps it LIVE. A mute line or trades without",
    "updates leave the 10-20 s only.",
)
"""What ``engine.silence`` does, for who wonders at a quiet book."""


def connections(view: ScreenView, width: int) -> list[Row]:
    """Sockets in two lines each, what is left of the venue's limits, its clock, and how silence is judged."""
    if not view.connections:
        return [_heading(width), fit([("  no connection to a venue", Ink.DIM)], width)]
    rows = [_heading(width)]
    for each in view.connections:
        rows += _connection(each, width)
    rows.append(fit([], width))
    rows += [_budget(budget, width) for budget in view.budgets]
    rows += [_clock(clock, width) for clock in view.clocks]
    return [*rows, fit([], width), *(fit([(f"  {line}", Ink.DIM)], width) for line in SILENCE)]


def _heading(width: int) -> Row:
    words = f"  {'connection':<24}{'state':<12}{'up':>6}{'lost':>5}{'msg/s':>7}{'latency':>8}{'rtt':>7}{'age':>7}"
    return fit([(words, Ink.DIM)], width)


def _connection(each: ConnectionView, width: int) -> list[Row]:
    slowed = each.slowed and each.state == "waiting"
    good = each.state == "up"
    line: list[Cell] = [
        (f"  {left(each.conn, 24)}", Ink.STRONG),
        (left("slowed" if slowed else each.state, 12), Ink.GOOD if good else Ink.BAD if slowed else Ink.WARN),
        (right(span_text(each.uptime_s), 6), Ink.TEXT),
        (right(str(each.reconnects), 5), Ink.WARN if each.reconnects else Ink.DIM),
        (right(f"{each.frames_per_s:.0f}", 7), Ink.TEXT),
        (right(age_text(each.latency_ms), 8), Ink.TEXT),
        (right(age_text(each.rtt_ms), 7), Ink.TEXT),
        (right(age_text(each.age_ms), 7), Ink.TEXT),
    ]
    whole = each.live_books == each.books
    troubled = Ink.TEXT if each.gaps or each.resyncs else Ink.DIM
    books: list[list[Cell]] = [
        [("    books ", Ink.DIM), (f"{each.live_books}/{each.books} LIVE", Ink.GOOD if whole else Ink.WARN)],
        [(f"  gaps {each.gaps}  resyncs {each.resyncs}", troubled)],
        [(f"  resync p50 {age_text(each.resync_ms)} p99 {age_text(each.resync_p99_ms)}", Ink.DIM)],
        [(f"  late p99 {age_text(each.latency_p99_ms)}", Ink.DIM)],
        [(f"  moved {each.rotations}", Ink.DIM)],
    ]
    rows = [fit(line, width)]
    if each.books:
        rows.append(fit(whole_groups(books, width), width))
    if each.detail:
        rows.append(fit([(f"    {each.error_kind}: {each.detail}", Ink.WARN)], width))
    elif each.error:
        rows.append(fit([(f"    {each.error_kind} {span_text(each.error_age_s)} ago: {each.error}", Ink.DIM)], width))
    return rows


def _budget(each: BudgetView, width: int) -> Row:
    used = 1 - each.left / each.limit
    ink = Ink.BAD if each.paused_s else Ink.WARN if used >= 0.8 else Ink.GOOD
    paused = f"  silent {each.paused_s:.0f} s" if each.paused_s else ""
    return fit(
        [
            (f"  {left(f'requests {each.kind}', 16)}{left(each.name.lower(), 16)}", Ink.DIM),
            (right(f"{each.left} left", 12), ink),
            (f" of {each.limit} in {each.interval_s} s, {each.scope}", Ink.DIM),
            (paused, Ink.BAD),
        ],
        width,
    )


def _clock(each: ClockView, width: int) -> Row:
    figure: Cell = ("unknown", Ink.DIM)
    if each.known:
        figure = (f"{each.offset_ms:+.1f} ms", Ink.BAD if is_far(each) else Ink.GOOD)
    within = f", within {each.error_ms:.1f} ms" if each.known else ""
    far = "  synchronise our clock (NTP)" if is_far(each) else ""
    return fit(
        [
            (f"  {left(f'clock {each.kind}', 16)}venue against ours ", Ink.DIM),
            figure,
            (within, Ink.DIM),
            (far, Ink.BAD),
            (f"  {each.problem}" if each.problem else "", Ink.DIM),
        ],
        width,
    )


def limits(listed: Sequence[LimitView], width: int) -> list[Row]:
    """Every limit with a bar of what is used."""
    rows: list[Row] = []
    space = 24
    for limit in listed:
        filled = min(space, round(max(0.0, limit.fraction) * space))
        ink = Ink.BAD if limit.fraction >= 1 else Ink.WARN if limit.fraction >= 0.8 else Ink.GOOD
        rows.append(
            fit(
                [
                    (f"  {left(limit.name, 22)}", Ink.STRONG),
                    (right(limit.used, 14), Ink.TEXT),
                    (f" / {left(limit.limit, 16)}", Ink.DIM),
                    ("█" * filled, ink),
                    ("·" * (space - filled), Ink.DIM),
                    (f" {limit.fraction:.0%}", ink),
                ],
                width,
            )
        )
    return rows or [fit([("  no limits reported", Ink.DIM)], width)]


# ---------------------------------------------------------------------- help


PREPARING = (Group.MOVE, Group.QUANTITY, Group.ORDER)
TALKING = (Group.TEXT, Group.SAFETY, Group.REPLAY)


def help_rows(keymap: Keymap, mode: str, search: str, width: int) -> list[Row]:
    """Every action with its keys, generated from the registry; greyed where it does not work in this mode."""
    wanted = search.lower()
    matches = [
        action
        for action in ACTIONS.values()
        if not wanted or wanted in f"{action.text} {action.act.value} {keymap.shown(action.act)}".lower()
    ]
    columns = 2 if width >= 100 else 1
    half = width // columns

    def column(name: str, chosen: Callable[[Action], bool]) -> list[Row]:
        return _help_column(name, [action for action in matches if chosen(action)], keymap, mode, half)

    begin = [
        *column("SAFE KEYS  (never send an order)", lambda a: a.kind is Kind.SAFE and a.group in PREPARING),
        *column("VIEWS", lambda a: a.group is Group.VIEW),
    ]
    end = [
        *column("ORDER KEYS  (ask first; at once if ARMED)", lambda a: a.kind is Kind.ORDER),
        *column("ALWAYS WORK", lambda a: a.kind is Kind.ALWAYS),
        *column("TEXT, ARMING, REPLAY", lambda a: a.kind is Kind.SAFE and a.group in TALKING),
    ]
    if columns == 1:
        return [*begin, *end]
    count = max(len(begin), len(end))
    empty = fit([], half)
    pairs = zip([*begin, *[empty] * (count - len(begin))], [*end, *[empty] * (count - len(end))], strict=True)
    return [fit([*one, *two], width) for one, two in pairs]


def _help_column(name: str, actions: Sequence[Action], keymap: Keymap, mode: str, width: int) -> list[Row]:
    rows = [fit([(f" {name}", Ink.TITLE)], width)] if actions else []
    for action in actions:
        keys = keymap.shown(action.act) or "palette"
        works = action.group is not Group.REPLAY or mode == "replay"
        text = f"{action.text}{' (twice)' if action.twice else ''}"
        cells: list[Cell] = [
            (f" {left(keys, 13)} ", Ink.KEY if works else Ink.DIM),
            (text, Ink.TEXT if works else Ink.DIM),
        ]
        rows.append(fit(cells, width))
    return rows
