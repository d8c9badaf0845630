"""The encrypted file of keys, the shapes of parts, how these are typed or read, how they reach an engine's process."""

import io
import json
import os
import pickle
import pty
import re
import stat
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from jackbot_tui.cli import main
from jackbot_tui.cli.key_input import parts_of_file, read_parts
from jackbot_tui.engine.options import EngineOptions, LiveOptions
from jackbot_tui.execution.live.dialects import all_dialects
from jackbot_tui.execution.live.key_shapes import checked, shape_of, tidy
from jackbot_tui.execution.live.keys import PASSPHRASE, KeyParts, KeyPlace, KeyStore, environment_name
from jackbot_tui.execution.live.sealed_keys import SealedKeys
from jackbot_tui.headless.child import child_environment
from jackbot_tui.headless.job import EngineJob, LogTarget
from jackbot_tui.model.enums import Mode
from jackbot_tui.model.errors import ConfigError, InputError
from jackbot_tui.model.secrets import Concealer, conceal, hold

WANTED = ("apiKey", "secret")
KEY, SECRET = "Ab3" * 21 + "Z", "Xy9" * 21 + "Q"
FIELDS = {"apiKey": KEY, "secret": SECRET}
WORD = "correct horse battery"
CHEAP = 2**4


def store_at(place: Path, word: str = WORD) -> KeyStore:
    return KeyStore(place, {PASSPHRASE: word}, cost=CHEAP)


def pem(private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, word: str = "") -> str:
    sealing = BestAvailableEncryption(word.encode()) if word else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing).decode()


EC_PEM = pem(ec.derive_private_key(0x5EED << 128, ec.SECP256R1()))  # the same in every process that collects the tests
COINBASE = {"apiKey": "organizations/ab-12/apiKeys/cd-34", "secret": EC_PEM}


# ---------------------------------------------------------------------- the encrypted file


def test_an_encrypted_key_is_found_with_its_passphrase_and_shows_nothing(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    assert store.add("binance", FIELDS, KeyPlace.ENCRYPTED) is KeyPlace.ENCRYPTED
    assert store.add("okx/second", {**FIELDS, "password": "pass-phrase"}, KeyPlace.ENCRYPTED) is KeyPlace.ENCRYPTED
    assert stat.S_IMODE(store.sealed.path.stat().st_mode) == 0o600
    found = store_at(tmp_path).find("binance", WANTED)
    assert (found.place, found.fields()) == (KeyPlace.ENCRYPTED, FIELDS)
    written = store.sealed.path.read_text()
    assert not [part for part in (KEY, SECRET, "pass-phrase", WORD) if part in written]
    assert store.list() == [("binance", KeyPlace.ENCRYPTED), ("okx/second", KeyPlace.ENCRYPTED)]


def test_a_wrong_passphrase_opens_and_adds_nothing(tmp_path: Path) -> None:
    store_at(tmp_path).add("binance", FIELDS, KeyPlace.ENCRYPTED)
    before = (tmp_path / "keys.enc").read_bytes()
    wrong = store_at(tmp_path, "another passphrase")
    with pytest.raises(ConfigError, match="not the passphrase"):
        wrong.find("binance", WANTED)
    with pytest.raises(ConfigError, match="not the passphrase"):
        wrong.add("okx", FIELDS, KeyPlace.ENCRYPTED)
    assert (tmp_path / "keys.enc").read_bytes() == before


def test_a_short_passphrase_begins_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too short"):
        store_at(tmp_path, "short").add("binance", FIELDS, KeyPlace.ENCRYPTED)
    assert not list(tmp_path.iterdir())


def test_the_passphrase_is_asked_for_once_and_only_when_it_is_needed(tmp_path: Path) -> None:
    asked: list[bool] = []

    def ask(new: bool) -> str:
        asked.append(new)
        return WORD

    store = KeyStore(tmp_path, {}, ask=ask, cost=CHEAP)
    store.add("binance", FIELDS, KeyPlace.ENCRYPTED)
    store.add("binance/second", FIELDS, KeyPlace.ENCRYPTED)
    assert asked == [True]
    later = KeyStore(tmp_path, {}, ask=ask, cost=CHEAP)
    assert later.locate("binance", WANTED) == (KeyPlace.ENCRYPTED, f"…{KEY[-4:]}")
    assert later.list() and later.remove("binance/second")
    assert asked == [True]
    later.find("binance", WANTED)
    later.find("binance", WANTED)
    assert asked == [True, False]
    with pytest.raises(ConfigError, match=PASSPHRASE):
        KeyStore(tmp_path, {}).find("binance", WANTED)


@pytest.mark.parametrize("change", ["hint", "box", "swapped"])
def test_what_was_changed_in_the_file_is_not_used(tmp_path: Path, change: str) -> None:
    store = store_at(tmp_path)
    store.add("binance", FIELDS, KeyPlace.ENCRYPTED)
    store.add("okx", {"apiKey": SECRET, "secret": KEY}, KeyPlace.ENCRYPTED)
    kept = json.loads(store.sealed.path.read_text())
    row = kept["accounts"]["binance"]
    match change:
        case "hint":
            row["hint"] = "…none"
        case "box":
            row["box"] = "AAAA" + row["box"][4:]
        case _:
            kept["accounts"]["binance"] = kept["accounts"]["okx"]
    store.sealed.path.write_text(json.dumps(kept))
    with pytest.raises(ConfigError, match="was changed"):
        store_at(tmp_path).find("binance", WANTED)


@pytest.mark.parametrize("n", [2**30, "x", 1, None])
def test_a_file_that_asks_for_all_memory_is_not_opened(tmp_path: Path, n: object) -> None:
    store_at(tmp_path).add("binance", FIELDS, KeyPlace.ENCRYPTED)
    path = tmp_path / "keys.enc"
    path.write_text(json.dumps({**json.loads(path.read_text()), "n": n}))
    with pytest.raises(ConfigError, match="no file of keys"):
        SealedKeys(path).open("binance", WORD)


def test_a_key_is_in_one_place_only(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    store.add("binance", FIELDS, KeyPlace.FILE)
    newer = {**FIELDS, "secret": SECRET[::-1]}
    store.add("binance", newer, KeyPlace.ENCRYPTED)
    assert SECRET not in store.path.read_text()
    assert store.find("binance", WANTED).fields() == newer
    store.add("binance", FIELDS, KeyPlace.FILE)
    assert not store.sealed.path.exists(), "with its last account the file goes, and its passphrase"
    assert store.find("binance", WANTED).place is KeyPlace.FILE
    assert store.remove("binance") and not store.remove("binance")


def test_without_a_place_a_key_goes_where_keys_are_encrypted_already(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    assert store.add("binance", FIELDS) is KeyPlace.FILE
    store.add("okx", FIELDS, KeyPlace.ENCRYPTED)
    assert store.add("bybit", FIELDS) is KeyPlace.ENCRYPTED


def test_the_environment_goes_before_the_encrypted_file_and_that_before_the_plain_one(tmp_path: Path) -> None:
    KeyStore(tmp_path, {}).add("binance", {"apiKey": "plain-public-half", "secret": "plain-secret-half"})
    SealedKeys(tmp_path / "keys.enc", CHEAP).seal("binance", FIELDS, "…", WORD)
    assert store_at(tmp_path).find("binance", WANTED).place is KeyPlace.ENCRYPTED
    environment = {environment_name("binance", name): f"environment-{name}" for name in WANTED}
    assert KeyStore(tmp_path, environment).find("binance", WANTED).place is KeyPlace.ENVIRONMENT


def test_a_pem_of_the_environment_may_have_its_lines_escaped(tmp_path: Path) -> None:
    names = {environment_name("coinbase", name): text.replace("\n", "\\n") for name, text in COINBASE.items()}
    assert KeyStore(tmp_path, names).find("coinbase", WANTED).fields() == COINBASE


# ---------------------------------------------------------------------- shapes

GOOD = {
    "binance": FIELDS,
    "coinbase": COINBASE,
    "hyperliquid": {"walletAddress": "0x" + "aB" * 20, "privateKey": "0x" + "c4" * 32},
    "kraken": {"apiKey": "k" * 56, "secret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="},
}
PLAIN = {"apiKey": "public-half-01", "secret": "private-half-02", "password": "my words"}


@pytest.mark.parametrize("venue", sorted(all_dialects()))
def test_every_venue_takes_a_good_key_and_names_each_part_that_is_missing(venue: str) -> None:
    names = all_dialects()[venue].credentials
    good = {name: GOOD.get(venue, PLAIN)[name] for name in names}
    assert checked(venue, venue, names, good) == good
    assert checked(venue, venue, names, {name: f'  "{text}"\n' for name, text in good.items()}) == good
    for name in names:
        assert shape_of(venue, name).words
        with pytest.raises(InputError, match=f"^{name} of {venue} is empty .*nothing was kept$"):
            checked(venue, venue, names, {**good, name: " "})


@pytest.mark.parametrize(
    ("venue", "wrong", "said"),
    [
        ("binance", {"apiKey": KEY[:-1]}, "another form"),
        ("binance", {"secret": KEY}, "the same text"),
        ("binance", {"secret": "two words here"}, "a space"),
        ("binance", {"secret": EC_PEM}, "another kind than RSA or Ed25519"),
        ("okx", {"secret": EC_PEM}, "PEM text, which is not taken there"),
        ("okx", {"secret": "sh0rt"}, "shorter than 8"),
        ("kraken", {"secret": "not base 64!"}, "no Base64"),
        ("kraken", {"secret": "AAAA"}, "too short"),
        ("coinbase", {"apiKey": "3b910e93-0000"}, "organizations/"),
        ("coinbase", {"secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}, "make one with .*ES256"),
        ("coinbase", {"secret": EC_PEM.partition("-----END")[0]}, "-----END is missing"),
        ("coinbase", {"secret": EC_PEM.replace("PRIVATE", "PUBLIC")}, "public half"),
        ("coinbase", {"secret": pem(ec.generate_private_key(ec.SECP256R1()), "word")}, "passphrase of its own"),
        ("coinbase", {"secret": pem(ed25519.Ed25519PrivateKey.generate())}, "another kind than secp256r1"),
        ("coinbase", {"secret": re.sub("[A-Za-z0-9+/]{20}", "A" * 20, EC_PEM, count=2)}, "cannot be read|another kind"),
        ("hyperliquid", {"walletAddress": "ab" * 20}, "0x and 40"),
        ("hyperliquid", {"privateKey": "0x" + "ab" * 20}, "64 hexadecimal"),
    ],
)
def test_a_wrong_part_is_told_in_one_line_without_showing_it(venue: str, wrong: dict[str, str], said: str) -> None:
    names = all_dialects()[venue].credentials
    good = {name: GOOD.get(venue, PLAIN)[name] for name in names}
    with pytest.raises(InputError, match=said) as told:
        checked(venue, venue, names, {**good, **wrong})
    text = str(told.value)
    assert "\n" not in text and "nothing was kept" in text
    assert not [part for part in (*good.values(), *wrong.values()) if part in text]


def test_an_agents_key_is_kept_with_its_prefix_and_a_binance_key_may_be_a_pem() -> None:
    names = all_dialects()["hyperliquid"].credentials
    bare = {**GOOD["hyperliquid"], "privateKey": "c4" * 32}
    assert checked("hyperliquid", "hyperliquid", names, bare) == GOOD["hyperliquid"]
    edwards = pem(ed25519.Ed25519PrivateKey.generate())
    assert checked("binance", "binance", WANTED, {"apiKey": KEY, "secret": edwards})["secret"] == edwards


# ---------------------------------------------------------------------- typed, piped, out of a file


@pytest.mark.parametrize(
    ("venue", "content"),
    [
        ("coinbase", json.dumps({"name": COINBASE["apiKey"], "privateKey": EC_PEM})),
        ("coinbase", json.dumps({"name": COINBASE["apiKey"], "privateKey": EC_PEM.replace("\n", "\\n")})),
        ("coinbase", json.dumps(COINBASE)),
        ("binance", f"# my key\napiKey = {KEY}\nsecret={SECRET}\n"),
    ],
)
def test_a_file_gives_the_parts(tmp_path: Path, venue: str, content: str) -> None:
    path = tmp_path / "given"
    path.write_text(content)
    found = parts_of_file(path, venue, WANTED)
    assert checked(venue, venue, WANTED, found) == (COINBASE if venue == "coinbase" else FIELDS)


@pytest.mark.parametrize(
    ("content", "said"),
    [("nothing of it", "names none of"), ("{broken", "names none of"), ("[1]", "names none of"), (EC_PEM, "has none")],
)
def test_a_file_without_parts_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "given"
    path.write_text(content)
    with pytest.raises(InputError, match=said):
        parts_of_file(path, "hyperliquid", ("walletAddress", "privateKey"))
    with pytest.raises(InputError, match="No such file"):
        parts_of_file(tmp_path / "none", "binance", WANTED)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no text"):
        parts_of_file(tmp_path / "binary", "binance", WANTED)


def test_a_pem_file_gives_the_secret_and_the_rest_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.pem"
    path.write_text(EC_PEM)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{COINBASE['apiKey']}\n"))
    found = read_parts("coinbase", "coinbase", WANTED, path)
    assert {name: tidy(text) for name, text in found.items()} == COINBASE


@dataclass
class Typed:
    """A terminal on which somebody types; ``shown`` is what came back to the eye."""

    shown: str
    echo_before: bool
    echo_after: bool


def test_a_pasted_pem_is_read_whole_and_not_echoed(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    try:
        os.write(master, b"")
        before = bool(termios.tcgetattr(slave)[3] & termios.ECHO)
        with os.fdopen(os.dup(slave), "r") as terminal:
            monkeypatch.setattr("sys.stdin", terminal)
            seen: list[bool] = []

            def typing(text: str) -> None:
                """The paste comes when echo is off, all of it at once."""
                if not seen:
                    os.write(master, f"{COINBASE['apiKey']}\n{EC_PEM}".encode())
                seen.append(bool(termios.tcgetattr(slave)[3] & termios.ECHO))

            monkeypatch.setattr(
                sys, "stderr", type("Prompts", (), {"write": staticmethod(typing), "flush": lambda _: 0})()
            )
            found = read_parts("coinbase", "coinbase", WANTED, None)
        assert {name: tidy(text) for name, text in found.items()} == COINBASE
        assert seen and not any(seen)
        assert before and termios.tcgetattr(slave)[3] & termios.ECHO
        os.set_blocking(master, False)
        with pytest.raises(BlockingIOError):
            os.read(master, 4096)
    finally:
        os.close(master)
        os.close(slave)


def test_an_unfinished_pem_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{COINBASE['apiKey']}\n{EC_PEM.partition('-----END')[0]}"))
    with pytest.raises(InputError, match="no line with -----END"):
        read_parts("coinbase", "coinbase", WANTED, None)


def test_the_command_encrypts_lists_and_refuses_wrong_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("jackbot_tui.cli.keys.keyring_module", lambda: None)
    monkeypatch.setattr("jackbot_tui.execution.live.sealed_keys.COST", CHEAP)
    place = ["--data-dir", str(tmp_path / "data")]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n{SECRET}\n"))
    assert main(["keys", "add", "binance", "--place", "encrypted", *place]) == 2, "nobody can be asked"
    monkeypatch.setenv(PASSPHRASE, WORD)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n{KEY}\n"))
    assert main(["keys", "add", "binance", "--place", "encrypted", *place]) == 2
    assert not list((tmp_path / "data").iterdir())
    source = tmp_path / "coinbase.json"
    source.write_text(json.dumps({"name": COINBASE["apiKey"], "privateKey": EC_PEM}))
    assert main(["keys", "add", "coinbase", "--place", "encrypted", "--from", str(source), *place]) == 0
    monkeypatch.delenv(PASSPHRASE)
    assert main(["keys", "list", *place]) == 0
    said = capsys.readouterr()
    assert "coinbase  encrypted  …s/cd-34"[-20:-7] in said.out
    assert "delete that file" in said.out
    assert f"set {PASSPHRASE}" in said.err and "the same text" in said.err
    for part in (KEY, SECRET, WORD, *EC_PEM.splitlines()[1:-1]):
        assert part not in said.out + said.err


# ---------------------------------------------------------------------- on the way to the engine


def a_job(place: Path) -> EngineJob:
    return EngineJob(
        name="live-binance",
        options=EngineOptions(
            mode=Mode.LIVE,
            venue="binance",
            symbols=["BTC/USDT"],
            live=LiveOptions(account="binance", keys=place, given=KeyParts(FIELDS)),
        ),
        log=LogTarget(path=place / "log", to_stdout=False, level="info", max_bytes=1000, keep=1),
    )


def test_a_job_with_a_key_shows_it_nowhere_and_is_pickled_only_without_it(tmp_path: Path) -> None:
    job = a_job(tmp_path)
    assert not [text for text in (repr(job), str(job.options.live), f"{job}") if KEY in text or SECRET in text]
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(job)
    bare, parts = job.without_key()
    pickled = pickle.dumps(bare)
    assert KEY.encode() not in pickled and SECRET.encode() not in pickled
    arrived: EngineJob = pickle.loads(pickled)
    assert arrived.key_follows
    whole = arrived.with_key(parts)
    assert whole.options.live is not None and whole.options.live.given == FIELDS
    assert not whole.key_follows and KEY not in repr(whole)
    keyless = replace(job, options=replace(job.options, live=None))
    assert keyless.without_key() == (keyless, {})


def test_a_child_inherits_neither_keys_nor_their_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment_name("binance", "secret"), SECRET)
    monkeypatch.setenv(PASSPHRASE, WORD)
    monkeypatch.setenv("JACKBOT_LIVE__VENUES", "binance")
    given = child_environment()
    assert SECRET not in given.values() and WORD not in given.values()
    assert given["JACKBOT_LIVE__VENUES"] == "binance"


@pytest.mark.parametrize(("word", "said"), [("", f"set {PASSPHRASE}"), ("another passphrase", "not the passphrase")])
def test_a_live_engine_does_not_start_without_the_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str, said: str
) -> None:
    monkeypatch.setattr("jackbot_tui.cli.engines.keyring_module", lambda: None)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setenv("JACKBOT_LIVE__VENUES", "binance")
    monkeypatch.setenv(PASSPHRASE, word)
    store_at(tmp_path).add("binance", FIELDS, KeyPlace.ENCRYPTED)
    assert main(["run", "--live", "binance", "--no-ui", "--data-dir", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1
    assert not list(tmp_path.rglob("*.sqlite3"))


def test_the_engine_that_is_started_gets_the_key_of_the_encrypted_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jackbot_tui.cli.engines.keyring_module", lambda: None)
    monkeypatch.setenv("JACKBOT_LIVE__VENUES", "binance")
    monkeypatch.setenv(PASSPHRASE, WORD)
    store_at(tmp_path).add("binance", FIELDS, KeyPlace.ENCRYPTED)
    jobs: list[EngineJob] = []

    def alone(job: EngineJob) -> int:
        jobs.append(job)
        return 0

    monkeypatch.setattr("jackbot_tui.cli.engines._run_alone", alone)
    assert main(["run", "--live", "binance", "--no-ui", "--data-dir", str(tmp_path)]) == 0
    live = jobs[0].options.live
    assert live is not None and live.given == FIELDS
    assert KEY not in repr(jobs[0])


# ---------------------------------------------------------------------- out of every text


@pytest.mark.parametrize(
    "text",
    [
        f"secret {SECRET}",
        json.dumps({"pem": EC_PEM}),
        f"line {EC_PEM.splitlines()[1]} alone",
        f"https://x/?k={SECRET}",
        "password=p%40ss%20phrase",
        "header cEBzcyBwaHJhc2U=",
        "key " + "c4" * 32,
        repr(EC_PEM),
    ],
)
def test_a_secret_is_found_in_every_form(text: str) -> None:
    hidden = Concealer([SECRET, EC_PEM, "p@ss phrase", "0x" + "c4" * 32])(text)
    assert hidden != text and "***" in hidden
    bits = (SECRET, "p%40ss", "cEBzcy", "c4c4", *EC_PEM.splitlines()[1:-1])
    assert not [part for part in bits if len(part) > 3 and part in hidden]


def test_numbers_are_hidden_whole_and_short_texts_not_at_all() -> None:
    hide = Concealer(["123456", "abc", ""])
    assert hide("uid 123456, order 91234567, abc") == "uid ***, order 91234567, abc"


def test_what_the_process_holds_leaves_no_log_line_and_no_crash_file() -> None:
    hold(["a-text-that-only-this-test-holds"])
    assert conceal("said a-text-that-only-this-test-holds twice") == "said *** twice"
