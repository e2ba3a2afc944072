"""Planting label errors and scoring a ranking of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detcore.boxes import iou
from detcore.project.edits import add_boxes, add_class, add_images
from detcore.project.project import Project
from detcore.types import Box, Image
from tests.benchmarks.plant import KINDS, measure, measure_together, plant


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with Project.create(tmp_path / "a.reticle", image_root=tmp_path) as made:
        made.edit(add_images, [Image(id=0, path=f"{n}.jpg", width=400, height=300) for n in range(20)])
        for name in ("cell", "bolt"):
            made.edit(add_class, name)
        label = made.classes()[0].id
        made.edit(
            add_boxes,
            [
                Box(id=0, image_id=image_id, class_id=label, x1=60 * n, y1=20, x2=60 * n + 40, y2=80)
                for image_id in made.image_ids()
                for n in range(5)
            ],
        )
        yield made


def test_every_kind_has_its_share_and_one_undo_brings_the_labels_back(project: Project):
    before = {box.id: box.xyxy for box in project.all_boxes()}
    truth = plant(project, seed=3, share=0.05)
    assert {kind: sum(error["kind"] == kind for error in truth) for kind in KINDS} == dict.fromkeys(KINDS, 5)
    now = {box.id: box for box in project.all_boxes()}
    # 5 gone, 5 copies and 5 around nothing
    assert len(now) == 105
    names = {one.id: one.name for one in project.classes()}
    for error in truth:
        if error["kind"] == "missing":
            assert error["label_id"] is None
            continue
        box = now[error["label_id"]]
        assert (list(box.xyxy), names[box.class_id]) == (error["box"], error["class"])
        if error["kind"] == "location":
            assert 0.25 < iou(np.array([box.xyxy]), np.array([error["right_box"]]))[0, 0] < 0.8
        assert (error["class"] != error["right_class"]) == (error["kind"] in ("swapped", "spurious"))
    touched = {error["label_id"] for error in truth} | {error.get("first_id") for error in truth}
    for box_id, box in now.items():
        assert box_id in touched or (box.xyxy == before[box_id] and names[box.class_id] == "cell")
    project.undo()
    assert {box.id: box.xyxy for box in project.all_boxes()} == before


def test_the_same_seed_plants_the_same_errors(project: Project):
    first = plant(project, seed=1)
    project.undo()
    again = plant(project, seed=1)
    assert [error["box"] for error in first] == [error["box"] for error in again]
    project.undo()
    assert [error["box"] for error in plant(project, seed=2)] != [error["box"] for error in first]


def test_average_precision_counts_each_error_once():
    truth = [
        {"kind": "missing", "image": "1.jpg", "box": [0, 0, 10, 10], "label_id": None},
        {"kind": "missing", "image": "2.jpg", "box": [0, 0, 10, 10], "label_id": None},
        {"kind": "swapped", "image": "1.jpg", "box": [50, 50, 60, 60], "label_id": 7},
    ]
    ranked = [
        {"kind": "missing", "image": "1.jpg", "box": [0, 1, 10, 10], "score": 0.9},
        {"kind": "missing", "image": "1.jpg", "box": [0, 0, 10, 9], "score": 0.8},
        {"kind": "missing", "image": "2.jpg", "box": [4, 0, 14, 10], "score": 0.7},
        {"kind": "missing", "image": "2.jpg", "box": [1, 0, 11, 10], "score": 0.6},
        {"kind": "swapped", "image": "1.jpg", "box": [50, 50, 60, 60], "score": 0.1, "label_id": 8},
        {"kind": "swapped", "image": "1.jpg", "box": [50, 50, 60, 60], "score": 0.2},
    ]
    # missing: right, a repetition, too far off (IoU 6/14), right: (1/1 + 2/4) / 2
    assert measure(truth, ranked) == {"missing": pytest.approx(0.75), "swapped": 1.0}
    assert measure(truth, []) == {"missing": 0.0, "swapped": 0.0}


def test_all_kinds_in_one_list_count_each_label_once_and_whatever_is_said_of_it():
    box = [0, 0, 10, 10]
    truth = [
        {"kind": "missing", "image": "1.jpg", "box": box, "label_id": None},
        {"kind": "swapped", "image": "1.jpg", "box": box, "label_id": 7},
        {"kind": "duplicate", "image": "2.jpg", "box": box, "label_id": 9, "first_id": 8},
    ]
    ranked = [
        {"kind": "swapped", "image": "1.jpg", "box": box, "label_id": 5, "score": 0.9},  # is right
        {"kind": "spurious", "image": "1.jpg", "box": box, "label_id": 7, "score": 0.8},  # wrong, otherwise
        {"kind": "swapped", "image": "1.jpg", "box": box, "label_id": 7, "score": 0.7},  # said before
        {"kind": "duplicate", "image": "2.jpg", "box": box, "label_id": 8, "score": 0.6},
        {"kind": "missing", "image": "1.jpg", "box": box, "label_id": None, "score": 0.5},
    ]
    figures = measure_together(truth, ranked)
    assert figures["average precision"] == pytest.approx((1 / 2 + 2 / 3 + 3 / 4) / 3)
