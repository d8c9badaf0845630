"""Guards of the desk: disarmed at start, arming and what ends it, one pen, the seen guard, questions and confirms."""

import pytest

from jackbot_tui.desk.views import Context, Role, ViewRequest
from jackbot_tui.model.clock import NS_PER_S
from tests.desk_world import PERP, SPOT, World

LIMIT = "buy 0.1 @ bid-1t"
MARKET = "buy 0.1 mkt"


async def test_disarmed_screen_is_asked_and_a_confirm_sends_what_was_shown() -> None:
    world = World()
    asked = await world.type(LIMIT)
    assert (asked.ok, asked.code, asked.confirm) == (False, "confirm", True)
    assert "BUY 0.1 BTC/USDT:USDT @ 60999.5" in asked.lines[0]
    assert any("DISARMED" in line for line in asked.lines)
    assert world.open_numbers() == []
    world.fresh(mid_ticks=3)
    sent = await world.type(LIMIT, confirmed=True)
    assert sent.ok, sent.lines
    assert [str(order.price) for order in world.engine.oms.open_orders()] == ["60999.5"]


async def test_question_dies_with_its_time_and_is_asked_anew() -> None:
    world = World()
    await world.type(LIMIT)
    world.wait(16)
    late = await world.type(LIMIT, confirmed=True)
    assert late.code == "confirm"
    assert world.open_numbers() == []


async def test_question_is_replaced_by_another_line_and_answered_once() -> None:
    world = World()
    await world.type(LIMIT)
    await world.type("sell 0.1 @ ask+1t")
    assert (await world.type(LIMIT, confirmed=True)).code == "confirm"
    assert (await world.type(LIMIT, confirmed=True)).ok
    assert (await world.type(LIMIT, confirmed=True)).code in ("confirm", "duplicate")
    assert len(world.open_numbers()) == 1


async def test_confirm_after_a_preview_sends_the_previewed_price() -> None:
    world = World()
    shown = world.desk.preview(world.screen, LIMIT, Context(key=PERP))
    assert shown.ok
    world.fresh(mid_ticks=2)
    assert (await world.type(LIMIT, confirmed=True)).ok
    assert [str(order.price) for order in world.engine.oms.open_orders()] == ["60999.5"]


async def test_preview_while_typing_does_not_swallow_an_open_question() -> None:
    world = World()
    assert (await world.type(LIMIT)).code == "confirm"
    world.desk.preview(world.screen, "sell 0.1 @ ask", Context(key=PERP))
    assert (await world.type(LIMIT, confirmed=True)).ok
    assert (await world.type("sell 0.1 @ ask", confirmed=True)).code == "confirm"


async def test_confirm_sends_what_was_shown_last() -> None:
    world = World()
    await world.type(LIMIT)
    world.wait(1)
    world.fresh(mid_ticks=4)
    shown = world.desk.preview(world.screen, LIMIT, Context(key=PERP))
    assert "@ 61001.5" in shown.lines[0]
    assert (await world.type(LIMIT, confirmed=True)).ok
    assert [str(order.price) for order in world.engine.oms.open_orders()] == ["61001.5"]


async def test_armed_screen_sends_limits_at_once_and_markets_only_when_armed_for_them() -> None:
    world = World()
    await world.armed()
    assert (await world.type(LIMIT)).ok
    for line in (MARKET, "flatten", "reverse"):
        asked = await world.type(line)
        assert asked.code in ("confirm", "flat"), line
    await world.armed("arm 5m market")
    assert (await world.type(MARKET)).ok
    assert (await world.type("flatten")).ok
    assert world.position() == "0"


DOUBTS = (
    *("time", "idle", "symbol", "other glass", "other line", "stale", "down", "glass", "heartbeat", "silence"),
    *("screen", "rejected", "kill", "kill from outside"),
)


@pytest.mark.parametrize("undo", [*DOUBTS, "disarm"])
async def test_whatever_makes_acting_doubtful_disarms(undo: str) -> None:
    world = World()
    await world.armed("arm 1m" if undo == "time" else "arm")
    assert world.desk.arming.armed
    sequencer = world.data.markets[PERP].sequencer
    match undo:
        case "time":
            world.wait(61)
        case "idle":
            world.wait(121)
        case "symbol":
            await world.type("sym eth/usdt")
        case "other glass":
            world.desk.picture(world.screen, ViewRequest(key=SPOT))
        case "other line":
            await world.type("status", context=Context(key=SPOT))
        case "stale":
            sequencer.on_stale("silent")
        case "down":
            sequencer.on_down("connection lost")
        case "glass":
            await world.type("status", context=world.seen(glass_age_ms=251.0))
        case "heartbeat":
            world.desk.heartbeat(world.screen, 300.0)
        case "silence":
            world.desk.heartbeat(world.screen, 5.0)
            world.wait(6)
        case "screen":
            world.desk.attach(Role.SCREEN, "second")
        case "rejected":
            world.engine.board.publish(0, "rejected", "bad", "#1 rejected")
        case "disarm":
            await world.type("disarm")
        case "kill":
            await world.desk.kill(world.screen, False)
        case "kill from outside":
            world.engine.kill("signal")
    world.desk.advance(world.clock.now_ns())
    assert not world.desk.arming.armed
    told = [notice.text for notice in world.desk.notices_after(0) if notice.kind == "mode"]
    assert told[-1].startswith("DISARMED")


async def test_heartbeats_alone_do_not_keep_an_idle_screen_armed() -> None:
    world = World()
    await world.armed()
    for _ in range(65):
        world.wait(2)
        world.desk.heartbeat(world.screen, 4.0)
    assert not world.desk.arming.armed


async def test_arming_needs_a_live_book_a_fresh_glass_and_no_kill() -> None:
    world = World()
    world.desk.heartbeat(world.screen, 400.0)
    assert "400 ms" in (await world.type("arm")).lines[0]
    world.desk.heartbeat(world.screen, 4.0)
    world.data.markets[PERP].sequencer.on_stale("silent")
    assert "stale" in (await world.type("arm")).lines[0]
    world.fresh()
    await world.type("kill")
    assert "kill reset" in (await world.type("arm")).lines[0]
    assert not world.desk.arming.armed


async def test_second_screen_reads_only_until_it_takes_the_pen() -> None:
    world = World()
    await world.type(LIMIT)
    await world.type(LIMIT, confirmed=True)
    second = world.desk.attach(Role.SCREEN, "second")
    for line in (LIMIT, "arm", "move 1 +1t", "flatten all"):
        refused = await world.type(line, client=second)
        assert (refused.ok, refused.code) == (False, "not_allowed"), line
        assert "screen 1 glass has the pen" in refused.lines[0]
    assert (await world.type("orders", client=second)).ok
    assert (await world.type("cancel all", client=second)).ok
    assert world.open_numbers() == []
    await world.armed()
    assert (await world.type("take", client=second)).ok
    assert not world.desk.arming.armed
    await world.type("arm", client=second)
    assert world.desk.arming.armed
    assert (await world.type("arm")).code == "not_allowed"


async def test_pen_goes_to_the_screen_that_is_left_disarmed() -> None:
    world = World()
    second = world.desk.attach(Role.SCREEN, "second")
    await world.armed()
    world.desk.detach(world.screen)
    assert not world.desk.arming.armed
    assert world.desk.arming.pen == second.client_id
    assert (await world.type(LIMIT, client=second)).code == "confirm"


@pytest.mark.parametrize(
    ("ticks", "line", "asked"),
    [(10, LIMIT, False), (11, LIMIT, True), (-11, LIMIT, True), (5, MARKET, False), (6, MARKET, True)],
)
async def test_seen_guard_asks_when_the_touch_moved_since_the_person_looked(ticks: int, line: str, asked: bool) -> None:
    world = World()
    await world.armed("arm market")
    world.fresh(mid_ticks=ticks)
    reply = await world.type(line, context=world.seen())
    assert (reply.code == "confirm") is asked
    assert reply.ok is not asked
    if asked:
        assert f"moved {abs(ticks)} ticks since you looked" in reply.lines[-1]


async def test_seen_guard_knows_for_which_instrument_it_was_seen() -> None:
    world = World()
    await world.armed("arm market")
    seen = world.seen(bid="100.0", ask="100.5")
    other = await world.type("buy 0.1 eth/usdt mkt", context=seen)
    assert not any("moved" in line for line in other.lines)
    assert (await world.type(MARKET, context=world.seen(bid="nonsense", ask=""))).ok


@pytest.mark.parametrize("bid", ["1e400", "9.9e999999", "1e20000", "-61000", "0", "1e-999999", "Infinity", "sNaN"])
async def test_nonsense_for_a_seen_price_or_cursor_is_answered_in_words(bid: str) -> None:
    world = World()
    await world.armed()
    assert (await world.type(LIMIT, context=world.seen(bid=bid))).ok
    at_cursor = await world.type("buy 0.1 @ cur", context=Context(PERP, bid))
    assert (at_cursor.ok, at_cursor.code) == (False, "refused")
    assert "no ladder cursor" in at_cursor.lines[0]


@pytest.mark.parametrize(
    "line", ["buy 0.1 eth/usdt mkt", "buy 0.1 eth/usdt @ bid-1t", "sym eth/usdt; buy 0.1 mkt", "move 2 2990"]
)
async def test_armed_for_one_instrument_asks_for_another(line: str) -> None:
    world = World()
    await world.ctl_line("buy 0.1 @ bid-3t; buy 0.1 eth/usdt @ bid-3t")
    await world.armed("arm market")
    asked = await world.type(line)
    assert asked.code == "confirm"
    assert "armed for BTC/USDT:USDT only" in asked.lines[-1]
    assert (world.open_numbers(), world.position(SPOT)) == ([1, 2], "0")
    assert (await world.type(line, confirmed=True)).ok


@pytest.mark.parametrize("line", ["close all", "flatten"])
async def test_the_way_out_is_not_asked_again_while_the_price_runs(line: str) -> None:
    world = World()
    await world.ctl_line("buy 0.2 mkt")
    world.wait(30)
    assert (await world.type(line, context=world.seen())).code == "confirm"
    world.fresh(mid_ticks=1006)
    assert (await world.type(line, context=world.seen(), confirmed=True)).ok
    world.wait(1)
    assert world.position() == "0"


@pytest.mark.parametrize("line", [MARKET, "reverse", "buy 0.2 eth/usdt @ bid-3t; buy 0.1 mkt"])
@pytest.mark.parametrize("by_preview", [False, True])
async def test_confirm_of_a_market_line_is_asked_again_when_the_touch_moved_since_it_was_shown(
    line: str, by_preview: bool
) -> None:
    world = World()
    await world.ctl_line("buy 0.2 mkt")
    world.wait(30)
    looked = world.seen()
    if by_preview:
        assert world.desk.preview(world.screen, line, looked).ok
    else:
        assert (await world.type(line, context=looked)).code == "confirm"
    before = (world.position(), world.open_numbers())
    for ticks in (300, 1300):
        world.fresh(mid_ticks=ticks)
        again = await world.type(line, context=looked, confirmed=True)
        assert (again.ok, again.code, again.confirm) == (False, "confirm", True)
        moved = 300 if ticks == 300 else 1000
        assert [text for text in again.lines if "moved" in text] == [
            f"moved {moved} ticks since you were asked: Enter sends, Esc drops"
        ]
        assert (world.position(), world.open_numbers()) == before
    world.fresh(mid_ticks=1330)
    assert (await world.type(line, context=looked, confirmed=True)).ok, "30 ticks are 2.4 basis points"
    assert world.position() != before[0]


async def test_asked_again_shows_and_sends_the_size_of_the_new_price() -> None:
    world = World()
    await world.type("buy 1000$ mkt")
    world.fresh(mid_ticks=-40_000)
    again = await world.type("buy 1000$ mkt", confirmed=True)
    assert "BUY 0.024 BTC/USDT:USDT mkt" in again.lines[0]
    assert (await world.type("buy 1000$ mkt", confirmed=True)).ok
    assert world.position() == "0.024"


async def test_confirm_of_a_moved_market_line_is_asked_even_when_it_was_armed_meanwhile() -> None:
    world = World()
    await world.type(MARKET)
    world.desk.arming.arm(world.screen.client_id, world.clock.now_ns(), 0, True, PERP)
    world.fresh(mid_ticks=-70)
    assert "moved 70 ticks" in (await world.type(MARKET, confirmed=True)).lines[-1]
    assert world.position() == "0"


@pytest.mark.parametrize("meanwhile", ["sell 0.3 mkt", "sell 0.1 mkt", "buy 0.1 mkt"])
async def test_confirmed_reverse_leaves_a_position_alone_that_is_not_the_one_shown(meanwhile: str) -> None:
    world = World()
    await world.ctl_line("buy 0.1 mkt")
    asked = await world.type("reverse")
    assert "REVERSE BTC/USDT:USDT LONG 0.1 BTC" in asked.lines[0]
    world.wait(11)
    await world.ctl_line(meanwhile)
    world.fresh()
    held = world.position()
    refused = await world.type("reverse", confirmed=True)
    assert (refused.ok, refused.code) == (False, "not_allowed" if held == "0" else "position")
    assert "nothing was reversed" in refused.lines[0]
    assert world.position() == held


async def test_confirmed_reverse_turns_what_is_left_of_the_position_shown() -> None:
    world = World()
    await world.ctl_line("buy 0.3 mkt")
    await world.type("reverse")
    world.wait(2)
    await world.ctl_line("sell 0.1 mkt")
    world.fresh()
    assert (await world.type("reverse", confirmed=True)).ok
    assert world.position() == "-0.2"


async def test_the_same_order_again_is_asked_and_within_a_second_refused() -> None:
    world = World()
    await world.armed()
    assert (await world.type(LIMIT)).ok
    world.wait(0.5)
    assert (await world.type(LIMIT)).code == "duplicate"
    world.wait(2)
    again = await world.type(LIMIT)
    assert again.code == "confirm"
    assert "the same order" in again.lines[-1]
    assert (await world.type(LIMIT, confirmed=True)).ok
    assert len(world.open_numbers()) == 2


async def test_refused_order_is_refused_and_not_asked_about() -> None:
    world = World()
    reply = await world.type("buy 5 @ bid")
    assert (reply.ok, reply.confirm, reply.code) == (False, False, "order_notional")


async def test_cancel_and_kill_need_no_arming() -> None:
    world = World()
    await world.ctl_line(LIMIT)
    assert (await world.type("cancel all")).ok
    assert world.open_numbers() == []
    assert (await world.type("kill")).ok


async def test_flatten_all_typed_in_full_confirms_itself_and_nothing_shorter_does() -> None:
    world = World()
    await world.ctl_line("buy 0.2 mkt")
    assert (await world.type("fl all", confirmed=True)).code == "typed"
    assert world.position() == "0.2"
    assert (await world.type("flatten all")).ok
    assert world.position() == "0"


async def test_quit_from_a_screen_tells_what_is_open_and_asks() -> None:
    world = World()
    await world.ctl_line(LIMIT)
    asked = await world.type("quit")
    assert asked.code == "confirm"
    assert "1 working orders" in asked.lines[-1]
    assert world.host.asked == []
    assert (await world.type("quit", confirmed=True)).ok
    assert len(world.host.asked) == 1


async def test_watchers_look_and_kill_clients_only_kill() -> None:
    world = World()
    watch, kill = world.desk.attach(Role.WATCH, ""), world.desk.attach(Role.KILL, "")
    assert (await world.type("orders", client=watch)).ok
    for client in (watch, kill):
        for line in (LIMIT, "cancel all", "kill", "journal note x"):
            assert (await world.type(line, client=client)).code == "not_allowed"
    assert (await world.desk.kill(kill, False)).ok
    assert world.engine.gate.killed


async def test_ctl_lines_count_as_confirmed_and_do_not_use_the_pen() -> None:
    world = World()
    assert (await world.ctl_line(MARKET)).ok
    assert world.position() == "0.1"
    assert world.desk.arming.pen == world.screen.client_id


async def test_options_change_the_guards() -> None:
    world = World()
    await world.ctl_line("set drift.limit 2; set idle 10; set glass 1000")
    await world.armed()
    world.fresh(mid_ticks=3)
    assert (await world.type(LIMIT, context=world.seen(glass_age_ms=900.0))).code == "confirm"
    assert world.desk.arming.armed
    world.wait(11)
    world.desk.advance(world.clock.now_ns())
    assert not world.desk.arming.armed


async def test_armed_time_is_bounded_and_shown() -> None:
    world = World()
    await world.armed("arm 100h")
    assert world.desk.arming.until_ns - world.clock.now_ns() == 8 * 3600 * NS_PER_S


async def test_a_client_that_left_is_answered_in_words() -> None:
    world = World()
    world.desk.detach(world.ctl)
    with pytest.raises(Exception, match="not attached"):
        await world.ctl_line("status")


async def test_symbol_change_by_the_ctl_leaves_the_screen_armed() -> None:
    world = World()
    await world.armed()
    await world.ctl_line("sym eth/usdt")
    assert world.desk.arming.armed
    assert world.desk.picture(world.screen, ViewRequest()).header.armed
