"""What is alike on an image: proposals from examples, fitted again with each that a person accepts or rejects.

Exemplar-LDA (Hariharan, Malik and Ramanan, "Discriminative decorrelation for clustering and classification", 2012): seen
from the background of the images, what objects look like is their mean, and no classifier has to be trained against thousands of
windows. In that space a few examples and rejected ones are told apart by ridge regression, a matter of milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcore.assist.similar.channels import CHANNELS, GRID, TURNS, Appearances, Channels, turned
from detcore.assist.similar.searching import peaks
from detcore.boxes import areas, clip, intersections, iou
from detcore.types import FloatArray, ImageArray

Units = NDArray[np.float32]
"""(N, LENGTH): appearances as seen from the background, each of length 1."""

LENGTH = GRID * GRID * CHANNELS
MOST = 300
"""Proposals on an image."""
_CANDIDATES = 1200
_BACKGROUND, _LEAST_BACKGROUND = 1500, 30
"""Places that tell what an image looks like anywhere; where there are fewer beside the examples, nothing can stand out."""
_JITTERS = ((0, 0, 1), (0.05, 0, 1), (-0.05, 0, 1), (0, 0.05, 1), (0, -0.05, 1), (0, 0, 1.07), (0, 0, 0.93))
"""Shares of the sides by which an example is moved, and factors of its size: those who draw are no more exact."""
_NEIGHBOURS = ((0, 0, 1, 1), (0.08, 0, 1, 1), (-0.08, 0, 1, 1), (0, 0.08, 1, 1), (0, -0.08, 1, 1)) + (
    (0, 0, 1.1, 1.1),
    (0, 0, 0.91, 0.91),
    (0, 0, 1.1, 0.95),
    (0, 0, 0.95, 1.1),
)
"""The same of x, y, width and height: where a found object is looked at again."""
_ROUNDS = 2
_SCALES, _MOST_SCALES = 0.35, 0.6
"""How much larger or smaller than the examples objects are looked for, as a logarithm, at least and at most: as these differ."""
_SCALE_STEP = 0.18
_APART = 0.3
"""The IoU with an example up to which a place is background."""
_SHRINKAGE = 1.0
"""Of the covariance, as a variance of every channel. Many are hardly ever seen, and would tell most."""
_NOTHING = 0.1
"""The length of an appearance that is that of the background: usual ones have 4."""
_RIDGE = 0.5
_UNLIKE = -0.3
"""What a rejected one is fitted to, where an example is 1."""
_ENOUGH = 3
"""Examples from which on they tell about each other."""
_ORIENTED = 0.1
"""By how much more they are alike as they are where their direction matters."""
_SHARE, _BY_CHANCE, _USUAL_CANDIDATES = 0.6, 0.12, 250
_LEAST, _MOST = 0.22, 0.6
"""How the likeness from which is proposed follows from how examples stand out, and its bounds: chosen on blood cells."""
_NEARLY = 0.8
"""The share of it that a place has to reach to be looked at closely."""
_SAME = 0.35
"""IoU from which two proposals are one object."""
_WITHIN = 0.7
"""The share of the smaller one that lies in the other from which they are one."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a person has shown of a class.

    ``alike`` (K, GRID, GRID, CHANNELS): examples, each the mean of how it looks moved a little; ``sizes`` (K, 2) their widths
    and heights; ``unlike`` (M, GRID, GRID, CHANNELS): what was rejected.
    """

    alike: Appearances
    sizes: FloatArray
    unlike: Appearances

    def __add__(self, other: Lesson) -> Lesson:
        return Lesson(
            alike=np.concatenate([self.alike, other.alike]),
            sizes=np.concatenate([self.sizes, other.sizes]),
            unlike=np.concatenate([self.unlike, other.unlike]),
        )

    def box_sizes(self) -> Iterator[tuple[float, float]]:
        """Widths and heights to look for."""
        logs = np.log(self.sizes)
        middle, spread = logs.mean(axis=0), float(logs.mean(axis=1).std())
        reach = min(max(_SCALES, 1.5 * spread), _MOST_SCALES)
        for factor in np.exp(np.linspace(-reach, reach, round(2 * reach / _SCALE_STEP) + 1)):
            width, height = np.exp(middle) * factor
            yield float(width), float(height)


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Proposals, best first: ``boxes`` (N, 4) in pixels, ``scores`` (N,) from 0.5 to 1."""

    boxes: FloatArray
    scores: FloatArray


class Look:
    """An image on which objects are looked for. What it looks like is worked out once; what is proposed follows a lesson in
    milliseconds."""

    def __init__(self, image: ImageArray, side: float) -> None:
        """``side`` is the square root of the area of an example, in pixels."""
        self._channels = Channels(image, side)
        self._candidates = np.zeros((0, 4))
        self._seen: Appearances = np.zeros((0, GRID, GRID, CHANNELS), np.float32)
        self._background: Background | None = None

    def learn(self, alike: FloatArray, unlike: FloatArray) -> Lesson:
        """From boxes (K, 4) of examples on this image and (M, 4) of what was rejected."""
        moved = _moved(alike, [(dx, dy, size, size) for dx, dy, size in _JITTERS])
        described = self._channels.describe(moved).reshape(len(_JITTERS), len(alike), GRID, GRID, CHANNELS)
        return Lesson(
            alike=described.mean(axis=0),
            sizes=np.maximum(alike[:, 2:] - alike[:, :2], 1.0),
            unlike=self._channels.describe(unlike),
        )

    def search(self, lesson: Lesson, *, examples: FloatArray) -> None:
        """Find where something might be alike, for ``propose``. ``examples`` (K, 4) are those on this image.

        A tenth of a second or so: the larger the objects are in the image, the faster. Where the examples fill the image nothing is found.
        """
        background = _background_boxes(self._channels.size, np.exp(np.log(lesson.sizes).mean(axis=0)))
        background = background[(iou(background, examples) < _APART).all(axis=1)]
        sizes = lesson.box_sizes() if len(background) >= _LEAST_BACKGROUND else ()
        self._background = Background(self._channels.describe(background))
        template = self._background.template(_fitted(self._background, lesson))
        self._candidates = peaks(self._channels, template[None], sizes, most=_CANDIDATES)
        self._seen = self._channels.describe(self._candidates)

    def propose(self, lesson: Lesson) -> Alike:
        """What is alike as far as the ``lesson`` tells, the examples on this image among it. ``search`` was called before."""
        background = self._background
        if background is None:
            raise ValueError("an image is searched before something is proposed on it")
        fitted = _fitted(background, lesson)
        likeness = background.units(self._seen) @ fitted
        threshold = _threshold(background, lesson, len(self._candidates))
        kept = np.flatnonzero(likeness >= _NEARLY * threshold)
        kept = kept[_apart(self._candidates[kept], likeness[kept])][:MOST]
        boxes, likeness = self._settled(background, self._candidates[kept], likeness[kept], fitted)
        best = _apart(boxes, likeness)
        best = best[likeness[best] >= threshold]
        above = np.clip((likeness[best] - threshold) / (1 - threshold), 0.0, 1.0)
        return Alike(boxes=boxes[best], scores=0.5 + 0.5 * above.astype(np.float64))

    def _settled(
        self,
        background: Background,
        boxes: FloatArray,
        likeness: NDArray[np.float32],
        fitted: NDArray[np.float32],
    ) -> tuple[FloatArray, NDArray[np.float32]]:
        """The boxes (N, 4) where they are most alike among places, sizes and shapes beside them."""
        width, height = self._channels.size
        for _ in range(_ROUNDS if len(boxes) else 0):
            around = clip(_moved(boxes, _NEIGHBOURS), width=width, height=height)
            seen = background.units(self._channels.describe(around)) @ fitted
            seen = seen.reshape(len(_NEIGHBOURS), len(boxes))
            best, rows = seen.argmax(axis=0), np.arange(len(boxes))
            boxes, likeness = around.reshape(len(_NEIGHBOURS), -1, 4)[best, rows], seen[best, rows]
        return boxes, likeness


class Background:
    """What an image looks like anywhere; seen from there, objects are what stands out.

    Attributes:
        strength: the mean squared length of an appearance as seen from here.
    """

    def __init__(self, seen: Appearances) -> None:
        """``seen`` (N, GRID, GRID, CHANNELS) at random places."""
        flat = seen.reshape(len(seen), LENGTH).astype(np.float64)
        self._mean = flat.mean(axis=0) if len(flat) else np.zeros(LENGTH)
        centred = flat - self._mean
        covariance = centred.T @ centred / max(len(flat), 1)
        covariance[np.diag_indices(LENGTH)] += _SHRINKAGE
        self._whitening = np.linalg.cholesky(np.linalg.inv(covariance)).astype(np.float32)
        self.strength = float(np.square(self.white(seen)).sum(axis=1).mean()) if len(seen) else 0.0

    def units(self, seen: Appearances) -> Units:
        """Appearances (N, GRID, GRID, CHANNELS) as seen from the background. The product of two of them is how alike they
        are: 1 at most, about 0 of what has nothing to do with each other."""
        white = self.white(seen)
        lengths = np.sqrt(np.square(white).sum(axis=1, keepdims=True))
        return (white / np.maximum(lengths, _NOTHING)).astype(np.float32, copy=False)

    def white(self, seen: Appearances) -> Units:
        centred = seen.reshape(len(seen), LENGTH) - self._mean
        return centred.astype(np.float32) @ self._whitening

    def template(self, fitted: NDArray[np.float32]) -> Appearances:
        """(GRID, GRID, CHANNELS) whose correlation with an appearance is, but for a constant, that of ``fitted`` (LENGTH,)
        before its length is made 1."""
        return (self._whitening @ fitted).reshape(GRID, GRID, CHANNELS)


def _fitted(background: Background, lesson: Lesson) -> NDArray[np.float32]:
    """(LENGTH,) of length 1, whose product with an appearance's unit tells how much it is like the examples and unlike what was
    rejected."""
    seen = np.concatenate([_examples(background, lesson), lesson.unlike])
    wanted = np.concatenate([np.ones(len(lesson.alike)), np.full(len(lesson.unlike), _UNLIKE)])
    return _ridge(background.units(seen), wanted)


def _ridge(shown: Units, wanted: FloatArray) -> NDArray[np.float32]:
    weights = np.linalg.solve(shown @ shown.T + _RIDGE * np.eye(len(shown)), wanted)
    fitted = weights.astype(np.float32) @ shown
    return fitted / max(float(np.linalg.norm(fitted)), 1e-6)


def _examples(background: Background, lesson: Lesson) -> Appearances:
    """(K, GRID, GRID, CHANNELS) what examples look like however they are turned, as far as that does not matter."""
    turns = range(1) if _is_oriented(background, lesson) else range(TURNS)
    return np.mean([turned(lesson.alike, turn) for turn in turns], axis=0)


def _is_oriented(background: Background, lesson: Lesson) -> bool:
    """Whether examples are more alike as they are than turned against each other; one alone does not tell."""
    if len(lesson.alike) < _ENOUGH:
        return False
    upright = background.units(lesson.alike)
    alike = [
        _mean_of_pairs(upright @ background.units(turned(lesson.alike, turn)).T) for turn in range(TURNS)
    ]
    return alike[0] > max(alike[1:]) + _ORIENTED


def _mean_of_pairs(products: NDArray[np.float32]) -> float:
    """Of all pairs of different ones, (K, K)."""
    count = len(products)
    return float((products.sum() - products.trace()) / (count * (count - 1)))


def _threshold(background: Background, lesson: Lesson, candidates: int) -> float:
    """The likeness from which is proposed. The less examples stand out from the background, the less two of them are alike; the more
    places there are to be taken for one, the more alike the best of them is by chance."""
    strength = np.square(background.white(_examples(background, lesson))).sum(axis=1)
    stands_out = float(np.median(strength)) / max(background.strength, 1e-9)
    by_chance = _BY_CHANCE * math.log(max(candidates / _USUAL_CANDIDATES, 1.0))
    return min(max(_SHARE * stands_out + by_chance, _LEAST), _MOST)


def _apart(boxes: FloatArray, likeness: NDArray[np.float32]) -> NDArray[np.intp]:
    """Rows, the most alike first, of which none is the same object as one before it, or a part of it."""
    order = np.argsort(-likeness, kind="stable")
    boxes = boxes[order]
    common, own = intersections(boxes, boxes), np.maximum(areas(boxes), 1e-9)
    union = own[:, None] + own[None, :] - common
    same = (common >= _SAME * union) | (common >= _WITHIN * np.minimum(own[:, None], own[None, :]))
    free = np.ones(len(boxes), np.bool_)
    for row in range(len(boxes)):
        if free[row]:
            free[row + 1 :] &= ~same[row, row + 1 :]
    return order[free]


def _moved(boxes: FloatArray, ways: Sequence[tuple[float, float, float, float]]) -> FloatArray:
    """(W * N, 4) boxes moved by shares of their sides, and with sides of so many times the length: all in the first way, then in
    the second."""
    sides = boxes[:, 2:] - boxes[:, :2]
    middles = (boxes[:, 2:] + boxes[:, :2]) / 2
    made: list[FloatArray] = []
    for dx, dy, wide, high in ways:
        middle, half = middles + sides * (dx, dy), sides * (wide / 2, high / 2)
        made.append(np.concatenate([middle - half, middle + half], axis=1))
    return np.concatenate(made)


def _background_boxes(size: tuple[int, int], box_size: FloatArray) -> FloatArray:
    """(N, 4) boxes about as large as the examples, anywhere on the image, a fifth of a side outside of it at most; the same each time."""
    random = np.random.default_rng(0)
    sides = box_size * np.exp(random.uniform(-_SCALES, _SCALES, (_BACKGROUND, 1)))
    sides = np.minimum(sides, size)
    corners = random.uniform(0, 1, (_BACKGROUND, 2)) * (np.array(size) - 0.6 * sides) - 0.2 * sides
    return np.concatenate([corners, corners + sides], axis=1)
