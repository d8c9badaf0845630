"""Lines of the desk that trade: what is sent, what is refused, what the answer says, what the journal keeps."""

import asyncio
from decimal import Decimal

import pytest

from jackbot_tui.desk.views import Context
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.model.enums import OrderStatus, OrderType, TimeInForce
from jackbot_tui.model.orders import Order
from jackbot_tui.model.records import CommandReceived, Note, OrderSubmitted
from jackbot_tui.risk.limits import RiskLimits
from tests.desk_world import PERP, SPOT, World


def newest(world: World) -> Order:
    return max(world.engine.oms.orders.values(), key=lambda order: order.number)


@pytest.mark.parametrize(
    ("line", "price", "quantity"),
    [
        ("buy 0.5 @ 60998.5 post", "60998.5", "0.5"),
        ("buy 0.5 @ bid", "61000", "0.5"),
        ("buy 0.5 @ bid-2t", "60999", "0.5"),
        ("sell 0.5 @ ask+1t post", "61001", "0.5"),
        ("buy 0.1 @ -0.5%", "60695", "0.1"),
        ("sell 0.1 @ +10bp", "61062", "0.1"),
        ("buy 0.1 @ mid", "61000", "0.1"),
        ("sell 0.1 @ mid post", "61000.5", "0.1"),
        ("buy 0.1 @ bid-0.7", "60999", "0.1"),
        ("buy 1000$ @ 60000", "60000", "0.016"),
        ("buy 10% @ 60000", "60000", "0.166"),
        ("buy #3 @ bid", "61000", "0.1"),
        ("buy 1 eth/usdt @ 2999.5", "2999.5", "1"),
    ],
)
async def test_limit_order_rests_at_the_resolved_price_and_size(line: str, price: str, quantity: str) -> None:
    world = World()
    reply = await world.ctl_line(line)
    assert reply.ok, reply.lines
    order = newest(world)
    assert (order.price, order.quantity, order.status) == (Decimal(price), Decimal(quantity), OrderStatus.NEW)
    assert reply.data is not None
    sent = reply.data["order"]
    assert isinstance(sent, dict)
    assert (sent["number"], sent["price"], sent["status"]) == (order.number, price, "new")
    assert f"#{order.number} " in reply.lines[0]


async def test_reverse_that_waits_for_its_cancels_says_so() -> None:
    world = World(paper=PaperConfig())
    await world.ctl_line("buy 0.2 mkt; sell 0.2 @ ask+5t")
    world.wait(1)
    reply = await world.ctl_line("reverse")
    assert reply.ok
    assert reply.lines == ["reverse BTC/USDT:USDT to SHORT 0.2 BTC: waits for its working orders to end"]
    for _ in range(3):
        world.wait(1)
    assert (world.position(), world.open_numbers()) == ("-0.2", [])


@pytest.mark.parametrize(("age_s", "ok"), [(1, True), (30, False)])
async def test_mark_prices_an_order_only_while_it_is_fresh(age_s: int, ok: bool) -> None:
    world = World()
    world.data.mark(PERP, 60990.0)
    world.wait(age_s)
    reply = await world.ctl_line("buy 0.1 @ mark")
    assert reply.ok is ok
    assert len(world.open_numbers()) == int(ok)
    if not ok:
        assert "no mark price of the last 10 s" in reply.lines[0]


async def test_market_order_fills_and_relative_sizes_follow_the_position() -> None:
    world = World()
    assert (await world.ctl_line("buy 0.5 mkt")).ok
    assert world.position() == "0.5"
    assert (await world.ctl_line("sell half @ entry+100t")).ok
    assert newest(world).quantity == Decimal("0.25")
    assert newest(world).price == Decimal("61050.5")
    assert (await world.ctl_line("close 30%")).ok
    assert world.position() == "0.35"
    assert newest(world).reduce_only
    assert (await world.ctl_line("reverse")).ok
    assert world.position() == "-0.35"
    assert world.open_numbers() == []
    assert (await world.ctl_line("flatten")).ok
    assert world.position() == "0"


async def test_spot_close_is_a_plain_sale_because_spot_has_no_reduce_only() -> None:
    world = World()
    await world.ctl_line("sym eth; buy 2 mkt")
    reply = await world.ctl_line("close half")
    assert reply.ok, reply.lines
    held = Decimal("0.999")  # of 1.999: Binance keeps the fee of a buy back from what was bought
    assert (newest(world).key, newest(world).quantity, newest(world).reduce_only) == (SPOT, held, False)
    assert world.position(SPOT) == "1"


async def test_slip_makes_a_market_order_a_bounded_one() -> None:
    world = World()
    await world.ctl_line("buy 0.5 mkt slip=3t")
    order = newest(world)
    bounded = order.type is OrderType.LIMIT and order.tif is TimeInForce.IOC and order.price == Decimal("61002")
    assert bounded or (order.type is OrderType.MARKET and order.status is OrderStatus.FILLED)
    assert world.position() == "0.5"


@pytest.mark.parametrize(
    ("line", "code", "under_caret", "word"),
    [
        ("buy 0.5 @ 60998.3", "refused", "60998.3", "60998.0 or 60998.5"),
        ("buy 0.1005 @ 60998", "lot", "0.1005", "0.001"),
        ("buy 5 @ 60998", "order_notional", "5 ", "max_order_notional"),
        ("buy 0.5 @ 65000", "collar", "65000", "touch"),
        ("buy 1$ mkt", "refused", "1$", "less than one lot"),
        ("buy 0.1 @ cur", "refused", "cur", "cursor"),
        ("buy 0.1 @ entry", "refused", "entry", "no position"),
        ("buy 0.1 @ last", "refused", "last", "no trade"),
        ("buy 0.1 @ mark", "refused", "mark", "mark price"),
        ("sell $pos mkt", "flat", "$pos", "no position"),
        ("close all", "flat", "close", "no position"),
        ("reverse", "flat", "reverse", "no position"),
        ("move 99 +1t", "no_order", "99", "no order #99"),
        ("cancel 99", "no_order", "99", "no order #99"),
        ("swarm sell 1 over 20m", "unavailable", "swarm", "execution algorithms"),
        ("buy 0.1 mkt; convert 41 market", "unavailable", "convert", "smart trades"),
        ("buy 0.1 @ 100 tp=102", "syntax", "tp", "smart buy 0.5 @ 61000 tp"),
        ("live", "unavailable", "live", "run --live"),
        ("theme cvd", "screen", "theme", "screen"),
        ("byu 1 mkt", "syntax", "byu", "buy"),
        ("fl all", "typed", "fl", "flatten all"),
        ("arm", "not_allowed", "arm", "screen"),
        ("replay pause", "not_allowed", "replay", "no replay"),
    ],
)
async def test_line_that_cannot_be_done_says_why_and_changes_nothing(
    line: str, code: str, under_caret: str, word: str
) -> None:
    world = World()
    reply = await world.ctl_line(line)
    assert not reply.ok
    assert reply.code == code
    assert word in reply.lines[0]
    assert line[reply.caret :].startswith(under_caret)
    assert world.engine.oms.open_orders() == []
    assert world.position() == "0"


async def test_chain_stops_at_the_first_refusal_and_says_what_was_not_done() -> None:
    world = World()
    reply = await world.ctl_line("buy 0.1 @ bid-9t; buy 5 @ bid; buy 0.2 @ bid-9t")
    assert not reply.ok
    assert reply.lines[-1] == "not done: buy 0.2 @ bid-9t"
    assert [order.quantity for order in world.engine.oms.open_orders()] == [Decimal("0.1")]
    assert reply.data is not None
    results = reply.data["results"]
    assert isinstance(results, list)
    assert len(results) == 2


async def test_ticket_words_count_for_the_words_behind_them() -> None:
    world = World()
    reply = await world.ctl_line("sym eth; preset 4 3; post on; buy #4 @ bid-1t")
    assert reply.ok, reply.lines
    order = newest(world)
    assert (order.key, order.quantity, order.post_only) == (SPOT, Decimal(3), True)
    assert (await world.ctl_line("buy 1 @ bid-2t; post off; reduce; reduce; buy 1 @ bid-3t")).ok
    last, before = sorted(world.engine.oms.open_orders(), key=lambda each: -each.number)[:2]
    assert (before.post_only, last.post_only, last.reduce_only, last.key) == (True, False, False, SPOT)


async def test_cancels_by_number_side_instrument_and_last() -> None:
    world = World()
    await world.ctl_line("buy 0.1 @ bid-1t; buy 0.1 @ bid-2t; sell 0.1 @ ask+1t")
    await world.ctl_line("buy 1 eth/usdt @ bid-1t; sell 0.1 @ ask+9t")
    assert world.open_numbers() == [1, 2, 3, 4, 5]
    reply = await world.ctl_line("cancel last")
    assert reply.data == {"canceling": [5]}
    assert world.open_numbers() == [1, 2, 3, 4]
    await world.ctl_line("cancel #1")
    assert world.open_numbers() == [2, 3, 4]
    await world.ctl_line("cancel sells")
    assert world.open_numbers() == [2, 4]
    await world.ctl_line("cancel all eth/usdt")
    assert world.open_numbers() == [2]
    await world.ctl_line("cx all")
    assert world.open_numbers() == []
    assert (await world.ctl_line("cancel all")).lines == ["nothing to cancel"]


async def test_move_changes_price_and_quantity() -> None:
    world = World()
    await world.ctl_line("buy 0.1 @ bid-5t")
    reply = await world.ctl_line("move 1 +2t qty=0.2")
    assert reply.ok, reply.lines
    order = newest(world)
    assert (order.price, order.quantity) == (Decimal("60998.5"), Decimal("0.2"))
    assert not (await world.ctl_line("move last 99999")).ok
    assert newest(world).price == Decimal("60998.5")


async def test_answer_comes_only_when_the_order_is_durable() -> None:
    world = World()
    world.journal.held = True
    asked = asyncio.create_task(world.ctl_line("buy 0.1 @ bid-1t"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not asked.done()
    assert newest(world).status is OrderStatus.PENDING_NEW
    world.journal.release()
    reply = await asked
    assert reply.ok
    assert newest(world).status is OrderStatus.NEW


async def test_canonical_line_is_journaled_with_what_was_seen_before_the_order() -> None:
    world = World()
    await world.armed()
    reply = await world.type("b 0.1@bid-1t post", context=world.seen())
    assert reply.ok, reply.lines
    records = [record for _, record in world.journal.records]
    at = next(i for i, record in enumerate(records) if isinstance(record, CommandReceived) and "buy" in record.line)
    command = records[at]
    assert isinstance(command, CommandReceived)
    assert command.line == f"buy 0.1 {PERP} @ bid-1t post"
    assert command.source == "ui"
    assert command.seen == {"bid": "61000.0", "ask": "61000.5", "book_age_ms": "5", "glass_age_ms": "5"}
    assert isinstance(records[at + 1], OrderSubmitted)


async def test_questions_are_not_journaled_but_notes_are() -> None:
    world = World()
    for line in ("status", "help", "orders", "book 3"):
        assert (await world.ctl_line(line)).ok
    assert world.commands() == []
    assert (await world.ctl_line('journal note "faded; badly"; journal tag pull; note 61000 cpi')).ok
    notes = [(r.topic, r.text) for _, r in world.journal.records if isinstance(r, Note)]
    assert notes == [("note", "faded; badly"), ("tag", "pull"), ("price", f"{PERP} 61000: cpi")]


async def test_kill_locks_cancels_flattens_and_reset_must_be_typed_in_full() -> None:
    world = World()
    await world.ctl_line("buy 0.5 mkt; buy 0.1 @ bid-5t")
    reply = await world.ctl_line("kill flatten")
    assert reply.ok
    assert reply.lines[0].startswith("KILLED")
    assert world.open_numbers() == []
    assert world.position() == "0"
    refused = await world.ctl_line("buy 0.1 @ bid")
    assert (refused.ok, refused.code) == (False, "killed")
    assert (await world.ctl_line("Kill  RESET")).ok
    assert (await world.ctl_line("buy 0.1 @ bid-7t")).ok


async def test_stale_book_leaves_only_cancel_and_kill() -> None:
    world = World()
    await world.ctl_line("buy 0.1 @ bid-5t")
    world.data.markets[PERP].sequencer.on_stale("silent for 3 s")
    for line in ("buy 0.1 @ bid", "buy 0.1 mkt", "buy 0.1 @ 61000"):
        reply = await world.ctl_line(line)
        assert (reply.ok, reply.code) == (False, "book_not_live"), line
    assert (await world.ctl_line("cancel all")).ok
    assert world.open_numbers() == []


async def test_unlisted_limits_and_options_are_bounded() -> None:
    world = World(RiskLimits(max_open_orders=2))
    assert (await world.ctl_line("buy 0.1 @ bid-1t; buy 0.1 @ bid-2t")).ok
    assert (await world.ctl_line("buy 0.1 @ bid-3t")).code == "open_orders"
    assert (await world.ctl_line("set drift.limit 50")).ok
    assert world.desk.options["drift.limit"] == 50
    assert (await world.ctl_line("set drift.limit 5000")).code == "syntax"


async def test_host_commands_reach_the_process() -> None:
    world = World()
    assert (await world.ctl_line("record start; export today; quit")).ok
    assert world.host.asked[0] == "record: True"
    assert sorted(world.host.asked)[0] == "export"
    assert any(asked.startswith("stop: quit by ctl") for asked in world.host.asked)


async def test_context_key_is_where_the_line_was_said() -> None:
    world = World()
    reply = await world.desk.execute(world.ctl, "buy 1 @ bid-1t", Context(key=SPOT), False)
    assert reply.ok, reply.lines
    assert newest(world).key == SPOT


async def test_reconcile_on_paper_says_that_there_is_nothing_to_compare_with() -> None:
    world = World()
    reply = await world.ctl_line("reconcile")
    assert reply.ok
    assert "no venue's account" in reply.lines[0]
    assert reply.data["differences"] == []
