"""Regions of an image in per cent of its sides, as Label Studio keeps them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from detcore.boxes import Xyxy
from detcore.formats.base import DatasetBox
from detcore.formats.common.json_files import Json, as_object, number, numbers, points
from detcore.formats.common.shapes import (
    Point,
    Shape,
    corners_of,
    fitting_outline,
    one_ring,
    rectangle_of,
    turned_ellipse,
)
from detcore.formats.label_studio.brush import brush_bounds

Size = tuple[float, float]
"""Width and height in pixels of what the per cents are of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A labelled region: its label, the key of ``value`` that holds it, all labels, and what is drawn."""

    label: str
    key: str
    labels: tuple[str, ...]
    outline: Shape | Xyxy


def label_key(result: Mapping[str, Any]) -> str:
    """The key of a result's ``value`` that holds its labels; "" where it is no labelled region."""
    value = as_object(result.get("value"))
    return next((key for key, item in value.items() if key.endswith("labels") and _texts(item)), "")


def read_region(result: Mapping[str, Any], size: Size) -> Region | None:
    """What a result of an annotation draws; ``None`` where it is no labelled region of an image.

    Raises:
        ValueError: it is one, but cannot be read; the reason.
    """
    key = label_key(result)
    if not key:
        return None
    value = as_object(result["value"])
    outline = _outline(value, size)
    if outline is None:
        return None
    labels = _texts(value[key])
    return Region(label=labels[0], key=key, labels=labels, outline=outline)


def draw_region(box: DatasetBox, size: Size) -> tuple[str, Json]:
    """The type and the value, without labels, of a box, or of the outline that came with it."""
    shape = fitting_outline(box, (int(size[0]), int(size[1])))
    if shape is not None and shape.kind == "ellipse":
        (x, y), (across, down) = shape.parts[0]
        values = _per_cent((x, y), size), _per_cent((across, down), size)
        drawn = dict(zip(("x", "y", "radiusX", "radiusY"), (*values[0], *values[1]), strict=True))
        return "ellipselabels", {**drawn, "rotation": 0}
    turned = rectangle_of(shape) if shape is not None else None
    if turned is not None:
        corner, width, height, angle = turned
        return "rectanglelabels", _rectangle(corner, width, height, angle, size)
    if shape is not None and shape.kind == "polygon":
        ring = [list(_per_cent(point, size)) for point in one_ring(shape)]
        return "polygonlabels", {"points": ring, "closed": True}
    return "rectanglelabels", _rectangle((box.x1, box.y1), box.x2 - box.x1, box.y2 - box.y1, 0, size)


def _rectangle(corner: Point, width: float, height: float, angle: float, size: Size) -> Json:
    x, y = _per_cent(corner, size)
    across, down = _per_cent((width, height), size)
    return {"x": x, "y": y, "width": across, "height": down, "rotation": angle}


def _per_cent(point: Point, size: Size) -> Point:
    return 100 * point[0] / size[0], 100 * point[1] / size[1]


def _pixels(x: float, y: float, size: Size) -> Point:
    return x * size[0] / 100, y * size[1] / 100


def _outline(value: Json, size: Size) -> Shape | Xyxy | None:
    if "points" in value:
        line = points(value["points"])
        if not line:
            raise ValueError("its points are no pairs of numbers")
        return Shape(kind="polygon", parts=(tuple(_pixels(x, y, size) for x, y in line),))
    if "rle" in value:
        return brush_bounds(value["rle"], (int(size[0]), int(size[1])))
    angle = number(value.get("rotation")) or 0.0
    if "radiusX" in value:
        ellipse = numbers(value, "x", "y", "radiusX", "radiusY")
        if ellipse is None or not all(map(math.isfinite, (*ellipse, angle))):
            raise ValueError("its centre and radii are no numbers")
        centre, radii = _pixels(ellipse[0], ellipse[1], size), _pixels(ellipse[2], ellipse[3], size)
        return turned_ellipse(centre, *radii, angle)
    if not {"x", "y"} <= value.keys():
        return None
    if "height" not in value:  # a point, whose width is that of the mark
        x, y = _finite(value, "x", "y")
        return Shape(kind="points", parts=((_pixels(x, y, size),),))
    x, y, width, height = _finite(value, "x", "y", "width", "height")
    corner, (across, down) = _pixels(x, y, size), _pixels(width, height, size)
    if angle % 360 == 0 or not math.isfinite(angle):
        return corner[0], corner[1], corner[0] + across, corner[1] + down
    return Shape(kind="rotated", parts=(corners_of(corner, across, down, angle),))


def _finite(value: Json, *keys: str) -> tuple[float, ...]:
    found = numbers(value, *keys)
    if found is None or not all(map(math.isfinite, found)):
        raise ValueError(f"{', '.join(keys)} are no numbers")
    return tuple(found)


def _texts(value: Any) -> tuple[str, ...]:
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return tuple(item.strip() for item in items if isinstance(item, str) and item.strip())
