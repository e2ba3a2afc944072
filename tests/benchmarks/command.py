"""Reticle's own commands, as a user would call them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def reticle(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """One command in a process of its own. Raises CalledProcessError, with what it said, where it fails."""
    command = [sys.executable, str(ROOT / "main.py"), *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    return done
