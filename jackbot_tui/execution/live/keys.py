"""API keys: where they are looked for, and how they are held so that they reach no log, journal, traceback or screen.

An account is named ``venue`` or ``venue/label`` (``binance``, ``binance/second``). Its key is taken from the first
place that has one: the environment, the operating system's keyring (where the ``keyring`` package is installed), a file
that only its owner can read. Settings, journals and jobs carry the account's name, never its key.
"""

import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from types import ModuleType

from jackbot_tui.model.errors import ConfigError

SERVICE = "jackbot"
"""Under this name the keyring keeps our entries."""

FILE_NAME = "keys.json"
_ACCOUNT = re.compile(r"[a-z0-9]+(/[a-z0-9_-]+)?")


class KeyPlace(StrEnum):
    """Where a key is kept."""

    ENVIRONMENT = "environment"
    KEYRING = "keyring"
    FILE = "file"


class Credentials:
    """The fields of one account's key, by ccxt's names (``apiKey``, ``secret``, ``password``…).

    Printed, formatted, compared or pickled it shows its account and place alone; ``fields`` is the one way to the text.
    """

    __slots__ = ("_fields", "account", "place")

    def __init__(self, account: str, place: KeyPlace, fields: Mapping[str, str]) -> None:
        self.account = account
        self.place = place
        self._fields = dict(fields)

    def fields(self) -> dict[str, str]:
        return dict(self._fields)

    @property
    def hint(self) -> str:
        """The last characters of the public half, enough to tell two keys apart."""
        key = self._fields.get("apiKey") or self._fields.get("walletAddress") or ""
        return f"…{key[-4:]}" if len(key) >= 12 else "…"

    def __repr__(self) -> str:
        return f"Credentials({self.account!r}, {self.place.value}, {self.hint})"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not pickled: pass the account's name")


class KeyStore:
    """Looks keys up and keeps them. ``directory`` is where the file of keys lies or would lie."""

    def __init__(
        self, directory: Path, environment: Mapping[str, str] | None = None, ring: ModuleType | None = None
    ) -> None:
        self.path = directory / FILE_NAME
        self._environment = os.environ if environment is None else environment
        self._ring = ring

    def find(self, account: str, wanted: Iterable[str]) -> Credentials:
        """The key of ``account`` with all ``wanted`` fields; ConfigError says what to do when there is none."""
        _check(account)
        names = tuple(wanted)
        for place, fields in self._places(account, names):
            if not fields:
                continue
            missing = [name for name in names if not fields.get(name)]
            if missing:
                raise ConfigError(f"the key of {account} ({place.value}) lacks {', '.join(missing)}: add it again")
            return Credentials(account, place, {name: fields[name] for name in names})
        names_in_environment = ", ".join(environment_name(account, name) for name in names)
        raise ConfigError(
            f"no key for {account}: run 'jackbot keys add {account}', or set {names_in_environment} in the environment"
        )

    def list(self) -> list[tuple[str, KeyPlace]]:
        """Accounts with a key in the file or the keyring."""
        return [
            (account, KeyPlace.KEYRING if fields.get(_RINGED) else KeyPlace.FILE)
            for account, fields in sorted(self._file().items())
        ]

    def add(self, account: str, fields: Mapping[str, str]) -> KeyPlace:
        """Keep a key: in the keyring where there is one, else in the file. Replaces the one that was there."""
        _check(account)
        kept = self._file()
        if self._ring is not None:
            self._ring.set_password(SERVICE, account, json.dumps(dict(fields)))
            kept[account] = {_RINGED: "yes"}
            self._write(kept)
            return KeyPlace.KEYRING
        kept[account] = dict(fields)
        self._write(kept)
        return KeyPlace.FILE

    def remove(self, account: str) -> bool:
        """Forget the key of ``account`` in file and keyring; False when there was none."""
        kept = self._file()
        fields = kept.pop(account, None)
        if fields is None:
            return False
        if fields.get(_RINGED) and self._ring is not None:
            self._ring.delete_password(SERVICE, account)
        self._write(kept)
        return True

    # ------------------------------------------------------------------ inside

    def _places(self, account: str, names: Iterable[str]) -> Iterable[tuple[KeyPlace, Mapping[str, str]]]:
        environment = {name: self._environment.get(environment_name(account, name), "") for name in names}
        yield KeyPlace.ENVIRONMENT, {name: text for name, text in environment.items() if text}
        if self._ring is not None:
            text = self._ring.get_password(SERVICE, account)
            yield KeyPlace.KEYRING, json.loads(text) if text else {}
        fields = self._file().get(account, {})
        yield KeyPlace.FILE, {} if fields.get(_RINGED) else fields

    def _file(self) -> dict[str, dict[str, str]]:
        try:
            mode = self.path.stat().st_mode
        except FileNotFoundError:
            return {}
        if stat.S_IMODE(mode) & 0o077:
            raise ConfigError(f"{self.path} can be read by others: run 'chmod 600 {self.path}'")
        try:
            kept = json.loads(self.path.read_text())
        except ValueError:
            raise ConfigError(f"{self.path} is no file of keys: move it away and add the keys again") from None
        if not isinstance(kept, dict) or not all(isinstance(each, dict) for each in kept.values()):
            raise ConfigError(f"{self.path} is no file of keys: move it away and add the keys again")
        return kept

    def _write(self, kept: Mapping[str, Mapping[str, str]]) -> None:
        """Whole or not at all, and never readable by others, not even for a moment."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(kept, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)


_RINGED = "in the keyring"


def environment_name(account: str, field: str) -> str:
    """The variable that holds one field: ``JACKBOT_KEY_BINANCE_SECOND_APIKEY``."""
    return f"JACKBOT_KEY_{re.sub('[^a-z0-9]', '_', account).upper()}_{field.upper()}"


def keyring_module() -> ModuleType | None:
    """The ``keyring`` package, None where it is not installed or has no place to keep anything."""
    try:
        import keyring
        from keyring.backends import fail
    except ImportError:
        return None
    return None if isinstance(keyring.get_keyring(), fail.Keyring) else keyring


def _check(account: str) -> None:
    if not _ACCOUNT.fullmatch(account):
        raise ConfigError(f"{account!r} names no account: give the venue, or venue/label (binance, binance/second)")
