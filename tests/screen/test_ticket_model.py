"""The ticket: fields in, one command line out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.desk.language import SymbolTable, parse
from jackbot_tui.model.enums import Side
from jackbot_tui.tui.view.ticket import Field, Kind, Ticket

KEYS = ["tab", "up", "down", "left", "right", "space", "backspace", "b", "s", "1", "2", ".", "5", "x", "$", "k"]


def ticket() -> Ticket:
    return Ticket(Side.BUY, "0.5", "60998.5", post=False, reduce=False)


def press(form: Ticket, *keys: str) -> Ticket:
    for key in keys:
        form.key(key)
    return form


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ((), "buy 0.5 @ 60998.5"),
        (("1", "tab", "6", "1", "0", "0", "0"), "buy 1 @ 61000"),
        (("tab", "tab", "space"), "buy 0.5 @ 60998.5 post"),
        (("tab", "tab", "tab", "space"), "buy 0.5 @ 60998.5 reduce"),
        (("tab", "tab", "tab", "tab", "right"), "buy 0.5 @ 60998.5 ioc"),
        (("tab", "tab", "tab", "tab", "left"), "buy 0.5 @ 60998.5 fok"),
        (("up", "space"), "sell 0.5 @ 60998.5"),
        (("up", "s"), "sell 0.5 @ 60998.5"),
        (("up", "up", "2"), "buy 0.5 mkt"),
        (("up", "up", "space", "down", "down"), "buy 0.5 mkt"),
        (("backspace", "backspace", "backspace"), ""),
        (("tab", "b", "i", "d", "-", "3", "t"), "buy 0.5 @ bid-3t"),
    ],
)
def test_keys_make_the_line(keys: tuple[str, ...], line: str) -> None:
    assert press(ticket(), *keys).line() == line


def test_post_only_and_a_taking_time_in_force_exclude_each_other() -> None:
    form = press(ticket(), "tab", "tab", "space", "tab", "tab", "right")
    assert form.line() == "buy 0.5 @ 60998.5 ioc"
    form = press(form, "up", "up", "space")
    assert form.line() == "buy 0.5 @ 60998.5 post"


def test_a_market_ticket_has_no_price_fields() -> None:
    form = ticket()
    form.kind = Kind.MARKET
    assert Field.PRICE not in form.fields() and Field.TIF not in form.fields()


@given(st.lists(st.sampled_from(KEYS), max_size=40))
def test_no_key_breaks_the_ticket(keys: list[str]) -> None:
    form = press(ticket(), *keys)
    assert form.field in Field
    line = form.line()
    if line and all(letter in "0123456789." for letter in form.quantity + form.price):
        side, *_ = line.split()
        assert side == form.side.value


def test_what_the_ticket_says_is_of_the_language() -> None:
    for keys in ((), ("up", "up", "2"), ("tab", "tab", "space"), ("tab", "tab", "tab", "tab", "right")):
        assert len(parse(press(ticket(), *keys).line(), SymbolTable())) == 1
