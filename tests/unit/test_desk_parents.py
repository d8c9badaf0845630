"""Parent orders in the command language: parsed, previewed, started, listed, steered; the same for screens and ctl."""

from decimal import Decimal

import pytest

from jackbot_tui.desk.desk import Desk
from jackbot_tui.desk.language import CompletionContext, SymbolTable, SyntaxProblem, complete, explain, parse
from jackbot_tui.desk.views import ClientInfo, Context, Reply, Role, ViewRequest
from tests.desk_world import PERP
from tests.parents_world import SELL, ParentsWorld

SYMBOLS = SymbolTable([PERP], {})


class Hand:
    """Somebody who says lines to the desk of an engine."""

    def __init__(self, role: Role = Role.CTL) -> None:
        self.world = ParentsWorld()
        self.desk = Desk(self.world.engine)
        self.client: ClientInfo = self.desk.attach(role, "test")

    async def say(self, line: str, confirmed: bool = True) -> Reply:
        return await self.desk.execute(self.client, line, Context(key=PERP), confirmed)


@pytest.mark.parametrize(
    ("line", "canonical"),
    [
        ("mk buy 0.5 limit=bid-5t interval=2s", "maker buy 0.5 limit=bid-5t interval=2s"),
        ("maker buy 0.5 interval=2000ms", "maker buy 0.5 interval=2s"),
        ("scale buy 1 into 5 from 99 to 95", "scale buy 1 into=5 from=99 to=95"),
        ("scale buy 1 to=95 into=5 from=99 curve=far", "scale buy 1 into=5 from=99 to=95 curve=far"),
        ("vw buy 2 over 1h cap=10 pov=5", "vwap buy 2 over=1h pov=5 cap=10"),
        (
            "smart buy 0.5 @ 61000 tp 62000:50% 63000:50% trail 0.5% sl 60000",
            "smart buy 0.5 price=61000 tp=62000:50%,63000:50% sl=60000 trail=0.5%",
        ),
        ("smart position tp 2%:50% 4% sl 1%", "smart position tp=2%:50%,4% sl=1%"),
        ("smart position btc sl 90", "smart position binance:BTC/USDT:USDT sl=90"),
        ("smart position 0.3 sl=90,80 be 1 tp 120", "smart position 0.3 tp=120 sl=90,80 be=1"),
        ("smart sell half trailtp 95:0.50% time 90m exit=limit", "smart sell half trailtp=95:0.5% time=90m exit=limit"),
        ("task edit 3 tp 62000:50% 63000 sl=none", "task edit 3 sl=none tp=62000:50%,63000"),
        ("task edit p3 qty=2 limit=60400", "task edit 3 qty=2 limit=60400"),
        ("task edit 3 limit=none", "task edit 3 limit=none"),
        ("task pause all", "task pause all"),
        ("task finish 3", "task finish 3"),
        ("task list", "parents"),
    ],
)
def test_lines_have_one_canonical_form(line: str, canonical: str) -> None:
    (command,) = parse(line, SYMBOLS)
    assert explain(command) == canonical
    assert parse(canonical, SYMBOLS) == [command]


@pytest.mark.parametrize(
    ("line", "said", "caret"),
    [
        ("maker 0.5", "a side", 6),
        ("maker position", "a side", 6),
        ("smart buy 0.5 tp", "such as 62000:50%", 16),
        ("smart buy 0.5 tp 62000:", "no size behind the colon", 14),
        ("smart buy 0.5 tp 1:60% 2:60%", "add up to 120%", 14),
        ("smart buy 0.5 trail 0%", "0% is not above 0", 14),
        ("smart buy 0.5 trailtp 63000", "63000:0.5%", 14),
        ("smart buy 0.5 on=position", "neither an instrument nor a parameter", 14),
        ("maker buy 0.5 intervl=3s", "near: interval", 14),
        ("maker buy 0.5 interval=3", "no time unit", 14),
        ("maker buy 0.5 interval=5h", "100ms to 1h", 14),
        ("maker buy 0.5 interval=1s interval=2s", "there twice", 26),
        ("iceberg buy 5 limit=100", "show is missing", 23),
        ("task finish all", "number expected", 12),
        ("task edit 3", "say what changes", 11),
    ],
)
def test_what_is_not_understood_points_at_its_word(line: str, said: str, caret: int) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse(line, SYMBOLS)
    assert said in caught.value.message
    assert caught.value.caret == caret


@pytest.mark.parametrize(
    ("line", "first", "others"),
    [
        ("maker ", "buy", {"sell"}),
        ("maker buy 0.5 ", "limit=", {"interval=", "requeue=", "reposts=", "BTC/USDT:USDT"}),
        ("maker buy 0.5 limit=bid in", "interval=", set()),
        ("smart ", "buy", {"sell", "position"}),
        ("smart position ", "price=", {"tp=", "sl=", "trail=", "trailtp=", "be=", "BTC/USDT:USDT"}),
        ("task ", "list", {"pause", "resume", "edit", "cancel", "finish"}),
        ("task cancel ", "all", set()),
    ],
)
def test_words_are_completed_from_the_tables(line: str, first: str, others: set[str]) -> None:
    found = [each.text for each in complete(line, len(line), CompletionContext(symbols=("BTC/USDT:USDT",)))]
    assert found[0] == first
    assert others <= set(found)


async def test_ctl_starts_lists_steers_and_cancels() -> None:
    hand = Hand()
    started = await hand.say("maker buy 0.5 limit=bid")
    assert started.ok, started.lines
    assert started.data == {"parent": 1}
    hand.world.step(500)
    listed = await hand.say("parents")
    assert listed.lines[0] == "p1 maker BUY BTC/USDT:USDT 0 of 0.5, 0%  RUNNING"
    assert "rests at 100" in listed.lines[1]
    assert (await hand.say("task edit 1 qty=0.4 limit=ask")).ok
    hand.world.step(500)
    assert hand.world.only_order().quantity == Decimal("0.4")
    assert (await hand.say("task pause 1")).lines[0].startswith("p1 paused")
    hand.world.step(500)
    assert hand.world.open_orders() == []
    assert not (await hand.say("task resume 7")).ok
    assert (await hand.say("task resume p1")).ok
    hand.world.step(500)
    assert (await hand.say("cancel all")).lines[0] == "parent orders canceled: p1"
    hand.world.step(500)
    assert hand.world.open_orders() == []
    assert "CANCELED" in (await hand.say("parents")).lines[0]


async def test_a_screen_is_shown_what_will_happen_and_asked() -> None:
    hand = Hand(Role.SCREEN)
    asked = await hand.say("maker buy 0.5", confirmed=False)
    assert asked.confirm
    assert "posts 0.5 at 100" in asked.lines[0]
    assert "note: no limit" in asked.lines[0]
    assert hand.world.parents.pictures() == []
    assert (await hand.say("maker buy 0.5")).ok
    assert not (await hand.say("task cancel 1", confirmed=False)).confirm


async def test_a_preview_says_what_stands_in_the_way() -> None:
    hand = Hand()
    reply = hand.desk.preview(hand.client, "scale buy 0.003 into 5 from 99 to 95", Context(key=PERP))
    assert not reply.ok
    assert "too small" in reply.lines[-1]


async def test_the_picture_carries_the_parents() -> None:
    hand = Hand()
    await hand.say("maker buy 0.5")
    hand.world.step(500)
    hand.world.trade(SELL, "100.0", "1.2")
    hand.world.step(500)
    assert hand.desk.picture(hand.client, ViewRequest(key=PERP)).parents is None  # made only when asked for
    (view,) = hand.desk.picture(hand.client, ViewRequest(key=PERP, parents=True)).parents or []
    assert (view.kind, view.filled, view.status, view.maker_pct) == ("maker", "0.2", "running", "100")
    assert view.orders == [1]
    assert view.fraction == 0.4


async def test_one_who_only_watches_cannot_start_one() -> None:
    hand = Hand(Role.WATCH)
    assert not (await hand.say("maker buy 0.5")).ok
    assert hand.world.parents.pictures() == []


async def test_a_smart_trade_is_typed_shown_edited_and_ended() -> None:
    hand = Hand()
    assert "no position" in (await hand.say("smart position sl 90")).lines[0]
    assert (await hand.say("smart buy 0.5 @ 100 tp 102:50% 104:50% sl 98")).ok
    hand.world.step(300)
    hand.world.trade(SELL, "100.0", "30")
    hand.world.step(500)
    listed = await hand.say("parents")
    assert "0.5 in; stop 98; touch 100; targets 102 for 0.25, 104 for 0.25" in listed.lines[1]
    assert (await hand.say("task edit 1 tp 103 sl 97:50% 96 trail 2")).ok
    hand.world.step(500)
    assert "0.5 in; stop 97, 96, trailing 98; touch 100; targets 103 for 0.5" in (await hand.say("parents")).lines[1]
    refused = await hand.say("task edit 1 sl=101")
    assert refused.lines == ["p1: sl 101 must be below the touch price 100"]
    assert (await hand.say("task cancel 1")).ok
    hand.world.step(500)
    shown = hand.desk.preview(hand.client, "smart position 50% tp 110 sl 97", Context(key=PERP))
    assert shown.ok, shown.lines
    assert "takes over 0.25 of the position from 100" in shown.lines[0]
    assert "USDT at the stop, with slip and fees" in shown.lines[0]
    assert (await hand.say("smart position tp 110 sl 97")).ok
    hand.world.book("97.0", "97.5")
    hand.world.step(500)
    assert hand.world.position() == 0
