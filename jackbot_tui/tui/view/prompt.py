"""The two lines that talk: what is asked or typed or was answered, and the hint of the keys. Pure rows."""

from collections.abc import Sequence
from decimal import Decimal

from jackbot_tui.desk.language import Completion
from jackbot_tui.desk.views import BookView, HeaderView, Reply
from jackbot_tui.model.enums import Mode
from jackbot_tui.tui.actions import Act
from jackbot_tui.tui.keymaps import Keymap
from jackbot_tui.tui.trade import Question, TradeState
from jackbot_tui.tui.view.account import LEVELS, quantity_row
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit, spread
from jackbot_tui.tui.view.market import Gauge, arming
from jackbot_tui.tui.view.text import NO_VALUE, age_text, quote_of, short_text, wrapped

ENGINE_GONE = "engine gone: reconnecting, orders are safe in the journal"
NS_PER_S = 1_000_000_000


HINTED = ": Enter sends, Esc drops"
"""What the engine adds to a question for clients without hints of their own."""


def question_words(question: Question, width: int) -> tuple[str, str, str]:
    """A question in three parts: as much of what would be sent as ``width`` holds, why it is asked, and the rest."""
    reply = question.reply
    if reply is None or not reply.lines:
        return question.line, "", ""
    asked = reply.data.get("asks") if reply.data is not None else None
    count = len(asked) if isinstance(asked, list) else 1
    sent, asks = reply.lines[:-count] or reply.lines[:1], reply.lines[-count:]
    head, *rest = wrapped("  ".join(sent), width)
    return head, "  ".join(ask.replace(HINTED, "") for ask in asks), "  ".join(rest)


ENDING = ((Act.CANCEL_HERE, "cancel"), (Act.FLATTEN, "flat"))
ENDING_WIDE = (
    (Act.CANCEL_HERE, "cancel"),
    (Act.CANCEL_SYMBOL, "cancel all"),
    (Act.FLATTEN, "flat"),
    (Act.REVERSE, "reverse"),
)


def ending_keys(keymap: Keymap, width: int) -> list[tuple[str, str]]:
    """Keys that end things, as the keymap has them."""
    listed = [(keymap.shown(act).split(), what) for act, what in (ENDING_WIDE if width >= 100 else ENDING)]
    bang = "!!" if keymap.by_key.get("!") is Act.KILL else "F12 F12"
    return [*((keys[0], what) for keys, what in listed if keys), (bang, "KILL")]


def upper_row(state: TradeState, keymap: Keymap, gauge: Gauge, width: int) -> Row:
    """The quantity line; while something is asked or grabbed, what that is."""
    question, grab = state.question, state.grab
    if question is not None:
        name = " asking " if question.reply is None else " SEND? "
        words, _, _ = question_words(question, width - len(name) - 2)
        return fit([(name, Ink.ASK_FOR), (f" {words}", Ink.STRONG)], width)
    if grab is not None:
        text = f" #{grab.number} {grab.side.upper()} {grab.quantity} from {grab.price} to {state.cursor_price}"
        return fit([(" GRABBED ", Ink.ASK_FOR), (text, Ink.STRONG)], width)
    view = state.glass.view
    if view is None:
        return fit([], width)
    guard = arming(view.header, gauge.has_pen)
    keys = ending_keys(keymap, width)
    return quantity_row(view.header, state.quantity, state.preset, state.side.value, width, keys, guard)


def lower_row(state: TradeState, typed: Reply | None, gauge: Gauge, width: int, now: int, alone: bool) -> Row:
    """Why it is asked, what was answered, what is wrong, or what the order keys would do now.

    ``alone``: there is no quantity line on this size, so what is asked must be here as well.
    """
    question, grab = state.question, state.grab
    if not gauge.connected and state.glass.view is not None:
        return fit([(f" {ENGINE_GONE} ", Ink.BANNER), (f"  {state.glass.trouble}", Ink.WARN)], width)
    if question is not None and (question.reply is not None or alone):
        return _question_row(state, question, width, now, alone)
    if typed is not None:
        ink = Ink.TEXT if typed.ok else Ink.BAD
        shown = typed.lines if typed.ok else typed.lines[-1:]
        return fit([(f" {'  '.join(shown)}", ink)], width)
    if grab is not None:
        answer = "" if grab.shown is None else grab.shown.lines[-1]
        if alone:
            answer = f"#{grab.number} to {state.cursor_price}"
        ink = Ink.TEXT if grab.shown is None or grab.shown.ok else Ink.BAD
        return spread([(f" {answer}", ink)], _keys(("j k", "move"), ("[Enter]", "amend"), ("[Esc]", "let go")), width)
    if state.message is not None:
        return fit([(f" {state.message.text}", LEVELS.get(state.message.level, Ink.TEXT))], width)
    return idle_row(state, width)


def _question_row(state: TradeState, question: Question, width: int, now: int, alone: bool) -> Row:
    left_s = max(0, question.until_ns - now) // NS_PER_S
    keys = _keys(("[Enter]", "send"), ("[Esc]", f"drop {left_s:2d}s"))
    if state.message is not None:
        return spread([(f" {state.message.text}", LEVELS.get(state.message.level, Ink.TEXT))], keys, width)
    words, why, _ = question_words(question, width)
    if alone:
        end: Cell = (f" Enter Esc {left_s:2d}s", Ink.KEY)
        asked = f" {words}  {'' if why == 'DISARMED' else why}"
        return spread(fit([(" ? ", Ink.ASK_FOR), (asked, Ink.STRONG)], width - len(end[0])), [end], width)
    return spread([(f" {why}", Ink.WARN)], keys, width)


def _keys(*pairs: tuple[str, str]) -> list[Cell]:
    return [cell for key, what in pairs for cell in ((f" {key}", Ink.KEY), (f" {what} ", Ink.TEXT))]


def rest_row(state: TradeState, width: int) -> Row | None:
    """What of the question found no room in the lines above; None when there is nothing of it."""
    question = state.question
    if question is None:
        return None
    _, _, rest = question_words(question, width - len(" SEND? ") - 2)
    return fit([(f" {rest}", Ink.TEXT)], width) if rest else None


def idle_row(state: TradeState, width: int) -> Row:
    """What ``b`` and ``s`` would say at the cursor."""
    book, price, quantity = state.glass.book, state.cursor_price, state.quantity
    if book is None or not price:
        return fit([(" waiting for a book", Ink.DIM)], width)
    if not quantity:
        return fit([(f" cursor {price}   no quantity yet: 1-5 takes a preset, 0 types one", Ink.DIM)], width)
    value = Decimal(quantity) * Decimal(price)
    cells: list[Cell] = [
        (" b", Ink.KEY),
        (f" buy {quantity} @ {price}", Ink.DIM),
        ("   s", Ink.KEY),
        (" sell", Ink.DIM),
        (f"   ~{short_text(float(value), 7)} {quote_of(book.key)}", Ink.DIM),
        (crossing(book, price), Ink.WARN),
    ]
    return fit(cells, width)


def crossing(book: BookView, price: str) -> str:
    """A warning when a limit at the cursor would take."""
    if book.best_ask and Decimal(price) >= Decimal(book.best_ask):
        return "   b would TAKE"
    if book.best_bid and Decimal(price) <= Decimal(book.best_bid):
        return "   s would TAKE"
    return ""


def hint_row(header: HeaderView | None, keymap: Keymap, gauge: Gauge, width: int) -> Row:
    """The keys to start with, and the terminal's own delay."""
    if header is not None and header.mode == Mode.REPLAY:
        wanted = [
            (Act.REPLAY_PAUSE, "pause"),
            (Act.REPLAY_STEP, "step"),
            (Act.REPLAY_SLOWER, "slower"),
            (Act.REPLAY_FASTER, "faster"),
            (Act.HELP, "help"),
        ]
    else:
        wanted = [
            (Act.BUY_LIMIT, "buy"),
            (Act.SELL_LIMIT, "sell"),
            (Act.JOIN_BID, "join bid"),
            (Act.JOIN_ASK, "join ask"),
            (Act.GRAB, "move"),
            (Act.TICKET, "ticket"),
            (Act.ARM, "arm"),
            (Act.COMMAND, "command"),
            (Act.HELP, "help"),
        ]
    begin: list[Cell] = []
    for act, text in wanted:
        keys = keymap.shown(act).split()
        if keys:
            begin += [(f" {keys[0]}", Ink.KEY), (f" {text} ", Ink.DIM)]
    if width >= 120:  # the header has these figures there
        return fit(begin, width)
    slow = gauge.tty_ms > 250
    tty = f"tty {age_text(gauge.tty_ms)}" if gauge.tty_ms >= 0 else f"tty {NO_VALUE}"
    end: list[Cell] = [(f" fps {gauge.frames_per_s:.0f}", Ink.DIM)]
    if gauge.dropped:
        end.append((f" drop {gauge.dropped}", Ink.DIM))
    end.append((f"  {tty} ", Ink.WARN if slow else Ink.DIM))
    return spread(begin, end, width)


def completion_row(candidates: Sequence[Completion], chosen: int, width: int) -> Row:
    """Candidates for the word at the cursor; stands in for the quantity line while the bar is open."""
    if not candidates:
        return fit([(" Tab completes, Up is history, Enter sends, Esc leaves", Ink.DIM)], width)
    cells: list[Cell] = [(" ", Ink.TEXT)]
    begin = max(0, chosen - 3)
    for place, candidate in enumerate(candidates[begin : begin + 12], begin):
        cells.append((f" {candidate.text} ", Ink.SELECTED if place == chosen else Ink.TEXT))
    detail = candidates[chosen if 0 <= chosen < len(candidates) else 0].detail
    if detail:
        cells.append((f"  {detail}", Ink.DIM))
    return fit(cells, width)
