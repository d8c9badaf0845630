"""What Bitget's error codes mean for an order, of the unified account (v3) and those of v2 that it shares.

Source: error pages of the v2 and v3 documents of December 2025 (bitget.md §8 to §11).
"""

from jackbot_tui.venues.errors import ErrorKind, ErrorRule, VenueErrors

_FILTER = "a filter of the market refused price, size or value: look at 'instrument'"

ERRORS = VenueErrors(
    "bitget",
    (
        ErrorRule(("429", "25004", "30006", "30007"), ErrorKind.RETRYABLE, "too many requests: Bitget asks us to wait"),
        ErrorRule(("40010", "40725", "45001", "40808", "40015", "25001"), ErrorKind.UNKNOWN,
                  "Bitget does not say whether it was done"),
        ErrorRule(("40004", "40005", "40008", "30013", "30014"), ErrorKind.CLOCK,
                  "our clock is outside Bitget's window: set this machine's clock"),
        ErrorRule(("40001", "40006", "40037", "30011"), ErrorKind.AUTH,
                  "Bitget does not know the key: run 'jackbot keys test'"),
        ErrorRule(("40002", "40003", "40009", "30015"), ErrorKind.AUTH,
                  "Bitget does not accept the signature: the secret is wrong"),
        ErrorRule(("40011", "40012", "40036", "30012"), ErrorKind.AUTH,
                  "Bitget does not accept the passphrase: run 'jackbot keys test'"),
        ErrorRule(("40014",), ErrorKind.AUTH, "the key has no right to do this: change its permissions at Bitget"),
        ErrorRule(("40018", "40038"), ErrorKind.AUTH, "the key is bound to another address: change that at Bitget"),
        ErrorRule(("30002", "30004", "30005"), ErrorKind.AUTH, "Bitget does not accept the login"),
        ErrorRule(("40084", "25245"), ErrorKind.FATAL,
                  "the account is a classic one: switch it to a unified account at Bitget"),
        ErrorRule(("40085",), ErrorKind.FATAL, "a unified account cannot do this"),
        ErrorRule(("30001",), ErrorKind.FATAL, "Bitget has no such channel"),
        ErrorRule(("25204", "43001", "40109", "45057", "22001", "43004"), ErrorKind.RESYNC,
                  "Bitget does not know this order (any more)"),
        ErrorRule(("45055", "45031"), ErrorKind.RESYNC, "the order has ended already"),
        ErrorRule(("25212", "43118", "45034"), ErrorKind.RESYNC, "Bitget has an order of this id already"),
        ErrorRule(("25202", "25203", "43012", "40754", "45002", "40762"), ErrorKind.REJECTED,
                  "not enough free balance or margin: make the order smaller"),
        ErrorRule(("25227", "22002"), ErrorKind.REJECTED, "reduce-only: there is no position left to reduce"),
        ErrorRule(("25205", "25206", "43008", "43009", "41117", "40815", "40748", "22006", "22007", "22008", "22009"),
                  ErrorKind.REJECTED, "the price is outside Bitget's band"),
        ErrorRule(("45110", "43027"), ErrorKind.REJECTED, "the order's value is below Bitget's least"),
        ErrorRule(("01002", "25207", "25208", "45111", "25244", "22038", "45115"), ErrorKind.REJECTED, _FILTER),
        ErrorRule(("45054",), ErrorKind.SETTLED, "it is so already"),
        ErrorRule(("40920", "45117"), ErrorKind.REJECTED,
                  "the mode cannot change while orders or positions are open"),
        ErrorRule(("25236",), ErrorKind.FATAL, "the account is in hedge mode: switch it to one-way mode at Bitget"),
        ErrorRule(("400172", "40017", "40019"), ErrorKind.REJECTED, "Bitget does not understand this request"),
    ),
    pauses={"429": 1.0},
)  # fmt: skip
