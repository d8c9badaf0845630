"""One price band, three judges: the gate, paper matching and the embedded exchange say the same about every price."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.book.bands import band_limits, reference_price
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.instrument import PriceBand
from jackbot_tui.model.market import MarkPrice, Trade
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.orders import OrderAmendRejected, OrderRejected, OrderRequest, Position
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.risk.reach import reach_of
from jackbot_tui.risk.refusal import RefusalCode
from jackbot_tui.sim import rules
from jackbot_tui.sim.exchange import front_of
from jackbot_tui.sim.instruments import Character, Listing
from jackbot_tui.sim.requests import Refused
from jackbot_tui.venues import VENUES, load_spec
from jackbot_tui.venues.band_rules import RULES
from jackbot_tui.venues.refusals import refusals_of
from tests.paper_world import PERP, SPOT, Market, World

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
BAND = PriceBand("mark", buy_up=D("1.05"), buy_down=D("0.9"), sell_up=D("1.2"), sell_down=D("0.95"))
OPEN = RiskLimits(
    max_order_notional=ZERO, max_position_notional=ZERO, collar_pct=ZERO, mark_collar_pct=ZERO, far_limit_pct=ZERO,
    max_book_age_ms=0,
)  # fmt: skip
NOW = 1_000_000_000


def market(band: PriceBand | None = BAND) -> Market:
    made = Market(replace(PERP, venue="binance", band=band, tick=D("0.5"), min_notional=ZERO))
    made.set([(99.5, 5.0)], [(100.5, 5.0)])
    made.last_book_ns = NOW
    made.set_mark(100.0)
    return made


def refused_by_gate(made: Market, side: Side, price: Decimal) -> bool:
    request = OrderRequest(key=made.key, side=side, quantity=D(1), price=price)
    refusal = RiskGate(OPEN).check(
        request, market=made, position=Position(key=made.key), open_orders=[], day_pnl=ZERO, now=NOW
    )
    assert refusal is None or refusal.code is RefusalCode.BAND
    return refusal is not None


def refused_on_paper(made: Market, side: Side, price: Decimal) -> bool:
    world = World(made)
    world.now = NOW
    world.send(side.value, "1", str(price))
    return isinstance(world.log[0], OrderRejected)


def refused_by_exchange(made: Market, side: Side, price: Decimal) -> bool:
    listing = Listing(made.instrument, Character(1, 1, 1, 1), D(100))
    try:
        rules.check_band(listing, side, price, D(100))
    except Refused:
        return True
    return False


@pytest.mark.parametrize(("side", "low", "high"), [(BUY, "90", "105"), (SELL, "95", "120")], ids=["buys", "sells"])
def test_gate_paper_and_embedded_exchange_agree_at_the_edges_of_a_band(side: Side, low: str, high: str) -> None:
    made = market()
    tick = D("0.5")
    for price, outside in (
        (D(low) - tick, True), (D(low), False), (D(100), False), (D(high), False), (D(high) + tick, True),
    ):  # fmt: skip
        said = [judge(made, side, price) for judge in (refused_by_gate, refused_on_paper, refused_by_exchange)]
        assert said == [outside] * 3, (price, said)
    assert band_limits(made, side, NOW) == (D(low), D(high), D(100))


def test_a_market_without_a_band_and_one_that_tells_no_price_limit_nothing() -> None:
    assert band_limits(market(None), BUY, NOW) == (ZERO, ZERO, ZERO)
    silent = Market(replace(PERP, band=BAND))
    silent.become(BookState.STALE)
    assert band_limits(silent, BUY, NOW) == (ZERO, ZERO, ZERO)


def test_every_kind_of_reference_is_read_from_the_market() -> None:
    made = market()
    made.mark = MarkPrice(made.key, NOW, NOW, 101.0, 102.0, 0.0, 0)
    made.trades.add(Trade(made.key, NOW, NOW, "1", BUY, 98.5, 1.0, "98.5", "1"))
    told = {name: reference_price(made, name, BUY, NOW) for name in ("mark", "index", "last", "average", "best")}
    assert told == {"mark": D(101), "index": D(102), "last": D("98.5"), "average": D("98.5"), "best": D("100.5")}
    assert reference_price(made, "best", SELL, NOW) == D("99.5")
    later = NOW + 60 * 10**9
    assert reference_price(made, "index", BUY, later) == reference_price(made, "mark", BUY, later) == D(100)


def test_the_page_names_a_rule_for_every_market_and_the_gateways_keep_those() -> None:
    for venue in VENUES:
        for kind in load_spec(venue).markets:
            assert RULES[venue, kind].words
        for listing in front_of(venue).LISTINGS:
            instrument = listing.instrument
            reference = "" if instrument.band is None else instrument.band.reference
            assert reference == RULES[venue, instrument.kind].reference, instrument.key


@pytest.mark.parametrize("kind", MarketKind)
@pytest.mark.parametrize("venue", VENUES)
def test_paper_refuses_prices_beyond_the_band_in_the_venues_words(venue: str, kind: MarketKind) -> None:
    band = PriceBand("last", buy_up=D("1.05"), buy_down=D("0.9"))
    world = World(Market(replace(PERP if kind is MarketKind.LINEAR else SPOT, venue=venue, band=band)))
    world.book([(99.0, 5.0)], [(101.0, 5.0)])
    table = refusals_of(venue, kind)
    for price, answer in (("110", table.price_too_high), ("80", table.price_too_low)):
        world.send("buy", "1", price)
        refused = world.log[-1]
        assert isinstance(refused, OrderRejected) and (refused.code, refused.reason) == (answer.code, answer.reason)


def test_an_amend_beyond_the_band_is_refused_and_the_order_stays() -> None:
    world = World(market())
    world.now = NOW
    order = world.send("buy", "1", "95")
    world.amend(order, "85", "1")
    assert isinstance(world.log[-1], OrderAmendRejected)
    assert world.order(order).price == D(95) and world.order(order).is_open


def test_the_reach_is_the_narrowest_of_band_and_own_bounds() -> None:
    made = market()
    limits = replace(OPEN, collar_pct=D(1), far_limit_pct=D(5))
    buys, sells = reach_of(BUY, made, limits, NOW), reach_of(SELL, made, limits, NOW)
    assert (buys.low, buys.low_by, buys.high, buys.high_by) == (D("95"), "our far_limit_pct", D("101.5"), "our collar")
    assert (sells.low, sells.low_by, sells.high, sells.high_by) == (
        D("99"),
        "our collar",
        D("105.5"),
        "our far_limit_pct",
    )
    assert (buys.reference, buys.reference_name, buys.band) == (D(100), "mark", True)
    unbounded = reach_of(BUY, market(None), OPEN, NOW)
    assert (unbounded.low, unbounded.high, unbounded.band, unbounded.reference) == (ZERO, ZERO, False, D(100))
    assert unbounded.takes(D(1)) and not buys.takes(D(94)) and not buys.takes(D(102))
