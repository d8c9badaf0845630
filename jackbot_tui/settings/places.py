"""Where things live on this machine: configuration file, data, logs, engine sockets.

Follows the XDG base directory specification, so nothing is written outside the user's own directories. Light: any
client may import it. It creates directories only in ``private_directory`` and never deletes a file.
"""

import os
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from jackbot_tui.model.errors import InputError, LinkError

JOURNAL_SUFFIX = ".sqlite3"
PROBE_S = 0.5
"""How long a socket may take to accept when we ask who is alive."""


class Places(Struct, frozen=True):
    """Directories of one user. ``run`` holds sockets, ``state`` logs, ``data`` journals and captures."""

    config_file: Path
    run: Path
    run_fallback: Path
    state: Path
    data: Path

    def socket_path(self, name: str) -> Path:
        return self.run / f"{name}.sock"

    def data_directory(self, chosen: str) -> Path:
        """Directory of journals and captures; ``chosen`` is the setting, "" for the usual place."""
        return Path(chosen).expanduser().absolute() if chosen else self.data

    def log_path(self, name: str) -> Path:
        return self.state / "log" / f"{name}.log"


def places_of(environ: Mapping[str, str], home: Path | None = None) -> Places:
    """Directories for this environment. Relative XDG values are ignored, as the specification demands."""
    home = home or Path(environ.get("HOME") or Path.home())

    def base(variable: str, default: Path) -> Path:
        value = environ.get(variable, "")
        return Path(value) if value.startswith("/") else default

    state = base("XDG_STATE_HOME", home / ".local" / "state") / "jackbot"
    runtime = base("XDG_RUNTIME_DIR", Path())
    fallback = state / "run"
    return Places(
        config_file=base("XDG_CONFIG_HOME", home / ".config") / "jackbot" / "config.toml",
        run=runtime / "jackbot" if runtime.is_absolute() and runtime.is_dir() else fallback,
        run_fallback=fallback,
        state=state,
        data=base("XDG_DATA_HOME", home / ".local" / "share") / "jackbot",
    )


def journal_path(data: Path, name: str) -> Path:
    """Journal of the engine called ``name``."""
    return data / "journal" / f"{name}{JOURNAL_SUFFIX}"


def private_directory(path: Path) -> Path:
    """``path``, made if needed, readable by its owner alone; InputError when it is somebody else's."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        info = path.stat()
    except OSError as error:
        raise InputError(f"directory {path} cannot be used: {error.strerror}; choose another with --data-dir") from None
    if info.st_uid != os.geteuid():
        raise InputError(f"directory {path} belongs to another user: remove it or choose another")
    if stat.S_IMODE(info.st_mode) & 0o077:
        path.chmod(0o700)
    return path


def is_listening(path: Path) -> bool:
    """Whether somebody accepts connections on this Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def running_engines(places: Places) -> list[Path]:
    """Sockets of this user's engines that answer, by name. Looks in both run directories: a login without
    ``XDG_RUNTIME_DIR`` must still find an engine started with it, and the other way round."""
    directories = {places.run, places.run_fallback, Path(f"/run/user/{os.geteuid()}/jackbot")}
    found = [path for directory in sorted(directories) if directory.is_dir() for path in directory.glob("*.sock")]
    return sorted((path for path in found if is_listening(path)), key=lambda path: path.name)


def choose_engine(places: Places, wanted: str | None) -> Path:
    """Socket of the engine meant: a path, a name, or the only one running.

    LinkError when none runs (or not that one) or when several do, with what to type next.
    """
    if wanted and "/" in wanted:
        return Path(wanted)
    engines = running_engines(places)
    names = ", ".join(path.stem for path in engines)
    if wanted:
        name = wanted.removesuffix(".sock")
        for path in engines:
            if path.stem == name:
                return path
        raise LinkError(f"no engine called {name} is running" + (f"; running: {names}" if names else ""))
    if not engines:
        raise LinkError("no engine is running: start one with 'jackbot demo' or 'jackbot run'")
    if len(engines) > 1:
        raise LinkError(f"{len(engines)} engines are running: choose one with --socket NAME ({names})")
    return engines[0]
