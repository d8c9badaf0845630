"""``python -m jackbot_tui.headless``: the engine process that ``headless.spawn`` starts. People use ``jackbot``."""

import sys

from jackbot_tui.headless.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
