"""Hyperliquid's refusals: texts, with the order statuses that go with them as codes. Source: its API documentation."""

from jackbot_tui.model.enums import MarketKind, TriggerBy
from jackbot_tui.venues.refusals import Answer, VenueRefusals

REFUSALS: dict[MarketKind, VenueRefusals] = {
    MarketKind.SPOT: VenueRefusals(
        post_only_crosses=Answer("badAloPxRejected", "Post only order would have immediately matched"),
        reduce_only=Answer("reduceOnlyRejected", "Reduce only order would increase position"),
        unknown_order=Answer("", "Order was never placed, already canceled, or filled"),
        no_funds=Answer("insufficientSpotBalanceRejected", "Insufficient spot balance"),
        position_too_large=Answer("insufficientSpotBalanceRejected", "Insufficient spot balance"),
        price_too_high=Answer("oracleRejected", "Order price cannot be more than 95% away from the reference price"),
        price_too_low=Answer("oracleRejected", "Order price cannot be more than 95% away from the reference price"),
    ),
    MarketKind.LINEAR: VenueRefusals(
        post_only_crosses=Answer("badAloPxRejected", "Post only order would have immediately matched"),
        reduce_only=Answer("reduceOnlyRejected", "Reduce only order would increase position"),
        unknown_order=Answer("", "Order was never placed, already canceled, or filled"),
        no_funds=Answer("perpMarginRejected", "Insufficient margin to place order"),
        position_too_large=Answer("perpMaxPositionRejected", "perpMaxPositionRejected"),
        price_too_high=Answer("oracleRejected", "Order price cannot be more than 95% away from the reference price"),
        price_too_low=Answer("oracleRejected", "Order price cannot be more than 95% away from the reference price"),
        triggers=(TriggerBy.MARK,),
        would_trigger=Answer("badTriggerPxRejected", "Invalid TP/SL price."),
    ),
}
