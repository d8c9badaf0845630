"""Pictures: what a screen sees is what the engine knows, bounded, and never costs more than what is on the glass."""

import msgspec
import pytest

from jackbot_tui.desk.pictures import KEPT_PER_ORDER, SPARE_ORDERS
from jackbot_tui.desk.ports import CaptureFigures, HostFigures, RequestBudget, RestFigures
from jackbot_tui.desk.views import Context, LadderLevel, Role, ScreenView, ViewRequest
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.model.enums import Side
from tests.desk_world import MS, PERP, SPOT, World


def look(world: World, request: ViewRequest | None = None) -> ScreenView:
    return world.desk.picture(world.screen, request or ViewRequest(key=PERP))


def rows(levels: list[LadderLevel]) -> list[tuple[int, float]]:
    return [(level.index, level.size) for level in levels]


def test_book_shows_best_first_with_exact_row_indices() -> None:
    book = look(World(), ViewRequest(key=PERP, levels=3)).book
    assert book is not None
    assert (book.best_bid, book.best_ask, book.spread_ticks, book.state) == ("61000.0", "61000.5", 1, "live")
    assert rows(book.bids) == [(122000, 1.0), (121999, 2.0), (121998, 3.0)]
    assert rows(book.asks) == [(122001, 1.0), (122002, 2.0), (122003, 3.0)]
    assert (book.sum_bid, book.sum_ask, book.imbalance) == (6.0, 6.0, 0.0)
    assert (book.best_bid_size, book.tick, book.price_places, book.qty_places) == ("1.000", "0.5", 1, 3)


def test_grouping_puts_bids_down_and_asks_up_and_keeps_every_size() -> None:
    world = World()
    book = look(world, ViewRequest(key=PERP, levels=10, group=5)).book
    assert book is not None
    assert rows(book.bids) == [(24400, 1.0), (24399, 20.0), (24398, 34.0)]
    assert rows(book.asks) == [(24401, 15.0), (24402, 40.0)]
    assert (sum(row.size for row in book.bids), sum(row.size for row in book.asks)) == (55.0, 55.0)


def test_scrolled_ladder_shows_the_window_around_its_anchor() -> None:
    book = look(World(), ViewRequest(key=PERP, levels=2, anchor="60998.0")).book
    assert book is not None
    assert [row.index for row in book.bids] == [121998, 121997, 121996, 121995, 121994]
    assert book.asks == []
    for nonsense in ("nan", "inf", "-1", "x", "1e400", "1e308", "1e-400"):
        book = look(World(), ViewRequest(key=PERP, levels=2, anchor=nonsense)).book
        assert book is not None
        assert len(book.bids) == 2


def test_requests_out_of_range_are_bounded() -> None:
    book = look(World(), ViewRequest(key="nowhere", levels=10**9, group=-5)).book
    assert book is not None
    assert (book.key, book.group, len(book.bids)) == (PERP, 1, 10)


def test_traded_volume_and_delta_stand_at_their_rows_also_where_nothing_rests() -> None:
    world = World()
    world.data.trade(PERP, Side.BUY, "61000.5", "0.3")
    world.data.trade(PERP, Side.SELL, "61000.5", "0.1")
    world.data.trade(PERP, Side.SELL, "60999.0", "0.2")
    world.data.book(PERP, [(61000.0, 1.0), (60998.5, 1.0)], [(61000.5, 1.0)])
    shown = look(world)
    assert shown.book is not None
    at = {row.index: row for row in (*shown.book.bids, *shown.book.asks)}
    assert (at[122001].volume, at[122001].delta) == (pytest.approx(0.4), pytest.approx(0.2))
    assert (at[121998].size, at[121998].volume, at[121998].delta) == (0.0, pytest.approx(0.2), pytest.approx(-0.2))
    assert [row.index for row in shown.book.bids] == [122000, 121998, 121997]
    assert shown.cvd == pytest.approx(0.0)


def test_tape_sends_only_what_the_client_does_not_have() -> None:
    world = World()
    for number in range(5):
        world.data.trade(PERP, Side.BUY, "61000.5", f"0.{number + 1}00")
    tape = look(world, ViewRequest(key=PERP, tape_after=3)).tape
    assert [(line.seq, line.price, line.size, line.side) for line in tape] == [
        (4, "61000.5", "0.400", "buy"),
        (5, "61000.5", "0.500", "buy"),
    ]
    for number in range(1000):
        world.data.trade(PERP, Side.SELL, "61000.0", f"{number}")
    tape = look(world).tape
    assert (len(tape), tape[-1].seq) == (200, 1005)


async def test_own_orders_stand_at_their_rows_with_their_place_in_the_queue() -> None:
    world = World()
    await world.ctl_line("buy 0.5 @ bid-2t post; sell 0.25 @ ask+3t")
    world.fresh()
    shown = look(world, ViewRequest(key=PERP, group=5))
    buy, sell = shown.orders
    assert (buy.number, buy.price, buy.flags, buy.index, buy.status) == (1, "60999.0", "POST", 24399, "new")
    assert buy.queue_ahead == pytest.approx(3.0)
    assert (sell.side, sell.remaining, sell.index) == ("sell", "0.25", 24401)
    assert [(symbol.key, symbol.working) for symbol in shown.symbols] == [(PERP, 2), (SPOT, 0)]


async def test_position_is_valued_at_mark_in_money_and_ticks() -> None:
    world = World()
    await world.ctl_line("buy 0.5 mkt")
    world.data.mark(PERP, 61010.5)
    position = look(world).positions[0]
    assert (position.quantity, position.average_entry, position.mark) == ("0.5", "61000.5", "61010.5")
    assert (position.unrealized, position.ticks, position.fees, position.net) == ("5.00", "+20.0", "15.25", "-10.25")
    assert float(position.break_even) > 61000.5
    header = look(world).header
    assert (header.mark, header.funding_rate) == ("61010.5", "0.0001")
    world.wait(1)
    assert look(world).header.day_pnl == "-10.25"


async def test_average_prices_are_shown_to_two_decimals_more_than_prices() -> None:
    world = World()
    await world.ctl_line("buy 1.5 eth/usdt mkt")
    spot_asks = [(3001.0, 10.0), (3001.5, 10.0)]
    world.data.book(SPOT, [(3000.5, 10.0)], spot_asks)
    await world.ctl_line("buy 0.7 eth/usdt mkt")
    position = look(world).positions[0]
    assert (position.average_entry, position.break_even) == ("3000.659", "3003.661")
    shown = (await world.ctl_line("positions")).lines[-1].split()
    assert "3000.659" in shown
    steps = world.desk.preview(world.ctl, "buy 11.3 eth/usdt mkt", world.seen()).data
    assert steps is not None and isinstance(steps["steps"], list)
    assert steps["steps"][0]["average"] == "3001.058"


async def test_fills_are_newest_first_and_log_lines_only_new_ones() -> None:
    world = World()
    await world.ctl_line("buy 0.5 mkt; sell 0.2 mkt")
    shown = look(world)
    assert [(fill.side, fill.quantity, fill.liquidity) for fill in shown.fills] == [
        ("sell", "0.2", "taker"),
        ("buy", "0.5", "taker"),
    ]
    assert any("FILL" in line.text for line in shown.log)
    last = shown.log[-1].seq
    assert look(world, ViewRequest(key=PERP, log_after=last)).log == []


async def test_header_tells_ticket_arming_pen_and_ages() -> None:
    world = World()
    await world.type("preset 3 0.25; post on; slip 7")
    await world.armed("arm 5m market")
    world.clock.advance(40 * MS)
    header = look(world).header
    assert (header.quantity, header.preset, header.post_only, header.slip_ticks) == ("0.25", 3, True, 7)
    assert header.presets[2] == "0.25"
    assert (header.armed, header.armed_market, header.armed_client) == (True, True, "screen 1 glass")
    assert (header.mode, header.venue, header.killed, header.unknown_frames) == ("paper", "binance", False, 2)
    assert header.md_ms == pytest.approx(40.0)
    await world.type("kill")
    assert look(world).header.killed


def test_each_client_has_its_own_ticket() -> None:
    world = World()
    other = world.desk.attach(Role.SCREEN, "second")
    assert look(world).header.quantity == world.desk.picture(other, ViewRequest()).header.quantity
    assert world.desk.picture(other, ViewRequest()).seq == 2
    assert look(world).seq == 2


def test_book_that_is_not_live_says_why() -> None:
    world = World()
    world.data.markets[PERP].sequencer.on_down("connection lost: reset by peer")
    book = look(world).book
    assert book is not None
    assert (book.state, book.reason) == ("down", "connection lost: reset by peer")


def test_limits_and_connections_are_shown() -> None:
    shown = look(World())
    assert {"open orders", "day loss"} <= {limit.name for limit in shown.limits}
    assert shown.connections[0].conn == "binance.linear.public"


async def test_picture_survives_the_way_over_the_wire() -> None:
    world = World(paper=PaperConfig())
    await world.ctl_line("buy 0.5 mkt; buy 0.1 @ bid-1t")
    shown = look(world)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(shown), type=ScreenView) == shown


async def test_status_and_lists_answer_people_in_lines_and_programs_in_json() -> None:
    world = World()
    await world.ctl_line("buy 0.5 mkt; buy 0.1 @ bid-1t")
    for line, word, key in [
        ("status", "PAPER", "books"),
        ("positions", "BTC/USDT:USDT", "positions"),
        ("orders", "#2 BUY 0.1", "orders"),
        ("fills", "taker", "fills"),
        ("book 2", "61000.5", "book"),
        ("limits", "open orders", "limits"),
        ("connections", "binance.linear.public", "connections"),
        ("set", "drift.limit", "options"),
        ("sym btc", "BTC/USDT:USDT", "ticket"),
        ("paper", "PAPER", "mode"),
    ]:
        reply = await world.ctl_line(line)
        assert reply.ok, line
        assert word in "\n".join(reply.lines), line
        assert reply.data is not None
        assert key in reply.data, line
        assert msgspec.json.decode(msgspec.json.encode(reply.data)) == reply.data, line
    status = (await world.ctl_line("status")).data
    assert status is not None
    books = status["books"]
    assert isinstance(books, dict)
    assert books["BTC/USDT:USDT"]["best_bid"] == "61000.0"
    assert (status["working_orders"], status["open_positions"]) == (1, [PERP])


async def test_request_limits_pauses_and_lost_captures_are_told_to_people_and_programs() -> None:
    world = World()
    quiet = (await world.ctl_line("status")).lines
    assert not any("capture" in line or "REST" in line for line in quiet)
    weight = RequestBudget("REQUEST_WEIGHT", "ip", 2300, 2400, 60)
    world.host.measured = HostFigures(
        rest=[RestFigures("linear", 12.4, [weight]), RestFigures("spot", 0.0, [])],
        captures=[CaptureFigures("ring", 900, 7, "disk full"), CaptureFigures("recording", 5, 0, "")],
    )
    status, connections = await world.ctl_line("status"), await world.ctl_line("connections")
    for reply in (status, connections):
        text = "\n".join(reply.lines)
        assert "REST linear: the venue's rate limit keeps us silent for 12 s more" in text
        assert "capture ring: 7 records lost, disk full" in text
        assert "REST spot" not in text
        assert "recording: 0" not in text
    assert any(
        line.split() == ["linear", "REQUEST_WEIGHT", "ip", "100", "of", "2400", "60s"] for line in connections.lines
    )
    assert status.data is not None and connections.data is not None
    runtime = status.data["runtime"]
    assert isinstance(runtime, dict)
    for data in (runtime, connections.data):
        assert data["rest"][0]["paused_s"] == 12.4
        assert data["rest"][0]["budgets"][0]["used"] == 2300
        assert data["captures"][0] == {"name": "ring", "written": 900, "dropped": 7, "problem": "disk full"}
    assert msgspec.json.decode(msgspec.json.encode(connections.data)) == connections.data


@pytest.mark.parametrize("line", ["positions", "orders", "fills", "status", "limits"])
async def test_empty_lists_say_so(line: str) -> None:
    reply = await World().ctl_line(line)
    assert reply.ok
    assert reply.lines


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "buy 0.5 @ 60998.5 post",
            "BUY 0.5 BTC/USDT:USDT @ 60998.5 POST  ~30 499.25 USDT  fee ~6.10 maker"
            "  after: LONG 0.5 BTC  margin ~30 500.12 of 100 000.00 free (cross 1x)",
        ),
        (
            "sell 0.5 mkt",
            "SELL 0.5 BTC/USDT:USDT mkt  ~30 500.00 USDT  fee ~15.25 taker  takes 0.5 avg ~61000.0 worst 61000.0"
            "  after: SHORT 0.5 BTC  margin ~30 500.12 of 100 000.00 free (cross 1x)  liq ~173979.5",
        ),
        (
            "buy 0.2 @ bid-1t",
            "BUY 0.2 BTC/USDT:USDT @ 60999.5  ~12 199.90 USDT  fee ~2.44 maker"
            "  after: LONG 0.2 BTC  margin ~12 200.05 of 100 000.00 free (cross 1x)  typed bid-1t -> 60999.5",
        ),
        ("cancel all", "CANCEL nothing"),
        ("flatten", "FLATTEN BTC/USDT:USDT flat, cancel 0 orders first"),
        ("status", "status"),
    ],
)
def test_preview_says_in_full_what_would_be_sent(line: str, expected: str) -> None:
    world = World()
    reply = world.desk.preview(world.screen, line, world.seen())
    assert reply.lines[0] == expected
    assert world.engine.oms.orders == {}


def test_preview_walks_the_book_for_average_and_worst_price() -> None:
    world = World()
    reply = world.desk.preview(world.ctl, "buy 2.5 eth/usdt mkt; buy 25 eth/usdt mkt slip=1t", world.seen())
    assert reply.data is not None
    steps = reply.data["steps"]
    assert isinstance(steps, list)
    assert (steps[0]["average"], steps[0]["worst"], steps[0]["levels"]) == ("3000.5", "3000.5", 1)
    assert (steps[1]["takes"], steps[1]["worst"], steps[1]["levels"]) == ("20", "3001", 2)


@pytest.mark.parametrize(
    ("line", "counted"),
    [
        ("flatten; buy $pos @ bid", [False, True]),
        ("close all; buy 0.1 mkt", [False, True]),
        ("buy 0.1 @ bid; reverse", [False, True]),
        ("flatten all; sell half mkt", [False, True]),
        ("flatten all", [False]),
        ("flatten eth/usdt; sell half @ ask+1t", [False, False]),
        ("status; buy $pos @ bid", [False, False]),
    ],
)
async def test_preview_says_that_a_chain_counts_from_the_position_before_it(line: str, counted: list[bool]) -> None:
    world = World()
    await world.ctl_line("buy 0.4 mkt")
    world.wait(2)
    reply = world.desk.preview(world.ctl, line, Context(key=PERP))
    words = "counted from the position before this line: LONG 0.4 BTC"
    assert [each.endswith(words) for each in reply.lines[: len(counted)]] == counted
    assert reply.data is not None
    steps = reply.data["steps"]
    assert isinstance(steps, list)
    assert [step.get("position_before") == "0.4" for step in steps] == counted


HUGE = "999999999999999"


@pytest.mark.parametrize(
    "line",
    [
        *(f"buy {HUGE} @ {HUGE}", f"sell {HUGE} @ {HUGE} post", "buy 999999999999k @ 999999999999.5"),
        *(f"buy 1 @ bid+{HUGE}%", f"sell 1 @ ask+{HUGE}t", f"buy {HUGE}% @ 0.5", f"buy {HUGE}$ @ 0.5"),
        *(f"move 1 {HUGE}", f"move 1 +{HUGE}%", f"qty {HUGE}; buy {HUGE} eth/usdt @ {HUGE}", f"sell {HUGE} mkt"),
    ],
)
async def test_figures_beyond_anything_traded_are_refused_in_words_by_preview_and_order(line: str) -> None:
    world = World()
    await world.ctl_line("buy 0.1 @ bid-3t")
    for shown in (
        world.desk.preview(world.screen, line, Context(key=PERP)),
        await world.type(line),
        await world.ctl_line(line),
    ):
        assert not shown.ok, line
        assert shown.code not in ("", "confirm")
        assert shown.lines[-1]
    assert world.open_numbers() == [1]


def test_preview_warns_and_refuses_like_the_gate() -> None:
    world = World()
    crossing = world.desk.preview(world.ctl, "buy 0.1 @ ask post", world.seen())
    assert "CROSSES" in crossing.lines[0]
    refused = world.desk.preview(world.ctl, "buy 5 @ bid", world.seen())
    assert (refused.ok, refused.code, refused.caret) == (False, "order_notional", 4)
    assert "max_order_notional" in refused.lines[-1]
    nothing = world.desk.preview(world.ctl, "buy 0.1 @", world.seen())
    assert (nothing.code, nothing.caret) == ("syntax", 9)


async def test_views_of_closed_orders_are_let_go() -> None:
    world = World()
    for number in range(1, 151):
        await world.ctl_line(f"buy 0.{number:03} @ 60990 post")
        assert [order.number for order in look(world).orders] == [number]
        await world.ctl_line("cancel all")
        world.wait(1)
    assert len(world.desk._pictures._orders) <= SPARE_ORDERS + KEPT_PER_ORDER
