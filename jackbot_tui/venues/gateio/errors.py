"""What Gate's labels mean for an order. Source: list of labels in the REST documents of API v4, 2025-11-30.

Gate tells a refusal by ``label``; on private channels the label stands inside the message of error code 4. Ours
alone is ``UNIFIED_ACCOUNT``: the dialect raises it.
"""

from jackbot_tui.venues.errors import ErrorKind, ErrorRule, VenueErrors

_REJECTED, _RESYNC, _AUTH = ErrorKind.REJECTED, ErrorKind.RESYNC, ErrorKind.AUTH
_RETRYABLE, _FATAL, _UNKNOWN = ErrorKind.RETRYABLE, ErrorKind.FATAL, ErrorKind.UNKNOWN

ERRORS = VenueErrors(
    "gateio",
    (
        ErrorRule(("POC_FILL_IMMEDIATELY", "ORDER_POC_IMMEDIATE"), _REJECTED,
                  "post-only would have taken: move the price away from the market"),
        ErrorRule(("FOK_NOT_FILL", "ORDER_FOK"), _REJECTED, "it could not be filled at once as a whole"),
        ErrorRule(("BALANCE_NOT_ENOUGH", "INSUFFICIENT_AVAILABLE", "MARGIN_BALANCE_NOT_ENOUGH",
                   "FUTURES_BALANCE_NOT_ENOUGH", "INITIAL_MARGIN_TOO_LOW", "TRADE_RESTRICTED", "QUANTITY_NOT_ENOUGH"),
                  _REJECTED, "not enough free balance or margin: make the order smaller"),
        ErrorRule(("AMOUNT_TOO_LITTLE", "AMOUNT_TOO_MUCH", "SIZE_TOO_SMALL", "SIZE_TOO_LARGE", "INVALID_PRECISION"),
                  _REJECTED, "a rule of the market refused price, size or value: look at 'instrument'"),
        ErrorRule(("INVALID_PARAM_VALUE",), _REJECTED,
                  "the order is too small for this market: look at 'instrument'", says="too small"),
        ErrorRule(("PRICE_TOO_DEVIATED", "PRICE_THRESHOLD_EXCEEDED"), _REJECTED,
                  "the price is too far from the market for Gate"),
        ErrorRule(("PRICE_OVER_LIQUIDATION", "PRICE_OVER_BANKRUPT", "LIQUIDATE_IMMEDIATELY"), _REJECTED,
                  "it would bring the position to its liquidation price"),
        ErrorRule(("INCREASE_POSITION", "POSITION_EMPTY", "POSITION_NOT_FOUND", "REDUCE_EXCEEDED"), _REJECTED,
                  "reduce-only: there is no position left to reduce"),
        ErrorRule(("RISK_LIMIT_EXCEEDED", "RISK_LIMIT_TOO_HIGH", "RISK_LIMIT_TOO_lOW", "RISK_LIMIT_TOO_LOW",
                   "RISK_LIMIT_NOT_MULTIPLE", "LEVERAGE_TOO_HIGH", "LEVERAGE_TOO_LOW"), _REJECTED,
                  "the leverage or risk limit does not allow so large a position"),
        ErrorRule(("ORDER_PENDING",), _REJECTED, "open orders are in the way: cancel them first"),
        ErrorRule(("POSITION_HOLDING", "POSITION_CROSS_MARGIN", "POSITION_IN_LIQUIDATION", "POSITION_IN_CLOSE"),
                  _REJECTED, "the position is in the way"),
        ErrorRule(("AUTO_TRIGGER_PRICE_LESS_LAST", "AUTO_TRIGGER_PRICE_GREATE_LAST"), _REJECTED,
                  "the stop would be set off at once: its price has been reached already"),
        ErrorRule(("TOO_MANY_ORDERS",), _REJECTED, "too many open orders: cancel some"),
        ErrorRule(("CONTRACT_NO_COUNTER", "ORDER_BOOK_NOT_FOUND"), _REJECTED, "nothing to trade with is in the book"),
        ErrorRule(("ORDER_NOT_FOUND", "CLIENT_ID_NOT_FOUND", "ORDER_CLOSED", "ORDER_CANCELLED", "ORDER_FINISHED",
                   "CANCEL_FAIL", "ORDER_NOT_OWNED"), _RESYNC, "Gate does not know this order as an open one"),
        ErrorRule(("ORDER_EXISTS", "DUPLICATE_REQUEST", "REPEATED_CREATION"), _RESYNC, "Gate has this order already"),
        ErrorRule(("NO_CHANGE",), ErrorKind.SETTLED, "it is so already"),
        ErrorRule(("AMEND_WITH_STOP",), _REJECTED, "an order with a stop cannot be amended"),
        ErrorRule(("REQUEST_EXPIRED",), ErrorKind.CLOCK,
                  "our clock is outside Gate's minute, or the request was too long under way"),
        ErrorRule(("READ_ONLY", "FORBIDDEN"), _AUTH, "the key may not do this: change its permissions at Gate"),
        ErrorRule(("INVALID_KEY", "INVALID_CREDENTIALS", "IP_FORBIDDEN", "MISSING_REQUIRED_HEADER",
                   "AUTHENTICATION_FAILED"), _AUTH,
                  "Gate does not accept the key (key or address): run 'jackbot keys test'"),
        ErrorRule(("INVALID_SIGNATURE",), _AUTH, "Gate does not accept the signature: the secret is wrong"),
        ErrorRule(("ACCOUNT_LOCKED", "SUB_ACCOUNT_LOCKED", "ACCOUNT_EXCEPTION"), _AUTH, "Gate has locked the account"),
        ErrorRule(("UNIFIED_ACCOUNT",), _FATAL, "the account is a unified one: only classic ones can be traded here"),
        ErrorRule(("USER_NOT_FOUND",), _FATAL,
                  "the futures account is not open yet: transfer something to it at Gate first"),
        ErrorRule(("POSITION_DUAL_MODE",), _FATAL,
                  "the account is in hedge mode: switch it to one-way mode at Gate"),
        ErrorRule(("MARGIN_NOT_SUPPORTED", "MIXED_ACCOUNT_TYPE"), _FATAL,
                  "Gate does not take orders of this kind of account: use a classic one"),
        ErrorRule(("INVALID_CURRENCY_PAIR", "CONTRACT_NOT_FOUND", "INVALID_CURRENCY"), _FATAL,
                  "Gate has no such market"),
        ErrorRule(("CONTRACT_IN_DELISTING",), _REJECTED, "the contract is being delisted: only closing is possible"),
        ErrorRule(("TOO_MANY_REQUESTS", "TOO_FAST"), _RETRYABLE, "too many requests: Gate asks us to wait"),
        ErrorRule(("TOO_BUSY",), _RETRYABLE, "Gate is overloaded and did not take it"),
        ErrorRule(("INTERNAL", "SERVER_ERROR"), _UNKNOWN, "Gate does not say whether it was done"),
        ErrorRule(("INVALID_PARAM_VALUE", "INVALID_ARGUMENT", "INVALID_REQUEST_BODY", "MISSING_REQUIRED_PARAM",
                   "BAD_REQUEST", "INVALID_PROTOCOL", "INVALID_CONTENT_TYPE", "NOT_ACCEPTABLE", "METHOD_NOT_ALLOWED",
                   "NOT_FOUND", "INVALID_CLIENT_ORDER_ID"), _REJECTED, "Gate does not understand this order"),
    ),
    code=r'\\*"label\\*"\s*:\s*\\*"(\w+)',
)  # fmt: skip
