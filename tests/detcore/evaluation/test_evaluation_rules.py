"""Ultralytics' figures beside its answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from detcore.evaluation.coco_files import CocoFiles
from detcore.evaluation.ultralytics import evaluate_ultralytics
from tests.detcore.evaluation.problem_sets import as_files, coco_dict, rule_cases


def columns_of(files: CocoFiles) -> tuple:
    return files.gt, files.dets, list(files.images), sorted(files.classes)


def test_every_rule_case_has_the_answer_of_ultralytics(tmp_path: Path):
    cases = rule_cases()
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
