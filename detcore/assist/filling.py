"""What is labelled in two frames proposed in those between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from detcore.assist.carrying import Labelled
from detcore.assist.tracking import SURE, Picture, track
from detcore.boxes import greedy_pairs, iou
from detcore.types import FloatArray

MOST_FRAMES = 30
"""Between two labelled frames so far apart nobody expects a straight way any more."""
STRAIGHT = 0.5
"""The score of a box on the straight way between two labels."""
_SAME = 0.3
"""IoU from which a box that was followed to the last frame is the one that is labelled there."""


def gap_around(labelled: Sequence[bool], at: int) -> tuple[int, int] | None:
    """The nearest labelled frames before and after the frame ``at``; of one that is ``labelled`` itself, it and the next
    one, or the one before. ``None`` without two that have frames between them, and no more than may be."""
    before = next((number for number in range(at - 1, -1, -1) if labelled[number]), None)
    after = next((number for number in range(at + 1, len(labelled)) if labelled[number]), None)
    for first, last in ((at, after), (before, at)) if labelled[at] else ((before, after),):
        if first is not None and last is not None and 1 < last - first <= MOST_FRAMES + 1:
            return first, last
    return None


def fill(first: Labelled, last: Labelled, pictures: Iterable[tuple[int, Picture]]) -> list[Labelled]:
    """The boxes on each frame between ``first`` and ``last``, with scores.

    An object of both is one that is found again where it is labelled in the last frame, or has not moved, or is the only one
    left of its class. Its edges go from one label to the other along the way that tracking finds, else straight.
    ``pictures`` are of all frames that can be read with their times, from the first to the last.
    """
    times, ways, scores = _ways(first, pictures)
    same = _matched(first, last, ways[-1], scores[-1])
    if not same:
        return []
    begun, ended = np.array(same).T
    labels, start, end = first.labels[begun], first.boxes[begun], last.boxes[ended]
    found = (scores[-1][begun] >= SURE) & (np.diag(iou(ways[-1][begun], end)) >= _SAME)
    filled: list[Labelled] = []
    for time, way, score in zip(times[1:-1], ways[1:-1], scores[1:-1], strict=True):
        share = (time - first.time) / (last.time - first.time)
        straight = start + share * (end - start)
        # what the way has strayed from the last label by its end it has strayed little by little
        along = way[begun] + share * (end - ways[-1][begun])
        filled.append(
            Labelled(
                time=time,
                labels=labels,
                boxes=np.where(found[:, None], along, straight),
                scores=np.where(found, score[begun], STRAIGHT),
            )
        )
    return filled


def _ways(
    first: Labelled, pictures: Iterable[tuple[int, Picture]]
) -> tuple[list[int], list[FloatArray], list[FloatArray]]:
    """The time of each frame, where the boxes of the first one are in it, and the lowest score on the way there; what
    is lost stays where it was."""
    times, ways, scores = [first.time], [first.boxes], [np.ones(len(first.boxes))]
    motions = np.zeros((len(first.boxes), 2))
    for (began, before), (time, after) in pairwise(pictures):
        tracked = track(before, after, ways[-1], motions * (time - began))
        score = np.minimum(scores[-1], tracked.scores)
        there = (score >= SURE)[:, None]
        moved = np.where(there, tracked.boxes, ways[-1])
        motions = (moved[:, :2] + moved[:, 2:] - ways[-1][:, :2] - ways[-1][:, 2:]) / 2 / (time - began)
        times.append(time)
        ways.append(moved)
        scores.append(score)
    return times, ways, scores


def _matched(first: Labelled, last: Labelled, way: FloatArray, scores: FloatArray) -> list[tuple[int, int]]:
    """Rows of the first frame and of the last that are one object."""
    same = first.labels[:, None] == last.labels[None, :]
    sure = (scores >= SURE)[:, None]
    alike = np.where(sure, iou(way, last.boxes), iou(first.boxes, last.boxes))
    found = greedy_pairs(np.where(same, alike, 0.0), least=_SAME)
    open_first = np.setdiff1d(np.arange(len(first.labels)), [row for row, _ in found])
    open_last = np.setdiff1d(np.arange(len(last.labels)), [row for _, row in found])
    for label in np.intersect1d(first.labels[open_first], last.labels[open_last]).tolist():
        one, other = open_first[first.labels[open_first] == label], open_last[last.labels[open_last] == label]
        if len(one) == len(other) == 1:
            found.append((int(one[0]), int(other[0])))
    return sorted(found)
