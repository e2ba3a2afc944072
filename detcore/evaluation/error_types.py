"""What kind of error each detection is, and what each kind costs, by the rules of TIDE.

Source: Bolya et al., TIDE: A General Toolbox for Identifying Object Detection Errors (2020), as its program
tidecv 1.0.1 does it at one IoU. Its average precision is not COCO's: recalls are k/100, nothing is added to
denominators, and a class with detections and no ground truth counts as 0. Each kind is mended alone, so the
gains do not add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from detcore.evaluation.curves import needed_hits, precision_at_recall
from detcore.evaluation.matching import match_pairs
from detcore.evaluation.pairs import Pairs, class_pairs, image_pairs
from detcore.evaluation.problem import Problem, arrange, places, positions, stable_order
from detcore.types import BoolArray, Detections, FloatArray, GroundTruth, IntArray

MAX_DETECTIONS = 100
_RECALLS: FloatArray = np.arange(101) / 100
_EVERY_SIZE = np.array([[-np.inf, np.inf]])


class ErrorType(StrEnum):
    """In TIDE's words; the last two are no kinds of their own but all wrong and all missing ones."""

    CLASS = "Cls"
    LOCATION = "Loc"
    BOTH = "Both"
    DUPLICATE = "Dupe"
    BACKGROUND = "Bkg"
    MISSED = "Miss"
    FALSE_POSITIVE = "FalsePos"
    FALSE_NEGATIVE = "FalseNeg"


KINDS = (ErrorType.CLASS, ErrorType.LOCATION, ErrorType.BOTH, ErrorType.DUPLICATE, ErrorType.BACKGROUND)
"""Of detections; ``ErrorTypes.kind`` holds places in this tuple."""

_CLASS, _LOCATION, _BOTH, _DUPLICATE, _BACKGROUND = range(5)
_NONE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCost:
    """How many there are, and what average precision (0 to 1) would gain without them; with equal scores the
    gain of the last two types may be a loss."""

    count: int
    gain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorTypes:
    """``ap`` at this IoU; ``costs`` of each type. By row of the detections given: ``kind`` (N,) place in
    KINDS or -1 (true positive, beyond the limit, or taking no part), ``gt_row`` (N,) the ground truth that a
    wrong class or a wrong place belongs to, or -1. ``missed`` rows of ground truth that no detection comes
    near."""

    ap: float
    costs: Mapping[ErrorType, ErrorCost]
    kind: IntArray
    gt_row: IntArray
    missed: IntArray


def find_error_types(
    gt: GroundTruth,
    dets: Detections,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    *,
    iou_threshold: float = 0.5,
    background: float = 0.1,
    ignore_difficult: bool = True,
    gt_box_areas: FloatArray | None = None,
    det_areas: FloatArray | None = None,
) -> ErrorTypes:
    """Sort the 100 best detections of each image into kinds. Equal scores of several images come in the order
    of ``image_ids``. Crowds, and difficult objects unless said otherwise, are regions in which detections of
    their class do not count. ``background``: IoU up to which nothing was meant."""
    images = np.asarray(image_ids, dtype=np.int64)
    kept = _best_of_each_image(dets)
    regions = gt.crowd | gt.difficult if ignore_difficult else gt.crowd
    problem = arrange(
        replace(gt, crowd=regions),
        dets.take(kept),
        image_ids=images,
        class_ids=class_ids,
        ignore_difficult=ignore_difficult,
        gt_box_areas=gt_box_areas,
        det_areas=None if det_areas is None else det_areas[kept],
    )
    errors = _Errors(problem, images, iou_threshold=iou_threshold, background=background)
    kind, gt_row = np.full(len(dets), _NONE), np.full(len(dets), -1)
    rows = kept[problem.det_rows]
    kind[rows] = errors.kind
    gt_row[rows] = np.where(errors.target >= 0, problem.gt_rows[errors.target], -1) if len(gt) else -1
    return ErrorTypes(
        ap=errors.ap,
        costs=errors.costs(),
        kind=kind,
        gt_row=gt_row,
        missed=problem.gt_rows[errors.missed],
    )


def _best_of_each_image(dets: Detections) -> IntArray:
    """Rows of the detections within the limit, ascending."""
    order = np.lexsort((-dets.scores, dets.image_ids))
    return np.sort(order[places(dets.image_ids[order]) < MAX_DETECTIONS])


class _Errors:
    """The detections of a problem sorted into kinds; ground truths that are regions are its crowds.

    ``kind`` and ``target`` (D,); ``sequence`` (D,) the place of each detection in order of images and scores.
    """

    def __init__(
        self, problem: Problem, images: IntArray, *, iou_threshold: float, background: float
    ) -> None:
        self._problem = problem
        image_place = np.argsort(np.argsort(_first_places(images, problem.images)))[problem.det_image]
        order = np.lexsort((problem.det_rows, -problem.det_score, image_place))
        self.sequence = np.argsort(order)
        total = len(order)
        same = class_pairs(problem, min_iou=min(background, iou_threshold))
        regular, region = _split(problem, same)
        table = match_pairs(
            problem,
            regular.take(regular.iou >= iou_threshold),
            iou_thresholds=np.array([iou_threshold]),
            size_ranges=_EVERY_SIZE,
            last_wins=False,
        )
        taken = table.matches[0, 0]
        self.hit: BoolArray = np.zeros(total, np.bool_)
        self.hit[table.candidates[taken >= 0]] = True
        self._used: BoolArray = np.zeros(len(problem.gt_rows), np.bool_)
        self._used[taken[taken >= 0]] = True
        self.ignored: BoolArray = np.zeros(total, np.bool_)
        self.ignored[region.det[region.iou > iou_threshold]] = True
        self.ignored &= ~self.hit

        self.kind: IntArray = np.full(total, _NONE)
        self.target: IntArray = np.full(total, -1)
        self._sort_out(regular, iou_threshold, background)
        self._mends, usable = self._best_candidates()
        self._counted = ~problem.gt_crowd
        self.missed: IntArray = np.flatnonzero(self._counted & ~self._used & ~usable)
        self._positives = np.bincount(problem.gt_class[self._counted], minlength=len(problem.classes))
        order = self._order(problem.det_class, mended=False)
        self.ap = _mean_ap(order, ~self.ignored, self.hit, problem.det_class, self._positives)

    def _sort_out(self, same: Pairs, iou_threshold: float, background: float) -> None:
        """Set kinds; the first that holds, in TIDE's order."""
        problem = self._problem
        dets = problem.by_group[~self.hit[problem.by_group]]
        pairs, _ = _split(problem, image_pairs(problem, dets, min_iou=background))
        other = pairs.take(problem.det_class[pairs.det] != problem.gt_class[pairs.gt])
        place_iou, place_gt = self._nearest(same)
        other_iou, other_gt = self._nearest(other)
        used_iou, _ = self._nearest(same.take(self._used[same.gt]))
        any_iou = np.maximum(place_iou, other_iou)

        self.kind[any_iou <= background] = _BACKGROUND
        self.kind[any_iou > background] = _BOTH
        self.kind[used_iou >= iou_threshold] = _DUPLICATE
        confused = other_iou >= iou_threshold
        self.kind[confused], self.target[confused] = _CLASS, other_gt[confused]
        misplaced = (place_iou >= background) & (place_iou <= iou_threshold)
        self.kind[misplaced], self.target[misplaced] = _LOCATION, place_gt[misplaced]
        self.kind[self.hit], self.target[self.hit] = _NONE, -1

    def _nearest(self, pairs: Pairs) -> tuple[FloatArray, IntArray]:
        """(D,) highest IoU of each detection (0 without a pair) and its ground truth, the first given of
        equals."""
        best = np.lexsort((self._problem.gt_rows[pairs.gt], -pairs.iou, pairs.det))
        best = best[np.diff(pairs.det[best], prepend=-1) != 0]
        iou, gt = np.zeros(len(self.kind)), np.full(len(self.kind), -1)
        iou[pairs.det[best]], gt[pairs.det[best]] = pairs.iou[best], pairs.gt[best]
        return iou, gt

    def _best_candidates(self) -> tuple[BoolArray, BoolArray]:
        """(D,) detections that would find their free target if mended, one for each; (G,) such targets."""
        candidates = np.flatnonzero(self.target >= 0)
        candidates = candidates[~self._used[self.target[candidates]]]
        candidates = candidates[np.argsort(self.sequence[candidates])]
        targets, first = np.unique(self.target[candidates], return_index=True)
        mends, usable = np.zeros(len(self.kind), np.bool_), np.zeros(len(self._used), np.bool_)
        mends[candidates[first]] = True
        usable[targets] = True
        return mends, usable

    def costs(self) -> dict[ErrorType, ErrorCost]:
        problem = self._problem
        label, present = problem.det_class, ~self.ignored
        order = self._order(label, mended=True)
        costs: dict[ErrorType, ErrorCost] = {}

        def add(name: ErrorType, count: int, ap: float) -> None:
            # of the two that are no kinds, tidecv shows a loss, too
            least = -1.0 if name in (ErrorType.FALSE_POSITIVE, ErrorType.FALSE_NEGATIVE) else 0.0
            costs[name] = ErrorCost(count=count, gain=max(ap - self.ap, least))

        for place, name in enumerate(KINDS):
            mine = self.kind == place
            right = mine & self._mends
            kept, hit, new_label, new_order = (present & ~mine) | right, self.hit | right, label, order
            if place == _CLASS:
                new_label = label.copy()
                new_label[right] = problem.gt_class[self.target[right]]
                new_order = self._order(new_label, mended=True)
            add(name, int(mine.sum()), _mean_ap(new_order, kept, hit, new_label, self._positives))

        missed, lost = self.missed, np.flatnonzero(self._counted & ~self._used)
        for name, rows in ((ErrorType.MISSED, missed), (ErrorType.FALSE_NEGATIVE, lost)):
            fewer = self._positives - np.bincount(problem.gt_class[rows], minlength=len(self._positives))
            add(name, len(rows), _mean_ap(order, present, self.hit, label, fewer))
        right_first = stable_order(label * 2 + ~self.hit, 2 * len(self._positives))
        wrong = int(np.count_nonzero(present & ~self.hit))
        ap = _mean_ap(right_first, present, self.hit, label, self._positives)
        add(ErrorType.FALSE_POSITIVE, wrong, ap)
        return {name: costs[name] for name in ErrorType}

    def _order(self, label: IntArray, *, mended: bool) -> IntArray:
        """Detections by class and score. Equal scores in order of images, but after mending the ones that
        were right anyway come last: tidecv adds them at the end."""
        sequence = self.sequence + self.hit * len(self.hit) if mended else self.sequence
        return np.lexsort((sequence, -self._problem.det_score, label))


def _mean_ap(
    order: IntArray, present: BoolArray, hit: BoolArray, label: IntArray, positives: IntArray
) -> float:
    """TIDE's average precision of the detections that are ``present``; ``order`` goes by class and score."""
    order = order[present[order]]
    label, hit = label[order], hit[order]
    classes = len(positives)
    starts = np.concatenate([[0], np.cumsum(np.bincount(label[hit], minlength=classes))])
    of_hit = label[hit]
    number = np.arange(1, len(of_hit) + 1) - starts[of_hit]
    first = np.searchsorted(label, np.arange(classes))
    precision = number / (np.flatnonzero(hit) + 1 - first[of_hit])
    best = precision_at_recall(precision, starts, needed_hits(positives, _RECALLS))
    aps = np.where(positives > 0, best.mean(axis=1), 0.0)
    judged = (positives > 0) | (np.bincount(label, minlength=classes) > 0)
    return float(aps[judged].mean()) if judged.any() else 0.0


def _first_places(given: IntArray, ascending: IntArray) -> IntArray:
    """(I,) where each of the ascending ids comes first among those given."""
    place = np.empty(len(ascending), np.int64)
    reverse = given[::-1]
    place[positions(reverse, ascending)] = np.arange(len(given))[::-1]
    return place


def _split(problem: Problem, pairs: Pairs) -> tuple[Pairs, Pairs]:
    """Pairs with objects and pairs with regions."""
    region = problem.gt_crowd[pairs.gt]
    return pairs.take(~region), pairs.take(region)
