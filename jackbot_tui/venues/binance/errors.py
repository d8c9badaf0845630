"""What Binance's error codes mean for an order. Sources: rest-api.md and errors.md of spot and USD-M, 2026-07-21.

ccxt picks its table of codes by the real host's address, so on any other endpoint most codes come as a plain
ExchangeError: the codes themselves are read here.
"""

from jackbot_tui.venues.errors import ErrorKind, ErrorRule, VenueErrors

ERRORS = VenueErrors(
    "binance",
    (
        ErrorRule(
            ("-2010",),
            ErrorKind.REJECTED,
            "post-only would have taken: move the price away from the market",
            says="immediately match",
        ),
        ErrorRule(
            ("-5022",), ErrorKind.REJECTED, "post-only would have taken: move the price away from the market"
        ),
        ErrorRule(
            ("-2010", "-4116"), ErrorKind.RESYNC, "Binance has an order of this id already", says="duplicate"
        ),
        ErrorRule(
            ("-2010", "-2018", "-2019", "-4050", "-4051"),
            ErrorKind.REJECTED,
            "not enough free balance or margin: make the order smaller",
            says="insufficient",
        ),
        ErrorRule(("-2018", "-2019"), ErrorKind.REJECTED, "not enough free balance or margin: make the order smaller"),
        ErrorRule(("-2010",), ErrorKind.REJECTED, "the market is closed at Binance", says="market is closed"),
        ErrorRule(("-2010",), ErrorKind.REJECTED, "Binance refused the order (its filters, balance or price rules)"),
        ErrorRule(("-1013", "-1111", "-4003", "-4005", "-4014", "-4015", "-4023", "-4164"), ErrorKind.REJECTED,
                  "a filter of the market refused price, size or value: look at 'instrument'"),
        ErrorRule(("-4016", "-4024", "-4131"), ErrorKind.REJECTED, "the price is outside Binance's band"),
        ErrorRule(("-2022", "-4118"), ErrorKind.REJECTED, "reduce-only: there is no position left to reduce"),
        ErrorRule(("-2027", "-2028", "-4028"), ErrorKind.REJECTED, "the leverage does not allow so large a position"),
        ErrorRule(("-1015",), ErrorKind.RETRYABLE, "too many orders within Binance's window: slow down"),
        ErrorRule(("-1003", "-1034"), ErrorKind.RETRYABLE, "too many requests: Binance asks us to wait"),
        ErrorRule(("-1008",), ErrorKind.RETRYABLE, "Binance is overloaded and did not take it"),
        ErrorRule(("-1006", "-1007", "-1000", "-1001"), ErrorKind.UNKNOWN, "Binance does not say whether it was done"),
        ErrorRule(("-1021",), ErrorKind.CLOCK, "our clock is outside Binance's window: set this machine's clock"),
        ErrorRule(("-2011", "-2013"), ErrorKind.RESYNC, "Binance does not know this order (any more)"),
        ErrorRule(("-5027", "-4046", "-4059"), ErrorKind.SETTLED, "it is so already"),
        ErrorRule(("-2014", "-2015", "-1002", "-2008"), ErrorKind.AUTH,
                  "Binance does not accept the key (key, address or permission): run 'jackbot keys test'"),
        ErrorRule(("-1022",), ErrorKind.AUTH, "Binance does not accept the signature: the secret is wrong"),
        ErrorRule(("-1125",), ErrorKind.RETRYABLE, "the listen key has expired"),
        ErrorRule(("-1121",), ErrorKind.FATAL, "Binance has no such market"),
        ErrorRule(("-4061",), ErrorKind.FATAL, "the account is in hedge mode: switch it to one-way mode at Binance"),
        ErrorRule(("-4120",), ErrorKind.REJECTED, "Binance takes conditional orders at another address"),
        ErrorRule(("-1016", "-4188"), ErrorKind.RETRYABLE, "Binance is under maintenance"),
        ErrorRule(("-1116", "-1117", "-1115", "-1102", "-1104", "-1105", "-1106", "-1130"), ErrorKind.REJECTED,
                  "Binance does not understand this order"),
    ),
)  # fmt: skip
