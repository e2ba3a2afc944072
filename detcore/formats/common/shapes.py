"""Outlines that came with a box: Reticle labels boxes, keeps the outline beside the box, and writes it again where a
format has a place for it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from detcore.boxes import TOLERANCE, Xyxy, fit
from detcore.formats.base import DatasetBox
from detcore.formats.common.geometry import Frame

SHAPE = "shape"
"""The key of a box's ``extra`` that holds the outline, whichever format it came from."""

ShapeKind = Literal["polygon", "rotated", "line", "points", "ellipse"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An outline in pixels of the image as shown. ``parts`` are lists of points: the polygons of a ``polygon``, the
    four corners of a ``rotated`` box, the vertices of a ``line``, single ``points`` (keypoints, in their order), or
    the centre and the two radii of an upright ``ellipse``."""

    kind: ShapeKind
    parts: tuple[tuple[Point, ...], ...]

    @property
    def bounds(self) -> Xyxy:
        """The smallest upright box around it; infinite where there is no point."""
        points = list(itertools.chain.from_iterable(self.parts))
        if self.kind == "ellipse" and len(points) == 2:
            (x, y), (across, down) = points
            return x - across, y - down, x + across, y + down
        xs = [x for x, _ in points] or [math.inf]
        ys = [y for _, y in points] or [math.inf]
        return min(xs), min(ys), max(xs), max(ys)

    def turned(self, frame: Frame) -> Shape:
        """An outline of the image as stored, as one of the image as shown."""
        if frame.orientation == 1:
            return self
        if self.kind == "ellipse":
            x1, y1, x2, y2 = frame.turn(self.bounds)
            parts = ((((x1 + x2) / 2, (y1 + y2) / 2), ((x2 - x1) / 2, (y2 - y1) / 2)),)
        else:
            parts = tuple(tuple(frame.turn((x, y, x, y))[:2] for x, y in part) for part in self.parts)
        return replace(self, parts=parts)

    def kept(self, box: Xyxy) -> dict[str, Any]:
        """For the ``extra`` of the ``box`` that stands for this outline: only with that box it still holds."""
        parts = [[[x, y] for x, y in part] for part in self.parts]
        return {SHAPE: {"kind": self.kind, "parts": parts, "box": list(box)}}


def shape_of(box: DatasetBox) -> Shape | None:
    """The outline that came with a box; ``None`` where none did, or where somebody changed the box since."""
    kept: Any = box.extra.get(SHAPE)
    if not isinstance(kept, dict):
        return None
    fields = cast("Mapping[str, Any]", kept)
    kind = next((kind for kind in get_args(ShapeKind) if kind == fields.get("kind")), None)
    corners = _numbers(fields.get("box"))
    if kind is None or corners is None or len(corners) != 4:
        return None
    if any(abs(mine - old) > 1e-6 for mine, old in zip(box.xyxy, corners, strict=True)):
        return None
    parts: list[tuple[Point, ...]] = []
    raw: Any = fields.get("parts")
    for part in cast("list[Any]", raw) if isinstance(raw, list) else []:
        points = [_numbers(point) for point in cast("list[Any]", part)] if isinstance(part, list) else []
        if any(point is None or len(point) != 2 for point in points):
            return None
        parts.append(tuple((point[0], point[1]) for point in points if point is not None))
    return Shape(kind=kind, parts=tuple(parts)) if any(parts) else None


def has_outdated_shape(box: DatasetBox) -> bool:
    """Whether an outline came with a box that somebody has changed since, so that it fits no more."""
    return SHAPE in box.extra and shape_of(box) is None


def _numbers(value: Any) -> Sequence[float] | None:
    if not isinstance(value, list) or not all(
        isinstance(item, int | float) and math.isfinite(item) for item in cast("list[Any]", value)
    ):
        return None
    return [float(item) for item in cast("list[float]", value)]


def sole_outline(box: DatasetBox, size: tuple[int, int]) -> Shape | None:
    """The outline that came with a box, for files that hold one line of points instead of the box: where it is of one
    part, and the box around it, in an image of that (width, height), is the same."""
    shape = shape_of(box)
    if shape is None or len(shape.parts) != 1:
        return None
    inside, _ = fit(shape.bounds, width=size[0], height=size[1])
    near = inside is not None and all(
        abs(edge - other) <= TOLERANCE for edge, other in zip(inside, box.xyxy, strict=True)
    )
    return shape if near else None
