"""Images whose files have another size than their boxes were drawn at, and what becomes of the boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from detcore.boxes import clip
from detcore.project.edits import combine, delete_boxes, update_boxes, update_images
from detcore.project.operations import operation
from detcore.project.project import Project
from detcore.project.row_change import Edit
from detcore.types import Box, Image

Sizes = Mapping[int, tuple[int, int]]
"""(width, height) by image id."""


def scale_boxes(project: Project, sizes: Sizes) -> Edit:
    """New sizes for images, with boxes that grow or shrink as the image did. Images without a size yet only
    get it."""
    return _take_sizes(project, sizes, scaled=True, text=operation("scale_boxes_to_new_size"))


def keep_boxes(project: Project, sizes: Sizes) -> Edit:
    """New sizes for images, with boxes where they were, cut off at the border; those outside go."""
    return _take_sizes(project, sizes, scaled=False, text=operation("keep_boxes_at_new_size"))


def _take_sizes(project: Project, sizes: Sizes, *, scaled: bool, text: str) -> Edit:
    old = {image.id: image for image in project.images(list(sizes))}
    fitted = [
        _fitted(box, old[box.image_id], sizes[box.image_id], scaled) for box in project.all_boxes(list(sizes))
    ]
    inside = [box for box in fitted if box.x1 < box.x2 and box.y1 < box.y2]
    outside = [box.id for box in fitted if not (box.x1 < box.x2 and box.y1 < box.y2)]
    resized = [replace(old[key], width=width, height=height) for key, (width, height) in sizes.items()]
    fields = {image.id: {"width": image.width, "height": image.height} for image in resized}
    return combine(
        text,
        [
            update_images(project, fields, text=text),
            update_boxes(project, inside, on=resized),
            *([delete_boxes(project, outside)] if outside else []),
        ],
    )


def _fitted(box: Box, image: Image, size: tuple[int, int], scaled: bool) -> Box:
    width, height = size
    factors = (width / image.size[0], height / image.size[1]) if scaled and image.size else (1.0, 1.0)
    edges = np.array([box.xyxy]) * [*factors, *factors]
    x1, y1, x2, y2 = clip(edges, width=width, height=height)[0].tolist()
    return replace(box, x1=x1, y1=y1, x2=x2, y2=y2)
