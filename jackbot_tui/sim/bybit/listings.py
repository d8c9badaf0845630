"""What the embedded Bybit lists: shapes and rules of ../shared/exchanges/bybit.md §2 and §8. Nothing here changes.

Figures as the venue listed them in August 2026. Linear prices and sizes are padded to the decimals of their steps,
spot's are not.
"""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.numbers import ONE
from jackbot_tui.sim.instruments import Listing, listed

FUNDING_INTERVAL_H = 8
LEAST_VALUE = Decimal(5)
"""Quote value that an order must have."""


def _spot(base: str, tick: str, lot: str, most: str, most_at_market: str, most_value: str) -> Listing:
    instrument = Instrument(
        venue="bybit",
        symbol=f"{base}/USDT",
        native=f"{base}USDT",
        kind=MarketKind.SPOT,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(lot),
        max_qty=Decimal(most),
        market_max_qty=Decimal(most_at_market),
        min_notional=LEAST_VALUE,
        max_notional=Decimal(most_value),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )
    return listed(instrument)


def _perpetual(
    base: str,
    tick: str,
    highest: str,
    lot: str,
    most: str,
    most_at_market: str,
    ratio: str,
    *,
    price_places: int,
    qty_places: int,
) -> Listing:
    """``ratio``: how far from the mark an order may be and stay unmoved."""
    instrument = Instrument(
        venue="bybit",
        symbol=f"{base}/USDT:USDT",
        native=f"{base}USDT",
        kind=MarketKind.LINEAR,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(lot),
        max_qty=Decimal(most),
        market_max_qty=Decimal(most_at_market),
        min_notional=LEAST_VALUE,
        min_price=Decimal(tick),
        max_price=Decimal(highest),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.00055"),
        max_leverage=Decimal(100),
        band=PriceBand("mark", buy_up=ONE + Decimal(ratio), sell_down=ONE - Decimal(ratio)),
        funding_interval_h=FUNDING_INTERVAL_H,
    )
    return listed(instrument, price_places=price_places, qty_places=qty_places)


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", "0.1", "0.000001", "230", "120", "8000000"),
    _spot("ETH", "0.01", "0.00001", "8118", "2706", "7000000"),
    _spot("SOL", "0.01", "0.0001", "26000", "13000", "5000000"),
    _perpetual("BTC", "0.1", "1999999.8", "0.001", "1500", "150", "0.01", price_places=2, qty_places=3),
    _perpetual("ETH", "0.01", "199999.98", "0.01", "10000", "2000", "0.02", price_places=2, qty_places=2),
    _perpetual("SOL", "0.01", "199999.98", "0.1", "96000", "12000", "0.05", price_places=3, qty_places=1),
)
DEFAULT_SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT", "ETH/USDT")
