"""Documentation that cannot drift: generated pages are current, links lead somewhere, examples are real commands, and
nothing in the repository names a machine or a package registry."""

import configparser
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackbot_tui import docgen
from jackbot_tui.cli.arguments import HelpWanted, parse
from jackbot_tui.desk.language import SymbolTable
from jackbot_tui.desk.language import parse as parse_line
from jackbot_tui.execution.live.dialects import open_venues
from jackbot_tui.execution.live.table import trading_rows
from jackbot_tui.model.enums import OrderStatus
from jackbot_tui.model.errors import ConfigError, InputError
from jackbot_tui.settings.load import load_settings
from jackbot_tui.venues import load_spec

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
HAND_WRITTEN = [
    ROOT / "README.md",
    *(ROOT / "docs" / name for name in ("FIRST_STEPS.md", "HEADLESS.md", "CONFIGURATION.md")),
]
SYMBOLS = SymbolTable({"binance:BTC/USDT:USDT": "BTCUSDT", "binance:BTC/USDT": "BTCUSDT"})


def committed() -> list[Path]:
    """Text files that belong to the repository."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git work tree")
    suffixes = {".md", ".py", ".toml", ".txt", ".yml", ".yaml", ".service", ".cfg", ".sql", ".tcss", ""}
    return [ROOT / name for name in listed.stdout.split() if Path(name).suffix in suffixes]


@pytest.mark.parametrize("path", [*docgen.WHOLE_PAGES, *docgen.MARKED_PAGES])
def test_generated_pages_are_current(path: str) -> None:
    present = (ROOT / path).read_text()
    made = docgen.WHOLE_PAGES[path]() if path in docgen.WHOLE_PAGES else docgen.MARKED_PAGES[path](present)
    assert present == made, "run: make docs"


def test_the_configuration_page_keeps_the_text_around_its_tables() -> None:
    present = f"before\n{docgen.BEGIN}\nold tables\n{docgen.END}\nafter\n"
    page = docgen.configuration_page(present)
    assert page.startswith("before\n") and page.endswith("after\n")
    assert "old tables" not in page and "max_day_loss" in page
    with pytest.raises(InputError, match="lost its marks"):
        docgen.configuration_page("nothing marked")


def test_the_live_page_names_every_state_every_open_exchange_and_where_rights_are_not_told() -> None:
    page = (ROOT / "docs" / "LIVE.md").read_text()
    drawing = page.partition("## What an order goes through")[2].partition("<!-- generated")[0]
    assert [status.name for status in OrderStatus if status.name not in drawing] == []
    with pytest.raises(InputError, match=r"docs/LIVE\.md has lost its marks"):
        docgen.live_page("nothing marked")
    for venue in open_venues():
        assert f"](live/{venue}.md)" in page, venue
        assert f"\n| {load_spec(venue).title} | " in page.partition("rights to tick")[2], venue
    unsaid = {row[0] for row in trading_rows() if row[-1] == "not told"}
    named = page.partition("**nobody can check")[2].partition("\n\n")[0]
    assert {load_spec(venue).title for venue in open_venues() if load_spec(venue).title in named} == unsaid


def test_commands_and_orders_shown_on_the_live_page_are_ones_that_work() -> None:
    page = (ROOT / "docs" / "LIVE.md").read_text()
    shown = re.findall(r"`jackbot ([^`]+)`", page.replace("\n", " "))
    assert len(shown) > 10
    for line in shown:
        options = parse(shlex.split(line))
        assert options.command != "ctl" or parse_line(options.line, SYMBOLS)
    typed = page.partition("## When something is wrong")[0]
    orders = re.findall(r"`((?:buy|sell|kill|killed|reconcile|live|account)(?: [^`…]*)?)`", typed)
    assert len(orders) > 5
    for line in orders:
        assert parse_line(line, SYMBOLS), line


def test_every_line_that_the_live_page_explains_is_one_that_is_said() -> None:
    table = (ROOT / "docs" / "LIVE.md").read_text().partition("## When something is wrong")[2]
    source = "\n".join(path.read_text() for path in sorted((ROOT / "jackbot_tui").rglob("*.py")))
    said = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert len(said) > 10
    assert [line for line in said if any(part.strip() not in source for part in line.split("…"))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_inside_the_repository_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    broken = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert broken == []


def test_no_file_names_a_registry_or_a_machine() -> None:
    registries = re.compile(r"(?i)(index-url|extra-index|/simple/)")
    machine = re.compile(r"(?<![\w./])/(?:work|root|home/(?!pi\b)\w+|Users/\w+)/")
    wrong = [
        f"{path.relative_to(ROOT)}: {found.group(0)}"
        for path in committed()
        if path != Path(__file__)
        for text in [path.read_text()]
        for found in [registries.search(text) or machine.search(text)]
        if found
    ]
    assert wrong == []


def examples(page: Path) -> Iterator[str]:
    """Lines of code blocks that start ``jackbot``, without the explanation that follows several spaces."""
    for block in re.findall(r"^```\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("jackbot ") and not line.startswith("jackbot journal"):
                yield re.split(r"\s{3,}", line)[0].replace("[FILE …]", "").replace("[--json]", "--json")


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=lambda page: page.name)
def test_every_command_shown_is_one_that_works(page: Path) -> None:
    shown = [line.partition(" > ")[0] for line in examples(page)]
    assert shown, "no example found: has the page changed its shape?"
    for line in shown:
        options = parse(shlex.split(line)[1:])
        if options.command == "ctl" and options.line != "-":
            assert parse_line(options.line, SYMBOLS)


def test_the_mistakes_shown_on_the_configuration_page_are_answered_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[risk]\nmax_order_notionl = 1\nmax_open_orders = -3\n[session]\nsymbols = ["BTCUSDT"]\n')
    with pytest.raises(ConfigError) as caught:
        load_settings([path], {}, {})
    page = (ROOT / "docs" / "CONFIGURATION.md").read_text()
    for line in str(caught.value).replace(f"{tmp_path}/", "").splitlines():
        assert line in page


def test_the_service_unit_starts_a_command_that_exists_and_does_not_retry_wrong_settings() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "config" / "jackbot.service")
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/jackbot")
    assert parse(words).no_ui
    assert unit["Service"]["RestartPreventExitStatus"] == "2"


def test_the_readme_says_that_trading_is_on_paper_until_four_locks_are_opened() -> None:
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert "on paper** unless four locks" in readme and "docs/LIVE.md" in readme
    with pytest.raises(HelpWanted, match="on paper, but for"):
        parse([])
