"""The live executor in front of a venue whose answers get lost: nothing sent twice, nothing assumed, all found out."""

import decimal
import random
from collections.abc import AsyncIterator
from decimal import Decimal

import ccxt
import pytest

from jackbot_tui.execution.live.client import VenueClient
from jackbot_tui.execution.live.dialects import load_dialect, open_venues
from jackbot_tui.execution.live.failures import Redactor
from jackbot_tui.execution.live.statements import order_of, trade_of
from jackbot_tui.execution.oms import Oms
from jackbot_tui.feeds.limiter import LimitGate, RateLimiter
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind, OrderStatus, TimeInForce
from jackbot_tui.model.numbers import ONE
from tests.live_world import DROPPED, KEY, LOST, SYMBOL, FakeExchange, LiveWorld

S = OrderStatus


@pytest.fixture
async def world() -> AsyncIterator[LiveWorld]:
    made = LiveWorld()
    yield made
    await made.executor.close()


async def test_an_order_rests_fills_and_is_counted_once(world: LiveWorld) -> None:
    made = world.submit("2")
    await world.settle()
    assert (world.status(made), world.order(made).venue_order_id) == (S.NEW, "1")
    raw = world.venue.fill(made, 2.0)
    for _ in range(2):
        trade = trade_of(raw, ONE, world.dialect.client_ids.from_wire)
        assert trade is not None
        world.executor.hear_trade(trade)
    world.pump()
    assert (world.status(made), world.order(made).filled) == (S.FILLED, 2)
    assert world.order(made).fees == {"USDT": Decimal("0.01")}


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        ({"post_only": True}, {"postOnly": True}),
        ({"tif": TimeInForce.IOC}, {"timeInForce": "IOC"}),
        ({"tif": TimeInForce.FOK}, {"timeInForce": "FOK"}),
        ({"reduce_only": True}, {"reduceOnly": True}),
        ({}, {}),
    ],
)
async def test_what_the_order_asks_for_is_what_the_venue_gets(world: LiveWorld, more: dict, sent: dict) -> None:
    made = world.submit(**more)
    await world.until(lambda: bool(world.venue.orders))
    assert world.venue.orders["1"]["params"] == {"clientOrderId": made, **sent}


async def test_a_library_that_sets_the_rounding_of_decimals_sets_its_own(world: LiveWorld) -> None:
    async def create_order(*asked: object) -> dict[str, object]:
        decimal.getcontext().rounding = decimal.ROUND_UP
        return await plain(*asked)

    before = decimal.getcontext().rounding
    plain, world.venue.create_order = world.venue.create_order, create_order
    client = world.executor.client_of(KEY)
    await client.create(world.order(world.submit()), SYMBOL)
    assert decimal.getcontext().rounding == before


async def test_a_refusal_is_a_rejection_with_the_venues_reason(world: LiveWorld) -> None:
    world.venue.fault("create_order", ccxt.ExchangeError('binance {"code":-2019,"msg":"Margin is insufficient."}'))
    made = world.submit()
    await world.settle()
    assert world.status(made) is S.REJECTED
    assert "margin" in world.order(made).reason
    assert not world.venue.orders


@pytest.mark.parametrize(
    "error",
    [
        ccxt.RequestTimeout("binance POST"),
        ccxt.NetworkError("reset"),
        ccxt.ExchangeNotAvailable("502 Bad Gateway"),
        ccxt.ExchangeError('binance {"code":-1007,"msg":"Timeout waiting for response"}'),
        ccxt.ExchangeError('binance {"code":-9999,"msg":"?"}'),
        KeyError("an answer that ccxt cannot read"),
    ],
)
async def test_an_order_that_never_arrived_is_unknown_until_that_is_proven(world: LiveWorld, error: Exception) -> None:
    world.venue.fault("create_order", error)
    made = world.submit()
    await world.settle()
    assert S.PENDING_UNKNOWN in world.seen[made]
    assert (world.status(made), world.venue.calls.count("create_order")) == (S.REJECTED, 1)
    assert world.venue.calls.count("fetch_order") >= 2
    assert {"fetch_open_orders", "fetch_my_trades"} <= set(world.venue.calls)


async def test_an_order_whose_answer_was_lost_is_found_and_not_sent_again(world: LiveWorld) -> None:
    world.venue.fault("create_order", LOST)
    made = world.submit()
    await world.settle()
    assert S.PENDING_UNKNOWN in world.seen[made]
    assert (world.status(made), world.order(made).venue_order_id) == (S.NEW, "1")
    assert world.venue.calls.count("create_order") == 1


async def test_a_lost_order_that_was_filled_brings_its_fills(world: LiveWorld) -> None:
    world.venue.fault("create_order", LOST)
    world.venue.fault("fetch_order", ccxt.NetworkError("x"), ccxt.NetworkError("x"))
    made = world.submit("3")
    await world.until(lambda: bool(world.venue.orders))
    world.venue.fill(made, 1.0)
    world.venue.fill(made, 2.0)
    await world.settle()
    assert (world.status(made), world.order(made).filled, len(world.oms.trade_ids(made))) == (S.FILLED, 3, 2)


async def test_a_refusal_for_the_clock_measures_it_and_sends_once_more(world: LiveWorld) -> None:
    world.venue.fault("create_order", ccxt.InvalidNonce('binance {"code":-1021,"msg":"Timestamp outside"}'))
    made = world.submit()
    await world.settle()
    assert (world.status(made), world.venue.calls.count("create_order")) == (S.NEW, 2)
    assert "load_time_difference" in world.venue.calls


async def test_a_cancel_waits_for_the_fills_that_the_venue_counted(world: LiveWorld) -> None:
    made = world.submit("2")
    await world.settle()
    world.venue.fill(made, 0.5)
    world.cancel(made)
    await world.settle()
    assert (world.status(made), world.order(made).filled) == (S.CANCELED, Decimal("0.5"))


@pytest.mark.parametrize("fault", [LOST, DROPPED])
async def test_a_cancel_whose_answer_was_lost_is_driven_to_its_end(world: LiveWorld, fault: str) -> None:
    made = world.submit()
    await world.settle()
    world.venue.fault("cancel_order", fault)
    world.cancel(made)
    await world.settle()
    assert world.status(made) is S.CANCELED
    assert world.venue.orders["1"]["status"] == "canceled"


async def test_a_cancel_that_comes_too_late_finds_the_fill(world: LiveWorld) -> None:
    made = world.submit()
    await world.settle()
    world.venue.fill(made, 1.0)
    world.cancel(made)
    await world.settle()
    assert (world.status(made), world.order(made).filled) == (S.FILLED, 1)


async def test_a_cancel_before_the_answer_to_its_order_waits_for_it(world: LiveWorld) -> None:
    made = world.submit()
    world.cancel(made)
    await world.settle()
    assert (world.status(made), world.venue.orders["1"]["status"]) == (S.CANCELED, "canceled")


async def test_a_cancel_of_a_lost_order_catches_it_once_it_is_found(world: LiveWorld) -> None:
    world.venue.fault("create_order", LOST)
    world.venue.fault("cancel_order", ccxt.OrderNotFound('binance {"code":-2011,"msg":"Unknown order sent."}'))
    made = world.submit()
    world.cancel(made)
    await world.settle()
    assert (world.status(made), world.venue.orders["1"]["status"]) == (S.CANCELED, "canceled")


async def test_a_cancel_is_retried_while_the_venue_asks_to_wait(world: LiveWorld) -> None:
    made = world.submit()
    await world.settle()
    overloaded = 'binance {"code":-1008,"msg":"Server is currently overloaded"}'
    world.venue.fault("cancel_order", *(ccxt.ExchangeError(overloaded) for _ in range(3)))
    world.cancel(made)
    await world.settle()
    assert (world.status(made), world.venue.calls.count("cancel_order")) == (S.CANCELED, 4)


@pytest.mark.parametrize(("fault", "quantity"), [(None, "3"), (LOST, "3"), (DROPPED, "1")])
async def test_an_amend_is_done_or_not_and_the_answer_says_which(
    world: LiveWorld, fault: str | None, quantity: str
) -> None:
    made = world.submit()
    await world.settle()
    if fault is not None:
        world.venue.fault("edit_order", fault)
    world.amend(made, "99", "3")
    await world.settle()
    assert (world.status(made), world.order(made).quantity) == (S.NEW, Decimal(quantity))


@pytest.mark.parametrize("answer", [None, ccxt.ExchangeError('binance {"code":-5027,"msg":"No need to modify"}')])
async def test_an_amend_to_what_the_order_is_already_ends(world: LiveWorld, answer: Exception | None) -> None:
    made = world.submit()
    await world.settle()
    world.venue.fault("edit_order", answer)
    world.amend(made, "100", "1")
    await world.settle()
    assert (world.status(made), world.order(made).quantity) == (S.NEW, 1)


async def test_an_amend_that_the_venue_refuses_leaves_the_order(world: LiveWorld) -> None:
    made = world.submit()
    await world.settle()
    world.venue.fault("edit_order", ccxt.ExchangeError('binance {"code":-5022,"msg":"not executed as maker"}'))
    world.amend(made, "99", "3")
    await world.settle()
    assert (world.status(made), world.order(made).price) == (S.NEW, 100)


async def test_nothing_leaves_while_the_private_side_is_in_trouble() -> None:
    world = LiveWorld(ready=False)
    made = world.submit()
    assert world.status(made) is S.REJECTED
    assert "not sent" in world.order(made).reason
    assert not world.venue.calls


async def test_a_restart_asks_and_neither_places_nor_cancels(world: LiveWorld) -> None:
    """Four orders at the crash: one was canceled meanwhile, one filled, one never left, one's cancel was under way."""
    made = [world.submit() for _ in range(3)]
    await world.settle()
    world.venue.orders["1"]["status"] = "canceled"
    world.venue.fill(made[1], 1.0)
    world.venue.fault("create_order", DROPPED)
    lost = world.submit()
    for each in list(world.executor._tasks):  # the crash: whatever was under way is forgotten
        each.cancel()
    again = LiveWorld(ready=False)
    again.venue = world.venue
    world.venue.calls.clear()
    again.oms = Oms()
    again.oms.load(world.oms.orders.values(), ())
    orders = list(again.oms.orders.values())
    again.executor.remember(orders)
    now = again.clock.now_ns()
    for order in orders:
        events = (
            again.executor.reconcile(order, now)
            if order.status is S.PENDING_NEW
            else again.executor.restore([order], now)
        )
        for event in events:
            again.oms.apply(event)
    assert again.status(lost) is S.PENDING_UNKNOWN
    again.connect()
    await again.settle()
    assert [again.status(each) for each in (*made, lost)] == [S.CANCELED, S.FILLED, S.NEW, S.REJECTED]
    assert not {"create_order", "cancel_order", "edit_order"} & set(world.venue.calls)
    await again.executor.close()


@pytest.mark.parametrize("seed", range(40))
async def test_random_faults_and_random_orders_end_in_the_venues_truth(seed: int) -> None:
    rng = random.Random(seed)
    world = LiveWorld()
    venue = world.venue
    faults = [
        LOST,
        DROPPED,
        ccxt.NetworkError("x"),
        ccxt.ExchangeError('{"code":-1008,"msg":"overloaded"}'),
        None,
        None,
    ]
    for method in ("create_order", "cancel_order", "edit_order", "fetch_order", "fetch_my_trades", "fetch_open_orders"):
        venue.fault(method, *(rng.choice(faults) for _ in range(rng.randrange(8))))
    made: list[str] = []
    for _ in range(25):
        act = rng.random()
        working = [each for each in made if world.status(each) in (S.NEW, S.PARTIALLY_FILLED)]
        resting = [order for order in venue.orders.values() if order["status"] == "open"]
        if act < 0.4:
            made.append(world.submit(str(rng.randint(1, 5)), str(rng.randint(90, 110))))
        elif act < 0.55 and working:
            world.cancel(rng.choice(working))
        elif act < 0.65 and working:
            world.amend(rng.choice(working), str(rng.randint(90, 110)), str(rng.randint(5, 9)))
        elif resting:
            order = rng.choice(resting)
            trade = venue.fill(order["clientOrderId"], float(rng.randint(1, int(order["amount"] - order["filled"]))))
            read, said = (
                trade_of(trade, ONE, world.dialect.client_ids.from_wire),
                order_of(order, ONE, world.dialect.client_ids.from_wire),
            )
            for _ in range(rng.randrange(3)):  # the stream loses some, repeats some
                if read is not None and rng.random() < 0.6:
                    world.executor.hear_trade(read)
                if rng.random() < 0.6:
                    world.executor.hear_order(said)
        if rng.random() < 0.5:
            await world.until(lambda: True)
        if rng.random() < 0.3:
            await world.settle()
    await world.settle()
    for each in made:  # what the session's poll does now and then
        if world.order(each).is_open:
            world.executor.inquire(each)
    await world.settle()
    truth = {order["clientOrderId"]: order for order in venue.orders.values()}
    for each in made:
        ours, theirs = world.order(each), truth.get(each)
        if theirs is None:
            assert ours.status is S.REJECTED, ours
            continue
        assert ours.filled == Decimal(str(theirs["filled"])), (ours, theirs)
        words = {"open": (S.NEW, S.PARTIALLY_FILLED), "closed": (S.FILLED,), "canceled": (S.CANCELED,)}
        assert ours.status in words[theirs["status"]], (ours, theirs)
        assert (ours.quantity, ours.price) == (Decimal(str(theirs["amount"])), Decimal(str(theirs["price"])))
    assert world.oms.counters.overfills == 0
    assert not [text for level, text in world.told if level == "bad"]
    await world.executor.close()


async def test_a_key_that_may_only_read_stays_locked(world: LiveWorld) -> None:
    assert "type 'live'" in world.executor.locked
    world.executor.read_only = "the key of binance may not trade linear"
    world.executor.unlock()
    assert world.executor.locked == "the key of binance may not trade linear"
    world.executor.read_only = ""
    world.executor.unlock()
    assert world.executor.locked == ""


@pytest.mark.parametrize("method", ["create_order", "edit_order"])
async def test_an_answer_that_nobody_can_read_leaves_a_doubt_that_is_cleared(world: LiveWorld, method: str) -> None:
    made = world.submit() if method == "edit_order" else ""
    await world.settle()
    real = getattr(world.venue, method)

    async def garbled(*words: object) -> object:
        await real(*words)
        return ["no", "order", "at", "all"]

    setattr(world.venue, method, garbled)
    if made:
        world.amend(made, "99", "3")
    else:
        made = world.submit("3", "99")
    await world.settle()
    assert S.PENDING_UNKNOWN in world.seen[made]
    assert (world.status(made), world.order(made).quantity, world.order(made).price) == (S.NEW, 3, 99)
    assert world.told and world.told[-1][0] == "bad"


@pytest.mark.parametrize("venue", open_venues())
def test_an_answer_that_is_a_bare_word_is_read_everywhere(venue: str) -> None:
    """Hyperliquid answers a cancel with "success": no rule may look for fields in it."""
    exchange = FakeExchange()
    gate = LimitGate(RateLimiter((), random.Random(1)), SystemClock())
    client = VenueClient(exchange, load_dialect(venue), MarketKind.LINEAR, gate, SystemClock(), Redactor(()))
    said = client.read_order({"symbol": SYMBOL, "id": "7", "info": "success"})
    assert (said.venue_id, said.word) == ("7", None)
