"""How this program starts itself again as a child: same interpreter, same package, nothing picked up from the directory
it happens to stand in."""

import os
import sys
from pathlib import Path

import jackbot_tui
from jackbot_tui.execution.live.keys import PASSPHRASE, VARIABLES


def module_command(module: str) -> list[str]:
    """Arguments that run ``module`` of this package. ``-P`` keeps the current directory off the import path."""
    return [sys.executable, "-P", "-m", module]


def child_environment() -> dict[str, str]:
    """Ours, with the place this package was loaded from first, so that parent and child are always the same version.

    Keys and the passphrase of keys stay behind: what needs a key gets it on its standard input.
    """
    own = str(Path(jackbot_tui.__file__).resolve().parent.parent)
    rest = os.environ.get("PYTHONPATH")
    ours = {name: text for name, text in os.environ.items() if not name.startswith((VARIABLES, PASSPHRASE))}
    return {**ours, "PYTHONPATH": f"{own}{os.pathsep}{rest}" if rest else own}
