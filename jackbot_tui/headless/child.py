"""How this program starts itself again as a child: same interpreter, same package, nothing picked up from the directory
it happens to stand in."""

import os
import sys
from pathlib import Path

import jackbot_tui


def module_command(module: str) -> list[str]:
    """Arguments that run ``module`` of this package. ``-P`` keeps the current directory off the import path."""
    return [sys.executable, "-P", "-m", module]


def child_environment() -> dict[str, str]:
    """Ours, with the place this package was loaded from first, so that parent and child are always the same version."""
    own = str(Path(jackbot_tui.__file__).resolve().parent.parent)
    rest = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{own}{os.pathsep}{rest}" if rest else own}
