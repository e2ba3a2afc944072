"""What LabelMe draws, by its ``shape_type`` and points, and which of them a box or an outline is drawn as."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from detcore.boxes import Xyxy
from detcore.formats.base import DatasetBox
from detcore.formats.common.json_files import Json, points, same_box
from detcore.formats.common.shapes import Point, Shape, fitting_outline, one_ring

DRAWN = ("points", "shape_type", "direction", "ellipse", "mask")
"""The fields that say where something is."""

_ELLIPSE_POINTS = 48
_TURNED = ("rotation", "oriented_rectangle")
"""Boxes with an angle in X-AnyLabeling and in LabelMe 6, which earlier LabelMe refuses to open."""


def kind_of(entry: Mapping[str, Any]) -> Any:
    """The ``shape_type`` of an entry. Old files have none: two points are a rectangle, more a polygon."""
    drawn = entry.get("points")
    count = len(cast("list[Any]", drawn)) if isinstance(drawn, list) else 0
    return entry.get("shape_type") or ("rectangle" if count == 2 else "polygon")


def outline_of(entry: Mapping[str, Any]) -> Shape | Xyxy | None:
    """The outline, or the box, that an entry of ``shapes`` draws; ``None`` where it has no points.

    A circle is its centre and a point on it, a mask the first and the last pixel of its box. A polygon of four corners
    with a ``direction`` is a turned box and one with an ``ellipse`` of the same bounds is that ellipse: so they are
    written here.
    """
    drawn = points(entry.get("points"))
    if not drawn:
        return None
    kind = kind_of(entry)
    bounds = Shape(kind="points", parts=(drawn,)).bounds
    if kind == "mask":
        return bounds[0], bounds[1], bounds[2] + 1, bounds[3] + 1
    if kind == "circle" and len(drawn) == 2:
        radius = math.dist(*drawn)
        return Shape(kind="ellipse", parts=((drawn[0], (radius, radius)),))
    if kind in _TURNED or (len(drawn) == 4 and (kind == "rectangle" or "direction" in entry)):
        if len(drawn) == 4 and not (kind == "rectangle" and _is_upright(drawn)):
            return Shape(kind="rotated", parts=(drawn,))
        return bounds
    if kind in ("line", "linestrip"):
        return Shape(kind="line", parts=(drawn,))
    if kind in ("point", "points"):
        return Shape(kind="points", parts=(drawn,))
    if kind == "rectangle" or len(drawn) < 3:
        return bounds
    ellipse = _ellipse(entry.get("ellipse"))
    if ellipse is not None and same_box(ellipse.bounds, bounds):
        return ellipse
    return Shape(kind="polygon", parts=(drawn,))


def draw(box: DatasetBox, size: tuple[int, int]) -> Json:
    """The fields that draw a box, or the outline that came with it, so that every LabelMe opens them; ``size`` is
    (width, height) of the image."""
    shape = fitting_outline(box, size)
    if shape is None or (shape.kind == "line" and shape.parts[1:]):
        return _fields("rectangle", ((box.x1, box.y1), (box.x2, box.y2)))
    first = shape.parts[0]
    if shape.kind == "polygon":
        return _fields("polygon", one_ring(shape))
    if shape.kind == "rotated":
        direction = math.atan2(first[1][1] - first[0][1], first[1][0] - first[0][0]) % math.tau
        return _fields("polygon", first) | {"direction": direction}
    if shape.kind == "ellipse":
        (x, y), (across, down) = first
        angles = [math.tau * step / _ELLIPSE_POINTS for step in range(_ELLIPSE_POINTS)]
        ring = [(x + across * math.cos(angle), y + down * math.sin(angle)) for angle in angles]
        return _fields("polygon", ring) | {"ellipse": [[x, y], [across, down]]}
    several = [point for part in shape.parts for point in part]
    if shape.kind == "line":
        return _fields("line" if len(several) == 2 else "linestrip", several)
    return _fields("points" if len(several) > 1 else "point", several)


def still_drawn(kept: Mapping[str, Any], box: DatasetBox) -> bool:
    """Whether the points that an import kept draw the very box, so that nobody has changed it since."""
    outline = outline_of(kept)
    bounds = outline.bounds if isinstance(outline, Shape) else outline
    return bounds is not None and same_box(bounds, box.xyxy)


def _fields(kind: str, drawn: Sequence[Point]) -> Json:
    return {"points": [[x, y] for x, y in drawn], "shape_type": kind}


def _is_upright(corners: Sequence[Point]) -> bool:
    return all(len({point[axis] for point in corners}) == 2 for axis in (0, 1))


def _ellipse(value: Any) -> Shape | None:
    pair = points(value)
    return Shape(kind="ellipse", parts=(pair,)) if pair and len(pair) == 2 else None
