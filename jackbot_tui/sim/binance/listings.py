"""What the embedded Binance lists. The rules follow the shapes in ../shared/exchanges/binance.md §8 and §10 and the
recorded exchangeInfo replies. Nothing here changes while the exchange runs."""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.sim.instruments import Listing, listed

SPOT_BAND = PriceBand(
    "average", buy_up=Decimal(5), buy_down=Decimal("0.2"), sell_up=Decimal(5), sell_down=Decimal("0.2")
)
SPOT_MAKER = Decimal("0.001")
SPOT_TAKER = Decimal("0.001")
LINEAR_MAKER = Decimal("0.0002")
LINEAR_TAKER = Decimal("0.0005")


def _spot(base: str, tick: str, lot: str, max_qty: str, market_max: str, max_price: str) -> Listing:
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
    return listed(instrument, price_places=8, qty_places=8)


def _linear(
    base: str,
    tick: str,
    lot: str,
    quantities: tuple[str, str],
    prices: tuple[str, str],
    min_notional: str,
    band: str,
    places: tuple[int, int],
    leverage: int,
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
    return listed(instrument, price_places=places[0], qty_places=places[1])


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", "0.01", "0.00001", "9000", "120", "1000000"),
    _spot("ETH", "0.01", "0.0001", "9000", "2800", "1000000"),
    _spot("SOL", "0.01", "0.001", "90000", "35000", "10000"),
    _spot("DOGE", "0.00001", "1", "9000000", "4500000", "1000"),
    _linear("BTC", "0.1", "0.001", ("1000", "120"), ("261.1", "809484"), "50", "0.05", (2, 3), 125),
    _linear("ETH", "0.01", "0.001", ("10000", "2000"), ("18.67", "306177"), "20", "0.05", (2, 3), 100),
    _linear("SOL", "0.01", "0.01", ("1000000", "5000"), ("0.42", "6857"), "5", "0.05", (4, 2), 75),
    _linear("DOGE", "0.00001", "1", ("50000000", "30000000"), ("0.00244", "30"), "5", "0.1", (6, 0), 75),
)
DEFAULT_SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT", "ETH/USDT")
