"""Jackpots on paper: size and card, entry, stop here and at the venue, ticket, gaps, refusals, restarts."""

from decimal import Decimal
from math import isclose

import pytest
from msgspec.structs import replace

from jackbot_tui.algos.stakes import Volatility
from jackbot_tui.algos.state import Action, ParentStatus
from jackbot_tui.engine.parents import RestartPolicy
from jackbot_tui.engine.stakes import volatility_of
from jackbot_tui.execution.paper.executor import PaperExecutor
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import OrderType, Side, TimeInForce, TriggerBy
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.margin import MarginMode, MarginSetting
from jackbot_tui.model.orders import OrderRequest
from jackbot_tui.model.records import MarginSet
from jackbot_tui.risk.refusal import Refusal, RefusalCode
from tests.desk_world import SPOT, instrument
from tests.jackpots_world import LISTED, JackpotWorld, again
from tests.parents_world import BUY, SELL, until

D = Decimal


def ended(world: JackpotWorld, number: int = 1) -> bool:
    return not world.look(number).status.is_open


# ---------------------------------------------------------------------- size and card


def test_the_ticket_pays_for_margin_all_fees_and_the_slip_at_the_worst_entry() -> None:
    asked = JackpotWorld().asked()
    entry = D(asked.values["price"])
    assert entry == D("60030.5")  # 5 bp above the touch of 60000.5, on the tick below
    # margin 1 %, twice 0.05 % fee, 1.25 % liquidation fee, 0.05 % slip; out it may be a little above the entry
    unit = entry / 100 + entry * D("0.0005") + entry * D("1.01") * D("1.0005") * D("0.0135")
    assert asked.quantity == (D(50) / unit).quantize(D("0.001"), "ROUND_DOWN")
    stop = D(asked.values["sl"])
    liquidation = entry * (1 - D("0.01")) / (1 - D("0.005"))
    assert abs(stop - (entry + (liquidation - entry) * D("0.7"))) <= D("0.5")
    short = JackpotWorld().asked(SELL)
    assert D(short.values["price"]) == D("59970")
    assert D(short.values["sl"]) > D("60000.5")


def test_the_card_says_it_all_and_nothing_is_sent_before_the_ticket_is_typed_again() -> None:
    world = JackpotWorld()
    answer = world.play(accept="49")
    assert answer.problem == "to send it type the line again with accept 50 at its end: nothing was sent"
    assert not world.engine.oms.orders
    card = world.card(accept="49")
    text = "\n".join(card.lines)
    for said in ("long 0.034 BTC at 100x isolated", "at most 48", "of the ticket of 50", "stop 59819.5 on mark",
                 "ticks", "liquidation about 59729", "worst case with a gap -2", "never above 60030.5",
                 "break-even 60091", "funding until 8h: once at 0.0100%", "odds: not known"):  # fmt: skip
        assert said in text, said
    assert world.play().problem == ""


def test_the_odds_are_those_of_a_random_walk_with_the_last_hours_moves() -> None:
    world = JackpotWorld()
    for minute in range(90):
        world.clock.advance(60 * NS_PER_S)
        world.trade(BUY, "60030.0" if minute % 2 else "60000.0", "0.1")
    world.at(60_000)
    moves = volatility_of(world.market.trades, world.clock.now_ns())
    assert moves is not None
    assert isclose(moves.hourly, 0.0005 * 60**0.5, rel_tol=0.02)
    assert 3500 < moves.seen_s <= 3600
    card = world.card(hold="1h")
    (odds,) = [line for line in card.lines if line.startswith("odds")]
    assert "odds within 1h: stop 4" in odds  # 0.30 % away at 0.39 % an hour: twice the odds of ending beyond it
    assert "a random walk without drift or jumps, 0.39% an hour as in the last 60 minutes" in odds
    walk = Volatility(0.01, 600)
    assert isclose(walk.touches(100, 100 * 2.718281828**0.02, 4), 0.3173, abs_tol=0.0002)  # one deviation, twice
    assert walk.touches(100, 100, 4) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"leverage": "200"}, "leverage 200x is above the most for BTC/USDT:USDT: 125x"),
        ({"ticket": "1300"}, "100x is allowed for positions worth up to 50,000 USDT"),
        ({"ticket": "0.5"}, "is too small: the venue takes at least 0.001 BTC, which at 100x needs a ticket of 1.4"),
        ({"sl": "59500"}, "the liquidation at about 59729 would come before the stop at 59500: sl 59819.5"),
        ({"sl": "60100"}, "the stop at 60100 would act at once"),
        ({"sl": "1%"}, "sl of a jackpot is one price for all of it"),
        ({"sl": "59900,59800"}, "sl of a jackpot is one price for all of it"),
        ({"tp": "59000"}, "tp 59000 must be above"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_changes_nothing(values: dict[str, str], said: str) -> None:
    world = JackpotWorld()
    try:
        problem = world.play(BUY, **values).problem
    except InputError as error:
        problem = str(error)
    assert said in problem
    assert not world.records(MarginSet)
    assert not world.engine.oms.orders


def test_a_position_spot_a_lost_book_or_a_venue_without_stops_forbid_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = JackpotWorld()
    accepted = world.asked()
    world.lose_book()
    with pytest.raises(InputError, match="LIVE book"):
        world.asked()
    assert "LIVE book" in world.parents.start(accepted).problem
    world.find_book("60000.0", "60000.5")
    world.engine.submit(OrderRequest(key=world.key, side=BUY, quantity=D("0.01"), type=OrderType.MARKET))
    world.step(300)
    assert "flatten BTC/USDT:USDT first" in world.play().problem
    monkeypatch.setattr(PaperExecutor, "triggers", lambda *_: ())
    assert "takes no stops from here" in JackpotWorld().play().problem
    spot = JackpotWorld(listed=instrument(SPOT))
    with pytest.raises(InputError, match="is spot: a jackpot needs a perpetual"):
        spot.asked()


def test_a_market_that_has_left_the_card_is_not_entered() -> None:
    world = JackpotWorld()
    accepted = world.asked()
    world.at(60_100)
    assert "the market has left the card: 60100.5 is beyond 60030.5" in world.parents.start(accepted).problem
    assert not world.engine.oms.orders


# ---------------------------------------------------------------------- entry and stop


@pytest.mark.parametrize("side", Side)
def test_it_enters_once_on_isolated_margin_and_waits_with_a_stop_at_the_venue(side: Side) -> None:
    world = JackpotWorld()
    number = world.stands(side)
    (setting,) = world.records(MarginSet)
    assert isinstance(setting, MarginSet)
    assert (setting.mode, setting.leverage) == (MarginMode.ISOLATED, D(100))
    guard = world.guard()
    assert guard is not None
    assert (guard.side, guard.reduce_only, guard.quantity) == (side.opposite, True, abs(world.position()))
    assert (guard.trigger_by, guard.type) == (TriggerBy.MARK, OrderType.LIMIT)
    assert guard.trigger_price == D(world.look(number).values["sl"])
    average = world.look(number).average
    bankrupt = average - average / 100 * side.sign
    assert guard.price is not None
    assert 0 <= (guard.price - bankrupt) * side.sign < D("0.5")  # bounded by the margin, rounded to the better side
    (entry,) = [order for order in world.engine.oms.orders.values() if order.tag.startswith("e")]
    assert (entry.tif, entry.price) == (TimeInForce.IOC, D(world.look(number).values["price"]))


@pytest.mark.parametrize("side", Side)
def test_the_mark_at_the_stop_ends_it_for_less_than_the_ticket(side: Side) -> None:
    world = JackpotWorld()
    number = world.stands(side)
    stop = float(world.look(number).values["sl"])
    world.at(stop)
    until(world, lambda: ended(world))
    assert (world.position(), world.open_orders()) == (D(0), [])
    assert world.look().status is ParentStatus.DONE
    assert -50 < world.result() < 0


def test_a_partial_entry_is_the_jackpot_and_nothing_nothing() -> None:
    world = JackpotWorld()
    world.markets.book(world.key, [(60000.0, 5.0)], [(60000.5, 0.01), (60200.0, 5.0)])
    world.stands()
    assert world.position() == D("0.01")
    world.step(3_000)
    assert world.position() == D("0.01")
    assert world.guard() is not None
    assert world.guard().quantity == D("0.01")  # type: ignore[union-attr]
    other = JackpotWorld()
    answer = other.play()
    assert answer.picture is not None
    other.at(60_200)  # gone before the order arrives
    until(other, lambda: ended(other))
    assert other.look().status is ParentStatus.FAILED
    assert "nothing was filled up to 60030.5" in other.look().why
    assert (other.position(), other.open_orders()) == (D(0), [])


def test_the_stop_is_watched_here_on_the_touch_when_no_mark_comes() -> None:
    world = JackpotWorld()
    number = world.stands()
    world.step(11_000)  # the mark is too old to be believed
    stop = float(world.look(number).values["sl"])
    world.book(str(stop - 5), str(stop - 4.5))
    until(world, lambda: ended(world))
    assert world.position() == 0
    assert world.result() > -50


def test_a_stop_that_the_venue_refuses_closes_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = JackpotWorld()
    answer = world.play()
    assert answer.picture is not None
    plain = world.engine.refusal_of

    def no_stops(request: OrderRequest, confirmed: bool = False) -> Refusal | None:
        refused = Refusal(RefusalCode.TRIGGER, "no stops today")
        return refused if request.trigger_price is not None else plain(request, confirmed)

    monkeypatch.setattr(world.engine, "refusal_of", no_stops)
    until(world, lambda: ended(world))
    assert world.position() == 0
    assert "the stop at the venue was refused (no stops today)" in world.look().why
    assert world.look().status is ParentStatus.DONE


def test_a_stop_that_is_rejected_on_its_way_closes_it_too() -> None:
    world = JackpotWorld()
    answer = world.play()
    assert answer.picture is not None
    stop = float(answer.picture.values["sl"])
    until(world, lambda: world.position() != 0 and world.guard() is not None)
    world.mark(stop - 10)  # the mark is beyond it before it arrives
    until(world, lambda: ended(world))
    assert (world.position(), world.open_orders()) == (D(0), [])


# ---------------------------------------------------------------------- margin


def test_nothing_is_sent_before_the_venue_has_confirmed_isolated_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    world = JackpotWorld()
    told: list[MarginSetting | None] = [None]
    monkeypatch.setattr(PaperExecutor, "confirmed_setting", lambda *_: told[0])
    number = 1
    assert world.play().problem == ""
    world.step(2_000)
    assert "waits for the venue to confirm isolated margin at 100x" in world.look(number).why
    assert not world.engine.oms.orders
    told[0] = MarginSetting(MarginMode.ISOLATED, D(100))
    until(world, lambda: world.position() != 0)
    world.step(500)
    told[0] = MarginSetting(MarginMode.CROSS, D(100))  # somebody changed it at the venue
    world.at(60_001)
    until(world, lambda: ended(world))
    assert "the venue says cross margin, not isolated" in world.look().why
    assert world.position() == 0


def test_margin_that_is_never_confirmed_ends_it_with_nothing_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    world = JackpotWorld()
    monkeypatch.setattr(PaperExecutor, "confirmed_setting", lambda *_: None)
    assert world.play().problem == ""
    until(world, lambda: ended(world))
    assert world.look().status is ParentStatus.FAILED
    assert "did not confirm isolated margin at 100x: nothing was sent" in world.look().why
    assert not world.engine.oms.orders


def test_margin_that_is_not_free_or_may_not_be_set_is_said() -> None:
    world = JackpotWorld()
    poor = JackpotWorld()
    executor = poor.engine.executor
    assert isinstance(executor, PaperExecutor)
    executor._account.portfolio._start["USDT"] = D(10)
    assert "it needs 2" in poor.play().problem
    assert world.engine.submit(OrderRequest(key=world.key, side=BUY, quantity=D("0.01"), price=D(59_000))).order
    world.step(200)
    assert "margin mode of BTC/USDT:USDT cannot change with a position or working orders" in world.play().problem


def test_the_venues_own_liquidation_price_counts_once_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    world = JackpotWorld()
    world.stands()
    plain = PaperExecutor.margin

    def dearer(self: PaperExecutor, key: str, now: int) -> object:
        view = plain(self, key, now)
        assert view is not None
        return replace(view, liquidation=D(59_900))

    monkeypatch.setattr(PaperExecutor, "margin", dearer)
    world.at(60_001)
    until(world, lambda: ended(world))
    assert "the venue would liquidate at 59900, before the stop at 59819.5" in world.look().why
    assert world.position() == 0


def test_a_margin_call_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = JackpotWorld()
    number = world.stands()
    world.step(200)
    assert world.steer(number, Action.EDIT, sl="59705") == ""
    until(world, lambda: (guard := world.guard()) is not None and guard.trigger_price == D(59705))
    world.at(59_712)
    world.step(50)
    assert any("MARGIN CALL" in text and "no margin is added" in text for text in world.told())


# ---------------------------------------------------------------------- gaps, ticket, hands from outside


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("book_too", [True, False])
def test_a_gap_costs_the_margin_and_fees_at_most(side: Side, book_too: bool) -> None:
    world = JackpotWorld()
    number = world.stands(side)
    picture = world.look(number)
    margin = picture.average * picture.filled / 100
    fees = picture.average * picture.filled * D("0.0011")
    far = 57_000.0 if side is BUY else 63_000.0
    if book_too:
        world.book(str(far), str(far + 0.5))
        world.step(300)
    world.mark(far)
    until(world, lambda: ended(world) or world.position() == 0)
    assert -(margin + fees) <= world.result() < -margin / 2
    until(world, lambda: ended(world))
    assert world.open_orders() == []


def test_a_book_that_falls_while_the_mark_stands_is_not_sold_into_below_bankruptcy() -> None:
    world = JackpotWorld()
    number = world.stands()
    average = world.look(number).average
    world.step(11_000)  # no mark: the touch is watched
    world.book("55000.0", "55000.5")
    world.step(2_000)
    sold = [fill for fill in world.fills() if world.engine.oms.orders[fill.client_id].side is SELL]
    assert all(fill.price >= average * D("0.99") for fill in sold if not _is_liquidation(world, fill.client_id))


def _is_liquidation(world: JackpotWorld, client_id: str) -> bool:
    return world.engine.oms.orders[client_id].tag == "liquidation"


def test_funding_counts_against_the_ticket() -> None:
    world = JackpotWorld()
    world.stands(ticket="20", leverage="10", sl="59000")
    world.engine.portfolio.apply_funding(world.key, D("-19.9"), world.clock.now_ns())
    world.at(60_001)
    until(world, lambda: ended(world))
    assert "the ticket of 20 is used up: closing now costs 2" in world.look().why
    assert world.position() == 0


def test_a_liquidation_and_a_hand_from_outside_are_noticed() -> None:
    world = JackpotWorld()
    world.stands()
    world.mark(59_000)  # the venue is first: a stop still has its way to the book
    until(world, lambda: ended(world))
    assert any("LIQUIDATION" in notice.text for notice in world.engine.board.ring)
    assert "closed from outside" in world.look().why
    assert (world.position(), world.open_orders()) == (D(0), [])
    other = JackpotWorld()
    other.stands()
    part = (other.position() / 3).quantize(D("0.001"))
    other.engine.submit(OrderRequest(key=other.key, side=SELL, quantity=part, type=OrderType.MARKET, reduce_only=True))
    until(other, lambda: any("made smaller from outside" in text for text in other.told()))
    until(other, lambda: (guard := other.guard()) is not None and guard.quantity == other.position())


def test_it_never_grows_and_keeps_its_stop_before_the_liquidation() -> None:
    world = JackpotWorld()
    number = world.stands()
    assert "never changes" in world.steer(number, Action.EDIT, "0.05")
    assert "would come before the stop at 59000" in world.steer(number, Action.EDIT, sl="59000")
    assert "keeps its stop" in world.steer(number, Action.EDIT, sl="none")
    assert "cannot be changed" in world.steer(number, Action.EDIT, leverage="50")
    assert world.steer(number, Action.EDIT, sl="59900", tp="60500") == ""
    until(world, lambda: (guard := world.guard()) is not None and guard.trigger_price == D(59900))
    world.at(60_500.5)
    until(world, lambda: ended(world))
    assert world.result() > 0
    assert world.open_orders() == []


def test_finish_closes_it_and_cancel_leaves_the_position() -> None:
    world = JackpotWorld()
    world.steer(world.stands(), Action.FINISH)
    until(world, lambda: ended(world))
    assert (world.position(), world.look().status) == (D(0), ParentStatus.DONE)
    world.steer(world.stands(), Action.CANCEL)
    until(world, lambda: ended(world, 2))
    assert world.position() > 0
    assert world.open_orders() == []


# ---------------------------------------------------------------------- disconnect and restart


def test_a_lost_book_leaves_the_stop_at_the_venue_and_watching_goes_on_after_it() -> None:
    world = JackpotWorld()
    number = world.stands()
    stop = float(world.look(number).values["sl"])
    world.lose_book()
    world.step(2_000)
    assert world.guard() is not None
    assert any("holds by itself" in text for text in world.told())
    world.find_book("60000.0", "60000.5")
    world.step(200)
    assert any("goes on, no more" in text for text in world.told())
    world.at(stop)
    until(world, lambda: ended(world))
    assert world.position() == 0


@pytest.mark.parametrize("policy", [RestartPolicy.WAIT, RestartPolicy.RESUME])
def test_after_a_restart_it_goes_on_watching_whatever_the_policy(policy: RestartPolicy) -> None:
    world = JackpotWorld()
    number = world.stands()
    world.step(300)
    stop = world.guard()
    after = again(world, policy)
    assert stop is not None
    assert after.look(number).status is ParentStatus.RUNNING
    assert any("its position is watched again" in text for text in after.told())
    after.step(500)
    assert [each.client_id for each in after.open_orders()] == [stop.client_id]
    after.at(float(after.look(number).values["sl"]))
    until(after, lambda: ended(after, number))
    assert (after.position(), after.open_orders()) == (D(0), [])


def test_one_that_had_not_entered_before_the_restart_does_not_enter_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = JackpotWorld()
    with monkeypatch.context() as patch:
        patch.setattr(PaperExecutor, "confirmed_setting", lambda *_: None)
        world.play()
        world.step(9_500)
    after = again(world, RestartPolicy.RESUME)
    until(after, lambda: ended(after))
    assert after.look().status is ParentStatus.FAILED
    assert not after.engine.oms.orders


def test_the_tape_remembers_the_first_price_of_an_hours_minutes() -> None:
    world = JackpotWorld(listed=replace(LISTED))
    assert volatility_of(world.market.trades, world.clock.now_ns()) is None
    for _ in range(70):
        world.trade(BUY, "60000.5", "0.1")
        world.trade(BUY, "60001.0", "0.1")
        world.clock.advance(60 * NS_PER_S)
    assert len(world.market.trades.opens) == 61
    assert {price for _, price in world.market.trades.opens} == {60000.5}
