"""What labels and what a model have changed, in the figures of a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detcore.errors import Cancelled
from detcore.evaluation.coco import evaluate_coco
from detcore.evaluation.coco_files import CocoFiles
from detcore.evaluation.compare import changed_objects, compare_runs
from detcore.evaluation.labels_and_model import LabelsAndModel, same_labels
from detcore.evaluation.matching import IOU_THRESHOLDS
from tests.detcore.evaluation.problem_sets import as_files, coco_dict, pycocotools_stats, random_problem

BOX = [0, 0, 10, 10]


def ten_objects(folder: Path, found: list[int]) -> CocoFiles:
    """An object on each of ten images; a detection of score 0.9 on some, and one of 0.4 on nothing."""
    truth = [
        {"id": n, "image_id": n, "category_id": 1, "bbox": BOX, "area": 100, "iscrowd": 0}
        for n in range(1, 11)
    ]
    dets = [{"image_id": n, "category_id": 1, "bbox": BOX, "score": 0.9} for n in found]
    stray = {"image_id": 1, "category_id": 1, "bbox": [50, 50, 10, 10], "score": 0.4}
    return as_files(folder, coco_dict(truth, images=list(range(1, 11)), classes=[1]), [*dets, stray])


def test_figures_of_a_cell_are_those_of_pycocotools(tmp_path: Path):
    gt, dt = random_problem(3)
    files = as_files(tmp_path, gt, dt)
    images = list(files.images)
    stats = pycocotools_stats(gt, dt)
    for iou, name in ((0.5, "AP50"), (0.75, "AP75")):
        comparison = LabelsAndModel(sorted(files.classes), iou_threshold=iou, draws=1)
        cell = comparison.by_model(files.gt, files.dets, files.dets, images).new
        assert cell.ap == pytest.approx(stats["AP"], abs=1e-12)
        assert cell.ap_at_iou == pytest.approx(stats[name], abs=1e-12)


def test_a_cell_counts_at_any_threshold(tmp_path: Path):
    files = ten_objects(tmp_path, [1, 2, 3])
    cell = LabelsAndModel([1], draws=1).by_model(files.gt, files.dets, files.dets, list(files.images)).new
    assert cell.image_count == 10
    for threshold, expected in ((0.1, (3, 1, 7)), (0.4, (3, 1, 7)), (0.5, (3, 0, 7)), (0.95, (0, 0, 10))):
        counts = cell.counts(threshold)
        assert (counts.tp, counts.fp, counts.fn) == expected


def test_the_difference_and_its_interval_are_those_of_two_runs_compared(tmp_path: Path):
    gt, dt = random_problem(4)
    files = as_files(tmp_path, gt, dt)
    half = files.dets.take(np.random.default_rng(0).random(len(files.dets)) < 0.7)
    images, classes = list(files.images), sorted(files.classes)
    found = LabelsAndModel(classes, draws=60).by_model(files.gt, files.dets, half, images)
    expected = compare_runs(
        files.gt, files.dets, half, images, classes, iou_thresholds=IOU_THRESHOLDS, draws=60
    ).figures
    for one, other in ((found.ap, expected["AP"]), (found.ap_at_iou, expected["AP50"])):
        assert (one.first, one.second) == pytest.approx((other.first, other.second))
        assert one.difference.low == pytest.approx(other.difference.low)
        assert one.difference.high == pytest.approx(other.difference.high)


def test_on_crowded_images_aps_are_those_of_coco_and_counts_those_of_all_detections(tmp_path: Path):
    # 150 objects in one image, all found: COCO takes 100 detections, so its recall ends at 2/3, its AP at 67/101
    boxes = [[40 * (n % 15), 40 * (n // 15), 30, 30] for n in range(150)]
    truth = [
        {"id": n + 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 900, "iscrowd": 0}
        for n, box in enumerate(boxes)
    ]
    dets = [
        {"image_id": 1, "category_id": 1, "bbox": box, "score": 0.9 - n / 1000} for n, box in enumerate(boxes)
    ]
    files = as_files(tmp_path, coco_dict(truth, images=[1], classes=[1]), dets)
    cell = LabelsAndModel([1], draws=1).by_model(files.gt, files.dets, files.dets, [1]).new
    stats = evaluate_coco(files.gt, files.dets, [1], [1]).stats
    compared = compare_runs(
        files.gt, files.dets, files.dets, [1], [1], iou_thresholds=IOU_THRESHOLDS, draws=1
    )
    figures = compared.figures
    assert cell.ap == figures["AP"].second == pytest.approx(stats["AP"]) == pytest.approx(67 / 101)
    assert cell.ap_at_iou == figures["AP50"].second == pytest.approx(stats["AP50"]) == pytest.approx(67 / 101)
    assert cell.counts(0.5).tp == 150
    assert (figures["precision"].second, figures["recall"].second) == (1.0, 1.0)


def test_mended_labels_raise_the_figures_of_the_same_detections(tmp_path: Path):
    files = ten_objects(tmp_path, list(range(1, 11)))
    boxes = files.gt.boxes.copy()
    boxes[:2] += 30.0
    old = replace(files.gt, boxes=boxes)
    found = LabelsAndModel([1], draws=200).by_labels(old, files.gt, files.dets, list(files.images))
    # 8 of 10 found, with equal scores the two false ones come first: precision 8/10 at all of 81 recalls
    assert found.old.ap_at_iou == pytest.approx(0.8 * 81 / 101)
    assert found.new.ap_at_iou == pytest.approx(1.0)
    assert found.ap_at_iou.value == pytest.approx(1 - 0.8 * 81 / 101)
    assert found.ap_at_iou.low <= found.ap_at_iou.value <= found.ap_at_iou.high
    assert (found.old.counts(0.5).tp, found.new.counts(0.5).tp) == (8, 10)


def test_better_labels_are_not_taken_for_a_better_model(tmp_path: Path):
    files = ten_objects(tmp_path, list(range(1, 11)))
    by_model = LabelsAndModel([1], draws=50).by_model(files.gt, files.dets, files.dets, list(files.images))
    assert (by_model.ap_at_iou.first, by_model.ap_at_iou.second) == (pytest.approx(1.0), pytest.approx(1.0))
    assert by_model.ap_at_iou.difference.value == 0.0
    assert by_model.ap_at_iou.better == 0.5


def test_a_comparison_says_how_far_it_is_and_can_be_stopped(tmp_path: Path):
    files = ten_objects(tmp_path, [1])
    images, said = list(files.images), []

    def hear(done: int, total: int) -> bool:
        said.append((done, total))
        return done < 600

    with pytest.raises(Cancelled):
        LabelsAndModel([1], draws=100, progress=hear).by_model(files.gt, files.dets, files.dets, images)
    # two runs, ten IoU thresholds, a hundred draws
    assert said == [(done, 2000) for done in range(0, 601, 50)]


def test_labels_are_the_same_in_another_order_but_not_with_another_box(tmp_path: Path):
    files = ten_objects(tmp_path, [])
    turned = files.gt.take(np.arange(9, -1, -1))
    assert same_labels(files.gt, turned)
    moved = files.gt.boxes.copy()
    moved[4, 2] += 1
    assert not same_labels(files.gt, replace(files.gt, boxes=moved))
    assert not same_labels(files.gt, files.gt.take(np.arange(9)))


def test_changed_objects_are_those_of_two_runs_compared(tmp_path: Path):
    gt, dt = random_problem(6, dets=900)
    files = as_files(tmp_path, gt, dt)
    half = files.dets.take(np.random.default_rng(0).random(len(files.dets)) < 0.7)
    where = (list(files.images), sorted(files.classes))
    found = changed_objects(files.gt, files.dets, half, *where, thresholds=(0.5, 0.3), iou_threshold=0.6)
    expected = compare_runs(
        files.gt, files.dets, half, *where, thresholds=(0.5, 0.3), iou_thresholds=[0.6], draws=1
    )
    assert min(len(expected.gained), len(expected.lost), len(expected.false_first)) > 0
    for name in ("first", "second", "gained", "lost", "changed", "false_first", "false_second"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
