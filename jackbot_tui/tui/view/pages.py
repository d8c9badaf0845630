"""Full-screen pages as rows: journal, orders, connections, chart, log, answers, help. Pure."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum

from msgspec import ValidationError, convert

from jackbot_tui.desk.views import ConnectionView, FillView, LimitView, PositionView, Reply
from jackbot_tui.model.errors import LinkError
from jackbot_tui.model.numbers import text_of
from jackbot_tui.tui.actions import ACTIONS, Action, Group, Kind
from jackbot_tui.tui.glass import Glass
from jackbot_tui.tui.keymaps import Keymap
from jackbot_tui.tui.view.account import LEVELS, fill_cells, order_cells, orders_head
from jackbot_tui.tui.view.chart import chart_rows
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit, left, right
from jackbot_tui.tui.view.text import age_text, clock_text, signed_money, span_text, symbol_of


class Page(Enum):
    """The pages and their tabs."""

    JOURNAL = "journal"
    ORDERS = "orders"
    CONNECTIONS = "connections"
    CHART = "chart"
    LOG = "log"
    ANSWER = "answer"
    HELP = "help"


TABS = {
    Page.JOURNAL: ("FILLS", "ORDERS", "POSITIONS", "STATUS"),
    Page.CONNECTIONS: ("CONNECTIONS", "LIMITS"),
}

ASKED = {
    (Page.JOURNAL, 0): "fills 500",
    (Page.JOURNAL, 3): "status",
}
"""Tabs whose contents are the engine's answer to a line of the language."""


def tab_rows(page: Page, tab: int, glass: Glass, answer: Reply | None, width: int, height: int, now: int) -> list[Row]:
    """Contents of a page. ``answer``: what the engine said to the tab's line, where it has one."""
    view = glass.view
    if view is None:
        return [fit([(" no picture from the engine yet", Ink.DIM)], width)]
    match page, tab:
        case (Page.JOURNAL, 0):
            try:
                return fills(glass, answer, width)
            except LinkError as error:
                return [fit([(f"  {error}", Ink.BAD)], width)]
        case (Page.JOURNAL, 1) | (Page.ORDERS, _):
            rows = [fit([("  ", Ink.TEXT), *order_cells(order, now, width)], width) for order in reversed(view.orders)]
            head = [orders_head(width)] if width >= 100 else []
            return head + (rows or [fit([("  no working orders", Ink.DIM)], width)])
        case (Page.JOURNAL, 2):
            return positions(view.positions, width)
        case (Page.CONNECTIONS, 0):
            return connections(view.connections, width)
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
        case _:
            return [fit([(f" {line}", Ink.TEXT)], width) for line in (answer.lines if answer is not None else [])]


def answered_fills(answer: Reply) -> list[FillView]:
    """The fills in the engine's answer to ``fills``, newest first."""
    try:
        return convert((answer.data or {}).get("fills", []), list[FillView])
    except ValidationError as error:
        raise LinkError(f"the engine's list of fills cannot be read ({error}): use the same version of both") from None


def fills(glass: Glass, answer: Reply | None, width: int) -> list[Row]:
    """Every fill of the session, newest first, under what they amount to."""
    recent = glass.view.fills if glass.view is not None else []
    older = answered_fills(answer) if answer is not None and answer.ok else []
    known = {(fill.key, fill.trade_id) for fill in recent}
    listed = [*recent, *(fill for fill in older if (fill.key, fill.trade_id) not in known)]
    if not listed:
        return [fit([("  no fills in this session", Ink.DIM)], width)]
    fees: dict[str, Decimal] = {}
    for fill in listed:
        fees[fill.fee_currency] = fees.get(fill.fee_currency, Decimal(0)) + Decimal(fill.fee)
    makers = sum(1 for fill in listed if fill.liquidity == "maker")
    paid = ", ".join(f"{text_of(amount)} {currency}" for currency, amount in sorted(fees.items()))
    summary = f"  {len(listed)} fills   {makers} maker, {len(listed) - makers} taker   fees {paid}"
    return [
        fit([(summary, Ink.STRONG)], width),
        *(fit([("  ", Ink.TEXT), *fill_cells(fill, width)], width) for fill in listed),
    ]


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


def connections(listed: Sequence[ConnectionView], width: int) -> list[Row]:
    rows = [
        fit(
            [(f"  {'connection':<26}{'state':<12}{'up':>8}{'reconn':>8}{'fr/s':>8}{'rtt':>8}{'age':>8}", Ink.DIM)],
            width,
        )
    ]
    for each in listed:
        good = each.state in ("open", "live", "connected", "subscribed")
        rows.append(
            fit(
                [
                    (f"  {left(each.conn, 26)}", Ink.STRONG),
                    (left(each.state, 12), Ink.GOOD if good else Ink.WARN),
                    (right(span_text(each.uptime_s), 8), Ink.TEXT),
                    (right(str(each.reconnects), 8), Ink.WARN if each.reconnects else Ink.DIM),
                    (right(f"{each.frames_per_s:.0f}", 8), Ink.TEXT),
                    (right(age_text(each.rtt_ms), 8), Ink.TEXT),
                    (right(age_text(each.age_ms), 8), Ink.TEXT),
                    (f"  {each.detail}", Ink.WARN),
                ],
                width,
            )
        )
    return rows if len(rows) > 1 else [*rows, fit([("  no connection to a venue", Ink.DIM)], width)]


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
