"""What an embedded exchange lists: a few coins, spot and perpetual, with the venue's rules and a character each.

Read by the flow, the fronts and tests. Each venue's folder states its rules (``listings``); the character (sizes,
density, arrival rates) is calibrated on the recorded BTCUSDT sessions of 2024-08-08, slowed down to what one small
machine can serve. Nothing here changes while the exchange runs.
"""

import difflib
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import round_nearest

UNPADDED = -1
"""``price_places``/``qty_places`` of a venue that writes no zeros at the end."""


class Character(Struct, frozen=True):
    """How one market behaves at rate 1 and volatility 1.

    ``events_per_s`` is the mean arrival rate of ordinary order actions (moves of the price add their own). Sizes are
    medians in quote currency. ``near_bp`` is the scale on which orders crowd around the touch and ``move_bp`` the mean
    distance that the fair price must go before the crowd follows it, both in basis points. ``resting_orders`` is the
    number of orders a side around which the book settles.
    """

    events_per_s: float
    order_quote: float
    touch_quote: float
    take_quote: float
    take_share: float = 0.055
    near_bp: float = 1.0
    move_bp: float = 0.8
    resting_orders: int = 700


class Listing(Struct, frozen=True):
    """One market of the exchange. ``opening`` is the price it opens at, in quote currency.

    ``price_places`` and ``qty_places`` are the decimals to which the venue pads its text, or ``UNPADDED``. Sizes on the
    wire count ``wire_unit`` base units each: the contract size where the venue counts contracts.
    """

    instrument: Instrument
    character: Character
    opening: Decimal
    price_places: int = UNPADDED
    qty_places: int = UNPADDED
    wire_unit: Decimal = Decimal(1)

    @property
    def key(self) -> str:
        return self.instrument.key

    @property
    def opening_ticks(self) -> int:
        return int(round_nearest(self.opening, self.instrument.tick) / self.instrument.tick)


SPOT_CHARACTERS = {
    "BTC": (Decimal(64000), Character(50, 3000, 60_000, 250, near_bp=1.0)),
    "ETH": (Decimal(3100), Character(40, 2500, 40_000, 250, near_bp=1.2)),
    "SOL": (Decimal(148), Character(26, 1800, 12_000, 220, near_bp=4.0)),
    "DOGE": (Decimal("0.152"), Character(20, 1500, 9_000, 180, near_bp=4.0)),
}
LINEAR_CHARACTERS = {
    "BTC": (Decimal(64000), Character(55, 4000, 90_000, 1800, near_bp=1.0)),
    "ETH": (Decimal(3100), Character(45, 3500, 70_000, 1500, near_bp=1.2)),
    "SOL": (Decimal(148), Character(30, 2200, 25_000, 800, near_bp=4.0)),
    "DOGE": (Decimal("0.152"), Character(22, 1800, 15_000, 600, near_bp=4.0)),
}
"""Opening price and character by base currency: the same coins at every venue."""


def listed(
    instrument: Instrument,
    *,
    price_places: int = UNPADDED,
    qty_places: int = UNPADDED,
    in_contracts: bool = False,
) -> Listing:
    """A listing of ``instrument`` with its base currency's character; ``in_contracts``: the wire counts contracts."""
    characters = SPOT_CHARACTERS if instrument.kind is MarketKind.SPOT else LINEAR_CHARACTERS
    opening, character = characters[instrument.base]
    unit = instrument.contract_size if in_contracts else Decimal(1)
    return Listing(instrument, character, opening, price_places, qty_places, unit)


def chosen_listings(known_listings: Sequence[Listing], symbols: Sequence[str]) -> tuple[Listing, ...]:
    """The listings of ccxt unified ``symbols``, in that order, each once; InputError for one that is not listed."""
    known = {listing.instrument.symbol: listing for listing in known_listings}
    chosen: dict[str, Listing] = {}
    for symbol in symbols:
        name = symbol.strip().upper()
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            advice = f"try {nearest[0]}" if nearest else f"it lists {', '.join(known)}"
            raise InputError(f"the embedded exchange does not list {symbol!r}: {advice}")
        chosen[name] = known[name]
    if not chosen:
        raise InputError(f"the embedded exchange needs at least one symbol: it lists {', '.join(known)}")
    return tuple(chosen.values())
