"""Which images a pass of the training has, and in which order."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from detcore.data.tiles import TileSamples
from detcore.types import FloatArray, IntArray
from detcore.wording import counted

_GROUP_PIXELS = 1 << 27


class Passes(Protocol):
    """Draws the samples of each pass."""

    @property
    def length(self) -> int:
        """How many samples a pass has."""
        ...

    def rows(self, rng: np.random.Generator) -> IntArray:
        """(length,) rows of the samples, in the order in which they are learnt from."""
        ...


class ImagePasses:
    """Every one of ``count`` images once, or as often as its one of the ``weights`` (N,) says, on average."""

    def __init__(self, count: int, weights: FloatArray | None) -> None:
        self._count = count
        self._weights = weights
        self.length = count if weights is None else math.ceil(float(weights.sum()))

    def rows(self, rng: np.random.Generator) -> IntArray:
        if self._weights is None:
            return rng.permutation(self._count)
        return rng.permutation(_systematic(self._weights, self.length, rng))


class TilePasses:
    """Every tile with an object, and of those without no more than of these, others in each pass: most of a large image
    is background. Of ``weights`` (T,) the former are drawn so often, and the latter as much sooner than others.

    Tiles follow one another group by group of images that fit into memory together: each group is a random choice, of as
    many images as have 134 million pixels, and its tiles are in random order.
    """

    def __init__(self, tiles: TileSamples, weights: FloatArray | None) -> None:
        self._weights = np.ones(len(tiles)) if weights is None else weights
        self._others, self._bare = np.split(np.arange(len(tiles)), [len(tiles.with_objects)])
        objects, background = (float(self._weights[rows].sum()) for rows in (self._others, self._bare))
        kept = min(len(self._bare), max(1, len(self._others)))
        self._other_count = math.ceil(objects)
        self.length = self._other_count + math.ceil(kept * background / max(1, len(self._bare)))
        self._image = tiles.spots[:, 0]
        self._pixels = tiles.pixels

    def text(self) -> str:
        """What is said of them to the user."""
        return (
            f"{counted(len(self._others), 'tile has', 'tiles have')} objects and {len(self._bare):,} "
            f"{'has' if len(self._bare) == 1 else 'have'} none. In each pass the former are drawn "
            f"{counted(self._other_count, 'time')} in all and the latter {counted(self.length - self._other_count, 'time')}."
        )

    def rows(self, rng: np.random.Generator) -> IntArray:
        bare = rng.permutation(self._bare)
        drawn = [
            rows[_systematic(self._weights[rows], count, rng)]
            for rows, count in ((self._others, self._other_count), (bare, self.length - self._other_count))
        ]
        rows = rng.permutation(np.concatenate(drawn))
        order = rng.permutation(len(self._pixels))
        groups = np.empty(len(order), np.int64)
        groups[order] = np.cumsum(self._pixels[order]) // _GROUP_PIXELS
        return rows[np.argsort(groups[self._image[rows]], kind="stable")]


def _systematic(weights: FloatArray, count: int, rng: np.random.Generator) -> IntArray:
    """(count,) rows of the (N,) weights, in their order: a systematic sample, which draws each as often as its share of
    their sum says, rounded up or down."""
    if not count:
        return np.zeros(0, np.int64)
    edges: FloatArray = np.cumsum(weights)
    step = float(edges[-1]) / count
    points: FloatArray = np.arange(count, dtype=np.float64) * step + rng.random() * step
    rows: IntArray = np.searchsorted(edges, points, side="right")
    return np.minimum(rows, len(edges) - 1)
