"""Who sent a request to Coinbase: keys, and the tokens that are signed with them. No page of its own.

A key has a name (``organizations/…/apiKeys/…``) and an elliptic curve (P-256) in PEM; every request bears a fresh JSON
web token signed by ES256, the signature raw and not DER. Tokens live two minutes. ``uri`` names method and path, and is
left out on the socket. Facts: ../shared/exchanges/coinbase.md §7, §8.2. The venue's newer Ed25519 keys are not played.
``cryptography``, which ccxt depends on, is imported when the first key is needed.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from jackbot_tui.model.errors import JackbotError
from jackbot_tui.sim.keys import ApiKey, KeyRing
from jackbot_tui.sim.timeline import Timeline

LIFETIME_S = 120
LEEWAY_S = 30
HALF = 32
"""Bytes of either number of a signature."""

ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Unauthorized(JackbotError):
    """The venue says no more than this, whatever is wrong with a token."""


class _Header(Struct):
    alg: str
    kid: str


class _Claims(Struct):
    sub: str
    nbf: float
    exp: float
    uri: str = ""
    uris: list[str] = []


def key_name(key: ApiKey) -> str:
    """The public half, which the keys of a venue are found by."""
    organization, name = UUID(key.key[:HALF]), UUID(key.key[HALF:])
    return f"organizations/{organization}/apiKeys/{name}"


@cache
def private_key(secret: str) -> Any:
    """The key that 64 hexadecimal digits stand for."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.derive_private_key(int(secret, 16) % (ORDER_OF_P256 - 1) + 1, ec.SECP256R1())


def pem_of(key: ApiKey) -> str:
    """The secret half, as the venue hands it out."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made: bytes = private_key(key.secret).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return made.decode()


def token(key: ApiKey, claims: dict[str, Any]) -> str:
    """``claims`` signed, for clients in tests."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    header = {"alg": "ES256", "kid": key_name(key), "nonce": "00", "typ": "JWT"}
    signed = b".".join(_text(msgspec.json.encode(part)) for part in (header, claims))
    numbers = decode_dss_signature(private_key(key.secret).sign(signed, ECDSA(SHA256())))
    raw = b"".join(number.to_bytes(HALF, "big") for number in numbers)
    return (signed + b"." + _text(raw)).decode()


class Authority:
    """Finds out whose a token is."""

    def __init__(self, keys: KeyRing, timeline: Timeline) -> None:
        self._keys = keys
        self._timeline = timeline

    def read(self, text: str, method: str = "", path: str = "") -> ApiKey:
        """Whose token this is; with ``method`` and ``path`` it must be for them. Unauthorized for any other."""
        signed, _, signature = text.rpartition(".")
        head, _, body = signed.partition(".")
        try:
            header = msgspec.json.decode(_bytes(head), type=_Header)
            claims = msgspec.json.decode(_bytes(body), type=_Claims)
            raw = _bytes(signature)
        except (msgspec.MsgspecError, ValueError):
            raise Unauthorized("Unauthorized") from None
        key = self._named(header.kid)
        now_s = self._timeline.now_ms() / 1000
        in_time = claims.nbf <= now_s + LEEWAY_S and now_s < claims.exp + LEEWAY_S
        if header.alg != "ES256" or claims.sub != header.kid or not in_time or claims.exp - claims.nbf > LIFETIME_S:
            raise Unauthorized("Unauthorized")
        if method and not any(_names(uri, method, path) for uri in (claims.uri, *claims.uris)):
            raise Unauthorized("Unauthorized")
        self._verify(key, signed, raw)
        return key

    def _named(self, name: str) -> ApiKey:
        parts = name.split("/")
        found = self._keys.find((parts[1] + parts[3]).replace("-", "")) if len(parts) == 4 else None
        if found is None or key_name(found) != name:
            raise Unauthorized("Unauthorized")
        return found

    @staticmethod
    def _verify(key: ApiKey, signed: str, raw: bytes) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        if len(raw) != 2 * HALF:
            raise Unauthorized("Unauthorized")
        numbers = encode_dss_signature(int.from_bytes(raw[:HALF], "big"), int.from_bytes(raw[HALF:], "big"))
        try:
            private_key(key.secret).public_key().verify(numbers, signed.encode(), ECDSA(SHA256()))
        except InvalidSignature:
            raise Unauthorized("Unauthorized") from None


def _names(uri: str, method: str, path: str) -> bool:
    """Whether ``GET host/path`` is this request; the host is not looked at."""
    verb, _, place = uri.partition(" ")
    return verb == method and place.endswith(path)


def _text(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
