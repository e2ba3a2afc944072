"""The live evaluation: any threshold without matching again, edits as a full run, figures that open their rows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detcore.boxes import iou
from detcore.evaluation.live import DetState, GtState, LiveEvaluation
from detcore.types import Detections, GroundTruth
from tests.detcore.evaluation.problem_sets import as_files, pycocotools_run, random_problem

RELAXED = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
THRESHOLDS = (0.0, 0.2, 1 / 3, 0.5, 0.67, 1.0)
CLASSES = [1, 2, 3]


@st.composite
def columns(draw: st.DrawFn) -> tuple[GroundTruth, Detections]:
    """Boxes of three classes on a coarse grid in two images, some crowds, some difficult; also a fourth class
    that takes no part."""
    place = st.tuples(
        st.integers(1, 2), st.integers(1, 4), st.integers(0, 3), st.integers(0, 2), st.integers(1, 4)
    )
    truths = draw(st.lists(st.tuples(place, st.integers(0, 7)), max_size=12))
    found = draw(st.lists(st.tuples(place, st.integers(0, 6)), max_size=20))
    return truth_columns(truths), Detections(
        image_ids=np.array([p[0] for p, _ in found], dtype=np.int64),
        labels=np.array([p[1] for p, _ in found], dtype=np.int64),
        boxes=edges([p for p, _ in found]),
        scores=np.array([score / 6 for _, score in found], dtype=np.float64),
    )


def edges(places: list[tuple[int, ...]]) -> np.ndarray:
    return np.array([[x, y, x + size, y + 4] for _, _, x, y, size in places], dtype=np.float64).reshape(-1, 4)


def truth_columns(truths: list[tuple[tuple[int, ...], int]]) -> GroundTruth:
    boxes = edges([p for p, _ in truths])
    return GroundTruth(
        ids=np.arange(1, len(truths) + 1),
        image_ids=np.array([p[0] for p, _ in truths], dtype=np.int64),
        labels=np.array([p[1] for p, _ in truths], dtype=np.int64),
        boxes=boxes,
        areas=(boxes[:, 2] - boxes[:, 0]) * 4,
        crowd=np.array([flag == 0 for _, flag in truths], dtype=bool),
        difficult=np.array([flag == 1 for _, flag in truths], dtype=bool),
    )


def live_of(gt: GroundTruth, dets: Detections, at: float = 0.5) -> LiveEvaluation:
    return LiveEvaluation(gt, dets, class_ids=CLASSES, iou_threshold=at, image_ids=[1, 2])


def step_by_step(gt: GroundTruth, dets: Detections, least: float, at: float) -> dict:
    """Matching and confusion with the detections of at least this score alone, one after the other."""
    rows = [r for r in range(len(dets)) if dets.scores[r] >= least and dets.labels[r] in CLASSES]
    rows.sort(key=lambda r: (-dets.scores[r], dets.image_ids[r], r))
    ignored = gt.crowd | gt.difficult
    overlap = iou(dets.boxes, gt.boxes)
    sides = dets.boxes[:, 2:] - dets.boxes[:, :2]
    for g in np.flatnonzero(gt.crowd):
        low = np.maximum(dets.boxes[:, :2], gt.boxes[g, :2])
        across = np.clip(np.minimum(dets.boxes[:, 2:], gt.boxes[g, 2:]) - low, 0, None)
        overlap[:, g] = across.prod(axis=1) / sides.prod(axis=1)
    finder: dict[int, int] = {}
    claimed: dict[int, int] = {}
    match = dict.fromkeys(rows, -1)

    def choose(r: int, allowed: list[int]) -> int:
        best, chosen = at, -1
        for g in allowed:
            if overlap[r, g] >= best:
                best, chosen = overlap[r, g], g
        return chosen

    for r in rows:
        here = [g for g in range(len(gt)) if gt.image_ids[g] == dets.image_ids[r]]
        same = [g for g in here if gt.labels[g] == dets.labels[r]]
        chosen = choose(r, [g for g in same if not ignored[g] and g not in finder])
        if chosen < 0:
            chosen = choose(r, [g for g in same if ignored[g] and (gt.crowd[g] or g not in finder)])
        if chosen >= 0:
            match[r] = chosen
            finder[chosen] = r
            continue
        others = [g for g in here if gt.labels[g] != dets.labels[r] and gt.labels[g] in CLASSES]
        others.sort(key=lambda g: gt.labels[g])
        chosen = choose(r, [g for g in others if not ignored[g] and g not in finder and g not in claimed])
        if chosen >= 0:
            claimed[chosen] = r
    hits = [r for r in rows if match[r] >= 0 and not ignored[match[r]]]
    loose = [r for r in rows if match[r] < 0]
    counted = [g for g in range(len(gt)) if gt.labels[g] in CLASSES and not ignored[g]]
    missed = [g for g in counted if g not in finder]
    matrix = np.zeros((4, 4), int)
    for r in hits:
        matrix[dets.labels[r] - 1, dets.labels[r] - 1] += 1
    for g in missed:
        matrix[gt.labels[g] - 1, dets.labels[claimed[g]] - 1 if g in claimed else 3] += 1
    confused = {r for g, r in claimed.items() if g not in finder}
    for r in loose:
        matrix[3, dets.labels[r] - 1] += r not in confused
    return {"hits": hits, "loose": loose, "missed": missed, "match": match, "matrix": matrix}


@RELAXED
@given(problem=columns(), at=st.sampled_from([0.25, 0.5, 0.6, 1.0]))
def test_every_figure_is_that_of_matching_the_detections_above_the_threshold_alone(
    problem: tuple[GroundTruth, Detections], at: float
):
    gt, dets = problem
    live = live_of(gt, dets, at)
    for threshold in THRESHOLDS:
        expected = step_by_step(gt, dets, threshold, at)
        counts = live.counts(threshold)
        assert (counts.tp, counts.fp, counts.fn) == tuple(
            len(expected[k]) for k in ("hits", "loose", "missed")
        )
        assert live.true_positives(threshold).tolist() == expected["hits"]
        assert live.false_positives(threshold).tolist() == expected["loose"]
        assert live.missed(threshold).tolist() == expected["missed"]
        np.testing.assert_array_equal(live.confusion(threshold), expected["matrix"])
        for image in (1, 2):
            view = live.image_view(image, threshold)
            assert view.det_match.tolist() == [expected["match"][r] for r in view.det_rows]
            assert set(view.gt_rows[view.gt_state == GtState.MISSED]) == {
                g for g in expected["missed"] if gt.image_ids[g] == image
            }
            assert set(view.det_rows[view.det_state == DetState.TRUE_POSITIVE]) == {
                r for r in expected["hits"] if dets.image_ids[r] == image
            }


def assert_same_live(one: LiveEvaluation, other: LiveEvaluation) -> None:
    for threshold in THRESHOLDS:
        assert one.per_class(threshold) == other.per_class(threshold)
        np.testing.assert_array_equal(one.confusion(threshold), other.confusion(threshold))
        for rows in ("missed", "false_positives", "true_positives"):
            np.testing.assert_array_equal(getattr(one, rows)(threshold), getattr(other, rows)(threshold))
        np.testing.assert_array_equal(one.image_ids, other.image_ids)
        for image in one.image_ids:
            mine, theirs = (live.image_view(int(image), threshold) for live in (one, other))
            for name in ("gt_rows", "gt_state", "det_rows", "det_state", "det_match"):
                np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
    np.testing.assert_array_equal(one.curve().precision, other.curve().precision)


@RELAXED
@given(problem=columns(), edited=columns(), image=st.integers(1, 3), confusion_first=st.booleans())
def test_an_edited_image_matched_alone_equals_a_full_run(
    problem: tuple[GroundTruth, Detections],
    edited: tuple[GroundTruth, Detections],
    image: int,
    confusion_first: bool,
):
    live = live_of(*problem)
    if confusion_first:
        live.confusion(0.5)
    new = edited[0].take(edited[0].image_ids == min(image, 2))
    if image == 3:  # an image that had neither boxes nor detections
        new = GroundTruth(
            **{**{k: getattr(new, k) for k in new.__slots__}, "image_ids": np.full(len(new), 3)}
        )
    live.replace_image(image, new)
    assert (live.gt.image_ids == image).sum() == len(new)
    full = LiveEvaluation(live.gt, live.dets, class_ids=CLASSES, image_ids=live.image_ids)
    assert_same_live(live, full)


@RELAXED
@given(problem=columns(), edits=st.lists(columns(), max_size=3))
def test_each_detection_names_the_label_that_it_takes_on_its_image(
    problem: tuple[GroundTruth, Detections], edits: list[tuple[GroundTruth, Detections]]
):
    live = live_of(*problem)
    for gt, _ in edits:
        live.replace_image(1, gt.take(gt.image_ids == 1))
    for image in live.image_ids.tolist():
        view = live.image_view(image, -np.inf)
        assert live.taken_by(view.det_rows).tolist() == view.det_match.tolist()


@pytest.mark.parametrize("level", [0, 5, 8])
def test_class_ap_is_that_of_pycocotools_at_this_iou(tmp_path: Path, level: int):
    gt, dt = random_problem(3)
    files = as_files(tmp_path, gt, dt)
    run = pycocotools_run(gt, dt)
    at = float(run.params.iouThrs[level])
    live = LiveEvaluation(files.gt, files.dets, class_ids=sorted(files.classes), iou_threshold=at)
    precision = run.eval["precision"][level, :, :, 0, 2]
    ours = [one.ap for one in live.per_class(0.5)]
    assert ours == pytest.approx(precision.mean(axis=0).tolist(), abs=1e-12)
    known = precision[:, precision[0] > -1]
    assert live.curve().ap == pytest.approx(known.mean(), abs=1e-12)
    assert live.curve(2).ap == pytest.approx(precision[:, 1].mean(), abs=1e-12)


def test_every_figure_opens_as_many_rows_as_it_says(tmp_path: Path):
    gt, dt = random_problem(4)
    files = as_files(tmp_path, gt, dt)
    classes = sorted(files.classes)
    live = LiveEvaluation(files.gt, files.dets, class_ids=classes, image_ids=files.image_ids)
    rng = np.random.default_rng(0)
    for threshold in (*rng.random(6), 0.0, 0.37, 1.0):
        matrix = live.confusion(threshold)
        for one in live.per_class(threshold):
            assert len(live.true_positives(threshold, one.class_id)) == one.tp
            assert len(live.false_positives(threshold, one.class_id)) == one.fp
            assert len(live.missed(threshold, one.class_id)) == one.fn
            assert one.tp + one.fn == one.gt_count
            counts = live.counts(threshold, one.class_id)
            assert (counts.precision, counts.recall, counts.f1) == (one.precision, one.recall, one.f1)
        for row, true in enumerate([*classes, None]):
            for column, detected in enumerate([*classes, None]):
                gt_rows, det_rows = live.confusion_rows(threshold, true, detected)
                assert len(gt_rows) == len(det_rows) == matrix[row, column]
                assert (live.gt.labels[gt_rows] == true).all() or true is None
                assert (live.dets.labels[det_rows] == detected).all() or detected is None
                if true is not None and detected is not None:
                    same = live.gt.image_ids[gt_rows] == live.dets.image_ids[det_rows]
                    assert same.all()
    assert live.image_ids.tolist() == files.image_ids.tolist()


def test_the_curve_has_the_counts_of_its_scores(tmp_path: Path):
    gt, dt = random_problem(5)
    files = as_files(tmp_path, gt, dt)
    live = LiveEvaluation(files.gt, files.dets, class_ids=sorted(files.classes))
    for class_id in (None, 1, 2, 7):
        curve = live.curve(class_id)
        assert (np.diff(curve.scores) <= 0).all()
        for threshold in (0.0, 0.25, 0.6):
            place = int(np.searchsorted(-curve.scores, -threshold, side="right")) - 1
            counts = live.counts(threshold, class_id)
            if place < 0:
                assert counts.tp + counts.fp == 0
                continue
            assert curve.precision[place] == pytest.approx(counts.precision, abs=1e-12)
            assert curve.recall[place] == pytest.approx(counts.recall, abs=1e-12)
    edges, true, false = live.score_histogram(20)
    counts = live.counts(0.0)
    assert (len(edges), true.sum(), false.sum()) == (21, counts.tp, counts.fp)


def test_nothing_at_all_gives_zeros_and_no_warning():
    gt, dets = truth_columns([]), Detections.empty()
    live = LiveEvaluation(gt, dets, class_ids=[1, 2])
    assert live.counts(0.5).f1 == 0.0
    assert live.confusion(0.5).sum() == 0
    assert live.curve().ap == live.curve(1).ap == -1.0
    assert len(live.curve().precision) == 0
    assert live.image_view(7, 0.5).gt_rows.tolist() == []
    live.replace_image(7, truth_columns([((7, 1, 0, 0, 2), 5)]))
    assert live.counts(0.5, 1).fn == 1


def test_ground_truth_of_another_image_is_refused():
    live = live_of(truth_columns([]), Detections.empty())
    with pytest.raises(ValueError, match="other images than 1"):
        live.replace_image(1, truth_columns([((2, 1, 0, 0, 2), 5)]))


def test_a_class_that_takes_no_part_is_refused():
    live = live_of(truth_columns([]), Detections.empty())
    with pytest.raises(KeyError, match="class 9"):
        live.counts(0.5, 9)


def with_ids(ids: list[int], image_id: int) -> GroundTruth:
    """One box each, on one image."""
    gt = truth_columns([((image_id, 1, 10 * place, 0, 2), 5) for place in range(len(ids))])
    return dataclasses.replace(gt, ids=np.array(ids))


def test_rows_of_labels_are_found_by_id_before_and_after_an_edit():
    live = live_of(with_ids([5, 3, 9], 1), Detections.empty())
    assert live.gt_rows_of(np.array([9, 5, 3])).tolist() == [2, 0, 1]
    assert live.gt_rows_of(np.zeros(0, np.int64)).tolist() == []
    live.replace_image(1, with_ids([9, 4], 1))
    assert live.gt_rows_of(np.array([4, 9])).tolist() == [1, 0]
    for gone in (5, 1, 100):
        with pytest.raises(KeyError):
            live.gt_rows_of(np.array([9, gone]))
