"""Datasets of other people, and the numbers that these people state."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from detcore.errors import FormatError
from detcore.formats import all_formats, detect_format
from detcore.formats.base import Dataset, ExportOptions, Images
from detcore.formats.common.json_files import nearly_equal
from detcore.formats.tfrecord.example import read_example
from detcore.formats.tfrecord.records import read_records
from tests.detcore.formats.format_samples import WRITABLE, hashes

pytestmark = pytest.mark.data
PADILLA = "padilla_review/data/database"


def boxes_by_image(dataset: Dataset) -> dict[str, list[tuple[object, ...]]]:
    """Whole pixels and class names, whatever the order."""
    return {
        image.path.stem: sorted(
            (dataset.classes[item.label].name, *(round(edge) for edge in item.xyxy)) for item in image.boxes
        )
        for image in dataset.images
    }


def test_bccd_has_364_images_and_4886_boxes_and_two_without_area(real_data: Path):
    dataset, problems = all_formats()["voc"].read(real_data / "bccd/BCCD")
    assert len(dataset.images) == 364
    assert dataset.box_count == 4886
    assert {(problem.path.name, problem.line) for problem in problems} == {
        ("BloodImage_00338.xml", 163),
        ("BloodImage_00343.xml", 55),
    }
    assert all("without area" in problem.message for problem in problems)
    assert Counter(image.split for image in dataset.images) == {"train": 205, "val": 87, "test": 72}
    assert [item.name for item in dataset.classes] == ["WBC", "RBC", "Platelets"]


def test_playing_cards_with_windows_paths_and_mixed_case_are_all_found(real_data: Path):
    dataset, problems = all_formats()["voc"].read(real_data / "playing_cards")
    assert len(dataset.images) == 363
    assert all(image.path.is_file() for image in dataset.images)
    assert Counter(image.split for image in dataset.images) == {"train": 296, "test": 67}
    # The set's own CSV files list one box a line under a line of headings.
    listed = [(real_data / f"playing_cards/images/{name}_labels.csv") for name in ("train", "test")]
    assert dataset.box_count + sum("left out" in problem.message for problem in problems) == sum(
        len(path.read_text().strip().splitlines()) - 1 for path in listed
    )


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("voc", "imagenet_format"),
        ("cvat", "cvat_format"),
        ("tfrecord", "tfrecord_format"),
        ("labelme", "labelme_format"),
        ("coco", "coco_format_v1"),
        ("coco", "coco_format_v2"),
        ("yolo", "yolo_format"),
    ],
)
def test_the_same_273_boxes_come_out_of_every_format(real_data: Path, name: str, folder: str):
    images = real_data / PADILLA / "images"
    reference, _ = all_formats()["voc"].read(
        real_data / PADILLA / "gts/pascalvoc_format", image_folder=images
    )
    dataset, problems = all_formats()[name].read(real_data / PADILLA / "gts" / folder, image_folder=images)
    assert detect_format(real_data / PADILLA / "gts" / folder) == name
    assert dataset.box_count == 273
    assert boxes_by_image(dataset) == boxes_by_image(reference)
    for image, other in zip(dataset.images, reference.images, strict=True):
        edges, right = (sorted(item.xyxy for item in found.boxes) for found in (image, other))
        assert np.ravel(edges) == pytest.approx(np.ravel(right), abs=0.001)
    assert problems == []


def test_coco_sample_keeps_crowds_outlines_and_ids(real_data: Path, tmp_path: Path):
    path = real_data / "faster_coco_eval/tests/dataset/cocoapi/instances_val2014_100.json"
    dataset, problems = all_formats()["coco"].read(path)
    assert (len(dataset.images), dataset.box_count) == (100, 839)
    assert sum(item.crowd for image in dataset.images for item in image.boxes) == 9
    assert all(problem.message == "image not found" for problem in problems)
    assert all(image.width and image.height for image in dataset.images)
    report = all_formats()["coco"].write(dataset, tmp_path / "out")
    assert report.losses == ()
    before, after = (
        json.loads(path.read_text()),
        json.loads((tmp_path / "out/annotations/instances_val.json").read_text()),
    )
    assert after["info"] == before["info"]
    assert after["licenses"] == before["licenses"]
    for part in ("images", "annotations", "categories"):
        found = {item["id"]: item for item in after[part]}
        assert len(found) == len(before[part])
        for item in before[part]:
            assert {key: found[item["id"]][key] for key in item} == item


@pytest.mark.parametrize(
    ("name", "folder", "images", "boxes"),
    [
        ("yolo", "yolo_dataset/strict", 1, 2),
        ("yolo", "yolo_dataset/labels", 2, 4),
        ("yolo", "yolo_dataset/annotations", 1, 2),
        ("yolo", "roboflow_dataset/yolo", 3, 4),
        ("yolo", "kaggle_dataset/relaxed_yolo", 2, 4),
        ("coco", "coco_dataset/coco", 2, 3),
        ("coco", "coco_dataset/mmdet_coco", 2, 3),
        ("coco", "roboflow_dataset/coco", 3, 4),
        ("coco", "kaggle_dataset/relaxed_coco", 2, 2),
        ("voc", "voc_dataset/voc_dataset1", 2, 2),
        ("cvat", "cvat_dataset/for_images/export_project", 6, 12),
        ("cvat", "cvat_dataset/for_images/export_task", 2, 2),
        ("cvat", "cvat_dataset/for_video", 3, 3),
        ("datumaro", "datumaro_dataset/legacy", 4, 0),
        ("tfrecord", "roboflow_dataset/tfrecord", 3, 4),
        ("createml", "roboflow_dataset/createml", 3, 4),
        ("voc", "roboflow_dataset/voc", 3, 4),
        ("voc", "kaggle_dataset/relaxed_voc1", 2, 2),
        ("voc", "kaggle_dataset/relaxed_voc2", 2, 2),
    ],
)
def test_small_sets_of_many_tools_are_read(real_data: Path, name: str, folder: str, images: int, boxes: int):
    dataset, _ = all_formats()[name].read(real_data / "datumaro_assets/tests/assets" / folder)
    assert (len(dataset.images), dataset.box_count) == (images, boxes)


def test_bccd_survives_every_format_and_its_files_stay_as_they_are(real_data: Path, tmp_path: Path):
    before = hashes(real_data / "bccd")
    dataset, _ = all_formats()["voc"].read(real_data / "bccd/BCCD")
    expected = boxes_by_image(dataset)
    for name in WRITABLE:
        item = all_formats()[name]
        item.write(dataset, tmp_path / name)
        again, problems = item.read(tmp_path / name)
        assert boxes_by_image(again) == expected
        assert problems == []
        assert Counter(image.split for image in again.images) == {"train": 205, "val": 87, "test": 72}
    assert hashes(real_data / "bccd") == before


@pytest.mark.parametrize(
    ("file", "images", "boxes"),
    [
        ("test_export_csv/csv_test.json", 2, 3),
        ("test_export_yolo/data.json", 2, 4),
        ("test_export_yolo/data_obb.json", 3, 25),
        ("test_export_yolo/data_polygons.json", 1, 1),
        ("test_export_json_min/data.json", 1, 1),
    ],
)
def test_exports_of_label_studio_come_in_and_go_out_with_all_that_they_say(
    real_data: Path, file: str, images: int, boxes: int, tmp_path: Path
):
    source = real_data / "label_studio/tests/data" / file
    dataset, _ = all_formats()["label-studio"].read(source)
    assert (len(dataset.images), dataset.box_count) == (images, boxes)
    all_formats()["label-studio"].write(dataset, tmp_path / "out")
    after = json.loads((tmp_path / "out/tasks.json").read_text())
    # One box of the first file reaches out of its image, and is clipped.
    if file != "test_export_csv/csv_test.json":
        assert nearly_equal(json.loads(source.read_text()), after)
    assert boxes_by_image(all_formats()["label-studio"].read(tmp_path / "out")[0]) == boxes_by_image(dataset)


@pytest.mark.parametrize(
    "file", ["test_export_csv/csv_test2.json", "test_export_json_min/data_repeater.json"]
)
def test_tasks_of_label_studio_without_an_image_of_their_own_are_refused_by_their_number(
    real_data: Path, file: str
):
    with pytest.raises(FormatError, match=r"task \d+: names no image of its own"):
        all_formats()["label-studio"].read(real_data / "label_studio/tests/data" / file)


def elements(path: Path) -> list[tuple[object, ...]]:
    """Tag, attributes (numbers as numbers) and text of all elements of an XML file, images by name."""

    def value(text: str) -> object:
        try:
            return [float(part) for part in text.replace(";", ",").split(",")]
        except ValueError:
            return text

    root = ElementTree.parse(path).getroot()
    parts = sorted(root, key=lambda node: (node.tag, node.get("subset", ""), node.get("name", "")))
    return [
        (node.tag, {key: value(text) for key, text in node.attrib.items()}, (node.text or "").strip())
        for part in parts
        for node in part.iter()
    ]


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        (f"{PADILLA}/gts/cvat_format", "annotations.xml"),
        ("datumaro_assets/tests/assets/cvat_dataset/for_images/export_project", "annotations.xml"),
    ],
)
def test_cvat_files_go_out_as_they_came_in(real_data: Path, tmp_path: Path, folder: str, file: str):
    dataset, _ = all_formats()["cvat"].read(real_data / folder, image_folder=real_data / PADILLA / "images")
    assert all_formats()["cvat"].write(dataset, tmp_path / "out").losses == ()
    before, after = elements(real_data / folder / file), elements(tmp_path / "out/annotations.xml")
    # Datumaro leaves out that something is not occluded.
    assert after == [
        (tag, {"occluded": [0.0]} | fields if "label" in fields else fields, text)
        for tag, fields, text in before
    ]


def test_records_go_out_as_they_came_in(real_data: Path, tmp_path: Path):
    source = real_data / PADILLA / "gts/tfrecord_format"
    dataset, _ = all_formats()["tfrecord"].read(source, image_folder=real_data / PADILLA / "images")
    all_formats()["tfrecord"].write(dataset, tmp_path / "out", ExportOptions(images=Images.REFERENCE))
    found = []
    for folder in (source, tmp_path / "out"):
        records = [read_example(record.data) for record in read_records(folder / "default.tfrecord")]
        found.append({bytes(record["image/filename"].texts[0]): record for record in records})
    before, after = found
    assert len(before) == 100
    assert {
        name: {key: list(item.values) for key, item in record.items()} for name, record in after.items()
    } == {name: {key: list(item.values) for key, item in record.items()} for name, record in before.items()}
