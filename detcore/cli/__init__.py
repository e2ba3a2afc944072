"""The command line: `python main.py COMMAND …`, the same code as the window."""

from __future__ import annotations

from detcore.cli.main import main

__all__ = ["main"]
