"""Files of keys: JSON that only its owner can read, written whole or not at all."""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jackbot_tui.model.errors import ConfigError


def read_private(path: Path) -> dict[str, Any]:
    """What the file holds, nothing when there is none. ConfigError when others can read it or it is damaged."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return {}
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{path} can be read by others: run 'chmod 600 {path}'")
    try:
        kept = json.loads(path.read_text())
    except ValueError:
        raise damaged(path) from None
    if not isinstance(kept, dict):
        raise damaged(path)
    return kept


def write_private(path: Path, kept: Mapping[str, Any]) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(kept, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def damaged(path: Path) -> ConfigError:
    return ConfigError(f"{path} is no file of keys: move it away and add the keys again")
