"""Small problems full of ties, crowds and gaps: what must hold whatever is asked."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings

from detcore.evaluation.bootstrap import as_drawn, draw_images, mean_average_precision
from detcore.evaluation.compare import compare_runs
from detcore.evaluation.error_costs import find_error_costs
from detcore.evaluation.judged import judge
from detcore.evaluation.label_errors import rank_label_errors
from detcore.evaluation.live import LiveEvaluation
from detcore.evaluation.thresholds import operating_points
from tests.detcore.evaluation.problem_sets import as_files, problems

SMALL = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def columns_of(problem: tuple) -> tuple:
    with tempfile.TemporaryDirectory() as folder:
        files = as_files(Path(folder), *problem)
    return files.gt, files.dets, list(files.images), sorted(files.classes)


@SMALL
@given(problems())
def test_candidates_for_label_errors_are_sound(problem: tuple):
    gt, dets, images, classes = columns_of(problem)
    errors = rank_label_errors(gt, dets, image_ids=images, class_ids=classes)
    assert ((errors.scores > 0) & (errors.scores <= 1)).all()
    assert (np.diff(errors.scores) <= 0).all()
    assert ((errors.gt_rows >= 0) | (errors.det_rows >= 0)).all()
    assert not gt.crowd[errors.gt_rows[errors.gt_rows >= 0]].any()
    keys = list(zip(errors.kind.tolist(), errors.gt_rows.tolist(), errors.det_rows.tolist(), strict=True))
    assert len(set(keys)) == len(keys)


@SMALL
@given(problems())
def test_no_error_put_right_makes_it_worse_and_the_rest_costs_nothing(problem: tuple):
    gt, dets, images, classes = columns_of(problem)
    costs = find_error_costs(gt, dets, images, classes, threshold=0.5)
    judged = judge(gt, dets, images, classes, max_detections=100)[0]
    for gain in (costs.det_ap, costs.det_f1, costs.gt_f1):
        assert (gain >= -1e-12).all()
    false = set(judged.problem.det_rows[judged.loose].tolist())
    assert set(np.flatnonzero(costs.det_ap).tolist()) <= false
    assert set(np.flatnonzero(costs.mendable).tolist()) <= false


@SMALL
@given(problems())
def test_judged_rows_are_those_of_the_page(problem: tuple):
    gt, dets, images, classes = columns_of(problem)
    judged = judge(gt, dets, images, classes)[0]
    live = LiveEvaluation(gt, dets, class_ids=classes, image_ids=images)
    for class_id in classes:
        points = operating_points(judged.outcomes(class_id))
        for threshold, tp, fp in zip(points.thresholds, points.tp, points.fp, strict=True):
            counts = live.counts(float(threshold), class_id)
            assert (counts.tp, counts.fp, counts.fn) == (tp, fp, points.positives - tp)


@SMALL
@given(problems())
def test_a_run_compared_with_itself_has_changed_nothing(problem: tuple):
    gt, dets, images, classes = columns_of(problem)
    found = compare_runs(gt, dets, dets, images, classes, draws=3)
    assert len(found.gained) == len(found.lost) == len(found.changed) == 0
    # of two equal boxes at a place each finds itself again
    assert len(found.false_first) == len(found.false_second)


@SMALL
@given(problems())
def test_draws_stay_between_nothing_and_all(problem: tuple):
    gt, dets, images, classes = columns_of(problem)
    judged = judge(gt, dets, images, classes)
    drawn = mean_average_precision(judged, draw_images(len(images), draws=5))
    known = drawn[~np.isnan(drawn)]
    assert ((known >= 0) & (known <= 1)).all()
    assert len(mean_average_precision(judged, as_drawn(judged[0]))) == 1
