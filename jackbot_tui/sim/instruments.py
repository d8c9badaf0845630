"""What the embedded exchange lists: four coins, spot and perpetual, with rules like Binance's and a character each.

Read by the flow, the gateways and tests. The rules follow the shapes in ../shared/exchanges/binance.md §8 and §10 and
the recorded exchangeInfo replies; the character (sizes, density, arrival rates) is calibrated on the recorded BTCUSDT
sessions of 2024-08-08, slowed down to what one small machine can serve. Nothing here changes while the exchange runs.
"""

import difflib
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.numbers import round_nearest

SPOT_BAND = PriceBand(
    "average", buy_up=Decimal(5), buy_down=Decimal("0.2"), sell_up=Decimal(5), sell_down=Decimal("0.2")
)
SPOT_MAKER = Decimal("0.001")
SPOT_TAKER = Decimal("0.001")
LINEAR_MAKER = Decimal("0.0002")
LINEAR_TAKER = Decimal("0.0005")


class Character(Struct, frozen=True):
    """How one market behaves at rate 1 and volatility 1.

    ``events_per_s`` is the mean arrival rate of ordinary order actions (moves of the price add their own). Sizes are
    medians in quote currency. ``near_bp`` is the scale on which orders crowd around the touch and ``move_bp`` the mean
    distance that the fair price must go before the crowd follows it, both in basis points. ``resting_orders`` is the
    number of orders a side around which the book settles.
    """

    events_per_s: float
    order_quote: float
    touch_quote: float
    take_quote: float
    take_share: float = 0.055
    near_bp: float = 1.0
    move_bp: float = 0.8
    resting_orders: int = 700


class Listing(Struct, frozen=True):
    """One market of the exchange. ``opening`` is the price it opens at, in quote currency.

    ``price_places`` and ``qty_places`` are the decimals to which the venue pads its text.
    """

    instrument: Instrument
    character: Character
    opening: Decimal
    price_places: int
    qty_places: int

    @property
    def key(self) -> str:
        return self.instrument.key

    @property
    def opening_ticks(self) -> int:
        return int(round_nearest(self.opening, self.instrument.tick) / self.instrument.tick)


def _spot(
    base: str, opening: str, tick: str, lot: str, max_qty: str, market_max: str, max_price: str, character: Character
) -> Listing:
    instrument = Instrument(
        venue="binance",
        symbol=f"{base}/USDT",
        native=f"{base}USDT",
        kind=MarketKind.SPOT,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(lot),
        max_qty=Decimal(max_qty),
        market_max_qty=Decimal(market_max),
        min_notional=Decimal(5),
        max_notional=Decimal(9_000_000),
        min_price=Decimal(tick),
        max_price=Decimal(max_price),
        maker_fee=SPOT_MAKER,
        taker_fee=SPOT_TAKER,
        max_orders=200,
        band=SPOT_BAND,
    )
    return Listing(instrument, character, Decimal(opening), price_places=8, qty_places=8)


def _linear(
    base: str,
    opening: str,
    tick: str,
    lot: str,
    quantities: tuple[str, str],
    prices: tuple[str, str],
    min_notional: str,
    band: str,
    places: tuple[int, int],
    leverage: int,
    character: Character,
) -> Listing:
    instrument = Instrument(
        venue="binance",
        symbol=f"{base}/USDT:USDT",
        native=f"{base}USDT",
        kind=MarketKind.LINEAR,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(lot),
        max_qty=Decimal(quantities[0]),
        market_max_qty=Decimal(quantities[1]),
        min_notional=Decimal(min_notional),
        min_price=Decimal(prices[0]),
        max_price=Decimal(prices[1]),
        maker_fee=LINEAR_MAKER,
        taker_fee=LINEAR_TAKER,
        max_leverage=Decimal(leverage),
        max_orders=200,
        band=PriceBand("mark", buy_up=1 + Decimal(band), sell_down=1 - Decimal(band)),
        funding_interval_h=8,
    )
    return Listing(instrument, character, Decimal(opening), price_places=places[0], qty_places=places[1])


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", "64000", "0.01", "0.00001", "9000", "120", "1000000", Character(50, 3000, 60_000, 250, near_bp=1.0)),
    _spot("ETH", "3100", "0.01", "0.0001", "9000", "2800", "1000000", Character(40, 2500, 40_000, 250, near_bp=1.2)),
    _spot("SOL", "148", "0.01", "0.001", "90000", "35000", "10000", Character(26, 1800, 12_000, 220, near_bp=4.0)),
    _spot("DOGE", "0.152", "0.00001", "1", "9000000", "4500000", "1000", Character(20, 1500, 9_000, 180, near_bp=4.0)),
    _linear(
        "BTC", "64000", "0.1", "0.001", ("1000", "120"), ("261.1", "809484"), "50", "0.05", (2, 3), 125,
        Character(55, 4000, 90_000, 1800, near_bp=1.0),
    ),
    _linear(
        "ETH", "3100", "0.01", "0.001", ("10000", "2000"), ("18.67", "306177"), "20", "0.05", (2, 3), 100,
        Character(45, 3500, 70_000, 1500, near_bp=1.2),
    ),
    _linear(
        "SOL", "148", "0.01", "0.01", ("1000000", "5000"), ("0.42", "6857"), "5", "0.05", (4, 2), 75,
        Character(30, 2200, 25_000, 800, near_bp=4.0),
    ),
    _linear(
        "DOGE", "0.152", "0.00001", "1", ("50000000", "30000000"), ("0.00244", "30"), "5", "0.1", (6, 0), 75,
        Character(22, 1800, 15_000, 600, near_bp=4.0),
    ),
)  # fmt: skip

DEFAULT_SYMBOLS = ("BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT")


def listings(symbols: Sequence[str] = DEFAULT_SYMBOLS) -> tuple[Listing, ...]:
    """The listings of ccxt unified ``symbols``, in that order, each once; InputError for one that is not listed."""
    known = {listing.instrument.symbol: listing for listing in LISTINGS}
    chosen: dict[str, Listing] = {}
    for symbol in symbols:
        name = symbol.strip().upper()
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            advice = f"try {nearest[0]}" if nearest else f"it lists {', '.join(known)}"
            raise InputError(f"the embedded exchange does not list {symbol!r}: {advice}")
        chosen[name] = known[name]
    if not chosen:
        raise InputError(f"the embedded exchange needs at least one symbol: it lists {', '.join(known)}")
    return tuple(chosen.values())
