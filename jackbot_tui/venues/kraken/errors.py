"""What Kraken's errors mean for an order. Sources: spot error messages, derivatives' send order page, 2026.

Spot says ``E<class>:<words>``; derivatives say a status inside of an answer, which ccxt puts behind ``failed due to``,
or an error of their own. ``EOrder:Duplicate order`` is not published: a client id of an open order is refused, the
words are those that clients of the venue report.
"""

from jackbot_tui.venues.errors import ErrorKind, ErrorRule, VenueErrors

_REJECTED, _RESYNC, _AUTH = ErrorKind.REJECTED, ErrorKind.RESYNC, ErrorKind.AUTH
_RETRYABLE, _FATAL, _UNKNOWN = ErrorKind.RETRYABLE, ErrorKind.FATAL, ErrorKind.UNKNOWN

ERRORS = VenueErrors(
    "kraken",
    (
        ErrorRule(("EOrder:Post only order", "postWouldExecute"), _REJECTED,
                  "post-only would have taken: move the price away from the market"),
        ErrorRule(("iocWouldNotExecute",), _REJECTED, "nothing could be filled at once"),
        ErrorRule(("EOrder:Insufficient funds", "EOrder:Insufficient margin", "EOrder:Margin allowance exceeded",
                   "insufficientAvailableFunds", "insufficientFunds", "wouldCauseLiquidation"), _REJECTED,
                  "not enough free balance or margin: make the order smaller"),
        ErrorRule(("EOrder:Order minimum not met", "EOrder:Cost minimum not met", "EOrder:Tick size check failed",
                   "EOrder:Invalid price", "invalidPrice", "invalidSize"), _REJECTED,
                  "a rule of the market refused price, size or value: look at 'instrument'"),
        ErrorRule(("outsidePriceCollar",), _REJECTED, "the price is too far beyond the market for Kraken"),
        ErrorRule(("EOrder:Reduce only", "wouldNotReducePosition"), _REJECTED,
                  "reduce-only: there is no position left to reduce"),
        ErrorRule(("maxPositionViolation", "EOrder:Position limit exceeded"), _REJECTED,
                  "the position would be larger than Kraken allows"),
        ErrorRule(("EOrder:Cannot open position", "EOrder:Cannot open opposing position"), _REJECTED,
                  "the account may not trade on margin"),
        ErrorRule(("selfFill", "wouldExecuteSelf"), _REJECTED, "it would trade with an order of yours"),
        ErrorRule(("invalidOrderType", "invalidSide", "clientOrderIdTooLong", "orderForEditNotAStop",
                   "EGeneral:Invalid arguments", "requiredArgumentMissing", "invalidArgument"), _REJECTED,
                  "Kraken does not understand this order"),
        ErrorRule(("EOrder:Orders limit exceeded", "tooManyOrders", "tooManySmallOrders"), _REJECTED,
                  "too many open orders: cancel some"),
        ErrorRule(("EOrder:Duplicate order", "clientOrderIdAlreadyExist"), _RESYNC, "Kraken has an order of this id"),
        ErrorRule(("EOrder:Unknown order", "EOrder:Invalid order", "EQuery:Unknown order", "notFound", "filled",
                   "orderForEditNotFound"), _RESYNC, "Kraken does not know this order as an open one"),
        ErrorRule(("EAPI:Rate limit exceeded", "EOrder:Rate limit exceeded", "EGeneral:Too many requests",
                   "EService:Throttled", "apiLimitExceeded"), _RETRYABLE,
                  "too many requests: Kraken asks us to wait"),
        ErrorRule(("EAPI:Invalid nonce", "nonceBelowThreshold", "nonceDuplicate"), _RETRYABLE,
                  "a later request came first: give this console a key of its own, with a nonce window"),
        ErrorRule(("EService:Market in cancel_only mode", "EService:Market in post_only mode",
                   "EService:Market in limit_only mode", "marketSuspended", "marketInactive", "marketUnavailable"),
                  _RETRYABLE, "the market takes no such orders now: maintenance at Kraken"),
        ErrorRule(("EService:Unavailable", "EService:Busy", "EService:Deadline elapsed", "EService:Timeout",
                   "EGeneral:Internal error", "EDatabase:Internal error", "unavailable", "Server Error"), _UNKNOWN,
                  "Kraken does not say whether it was done"),
        ErrorRule(("ESession:Invalid session",), _RETRYABLE, "the token of the private stream has expired"),
        ErrorRule(("EGeneral:Permission denied",), _AUTH, "the key may not do this: change its permissions at Kraken"),
        ErrorRule(("EAPI:Invalid key", "EAPI:Invalid signature", "authenticationError"), _AUTH,
                  "Kraken does not accept the key, its secret or its rights: run 'jackbot keys test'"),
        ErrorRule(("EGeneral:Temporary lockout", "ETrade:User Locked", "EAccount:Invalid permissions"), _AUTH,
                  "Kraken has locked the account or the key for a while"),
        ErrorRule(("EQuery:Unknown asset pair", "EQuery:Invalid asset pair", "contractNotFound"), _FATAL,
                  "Kraken has no such market"),
    ),
    code=r'(E[A-Z][A-Za-z]+:[A-Za-z_ ]+|(?<=failed due to )\w+|(?<="error":")[\w ]+)',
)  # fmt: skip
