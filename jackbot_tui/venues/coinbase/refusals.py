"""Coinbase's refusals: names without texts. Source: the order answers of Advanced Trade.

Its order schema has no reduce-only. That an edit to a smaller size keeps the place is not confirmed, so it does not
here.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.refusals import Answer, VenueRefusals

REFUSALS: dict[MarketKind, VenueRefusals] = {
    MarketKind.SPOT: VenueRefusals(
        post_only_crosses=Answer("INVALID_LIMIT_PRICE_POST_ONLY", "INVALID_LIMIT_PRICE_POST_ONLY"),
        no_funds=Answer("INSUFFICIENT_FUND", "INSUFFICIENT_FUND"),
        reduce_only=Answer("UNSUPPORTED_ORDER_CONFIGURATION", "UNSUPPORTED_ORDER_CONFIGURATION"),
        unknown_order=Answer("UNKNOWN_CANCEL_FAILURE_REASON", "UNKNOWN_CANCEL_FAILURE_REASON"),
        position_too_large=Answer("INSUFFICIENT_FUND", "INSUFFICIENT_FUND"),
        price_too_high=Answer("PREVIEW_INVALID_LIMIT_PRICE", "PREVIEW_INVALID_LIMIT_PRICE"),
        price_too_low=Answer("PREVIEW_INVALID_LIMIT_PRICE", "PREVIEW_INVALID_LIMIT_PRICE"),
    ),
    MarketKind.LINEAR: VenueRefusals(
        post_only_crosses=Answer("INVALID_LIMIT_PRICE_POST_ONLY", "INVALID_LIMIT_PRICE_POST_ONLY"),
        no_funds=Answer("INSUFFICIENT_FUND", "INSUFFICIENT_FUND"),
        reduce_only=Answer("UNSUPPORTED_ORDER_CONFIGURATION", "UNSUPPORTED_ORDER_CONFIGURATION"),
        unknown_order=Answer("UNKNOWN_CANCEL_FAILURE_REASON", "UNKNOWN_CANCEL_FAILURE_REASON"),
        position_too_large=Answer("PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES", "PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES"),
        price_too_high=Answer("PREVIEW_INVALID_LIMIT_PRICE", "PREVIEW_INVALID_LIMIT_PRICE"),
        price_too_low=Answer("PREVIEW_INVALID_LIMIT_PRICE", "PREVIEW_INVALID_LIMIT_PRICE"),
    ),
}
