"""What a run proposes on an image that is being labelled: what it has found where nothing is labelled yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np

from detcore.boxes import areas, intersections, iou
from detcore.curation.judged_items import same_boxes
from detcore.project.run_detections import load_detections, predicted_images
from detcore.project.run_folder import RunFolder
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.types import BoolArray, Box, Detections, FloatArray, IntArray

SAME_OBJECT = 0.5
"""IoU from which two boxes of one class are one object."""
SAME_PLACE = 0.7
"""IoU from which two boxes are one object whatever their classes."""
_IN_CROWD = 0.5
"""The share of a detection that lies in a crowd from which the crowd has it already."""
_AGAINST = (VerdictKind.MODEL_WRONG, VerdictKind.AMBIGUOUS, VerdictKind.DELETE)
"""Verdicts after which a person does not want to be asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The score from which detections are proposed: ``overall``, and of some classes, by id, one of their own."""

    overall: float
    by_class: Mapping[int, float] = field(default_factory=dict[int, float])

    def reached(self, labels: IntArray, scores: FloatArray) -> BoolArray:
        """(N,) whether detections of the classes ``labels`` (N,) with ``scores`` (N,) are proposed."""
        wanted = np.full(len(scores), self.overall)
        for class_id, threshold in self.by_class.items():
            wanted[labels == class_id] = threshold
        return scores >= wanted

    def moved_to(self, overall: float) -> Thresholds:
        """Another one overall, and those of classes as far from it as before, between 0 and 1."""
        shift = overall - self.overall
        own = {class_id: min(max(value + shift, 0.0), 1.0) for class_id, value in self.by_class.items()}
        return Thresholds(overall=overall, by_class=own)


class _ByImage:
    """Detections, and where those of an image are."""

    def __init__(self, detections: Detections) -> None:
        self.detections = detections
        self._order = np.lexsort((-detections.scores, detections.image_ids)).astype(np.int64)
        self._images = detections.image_ids[self._order]

    def rows(self, image_id: int) -> IntArray:
        """Those of the highest score first."""
        first, last = np.searchsorted(self._images, [image_id, image_id + 1])
        return self._order[first:last]


class Found:
    """What a run has found, and behind it what others propose, those of an image at hand.

    Attributes:
        run: the name of the run; empty where none has looked for objects.
        own: how many detections are the run's.
        detections: all of them; the first rows are the run's.
        looked_at: ids of the images that the run has looked at, with or without finding anything.
    """

    def __init__(self, run: str, detections: Detections, looked_at: Collection[int]) -> None:
        self.run, self.own, self.looked_at = run, len(detections), frozenset(looked_at)
        self.detections = detections
        self._parts = {run: _ByImage(detections)}
        self._last = np.array([self.own])

    @classmethod
    def read(cls, run: RunFolder) -> Found:
        """Raises ProjectError where there are no detections, or the file is damaged."""
        return cls(run.name, load_detections(run), predicted_images(run))

    def with_others(self, others: Mapping[str, Detections]) -> Found:
        """The run's, with what ``others`` propose now, by their names, in place of what they proposed before. They leave
        out what they are not sure of."""
        found = copy(self)
        found._parts = {self.run: self._parts[self.run]} | {
            name: _ByImage(dets) for name, dets in others.items()
        }
        found.detections = Detections.joined([part.detections for part in found._parts.values()])
        found._last = np.cumsum([len(part.detections) for part in found._parts.values()])
        return found

    def source(self, row: int) -> str:
        """Who proposes it: the name of the run, or of another."""
        return tuple(self._parts)[int(np.searchsorted(self._last, row, side="right"))]

    def rows(self, image_id: int) -> IntArray:
        """The rows on an image, those of the highest score first."""
        parts = [part.rows(image_id) for part in self._parts.values()]
        firsts = self._last - [len(part.detections) for part in self._parts.values()]
        rows = np.concatenate([first + part for first, part in zip(firsts, parts, strict=True)])
        return rows[np.argsort(-self.detections.scores[rows], kind="stable")]

    def same_row(self, before: Found, row: int) -> int | None:
        """Which row is the object that was ``row`` of another one: the likest box of its image and class."""
        dets = before.detections
        image_id, label = int(dets.image_ids[row]), dets.labels[row]
        rows = self.rows(image_id)
        rows = rows[self.detections.labels[rows] == label]
        if not len(rows):
            return None
        alike = iou(dets.boxes[[row]], self.detections.boxes[rows])[0]
        best = int(alike.argmax())
        return int(rows[best]) if alike[best] >= SAME_OBJECT else None


def proposed_rows(
    found: Found,
    image_id: int,
    *,
    boxes: Sequence[Box],
    verdicts: Sequence[Verdict],
    thresholds: Thresholds,
    class_ids: Collection[int],
) -> IntArray:
    """The rows that are proposed on an image with these ``boxes`` and ``verdicts``, best first.

    The ``thresholds`` are for what the run has found. Left out is what lies on a box or on a better proposal (of the class, or of any class more closely), what has become a
    box that was changed since, what lies in a crowd, and what somebody has said before is no object, whichever run proposed
    it then.
    """
    rows = found.rows(image_id)
    dets = found.detections
    known = np.isin(dets.labels[rows], np.fromiter(class_ids, np.int64, len(class_ids)))
    sure = thresholds.reached(dets.labels[rows], dets.scores[rows]) | (rows >= found.own)
    rows = rows[known & sure]
    rows = rows[~_spoken_against(dets.take(rows), verdicts)]
    rows = rows[~_accepted(found, rows, boxes)]
    taken_boxes = np.array([box.xyxy for box in boxes], np.float64).reshape(-1, 4)
    taken_labels = np.array([box.class_id for box in boxes], np.int64)
    rows = rows[~_same_object(dets.take(rows), taken_boxes, taken_labels).any(axis=1)]
    crowds = np.array([box.xyxy for box in boxes if box.crowd], np.float64).reshape(-1, 4)
    rows = rows[~_in_crowd(dets.boxes[rows], crowds)]
    return rows[_best_of_each(dets.take(rows))]


def _spoken_against(dets: Detections, verdicts: Sequence[Verdict]) -> BoolArray:
    against = np.zeros(len(dets), np.bool_)
    for verdict in verdicts:
        if verdict.kind in _AGAINST:
            against |= same_boxes(verdict, dets.labels, dets.boxes)
    return against


def _accepted(found: Found, rows: IntArray, boxes: Sequence[Box]) -> BoolArray:
    """(N,) which of the ``rows`` are labels already, also where these were moved or got another class since."""
    accepted = np.zeros(len(rows), np.bool_)
    dets = found.detections.take(rows)
    sources = np.array([found.source(row) for row in rows.tolist()], np.str_)
    for box in boxes:
        if box.run is not None and box.score is not None:
            touching = intersections(np.array([box.xyxy]), dets.boxes)[0] > 0
            same = np.isclose(dets.scores, box.score, rtol=0.0, atol=1e-9) & (sources == box.run)
            accepted |= touching & same
    return accepted


def _same_object(dets: Detections, boxes: FloatArray, labels: IntArray) -> BoolArray:
    """(N, M) which detections are the object of which of the ``boxes`` (M, 4), of the classes ``labels`` (M,)."""
    limit = np.where(dets.labels[:, None] == labels[None, :], SAME_OBJECT, SAME_PLACE)
    return np.asarray(iou(dets.boxes, boxes) >= limit, np.bool_)


def _best_of_each(dets: Detections) -> IntArray:
    """Rows, best first, of which none is the object of one before it."""
    same = _same_object(dets, dets.boxes, dets.labels)
    free = np.ones(len(dets), np.bool_)
    for row in range(len(dets)):
        if free[row]:
            free[row + 1 :] &= ~same[row, row + 1 :]
    return np.flatnonzero(free).astype(np.int64)


def _in_crowd(boxes: FloatArray, crowds: FloatArray) -> BoolArray:
    share = intersections(boxes, crowds) / np.maximum(areas(boxes), np.finfo(np.float64).tiny)[:, None]
    return np.asarray((share >= _IN_CROWD).any(axis=1), np.bool_)
