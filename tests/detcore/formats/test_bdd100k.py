"""BDD100K's three forms of JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from detcore.formats import detect_format
from detcore.formats.common.shapes import shape_of
from tests.detcore.formats.json_samples import Json, bdd, bdd_label, boxes, read, write

ATTRIBUTES = {"occluded": True, "truncated": False, "trafficLightColor": "green"}
LABEL = bdd_label(attributes=ATTRIBUTES, manualShape=True)
SCENE = {"weather": "clear", "timeofday": "night"}


@pytest.mark.parametrize(
    "content",
    [
        [bdd(LABEL, attributes=SCENE, timestamp=10000)],
        {"frames": [bdd(LABEL, attributes=SCENE, timestamp=10000)], "config": {}},
        {"name": "a", "frames": [{"timestamp": 10000, "objects": [LABEL]}], "attributes": SCENE},
    ],
)
def test_a_list_of_frames_scalabel_and_one_file_an_image_say_the_same(content: object, tmp_path: Path):
    folder = write(tmp_path, content)
    dataset, problems = read("bdd100k", folder)
    assert detect_format(folder) == "bdd100k"
    assert problems == []
    assert boxes(dataset) == [("cat", (10, 20, 30, 40))]
    (image,) = dataset.images
    assert (image.boxes[0].occluded, image.boxes[0].truncated) == (True, False)
    assert image.boxes[0].extra["bdd100k"]["attributes"] == {"trafficLightColor": "green"}
    assert image.extra["bdd100k"] == {"attributes": SCENE, "timestamp": 10000}


@pytest.mark.parametrize(("closed", "kind"), [(True, "polygon"), (False, "line")])
def test_what_has_only_an_outline_gets_its_bounds_and_that_is_told_once(
    closed: bool, kind: str, tmp_path: Path
):
    vertices = [[10, 20], [30, 25], [15, 60]]
    lane: Json = {"category": "lane", "poly2d": [{"vertices": vertices, "types": "LLL", "closed": closed}]}
    dataset, problems = read("bdd100k", write(tmp_path, [bdd(lane, lane)]))
    assert boxes(dataset) == [("lane", (10, 20, 30, 60))] * 2
    found = shape_of(dataset.images[0].boxes[0])
    assert found is not None
    assert (found.kind, found.parts[0]) == (kind, ((10, 20), (30, 25), (15, 60)))
    assert [problem.message for problem in problems] == [
        "2 labels without box2d: the bounds of the outline were taken (lane 2)"
    ]


def test_no_labels_is_an_empty_image_and_no_word_of_labels_an_unseen_one(tmp_path: Path):
    dataset, _ = read(
        "bdd100k", write(tmp_path, [bdd(), {"name": "b.jpg", "labels": None}, {"name": "c.jpg"}])
    )
    assert [(image.path.name, image.labelled, image.verified) for image in dataset.images] == [
        ("a.jpg", True, True),
        ("b.jpg", True, True),
        ("c.jpg", False, False),
    ]


def test_the_split_is_in_the_name_of_the_file(tmp_path: Path):
    write(tmp_path, [bdd(LABEL)], "bdd100k_labels_images_val.json")
    dataset, _ = read("bdd100k", tmp_path)
    assert dataset.images[0].split == "val"
