"""Queue models by hand, and what the live queue adds on purpose: one budget, partial fills, no promotion."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.queue_models import SETTINGS, queue_model
from jackbot_tui.model.enums import BookState
from jackbot_tui.model.errors import InputError
from tests.paper_world import World

D = Decimal


@pytest.mark.parametrize(
    ("name", "ahead"),
    [
        # 6 ahead, 2 behind (level 8); 4 vanish, 1 of them traded: 3 were canceled. P(behind) of each model:
        ("risk_averse", "4"),  # min(6, 4)
        ("power:2", "3.3"),  # 4/(4+36) = 0.1: 6 - 0.9*3
        ("power2:2", "3.1875"),  # 4/64 = 0.0625: 6 - 0.9375*3
        ("power3:2", "4"),  # 1 - (6/8)^2 = 0.4375: 6 - 0.5625*3 = 4.3125, at most the 4 that are left
        ("power:1", "3.75"),  # 2/8: 6 - 0.75*3
    ],
)
def test_models_by_hand(name: str, ahead: str) -> None:
    assert queue_model(name).ahead_after(D(6), D(8), D(4), D(1)) == D(ahead)


def test_cancels_beyond_what_stood_behind_must_have_been_ahead() -> None:
    """9 ahead, 1 behind, 8 vanish: power3:1 says 0.1 * 8 = 0.8 of the 1 behind; 0.9 of them would be more than it."""
    assert queue_model("power3:1").ahead_after(9.0, 10.0, 2.0, 0.0) == pytest.approx(1.8)  # 9 - 0.9 * 8
    assert queue_model("power:1").ahead_after(D(4), D(10), D(1), D(0)) == D("0.4")  # 4 - 0.4 * 9, 0.6 * 9 of 6 behind
    assert queue_model("power:2").ahead_after(D(4), D(10), D(0), D(0)) == D(0)  # nothing is left


@pytest.mark.parametrize("name", SETTINGS)
def test_a_growing_level_moves_nobody(name: str) -> None:
    assert queue_model(name).ahead_after(D(5), D(8), D(12), D(0)) == D(5)


@pytest.mark.parametrize("name", SETTINGS)
def test_what_traded_is_not_counted_as_canceled(name: str) -> None:
    """2 of 8 traded and left the 6 ahead already at 4: the level's fall from 8 to 6 says nothing new."""
    assert queue_model(name).ahead_after(D(4), D(8), D(6), D(2)) == D(4)


@given(
    name=st.sampled_from(SETTINGS),
    front=st.integers(0, 10**6),
    back=st.integers(0, 10**6),
    shown=st.integers(0, 2 * 10**6),
    traded=st.integers(0, 10**6),
)
def test_no_model_sends_back_or_past_the_level_and_risk_averse_is_last(
    name: str, front: int, back: int, shown: int, traded: int
) -> None:
    ahead = queue_model(name).ahead_after(D(front), D(front + back), D(shown), D(traded))
    cautious = queue_model("risk_averse").ahead_after(D(front), D(front + back), D(shown), D(traded))
    assert ahead <= min(front, shown)
    assert ahead <= cautious


@pytest.mark.parametrize(
    "name", ["", "risk", "power", "power2:", "power:0", "power3:11", "log:2", "risk_averse:1", "power2:nan", "log3"]
)
def test_a_model_that_does_not_exist_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(InputError, match="queue model"):
        queue_model(name)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_model_knows_its_name(name: str) -> None:
    assert queue_model(name).name == name


# ---------------------------------------------------------------------- in the live queue


def world(queue: str) -> World:
    made = World(config=PaperConfig(entry_latency_ns=0, response_latency_ns=0, queue=queue, leverage=D(100)))
    made.book([(100.0, 8.0)], [(101.0, 5.0)])
    return made


def test_cancels_move_an_order_as_its_session_was_told() -> None:
    for queue, ahead in (("risk_averse", "4"), ("power2:1", "4"), ("power3:1", "4"), ("log2", "4")):
        it = world(queue)
        first = it.send("buy", "1", "100")
        it.book([(100.0, 4.0)], [(101.0, 5.0)])
        assert it.ahead(first) == ahead  # 8 ahead and nobody behind: every cancel was ahead
    for queue, ahead in (("risk_averse", "8"), ("power2:1", "6.4")):
        it = world(queue)
        first = it.send("buy", "1", "100")
        it.book([(100.0, 10.0)], [(101.0, 5.0)])  # 2 join behind
        it.book([(100.0, 8.0)], [(101.0, 5.0)])  # 2 vanish: 2/10 of them behind, says power2:1
        assert it.ahead(first) == ahead


def test_own_orders_share_one_budget_under_every_model() -> None:
    """A trade of 10 against 8 strangers leaves 2: the first own order gets its 1.5, the second the 0.5 left."""
    for queue in SETTINGS:
        it = world(queue)
        first, second = it.send("buy", "1.5", "100"), it.send("buy", "1.5", "100")
        it.trade("sell", 100.0, "10")
        assert it.fills(first) == [("100", "1.5")]
        assert it.fills(second) == [("100", "0.5")]


def test_fills_are_partial_to_the_lot() -> None:
    """power2:1 leaves 6.4 ahead; 7.4009 traded gets 1.0009 past them: one lot is 0.001."""
    it = world("power2:1")
    order = it.send("buy", "3", "100")
    it.book([(100.0, 10.0)], [(101.0, 5.0)])
    it.book([(100.0, 8.0)], [(101.0, 5.0)])
    it.trade("sell", 100.0, "7.4009")
    assert it.fills(order) == [("100", "1")]
    assert it.ahead(order) == "0"


def test_a_later_own_order_never_gets_ahead_of_an_earlier_one() -> None:
    it = world("power2:3")
    first = it.send("buy", "1", "100")
    it.trade("sell", 100.0, "3")  # the first has 5 ahead, and 3 traded to be accounted for
    second = it.send("buy", "1", "100")  # 8 still shown
    it.book([(100.0, 4.0)], [(101.0, 5.0)])
    assert D(it.ahead(second)) >= D(it.ahead(first)) + 1  # the first order itself stands between


@pytest.mark.parametrize("queue", SETTINGS)
def test_a_resync_promotes_nobody_to_the_front(queue: str) -> None:
    it = world(queue)
    order = it.send("buy", "1", "100")
    it.market.become(BookState.SYNCING)
    it.market.become(BookState.LIVE)
    it.market.set([(100.0, 9.0)], [(101.0, 5.0)])
    it.hear(it.paper.on_resync(it.market, it.now))
    assert it.ahead(order) == "8"
    it.market.set([(100.0, 3.0)], [(101.0, 5.0)])
    it.hear(it.paper.on_resync(it.market, it.now))
    assert it.ahead(order) == "3"


# ---------------------------------------------------------------------- why a fill came


def test_a_fill_by_trade_tells_queue_trade_and_latency() -> None:
    it = World(latency_ms=20)
    it.book([(100.0, 8.0)], [(101.0, 5.0)])
    order = it.send("buy", "1", "100")
    it.wait(20)
    it.book([(100.0, 6.0)], [(101.0, 5.0)])
    it.trade("sell", 100.0, "5", made_ns=it.now + 5)
    it.wait(30)
    it.trade("sell", 100.0, "2", made_ns=it.now + 9)
    it.wait(20)
    (fill,) = it.fill_events(order)
    cause = fill.cause
    assert cause is not None
    assert (cause.reason.value, cause.price, cause.size, cause.event_id) == ("trade", D(100), D(2), "2")
    assert (cause.first_ahead, cause.eaten, cause.vanished, cause.ahead) == (D(8), D(5), D(2), D(1))
    assert (cause.request_ns, cause.answer_ns, cause.rested_ns) == (20_000_000, 20_000_000, 30_000_000)


def test_fills_tell_whether_they_took_were_reached_or_traded_through() -> None:
    it = world("risk_averse")
    it.send("buy", "1", "101")
    it.send("buy", "1", "100")
    it.trade("sell", 99.9, "0.5")
    it.book([(99.0, 3.0)], [(100.0, 2.0)])
    reasons = [(e.cause.reason.value, e.cause.price) for e in it.fill_events() if e.cause is not None]
    assert reasons == [("took", D(101)), ("through", D("99.9")), ("reached", D(100))]


# ---------------------------------------------------------------------- impact


def test_takers_pay_the_square_root_law_and_makers_do_not() -> None:
    from jackbot_tui.execution.paper.impact import ImpactSettings

    impact = ImpactSettings(coefficient=1.0, volatility=0.02, turnover=1e6, permanent=0.5)
    it = World(config=PaperConfig(entry_latency_ns=0, response_latency_ns=0, impact=impact, leverage=D(100)))
    it.book([(99.9, 50.0)], [(100.0, 50.0)])
    first = it.send("buy", "25")  # 2,500 of 1,000,000: 0.02 * sqrt(0.0025) = 0.001
    assert it.fills(first) == [("100.1", "25")]
    second = it.send("buy", "25")  # 5,000 by now: 0.02 * sqrt(0.005) = 0.0014142 -> up to the tick
    assert it.fills(second) == [("100.2", "25")]
    it.wait(60_000)
    it.book([(99.9, 50.0)], [(100.0, 76.0)])
    third = it.send("buy", "1", "100.1", tif="ioc")  # 2,500 stay, half of 2,500 fades; 3,850: 0.00124, beyond the limit
    assert it.fills(third) == []
    assert it.status(third) == "expired"


# ---------------------------------------------------------------------- trades told after the level they changed


@pytest.mark.parametrize(("level", "ahead"), [(3.0, "3"), (6.0, "6")])
def test_a_trade_told_after_the_level_it_shrank_does_not_move_us_twice(level: float, ahead: str) -> None:
    """8 ahead of us, alone at the price. The level comes first, the trade that made it shrink a moment later."""
    it = world("risk_averse")
    order = it.send("buy", "1", "100")
    it.wait(10)
    made = it.now
    it.wait(5)
    it.market.book_event_ns = made + 1
    it.book([(100.0, level)], [(101.0, 5.0)])
    it.trade("sell", 100.0, str(8 - level), made_ns=made)
    assert it.ahead(order) == ahead
    it.trade("sell", 100.0, "1")  # a new one counts as ever
    assert it.ahead(order) == str(int(ahead) - 1)


def test_of_a_late_trade_counts_what_the_level_did_not_tell() -> None:
    """5 joined behind our 8: the level falls from 13 to 10 and moves nobody. The 3 that traded were ahead of us."""
    it = world("risk_averse")
    order = it.send("buy", "1", "100")
    it.book([(100.0, 13.0)], [(101.0, 5.0)])
    it.wait(10)
    made = it.now
    it.market.book_event_ns = made + 1
    it.book([(100.0, 10.0)], [(101.0, 5.0)])
    assert it.ahead(order) == "8"
    it.trade("sell", 100.0, "3", made_ns=made)
    assert it.ahead(order) == "5"
    it.market.book_event_ns = made + 2
    it.book([(100.0, 9.0)], [(101.0, 5.0)])  # one cancel, behind us: the late trade is not set against it
    assert it.ahead(order) == "5"


def test_a_late_trade_fills_only_what_it_had_beyond_the_queue_it_met() -> None:
    """8 ahead and 2 of ours; 9 trade and the level is gone before the tape says so: 1 of the 9 is ours, not 9."""
    it = world("risk_averse")
    order = it.send("buy", "2", "100")
    it.wait(10)
    made = it.now
    it.market.book_event_ns = made + 1
    it.book([(99.0, 4.0)], [(101.0, 5.0)])
    assert it.ahead(order) == "0"
    it.trade("sell", 100.0, "9", made_ns=made)
    assert it.fills(order) == [("100", "1")]


def test_figures_of_a_cause_are_as_short_as_the_venues_own() -> None:
    it = world("risk_averse")
    it.send("buy", "1", "100")
    it.book([(100.0, 6.5)], [(101.0, 5.0)])
    it.trade("sell", 100.0, "7.5")
    (fill,) = it.fill_events()
    assert fill.cause is not None
    assert str(fill.cause.vanished) == "1.5"
    assert str(fill.cause.ahead) == "6.5"


def test_a_late_trade_beyond_the_price_fills_up_to_its_volume() -> None:
    """What the level lost before does not matter: who traded beyond our price met everybody at it."""
    it = world("risk_averse")
    order = it.send("buy", "5", "100")
    it.wait(10)
    made = it.now
    it.market.book_event_ns = made + 1
    it.book([(100.0, 3.0)], [(101.0, 5.0)])
    it.trade("sell", 99.9, "4", made_ns=made)
    assert it.fills(order) == [("100", "4")]
