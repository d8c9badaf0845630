"""How the venue words its refusals and treats amends, per market kind, as data.

The matching reads it; nothing else. The figures are Binance's (its error code list and order documentation); another
venue's will stand beside them.
"""

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind


class Answer(Struct, frozen=True):
    """A refusal in the venue's own code and words."""

    code: str
    reason: str


class VenueRules(Struct, frozen=True, kw_only=True):
    """What the venue answers, and whether an order amended to a smaller quantity at its price keeps its place."""

    post_only_crosses: Answer
    no_funds: Answer
    reduce_only: Answer
    unknown_order: Answer
    amend_down_keeps_place: bool


BOOK_NOT_LIVE = Answer("paper", "the order book is not in sync: paper fills only from a book it believes, try again")
"""The paper venue's own refusal: a real venue would have taken the order, but here nothing could fill it honestly."""

RULES: dict[MarketKind, VenueRules] = {
    MarketKind.SPOT: VenueRules(
        post_only_crosses=Answer("-2010", "Order would immediately match and take."),
        no_funds=Answer("-2010", "Account has insufficient balance for requested action."),
        reduce_only=Answer("-1106", "Parameter 'reduceOnly' sent when not required."),
        unknown_order=Answer("-2011", "Unknown order sent."),
        amend_down_keeps_place=True,  # order.amend.keepPriority
    ),
    MarketKind.LINEAR: VenueRules(
        post_only_crosses=Answer(
            "-5022", "Due to the order could not be executed as maker, the Post Only order will be rejected."
        ),
        no_funds=Answer("-2019", "Margin is insufficient."),
        reduce_only=Answer("-2022", "ReduceOnly Order is rejected."),
        unknown_order=Answer("-2011", "Unknown order sent."),
        amend_down_keeps_place=False,  # PUT order: the queue position is lost
    ),
}
