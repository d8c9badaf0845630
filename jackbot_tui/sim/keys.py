"""API keys of the exchange's accounts, and the checks of signatures that several venues share.

Made once by ``sim.accounts`` from the exchange's seed; private pages and doors of fronts look keys up here and say in
their venue's words what is wrong. The keys are test keys: they open nothing but an exchange on this machine.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Permission(StrEnum):
    """What a key may do. Every key may read."""

    TRADE = "trade"
    WITHDRAW = "withdraw"


class KeyRole(StrEnum):
    """Which of its keys an account uses: each account has one of each."""

    TRADER = "trader"
    READER = "reader"
    OWNER = "owner"

    @property
    def permissions(self) -> frozenset[Permission]:
        match self:
            case KeyRole.TRADER:
                return frozenset({Permission.TRADE})
            case KeyRole.READER:
                return frozenset()
            case KeyRole.OWNER:
                return frozenset(Permission)


class ApiKey(Struct, frozen=True):
    """One key pair. ``secret`` is 64 hexadecimal digits, which are legal Base64 as well; venues without a passphrase
    ignore it.
    """

    account: int
    role: KeyRole
    key: str
    secret: str
    passphrase: str

    def may(self, permission: Permission) -> bool:
        return permission in self.role.permissions


class KeyRing:
    """The keys of all accounts: the same seed gives the same keys."""

    def __init__(self, accounts: Iterable[int], seed: int) -> None:
        self._keys: dict[tuple[int, KeyRole], ApiKey] = {}
        for account in accounts:
            for role in KeyRole:
                name = f"{seed}:{account}:{role}"
                made = ApiKey(account, role, _digest(name, "key"), _digest(name, "secret"), _digest(name, "pass")[:16])
                self._keys[account, role] = made
        self._by_key = {made.key: made for made in self._keys.values()}

    def find(self, key: str) -> ApiKey | None:
        return self._by_key.get(key)

    def of(self, account: int, role: KeyRole = KeyRole.TRADER) -> ApiKey:
        """KeyError for an account the exchange does not have."""
        return self._keys[account, role]

    def all(self) -> list[ApiKey]:
        return list(self._keys.values())


def signature_hex(secret: str, payload: str | bytes, digest: str = "sha256") -> str:
    """HMAC of ``payload`` as lower-case hexadecimal text."""
    data = payload.encode() if isinstance(payload, str) else payload
    return hmac.new(secret.encode(), data, digest).hexdigest()


def signature_base64(secret: str, payload: str | bytes, digest: str = "sha256") -> str:
    """The same as Base64, padded."""
    data = payload.encode() if isinstance(payload, str) else payload
    return base64.b64encode(hmac.digest(secret.encode(), data, digest)).decode()


def same_text(left: str, right: str) -> bool:
    """Whether two signatures are the same, in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def _digest(name: str, purpose: str) -> str:
    return hashlib.sha256(f"jackbot sim {name} {purpose}".encode()).hexdigest()
