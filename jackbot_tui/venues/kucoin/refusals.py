"""KuCoin's refusals. Source: classic API error codes, support page on post-only.

A post-only order that crosses is accepted, then cancelled: said of futures, assumed of spot. An amend is a new
order.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.refusals import Answer, VenueRefusals

REFUSALS: dict[MarketKind, VenueRefusals] = {
    MarketKind.SPOT: VenueRefusals(
        post_only_crosses=Answer("canceled", "a post-only order that would take is cancelled"),
        post_only_accepted=True,
        no_funds=Answer("200004", "insufficient balance"),
        position_too_large=Answer("200004", "insufficient balance"),
        reduce_only=Answer("400100", "bad parameter"),
        unknown_order=Answer("400100", "order_not_exist_or_not_allow_to_cancel"),
        price_too_high=Answer("400370", "Max. price exceeded"),
        price_too_low=Answer("400760", "order price should be more than the lowest price allowed"),
    ),
    MarketKind.LINEAR: VenueRefusals(
        post_only_crosses=Answer("canceled", "a post-only order that would take is cancelled"),
        post_only_accepted=True,
        no_funds=Answer("300003", "insufficient margin"),
        position_too_large=Answer("330008", "Your current margin and leverage have reached the maximum open limit."),
        reduce_only=Answer("300009", "No open positions to close."),
        unknown_order=Answer("100004", "Order is in not cancelable state"),
        price_too_high=Answer("300011", "the price is outside the price limit"),
        price_too_low=Answer("300011", "the price is outside the price limit"),
    ),
}
