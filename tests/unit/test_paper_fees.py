"""Fees: tiers, chosen rates, rebates, and the currency that pays."""

from decimal import Decimal
from itertools import pairwise

import pytest
from msgspec.structs import replace

from jackbot_tui.execution.paper.fees import BUYS_PAY_IN_BASE, TIERS, chosen_rates, pays_in_base, with_fees
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.venues import load_venue
from tests.paper_world import PERP, SPOT, Market, World

BOOK = ([(99.9, 10.0)], [(100.0, 10.0)])


@pytest.mark.parametrize(
    ("text", "maker", "taker"),
    [
        ("vip3", "0.00012", "0.00032"),
        (" VIP0 ", "0.0002", "0.0005"),
        ("0.02/0.05", "0.0002", "0.0005"),
        ("-0.005/0.03", "-0.00005", "0.0003"),
        ("0/0", "0", "0"),
    ],
)
def test_rates_are_a_tier_or_two_percentages(text: str, maker: str, taker: str) -> None:
    chosen = chosen_rates(text, "binance", MarketKind.LINEAR)
    assert chosen is not None and (chosen.maker, chosen.taker) == (Decimal(maker), Decimal(taker))


def test_nothing_chosen_leaves_the_venues_own_rates() -> None:
    assert chosen_rates(" ", "binance", MarketKind.LINEAR) is None
    assert with_fees(PERP, "", "") is PERP


@pytest.mark.parametrize("text", ["vip10", "0.02", "6/1", "nan/1", "1/-9", "a/b", "/"])
def test_what_is_no_rate_is_refused_with_what_to_say(text: str) -> None:
    with pytest.raises(InputError, match=r"vip0.*MAKER/TAKER in percent"):
        chosen_rates(text, "binance", MarketKind.LINEAR)
    with pytest.raises(InputError, match=r"fees .* of kraken spot: MAKER/TAKER"):
        chosen_rates(text, "kraken", MarketKind.SPOT)


def test_the_lowest_tier_is_the_one_of_the_venues_spec() -> None:
    for (venue, kind), tiers in TIERS.items():
        spec = load_venue(venue).spec.markets[kind]
        assert (tiers[0].maker, tiers[0].taker) == (Decimal(spec.maker_fee), Decimal(spec.taker_fee))
        assert all(low.maker >= high.maker and low.taker >= high.taker for low, high in pairwise(tiers))


def test_rates_are_chosen_per_kind_of_market() -> None:
    assert with_fees(SPOT, "0.1/0.2", "0/0").taker_fee == Decimal("0.002")
    assert with_fees(PERP, "0.1/0.2", "0/0").taker_fee == 0


def test_a_rebate_is_received_by_the_maker() -> None:
    world = World(Market(replace(PERP, maker_fee=Decimal("-0.0001"))), balances={"USDT": Decimal(1000)})
    world.book(*BOOK)
    world.send("buy", "2", "99.9")
    world.trade("sell", 99.8, "50")
    (fill,) = world.fill_events()
    assert fill.fee == Decimal("-0.01998") and world.portfolio.balance("USDT") == Decimal("1000.01998")


@pytest.mark.parametrize("venue", sorted(BUYS_PAY_IN_BASE))
def test_spot_buys_pay_in_base_where_the_venue_has_it_so(venue: str) -> None:
    assert pays_in_base(replace(SPOT, venue=venue), Side.BUY)
    assert not pays_in_base(replace(SPOT, venue=venue), Side.SELL)
    assert not pays_in_base(replace(PERP, venue=venue), Side.BUY)


def test_a_buy_that_pays_in_base_needs_no_quote_for_its_fee_and_yields_less() -> None:
    world = World(Market(replace(SPOT, venue="okx")), balances={"USDT": Decimal(100)})
    world.book(*BOOK)
    assert world.status(world.send("buy", "1", "100.00")) == "filled"
    assert world.portfolio.balance("USDT") == 0 and world.portfolio.balance("BTC") == Decimal("0.999")
    assert world.status(world.send("sell", "1")) == "rejected"
    assert world.status(world.send("sell", "0.999")) == "filled"
    position = world.portfolio.position("okx:BTC/USDT")
    assert position.quantity == 0 and position.fees == Decimal("0.1") + Decimal("0.999") * Decimal("99.9") / 1000
