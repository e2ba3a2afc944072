"""The matches of one IoU threshold, kept up to date while images are edited."""

from __future__ import annotations

import numpy as np

from detcore.evaluation.confusion import Claims, find_claims
from detcore.evaluation.live_tables import LiveTables
from detcore.evaluation.matching import match
from detcore.evaluation.problem import Problem, arrange, positions, with_ground_truth
from detcore.types import Detections, GroundTruth, IntArray

_EVERY_SIZE = np.array([[-np.inf, np.inf]])


class LiveMatches:
    """Which detection took which ground truth. Detections never change; ground truth does, image by image.

    Detections are positions of ``problem`` (class order), ground truths rows of ``gt``. ``matched`` (M,)
    detections took ``taken`` (M,) ground truths; ``det_places`` (D,) are the positions of ``dets``.
    """

    def __init__(
        self,
        gt: GroundTruth,
        dets: Detections,
        *,
        image_ids: IntArray,
        class_ids: IntArray,
        iou_threshold: float,
    ) -> None:
        self.gt = gt
        self.dets = dets
        self._by_id: IntArray | None = None
        self.class_ids: IntArray = np.unique(class_ids)
        self.iou_threshold = iou_threshold
        self._arrange(image_ids)

    def replace_image(self, image_id: int, gt: GroundTruth) -> None:
        """See LiveEvaluation.replace_image."""
        if (gt.image_ids != image_id).any():
            raise ValueError(f"ground truth of other images than {image_id}")
        kept = self.gt.image_ids != image_id
        first = int(np.count_nonzero(kept))
        self.gt = _joined(self.gt.take(kept), gt)
        self._by_id = None
        place = int(positions(np.array([image_id]), self.problem.images)[0])
        if place < 0:
            self._arrange(np.append(self.problem.images, image_id))
            return
        new_row = np.cumsum(kept) - 1
        dets = self.dets_of(place)
        mine = self.dets.take(self.problem.det_rows[dets])
        small = arrange(gt, mine, image_ids=[image_id], class_ids=self.class_ids)
        matched, taken = _match(small, self.iou_threshold)
        others = self.problem.det_image[self.matched] != place
        self.matched = np.concatenate([self.matched[others], dets[small.det_rows[matched]]])
        self.taken = np.concatenate([new_row[self.taken[others]], small.gt_rows[taken] + first])
        self._tables = None
        if self._claims is not None:
            claims = _claim(small, matched, taken, self.iou_threshold)
            others = self.problem.det_image[self._claims.det] != place
            self._claims = Claims(
                det=np.concatenate([self._claims.det[others], dets[small.det_rows[claims.det]]]),
                gt=np.concatenate([new_row[self._claims.gt[others]], small.gt_rows[claims.gt] + first]),
            )

    def gt_rows_of(self, ids: IntArray) -> IntArray:
        """See LiveEvaluation.gt_rows_of."""
        if self._by_id is None:
            self._by_id = np.argsort(self.gt.ids, kind="stable")
        places = np.searchsorted(self.gt.ids, ids, sorter=self._by_id)
        if (places < len(self._by_id)).all():
            rows = self._by_id[places]
            if (self.gt.ids[rows] == ids).all():
                return rows
        raise KeyError("some of these ids are of no ground truth")

    def dets_of(self, place: int) -> IntArray:
        """Detections of the image at this position, in the order they were given."""
        first, last = np.searchsorted(self._grouped_images, [place, place + 1])
        dets = self.problem.by_group[first:last]
        return dets[np.argsort(self.problem.det_rows[dets])]

    def claims(self) -> Claims:
        """Objects taken for another class; found when first asked for. ``gt`` are rows."""
        if self._claims is None:
            problem = with_ground_truth(self.problem, self.gt)
            place = np.empty(len(self.gt), np.int64)
            place[problem.gt_rows] = np.arange(len(problem.gt_rows))
            claims = _claim(problem, self.matched, place[self.taken], self.iou_threshold)
            self._claims = Claims(det=claims.det, gt=problem.gt_rows[claims.gt])
        return self._claims

    def claims_at(self, threshold: float) -> Claims:
        """The claims that hold at a threshold: the claimant is above, whoever found the object is not."""
        claims = self.claims()
        above = self.problem.det_score[claims.det] >= threshold
        valid = above & (self.tables().found_score[claims.gt] < threshold)
        return Claims(det=claims.det[valid], gt=claims.gt[valid])

    def tables(self) -> LiveTables:
        """Sorted and running counts of the matches as they are now."""
        if self._tables is None:
            gt_image = positions(self.gt.image_ids, self.problem.images)
            gt_class = positions(self.gt.labels, self.problem.classes)
            self._tables = LiveTables(
                self.problem,
                matched=self.matched,
                taken=self.taken,
                gt_class=gt_class,
                gt_counts=(gt_image >= 0) & (gt_class >= 0) & ~self.gt.crowd & ~self.gt.difficult,
            )
        return self._tables

    def _arrange(self, image_ids: IntArray) -> None:
        images = np.concatenate([image_ids, self.gt.image_ids, self.dets.image_ids])
        self.problem = arrange(self.gt, self.dets, image_ids=images, class_ids=self.class_ids)
        self._grouped_images = self.problem.det_image[self.problem.by_group]
        self.det_places: IntArray = np.full(len(self.dets), -1, np.int64)
        self.det_places[self.problem.det_rows] = np.arange(len(self.problem.det_rows))
        self._match_all()

    def _match_all(self) -> None:
        self.matched, taken = _match(self.problem, self.iou_threshold)
        self.taken: IntArray = self.problem.gt_rows[taken]
        self._claims: Claims | None = None
        self._tables: LiveTables | None = None


def _match(problem: Problem, iou_threshold: float) -> tuple[IntArray, IntArray]:
    """Matched detections and the ground truths they took, both positions in the problem."""
    table = match(problem, iou_thresholds=[iou_threshold], size_ranges=_EVERY_SIZE)
    taken = table.matches[0, 0]
    found = taken >= 0
    return table.candidates[found], taken[found].astype(np.int64)


def _claim(problem: Problem, matched: IntArray, taken: IntArray, iou_threshold: float) -> Claims:
    loose = np.ones(len(problem.det_rows), np.bool_)
    loose[matched] = False
    found_by = np.full(len(problem.gt_rows), -1, np.int64)
    found_by[taken] = matched
    return find_claims(problem, loose=loose, found_by=found_by, iou_threshold=iou_threshold)


def _joined(first: GroundTruth, second: GroundTruth) -> GroundTruth:
    return GroundTruth(
        ids=np.concatenate([first.ids, second.ids]),
        image_ids=np.concatenate([first.image_ids, second.image_ids]),
        labels=np.concatenate([first.labels, second.labels]),
        boxes=np.concatenate([first.boxes, second.boxes]),
        areas=np.concatenate([first.areas, second.areas]),
        crowd=np.concatenate([first.crowd, second.crowd]),
        difficult=np.concatenate([first.difficult, second.difficult]),
    )
