"""Header, tape, volume at price: what the market does, as rows."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.desk.views import BookView, HeaderView, LadderLevel, ScreenView, SymbolView, TapeLine
from jackbot_tui.model.enums import Mode
from jackbot_tui.tui.glass import Freshness, GapMark
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit, left, right, row_width, spread, whole_groups
from jackbot_tui.tui.view.text import (
    NO_VALUE,
    PriceScale,
    age_text,
    base_of,
    clock_text,
    short_text,
    signed_money,
    size_text,
    span_text,
    symbol_of,
)

BADGES = {
    Mode.PAPER: Ink.BADGE_PAPER,
    Mode.SIM: Ink.BADGE_SIM,
    Mode.REPLAY: Ink.BADGE_REPLAY,
    Mode.LIVE: Ink.BADGE_LIVE,
}
MEDIANS_LARGE = 5.0
DISARMED = " DISARMED "


class Gauge(Struct, frozen=True):
    """What the screen knows of itself. ``tty_ms`` is the terminal's queueing delay, -1 when it does not answer."""

    frames_per_s: float
    dropped: int
    tty_ms: float
    freshness: Freshness
    book_age_ms: float
    connected: bool
    has_pen: bool


def badge(mode: str) -> Cell:
    """The mode as a word on its own colour."""
    known = Mode(mode) if mode in list(Mode) else None
    return (f" {mode.upper()} ", BADGES.get(known, Ink.BADGE_LIVE) if known is not None else Ink.BADGE_LIVE)


def arming(header: HeaderView, has_pen: bool) -> Cell:
    """Whether order keys of this screen send: another screen's arming is not ours."""
    if header.killed:
        return (" KILLED ", Ink.BADGE_KILLED)
    if not has_pen:
        return (" READ-ONLY ", Ink.WARN)
    if header.locked:
        return (" LOCKED ", Ink.WARN)
    if header.armed:
        left_s = max(0, header.armed_until_ns - header.now_ns) / 1e9
        what = "ARMED MKT" if header.armed_market else "ARMED"
        return (f" {what} {span_text(left_s)} ", Ink.BADGE_ARMED)
    return (DISARMED, Ink.DIM)


def age_ink(gauge: Gauge) -> Ink:
    match gauge.freshness:
        case Freshness.FRESH:
            return Ink.GOOD
        case Freshness.YELLOW:
            return Ink.WARN
        case Freshness.STALE:
            return Ink.BAD


def funding_cells(header: HeaderView, short: bool) -> list[Cell]:
    if not header.funding_rate:
        return []
    rate = Decimal(header.funding_rate) * 100
    until = span_text((header.next_funding_ns - header.now_ns) / 1e9) if header.next_funding_ns else NO_VALUE
    if short:
        return [(f"  fund {rate:+.3f}% {until}", Ink.DIM)]
    return [("  fund ", Ink.DIM), (f"{rate:+.4f}%", Ink.TEXT), (f" in {until}", Ink.DIM)]


def last_cells(book: BookView | None, symbol: SymbolView | None) -> list[Cell]:
    if book is None:
        return [("no book yet", Ink.DIM)]
    ink = Ink.LAST_UP if book.last_side == "buy" else Ink.LAST_DOWN
    cells: list[Cell] = [(book.last or NO_VALUE, ink)]
    if symbol is not None:
        cells.append((f" {symbol.change_pct:+.2f}%", Ink.PROFIT if symbol.change_pct >= 0 else Ink.LOSS))
    return cells


def header_rows(view: ScreenView | None, gauge: Gauge, width: int, lines: int) -> list[Row]:
    """The status bar: one line at 80 columns, two where there is room. The mode never leaves it."""
    if view is None:
        text = " jackbot  waiting for the first picture" if gauge.connected else " jackbot  connecting to the engine"
        return [fit([(text, Ink.TITLE)], width)] + [fit([], width)] * (lines - 1)
    header, book = view.header, view.book
    symbol = next((symbol for symbol in view.symbols if book is not None and symbol.key == book.key), None)
    name = symbol_of(book.key) if book is not None else "no instrument"
    guard = arming(header, gauge.has_pen)
    if lines == 1:
        where = header.account or header.venue[:7]
        begin: list[Cell] = [(f" {name}", Ink.TITLE), (f" {where} ", Ink.DIM), *last_cells(book, symbol)]
        if header.replay:
            begin.append((f"  {header.replay}", Ink.WARN))
        if header.mark:
            begin.append((f"  mark {header.mark}", Ink.DIM))
        begin += funding_cells(header, short=True)
        age = age_text(gauge.book_age_ms)
        loud = [guard, (" ", Ink.TEXT)] if guard[0] != DISARMED else []
        end: list[Cell] = [(" ", Ink.TEXT), *loud, badge(header.mode), (f" md {age} ", age_ink(gauge))]
        return [spread(begin, end, width)]
    first: list[Cell] = [(f" {name}", Ink.TITLE), (f"  {header.venue}  ", Ink.DIM), ("last ", Ink.DIM)]
    first += last_cells(book, symbol)
    if header.replay:
        first.append((f"   {header.replay}", Ink.WARN))
    if header.mark:
        first += [
            ("   mark ", Ink.DIM),
            (header.mark, Ink.TEXT),
            ("  index ", Ink.DIM),
            (header.index or NO_VALUE, Ink.TEXT),
        ]
    first += funding_cells(header, short=False)
    second: list[Cell] = [(" ", Ink.TEXT)]
    for number, tab in enumerate(view.symbols[:4]):
        active = book is not None and tab.key == book.key
        ink = Ink.SELECTED if active else Ink.DIM if tab.state == "live" else Ink.WARN
        tail = f" {Decimal(tab.position):+f}" if tab.position and Decimal(tab.position) else ""
        second.append((f" F{5 + number} {tab_name(tab, view.symbols)}{tail} ", ink))
    day = Decimal(header.day_pnl) if header.day_pnl else Decimal(0)
    money: list[Cell] = [
        ("  eq ", Ink.DIM),
        (signed_money(header.equity).lstrip("+"), Ink.STRONG),
        ("  day ", Ink.DIM),
        (f"{signed_money(header.day_pnl)} ", Ink.PROFIT if day >= 0 else Ink.LOSS),
    ]
    account: list[Cell] = [(header.account, Ink.STRONG), (" ", Ink.TEXT)] if header.account else []
    second += whole_groups(_health(header, book, gauge), width - row_width((*second, *money)))
    return [
        spread(first, [(" ", Ink.TEXT), *account, guard, (" ", Ink.TEXT), badge(header.mode)], width),
        spread(second, money, width),
    ]


def _health(header: HeaderView, book: BookView | None, gauge: Gauge) -> list[list[Cell]]:
    """What may be believed, and how fast things go: the most important first, since the last go where room is short."""
    groups: list[list[Cell]] = [[("  md ", Ink.DIM), (age_text(gauge.book_age_ms), age_ink(gauge))]]
    if book is not None:
        good = book.state == "live"
        groups.append([("  book ", Ink.DIM), (book.state, Ink.GOOD if good else Ink.BAD)])
    if header.market_detail:
        groups.append([(f"  {header.market_detail}", Ink.WARN)])
    groups.append([("  ord ", Ink.DIM), (age_text(header.ord_ms), Ink.TEXT)])
    groups.append([("  tty ", Ink.DIM), (age_text(gauge.tty_ms), Ink.WARN if gauge.tty_ms > 250 else Ink.TEXT)])
    groups.append([("  fps ", Ink.DIM), (f"{gauge.frames_per_s:.0f}", Ink.TEXT)])
    if gauge.dropped:
        groups.append([(f" drop {gauge.dropped}", Ink.DIM)])
    return groups


def tab_name(tab: SymbolView, tabs: Sequence[SymbolView]) -> str:
    """The base currency, with the kind of market where two tabs have the same base."""
    base = base_of(tab.key)
    if sum(1 for other in tabs if base_of(other.key) == base) == 1:
        return base
    return f"{base}-P" if tab.symbol.count(":") else base


def title(text: str, width: int, end: str = "", begins: str = "") -> Row:
    """A panel's first row: its name in a rule."""
    head: list[Cell] = [(f"{begins}─ ", Ink.FRAME), (text, Ink.TITLE), (" ", Ink.FRAME)]
    used = sum(len(part) for part, _ in head)
    tail: list[Cell] = [(f" {end} ", Ink.DIM), ("─", Ink.FRAME)] if end else []
    rule = max(0, width - used - (len(end) + 3 if end else 0))
    return fit([*head, ("─" * rule, Ink.FRAME), *tail], width, Ink.FRAME)


def tape_rows(
    lines: Sequence[TapeLine | GapMark], width: int, height: int, least: float, cvd: float, key: str, divider: bool
) -> list[Row]:
    """The newest trades first, those of at least ``least`` base units; title with filter and cumulative delta."""
    edge: list[Cell] = [("│", Ink.FRAME)] if divider else []
    inner = width - len(edge)
    filtered = f"min {least:g}" if least else "all"
    rows = [title(f"TAPE {filtered}", width, f"CVD {cvd:+.2f} {base_of(key)}", "├" if divider else "")]
    shown: list[TapeLine | GapMark] = []
    for line in reversed(lines):
        if isinstance(line, GapMark) or line.value >= least:
            shown.append(line)
            if len(shown) >= height - 1:
                break
    trades = sorted(line.value for line in shown if isinstance(line, TapeLine))
    large = trades[len(trades) // 2] * MEDIANS_LARGE if trades else 0.0
    milliseconds = inner >= 30
    for line in shown:
        if isinstance(line, GapMark):
            rows.append(fit([*edge, (f"-- {line.text} --".center(inner), Ink.WARN)], width))
            continue
        buy = line.side == "buy"
        time_text = clock_text(line.ts, milliseconds)
        mark = "#" if line.value >= large > 0 else " "
        rest = inner - len(time_text) - len(line.price) - 4
        size = right(size_text(line.value, 8, max(4, rest - 1)) or line.size, max(4, rest))
        rows.append(
            fit(
                [
                    *edge,
                    (f"{time_text} ", Ink.DIM),
                    (f"{line.price}{size} {'B' if buy else 'S'}", Ink.BUY if buy else Ink.SELL),
                    (mark, Ink.LARGE),
                ],
                width,
            )
        )
    return rows


def profile_rows(book: BookView | None, scale: PriceScale | None, width: int, height: int, divider: bool) -> list[Row]:
    """Volume and delta traded at the prices around the last trade, as bars."""
    edge: list[Cell] = [("│", Ink.FRAME)] if divider else []
    rows = [title("VOLUME AND DELTA AT PRICE", width, "", "├" if divider else "")]
    if book is None or scale is None or not book.last:
        return rows
    levels: dict[int, LadderLevel] = {level.index: level for level in (*book.bids, *book.asks)}
    middle = scale.ticks(book.last) // book.group
    above = (height - 1) // 2
    shown = [(index, levels.get(index)) for index in range(middle + above, middle + above - height + 1, -1)]
    most = max((level.volume for _, level in shown if level is not None), default=0.0)
    price_width = max(len(scale.text(index * book.group)) for index, _ in shown)
    space = max(4, width - len(edge) - price_width - 16)
    for index, level in shown:
        price = right(scale.text(index * book.group), price_width)
        cells: list[Cell] = [*edge, (price, Ink.STRONG if index == middle else Ink.PRICE)]
        if level is not None and level.volume > 0:
            bar = "▒" * max(1, round(level.volume / most * space)) if most else ""
            ink = Ink.PROFIT if level.delta >= 0 else Ink.LOSS
            cells += [(f" {left(bar, space)}", ink), (right(short_text(level.volume, 6), 7), Ink.TEXT)]
            cells.append((right(("+" if level.delta > 0 else "") + short_text(level.delta, 6), 8), ink))
        rows.append(fit(cells, width))
    return rows
