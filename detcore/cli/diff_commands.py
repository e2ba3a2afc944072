"""Commands about what was changed since the import: diff, apply-diff."""

from __future__ import annotations

import argparse
from pathlib import Path

from detcore.cli.console import say, table, write_json
from detcore.cli.status import DONE, MENDABLE
from detcore.errors import FormatError
from detcore.exchange.formats import AUTO, format_named
from detcore.exchange.patch import apply_patch, diff_json, read_patch
from detcore.formats import recognise
from detcore.project.cleaning import changes_since_import, counts_of
from detcore.project.project import Project
from detcore.wording import counted


def diff(options: argparse.Namespace) -> int:
    """Count the boxes that were added, removed, moved or relabelled, and list them as JSON."""
    with Project.open(options.project, read_only=True) as project:
        changes = changes_since_import(project)
    if options.json is not None:
        write_json(options.json, diff_json(changes))
    rows = [[kind, f"{number:,}"] for kind, number in counts_of(changes).items()]
    say(table(rows, head=["boxes", ""]))
    judged = sum(bool(change.verdict) for change in changes)
    images = len({change.image for change in changes})
    say(
        f"{counted(len(changes), 'box', 'boxes')} on {counted(images, 'image')} changed since the import, "
        f"{judged:,} with a verdict"
    )
    return DONE


def apply_diff(options: argparse.Namespace) -> int:
    """Play a diff on the files that were imported, or on a copy of them."""
    changes = read_patch(options.patch)
    folder: Path = options.folder
    if options.format == AUTO:
        looks = recognise(folder)
        if looks.best is None:
            raise FormatError("no labels recognised here", path=folder, hint="Name the format by --format")
        spec = looks.best
    else:
        spec = format_named(options.format)
    out = options.out or folder.absolute().with_name(f"{folder.absolute().name}-cleaned")
    report = apply_patch(changes, spec, folder, None if options.in_place else out)
    for problem in report.problems:
        say(str(problem))
    had = f", {report.already:,} that the files had already" if report.already else ""
    say(
        f"{report.folder}: {counted(report.played, 'change')} in {counted(report.files, 'file')}{had}, "
        f"{counted(len(report.problems), 'problem')}"
    )
    return MENDABLE if report.problems else DONE
