"""What the embedded Gate lists: shapes and rules of ../shared/exchanges/gateio.md §2 and §10. Nothing here changes.

Spot and perpetuals share native names. Spot tells decimals, not steps. ETH's contract is one of those that trade in
fractions (which ones do is told by the venue's listing only). Gate does not pad its decimals.
"""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.sim.instruments import Listing, listed

FUNDING_INTERVAL_H = 8
LEAST_VALUE = Decimal(3)
"""Quote value that an order on spot must have."""

DEVIATION = Decimal("0.5")
"""How far from the mark an order for a perpetual may be, as a fraction."""


def _spot(base: str, tick: str, lot: str, most_value: int) -> Listing:
    instrument = Instrument(
        venue="gateio",
        symbol=f"{base}/USDT",
        native=f"{base}_USDT",
        kind=MarketKind.SPOT,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(lot),
        min_notional=LEAST_VALUE,
        max_notional=Decimal(most_value),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )
    return listed(instrument)


def _perpetual(base: str, tick: str, multiplier: str, least: str, leverage: int) -> Listing:
    """``least``: the smallest order in contracts of ``multiplier`` base units, below 1 where they have fractions."""
    contract = Decimal(multiplier)
    lot = min(Decimal(1), Decimal(least)) * contract
    instrument = Instrument(
        venue="gateio",
        symbol=f"{base}/USDT:USDT",
        native=f"{base}_USDT",
        kind=MarketKind.LINEAR,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=lot,
        min_qty=lot,
        max_qty=1_000_000 * contract,
        market_max_qty=100_000 * contract,
        contract_size=contract,
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        max_leverage=Decimal(leverage),
        max_orders=100,
        band=PriceBand("mark", buy_up=1 + DEVIATION, sell_down=1 - DEVIATION),
        funding_interval_h=FUNDING_INTERVAL_H,
    )
    return listed(instrument, in_contracts=True)


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", "0.1", "0.000001", 5_000_000),
    _spot("ETH", "0.01", "0.0001", 5_000_000),
    _spot("SOL", "0.01", "0.001", 2_000_000),
    _perpetual("BTC", "0.1", "0.0001", "1", 125),
    _perpetual("ETH", "0.01", "0.01", "0.1", 100),
    _perpetual("SOL", "0.01", "1", "1", 100),
)
DEFAULT_SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT", "ETH/USDT")
