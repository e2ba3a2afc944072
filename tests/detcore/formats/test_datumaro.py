"""Datumaro's JSON: its figures become boxes, and all else is there again after an export."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetImage, Problem
from detcore.formats.common.shapes import shape_of
from detcore.formats.datumaro.reading import DATUMARO
from tests.detcore.formats.format_samples import save_image

LABELS = [
    {"name": "dog", "parent": "animal", "attributes": ["age"]},
    {"name": "cat", "parent": "", "attributes": []},
]
ATTRIBUTES = {"occluded": True, "is_crowd": False, "age": 3}
BOX = {"id": 7, "type": "bbox", "attributes": ATTRIBUTES, "group": 2, "label_id": 1, "z_order": 1}
BOX["bbox"] = [10.0, 20.0, 20.5, 20.0]


def content(*annotations: dict[str, Any], **item: Any) -> dict[str, Any]:
    image = {
        "id": "cam/a",
        "annotations": list(annotations),
        "image": {"path": "a.jpg", "size": [80, 100]},
        **item,
    }
    groups = [{"name": "all", "group_type": "exclusive", "labels": ["cat", "dog"]}]
    colours = {"colormap": [{"label_id": 0, "r": 1, "g": 2, "b": 3}]}
    label = {"labels": LABELS, "label_groups": groups, "attributes": ["occluded"]}
    return {
        "dm_format_version": "1.0",
        "media_type": 2,
        "infos": {"author": "somebody"},
        "categories": {"label": label, "mask": colours},
        "items": [image],
    }


def write(folder: Path, told: Any, subset: str = "train") -> Path:
    save_image(folder / f"images/{subset}/a.jpg")
    (folder / "annotations").mkdir(exist_ok=True)
    (folder / f"annotations/{subset}.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def read(folder: Path) -> tuple[Dataset, DatasetImage, list[Problem]]:
    dataset, problems = DATUMARO.read(folder)
    (image,) = dataset.images
    return dataset, image, problems


def test_boxes_are_left_top_width_and_height_and_attributes_are_flags(tmp_path: Path):
    dataset, image, problems = read(write(tmp_path, content(BOX)))
    assert [item.name for item in dataset.classes] == ["dog", "cat"]
    (box,) = image.boxes
    assert (box.label, box.xyxy, box.occluded, box.crowd) == (1, (10, 20, 30.5, 40), True, False)
    assert (image.split, image.width, image.height, image.verified, problems) == ("train", 100, 80, False, [])


# Of a mask of 80 rows, column by column: 6 rows of the sixth column and 4 of the seventh, from the third row on.
RUNS = [5 * 80 + 2, 6, 74, 4, 80 * 100 - 5 * 80 - 2 - 84]


@pytest.mark.parametrize(
    ("figure", "bounds", "kind"),
    [
        ({"type": "polygon", "points": [10, 20, 30.5, 22, 15, 40]}, (10, 20, 30.5, 40), "polygon"),
        ({"type": "polyline", "points": [10, 20, 30, 22]}, (10, 20, 30, 22), "line"),
        ({"type": "points", "points": [10, 20, 30, 22], "visibility": [2, 1]}, (10, 20, 30, 22), "points"),
        ({"type": "ellipse", "points": [10, 20, 30, 50]}, (10, 20, 30, 50), "ellipse"),
        ({"type": "mask", "rle": {"counts": RUNS, "size": [80, 100]}}, (5, 2, 7, 8), None),
    ],
)
def test_every_figure_becomes_the_box_around_it_and_comes_out_as_it_went_in(
    tmp_path: Path, figure: dict[str, Any], bounds: tuple[float, ...], kind: str | None
):
    base = {key: value for key, value in BOX.items() if key != "bbox"}
    told = content({**base, **figure}, BOX)
    dataset, image, problems = read(write(tmp_path / "in", told))
    assert problems == []
    assert [box.xyxy for box in image.boxes] == [bounds, (10, 20, 30.5, 40)]
    shape = shape_of(image.boxes[0])
    assert (shape and shape.kind) == kind
    report = DATUMARO.write(dataset, tmp_path / "out")
    assert report.losses == ()
    assert json.loads((tmp_path / "out/annotations/train.json").read_text()) == told


def test_an_untouched_set_goes_out_with_all_that_it_came_with(tmp_path: Path):
    caption = {"id": 0, "type": "caption", "attributes": {}, "group": 0, "caption": "a cat"}
    told = content(BOX, caption, attr={"frame": 12}, related=[1])
    dataset, image, problems = read(write(tmp_path / "in", told, "fold_3"))
    assert (image.split, len(image.boxes), problems) == (None, 1, [])
    DATUMARO.write(dataset, tmp_path / "out")
    assert (tmp_path / "out/images/fold_3/a.jpg").is_file()
    assert json.loads((tmp_path / "out/annotations/fold_3.json").read_text()) == told


def test_numbers_of_labels_are_dropped_where_the_labels_are_others(tmp_path: Path):
    dataset, _, _ = read(write(tmp_path / "in", content(BOX)))
    classes = dataclasses.replace(dataset, classes=list(reversed(dataset.classes)))
    report = DATUMARO.write(classes, tmp_path / "out")
    categories = json.loads((tmp_path / "out/annotations/train.json").read_text())["categories"]
    assert list(categories) == ["label"]
    assert [item["name"] for item in categories["label"]["labels"]] == ["cat", "dog"]
    assert any("numbers of labels" in loss for loss in report.losses)


def test_an_image_with_no_more_than_a_caption_is_not_taken_for_empty(tmp_path: Path):
    caption = {"id": 0, "type": "caption", "caption": "a cat"}
    _, image, _ = read(write(tmp_path / "one", content(caption)))
    assert (image.labelled, image.verified) == (False, False)
    _, image, _ = read(write(tmp_path / "two", content()))
    assert (image.labelled, image.verified) == (True, True)


@pytest.mark.parametrize(
    ("figure", "complaint"),
    [
        ({**BOX, "bbox": [1, 2, 3]}, "a bbox without its numbers: left out"),
        ({**BOX, "bbox": [1, 2, float("nan"), 4]}, "a coordinate is not a number: box left out"),
        ({**BOX, "type": "polygon", "points": [1, 2, 3]}, "a polygon without its numbers: left out"),
        (
            {**BOX, "type": "mask", "rle": {"counts": [7], "size": [80, 100]}},
            "a mask without its numbers: left out",
        ),
        ({**BOX, "label_id": None}, "no label: left out"),
    ],
)
def test_what_is_no_box_is_left_out_by_its_id_and_the_rest_is_read(
    tmp_path: Path, figure: dict[str, Any], complaint: str
):
    _, image, problems = read(write(tmp_path, content(figure, {**BOX, "id": 8})))
    assert len(image.boxes) == 1
    assert [problem.message for problem in problems] == [f"item 'cam/a', annotation 7: {complaint}"]


def test_a_number_that_is_no_label_gets_a_class_of_its_own(tmp_path: Path):
    dataset, image, problems = read(write(tmp_path, content({**BOX, "label_id": 5})))
    assert dataset.classes[image.boxes[0].label].name == "class_5"
    assert "there is no label 5" in problems[0].message


@pytest.mark.parametrize("text", ["[" * 100_000, '{"items": 3}', "", "null", '{"items": [1, {"id": 2}]}'])
def test_json_that_is_none_of_it_is_refused(tmp_path: Path, text: str):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FormatError):
        DATUMARO.read(tmp_path)
