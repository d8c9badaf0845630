"""Why was I filled, and would I have been under other rules: what the desk answers and shows."""

import re

import pytest

from jackbot_tui.desk.views import Role, ViewRequest
from jackbot_tui.execution.paper.comparison import TOUCH
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.latency import LatencyKind
from jackbot_tui.execution.paper.shadows import RULES
from jackbot_tui.model.enums import Side
from tests.desk_world import PERP, START_NS, World


async def filled_maker() -> World:
    """0.5 joins 1 at the best bid of 61000; 0.4 of it trades, then 1.5: filled 2 s after it began to rest."""
    world = World()
    reply = await world.ctl_line("buy 0.5 @ 61000 post")
    assert reply.ok, reply.lines
    world.data.trade(PERP, Side.SELL, "61000.0", "0.4")
    world.wait(2)
    world.data.trade(PERP, Side.SELL, "61000.0", "1.5")
    return world


async def test_why_tells_queue_event_and_latency_of_a_fill() -> None:
    world = await filled_maker()
    reply = await world.ctl_line("why")
    assert reply.ok
    head, *facts = reply.lines
    assert head.startswith("#1 BUY 0.5 BTC/USDT:USDT @ 61000.0 maker, fee 6.1 USDT")
    assert facts[:5] == [
        "  why      1.5 traded at its price 61000 and got past the queue (trade 2)",
        "  queue    1 ahead when it began to rest, 2.000 s before",
        "           0.4 eaten by trades, 0 gone as the level shrank",
        "           0.6 of 1 displayed still ahead right before the fill",
        "  latency  0.0 ms there, 0.0 ms back, as drawn",
    ]
    assert "1 s to come, 5 s to come" in facts[5]
    assert facts[6] == "  TOXIC    filled from far back in the queue"
    assert reply.data is not None
    (told,) = reply.data["why"]  # type: ignore[misc]
    assert told["cause"] is not None and told["fill"]["trade_id"] == facts[-1].split()[-1]
    for name in ("1", "#1", told["fill"]["trade_id"]):
        assert (await world.ctl_line(f"why {name}")).lines == reply.lines


async def test_why_of_what_is_not_there_says_where_to_look_and_changes_nothing() -> None:
    world = World()
    empty = await world.ctl_line("why")
    assert not empty.ok and "no fills in this session yet" in empty.lines[0]
    world = await filled_maker()
    before = len(world.journal.records)
    reply = await world.ctl_line("why 7")
    assert not reply.ok and "jackbot journal explain" in reply.lines[0]
    assert len(world.journal.records) == before


async def test_a_screen_that_only_looks_may_ask_why_and_the_journal_does_not_note_it() -> None:
    world = await filled_maker()
    watcher = world.desk.attach(Role.WATCH, "wall")
    commands = world.commands()
    assert (await world.type("why", client=watcher)).ok
    assert (await world.type("honesty", client=watcher)).ok
    assert world.commands() == commands


async def test_markouts_come_into_the_picture_as_they_become_known_in_basis_points() -> None:
    world = await filled_maker()
    request = ViewRequest(key=PERP)
    (fill,) = world.desk.picture(world.screen, request).fills
    assert (fill.markouts, fill.toxic) == (["", "", "", ""], "filled from far back in the queue")
    world.fresh(4)  # the mid is 61002.25 now
    world.wait(1)
    (fill,) = world.desk.picture(world.screen, request).fills
    assert fill.markouts == ["+0.4", "", "", ""]
    world.fresh(-20)
    world.wait(4)
    (fill,) = world.desk.picture(world.screen, request).fills
    assert fill.markouts == ["+0.4", "-1.6", "", ""]
    assert "the price went on against it" in fill.toxic
    fills = await world.ctl_line("fills")
    assert re.search(r"\+0\.4 +-1\.6 +- +- +TOXIC", fills.lines[1])


async def test_a_markout_that_nobody_saw_is_not_one_that_is_still_to_come() -> None:
    world = await filled_maker()
    world.data.markets[PERP].sequencer.on_down("gone")
    world.wait(6)
    (fill,) = world.desk.picture(world.screen, ViewRequest(key=PERP)).fills
    assert fill.markouts == ["?", "?", "", ""]


async def test_honesty_puts_every_rule_beside_what_this_session_filled() -> None:
    world = World()
    await world.ctl_line("buy 0.5 @ 61000 post")
    world.data.trade(PERP, Side.SELL, "61000.0", "0.4")  # 1 stands ahead
    reply = await world.type("honesty")
    assert reply.lines[0] == "1 orders rested; this session filled 0 of them, at least in part"
    rows = {line.split()[0]: line.split()[1:] for line in reply.lines[2 : 2 + len(RULES)]}
    assert list(rows) == list(RULES)
    assert rows[TOUCH] == ["1", "0", "0", "-"]  # nothing to compare with yet
    assert rows["risk_averse"] == ["0", "1", "0", "-"]
    world.data.trade(PERP, Side.SELL, "61000.0", "0.9")
    later = {line.split()[0]: line.split()[1:] for line in (await world.type("honesty")).lines[2 : 2 + len(RULES)]}
    assert (later[TOUCH], later["through"]) == (["1", "0", "0", "+0.0%"], ["0", "1", "0", "-100.0%"])
    assert reply.lines[2 + len(RULES) :] == [
        "assumed: queue risk_averse",
        "assumed: latency 0+0 ms",
        "assumed: fees 0.02/0.05 % (lowest tier)",
        "assumed: impact off",
    ]


@pytest.mark.parametrize(
    ("paper", "words"),
    [
        (PaperConfig(), "latency 20+20 ms"),
        (PaperConfig(latency=LatencyKind.VENUE), "latency assumed 25 ms, p99 120, there and back"),
        (PaperConfig(latency=LatencyKind.MEASURED), "latency assumed 25 ms, p99 120, there and back"),
        (PaperConfig(latency_jitter_ns=5_000_000, feed_latency_ns=3_000_000), "latency 20+20 ms (+0-5), feed 3 ms"),
        (PaperConfig(queue="power2:3", spike_chance=0.01), "latency 20+20 ms, spikes 1.00%"),
    ],
)
async def test_what_paper_assumes_is_in_every_picture_and_in_the_status(paper: PaperConfig, words: str) -> None:
    world = World(paper=paper)
    header = world.desk.picture(world.screen, ViewRequest(key=PERP)).header
    assert header.assumptions[0] == f"queue {paper.queue}"
    assert header.assumptions[1] == words
    status = await world.type("status")
    assert any(line.startswith("paper assumes queue") and words in line for line in status.lines)
    assert world.clock.now_ns() == START_NS
