"""Bitget's refusals. Source: v2 and v3 error codes.

Whether a post-only order that crosses is refused, or accepted and then cancelled, is not documented: the latter is
assumed.
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.refusals import Answer, VenueRefusals

REFUSALS: dict[MarketKind, VenueRefusals] = {
    MarketKind.SPOT: VenueRefusals(
        post_only_crosses=Answer("post_only", "a post-only order that would take is cancelled"),
        post_only_accepted=True,
        reduce_only=Answer("22002", "no position to close"),
        unknown_order=Answer("43001", "order does not exist"),
        no_funds=Answer("43012", "Insufficient balance"),
        position_too_large=Answer("43012", "Insufficient balance"),
        price_too_high=Answer("43009", "the price is above its price limit"),
        price_too_low=Answer("43008", "the price is below its price limit"),
    ),
    MarketKind.LINEAR: VenueRefusals(
        post_only_crosses=Answer("post_only", "a post-only order that would take is cancelled"),
        post_only_accepted=True,
        reduce_only=Answer("22002", "no position to close"),
        unknown_order=Answer("43001", "order does not exist"),
        no_funds=Answer("40762", "The order amount exceeds the balance"),
        position_too_large=Answer("45002", "more than the largest position that can be opened"),
        mode_refused="45117",
        price_too_high=Answer("40815", "the price is above the highest bid allowed"),
        price_too_low=Answer("22006", "the price is beyond the risk price limit"),
    ),
}
