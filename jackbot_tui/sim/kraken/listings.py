"""What the embedded Kraken lists: rules of kraken.md §2 and §8.3 and of the recorded AssetPairs. Nothing here changes.

Derivatives are the multi-collateral perpetuals (``PF_``), whose sizes count base units.
"""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.sim.instruments import Listing, listed

FUNDING_INTERVAL_H = 1
SPOT_QTY_PLACES = 8
"""Decimals of every size on spot: the checksum counts trailing zeros."""

OWN_CODES = {"BTC": "XBT", "DOGE": "XDG"}
"""Kraken's own currency codes, of REST and of derivatives; the WebSocket v2 uses the common ones."""


def own_code(currency: str) -> str:
    return OWN_CODES.get(currency, currency)


def _spot(base: str, tick: str, least: str) -> Listing:
    instrument = Instrument(
        venue="kraken",
        symbol=f"{base}/USD",
        native=f"{base}/USD",
        kind=MarketKind.SPOT,
        base=base,
        quote="USD",
        settle="USD",
        tick=Decimal(tick),
        lot=Decimal(1).scaleb(-SPOT_QTY_PLACES),
        min_qty=Decimal(least),
        min_notional=Decimal("0.5"),
        maker_fee=Decimal("0.0025"),
        taker_fee=Decimal("0.004"),
    )
    return listed(instrument, price_places=instrument.price_places, qty_places=SPOT_QTY_PLACES)


def _perpetual(base: str, tick: str, lot: str, leverage: int) -> Listing:
    instrument = Instrument(
        venue="kraken",
        symbol=f"{base}/USD:USD",
        native=f"PF_{own_code(base)}USD",
        kind=MarketKind.LINEAR,
        base=base,
        quote="USD",
        settle="USD",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(lot),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        max_leverage=Decimal(leverage),
        funding_interval_h=FUNDING_INTERVAL_H,
    )
    return listed(instrument)


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", "0.1", "0.00005"),
    _spot("ETH", "0.01", "0.001"),
    _spot("SOL", "0.01", "0.02"),
    _spot("DOGE", "0.0000001", "13"),
    _perpetual("BTC", "1", "0.0001", 50),
    _perpetual("ETH", "0.1", "0.001", 50),
    _perpetual("SOL", "0.01", "0.01", 50),
    _perpetual("DOGE", "0.00001", "1", 50),
)
DEFAULT_SYMBOLS = ("BTC/USD:USD", "ETH/USD:USD", "BTC/USD", "ETH/USD")
