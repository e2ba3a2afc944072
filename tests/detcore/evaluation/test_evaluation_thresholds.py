"""Operating points, reliability and ROC: hand arithmetic, and counting at every threshold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from detcore.evaluation.judged import Outcomes, judge
from detcore.evaluation.scores import area_under_roc, reliability
from detcore.evaluation.thresholds import operating_points
from tests.detcore.evaluation.problem_sets import as_files, random_problem

# ten objects on four images; by hand: after each score tp 1 2 2 3 3 3, fp 0 0 2 2 3 5
SCORES = np.array([0.9, 0.8, 0.7, 0.7, 0.6, 0.5, 0.4, 0.4])
HIT = np.array([True, True, False, False, True, False, False, False])


def example(*, positives: int = 10, image_count: int = 4) -> Outcomes:
    return Outcomes(scores=SCORES, hit=HIT, positives=positives, image_count=image_count)


outcomes = st.integers(0, 30).flatmap(
    lambda n: st.tuples(
        npst.arrays(np.float64, n, elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])),
        npst.arrays(np.bool_, n),
    )
)


def by_score(scores: np.ndarray, hit: np.ndarray, *, more: int = 0) -> Outcomes:
    order = np.argsort(-scores, kind="stable")
    return Outcomes(scores=scores[order], hit=hit[order], positives=int(hit.sum()) + more, image_count=5)


def test_only_distinct_scores_are_operating_points():
    points = operating_points(example())
    assert points.thresholds.tolist() == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert points.tp.tolist() == [1, 2, 2, 3, 3, 3]
    assert points.fp.tolist() == [0, 0, 2, 2, 3, 5]
    assert points.precision == pytest.approx([1, 1, 1 / 2, 3 / 5, 1 / 2, 3 / 8])
    assert points.recall == pytest.approx([0.1, 0.2, 0.2, 0.3, 0.3, 0.3])
    assert points.fppi == pytest.approx([0, 0, 0.5, 0.5, 0.75, 1.25])


def test_the_best_threshold_depends_on_what_recall_is_worth():
    points = operating_points(example())
    best = {beta: points.best_f_beta(beta) for beta in (0.25, 1.0)}
    # F1: 4/12 at 0.8, 6/15 at 0.6; F0.25 prefers precision: 0.8
    assert {beta: best[beta].threshold for beta in best} == {0.25: 0.8, 1.0: 0.6}
    assert best[1.0].f1 == pytest.approx(0.4)
    assert best[1.0].f_beta(1.0) == pytest.approx(0.4)
    assert best[0.25].f_beta(0.25) == pytest.approx((1 + 1 / 16) * 1.0 * 0.2 / (1 / 16 + 0.2))


def test_a_target_precision_gives_the_furthest_threshold_that_keeps_it():
    points = operating_points(example())
    assert points.for_precision(0.95).threshold == 0.8
    assert points.for_precision(0.55).threshold == 0.6
    # recall no longer grows below 0.6, so going on would only add false ones
    assert points.for_precision(0.1).threshold == 0.6
    assert (
        operating_points(Outcomes(scores=SCORES, hit=~HIT, positives=9, image_count=1)).for_precision(0.9)
        is None
    )


def test_a_limit_of_false_positives_per_image_gives_the_furthest_threshold_within():
    points = operating_points(example())
    assert points.for_fppi(0.4).threshold == 0.8
    assert (points.for_fppi(0.5).threshold, points.for_fppi(0.5).fppi) == (0.6, 0.5)


def test_the_log_average_miss_rate_is_the_geometric_mean_at_nine_rates():
    # no false positive up to 0.8: miss rate 0.8 below fppi 0.5, 0.7 from there; references are
    # .01 .0178 .0316 .0562 .1 .178 .316 | .562 1.0
    assert operating_points(example()).log_average_miss_rate() == pytest.approx((0.8**7 * 0.7**2) ** (1 / 9))
    one_wrong_first = Outcomes(
        scores=np.array([0.9, 0.8]), hit=np.array([False, True]), positives=1, image_count=10
    )
    # nothing at rates below 0.1, which the first point just reaches: 4 rates of 1, then all is found
    assert operating_points(one_wrong_first).log_average_miss_rate() == pytest.approx(1e-10 ** (5 / 9))
    assert operating_points(example(positives=0)).log_average_miss_rate() == -1.0


@given(outcomes, st.integers(0, 4))
def test_every_point_counts_the_scores_at_or_above_it(columns: tuple, more: int):
    scores, hit = columns
    points = operating_points(by_score(scores, hit, more=more))
    assert sorted(points.thresholds.tolist()) == sorted(set(scores.tolist()))
    for threshold, tp, fp in zip(points.thresholds, points.tp, points.fp, strict=True):
        assert (tp, fp) == (hit[scores >= threshold].sum(), (~hit)[scores >= threshold].sum())


@given(outcomes, st.sampled_from([0.5, 1.0, 2.0]))
def test_no_threshold_is_better_than_the_best(columns: tuple, beta: float):
    scores, hit = columns
    best = operating_points(by_score(scores, hit, more=2)).best_f_beta(beta)
    if not hit.any():
        assert best is None
        return
    for threshold in scores:
        kept = scores >= threshold
        precision, recall = hit[kept].mean(), hit[kept].sum() / (hit.sum() + 2)
        if precision + recall > 0:
            other = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
            assert other <= best.f_beta(beta) + 1e-12


def test_points_of_classes_are_those_of_their_rows(tmp_path: Path):
    files = as_files(tmp_path, *random_problem(3))
    judged = judge(files.gt, files.dets, list(files.images), sorted(files.classes))[0]
    alone = {one: operating_points(judged.outcomes(one)) for one in sorted(files.classes)}
    for class_id, points in alone.items():
        objects = (files.gt.labels == class_id) & ~files.gt.crowd
        assert points.positives == objects.sum()
        assert points.image_count == len(files.images)
    together = operating_points(judged.outcomes())
    assert together.tp[-1] == sum(int(points.tp[-1]) for points in alone.values() if len(points.tp))
    with pytest.raises(KeyError):
        judged.outcomes(99)


def test_reliability_compares_the_mean_score_of_a_bin_with_its_precision():
    curve = reliability(SCORES, HIT, bins=2)
    # below 0.5: two of 0.4, none right; from 0.5: six of mean 0.7, three right
    assert curve.counts.tolist() == [2, 6]
    assert curve.confidence == pytest.approx([0.4, 0.7])
    assert curve.precision == pytest.approx([0.0, 0.5])
    assert curve.error == pytest.approx((2 * 0.4 + 6 * 0.2) / 8)
    assert np.isnan(reliability(np.zeros(0), np.zeros(0, np.bool_)).error)


@settings(deadline=None)
@given(outcomes)
def test_auc_is_the_share_of_pairs_in_the_right_order(columns: tuple):
    scores, hit = columns
    area = area_under_roc(scores, hit)
    right, wrong = scores[hit], scores[~hit]
    if len(right) == 0 or len(wrong) == 0:
        assert np.isnan(area)
        return
    pairs = [1.0 if r > w else 0.5 if r == w else 0.0 for r in right for w in wrong]
    assert area == pytest.approx(np.mean(pairs))
