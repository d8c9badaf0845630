"""What Coinbase's failures mean for an order. Sources: Advanced Trade's order, cancel and edit answers, and the names
of failures that its documents and clients list. A failed order is an HTTP success that says why twice: for the order
and for its preview, and the first that says anything is taken.
"""

from jackbot_tui.venues.errors import ErrorKind, ErrorRule, VenueErrors

_BALANCE = "not enough free balance: make the order smaller (a buy holds the fee, too)"

ERRORS = VenueErrors(
    "coinbase",
    (
        ErrorRule(("INVALID_LIMIT_PRICE_POST_ONLY", "PREVIEW_INVALID_LIMIT_PRICE_POSTONLY",
                   "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY"), ErrorKind.REJECTED,
                  "post-only would have taken: move the price away from the market"),
        ErrorRule(("INSUFFICIENT_FUND", "PREVIEW_INSUFFICIENT_FUND", "INVALID_LEDGER_BALANCE",
                   "PREVIEW_INVALID_LEDGER_BALANCE", "PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES"),
                  ErrorKind.REJECTED, _BALANCE),
        ErrorRule(("INVALID_PRICE_PRECISION", "PREVIEW_INVALID_PRICE_PRECISION"), ErrorKind.REJECTED,
                  "the price is no multiple of the tick"),
        ErrorRule(("INVALID_SIZE_PRECISION", "PREVIEW_INVALID_SIZE_PRECISION"), ErrorKind.REJECTED,
                  "the size is no multiple of the lot"),
        ErrorRule(("PREVIEW_INVALID_BASE_SIZE_TOO_SMALL", "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"), ErrorKind.REJECTED,
                  "the order is below the least that Coinbase takes"),
        ErrorRule(("PREVIEW_INVALID_BASE_SIZE_TOO_LARGE", "PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE"), ErrorKind.REJECTED,
                  "the order is above the most that Coinbase takes"),
        ErrorRule(("PREVIEW_INVALID_LIMIT_PRICE", "PREVIEW_INVALID_PRICE_TOO_LARGE", "PREVIEW_BREACHED_PRICE_LIMIT",
                   "INVALID_LIMIT_PRICE"), ErrorKind.REJECTED, "the price is outside what Coinbase allows now"),
        ErrorRule(("INVALID_STOP_PRICE", "PREVIEW_INVALID_STOP_PRICE", "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE",
                   "PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE"), ErrorKind.REJECTED, "the stop would trigger at once"),
        ErrorRule(("PREVIEW_INVALID_MARGIN_HEALTH", "PREVIEW_UNTRADABLE_FCM_ACCOUNT_STATUS", "INELIGIBLE_PAIR",
                   "INVALID_PRODUCT_ID", "PREVIEW_INVALID_PRODUCT_ID", "INVALID_SIDE"), ErrorKind.FATAL,
                  "Coinbase does not let this account trade this market"),
        ErrorRule(("UNSUPPORTED_ORDER_CONFIGURATION", "INVALID_ARGUMENT"), ErrorKind.REJECTED,
                  "Coinbase does not understand this order"),
        ErrorRule(("ORDER_ENTRY_DISABLED", "PREVIEW_INVALID_NO_LIQUIDITY"), ErrorKind.RETRYABLE,
                  "Coinbase takes no such orders in this market now"),
        ErrorRule(("UNKNOWN_CANCEL_ORDER", "ORDER_NOT_FOUND", "NOT_FOUND", "ORDER_IS_FULLY_FILLED"), ErrorKind.RESYNC,
                  "Coinbase does not work this order (any more)"),
        ErrorRule(("DUPLICATE_CANCEL_REQUEST",), ErrorKind.RESYNC, "a cancel is under way already"),
        ErrorRule(("unknown",), ErrorKind.RESYNC, "Coinbase does not know this order", says="was not found"),
        ErrorRule(("COMMANDER_REJECTED_CANCEL_ORDER", "INVALID_CANCEL_REQUEST"), ErrorKind.RESYNC,
                  "Coinbase refused the cancel"),
        ErrorRule(("INVALID_EDITED_SIZE", "INVALID_EDITED_PRICE", "CANNOT_EDIT_TO_BELOW_FILLED_SIZE",
                   "ONLY_LIMIT_ORDER_EDITS_SUPPORTED", "COMMANDER_REJECTED_EDIT_ORDER"), ErrorKind.REJECTED,
                  "Coinbase refused the change"),
        ErrorRule(("PERMISSION_DENIED", "invalid_scope"), ErrorKind.AUTH,
                  "the key may not do this: it needs the permissions view and trade for this portfolio"),
        ErrorRule(("authentication_error", "unauthorized", "expired_token", "invalid_token", "revoked_token"),
                  ErrorKind.AUTH, "Coinbase does not accept the key: run 'jackbot keys test'"),
        ErrorRule(("rate_limit_exceeded", "resource_exhausted"), ErrorKind.RETRYABLE,
                  "too many requests: Coinbase asks us to wait"),
        ErrorRule(("UNAVAILABLE", "internal_server_error"), ErrorKind.UNKNOWN,
                  "Coinbase does not say whether it was done"),
    ),
    code=(
        r'"(?:error|failure_reason|edit_failure_reason|preview_failure_reason|id)"\s*:\s*'
        r'"((?!UNKNOWN_FAILURE_REASON|UNKNOWN_CANCEL_FAILURE_REASON)[A-Za-z]\w+)"'
    ),
)  # fmt: skip
