"""Detections that were found become a run of the project."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from detcore.errors import FormatError
from detcore.exchange.detections.found import FoundDetections, LookedAt
from detcore.exchange.imports import match_classes
from detcore.formats.base import DatasetClass
from detcore.project import edits
from detcore.project.operations import operation
from detcore.project.project import Project
from detcore.project.runs import RunFolder, make_imported_run, save_detections
from detcore.types import Changes, IntArray

_OTHER = re.compile(r"[^\w .+-]+")
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class ImportedRun:
    """What came of it: the ``run``, how many ``detections`` it has on how many ``images`` that were looked at, the classes that
    were ``added``, how many detections were ``left_out`` for their class, and what views have to refresh."""

    run: RunFolder
    images: int
    detections: int
    added: tuple[str, ...]
    left_out: int
    changes: Changes


def usual_name(source: Path) -> str:
    """What a run of these detections is called unless somebody says otherwise."""
    return _OTHER.sub("-", source.stem).strip(" .+-_") or "imported"


def import_detections(
    project: Project,
    found: FoundDetections,
    name: str,
    *,
    add_classes: bool = False,
    looked_at: LookedAt | None = None,
) -> ImportedRun:
    """Make a run ``001-NAME`` of them. It is there whole or not at all. Classes that the project does not have become new ones,
    which is an edit that can be undone, or their detections are left out.

    Raises:
        ConfigError: a run cannot have that name.
        FormatError: nothing is left.
        ProjectError: the project cannot be written.
    """
    wanted = [DatasetClass(name=unknown) for unknown in found.unknown] if add_classes else []
    detections = found.detections
    kept = (detections.labels > 0) | add_classes
    if len(detections) and not kept.any():
        raise FormatError(
            f"the project has none of its classes ({', '.join(list(found.unknown)[:_SHOWN])})",
            path=found.source,
            hint="Add them, or rename those of the project",
        )
    images = project.image_list()
    image_ids = found.looked_at(images, looked_at or found.usual)
    detections = detections.take(kept & np.isin(detections.image_ids, image_ids))
    changes = Changes()

    def fill(run: RunFolder) -> None:
        nonlocal changes
        if wanted:
            changes = project.edit(_add_classes, wanted)
        labels = _with_ids(detections.labels, list(found.unknown), project)
        save_detections(run, replace(detections, labels=labels), image_ids=image_ids.tolist())

    try:
        run = make_imported_run(project, name, found.origin, fill)
    except BaseException:
        if changes:
            project.undo(only=changes)
        raise
    return ImportedRun(
        run=run,
        images=len(image_ids),
        detections=len(detections),
        added=tuple(item.name for item in wanted),
        left_out=0 if add_classes else sum(found.unknown.values()),
        changes=changes,
    )


def _add_classes(project: Project, wanted: Sequence[DatasetClass]) -> edits.Edit:
    _, fresh, _ = match_classes(project, wanted)
    return edits.add_rows(project, text=operation("add_classes", count=len(fresh)), classes=fresh)


def _with_ids(labels: IntArray, unknown: Sequence[str], project: Project) -> IntArray:
    """The labels with the ids of the classes that have come into the project."""
    ids = {item.name: item.id for item in project.classes()}
    new = np.array([ids.get(name, 0) for name in unknown], np.int64)
    whole = labels.copy()
    whole[labels < 0] = new[-1 - labels[labels < 0]]
    return whole
