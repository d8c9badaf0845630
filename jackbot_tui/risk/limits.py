"""The figures of the risk gate, with units and defaults fit for a paper account of 100,000 dollars."""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.model.numbers import ZERO


class RiskLimits(Struct, frozen=True, kw_only=True):
    """Our own limits, apart from the venue's filters. Money is in the instrument's quote currency; 0 = no limit.

    ``max_order_qty``: base units of one order. ``max_order_notional``: value of one order.
    ``max_position_notional``: value of one instrument's position if every working order on the order's side filled.
    ``max_open_orders``: resting orders of all instruments. ``max_orders_per_s``: new orders and amends in any second.

    ``collar_pct``, ``collar_ticks``: how far through the opposite touch an order may reach, in percent and in ticks.
    ``mark_collar_pct``: how far on the bad side of the mark price, in percent.
    ``far_limit_pct``: how far a resting order may be behind its own touch, in percent.

    ``max_book_age_ms``: oldest book that may price an order. ``max_day_loss``: loss since UTC midnight, in dollars,
    that stops new risk. An identical manual order within ``duplicate_refuse_ms`` is refused, within
    ``duplicate_confirm_ms`` it needs a confirmation.
    """

    max_order_qty: Decimal = ZERO
    max_order_notional: Decimal = Decimal(50_000)
    max_position_notional: Decimal = Decimal(200_000)
    max_open_orders: int = 200
    max_orders_per_s: int = 10
    collar_pct: Decimal = Decimal(1)
    collar_ticks: int = 0
    mark_collar_pct: Decimal = Decimal(2)
    far_limit_pct: Decimal = Decimal(50)
    max_book_age_ms: int = 3_000
    max_day_loss: Decimal = Decimal(5_000)
    duplicate_refuse_ms: int = 1_000
    duplicate_confirm_ms: int = 10_000
