"""Two runs on one ground truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detcore.evaluation.coco_files import CocoFiles
from detcore.evaluation.compare import (
    ObjectState,
    compare_runs,
    paired_difference,
)
from detcore.evaluation.live import LiveEvaluation
from detcore.evaluation.matching import IOU_THRESHOLDS
from detcore.types import Detections
from tests.detcore.evaluation.problem_sets import as_files, coco_dict, pycocotools_stats, random_problem

BOX = [0, 0, 10, 10]


def truth_of(files: CocoFiles) -> tuple:
    return list(files.images), sorted(files.classes)


def objects(folder: Path, images: int, found: list[dict]) -> CocoFiles:
    """One object of class 1 on each image."""
    truth = [
        {"id": n + 1, "image_id": n + 1, "category_id": 1, "bbox": BOX, "area": 100, "iscrowd": 0}
        for n in range(images)
    ]
    return as_files(folder, coco_dict(truth, images=list(range(1, images + 1)), classes=[1, 2]), found)


def hit(image: int, *, label: int = 1, shift: float = 0.0, score: float = 0.9) -> dict:
    bbox = [BOX[0] + shift, *BOX[1:]]
    return {"image_id": image, "category_id": label, "bbox": bbox, "score": score}


def test_each_object_is_gained_lost_or_missed_in_another_way(tmp_path: Path):
    # found, wrong class, wrong place (IoU 1/3), too weak, nothing, then found
    files = objects(
        tmp_path, 6, [hit(1), hit(2, label=2), hit(3, shift=5), hit(4, score=0.3), hit(6), hit(6, shift=90)]
    )
    other = objects(tmp_path, 6, [hit(2), hit(3, label=2), hit(4, score=0.3), hit(6, shift=0.5)])
    found = compare_runs(files.gt, files.dets, other.dets, *truth_of(files), draws=20)
    state = ObjectState
    assert found.first.tolist() == [
        state.FOUND,
        state.CLASS,
        state.LOCATION,
        state.BELOW_THRESHOLD,
        state.MISSED,
        state.FOUND,
    ]
    assert found.second.tolist() == [
        state.MISSED,
        state.FOUND,
        state.CLASS,
        state.BELOW_THRESHOLD,
        state.MISSED,
        state.FOUND,
    ]
    assert (found.gained.tolist(), found.lost.tolist(), found.changed.tolist()) == ([1], [0], [2])
    # false ones of the first: the swap on image 2, the shifted one on 3, the stray one on 6
    assert sorted(found.false_first.tolist()) == [1, 2, 5]
    assert found.false_second.tolist() == [1]


def test_figures_are_those_of_each_run(tmp_path: Path):
    gt, dt = random_problem(3)
    files = as_files(tmp_path, gt, dt)
    rng = np.random.default_rng(0)
    half = files.dets.take(rng.random(len(files.dets)) < 0.7)
    found = compare_runs(
        files.gt,
        files.dets,
        half,
        *truth_of(files),
        thresholds=(0.3, 0.5),
        iou_thresholds=IOU_THRESHOLDS,
        draws=30,
    )
    stats = pycocotools_stats(gt, dt)
    assert found.figures["AP"].first == pytest.approx(stats["AP"], abs=1e-12)
    assert found.figures["AP50"].first == pytest.approx(stats["AP50"], abs=1e-12)
    for name, run, threshold in (("first", files.dets, 0.3), ("second", half, 0.5)):
        counts = LiveEvaluation(files.gt, run, class_ids=sorted(files.classes)).counts(threshold)
        shown = [getattr(found.figures[key], name) for key in ("precision", "recall", "F1")]
        assert shown == pytest.approx([counts.precision, counts.recall, counts.f1])
        states = getattr(found, name)
        assert (states == ObjectState.FOUND).sum() == counts.tp
        assert (states >= 0).sum() == counts.tp + counts.fn
    change = found.figures["AP"].difference
    assert change.value == pytest.approx(found.figures["AP"].second - found.figures["AP"].first)
    assert change.low <= change.value <= change.high


def test_a_run_is_no_better_than_itself(tmp_path: Path):
    files = as_files(tmp_path, *random_problem(5))
    found = compare_runs(files.gt, files.dets, files.dets, *truth_of(files), draws=20)
    for rows in (found.gained, found.lost, found.changed, found.false_first, found.false_second):
        assert len(rows) == 0
    for figure in found.figures.values():
        assert (figure.difference.low, figure.difference.high, figure.better) == (0.0, 0.0, 0.5)


def test_drawing_the_same_images_for_both_leaves_less_to_chance():
    rng = np.random.default_rng(1)
    common, own = rng.normal(0, 1, 4000), rng.normal(0, 0.1, 4000)
    paired = paired_difference((0.5, 0.6), (common, common + 0.1 + own)).difference
    apart = paired_difference((0.5, 0.6), (common, rng.permutation(common) + 0.1 + own)).difference
    assert paired.high - paired.low == pytest.approx(2 * 1.96 * 0.1, rel=0.1)
    assert apart.high - apart.low > 10 * (paired.high - paired.low)


def test_a_run_without_detections_loses_all(tmp_path: Path):
    files = objects(tmp_path, 3, [hit(1), hit(2)])
    found = compare_runs(files.gt, files.dets, Detections.empty(), *truth_of(files), draws=20)
    assert found.lost.tolist() == [0, 1]
    assert found.figures["recall"].second == 0.0
