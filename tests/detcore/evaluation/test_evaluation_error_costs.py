"""Cost of single errors, beside evaluations of files in which that one error is put right."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from detcore.evaluation.coco_files import CocoFiles
from detcore.evaluation.error_costs import ErrorCosts, find_error_costs
from detcore.evaluation.error_types import KINDS, ErrorType
from detcore.evaluation.live import LiveEvaluation
from tests.detcore.evaluation.problem_sets import as_files, coco_dict, pycocotools_stats, random_problem

THRESHOLD = 0.4


def costs_of(files: CocoFiles) -> ErrorCosts:
    return find_error_costs(
        files.gt, files.dets, list(files.images), sorted(files.classes), threshold=THRESHOLD
    )


def put_right(gt: dict, dt: list, costs: ErrorCosts, row: int) -> list:
    """The detections with one of them mended or taken away."""
    if not costs.mendable[row]:
        return [one for place, one in enumerate(dt) if place != row]
    target = gt["annotations"][int(costs.types.gt_row[row])]
    mended = copy.deepcopy(dt)
    mended[row] |= {"bbox": target["bbox"], "category_id": target["category_id"]}
    return mended


def problem(seed: int) -> tuple[dict, list]:
    """Small, with all types of errors, crowds and tied scores."""
    gt, dt = random_problem(seed, images=12, classes=3, gts=60, dets=220)
    missed = {"bbox": [900, 900, 20, 20], "area": 400, "iscrowd": 0, "category_id": 1}
    gt["annotations"] += [{**missed, "id": 1000 + n, "image_id": n} for n in (1, 2)]
    return gt, dt


@pytest.mark.parametrize("seed", [0, 1])
def test_the_gain_of_a_detection_is_that_of_pycocotools_without_the_error(tmp_path: Path, seed: int):
    gt, dt = problem(seed)
    costs = costs_of(as_files(tmp_path, gt, dt))
    before = pycocotools_stats(gt, dt)["AP50"]
    assert costs.ap == pytest.approx(before, abs=1e-12)
    kinds = [costs.types.kind == place for place in range(len(KINDS))]
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(kind))[:5] for kind in kinds]
    chosen.append(rng.permutation(np.flatnonzero(costs.mendable))[:8])
    for row in np.unique(np.concatenate(chosen)).tolist():
        after = pycocotools_stats(gt, put_right(gt, dt, costs, row))["AP50"]
        assert costs.det_ap[row] == pytest.approx(after - before, abs=1e-9), row


@pytest.mark.parametrize("seed", [2, 3])
def test_the_gain_of_a_missed_object_is_that_of_labels_without_it(tmp_path: Path, seed: int):
    gt, dt = problem(seed)
    costs = costs_of(as_files(tmp_path, gt, dt))
    lost = np.flatnonzero(costs.gt_ap > 0)
    assert len(lost) >= 2
    for row in lost[-3:].tolist():
        fewer = [one for place, one in enumerate(gt["annotations"]) if place != row]
        after = pycocotools_stats({**gt, "annotations": fewer}, dt)["AP50"]
        assert costs.gt_ap[row] == pytest.approx(after - costs.ap, abs=1e-9)


def test_the_gain_in_f1_is_that_of_the_counts_without_the_error(tmp_path: Path):
    gt, dt = problem(4)
    files = as_files(tmp_path, gt, dt)
    costs = costs_of(files)
    live = LiveEvaluation(files.gt, files.dets, class_ids=sorted(files.classes))
    assert costs.f1 == pytest.approx(live.counts(THRESHOLD).f1)
    costly = np.flatnonzero(costs.det_f1)
    assert (files.dets.scores[costly] >= THRESHOLD).all()
    assert set(live.false_positives(THRESHOLD).tolist()) == set(costly.tolist())
    for row in costly[:: len(costly) // 12].tolist():
        other = as_files(tmp_path, gt, put_right(gt, dt, costs, row))
        after = LiveEvaluation(other.gt, other.dets, class_ids=sorted(other.classes)).counts(THRESHOLD).f1
        assert costs.det_f1[row] == pytest.approx(after - costs.f1, abs=1e-12)
    assert set(np.flatnonzero(costs.gt_f1).tolist()) == set(live.missed(THRESHOLD).tolist())


def test_right_and_ignored_detections_cost_nothing(tmp_path: Path):
    files = as_files(tmp_path, *problem(5))
    costs = costs_of(files)
    live = LiveEvaluation(files.gt, files.dets, class_ids=sorted(files.classes))
    right = live.true_positives(0.0)
    assert not costs.det_ap[right].any()
    assert not costs.det_f1[right].any()
    assert not costs.gt_ap[files.gt.crowd].any()
    assert (costs.det_ap >= -1e-15).all()


def test_by_hand_a_false_detection_before_the_only_right_one_costs_half(tmp_path: Path):
    truth = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0}
    gt = coco_dict([truth], images=[1, 2], classes=[1])
    found = [
        {"image_id": 2, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.9},
        {"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.8},
        {"image_id": 2, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.7},
    ]
    costs = costs_of(as_files(tmp_path, gt, found))
    # AP 1/2 and 1 without the first; what comes after the last right one is free. F1: 2/4, 2/3 without either
    assert costs.det_ap == pytest.approx([0.5, 0.0, 0.0])
    assert costs.det_f1 == pytest.approx([2 / 3 - 0.5, 0.0, 2 / 3 - 0.5])
    assert costs.types.kind.tolist() == [
        KINDS.index(ErrorType.BACKGROUND),
        -1,
        KINDS.index(ErrorType.BACKGROUND),
    ]


def test_nothing_to_find_and_nothing_found_costs_nothing(tmp_path: Path):
    costs = costs_of(as_files(tmp_path, coco_dict([], images=[1], classes=[1]), []))
    assert (costs.ap, costs.f1, len(costs.det_ap), len(costs.gt_ap)) == (-1.0, 0.0, 0, 0)
