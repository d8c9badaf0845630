"""The crowd: the same seed gives the same market, and the market stays a market for as long as it runs."""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from zlib import crc32

import pytest

from jackbot_tui.model.enums import Side, TimeInForce
from jackbot_tui.sim.binance.listings import LISTINGS
from jackbot_tui.sim.flow import MAX_DISTANCE, Flow
from jackbot_tui.sim.instruments import chosen_listings
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.orders import BookOrder, Execution
from jackbot_tui.sim.prices import FairPrices

SECOND = 1_000_000_000
LONG_S = 150


class Digest:
    """A running checksum of everything a listener hears, and counts."""

    def __init__(self, engine: MatchingEngine) -> None:
        self.value = self.levels = self.trades = 0
        engine.listen(self)

    def on_execution(self, execution: Execution) -> None:
        self.trades += 1
        self.value = crc32(repr(execution).encode(), self.value)

    def on_level(self, side: Side, price: int, quantity: int, update_id: int) -> None:
        self.levels += 1
        self.value = crc32(f"{side}{price}{quantity}{update_id}".encode(), self.value)

    def on_order(self, order: BookOrder, now: int) -> None:
        raise AssertionError("the crowd has no account")


def market(symbols: Sequence[str], **options: float) -> tuple[Flow, dict[str, MatchingEngine], dict[str, Digest]]:
    chosen = chosen_listings(LISTINGS, symbols)
    engines = {listing.key: MatchingEngine() for listing in chosen}
    digests = {key: Digest(engine) for key, engine in engines.items()}
    return Flow(chosen, engines, **{"seed": 1, **options}), engines, digests


def digest_of(symbols: Sequence[str], steps: Sequence[int], **options: float) -> dict[str, int]:
    flow, _, digests = market(symbols, **options)
    for until in steps:
        flow.advance(until)
    return {key: digest.value for key, digest in digests.items()}


def test_same_seed_gives_the_same_events_however_time_is_sliced() -> None:
    symbols = ("BTC/USDT", "ETH/USDT:USDT")
    whole = digest_of(symbols, [20 * SECOND])
    assert digest_of(symbols, [7, SECOND, SECOND + 1, 9 * SECOND, 20 * SECOND]) == whole
    assert digest_of(symbols, range(SECOND // 100, 20 * SECOND + 1, SECOND // 100)) == whole
    other = digest_of(symbols, [20 * SECOND], seed=2)
    assert all(other[key] != whole[key] for key in whole)


def test_listing_more_markets_does_not_change_the_others() -> None:
    alone = digest_of(("BTC/USDT",), [10 * SECOND])
    together = digest_of(("DOGE/USDT", "BTC/USDT", "ETH/USDT"), [10 * SECOND])
    assert together["binance:BTC/USDT"] == alone["binance:BTC/USDT"]


@pytest.mark.parametrize("volatility", [0.0, 1.0, 8.0])
def test_every_market_stays_in_shape_for_a_long_time(volatility: float) -> None:
    symbols = [listing.instrument.symbol for listing in LISTINGS]
    flow, engines, digests = market(symbols, volatility=volatility)
    spreads: dict[str, list[int]] = {key: [] for key in engines}
    for second in range(1, LONG_S + 1):
        flow.advance(second * SECOND)
        for key, engine in engines.items():
            assert engine.best_bid is not None, key
            assert engine.best_ask is not None, key
            spreads[key].append(engine.best_ask - engine.best_bid)
    for listing in LISTINGS:
        engine, digest = engines[listing.key], digests[listing.key]
        assert min(spreads[listing.key]) >= 1
        assert statistics.median(spreads[listing.key]) == 1, listing.key
        fair = flow.fair(listing.key) / float(listing.instrument.tick)
        for side in Side:
            assert 30 <= engine.level_count(side) <= 1000, (listing.key, side)
            assert 120 <= engine.orders_on(side) <= 1100, (listing.key, side)
            reach = abs(engine.price_at(side, engine.level_count(side) - 1) - fair) / fair
            assert reach < MAX_DISTANCE * 2.5, (listing.key, side)
        middle = (engine.best_bid + engine.best_ask) / 2
        assert abs(middle / fair - 1) < 0.002 * max(1.0, volatility)
        assert 0.7 < middle / listing.opening_ticks < 1.4
        assert digest.trades / LONG_S > 1, "several trades a second"
        assert digest.levels / LONG_S > 15, "tens of book changes a second"


@pytest.mark.parametrize("volatility", [0.5, 1.0, 20.0])
def test_fair_prices_neither_collapse_nor_run_away(volatility: float) -> None:
    prices = FairPrices(("BTC", "DOGE"), seed=3, volatility=volatility)
    seen: list[float] = []
    for step in range(200_000):  # 5.5 hours; the pull makes 20x volatility mix within minutes
        prices.advance()
        if step % 100 == 0:
            seen.append(prices.spot("DOGE"))
            assert abs(prices.linear("BTC") / prices.spot("BTC") - 1) < 0.002
    assert 0.6 < min(seen) < max(seen) < 1.7


def test_coins_follow_bitcoin_and_perpetuals_follow_spot() -> None:
    prices = FairPrices(("BTC", "ETH", "DOGE"), seed=5, volatility=1.0)
    paths: dict[str, list[float]] = {name: [] for name in ("BTC", "ETH", "DOGE", "perp")}
    for step in range(40_000):
        prices.advance()
        if step % 50 == 0:
            for coin in ("BTC", "ETH", "DOGE"):
                paths[coin].append(math.log(prices.spot(coin)))
            paths["perp"].append(math.log(prices.linear("BTC")))
    moves = {name: [b - a for a, b in pairwise(path)] for name, path in paths.items()}
    eth = statistics.correlation(moves["BTC"], moves["ETH"])
    doge = statistics.correlation(moves["BTC"], moves["DOGE"])
    perp = statistics.correlation(moves["BTC"], moves["perp"])
    assert 0.6 < eth < 0.99
    assert 0.3 < doge < eth
    assert perp > 0.9


@pytest.mark.parametrize("rate", [0.2, 5.0])
def test_rate_scales_how_much_happens(rate: float) -> None:
    changes = []
    for factor in (1.0, rate):
        flow, _, digests = market(("BTC/USDT:USDT",), volatility=0.2, rate=factor)
        digest = digests["binance:BTC/USDT:USDT"]
        opening = digest.levels
        flow.advance(60 * SECOND)
        changes.append(digest.levels - opening)
    ratio = changes[1] / changes[0]
    assert rate * 0.5 < ratio < rate * 2


def test_a_client_order_in_the_way_is_traded_with_and_never_canceled_by_the_crowd() -> None:
    chosen = chosen_listings(LISTINGS, ("BTC/USDT",))
    engine = MatchingEngine()
    flow = Flow(chosen, {chosen[0].key: engine}, seed=1)
    best = engine.best_bid
    assert best is not None
    order = engine.submit(Side.BUY, 50_000, best, now=0, account=1, tif=TimeInForce.GTC)
    for second in range(1, 60):
        flow.advance(second * SECOND)
    resting = engine.order(order.order_id)
    assert order.filled > 0
    assert resting is order or order.remaining == 0
