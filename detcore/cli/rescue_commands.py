"""`rescue`: out of a damaged project."""

from __future__ import annotations

import argparse

from detcore.cli.console import say
from detcore.project.copies import find_copy
from detcore.project.opening import named_as_project
from detcore.project.project import go_back
from detcore.project.rescue import rescue as rescue_project
from detcore.wording import counted


def rescue(options: argparse.Namespace) -> int:
    """Take out what can be read, or go back to a daily copy."""
    folder = options.project.resolve()
    if options.out is None:
        copy = find_copy(folder, options.copy or None)
        aside = go_back(folder, copy)
        say(
            f"{folder}: the database is that of {copy.day.isoformat()} again, as it was when the project was first "
            f"opened on that day; the one of before lies in {aside}"
        )
        return 0
    done = rescue_project(folder, named_as_project(options.out).resolve())
    for loss in done.losses:
        say(loss)
    say(
        f"{done.folder}: {counted(done.images, 'image')}, {counted(done.classes, 'class', 'classes')}, {counted(done.boxes, 'box', 'boxes')}, "
        f"{counted(done.verdicts, 'verdict')}"
    )
    return 0
