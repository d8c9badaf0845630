"""API keys: found in order, kept where nobody else can read them, and never in a text."""

import io
import json
import pickle
import stat
import traceback
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import ccxt
import pytest
from msgspec.structs import replace

from jackbot_tui.cli import main
from jackbot_tui.execution.live.dialect import UNPROVEN
from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.execution.live.failures import Redactor
from jackbot_tui.execution.live.keys import Credentials, KeyPlace, KeyStore, environment_name
from jackbot_tui.model.errors import ConfigError

WANTED = ("apiKey", "secret")
KEY, SECRET = "publicHalf" * 6 + "0001", "verySecretHalf" * 4 + "00000002"
FIELDS = {"apiKey": KEY, "secret": SECRET}


def a_ring() -> ModuleType:
    kept: dict[tuple[str, str], str] = {}
    ring = SimpleNamespace(
        get_password=lambda service, name: kept.get((service, name)),
        set_password=lambda service, name, text: kept.__setitem__((service, name), text),
        delete_password=lambda service, name: kept.pop((service, name)),
    )
    return cast(ModuleType, ring)


def test_a_file_of_keys_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    store = KeyStore(tmp_path, {})
    assert store.add("binance", FIELDS) is KeyPlace.FILE
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert store.find("binance", WANTED).fields() == FIELDS
    store.path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        store.find("binance", WANTED)


def test_the_environment_goes_before_the_keyring_and_the_keyring_before_the_file(tmp_path: Path) -> None:
    KeyStore(tmp_path, {}).add("binance", {"apiKey": "of-file", "secret": "of-file"})
    ring = a_ring()
    assert KeyStore(tmp_path, {}, ring).find("binance", WANTED).place is KeyPlace.FILE
    assert KeyStore(tmp_path, {}, ring).add("binance", FIELDS) is KeyPlace.KEYRING
    assert KeyStore(tmp_path, {}, ring).find("binance", WANTED).place is KeyPlace.KEYRING
    assert SECRET not in (tmp_path / "keys.json").read_text()
    environment = {environment_name("binance", name): f"env-{name}" for name in WANTED}
    found = KeyStore(tmp_path, environment, ring).find("binance", WANTED)
    assert (found.place, found.fields()["secret"]) == (KeyPlace.ENVIRONMENT, "env-secret")


def test_a_removed_key_is_gone_from_every_place(tmp_path: Path) -> None:
    ring = a_ring()
    store = KeyStore(tmp_path, {}, ring)
    store.add("binance/second", FIELDS)
    assert store.list() == [("binance/second", KeyPlace.KEYRING)]
    assert store.remove("binance/second")
    assert not store.remove("binance/second")
    with pytest.raises(ConfigError, match="keys add binance/second"):
        store.find("binance/second", WANTED)


@pytest.mark.parametrize("content", ["no json", "[]", '{"binance": "x"}'])
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"keys\.json is no file of keys"):
        KeyStore(tmp_path, {}).find("binance", WANTED)
    assert path.read_text() == content


def test_a_key_without_all_its_fields_says_which_lack(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lacks secret"):
        KeyStore(tmp_path, {environment_name("binance", "apiKey"): KEY}).find("binance", WANTED)


@pytest.mark.parametrize("account", ["", "../x", "Binance", "binance/", "binance/a b"])
def test_what_names_no_account_is_refused(tmp_path: Path, account: str) -> None:
    with pytest.raises(ConfigError, match="names no account"):
        KeyStore(tmp_path, {}).add(account, FIELDS)


def test_credentials_show_neither_half_in_any_text() -> None:
    held = Credentials("binance", KeyPlace.FILE, FIELDS)
    try:
        raise ValueError(f"{held} {held!r} {[held]}")
    except ValueError as error:
        text = "".join(traceback.format_exception(error))
    assert KEY not in text and SECRET not in text
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(held)


def test_what_ccxt_says_is_told_without_keys_and_signatures() -> None:
    error = ccxt.ExchangeNotAvailable(f"binance GET https://x/api?timestamp=1&signature=abc123&k={KEY} {SECRET}")
    told = Redactor(FIELDS.values())(str(error))
    assert told == "binance GET https://x/api ***"
    assert Redactor(())("signature=abcdef0123 listenKey=zzz&x=1") == "signature=*** listenKey=***&x=1"


def test_the_command_keeps_lists_and_removes_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("jackbot_tui.cli.keys.keyring_module", lambda: None)
    place = ["--data-dir", str(tmp_path)]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n{SECRET}\n"))
    assert main(["keys", "add", "binance", *place]) == 0
    assert json.loads((tmp_path / "keys.json").read_text()) == {"binance": FIELDS}
    assert main(["keys", "list", *place]) == 0
    assert main(["keys", "remove", "binance", *place]) == 0
    assert main(["keys", "remove", "binance", *place]) == 2
    said = capsys.readouterr()
    assert "binance  file  …0001" in said.out
    assert "no key for binance" in said.err
    assert KEY not in said.out + said.err and SECRET not in said.out + said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "not allowed: set venues"),
        (["--venue", "okx"], "two exchanges"),
    ],
)
def test_a_live_engine_does_not_start_while_a_lock_is_closed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["run", "--live", "binance", "--no-ui", "--data-dir", str(tmp_path), *words]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.sqlite3"))


@pytest.mark.parametrize(("venue", "said"), [("binance", "no key for binance"), ("okx", "not proven")])
def test_an_allowed_venue_still_wants_a_key_and_a_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], venue: str, said: str
) -> None:
    monkeypatch.setattr("jackbot_tui.cli.engines.keyring_module", lambda: None)
    monkeypatch.setenv("JACKBOT_LIVE__VENUES", "binance, okx")
    unproven = replace(load_dialect("okx"), closed=UNPROVEN)
    monkeypatch.setattr("jackbot_tui.execution.live.dialects.okx.DIALECT", unproven)
    assert main(["run", "--live", venue, "--no-ui", "--data-dir", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
