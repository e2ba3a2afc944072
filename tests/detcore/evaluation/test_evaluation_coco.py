"""COCO's numbers, beside pycocotools and published answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from detcore.evaluation.coco import STAT_NAMES, evaluate_coco
from detcore.evaluation.coco_files import CocoFiles
from detcore.evaluation.evaluate import evaluate_files
from tests.detcore.evaluation.problem_sets import (
    as_files,
    problems,
    pycocotools_run,
    pycocotools_stats,
    random_problem,
    rule_cases,
    write_files,
)

TOLERANCE = 1e-12


def coco(files: CocoFiles):
    return evaluate_coco(
        files.gt,
        files.dets,
        files.image_ids,
        sorted(files.classes),
        gt_box_areas=files.gt_box_areas,
        det_areas=files.det_areas,
    )


def assert_same(ours: dict, theirs: dict) -> None:
    for name in STAT_NAMES:
        assert as_number(ours[name]) == pytest.approx(theirs[name], abs=TOLERANCE, rel=0), name


def as_number(figure: float | None) -> float:
    """As COCO has it: -1 for no figure."""
    return -1.0 if figure is None else figure


@pytest.mark.data
def test_twelve_numbers_of_100_coco_images(real_data: Path):
    folder = real_data / "faster_coco_eval/tests/dataset/cocoapi"
    numbers = evaluate_files(
        folder / "instances_val2014_100.json", folder / "instances_val2014_fakebbox100_results.json"
    )
    expected = {
        "AP": 0.5045806987249628,
        "AP50": 0.6969727247299577,
        "AP75": 0.5729816669904824,
        "APs": 0.5856257209410443,
        "APm": 0.5193996948036719,
        "APl": 0.5013978986347466,
        "AR1": 0.38681277964578054,
        "AR10": 0.5936795762842003,
        "AR100": 0.595352982877607,
        "ARs": 0.6398109626113442,
        "ARm": 0.5664205978994309,
        "ARl": 0.5642905982905982,
    }
    assert_same(numbers, expected)


@pytest.mark.data
def test_twelve_numbers_of_the_same_images_without_crowds(real_data: Path):
    folder = real_data / "padilla_review/tests/test_coco_eval"
    numbers = evaluate_files(
        folder / "gts/sampled_gts_bbox_area.json", folder / "dets/sampled_bbox_results.json"
    )
    expected = (0.503647, 0.696973, 0.571667, 0.593252, 0.557991, 0.489363)
    expected += (0.386813, 0.593680, 0.595353, 0.654764, 0.603130, 0.553744)
    assert [numbers[name] for name in STAT_NAMES] == pytest.approx(expected, abs=1e-6)


def test_every_rule_case_has_the_answer_of_pycocotools(tmp_path: Path):
    cases = rule_cases()
    assert len(cases) == 37
    for case in cases.values():
        numbers = evaluate_files(*write_files(tmp_path, case["gt"], case["dt"]), pycocotools_quirks=True)
        assert_same(numbers, pycocotools_stats(case["gt"], case["dt"]))


def test_only_the_two_named_quirks_differ_by_default(tmp_path: Path):
    differing = {
        name
        for name, case in rule_cases().items()
        if as_number(evaluate_files(*write_files(tmp_path, case["gt"], case["dt"]))["AP50"])
        != pytest.approx(pycocotools_stats(case["gt"], case["dt"])["AP50"], abs=TOLERANCE)
    }
    assert differing == {"id_zero", "ignore_flag"}
    case = rule_cases()["id_zero"]
    numbers = evaluate_files(*write_files(tmp_path, case["gt"], case["dt"]))
    assert numbers["AP50"] == pytest.approx(case["measured"]["torchmetrics"]["AP50"], abs=1e-15)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(problem=problems())
def test_twelve_numbers_equal_pycocotools_on_any_problem(tmp_path: Path, problem: tuple[dict, list]):
    gt, dt = problem
    assert_same(coco(as_files(tmp_path, gt, dt)).stats, pycocotools_stats(gt, dt))


@pytest.mark.parametrize("seed", range(3))
def test_precision_and_recall_arrays_equal_pycocotools_for_each_class(tmp_path: Path, seed: int):
    gt, dt = random_problem(seed)
    result = coco(as_files(tmp_path, gt, dt))
    run = pycocotools_run(gt, dt)
    theirs = run.eval["precision"][..., 2].transpose(3, 0, 2, 1)
    np.testing.assert_allclose(result.precision, theirs, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(
        result.recall, run.eval["recall"].transpose(3, 2, 0, 1), rtol=0, atol=TOLERANCE
    )
    for place, class_id in enumerate(result.class_ids):
        one = run.eval["precision"][:, :, place, 0, 2]
        assert result.per_class[int(class_id)]["AP"] == pytest.approx(one.mean(), abs=TOLERANCE)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("images", "classes"), [(40, 12), (8, 2)])
def test_twelve_numbers_equal_pycocotools_on_crowded_images_too(
    tmp_path: Path, images: int, classes: int, seed: int
):
    """On 8 images each class has more than the 100 detections an image that are counted."""
    gt, dt = random_problem(seed, images=images, classes=classes, gts=300)
    assert_same(evaluate_files(*write_files(tmp_path, gt, dt)), pycocotools_stats(gt, dt))


def test_an_empty_result_list_scores_zero(tmp_path: Path):
    gt, _ = random_problem(0)
    numbers = evaluate_files(*write_files(tmp_path, gt, []))
    assert (numbers["AP"], numbers["AR100"]) == (0.0, 0.0)


def test_no_ground_truth_has_no_figures(tmp_path: Path):
    gt, dt = random_problem(0)
    numbers = evaluate_files(*write_files(tmp_path, {**gt, "annotations": []}, dt))
    assert all(numbers[name] is None for name in STAT_NAMES)
    assert not any(-1 in one.values() for one in numbers["per_class"].values())


def test_only_the_images_and_classes_asked_for_are_counted(tmp_path: Path):
    gt, dt = random_problem(1)
    files = as_files(tmp_path, gt, dt)
    images, classes = [3, 5, 8, 13, 21], [2, 4]
    result = evaluate_coco(
        files.gt, files.dets, images, classes, gt_box_areas=files.gt_box_areas, det_areas=files.det_areas
    )
    part = {
        "images": [i for i in gt["images"] if i["id"] in images],
        "categories": [c for c in gt["categories"] if c["id"] in classes],
        "annotations": [
            a for a in gt["annotations"] if a["image_id"] in images and a["category_id"] in classes
        ],
    }
    mine = [d for d in dt if d["image_id"] in images and d["category_id"] in classes]
    assert_same(result.stats, pycocotools_stats(part, mine))
