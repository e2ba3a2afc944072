"""YOLO as written: what other tools demand of the files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from detcore.formats.base import Dataset, DatasetImage, ExportOptions
from detcore.formats.yolo.reading import YOLO
from detcore.formats.yolo.writing import YoloOptions
from tests.detcore.formats.format_samples import box, dataset_of, hashes, save_image

LINE = "0 0.5 0.5 0.2 0.5\n"  # 40 20 60 60 of an image of 100 × 80


def write(path: Path, text: str = "", encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def only(dataset: Dataset) -> DatasetImage:
    (image,) = dataset.images
    return image


def test_the_written_files_are_the_golden_sample(tmp_path: Path):
    boxes = [box(1, 40, 20, 60, 60), box(0, 0, 0, 1, 1)]
    source = dataset_of(tmp_path / "in", {"a.jpg": boxes, "b.jpg": []})
    YOLO.write(source, tmp_path / "out")
    out = tmp_path / "out"
    assert (out / "labels/train/a.txt").read_bytes() == (
        b"1 0.5000000000 0.5000000000 0.2000000000 0.5000000000\n"
        b"0 0.0050000000 0.0062500000 0.0100000000 0.0125000000\n"
    )
    assert (out / "labels/train/b.txt").read_bytes() == b""
    assert (out / "classes.txt").read_bytes() == b"cat\ndog\n"
    assert sorted(path.name for path in (out / "labels/train").iterdir()) == ["a.txt", "b.txt"]
    assert (out / "data.yaml").read_text() == (
        'train: images/train\nval: images/train\nnames:\n  0: "cat"\n  1: "dog"\n'
    )
    assert sorted(path.name for path in (out / "images/train").iterdir()) == ["a.jpg", "b.jpg"]


def test_data_yaml_names_the_splits_that_exist(tmp_path: Path):
    source = dataset_of(tmp_path / "in", {f"{name}.jpg": [box(0, 1, 2, 3, 4)] for name in "abc"})
    splits = ("train", "val", "test")
    images = [dataclasses.replace(i, split=s) for i, s in zip(source.images, splits, strict=True)]
    report = YOLO.write(dataclasses.replace(source, images=images), tmp_path / "out")
    content = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert content == {
        **{split: f"images/{split}" for split in splits},
        "names": {0: "cat", 1: "dog"},
    }
    assert report.notes == ()
    report = YOLO.write(source, tmp_path / "only_train")
    assert any("no images for validation" in note for note in report.notes)


@pytest.mark.parametrize(
    ("source_ids", "expected"),
    [
        ([None, None, None], [0, 1, 2]),
        ([2, 0, 1], [2, 0, 1]),
        ([1, None, 0], [1, 2, 0]),
        ([18, 17, 90], [1, 0, 2]),
        ([3, None, 1], [1, 2, 0]),
        ([0, 0, 1], [0, 1, 2]),
    ],
)
def test_classes_keep_the_ids_of_their_source(tmp_path: Path, source_ids, expected):
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(n, 1, 2, 3, 4) for n in range(3)]}, classes="xyz")
    classes = [dataclasses.replace(i, source_id=n) for i, n in zip(source.classes, source_ids, strict=True)]
    YOLO.write(dataclasses.replace(source, classes=classes), tmp_path / "out")
    lines = (tmp_path / "out/labels/train/a.txt").read_text().splitlines()
    assert [int(line.split()[0]) for line in lines] == expected
    names = (tmp_path / "out/classes.txt").read_text().split()
    assert [names[number] for number in expected] == ["x", "y", "z"]


def test_flags_splits_and_verified_survive_in_the_sidecar_and_the_losses_say_so(tmp_path: Path):
    boxes = [
        box(0, 1, 2, 3, 4, difficult=True),
        box(0, 1, 2, 3, 4),
        box(0, 5, 6, 7, 8, truncated=True, occluded=True, crowd=True),
    ]
    source = dataset_of(tmp_path / "in", {"a.jpg": boxes}, split=None)
    source = dataclasses.replace(source, images=[dataclasses.replace(source.images[0], verified=True)])
    report = YOLO.write(source, tmp_path / "out")
    again, problems = YOLO.read(tmp_path / "out")
    flags = ("difficult", "truncated", "occluded", "crowd")
    assert [[getattr(item, flag) for flag in flags] for item in only(again).boxes] == [
        [getattr(item, flag) for flag in flags] for item in boxes
    ]
    assert only(again).split is None
    assert only(again).verified
    assert problems[1:] == []  # val is train
    assert sum("“" in loss for loss in report.losses) == 6


def test_flags_stay_with_their_box_when_another_tool_changed_the_lines(tmp_path: Path):
    boxes = [box(0, 1, 2, 3, 4), box(0, 5, 6, 7, 8, difficult=True)]
    YOLO.write(dataset_of(tmp_path / "in", {"a.jpg": boxes}), tmp_path / "out")
    path = tmp_path / "out/labels/train/a.txt"
    first, second = path.read_text().splitlines()
    path.write_text(f"{second}\n1 0.5 0.5 0.1 0.1\n")
    assert [item.difficult for item in only(YOLO.read(tmp_path / "out")[0]).boxes] == [True, False]
    assert first


def test_unknown_keys_of_data_yaml_survive(tmp_path: Path):
    save_image(tmp_path / "in/images/a.jpg")
    write(tmp_path / "in/labels/a.txt", LINE)
    keys = {
        "train": "images",
        "val": "images",
        "names": ["cat"],
        "nc": 1,
        "author": "Ann",
        "roboflow": {"v": 2},
    }
    write(tmp_path / "in/data.yaml", yaml.safe_dump(keys))
    dataset, _ = YOLO.read(tmp_path / "in")
    assert dataset.extra == {"yolo": {"author": "Ann", "roboflow": {"v": 2}}}
    YOLO.write(dataset, tmp_path / "out")
    assert YOLO.read(tmp_path / "out")[0].extra == dataset.extra


def test_opening_and_saving_again_and_again_changes_no_byte(tmp_path: Path):
    boxes = [box(0, 0, 0, 33.3, 1.25, truncated=True), box(1, 5.1, 6.7, 99.99, 79.5)]
    source = dataset_of(tmp_path / "in", {"a.jpg": boxes, "b.png": []})
    YOLO.write(source, tmp_path / "out0")
    expected = hashes(tmp_path / "out0/labels")
    for turn in range(10):
        again, _ = YOLO.read(tmp_path / f"out{turn}")
        YOLO.write(again, tmp_path / f"out{turn + 1}")
        assert hashes(tmp_path / f"out{turn + 1}/labels") == expected


@pytest.mark.parametrize("name", ["classes.jpg", "Classes.png", "sub/classes.jpg", "predefined_classes.jpg"])
def test_an_image_called_like_the_list_of_classes_keeps_its_labels(name: str, tmp_path: Path):
    YOLO.write(dataset_of(tmp_path / "in", {name: [box(1, 10, 20, 30, 40)]}), tmp_path / "out")
    again, problems = YOLO.read(tmp_path / "out")
    (image,) = again.images
    assert [item.xyxy for item in image.boxes] == [pytest.approx((10, 20, 30, 40), abs=1e-6)]
    assert [item.name for item in again.classes] == ["cat", "dog"]
    assert not any("classes.txt" in str(problem) for problem in problems)


def test_names_lie_beside_the_labels_for_labelimg_alone_and_are_told_of(tmp_path: Path):
    """Some tools take every text file there for labels and stop at them."""
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 3, 4)]})
    options = ExportOptions(own=YoloOptions(label_classes=True))
    report = YOLO.write(source, tmp_path / "out", options)
    assert (tmp_path / "out/labels/train/classes.txt").read_bytes() == b"cat\ndog\n"
    assert any("classes.txt" in note and "labelImg" in note for note in report.notes)


@pytest.mark.parametrize("split", [None, "train", "val", "test"])
def test_an_export_whose_list_for_training_is_that_for_validation_is_read_back_without_a_word(
    tmp_path: Path, split: str | None
):
    source = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 40, 20, 60, 60)], "b.jpg": []}, split=split)
    YOLO.write(source, tmp_path / "out")
    content = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert {"train", "val"} <= content.keys()  # which Ultralytics demands
    dataset, problems = YOLO.read(tmp_path / "out")
    assert problems == []
    assert [image.split for image in dataset.images] == [split, split]
