"""What the embedded Coinbase lists: rows of its product list of 9 August 2026. Spot only. Nothing here changes.

Every product has a twin against USDC that shares its book (coinbase.md §2): ``front`` tells of it, there is no engine.
"""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.sim.instruments import Listing, listed

NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum", "SOL": "Solana", "DOGE": "Dogecoin"}


def _spot(base: str, tick: str, lot: str, largest: int, quote_largest: int) -> Listing:
    instrument = Instrument(
        venue="coinbase",
        symbol=f"{base}/USD",
        native=f"{base}-USD",
        kind=MarketKind.SPOT,
        base=base,
        quote="USD",
        settle="USD",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(lot),
        max_qty=Decimal(largest),
        market_max_qty=Decimal(largest),
        min_notional=Decimal(1),
        max_notional=Decimal(quote_largest),
        maker_fee=Decimal("0.006"),
        taker_fee=Decimal("0.012"),
    )
    return listed(instrument)


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", "0.01", "0.00000001", 3400, 150_000_000),
    _spot("ETH", "0.01", "0.00000001", 42_000, 150_000_000),
    _spot("SOL", "0.01", "0.00000001", 1_274_000, 25_000_000),
    _spot("DOGE", "0.00001", "0.1", 141_834_300, 10_000_000),
)
DEFAULT_SYMBOLS = ("BTC/USD", "ETH/USD")
