"""Binance's refusals. Sources: error codes and order pages of spot and USD-M.

Orders amended by ``PUT`` on USD-M go to the back of the queue; spot's ``order/amend/keepPriority`` keeps the place.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.refusals import Answer, VenueRefusals

REFUSALS: dict[MarketKind, VenueRefusals] = {
    MarketKind.SPOT: VenueRefusals(
        post_only_crosses=Answer("-2010", "Order would immediately match and take."),
        no_funds=Answer("-2010", "Account has insufficient balance for requested action."),
        position_too_large=Answer("-2010", "Account has insufficient balance for requested action."),
        reduce_only=Answer("-1106", "Parameter 'reduceOnly' sent when not required."),
        unknown_order=Answer("-2011", "Unknown order sent."),
        amend_down_keeps_place=True,
        price_too_high=Answer("-1013", "Filter failure: PERCENT_PRICE_BY_SIDE"),
        price_too_low=Answer("-1013", "Filter failure: PERCENT_PRICE_BY_SIDE"),
        would_trigger=Answer("-2010", "Stop price would trigger immediately."),
    ),
    MarketKind.LINEAR: VenueRefusals(
        post_only_crosses=Answer(
            "-5022", "Due to the order could not be executed as maker, the Post Only order will be rejected."
        ),
        no_funds=Answer("-2019", "Margin is insufficient."),
        position_too_large=Answer("-2027", "Exceeded the maximum allowable position at current leverage."),
        reduce_only=Answer("-2022", "ReduceOnly Order is rejected."),
        unknown_order=Answer("-2011", "Unknown order sent."),
        mode_refused="-4047",
        leverage_refused="-4028",
        price_too_high=Answer("-4016", "Limit price can't be higher than the band allows."),
        price_too_low=Answer("-4024", "Limit price can't be lower than the band allows."),
        would_trigger=Answer("-2021", "Order would immediately trigger."),
    ),
}
