"""What CVAT draws: boxes that may be turned, lines, points, ellipses, masks, cuboids and skeletons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from detcore.boxes import Xyxy
from detcore.formats.base import DatasetBox
from detcore.formats.common.shapes import Point, Shape, ShapeKind, sole_outline
from detcore.formats.common.text import number_text
from detcore.formats.common.xmltree import Node

_EDGES = ("xtl", "ytl", "xbr", "ybr")
_CORNERS = tuple(
    f"{axis}{corner}{side}" for side in (1, 2) for corner in ("tl", "bl", "tr", "br") for axis in "xy"
)
GEOMETRY: Mapping[str, tuple[str, ...]] = {
    "box": (*_EDGES, "rotation"),
    "polygon": ("points",),
    "polyline": ("points",),
    "points": ("points",),
    "ellipse": ("cx", "cy", "rx", "ry", "rotation"),
    "mask": ("rle", "left", "top", "width", "height"),
    "cuboid": _CORNERS,
    "skeleton": (),
}
"""The attributes that say where a figure is, by its name."""

_KINDS: Mapping[str, ShapeKind] = {"polygon": "polygon", "polyline": "line", "points": "points"}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Where something is: the smallest upright box around it, and its outline. An upright box has none, and neither has
    what no other format can hold, which is ``special``."""

    bounds: Xyxy
    shape: Shape | None = None
    special: bool = False


def read_figure(node: Node) -> Figure:
    """The figure that an element draws.

    Raises:
        ValueError: an attribute is missing or no number; it says which.
    """
    if node.tag in _KINDS:
        return _outline(Shape(kind=_KINDS[node.tag], parts=(_points(node),)))
    if node.tag == "skeleton":
        seen = [
            item for item in node.children if item.tag == "points" and item.attributes.get("outside") != "1"
        ]
        points = tuple(point for item in seen for point in _points(item))
        shape = Shape(kind="points", parts=(points,))
        return Figure(bounds=shape.bounds, shape=shape, special=True)
    if node.tag == "mask":
        left, top, width, height = _numbers(node, GEOMETRY["mask"][1:])
        return Figure(bounds=(left, top, left + width, top + height), special=True)
    if node.tag == "cuboid":
        numbers = _numbers(node, _CORNERS)
        xs, ys = numbers[0::2], numbers[1::2]
        return Figure(bounds=(min(xs), min(ys), max(xs), max(ys)), special=True)
    (angle,) = _numbers(node, ("rotation",)) if node.attributes.get("rotation") else (0.0,)
    if node.tag == "ellipse":
        x, y, across, down = _numbers(node, GEOMETRY["ellipse"][:4])
        if angle % 180 == 0:
            return _outline(Shape(kind="ellipse", parts=(((x, y), (across, down)),)))
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        half_width, half_height = math.hypot(across * cos, down * sin), math.hypot(across * sin, down * cos)
        bounds = (x - half_width, y - half_height, x + half_width, y + half_height)
        return Figure(bounds=bounds, special=True)
    x1, y1, x2, y2 = _numbers(node, _EDGES)
    if angle % 360 == 0:
        return Figure(bounds=(x1, y1, x2, y2))
    return _outline(_turned_box((x1, y1, x2, y2), angle))


def draw_figure(box: DatasetBox, size: tuple[int, int]) -> Node:
    """The element for a box in an image of that (width, height): its outline where it has one that still fits, else the
    box itself."""
    shape = sole_outline(box, size)
    if shape is None:
        return _drawn("box", _EDGES, box.xyxy)
    (points,) = shape.parts
    if shape.kind == "rotated" and len(points) == 4:
        return _untwisted(points)
    if shape.kind == "ellipse" and len(points) == 2:
        return _drawn("ellipse", GEOMETRY["ellipse"][:4], (*points[0], *points[1]))
    text = ";".join(f"{number_text(x)},{number_text(y)}" for x, y in points)
    return Node(tag=_NAMES.get(shape.kind, "polygon"), attributes={"points": text}, closed=True)


def _outline(shape: Shape) -> Figure:
    return Figure(bounds=shape.bounds, shape=shape)


def _drawn(tag: str, names: tuple[str, ...], numbers: tuple[float, ...]) -> Node:
    attributes = {name: number_text(value) for name, value in zip(names, numbers, strict=True)}
    return Node(tag=tag, attributes=attributes, closed=True)


def _numbers(node: Node, names: tuple[str, ...]) -> list[float]:
    found: list[float] = []
    for name in names:
        text = node.attributes.get(name, "")
        try:
            found.append(float(text))
        except ValueError:
            raise ValueError(f"{name} is {text[:40]!r}, no number") from None
    return found


def _points(node: Node) -> tuple[Point, ...]:
    """Those of ``x,y;x,y``."""
    text = node.attributes.get("points", "")
    found: list[Point] = []
    for pair in text.split(";"):
        try:
            x, y = map(float, pair.split(","))
        except ValueError:
            raise ValueError(f"{pair[:40]!r} is no point") from None
        found.append((x, y))
    return tuple(found)


def _turned_box(box: Xyxy, angle: float) -> Shape:
    """A box turned clockwise about its middle by an angle in degrees, its upper left corner first."""
    x1, y1, x2, y2 = box
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    corners = ((x1 - x, y1 - y), (x2 - x, y1 - y), (x2 - x, y2 - y), (x1 - x, y2 - y))
    turned = tuple((x + dx * cos - dy * sin, y + dx * sin + dy * cos) for dx, dy in corners)
    return Shape(kind="rotated", parts=(turned,))


def _untwisted(corners: tuple[Point, ...]) -> Node:
    """The inverse of :func:`_turned_box`."""
    first, second, third, _ = corners
    x, y = (sum(axis) / 4 for axis in zip(*corners, strict=True))
    half_width, half_height = math.dist(first, second) / 2, math.dist(second, third) / 2
    angle = math.degrees(math.atan2(second[1] - first[1], second[0] - first[0])) % 360
    numbers = (x - half_width, y - half_height, x + half_width, y + half_height, angle)
    rounded = [round(value, _DECIMALS) for value in numbers]
    return _drawn("box", GEOMETRY["box"], (*rounded[:4], rounded[4] % 360))
