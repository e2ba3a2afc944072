"""YOLO text files: what other tools leave behind is read, what trainers read is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetImage, Problem
from detcore.formats.yolo.reading import YOLO
from tests.detcore.formats.format_samples import save_image

LINE = "0 0.5 0.5 0.2 0.5\n"  # 40 20 60 60 of an image of 100 × 80


def write(path: Path, text: str = "", encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def read_flat(folder: Path, labels: str, names: str | None = "cat\ndog\n") -> tuple[Dataset, list[Problem]]:
    """One image with its labels beside it, as labelImg leaves them."""
    save_image(folder / "a.jpg")
    write(folder / "a.txt", labels)
    if names is not None:
        write(folder / "classes.txt", names)
    return YOLO.read(folder)


def only(dataset: Dataset) -> DatasetImage:
    (image,) = dataset.images
    return image


def names_of(dataset: Dataset) -> list[str]:
    return [item.name for item in dataset.classes]


def test_a_box_is_read_in_pixels(tmp_path: Path):
    dataset, problems = read_flat(tmp_path, LINE)
    (found,) = only(dataset).boxes
    assert found.xyxy == pytest.approx((40, 20, 60, 60))
    assert names_of(dataset) == ["cat", "dog"]
    assert [item.source_id for item in dataset.classes] == [0, 1]
    assert problems == []


def test_the_full_image_reads_back_as_the_full_image(tmp_path: Path):
    dataset, _ = read_flat(tmp_path, "0 0.5 0.5 1 1\n")
    assert only(dataset).boxes[0].xyxy == (0, 0, 100, 80)
    YOLO.write(dataset, tmp_path / "../out")
    text = (tmp_path / "../out/labels/train/a.txt").read_text()
    assert text == "0 0.5000000000 0.5000000000 1.0000000000 1.0000000000\n"


@pytest.mark.parametrize(
    ("line", "kept", "reported"),
    [
        ("0  0.5\t0.5   0.2 0.5  ", True, False),  # double spaces, tabs, trailing spaces
        ("", False, False),
        ("   ", False, False),
        ("0 0.5 0.5 0.2 0.5 0.93", True, True),  # a sixth column
        ("0 0.5 0.5 0.2 0.5 7 8 9", False, True),  # neither a box nor an outline
        ("0 0.5 0.5 0.2", False, True),
        ("0", False, True),
        ("0,0.5,0.5,0.2,0.5", False, True),
        ("0 0,5 0,5 0,2 0,5", False, True),
        ("0 a b c d", False, True),
        ("0 nan 0.5 0.2 0.5", False, True),
        ("0 inf 0.5 0.2 0.5", False, True),
        ("-1 0.5 0.5 0.2 0.5", False, True),
        ("abc 0.5 0.5 0.2 0.5", False, True),
        ("0.5 0.5 0.5 0.2 0.5", False, True),
        ("1e400 0.5 0.5 0.2 0.5", False, True),
        ("0.0 0.5 0.5 0.2 0.5", True, False),
        ("cat 0.5 0.5 0.2 0.5", True, False),  # some tools write names
        ("999 0.5 0.5 0.2 0.5", True, True),  # kept under a class of its own
        ("0 0.5 0.5 0 0.5", False, True),
        ("0 0.5 0.5 -0.2 0.5", True, True),  # put in order
        ("0 1.5 1.5 0.1 0.1", False, True),
        ("0 0.99 0.5 0.2 0.5", True, True),  # clipped
        ("\x00\x01", False, True),
    ],
)
def test_no_line_stops_the_import_and_odd_ones_are_reported_by_line(tmp_path, line, kept, reported):
    dataset, problems = read_flat(tmp_path, f"{LINE}{line}\n{LINE}")
    assert len(only(dataset).boxes) == 2 + kept
    assert [(problem.path.name, problem.line) for problem in problems] == [("a.txt", 2)] * reported


def test_ids_beyond_the_list_get_a_class_of_their_own_and_keep_their_number(tmp_path: Path):
    dataset, _ = read_flat(tmp_path, "999 0.5 0.5 0.2 0.5\n")
    assert dataset.classes[only(dataset).boxes[0].label].name == "class_999"
    assert dataset.classes[only(dataset).boxes[0].label].source_id == 999


def test_outlines_give_their_bounds(tmp_path: Path):
    dataset, problems = read_flat(tmp_path, "0 0.1 0.1 0.3 0.2 0.2 0.5\n")
    assert only(dataset).boxes[0].xyxy == pytest.approx((10, 8, 30, 40))
    assert "outline of 3 points" in problems[0].message


def test_missing_classes_file_is_reported_and_classes_are_named_after_ids(tmp_path: Path):
    dataset, problems = read_flat(tmp_path, LINE + "3 0.5 0.5 0.1 0.1\n", names=None)
    assert names_of(dataset) == ["class_0", "class_3"]
    assert [problem.message for problem in problems] == [
        "no classes.txt: the classes are named after their ids"
    ]


def test_spaces_marks_and_empty_lines_in_classes_txt_do_not_shift_ids(tmp_path: Path):
    dataset, problems = read_flat(
        tmp_path, "2 0.5 0.5 0.2 0.5\n1 0.5 0.5 0.2 0.5\n", names="\ufeffcat  \r\n\r\n dog \r\n\r\n"
    )
    found = [dataset.classes[item.label].name for item in only(dataset).boxes]
    assert found == ["dog", "class_1"]
    assert len(problems) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_class_names_are_read_in_the_encodings_that_windows_tools_use(tmp_path: Path, encoding: str):
    write(tmp_path / "classes.txt", "Äpfel\n", encoding)
    dataset, _ = read_flat(tmp_path, LINE, names=None)
    assert names_of(dataset) == ["Äpfel"]


def test_two_classes_of_one_name_are_joined(tmp_path: Path):
    dataset, problems = read_flat(tmp_path, LINE + "1 0.5 0.5 0.1 0.1\n", names="cat\ncat\n")
    assert names_of(dataset) == ["cat"]
    assert "joined" in problems[0].message


def test_folders_with_lists_of_their_own_each_keep_their_meaning(tmp_path: Path):
    for folder, names in (("one", "cat\ndog\n"), ("two", "dog\ncat\n")):
        save_image(tmp_path / folder / f"{folder}.jpg")
        write(tmp_path / folder / f"{folder}.txt", LINE)
        write(tmp_path / folder / "classes.txt", names)
    dataset, _ = YOLO.read(tmp_path)
    assert {i.path.stem: dataset.classes[i.boxes[0].label].name for i in dataset.images} == {
        "one": "cat",
        "two": "dog",
    }


def test_a_classes_file_that_contradicts_data_yaml_is_reported(tmp_path: Path):
    save_image(tmp_path / "images/train/a.jpg")
    write(tmp_path / "labels/train/a.txt", LINE)
    write(tmp_path / "labels/train/classes.txt", "dog\ncat\n")
    write(tmp_path / "data.yaml", "train: images/train\nval: images/train\nnames: [cat, dog]\n")
    dataset, problems = YOLO.read(tmp_path)
    assert dataset.classes[only(dataset).boxes[0].label].name == "cat"
    assert [problem.path.name for problem in problems] == ["data.yaml", "classes.txt"]


@pytest.mark.parametrize(
    "names",
    [
        "[yes, no, on, 1.0, null, 1, 0x10, 2020-01-01, ~, 'a b']",
        "{0: yes, 1: no, 2: on, 3: 1.0, 4: null, 5: 1, 6: 0x10, 7: 2020-01-01, 8: ~, 9: a b}",
    ],
)
def test_yaml_words_and_numbers_are_names_as_written(tmp_path: Path, names: str):
    save_image(tmp_path / "images/a.jpg")
    write(tmp_path / "labels/a.txt", LINE)
    write(tmp_path / "data.yaml", f"train: images\nval: images\nnames: {names}\n")
    dataset, _ = YOLO.read(tmp_path)
    expected = ["yes", "no", "on", "1.0", "null", "1", "0x10", "2020-01-01", "~", "a b"]
    assert names_of(dataset) == expected
    YOLO.write(dataset, tmp_path / "../out")
    content = yaml.safe_load((tmp_path / "../out/data.yaml").read_text())
    assert list(content["names"].values()) == expected
    assert names_of(YOLO.read(tmp_path / "../out")[0]) == expected


@pytest.mark.parametrize(
    "config",
    [
        "path: .\ntrain: images/train\nval: images/val\nnames: [cat]\n",
        "path: /home/somebody/datasets/cats\ntrain: images/train\nval: images/val\nnames: {0: cat}\nnc: 1\n",
        "train: ../images/train\nval: ../images/val\nnames: [cat]\n",
        "train: C:\\work\\cats\\images\\train\nval: [images/val]\nnames: [cat]\n",
        "train: train.txt\nval: val.txt\nnames: [cat]\n",
        "train: images/training\nval: images/valid\nnames: [cat]\n",
    ],
)
def test_data_yaml_is_understood_wherever_it_was_written(tmp_path: Path, config: str):
    for split in ("train", "val"):
        save_image(tmp_path / f"images/{split}/{split}.jpg")
        write(tmp_path / f"labels/{split}/{split}.txt", LINE)
        write(
            tmp_path / f"{split}.txt", f"./images/{split}/{split}.jpg\n\n/mnt/x/images/{split}/{split}.jpg\n"
        )
    write(tmp_path / "data.yaml", config)
    dataset, _ = YOLO.read(tmp_path)
    assert {image.path.name: (image.split, len(image.boxes)) for image in dataset.images} == {
        "train.jpg": ("train", 1),
        "val.jpg": ("val", 1),
    }
    assert YOLO.read(tmp_path / "data.yaml")[0].images == dataset.images


@pytest.mark.parametrize(
    "text", ["names: [a", "- a\n- b\n", "names: &x [*x]\n", "names: 3\ntrain: 7\n", "\t"]
)
def test_a_broken_data_yaml_is_reported_and_the_labels_are_read(tmp_path: Path, text: str):
    write(tmp_path / "data.yaml", text)
    dataset, problems = read_flat(tmp_path, LINE)
    assert dataset.box_count == 1
    assert problems


def test_yaml_cannot_make_objects(tmp_path: Path):
    write(tmp_path / "data.yaml", f"names: !!python/object/apply:os.system ['touch {tmp_path}/owned']\n")
    read_flat(tmp_path, LINE)
    assert not (tmp_path / "owned").exists()


def test_darknet_files_are_understood(tmp_path: Path):
    save_image(tmp_path / "obj_train_data/a.jpg")
    write(tmp_path / "obj_train_data/a.txt", LINE)
    save_image(tmp_path / "elsewhere/b.jpg")
    write(tmp_path / "obj_train_data/b.txt", LINE)
    write(tmp_path / "obj.names", "cat\n")
    write(tmp_path / "obj.data", "classes = 1\n# x\ntrain = data/train.txt\nnames = data/obj.names\n")
    write(tmp_path / "train.txt", "data/obj_train_data/a.jpg\ndata/obj_train_data/b.jpg\n")
    dataset, problems = YOLO.read(tmp_path)
    assert {image.path.name: (image.split, len(image.boxes)) for image in dataset.images} == {
        "a.jpg": ("train", 1),
        "b.jpg": ("train", 1),
    }
    assert names_of(dataset) == ["cat"]
    assert problems == []


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        ("images/train/a.jpg", "labels/train/a.txt"),
        ("train/images/a.jpg", "train/labels/a.txt"),
        ("images/images/a.jpg", "images/labels/a.txt"),
        ("Images/a.JPG", "Annotations/a.txt"),
        ("a.png", "a.txt"),
        ("a.png", "labels/a.txt"),
        ("pictures/a.png", "labels/a.txt"),
        ("pictures/a.png", "other/a.txt"),
    ],
)
def test_labels_are_found_where_tools_put_them(tmp_path: Path, image: str, labels: str):
    save_image(tmp_path / image)
    write(tmp_path / labels, LINE)
    dataset, _ = YOLO.read(tmp_path)
    assert {item.path: len(item.boxes) for item in dataset.images} == {tmp_path / image: 1}


def test_empty_label_file_means_checked_and_a_missing_one_means_not_looked_at(tmp_path: Path):
    save_image(tmp_path / "b.jpg")
    dataset, problems = read_flat(tmp_path, "\n")
    assert [(image.name, image.labelled, image.verified) for image in dataset.images] == [
        ("a.jpg", True, True),
        ("b.jpg", False, False),
    ]
    assert "without a label file" in problems[0].message


@pytest.mark.parametrize(
    "names", ["data.yaml", "images/data.yaml", "classes.txt", "images/classes.txt", "labels/classes.txt"]
)
def test_labels_alone_take_their_names_from_the_folders_around_and_all_images_with_them(
    tmp_path: Path, names: str
):
    for name in ("train/a", "train/b", "val/c", "test/d"):
        save_image(tmp_path / f"images/{name}.jpg")
    write(tmp_path / "labels/train/a.txt", LINE)
    write(tmp_path / "labels/val/c.txt", LINE.replace("0", "1", 1))
    write(tmp_path / names, "names: [cat, dog]\n" if names.endswith("yaml") else "cat\ndog\n")
    dataset, problems = YOLO.read(tmp_path / "labels", image_folder=tmp_path / "images")
    assert names_of(dataset) == ["cat", "dog"]
    assert [(image.path.stem, image.split, image.labelled, len(image.boxes)) for image in dataset.images] == [
        ("d", "test", False, 0),
        ("a", "train", True, 1),
        ("b", "train", False, 0),
        ("c", "val", True, 1),
    ]
    assert [(problem.path.name, problem.message) for problem in problems] == [
        ("test", "1 image without a label file: not yet looked at, unless the project says more"),
        ("train", "1 image without a label file: not yet looked at, unless the project says more"),
    ]


def test_labels_of_broken_or_missing_images_are_reported_and_the_others_read(tmp_path: Path):
    write(tmp_path / "broken.jpg", "no image")
    write(tmp_path / "broken.txt", LINE)
    write(tmp_path / "gone.txt", LINE)
    write(tmp_path / "README.txt", "About these labels")
    dataset, problems = read_flat(tmp_path, LINE)
    assert {image.name: (len(image.boxes), image.labelled) for image in dataset.images} == {
        "a.jpg": (1, True),
        "broken.jpg": (0, False),
    }
    assert {problem.path.name for problem in problems} == {"broken.jpg", "broken.txt", "gone.txt"}


def test_a_folder_without_labels_is_an_error(tmp_path: Path):
    save_image(tmp_path / "a.jpg")
    with pytest.raises(FormatError, match="no YOLO label file"):
        YOLO.read(tmp_path)
    with pytest.raises(FormatError, match="no such file"):
        YOLO.read(tmp_path / "nowhere")


def test_rotated_photos_are_read_as_shown(tmp_path: Path):
    save_image(tmp_path / "a.jpg", (100, 80), orientation=6)
    write(tmp_path / "a.txt", "0 0.5 0.5 1 0.5\n")
    image = only(YOLO.read(tmp_path)[0])
    assert (image.width, image.height) == (80, 100)
    assert image.boxes[0].xyxy == (0, 25, 80, 75)


def test_an_image_reached_by_two_paths_is_one_image(tmp_path: Path):
    save_image(tmp_path / "set/images/train/a.jpg")
    write(tmp_path / "set/labels/train/a.txt", LINE)
    write(
        tmp_path / "set/data.yaml",
        "train: ../set/images/train\nval: images/train\nnames: [cat, dog]\n",
    )
    dataset, problems = YOLO.read(tmp_path / "set")
    image = only(dataset)
    assert image.path == tmp_path / "set/images/train/a.jpg"
    assert image.split == "train"
    assert any("earlier split" in problem.message for problem in problems)
