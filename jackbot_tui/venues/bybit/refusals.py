"""Bybit's refusals. Sources: v5 error codes and life of an order: a post-only order that crosses gets an id and is
cancelled.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.refusals import Answer, VenueRefusals

REFUSALS: dict[MarketKind, VenueRefusals] = {
    MarketKind.SPOT: VenueRefusals(
        post_only_crosses=Answer("EC_PostOnlyWillTakeLiquidity", "EC_PostOnlyWillTakeLiquidity"),
        post_only_accepted=True,
        no_funds=Answer("170131", "Balance insufficient"),
        position_too_large=Answer("170131", "Balance insufficient"),
        reduce_only=Answer("110017", "Reduce-only rule not satisfied"),
        unknown_order=Answer("170213", "Order does not exist."),
        price_too_high=Answer("170193", "Buy order price cannot be higher than the price limit."),
        price_too_low=Answer("170194", "Sell order price cannot be lower than the price limit."),
    ),
    MarketKind.LINEAR: VenueRefusals(
        post_only_crosses=Answer("EC_PostOnlyWillTakeLiquidity", "EC_PostOnlyWillTakeLiquidity"),
        post_only_accepted=True,
        no_funds=Answer("110007", "ab not enough for new order"),
        position_too_large=Answer("110012", "Available balance not enough"),
        reduce_only=Answer("110017", "Reduce-only rule not satisfied"),
        unknown_order=Answer("110001", "Order does not exist"),
        price_too_high=Answer("110121", "price too high: beyond the price limit"),
        price_too_low=Answer("110120", "price too low: beyond the price limit"),
    ),
}
