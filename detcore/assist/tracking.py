"""Boxes of one frame found again in another, by the look of what is in them.

A template is correlated with the surroundings of the place where it is expected, in three sizes; what is found is
looked for in the first frame in turn, and counts as far as that leads back to where it began (Kalal, Mikolajczyk and
Matas, Forward-Backward Error, ICPR 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detcore.boxes import areas, clip
from detcore.types import FloatArray, ImageArray

SURE = 0.6
"""The score from which a box was found again."""
_SIDE = 48
"""Templates are looked at in so many pixels square at most."""
_LEAST_SIDE = 4
_AROUND = 1.2
"""A template is so much wider and higher than its box: the edges of an object are what is known of it best."""
_STEP = 1.05
_SIZES = (1 / _STEP, 1.0, _STEP)
_REACH, _REACH_OF_IMAGE = 0.6, 0.02
"""How far from where it is expected an object is looked for: this share of its
side, were it square, and of the image's longer one."""
_DISTANCE = 0.1
"""What the farthest place has to correlate better by than the expected one to be preferred to it."""
_FLAT = 3.0
"""Grey levels of deviation below which there is nothing to see in a template."""
_LEAST_SEEN = 0.3
"""The share of a box in the image below which it has left it."""

_SQUARES = 5
"""The shorter side of a picture has so many squares in which is looked whether the next one shows the same."""
_ALIKE = 0.45
"""The share of them that are found again from which it does. Of blood cells and of cards that have nothing to do with each
other it is 0.4 at most, of pictures that were turned, moved and zoomed by 3 % and brightened by 10 % 0.6 at least."""

_Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """Where boxes are in another frame: ``boxes`` (N, 4) cut to it, and ``scores`` (N,) from 0, gone, to 1, quite as it
    was."""

    boxes: FloatArray
    scores: FloatArray

    def or_better(self, other: Tracked) -> Tracked:
        """Of each box what has the higher score."""
        better = other.scores > self.scores
        return Tracked(
            boxes=np.where(better[:, None], other.boxes, self.boxes),
            scores=np.maximum(self.scores, other.scores),
        )


class Picture:
    """A picture that is sampled at any place and in any size."""

    def __init__(self, image: ImageArray) -> None:
        self.height, self.width = image.shape[:2]
        levels: list[_Grey] = [np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)]
        while min(levels[-1].shape) >= 2 * _SIDE:
            height, width = levels[-1].shape
            half = cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            levels.append(np.asarray(half, np.uint8))
        self._levels = levels

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)"""
        return self.width, self.height

    def sample(self, center: FloatArray, shape: tuple[int, int], scale: float) -> _Grey:
        """(height, width) = ``shape`` pixels around ``center`` (2,), ``scale`` of them to a pixel of the picture; beyond its
        edges it goes on as it ends."""
        number = int(np.clip(np.floor(-np.log2(scale)), 0, len(self._levels) - 1))
        level = self._levels[number]
        across, down = level.shape[1] / self.width, level.shape[0] / self.height
        (x, y), (height, width) = center.tolist(), shape
        back = np.array(
            [
                [across / scale, 0.0, (x - (width - 1) / 2 / scale) * across - 0.5],
                [0.0, down / scale, (y - (height - 1) / 2 / scale) * down - 0.5],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(level, back, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE),
            np.uint8,
        )


def track(before: Picture, after: Picture, boxes: FloatArray, motions: FloatArray) -> Tracked:
    """Where the ``boxes`` (N, 4) of one frame are in one of the same size. ``motions`` (N, 2) are the pixels by which
    each is expected to have moved."""
    found = np.zeros((len(boxes), 4))
    scores = np.zeros(len(boxes))
    for row, (box, motion) in enumerate(zip(boxes, motions, strict=True)):
        found[row], scores[row] = _track(before, after, box, motion)
    inside = clip(found, width=after.width, height=after.height)
    seen = areas(inside) / np.maximum(areas(found), np.finfo(np.float64).tiny)
    return Tracked(boxes=inside, scores=np.where(seen >= _LEAST_SEEN, scores, 0.0))


def background_motion(before: Picture, after: Picture) -> FloatArray | None:
    """The pixels (2,) by which most of a picture is moved in the one that follows; ``None`` where that shows something
    else, or is of another size, or nothing is to be seen."""
    if before.size != after.size:
        return None
    squares = _squares(before.width, before.height)
    squares = squares[[_template(before, box).std() >= _FLAT for box in squares]]
    tracked = track(before, after, squares, np.zeros((len(squares), 2)))
    found = tracked.scores >= SURE
    if not found.any() or found.mean() < _ALIKE:
        return None
    moved = tracked.boxes[found] - squares[found]
    return np.median((moved[:, :2] + moved[:, 2:]) / 2, axis=0)


def _squares(width: int, height: int) -> FloatArray:
    """(N, 4) that cover a picture."""
    side = min(width, height) / _SQUARES
    left = np.linspace(0, width - side, max(round(width / side), 1))
    top = np.linspace(0, height - side, max(round(height / side), 1))
    x, y = (grid.ravel() for grid in np.meshgrid(left, top))
    return np.stack([x, y, x + side, y + side], axis=1)


@dataclass(frozen=True, slots=True)
class _Peak:
    """The place that is most alike: its center, how it correlates there (-1..1), and so many times as large it is."""

    center: FloatArray
    value: float
    size: float


def _track(before: Picture, after: Picture, box: FloatArray, motion: FloatArray) -> tuple[FloatArray, float]:
    center, sides = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    scale, template = _scale(sides), _template(before, box)
    if float(template.std()) < _FLAT:
        return box, 0.0
    reach = _REACH * float(np.sqrt(sides.prod())) + _REACH_OF_IMAGE * max(after.size)
    there = _find(after, template, center + motion, reach, scale)
    answer = after.sample(there.center, template.shape, scale / there.size)
    back = _find(before, answer, there.center - motion, reach, scale / there.size)
    # what either way is off by, the other one is too, if in the other direction
    moved = ((there.center - center) - (back.center - there.center)) / 2
    half = sides / 2 * np.sqrt(there.size / back.size)
    found = np.concatenate([center + moved - half, center + moved + half])
    agreement = _overlap(back.center - center, sides)
    return found, max(min(there.value, back.value), 0.0) * agreement


def _template(picture: Picture, box: FloatArray) -> _Grey:
    """What is in a box and closely around it."""
    sides = box[2:] - box[:2]
    scale = _scale(sides)
    width, height = np.maximum(np.round(sides * _AROUND * scale), _LEAST_SIDE).astype(int).tolist()
    return picture.sample((box[:2] + box[2:]) / 2, (height, width), scale)


def _scale(sides: FloatArray) -> float:
    """Pixels of a template to one of the picture."""
    return min(1.0, _SIDE / (_AROUND * float(np.sqrt(sides.prod()))))


def _find(picture: Picture, template: _Grey, expected: FloatArray, reach: float, scale: float) -> _Peak:
    """The place within ``reach`` pixels of the ``expected`` one (2,), and the size, in which the picture looks most like the
    template, which has ``scale`` pixels to one of the picture."""
    peaks = [_find_place(picture, template, expected, reach, scale / size) for size in _SIZES]
    values = [value for _, value in peaks]
    best = int(np.argmax(values))
    center, value = peaks[best]
    return _Peak(center, value, _STEP ** _vertex(*values))


def _find_place(
    picture: Picture, template: _Grey, expected: FloatArray, reach: float, scale: float
) -> tuple[FloatArray, float]:
    """The center (2,) in this size, and how it correlates."""
    height, width = template.shape
    steps = max(round(reach * scale), 1)
    window = picture.sample(expected, (height + 2 * steps, width + 2 * steps), scale)
    likeness = np.asarray(cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED), np.float64)
    along = (np.arange(2 * steps + 1) / steps - 1.0) ** 2
    preferred = likeness - _DISTANCE / 2 * (along[:, None] + along[None, :])
    row, column = (int(place) for place in np.unravel_index(int(preferred.argmax()), preferred.shape))
    place = np.array([column + _between(likeness[row], column), row + _between(likeness[:, column], row)])
    return expected + (place - steps) / scale, float(likeness[row, column])


def _between(values: FloatArray, at: int) -> float:
    """How far from ``at`` the highest of the values is, in steps: their neighbours make a parabola."""
    if not 0 < at < len(values) - 1:
        return 0.0
    return _vertex(*values[at - 1 : at + 2].tolist())


def _vertex(left: float, middle: float, right: float) -> float:
    """Where the parabola through values at -1, 0 and 1 is highest, between these."""
    bend = 2 * middle - left - right
    if bend <= 0:
        return float(np.sign(right - left))
    return float(np.clip((right - left) / (2 * bend), -1.0, 1.0))


def _overlap(shift: FloatArray, sides: FloatArray) -> float:
    """The IoU of a box with itself, moved."""
    common = float(np.maximum(sides - np.abs(shift), 0.0).prod())
    return common / (2 * float(sides.prod()) - common)
