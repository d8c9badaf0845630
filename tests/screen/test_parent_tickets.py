"""The tickets of parent orders: made from the tables of parameters, one line out, checked while one types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.desk import commands as c
from jackbot_tui.desk.language import SymbolTable, parse
from jackbot_tui.desk.language.forms import form_fields, form_kinds
from jackbot_tui.desk.views import Reply
from jackbot_tui.model.enums import Side
from jackbot_tui.tui.overlays import PageScreen, TicketDialog
from jackbot_tui.tui.view.ink import row_width, text_row
from jackbot_tui.tui.view.tickets import Tickets
from tests.screen.stage import Stage, staged
from tests.screen.test_screens import page_text, previewed

WIDTH = 76
KEYS = [
    "tab",
    "up",
    "down",
    "left",
    "right",
    "space",
    "backspace",
    "delete",
    "pageup",
    "1",
    "3",
    "s",
    ".",
    "5",
    "%",
    "m",
]


def tickets(kind: str = "limit") -> Tickets:
    return Tickets(Side.BUY, "0.5", "60998.5", post=False, reduce=False, chosen=kind)


def press(form: Tickets, *keys: str) -> Tickets:
    for key in keys:
        form.key(key)
    return form


def at(kind: str, **typed: str) -> Tickets:
    """The ticket of ``kind`` after texts were typed into its fields by name."""
    ticket = tickets(kind)
    form = ticket.form
    assert form is not None
    for name, text in typed.items():
        form.go(next(n for n, field in enumerate(form.fields) if field.name == name.rstrip("_")) - form.place)
        press(ticket, *(["space"] if text == "turn" else text))
    return ticket


def test_there_is_a_ticket_for_every_kind_with_every_parameter_that_can_be_said() -> None:
    assert set(form_kinds()) == {kind.value for kind in ALGORITHMS}
    for kind, algorithm in ALGORITHMS.items():
        names = {field.name for field in form_fields(kind.value)}
        assert {parameter.name for parameter in algorithm.table if not parameter.hidden} < names


@pytest.mark.parametrize(
    ("kind", "typed", "line"),
    [
        ("maker", {}, "maker buy 0.5"),
        ("maker", {"limit": "bid-5t", "interval": "2s"}, "maker buy 0.5 limit=bid-5t interval=2s"),
        ("twap", {}, ""),
        ("twap", {"over": "20m", "side": "s"}, "twap sell 0.5 over=20m"),
        ("twap", {"over": "20m", "curve": "s", "limit": "60500"}, "twap buy 0.5 over=20m curve=s limit=60500"),
        ("vwap", {"over": "1h", "cap": "10%"}, "vwap buy 0.5 over=1h cap=10%"),
        ("chase", {"patience": "30s"}, "chase buy 0.5 patience=30s"),
        ("iceberg", {"show": "0.1"}, "iceberg buy 0.5 limit=60998.5 show=0.1"),
        ("scale", {"into": "5", "to": "59500"}, "scale buy 0.5 into=5 from=60998.5 to=59500"),
        ("bracket", {"target": "61500", "stop": "60000"}, "bracket buy 0.5 entry=60998.5 target=61500 stop=60000"),
        ("oco", {"target": "61500", "stop": "60000", "side": "s"}, "oco sell 0.5 target=61500 stop=60000"),
        ("prophet", {"price": "42000", "ttl": "24h"}, "prophet buy 0.5 @ 42000 ttl=24h"),
        ("smart", {"tp": "62000:50%,63000", "sl": "60000"}, "smart buy 0.5 tp=62000:50%,63000 sl=60000"),
        ("smart", {"side": "p", "trail": "0.5%"}, "smart position trail=0.5%"),
        ("smart", {"side": "p", "qty": "0.3", "trail": "0.5%"}, "smart position 0.3 trail=0.5%"),
        ("maker", {"qty": "5k$", "reduce": "turn"}, "maker buy 5k$ reduce=on"),
    ],
)
def test_what_is_typed_makes_the_line(kind: str, typed: dict[str, str], line: str) -> None:
    assert at(kind, **typed).line() == line
    if line:
        (command,) = parse(line, SymbolTable())
        assert isinstance(command, c.StartParent) and command.kind.value == kind


@pytest.mark.parametrize(
    ("kind", "typed", "words"),
    [
        ("twap", {}, "over is missing"),
        ("twap", {"over": "20"}, "no time unit"),
        ("twap", {"over": "1s"}, "outside 5s to 24h"),
        ("twap", {"over": "5m", "slices": "1"}, "outside 2 to 500"),
        ("maker", {"limit": "abc"}, "not a price"),
        ("maker", {"qty": "0"}, "must be above 0"),
        ("smart", {"tp": "62000:60%,63000:60%"}, "add up to 120%"),
        ("bracket", {"target": "61000"}, "stop is missing"),
    ],
)
def test_a_field_that_cannot_be_taken_says_why_and_nothing_can_be_sent(
    kind: str, typed: dict[str, str], words: str
) -> None:
    ticket = at(kind, **typed)
    assert ticket.line() == "" and ticket.form is not None
    assert words in ticket.form.problem()


@given(st.sampled_from(form_kinds()), st.lists(st.sampled_from(KEYS), max_size=40), st.integers(20, 40))
def test_no_key_breaks_a_ticket_and_what_it_says_is_of_the_language(kind: str, keys: list[str], room: int) -> None:
    ticket = press(tickets(kind), *keys)
    if ticket.form is not None:
        if line := ticket.line():
            assert len(parse(line, SymbolTable())) == 1
        rows = ticket.form.field_rows(WIDTH, True) + ticket.form.help_rows(WIDTH) + ticket.selector()
        assert {row_width(row) for row in rows} == {WIDTH}


def test_side_and_quantity_go_along_from_kind_to_kind() -> None:
    ticket = press(tickets(), "2", "up", "s", "up", "4")
    assert ticket.chosen == "vwap" and ticket.form is not None
    assert (ticket.form.values["side"], ticket.form.values["qty"]) == ("sell", "2")
    assert press(ticket, "1").line() == "sell 2 @ 60998.5"


def test_the_selector_goes_round_and_each_kind_has_its_key_or_letter() -> None:
    ticket = press(tickets(), "up", "up")
    seen = []
    for _ in range(len(ticket.names)):
        seen.append(ticket.chosen)
        press(ticket, "right")
    assert seen == ticket.names and ticket.chosen == "limit"
    assert press(ticket, "b").chosen == "bracket"
    assert press(ticket, "3").chosen == "twap"
    text = "".join(map(text_row, ticket.selector()))
    assert all(name in text.lower() for name in ticket.names)


def top(stage: Stage) -> object:
    return stage.app.screen


async def open_kind(stage: Stage, key: str) -> None:
    await stage.press("t", "up", "up", key)


async def test_a_parent_ticket_previews_checks_and_asks_its_line() -> None:
    async with staged((80, 24)) as stage:
        await open_kind(stage, "3")
        assert "over is missing" in page_text(stage)
        await stage.press("enter")
        assert isinstance(top(stage), TicketDialog)  # nothing leaves a ticket that is not whole
        await stage.press("tab", "tab", "tab", *"20x")
        assert "20x has no time unit" in page_text(stage)
        await stage.press("backspace", "m")
        await previewed(stage)
        assert stage.link.previews[-1] == "twap buy 0.5 over=20m"
        assert "= twap buy 0.5 over=20m" in page_text(stage)
        assert stage.lines() == []
        await stage.press("enter")
        assert top(stage) is stage.app.trade
        assert stage.link.lines == [("twap buy 0.5 over=20m", False)]


async def test_the_preview_is_asked_again_while_the_market_moves() -> None:
    async with staged() as stage:
        await open_kind(stage, "5")
        await previewed(stage)
        before = stage.link.previews.count("maker buy 0.5")
        await stage.frame(2_000_000_000)
        await previewed(stage)
        assert stage.link.previews.count("maker buy 0.5") == before + 1


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (80, 18)])
async def test_every_ticket_fits_and_shows_its_command(size: tuple[int, int]) -> None:
    async with staged(size) as stage:
        await stage.press("t", "up", "up")
        screen = stage.app.screen
        assert isinstance(screen, TicketDialog)
        for _ in screen.ticket.names:
            await stage.press("right")
            rows = [text_row(row) for row in screen.panel._rows]
            assert {len(row) for row in rows} == {WIDTH + 2}
            assert "Enter review and send" in rows[-2]
            assert screen.panel.size.height == len(rows) <= size[1]


async def test_a_long_preview_is_turned_page_by_page() -> None:
    async with staged((80, 24)) as stage:
        view = stage.app.glass.view
    assert view is not None
    shown = Reply(True, [";  ".join(f"line {number} of what would happen, and so on" for number in range(30))])
    ticket = tickets("smart")

    def text() -> str:
        return "\n".join(map(text_row, ticket.rows(view.header, view.book, shown, 22)))

    assert "line 0 " in text() and "of 30  PgUp PgDn" in text()
    for _ in range(12):
        press(ticket, "pagedown")
        text()
    assert "line 29 " in text() and "line 0 " not in text() and "= smart buy 0.5" in text()
    press(ticket, "pageup")
    assert "line 29 " not in text()


async def test_page_p_opens_the_ticket_of_the_last_kind() -> None:
    async with staged() as stage:
        await stage.press("P")
        assert isinstance(top(stage), PageScreen)
        await stage.press("t")
        assert "TWAP TICKET" in page_text(stage)
        await stage.press("up", "up", "8", "escape", "P", "t")
        assert "SMART TICKET" in page_text(stage)
