"""Whether a written file gives what torch gives, on real images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detcore.boxes import iou
from detcore.data.letterbox import fit_frame, pad, resize
from detcore.deploy.running import Floats, Run
from detcore.errors import ConfigError, ImageError, ReticleError
from detcore.images.decoding import read_image
from detcore.project.snapshot import Snapshot, SnapshotImage
from detcore.types import FloatArray
from detcore.zoo.base import Selection
from detcore.zoo.spec import InputRule

BOX_TOLERANCE = 0.01
"""Pixels of the input."""
SCORE_TOLERANCE = 1e-4
IMAGES = 8
_TRIES = 4 * IMAGES
_IOU_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The largest ones between a file and torch: of a box edge in pixels of the input, and of a score."""

    box: float
    score: float

    def largest(self, other: Difference) -> Difference:
        return Difference(box=_worse(self.box, other.box), score=_worse(self.score, other.score))

    @property
    def text(self) -> str:
        return f"boxes differ by at most {self.box:.2g} px, scores by {self.score:.2g}"

    def check(self) -> None:
        """Raises ReticleError where it is more than rounding can make."""
        # not a number is no small difference
        if not (self.box <= BOX_TOLERANCE and self.score <= SCORE_TOLERANCE):
            raise ReticleError(
                f"the file does not give what torch gives: {self.text}; {BOX_TOLERANCE} px and {SCORE_TOLERANCE} "
                "are allowed. Nothing was kept",
                hint="Try another format",
            )


def _worse(one: float, other: float) -> float:
    return one if one != one else max(one, other) if other == other else other


def read_frames(snapshot: Snapshot, *, side: int, rule: InputRule) -> Floats:
    """Some images as the file wants them, (B, 3, side, side) RGB in 0..1: those of val first, spread over the list.

    Raises:
        ConfigError: none of them can be read.
    """
    in_val = [image for image in snapshot.images if image.split == "val"]
    others = [image for image in snapshot.images if image.split != "val"]
    frames: list[Floats] = []
    for image in [*_spread(in_val), *_spread(others)]:
        try:
            frames.append(frame_of(Path(image.path), side=side, rule=rule))
        except ImageError:
            continue
        if len(frames) == IMAGES:
            break
    if not frames:
        raise ConfigError(
            "none of the project's images can be read, and the file is checked on them",
            hint="Find them again with: locate",
        )
    return np.stack(frames)


def _spread(images: Sequence[SnapshotImage]) -> Sequence[SnapshotImage]:
    if not images:
        return []
    step = max(1, len(images) // _TRIES)
    return images[::step][:_TRIES]


def frame_of(path: Path, *, side: int, rule: InputRule) -> Floats:
    """(3, side, side) RGB in 0..1: fitted into the top left corner, or stretched, as the rule has it. Raises
    ImageError."""
    original = read_image(path)
    height, width = original.shape[:2]
    fit = fit_frame(width=width, height=height, longer_side=side, rule=rule)
    frame = pad(resize(original, fit, smooth=rule.smooth), width=side, height=side)
    return (frame.transpose(2, 0, 1) / np.float32(255.0)).astype(np.float32)


def compare_answers(run: Run, reference: Run, frames: Floats, *, ordered: bool = True) -> Difference:
    """Of boxes and scores at every place, with one image alone and with all the others at once. Where places are not
    ``ordered``, of each and the one that is nearest to it on the other side."""
    difference = Difference(box=0.0, score=0.0)
    for some in (frames[:1], frames[1:]):
        if len(some):
            boxes, scores = run(some)
            right_boxes, right_scores = reference(some)
            _check_shapes((boxes, scores), (right_boxes, right_scores))
            if ordered:
                found = Difference(box=_largest(boxes, right_boxes), score=_largest(scores, right_scores))
                difference = difference.largest(found)
                continue
            for one, other in zip(
                zip(boxes, scores, strict=True), zip(right_boxes, right_scores, strict=True), strict=True
            ):
                difference = difference.largest(_between_nearest(one, other))
    return difference


def _between_nearest(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Difference:
    """The largest ones between places of one image, boxes (A, 4) and scores (A, K), and those nearest to them."""
    box, score = (np.abs(mine[:, None] - theirs).max(axis=2) for mine, theirs in zip(one, other, strict=True))
    far = np.maximum(box / BOX_TOLERANCE, score / SCORE_TOLERANCE)
    rows = np.arange(len(far))
    pairs = np.concatenate([[rows, far.argmin(axis=1)], [far.argmin(axis=0), rows]], axis=1)
    return Difference(box=float(box[*pairs].max()), score=float(score[*pairs].max()))


def compare_detections(
    run: Run, reference: Run, frames: Floats, *, side: int, selection: Selection
) -> Difference:
    """Of what a file with NMS inside finds and the answers that torch gives. What is found must be what NMS leaves of
    these answers, or the difference is infinite; answers that score the same have no order."""
    (rows,) = run(frames)
    difference = Difference(box=0.0, score=0.0)
    for found, boxes, scores in zip(rows, *reference(frames), strict=True):
        filled = found[found[:, 5] >= 0].astype(np.float64)
        clipped = np.clip(boxes.astype(np.float64), 0.0, side)
        if not _is_left_by_nms(filled, clipped, scores.astype(np.float64), selection):
            return Difference(box=float("inf"), score=float("inf"))
        for row in filled:
            difference = difference.largest(_nearest(row, clipped, scores))
    return difference


def _nearest(row: FloatArray, boxes: FloatArray, scores: Floats) -> Difference:
    """How far a detection is from the answer that it comes from."""
    by_box = np.abs(boxes - row[:4]).max(axis=1)
    by_score = np.abs(scores[:, int(row[5])] - row[4])
    place = np.maximum(by_box / BOX_TOLERANCE, by_score / SCORE_TOLERANCE).argmin()
    return Difference(box=float(by_box[place]), score=float(by_score[place]))


def _is_left_by_nms(rows: FloatArray, boxes: FloatArray, scores: FloatArray, selection: Selection) -> bool:
    """Whether (N, 6) detections are what NMS may leave of boxes (A, 4) and scores (A, K): no two of a class overlap, and
    each answer that is left out is weaker than a detection of its class that it overlaps, or than all that there was room
    for. Of NMS over all classes these are one."""
    places, labels = np.nonzero(scores > selection.score_floor + SCORE_TOLERANCE)
    has_area = (boxes[places, 2:] > boxes[places, :2] + BOX_TOLERANCE).all(axis=1)
    values = scores[places, labels]
    least = 0.0
    if len(values) > selection.max_candidates:
        least = float(np.partition(values, -selection.max_candidates)[-selection.max_candidates])
    if len(rows) == selection.max_detections:
        least = max(least, float(rows[:, 4].min()))
    counts = has_area & (values > least + SCORE_TOLERANCE)
    groups, own = labels, rows[:, 5]
    if selection.suppression == "hard":
        groups, own = np.zeros_like(labels), np.zeros_like(own)
    for group in range(scores.shape[1]):
        kept = rows[own == group]
        among = iou(kept[:, :4], kept[:, :4])
        np.fill_diagonal(among, 0.0)
        if (among > selection.nms_iou + _IOU_TOLERANCE).any():
            return False
        mine = counts & (groups == group)
        overlap = iou(boxes[places[mine]], kept[:, :4]) > selection.nms_iou - _IOU_TOLERANCE
        stronger = kept[:, 4] >= values[mine][:, None] - SCORE_TOLERANCE
        if not (overlap & stronger).any(axis=1).all():
            return False
    return True


def _check_shapes(given: tuple[Floats, ...], right: tuple[Floats, ...]) -> None:
    shapes = [[item.shape for item in items] for items in (given, right)]
    if shapes[0] != shapes[1]:
        raise ReticleError(f"the file gives arrays of {shapes[0]}, torch of {shapes[1]}")


def _largest(given: Floats, right: Floats) -> float:
    return float(np.abs(given - right).max()) if right.size else 0.0
