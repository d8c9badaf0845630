"""What the embedded Crypto.com lists: shapes of ../shared/exchanges/cryptocom.md §2 and §8. Nothing here changes."""

from decimal import Decimal

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.sim.instruments import Listing, listed


def _listing(kind: MarketKind, base: str, tick: str, lot: str, places: tuple[int, int], leverage: int = 1) -> Listing:
    linear = kind is MarketKind.LINEAR
    quote = "USD" if linear else "USDT"
    instrument = Instrument(
        venue="cryptocom",
        symbol=f"{base}/{quote}:{quote}" if linear else f"{base}/{quote}",
        native=f"{base}USD-PERP" if linear else f"{base}_USDT",
        kind=kind,
        base=base,
        quote=quote,
        settle=quote,
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_qty=Decimal(lot),
        maker_fee=Decimal("0.0001" if linear else "0.0025"),
        taker_fee=Decimal("0.0004" if linear else "0.005"),
        max_leverage=Decimal(leverage),
        funding_interval_h=1 if linear else 0,
    )
    return listed(instrument, price_places=places[0], qty_places=places[1])


LISTINGS: tuple[Listing, ...] = (
    _listing(MarketKind.SPOT, "BTC", "0.01", "0.00001", (2, 5)),
    _listing(MarketKind.SPOT, "ETH", "0.01", "0.0001", (2, 4)),
    _listing(MarketKind.SPOT, "SOL", "0.01", "0.001", (2, 3)),
    _listing(MarketKind.LINEAR, "BTC", "0.1", "0.0001", (1, 4), 100),
    _listing(MarketKind.LINEAR, "ETH", "0.01", "0.0001", (2, 4), 100),
    _listing(MarketKind.LINEAR, "SOL", "0.001", "0.01", (3, 2), 50),
)
DEFAULT_SYMBOLS = ("BTC/USD:USD", "ETH/USD:USD", "BTC/USDT", "ETH/USDT")
