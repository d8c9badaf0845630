"""Position, risk, orders, fills, log, quantity line: what is ours, as rows."""

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum

from jackbot_tui.desk.views import (
    FillView,
    HeaderView,
    LimitView,
    LogLine,
    OwnOrderView,
    PositionView,
    ScreenView,
)
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit, left, right, spread
from jackbot_tui.tui.view.market import title
from jackbot_tui.tui.view.text import (
    NO_VALUE,
    base_of,
    clock_text,
    money_text,
    quantity_text,
    queue_text,
    quote_of,
    signed_money,
    span_text,
    symbol_of,
)

LEVELS = {"info": Ink.TEXT, "good": Ink.GOOD, "warn": Ink.WARN, "bad": Ink.BAD}
NO_WORKERS = "none"

POSITION_LINES = 10
"""Lines of the position panel below its title, where there is room for all."""

WARNING = Decimal(3)
DANGER = Decimal("1.5")
"""Times the maintenance margin that stands behind a position when its liquidation price begins to be shown loudly."""


class Tab(Enum):
    """Tabs of the lower panel."""

    ORDERS = "ORDERS"
    FILLS = "FILLS"


def _sign_ink(text: str) -> Ink:
    if not text:
        return Ink.DIM
    value = Decimal(text)
    return Ink.PROFIT if value > 0 else Ink.LOSS if value < 0 else Ink.TEXT


def position_rows(view: ScreenView, key: str, width: int, divider: bool, short: bool) -> list[Row]:
    """The position in ``key``: side, entry, mark, profit, break-even, liquidation, margin, the next funding."""
    edge: list[Cell] = [("│", Ink.FRAME)] if divider else []
    rows = [title("POSITION", width, "", "├" if divider else "")]
    position = next((position for position in view.positions if position.key == key), None)
    if position is None or not Decimal(position.quantity):
        realized = signed_money(position.net) if position is not None else NO_VALUE
        rows.append(fit([*edge, (" FLAT", Ink.DIM)], width))
        ink = _sign_ink(position.net) if position is not None else Ink.DIM
        rows.append(fit([*edge, (" session ", Ink.DIM), (realized, ink)], width))
        rows += [fit(edge, width)] * (2 if short else POSITION_LINES - 2)
        return rows
    long = Decimal(position.quantity) > 0
    size = quantity_text(position.quantity.lstrip("-"))
    side: Cell = ((" LONG " if long else " SHORT ") + size, Ink.BUY if long else Ink.SELL)
    quote = quote_of(key)
    money: Cell = (f"{signed_money(position.unrealized)} {quote}", _sign_ink(position.unrealized))
    ticks: Cell = (f"{Decimal(position.ticks or '0'):+.1f} t", _sign_ink(position.ticks))
    liquidation = position.liquidation or NO_VALUE
    if short:
        return [
            *rows,
            fit([*edge, side, (f" @ {position.average_entry}", Ink.TEXT), _leverage_cell(position)], width),
            fit([*edge, (" uPnL ", Ink.DIM), money, ("  ", Ink.TEXT), ticks], width),
            fit(
                [
                    *edge,
                    (" BE ", Ink.DIM),
                    (position.break_even, Ink.TEXT),
                    ("  liq ", Ink.DIM),
                    (liquidation, Ink.TEXT),
                ],
                width,
            ),
            fit(
                [
                    *edge,
                    (" net ", Ink.DIM),
                    (signed_money(position.net), _sign_ink(position.net)),
                    *_funding_cells("  fund ", position, view.header.now_ns),
                ],
                width,
            ),
        ]

    def line(name: str, cell: Cell) -> Row:
        return fit([*edge, (f" {name:<7}", Ink.DIM), cell], width)

    rows += [
        fit([*edge, side, (f" {base_of(key)}", Ink.TEXT), _leverage_cell(position)], width),
        line("entry", (position.average_entry, Ink.TEXT)),
        line("mark", (position.mark or NO_VALUE, Ink.TEXT)),
        line("uPnL", money),
        line("", ticks),
        line("BE", (position.break_even, Ink.TEXT)),
        line("net", (signed_money(position.net), _sign_ink(position.net))),
    ]
    if position.margin_mode:
        rows.append(line("liq", (liquidation + distance_text(position), _danger_ink(position))))
        rows.append(line("margin", (money_text(position.margin), Ink.TEXT)))
        rows.append(fit([*edge, *_funding_cells(f" {'fund':<7}", position, view.header.now_ns)], width))
    while len(rows) <= POSITION_LINES:
        rows.append(fit(edge, width))
    return rows


def _leverage_cell(position: PositionView) -> Cell:
    """``10x`` for cross margin, ``10x iso`` for isolated; nothing on spot."""
    isolated = " iso" if position.margin_mode == "isolated" else ""
    return (f" {position.leverage}x{isolated}" if position.leverage else "", Ink.DIM)


def _funding_cells(name: str, position: PositionView, now: int) -> list[Cell]:
    """The next funding of a perpetual: what it would bring, and the time left."""
    if not position.margin_mode:
        return []
    if not position.next_funding:
        return [(name, Ink.DIM), (NO_VALUE, Ink.TEXT)]
    left = span_text((position.next_funding_ns - now) / 1e9)
    money: Cell = (signed_money(position.next_funding), _sign_ink(position.next_funding))
    return [(name, Ink.DIM), money, (f" in {left}", Ink.TEXT)]


def _danger_ink(position: PositionView) -> Ink:
    """Loud when what stands behind a position comes near to what it must keep."""
    if not position.behind or not position.maintenance or not Decimal(position.maintenance):
        return Ink.TEXT
    times = Decimal(position.behind) / Decimal(position.maintenance)
    return Ink.BAD if times < DANGER else Ink.WARN if times < WARNING else Ink.TEXT


def distance_text(position: PositionView) -> str:
    """How far the liquidation price is from the mark."""
    if not position.liquidation or not position.mark:
        return ""
    return f" ({(Decimal(position.liquidation) / Decimal(position.mark) - 1) * 100:+.1f}%)"


def risk_rows(view: ScreenView, width: int, height: int, divider: bool) -> list[Row]:
    """Every limit with what is used of it, the fullest first when there is no room for all."""
    edge: list[Cell] = [("│", Ink.FRAME)] if divider else []
    header = view.header
    rows = [title("RISK", width, "KILLED" if header.killed else "", "├" if divider else "")]
    limits: Sequence[LimitView] = view.limits
    if len(limits) > height - 1:
        limits = sorted(view.limits, key=lambda limit: -limit.fraction)[: height - 1]
    if len(limits) < height - 1:
        state: Cell = ("ENGAGED", Ink.BAD) if header.killed else ("ok", Ink.TEXT)
        rows.append(spread([*edge, (" kill switch", Ink.DIM)], [state, (" ", Ink.TEXT)], width))
    for limit in limits:
        ink = Ink.BAD if limit.fraction >= 1 else Ink.WARN if limit.fraction >= 0.8 else Ink.TEXT
        figures: list[Cell] = [(f" {compact(limit.used)}/{compact(limit.limit)} ", ink)]
        rows.append(spread([*edge, (f" {limit.name}", Ink.DIM)], figures, width))
    return rows


def compact(text: str) -> str:
    """A figure of a limit in few columns: ``200000`` as ``200k``; words stay as they are."""
    try:
        value = Decimal(text)
    except ArithmeticError:
        return text
    if abs(value) < 1000:
        return text
    return f"{value / 1000:.1f}".removesuffix(".0") + "k"


def side_rows(view: ScreenView | None, key: str, width: int, height: int, short: bool) -> list[Row]:
    """The right-hand column: position, risk, workers, in the room there is."""
    if view is None:
        return []
    rows = position_rows(view, key, width, True, short)
    if short:
        fullest = max(view.limits, key=lambda limit: limit.fraction, default=None)
        day = view.header.day_pnl
        cells: list[Cell] = [("│", Ink.FRAME), (" day ", Ink.DIM), (signed_money(day), _sign_ink(day))]
        if fullest is not None:
            ink = Ink.BAD if fullest.fraction >= 1 else Ink.WARN if fullest.fraction >= 0.8 else Ink.DIM
            cells.append((f"  {fullest.name} {fullest.fraction:.0%}", ink))
        rows.insert(1, fit(cells, width))
        rows.append(fit([("│", Ink.FRAME), (f" eq {signed_money(view.header.equity).lstrip('+')}", Ink.TEXT)], width))
        rows = rows[:height]
    else:
        workers = 3
        rows += risk_rows(view, width, max(2, height - len(rows) - workers), True)
        while len(rows) < height - workers + 1:
            rows.append(fit([("│", Ink.FRAME)], width))
        rows.append(title("WORKERS", width, "", "├"))
        rows.append(fit([("│", Ink.FRAME), (f" {NO_WORKERS}", Ink.DIM)], width))
    while len(rows) < height:
        rows.append(fit([("│", Ink.FRAME)], width))
    return rows[:height]


def order_cells(order: OwnOrderView, now: int, width: int) -> list[Cell]:
    """One working order in one line; the wide form has the symbol and a note."""
    buy = order.side == "buy"
    ink = Ink.BUY if buy else Ink.SELL
    filled = Decimal(order.filled) / Decimal(order.quantity) if Decimal(order.quantity) else Decimal(0)
    age = span_text((now - order.created_ns) / 1e9)
    price = order.trigger or (f"@{order.price}" if order.price else order.type)
    pending = order.status.startswith("pending")
    place, later = place_text(order), ""
    if order.trigger:  # its price column is the trigger
        word, _, by, after = order.trigger.split(" ", 3)
        place, later = f"{word} by {by}", f"then {after}"
    if width >= 100:
        return [
            (left(f"#{order.number}", 7), Ink.STRONG),
            (left(symbol_of(order.key), 16), Ink.DIM),
            (left(order.side.upper(), 5), ink),
            (right(quantity_text(order.quantity), 11), ink),
            (right(order.price or order.type, 13), Ink.TEXT),
            (left(f"  {order.flags}", 14), Ink.DIM),
            (right(place, 13), Ink.STRONG if order.trigger else Ink.TEXT),
            (right(f"{filled:.0%}", 7), Ink.TEXT),
            (right(age, 8), Ink.DIM),
            (f"  {order.parent}" if order.parent else "", Ink.DIM),
            (f"  {later}", Ink.TEXT),
            (f"{'  ' if later else ''}{order.status if pending else ''} {order.reason}", Ink.WARN),
        ]
    cells: list[Cell] = [
        (left(f"#{order.number}", 5), Ink.STRONG),
        (f"{'BUY ' if buy else 'SELL'} ", ink),
        (f"{quantity_text(order.quantity)} {price}", ink),
        (f" {order.flags}", Ink.DIM),
        (f" {order.parent.rpartition(' ')[2]}" if order.parent else "", Ink.STRONG),
        (f" {age}" if order.trigger else f" q{place_text(order)} {filled:.0%} {age}", Ink.TEXT),
    ]
    if pending:
        cells.append((f" {order.status}", Ink.WARN))
    return cells


def place_text(order: OwnOrderView) -> str:
    """``~12/30``: about so much stands ahead of an order in its queue, and behind it."""
    behind = f"/{queue_text(order.queue_behind)}" if order.queue_ahead >= 0 and order.queue_behind >= 0 else ""
    return f"~{queue_text(order.queue_ahead)}{behind}"


def orders_head(width: int) -> Row:
    first = f"{'id':<7}{'symbol':<16}{'side':<5}{'qty':>11}{'price':>13}"
    names = f"{first}  {'flags':<12}{'ahead/behind':>13}{'filled':>7}{'age':>8}  note"
    return fit([(f"  {names}", Ink.DIM)], width)


def fill_cells(fill: FillView, width: int) -> list[Cell]:
    ink = Ink.BUY if fill.side == "buy" else Ink.SELL
    fee = f"{fill.fee} {fill.fee_currency}".strip()
    if width >= 100:
        return [
            (left(clock_text(fill.ts, True), 14), Ink.DIM),
            (left(f"#{fill.number}", 7), Ink.STRONG),
            (left(symbol_of(fill.key), 16), Ink.DIM),
            (left(fill.side.upper(), 5), ink),
            (right(quantity_text(fill.quantity), 11), ink),
            (right(fill.price, 13), Ink.TEXT),
            (f"  {fill.liquidity:<6} fee {fee}", Ink.DIM),
        ]
    return [
        (f"{clock_text(fill.ts)} ", Ink.DIM),
        (f"#{fill.number} ", Ink.STRONG),
        (f"{fill.side.upper()} {quantity_text(fill.quantity)} @{fill.price}", ink),
        (f" {fill.liquidity}", Ink.DIM),
    ]


def lower_rows(view: ScreenView | None, tab: Tab, width: int, height: int, selected: int | None, now: int) -> list[Row]:
    """Working orders or fills. ``selected`` is the chosen order's number while the panel has the keys."""
    if view is None:
        return [title("ORDERS", width)]
    orders = sorted(view.orders, key=lambda order: -order.number)
    cancel_hint = "x cancel  e move" if selected is not None else "tab: select"
    rows = [
        fit(
            [
                ("─ ", Ink.FRAME),
                (f"ORDERS {len(orders)}", Ink.TITLE if tab is Tab.ORDERS else Ink.DIM),
                (" ── ", Ink.FRAME),
                (f"FILLS {len(view.fills)}", Ink.TITLE if tab is Tab.FILLS else Ink.DIM),
                (" ", Ink.FRAME),
                (
                    "─" * max(0, width - 26 - len(cancel_hint) - len(str(len(orders))) - len(str(len(view.fills)))),
                    Ink.FRAME,
                ),
                (f" {cancel_hint} ", Ink.DIM),
                ("─" * width, Ink.FRAME),
            ],
            width,
        )
    ]
    room = height - 1
    if tab is Tab.FILLS:
        rows += [fit([(" ", Ink.TEXT), *fill_cells(fill, width)], width) for fill in view.fills[:room]]
        return rows
    if width >= 100:
        rows.append(orders_head(width))
        room -= 1
    first = 0
    if selected is not None:
        place = next((place for place, order in enumerate(orders) if order.number == selected), 0)
        first = max(0, place - room + 1)
    for order in orders[first : first + room]:
        chosen = order.number == selected
        cells: list[Cell] = [("> " if chosen else "  ", Ink.TEXT), *order_cells(order, now, width)]
        if chosen:
            cells = [(text, Ink.SELECTED) for text, _ in cells]
        rows.append(fit(cells, width, Ink.SELECTED if chosen else Ink.TEXT))
    if not orders:
        rows.append(fit([("  no working orders", Ink.DIM)], width))
    return rows


def log_rows(lines: Sequence[LogLine], width: int, height: int, divider: bool) -> list[Row]:
    """The newest lines, newest first."""
    edge: list[Cell] = [("│", Ink.FRAME)] if divider else []
    rows = [title("LOG", width, "", "├" if divider else "")]
    for line in list(lines)[:-height:-1]:
        ink = LEVELS.get(line.level, Ink.TEXT)
        rows.append(fit([*edge, (f"{'' if divider else ' '}{clock_text(line.ts)} ", Ink.DIM), (line.text, ink)], width))
    while len(rows) < height:
        rows.append(fit(edge, width))
    return rows


def quantity_row(
    header: HeaderView,
    quantity: str,
    preset: int,
    side: str,
    width: int,
    keys: Sequence[tuple[str, str]],
    guard: Cell,
) -> Row:
    """Presets and flags; at the right edge, whatever happens, arming and the ``keys`` that end things."""
    cells: list[Cell] = [(" QTY ", Ink.DIM)]
    chosen = False
    for number, text in enumerate(header.presets[:5], 1):
        active = number == preset
        chosen = chosen or active
        cells.append((f"{'(' if active else '['}{number}{')' if active else ']'}", Ink.SELECTED if active else Ink.DIM))
        cells.append((f"{text} ", Ink.STRONG if active else Ink.TEXT))
    if not chosen:
        cells.append((f"= {quantity or NO_VALUE} ", Ink.STRONG))
    if header.post_only:
        cells.append((" POST", Ink.ASK_FOR))
    if header.reduce_only:
        cells.append((" REDUCE", Ink.ASK_FOR))
    if header.slip_ticks:
        cells.append((f" SLIP {header.slip_ticks}t", Ink.DIM))
    if width >= 100:
        cells.append((f"  side {side.upper()}", Ink.BUY if side == "buy" else Ink.SELL))
    end: list[Cell] = [(" ", Ink.TEXT), guard, (" ", Ink.TEXT)]
    for key, what in keys:
        end += [(f" {key}", Ink.KEY), (f" {what}", Ink.BAD if what == "KILL" else Ink.DIM)]
    return spread(cells, [*end, (" ", Ink.TEXT)], width)
