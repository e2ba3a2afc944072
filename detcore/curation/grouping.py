"""Images that belong together, so that no two of them land in different splits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

from PIL import Image as PillowImage

from detcore.curation.descriptors import Progress
from detcore.curation.duplicates import find_duplicates
from detcore.errors import Cancelled
from detcore.images.decoding import UNREADABLE
from detcore.project.reading import ProjectReader
from detcore.project.splits import GroupBy, Grouping
from detcore.types import Image

_EXIF, _TAKEN, _CHANGED = 0x8769, 0x9003, 0x0132
"""EXIF's own directory, and the tags DateTimeOriginal and DateTime."""
_STEP = 100


def groups_of(
    project: ProjectReader, grouping: Grouping, *, progress: Progress | None = None
) -> dict[int, str]:
    """The group of each image that belongs to one, by image id.

    Raises:
        Cancelled: ``progress`` returned false.
        ProjectError: a stored path leaves the image root.
    """
    images = project.images()
    if grouping.by is GroupBy.FOLDER:
        return {image.id: str(PurePosixPath(image.path).parent) for image in images}
    if grouping.by is GroupBy.PATTERN:
        return _by_pattern(images, re.compile(grouping.pattern))
    if grouping.by is GroupBy.TIME:
        return _by_time(project, images, grouping.gap, progress)
    if grouping.by is GroupBy.DUPLICATES:
        found = find_duplicates(project, progress=progress)
        return {image.id: f"alike {number}" for number, group in enumerate(found.groups) for image in group}
    return {}


def _by_pattern(images: Iterable[Image], pattern: re.Pattern[str]) -> dict[int, str]:
    """Images whose path the pattern does not fit belong to no group."""
    groups: dict[int, str] = {}
    for image in images:
        found = pattern.search(image.path)
        group = None if found is None else found[1] if pattern.groups else found[0]
        if group:
            groups[image.id] = group
    return groups


def _by_time(
    project: ProjectReader, images: Sequence[Image], gap: float, progress: Progress | None
) -> dict[int, str]:
    taken: list[tuple[str, float, int]] = []
    for done, image in enumerate(images):
        if progress is not None and done % _STEP == 0 and not progress(done, len(images)):
            raise Cancelled("cancelled")
        seconds = taken_at(project.image_path(image))
        if seconds is not None:
            taken.append((str(PurePosixPath(image.path).parent), seconds, image.id))
    groups: dict[int, str] = {}
    folder, last, number = "", 0.0, 0
    for place, seconds, image_id in sorted(taken):
        if place != folder or seconds - last > gap:
            number += 1
        groups[image_id] = f"taken {number}"
        folder, last = place, seconds
    return groups


def taken_at(path: Path) -> float | None:
    """When a photo was taken, in seconds, by its EXIF fields; ``None`` where it does not say: when a file was changed tells
    nothing of a set that was copied or unpacked."""
    try:
        with PillowImage.open(path) as image:
            exif = image.getexif()
            texts = (exif.get_ifd(_EXIF).get(_TAKEN), exif.get(_CHANGED))
        for text in texts:
            try:
                return datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S").timestamp()
            except ValueError:
                continue
    except UNREADABLE:
        pass
    return None
