"""The command line: words and their errors, jobs made of options and settings, exit codes, no traceback ever."""

import asyncio
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui import __version__, cli
from jackbot_tui.cli.arguments import COMMANDS, HelpWanted, parse
from jackbot_tui.cli.engines import job_for, settings_for
from jackbot_tui.engine.options import ShutdownPolicy
from jackbot_tui.headless.job import EngineJob
from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.model.clock import ManualClock
from jackbot_tui.model.enums import MarketKind, Mode
from jackbot_tui.model.errors import ConfigError, InputError, JackbotError
from jackbot_tui.settings.places import Places, journal_path, places_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without configuration, engines or data."""
    for name in [name for name in os.environ if name.startswith(("JACKBOT_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def job_of(home: Path, line: str) -> EngineJob:
    options = parse(line.split())
    places = places_of({}, home)
    return job_for(options, settings_for(options, places), places)


@pytest.mark.parametrize(
    ("line", "must_say"),
    [
        ("dmeo", ["'dmeo'", "did you mean demo?", "jackbot --help"]),
        ("--vresion", ["'--vresion'", "jackbot --help"]),
        ("run --symbol BTCUSDT", ["'BTCUSDT'", "BTC/USDT or BTC/USDT:USDT"]),
        ("run --symbol btc/usdt", ["'btc/usdt'", "did you mean BTC/USDT?"]),
        ("run --symbol BTC-PERP", ["'BTC-PERP'", "did you mean BTC/USDT:USDT?"]),
        ("run --symbl BTC/USDT", ["--symbl", "did you mean --symbol?", "jackbot run --help"]),
        ("run extra", ["extra", "jackbot run --help"]),
        ("demo --seed -1", ["--seed", "'-1'", "whole number"]),
        ("demo --for 30", ["--for", "'30'", "30s"]),
        ("demo --for 0s", ["--for", "'0s'"]),
        ("demo --for 1e9d", ["--for"]),
        ("demo --rate fast", ["--rate", "'fast'", "not a number"]),
        ("replay x.gz --venue binance", ["--market"]),
        ("replay x.gz --venue binance --market future", ["future", "'spot', 'linear'"]),
        ("replay x.gz --venue binance --market spot --speed 0", ["--speed", "'0'", "1, 10, max"]),
        ("ctl", ["LINE", "jackbot ctl --help"]),
        ("config chek", ["chek", "'check'"]),
        ("keys extra words", ["extra"]),
    ],
)
def test_a_wrong_word_gives_one_line_with_what_to_write_instead(line: str, must_say: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse(line.split())
    text = str(caught.value)
    assert "\n" not in text
    assert [words for words in must_say if words not in text] == []


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "journal"])
def test_every_command_has_help(command: str) -> None:
    with pytest.raises(HelpWanted) as caught:
        parse([command, "--help"])
    assert f"usage: jackbot {command}" in str(caught.value)


def test_ctl_takes_the_line_as_it_is_with_its_own_options_anywhere() -> None:
    options = parse(["ctl", "buy", "0.5", "@", "bid", "-2t", "--json", "post", "--socket", "sim-binance"])
    assert (options.line, options.json, options.socket) == ("buy 0.5 @ bid -2t post", True, "sim-binance")
    assert parse(["ctl", "--", "--json", "x"]).line == "--json x"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([*COMMANDS, "--symbol", "--for", "--socket", "--json", "--", "-", "30s", "BTC/USDT", "--seed"])
        | st.text(max_size=10),
        max_size=6,
    )
)
def test_random_arguments_are_understood_or_refused_in_one_line(words: list[str]) -> None:
    try:
        parse(words)
    except HelpWanted as text:
        assert "usage" in str(text)
    except InputError as error:
        assert str(error).isprintable() and len(str(error)) < 600


def test_demo_is_a_tied_simulation_with_a_journal(home: Path) -> None:
    job = job_of(
        home, "demo --seed 7 --volatility 2 --rate 0.5 --fault drop=0.1 --symbols BTC/USDT,ETH/USDT:USDT --for 2s"
    )
    options = job.options
    assert job.sim is not None
    assert (job.sim.seed, job.sim.volatility, job.sim.rate, job.sim.fault) == (7, 2.0, 0.5, "drop=0.1")
    assert job.sim.symbols == options.symbols == ["BTC/USDT", "ETH/USDT:USDT"]
    assert (job.name, options.mode, options.run_for_ns, job.tied) == ("sim-binance", Mode.SIM, 2_000_000_000, True)
    assert options.journal_path == home / ".local/share/jackbot/journal/sim-binance.sqlite3"
    assert options.socket_path == home / ".local/state/jackbot/run/sim-binance.sock"
    assert (home / ".local/share/jackbot").stat().st_mode & 0o077 == 0
    assert not job_of(home, "demo --keep").tied


def test_run_lives_on_and_takes_its_limits_from_the_file(home: Path) -> None:
    config = home / "my.toml"
    config.write_text(
        '[session]\nsymbols = ["ETH/USDT"]\nshutdown = "flatten"\n[risk]\nmax_order_notional = 12.5\n'
        '[paper]\nentry_latency_ms = 1.5\n[capture]\nring_mb = 3\n[venues.binance]\nspot_rest = "http://h:1"\n'
    )
    job = job_of(home, f"run --config {config} --data-dir {home / 'd'} --socket /tmp/jackbot-x/y.sock")
    options = job.options
    assert (job.name, options.mode, job.tied, job.sim) == ("paper-binance", Mode.PAPER, False, None)
    assert options.symbols == ["ETH/USDT"] and options.endpoints == {"spot.rest": "http://h:1"}
    assert options.limits.max_order_notional == Decimal("12.5") and options.paper.entry_latency_ns == 1_500_000
    assert options.shutdown is ShutdownPolicy.FLATTEN
    assert options.capture_dir == home / "d/capture/paper-binance" and options.capture_bytes == 3_000_000
    assert options.socket_path == Path("/tmp/jackbot-x/y.sock")
    assert job_of(home, f"run --config {config} --symbol BTC/USDT --symbol ETH/USDT").options.symbols == [
        "BTC/USDT",
        "ETH/USDT",
    ]


def test_replay_keeps_its_journal_in_memory_and_writes_no_captures(home: Path) -> None:
    capture = home / "a.jsonl.gz"
    capture.write_bytes(b"")
    job = job_of(home, f"replay {capture} --venue binance --market linear --speed max --paused")
    assert (job.options.mode, job.options.journal_path, job.options.capture_dir) == (Mode.REPLAY, None, None)
    replay = job.options.replay
    assert replay is not None
    assert (replay.paths, replay.kind, replay.speed, replay.paused) == ([capture], MarketKind.LINEAR, 0.0, True)
    assert job.options.symbols == [] and job.tied


def test_record_writes_its_file_and_offers_no_socket(home: Path) -> None:
    job = job_of(home, f"record {home}/s.jsonl.gz --symbol BTC/USDT --for 1h")
    assert (job.options.record_path, job.options.socket_path) == (home / "s.jsonl.gz", None)
    assert job.options.journal_path is None and job.log.to_stdout


def test_a_venue_that_does_not_exist_is_named_with_the_nearest(home: Path) -> None:
    with pytest.raises(ConfigError, match="nearest binance"):
        job_of(home, "run --venue binanc")


def test_a_missing_capture_is_named_before_anything_starts(home: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.gz: no such capture file"):
        job_of(home, "replay nothing.gz --venue binance --market spot")


# ---------------------------------------------------------------------- the program from outside


def jackbot(home: Path, *words: str, environ: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("JACKBOT_", "XDG_"))}
    return subprocess.run(
        [sys.executable, "-m", "jackbot_tui", *words],
        env={**clean, "HOME": str(home), **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "environ", "code"),
    [
        (["nonsense"], {}, 2),
        (["demo", "--nonsense"], {}, 2),
        (["run"], {"JACKBOT_CONFIG": "/nonexistent/x.toml"}, 2),
        (["run"], {"JACKBOT_RISK__COLLAR_PCT": "wide"}, 2),
        (["demo"], {}, 2),  # no terminal for a screen
        (["attach"], {}, 2),
        (["ctl", "status"], {}, 3),
        (["ctl", "status", "--socket", "nobody"], {}, 3),
        (["ctl", "status", "--socket", "/nonexistent/x.sock"], {}, 3),
        (["watch"], {}, 3),
        (["config", "check", "/nonexistent/x.toml"], {}, 2),
    ],
)
def test_every_failure_is_one_line_and_its_exit_code(
    home: Path, words: list[str], environ: dict[str, str], code: int
) -> None:
    done = jackbot(home, *words, environ=environ)
    assert (done.returncode, done.stdout) == (code, "")
    assert len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr


def test_version_and_help_are_printed(home: Path) -> None:
    assert jackbot(home, "--version").stdout == f"jackbot {__version__}\n"
    overview = jackbot(home).stdout
    assert [command for command in COMMANDS if command not in overview] == []
    assert "paper" in overview


def test_config_commands_show_what_counts_and_where_it_comes_from(home: Path) -> None:
    config = home / "x.toml"
    config.write_text("[risk]\nmax_open_orders = 5\n")
    assert jackbot(home, "config", "check", str(config)).returncode == 0
    shown = json.loads(jackbot(home, "config", "show", "--json", "--config", str(config)).stdout)
    assert shown["risk.max_open_orders"] == {"value": 5, "source": str(config)}
    assert shown["log.level"]["source"] == "built-in"
    text = jackbot(home, "config", "show", environ={"JACKBOT_LOG__LEVEL": "debug"}).stdout
    assert [line.split() for line in text.splitlines() if line.startswith("log.level")] == [
        ["log.level", '"debug"', "environment"]
    ]
    assert str(home) in jackbot(home, "config", "path").stdout
    template = jackbot(home, "config", "template").stdout
    config.write_text(template)
    assert jackbot(home, "config", "check", str(config)).returncode == 0


def test_config_check_names_every_problem_and_exits_with_2(home: Path) -> None:
    config = home / "x.toml"
    config.write_text("[risk]\nmax_open_orders = -5\nmax_orders = 1\n")
    done = jackbot(home, "config", "check", str(config))
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 2


def test_addresses_with_credentials_are_shown_masked(home: Path) -> None:
    secret = {"JACKBOT_VENUES__BINANCE__SPOT_REST": "http://me:hunter2@proxy:1/?token=hunter2"}
    for words in (["config", "show"], ["config", "show", "--json"]):
        out = jackbot(home, *words, environ=secret).stdout
        assert "hunter2" not in out and "proxy:1" in out


def test_a_bug_gives_one_line_and_a_file(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(arguments: list[str]) -> int:
        raise ZeroDivisionError("apiSecret=hunter2")

    monkeypatch.setattr(cli, "_run", broken)
    assert cli.main(["demo"]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "hunter2" not in said
    written = next((home / ".local/state/jackbot/log").iterdir()).read_text()
    assert "ZeroDivisionError" in written and "hunter2" not in written


def test_each_kind_of_error_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from jackbot_tui.model.errors import JournalError, LinkError

    table: list[tuple[BaseException, int]] = [
        (InputError("a"), 2),
        (LinkError("a"), 3),
        (JournalError("a"), 1),
        (JackbotError("a"), 1),
        (KeyboardInterrupt(), 130),
    ]
    for error, code in table:

        def fail(arguments: list[str], raised: BaseException = error) -> int:
            raise raised

        monkeypatch.setattr(cli, "_run", fail)
        assert cli.main(["demo"]) == code
    assert capsys.readouterr().err == "jackbot: a\n" * 4


# ---------------------------------------------------------------------- places


def test_directories_follow_the_environment_and_ignore_relative_values(tmp_path: Path) -> None:
    plain = places_of({}, tmp_path)
    assert plain == Places(
        config_file=tmp_path / ".config/jackbot/config.toml",
        run=tmp_path / ".local/state/jackbot/run",
        run_fallback=tmp_path / ".local/state/jackbot/run",
        state=tmp_path / ".local/state/jackbot",
        data=tmp_path / ".local/share/jackbot",
    )
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    moved = places_of({"XDG_RUNTIME_DIR": str(runtime), "XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "relative"}, tmp_path)
    assert (moved.run, moved.data, moved.config_file) == (runtime / "jackbot", Path("/d/jackbot"), plain.config_file)
    assert places_of({"XDG_RUNTIME_DIR": "/nonexistent/dir"}, tmp_path).run == plain.run


# ---------------------------------------------------------------------- journals


def make_journal(path: Path, changed_s: int) -> None:
    """An empty journal as an engine leaves it, last written at ``changed_s``."""

    async def make() -> None:
        journal = await SqliteJournal.open(path, ManualClock(1))
        await journal.close()

    asyncio.run(make())
    os.utime(path, (changed_s, changed_s))


def test_the_newest_journal_is_shown_and_the_others_are_named(home: Path) -> None:
    data = home / ".local/share/jackbot"
    make_journal(journal_path(data, "sim-binance"), 1_000)
    assert jackbot(home, "journal", "orders").stderr == ""
    make_journal(journal_path(data, "paper-binance"), 2_000)
    done = jackbot(home, "journal", "orders")
    assert done.returncode == 0
    assert done.stderr == "jackbot: journal paper-binance, the newest; others: sim-binance (--journal NAME)\n"
    chosen = jackbot(home, "journal", "orders", "--journal", "sim-binance")
    assert (chosen.returncode, chosen.stderr) == (0, "")
    wrong = jackbot(home, "journal", "orders", "--journal=live-binance")
    assert wrong.returncode == 2 and "live-binance" in wrong.stderr and len(wrong.stderr.splitlines()) == 1


def test_without_a_journal_the_person_is_told_how_one_is_made(home: Path) -> None:
    done = jackbot(home, "journal", "orders")
    assert done.returncode == 2 and "jackbot demo" in done.stderr and len(done.stderr.splitlines()) == 1
    assert jackbot(home, "journal", "--help").returncode == 0


# ---------------------------------------------------------------------- replay as totals


def test_replay_totals_are_one_json_object_on_stdout(home: Path) -> None:
    capture = Path(__file__).resolve().parents[3] / "shared/recorded/binance/spot/btcusdt_20240808.jsonl.gz"
    if not capture.exists():
        assert "CI" not in os.environ, f"{capture} must be there in CI"
        pytest.skip("no recorded exchange data beside the repository")
    done = jackbot(home, "replay", str(capture), "--venue", "binance", "--market", "spot", "--json")
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 1)
    totals = json.loads(done.stdout)
    book = totals["books"]["BTC/USDT"]
    assert (totals["frames"], totals["unknown_frames"]) == (41248, 0)
    assert (book["best_bid"], book["best_ask"]) == (["61685.99000000", "1.00870000"], ["61686.00000000", "2.29327000"])
    assert (book["trade_volume"], book["gaps"], book["state"]) == ("212.03315000", 0, "live")


def test_a_file_that_is_no_capture_is_named_with_its_line(home: Path) -> None:
    capture = home / "notes.txt"
    capture.write_text("hello\n")
    done = jackbot(home, "replay", str(capture), "--venue", "binance", "--market", "spot", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"jackbot: {capture}:1: ") and len(done.stderr.splitlines()) == 1
