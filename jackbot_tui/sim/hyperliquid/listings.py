"""What the embedded Hyperliquid lists: shapes and rules of ../shared/exchanges/hyperliquid.md §2. Nothing here changes.

The venue's price step depends on the price (five significant figures); the one given here is that at the opening, and
no market here comes near a price where it would be another one. ``TOKENS`` are spot's names on the chain.
"""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.sim.instruments import Listing, listed

FUNDING_INTERVAL_H = 1
TOKENS = {"USDC": "USDC", "BTC": "UBTC", "ETH": "UETH", "SOL": "USOL"}
QUOTE = "USDC"
BAND = PriceBand(
    "mark", buy_up=Decimal("1.95"), buy_down=Decimal("0.05"), sell_up=Decimal("1.95"), sell_down=Decimal("0.05")
)


def _spot(base: str, index: int, tick: str, size_decimals: int) -> Listing:
    """``index`` is the pair's number on the chain."""
    lot = Decimal(1).scaleb(-size_decimals)
    instrument = Instrument(
        venue="hyperliquid",
        symbol=f"{base}/{QUOTE}",
        native=f"@{index}",
        kind=MarketKind.SPOT,
        base=base,
        quote=QUOTE,
        settle=QUOTE,
        tick=Decimal(tick),
        lot=lot,
        min_qty=lot,
        min_notional=Decimal(10),
        price_figures=5,
        maker_fee=Decimal("0.0004"),
        taker_fee=Decimal("0.0007"),
        max_orders=1000,
    )
    return listed(instrument)


def _perpetual(base: str, tick: str, size_decimals: int, leverage: int) -> Listing:
    lot = Decimal(1).scaleb(-size_decimals)
    instrument = Instrument(
        venue="hyperliquid",
        symbol=f"{base}/{QUOTE}:{QUOTE}",
        native=base,
        kind=MarketKind.LINEAR,
        base=base,
        quote=QUOTE,
        settle=QUOTE,
        tick=Decimal(tick),
        lot=lot,
        min_qty=lot,
        min_notional=Decimal(10),
        price_figures=5,
        maker_fee=Decimal("0.00015"),
        taker_fee=Decimal("0.00045"),
        max_leverage=Decimal(leverage),
        max_orders=1000,
        band=BAND,
        funding_interval_h=FUNDING_INTERVAL_H,
    )
    return listed(instrument)


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", 142, "1", 5),
    _spot("ETH", 151, "0.1", 4),
    _spot("SOL", 156, "0.01", 3),
    _perpetual("BTC", "1", 5, 40),
    _perpetual("ETH", "0.1", 4, 25),
    _perpetual("SOL", "0.01", 2, 20),
)
DEFAULT_SYMBOLS = ("BTC/USDC:USDC", "ETH/USDC:USDC", "BTC/USDC", "ETH/USDC")
