"""Images that came into the folder of a project after it was made."""

from __future__ import annotations

import os
from collections.abc import Sequence

from detcore.images import find_images
from detcore.project.edits import Edit, add_images
from detcore.project.project import Project
from detcore.types import Changes, Image


def add_new_images(project: Project) -> tuple[int, Changes | None]:
    """Add the images below the root that the project does not have: how many, and what changed. One edit.

    For the pool: looks through the whole folder. A file that the project knows by an absolute path or in
    another spelling is not added again.

    Raises:
        ImageError: the folder cannot be read.
        ProjectError: the images cannot be written.
    """
    changes = project.edit(_add_unknown, find_images(project.image_root))
    return len(changes.images), changes or None


def _add_unknown(project: Project, paths: Sequence[str]) -> Edit:
    root = project.image_root
    known = {_same(root / path) for path in project.image_ids_by_path()}
    return add_images(project, [Image(id=0, path=path) for path in paths if _same(root / path) not in known])


def _same(path: os.PathLike[str]) -> str:
    return os.path.normcase(os.path.normpath(path))
