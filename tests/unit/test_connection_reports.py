"""What ``status`` and ``connections`` tell of sockets, limits and clocks, to people and programs; who looks at what."""

from msgspec import to_builtins
from msgspec.structs import replace

from jackbot_tui.desk.ports import HostFigures, RequestBudget, RestFigures
from jackbot_tui.desk.views import ClockView, ConnectionView, Role, ViewRequest
from jackbot_tui.model.clock import NS_PER_S
from tests.desk_world import PERP, SPOT, World

GOOD = ConnectionView(
    "binance.linear.public", "up", 60.4, 1, 6000, 99.6, 3.0, 12.0, error="1001 going away", error_kind="maintenance",
    error_age_s=61.0, books=2, live_books=2, gaps=4, resyncs=5, latency_ms=31.4, latency_p99_ms=80.0, resync_ms=250.0,
    resync_p99_ms=900.0,
)  # fmt: skip
BAD = replace(
    GOOD,
    conn="binance.spot.public",
    state="waiting",
    slowed=True,
    detail="connection refused; again in 64 s",
    live_books=0,
)


def world() -> World:
    made = World()
    made.host.connections = lambda: [GOOD, BAD]  # type: ignore[method-assign]
    made.host.measured = HostFigures(
        rest=[RestFigures("linear", 0.0, [RequestBudget("REQUEST_WEIGHT", "ip", 100, 2400, 60)])],
        clocks=[ClockView("linear", True, 812.0, 11.0, ""), ClockView("spot", False, 0.0, 0.0, "no answer in time")],
    )
    return made


async def test_status_and_connections_tell_people_how_each_socket_and_the_venue_do() -> None:
    made = world()
    for line in ("status", "connections"):
        lines = [" ".join(each.split()) for each in (await made.ctl_line(line)).lines]
        assert "binance.linear.public up 60s 1 100 31ms 3ms 2/2 4 5 900ms" in lines
        assert "binance.linear.public: maintenance, 61 s ago: 1001 going away" in lines
        assert "binance.spot.public waiting slowed 60s 1 100 31ms 3ms 0/2 4 5 900ms" in lines
        assert "binance.spot.public: connection refused; again in 64 s" in lines
        assert "linear REQUEST_WEIGHT ip 2300 of 2400 60s" in lines
        assert "clock of linear against ours +812.0 ms (within 11.0 ms) TOO FAR: synchronise our clock (NTP)" in lines
        assert "clock of spot against ours unknown: no answer in time" in lines


async def test_programs_are_given_the_same_as_data() -> None:
    made = world()
    status, connections = (await made.ctl_line("status")).data, (await made.ctl_line("connections")).data
    assert status is not None
    assert connections is not None
    assert status["connections"] == connections["connections"] == [to_builtins(GOOD), to_builtins(BAD)]
    assert connections["clocks"] == status["runtime"]["clocks"]  # type: ignore[index]
    assert connections["clocks"][0]["offset_ms"] == 812.0  # type: ignore[index]


def test_a_picture_holds_budgets_and_clocks() -> None:
    made = world()
    view = made.desk.picture(made.screen, ViewRequest(key=PERP))
    assert [(each.kind, each.left, each.limit) for each in view.budgets] == [("linear", 2300, 2400)]
    assert [each.kind for each in view.clocks] == ["linear", "spot"]


def test_the_books_on_a_glass_are_those_of_the_newest_pictures() -> None:
    made = world()
    other = made.desk.attach(Role.SCREEN, "second")
    assert made.desk.looked_at(made.clock.now_ns()) == set()
    made.desk.picture(made.screen, ViewRequest(key=PERP))
    made.desk.picture(other, ViewRequest(key=SPOT))
    assert made.desk.looked_at(made.clock.now_ns()) == {PERP, SPOT}
    made.clock.advance(2 * NS_PER_S)
    made.desk.picture(other, ViewRequest(key=SPOT))
    made.clock.advance(2 * NS_PER_S)
    assert made.desk.looked_at(made.clock.now_ns()) == {SPOT}
    made.desk.detach(other)
    assert made.desk.looked_at(made.clock.now_ns()) == set()
