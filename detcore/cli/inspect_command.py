"""What a dataset holds, before anything is written: `inspect`, and `import --dry-run`."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

from detcore.cli.console import progress_bar, say, table
from detcore.cli.format_options import chosen_options
from detcore.exchange import AUTO, FoundDataset, Inspection, inspect_dataset, read_dataset
from detcore.exchange.formats import format_of
from detcore.exchange.inspection import sizes_text, sure_text
from detcore.formats import recognise
from detcore.formats.base import Progress
from detcore.project.opening import is_project, named_as_project
from detcore.project.project import Project
from detcore.wording import counted

_SHOWN = 3
"""Problems of a kind whose places are told."""


def inspect(options: argparse.Namespace) -> int:
    """Look into a dataset, for a project where one is named."""
    if options.project is not None and is_project(named_as_project(options.project)):
        with Project.open(named_as_project(options.project), read_only=True) as project:
            inspection = _inspect(options, project)
    else:
        inspection = _inspect(options, None)
    if options.json:
        say(json.dumps(inspection.record(), indent=2))
    else:
        _show(inspection)
    return 0


def _inspect(options: argparse.Namespace, project: Project | None) -> Inspection:
    with progress_bar("reading", "file") as progress:
        found = read_source(options, project, progress)
    return inspect_dataset(found, project)


def read_source(options: argparse.Namespace, project: Project | None, progress: Progress) -> FoundDataset:
    """The dataset that a command names, in the format that it names or that the files look like.

    Raises: see :func:`detcore.exchange.read_dataset`.
    """
    looks = recognise(options.source) if options.format == AUTO else None
    if looks is not None:
        options.format = format_of(options.source, looks).name
    found = read_dataset(
        options.format,
        options.source,
        images=options.images,
        project=project,
        own=chosen_options(options, reading=True),
        progress=progress,
    )
    return replace(found, looks=looks)


def say_format(found: FoundDataset) -> None:
    """How the format was recognised, where it was."""
    if found.looks is None:
        return
    (spec, sniffed), *others = found.looks.like
    say(f"{found.source}: {spec.full_title}, {sure_text(sniffed.confidence)}: {sniffed.why}")
    for spec, sniffed in others:
        say(f"  or --format {spec.name}, {sure_text(sniffed.confidence)}: {sniffed.why}")


def _show(inspection: Inspection) -> None:
    say_format(inspection.found)
    there = inspection.images - inspection.missing
    parts = [f"{counted(inspection.images, 'image')}: {there:,} there", f"{inspection.missing:,} not there"]
    parts.append(f"{inspection.labelled:,} labelled ({inspection.empty:,} without a box)")
    if inspection.matched:
        parts.append(f"{inspection.matched:,} in the project already")
    say(", ".join(parts))
    if inspection.sizes:
        say(f"sizes: {sizes_text(inspection.sizes)}")
    rows = [[item.name, f"{item.boxes:,}", f"{item.images:,}"] for item in inspection.classes]
    rows.append(["(all)", f"{inspection.boxes:,}", f"{sum(inspection.splits.values()):,}"])
    say("\n" + table(rows, head=["class", "boxes", "images"]))
    splits = [[split or "(no split)", f"{number:,}"] for split, number in inspection.splits.items()]
    say("\n" + table(splits, head=["split", "images"]))
    for note in inspection.notes():
        say(f"\nnote: {note}")
    say(f"\n{counted(inspection.problem_count, 'problem')}")
    for kind in inspection.kinds:
        if len(kind.problems) > 1:
            say(f"{len(kind.problems):,} × {kind.text}, such as")
        for problem in kind.problems[:_SHOWN]:
            say(f"  {problem}" if len(kind.problems) > 1 else str(problem))
    say("nothing was written")
