"""``--conformance-report FILE``: what the run found, by venue, market kind and aspect, for the feature matrix."""

import decimal
import os
import re
from pathlib import Path

import pytest
from hypothesis import settings

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues import VENUES, load_spec
from jackbot_tui.venues.conformance import Aspect, MarketResults, Outcome, encode

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")  # the same examples in each run: new ones are searched for at the desk and in soaks

NOTE = "conformance"
WHOLE_FILES = (
    (re.compile(r"unit/test_([a-z]+)_(?:codec|quirks)\.py"), Aspect.DOCUMENTS),
    (re.compile(r"recorded/test_([a-z]+?)(?:_replay)?\.py"), Aspect.RECORDINGS),
)
PARAMETRISED = {
    "test_gateway_books.py": Aspect.BOOK,
    "test_gateway_faults_one.py": Aspect.FAULTS,
    "test_gateway_faults_two.py": Aspect.FAULTS,
    "test_gateway_faults_three.py": Aspect.FAULTS,
    "test_gateway_reconnect.py": Aspect.RECONNECT,
    "test_gateway_ccxt.py": Aspect.CCXT,
}


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
    for pattern, aspect in WHOLE_FILES:
        found = pattern.search(name)
        if found is not None and found[1] in VENUES:
            return aspect, found[1], tuple(load_spec(found[1]).markets)
    aspect = PARAMETRISED.get(item.path.name)
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if aspect is None or "venue" not in parameters or "kind" not in parameters:
        return None
    return aspect, parameters["venue"], (parameters["kind"],)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Note on each report what it tries, in plain words that workers can send."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    subject = tried(item)
    if subject is not None and (report.when == "call" or not report.passed):
        aspect, venue, kinds = subject
        report.user_properties.append((NOTE, " ".join((aspect.value, venue, *(kind.value for kind in kinds)))))


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

    def pytest_sessionfinish(self) -> None:
        self._path.write_bytes(encode(list(self._results.values())))


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
