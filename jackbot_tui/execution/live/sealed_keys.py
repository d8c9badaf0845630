"""The encrypted file of keys: each account's parts sealed with AES-256-GCM under a passphrase's Scrypt key.

Names of accounts and the last characters of their public halves stand in the clear, so that they can be listed without
the passphrase; both are authenticated with what they belong to, so that nothing can be swapped. ``KeyStore`` calls it.
"""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jackbot_tui.execution.live.private_file import damaged, read_private, write_private
from jackbot_tui.model.errors import ConfigError

FORMAT = "jackbot keys 1"
COST = 2**17
"""Scrypt's N with r = 8 and p = 1, as OWASP's page on the storage of passwords asks: 128 MiB for half a second."""

BLOCK, LANES = 8, 1
GREATEST_COST = 2**20
"""A file that asks for more is not opened: it would take all memory."""

SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32
SHORTEST_PASSPHRASE = 8
_CHECK = ""
"""Under this name an empty text is sealed: it tells a wrong passphrase from a damaged file."""


class SealedKeys:
    """See the module's paragraph. ``cost`` is Scrypt's N for a file that is begun; an old one keeps its own."""

    def __init__(self, path: Path, cost: int = COST) -> None:
        self.path = path
        self._cost = cost

    def hints(self) -> dict[str, str]:
        """Accounts that are kept, with the end of each one's public half; no passphrase is needed."""
        return {account: str(row["hint"]) for account, row in self._read().get("accounts", {}).items()}

    def open(self, account: str, passphrase: str) -> dict[str, str]:
        """The parts of one account. KeyError when it is not kept, ConfigError for a wrong passphrase."""
        kept = self._read()
        row = kept["accounts"][account]
        key = self._key(kept, passphrase)
        opened = json.loads(self._unseal(key, row, account, str(row["hint"])))
        return {str(name): str(text) for name, text in opened.items()}

    def seal(self, account: str, fields: Mapping[str, str], hint: str, passphrase: str) -> None:
        """Keep one account's parts. The passphrase must be that of the keys that are there already."""
        kept = self._read()
        if not kept:
            if len(passphrase) < SHORTEST_PASSPHRASE:
                raise ConfigError(f"the passphrase is too short: give at least {SHORTEST_PASSPHRASE} characters")
            kept = {
                "format": FORMAT, "salt": _text(os.urandom(SALT_BYTES)), "n": self._cost, "r": BLOCK, "p": LANES,
                "accounts": {},
            }  # fmt: skip
            kept["check"] = self._seal(self._derive(kept, passphrase), b"", _CHECK, "")
        key = self._key(kept, passphrase)
        kept["accounts"][account] = self._seal(key, json.dumps(dict(fields)).encode(), account, hint)
        write_private(self.path, kept)

    def remove(self, account: str) -> bool:
        """Forget one account; the file goes with its last one, and so does its passphrase."""
        kept = self._read()
        if account not in kept.get("accounts", {}):
            return False
        del kept["accounts"][account]
        if kept["accounts"]:
            write_private(self.path, kept)
        else:
            self.path.unlink()
        return True

    # ------------------------------------------------------------------ inside

    def _read(self) -> dict[str, Any]:
        kept = read_private(self.path)
        if kept and (kept.get("format") != FORMAT or not isinstance(kept.get("accounts"), dict)):
            raise damaged(self.path)
        return kept

    def _key(self, kept: Mapping[str, Any], passphrase: str) -> bytes:
        """The key of the file, proven by what is sealed for that."""
        key = self._derive(kept, passphrase)
        self._unseal(key, kept["check"], _CHECK, "")
        return key

    def _derive(self, kept: Mapping[str, Any], passphrase: str) -> bytes:
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        cost, block, lanes = kept.get("n"), kept.get("r"), kept.get("p")
        if not isinstance(cost, int) or not 1 < cost <= GREATEST_COST or (block, lanes) != (BLOCK, LANES):
            raise damaged(self.path)
        scrypt = Scrypt(salt=self._bytes(kept.get("salt")), length=KEY_BYTES, n=cost, r=BLOCK, p=LANES)
        return scrypt.derive(passphrase.encode())

    @staticmethod
    def _seal(key: bytes, plain: bytes, account: str, hint: str) -> dict[str, str]:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(NONCE_BYTES)
        box = AESGCM(key).encrypt(nonce, plain, _bound(account, hint))
        return {"hint": hint, "nonce": _text(nonce), "box": _text(box)}

    def _unseal(self, key: bytes, row: Mapping[str, Any], account: str, hint: str) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce, box = self._bytes(row.get("nonce")), self._bytes(row.get("box"))
        try:
            return AESGCM(key).decrypt(nonce, box, _bound(account, hint))
        except (InvalidTag, ValueError):
            if account == _CHECK:
                raise ConfigError(f"this is not the passphrase of {self.path}") from None
            raise ConfigError(f"the key of {account} in {self.path} was changed: add it again") from None

    def _bytes(self, text: object) -> bytes:
        try:
            return base64.b64decode(str(text), validate=True)
        except ValueError:
            raise damaged(self.path) from None


def _bound(account: str, hint: str) -> bytes:
    """What a box is sealed together with."""
    return "\n".join((FORMAT, account, hint)).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
