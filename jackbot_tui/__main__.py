"""``python -m jackbot_tui`` is the command ``jackbot``."""

import sys

from jackbot_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
