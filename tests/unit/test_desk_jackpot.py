"""Jackpots in the command language: said, completed, shown as a card, sent only with the ticket typed again."""

import pytest

from jackbot_tui.desk.desk import Desk
from jackbot_tui.desk.language import CompletionContext, SymbolTable, SyntaxProblem, complete, explain, parse
from jackbot_tui.desk.views import ClientInfo, Context, Reply, Role
from tests.desk_world import PERP
from tests.jackpots_world import JackpotWorld

SYMBOLS = SymbolTable([PERP], {})


class Hand:
    """Somebody who says lines to the desk of an engine."""

    def __init__(self, role: Role = Role.CTL) -> None:
        self.world = JackpotWorld()
        self.desk = Desk(self.world.engine)
        self.client: ClientInfo = self.desk.attach(role, "test")

    async def say(self, line: str, confirmed: bool = True) -> Reply:
        return await self.desk.execute(self.client, line, Context(key=PERP), confirmed)


@pytest.mark.parametrize(
    ("line", "canonical"),
    [
        ("jackpot long 100x ticket 50", "jackpot long leverage=100 ticket=50"),
        ("jp short btc 20X ticket=50.0 accept 50", f"jackpot short {PERP} leverage=20 ticket=50 accept=50"),
        (
            "jackpot long ticket 50 sl 60500 tp 62000:50% 63000 leverage=100x trigger=last hold=2h",
            "jackpot long leverage=100 ticket=50 sl=60500 tp=62000:50%,63000 hold=2h trigger=last",
        ),
    ],
)
def test_lines_have_one_canonical_form(line: str, canonical: str) -> None:
    (command,) = parse(line, SYMBOLS)
    assert explain(command) == canonical
    assert parse(canonical, SYMBOLS) == [command]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("jackpot buy 100x ticket 50", "a direction: long, short"),
        ("jackpot", "a direction is missing"),
        ("jackpot long ticket 50", "leverage is missing"),
        ("jackpot long 100x", "ticket is missing"),
        ("jackpot long 0x ticket 5", "0x is outside 1 to 1000"),
        ("jackpot long 100x 50x ticket 5", "leverage is there twice"),
        ("jackpot long 100x ticket 0", "0 is not above 0"),
        ("jackpot long 100x ticket fifty", "fifty"),
        ("jackpot long 100x ticket 50 price=60000", "neither an instrument nor a parameter"),
        ("maker buy 1 100x", "neither an instrument nor a parameter"),
    ],
)
def test_what_is_not_understood_is_said(line: str, said: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse(line, SYMBOLS)
    assert said in str(caught.value)


def test_the_next_word_is_offered() -> None:
    def offered(line: str) -> list[str]:
        return [each.text for each in complete(line, len(line), CompletionContext(symbols=("BTC/USDT:USDT",)))]

    assert offered("jackpot ") == ["long", "short"]
    assert "100x" in offered("jackpot long ")
    assert "ticket=" in offered("jackpot long 100x ")
    assert "price=" not in offered("jackpot long 100x ")


async def test_the_card_comes_first_and_the_ticket_typed_again_sends_it() -> None:
    hand = Hand()
    reply = await hand.say("jackpot long 100x ticket 50")
    assert (reply.ok, reply.code, reply.confirm) == (False, "card", False)
    assert "worst case with a gap" in reply.lines[0]
    assert reply.lines[-1] == "to send it type the line again with accept 50 at its end: nothing was sent"
    assert not hand.world.engine.oms.orders
    reply = await hand.say("jackpot long 100x ticket 50 accept 50")
    assert reply.ok, reply.lines
    assert "p1 JACKPOT BUY 0.034 BTC/USDT:USDT" in reply.lines[0]
    hand.world.step(500)
    assert hand.world.position() > 0
    reply = await hand.say("parents")
    assert any("jackpot BUY" in line for line in reply.lines)
    assert any("waits at the venue" in line for line in reply.lines)


async def test_a_screen_that_is_not_armed_is_asked_with_the_card() -> None:
    hand = Hand(Role.SCREEN)
    shown = await hand.say("jackpot long 100x ticket 50 accept 50", confirmed=False)
    assert shown.confirm
    text = " ".join(shown.lines)
    assert "liquidation about" in text
    assert "worst case with a gap" in text
    assert "DISARMED" in text
    sent = await hand.say("jackpot long 100x ticket 50 accept 50")
    assert sent.ok, sent.lines


async def test_the_whole_card_is_shown_with_what_to_type() -> None:
    hand = Hand(Role.SCREEN)
    shown = await hand.say("jackpot short 50x ticket 20", confirmed=False)
    text = " ".join(shown.lines)
    assert not shown.ok
    assert not shown.confirm
    for said in ("short 0.", "worst case with a gap", "break-even", "funding until 8h", "odds", "accept 20"):
        assert said in text


async def test_what_cannot_be_is_one_line() -> None:
    hand = Hand()
    reply = await hand.say("jackpot long 100x ticket 0.5")
    assert not reply.ok
    assert "too small" in reply.lines[-1]
    assert len(reply.lines) == 1
    reply = await hand.say("jackpot long 100x ticket 50 sl 70000")
    assert "act at once" in reply.lines[-1]
