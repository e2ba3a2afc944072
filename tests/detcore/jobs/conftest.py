"""A project whose images can be divided into folds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from detcore.project.edits import add_boxes, add_class, add_images, set_split
from detcore.project.project import Project
from detcore.types import Box, Image


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Twenty images, 18 with one box each; pairs of frames belong together."""
    with Project.create(tmp_path / "a.reticle", image_root=tmp_path) as made:
        made.edit(
            add_images,
            [Image(id=0, path=f"{n}.jpg", width=90, height=90, group=f"film {n // 2}") for n in range(20)],
        )
        made.edit(add_class, "cell")
        label = made.classes()[0].id
        ids = made.image_ids()
        made.edit(
            add_boxes,
            [
                Box(id=0, image_id=image_id, class_id=label, x1=10, y1=10, x2=40, y2=50)
                for image_id in ids[:18]
            ],
        )
        made.edit(set_split, {image_id: "test" for image_id in ids[:4]})
        yield made
