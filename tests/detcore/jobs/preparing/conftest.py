"""Small projects whose images are named only; nothing is trained here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detcore.project.edits import add_boxes, add_class, set_split, set_status
from detcore.project.project import Project
from detcore.types import Box, Status

MakeProject = Callable[..., Project]


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """Makes projects: images from 1, of which the first ``boxed`` hold a box each and the next ``empty`` are
    verified to hold none; ``splits`` by image id."""

    def make(*, boxed: int, empty: int = 0, unseen: int = 0, splits: dict[int, str] | None = None) -> Project:
        root = tmp_path / "pictures"
        root.mkdir()
        names = [f"{number}.png" for number in range(1, boxed + empty + unseen + 1)]
        project = Project.create(tmp_path / "p.reticle", image_root=root, image_paths=names)
        project.edit(add_class, "cell")
        ids = project.image_ids()
        boxes = [Box(id=0, image_id=i, class_id=1, x1=10, y1=10, x2=40, y2=40) for i in ids[:boxed]]
        project.edit(add_boxes, boxes)
        project.edit(set_status, ids[boxed : boxed + empty], Status.VERIFIED)
        project.edit(set_split, {**(splits or {})})
        return project

    return make
