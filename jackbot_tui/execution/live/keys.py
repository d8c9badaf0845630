"""API keys: where they are looked for, and how they are held so that they reach no log, journal, traceback or screen.

An account is named ``venue`` or ``venue/label`` (``binance``, ``binance/second``). Its key is taken from the first
place that has one: the environment, the operating system's keyring (where the ``keyring`` package is installed), a file
encrypted under a passphrase, a file that only its owner can read. Settings, journals and pickled jobs carry the
account's name, never its key.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from jackbot_tui.execution.live.key_shapes import tidy
from jackbot_tui.execution.live.private_file import damaged, read_private, write_private
from jackbot_tui.execution.live.sealed_keys import COST, SealedKeys
from jackbot_tui.model.errors import ConfigError
from jackbot_tui.model.secrets import hold

SERVICE = "jackbot"
"""Under this name the keyring keeps our entries."""

FILE_NAME = "keys.json"
SEALED_NAME = "keys.enc"
VARIABLES = "JACKBOT_KEY_"
"""Names of variables that hold a part of a key begin so."""

PASSPHRASE = "JACKBOT_KEYS_PASSPHRASE"
"""The variable with the passphrase of the encrypted file, for starts without a terminal."""

_ACCOUNT = re.compile(r"[a-z0-9]+(/[a-z0-9_-]+)?")


class KeyPlace(StrEnum):
    """Where a key is kept."""

    ENVIRONMENT = "environment"
    KEYRING = "keyring"
    ENCRYPTED = "encrypted"
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
        hold(self._fields.values())

    def fields(self) -> dict[str, str]:
        return dict(self._fields)

    @property
    def hint(self) -> str:
        """The last characters of the public half, enough to tell two keys apart."""
        return hint_of(self._fields)

    def __repr__(self) -> str:
        return f"Credentials({self.account!r}, {self.place.value}, {self.hint})"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not pickled: pass the account's name")


class KeyParts(dict[str, str]):
    """The parts of one key on their way to the engine's process: they show in no text and are pickled by nobody who
    does not mean to (``headless.spawn`` hands them over on their own).
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields)
        hold(fields.values())

    def __repr__(self) -> str:
        return "KeyParts(…)"

    __str__ = __repr__

    def __format__(self, form: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("parts of a key are not pickled")


def hint_of(fields: Mapping[str, str]) -> str:
    key = fields.get("apiKey") or fields.get("walletAddress") or ""
    return f"…{key[-4:]}" if len(key) >= 12 else "…"


class KeyStore:
    """Looks keys up and keeps them. ``directory`` is where the files of keys lie or would lie.

    ``ask`` is called once, when the encrypted file must be opened and its passphrase is not in the environment: with
    True when the passphrase is a new one. Without it ConfigError says where to put the passphrase.
    """

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        ring: ModuleType | None = None,
        ask: Callable[[bool], str] | None = None,
        *,
        cost: int = COST,
    ) -> None:
        self.path = directory / FILE_NAME
        self.sealed = SealedKeys(directory / SEALED_NAME, cost)
        self._environment = os.environ if environment is None else environment
        self._ring = ring
        self._ask = ask
        self._passphrase = ""

    def find(self, account: str, wanted: Iterable[str]) -> Credentials:
        """The key of ``account`` with all ``wanted`` fields; ConfigError says what to do when there is none."""
        _check(account)
        names = tuple(wanted)
        for place, read in self._places(account, names):
            fields = read()
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

    def locate(self, account: str, wanted: Iterable[str]) -> tuple[KeyPlace, str] | None:
        """Where ``find`` would take the key from, and the end of its public half. Asks for no passphrase."""
        _check(account)
        for place, read in self._places(account, tuple(wanted)):
            if place is KeyPlace.ENCRYPTED:
                hint = self.sealed.hints().get(account)
                if hint is not None:
                    return place, hint
            elif fields := read():
                return place, hint_of(fields)
        return None

    def list(self) -> list[tuple[str, KeyPlace]]:
        """Accounts with a key in a file or the keyring."""
        kept = {
            account: KeyPlace.KEYRING if fields.get(_RINGED) else KeyPlace.FILE
            for account, fields in self._file().items()
        }
        sealed = dict.fromkeys(self.sealed.hints(), KeyPlace.ENCRYPTED)
        return sorted({**kept, **sealed}.items())

    def add(self, account: str, fields: Mapping[str, str], place: KeyPlace | None = None) -> KeyPlace:
        """Keep a key in ``place`` and in no other any more.

        Without a place: in the keyring where there is one, else in the encrypted file when there is one, else in the
        plain file.
        """
        _check(account)
        hold(fields.values())
        place = place or self._usual_place()
        match place:
            case KeyPlace.KEYRING:
                text = json.dumps(dict(fields))
                self._ring_does(lambda ring: ring.set_password(SERVICE, account, text))
                self._write_plain(account, {_RINGED: "yes"})
            case KeyPlace.ENCRYPTED:
                first = not self.sealed.hints()
                self.sealed.seal(account, fields, hint_of(fields), self._word(new=first))
                self._remove_plain(account)
            case KeyPlace.FILE:
                self._remove_plain(account)
                self._write_plain(account, fields)
            case KeyPlace.ENVIRONMENT:
                raise ConfigError("a key cannot be added to the environment: choose the keyring or a file")
        if place is not KeyPlace.ENCRYPTED:
            self.sealed.remove(account)
        return place

    def remove(self, account: str) -> bool:
        """Forget the key of ``account`` in files and keyring; False when there was none."""
        plain, sealed = self._remove_plain(account), self.sealed.remove(account)
        return plain or sealed

    # ------------------------------------------------------------------ inside

    def _usual_place(self) -> KeyPlace:
        if self._ring is not None:
            return KeyPlace.KEYRING
        return KeyPlace.ENCRYPTED if self.sealed.path.exists() else KeyPlace.FILE

    def _places(self, account: str, names: Iterable[str]) -> Iterable[tuple[KeyPlace, Callable[[], Mapping[str, str]]]]:
        """Every place in order, with what reads it there."""
        yield KeyPlace.ENVIRONMENT, lambda: self._of_environment(account, names)
        if self._ring is not None:
            yield KeyPlace.KEYRING, lambda: self._of_ring(account)
        yield KeyPlace.ENCRYPTED, lambda: self._of_sealed(account)
        yield KeyPlace.FILE, lambda: self._of_file(account)

    def _of_environment(self, account: str, names: Iterable[str]) -> Mapping[str, str]:
        found = {name: tidy(self._environment.get(environment_name(account, name), "")) for name in names}
        return {name: text for name, text in found.items() if text}

    def _of_ring(self, account: str) -> Mapping[str, str]:
        text = self._ring_does(lambda ring: ring.get_password(SERVICE, account))
        return _parts(text) if isinstance(text, str) and text else {}

    def _of_sealed(self, account: str) -> Mapping[str, str]:
        if account not in self.sealed.hints():
            return {}
        return self.sealed.open(account, self._word(new=False))

    def _of_file(self, account: str) -> Mapping[str, str]:
        fields = self._file().get(account, {})
        return {} if fields.get(_RINGED) else fields

    def _word(self, *, new: bool) -> str:
        """The passphrase: of the environment, or asked for once."""
        if not self._passphrase:
            said = self._environment.get(PASSPHRASE, "")
            if not said and self._ask is None:
                raise ConfigError(f"{self.sealed.path} is encrypted: set {PASSPHRASE} or start from a terminal")
            self._passphrase = said or (self._ask(new) if self._ask is not None else "")
            hold([self._passphrase])
        return self._passphrase

    def _ring_does(self, act: Callable[[ModuleType], object]) -> object:
        """Ask the keyring; ConfigError in one line when it will not."""
        if self._ring is None:
            raise ConfigError("there is no keyring here: install the 'keyring' package, or choose a file")
        try:
            return act(self._ring)
        except Exception as error:  # noqa: BLE001 - each backend has errors of its own
            name = type(error).__name__
            raise ConfigError(f"the keyring refused ({name}): unlock it, or keep the key in a file") from None

    def _write_plain(self, account: str, fields: Mapping[str, str]) -> None:
        write_private(self.path, {**self._file(), account: dict(fields)})

    def _remove_plain(self, account: str) -> bool:
        kept = self._file()
        fields = kept.pop(account, None)
        if fields is None:
            return False
        if fields.get(_RINGED) and self._ring is not None:
            self._ring_does(lambda ring: ring.delete_password(SERVICE, account))
        write_private(self.path, kept)
        return True

    def _file(self) -> dict[str, dict[str, str]]:
        kept = read_private(self.path)
        if not all(isinstance(each, dict) for each in kept.values()):
            raise damaged(self.path)
        return kept


_RINGED = "in the keyring"


def _parts(text: str) -> Mapping[str, str]:
    try:
        kept = json.loads(text)
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        raise ConfigError("the keyring's entry is no key of ours: add the key again")
    return kept


def environment_name(account: str, field: str) -> str:
    """The variable that holds one field: ``JACKBOT_KEY_BINANCE_SECOND_APIKEY``."""
    return f"{VARIABLES}{re.sub('[^a-z0-9]', '_', account).upper()}_{field.upper()}"


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
