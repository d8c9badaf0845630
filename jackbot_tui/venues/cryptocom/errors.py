"""What Crypto.com's codes mean for an order. Source: response and reason codes of Exchange API v1, May 2026.

HTTP 500 comes with ordinary refusals there: the code decides, never the status.
"""

from jackbot_tui.venues.errors import ErrorKind, ErrorRule, VenueErrors

ERRORS = VenueErrors(
    "cryptocom",
    (
        ErrorRule(("204", "205", "40006"), ErrorKind.RESYNC, "Crypto.com has an order of this id already"),
        ErrorRule(("306", "320", "321"), ErrorKind.REJECTED,
                  "not enough free balance or margin: make the order smaller"),
        ErrorRule(("302", "303", "304", "305", "310", "319", "501"), ErrorKind.REJECTED,
                  "the position would be too large for the account's margin or limits"),
        ErrorRule(("301", "311", "408"), ErrorKind.REJECTED, "the account is in a margin call or being liquidated"),
        ErrorRule(("312", "313", "315"), ErrorKind.REJECTED, "the price is too far from the market for Crypto.com"),
        ErrorRule(("308",), ErrorKind.REJECTED, "the price is not a multiple of the tick: look at 'instrument'"),
        ErrorRule(("213", "217", "314", "415"), ErrorKind.REJECTED,
                  "a filter of the market refused the size: look at 'instrument'"),
        ErrorRule(("318", "325"), ErrorKind.REJECTED, "too many orders, or too much volume today, at Crypto.com"),
        ErrorRule(("43005",), ErrorKind.REJECTED, "post-only would have taken: move the price away from the market"),
        ErrorRule(("43003", "43004"), ErrorKind.REJECTED, "it could not be filled at once"),
        ErrorRule(("43012",), ErrorKind.REJECTED, "it would have traded with an order of the same account"),
        ErrorRule(("1110",), ErrorKind.REJECTED, "reduce-only: there is no position left to reduce"),
        ErrorRule(("201", "317"), ErrorKind.RESYNC, "there is no such position (any more)"),
        ErrorRule(("212", "316", "307", "40401"), ErrorKind.RESYNC, "Crypto.com does not know this order (any more)"),
        ErrorRule(("225", "226"), ErrorKind.REJECTED, "the leverage is out of range"),
        ErrorRule(("229", "230"), ErrorKind.REJECTED, "the trigger price is on the wrong side of the market"),
        ErrorRule(("613", "614", "615", "616", "617", "618", "619", "620"), ErrorKind.REJECTED,
                  "Crypto.com does not do this with an isolated position"),
        ErrorRule(("40801", "50001", "120009", "224"), ErrorKind.UNKNOWN,
                  "Crypto.com does not say whether it was done"),
        ErrorRule(("207", "222", "309", "604", "606"), ErrorKind.RETRYABLE,
                  "the market is not open or has no price now"),
        ErrorRule(("42901", "10006"), ErrorKind.RETRYABLE, "too many requests: Crypto.com asks us to wait"),
        ErrorRule(("9010001",), ErrorKind.RETRYABLE, "Crypto.com is under maintenance"),
        ErrorRule(("40107",), ErrorKind.RETRYABLE, "too many subscriptions on one connection"),
        ErrorRule(("40102", "10007"), ErrorKind.CLOCK,
                  "our clock is more than 60 s off Crypto.com's: set this machine's clock"),
        ErrorRule(("40101", "10002"), ErrorKind.AUTH,
                  "Crypto.com does not accept key, signature or right: run 'jackbot keys test'"),
        ErrorRule(("40103", "10003"), ErrorKind.AUTH, "the key is bound to another address (IP)"),
        ErrorRule(("40104",), ErrorKind.AUTH, "the account's tier does not allow this"),
        ErrorRule(("202", "401", "406", "409", "410", "20005"), ErrorKind.FATAL,
                  "Crypto.com has suspended the account"),
        ErrorRule(("411", "412"), ErrorKind.FATAL, "the account may not trade derivatives at Crypto.com"),
        ErrorRule(("206", "208", "209", "30003"), ErrorKind.FATAL, "Crypto.com has no such market, or it is not open"),
        ErrorRule(("203", "210", "218", "219", "220", "221", "223", "227", "228", "40001", "40002", "40003", "40004",
                   "40005", "130008"), ErrorKind.REJECTED, "Crypto.com does not understand this request"),
    ),
)  # fmt: skip
