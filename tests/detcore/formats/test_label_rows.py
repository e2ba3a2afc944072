"""Formats of one text file an image: columns as their documents have them, and what is no row costs no other."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from detcore.errors import FormatError
from detcore.formats import all_formats, detect_format
from detcore.formats.base import Dataset, Problem
from detcore.formats.common.shapes import shape_of
from detcore.formats.kitti.reading import KITTI
from detcore.formats.label_rows.oidv4 import NamedRowsReading
from tests.detcore.formats.format_samples import box, dataset_of, save_image

# The first rows of 000000.txt to 000002.txt of the training set, as the development kit prints them.
PEDESTRIAN = "Pedestrian 0.00 0 -0.20 12.40 43.00 30.73 79.92 1.89 0.48 1.20 1.84 1.47 8.41 0.01"
TRUCK = "Truck 0.35 2 -1.57 59.61 15.46 69.81 18.41 2.85 2.63 12.34 0.47 1.49 69.44 -1.56"
DONT_CARE = "DontCare -1 -1 -10 50.60 7.70 59.00 15.20 -1 -1 -1 -1000 -1000 -1000 -10"


def read(
    name: str, folder: Path, *lines: str, labels: str = "labels/a.txt", image: str = "images/a.jpg"
) -> tuple[Dataset, list[Problem]]:
    save_image(folder / image)
    (folder / labels).parent.mkdir(parents=True, exist_ok=True)
    (folder / labels).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return all_formats()[name].read(folder)


def found(dataset: Dataset) -> list[tuple[object, ...]]:
    """Class, edges and the flags that are set, of each box."""
    flags = ("difficult", "truncated", "occluded", "crowd")
    return [
        (dataset.classes[item.label].name, *item.xyxy, *(flag for flag in flags if getattr(item, flag)))
        for image in dataset.images
        for item in image.boxes
    ]


def test_kitti_has_edges_in_columns_five_to_eight_and_flags_in_front(tmp_path: Path):
    dataset, problems = read("kitti", tmp_path, PEDESTRIAN, TRUCK, DONT_CARE, labels="label_2/a.txt")
    assert found(dataset) == [
        ("Pedestrian", 12.4, 43, 30.73, 79.92),
        ("Truck", 59.61, 15.46, 69.81, 18.41, "truncated", "occluded"),
        ("DontCare", 50.6, 7.7, 59, 15.2, "crowd"),
    ]
    assert problems == []


def test_what_kitti_says_of_space_goes_out_as_it_came_in_and_flags_as_they_are_now(tmp_path: Path):
    dataset, _ = read("kitti", tmp_path / "in", PEDESTRIAN, TRUCK, DONT_CARE, labels="label_2/a.txt")
    assert KITTI.write(dataset, tmp_path / "out").losses == ()
    written = (tmp_path / "out/label_2/a.txt").read_text().splitlines()
    values = [[float(word) for word in line.split()[1:]] for line in written]
    assert values == [[float(word) for word in line.split()[1:]] for line in (PEDESTRIAN, TRUCK, DONT_CARE)]
    (image,) = dataset.images
    changed = [dataclasses.replace(image.boxes[1], truncated=False, occluded=False)]
    dataset = dataclasses.replace(dataset, images=[dataclasses.replace(image, boxes=changed)])
    KITTI.write(dataset, tmp_path / "other")
    assert (tmp_path / "other/label_2/a.txt").read_text().split()[:4] == ["Truck", "0", "0", "-1.57"]


def test_kitti_tells_what_it_calls_otherwise(tmp_path: Path):
    boxes = [box(0, 1, 2, 30, 40), box(1, 1, 2, 30, 40, crowd=True), box(2, 3, 4, 50, 60)]
    dataset = dataset_of(tmp_path / "in", {"a.jpg": boxes}, classes=["traffic light", "cat", "traffic_light"])
    report = KITTI.write(dataset, tmp_path / "out")
    assert report.losses == (
        "1 crowd written as “DontCare”, the regions that KITTI passes over, which name no class.",
        "KITTI's types have no blanks: “traffic light” as “traffic_light_”.",
    )
    lines = (tmp_path / "out/training/label_2/a.txt").read_text().splitlines()
    assert lines == [
        "traffic_light_ 0 0 -10 1 2 30 40 -1 -1 -1 -1000 -1000 -1000 -10",
        "DontCare -1 -1 -10 1 2 30 40 -1 -1 -1 -1000 -1000 -1000 -10",
        "traffic_light 0 0 -10 3 4 50 60 -1 -1 -1 -1000 -1000 -1000 -10",
    ]


def test_visdrone_has_corner_and_size_and_its_own_table_of_categories(tmp_path: Path):
    lines = ["10,20,30,40,1,4,0,0", "1,2,3,4,1,10,1,2,", "5,6,7,8,0,0,0,0", "50,60,5,6,0,11,0,1"]
    dataset, problems = read("visdrone", tmp_path, *lines, labels="annotations/a.txt")
    assert found(dataset) == [
        ("car", 10, 20, 40, 60),
        ("motor", 1, 2, 4, 6, "truncated", "occluded"),
        ("ignored regions", 5, 6, 12, 14, "crowd"),
        ("others", 50, 60, 55, 66, "difficult", "occluded"),
    ]
    ids = {item.name: item.source_id for item in dataset.classes}
    assert (ids["pedestrian"], ids["awning-tricycle"], ids["others"]) == (1, 8, 11)
    assert problems == []


def test_the_splits_of_visdrone_stand_in_the_names_of_its_folders(tmp_path: Path):
    for split in ("train", "val"):
        folder = f"VisDrone2019-DET-{split}"
        dataset, _ = read(
            "visdrone",
            tmp_path,
            "10,20,30,40,1,4,0,0",
            labels=f"{folder}/annotations/{split}.txt",
            image=f"{folder}/images/{split}.jpg",
        )
    assert [(image.path.stem, image.split) for image in dataset.images] == [
        ("train", "train"),
        ("val", "val"),
    ]


def test_an_oriented_box_of_dota_becomes_the_upright_one_and_keeps_its_corners(tmp_path: Path):
    lines = [
        "imagesource:GoogleEarth",
        "gsd:0.146",
        "40 10 55 30 51 33 36 13 large-vehicle 1",
        "1 2 9 2 9 8 1 8 plane 0",
        "1 2 9 2 9 8 1 8 small-vehicle",
    ]
    dataset, problems = read("dota", tmp_path, *lines, labels="labelTxt/a.txt")
    assert found(dataset) == [
        ("large-vehicle", 36, 10, 55, 33, "difficult"),
        ("plane", 1, 2, 9, 8),
        ("small-vehicle", 1, 2, 9, 8),
    ]
    (image,) = dataset.images
    shape = shape_of(image.boxes[0])
    assert shape is not None
    assert (shape.kind, shape.parts) == ("rotated", (((40, 10), (55, 30), (51, 33), (36, 13)),))
    assert image.extra == {"dota": {"imagesource": "GoogleEarth", "gsd": "0.146"}}
    assert [problem.message for problem in problems] == [
        "1 oriented box became the upright box around it: the corners are kept"
    ]


def test_names_may_have_blanks_and_lines_may_end_in_difficult(tmp_path: Path):
    lines = ["Traffic light 10.5 20 30 40", "cat 1 2 3 4 difficult", "7 1 2 3 4", "class 2 5 6 7 8"]
    dataset, problems = read("oidv4", tmp_path, *lines)
    assert found(dataset) == [
        ("Traffic light", 10.5, 20, 30, 40),
        ("cat", 1, 2, 3, 4, "difficult"),
        ("7", 1, 2, 3, 4),
        ("class 2", 5, 6, 7, 8),
    ]
    assert problems == []


def test_detections_of_cartucho_are_refused_by_name(tmp_path: Path):
    with pytest.raises(FormatError, match=r"detections with a confidence.*import-detections"):
        read("oidv4", tmp_path, "cat 0.91 10 20 30 40", "dog 0.5 1 2 3 4")
    dataset, problems = read("oidv4", tmp_path, "cat 0.91 10 20 30 40", "dog 1 2 3 4")
    assert found(dataset) == [("dog", 1, 2, 3, 4)]
    assert [(problem.line, problem.message) for problem in problems] == [
        (1, "a detection with the confidence 0.91: left out ('cat 0.91 10 20 30 40')")
    ]


def test_widths_are_not_taken_for_edges(tmp_path: Path):
    lines = ["cat 40 50 10 20", "cat 60 70 15 5", "dog 1 2 30 40"]
    with pytest.raises(FormatError, match="in 2 of 3 rows the right edge is left of the left one"):
        read("oidv4", tmp_path, *lines)
    dataset, _ = all_formats()["oidv4"].read(tmp_path, options=NamedRowsReading(numbers="sizes"))
    assert found(dataset) == [("cat", 40, 50, 50, 70), ("cat", 60, 70, 75, 75), ("dog", 1, 2, 31, 42)]


BAD_ROWS = {
    "kitti": [
        PEDESTRIAN,
        "Car 0.00 0 1.85",
        PEDESTRIAN.replace("43.00", "x"),
        PEDESTRIAN.replace("43.00", "nan"),
    ],
    "visdrone": ["10,20,30,40,1,4,0,0", "10,20,30", "10,20,x,40,1,4,0,0", "10,20,nan,40,1,4,0,0"],
    "dota": [
        "1 2 9 2 9 8 1 8 plane 0",
        "1 2 9 2",
        "1 2 9 2 9 8 1 x plane 0",
        "nan 2 nan 2 nan 8 nan 8 plane 0",
    ],
    "oidv4": ["cat 10 20 30 40", "cat 10", "cat 10 20 30 x", "cat 10 20 nan 40"],
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_each_bad_row_is_told_with_file_and_line_and_the_rest_is_read(name: str, tmp_path: Path):
    good, *bad = BAD_ROWS[name]
    dataset, problems = read(name, tmp_path, good, "", *bad, good)
    assert dataset.box_count == 2
    assert {(problem.path.name, problem.line) for problem in problems} == {
        ("a.txt", 3),
        ("a.txt", 4),
        ("a.txt", 5),
    }


@pytest.mark.parametrize("name", BAD_ROWS)
def test_empty_files_verify_images_and_those_without_a_file_are_not_labelled(name: str, tmp_path: Path):
    save_image(tmp_path / "images/b.jpg")
    save_image(tmp_path / "images/c.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/b.txt").write_text("\n")
    (tmp_path / "labels/classes.txt").write_text("cat\n")
    (tmp_path / "notes.txt").write_text("Read me first.\n")
    dataset, problems = read(name, tmp_path, BAD_ROWS[name][0], labels="labels/a.txt")
    told = [(image.path.stem, image.labelled, image.verified, len(image.boxes)) for image in dataset.images]
    assert told == [("a", True, False, 1), ("b", True, True, 0), ("c", False, False, 0)]
    assert [problem.message.split(":")[0] for problem in problems] == [
        f"no row of {all_formats()[name].title}",
        "1 image without annotation",
    ]


@pytest.mark.parametrize("name", BAD_ROWS)
def test_labels_whose_image_is_not_there_say_where_it_should_be(name: str, tmp_path: Path):
    dataset, problems = read(name, tmp_path, BAD_ROWS[name][0], labels="labels/b.txt")
    missing = [image.path.name for image in dataset.images if image.missing]
    assert [Path(path).stem for path in missing] == ["b"]
    assert any("image not found" in problem.message for problem in problems)


@pytest.mark.parametrize("name", BAD_ROWS)
def test_files_of_another_format_are_refused_with_a_line_of_theirs(name: str, tmp_path: Path):
    with pytest.raises(
        FormatError, match=r"no line of the text files here is a row of .*: the first is '0 0\.5'"
    ):
        read(name, tmp_path, "0 0.5", "1 0.5")
    with pytest.raises(FormatError, match="no text file here"):
        all_formats()[name].read(tmp_path / "images")


def test_rows_are_recognised_though_one_of_them_is_bad(tmp_path: Path):
    for name, (good, *bad) in BAD_ROWS.items():
        read(name, tmp_path / name, bad[0], good, good)
        assert detect_format(tmp_path / name) == name


@pytest.mark.data
def test_dota_of_others_is_read(real_data: Path):
    folder = real_data / "datumaro_assets/tests/assets"
    for place in ("dota_dataset", "roboflow_dataset/yolo_obb"):
        dataset, problems = all_formats()["dota"].read(folder / place)
        assert detect_format(folder / place) == "dota"
        # What the text files of the set say.
        assert found(dataset) == [
            ("label_0", 0, 0, 2, 2),
            ("label_1", 1, 1, 5, 5),
            ("label_0", 0, 0, 1, 1),
            ("label_1", 1, 2, 10, 5),
        ]
        assert problems == []


@pytest.mark.data
def test_ground_truth_of_padilla_has_widths_and_is_read_when_that_is_said(real_data: Path):
    folder = real_data / "padilla_odm/groundtruths"
    with pytest.raises(FormatError, match="choose the option numbers: sizes"):
        all_formats()["oidv4"].read(folder)
    dataset, _ = all_formats()["oidv4"].read(folder, options=NamedRowsReading(numbers="sizes"))
    boxes = {image.path.stem: [item.xyxy for item in image.boxes] for image in dataset.images}
    assert boxes["00005"] == [(59, 31, 103, 82), (48, 128, 82, 180)]
