"""What KuCoin's error codes mean for an order (../shared/exchanges/kucoin.md §11; ccxt 4.5.90).

A code of business comes with HTTP 200. 400100 means whatever its words say. The words for a client id that was used
before are those that clients of the venue report: on perpetuals they are not published.
"""

from jackbot_tui.venues.errors import ErrorKind, ErrorRule, VenueErrors

_REJECTED, _RESYNC, _AUTH = ErrorKind.REJECTED, ErrorKind.RESYNC, ErrorKind.AUTH
_RETRYABLE, _FATAL, _UNKNOWN = ErrorKind.RETRYABLE, ErrorKind.FATAL, ErrorKind.UNKNOWN
_NO_MONEY = "not enough free balance or margin: make the order smaller"
_RULE = "a rule of the market refused price, size or value: look at 'instrument'"
_BAND = "the price is too far from the market for KuCoin"
_GONE = "KuCoin does not know this order as an open one"

ERRORS = VenueErrors(
    "kucoin",
    (
        ErrorRule(("400100", "300000"), _RESYNC, "KuCoin has an order of this id already", says="duplicated"),
        ErrorRule(("126033", "126044"), _RESYNC, "KuCoin has an order of this id already"),
        ErrorRule(("400100",), _RESYNC, _GONE, says="order_not_exist"),
        ErrorRule(("400100",), _RESYNC, _GONE, says="order not exist"),
        ErrorRule(("400100",), _RESYNC, _GONE, says="order does not exist"),
        ErrorRule(("100001", "100004", "126043", "order_not_exist"), _RESYNC, _GONE),
        ErrorRule(("400100",), _REJECTED, _NO_MONEY, says="account.available.amount"),
        ErrorRule(("400100",), _FATAL, "KuCoin has no such market", says="unsupported trading pair"),
        ErrorRule(("400100",), _FATAL, "KuCoin has no such market", says="contract parameter invalid"),
        ErrorRule(("400100",), _REJECTED, _RULE, says="increment"),
        ErrorRule(("400100",), _REJECTED, _RULE, says="minimum"),
        ErrorRule(("400100",), _REJECTED, "KuCoin does not understand this request"),
        ErrorRule(("200004", "210021", "230003", "260100", "300003", "330008"), _REJECTED, _NO_MONEY),
        ErrorRule(("300009",), _REJECTED, "reduce-only: there is no position left to reduce"),
        ErrorRule(("300011", "400330", "400370", "400760", "126022", "126029", "126030"), _REJECTED, _BAND),
        ErrorRule(("300012", "600100", "600101", "126003"), _REJECTED, _RULE),
        ErrorRule(("200001", "300001", "126011"), _REJECTED, "too many open orders: cancel some"),
        ErrorRule(("400350", "126042"), _REJECTED, "the holding would be larger than KuCoin allows"),
        ErrorRule(("300000",), _REJECTED, "KuCoin did not take the order"),
        ErrorRule(("330002",), _REJECTED, "the margin mode cannot be changed while orders or positions are open"),
        ErrorRule(("330005",), _FATAL, "the market's margin mode was changed elsewhere: set it anew with 'margin'"),
        ErrorRule(("330012",), _FATAL, "the account is in hedge mode: switch it to one-way mode at KuCoin"),
        ErrorRule(("400000", "400600"), _FATAL, "KuCoin has no such market, or does not trade it now"),
        ErrorRule(("112010",), _FATAL, "KuCoin wants a unified account for this: use a classic one here"),
        ErrorRule(("400500", "126037", "126045", "126046"), _FATAL, "KuCoin does not serve this place"),
        ErrorRule(("400002",), ErrorKind.CLOCK, "our clock is outside KuCoin's window: set this machine's clock"),
        ErrorRule(("400001", "400003"), _AUTH, "KuCoin does not know the key: run 'jackbot keys test'"),
        ErrorRule(("400004",), _AUTH, "KuCoin does not accept the passphrase of the key"),
        ErrorRule(("400005",), _AUTH, "KuCoin does not accept the signature: the secret is wrong"),
        ErrorRule(("400006",), _AUTH, "the key is bound to another address: change that at KuCoin"),
        ErrorRule(("400007",), _AUTH, "the key has no right to do this: change its permissions at KuCoin"),
        ErrorRule(("400200", "411100"), _AUTH, "KuCoin has barred the account from trading"),
        ErrorRule(("400303", "126005", "126047"), _AUTH, "KuCoin wants the account's owner to identify himself first"),
        ErrorRule(("429000", "429"), _RETRYABLE, "too many requests, or KuCoin is overloaded: it asks us to wait"),
        ErrorRule(("500000", "408000", "503", "503000", "126038"), _UNKNOWN,
                  "KuCoin does not say whether it was done"),
        ErrorRule(("token is expired",), _RETRYABLE, "the token of the private stream has expired"),
    ),
    code=r'(?:"code"\s*:\s*"?|(?=token is expired))(token is expired|-?\w+)',
)  # fmt: skip
