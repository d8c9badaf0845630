"""The floors of docs/ARCHITECTURE.md, checked on the source: who may import whom, and what stays light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "jackbot_tui"

FLOORS = {
    "model": 0,
    "book": 1,
    "venues": 2,
    "feeds": 3,
    "journal": 3,
    "execution": 4,
    "risk": 4,
    "algos": 5,
    "engine": 6,
    "desk": 7,
    "link": 8,
    "settings": 9,
    "tui": 9,
    "backtest": 10,
    "headless": 10,
    "cli": 11,
    "docgen": 10,
}
SIDE = "sim"
TOP = {"__init__", "__main__"}

PURE = (
    "model",
    "book",
    "venues",
    "execution",
    "risk",
    "algos",
    "engine.core",
    "engine.market_data",
    "engine.flatten",
    "desk.language",
)
"""The sans-I/O heart: no event loop, no sockets, no files, no processes."""

LIVE_CALLS = tuple(
    f"execution.live.{part}"
    for part in ("client", "connection", "executor", "foreign", "inquiry", "keys", "probe", "session", "sockets")
)
"""The parts of live execution that wait for a venue; what they hear is merged by the pure ones."""

IO_MODULES = {
    "asyncio", "socket", "ssl", "select", "threading", "subprocess", "multiprocessing", "sqlite3", "aiosqlite",
    "aiohttp", "websockets", "requests", "urllib.request", "http.client",
}  # fmt: skip

HEAVY = {
    "aiohttp", "aiosqlite", "ccxt", "numpy", "pandas", "pyarrow", "pydantic", "pydantic_settings", "rich", "textual",
    "uvloop", "websockets",
}  # fmt: skip


def modules() -> dict[str, ast.Module]:
    """Dotted name below the package -> source tree; packages by their own name."""
    found: dict[str, ast.Module] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = ast.parse(path.read_text(), str(path))
    return found


MODULES = modules()


def imports(name: str) -> Iterator[tuple[int, str]]:
    """Line and dotted target of every import in a module, wherever it stands."""
    for node in ast.walk(MODULES[name]):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom():
                assert node.level == 0, f"{name}:{node.lineno}: relative import"
                base = node.module or ""
                for alias in node.names:
                    dotted = f"{base}.{alias.name}"
                    yield node.lineno, dotted if dotted.removeprefix("jackbot_tui.") in MODULES else base


def own_imports(name: str) -> Iterator[tuple[int, str]]:
    """Imports of this package's modules, without the package's name in front."""
    for line, target in imports(name):
        if target.startswith("jackbot_tui."):
            yield line, target.removeprefix("jackbot_tui.")


def room_of(module: str) -> str:
    return module.split(".")[0]


def within(module: str, allowed: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


def test_every_room_has_a_floor() -> None:
    assert {room_of(name) for name in MODULES} - set(FLOORS) - {SIDE} - TOP == set()


def test_a_room_imports_only_from_lower_floors() -> None:
    wrong = [
        f"{name}:{line} imports {target}"
        for name in MODULES
        if room_of(name) in FLOORS
        for line, target in own_imports(name)
        if room_of(target) != room_of(name)
        and not (room_of(target) in FLOORS and FLOORS[room_of(target)] < FLOORS[room_of(name)])
    ]
    assert wrong == []


def test_the_embedded_exchange_knows_only_the_vocabulary_and_the_venues_facts() -> None:
    wrong = [
        f"{name}:{line} imports {target}"
        for name in MODULES
        if room_of(name) == SIDE
        for line, target in own_imports(name)
        if room_of(target) not in (SIDE, "model")
        and target != "venues.base"
        and not (room_of(target) == "venues" and target.endswith(".spec"))
    ]
    assert wrong == []


def test_the_screen_is_a_client_of_the_link() -> None:
    allowed = ("tui", "model", "link", "desk.views", "desk.language", "desk.commands")
    wrong = [
        f"{name}:{line} imports {target}"
        for name in MODULES
        if room_of(name) == "tui"
        for line, target in own_imports(name)
        if not within(target, allowed)
    ]
    assert wrong == []


def test_the_link_sees_only_the_views_of_the_desk() -> None:
    wrong = [
        f"{name}:{line} imports {target}"
        for name in MODULES
        if room_of(name) == "link"
        for line, target in own_imports(name)
        if not within(target, ("link", "model", "desk.views"))
    ]
    assert wrong == []


def test_no_venue_knows_another() -> None:
    folders = {entry.name for entry in (PACKAGE / "venues").iterdir() if entry.is_dir() and entry.name[0] != "_"}
    assert folders
    wrong = [
        f"{name}:{line} imports {target}"
        for name in MODULES
        if name.startswith("venues.") and name.split(".")[1] in folders
        for line, target in own_imports(name)
        if target.startswith("venues.") and target.split(".")[1] in folders - {name.split(".")[1]}
    ]
    assert wrong == []


def test_the_heart_does_no_input_or_output() -> None:
    wrong = [
        f"{name}:{line} imports {target}"
        for name in MODULES
        if within(name, PURE) and not within(name, LIVE_CALLS)
        for line, target in imports(name)
        if target in IO_MODULES or target.split(".")[0] in IO_MODULES | {"textual", "rich", "pydantic", "ccxt"}
    ]
    assert wrong == []


def test_only_the_screen_draws() -> None:
    wrong = [
        f"{name}:{line} imports {target}"
        for name in MODULES
        if room_of(name) != "tui"
        for line, target in imports(name)
        if target.split(".")[0] in ("textual", "rich")
    ]
    assert wrong == []


def test_only_settings_reads_configuration() -> None:
    wrong = [
        f"{name}:{line} imports {target}"
        for name in MODULES
        if room_of(name) != "settings"
        for line, target in imports(name)
        if target.split(".")[0] in ("pydantic", "pydantic_settings", "tomllib") and room_of(name) != "tui"
    ]
    assert wrong == []


def test_modules_say_what_lives_there() -> None:
    silent = [name for name, tree in MODULES.items() if len(ast.get_docstring(tree) or "") < 20]
    assert silent == []


def test_no_module_grows_far_beyond_five_hundred_lines() -> None:
    long = {
        str(path.relative_to(PACKAGE)): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 550
    }
    assert long == {}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in memory of a fresh interpreter after ``statement``."""
    code = f"import sys\n{statement}\nprint('\\n'.join({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import jackbot_tui", set()),
        ("import jackbot_tui.cli\njackbot_tui.cli.main(['--version'])", set()),
        ("import jackbot_tui.cli.arguments", set()),
        ("import jackbot_tui.cli.clients", set()),
        ("import jackbot_tui.link.client", set()),
        ("import jackbot_tui.settings.places", set()),
        ("import jackbot_tui.headless.spawn", set()),
        ("import jackbot_tui.tui.options", set()),
        ("import jackbot_tui.headless.process", {"aiohttp", "aiosqlite", "websockets"}),
        ("import jackbot_tui.sim.__main__", {"aiohttp"}),
    ],
)
def test_what_is_started_often_or_runs_long_loads_nothing_it_does_not_need(statement: str, allowed: set[str]) -> None:
    assert loaded_by(statement) & (HEAVY - allowed) == set()


def test_importing_the_package_loads_only_itself() -> None:
    before = loaded_by("")
    assert loaded_by("import jackbot_tui") - before == {"jackbot_tui"}
