"""What the embedded KuCoin lists: shapes and rules of ../shared/exchanges/kucoin.md §2 and §10. Nothing here changes.

Perpetuals call bitcoin XBT and count contracts. KuCoin does not pad its decimals.
"""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.sim.instruments import Listing, listed

FUNDING_INTERVAL_H = 8
LEAST_VALUE = Decimal("0.1")
"""Quote value that a limit order on spot must have."""

PERPETUAL_BAND = PriceBand("mark", buy_up=Decimal("1.05"), sell_down=Decimal("0.95"))
"""What the contracts' ``buyLimit`` and ``sellLimit`` say at every moment."""

NATIVE_BASES = {"BTC": "XBT"}
"""Bases that perpetuals call otherwise than spot does."""


def _spot(base: str, tick: str, lot: str, least: str) -> Listing:
    instrument = Instrument(
        venue="kucoin",
        symbol=f"{base}/USDT",
        native=f"{base}-USDT",
        kind=MarketKind.SPOT,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(least),
        max_qty=Decimal(10_000_000_000),
        min_notional=LEAST_VALUE,
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )
    return listed(instrument)


def _perpetual(base: str, tick: str, multiplier: str, leverage: int) -> Listing:
    """``multiplier``: base units in one contract, which is the least there is."""
    contract = Decimal(multiplier)
    instrument = Instrument(
        venue="kucoin",
        symbol=f"{base}/USDT:USDT",
        native=f"{NATIVE_BASES.get(base, base)}USDTM",
        kind=MarketKind.LINEAR,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        lot=contract,
        min_qty=contract,
        max_qty=1_000_000 * contract,
        market_max_qty=100_000 * contract,
        max_price=Decimal(1_000_000),
        contract_size=contract,
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0006"),
        max_leverage=Decimal(leverage),
        band=PERPETUAL_BAND,
        funding_interval_h=FUNDING_INTERVAL_H,
    )
    return listed(instrument, in_contracts=True)


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", "0.1", "0.00000001", "0.00001"),
    _spot("ETH", "0.01", "0.0000001", "0.0001"),
    _spot("SOL", "0.001", "0.0001", "0.01"),
    _perpetual("BTC", "0.1", "0.001", 125),
    _perpetual("ETH", "0.01", "0.01", 100),
    _perpetual("SOL", "0.001", "0.1", 75),
)
DEFAULT_SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT", "ETH/USDT")
