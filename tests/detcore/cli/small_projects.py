"""A project that trains in seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from detcore.project.edits import add_boxes, add_class, add_images
from detcore.project.project import Project
from detcore.types import Image
from tests.detcore.conftest import draw_images

REPOSITORY = Path(__file__).resolve().parents[3]


def small_project(folder: Path) -> Path:
    """Ten images with bright blocks, not divided yet."""
    images = folder / "images"
    images.mkdir()
    paths, boxes = draw_images(images, count=10, width=96, height=64, classes=1)
    with Project.create(folder / "p.reticle", image_root=images) as made:
        made.edit(add_class, "block")
        made.edit(add_images, [Image(id=0, path=path.name, width=96, height=64) for path in paths])
        ids, kind = made.image_ids(), made.classes()[0].id
        own = [replace(box, id=0, image_id=ids[box.image_id - 1], class_id=kind) for box in boxes]
        made.edit(add_boxes, own)
        return made.folder
