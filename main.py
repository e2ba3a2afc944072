"""`python main.py` opens the window; `python main.py COMMAND …` is the command line."""

from __future__ import annotations

import sys

from detcore.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
