"""Gate's refusals: labels without texts. Source: API v4, spot and futures."""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.refusals import Answer, VenueRefusals

REFUSALS: dict[MarketKind, VenueRefusals] = {
    MarketKind.SPOT: VenueRefusals(
        post_only_crosses=Answer("POC_FILL_IMMEDIATELY", "POC_FILL_IMMEDIATELY"),
        no_funds=Answer("BALANCE_NOT_ENOUGH", "BALANCE_NOT_ENOUGH"),
        position_too_large=Answer("BALANCE_NOT_ENOUGH", "BALANCE_NOT_ENOUGH"),
        reduce_only=Answer("INVALID_PARAM_VALUE", "INVALID_PARAM_VALUE"),
        unknown_order=Answer("ORDER_NOT_FOUND", "ORDER_NOT_FOUND"),
        price_too_high=Answer("PRICE_THRESHOLD_EXCEEDED", "PRICE_THRESHOLD_EXCEEDED"),
        price_too_low=Answer("PRICE_THRESHOLD_EXCEEDED", "PRICE_THRESHOLD_EXCEEDED"),
    ),
    MarketKind.LINEAR: VenueRefusals(
        post_only_crosses=Answer("ORDER_POC_IMMEDIATE", "ORDER_POC_IMMEDIATE"),
        no_funds=Answer("INSUFFICIENT_AVAILABLE", "INSUFFICIENT_AVAILABLE"),
        position_too_large=Answer("RISK_LIMIT_EXCEEDED", "RISK_LIMIT_EXCEEDED"),
        reduce_only=Answer("INCREASE_POSITION", "INCREASE_POSITION"),
        unknown_order=Answer("ORDER_NOT_FOUND", "ORDER_NOT_FOUND"),
        price_too_high=Answer("PRICE_TOO_DEVIATED", "PRICE_TOO_DEVIATED"),
        price_too_low=Answer("PRICE_TOO_DEVIATED", "PRICE_TOO_DEVIATED"),
    ),
}
