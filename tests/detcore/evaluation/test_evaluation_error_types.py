"""TIDE's error types, beside the answers of tidecv 1.0.1."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from detcore.evaluation.coco_files import CocoFiles
from detcore.evaluation.error_types import KINDS, ErrorType, ErrorTypes, find_error_types
from detcore.evaluation.evaluate import errors_of_files
from tests.detcore.evaluation.problem_sets import as_files, coco_dict, random_problem, rule_cases, write_files

SHORT = ("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss")


def error_types(files: CocoFiles, **options: bool) -> ErrorTypes:
    return find_error_types(
        files.gt,
        files.dets,
        list(files.images),
        sorted(files.classes),
        gt_box_areas=files.gt_box_areas,
        det_areas=files.det_areas,
        **options,
    )


def test_every_rule_case_has_the_answer_of_tidecv(tmp_path: Path):
    judged = 0
    for name, case in rule_cases().items():
        expected = case["measured"].get("tidecv")
        if expected is None or "dAP_Cls" not in expected:
            continue
        found = error_types(as_files(tmp_path, case["gt"], case["dt"]), ignore_difficult=False)
        assert found.ap == pytest.approx(expected["AP50"], abs=1e-12), name
        for kind, cost in found.costs.items():
            assert cost.gain == pytest.approx(expected[f"dAP_{kind}"], abs=1e-12), (name, kind)
            if f"n_{kind}" in expected:
                assert cost.count == expected[f"n_{kind}"], (name, kind)
        judged += 1
    assert judged >= 34


@pytest.mark.parametrize(
    ("seed", "ap", "counts", "gains"),
    [
        (
            0,
            0.3556948319069455,
            (119, 559, 80, 916, 449, 3),
            {
                "Cls": 0.017568737123285345,
                "Loc": 0.09706298592452071,
                "Both": 0.01472554861565598,
                "Dupe": 0.05935653476470662,
                "Bkg": 0.06274330606484411,
                "Miss": 0.0,
                "FalsePos": 0.6047012076970149,
                "FalseNeg": 0.005010061180054066,
            },
        ),
        (
            1,
            0.4124313876146981,
            (110, 522, 72, 955, 464, 2),
            {
                "Cls": 0.02092348418841361,
                "Loc": 0.09903637688807762,
                "Both": 0.004235929201945865,
                "Dupe": 0.054833886013023726,
                "Bkg": 0.07684123534754392,
                "Miss": 0.0,
                "FalsePos": 0.549614817005764,
                "FalseNeg": 0.008337523075417934,
            },
        ),
    ],
)
def test_crowds_duplicates_and_tied_scores_give_the_numbers_measured_with_tidecv(
    tmp_path: Path, seed: int, ap: float, counts: tuple[int, ...], gains: dict[str, float]
):
    found = error_types(as_files(tmp_path, *random_problem(seed)))
    assert found.ap == pytest.approx(ap, abs=1e-12)
    assert tuple(found.costs[ErrorType(name)].count for name in SHORT) == counts
    assert {kind.value: cost.gain for kind, cost in found.costs.items()} == pytest.approx(gains, abs=1e-12)


def test_each_count_is_that_of_its_rows(tmp_path: Path):
    files = as_files(tmp_path, *random_problem(2))
    found = error_types(files)
    for place, kind in enumerate(KINDS):
        assert (found.kind == place).sum() == found.costs[kind].count
    assert len(found.missed) == found.costs[ErrorType.MISSED].count
    for rows, alike in ((found.kind == 0, False), (found.kind == 1, True)):
        target = found.gt_row[rows]
        assert (target >= 0).all()
        assert (files.gt.image_ids[target] == files.dets.image_ids[rows]).all()
        assert ((files.gt.labels[target] == files.dets.labels[rows]) == alike).all()
    assert (found.gt_row[found.kind > 1] == -1).all()
    assert not files.gt.crowd[found.missed].any()


def test_only_the_hundred_best_of_an_image_are_judged(tmp_path: Path):
    gt = coco_dict(
        [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0}],
        images=[1],
        classes=[1, 2],
    )
    dt = [
        {"image_id": 1, "category_id": 1 + n % 2, "bbox": [50, 50, 9, 9], "score": (n + 1) / 200}
        for n in range(120)
    ]
    found = error_types(as_files(tmp_path, gt, dt))
    assert np.flatnonzero(found.kind < 0).tolist() == list(range(20))
    assert found.costs[ErrorType.BACKGROUND].count == 100


def test_nothing_to_find_and_nothing_found_is_no_error(tmp_path: Path):
    found = error_types(as_files(tmp_path, coco_dict([], images=[1], classes=[1]), []))
    assert found.ap == 0.0
    assert all((cost.count, cost.gain) == (0, 0.0) for cost in found.costs.values())


def test_files_give_count_and_gain_by_short_name(tmp_path: Path):
    numbers = errors_of_files(*write_files(tmp_path, *random_problem(1)))
    assert list(numbers) == [*SHORT, "FalsePos", "FalseNeg"]
    assert numbers["Loc"] == {"count": 522, "dAP": pytest.approx(0.09903637688807762, abs=1e-12)}
    json.dumps(numbers, allow_nan=False)
