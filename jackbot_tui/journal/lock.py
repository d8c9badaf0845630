"""One writer per journal: an advisory lock on a small file beside it, which the kernel drops when its holder dies."""

import fcntl
import os
from pathlib import Path

from jackbot_tui.model.errors import JournalError


class JournalLock:
    """Held from ``acquire`` to ``release`` or the end of the process, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, journal: Path) -> "JournalLock":
        """Lock ``journal``. JournalError naming the process that has it, when one has."""
        path = journal.with_name(journal.name + ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(f"cannot lock the journal: {path}: {error.strerror}; choose another path") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise JournalError(
                f"{journal} is in use by process {holder}: attach to that engine, stop it, or give another journal"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Give the journal free. The file stays, since removing it would race with the next holder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
