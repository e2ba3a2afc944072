"""Boxes that were drawn on images of another size, scaled to the files as they are."""

from __future__ import annotations

from dataclasses import replace

from detcore.formats.base import Dataset, DatasetBox, DrawnBoxes
from detcore.formats.common.shapes import shape_of

Factors = tuple[float, float]


def scaled(dataset: Dataset) -> Dataset:
    """The dataset with the boxes of all images of which it knows how they were ``drawn``, and the outlines that came
    with them, scaled to the size of the file."""
    images = [
        replace(image, boxes=_scaled(drawn, image.width, image.height))
        if (drawn := dataset.drawn.get(image.path)) is not None and image.width and image.height
        else image
        for image in dataset.images
    ]
    return replace(dataset, images=images, drawn={})


def _scaled(drawn: DrawnBoxes, width: int, height: int) -> list[DatasetBox]:
    factors = (width / drawn.width, height / drawn.height)
    return [_scaled_box(box, factors) for box in drawn.boxes]


def _scaled_box(box: DatasetBox, factors: Factors) -> DatasetBox:
    across, down = factors
    moved = replace(box, x1=box.x1 * across, y1=box.y1 * down, x2=box.x2 * across, y2=box.y2 * down)
    shape = shape_of(box)
    if shape is None:
        return moved
    parts = tuple(tuple((x * across, y * down) for x, y in part) for part in shape.parts)
    return replace(moved, extra={**box.extra, **replace(shape, parts=parts).kept(moved.xyxy)})
