"""`python -m detcore.cli` is the command line where there is no main.py: Reticle installed as a package."""

from __future__ import annotations

import sys

from detcore.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
