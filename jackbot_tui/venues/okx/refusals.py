"""OKX's refusals. Source: v5 error codes.

A post-only order that would take is accepted, then canceled with ``cancelSource`` 31. For a reduce-only order
without a position our sources have no code.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.refusals import Answer, VenueRefusals

REFUSALS: dict[MarketKind, VenueRefusals] = {
    MarketKind.SPOT: VenueRefusals(
        post_only_crosses=Answer("31", "post-only would take liquidity: canceled (cancelSource 31)"),
        post_only_accepted=True,
        no_funds=Answer("51008", "Order placement failed due to insufficient balance or margin"),
        position_too_large=Answer("51008", "Order placement failed due to insufficient balance or margin"),
        unknown_order=Answer("51400", "Cancellation failed as the order does not exist"),
        reduce_only=Answer("51000", "parameter error"),
        price_too_high=Answer("51006", "Order price is not within the price limit"),
        price_too_low=Answer("51006", "Order price is not within the price limit"),
    ),
    MarketKind.LINEAR: VenueRefusals(
        post_only_crosses=Answer("31", "post-only would take liquidity: canceled (cancelSource 31)"),
        post_only_accepted=True,
        no_funds=Answer("51008", "Order placement failed due to insufficient balance or margin"),
        position_too_large=Answer("51008", "Order placement failed due to insufficient balance or margin"),
        unknown_order=Answer("51400", "Cancellation failed as the order does not exist"),
        reduce_only=Answer("", "reduce-only order refused: nothing to reduce"),
        mode_refused="59000",
        price_too_high=Answer("51006", "Order price is not within the price limit"),
        price_too_low=Answer("51006", "Order price is not within the price limit"),
    ),
}
