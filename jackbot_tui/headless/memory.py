"""How the C library gives memory back: set once, at the start of a process that runs for weeks.

Snapshots and bursts of frames come as buffers of hundreds of kilobytes. Left to itself, glibc's malloc learns from the
first of them to keep such buffers in its heap (``mallopt(3)``, dynamic mmap threshold), which then fragments and never
shrinks, and it gives every thread that ever resolved a name or wrote to a disk a heap of its own.
"""

import contextlib
import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
LARGE = 128 * 1024
"""Bytes from which a buffer is mapped by itself, and given back when it is freed: glibc's own first value."""


def give_memory_back() -> None:
    """Keep the thresholds where they are and one heap for all threads. Nothing happens where malloc is not glibc's."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for name, value in ((M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, LARGE), (M_ARENA_MAX, 1)):
            mallopt(name, value)
