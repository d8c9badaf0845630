"""What the embedded OKX lists: shapes and rules of ../shared/exchanges/okx.md §2 and §8. Nothing here changes."""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.sim.instruments import Listing, listed

FUNDING_INTERVAL_H = 8


def _spot(base: str, tick: str, lot: str, least: str) -> Listing:
    instrument = Instrument(
        venue="okx",
        symbol=f"{base}/USDT",
        native=f"{base}-USDT",
        kind=MarketKind.SPOT,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(least),
        max_qty=Decimal(9999999999),
        maker_fee=Decimal("0.0008"),
        taker_fee=Decimal("0.001"),
    )
    return listed(instrument)


def _swap(base: str, tick: str, contract: str, lot: str, leverage: int) -> Listing:
    """``lot`` in contracts of ``contract`` base units."""
    size = Decimal(contract)
    instrument = Instrument(
        venue="okx",
        symbol=f"{base}/USDT:USDT",
        native=f"{base}-USDT-SWAP",
        kind=MarketKind.LINEAR,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot) * size,
        min_qty=Decimal(lot) * size,
        max_qty=Decimal(100_000_000) * size,
        market_max_qty=Decimal(35_000) * size,
        contract_size=size,
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        max_leverage=Decimal(leverage),
        funding_interval_h=FUNDING_INTERVAL_H,
    )
    return listed(instrument, in_contracts=True)


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", "0.1", "0.00000001", "0.00001"),
    _spot("ETH", "0.01", "0.000001", "0.0001"),
    _spot("SOL", "0.01", "0.000001", "0.01"),
    _swap("BTC", "0.1", "0.01", "0.01", 100),
    _swap("ETH", "0.01", "0.1", "0.01", 100),
    _swap("SOL", "0.01", "1", "0.01", 50),
)
DEFAULT_SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT", "ETH/USDT")
