"""What processes that died have left half written in a project's folder."""

from __future__ import annotations

from pathlib import Path

from detcore.atomic import remove_leftovers
from detcore.project.copies import FOLDER


def clear_up(folder: Path) -> None:
    """Delete it, in the project's own folders: another process may be at work on a run, so only what is old."""
    for place in (folder, folder / FOLDER, *folder.glob("runs/*"), *folder.glob("runs/*/folds/*")):
        remove_leftovers(place)
