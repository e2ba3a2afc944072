"""Tiles of large images: what a detector learns of each, and what it has found in them put together again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from detcore.boxes import areas, clip, iou
from detcore.data.augmentation.labelled import Labelled
from detcore.data.cache import ImageCache
from detcore.data.letterbox import Fit
from detcore.data.samples import BoxArray, Sample
from detcore.errors import ImageError
from detcore.images.decoding import read_size
from detcore.images.tiles import TOUCH, Tile
from detcore.types import BoolArray, FloatArray, IntArray
from detcore.zoo.running import Answers, Seen

OBJECT_SHARE = 0.5
"""Of a box inside a tile, from which on it is an object there."""
SAME_IOU = 0.5
"""From which on detections of two tiles are of one object."""
MOST_DETECTIONS = 1000
"""In a whole image. A tile has as many as the detector gives, 100 of Reticle's own."""
_GROUP_PIXELS = 1 << 27


def cut_samples(
    samples: Sequence[Sample], cache: ImageCache, *, seed: int, problem: Callable[[ImageError], None]
) -> tuple[Sample, ...]:
    """The tiles to learn from.

    A box of which at least half lies in a tile is an object there, as far as it can be seen; less of one is an area
    that is neither object nor background. Of tiles without an object there are no more than of those with one:
    a seeded choice, for most of a large image is background. Files whose size cannot be read are told and left out.

    Raises:
        ImageError: none can be read.
    """
    with_objects: list[Sample] = []
    empty: list[Sample] = []
    fault: ImageError | None = None
    for sample in samples:
        try:
            width, height = sample.frame or read_size(Path(sample.path))
        except ImageError as error:
            problem(error)
            fault = error
            continue
        fit = cache.fit(width=width, height=height)
        whole = replace(sample, frame=(width, height))
        for tile in cache.tiles(fit):
            part = _part(whole, fit, tile)
            (with_objects if len(part.labels) else empty).append(part)
    if fault is not None and not with_objects and not empty:
        raise fault
    order = np.random.default_rng(seed).permutation(len(empty))
    kept: list[int] = np.sort(order[: max(1, len(with_objects))]).tolist()
    return (*with_objects, *(empty[row] for row in kept))


def _part(sample: Sample, fit: Fit, tile: Tile) -> Sample:
    """What of an image is to be learnt in one of its tiles."""
    edges = np.array([[tile.left, tile.top, tile.right, tile.bottom]], np.float64)
    left, top, right, bottom = fit.to_original(edges)[0]
    seen, share = _visible(sample.boxes, left, top, right, bottom)
    unsure, of_unsure = _visible(sample.ignore, left, top, right, bottom)
    objects = share >= OBJECT_SHARE
    rest = (share > 0) & ~objects
    return replace(
        sample,
        boxes=seen[objects],
        labels=sample.labels[objects],
        ignore=np.concatenate([seen[rest], unsure[of_unsure > 0]]),
        tile=tile,
    )


def _visible(
    boxes: BoxArray, left: float, top: float, right: float, bottom: float
) -> tuple[BoxArray, FloatArray]:
    """The part of each box inside, (N, 4), and the share of its area that this is, (N,)."""
    whole = boxes.astype(np.float64)
    corner = np.array([left, top, left, top])
    inside = clip(whole - corner, width=right - left, height=bottom - top) + corner
    return inside.astype(np.float32), areas(inside) / np.maximum(areas(whole), 1e-9)


def cut_out(whole: Labelled, tile: Tile) -> Labelled:
    """The tile of a resized image, with boxes, which are of the tile already, in its own pixels."""
    corner = np.array([tile.left, tile.top, tile.left, tile.top], np.float32)
    return Labelled(
        image=whole.image[tile.top : tile.bottom, tile.left : tile.right],
        boxes=whole.boxes - corner,
        labels=whole.labels,
        ignore=whole.ignore - corner,
    )


class PassOrder:
    """Puts the rows of a pass, which are in random order, group by group of images that fit into memory together:
    each is a random choice, of as many images as have 134 million pixels, and its tiles stay in random order."""

    def __init__(self, samples: Sequence[Sample], cache: ImageCache) -> None:
        ids = np.array([sample.image_id for sample in samples], np.int64)
        _, first, self._image = np.unique(ids, return_index=True, return_inverse=True)
        rows: list[int] = first.tolist()
        self._pixels: IntArray = np.array([_pixels(samples[row], cache) for row in rows], np.int64)

    def __call__(self, rows: IntArray, rng: np.random.Generator) -> IntArray:
        """The same rows (N,) in that order."""
        order = rng.permutation(len(self._pixels))
        groups = np.empty(len(order), np.int64)
        groups[order] = np.cumsum(self._pixels[order]) // _GROUP_PIXELS
        return rows[np.argsort(groups[self._image[rows]], kind="stable")]


def _pixels(sample: Sample, cache: ImageCache) -> int:
    """Of the image as it is held."""
    width, height = sample.frame or (0, 0)
    fit = cache.fit(width=width, height=height)
    return fit.new_width * fit.new_height


@dataclass(frozen=True, slots=True, kw_only=True)
class TileSeen:
    """What a detector sees in one tile, in pixels of the tile."""

    tile: Tile
    seen: Seen


def merge(parts: Sequence[TileSeen]) -> Seen:
    """What is seen in an image, in its resized pixels, from what is seen in its tiles, each once; best first where
    there are several tiles.

    The border rule: a detection that touches a border at which another tile goes on, and reaches from there no further
    than the other does, is left out: the object is cut, or nearly, and the other tile has it whole. What is longer
    stays, in the parts that are seen of it. Then, of detections of one class from two tiles whose IoU is more
    than 0.5, the better one stays, and of all the 1,000 best. Within a tile nothing is suppressed that the
    detector has not. Answers are left out by the same rule, and all others kept.
    """
    if len(parts) == 1 and not any(parts[0].tile.shared):
        return parts[0].seen
    boxes, kept = _placed([(part.tile, part.seen.boxes) for part in parts])
    labels = np.concatenate([part.seen.labels for part in parts])[kept]
    scores = np.concatenate([part.seen.scores for part in parts])[kept]
    owners = np.repeat(np.arange(len(parts)), [len(part.seen.scores) for part in parts])[kept]
    order = np.argsort(-scores, kind="stable")
    boxes, labels, scores, owners = boxes[order], labels[order], scores[order], owners[order]
    best = np.flatnonzero(_first_of_each(boxes, labels, owners, [part.tile for part in parts]))
    best = best[:MOST_DETECTIONS]
    return Seen(boxes[best], labels[best], scores[best], _merged_answers(parts))


def _merged_answers(parts: Sequence[TileSeen]) -> Answers | None:
    told = [(part.tile, part.seen.answers) for part in parts if part.seen.answers is not None]
    if not told:
        return None
    boxes, kept = _placed([(tile, answers.boxes) for tile, answers in told])
    return Answers(boxes, np.concatenate([answers.scores for _, answers in told])[kept])


def _placed(parts: Sequence[tuple[Tile, FloatArray]]) -> tuple[FloatArray, BoolArray]:
    """Boxes of tiles as boxes of the image, those that the border rule leaves, and which of all these are."""
    corners = [np.array([tile.left, tile.top, tile.left, tile.top], np.float64) for tile, _ in parts]
    moved = [boxes + corner for (_, boxes), corner in zip(parts, corners, strict=True)]
    kept = np.concatenate([~_is_cut(tile, boxes) for tile, boxes in parts])
    return np.concatenate(moved)[kept], kept


def _is_cut(tile: Tile, boxes: FloatArray) -> BoolArray:
    """(N,) which boxes the next tile has whole, by the border rule of ``merge``."""
    width, height = tile.right - tile.left, tile.bottom - tile.top
    left, above, right, below = tile.shared
    lengths = boxes[:, 2:] - boxes[:, :2]
    cut = np.zeros(len(boxes), np.bool_)
    for shared, gap, length in (
        (left, boxes[:, 0], lengths[:, 0]),
        (above, boxes[:, 1], lengths[:, 1]),
        (right, width - boxes[:, 2], lengths[:, 0]),
        (below, height - boxes[:, 3], lengths[:, 1]),
    ):
        # So much shorter that it cannot touch the border of the other tile as well.
        cut |= (gap <= TOUCH) & (length < shared - 2 * TOUCH)
    return cut


def _first_of_each(boxes: FloatArray, labels: IntArray, owners: IntArray, tiles: Sequence[Tile]) -> BoolArray:
    """(N,) which boxes, best first, stay when tiles that overlap have found the same."""
    edges = np.array([(tile.left, tile.top, tile.right, tile.bottom) for tile in tiles], np.float64)
    first, second = np.nonzero(np.triu(iou(edges, edges) > 0, k=1))
    rows = [np.flatnonzero(owners == owner) for owner in range(len(tiles))]
    rivals: dict[int, list[int]] = {}
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        mine, theirs = rows[one], rows[other]
        same = (iou(boxes[mine], boxes[theirs]) > SAME_IOU) & (labels[mine][:, None] == labels[theirs])
        for row, rival in zip(*np.nonzero(same), strict=True):
            better, worse = sorted((int(mine[row]), int(theirs[rival])))
            rivals.setdefault(better, []).append(worse)
    stays = np.ones(len(boxes), np.bool_)
    for row in sorted(rivals):
        if stays[row]:
            stays[rivals[row]] = False
    return stays
