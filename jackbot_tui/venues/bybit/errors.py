"""What Bybit's error codes mean for an order. Source: error page of the v5 documents, 2026-07-24 (bybit.md §8 to §11).

Codes of perpetuals begin with 110, those of spot with 170; everything below 20,000 is said on both.
"""

from jackbot_tui.venues.errors import ErrorKind, ErrorRule, VenueErrors

_NO_MONEY = "not enough free balance or margin: make the order smaller"
_FILTER = "a filter of the market refused price, size or value: look at 'instrument'"
_HEDGE = "the account is in hedge mode: switch it to one-way mode at Bybit"

ERRORS = VenueErrors(
    "bybit",
    (
        ErrorRule(("10001",), ErrorKind.SETTLED, "it is so already", says="order remains unchanged"),
        ErrorRule(("10001",), ErrorKind.FATAL, _HEDGE, says="position idx not match"),
        ErrorRule(("10001",), ErrorKind.REJECTED, _FILTER, says="qty invalid"),
        ErrorRule(("10001",), ErrorKind.REJECTED, _FILTER, says="number of contracts"),
        ErrorRule(("10001",), ErrorKind.REJECTED, _FILTER, says="price invalid"),
        ErrorRule(("10001",), ErrorKind.FATAL, "Bybit has no such market", says="symbol invalid"),
        ErrorRule(("10001",), ErrorKind.REJECTED, "Bybit does not understand this request"),
        ErrorRule(("10000", "10016", "10019"), ErrorKind.UNKNOWN, "Bybit does not say whether it was done"),
        ErrorRule(("10002",), ErrorKind.CLOCK, "our clock is outside Bybit's window: set this machine's clock"),
        ErrorRule(("10003", "10007"), ErrorKind.AUTH, "Bybit does not know the key: run 'jackbot keys test'"),
        ErrorRule(("10004",), ErrorKind.AUTH, "Bybit does not accept the signature: the secret is wrong"),
        ErrorRule(("10005",), ErrorKind.AUTH, "the key has no right to do this: change its permissions at Bybit"),
        ErrorRule(("10010",), ErrorKind.AUTH, "the key is bound to another address: change that at Bybit"),
        ErrorRule(("10028",), ErrorKind.FATAL, "Bybit wants a unified account for this: upgrade the account there"),
        ErrorRule(("403",), ErrorKind.RETRYABLE, "too many requests from this address: Bybit is closed for 10 minutes"),
        ErrorRule(("10006", "10018", "10403", "10429", "429", "20003"), ErrorKind.RETRYABLE,
                  "too many requests: Bybit asks us to wait"),
        ErrorRule(("20006",), ErrorKind.RESYNC, "Bybit has seen this request already"),
        ErrorRule(("110001", "170213"), ErrorKind.RESYNC, "Bybit does not know this order (any more)"),
        ErrorRule(("110008", "110010"), ErrorKind.RESYNC, "the order has ended already"),
        ErrorRule(("110072", "170141", "110030"), ErrorKind.RESYNC, "Bybit has an order of this id already"),
        ErrorRule(("110004", "110006", "110007", "110012", "110014", "110044", "110045", "110051", "110052", "110053",
                   "170131"), ErrorKind.REJECTED, _NO_MONEY),
        ErrorRule(("110017",), ErrorKind.REJECTED, "reduce-only: there is no position left to reduce"),
        ErrorRule(("110013", "110016"), ErrorKind.REJECTED, "the leverage does not allow so large a position"),
        ErrorRule(("110011", "110039", "110040"), ErrorKind.REJECTED, "it would lead to liquidation at once"),
        ErrorRule(("110009", "110020", "170810"), ErrorKind.REJECTED, "too many open orders at Bybit: cancel some"),
        ErrorRule(("110094", "170140"), ErrorKind.REJECTED, "the order's value is below Bybit's least"),
        ErrorRule(("110003", "110120", "110121", "170193", "170194"), ErrorKind.REJECTED,
                  "the price is outside Bybit's band"),
        ErrorRule(("170124", "170132", "170133", "170134", "170135", "170136", "170137"), ErrorKind.REJECTED, _FILTER),
        ErrorRule(("170218",), ErrorKind.REJECTED, "post-only would have taken: move the price away from the market"),
        ErrorRule(("110064",), ErrorKind.REJECTED, "the order is filled beyond the new quantity already"),
        ErrorRule(("110092", "110093"), ErrorKind.REJECTED, "the stop's price has been passed already"),
        ErrorRule(("110025", "110026", "110027", "110043"), ErrorKind.SETTLED, "it is so already"),
        ErrorRule(("110073", "110024", "110028"), ErrorKind.REJECTED,
                  "the mode of the account cannot change while orders or positions are open"),
        ErrorRule(("110029",), ErrorKind.FATAL, _HEDGE),
    ),
    code=r'"retCode"\s*:\s*"?(-?\w+)',
    pauses={"10006": 1.0, "403": 600.0},
)  # fmt: skip
