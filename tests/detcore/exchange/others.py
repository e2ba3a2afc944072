"""A project of four images, and files of what others have found in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from detcore.project.edits import add_boxes, add_images, add_rows
from detcore.project.project import Project
from detcore.types import Box, Image, ObjectClass

SIZE = (200, 100)
NAMES = ("train/a.jpg", "train/b.jpg", "val/c.jpg", "val/d.jpg")
CAT, DOG = (10.0, 10.0, 60.0, 50.0), (100.0, 20.0, 180.0, 90.0)


def make_project(folder: Path) -> Project:
    """Classes cat (id 5 where it came from) and dog (7). A cat and a dog on each of three images; the last one is not labelled.
    Images had the ids 11 to 14. Their files are not there."""
    (folder / "images").mkdir(parents=True)
    project = Project.create(folder / "p.reticle", image_root=folder / "images")
    classes = [
        ObjectClass(
            id=project.new_ids("class")[0], name=name, color=color, position=place, source_id=source_id
        )
        for place, (name, color, source_id) in enumerate([("cat", "#ff0000", 5), ("dog", "#00ff00", 7)])
    ]
    project.edit(add_rows, text="classes", classes=classes)
    images = [
        Image(
            id=0,
            path=name,
            width=SIZE[0],
            height=SIZE[1],
            split=name.split("/")[0],
            extra={"coco": {"id": 11 + row}},
        )
        for row, name in enumerate(NAMES)
    ]
    project.edit(add_images, images)
    boxes = [
        Box(id=0, image_id=image_id, class_id=item.id, x1=x1, y1=y1, x2=x2, y2=y2)
        for image_id in project.image_ids()[:3]
        for item, (x1, y1, x2, y2) in zip(classes, (CAT, DOG), strict=True)
    ]
    project.edit(add_boxes, boxes)
    return project


def result(image: Any, category: Any, xyxy: tuple[float, float, float, float], score: Any) -> dict[str, Any]:
    """One entry of COCO's results."""
    left, top, right, bottom = xyxy
    bbox = [left, top, right - left, bottom - top]
    return {"image_id": image, "category_id": category, "bbox": bbox, "score": score}


def write_results(path: Path, *entries: Any) -> Path:
    path.write_text(json.dumps(entries))
    return path
