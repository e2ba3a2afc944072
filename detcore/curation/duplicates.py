"""The same picture twice: found by hashes, confirmed by correlation, and listed where it leaks across splits.

A model that has trained on one of two nearly equal images knows the other; if that is in the test split, the
figures there are too good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcore.curation.descriptors import GREY_SIDE, Descriptors, Progress, describe_files
from detcore.errors import Cancelled, ImageError
from detcore.project.reading import ProjectReader
from detcore.types import BoolArray, FloatArray, Image, IntArray

MOST_BITS = 10
"""Hashes that differ in more bits are of other pictures; compression and resizing flip a few."""

LEAST_CORRELATION = 0.95
"""Two pictures of one scene moments apart reach it; two that are only arranged alike do not reach 0.85."""

MOST_NEIGHBOURS = 20
"""Each image is paired with so many that look the same and come after it: thousands of equal frames have
millions of pairs, which say no more. Groups stay whole, and where a group changes from one split to another
in the order of the list there is a pair that leaks."""

_FLAT = 2.0
"""Grey levels of spread (standard deviation) below which an image has nothing to correlate."""

_BLOCK = 1 << 22
"""Pairs that are compared at a time: 32 MB of hashes."""

_AT_ONCE = 1 << 12
"""Pairs that are correlated at a time: 16 MB for each side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatePair:
    """Two images of a project, in the order of the list. ``bits`` of 64 in which their hashes differ;
    ``correlation`` of their small grey versions, at most 1."""

    first: Image
    second: Image
    bits: int
    correlation: float

    @property
    def leaks(self) -> bool:
        """Whether the pair lies in two splits."""
        splits = (self.first.split, self.second.split)
        return None not in splits and splits[0] != splits[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """``pairs``, those that leak first, then the most alike; ``groups`` of images that hang together by
    pairs; ``problems`` with files that could not be read; ``images`` that were compared."""

    pairs: tuple[DuplicatePair, ...]
    groups: tuple[tuple[Image, ...], ...]
    problems: tuple[ImageError, ...]
    images: int

    @property
    def leaks(self) -> tuple[DuplicatePair, ...]:
        return tuple(pair for pair in self.pairs if pair.leaks)


def find_duplicates(project: ProjectReader, *, progress: Progress | None = None) -> Duplicates:
    """Compare all images of a project.

    Raises:
        Cancelled: ``progress`` returned false.
        ProjectError: a stored path leaves the image root.
    """
    images = project.images()
    files = [(image.id, project.image_path(image)) for image in images]
    descriptors = describe_files(files, progress=progress)
    by_id = {image.id: image for image in images}
    rows, bits, correlation = near_pairs(descriptors, progress=progress)
    ids = descriptors.image_ids[rows]
    pairs = [
        DuplicatePair(first=by_id[first], second=by_id[second], bits=differing, correlation=likeness)
        for (first, second), differing, likeness in zip(
            ids.tolist(), bits.tolist(), correlation.tolist(), strict=True
        )
    ]
    pairs.sort(key=lambda pair: (not pair.leaks, -pair.correlation, pair.bits))
    return Duplicates(
        pairs=tuple(pairs),
        groups=tuple(tuple(by_id[i] for i in group) for group in connected(ids)),
        problems=descriptors.problems,
        images=len(descriptors.image_ids),
    )


def near_pairs(
    descriptors: Descriptors,
    *,
    most_bits: int = MOST_BITS,
    least_correlation: float = LEAST_CORRELATION,
    progress: Progress | None = None,
) -> tuple[IntArray, IntArray, FloatArray]:
    """(P, 2) rows of images that look the same, first < second, with (P,) differing bits and (P,)
    correlation; of each first row the ``MOST_NEIGHBOURS`` that come next in the list.

    Raises:
        Cancelled: ``progress`` returned false.
    """
    count = len(descriptors.hashes)
    grey = descriptors.grey.reshape(-1, GREY_SIDE * GREY_SIDE)
    found: list[tuple[IntArray, IntArray, FloatArray]] = [
        (np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros(0))
    ]

    def report(done: int) -> None:
        if progress is not None and not progress(done, count):
            raise Cancelled("comparing images was cancelled")

    for done, rows, bits in hash_pairs(descriptors.hashes, most_bits=most_bits):
        likeness = _first_alike(grey, rows, least_correlation, lambda done=done: report(done))
        same = likeness >= least_correlation
        found.append((rows[same], bits[same], likeness[same]))
        report(done)
    rows, bits, correlation = zip(*found, strict=True)
    return np.concatenate(rows), np.concatenate(bits), np.concatenate(correlation)


def hash_pairs(hashes: NDArray[np.uint64], *, most_bits: int) -> Iterator[tuple[int, IntArray, IntArray]]:
    """Block by block how many rows were compared with all that follow, (P, 2) rows, first < second,
    ascending, whose hashes differ in at most so many bits, and (P,) how many. All 50 million pairs of 10,000
    images take some tenths of a second."""
    count = len(hashes)
    height = max(1, _BLOCK // max(count, 1))
    for first in range(0, count, height):
        last = min(first + height, count)
        differing = np.bitwise_count(hashes[first:last, None] ^ hashes[None, first:])
        near, other = np.nonzero(differing <= most_bits)
        pair = other > near  # each pair once, and no image with itself
        near, other = near[pair], other[pair]
        yield last, np.stack([near, other], axis=1) + first, differing[near, other].astype(np.int64)


def connected(pairs: IntArray) -> list[list[int]]:
    """Groups of ids that hang together by pairs (P, 2): each ascending, the largest first."""
    parent: dict[int, int] = {}

    def root(item: int) -> int:
        while (above := parent.setdefault(item, item)) != item:
            parent[item] = parent[above]
            item = above
        return item

    for first, second in pairs.tolist():
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    groups: dict[int, list[int]] = {}
    for item in sorted(parent):
        groups.setdefault(root(item), []).append(item)
    return sorted(groups.values(), key=lambda group: (-len(group), group[0]))


def as_record(found: Duplicates) -> dict[str, Any]:
    """As JSON can hold it; images by path."""

    def one(pair: DuplicatePair) -> Mapping[str, Any]:
        return {
            "images": [pair.first.path, pair.second.path],
            "splits": [pair.first.split, pair.second.split],
            "bits": pair.bits,
            "correlation": round(pair.correlation, 6),
            "leak": pair.leaks,
        }

    return {
        "images": found.images,
        "pairs": [one(pair) for pair in found.pairs],
        "leaks": len(found.leaks),
        "groups": [[image.path for image in group] for group in found.groups],
        "unreadable": [str(problem) for problem in found.problems],
    }


def _first_alike(
    grey: NDArray[np.uint8], rows: IntArray, least: float, report: Callable[[], None]
) -> FloatArray:
    """(P,) correlation of pairs (P, 2), ascending. Minus infinity where the first row has ``MOST_NEIGHBOURS``
    alike before that pair: of thousands of equal frames few are looked at."""
    likeness = np.full(len(rows), -np.inf)
    firsts = rows[:, 0]
    place = np.arange(len(rows)) - np.searchsorted(firsts, firsts)
    waiting = np.arange(len(rows))
    until = MOST_NEIGHBOURS
    while len(waiting):
        now = waiting[place[waiting] < until]
        for start in range(0, len(now), _AT_ONCE):
            some = now[start : start + _AT_ONCE]
            likeness[some] = _correlation(grey[rows[some, 0]], grey[rows[some, 1]])
            report()
        # The counts are those of the pairs up to each one, less those that lie before its row
        alike = np.concatenate([[0], np.cumsum(likeness >= least)])
        before = alike[np.arange(len(rows)) - place]
        likeness[alike[:-1] - before >= MOST_NEIGHBOURS] = -np.inf
        waiting = waiting[place[waiting] >= until]
        waiting = waiting[(alike[:-1] - before)[waiting] < MOST_NEIGHBOURS]
        until *= 2
    return likeness


def _correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> FloatArray:
    """(P,) Pearson's, of rows of (P, 1024). Flat images are as alike as their brightness."""
    one, other = first.astype(np.float32), second.astype(np.float32)
    means = one.mean(axis=1), other.mean(axis=1)
    one, other = one - means[0][:, None], other - means[1][:, None]
    spreads = [np.sqrt((values * values).mean(axis=1)) for values in (one, other)]
    product = (one * other).mean(axis=1)
    flat: BoolArray = (spreads[0] < _FLAT) | (spreads[1] < _FLAT)
    level = 1.0 - (np.abs(means[0] - means[1]) + np.abs(spreads[0] - spreads[1])) / 255.0
    likeness = np.divide(product, spreads[0] * spreads[1], out=np.zeros_like(product), where=~flat)
    return np.asarray(np.where(flat, level, likeness), np.float64)


def leaks_by_splits(pairs: Sequence[DuplicatePair]) -> dict[tuple[str, str], int]:
    """How many pairs leak between each two splits."""
    counts: dict[tuple[str, str], int] = {}
    for pair in pairs:
        if pair.leaks:
            one, other = sorted((str(pair.first.split), str(pair.second.split)))
            counts[one, other] = counts.get((one, other), 0) + 1
    return counts
