"""What a person may choose about the paper venue. Everything else about it is the market's or the venue's."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct, field

from jackbot_tui.execution.paper.impact import NO_IMPACT, ImpactSettings
from jackbot_tui.execution.paper.latency import LatencyKind, LatencySettings
from jackbot_tui.execution.paper.queue_models import RISK_AVERSE
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.margin import MarginMode


def _default_balances() -> dict[str, Decimal]:
    return {"USDT": Decimal(100_000)}


def in_currency_of(balances: dict[str, Decimal], symbols: Sequence[str]) -> dict[str, Decimal]:
    """``balances`` if they hold a currency that ``symbols`` are paid in; else their first sum, in that currency.

    A venue that trades in USD or USDC has no use for a purse of USDT.
    """
    paid_in = [symbol.partition("/")[2].rpartition(":")[2] for symbol in symbols]
    if not paid_in or not balances or any(currency in balances for currency in paid_in):
        return balances
    return {paid_in[0]: next(iter(balances.values()))}


class PaperConfig(Struct, frozen=True, kw_only=True):
    """Latencies in nanoseconds: ``entry`` from here to the matching, ``response`` back; ``jitter`` is the largest
    random addition to either (uniform, from the seed), and messages never overtake one another. 0 means at once.
    ``latency`` says whether these hold or are drawn otherwise, ``feed_latency`` and ``spike`` what is added: see
    ``latency.LatencySettings``.

    ``queue`` names the model of queues (``queue_models.queue_model``); the default is the one that never flatters.

    ``impact`` is what market orders of ours do to the price (``impact``); off unless a coefficient is given.

    ``start_balances`` are units per currency. ``margin`` and ``leverage`` are for perpetuals until a person chooses
    others per instrument; leverage is capped by the instrument's ``max_leverage``, 1 means fully funded.

    ``meter``: whether resting orders are followed under every rule of filling (``shadows``); it changes no fill.

    ``spot_fees`` and ``perpetual_fees`` are the rates the account pays (``fees.chosen_rates``), "" the venue's lowest
    tier.
    """

    latency: LatencyKind = LatencyKind.CONSTANT
    entry_latency_ns: int = 20 * NS_PER_MS
    response_latency_ns: int = 20 * NS_PER_MS
    latency_jitter_ns: int = 0
    feed_latency_ns: int = 0
    spike_chance: float = 0.0
    spike_ns: int = 0
    queue: str = RISK_AVERSE
    impact: ImpactSettings = NO_IMPACT
    start_balances: dict[str, Decimal] = field(default_factory=_default_balances)
    margin: MarginMode = MarginMode.CROSS
    leverage: Decimal = Decimal(10)
    meter: bool = True
    spot_fees: str = ""
    perpetual_fees: str = ""

    @property
    def latencies(self) -> LatencySettings:
        """All that concerns latency, as its model takes it."""
        return LatencySettings(
            kind=self.latency,
            entry_ns=self.entry_latency_ns,
            response_ns=self.response_latency_ns,
            jitter_ns=self.latency_jitter_ns,
            feed_ns=self.feed_latency_ns,
            spike_chance=self.spike_chance,
            spike_ns=self.spike_ns,
        )
