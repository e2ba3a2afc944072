"""Which boxes stand behind a number, in the order in which to look at them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detcore.boxes import areas
from detcore.curation.judged_items import JudgedItems
from detcore.evaluation.error_links import ErrorLinks
from detcore.evaluation.live import DetState, GtState, ImageView, LiveEvaluation
from detcore.review.costs import ItemCosts
from detcore.review.filter import (
    BACKGROUND_ID,
    ErrorFilter,
    SortOrder,
    order_without_labels,
)
from detcore.review.items import ErrorItem, ErrorItems, detection_key, detection_row
from detcore.review.kinds import ErrorKind, ItemType
from detcore.review.picked import picked_detections, picked_labels
from detcore.review.sizes import sized_rows
from detcore.review.suspicions import LabelSuspicions
from detcore.types import BoolArray, FloatArray, IntArray

PAIRED_TYPES = (ItemType.CLASS, ItemType.LOCATION, ItemType.FOUND)
"""Of these a detection and its label are two halves of one thing. What duplicates a label is another
matter."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorSource:
    """Where items are looked up. ``run_rows`` (D,): which rows of the run the evaluation's detections are;
    ``fingerprint`` is that of the run's detections; ``unjudged``: its images have no labels, so that nothing
    is right or wrong there."""

    evaluation: LiveEvaluation
    run_rows: IntArray
    fingerprint: str
    links: ErrorLinks
    judged: JudgedItems
    costs: ItemCosts = field(default_factory=ItemCosts)
    suspicions: LabelSuspicions = field(default_factory=LabelSuspicions)
    unjudged: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class _Boxes:
    """What a filter chooses: rows of labels that can be missed, (G,), and of the best detections that were
    meant for them, -1 for none; rows of detections (D,), of each kind the best first, and their kinds."""

    gt_rows: IntArray
    claimants: IntArray
    det_rows: IntArray
    det_kinds: NDArray[np.uint8]


def find_items(
    source: ErrorSource,
    wanted: ErrorFilter,
    order: SortOrder,
    threshold: float,
    *,
    image_id: int | None = None,
) -> ErrorItems:
    """The items that a filter lets through, sorted; they hold at ``threshold``, and most at any other as
    well. With ``image_id`` those on one image, for a filter without a cell, a size or picked boxes."""
    if source.unjudged:
        return _unjudged(source, wanted, order_without_labels(order), image_id)
    wanted = wanted.in_order(order)
    if wanted.cell is not None:
        found = _in_cell(source, wanted.cell, order, threshold)
    else:
        boxes = _chosen(source, wanted, image_id)
        if order is SortOrder.LABEL_ERRORS and not wanted.exact:
            boxes = _without_sound(source, boxes)
        found = _described(source, boxes, order)
    found = _kept(source, found, wanted)
    if order is SortOrder.LABEL_ERRORS:
        return _by_label_errors(source, found, wanted, threshold)
    # detections come by falling score and the sort finds such runs, so long lists are quick too
    found = found.taken(np.argsort(found.values, kind="stable"))
    return found if wanted.cell is None else found.taken(found.listed(threshold), threshold=threshold)


def _unjudged(source: ErrorSource, wanted: ErrorFilter, order: SortOrder, image_id: int | None) -> ErrorItems:
    """All detections that no label has been made of yet, of whatever kinds and type are wanted."""
    wanted = replace(wanted, kinds=frozenset({ErrorKind.FP}), type=None)
    found = _described(source, _chosen(source, wanted, image_id), order)
    found = replace(
        found,
        kinds=np.full(len(found), ErrorKind.UNJUDGED, np.uint8),
        types=np.full(len(found), ItemType.UNJUDGED, np.uint8),
        partners=np.zeros(len(found), np.int64),
    )
    found = _kept(source, found, wanted)
    return found.taken(np.argsort(found.values, kind="stable"))


def find_item(source: ErrorSource, threshold: float, key: int) -> ErrorItem | None:
    """One box as a list would have it at a threshold, whether a list holds it or not; ``None`` if it is
    gone, or a label where nothing is held against labels."""
    if source.unjudged:
        unjudged = ErrorItem(key=key, kind=ErrorKind.UNJUDGED, type=ItemType.UNJUDGED, partner=0)
        return unjudged if key < 0 else None
    return _detection(source, threshold, key) if key < 0 else _label(source, threshold, key)


def listed_half(source: ErrorSource, threshold: float, key: int) -> int:
    """The key by which lists have the object of a box at a threshold: a found one is its detection, and a missed
    one its label. What is no half of a found object keeps its own."""
    item = find_item(source, -np.inf if key < 0 else threshold, key)
    if item is None or item.type is not ItemType.FOUND or not item.partner:
        return key
    still_found = key < 0 and source.evaluation.dets.scores[detection_row(key)] >= threshold
    return key if still_found else item.partner


def _detection(source: ErrorSource, threshold: float, key: int) -> ErrorItem:
    evaluation, links, row = source.evaluation, source.links, detection_row(key)
    view = evaluation.image_view(int(evaluation.dets.image_ids[row]), threshold)
    if (view.det_state[view.det_rows == row] == DetState.TRUE_POSITIVE).any():
        label = int(evaluation.gt.ids[evaluation.taken_by(np.array([row]))[0]])
        return ErrorItem(key=key, kind=ErrorKind.TP, type=ItemType.FOUND, partner=label)
    # what the rules ignore has no kind of error; it is on no list, but can be looked at
    item_type = ItemType.BACKGROUND if links.kind[row] < 0 else ItemType(int(links.kind[row]))
    return ErrorItem(key=key, kind=ErrorKind.FP, type=item_type, partner=int(links.target[row]))


def _label(source: ErrorSource, threshold: float, key: int) -> ErrorItem | None:
    evaluation, links = source.evaluation, source.links
    rows = np.flatnonzero(evaluation.gt.ids == key)
    if not len(rows):
        return None
    view = evaluation.image_view(int(evaluation.gt.image_ids[rows[0]]), threshold)
    if view.gt_state[view.gt_rows == rows[0]][0] != GtState.MISSED:
        found_by = (view.det_match == rows[0]) & (view.det_state == DetState.TRUE_POSITIVE)
        partner = next((detection_key(row) for row in view.det_rows[found_by].tolist()), 0)
        return ErrorItem(key=key, kind=ErrorKind.TP, type=ItemType.FOUND, partner=partner)
    meant = view.det_rows[links.target[view.det_rows] == key].tolist()
    item_type = ItemType(int(links.kind[meant[0]])) if meant else ItemType.MISSED
    return ErrorItem(
        key=key, kind=ErrorKind.FN, type=item_type, partner=detection_key(meant[0]) if meant else 0
    )


def _chosen(source: ErrorSource, wanted: ErrorFilter, image_id: int | None) -> _Boxes:
    """With ``image_id`` those of one image, without a look at the others."""
    evaluation, none = source.evaluation, np.zeros(0, np.int64)
    view = None if image_id is None else evaluation.image_view(image_id, -np.inf)
    gt_rows, false, found = (
        _of_kind(evaluation, wanted, kind, view) if kind in wanted.kinds else none
        for kind in (ErrorKind.FN, ErrorKind.FP, ErrorKind.TP)
    )
    det_rows, det_kinds = _joined(false, found)
    if wanted.picked is not None:
        gt_rows = picked_labels(evaluation, gt_rows, wanted.picked)
        own = np.isin(det_rows, picked_detections(evaluation, source.run_rows, -np.inf, wanted.picked))
        det_rows, det_kinds = det_rows[own], det_kinds[own]
    if wanted.image_id is not None:
        gt_rows = gt_rows[evaluation.gt.image_ids[gt_rows] == wanted.image_id]
        here = evaluation.dets.image_ids[det_rows] == wanted.image_id
        det_rows, det_kinds = det_rows[here], det_kinds[here]
    return _with_claimants(source, gt_rows, det_rows, det_kinds, view)


def _with_claimants(
    source: ErrorSource,
    gt_rows: IntArray,
    det_rows: IntArray,
    det_kinds: NDArray[np.uint8],
    view: ImageView | None = None,
) -> _Boxes:
    # rows of labels move when an image is edited, ids do not: equal ones keep their places
    gt_rows = gt_rows[np.argsort(source.evaluation.gt.ids[gt_rows])]
    ids = source.evaluation.gt.ids[gt_rows]
    false = None if view is None else view.det_rows[view.det_state == DetState.FALSE_POSITIVE]
    claimants = source.links.claimants(false)[ids] if len(ids) else ids
    return _Boxes(gt_rows=gt_rows, claimants=claimants, det_rows=det_rows, det_kinds=det_kinds)


def _of_kind(
    evaluation: LiveEvaluation, wanted: ErrorFilter, kind: ErrorKind, view: ImageView | None
) -> IntArray:
    """Rows of labels (all that can be missed) or of detections, of a class and size, or in the view of one
    image."""
    threshold = np.inf if kind is ErrorKind.FN else -np.inf
    if view is not None:
        rows, labels = _in_view(evaluation, kind, view)
        return rows if wanted.class_id is None else rows[labels[rows] == wanted.class_id]
    if wanted.size is not None:
        rows, sizes = sized_rows(evaluation, threshold, kind, wanted.class_id)
        return rows[sizes == wanted.size]
    if kind is ErrorKind.FN:
        return evaluation.missed(threshold, wanted.class_id)
    if kind is ErrorKind.FP:
        return evaluation.false_positives(threshold, wanted.class_id)
    return evaluation.true_positives(threshold, wanted.class_id)


def _in_view(evaluation: LiveEvaluation, kind: ErrorKind, view: ImageView) -> tuple[IntArray, IntArray]:
    """Rows of a kind on one image, and the classes of all rows."""
    if kind is ErrorKind.FN:
        return view.gt_rows[view.gt_state != GtState.IGNORED], evaluation.gt.labels
    state = DetState.FALSE_POSITIVE if kind is ErrorKind.FP else DetState.TRUE_POSITIVE
    return view.det_rows[view.det_state == state], evaluation.dets.labels


def _joined(false: IntArray, found: IntArray) -> tuple[IntArray, NDArray[np.uint8]]:
    """Rows of detections and their kinds."""
    kinds = np.repeat(np.array([ErrorKind.FP, ErrorKind.TP], np.uint8), [len(false), len(found)])
    return np.concatenate([false, found]), kinds


def _in_cell(source: ErrorSource, cell: tuple[int, int], order: SortOrder, threshold: float) -> ErrorItems:
    """The pairs of a cell of the confusion matrix; which they are depends on the threshold."""
    evaluation, none = source.evaluation, np.zeros(0, np.int64)
    label, detected = (None if part == BACKGROUND_ID else part for part in cell)
    gt_rows, det_rows = evaluation.confusion_rows(threshold, label, detected)
    if detected is None:
        return _described(source, _with_claimants(source, gt_rows, *_joined(none, none)), order)
    is_hit = label == detected
    seen = _joined(none, det_rows) if is_hit else _joined(det_rows, none)
    found = _described(source, _with_claimants(source, none, *seen), order)
    if label is None or is_hit:
        return found
    return replace(
        found, partners=evaluation.gt.ids[gt_rows], types=np.full(len(found), ItemType.CLASS, np.uint8)
    )


def _without_sound(source: ErrorSource, boxes: _Boxes) -> _Boxes:
    """Of found objects those whose labels may be wrong."""
    evaluation = source.evaluation
    doubtful = boxes.det_kinds == ErrorKind.FP
    found = np.flatnonzero(~doubtful)
    labels = evaluation.gt.ids[evaluation.taken_by(boxes.det_rows[found])]
    doubtful[found] = source.suspicions.scores(labels) > 0
    return replace(boxes, det_rows=boxes.det_rows[doubtful], det_kinds=boxes.det_kinds[doubtful])


def _described(source: ErrorSource, boxes: _Boxes, order: SortOrder) -> ErrorItems:
    """Detections, then labels: each with what was meant for it, and alone."""
    evaluation, links, judged = source.evaluation, source.links, source.judged
    gt, dets = evaluation.gt, evaluation.dets
    if order is SortOrder.WORST:
        # most missed objects are equally bad; the large ones are looked at first
        by_size = np.argsort(-areas(gt.boxes[boxes.gt_rows]), kind="stable")
        boxes = replace(boxes, gt_rows=boxes.gt_rows[by_size], claimants=boxes.claimants[by_size])
    det_rows, false = boxes.det_rows, boxes.det_kinds == ErrorKind.FP
    meant_for = links.target[det_rows]
    meant_for[~false] = gt.ids[evaluation.taken_by(det_rows[~false])]
    gt_rows, claimants, low, high = _missed(evaluation, boxes)
    claimed = claimants >= 0
    gt_types = np.where(claimed, links.kind[claimants] if len(dets) else -1, ItemType.MISSED)
    gt_ids = gt.ids[gt_rows]
    kinds = np.concatenate([boxes.det_kinds, np.full(len(gt_ids), ErrorKind.FN, np.uint8)])
    return ErrorItems(
        keys=np.concatenate([-(det_rows + 1), gt_ids]),
        kinds=kinds,
        types=np.concatenate([np.where(false, links.kind[det_rows], ItemType.FOUND), gt_types]).astype(
            np.uint8
        ),
        partners=np.concatenate([meant_for, np.where(claimed, -(claimants + 1), 0)]),
        judged=np.concatenate([judged.detection[det_rows] > 0, np.isin(gt_ids, judged.labels())]),
        image_ids=np.concatenate([dets.image_ids[det_rows], gt.image_ids[gt_rows]]),
        values=_value(source, gt_rows, det_rows, kinds, order),
        low=np.concatenate([np.full(len(det_rows), -np.inf), low]),
        high=np.concatenate([dets.scores[det_rows], high]),
        order=order,
    )


def _missed(evaluation: LiveEvaluation, boxes: _Boxes) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Labels with what was meant for them, and from above its score alone: rows, rows of the detections or
    -1, and the thresholds above which and up to which they are missed in this way."""
    found = evaluation.found_scores()[boxes.gt_rows]
    claims = np.full(len(found), -np.inf)
    claimed = boxes.claimants >= 0
    claims[claimed] = evaluation.dets.scores[boxes.claimants[claimed]]
    low = np.stack([found, np.maximum(found, claims)], axis=1).ravel()
    high = np.stack([claims, np.full(len(found), np.inf)], axis=1).ravel()
    claimants = np.stack([boxes.claimants, np.full(len(found), -1)], axis=1).ravel()
    real = low < high
    return np.repeat(boxes.gt_rows, 2)[real], claimants[real], low[real], high[real]


def _kept(source: ErrorSource, found: ErrorItems, wanted: ErrorFilter) -> ErrorItems:
    """Those that are listed. A pair is judged once one of its two boxes is."""
    kept = np.ones(len(found), np.bool_)
    if wanted.joins_pairs:
        labels = np.flatnonzero(found.keys > 0)
        kept[labels] = ~np.isin(found.partners[labels], found.keys[found.keys < 0])
    if not wanted.shows_judged:
        kept &= ~found.judged
        kept &= ~_partner_judged(source, found)
    if wanted.type is not None:
        kept &= found.types == wanted.type
    return found if kept.all() else found.taken(kept)


def _partner_judged(source: ErrorSource, found: ErrorItems) -> BoolArray:
    """(N,) whether the other half of an item has a verdict."""
    halves = _other_halves(found)
    labels, dets = halves > 0, halves < 0
    judged = np.zeros(len(found), np.bool_)
    judged[labels] = np.isin(halves[labels], source.judged.labels())
    judged[dets] = source.judged.detection[-halves[dets] - 1] > 0
    return judged


def _other_halves(found: ErrorItems) -> IntArray:
    """(N,) keys of the partners of what is found, or wrong in class or place, 0 for others."""
    return np.where(np.isin(found.types, PAIRED_TYPES), found.partners, 0)


def _by_label_errors(
    source: ErrorSource, found: ErrorItems, wanted: ErrorFilter, threshold: float
) -> ErrorItems:
    """Items with the strongest suspicion first, one for each label; which one depends on the threshold."""
    found = found.taken(found.listed(threshold), threshold=threshold)
    halves = _other_halves(found)
    told = source.suspicions.told(
        np.maximum(np.maximum(found.keys, halves), 0),
        np.minimum(np.minimum(found.keys, halves), 0),
        own=found.kinds != ErrorKind.FP,
    )
    found = _with_speakers(source, replace(found, values=-told), threshold)
    rows = np.argsort(found.values, kind="stable")
    if not wanted.exact:
        rows = rows[(found.kinds[rows] != ErrorKind.TP) | (found.values[rows] < 0)]
    return found.taken(rows, threshold=threshold)


def _with_speakers(source: ErrorSource, found: ErrorItems, threshold: float) -> ErrorItems:
    """Missed labels that nothing was meant for, as the figures have it, but that a detection speaks against:
    it was meant for another label of its class that it touches as well. Here the two are a pair."""
    gt, dets = source.evaluation.gt, source.evaluation.dets
    alone = np.flatnonzero((found.types == ItemType.MISSED) & (found.values < 0))
    speakers = source.suspicions.speakers(found.keys[alone])
    alone, speakers = alone[speakers < 0], speakers[speakers < 0]
    counts = dets.scores[-speakers - 1] >= threshold
    alone, speakers = alone[counts], speakers[counts]
    rows = source.evaluation.gt_rows_of(found.keys[alone])
    same = dets.labels[-speakers - 1] == gt.labels[rows]
    types, partners = found.types.copy(), found.partners.copy()
    types[alone] = np.where(same, ItemType.LOCATION, ItemType.CLASS)
    partners[alone] = speakers
    return replace(found, types=types, partners=partners)


def _value(
    source: ErrorSource,
    gt_rows: IntArray,
    det_rows: IntArray,
    kinds: NDArray[np.uint8],
    order: SortOrder,
) -> FloatArray:
    """(N,) sort values, the smallest first; for label errors they are found later."""
    evaluation = source.evaluation
    gt, dets = evaluation.gt, evaluation.dets
    if order is SortOrder.LABEL_ERRORS:
        return np.zeros(len(kinds))
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
    return np.where(kinds == ErrorKind.FP, -scores, scores - 1.0)
