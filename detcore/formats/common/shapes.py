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

_SQUARE = 1e-4
"""How far the corners of a rectangle may be from right angles, as a share of its sides."""

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
    """The outline that came with a box; ``None`` where none did, or where somebody changed the box since. Polygons
    that COCO brought are with what is kept for COCO."""
    kept: Any = box.extra.get(SHAPE)
    if not isinstance(kept, dict):
        return _coco_polygons(box)
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


def _coco_polygons(box: DatasetBox) -> Shape | None:
    kept: Any = box.extra.get("coco")
    if not isinstance(kept, dict):
        return None
    fields = cast("Mapping[str, Any]", kept)
    raw: Any = fields.get("segmentation")
    if not isinstance(raw, list):
        return None
    bbox = _numbers(fields.get("bbox"))
    if bbox is None or len(bbox) != 4:
        return None
    x, y, width, height = bbox
    x1, y1, x2, y2 = box.xyxy
    inwards = (x1 - x, y1 - y, x + width - x2, y + height - y2)
    if not all(-1e-6 <= moved <= TOLERANCE for moved in inwards):
        return None
    parts: list[tuple[Point, ...]] = []
    for polygon in cast("list[Any]", raw):
        numbers = _numbers(polygon)
        if not numbers or len(numbers) % 2:
            return None
        parts.append(tuple(zip(numbers[::2], numbers[1::2], strict=True)))
    return Shape(kind="polygon", parts=tuple(parts)) if parts else None


def has_outdated_shape(box: DatasetBox) -> bool:
    """Whether an outline came with a box that somebody has changed since, so that it fits no more."""
    return SHAPE in box.extra and shape_of(box) is None


def _numbers(value: Any) -> Sequence[float] | None:
    if not isinstance(value, list) or not all(
        isinstance(item, int | float) and math.isfinite(item) for item in cast("list[Any]", value)
    ):
        return None
    return [float(item) for item in cast("list[float]", value)]


def fitting_outline(box: DatasetBox, size: tuple[int, int]) -> Shape | None:
    """The outline that came with a box, for files that hold it instead of the box: where the box around it, in an image
    of this (width, height), is the same."""
    shape = shape_of(box)
    inside = None if shape is None else fit(shape.bounds, width=size[0], height=size[1])[0]
    near = inside is not None and all(
        abs(edge - other) <= TOLERANCE for edge, other in zip(inside, box.xyxy, strict=True)
    )
    return shape if near else None


def sole_outline(box: DatasetBox, size: tuple[int, int]) -> Shape | None:
    """A :func:`fitting_outline` of one part, for files that hold one line of points."""
    shape = fitting_outline(box, size)
    return shape if shape is not None and len(shape.parts) == 1 else None


def fitted(outline: Shape | Xyxy, frame: Frame) -> tuple[Xyxy | None, dict[str, Any], str | None]:
    """The upright box of an outline, or of a box, inside its image; what to keep of the outline in ``extra``; and what
    is odd, or why there is no box."""
    shape = outline.turned(frame) if isinstance(outline, Shape) else None
    bounds = frame.turn(cast(Xyxy, outline)) if shape is None else shape.bounds
    box, message = fit(bounds, width=frame.width, height=frame.height)
    return box, {} if shape is None or box is None else shape.kept(box), message


def rectangle_of(shape: Shape) -> tuple[Point, float, float, float] | None:
    """The corner, the width, the height and the clockwise angle in degrees (0 to 360) of a ``rotated`` box; ``None``
    where its four corners make no rectangle. Width goes along the angle from the corner, height a quarter turn on."""
    if shape.kind != "rotated" or len(shape.parts[0]) != 4:
        return None
    corner, second, third, fourth = shape.parts[0]
    if (second[0] - corner[0]) * (fourth[1] - corner[1]) < (second[1] - corner[1]) * (fourth[0] - corner[0]):
        second, fourth = fourth, second
    across = (second[0] - corner[0], second[1] - corner[1])
    down = (fourth[0] - corner[0], fourth[1] - corner[1])
    width, height = math.hypot(*across), math.hypot(*down)
    skew = abs(across[0] * down[0] + across[1] * down[1])
    apart = math.dist((fourth[0] + across[0], fourth[1] + across[1]), third)
    if min(width, height) == 0 or skew > _SQUARE * width * height or apart > _SQUARE * (width + height):
        return None
    return corner, width, height, math.degrees(math.atan2(across[1], across[0])) % 360


def corners_of(corner: Point, width: float, height: float, angle: float) -> tuple[Point, ...]:
    """The corners of a box that is turned clockwise about its first corner by an angle in degrees."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    (x, y), across, down = corner, (width * cos, width * sin), (-height * sin, height * cos)
    return (
        corner,
        (x + across[0], y + across[1]),
        (x + across[0] + down[0], y + across[1] + down[1]),
        (x + down[0], y + down[1]),
    )


def one_ring(shape: Shape) -> tuple[Point, ...]:
    """The polygons of a ``polygon`` as one closed line, with bridges of no width between them, for formats that hold
    one polygon an object."""
    first, *others = shape.parts
    ring = list(first)
    for part in others:
        ring += [first[0], *part, part[0]]
    return tuple(ring)


def turned_ellipse(centre: Point, across: float, down: float, angle: float) -> Shape | Xyxy:
    """An ellipse whose radius ``across`` points along a clockwise angle in degrees: one that lies upright is an outline,
    of any other the bounds are taken."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    half = (math.hypot(across * cos, down * sin), math.hypot(across * sin, down * cos))
    if across == down or min(abs(cos), abs(sin)) < _SQUARE:
        return Shape(kind="ellipse", parts=((centre, half),))
    return centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]
