"""Intervals over images, beside evaluations of files in which images are repeated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detcore.evaluation.bootstrap import (
    as_drawn,
    average_precisions,
    draw_images,
    interval,
    mean_average_precision,
    precision_recall_f1,
)
from detcore.evaluation.coco_files import CocoFiles
from detcore.evaluation.judged import judge
from detcore.evaluation.live import LiveEvaluation
from detcore.evaluation.matching import IOU_THRESHOLDS
from tests.detcore.evaluation.problem_sets import as_files, pycocotools_stats, random_problem


def untied_problem(seed: int) -> tuple[dict, list]:
    """Scores that are all different, so that repeated images cannot change the order within one."""
    gt, dt = random_problem(seed, images=20, gts=120, dets=700)
    noise = np.random.default_rng(seed).permutation(len(dt))
    return gt, [
        {**record, "score": record["score"] + place / 1e6} for record, place in zip(dt, noise, strict=True)
    ]


def repeated(gt: dict, dt: list, counts: np.ndarray) -> tuple[dict, list]:
    """Files with every image, its annotations and its detections as often as drawn; ids are renumbered."""
    images, annotations, found = [], [], []
    for image, count in zip(sorted(gt["images"], key=lambda one: one["id"]), counts.tolist(), strict=True):
        for _ in range(count):
            number = len(images) + 1
            images.append({**image, "id": number})
            for one in gt["annotations"]:
                if one["image_id"] == image["id"]:
                    annotations.append({**one, "id": len(annotations) + 1, "image_id": number})
            found += [{**one, "image_id": number} for one in dt if one["image_id"] == image["id"]]
    return {**gt, "images": images, "annotations": annotations}, found


def evaluation_of(files: CocoFiles) -> tuple:
    return files.gt, files.dets, list(files.images), sorted(files.classes)


def test_a_draw_gives_what_pycocotools_gives_for_repeated_images(tmp_path: Path):
    gt, dt = untied_problem(1)
    judged = judge(
        *evaluation_of(as_files(tmp_path, gt, dt)), iou_thresholds=IOU_THRESHOLDS, max_detections=100
    )
    draws = draw_images(len(gt["images"]), draws=3, seed=4)
    for one, counts in zip(mean_average_precision(judged, draws), draws, strict=True):
        assert one == pytest.approx(pycocotools_stats(*repeated(gt, dt, counts))["AP"], abs=1e-12)


def test_counts_of_a_draw_are_those_of_repeated_images(tmp_path: Path):
    gt, dt = untied_problem(2)
    files = as_files(tmp_path, gt, dt)
    judged = judge(*evaluation_of(files))[0]
    draws = draw_images(len(gt["images"]), draws=3, seed=5)
    for class_id in (None, 3):
        figures = np.stack(precision_recall_f1(judged, draws, 0.4, class_id), axis=1)
        for mine, counts in zip(figures, draws, strict=True):
            copy = as_files(tmp_path, *repeated(gt, dt, counts))
            other = LiveEvaluation(copy.gt, copy.dets, class_ids=sorted(copy.classes)).counts(0.4, class_id)
            assert mine == pytest.approx([other.precision, other.recall, other.f1])


def test_every_image_once_gives_the_figures_themselves(tmp_path: Path):
    files = as_files(tmp_path, *random_problem(5))
    judged = judge(*evaluation_of(files))[0]
    live = LiveEvaluation(files.gt, files.dets, class_ids=sorted(files.classes), image_ids=list(files.images))
    found = average_precisions(judged, as_drawn(judged))[0]
    expected = [one.ap for one in live.per_class(0.0)]
    assert np.where(np.isnan(found), -1.0, found) == pytest.approx(expected, abs=1e-12)
    # one class of the problem has no objects
    assert np.isnan(found).sum() == 1


def test_the_interval_of_a_share_is_that_of_the_binomial():
    """400 images with one object each, a quarter found: the spread of the recall is sqrt(p q / n)."""
    draws = draw_images(400, draws=2000, seed=1).astype(np.float64)
    recall = draws[:, :100].sum(axis=1) / draws.sum(axis=1)
    found = interval(0.25, recall)
    half = 1.96 * np.sqrt(0.25 * 0.75 / 400)
    assert found.low == pytest.approx(0.25 - half, abs=0.006)
    assert found.high == pytest.approx(0.25 + half, abs=0.006)
    assert 0.25 in found
    assert 0.4 not in found


def test_draws_are_as_many_images_and_the_same_for_one_seed():
    draws = draw_images(30, draws=5, seed=7)
    assert (draws.sum(axis=1) == 30).all()
    assert (draws == draw_images(30, draws=5, seed=7)).all()
    assert (draws != draw_images(30, draws=5, seed=8)).any()
    assert np.isnan(interval(0.1, np.array([np.nan])).low)
