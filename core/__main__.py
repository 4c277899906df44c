"""``python -m core``: Rankscope from the shell."""

import sys

from core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
