"""The socket in the file system: private from its first moment, and never two engines on one path.

A lock file beside the socket is held for the engine's life (the kernel frees it however the engine dies), so a socket
found without a lock is a leftover and is removed.
"""

import fcntl
import os
import socket
import stat
from pathlib import Path

from jackbot_tui.model.errors import LinkError

DIRECTORY_MODE = 0o700
MAX_PATH_BYTES = 107
"""Longest path that a Unix socket address holds on Linux (sun_path, 108 with its final zero: unix(7))."""

BACKLOG = 64


class SocketFile:
    """Owns ``path`` while bound."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = -1
        self._inode = 0

    def bind(self) -> socket.socket:
        """A listening socket with mode 0600; LinkError when the path is taken or not private."""
        if len(os.fsencode(self.path)) > MAX_PATH_BYTES:
            raise LinkError(f"socket path {self.path} is longer than {MAX_PATH_BYTES} bytes: choose a shorter one")
        try:
            self._prepare_directory()
            self._take_lock()
            self._remove_leftover()
            return self._listen()
        except OSError as error:
            self.remove()
            raise LinkError(f"cannot make the socket {self.path}: {error.strerror or error}") from error
        except LinkError:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove the socket if it is still ours, and let go of the lock."""
        if self._inode:
            try:
                if self.path.stat().st_ino == self._inode:
                    self.path.unlink()
            except FileNotFoundError:
                pass
            self._inode = 0
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _prepare_directory(self) -> None:
        directory = self.path.parent
        if not directory.exists():
            directory.mkdir(mode=DIRECTORY_MODE, parents=True)
            directory.chmod(DIRECTORY_MODE)
            return
        found = directory.stat()
        if found.st_uid == os.getuid() and directory.name == "jackbot":
            directory.chmod(DIRECTORY_MODE)
        elif found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX:
            message = f"{directory} can be written by others: chmod 700 it or choose another place for the socket"
            raise LinkError(message)

    def _take_lock(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._lock = os.open(f"{self.path}.lock", flags, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._taken() from None

    def _taken(self) -> LinkError:
        return LinkError(f"another engine listens at {self.path}: attach to it, or end it with 'jackbot ctl quit'")

    def _remove_leftover(self) -> None:
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(found.st_mode):
            raise LinkError(f"{self.path} is there and is not a socket: move it away or choose another path")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(str(self.path))
            except ConnectionRefusedError:
                self.path.unlink()
            except (TimeoutError, BlockingIOError):
                raise self._taken() from None
            else:
                raise self._taken()

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(str(self.path))
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(before)
        listener.setblocking(False)
        listener.listen(BACKLOG)
        self._inode = self.path.stat().st_ino
        return listener
