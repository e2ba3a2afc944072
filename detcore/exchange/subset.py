"""A part of a project as a project of its own."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from detcore.errors import Cancelled, ProjectError, disk_error
from detcore.exchange.formats import EXTRA_SETTING
from detcore.formats.base import Progress, no_progress
from detcore.project.edits import add_rows
from detcore.project.operations import operation
from detcore.project.project import Project
from detcore.project.reading import ProjectReader

_AT_ONCE = 1000
"""Images that are written together."""


def make_subset(
    source: ProjectReader,
    folder: Path,
    image_ids: Sequence[int],
    *,
    class_ids: Collection[int] | None = None,
    progress: Progress = no_progress,
) -> None:
    """Make a project of some images with their boxes, in the order of ``image_ids``, of all classes or of some; the images
    stay where they are. Runs and verdicts stay with the ``source``. The folder appears complete or not at all.

    Raises:
        ProjectError: there is something in the folder, no image or no such image is asked for, or it cannot be written.
        Cancelled: ``progress`` returned false.
    """
    if not image_ids:
        raise ProjectError("no image is left for the new project", path=folder)
    folder = folder.resolve()
    if folder.exists():
        raise ProjectError("there is already something here", path=folder, hint="Choose another name")
    building = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        with Project.create(building, image_root=source.image_root) as made:
            _fill(source, made, image_ids, class_ids, progress)
            made.begin_history()
        os.rename(building, folder)
    except OSError as error:
        raise disk_error(error, path=folder) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _fill(
    source: ProjectReader,
    made: Project,
    image_ids: Sequence[int],
    class_ids: Collection[int] | None,
    progress: Progress,
) -> None:
    kept = [item for item in source.classes() if class_ids is None or item.id in class_ids]
    class_of = dict(zip((item.id for item in kept), made.new_ids("class", len(kept)), strict=True))
    classes = [replace(item, id=class_of[item.id]) for item in kept]
    text = operation("make_subset", name=source.name)
    made.edit(add_rows, text=text, classes=classes)
    for start in range(0, len(image_ids), _AT_ONCE):
        if not progress(start, len(image_ids)):
            raise Cancelled("cancelled")
        ids = image_ids[start : start + _AT_ONCE]
        image_of = dict(zip(ids, made.new_ids("image", len(ids)), strict=True))
        images = [replace(image, id=image_of[image.id]) for image in source.images(ids)]
        boxes = [
            replace(box, id=0, image_id=image_of[box.image_id], class_id=class_of[box.class_id])
            for box in source.all_boxes(ids)
            if box.class_id in class_of
        ]
        made.edit(add_rows, text=text, images=images, boxes=boxes)
    kept_of_whole = source.get_setting(EXTRA_SETTING, {})
    if kept_of_whole:
        made.set_setting(EXTRA_SETTING, kept_of_whole)
    progress(len(image_ids), len(image_ids))
