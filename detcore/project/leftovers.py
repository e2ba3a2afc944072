"""What processes that died have left half written in a project's folder."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

from detcore.atomic import remove_leftovers
from detcore.project.copies import FOLDER
from detcore.project.imported_run import COMING

_OLD_SECONDS = 3600.0


def clear_up(folder: Path) -> None:
    """Delete it, in the project's own folders: another process may be at work on a run, so only what is old."""
    for place in (folder, folder / FOLDER, *folder.glob("runs/*"), *folder.glob("runs/*/folds/*")):
        remove_leftovers(place)
    for coming in folder.glob(f"runs/{COMING}*"):
        with suppress(OSError):
            if not coming.is_symlink() and coming.stat().st_mtime < time.time() - _OLD_SECONDS:
                shutil.rmtree(coming)
