"""Whether boxes can be stored: inside of their image, of a known class, with some area."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from detcore.errors import ProjectError
from detcore.project.values import id_list
from detcore.types import Box, Image, ObjectClass

_Size = tuple[float | None, float | None]
_ROUNDING = 1e-3
"""Pixels by which arithmetic on scaled coordinates may miss the border."""


def checked_boxes(
    connection: sqlite3.Connection,
    boxes: Sequence[Box],
    *,
    new_images: Iterable[Image] = (),
    new_classes: Iterable[ObjectClass] = (),
    settled: Collection[int] = (),
) -> list[Box]:
    """The boxes, with edges that rounding put just outside of the image set on its border.

    ``settled`` are ids of boxes whose edges are in the project already and do not change: an import may have
    brought them before the size of their image was known, and their class can be mended all the same.

    Raises:
        ProjectError: a box that cannot be stored, and why.
    """
    sizes: dict[int, _Size] = {image.id: (image.width, image.height) for image in new_images if image.id}
    classes = {item.id for item in new_classes if item.id}
    _look_up(connection, boxes, sizes, classes)
    return [_checked(box, sizes, classes, box.id in settled) for box in boxes]


def _look_up(
    connection: sqlite3.Connection, boxes: Sequence[Box], sizes: dict[int, _Size], classes: set[int]
) -> None:
    image_ids = {box.image_id for box in boxes} - set(sizes)
    query = "SELECT id, width, height FROM image WHERE id IN (SELECT value FROM json_each(?))"
    for image_id, width, height in connection.execute(query, (id_list(image_ids),)):
        sizes[image_id] = (width, height)
    classes.update(row[0] for row in connection.execute("SELECT id FROM class"))


def _checked(box: Box, sizes: Mapping[int, _Size], classes: set[int], edges_settled: bool) -> Box:
    size = sizes.get(box.image_id)
    if size is None:
        raise ProjectError(f"image {box.image_id} is not in the project any more")
    if box.class_id not in classes:
        raise ProjectError(f"class {box.class_id} is not in the project any more")
    if box.score is not None and not 0.0 <= box.score <= 1.0:
        raise ProjectError(f"a score of {box.score} is not between 0 and 1")
    if edges_settled:
        return box
    x1, x2 = _checked_edges(box.x1, box.x2, size[0], "x", "width")
    y1, y2 = _checked_edges(box.y1, box.y2, size[1], "y", "height")
    if (x1, y1, x2, y2) == box.xyxy:
        return box
    return replace(box, x1=x1, y1=y1, x2=x2, y2=y2)


def _checked_edges(low: float, high: float, size: float | None, axis: str, side: str) -> tuple[float, float]:
    limit = 1e9 - 1 if size is None else size
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ProjectError(f"a box with {axis} from {low} to {high} has no place in an image")
    if low < -_ROUNDING or high > limit + _ROUNDING:
        raise ProjectError(
            f"a box with {axis} from {low:g} to {high:g} leaves the image of {side} {limit:g}",
            hint="Clip it to the image",
        )
    low, high = max(low, 0.0), min(high, limit)
    if not low < high:
        raise ProjectError(f"a box with {axis} from {low:g} to {high:g} has no area", hint="Draw it larger")
    return low, high
