"""What the numbers of one line of a YOLO label file mean.

After the class come centre and size, or more than that: predictions add a confidence and the number of a
track, pose sets keypoints, and segmentation and oriented sets have the points of an outline instead. A row is
never read by its first numbers alone when the others fit none of these.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from detcore.wording import counted

Bounds = tuple[float, float, float, float]
"""Left, top, right and bottom as fractions of the image."""

Point = tuple[float, float]

_LEAST, _MOST = -1.0, 2.0
"""What is farther from the image than its own size is no fraction of it."""
_LONGEST = 500
"""Characters of a line that are looked at for what it may be."""
_CORNERS = 40
"""Points of an outline that are tried for sides that cross: all pairs of them."""
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_LAYOUTS = (
    (rf"\S+( {_NUMBER}){{14,15}}", "KITTI's labels"),
    (rf"({_NUMBER} ){{8}}\S+( \d)?", "DOTA’s “x1 y1 … x4 y4 name difficulty” in pixels"),
    (rf"({_NUMBER},){{7}}{_NUMBER},?", "VisDrone’s “left,top,width,height,score,class,…”"),
    (r"\S+( \d+,\d+,\d+,\d+,\d+)+", "“path x1,y1,x2,y2,class” in pixels"),
    (rf"\S*[^\d\s.-]\S*( \S+)*? 0?\.\d+( {_NUMBER}){{4}}", "“name score x1 y1 x2 y2” in pixels"),
    (rf"\S*[^\d\s.-]\S*( \S+)*?( {_NUMBER}){{4}}", "“name x1 y1 x2 y2” in pixels"),
    (rf"\d+( {_NUMBER}){{4}}", "boxes in pixels"),
)


def bounds_of(values: Sequence[float], keypoints: int | None = None) -> tuple[Bounds | None, str | None]:
    """The box that a row describes, and what is odd about it: ``None`` and the reason when it fits no kind.

    ``values`` are the numbers after the class. ``keypoints`` is how many numbers of keypoints follow each
    box, 0 for any number of them, ``None`` where the dataset does not say that it has some.
    """
    if len(values) == 4:  # nearly all rows there are; what is no number is no fraction either
        x, y, width, height = values
        left, top, right, bottom = x - width / 2, y - height / 2, x + width / 2, y + height / 2
        across = _LEAST <= left <= _MOST and _LEAST <= right <= _MOST
        if across and _LEAST <= top <= _MOST and _LEAST <= bottom <= _MOST:
            return (left, top, right, bottom), None
    if not all(math.isfinite(value) for value in values):
        return None, "a coordinate is not a number: left out"
    if len(values) < 4:
        return None, f"only {counted(len(values) + 1, 'column')}: left out"
    bounds, message = _bounds_and_kind(values, keypoints)
    if bounds is None:
        return None, f"{counted(len(values) + 1, 'column')} that are neither a box nor an outline: left out"
    if not all(_LEAST <= value <= _MOST for value in bounds):
        return None, "these are no fractions of the image, but pixels perhaps: left out"
    return bounds, message


def _bounds_and_kind(values: Sequence[float], keypoints: int | None) -> tuple[Bounds | None, str | None]:
    if len(values) == 4:
        return _box(values), None
    if len(values) == 5 and (_is_share(values[4]) or _is_track(values[4])):
        return _box(values), "6 columns: the last, a confidence or a track, is left out"
    if len(values) == 6 and _is_share(values[4]) and _is_track(values[5]) and _is_in_image(_box(values)):
        return _box(values), "7 columns: the last two, a confidence and a track, are left out"
    if _has_keypoints(values, keypoints):
        return _box(values), "a box with keypoints: the keypoints are left out"
    outline = _outline(values)
    if outline is None:
        return None, None
    xs, ys = outline[0::2], outline[1::2]
    more = {0: "", 1: " and one more number", 2: " and two more numbers"}[len(values) - len(outline)]
    return (
        min(xs),
        min(ys),
        max(xs),
        max(ys),
    ), f"an outline of {counted(len(xs), 'point')}{more}: its bounds were taken"


def _box(values: Sequence[float]) -> Bounds:
    x, y, width, height = values[:4]
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _is_share(value: float) -> bool:
    return 0 <= value <= 1


def _is_track(value: float) -> bool:
    return value >= 1 and value.is_integer()


def _is_in_image(bounds: Bounds) -> bool:
    return all(-0.01 <= value <= 1.01 for value in bounds)


def _outline(values: Sequence[float]) -> Sequence[float] | None:
    """The coordinates of three points or more, without the confidence and the track that may follow them."""
    for extras in range(min(3, len(values) - 5)):
        points, rest = values[: len(values) - extras], values[len(values) - extras :]
        fits = len(points) % 2 == 0 and all(_LEAST <= value <= _MOST for value in points)
        if not fits or (points[-1] > 1 and _is_track(points[-1])):
            continue
        if all(_is_share(value) for value in rest[:1]) and all(_is_track(value) for value in rest[1:]):
            return points
        if len(rest) == 1 and _is_track(rest[0]):
            return points
    return None


def _has_keypoints(values: Sequence[float], keypoints: int | None) -> bool:
    """Whether the row is a box and its keypoints, perhaps with a confidence and a track."""
    rest = values[4:]
    if keypoints:
        return len(rest) - keypoints in {0, 1, 2}
    if keypoints == 0:
        return any(True for _ in _points_after(rest))
    return any(2 in marks and set(marks) <= {0, 1, 2} for _, marks in _points_after(rest) if marks)


def _points_after(rest: Sequence[float]) -> Iterator[tuple[list[Point], Sequence[float]]]:
    """What may be keypoints: points with their visibilities or confidences, and points without."""
    for numbers in (rest, rest[:-1]):
        if numbers and len(numbers) % 3 == 0 and all(0 <= mark <= 2 for mark in numbers[2::3]):
            yield list(zip(numbers[0::3], numbers[1::3], strict=True)), numbers[2::3]
        if len(numbers) >= 2 and len(numbers) % 2 == 0:
            yield list(zip(numbers[0::2], numbers[1::2], strict=True)), ()


def are_keypoints(rows: Sequence[Sequence[float]]) -> bool:
    """Whether rows of six numbers and more are boxes with keypoints rather than outlines, where no ``kpt_shape``
    says so: in nine of ten the points lie in the box, and as outlines most would cross themselves. Either alone
    is no sign: the points of a small outline at the centre of an image lie in that box as well."""
    inside = sum(_points_in_box(row) for row in rows)
    return inside >= 0.9 * len(rows) > 0 and sum(map(_crosses_itself, rows)) > 0.5 * len(rows)


def _points_in_box(values: Sequence[float]) -> bool:
    left, top, right, bottom = box = _box(values)
    return _is_in_image(box) and any(
        all(left <= x <= right and top <= y <= bottom for x, y in _visible(points, marks))
        for points, marks in _points_after(values[4:])
    )


def _visible(points: list[Point], marks: Sequence[float]) -> list[Point]:
    return [point for point, mark in zip(points, marks, strict=True) if mark] if marks else points


def _crosses_itself(values: Sequence[float]) -> bool:
    points = list(zip(values[0::2], values[1::2], strict=False))[:_CORNERS]
    sides = list(zip(points, [*points[1:], points[0]], strict=True))
    count = len(sides)
    return any(
        _meet(sides[first], sides[second])
        for first in range(count)
        for second in range(first + 2, count - (first == 0))
    )


def _meet(side: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    (a, b), (c, d) = side, other
    return _turn(a, b, c) * _turn(a, b, d) <= 0 and _turn(c, d, a) * _turn(c, d, b) <= 0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def foreign_layout(line: str) -> str | None:
    """What a line that is no YOLO looks like, in words."""
    text = " ".join(line[:_LONGEST].split())
    return next((name for pattern, name in _LAYOUTS if re.fullmatch(pattern, text)), None)
