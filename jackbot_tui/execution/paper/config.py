"""What a person may choose about the paper venue. Everything else about it is the market's or the venue's."""

from decimal import Decimal

from msgspec import Struct, field

from jackbot_tui.model.clock import NS_PER_MS


def _default_balances() -> dict[str, Decimal]:
    return {"USDT": Decimal(100_000)}


class PaperConfig(Struct, frozen=True, kw_only=True):
    """Latencies in nanoseconds: ``entry`` from here to the matching, ``response`` back; ``jitter`` is the largest
    random addition to either (uniform, from the seed), and messages never overtake one another. 0 means at once.

    ``start_balances`` are units per currency. ``leverage`` is for perpetuals' initial margin, capped by the
    instrument's ``max_leverage``; 1 means fully funded. Fees are the instrument's.
    """

    entry_latency_ns: int = 20 * NS_PER_MS
    response_latency_ns: int = 20 * NS_PER_MS
    latency_jitter_ns: int = 0
    start_balances: dict[str, Decimal] = field(default_factory=_default_balances)
    leverage: Decimal = Decimal(10)
