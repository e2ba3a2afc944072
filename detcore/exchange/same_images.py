"""Images that a project has under another path, found by their content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from detcore.formats.base import Dataset, Progress, no_progress, step
from detcore.project.reading import ProjectReader

_CHUNK = 1 << 20


def at_known_paths(
    dataset: Dataset, project: ProjectReader, *, progress: Progress = no_progress
) -> tuple[Dataset, int]:
    """The dataset with each image that the project has, byte for byte, under another path, put at the path that the
    project has it under; and how many those are. Only files of equal size are read.

    Raises:
        Cancelled: ``progress`` returned ``False``.
    """
    known = {project.image_path(image): image.path for image in project.images()}
    strange = [image.path for image in dataset.images if image.path not in known]
    sizes = _sizes(strange)
    wanted = set(sizes.values())
    by_size: dict[int, list[Path]] = {}
    for path, size in _sizes(known).items():
        if size in wanted:
            by_size.setdefault(size, []).append(path)
    digests: dict[int, dict[str | None, Path]] = {}
    found: dict[Path, Path] = {}
    for done, (path, size) in enumerate(sizes.items()):
        step(progress, done, len(sizes))
        if size not in by_size:
            continue
        if size not in digests:
            digests[size] = {_digest(other): other for other in reversed(by_size[size])}
        content = _digest(path)
        if content is not None and content in digests[size]:
            found[path] = digests[size][content]
    images = [
        replace(image, path=found[image.path]) if image.path in found else image for image in dataset.images
    ]
    drawn = {found.get(path, path): boxes for path, boxes in dataset.drawn.items()}
    return replace(dataset, images=images, drawn=drawn), len(found)


def _sizes(paths: Iterable[Path]) -> dict[Path, int]:
    """The bytes of each file that is there and holds something."""
    sizes: dict[Path, int] = {}
    for path in paths:
        try:
            size = os.stat(path).st_size
        except OSError:
            continue
        if size:
            sizes[path] = size
    return sizes


def _digest(path: Path) -> str | None:
    """A checksum of a file; ``None`` where it cannot be read."""
    checksum = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                checksum.update(chunk)
    except OSError:
        return None
    return checksum.hexdigest()
