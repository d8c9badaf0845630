"""The sans-I/O parts of the Binance gateway: texts, stream names, history, mark prices, limits, listings."""

from decimal import Decimal

import pytest

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import is_multiple
from jackbot_tui.sim.binance.listings import LISTINGS
from jackbot_tui.sim.binance.streams import Route, Stream, StreamKind, delivers, parse_stream
from jackbot_tui.sim.history import Candle, TradeHistory
from jackbot_tui.sim.instruments import chosen_listings
from jackbot_tui.sim.limits import MessageLimiter, Verdict, WeightLimiter
from jackbot_tui.sim.marks import MarkPrices
from jackbot_tui.sim.orders import Execution
from jackbot_tui.sim.text import MarketText, fixed

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("units", "places", "text"),
    [(0, 8, "0.00000000"), (1, 2, "0.01"), (100, 2, "1.00"), (6400010, 2, "64000.10"), (7, 0, "7"), (-5, 3, "-0.005")],
)
def test_fixed_point_text(units: int, places: int, text: str) -> None:
    assert fixed(units, places) == text


@pytest.mark.parametrize(
    ("symbol", "ticks", "lots", "level"),
    [
        ("BTC/USDT", 6183763, 378826, '["61837.63000000","3.78826000"]'),  # as recorded on spot
        ("BTC/USDT:USDT", 618002, 2507, '["61800.20","2.507"]'),  # as recorded on USD-M
        ("DOGE/USDT:USDT", 15200, 1000, '["0.152000","1000"]'),
        ("SOL/USDT:USDT", 14800, 0, '["148.0000","0.00"]'),
    ],
)
def test_levels_are_padded_as_the_venue_pads_them(symbol: str, ticks: int, lots: int, level: str) -> None:
    assert MarketText(chosen_listings(LISTINGS, [symbol])[0]).level(ticks, lots) == level


def test_values_and_averages_are_exact_to_eight_places() -> None:
    text = MarketText(chosen_listings(LISTINGS, ["BTC/USDT"])[0])
    assert text.value(6183763 * 378826) == "234257.02022380"
    assert text.average(6183763 * 3 + 6183764 * 1, 4) == "61837.63250000"


@pytest.mark.parametrize(
    ("name", "market", "stream"),
    [
        ("btcusdt@depth", SPOT, (StreamKind.DEPTH, 1000, 0)),
        ("btcusdt@depth@100ms", SPOT, (StreamKind.DEPTH, 100, 0)),
        ("btcusdt@depth@0ms", SPOT, None),
        ("btcusdt@depth", LINEAR, (StreamKind.DEPTH, 250, 0)),
        ("btcusdt@depth@0ms", LINEAR, (StreamKind.DEPTH, 0, 0)),
        ("btcusdt@depth@500ms", LINEAR, (StreamKind.DEPTH, 500, 0)),
        ("btcusdt@depth20@100ms", SPOT, (StreamKind.PARTIAL_DEPTH, 100, 20)),
        ("btcusdt@depth7", SPOT, None),
        ("btcusdt@trade", SPOT, (StreamKind.TRADE, 0, 0)),
        ("btcusdt@trade@1s", SPOT, None),
        ("btcusdt@trade5", SPOT, None),
        ("btcusdt@aggTrade", LINEAR, (StreamKind.AGG_TRADE, 0, 0)),
        ("btcusdt@bookTicker", LINEAR, (StreamKind.BOOK_TICKER, 0, 0)),
        ("btcusdt@markPrice@1s", LINEAR, (StreamKind.MARK_PRICE, 1000, 0)),
        ("btcusdt@markPrice", LINEAR, (StreamKind.MARK_PRICE, 3000, 0)),
        ("btcusdt@markPrice@1s", SPOT, None),
        ("BTCUSDT@trade", SPOT, None),
        ("btcusdt@kline_1m", SPOT, None),
        ("", SPOT, None),
    ],
)
def test_stream_names(name: str, market: MarketKind, stream: tuple[StreamKind, int, int] | None) -> None:
    expected = None if stream is None else Stream(name, "BTCUSDT", *stream)
    assert parse_stream(name, market) == expected


@pytest.mark.parametrize(
    ("route", "delivered"),
    [
        (Route.PUBLIC, {"depth", "trade", "bookTicker"}),
        (Route.LEGACY, {"depth", "trade", "bookTicker"}),
        (Route.MARKET, {"aggTrade", "markPrice"}),
    ],
)
def test_each_usdm_route_delivers_its_own_streams_only(route: Route, delivered: set[str]) -> None:
    for word in ("depth", "trade", "bookTicker", "aggTrade", "markPrice"):
        stream = parse_stream(f"btcusdt@{word}", LINEAR)
        assert stream is not None
        assert delivers(route, stream) == (word in delivered)


def execution(number: int, price: int, quantity: int, *, taker: int, buyer_is_maker: bool = False) -> Execution:
    return Execution(number, 0, price, quantity, buyer_is_maker, 1, taker, 0, 0)


def test_spot_aggregates_one_taker_at_one_price_and_usdm_a_window_of_100_ms() -> None:
    spot, linear = TradeHistory(100), TradeHistory(100, window_ms=100)
    prints = [(1010, 100, 1), (1010, 100, 1), (1010, 101, 1), (1020, 101, 2), (1099, 101, 3), (1100, 101, 3)]
    for number, (ms, price, taker) in enumerate(prints, start=1):
        for history in (spot, linear):
            history.add(execution(number, price, 5, taker=taker), ms)
    assert [(a.first_trade, a.last_trade, a.quantity) for a in spot.aggregates] == [
        (1, 2, 10), (3, 3, 5), (4, 4, 5), (5, 6, 10),
    ]  # fmt: skip
    assert [(a.first_trade, a.last_trade, a.quantity) for a in linear.aggregates] == [(1, 2, 10), (3, 5, 15), (6, 6, 5)]


def test_candles_merge_minutes_and_keep_the_aggressors_side() -> None:
    history = TradeHistory(100)
    for number, (minute, price, quantity, sold) in enumerate(
        [(0, 100, 1, False), (0, 105, 2, True), (1, 99, 3, False), (7, 110, 4, True)], start=1
    ):
        history.add(execution(number, price, quantity, taker=number, buyer_is_maker=sold), minute * 60_000 + 5)
    assert history.candles(60_000, 10, 0, 10**15)[0] == Candle(0, 100, 105, 100, 105, 3, 310, 2, 1, 100)
    five = history.candles(300_000, 10, 0, 10**15)
    assert [(c.open_ms, c.open, c.high, c.low, c.close, c.quantity) for c in five] == [
        (0, 100, 105, 99, 99, 6), (300_000, 110, 110, 110, 110, 4),
    ]  # fmt: skip
    assert history.candles(300_000, 1, 0, 10**15) == five[1:]
    assert history.candles(300_000, 1, 1, 10**15) == five[1:]
    assert history.candles(60_000, 9, 0, 1000)[0].close == 105, "merging must not change the minutes themselves"
    assert history.average(8 * 60_000) == (440, 4)
    assert (history.day(8 * 60_000).high, history.day(8 * 60_000).trades) == (110, 4)
    assert history.last_price == 110


def test_mark_is_the_median_of_three_prices_and_funding_settles_on_the_hour() -> None:
    marks = MarkPrices(opened_ms=7 * HOUR_MS, interval_h=8, opening=100.0)
    assert marks.next_funding_ms == 8 * HOUR_MS
    marks.sample(7 * HOUR_MS, index=100.0, mid=100.2, last=150.0)
    assert marks.mark == pytest.approx(100.2)  # funding price 100.00125, basis price 100.2, last trade 150
    assert marks.rate == pytest.approx(0.002 - 0.0005)  # premium 0.2 %, pulled 0.05 % towards the interest
    marks.sample(8 * HOUR_MS, index=100.0, mid=100.0, last=100.0)
    assert [(paid.ms, paid.rate) for paid in marks.settlements] == [(8 * HOUR_MS, pytest.approx(0.0015))]
    assert marks.next_funding_ms == 16 * HOUR_MS
    assert marks.rate == pytest.approx(0.0001)


def test_weight_is_counted_per_minute_then_429_then_418_for_those_who_go_on() -> None:
    limiter = WeightLimiter(limit=100, refusals_before_ban=2, ban_s=120)
    assert [limiter.admit(50, 1_000), limiter.admit(50, 2_000)] == [Verdict.ALLOWED] * 2
    assert limiter.admit(1, 3_000) is Verdict.TOO_MANY
    assert limiter.retry_after_s(3_000) == 57
    assert limiter.admit(1, 60_000) is Verdict.ALLOWED, "a new minute"
    assert [limiter.admit(w, 61_000) for w in (100, 1, 1)] == [Verdict.TOO_MANY, Verdict.TOO_MANY, Verdict.BANNED]
    assert limiter.admit(1, 120_000) is Verdict.BANNED, "a new minute does not lift a ban"
    assert limiter.retry_after_s(120_000) == 61
    assert limiter.admit(1, 181_000) is Verdict.ALLOWED


def test_messages_are_counted_over_any_one_second() -> None:
    limiter = MessageLimiter(3)
    assert [limiter.admit(t) for t in (0.0, 0.5, 0.9)] == [True] * 3
    assert not limiter.admit(0.95)
    assert limiter.admit(2.0)


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.instrument.symbol)
def test_listings_obey_their_own_rules(listing: object) -> None:
    instrument = listing.instrument
    assert is_multiple(listing.opening, instrument.tick)
    assert instrument.min_price < listing.opening < instrument.max_price
    assert instrument.price_places <= listing.price_places
    assert instrument.qty_places <= listing.qty_places
    assert 0 < instrument.min_qty <= instrument.market_max_qty <= instrument.max_qty
    assert instrument.min_qty * listing.opening < Decimal(500)
    assert instrument.maker_fee <= instrument.taker_fee


@pytest.mark.parametrize(
    ("symbols", "words"), [(["BTC/USD"], "try BTC/USDT"), (["???"], "it lists BTC/USDT"), ([], "at least one")]
)
def test_symbols_that_are_not_listed_get_one_line(symbols: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        chosen_listings(LISTINGS, symbols)


def test_symbols_are_taken_in_any_case_and_once() -> None:
    chosen = chosen_listings(LISTINGS, ["eth/usdt", " BTC/USDT", "ETH/USDT"])
    assert [listing.instrument.symbol for listing in chosen] == ["ETH/USDT", "BTC/USDT"]
