"""``jackbot venues`` and ``jackbot doctor``: what they say of specs, results, a healthy gateway and a dead network."""

import ast
import socket
from pathlib import Path

import msgspec
import pytest

from jackbot_tui.cli import doctor, main
from jackbot_tui.execution.live import table
from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.venues import VENUES, load_spec, matrix
from jackbot_tui.venues.conformance import (
    Aspect,
    Feature,
    Judged,
    MarketResults,
    Outcome,
    encode,
    known_results,
    merged,
    read_results,
)
from tests.conftest import JUDGE, JUDGED, NOTE, Recorder


def test_every_market_of_every_venue_has_a_row_and_missing_ones_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["venues", "--json"]) == 0
    tables = msgspec.json.decode(capsys.readouterr().out)
    assert len(tables["status"]) == len(VENUES) * len(MarketKind)
    assert len(tables["trading"]) == len(tables["ccxt with a key"]) == len(tables["streams"])
    assert len(tables["streams"]) == sum(len(load_spec(venue).markets) for venue in VENUES)
    for row in tables["status"]:
        spec = next(load_spec(venue) for venue in VENUES if load_spec(venue).title == row["venue"])
        if MarketKind(row["market"]) not in spec.markets:
            assert row["status"] == f"no: {spec.unsupported[MarketKind(row['market'])]}"


def test_the_table_fits_words_and_the_markdown_has_both_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["venues"]) == 0
    assert "Binance" in capsys.readouterr().out
    assert main(["venues", "--markdown"]) == 0
    text = capsys.readouterr().out
    assert "# Implementation status" in text and "# Book streams" in text


def test_supported_means_every_aspect_tried_and_nothing_failed() -> None:
    green = {aspect: Outcome(passed=1) for aspect in Aspect}
    assert MarketResults("binance", MarketKind.SPOT, green).supported
    assert not MarketResults("binance", MarketKind.SPOT, green | {Aspect.CCXT: Outcome(skipped=1)}).supported
    assert not MarketResults("binance", MarketKind.SPOT, green | {Aspect.BOOK: Outcome(passed=9, failed=1)}).supported
    assert not MarketResults("binance", MarketKind.SPOT, {Aspect.BOOK: Outcome(passed=1)}).supported
    assert Outcome(passed=9, failed=1).text == "1 of 10 FAILED" and Outcome(passed=3, skipped=1).text == "3+"


def test_results_are_written_in_one_order() -> None:
    one = MarketResults("okx", MarketKind.SPOT, {Aspect.BOOK: Outcome(passed=1)}, 100)
    two = MarketResults("binance", MarketKind.LINEAR, {})
    assert encode([one, two]) == encode([two, one])
    assert msgspec.json.decode(encode([one, two]), type=list[MarketResults]) == [two, one]


def test_a_run_of_some_aspects_leaves_the_others_figures(tmp_path: Path) -> None:
    book, live, one = Outcome(passed=1), Outcome(passed=7), Outcome(passed=3, skipped=1, reasons=["why"])
    before = [
        MarketResults("okx", MarketKind.SPOT, {Aspect.BOOK: book, Aspect.LIVE: one}, 100, {}, {}, {Feature.FOK: "yes"}),
        MarketResults("okx", MarketKind.LINEAR, {Aspect.BOOK: book}, 200),
    ]
    judged = {Judged.AMEND: "no"}
    found = [
        MarketResults("okx", MarketKind.SPOT, {Aspect.LIVE: live, Aspect.PRIVATE: one}, 0, judged, {"amend": "never"}),
        MarketResults("kraken", MarketKind.SPOT, {Aspect.BOOK: one}, 50),
    ]
    path = tmp_path / "results.json"
    path.write_bytes(encode(merged(before, found)))
    results = {(each.venue, each.kind): each for each in read_results(path)}
    assert results["okx", MarketKind.LINEAR] == before[1] and results["kraken", MarketKind.SPOT] == found[1]
    spot = results["okx", MarketKind.SPOT]
    assert spot.aspects == {Aspect.BOOK: book, Aspect.LIVE: live, Aspect.PRIVATE: one}
    assert (spot.level_changes, spot.judged, spot.without) == (100, judged, {"amend": "never"})
    assert spot.features == {Feature.FOK: "yes"}
    again = merged([spot], [MarketResults("okx", MarketKind.SPOT, {Aspect.BOOK: one}, 300)])
    assert (again[0].level_changes, again[0].judged) == (300, judged)
    assert read_results(tmp_path / "none.json") == []


def test_a_run_that_was_broken_off_changes_no_figures(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    kept = MarketResults("kraken", MarketKind.LINEAR, {Aspect.BOOK: Outcome(passed=1)}, 100)
    path.write_bytes(encode([kept]))
    recorder = Recorder(path)
    noted = [(NOTE, "private kraken linear"), (JUDGE, Judged.STREAMS.value), (Feature.FOK.value, "yes")]
    for outcome, why in (("passed", None), ("skipped", ("file", 1, "Skipped: no such stream"))):
        report = pytest.TestReport("id", ("file", 1, "test"), {}, outcome, why, "call", user_properties=noted)  # type: ignore[arg-type]
        recorder.pytest_runtest_logreport(report)
    recorder.pytest_sessionfinish(pytest.ExitCode.INTERRUPTED)
    assert read_results(path) == [kept]
    recorder.pytest_sessionfinish(pytest.ExitCode.OK)
    (found,) = read_results(path)
    assert found.aspects[Aspect.BOOK] == Outcome(passed=1)
    assert found.aspects[Aspect.PRIVATE] == Outcome(passed=1, skipped=1, reasons=["no such stream"])
    assert (found.judged[Judged.STREAMS], found.features) == ("no", {Feature.FOK: "yes"})
    assert found.without["times_in_force"].startswith("ccxt drops IOC")


def test_every_test_of_the_judge_has_a_column_and_every_column_a_test() -> None:
    source = (Path(__file__).parents[1] / "conformance" / JUDGE).read_text()
    tests = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.AsyncFunctionDef)}
    assert {name for name in tests if name.startswith("test_")} == set(JUDGED)
    assert sorted(JUDGED.values()) == sorted(Judged)


def test_what_ccxt_was_not_made_to_do_has_a_reason() -> None:
    reasons = {row[:2]: row[2] for row in table.without_rows()}
    silent = [row[:2] for row in table.judged_rows() if {"no", "partly"} & set(row[2:]) and row[:2] not in reasons]
    assert silent == []
    rows = {row[:2]: dict(zip(table.JUDGED_HEAD, row, strict=True)) for row in table.judged_rows()}
    assert rows["Hyperliquid", "spot"][Judged.IN_FORCE] == "partly" and rows["Bybit", "spot"][Judged.IN_FORCE] == "yes"
    assert rows["OKX", "spot"][Judged.CANCEL_ALL] == "no" and rows["OKX", "spot"][Judged.MARGIN] == table.NONE
    assert not any("FAILED" in row or table.NOT_TRIED in row for row in table.judged_rows())


def test_the_trading_table_says_what_the_dialects_do() -> None:
    rows = {row[:2]: dict(zip(table.TRADING_HEAD, row, strict=True)) for row in table.trading_rows()}
    for venue in VENUES:
        spec, dialect = load_spec(venue), load_dialect(venue)
        for kind in spec.markets:
            row = rows[spec.title, kind.value]
            assert (row["amend"] == "yes") is (kind in dialect.amends)
            assert (row["stops"] == "no") is (kind not in dialect.stops)
            assert (row["dead-man"] == "no") is (kind not in dialect.dead_man)
            assert (row["market"] == "yes") is not (dialect.market_buy_by_cost and kind is MarketKind.SPOT)
            assert row["limit"] == row["IOC"] == row["post-only"] == "yes"
            assert table.NOT_TRIED not in row.values(), row
    assert rows["Hyperliquid", "linear"]["FOK"] == "no" and rows["Binance", "linear"]["FOK"] == "yes"
    assert rows["Crypto.com", "linear"]["margin mode"] == "cross"


def test_stored_results_name_real_venues_and_markets() -> None:
    for venue, kind in known_results():
        assert kind in load_spec(venue).markets


async def test_a_healthy_gateway_passes_every_check() -> None:
    async with SimExchange(["BTC/USDT", "BTC/USDT:USDT"]) as sim:
        found = [finding async for finding in doctor.examine("binance", sim.endpoints)]
    assert [finding.line for finding in found if not finding.ok] == []
    assert [finding.check for finding in found] == ["names", "encryption", "listing", "clock", "subscription"] * 2


async def test_a_wrong_clock_is_a_failure_that_says_what_to_do() -> None:
    async with SimExchange(["BTC/USDT"], faults="skew=9s") as sim:
        found = [finding async for finding in doctor.examine("binance", sim.endpoints) if finding.market == "spot"]
    (clock,) = [finding for finding in found if finding.check == "clock"]
    assert not clock.ok and "behind the exchange" in clock.words and "time server" in clock.todo
    assert found[-1].check == "subscription" and found[-1].ok


async def test_a_port_where_nobody_listens_ends_the_checks_of_that_market_with_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        sockets = ("spot.public", "linear.public", "linear.market")
        overrides = {"spot.rest": f"http://{address}", "linear.rest": f"http://{address}"}
        overrides |= dict.fromkeys(sockets, f"ws://{address}")
        found = [finding async for finding in doctor.examine("binance", overrides) if finding.check == "listing"]
    assert len(found) == 2 and not any(finding.ok for finding in found)
    assert all("refused" in finding.words and "\n" not in finding.line for finding in found)


def test_a_venue_that_is_not_known_is_refused_before_anything_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--venue", "binanse"]) != 0
    assert "did you mean binance?" in capsys.readouterr().err


def test_unsupported_markets_are_told_with_the_reason() -> None:
    rows = [row for row in matrix.status_rows() if row[2].startswith("no: ")]
    assert all(len(row[2]) > 10 for row in rows)
