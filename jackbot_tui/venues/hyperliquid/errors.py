"""What Hyperliquid's errors mean for an order. It has no numeric codes: the beginning of a text is taken for one.

Sources: its API documentation (error responses, order statuses, nonces, rate limits), and texts that clients report.
"""

from jackbot_tui.venues.errors import ErrorKind, ErrorRule, VenueErrors

_ALIKE: tuple[tuple[tuple[str, ...], ErrorKind, str], ...] = (
    (("User or API Wallet",), ErrorKind.AUTH,
     "Hyperliquid does not know who signed: the agent is not approved for this account, or has expired"),
    (("Must deposit before performing actions",), ErrorKind.AUTH,
     "Hyperliquid has no such account, or the action wants the account's own key"),
    (("Vault not registered", "Unable to recover signer"), ErrorKind.AUTH,
     "Hyperliquid does not accept the signature for this account"),
    (("Invalid nonce",), ErrorKind.CLOCK, "the nonce was used already or lies too far from Hyperliquid's clock"),
    (("Action expired",), ErrorKind.CLOCK, "it arrived later than it was to count: check the clock of this machine"),
    (("Post only order would have immediately matched", "badAloPxRejected"), ErrorKind.REJECTED,
     "post-only would have taken: move the price away from the market"),
    (("Order could not immediately match", "iocCancelRejected", "No liquidity available for market order",
      "marketOrderNoLiquidityRejected"), ErrorKind.REJECTED, "nothing rests at this price: it could not be filled"),
    (("Insufficient margin to place order", "Insufficient spot balance", "perpMarginRejected",
      "insufficientSpotBalanceRejected"), ErrorKind.REJECTED,
     "not enough free balance or margin: make the order smaller"),
    (("Reduce only order would increase position", "reduceOnlyRejected"), ErrorKind.REJECTED,
     "reduce-only: there is no position left to reduce"),
    (("Price must be divisible by tick size", "Order has invalid price", "tickRejected"), ErrorKind.REJECTED,
     "the price has more than five figures or too many decimals"),
    (("Order has invalid size", "Order has zero size"), ErrorKind.REJECTED, "the size is no multiple of the lot"),
    (("Order must have minimum value", "minTradeNtlRejected"), ErrorKind.REJECTED,
     "an order must be worth at least 10 USDC"),
    (("Order price cannot be more than", "Order price too far from oracle", "oracleRejected"), ErrorKind.REJECTED,
     "the price is too far from the market's reference price"),
    (("Order value too large", "Order would exceed maximum position", "perpMaxPositionRejected",
      "positionIncreaseAtOpenInterestCapRejected"), ErrorKind.REJECTED, "the order or its position would be too large"),
    (("Invalid TP/SL price", "badTriggerPxRejected"), ErrorKind.REJECTED, "the stop would trigger at once"),
    (("Placing trigger orders is not enabled",), ErrorKind.REJECTED, "Hyperliquid has no stops on spot"),
    (("Too many open orders", "tooManyOpenOrdersRejected"), ErrorKind.REJECTED, "too many orders are open there"),
    (("Only post-only orders allowed",), ErrorKind.RETRYABLE,
     "Hyperliquid takes post-only orders only, right after an upgrade of its network"),
    (("Too many cumulative requests",), ErrorKind.RETRYABLE,
     "this account has used up its actions at Hyperliquid: it gets one more for each USDC traded"),
    (("Order was never placed", "Cannot modify canceled or filled order", "unknownOid"), ErrorKind.RESYNC,
     "Hyperliquid does not work this order (any more)"),
    (("Duplicate cloid",), ErrorKind.RESYNC, "Hyperliquid works an order of this id already"),
    (("Asset not found",), ErrorKind.FATAL, "Hyperliquid has no such market"),
    (("Builder fee has not been approved",), ErrorKind.FATAL,
     "the order named a builder that the account has not approved: none is sent from here"),
    (("Invalid leverage value",), ErrorKind.REJECTED, "Hyperliquid does not allow this leverage here"),
    (("Cannot switch leverage type", "Cannot decrease leverage", "Cannot update isolated margin"), ErrorKind.REJECTED,
     "margin mode and leverage cannot be changed so while orders or a position are open"),
    (("Cannot set scheduled cancel time",), ErrorKind.REJECTED,
     "Hyperliquid gives its dead-man switch only to accounts that have traded enough (1,000,000 USDC)"),
    (("Scheduled cancel time too early",), ErrorKind.REJECTED, "the dead-man switch needs at least 5 seconds"),
    (("Failed to deserialize",), ErrorKind.REJECTED, "Hyperliquid does not understand this request"),
)  # fmt: skip
"""``(how the text begins, what it means, what a trader is told)``."""

ERRORS = VenueErrors(
    "hyperliquid",
    tuple(ErrorRule(texts, kind, words) for texts, kind, words in _ALIKE),
    code="(" + "|".join(text.replace("(", r"\(") for texts, _, _ in _ALIKE for text in texts) + ")",
)
