"""Commands about label files that are edited in their place: link, sync."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from detcore.cli.console import complain, progress_bar, say, write_json
from detcore.cli.status import DONE, MENDABLE
from detcore.errors import ConfigError, FormatError
from detcore.exchange import ImportOptions, find_dataset, import_found
from detcore.exchange.in_place.linked import LinkedFolder, OutsideChange, editor_of
from detcore.formats import recognise
from detcore.project.opening import named_as_project
from detcore.project.project import Project
from detcore.wording import counted


def link(options: argparse.Namespace) -> int:
    """Make a project whose edits go into the label files of a folder."""
    folder = named_as_project(options.project)
    if (folder / "project.db").is_file():
        raise ConfigError(f"{folder} is there already", hint="Name a project that is new")
    name = options.format
    if name is None:
        looks = recognise(options.folder)
        if looks.best is None:
            raise FormatError(
                "no labels recognised here", path=options.folder, hint="Name the format by --format"
            )
        name = looks.best.name
    editor_of(name, options.folder.absolute())  # before there is a project
    with progress_bar("reading", "file") as progress:
        found = find_dataset(name, options.folder, options=ImportOptions(), progress=progress)
    with Project.create(folder, image_root=options.folder) as project:
        report = import_found(project, found)
        linked, problems = LinkedFolder.link(project, name, options.folder)
        linked.close()
    for problem in (*report.problems, *problems):
        say(str(problem))
    say(
        f"{folder}: {counted(report.images, 'image')}, {counted(report.boxes, 'box', 'boxes')}; "
        f"label files of {counted(report.images - len(problems), 'image')} are edited in their place"
    )
    return DONE


def sync(options: argparse.Namespace) -> int:
    """Write what was edited, and tell, take or refuse what others changed."""
    with Project.open(options.project) as project:
        linked = LinkedFolder.open(project)
        if linked is None:
            raise ConfigError(
                f"{project.name} is linked with no folder", hint="Make a project by the command link"
            )
        try:
            changes = linked.look()
            waiting = linked.catch_up()
            ids = [change.image_id for change in changes]
            if options.take:
                readable = [change.image_id for change in changes if change.problem is None]
                _, waiting = linked.take(readable)
            if options.refuse:
                kept, waiting = linked.refuse(ids)
                for path in kept:
                    say(f"kept: {path}")
        finally:
            linked.close()
    for change in changes:
        say(f"{change.path}: {change.text}")
    for problem in waiting:
        complain(f"{problem}")
    if options.json is not None:
        write_json(options.json, [_record(change) for change in changes])
    verb = "taken" if options.take else "refused" if options.refuse else "to take or refuse"
    say(f"{counted(len(changes), 'file')} changed by others {verb}")
    unread = [change for change in changes if change.problem is not None]
    left = unread if options.take else [] if options.refuse else changes
    return MENDABLE if left or waiting else DONE


def _record(change: OutsideChange) -> dict[str, Any]:
    differences = [
        {"before": one.before and asdict(one.before), "after": one.after and asdict(one.after)}
        for one in change.differences
    ]
    return {"path": str(Path(change.path)), "differences": differences, "own_changes": len(change.own)}
