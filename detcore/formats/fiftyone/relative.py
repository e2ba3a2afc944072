"""Boxes as FiftyOne has them: left, top, width and height as shares of the image."""

from __future__ import annotations

from typing import Any

from detcore.boxes import Xyxy, fit
from detcore.formats.base import DatasetBox
from detcore.formats.coco.bounds import as_numbers


def edges_of(value: Any, size: tuple[int, int]) -> Xyxy | None:
    """Edges in pixels of an image of that (width, height); ``None`` for what is no box."""
    numbers = as_numbers(value)
    if numbers is None or len(numbers) != 4:
        return None
    left, top, width, height = numbers
    return left * size[0], top * size[1], (left + width) * size[0], (top + height) * size[1]


def relative_box(box: DatasetBox, imported: Any, size: tuple[int, int]) -> list[float]:
    """The shares of a box; those that were ``imported`` where it still is that box."""
    before = edges_of(imported, size)
    if before is not None and fit(before, width=size[0], height=size[1])[0] == box.xyxy:
        return imported
    x, y = box.x1 / size[0], box.y1 / size[1]
    return [x, y, (box.x2 - box.x1) / size[0], (box.y2 - box.y1) / size[1]]
