"""Where YOLO datasets have their images, labels and names, as people have them on their disks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from detcore.errors import Cancelled, FormatError
from detcore.formats.yolo import layout as yolo_layout
from detcore.formats.yolo.names import read_yaml
from detcore.formats.yolo.reading import YOLO
from tests.detcore.formats.format_samples import save_image

LINE = "0 0.5 0.5 0.2 0.5\n"
CONFIG = "train: images\nval: images\nnames: [cat]\n"


def write(path: Path, content: str | bytes = LINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def make(folder: Path, config: str | None = CONFIG) -> Path:
    """One image with its label file in ``images`` and ``labels``."""
    save_image(folder / "images/a.jpg")
    write(folder / "labels/a.txt")
    if config is not None:
        write(folder / "data.yaml", config)
    return folder


@pytest.mark.parametrize(
    "odd",
    [
        "history: {2024-01-01: first}",
        "history: {!!binary aGVsbG8=: first}",
        "history: !!timestamp soon",
        "history: !!bool perhaps",
        "history: !!int ''",
        "history: 2024-99-99",
        "history: !!python/object/apply:os.getcwd []",
        f"path: {'a' * 5000}",
        f"nc: {'9' * 5000}",
        f"kpt_shape: [{'9' * 5000}, x]",
        f"test: {'b' * 5000}",
        f"test: list.txt\nlist: {'c' * 300}",
        "path: ~nobody/there",
        "test: /dev/zero",
    ],
)
def test_nothing_in_data_yaml_stops_the_import(odd: str, tmp_path: Path):
    write(tmp_path / "list.txt", f"{'d' * 5000}.jpg\n{'e/' * 3000}f.jpg\n")
    dataset, _ = YOLO.read(make(tmp_path, f"{CONFIG}{odd}\n"))
    assert dataset.box_count == 1
    assert [item.name for item in dataset.classes] == ["cat"]


def test_a_class_number_of_5000_digits_is_reported(tmp_path: Path):
    make(tmp_path, f"train: images\nval: images\nnames:\n  0: cat\n  ? {'9' * 5000}\n  : dog\n")
    dataset, problems = YOLO.read(tmp_path)
    assert [item.name for item in dataset.classes] == ["cat"]
    assert any("beyond all measure" in problem.message for problem in problems)


def test_yaml_is_given_up_at_the_first_bracket_that_is_too_deep(tmp_path: Path):
    """Not after all of it was looked at, which takes seconds for some thousand brackets."""
    path = write(tmp_path / "data.yaml", f"names: [cat]\nx: {'[' * 100000}")
    with pytest.raises(FormatError, match="nested too deeply") as caught:
        read_yaml(path)
    assert caught.value.line == 2


def test_names_that_a_chinese_windows_saved_are_read_and_reported(tmp_path: Path):
    make(tmp_path, None)
    write(tmp_path / "classes.txt", "安全帽\n人\nhelmet\n".encode("gbk"))
    dataset, problems = YOLO.read(tmp_path)
    assert [item.name for item in dataset.classes] == ["安全帽", "人", "helmet"]
    assert [(problem.path.name, problem.message) for problem in problems] == [
        ("classes.txt", "not in UTF-8: read as Chinese (GB2312)")
    ]


@pytest.mark.parametrize("names", ["Öl\n", "pää\n", "café crème\n", "été\n"])
def test_western_names_are_not_taken_for_chinese(names: str, tmp_path: Path):
    make(tmp_path, None)
    write(tmp_path / "classes.txt", names.encode("cp1252"))
    dataset, problems = YOLO.read(tmp_path)
    assert [item.name for item in dataset.classes] == [names.strip()]
    assert [problem.message for problem in problems] == ["not in UTF-8: read as Windows-1252"]


@pytest.mark.parametrize("name", ["data.yaml", "obj.data", "obj.names", "train.txt"])
def test_no_file_of_a_dataset_is_read_as_windows_1252_without_a_word(name: str, tmp_path: Path):
    make(tmp_path, None)
    texts = {
        "obj.data": "train = train.txt\nnames = obj.names\n# ç\n",
        "obj.names": "façade\n",
        "train.txt": "images/a.jpg\nimages/ç.jpg\n",
    }
    if name == "data.yaml":
        texts = {"data.yaml": "train: images\nval: images\nnames: [façade]\n"}
    for path, text in texts.items():
        write(tmp_path / path, text.encode("cp1252" if path == name else "utf-8"))
    _, problems = YOLO.read(tmp_path)
    assert any("read as Windows-1252" in problem.message for problem in problems)


def test_a_listed_name_that_is_no_image_is_reported_by_line_and_no_image(tmp_path: Path):
    make(tmp_path, "train: train.txt\nval: images\nnames: [cat]\n")
    write(tmp_path / "images/.DS_Store", "x")
    write(tmp_path / "train.txt", "images/a.jpg\nimages/.DS_Store\nimages\nREADME.md\nimages/gone.jpg\n")
    dataset, problems = YOLO.read(tmp_path)
    assert [image.path.name for image in dataset.images] == ["a.jpg"]
    listed = [problem for problem in problems if problem.path.name == "train.txt"]
    assert [problem.line for problem in listed] == [2, 3, 4, 5]
    assert [problem.message.split(": ")[-1] for problem in listed] == ["left out"] * 4


@pytest.mark.parametrize(
    "path", ["/home/somebody/project/data", "C:\\work\\project\\data", "../project/data"]
)
def test_the_root_that_data_yaml_names_is_found_again_beside_it(path: str, tmp_path: Path):
    for split in ("train", "val"):
        save_image(tmp_path / f"data/{split}/images/{split}.jpg")
        write(tmp_path / f"data/{split}/labels/{split}.txt")
    save_image(tmp_path / "output/train16/F1_curve.jpg")
    write(tmp_path / "data.yaml", f"path: '{path}'\ntrain: train/images\nval: val/images\nnames: [dog]\n")
    dataset, problems = YOLO.read(tmp_path)
    assert {image.path.name: image.split for image in dataset.images} == {
        "train.jpg": "train",
        "val.jpg": "val",
    }
    assert problems == []


def test_what_a_training_or_a_prediction_wrote_is_no_dataset(tmp_path: Path):
    make(tmp_path, None)
    write(tmp_path / "classes.txt", "dog\n")
    save_image(tmp_path / "runs/detect/predict/a.jpg")
    write(tmp_path / "runs/detect/predict/labels/a.txt", "0 .5 .5 .2 .2 .9\n")
    save_image(tmp_path / "output/train16/F1_curve.jpg")
    write(tmp_path / "output/train16/args.yaml", "task: detect\n")
    save_image(tmp_path / "output/train17/results.jpg")
    write(tmp_path / "output/train17/results.csv", "epoch\n")
    dataset, problems = YOLO.read(tmp_path)
    assert [(image.path, len(image.boxes)) for image in dataset.images] == [(tmp_path / "images/a.jpg", 1)]
    assert [problem.message for problem in problems] == [
        "3 folders of trainings and predictions passed over: output/train16, output/train17, runs"
    ]


def test_a_folder_called_runs_of_something_else_is_part_of_the_dataset(tmp_path: Path):
    save_image(tmp_path / "runs/day1/a.jpg")
    write(tmp_path / "runs/day1/a.txt")
    write(tmp_path / "classes.txt", "skier\n")
    dataset, problems = YOLO.read(tmp_path)
    assert dataset.box_count == 1
    assert problems == []


def test_a_prediction_is_read_where_it_is_asked_for(tmp_path: Path):
    folder = tmp_path / "runs/detect/predict"
    save_image(folder / "a.jpg")
    write(folder / "labels/a.txt", "0 .5 .5 .2 .5 .9\n")
    assert YOLO.read(folder)[0].box_count == 1


def test_labels_of_another_tool_are_refused_and_named(tmp_path: Path):
    make(tmp_path)
    write(tmp_path / "labels/a.txt", "one 155 144 381 298\n")
    with pytest.raises(FormatError, match="no line .* YOLO: they look like “name x1 y1 x2 y2” in pixels"):
        YOLO.read(tmp_path)


def test_an_image_whose_every_line_was_refused_counts_as_not_looked_at(tmp_path: Path):
    make(tmp_path)
    save_image(tmp_path / "images/b.jpg")
    write(tmp_path / "labels/b.txt", "one 155 144 381 298\ntwo 1 2 3 4\n")
    dataset, problems = YOLO.read(tmp_path)
    assert [(image.name, image.labelled, image.verified) for image in dataset.images] == [
        ("a.jpg", True, False),
        ("b.jpg", False, False),
    ]
    assert [problem.line for problem in problems if problem.path.name == "b.txt"] == [1, 2]


def test_a_label_file_that_cannot_be_read_does_not_make_its_image_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make(tmp_path)
    locked = save_image(tmp_path / "images/b.jpg") and write(tmp_path / "labels/b.txt")
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    dataset, problems = YOLO.read(tmp_path)
    assert [(image.labelled, image.verified) for image in dataset.images] == [(True, False), (False, False)]
    assert any(problem.path == locked and "cannot be read" in problem.message for problem in problems)


@pytest.mark.parametrize("folder", ["/", "~", "..", "../.."])
def test_a_whole_disk_or_home_is_never_looked_through(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path / "users/me"))
    source = make(tmp_path / "users/me/set", f"train: {folder}\nval: images\nnames: [cat]\n")
    scandir = os.scandir

    def watch(path: str):
        assert Path(path).is_relative_to(source), path
        return scandir(path)

    monkeypatch.setattr(os, "scandir", watch)
    dataset, problems = YOLO.read(source)
    assert [image.split for image in dataset.images] == ["val"]
    assert any("a whole disk or home" in problem.message for problem in problems)


def test_of_two_images_that_may_mean_a_label_file_the_one_at_the_clearer_place_has_it(tmp_path: Path):
    """Infrared images beside those that were labelled."""
    make(tmp_path, None)
    save_image(tmp_path / "a/a.jpg")
    write(tmp_path / "classes.txt", "cat\n")
    dataset, problems = YOLO.read(tmp_path)
    assert [(image.name, len(image.boxes)) for image in dataset.images] == [
        ("a/a.jpg", 0),
        ("images/a.jpg", 1),
    ]
    assert any(problem.path == tmp_path / "a/a.jpg" for problem in problems)


def test_looking_for_files_can_be_cancelled(tmp_path: Path):
    make(tmp_path)
    with pytest.raises(Cancelled):
        YOLO.read(tmp_path, progress=lambda _done, total: total != 0)  # no total is known while looking


def test_a_list_of_images_is_looked_up_place_by_place_only_until_one_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make(tmp_path, "train: train.txt\nval: images\nnames: [cat]\n")
    write(tmp_path / "train.txt", "images/a.jpg\n" * 50)
    asked: list[Path] = []
    plain = yolo_layout.labels_of
    monkeypatch.setattr(yolo_layout, "labels_of", lambda image: asked.append(image) or plain(image))
    YOLO.read(tmp_path)
    assert len(asked) == 51
