"""Pages that code can print: commands, keys, refusals, settings. ``make docs`` writes them, a test compares them.

Run as ``python -m jackbot_tui.docgen docs``. Nothing here is written by hand about what code knows; hand-written text
of docs/CONFIGURATION.md stands around a marked part.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from jackbot_tui.model.errors import InputError

BEGIN, END = "<!-- generated from the settings model by make docs: begin -->", "<!-- generated: end -->"


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
    """docs/IMPLEMENTATION_STATUS.md, from the venues' specs and the conformance results."""
    from jackbot_tui.venues.matrix import status_page as page

    return page()


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

    head, begin, rest = present.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise InputError(f"docs/CONFIGURATION.md has lost its marks: {BEGIN} … {END}")
    return f"{head}{BEGIN}\n\n{template.reference_tables()}\n{END}{tail}"


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
CONFIGURATION = "docs/CONFIGURATION.md"


def pages(root: Path) -> dict[str, str]:
    """Every generated page by its path below ``root``, as it should be now."""
    made = {path: make() for path, make in WHOLE_PAGES.items()}
    made[CONFIGURATION] = configuration_page((root / CONFIGURATION).read_text())
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
