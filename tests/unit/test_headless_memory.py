"""Large buffers go back to the system when they are freed, whatever came before."""

import subprocess
import sys

import pytest

SCRIPT = """
import os
from jackbot_tui.headless.memory import give_memory_back

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

give_memory_back()
before = resident()
for _ in range(3):  # the first freed block is what malloc would learn from
    blocks = [b"x" * 600_000 for _ in range(60)]
    small = [bytes(3000) for _ in range(500)]
    del blocks
print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read from /proc")
def test_freed_buffers_do_not_stay_resident() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 10_000_000
