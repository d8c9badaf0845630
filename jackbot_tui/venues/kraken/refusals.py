"""Kraken's refusals: strings on spot, statuses of ``sendStatus`` on futures. Source: REST and futures documentation."""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.refusals import Answer, VenueRefusals

REFUSALS: dict[MarketKind, VenueRefusals] = {
    MarketKind.SPOT: VenueRefusals(
        post_only_crosses=Answer("EOrder:Post only order", "EOrder:Post only order"),
        no_funds=Answer("EOrder:Insufficient funds", "EOrder:Insufficient funds"),
        position_too_large=Answer("EOrder:Insufficient margin", "EOrder:Insufficient margin"),
        reduce_only=Answer("EOrder:Reduce only:No position exists", "EOrder:Reduce only:No position exists"),
        unknown_order=Answer("EOrder:Unknown order", "EOrder:Unknown order"),
        amend_down_keeps_place=True,
        price_too_high=Answer("EOrder:Invalid price", "EOrder:Invalid price"),
        price_too_low=Answer("EOrder:Invalid price", "EOrder:Invalid price"),
    ),
    MarketKind.LINEAR: VenueRefusals(
        post_only_crosses=Answer("postWouldExecute", "postWouldExecute"),
        no_funds=Answer("insufficientAvailableFunds", "insufficientAvailableFunds"),
        position_too_large=Answer("maxPositionViolation", "maxPositionViolation"),
        reduce_only=Answer("wouldNotReducePosition", "wouldNotReducePosition"),
        unknown_order=Answer("notFound", "notFound"),
        price_too_high=Answer("outsidePriceCollar", "outsidePriceCollar"),
        price_too_low=Answer("outsidePriceCollar", "outsidePriceCollar"),
    ),
}
