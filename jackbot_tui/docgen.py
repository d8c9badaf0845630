"""Pages that code can print: commands, keys, refusals, settings. ``make docs`` writes them, a test compares them.

Run as ``python -m jackbot_tui.docgen docs``. Nothing here is written by hand about what code knows; hand-written text
of docs/CONFIGURATION.md and docs/LIVE.md stands around marked parts.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from jackbot_tui.model.errors import InputError

END = "<!-- generated: end -->"


def begin_of(source: str) -> str:
    """The mark before a part that is made from ``source``."""
    return f"<!-- generated from {source} by make docs: begin -->"


BEGIN = begin_of("the settings model")


def commands_page() -> str:
    """docs/COMMANDS.md, from the grammar tables."""
    from jackbot_tui.desk.reference import commands_page as page

    return page()


def keys_page() -> str:
    """docs/KEYS.md, from the action registry and the shipped key maps."""
    from jackbot_tui.tui.keys import keys_page as page

    return page()


def risk_page() -> str:
    """docs/RISK.md, from the refusal codes and the limits."""
    from jackbot_tui.risk.refusal import docs_page as page

    return page()


def parents_page() -> str:
    """docs/PARENT_ORDERS.md, from the parameter tables of parent orders."""
    from jackbot_tui.algos.reference import parents_page as page

    return page()


def bands_page() -> str:
    """docs/PRICE_BANDS.md, from the venues' rules and what probes found at the gateways."""
    from jackbot_tui.venues.band_rules import bands_page as page

    return page()


def status_page() -> str:
    """docs/IMPLEMENTATION_STATUS.md, from the venues' specs and dialects and the conformance results."""
    from jackbot_tui.execution.live.table import trading_sections
    from jackbot_tui.venues.matrix import status_page as page

    return page(trading_sections())


def streams_page() -> str:
    """docs/L2_DATA_STREAMS.md, from the venues' specs."""
    from jackbot_tui.venues.matrix import streams_page as page

    return page()


def default_file() -> str:
    """config/jackbot.toml, from the settings model."""
    from jackbot_tui.settings.template import default_file as page

    return page()


def configuration_page(present: str) -> str:
    """docs/CONFIGURATION.md: ``present`` with its marked part made new; InputError when the marks are not there."""
    from jackbot_tui.settings import template

    return _with_part(present, CONFIGURATION, BEGIN, template.reference_tables())


def live_page(present: str) -> str:
    """docs/LIVE.md: ``present`` with the state diagram and the venues' table made new; InputError without the marks."""
    from jackbot_tui.execution.live.table import live_table
    from jackbot_tui.execution.states import state_diagram

    drawn = _with_part(present, LIVE, begin_of("the order state machine"), f"{state_diagram()}\n")
    return _with_part(drawn, LIVE, begin_of("the dialects"), f"{live_table()}\n")


def _with_part(present: str, path: str, begin: str, text: str) -> str:
    head, found, rest = present.partition(begin)
    _, end, tail = rest.partition(END)
    if not found or not end:
        raise InputError(f"{path} has lost its marks: {begin} … {END}")
    return f"{head}{begin}\n\n{text}\n{END}{tail}"


WHOLE_PAGES: dict[str, Callable[[], str]] = {
    "docs/COMMANDS.md": commands_page,
    "docs/KEYS.md": keys_page,
    "docs/RISK.md": risk_page,
    "docs/PARENT_ORDERS.md": parents_page,
    "docs/PRICE_BANDS.md": bands_page,
    "docs/IMPLEMENTATION_STATUS.md": status_page,
    "docs/L2_DATA_STREAMS.md": streams_page,
    "config/jackbot.toml": default_file,
}
CONFIGURATION, LIVE = "docs/CONFIGURATION.md", "docs/LIVE.md"
MARKED_PAGES: dict[str, Callable[[str], str]] = {CONFIGURATION: configuration_page, LIVE: live_page}


def pages(root: Path) -> dict[str, str]:
    """Every generated page by its path below ``root``, as it should be now."""
    made = {path: make() for path, make in WHOLE_PAGES.items()}
    made |= {path: make((root / path).read_text()) for path, make in MARKED_PAGES.items()}
    return made


def main(arguments: list[str]) -> int:
    """Write every page; ``arguments``: the docs directory of the repository."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "ARCHITECTURE.md").is_file():
        sys.stderr.write("usage: python -m jackbot_tui.docgen DOCS, the docs directory of the repository\n")
        return 2
    root = Path(arguments[0]).resolve().parent
    for path, text in pages(root).items():
        (root / path).write_text(text)
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
