"""What MEXC's codes mean for an order. Sources: error codes of spot v3 and of contracts v1, 2025-11-03; ccxt 4.5.90.

Spot's and contracts' codes are two lists that do not overlap where it matters; both stand here.
"""

from jackbot_tui.venues.errors import ErrorKind, ErrorRule, VenueErrors

_REJECTED, _RESYNC, _AUTH = ErrorKind.REJECTED, ErrorKind.RESYNC, ErrorKind.AUTH
_RETRYABLE, _FATAL, _UNKNOWN = ErrorKind.RETRYABLE, ErrorKind.FATAL, ErrorKind.UNKNOWN

ERRORS = VenueErrors(
    "mexc",
    (
        ErrorRule(("10101", "30004", "30005", "2005", "88004", "88015"), _REJECTED,
                  "not enough free balance or margin: make the order smaller"),
        ErrorRule(("30002", "30003", "10095", "10096", "10097", "10102", "88013", "2008", "2011", "2015", "2028"),
                  _REJECTED, "a rule of the market refused price, size or value: look at 'instrument'"),
        ErrorRule(("30010", "2007"), _REJECTED, "the price does not fit the market: look at 'instrument'"),
        ErrorRule(("30087", "2003", "2004"), _REJECTED, "the price is outside MEXC's band"),
        ErrorRule(("2032", "2033"), _REJECTED, "the price is beyond the position's own liquidation price"),
        ErrorRule(("2009",), _REJECTED, "reduce-only: there is no position left to reduce"),
        ErrorRule(("2006", "2018", "2021", "30032", "30027", "30028"), _REJECTED,
                  "the leverage or risk limit does not allow so large a position"),
        ErrorRule(("2019", "2027"), _REJECTED, "orders or a position in the other margin mode are in the way"),
        ErrorRule(("2030",), _REJECTED, "the client order id is too long for MEXC"),
        ErrorRule(("2036", "2037", "30029"), _REJECTED, "too many open orders: cancel some"),
        ErrorRule(("5003",), _REJECTED, "the stop would be set off at once: its price has been reached already"),
        ErrorRule(("30025",), _REJECTED, "nothing to trade with is in the book"),
        ErrorRule(("1002",), _REJECTED, "MEXC has not opened this contract for orders by API"),
        ErrorRule(("10007", "30014", "30021", "-1121", "1001"), _FATAL, "MEXC has no such market, or not for the API"),
        ErrorRule(("30000", "30001", "30016", "30018", "30019", "30020", "30041", "6001", "6002", "10098"), _REJECTED,
                  "MEXC does not take such orders in this market now"),
        ErrorRule(("-2011", "-2013", "2040", "2041", "2042"), _RESYNC, "MEXC does not know this order as an open one"),
        ErrorRule(("603",), _RESYNC, "MEXC has an order of this id already"),
        ErrorRule(("33333",), _RESYNC, "MEXC has an order of this id already", says="duplicate"),
        ErrorRule(("700003", "700005", "10073", "513"), ErrorKind.CLOCK,
                  "our clock is outside MEXC's window: set this machine's clock"),
        ErrorRule(("700001", "700002", "602"), _AUTH, "MEXC does not accept the signature: wrong secret or old key"),
        ErrorRule(("401", "402", "10072", "10001", "700006", "406", "1000"), _AUTH,
                  "MEXC does not accept the key (key or address): run 'jackbot keys test'"),
        ErrorRule(("700007", "511", "701", "702", "703", "704", "70011", "700013"), _AUTH,
                  "the key may not do this: change its permissions at MEXC"),
        ErrorRule(("60005", "730100", "140002", "10099"), _AUTH, "MEXC has restricted the account"),
        ErrorRule(("429", "510", "403", "418"), _RETRYABLE, "too many requests: MEXC asks us to wait"),
        ErrorRule(("500",), _RETRYABLE, "MEXC is under maintenance", says="maintenance"),
        ErrorRule(("604", "801", "11444"), _RETRYABLE, "MEXC is under maintenance"),
        ErrorRule(("500", "501", "503", "504", "20002"), _UNKNOWN, "MEXC does not say whether it was done"),
        ErrorRule(("26", "33333", "44444", "600", "601", "700004", "700008", "-1128", "22222", "400"), _REJECTED,
                  "MEXC does not understand this order"),
    ),
)  # fmt: skip
