"""What is traded: one Instrument per venue and symbol, with the venue's own trading rules."""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.numbers import ONE, ZERO, places_of


class PriceBand(Struct, frozen=True):
    """How far from a reference price an order may be, as multipliers of the reference.

    ``reference`` is ``mark``, ``index``, ``average`` (of the last minutes), ``last`` or ``best``: the other side's
    best price. A multiplier of 0 means that side is not limited.
    Source for Binance: exchangeInfo filters PERCENT_PRICE_BY_SIDE (spot) and PERCENT_PRICE (USD-M).
    """

    reference: str
    buy_up: Decimal = ZERO
    buy_down: Decimal = ZERO
    sell_up: Decimal = ZERO
    sell_down: Decimal = ZERO

    def limits(self, side: Side, reference: Decimal) -> tuple[Decimal, Decimal]:
        """Lowest and highest price that an order of ``side`` may have, not rounded; 0 = not limited."""
        up, down = (self.buy_up, self.buy_down) if side is Side.BUY else (self.sell_up, self.sell_down)
        return reference * down, reference * up


class Instrument(Struct, frozen=True):
    """One tradable instrument. Quantities are in base units; prices in quote per base unit.

    ``key`` (``venue:symbol``) identifies it everywhere inside the program; ``symbol`` is ccxt's unified symbol;
    ``native`` is the venue's own name. ``contract_size`` is base units per contract (1 where sizes are in base).
    Fees are fractions (0.0002 = 2 basis points). ``funding_interval_h`` is 0 for spot.
    ``price_figures`` is the most significant figures that a price may have, whole numbers aside (Hyperliquid: 5); 0
    where the venue has a tick and nothing else. ``tick`` is then the one at the price of the listing; see ``tick_at``.
    """

    venue: str
    symbol: str
    native: str
    kind: MarketKind
    base: str
    quote: str
    settle: str
    tick: Decimal
    lot: Decimal
    min_qty: Decimal = ZERO
    max_qty: Decimal = ZERO
    market_max_qty: Decimal = ZERO
    min_notional: Decimal = ZERO
    max_notional: Decimal = ZERO
    min_price: Decimal = ZERO
    max_price: Decimal = ZERO
    contract_size: Decimal = Decimal(1)
    maker_fee: Decimal = ZERO
    taker_fee: Decimal = ZERO
    max_leverage: Decimal = Decimal(1)
    max_orders: int = 0
    band: PriceBand | None = None
    funding_interval_h: int = 0
    price_figures: int = 0

    @property
    def key(self) -> str:
        return f"{self.venue}:{self.symbol}"

    def tick_at(self, price: Decimal) -> Decimal:
        """The tick that holds at ``price``: never finer than ``tick``, coarser where ``price_figures`` says so."""
        if not self.price_figures or price <= ZERO:
            return self.tick
        step = Decimal(1).scaleb(price.adjusted() - self.price_figures + 1)
        return max(self.tick, min(step, ONE))

    @property
    def price_places(self) -> int:
        """Decimals that a price of this instrument needs."""
        return places_of(self.tick)

    @property
    def qty_places(self) -> int:
        """Decimals that a quantity of this instrument needs."""
        return places_of(self.lot)

    @property
    def is_perpetual(self) -> bool:
        return self.kind is MarketKind.LINEAR
