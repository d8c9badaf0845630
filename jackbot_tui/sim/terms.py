"""How one venue keeps accounts: the differences between venues as data, stated by each front with their source.

Read by ``sim.accounts`` and its parts; nothing here changes while the exchange runs.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.orders import SelfTrade


class FeeCurrency(StrEnum):
    """What spot fees are taken from."""

    RECEIVED = "received"
    QUOTE = "quote"


class UniqueIds(StrEnum):
    """Among which orders of an account and instrument a client id may occur once; NONE: as often as it likes."""

    OPEN = "open"
    ALL = "all"
    NONE = "none"


_STABLE = dict.fromkeys(("USDT", "USD", "USDC"), Decimal(100_000))
_COINS = {"BTC": Decimal(2), "ETH": Decimal(30), "SOL": Decimal(500), "DOGE": Decimal(200_000)}
DEPOSITS: Mapping[MarketKind, Mapping[str, Decimal]] = {MarketKind.SPOT: _STABLE | _COINS, MarketKind.LINEAR: _STABLE}
"""What an account opens with, in every venue that does not say otherwise."""


class Terms(Struct, frozen=True, kw_only=True):
    """``deposits``: what each account opens with, by kind of market and currency; a currency that no listed market
    knows is not paid in. ``refuses_post_only``: a post-only order that would take is refused outright; else it is taken
    and canceled at once. ``refuses_reduce_only`` and ``refuses_fok``: the same for a reduce-only order that reduces
    nothing and for a fill-or-kill order that cannot be filled.
    ``trigger_keeps_id``: kinds of market where a triggered order stays the same order; elsewhere a new one follows from
    it. ``liquidation_fee`` is a fraction of the liquidated value. ``one_wallet``: spot and perpetuals share one wallet
    per currency (a unified account), and what either binds is bound for both; no currency stands in for another.
    ``moves_to_band``: kinds of market where a price beyond the band is moved to its edge, and not refused.
    """

    deposits: Mapping[MarketKind, Mapping[str, Decimal]] = field(default_factory=lambda: DEPOSITS)
    fee_currency: FeeCurrency = FeeCurrency.RECEIVED
    unique_ids: UniqueIds = UniqueIds.OPEN
    refuses_post_only: bool = True
    refuses_reduce_only: bool = True
    refuses_fok: bool = False
    trigger_keeps_id: frozenset[MarketKind] = frozenset(MarketKind)
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER
    liquidation_fee: Decimal = Decimal("0.0125")
    liquidation_id: str = "autoclose-"
    one_wallet: bool = False
    moves_to_band: frozenset[MarketKind] = frozenset()
