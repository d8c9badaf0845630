"""MEXC's refusals. Source: spot v3 and contract error codes.

A crossing post-only order is accepted, then cancelled (not confirmed).
"""

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.refusals import Answer, VenueRefusals

REFUSALS: dict[MarketKind, VenueRefusals] = {
    MarketKind.SPOT: VenueRefusals(
        post_only_crosses=Answer("canceled", "a post-only order that would take is cancelled"),
        post_only_accepted=True,
        no_funds=Answer("30004", "insufficient balance"),
        position_too_large=Answer("30004", "insufficient balance"),
        reduce_only=Answer("33333", "bad parameter"),
        unknown_order=Answer("-2011", "Unknown order sent."),
        price_too_high=Answer("", "the price is beyond PERCENT_PRICE_BY_SIDE"),
        price_too_low=Answer("", "the price is beyond PERCENT_PRICE_BY_SIDE"),
        triggers=(),  # spot's order page knows no trigger; its app's stop orders cannot be placed by a program
    ),
    MarketKind.LINEAR: VenueRefusals(
        post_only_crosses=Answer("canceled", "a post-only order that would take is cancelled"),
        post_only_accepted=True,
        no_funds=Answer("2005", "insufficient balance"),
        position_too_large=Answer("2018", "insufficient margin"),
        reduce_only=Answer("2009", "Position is not exists or closed."),
        unknown_order=Answer("", "the order does not exist"),
        price_too_high=Answer("2003", "the price is above the price limit"),
        price_too_low=Answer("2004", "the price is below the price limit"),
    ),
}
