"""``--conformance-report FILE``: what the run found, by venue, market kind and aspect, for the feature matrix."""

import decimal
import os
import re
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import settings

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues import VENUES, load_spec
from jackbot_tui.venues.conformance import (
    FAILED,
    NO,
    YES,
    Aspect,
    Feature,
    Judged,
    MarketResults,
    Outcome,
    encode,
    merged,
    read_results,
)

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")  # the same examples in each run: new ones are searched for at the desk and in soaks

NOTE = "conformance"
WHOLE_FILES = (
    (re.compile(r"unit/test_([a-z]+)_(?:codec|quirks)\.py"), Aspect.DOCUMENTS),
    (re.compile(r"recorded/test_([a-z]+?)(?:_replay)?\.py"), Aspect.RECORDINGS),
    (re.compile(r"conformance/test_private_([a-z]+)\.py"), Aspect.PRIVATE),
    (re.compile(r"conformance/test_live_([a-z]+)\.py"), Aspect.LIVE),
)
PARAMETRISED = {
    "test_gateway_books.py": Aspect.BOOK,
    "test_gateway_faults_one.py": Aspect.FAULTS,
    "test_gateway_faults_two.py": Aspect.FAULTS,
    "test_gateway_faults_three.py": Aspect.FAULTS,
    "test_gateway_reconnect.py": Aspect.RECONNECT,
    "test_gateway_ccxt.py": Aspect.CCXT,
    "test_private_ccxt.py": Aspect.PRIVATE,
    "test_live_venues.py": Aspect.LIVE,
    "test_live_features.py": Aspect.LIVE,
    "test_live_stops.py": Aspect.LIVE,
    "test_live_drills.py": Aspect.LIVE,
}
JUDGE = "test_private_ccxt.py"
JUDGED = {
    "test_balances_are_the_ledgers": Judged.BALANCE,
    "test_a_limit_order_rests_is_found_and_canceled": Judged.LIMIT,
    "test_an_order_is_found_by_its_id": Judged.BY_ID,
    "test_a_market_order_fills_and_is_in_the_history": Judged.MARKET,
    "test_a_partial_fill_is_told_and_the_rest_canceled": Judged.PARTIAL,
    "test_cancel_all_leaves_nothing_open": Judged.CANCEL_ALL,
    "test_an_order_is_amended": Judged.AMEND,
    "test_a_client_id_is_kept_and_not_taken_twice": Judged.CLIENT_ID,
    "test_times_in_force_and_post_only": Judged.IN_FORCE,
    "test_what_rules_and_money_forbid_is_refused": Judged.REFUSALS,
    "test_a_key_that_may_only_read_cannot_trade": Judged.READER,
    "test_a_wrong_secret_is_refused": Judged.SECRET,
    "test_leverage_margin_mode_and_position": Judged.MARGIN,
    "test_private_streams_tell_orders_trades_and_balances": Judged.STREAMS,
    "test_another_accounts_orders_are_not_told": Judged.APART,
}
"""What each test of the judge stands for in its table."""


@pytest.fixture(autouse=True)
def own_decimal_context() -> None:
    """ccxt changes the rounding of the thread's decimal context (``decimal_to_precision``): no test inherits that."""
    decimal.setcontext(decimal.Context())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--conformance-report", type=Path, metavar="FILE", help="write the conformance results there")


def pytest_configure(config: pytest.Config) -> None:
    path: Path | None = config.getoption("--conformance-report")
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(path))


def tried(item: pytest.Item) -> tuple[Aspect, str, tuple[MarketKind, ...]] | None:
    """Which aspect of which venue's markets a test tries; None for all others."""
    name = item.path.as_posix()
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    for pattern, aspect in WHOLE_FILES:
        found = pattern.search(name)
        if found is not None and found[1] in VENUES:
            kind = parameters.get("kind") if aspect in (Aspect.PRIVATE, Aspect.LIVE) else None
            return aspect, found[1], (kind,) if isinstance(kind, MarketKind) else tuple(load_spec(found[1]).markets)
    parametrised = PARAMETRISED.get(item.path.name)
    if parametrised is None or "venue" not in parameters:
        return None
    if "kind" not in parameters:  # drills trade on all of a venue's markets at once
        return parametrised, parameters["venue"], tuple(load_spec(parameters["venue"]).markets)
    return parametrised, parameters["venue"], (parameters["kind"],)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Note on each report what it tries, in plain words that workers can send."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    subject = tried(item)
    if subject is not None and (report.when == "call" or not report.passed):
        aspect, venue, kinds = subject
        report.user_properties.append((NOTE, " ".join((aspect.value, venue, *(kind.value for kind in kinds)))))
        if item.path.name == JUDGE:
            report.user_properties.append((JUDGE, JUDGED[item.originalname].value))  # type: ignore[attr-defined]


class Recorder:
    """Counts the reports of all workers and writes the results at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._results: dict[tuple[str, MarketKind], MarketResults] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        noted = dict(report.user_properties)
        if NOTE not in noted:
            return
        aspect, venue, *kinds = str(noted[NOTE]).split()
        for kind in map(MarketKind, kinds):
            results = self._results.setdefault((venue, kind), MarketResults(venue, kind, {}))
            counted = results.aspects.setdefault(Aspect(aspect), Outcome())
            _count(counted, report)
            results.level_changes = max(results.level_changes, int(str(noted.get("level_changes", 0))))
            if JUDGE in noted:
                outcome = YES if report.passed else NO if report.skipped else FAILED
                results.judged[Judged(str(noted[JUDGE]))] = outcome
                results.without = _without(venue, kind)
            results.features |= {each: str(noted[each.value]) for each in Feature if each.value in noted}

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """A run that was broken off changes nothing."""
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            self._path.write_bytes(encode(merged(read_results(self._path), self._results.values())))


def _without(venue: str, kind: MarketKind) -> dict[str, str]:
    """What ccxt cannot do there and why, by part of a scenario."""
    reasons: dict[str, str] = import_module(f"tests.ccxt_private.{venue}").WITHOUT
    parts = {tuple(name.split(":")): reason for name, reason in reasons.items()}
    return {part: reason for (part, where), reason in parts.items() if where == kind.value}


def _count(counted: Outcome, report: pytest.TestReport) -> None:
    if report.passed:
        counted.passed += 1
    elif report.failed:
        counted.failed += 1
    else:
        counted.skipped += 1
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
        if reason and reason not in counted.reasons:
            counted.reasons.append(reason)
