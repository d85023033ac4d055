"""``python -m brain`` is the same as the command ``brain``."""

import sys

from brain.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
