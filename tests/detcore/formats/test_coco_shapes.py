"""COCO as programs bend it: what can be understood is read, and nothing is lost without a word."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from detcore.errors import FormatError
from detcore.exchange import import_dataset
from detcore.formats import all_formats
from detcore.formats.base import Dataset, Problem
from detcore.formats.coco.bounds import read_bounds
from detcore.project.project import Project
from tests.detcore.formats.format_samples import box, dataset_of, save_image

COCO = all_formats()["coco"]
IMAGE = {"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}
DOG = {"id": 1, "name": "dog"}
BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40], "area": 1200, "iscrowd": 0}


def read(folder: Path, **content: Any) -> tuple[Dataset, list[Problem]]:
    for name in ("a.jpg", "b.jpg"):
        save_image(folder / name)
    usual = {"images": [IMAGE], "annotations": [BOX], "categories": [DOG]}
    (folder / "i.json").write_text(json.dumps(usual | content))
    return COCO.read(folder / "i.json")


def boxes_by_name(dataset: Dataset) -> dict[str, list[tuple[float, ...]]]:
    return {image.name: [item.xyxy for item in image.boxes] for image in dataset.images}


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
def test_an_object_by_id_in_place_of_a_list_is_read_and_reported(tmp_path: Path, key: str):
    entry = {"images": IMAGE, "annotations": BOX, "categories": DOG}[key]
    without_id = {name: value for name, value in entry.items() if name != "id"}
    for number, inner in enumerate((entry, without_id)):
        dataset, problems = read(tmp_path / str(number), **{key: {"1": inner}})
        assert boxes_by_name(dataset) == {"a.jpg": [(10, 20, 40, 60)]}
        assert [item.name for item in dataset.classes] == ["dog"]
        assert [f"“{key}”" in problem.message for problem in problems] == [True]


@pytest.mark.parametrize("senseless", ["many", 3, True])
def test_annotations_of_no_kind_leave_the_images_unseen_and_are_reported(tmp_path: Path, senseless: Any):
    dataset, problems = read(tmp_path, annotations=senseless)
    assert [image.labelled for image in dataset.images] == [False]
    assert "“annotations” is no list" in str(problems[0])


def test_entries_that_are_no_objects_are_counted(tmp_path: Path):
    dataset, problems = read(tmp_path, annotations=[BOX, 3, None, [1]])
    assert dataset.box_count == 1
    assert "“annotations” holds 3 entries that are no objects" in str(problems[0])


def test_images_of_lvis_are_named_by_the_last_parts_of_their_address(tmp_path: Path):
    save_image(tmp_path / "train2017/a.jpg")
    save_image(tmp_path / "val2017/a.jpg", (60, 40))
    image = {"id": 1, "coco_url": "http://images.cocodataset.org/train2017/a.jpg", "width": 100, "height": 80}
    dataset, problems = read(tmp_path, images=[image])
    assert boxes_by_name(dataset) == {"a.jpg": [(10, 20, 40, 60)]}
    assert dataset.images[0].path == tmp_path / "train2017/a.jpg"
    assert problems == []


@pytest.mark.parametrize("url", [None, 3, "http://[", "http://x.org", ""])
def test_an_address_without_a_name_is_reported(tmp_path: Path, url: Any):
    dataset, problems = read(tmp_path, images=[IMAGE, {"id": 2, "coco_url": url}])
    assert list(boxes_by_name(dataset)) == ["a.jpg"]
    assert ["image 2 without file name" in problem.message for problem in problems] == [True]


@pytest.mark.parametrize("images", [[], [{"file_name": "a.jpg"}], [{"id": 1}], {}])
def test_a_dataset_of_which_no_image_is_left_is_an_error_with_its_reasons(tmp_path: Path, images: Any):
    with pytest.raises(FormatError, match="no image of the dataset can be used") as caught:
        read(tmp_path, images=images)
    if images:
        assert "without" in str(caught.value)


def test_an_import_of_nothing_changes_no_project(tmp_path: Path):
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as project:
        with pytest.raises(FormatError):
            read(tmp_path / "in", images=[{"file_name": "a.jpg"}])
        with pytest.raises(FormatError):
            import_dataset(project, "coco", tmp_path / "in/i.json")
        assert project.classes() == []


@pytest.mark.parametrize(
    ("ids", "image_ids"),
    [
        (("01", "1"), ("01", "1")),
        ((1, "1"), (1, "1")),
        (("a", "b"), ("a", "b")),
        (("1", "2"), (1, 2)),
        ((1, 2), ("1", "002")),
        ((1.0, "x"), ("1", "x")),
        (("9" * 40, "9" * 41), ("9" * 40, "9" * 41)),
    ],
)
def test_ids_are_compared_as_written_first(tmp_path: Path, ids: tuple[Any, ...], image_ids: tuple[Any, ...]):
    images = [
        IMAGE | {"id": own, "file_name": name} for own, name in zip(ids, ("a.jpg", "b.jpg"), strict=True)
    ]
    annotations = [
        BOX | {"image_id": own, "bbox": [place, 1, 5, 5]} for place, own in enumerate(image_ids, start=1)
    ]
    dataset, problems = read(tmp_path, images=images, annotations=annotations)
    assert boxes_by_name(dataset) == {"a.jpg": [(1, 1, 6, 6)], "b.jpg": [(2, 1, 7, 6)]}
    assert problems == []


def test_a_number_that_two_ids_could_be_is_not_guessed(tmp_path: Path):
    images = [IMAGE | {"id": "01"}, IMAGE | {"id": "001", "file_name": "b.jpg"}]
    dataset, problems = read(tmp_path, images=images)
    assert dataset.box_count == 0
    assert "image id 1, which is not in the file" in str(problems[0])


def test_ids_of_categories_are_compared_as_written_first(tmp_path: Path):
    categories = [{"id": "01", "name": "cat"}, {"id": "1", "name": "dog"}]
    annotations = [BOX | {"category_id": "01"}, BOX | {"id": 2, "category_id": "1"}]
    dataset, problems = read(tmp_path, categories=categories, annotations=annotations)
    assert [dataset.classes[item.label].name for item in dataset.images[0].boxes] == ["cat", "dog"]
    assert problems == []


ROBOFLOW = [
    {"id": 0, "name": "fish", "supercategory": "none"},
    {"id": 1, "name": "cod", "supercategory": "fish"},
    {"id": 2, "name": "eel", "supercategory": "fish"},
]


def test_the_empty_heading_of_roboflow_is_no_class_and_is_named(tmp_path: Path):
    dataset, problems = read(tmp_path, categories=ROBOFLOW)
    assert [(item.name, item.source_id) for item in dataset.classes] == [("cod", 1), ("eel", 2)]
    assert ["'fish'" in problem.message for problem in problems] == [True]


@pytest.mark.parametrize(
    "content",
    [
        {"annotations": [BOX, BOX | {"id": 2, "category_id": 0}]},
        {"categories": [{"id": 0, "name": "fish", "supercategory": "none"}]},
        {"categories": [*ROBOFLOW, {"id": 3, "name": "boat", "supercategory": "vehicle"}]},
        {"categories": [ROBOFLOW[0] | {"supercategory": "animal"}, *ROBOFLOW[1:]]},
    ],
)
def test_a_category_at_0_that_is_more_than_a_heading_stays_a_class(tmp_path: Path, content: dict[str, Any]):
    dataset, _ = read(tmp_path, **({"categories": ROBOFLOW} | content))
    assert "fish" in [item.name for item in dataset.classes]


def test_a_heading_with_a_box_in_one_split_stays_a_class_in_all(tmp_path: Path):
    for split, category in (("train", 1), ("valid", 0)):
        save_image(tmp_path / split / "a.jpg")
        content = {
            "images": [IMAGE],
            "categories": ROBOFLOW,
            "annotations": [BOX | {"category_id": category}],
        }
        (tmp_path / split / "_annotations.coco.json").write_text(json.dumps(content))
    dataset, problems = COCO.read(tmp_path)
    assert [item.name for item in dataset.classes] == ["fish", "cod", "eel"]
    assert problems == []


def square(kind: str) -> dict[str, Any]:
    """Rows 20 to 59, columns 10 to 39 of 100 × 80."""
    pixels = np.zeros((80, 100), np.uint8, order="F")
    pixels[20:60, 10:40] = 1
    encoded = coco_mask.encode(pixels)
    if kind == "compressed":
        return {"size": [80, 100], "counts": encoded["counts"].decode()}
    flat = pixels.flatten(order="F")
    ends = np.flatnonzero(np.diff(flat)) + 1
    return {"size": [80, 100], "counts": np.diff([0, *ends, flat.size]).tolist()}


@pytest.mark.parametrize("kind", ["compressed", "plain"])
def test_a_mask_without_bbox_gives_its_bounds(tmp_path: Path, kind: str):
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": square(kind), "area": 1200}
    dataset, problems = read(tmp_path, annotations=[annotation])
    assert boxes_by_name(dataset) == {"a.jpg": [(10, 20, 40, 60)]}
    assert ["bounds of the mask" in problem.message for problem in problems] == [True]
    assert dataset.images[0].boxes[0].extra["coco"]["segmentation"] == square(kind)


@settings(max_examples=200, deadline=None)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from([0.05, 0.3, 0.9]),
)
def test_bounds_of_masks_are_those_of_pycocotools(height: int, width: int, seed: int, share: float):
    pixels = np.asfortranarray(np.random.default_rng(seed).random((height, width)) < share, dtype=np.uint8)
    encoded = coco_mask.encode(pixels)
    left, top, across, down = coco_mask.toBbox(encoded).tolist()
    mask = {"size": [height, width], "counts": encoded["counts"].decode()}
    bounds, _ = read_bounds({"segmentation": mask})
    assert bounds == ((left, top, left + across, top + down) if pixels.any() else None)


@pytest.mark.parametrize(
    "mask",
    [
        {},
        {"size": [80, 100]},
        {"size": [80, 100], "counts": "\u00ff\u00ff"},
        {"size": [80, 100], "counts": [1, 2]},
        {"size": [80, 100], "counts": [-1, 8001]},
        {"size": [80, 100], "counts": [8000]},
        {"size": [80, 100], "counts": ["8000"]},
        {"size": [80, 100], "counts": [0.5, 7999.5]},
        {"size": [0, 100], "counts": []},
        {"size": ["x", 100], "counts": [8000]},
        {"size": [1e300, 1e300], "counts": [8000]},
        {"size": [80, 100], "counts": "o" * 5000},
    ],
)
def test_senseless_masks_are_reported(tmp_path: Path, mask: dict[str, Any]):
    annotation = {"id": 7, "image_id": 1, "category_id": 1, "segmentation": mask}
    dataset, problems = read(tmp_path, annotations=[BOX, annotation])
    assert dataset.box_count == 1
    assert "annotation 7: no bbox of four numbers: left out" in str(problems[0])


def test_ids_that_an_export_changes_are_counted(tmp_path: Path):
    source = dataset_of(tmp_path / "in", {name: [box(0, 1, 2, 30, 40)] for name in ("a.jpg", "b.jpg")})
    extra = {"coco": {"id": 7}}
    images = [dataclasses.replace(image, extra=extra) for image in source.images]
    report = COCO.write(dataclasses.replace(source, images=images), tmp_path / "out")
    assert any("1 image or annotation got another id" in note for note in report.notes)
