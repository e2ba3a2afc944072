"""Ultralytics' figures beside its answers, and the rows that make rules differ."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from detcore.evaluation.coco_files import CocoFiles
from detcore.evaluation.rule_differences import (
    Reason,
    RowState,
    RuleDifferences,
    RuleSet,
    classes_apart,
    find_rule_differences,
    view_by_rules,
)
from detcore.evaluation.ultralytics import evaluate_ultralytics
from tests.detcore.evaluation.problem_sets import as_files, coco_dict, pycocotools_stats, random_problem


def columns_of(files: CocoFiles) -> tuple:
    return files.gt, files.dets, list(files.images), sorted(files.classes)


def case_files(shared_bench: Path, folder: Path, name: str) -> CocoFiles:
    case = json.loads((shared_bench / "micro_cases.json").read_text())[name]
    return as_files(folder, case["gt"], case["dt"])


def differences(files: CocoFiles, first: RuleSet, second: RuleSet) -> RuleDifferences:
    return find_rule_differences(*columns_of(files), first=first, second=second)


def test_every_rule_case_has_the_answer_of_ultralytics(shared_bench: Path, tmp_path: Path):
    cases = json.loads((shared_bench / "micro_cases.json").read_text())
    for name, case in cases.items():
        expected = case["measured"]["ultralytics"]
        found = evaluate_ultralytics(*columns_of(as_files(tmp_path, case["gt"], case["dt"])))
        figures = {"AP": found.ap, "AP50": found.ap50, "AP75": found.ap75}
        assert {key: figures[key] for key in expected} == pytest.approx(expected, abs=1e-12), name
    assert len(cases) == 37


def test_a_perfect_detector_scores_995_and_a_limit_of_300_counts_over_classes(tmp_path: Path):
    truth = [
        {"id": n + 1, "image_id": 1, "category_id": 1, "bbox": [20 * n, 0, 9, 9], "area": 81, "iscrowd": 0}
        for n in range(2)
    ]
    gt = coco_dict(truth, images=[1], classes=[1, 2])
    right = [{"image_id": 1, "category_id": 1, "bbox": one["bbox"], "score": 0.1} for one in truth]
    wrong = [{"image_id": 1, "category_id": 2, "bbox": [0, 90, 9, 9], "score": 0.5}] * 299
    assert evaluate_ultralytics(*columns_of(as_files(tmp_path, gt, right))).ap == pytest.approx(0.995)
    # 299 of another class leave room for one of the two, half of the curve: 0.495
    found = evaluate_ultralytics(*columns_of(as_files(tmp_path, gt, right + wrong)))
    assert found.ap50 == pytest.approx(0.495)
    assert list(found.per_class) == [1]


def test_without_second_choice_voc_loses_what_coco_finds(shared_bench: Path, tmp_path: Path):
    files = case_files(shared_bench, tmp_path, "second_best")
    found = differences(files, RuleSet.COCO, RuleSet.VOC2010)
    assert found.reasons == (Reason.CHOICE,)
    row = found.det_rows[0]
    assert found.first.det_state[row] == RowState.TRUE_POSITIVE
    assert found.second.det_state[row] == RowState.FALSE_POSITIVE
    # the object that only one of them finds
    assert found.gt_rows.tolist() == [found.first.det_gt[row]]
    assert [one[1:] for one in classes_apart(found, files.dets)] == [
        (pytest.approx(1.0), pytest.approx(0.5), 1)
    ]


def test_what_lies_on_a_crowd_counts_for_those_who_know_no_crowds(shared_bench: Path, tmp_path: Path):
    files = case_files(shared_bench, tmp_path, "crowd_absorbs")
    found = differences(files, RuleSet.COCO, RuleSet.ULTRALYTICS)
    assert set(found.reasons) == {Reason.REGION}
    assert (found.first.det_state[found.det_rows] == RowState.IGNORED).all()
    assert files.gt.crowd[found.gt_rows].all()


def test_an_iou_at_the_threshold_is_named(tmp_path: Path):
    # 2.25 of 3.75 shared is 0.6, as single precision has the threshold, too
    truth = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 3, 1], "area": 3, "iscrowd": 0}
    found = {"image_id": 1, "category_id": 1, "bbox": [0.75, 0, 3, 1], "score": 0.5}
    files = as_files(tmp_path, coco_dict([truth], images=[1], classes=[1]), [found])
    strict = find_rule_differences(
        *columns_of(files), first=RuleSet.COCO, second=RuleSet.ULTRALYTICS, iou_threshold=0.6 + 1e-9
    )
    assert strict.reasons == (Reason.BORDER,)
    assert strict.second.det_state.tolist() == [RowState.TRUE_POSITIVE]


def test_a_limit_leaves_out_the_lowest_scores_of_one_alone(tmp_path: Path):
    truth = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0}
    wrong = [
        {"image_id": 1, "category_id": 1, "bbox": [50, 50, 9, 9], "score": (n + 1) / 200} for n in range(120)
    ]
    files = as_files(tmp_path, coco_dict([truth], images=[1], classes=[1]), wrong)
    found = differences(files, RuleSet.COCO, RuleSet.VOC2010)
    assert found.det_rows.tolist() == list(range(19, -1, -1))
    assert set(found.reasons) == {Reason.LIMIT}


def test_the_same_rows_may_give_two_figures(shared_bench: Path, tmp_path: Path):
    files = case_files(shared_bench, tmp_path, "half_recall")
    found = differences(files, RuleSet.COCO, RuleSet.VOC2010)
    assert len(found.det_rows) == len(found.gt_rows) == 0
    assert [one[3] for one in classes_apart(found, files.dets)] == [0]


@pytest.mark.parametrize("rules", list(RuleSet))
def test_no_set_of_rules_differs_from_itself(tmp_path: Path, rules: RuleSet):
    files = as_files(tmp_path, *random_problem(4))
    found = differences(files, rules, rules)
    assert len(found.det_rows) == len(found.gt_rows) == 0
    assert classes_apart(found, files.dets) == []


def test_states_explain_the_figure_of_coco(tmp_path: Path):
    gt, dt = random_problem(4)
    view = view_by_rules(*columns_of(as_files(tmp_path, gt, dt)), RuleSet.COCO)
    assert np.nanmean(view.aps) == pytest.approx(pycocotools_stats(gt, dt)["AP50"], abs=1e-12)
    assert view.gt_found.sum() == (view.det_state == RowState.TRUE_POSITIVE).sum()
    assert (view.gt_found <= view.gt_wanted).all()
