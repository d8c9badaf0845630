"""What the embedded Bitget lists: shapes and rules of ../shared/exchanges/bitget.md §2 and §8. Nothing here changes.

Prices and sizes are padded to the decimals of their steps. Spot's orders have no largest size.
"""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.numbers import ONE, places_of
from jackbot_tui.sim.instruments import Listing, listed

FUNDING_INTERVAL_H = 8
BAND = Decimal("0.05")
"""How far from the market price an order may be."""


def _listing(instrument: Instrument) -> Listing:
    return listed(instrument, price_places=places_of(instrument.tick), qty_places=places_of(instrument.lot))


def _spot(base: str, tick: str, lot: str) -> Listing:
    return _listing(
        Instrument(
            venue="bitget",
            symbol=f"{base}/USDT",
            native=f"{base}USDT",
            kind=MarketKind.SPOT,
            base=base,
            quote="USDT",
            settle="USDT",
            tick=Decimal(tick),
            lot=Decimal(lot),
            min_qty=Decimal(lot),
            min_notional=ONE,
            maker_fee=Decimal("0.001"),
            taker_fee=Decimal("0.001"),
            band=PriceBand("last", buy_up=ONE + BAND, sell_down=ONE - BAND),
        )
    )


def _perpetual(
    base: str, tick: str, lot: str, most: str, most_at_market: str, leverage: int, quote: str = "USDT"
) -> Listing:
    return _listing(
        Instrument(
            venue="bitget",
            symbol=f"{base}/{quote}:{quote}",
            native=f"{base}USDT" if quote == "USDT" else f"{base}PERP",
            kind=MarketKind.LINEAR,
            base=base,
            quote=quote,
            settle=quote,
            tick=Decimal(tick),
            lot=Decimal(lot),
            min_qty=Decimal(lot),
            max_qty=Decimal(most),
            market_max_qty=Decimal(most_at_market),
            min_notional=Decimal(5),
            maker_fee=Decimal("0.0002"),
            taker_fee=Decimal("0.0006"),
            max_leverage=Decimal(leverage),
            band=PriceBand("last", buy_up=ONE + BAND, sell_down=ONE - BAND),
            funding_interval_h=FUNDING_INTERVAL_H,
        )
    )


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", "0.01", "0.000001"),
    _spot("ETH", "0.01", "0.0001"),
    _spot("SOL", "0.01", "0.0001"),
    _perpetual("BTC", "0.1", "0.0001", "1200", "220", 150),
    _perpetual("ETH", "0.01", "0.01", "18000", "3500", 100),
    _perpetual("SOL", "0.001", "0.1", "200000", "30000", 100),
    _perpetual("BTC", "0.1", "0.0001", "500", "100", 125, "USDC"),
)
DEFAULT_SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT", "ETH/USDT")
