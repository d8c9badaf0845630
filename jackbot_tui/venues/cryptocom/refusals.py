"""Crypto.com's refusals. Source: reason codes of Exchange API v1.

``amend-order`` keeps the place in the queue only when the quantity shrinks.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.refusals import Answer, VenueRefusals

REFUSALS: dict[MarketKind, VenueRefusals] = {
    MarketKind.SPOT: VenueRefusals(
        post_only_crosses=Answer("43005", "POST_ONLY_REJ"),
        no_funds=Answer("306", "INSUFFICIENT_AVAILABLE_BALANCE"),
        reduce_only=Answer("1110", "REDUCE_ONLY_REJECTED"),
        unknown_order=Answer("316", "no active order"),
        amend_down_keeps_place=True,
        position_too_large=Answer("306", "INSUFFICIENT_AVAILABLE_BALANCE"),
        price_too_high=Answer("315", "FAR_AWAY_LIMIT_PRICE"),
        price_too_low=Answer("315", "FAR_AWAY_LIMIT_PRICE"),
    ),
    MarketKind.LINEAR: VenueRefusals(
        post_only_crosses=Answer("43005", "POST_ONLY_REJ"),
        no_funds=Answer("306", "INSUFFICIENT_AVAILABLE_BALANCE"),
        reduce_only=Answer("1110", "REDUCE_ONLY_REJECTED"),
        unknown_order=Answer("316", "no active order"),
        amend_down_keeps_place=True,
        position_too_large=Answer("302", "refused by risk or margin limits"),
        price_too_high=Answer("315", "FAR_AWAY_LIMIT_PRICE"),
        price_too_low=Answer("315", "FAR_AWAY_LIMIT_PRICE"),
    ),
}
