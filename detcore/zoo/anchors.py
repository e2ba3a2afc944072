"""Sizes of anchors: by a formula, or from the boxes of a data set (k-means by IoU, Redmon and Farhadi 2017). Free of torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcore.errors import Cancelled
from detcore.wording import counted

Sizes = NDArray[np.float64]
Progress = Callable[[int, int], bool]
"""Told (done, total); false ends it."""
_ROUNDS = 300
_MOST_BOXES = 5_000
"""Of more boxes so many, drawn by chance, tell the anchors as well."""


def unwatched(_done: int, _total: int) -> bool:
    """A progress that nobody looks at, nor ends."""
    return True


def formula_anchors(base: float, scales: Sequence[float], ratios: Sequence[float]) -> Sizes:
    """(scales · ratios, 2) widths and heights of anchors of area (base · scale)² whose height is ``ratio`` times the width
    (Lin et al. 2017); scales follow one another within a ratio."""
    roots = np.sqrt(np.asarray(ratios, np.float64))
    sides = base * np.asarray(scales, np.float64)
    return np.stack([(sides[None] / roots[:, None]).ravel(), (sides[None] * roots[:, None]).ravel()], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAnchors:
    """``sizes`` (N, 2), small ones first, and how well each box of the data fits the best of them, ``overlaps`` (M,)."""

    sizes: Sizes
    overlaps: Sizes

    @property
    def mean_iou(self) -> float:
        """The mean over the boxes."""
        return float(self.overlaps.mean()) if len(self.overlaps) else 0.0


def fit_of(sizes: Sizes, anchors: Sizes) -> FoundAnchors:
    """Anchors (N, 2) as they are, and how well boxes of widths and heights ``sizes`` (M, 2) fit them."""
    return FoundAnchors(sizes=anchors, overlaps=shape_iou(sizes, anchors).max(axis=1))


def anchors_text(sizes: Sizes) -> str:
    """Widths and heights between commas, in whole pixels, as options and ``.cfg`` files have them."""
    return ", ".join(f"{width:.0f},{height:.0f}" for width, height in np.maximum(sizes, 1))


def shape_iou(sizes: Sizes, anchors: Sizes) -> Sizes:
    """(M, N) IoU of boxes of sizes (M, 2) and (N, 2) that share their middles."""
    widths, heights = (np.minimum.outer(sizes[:, side], anchors[:, side]) for side in (0, 1))
    overlap = widths * heights
    return overlap / (sizes.prod(axis=1)[:, None] + anchors.prod(axis=1)[None] - overlap)


def anchors_of(sizes: Sizes, count: int, *, seed: int = 0, progress: Progress = unwatched) -> FoundAnchors:
    """``count`` anchors for boxes of widths and heights ``sizes`` (M, 2): k-means with 1 − IoU for the distance and the
    median of each group for its middle, begun as k-means++ does.

    Raises:
        ValueError: there are fewer boxes of unlike sizes than anchors.
        Cancelled: ``progress`` returned false.
    """
    sizes = np.asarray(sizes, np.float64)
    rng = np.random.default_rng(seed)
    drawn = sizes if len(sizes) <= _MOST_BOXES else sizes[rng.choice(len(sizes), _MOST_BOXES, replace=False)]
    if len(np.unique(drawn, axis=0)) < count:
        raise ValueError(f"{counted(count, 'anchor needs', 'anchors need')} boxes of as many unlike sizes")
    chosen = _spread(drawn, count, rng)
    groups = np.full(len(drawn), -1)
    for done in range(_ROUNDS):
        if not progress(done, _ROUNDS):
            raise Cancelled("looking for anchors was cancelled")
        found = shape_iou(drawn, chosen).argmax(axis=1)
        if (found == groups).all():
            break
        groups = found
        for group in range(count):
            if (groups == group).any():
                chosen[group] = np.median(drawn[groups == group], axis=0)
    chosen = chosen[np.argsort(chosen.prod(axis=1))]
    return fit_of(sizes, chosen)


def mean_ious(sizes: Sizes, most: int, *, progress: Progress = unwatched) -> Sizes:
    """The mean IoU that k-means reaches with 1, 2, … ``most`` anchors, with fewer where there are fewer boxes of unlike sizes.

    Raises:
        Cancelled: ``progress`` returned false.
    """
    reached: list[float] = []
    for count in range(1, most + 1):
        try:
            found = anchors_of(sizes, count, progress=lambda _done, _total: progress(len(reached), most))
        except ValueError:
            break
        reached.append(found.mean_iou)
    return np.array(reached)


def _spread(sizes: Sizes, count: int, rng: np.random.Generator) -> Sizes:
    """First middles that are far from one another."""
    chosen = sizes[[rng.integers(len(sizes))]]
    while len(chosen) < count:
        distance = (1 - shape_iou(sizes, chosen).max(axis=1)) ** 2
        chosen = np.concatenate([chosen, sizes[[rng.choice(len(sizes), p=distance / distance.sum())]]])
    return chosen
