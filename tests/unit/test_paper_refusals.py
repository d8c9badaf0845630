"""Every venue refuses on paper in its own codes and words, and ends post-only orders that cross in its own way."""

from decimal import Decimal
from importlib import import_module

import pytest
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.orders import OrderAccepted, OrderAmendRejected, OrderCancelRejected, OrderExpired, OrderRejected
from jackbot_tui.venues import VENUES
from jackbot_tui.venues.refusals import refusals_of
from tests.paper_world import PERP, SPOT, Market, World

BOOK = ([(100.0, 10.0)], [(101.0, 10.0)])

SAID = {
    # venue: a post-only order that crosses on perpetuals, on spot, and without margin on perpetuals
    "binance": ("-5022", "-2010", "-2019"),
    "bitget": ("post_only", "post_only", "40762"),
    "bybit": ("EC_PostOnlyWillTakeLiquidity", "EC_PostOnlyWillTakeLiquidity", "110007"),
    "coinbase": ("INVALID_LIMIT_PRICE_POST_ONLY", "INVALID_LIMIT_PRICE_POST_ONLY", "INSUFFICIENT_FUND"),
    "cryptocom": ("43005", "43005", "306"),
    "gateio": ("ORDER_POC_IMMEDIATE", "POC_FILL_IMMEDIATELY", "INSUFFICIENT_AVAILABLE"),
    "hyperliquid": ("badAloPxRejected", "badAloPxRejected", "perpMarginRejected"),
    "kraken": ("postWouldExecute", "EOrder:Post only order", "insufficientAvailableFunds"),
    "kucoin": ("canceled", "canceled", "300003"),
    "mexc": ("canceled", "canceled", "2005"),
    "okx": ("31", "31", "51008"),
}

ACCEPTED_FIRST = {"bitget", "bybit", "kucoin", "mexc", "okx"}


def world(venue: str, kind: MarketKind = MarketKind.LINEAR, usdt: str = "100000") -> World:
    instrument = replace(PERP if kind is MarketKind.LINEAR else SPOT, venue=venue)
    made = World(Market(instrument), balances={"USDT": Decimal(usdt)}, leverage=1)
    made.book(*BOOK)
    return made


def test_every_venue_has_a_table_of_its_own_for_both_kinds_of_market() -> None:
    assert set(SAID) == set(VENUES)
    for venue in VENUES:
        table = import_module(f"jackbot_tui.venues.{venue}.refusals").REFUSALS
        assert set(table) == set(MarketKind)
        assert all(refusals_of(venue, kind) is table[kind] for kind in MarketKind)
        for rules in table.values():
            answers = (
                rules.post_only_crosses,
                rules.no_funds,
                rules.position_too_large,
                rules.reduce_only,
                rules.unknown_order,
            )
            assert all(answer.reason for answer in answers)


@pytest.mark.parametrize("kind", MarketKind)
@pytest.mark.parametrize("venue", VENUES)
def test_a_post_only_order_that_would_take_ends_as_it_does_at_the_venue(venue: str, kind: MarketKind) -> None:
    made = world(venue, kind)
    order = made.send("buy", "0.1", "101", post_only=True)
    code = SAID[venue][0 if kind is MarketKind.LINEAR else 1]
    last = made.log[-1]
    if venue in ACCEPTED_FIRST:
        assert [type(event) for event in made.log] == [OrderAccepted, OrderExpired]
        assert isinstance(last, OrderExpired) and code in last.reason
        assert made.status(order) == "expired"
    else:
        assert isinstance(last, OrderRejected) and last.code == code and last.reason
        assert made.status(order) == "rejected"
    assert made.fills() == [] and made.paper.queue(order) is None


@pytest.mark.parametrize("venue", VENUES)
def test_without_margin_the_venue_says_so_in_its_words(venue: str) -> None:
    made = world(venue, usdt="50")
    made.send("buy", "1", "100")
    (refused,) = made.log
    assert isinstance(refused, OrderRejected) and refused.code == SAID[venue][2]


@pytest.mark.parametrize("venue", VENUES)
def test_reduce_only_without_a_position_and_unknown_orders_are_answered_in_the_venues_words(venue: str) -> None:
    made = world(venue)
    rules = refusals_of(venue, MarketKind.LINEAR)
    made.send("sell", "1", "101", reduce_only=True)
    refused = made.log[-1]
    assert isinstance(refused, OrderRejected)
    assert (refused.code, refused.reason) == (rules.reduce_only.code, rules.reduce_only.reason)
    gone = made.send("buy", "1")
    order = made.order(gone)
    (canceled,) = made.paper.cancel(order, made.now)
    (amended,) = made.paper.amend(order, Decimal(100), Decimal(1), made.now)
    assert isinstance(canceled, OrderCancelRejected) and canceled.reason == rules.unknown_order.words
    assert isinstance(amended, OrderAmendRejected) and amended.reason == rules.unknown_order.words


@pytest.mark.parametrize(
    ("venue", "kind", "keeps"),
    [
        ("binance", MarketKind.SPOT, True),
        ("binance", MarketKind.LINEAR, False),
        ("cryptocom", MarketKind.LINEAR, True),
        ("kraken", MarketKind.SPOT, True),
        ("kraken", MarketKind.LINEAR, False),
        ("kucoin", MarketKind.SPOT, False),
        ("coinbase", MarketKind.SPOT, False),
        ("bybit", MarketKind.LINEAR, False),
    ],
)
def test_an_order_made_smaller_keeps_its_place_only_where_the_venue_says_so(
    venue: str, kind: MarketKind, keeps: bool
) -> None:
    made = world(venue, kind)
    order = made.send("buy", "1", "100")
    made.trade("sell", 100.0, "4")
    assert made.ahead(order) == "6"
    made.amend(order, "100", "0.5")
    assert made.ahead(order) == ("6" if keeps else "10")


def test_words_do_not_say_the_same_twice() -> None:
    kraken = refusals_of("kraken", MarketKind.SPOT).unknown_order
    assert kraken.words == "EOrder:Unknown order"
    assert refusals_of("binance", MarketKind.SPOT).unknown_order.words == "Unknown order sent. [-2011]"
