"""COCO JSON: what other tools leave behind is read, what evaluators read is written."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest

from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetImage, ExportOptions, Images, Problem
from detcore.formats.coco.reading import COCO
from detcore.formats.coco.writing import CocoOptions
from tests.detcore.formats.format_samples import box, dataset_of, hashes, save_image

CATEGORIES = [{"id": 1, "name": "cat", "supercategory": "animal"}, {"id": 5, "name": "dog"}]


def annotation(number: int, **fields: Any) -> dict[str, Any]:
    usual = {
        "id": number,
        "image_id": 1,
        "category_id": 1,
        "bbox": [10, 20, 30, 40],
        "area": 1200,
        "iscrowd": 0,
    }
    return {key: value for key, value in (usual | fields).items() if value is not ...}


def write_json(path: Path, *annotations: dict[str, Any], **fields: Any) -> Path:
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
        "categories": CATEGORIES,
        "annotations": list(annotations),
    } | fields
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def read_one(folder: Path, *annotations: dict[str, Any], **fields: Any) -> tuple[Dataset, list[Problem]]:
    save_image(folder / "a.jpg")
    return COCO.read(write_json(folder / "data.json", *annotations, **fields))


def only(dataset: Dataset) -> DatasetImage:
    (image,) = dataset.images
    return image


def written(out: Path, split: str = "train") -> dict[str, Any]:
    return json.loads((out / f"annotations/instances_{split}.json").read_text())


def test_boxes_flags_and_gappy_category_ids_are_read(tmp_path: Path):
    flags = {"difficult": True, "occluded": 1, "truncated": False, "color": "red"}
    dataset, problems = read_one(
        tmp_path, annotation(1, attributes=flags, category_id=5), annotation(2, iscrowd=1)
    )
    first, second = only(dataset).boxes
    assert first.xyxy == (10, 20, 40, 60)
    assert (first.difficult, first.occluded, first.truncated, first.crowd) == (True, True, False, False)
    assert second.crowd
    assert [(item.name, item.source_id) for item in dataset.classes] == [("cat", 1), ("dog", 5)]
    assert first.label == 1
    assert problems == []


@pytest.mark.parametrize(
    "bad",
    [
        {"bbox": ...},
        {"bbox": None},
        {"bbox": [1, 2, 3]},
        {"bbox": ["a", 2, 3, 4]},
        {"bbox": [1, 2, 0, 4]},
        {"bbox": [500, 500, 5, 5]},
        {"bbox": [1e400, 2, 3, 4]},
        {"image_id": 99},
        {"image_id": None},
        {"image_id": True},
    ],
)
def test_one_bad_annotation_does_not_drop_the_others_and_is_reported(tmp_path: Path, bad: dict[str, Any]):
    dataset, problems = read_one(tmp_path, annotation(1), annotation(2, **bad), annotation(3))
    assert len(only(dataset).boxes) == 2
    assert len(problems) == 1


def test_box_outside_is_clipped_and_reported(tmp_path: Path):
    dataset, problems = read_one(tmp_path, annotation(7, bbox=[-10, 60, 50, 50]))
    assert only(dataset).boxes[0].xyxy == (0, 60, 40, 80)
    assert "annotation 7" in str(problems[0])
    assert "clipped" in str(problems[0])


def test_unknown_category_keeps_the_box_under_a_name_made_of_its_id(tmp_path: Path):
    dataset, problems = read_one(tmp_path, annotation(1, category_id=77), annotation(2, category_id=77))
    assert [
        (dataset.classes[item.label].name, dataset.classes[item.label].source_id)
        for item in only(dataset).boxes
    ] == [("class_77", 77)] * 2
    assert len(problems) == 2


def test_polygon_without_bbox_gives_its_bounds(tmp_path: Path):
    dataset, problems = read_one(tmp_path, annotation(1, bbox=..., segmentation=[[5, 6, 20, 8, 10, 30]]))
    assert only(dataset).boxes[0].xyxy == (5, 6, 20, 30)
    assert len(problems) == 1


def test_categories_of_one_name_are_joined_and_ids_as_text_are_numbers(tmp_path: Path):
    categories = [{"id": "1", "name": "cat"}, {"id": 2, "name": "cat"}, {"name": "lost"}, {"id": 3}]
    dataset, problems = read_one(
        tmp_path,
        annotation(1),
        annotation(2, category_id=2),
        annotation(3, category_id="1"),
        categories=categories,
    )
    assert {item.label for item in only(dataset).boxes} == {0}
    assert [item.name for item in dataset.classes] == ["cat", "class_3"]
    assert len(problems) == 3


def test_category_ids_may_differ_between_splits(tmp_path: Path):
    for split, ids in (("train", (1, 2)), ("val", (2, 1))):
        save_image(tmp_path / f"images/{split}/{split}.jpg")
        write_json(
            tmp_path / f"annotations/instances_{split}.json",
            annotation(1),
            images=[{"id": 1, "file_name": f"{split}.jpg", "width": 100, "height": 80}],
            categories=[{"id": ids[0], "name": "cat"}, {"id": ids[1], "name": "dog"}],
        )
    dataset, problems = COCO.read(tmp_path)
    names = {image.split: dataset.classes[image.boxes[0].label].name for image in dataset.images}
    assert names == {"train": "cat", "val": "dog"}
    assert problems == []


@pytest.mark.parametrize(
    ("json_name", "image_name", "split"),
    [
        ("annotations/instances_train2017.json", "train2017/a.jpg", "train"),
        ("annotations/instances_val.json", "images/val/a.jpg", "val"),
        ("annotations/instances_default.json", "images/default/a.jpg", None),
        ("valid/_annotations.coco.json", "valid/a.jpg", "val"),
        ("test.json", "pictures/A.JPG", "test"),
        ("result.json", "images/a.jpg", None),
    ],
)
def test_images_and_splits_are_found_where_tools_put_them(tmp_path: Path, json_name, image_name, split):
    save_image(tmp_path / image_name)
    write_json(tmp_path / json_name, annotation(1))
    image = only(COCO.read(tmp_path)[0])
    assert image.path == tmp_path / image_name
    assert image.split == split


@pytest.mark.parametrize("name", ["C:\\data\\a.jpg", "/nowhere/a.jpg", "../../a.jpg", "http://host/x/a.jpg"])
def test_foreign_paths_count_by_their_last_parts_only(tmp_path: Path, name: str):
    images = [{"id": 1, "file_name": name, "width": 100, "height": 80}]
    dataset, _ = read_one(tmp_path, annotation(1), images=images)
    assert only(dataset).path == tmp_path / "a.jpg"


def test_images_without_file_keep_their_boxes(tmp_path: Path):
    dataset, problems = COCO.read(write_json(tmp_path / "a.json", annotation(1)))
    image = only(dataset)
    assert (image.width, image.height, len(image.boxes)) == (100, 80, 1)
    assert "image not found" in str(problems[0])


def test_listed_images_without_annotations_are_verified_empty_ones(tmp_path: Path):
    assert only(read_one(tmp_path)[0]).verified
    unlabelled = only(read_one(tmp_path, categories=[])[0])
    assert not unlabelled.labelled
    assert not unlabelled.verified


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"images": 3}', '{"images": [], ', "[" * 100000, '{"a": NaN', "\xff\xfe"]
)
def test_broken_files_are_reported_by_line_and_the_others_read(tmp_path: Path, text: str):
    (tmp_path / "broken.json").write_text(text)
    dataset, problems = COCO.read(write_json(tmp_path / "good.json", annotation(1)).parent)
    assert dataset.box_count == 1
    assert problems[0].path.name == "broken.json"
    with pytest.raises(FormatError, match=r"broken\.json"):
        COCO.read(tmp_path / "broken.json")


def test_senseless_entries_never_stop_the_import(tmp_path: Path):
    images = [
        {"id": 1, "file_name": "a.jpg", "width": "wide", "height": None},
        {"id": 1, "file_name": "b.jpg"},
        {"file_name": "c.jpg"},
        {"id": 2},
        None,
        7,
    ]
    dataset, problems = read_one(
        tmp_path,
        annotation(1, area="big", attributes=[], segmentation=3, iscrowd="x"),
        None,  # type: ignore[arg-type]
        images=images,
        info=None,
        licenses="mine",
    )
    assert dataset.box_count == 1
    assert only(dataset).width == 100
    assert len(problems) == 6


def test_ignore_is_how_tools_without_attributes_mark_difficult(tmp_path: Path):
    dataset, _ = read_one(tmp_path / "in", annotation(1, ignore=1), annotation(2, ignore=0))
    assert [item.difficult for item in only(dataset).boxes] == [True, False]
    COCO.write(dataset, tmp_path / "out")
    assert [item["ignore"] for item in written(tmp_path / "out", "default")["annotations"]] == [1, 0]


def test_keys_ids_areas_and_outlines_come_back_on_export(tmp_path: Path):
    outline = [[10.5, 20, 40, 20, 40, 60]]
    rle = {"size": [80, 100], "counts": [0, 10, 7990]}
    annotations = [
        annotation(17, segmentation=outline, area=600.5, keypoints=[1, 2, 3], attributes={"color": "red"}),
        annotation(4, segmentation=rle, iscrowd=1, bbox=[0.1, 0.2, 0.3, 0.4], area=10),
    ]
    images = [
        {"id": 42, "file_name": "a.jpg", "width": 100, "height": 80, "license": 3, "coco_url": "http://x/a"}
    ]
    fields: dict[str, Any] = {
        "images": images,
        "info": {"year": 2014},
        "licenses": [{"id": 3, "name": "free"}],
        "type": "instances",
    }
    dataset, _ = read_one(tmp_path / "in", *[item | {"image_id": 42} for item in annotations], **fields)
    COCO.write(dataset, tmp_path / "out")
    content = written(tmp_path / "out", "default")
    assert content["images"] == images
    assert {key: content[key] for key in ("info", "licenses", "type")} == {
        key: fields[key] for key in ("info", "licenses", "type")
    }
    assert content["categories"] == [CATEGORIES[0], CATEGORIES[1] | {"supercategory": ""}]
    for before, after in zip(annotations, content["annotations"], strict=True):
        for key in before.keys() - {"attributes", "image_id"}:
            assert after[key] == before[key], key
    assert content["annotations"][0]["attributes"]["color"] == "red"


def test_outline_and_area_go_when_the_box_was_moved_and_the_report_says_so(tmp_path: Path):
    dataset, _ = read_one(tmp_path / "in", annotation(1, segmentation=[[10, 20, 40, 20, 40, 60]], area=600))
    image = only(dataset)
    moved = dataclasses.replace(image.boxes[0], x1=11.0)
    changed = dataclasses.replace(dataset, images=[dataclasses.replace(image, boxes=[moved])])
    report = COCO.write(changed, tmp_path / "out")
    (entry,) = written(tmp_path / "out", "default")["annotations"]
    assert entry["segmentation"] == []
    assert entry["area"] == 29 * 40
    assert any("1 box changed since the import" in loss for loss in report.losses)


def test_ids_start_at_one_and_are_unique_over_the_splits(tmp_path: Path):
    boxes = [box(0, 1, 2, 3, 4), box(1, 5, 6, 7, 8)]
    source = dataset_of(tmp_path / "in", {"a.jpg": boxes, "b.jpg": boxes, "c.jpg": []})
    images = [
        dataclasses.replace(image, split=split)
        for image, split in zip(source.images, ("train", "val", "val"), strict=True)
    ]
    COCO.write(dataclasses.replace(source, images=images), tmp_path / "out")
    contents = [written(tmp_path / "out", split) for split in ("train", "val")]
    assert [item["id"] for content in contents for item in content["annotations"]] == [1, 2, 3, 4]
    assert [item["id"] for content in contents for item in content["images"]] == [1, 2, 3]
    assert contents[0]["categories"] == contents[1]["categories"]
    assert [item["id"] for item in contents[0]["categories"]] == [1, 2]
    assert [item["file_name"] for item in contents[1]["images"]] == ["b.jpg", "c.jpg"]


def test_category_ids_of_zero_move_up_and_the_note_says_so(tmp_path: Path):
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(1, 1, 2, 3, 4)]})
    classes = [dataclasses.replace(item, source_id=number) for number, item in enumerate(source.classes)]
    report = COCO.write(dataclasses.replace(source, classes=classes), tmp_path / "out")
    content = written(tmp_path / "out")
    assert [(item["id"], item["name"]) for item in content["categories"]] == [(1, "cat"), (2, "dog")]
    assert content["annotations"][0]["category_id"] == 2
    assert any("got another id" in note for note in report.notes)


def test_new_classes_do_not_shift_the_ids_of_the_others(tmp_path: Path):
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 3, 4)]}, classes=["new", "dog", "cat"])
    numbers = [None, 18, 17]
    classes = [
        dataclasses.replace(item, source_id=n) for item, n in zip(source.classes, numbers, strict=True)
    ]
    COCO.write(dataclasses.replace(source, classes=classes), tmp_path / "out")
    assert {item["name"]: item["id"] for item in written(tmp_path / "out")["categories"]} == {
        "new": 19,
        "dog": 18,
        "cat": 17,
    }


def test_the_written_annotation_is_the_golden_sample(tmp_path: Path):
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(1, 0.5, 2, 30, 80, difficult=True)]})
    COCO.write(source, tmp_path / "out")
    content = written(tmp_path / "out")
    flags = {"difficult": True, "truncated": False, "occluded": False}
    assert content["annotations"] == [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 2,
            "bbox": [0.5, 2, 29.5, 78],
            "area": 29.5 * 78,
            "segmentation": [],
            "iscrowd": 0,
            "attributes": flags,
        }
    ]
    assert content["images"] == [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80, "license": 1}]
    assert content["licenses"][0]["id"] == 1
    options = ExportOptions(own=CocoOptions(difficult_as_crowd=True, polygon=True))
    COCO.write(source, tmp_path / "other", options)
    (entry,) = written(tmp_path / "other")["annotations"]
    assert entry["iscrowd"] == 1
    assert entry["segmentation"] == [[0.5, 2, 30, 2, 30, 80, 0.5, 80]]


def test_a_perfect_detector_gets_full_marks_from_pycocotools(tmp_path: Path):
    from pycocotools.coco import COCO as Api
    from pycocotools.cocoeval import COCOeval

    images = {f"{n}.jpg": [box(0, n, n, n + 40, n + 30), box(1, 50, 2 + n, 99, 70)] for n in range(5)}
    COCO.write(dataset_of(tmp_path / "in", {**images, "empty.jpg": []}), tmp_path / "out")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = Api(str(tmp_path / "out/annotations/instances_train.json"))
        entries = truth.loadAnns(truth.getAnnIds())
        found = [
            {key: entry[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.9}
            for entry in entries
        ]
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert len(truth.getImgIds()) == 6
    assert evaluation.stats[0] == pytest.approx(1.0, abs=1e-12)


def test_opening_and_saving_again_and_again_changes_no_byte(tmp_path: Path):
    boxes = [box(0, 0, 0, 33.3, 1.25, truncated=True), box(1, 5.1, 6.7, 99.99, 79.5, crowd=True)]
    source = dataset_of(tmp_path / "in", {"a.jpg": boxes, "b.png": []})
    COCO.write(source, tmp_path / "out0")
    expected = hashes(tmp_path / "out0/annotations")
    for turn in range(10):
        again, problems = COCO.read(tmp_path / f"out{turn}")
        assert problems == []
        assert [image.verified for image in again.images] == [False, True]
        COCO.write(again, tmp_path / f"out{turn + 1}")
        assert hashes(tmp_path / f"out{turn + 1}/annotations") == expected


def test_verified_images_with_boxes_are_recognised_again(tmp_path: Path):
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 3, 4)], "b.jpg": [box(0, 1, 2, 3, 4)]})
    images = [dataclasses.replace(source.images[0], verified=True), source.images[1]]
    COCO.write(dataclasses.replace(source, images=images), tmp_path / "out")
    assert [image.verified for image in COCO.read(tmp_path / "out")[0].images] == [True, False]


def test_without_copies_the_file_names_are_those_of_the_originals(tmp_path: Path):
    source = dataset_of(tmp_path / "in", {"x/a.jpg": [box(0, 1, 2, 3, 4)], "y/a.jpg": []})
    COCO.write(source, tmp_path / "out", ExportOptions(images=Images.REFERENCE))
    assert [item["file_name"] for item in written(tmp_path / "out")["images"]] == ["x/a.jpg", "y/a.jpg"]
    assert not (tmp_path / "out/images").exists()
    again, problems = COCO.read(tmp_path / "out", image_folder=tmp_path / "in")
    assert [image.path for image in again.images] == [image.path for image in source.images]
    assert problems == []
