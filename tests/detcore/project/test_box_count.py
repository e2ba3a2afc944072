"""Counting the boxes of one image."""

from __future__ import annotations

from pathlib import Path

from detcore.project.edits import add_boxes, add_class
from detcore.project.project import Project
from detcore.types import Box


def test_the_boxes_of_an_image_are_counted_and_no_others(tmp_path: Path) -> None:
    with Project.create(
        tmp_path / "a.reticle", image_root=tmp_path, image_paths=["a.jpg", "b.jpg"]
    ) as project:
        project.edit(add_class, "cell")
        class_id, (first, second) = project.classes()[0].id, project.image_ids()
        boxes = [Box(id=0, image_id=first, class_id=class_id, x1=0, y1=0, x2=x, y2=9) for x in (5, 6, 7)]
        project.edit(add_boxes, boxes)
        assert project.box_count(first) == 3
        assert project.box_count(second) == 0
        assert project.box_count() == 3
