"""Which boxes stand behind a number, in the order in which to look at them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.models.error_filter import BACKGROUND_ID, ErrorFilter, SortOrder
from app.models.error_kind import ErrorKind, ItemType
from app.models.item_costs import ItemCosts
from app.models.label_suspicions import LabelSuspicions
from app.models.picked_boxes import picked_detections, picked_labels
from app.models.size_breakdown import sized_rows
from detcore.boxes import areas
from detcore.curation.judged_items import JudgedItems
from detcore.evaluation.error_links import ErrorLinks
from detcore.evaluation.live import DetState, GtState, LiveEvaluation
from detcore.types import BoolArray, FloatArray, IntArray

PAIRED_TYPES = (ItemType.CLASS, ItemType.LOCATION, ItemType.FOUND)
"""Of these a detection and its label are two halves of one thing. What duplicates a label is another matter."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorSource:
    """Where items are looked up. ``run_rows`` (D,): which rows of the run the evaluation's detections are;
    ``fingerprint`` is that of the run's detections."""

    evaluation: LiveEvaluation
    run_rows: IntArray
    fingerprint: str
    links: ErrorLinks
    judged: JudgedItems
    costs: ItemCosts = field(default_factory=ItemCosts)
    suspicions: LabelSuspicions = field(default_factory=LabelSuspicions)


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorRows:
    """N items: ``keys`` (N,) are box ids of labels, or -(row + 1) of detections; ``kinds`` and ``types`` (N,);
    ``partners`` (N,) key of the label that a detection was meant for or has found, or of the detection that was
    meant for a label, 0 for none; ``judged`` (N,) whether it has a verdict; ``image_ids`` (N,); ``values`` (N,) by which they
    are sorted, the smallest first. They hold at ``threshold`` and in ``order``."""

    keys: IntArray
    kinds: NDArray[np.uint8]
    types: NDArray[np.uint8]
    partners: IntArray
    judged: BoolArray
    image_ids: IntArray
    values: FloatArray
    threshold: float
    order: SortOrder

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: IntArray | BoolArray) -> ErrorRows:
        return ErrorRows(
            keys=self.keys[rows],
            kinds=self.kinds[rows],
            types=self.types[rows],
            partners=self.partners[rows],
            judged=self.judged[rows],
            image_ids=self.image_ids[rows],
            values=self.values[rows],
            threshold=self.threshold,
            order=self.order,
        )

    def with_inserted(self, places: IntArray, new: ErrorRows) -> ErrorRows:
        """With other rows before those at ``places`` (M,), ascending."""
        return ErrorRows(
            keys=np.insert(self.keys, places, new.keys),
            kinds=np.insert(self.kinds, places, new.kinds),
            types=np.insert(self.types, places, new.types),
            partners=np.insert(self.partners, places, new.partners),
            judged=np.insert(self.judged, places, new.judged),
            image_ids=np.insert(self.image_ids, places, new.image_ids),
            values=np.insert(self.values, places, new.values),
            threshold=self.threshold,
            order=self.order,
        )

    @classmethod
    def empty(cls) -> ErrorRows:
        none, nothing = np.zeros(0, np.int64), np.zeros(0, np.uint8)
        return cls(
            keys=none,
            kinds=nothing,
            types=nothing,
            partners=none,
            judged=np.zeros(0, np.bool_),
            image_ids=none,
            values=np.zeros(0),
            threshold=0.5,
            order=SortOrder.WORST,
        )


def detection_key(row: int) -> int:
    """The key of a detection; the canvas knows it by the same number."""
    return -(row + 1)


def detection_row(key: int) -> int:
    return -key - 1


def find_rows(source: ErrorSource, threshold: float, wanted: ErrorFilter, order: SortOrder) -> ErrorRows:
    """The boxes that a filter lets through at a threshold, sorted."""
    evaluation, wanted = source.evaluation, wanted.in_order(order)
    gt_rows, det_rows, det_kinds, meant_for = _chosen(source, threshold, wanted, order)
    if wanted.picked is not None:
        gt_rows = picked_labels(evaluation, gt_rows, wanted.picked)
        own = np.isin(det_rows, picked_detections(evaluation, source.run_rows, threshold, wanted.picked))
        det_rows, det_kinds = det_rows[own], det_kinds[own]
    # rows of labels move when an image is edited, ids do not: equal ones keep their places
    gt_rows = gt_rows[np.argsort(evaluation.gt.ids[gt_rows])]
    if wanted.image_id is not None:
        gt_rows = gt_rows[evaluation.gt.image_ids[gt_rows] == wanted.image_id]
        here = evaluation.dets.image_ids[det_rows] == wanted.image_id
        det_rows, det_kinds = det_rows[here], det_kinds[here]
    ids = evaluation.gt.ids[gt_rows]
    claimant = source.links.claimants(threshold)[ids] if len(ids) else ids
    return _listed(source, threshold, wanted, order, (gt_rows, claimant), (det_rows, det_kinds, meant_for))


def find_rows_on(
    source: ErrorSource, threshold: float, wanted: ErrorFilter, order: SortOrder, image_id: int
) -> ErrorRows:
    """Those of ``find_rows`` that are on one image, for a filter without a cell, a size or picked boxes."""
    evaluation, wanted = source.evaluation, wanted.in_order(order)
    if wanted.image_id not in (None, image_id):
        return ErrorRows.empty()
    view = evaluation.image_view(image_id, threshold)
    missed = view.gt_rows[(view.gt_state == GtState.MISSED) & (ErrorKind.FN in wanted.kinds)]
    every_false = view.det_rows[view.det_state == DetState.FALSE_POSITIVE]
    false = every_false[: len(every_false) * (ErrorKind.FP in wanted.kinds)]
    found = view.det_rows[(view.det_state == DetState.TRUE_POSITIVE) & (ErrorKind.TP in wanted.kinds)]
    if wanted.class_id is not None:
        missed = missed[evaluation.gt.labels[missed] == wanted.class_id]
        false, found = (rows[evaluation.dets.labels[rows] == wanted.class_id] for rows in (false, found))
    found = _listed_found(source, found, wanted, order)
    missed = missed[np.argsort(evaluation.gt.ids[missed])]
    claimants = dict(
        zip(source.links.target[every_false[::-1]].tolist(), every_false[::-1].tolist(), strict=True)
    )
    claimant = np.array([claimants.get(key, -1) for key in evaluation.gt.ids[missed].tolist()], np.int64)
    kinds = np.repeat(np.array([ErrorKind.FP, ErrorKind.TP], np.uint8), [len(false), len(found)])
    dets = (np.concatenate([false, found]), kinds, None)
    return _listed(source, threshold, wanted, order, (missed, claimant), dets)


def _listed(
    source: ErrorSource,
    threshold: float,
    wanted: ErrorFilter,
    order: SortOrder,
    missed: tuple[IntArray, IntArray],
    seen: tuple[IntArray, NDArray[np.uint8], IntArray | None],
) -> ErrorRows:
    """Of missed labels (rows by id, their claimants or -1) and detections (rows by score, kinds, ids of what they
    were meant for where that is known) those that the filter lets through, sorted."""
    gt_rows, claimant = missed
    det_rows, det_kinds, meant_for = seen
    if order is SortOrder.WORST:
        # most missed objects are equally bad; the large ones are looked at first
        by_size = np.argsort(-areas(source.evaluation.gt.boxes[gt_rows]), kind="stable")
        gt_rows, claimant = gt_rows[by_size], claimant[by_size]
    found = _described(source, threshold, gt_rows, claimant, det_rows, det_kinds, order)
    if meant_for is not None:
        found.partners[: len(det_rows)] = meant_for
        found.types[: len(det_rows)] = ItemType.CLASS
    kept = _kept(source, found, wanted, len(det_rows))
    if order is SortOrder.LABEL_ERRORS:
        return _by_label_errors(source, found.take(kept), wanted)
    found.values[:] = _value(source, gt_rows, det_rows, found, order)
    # detections come by falling score and the sort finds such runs, so long lists are quick too
    return found.take(kept[np.argsort(found.values[kept], kind="stable")])


def _by_label_errors(source: ErrorSource, found: ErrorRows, wanted: ErrorFilter) -> ErrorRows:
    """Items with the strongest suspicion first, one for each label."""
    halves = _other_halves(found)
    found.values[:] = -source.suspicions.told(
        np.maximum(np.maximum(found.keys, halves), 0),
        np.minimum(np.minimum(found.keys, halves), 0),
        own=found.kinds != ErrorKind.FP,
    )
    if not wanted.exact:
        found = found.take((found.kinds != ErrorKind.TP) | (found.values < 0))
    return found.take(np.argsort(found.values, kind="stable"))


def find_item(source: ErrorSource, threshold: float, key: int) -> ErrorRows:
    """One box as a list would have it at a threshold, whether a list holds it or not; none if it is gone."""
    evaluation, none = source.evaluation, np.zeros(0, np.int64)
    if key < 0:
        row = np.array([detection_row(key)])
        view = evaluation.image_view(int(evaluation.dets.image_ids[row[0]]), threshold)
        is_found = (view.det_state[view.det_rows == row[0]] == DetState.TRUE_POSITIVE).any()
        kind = np.array([ErrorKind.TP if is_found else ErrorKind.FP], np.uint8)
        return _described(source, threshold, none, none, row, kind)
    gt_row = np.flatnonzero(evaluation.gt.ids == key)
    if not len(gt_row):
        return ErrorRows.empty()
    view = evaluation.image_view(int(evaluation.gt.image_ids[gt_row[0]]), threshold)
    meant = view.det_rows[source.links.target[view.det_rows] == key]
    claimant = np.array([*meant[:1], -1])[:1]
    found = _described(source, threshold, gt_row, claimant, none, np.zeros(0, np.uint8))
    if view.gt_state[view.gt_rows == gt_row[0]][0] != GtState.MISSED:
        finder = view.det_rows[(view.det_match == gt_row[0]) & (view.det_state == DetState.TRUE_POSITIVE)]
        partner = detection_key(int(finder[0])) if len(finder) else 0
        found.kinds[:], found.types[:], found.partners[:] = ErrorKind.TP, ItemType.FOUND, partner
    return found


def _chosen(
    source: ErrorSource, threshold: float, wanted: ErrorFilter, order: SortOrder
) -> tuple[IntArray, IntArray, NDArray[np.uint8], IntArray | None]:
    """Rows of ground truth (missed), rows of detections, the kinds of these, and in a cell of two different
    classes the ids of their labels."""
    evaluation, none = source.evaluation, np.zeros(0, np.int64)
    if wanted.cell is not None:
        label, detected = (None if part == BACKGROUND_ID else part for part in wanted.cell)
        gt_rows, det_rows = evaluation.confusion_rows(threshold, label, detected)
        if detected is None:
            return gt_rows, none, np.zeros(0, np.uint8), None
        kind = ErrorKind.TP if label == detected else ErrorKind.FP
        kinds = np.full(len(det_rows), kind, np.uint8)
        claimed = None if label is None or label == detected else evaluation.gt.ids[gt_rows]
        return none, det_rows, kinds, claimed
    missed, false, found = (
        _of_kind(evaluation, threshold, wanted, kind) if kind in wanted.kinds else none
        for kind in (ErrorKind.FN, ErrorKind.FP, ErrorKind.TP)
    )
    found = _listed_found(source, found, wanted, order)
    det_kinds = np.repeat(np.array([ErrorKind.FP, ErrorKind.TP], np.uint8), [len(false), len(found)])
    return missed, np.concatenate([false, found]), det_kinds, None


def _listed_found(source: ErrorSource, rows: IntArray, wanted: ErrorFilter, order: SortOrder) -> IntArray:
    """Of true positives (rows of detections) in the order of label errors those whose labels may be wrong."""
    if order is not SortOrder.LABEL_ERRORS or wanted.exact:
        return rows
    evaluation = source.evaluation
    return rows[source.suspicions.scores(evaluation.gt.ids[evaluation.taken_by(rows)]) > 0]


def _of_kind(evaluation: LiveEvaluation, threshold: float, wanted: ErrorFilter, kind: ErrorKind) -> IntArray:
    """Rows of labels (missed) or detections of a class and size."""
    if wanted.size is not None:
        rows, sizes = sized_rows(evaluation, threshold, kind, wanted.class_id)
        return rows[sizes == wanted.size]
    if kind is ErrorKind.FN:
        return evaluation.missed(threshold, wanted.class_id)
    if kind is ErrorKind.FP:
        return evaluation.false_positives(threshold, wanted.class_id)
    return evaluation.true_positives(threshold, wanted.class_id)


def _described(
    source: ErrorSource,
    threshold: float,
    gt_rows: IntArray,
    claimant: IntArray,
    det_rows: IntArray,
    det_kinds: NDArray[np.uint8],
    order: SortOrder = SortOrder.WORST,
) -> ErrorRows:
    """Detections, then missed labels, each with the row of the detection that was meant for it or -1."""
    evaluation, links, judged = source.evaluation, source.links, source.judged
    gt_ids = evaluation.gt.ids[gt_rows]
    false = det_kinds == ErrorKind.FP
    # what the rules ignore has no kind of error; it is on no list, but can be looked at
    det_types = np.where(links.kind[det_rows] < 0, ItemType.BACKGROUND, links.kind[det_rows])
    claimed = claimant >= 0
    gt_types = np.full(len(gt_ids), ItemType.MISSED, np.int64)
    gt_types[claimed] = links.kind[claimant[claimed]]
    meant_for = links.target[det_rows]
    true = det_rows[~false]
    if len(true):
        meant_for[~false] = evaluation.gt.ids[evaluation.taken_by(true)]
    return ErrorRows(
        keys=np.concatenate([-(det_rows + 1), gt_ids]),
        kinds=np.concatenate([det_kinds, np.full(len(gt_ids), ErrorKind.FN, np.uint8)]),
        types=np.concatenate([np.where(false, det_types, ItemType.FOUND), gt_types]).astype(np.uint8),
        partners=np.concatenate([meant_for, np.where(claimed, -(claimant + 1), 0)]),
        judged=np.concatenate([judged.detection[det_rows] > 0, np.isin(gt_ids, judged.labels())]),
        image_ids=np.concatenate([evaluation.dets.image_ids[det_rows], evaluation.gt.image_ids[gt_rows]]),
        values=np.zeros(len(det_rows) + len(gt_ids)),
        threshold=threshold,
        order=order,
    )


def _kept(source: ErrorSource, found: ErrorRows, wanted: ErrorFilter, det_count: int) -> IntArray:
    """Which of the items are listed. A pair is judged once one of its two boxes is."""
    kept = np.ones(len(found), np.bool_)
    if wanted.joins_pairs:
        listed = np.isin(found.partners[det_count:], found.keys[:det_count])
        kept[det_count:] = ~listed
    if not wanted.shows_judged:
        kept &= ~found.judged
        kept &= ~_partner_judged(source, found)
    if wanted.type is not None:
        kept &= found.types == wanted.type
    return np.flatnonzero(kept)


def _partner_judged(source: ErrorSource, found: ErrorRows) -> BoolArray:
    """(N,) whether the other half of an item has a verdict."""
    halves = _other_halves(found)
    labels, dets = halves > 0, halves < 0
    judged = np.zeros(len(found), np.bool_)
    judged[labels] = np.isin(halves[labels], source.judged.labels())
    judged[dets] = source.judged.detection[-halves[dets] - 1] > 0
    return judged


def _other_halves(found: ErrorRows) -> IntArray:
    """(N,) keys of the partners of what is found, or wrong in class or place, 0 for others."""
    return np.where(np.isin(found.types, PAIRED_TYPES), found.partners, 0)


def _value(
    source: ErrorSource,
    gt_rows: IntArray,
    det_rows: IntArray,
    found: ErrorRows,
    order: SortOrder,
) -> FloatArray:
    """(N,) sort values, the smallest first."""
    evaluation = source.evaluation
    gt, dets = evaluation.gt, evaluation.dets
    if order is SortOrder.COST:
        costs = source.costs
        return -np.concatenate([costs.of_detections(det_rows), costs.of_labels(gt.ids[gt_rows])])
    if order in (SortOrder.LARGE, SortOrder.SMALL):
        boxes = np.concatenate([dets.boxes[det_rows], gt.boxes[gt_rows]])
        return -areas(boxes) if order is SortOrder.LARGE else areas(boxes)
    if order is SortOrder.IMAGE:
        return np.concatenate([dets.image_ids[det_rows], gt.image_ids[gt_rows]]).astype(np.float64)
    # a missed object has the score of the detection that would find it at a lower threshold
    hidden = np.maximum(evaluation.found_scores()[gt_rows], 0.0)
    scores = np.concatenate([dets.scores[det_rows], hidden])
    if order is SortOrder.CONFIDENCE:
        return -scores
    if order is SortOrder.UNSURE:
        return scores
    # how sure the model is of the opposite of what the labels say
    return np.where(found.kinds == ErrorKind.FP, -scores, scores - 1.0)
