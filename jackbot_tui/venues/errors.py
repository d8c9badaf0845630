"""What a venue's refusals mean, as data: its own codes and words, and ccxt's exception classes where it has none.

The live executor classifies every failure of a private call here. ``venues/<name>/errors.py`` holds one venue's rules;
what no rule names falls back to the class of the exception, and what no class names is ``UNKNOWN``: nothing is ever
taken for refused that may have happened.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct


class ErrorKind(StrEnum):
    """What a failed private call means for what was asked."""

    RETRYABLE = "retryable"  # not done, and may be asked again later
    REJECTED = "rejected"  # not done: this request is wrong, others are fine
    FATAL = "fatal"  # not done, nor will the next one be: a person must change something
    RESYNC = "resync"  # our picture of the order is wrong: ask for it
    AUTH = "auth"  # the key is not accepted
    CLOCK = "clock"  # not done: our clock and the venue's differ too much
    SETTLED = "settled"  # it is as asked already
    UNKNOWN = "unknown"  # it may have been done


class ErrorRule(Struct, frozen=True):
    """``codes`` are the venue's own; ``says`` (lower case) must be in its message, "" = whatever it says.

    ``words`` is one line for a trader: what is wrong and what to do.
    """

    codes: tuple[str, ...]
    kind: ErrorKind
    words: str
    says: str = ""


class VenueErrors(Struct, frozen=True):
    """One venue's rules, the more special one of a code first. ``code`` finds the code in the text of an exception.

    ``pauses``: for how many seconds requests rest after a refusal of that code for their number, where the answer does
    not say so itself; a page that counts by the second is not left alone for longer, or cancels would wait with it.
    """

    venue: str
    rules: tuple[ErrorRule, ...] = ()
    code: str = r'"code"\s*:\s*"?(-?\w+)'
    pauses: Mapping[str, float] = {}


class VenueProblem(Struct, frozen=True):
    """A classified failure. ``code`` is the venue's own, or the exception's name where it gave none."""

    kind: ErrorKind
    code: str
    words: str


DEFAULTS: tuple[tuple[str, ErrorKind, str], ...] = (
    ("OrderNotFound", ErrorKind.RESYNC, "the venue does not know this order"),
    ("OrderNotCached", ErrorKind.RESYNC, "the order is not known here yet"),
    ("DuplicateOrderId", ErrorKind.RESYNC, "the venue has an order of this id already"),
    ("OrderImmediatelyFillable", ErrorKind.REJECTED, "post-only would have taken: move the price away from the market"),
    ("OrderNotFillable", ErrorKind.REJECTED, "it could not be filled at once"),
    ("InsufficientFunds", ErrorKind.REJECTED, "not enough free balance or margin: make the order smaller"),
    ("InvalidOrder", ErrorKind.REJECTED, "the venue does not take this order"),
    ("MarginModeAlreadySet", ErrorKind.SETTLED, "it is set so already"),
    ("NoChange", ErrorKind.SETTLED, "it is so already"),
    ("MarketClosed", ErrorKind.REJECTED, "the market is closed at the venue"),
    ("RestrictedLocation", ErrorKind.FATAL, "the venue does not serve this place"),
    ("ManualInteractionNeeded", ErrorKind.FATAL, "the venue wants something done by hand on its pages first"),
    ("OperationRejected", ErrorKind.REJECTED, "the venue refused"),
    ("AccountSuspended", ErrorKind.AUTH, "the account is suspended"),
    ("PermissionDenied", ErrorKind.AUTH, "the key has no right to do this: change its permissions"),
    ("AuthenticationError", ErrorKind.AUTH, "the venue does not accept the key: run 'jackbot keys test'"),
    ("BadSymbol", ErrorKind.FATAL, "the venue has no such market"),
    ("ArgumentsRequired", ErrorKind.REJECTED, "the request lacks something that the venue wants"),
    ("BadRequest", ErrorKind.REJECTED, "the venue does not understand this request"),
    ("NotSupported", ErrorKind.REJECTED, "the venue cannot do this"),
    ("OnMaintenance", ErrorKind.RETRYABLE, "the venue is under maintenance"),
    ("RateLimitExceeded", ErrorKind.RETRYABLE, "too many requests: the venue asks us to wait"),
    ("DDoSProtection", ErrorKind.RETRYABLE, "too many requests: the venue asks us to wait"),
    ("InvalidNonce", ErrorKind.CLOCK, "our clock and the venue's differ too much: check the clock of this machine"),
    ("CancelPending", ErrorKind.RESYNC, "a cancel is under way already"),
    ("RequestTimeout", ErrorKind.UNKNOWN, "no answer in time"),
    ("ExchangeNotAvailable", ErrorKind.UNKNOWN, "the venue is not available"),
    ("NetworkError", ErrorKind.UNKNOWN, "the connection broke"),
    ("BadResponse", ErrorKind.UNKNOWN, "the answer cannot be read"),
    ("OperationFailed", ErrorKind.UNKNOWN, "the outcome is not known"),
)
"""ccxt's exception classes, the more special ones first. Source: ccxt 4.5.90, base/errors.py.

A plain ExchangeError is not here: it is what ccxt raises for a code that it does not know, after an answer that may
mean anything.
"""

SHOWN = 160


def classify(errors: VenueErrors, classes: Sequence[str], text: str) -> VenueProblem:
    """What a failure means. ``classes``: names of the exception's class and its bases; ``text``: its message.

    The venue's own word goes before ccxt's class: ccxt gives several codes a class that says too little or too much.
    """
    found = re.search(errors.code, text)
    code = found.group(1) if found else ""
    low = text.lower()
    for rule in errors.rules:
        if code in rule.codes and rule.says in low:
            return VenueProblem(rule.kind, code, rule.words)
    for name, kind, words in DEFAULTS:
        if name in classes:
            return VenueProblem(kind, code or classes[0], words + _said(text, code))
    return VenueProblem(
        ErrorKind.UNKNOWN, code or (classes[0] if classes else ""), "no clear answer" + _said(text, code)
    )


def _said(text: str, code: str) -> str:
    """The venue's own message inside ``text``, as far as there is one."""
    message = re.search(r'"(?:msg|message|retMsg|sMsg|label|error)"\s*:\s*"([^"]+)"', text)
    plain = text.partition(" ")[2] if not set("{}<>") & set(text) else ""  # ccxt put its name before the venue's words
    said = " ".join((message.group(1) if message else plain).split())[:SHOWN]
    return f": {said} [{code}]" if said and code else f": {said}" if said else f" [{code}]" if code else ""
