"""``jackbot journal``: what it prints, what it exports, and the one line it answers to nonsense."""

import csv
import io
import json
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from jackbot_tui.journal.command import instant_ns, main
from jackbot_tui.journal.export import export_period
from jackbot_tui.journal.report import Filter
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Side
from jackbot_tui.model.errors import InputError, JournalError
from jackbot_tui.model.orders import OrderRejected
from jackbot_tui.model.records import CommandReceived, FundingApplied, Note, OrderSubmitted
from tests.journal_world import BTC, DAY, ETH, NOON, client_id, filled, open_journal, order, traded, write_journal

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal.sqlite3"
    await write_journal(
        path,
        [
            *traded(1, Side.BUY, "2", "100.5", NOON, fee="0.1", tag="pull"),
            *traded(2, Side.SELL, "2", "101", NOON + NS_PER_S, fee="-0.02"),
            *traded(3, Side.BUY, "1", "50", NOON + DAY, key=ETH),
            OrderSubmitted(NOON + DAY, replace(order(4, ts=NOON + DAY), tag="=cmd|' /C calc'!A0", owner="bot\x1b[2J")),
            OrderRejected(client_id(4), NOON + DAY, "-1", 'says "no", twice'),
            FundingApplied(NOON + DAY, ETH, *(filled(1).fee,) * 3, filled(1).price),
        ],
    )
    return path


@pytest.fixture
def run(path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str) -> tuple[int, str, str]:
        status = main(words, journal=path, now_ns=NOON + 2 * DAY)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_orders_as_a_table(run: Run) -> None:
    status, out, err = run("orders")
    heading, *lines = out.splitlines()
    assert (status, err, len(lines)) == (0, "", 4)
    assert heading.split()[:6] == ["number", "time", "key", "side", "type", "quantity"]
    assert lines[0].split()[:7] == ["1", "2024-10-04T12:00:00.000Z", BTC, "buy", "limit", "2", "100.5"]


def test_control_characters_do_not_reach_the_terminal(run: Run) -> None:
    assert "\x1b" not in run("orders")[1]
    assert "bot?[2J" in run("orders")[1]


def test_csv_is_exact_and_harmless(run: Run) -> None:
    _, out, _ = run("orders", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["number"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[3]["tag"] == "'=cmd|' /C calc'!A0"
    assert rows[3]["reason"] == 'says "no", twice'
    assert rows[1]["fees"] == "USDT -0.02"
    fills = list(csv.DictReader(io.StringIO(run("fills", "--format", "csv")[1])))
    assert [(row["fee"], row["realized"], row["position"]) for row in fills] == [
        ("0.1", "0", "2"),
        ("-0.02", "1", "0"),
        ("0", "0", "1"),
    ]


def test_json_is_an_array_of_objects_with_amounts_as_text(run: Run) -> None:
    rows = json.loads(run("trades", "--format", "json")[1])
    assert [(row["side"], row["in"], row["out"], row["net"], row["tags"]) for row in rows] == [
        ("long", "100.5", "101", "0.92", "pull"),
        ("long", "50", None, "100", ""),
    ]
    assert json.loads(run("orders", "--format", "json", "--status", "open")[1]) == []


@pytest.mark.parametrize("what", ["orders", "fills", "funding", "positions", "daily", "trades", "stats", "log"])
def test_every_sheet_has_every_format(run: Run, what: str) -> None:
    status, table, _ = run(what)
    assert status == 0
    heading = table.splitlines()[0].split()
    as_json = json.loads(run("export", what, "--format", "json")[1])
    as_csv = list(csv.DictReader(io.StringIO(run("export", what)[1])))
    assert as_json and len(as_json) == len(as_csv)
    assert set(heading) <= set(as_json[0])
    assert list(as_json[0]) == list(as_csv[0])


def test_daily_by_day_and_by_symbol(run: Run) -> None:
    days = json.loads(run("daily", "--format", "json")[1])
    assert [(row["day"], row["currency"], row["fills"], row["net"]) for row in days] == [
        ("2024-10-04", "USDT", 2, "0.92"),
        ("2024-10-05", "USDT", 1, "100"),
    ]
    rows = json.loads(run("daily", "--by-symbol", "--day", "2024-10-05", "--format", "json")[1])
    assert [(row["day"], row["key"]) for row in rows] == [("2024-10-05", ETH)]


def test_stats_count_all_trades(run: Run) -> None:
    (row,) = json.loads(run("stats", "--format", "json")[1])
    assert (row["trades"], row["win_rate"], row["net"], row["profit_factor"]) == (1, "100.0%", "0.92", None)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["--limit", "1"], [4]),
        (["--symbol", "eth"], [3]),
        (["--order", "#2"], [2]),
        (["--day", "yesterday"], [3, 4]),
        (["--since", "2024-10-05"], [3, 4]),
        (["--until", "2024-10-04T14:00:00+02:00"], []),
        (["--since", "30h"], [3, 4]),
        (["--status", "rejected"], [4]),
    ],
)
def test_filters(run: Run, words: list[str], numbers: list[int]) -> None:
    status, out, _ = run("orders", "--format", "json", *words)
    assert (status, [row["number"] for row in json.loads(out)]) == (0, numbers)


def test_an_empty_answer_says_so(run: Run) -> None:
    assert run("orders", "--symbol", "DOGE") == (0, "no orders match\n", "")


async def test_a_table_says_when_it_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "long.sqlite3"
    await write_journal(path, [Note(NOON, "a", str(n)) for n in range(60)])
    assert main(["log"], journal=path) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "(the newest 50; --limit 0 shows all)"
    assert main(["log", "--limit", "0"], journal=path) == 0
    assert len(capsys.readouterr().out.splitlines()) == 61


def test_export_to_a_file_is_private_whole_and_never_replaced_by_accident(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "fills.csv"
    assert run("export", "fills", "--output", str(target)) == (0, f"3 rows of fills written to {target}\n", "")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    status, _, err = run("export", "orders", "--output", str(target))
    assert (status, "exists" in err, "--force" in err) == (2, True, True)
    assert len(target.read_text().splitlines()) == 4
    assert run("export", "orders", "--output", str(target), "--force")[0] == 0
    assert len(target.read_text().splitlines()) == 5
    assert sorted(file.name for file in tmp_path.glob("*fills*")) == ["fills.csv"]


def test_the_day_exports_orders_and_fills(path: Path, tmp_path: Path) -> None:
    start = NOON // DAY * DAY
    files = export_period(path, Filter(since_ns=start, until_ns=start + DAY), tmp_path, "2024-10-04")
    assert [file.name for file in files] == ["2024-10-04-orders.csv", "2024-10-04-fills.csv"]
    assert [len(file.read_text().splitlines()) for file in files] == [3, 3]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "required: WHAT"),
        (["fils"], "invalid choice: 'fils'"),
        (["orders", "--limit", "-1"], "not a whole number"),
        (["orders", "--limit", "९"], "not a whole number"),
        (["orders", "--order", "x"], "not a whole number"),
        (["orders", "--status", "gone"], "invalid choice: 'gone'"),
        (["orders", "--since", "soon"], "'soon' is not a time"),
        (["orders", "--since", "9999-12-31"], "out of range"),
        (["orders", "--since", "1960-01-01"], "out of range"),
        (["orders", "--since", "2024-10-05", "--until", "2024-10-04"], "lies before"),
        (["orders", "--day", "today", "--since", "1h"], "one or the other"),
        (["positions", "--since", "1h"], "does not apply"),
        (["fills", "--status", "open"], "unrecognized arguments"),
        (["export", "nothing"], "invalid choice"),
        (["orders", "--output", "/nowhere/at/all.csv"], "cannot write"),
        (["orders", "--journal", "/nowhere/journal.sqlite3"], "no journal at /nowhere"),
        (["verify", "--journal", "/dev/null"], "no journal at"),
        (["orders", "--journal", "a\0b"], "no journal at"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(run: Run, words: list[str], why: str) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert why in err
    assert err.startswith("jackbot journal: ")
    assert err.count("\n") == 1


def test_without_a_journal_it_asks_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["orders"]) == 2
    assert "--journal" in capsys.readouterr().err


def test_help_is_help(run: Run) -> None:
    status, out, _ = run("--help")
    assert status == 0
    assert all(word in out for word in ("orders", "fills", "verify", "export"))


def test_verify_says_what_it_proved(run: Run, path: Path) -> None:
    status, out, _ = run("verify")
    assert (status, out.splitlines()[0]) == (0, f"{path}: 9 records, no damage, the tables equal a replay of the log")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("UPDATE positions SET quantity = '3' WHERE key LIKE '%BTC%'", "positions: the table has"),
        ("DELETE FROM fills WHERE seq = 2", "fills: the table has"),
        ("INSERT INTO skipped VALUES (1, 'made up')", "skipped: the table has"),
        ("UPDATE switches SET killed = 1", "switches: the table has"),
        ("UPDATE daily SET realized = '2'", "daily: the table has"),
        ("DROP TRIGGER log_keeps_rows; DELETE FROM log WHERE seq = 4", "the log goes from record 3 to 5"),
        ("DROP TRIGGER log_keeps_text; UPDATE log SET body = '{}' WHERE seq = 2", "record 2 of the log cannot be read"),
        ("DROP TRIGGER log_keeps_text; UPDATE log SET ts = 1 WHERE seq = 2", "record 2 of the log is not what"),
    ],
)
def test_verify_finds_every_difference(run: Run, path: Path, damage: str, told: str) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(damage)
    status, out, _ = run("verify")
    assert status == 1
    assert told in out


async def test_it_reads_beside_a_running_engine_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "running.sqlite3"
    journal = await open_journal(path)
    for record in traded(1, Side.BUY, "2", "100.5", NOON):
        journal.append(record)
    await journal.flush()
    assert main(["fills", "--format", "json"], journal=path) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1
    journal.append(CommandReceived(NOON, "ui", "cancel all"))
    await journal.flush()
    assert main(["verify"], journal=path) == 0
    await journal.close()


def test_a_reader_that_goes_away_is_no_error(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from jackbot_tui.journal.command import main;"
        "sys.exit(main(['log', '--format', 'csv'], journal=Path(sys.argv[1])))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(30) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01", 0),
        ("2024-10-04", NOON - DAY // 2),
        ("2024-10-04T12:00", NOON),
        ("2024-10-04T12:00:00.5Z", NOON + NS_PER_S // 2),
        ("2024-10-04T14:00+02:00", NOON),
        ("today", NOON - DAY // 2),
        ("yesterday", NOON - DAY // 2 - DAY),
        ("90m", NOON - 90 * 60 * NS_PER_S),
        ("2w", NOON - 14 * DAY),
        ("999999w", 0),
    ],
)
def test_times(text: str, expected: int) -> None:
    assert instant_ns(text, NOON) == expected


def test_errors_are_of_the_house() -> None:
    with pytest.raises(InputError):
        instant_ns("nan", NOON)
    with pytest.raises(JournalError):
        export_period(Path("/nowhere/j.sqlite3"), Filter(), Path("/nowhere"), "x")
