"""Tokens that open a KuCoin WebSocket: given out by REST, good for a day and for one market (kucoin.md §3). Pure.

A token that was asked for with a key opens the private topics of its account. A token carries what it grants, sealed
with the exchange's seed, so that none need be remembered.
"""

import base64
import binascii
import hashlib
import hmac

from jackbot_tui.model.enums import MarketKind

LIFETIME_MS = 86_400_000
INVALID = "token is invalid"
EXPIRED = "token is expired"
_SEAL_BYTES = 24


class Tokens:
    """Times are milliseconds since the exchange opened."""

    def __init__(self, seed: int) -> None:
        self._key = f"{seed}:kucoin tokens".encode()
        self._given = 0
        self._ended = 0

    def give(self, kind: MarketKind, now_ms: int, account: int = 0) -> str:
        """A new token, of nobody's sockets or of an account's; like the venue's it may hold characters that a URL must
        escape.
        """
        self._given += 1
        grant = f"{kind.value}:{now_ms + LIFETIME_MS}:{self._given}:{account}".encode()
        return base64.b64encode(self._seal(grant) + grant).decode()

    def problem(self, token: str, kind: MarketKind, now_ms: int) -> str:
        """Why ``token`` does not open a socket of ``kind``; "" when it does."""
        try:
            content = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return INVALID
        seal, grant = content[:_SEAL_BYTES], content[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(grant)):
            return INVALID
        granted, until, number, account = grant.decode().split(":")
        if granted != kind.value:
            return INVALID
        ended = account != "0" and int(number) <= self._ended
        return EXPIRED if ended or now_ms >= int(until) else ""

    def account_of(self, token: str) -> int:
        """Whose private topics a token without a problem opens; 0: nobody's."""
        return int(base64.b64decode(token)[_SEAL_BYTES:].decode().split(":")[3])

    def end_private(self) -> None:
        """No token that was given to an account so far opens anything any more."""
        self._ended = self._given

    def _seal(self, grant: bytes) -> bytes:
        return hmac.digest(self._key, grant, hashlib.sha256)[:_SEAL_BYTES]
