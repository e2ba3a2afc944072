"""What a detector has found in the tiles of an image, put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detcore.boxes import iou
from detcore.images.tiles import TOUCH, Tile
from detcore.types import BoolArray, FloatArray, IntArray
from detcore.zoo.running import Answers, Seen

SAME_IOU = 0.5
"""From which on detections of two tiles are of one object."""
MOST_DETECTIONS = 1000
"""In a whole image. A tile has as many as the detector gives, 100 of Reticle's own."""


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
