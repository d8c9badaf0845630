"""Who sent a request to Kraken: signatures of spot and of derivatives, nonces, challenges, tokens of private streams.

No page of its own. Facts and vectors: ../shared/exchanges/kraken.md §7 and §8. Raises KrakenRefusal in the venue's
words.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import NAMESPACE_OID, uuid5

import msgspec

from jackbot_tui.model.errors import JackbotError
from jackbot_tui.sim.front import Call
from jackbot_tui.sim.keys import ApiKey, KeyRing, Permission, same_text
from jackbot_tui.sim.timeline import Timeline

TOKEN_LIFETIME_S = 900
LARGEST_NONCE = 1 << 64
FUTURES_PREFIX = "/derivatives"
"""Not part of what derivatives' signatures are made over."""


class KrakenRefusal(JackbotError):
    """``str`` of it is what the venue says; ``status`` is of HTTP, where spot always says 200."""

    def __init__(self, words: str, status: int = 200) -> None:
        super().__init__(words)
        self.status = status


def spot_signature(secret: str, path: str, nonce: str, body: bytes) -> str:
    hashed = hashlib.sha256(nonce.encode() + body).digest()
    return _signed(secret, path.encode() + hashed)


def futures_signature(secret: str, message: str) -> str:
    """Of ``postData + nonce + endpointPath``, or of a challenge."""
    return _signed(secret, hashlib.sha256(message.encode()).digest())


def _signed(secret: str, message: bytes) -> str:
    return base64.b64encode(hmac.new(base64.b64decode(secret), message, "sha512").digest()).decode()


class Authority:
    """Checks requests; remembers the newest nonce of each key and the tokens it gave out."""

    def __init__(self, keys: KeyRing, timeline: Timeline, seed: int) -> None:
        self._keys = keys
        self._timeline = timeline
        self._seed = seed
        self._nonces: dict[str, int] = {}
        self._tokens: dict[str, tuple[ApiKey, int]] = {}
        self._made = 0

    # --- spot ----------------------------------------------------------------------------------------------------

    def spot(self, call: Call, permission: Permission | None) -> tuple[ApiKey, Mapping[str, Any]]:
        """The sender and the fields of a request, form or JSON."""
        key = self._keys.find(call.headers.get("API-Key", ""))
        if key is None:
            raise KrakenRefusal("EAPI:Invalid key")
        fields = _fields(call.body)
        nonce = str(fields.get("nonce", ""))
        signature = spot_signature(key.secret, call.path, nonce, call.body)
        if not same_text(signature, call.headers.get("API-Sign", "")):
            raise KrakenRefusal("EAPI:Invalid signature")
        self._check_nonce(key, nonce)
        check_permission(key, permission, "EGeneral:Permission denied")
        return key, fields

    def _check_nonce(self, key: ApiKey, nonce: str) -> None:
        """It must grow from request to request; a window is something that a key's owner sets, and nobody did."""
        if not nonce.isascii() or not nonce.isdigit() or int(nonce) >= LARGEST_NONCE:
            raise KrakenRefusal("EAPI:Invalid nonce")
        if int(nonce) <= self._nonces.get(key.key, 0):
            raise KrakenRefusal("EAPI:Invalid nonce")
        self._nonces[key.key] = int(nonce)

    def nonce_of(self, key: ApiKey) -> int:
        return self._nonces.get(key.key, 0)

    def give_token(self, key: ApiKey) -> str:
        self._made += 1
        made = hashlib.sha256(f"{self._seed}:{key.key}:token:{self._made}".encode()).digest()
        token = base64.b64encode(made).decode().rstrip("=")
        self._tokens[token] = key, self._timeline.elapsed_ns + TOKEN_LIFETIME_S * 1_000_000_000
        return token

    def by_token(self, token: Any) -> ApiKey:
        """Whose token it is. KrakenRefusal for none, an unknown or an old one."""
        found = self._tokens.get(token) if isinstance(token, str) else None
        if found is None or found[1] <= self._timeline.elapsed_ns:
            raise KrakenRefusal("ESession:Invalid session")
        return found[0]

    def expire_tokens(self) -> None:
        self._tokens.clear()

    # --- derivatives ---------------------------------------------------------------------------------------------

    def futures(self, call: Call, permission: Permission | None) -> tuple[ApiKey, Mapping[str, Any]]:
        """The same for derivatives, which sign what was sent: the query, or else the body. Nonces are optional."""
        key = self._keys.find(call.headers.get("APIKey", ""))
        if key is None:
            raise KrakenRefusal("authenticationError", 401)
        sent = call.raw_query or call.body.decode("utf-8", "replace")
        nonce = call.headers.get("Nonce", "")
        signature = futures_signature(key.secret, sent + nonce + call.path.removeprefix(FUTURES_PREFIX))
        if not same_text(signature, call.headers.get("Authent", "")):
            raise KrakenRefusal("authenticationError", 401)
        if nonce:
            self._check_futures_nonce(key, nonce)
        check_permission(key, permission, "authenticationError", 403)
        fields: dict[str, Any] = {}
        for name, value in parse_qsl(sent, keep_blank_values=True):
            fields[name] = (
                [*fields[name], value]
                if isinstance(fields.get(name), list)
                else ([fields[name], value] if name in fields else value)
            )
        return key, fields

    def _check_futures_nonce(self, key: ApiKey, nonce: str) -> None:
        last = self._nonces.get(f"futures:{key.key}", 0)
        if not nonce.isascii() or not nonce.isdigit() or int(nonce) < last:
            raise KrakenRefusal("nonceBelowThreshold", 400)
        if int(nonce) == last:
            raise KrakenRefusal("nonceDuplicate", 400)
        self._nonces[f"futures:{key.key}"] = int(nonce)

    def challenge(self, key: str, connection: int) -> str | None:
        """What a client of the feeds must sign; None for a key that does not exist."""
        if self._keys.find(key) is None:
            return None
        return str(uuid5(NAMESPACE_OID, f"{self._seed}:{key}:{connection}"))

    def by_challenge(self, key: str, challenge: str, signature: str) -> ApiKey | None:
        """The key, when it signed the challenge."""
        found = self._keys.find(key)
        if found is None or not same_text(futures_signature(found.secret, challenge), signature):
            return None
        return found


def check_permission(key: ApiKey, permission: Permission | None, words: str, status: int = 200) -> None:
    if permission is not None and not key.may(permission):
        raise KrakenRefusal(words, status)


def _fields(body: bytes) -> dict[str, Any]:
    if not body.lstrip().startswith(b"{"):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise KrakenRefusal("EGeneral:Invalid arguments") from None
