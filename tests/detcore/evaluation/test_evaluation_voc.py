"""VOC's average precision, beside published answers and those of other programs."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from detcore.evaluation.coco_files import CocoFiles
from detcore.evaluation.evaluate import evaluate_files
from detcore.evaluation.voc import VOC2007, VOC2010, VocResult, VocRules, evaluate_voc
from detcore.types import Detections, GroundTruth
from tests.detcore.evaluation.problem_sets import as_files, coco_dict, problems, rule_cases, write_files

LINSPACE = np.linspace(0, 1, 11)
PADILLA = {
    "area": VocRules(eleven_points=False, pixel_offset=1),
    "11 points": VocRules(eleven_points=True, pixel_offset=1, recall_points=LINSPACE),
}
PROGRAMS = {
    "voc_area_devkit": VOC2010,
    "voc07_devkit": VOC2007,
    "voc_area_py": VocRules(eleven_points=False, strict=True),
    "voc07_py": VocRules(eleven_points=True, strict=True, recall_points=LINSPACE),
}


def voc(files: CocoFiles, rules: VocRules, iou_threshold: float = 0.5) -> VocResult:
    return evaluate_voc(
        files.gt, files.dets, files.image_ids, sorted(files.classes), rules=rules, iou_threshold=iou_threshold
    )


def padilla_texts(gt_folder: Path, det_folder: Path) -> tuple[GroundTruth, Detections]:
    """``class x y w h`` and ``class score x y w h`` a line, one file an image; one class."""

    def rows(folder: Path) -> tuple[list[int], np.ndarray]:
        images, values = [], []
        for number, path in enumerate(sorted(folder.glob("*.txt")), start=1):
            for line in path.read_text().splitlines():
                images.append(number)
                values.append([float(word) for word in line.split()[1:]])
        return images, np.array(values)

    gt_images, truth = rows(gt_folder)
    det_images, found = rows(det_folder)
    count = len(truth)
    gt = GroundTruth(
        ids=np.arange(1, count + 1),
        image_ids=np.array(gt_images),
        labels=np.ones(count, np.int64),
        boxes=np.concatenate([truth[:, :2], truth[:, :2] + truth[:, 2:]], axis=1),
        areas=truth[:, 2] * truth[:, 3],
        crowd=np.zeros(count, bool),
        difficult=np.zeros(count, bool),
    )
    dets = Detections(
        image_ids=np.array(det_images),
        labels=np.ones(len(found), np.int64),
        boxes=np.concatenate([found[:, 1:3], found[:, 1:3] + found[:, 3:]], axis=1),
        scores=found[:, 0],
    )
    return gt, dets


@pytest.mark.data
@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        ("11 points", {0.1: 0.3333333333, 0.3: 0.2683982683, 0.5: 0.0303030303, 0.75: 0.0}),
        ("area", {0.1: 0.3371980676, 0.3: 0.2456866804, 0.5: 0.0222222222, 0.75: 0.0}),
    ],
)
def test_seven_images_of_padilla_review_with_score_ties(real_data: Path, kind: str, answers: dict):
    folder = real_data / "padilla_review/tests/test_case_1"
    gt, dets = padilla_texts(folder / "gts", folder / "dets")
    assert (len(gt), len(dets)) == (15, 24)
    for iou, expected in answers.items():
        result = evaluate_voc(gt, dets, range(1, 8), [1], rules=PADILLA[kind], iou_threshold=iou)
        assert result.mean_ap == pytest.approx(expected, abs=1e-10)


@pytest.mark.data
def test_seven_images_of_padilla_object_detection_metrics(real_data: Path):
    folder = real_data / "padilla_odm"
    gt, dets = padilla_texts(folder / "groundtruths", folder / "detections")
    result = evaluate_voc(gt, dets, range(1, 8), [1], rules=PADILLA["area"], iou_threshold=0.3)
    assert "AP: 24.57%" in (folder / "results/results.txt").read_text()
    assert result.mean_ap == pytest.approx(0.2457, abs=5e-5)
    assert (result.per_class[1].tp, result.per_class[1].fp) == (7, 17)


@pytest.mark.data
@pytest.mark.parametrize(
    ("kind", "iou", "expected"),
    [
        ("11 points", 0.5, 0.886364),
        ("area", 0.5, 0.895833),
        ("11 points", 0.75, 0.492424),
        ("area", 0.75, 0.509722),
    ],
)
def test_twelve_cats_of_padilla_toyexample(
    real_data: Path, tmp_path: Path, kind: str, iou: float, expected: float
):
    folder = real_data / "padilla_review/toyexample"
    gt = json.loads((folder / "gts_coco_format/toy_example_coco.JSON").read_text())
    dt = json.loads((folder / "dets_coco_format/coco_dets.json").read_text())["annotations"]
    result = voc(as_files(tmp_path, gt, dt), PADILLA[kind], iou)
    assert result.mean_ap == pytest.approx(expected, abs=1e-6)


@pytest.mark.data
def test_twelve_cats_of_padilla_toyexample_by_coco_rules(real_data: Path):
    folder = real_data / "padilla_review/toyexample"
    numbers = evaluate_files(
        folder / "gts_coco_format/toy_example_coco.JSON", folder / "dets_coco_format/coco_dets.json"
    )
    expected = {
        "AP": 0.5979231494578029,
        "AP50": 0.8902640264026401,
        "AP75": 0.5092409240924093,
        "AR1": 0.55,
        "AR100": 0.6583333333,
    }
    for name, value in expected.items():
        assert numbers[name] == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_rule_case_has_the_answer_of_the_program(tmp_path: Path, program: str):
    judged = 0
    for name, case in rule_cases().items():
        expected = case["measured"].get(program)
        if expected is None:
            continue
        result = voc(as_files(tmp_path, case["gt"], case["dt"]), PROGRAMS[program])
        answer = expected["AP50"]
        assert result.mean_ap == pytest.approx(answer, abs=1e-12, nan_ok=True), name
        judged += 1
    assert judged >= 25


def test_a_difficult_object_is_neither_to_be_found_nor_wrong_to_find(tmp_path: Path):
    case = rule_cases()["ignore_flag"]
    dt = [*case["dt"], {"image_id": 1, "category_id": 1, "bbox": [500, 500, 10, 10], "score": 0.95}]
    result = voc(as_files(tmp_path, case["gt"], dt), VOC2010)
    assert (result.mean_ap, result.per_class[1].fp, result.per_class[1].gt_count) == (1.0, 0, 1)


def test_inclusive_pixels_count_the_last_one_of_each_side(tmp_path: Path):
    # Edges 0 and 9: 10 pixels a side, of which the detection covers 10 by 5, exactly half. As edges without that
    # pixel they are 9 by 9 and 9 by 4: 36 of 81.
    gt = coco_dict(
        [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0}],
        images=[1],
        classes=[1],
    )
    files = as_files(tmp_path, gt, [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 4], "score": 0.5}])
    assert voc(files, VocRules(eleven_points=False, pixel_offset=1)).mean_ap == 1.0
    assert voc(files, VocRules(eleven_points=False)).mean_ap == 0.0


def test_inclusive_pixels_find_a_box_of_one_pixel():
    one = np.array([[5.0, 5.0, 5.0, 5.0]])
    gt = GroundTruth(
        ids=np.array([1]),
        image_ids=np.array([1]),
        labels=np.array([1]),
        boxes=one,
        areas=np.array([0.0]),
        crowd=np.array([False]),
        difficult=np.array([False]),
    )
    dets = Detections(image_ids=np.array([1]), labels=np.array([1]), boxes=one, scores=np.array([0.5]))
    assert evaluate_voc(gt, dets, [1], [1], rules=PADILLA["area"]).mean_ap == 1.0


def plain_voc(gt: dict, dt: list, label: int, *, eleven: bool) -> float:
    """The development kit's VOCevaldet, step by step; crowds are its difficult objects."""
    truths = [a for a in gt["annotations"] if a["category_id"] == label]
    taken = [False] * len(truths)
    hits = []
    for one in sorted((d for d in dt if d["category_id"] == label), key=lambda d: -d["score"]):
        best, chosen = -math.inf, -1
        x, y, w, h = one["bbox"]
        for number, truth in enumerate(truths):
            left, top, width, height = truth["bbox"]
            across = min(x + w, left + width) - max(x, left)
            down = min(y + h, top + height) - max(y, top)
            if truth["image_id"] != one["image_id"] or across <= 0 or down <= 0:
                continue
            overlap = across * down / (w * h + width * height - across * down)
            if overlap > best:
                best, chosen = overlap, number
        if best >= 0.5 and truths[chosen]["iscrowd"]:
            continue
        hits.append(best >= 0.5 and not taken[chosen])
        if hits[-1]:
            taken[chosen] = True
    positives = sum(not truth["iscrowd"] for truth in truths)
    if not positives:
        return math.nan
    tp, fp = np.cumsum(hits), np.cumsum(np.logical_not(hits))
    recall, precision = tp / positives, tp / np.maximum(tp + fp, 1)
    if eleven:
        return sum(max(precision[recall >= t / 10], default=0.0) for t in range(11)) / 11
    recall, precision = np.r_[0, recall, 1], np.r_[0, precision, 0]
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * envelope[1:]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(problem=problems())
def test_equal_to_the_kit_step_by_step_on_any_problem(tmp_path: Path, problem: tuple[dict, list]):
    gt, dt = problem
    files = as_files(tmp_path, gt, dt)
    # the kit takes edges, as Reticle does: the same arithmetic needs boxes whose sides are exact
    if any(float(side) % 0.5 for row in (*gt["annotations"], *dt) for side in row["bbox"]):
        return
    for rules, eleven in ((VOC2010, False), (VOC2007, True)):
        result = voc(files, rules)
        for label, one in result.per_class.items():
            expected = plain_voc(gt, dt, label, eleven=eleven)
            assert one.ap == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_voc_numbers_of_files_hold_none_where_nothing_was_to_be_found(tmp_path: Path):
    case = rule_cases()["no_gt"]
    numbers = evaluate_files(*write_files(tmp_path, case["gt"], case["dt"]), rules="voc2007")
    assert numbers["AP50"] is None
