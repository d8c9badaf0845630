"""What the embedded MEXC lists: shapes and rules of ../shared/exchanges/mexc.md §2 and §10. Nothing here changes."""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.sim.instruments import Listing, listed

FUNDING_INTERVAL_H = 8
SPOT_BAND = PriceBand("last", buy_up=Decimal("1.15"), sell_down=Decimal("0.85"))
CONTRACT_BAND = PriceBand("mark", buy_up=Decimal("1.1"), sell_down=Decimal("0.9"))


def _spot(base: str, price_places: int, size_places: int, least: str) -> Listing:
    instrument = Instrument(
        venue="mexc",
        symbol=f"{base}/USDT",
        native=f"{base}USDT",
        kind=MarketKind.SPOT,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(1).scaleb(-price_places),
        lot=Decimal(1).scaleb(-size_places),
        min_qty=Decimal(least),
        min_notional=Decimal(1),
        max_notional=Decimal(4_000_000),
        maker_fee=Decimal(0),
        taker_fee=Decimal("0.0005"),
        band=SPOT_BAND,
    )
    return listed(instrument, price_places=price_places)


def _perpetual(base: str, tick: str, contract: str, most: int, leverage: int) -> Listing:
    """``contract`` base units each; orders count whole contracts, ``most`` of them at most."""
    size = Decimal(contract)
    instrument = Instrument(
        venue="mexc",
        symbol=f"{base}/USDT:USDT",
        native=f"{base}_USDT",
        kind=MarketKind.LINEAR,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=size,
        min_qty=size,
        max_qty=most * size,
        contract_size=size,
        maker_fee=Decimal("0.0001"),
        taker_fee=Decimal("0.0004"),
        max_leverage=Decimal(leverage),
        band=CONTRACT_BAND,
        funding_interval_h=FUNDING_INTERVAL_H,
    )
    return listed(instrument, in_contracts=True)


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", 2, 8, "0.000001"),
    _spot("ETH", 2, 5, "0.00001"),
    _spot("SOL", 2, 2, "0.01"),
    _perpetual("BTC", "0.1", "0.0001", 400_000, 500),
    _perpetual("ETH", "0.01", "0.01", 600_000, 400),
    _perpetual("SOL", "0.01", "0.1", 500_000, 300),
)
DEFAULT_SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT", "ETH/USDT")
