"""What the parts of each venue's key look like, so that a wrong paste is told before it is kept.

A shape is demanded only where the venue's documents, or what is done with the part when a request is signed, leave no
other; else a part is any printable text without spaces. No message contains what was typed.
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from jackbot_tui.model.errors import InputError

BEGIN = "-----BEGIN "
END = "-----END "
SHORTEST, LONGEST = 8, 8192


class PartShape(Struct, frozen=True):
    """``words`` says what the venue calls the part; ``check`` gives "" for a good one, else what is wrong with it."""

    words: str
    check: Callable[[str], str]


def tidy(text: str) -> str:
    """A part as it is meant: no space around, no quotes of a copied assignment, a PEM's lines as lines."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    if text.startswith(BEGIN):
        lines = text.replace("\\n", "\n").replace("\r", "").split("\n")
        text = "\n".join(line.strip() for line in lines if line.strip()) + "\n"
    return text


def shape_of(venue: str, name: str) -> PartShape:
    """The shape of one part; the general one of its name where the venue has none of its own."""
    return _OWN.get((venue, name)) or _GENERAL.get(name) or PartShape(name, _plain)


def checked(venue: str, account: str, names: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """The parts as they are kept; InputError in one line for the first that cannot be right."""
    fields: dict[str, str] = {}
    for name in names:
        text, shape = tidy(given.get(name, "")), shape_of(venue, name)
        wrong = shape.check(text) if text else "is empty"
        if wrong:
            raise InputError(f"{name} of {account} {wrong} ({shape.words}): nothing was kept")
        for other, before in fields.items():
            if before == text:
                raise InputError(f"{other} and {name} of {account} are the same text: nothing was kept")
        fields[name] = text
    if (venue, "privateKey") in _OWN and not fields["privateKey"].startswith("0x"):
        fields["privateKey"] = "0x" + fields["privateKey"]
    return fields


# ---------------------------------------------------------------------- checks


def _plain(text: str) -> str:
    if BEGIN in text:
        return "is a PEM text, which is not taken there"
    if not (text.isascii() and text.isprintable()) or " " in text:
        return "has a space or a character that no key has"
    if len(text) < SHORTEST:
        return f"is shorter than {SHORTEST} characters"
    return "" if len(text) <= LONGEST else f"is longer than {LONGEST} characters"


def _passphrase(text: str) -> str:
    return "" if text.isprintable() and len(text) <= LONGEST else "has a character that cannot be typed"


def _like(pattern: str, wrong: str) -> Callable[[str], str]:
    whole = re.compile(pattern)
    return lambda text: "" if whole.fullmatch(text) else wrong


def _base64_of(shortest: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError:
            return "is no Base64 text"
        return "" if len(data) >= shortest else "is too short"

    return check


def _pem_or(other: Callable[[str], str], kinds: Sequence[str]) -> Callable[[str], str]:
    return lambda text: _pem(text, kinds) if text.startswith(BEGIN) else other(text)


def _pem(text: str, kinds: Sequence[str]) -> str:
    """A private key that can be read without a passphrase, of one of these kinds."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if not text.startswith(BEGIN):
        return "is no PEM text: it begins with -----BEGIN"
    if END not in text:
        return "is not whole: the line with -----END is missing"
    if "PRIVATE KEY" not in text:
        return "is the public half of a key, the private one is wanted"
    if "ENCRYPTED" in text:
        return "has a passphrase of its own: take that away first"
    try:
        key = load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "cannot be read as a private key"
    kind = type(key).__name__
    curve = getattr(getattr(key, "curve", None), "name", "")
    found = {"EllipticCurvePrivateKey": curve, "ECPrivateKey": curve}.get(kind, kind)
    return "" if any(each in found for each in kinds) else f"is a key of another kind than {' or '.join(kinds)}"


def _of_coinbase(text: str) -> str:
    if not text.startswith(BEGIN):
        return "is no ECDSA key: make one with the signature algorithm ECDSA (ES256)"
    return _pem(text, ("secp256r1",))


_HMAC_OR_PEM = _pem_or(_plain, ("RSA", "Ed25519"))

_GENERAL = {
    "apiKey": PartShape("the API key", _plain),
    "secret": PartShape("the API secret", _plain),
    "password": PartShape("the passphrase that was set with the key", _passphrase),
}

_OWN = {
    ("binance", "apiKey"): PartShape(
        "the API key, 64 letters and digits", _like("[A-Za-z0-9]{64}", "has another form")
    ),
    ("binance", "secret"): PartShape("the secret key, or the private key as PEM", _HMAC_OR_PEM),
    ("bybit", "secret"): PartShape("the secret key, or the private RSA key as PEM", _pem_or(_plain, ("RSA",))),
    ("kraken", "secret"): PartShape("the private key, Base64", _base64_of(32)),
    ("coinbase", "apiKey"): PartShape(
        "the key's name, organizations/…/apiKeys/…", _like(r"organizations/[\w-]+/apiKeys/[\w-]+", "has another form")
    ),
    ("coinbase", "secret"): PartShape("the private key as PEM, all its lines", _of_coinbase),
    ("hyperliquid", "walletAddress"): PartShape(
        "the account's address, 0x and 40 hexadecimal digits", _like("0x[0-9a-fA-F]{40}", "has another form")
    ),
    ("hyperliquid", "privateKey"): PartShape(
        "the agent's private key, 64 hexadecimal digits; not the wallet's own",
        _like("(0x)?[0-9a-fA-F]{64}", "has another form"),
    ),
}  # fmt: skip
