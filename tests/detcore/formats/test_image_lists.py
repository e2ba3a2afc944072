"""Lists of many images in one text file: WIDER FACE, keras-yolo3, MOTChallenge."""

from __future__ import annotations

from pathlib import Path

import pytest

from detcore.errors import FormatError
from detcore.formats import all_formats, detect_format
from detcore.formats.base import Dataset
from tests.detcore.formats.format_samples import save_image

INFO = "[Sequence]\nname=x\nimDir=frames\nframeRate=10\nseqLength=2\nimWidth=100\nimHeight=80\nimExt=.png\n"


def save(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def boxes_of(dataset: Dataset) -> dict[str, list[tuple[float, ...]]]:
    return {image.path.stem: [item.xyxy for item in image.boxes] for image in dataset.images}


def faces(folder: Path, *lines: str) -> Path:
    for name in ("0--Parade/a", "0--Parade/b", "1--Party/c"):
        save_image(folder / f"WIDER_train/images/{name}.jpg")
    return save(folder / "wider_face_split/wider_face_train_bbx_gt.txt", *lines)


def test_faces_have_corner_and_size_and_an_image_without_any_has_a_row_of_zeros(tmp_path: Path):
    rows = ["2", "10 20 30 40 0 0 0 0 0 0", "1 2 3 4 2 1 0 1 2 1"]
    zeros = "0 0 0 0 0 0 0 0 0 0"
    file = faces(tmp_path, "0--Parade/a.jpg", *rows, "0--Parade/b.jpg", "0", zeros, "1--Party/c.jpg", "0")
    for source in (tmp_path, file):
        assert detect_format(source) == "wider-face"
        dataset, problems = all_formats()["wider-face"].read(source)
        assert boxes_of(dataset) == {"a": [(10, 20, 40, 60), (1, 2, 4, 6)], "b": [], "c": []}
        assert [image.verified for image in dataset.images] == [False, True, True]
        assert {image.split for image in dataset.images} == {"train"}
        assert problems == []
    first, second = dataset.images[0].boxes
    assert (first.occluded, first.difficult) == (False, False)
    assert (second.occluded, second.difficult) == (True, True)  # occlusion 2, invalid 1
    assert second.extra["wider-face"]["blur"] == 2
    assert [item.name for item in dataset.classes] == ["face"]


def test_a_bad_row_of_a_face_is_told_with_its_line_and_so_is_a_wrong_count(tmp_path: Path):
    file = faces(tmp_path, "0--Parade/a.jpg", "3", "10 20 x 40", "1 2 3 4", "0--Parade/b.jpg", "1", "5 6 7 8")
    dataset, problems = all_formats()["wider-face"].read(file)
    assert boxes_of(dataset) == {"a": [(1, 2, 4, 6)], "b": [(5, 6, 12, 14)]}
    assert [(problem.line, problem.message) for problem in problems[:2]] == [
        (1, "3 faces were announced, 2 follow"),
        (3, "a column that should be a number is none: left out ('10 20 x 40')"),
    ]
    with pytest.raises(FormatError, match="no list of WIDER FACE"):
        all_formats()["wider-face"].read(save(tmp_path / "x/list.txt", "a.jpg", "b.jpg"))


def test_the_list_of_keras_yolo3_names_classes_by_number_and_images_without_objects(tmp_path: Path):
    for name in ("a b", "c", "d"):
        save_image(tmp_path / f"{name}.jpg")
    save(tmp_path / "voc_classes.txt", "cat", "dog")
    save(
        tmp_path / "train.txt",
        "/old/a b.jpg 10,20,30,40,1 1,2,3.5,4,0",
        "c.jpg",
        "d.jpg 1,2,3,4,7 1,2,x,4,0 9,9,9,9",
    )
    assert detect_format(tmp_path) == "keras-yolo3"
    dataset, problems = all_formats()["keras-yolo3"].read(tmp_path)
    assert boxes_of(dataset) == {"a b": [(10, 20, 30, 40), (1, 2, 3.5, 4)], "c": [], "d": [(1, 2, 3, 4)]}
    assert [item.name for item in dataset.classes] == ["cat", "dog", "class_7"]
    assert [image.verified for image in dataset.images] == [False, True, False]
    assert {(problem.path.name, problem.line) for problem in problems} == {("train.txt", 3)}
    assert [problem.message.partition(":")[0] for problem in problems] == [
        "no list of names has the class 7",
        "'1,2,x,4,0' is not x1,y1,x2,y2,class",
        "'9,9,9,9' is not x1,y1,x2,y2,class",
    ]


def test_frames_of_mot_are_images_by_number_in_the_folder_that_the_sequence_names(tmp_path: Path):
    for number in (1, 2, 3):
        save_image(tmp_path / f"train/MOT17-02/frames/{number:06d}.png")
    save(tmp_path / "train/MOT17-02/seqinfo.ini", *INFO.splitlines())
    rows = [
        "1,7,10,20,30,40,1,1,1",
        "2,7,11,21,30,40,1,1,0.25",
        "2,8,1,2,3,4,0,12,1",
        "",
        "2,9,1,2,3",
        "x,1,1,1,1,1",
    ]
    save(tmp_path / "train/MOT17-02/gt/gt.txt", *rows)
    save(tmp_path / "train/MOT17-02/det/det.txt", "1,-1,10,20,30,40,0.9,-1,-1,-1")
    assert detect_format(tmp_path) == "mot"
    dataset, problems = all_formats()["mot"].read(tmp_path)
    assert boxes_of(dataset) == {
        "000001": [(10, 20, 40, 60)],
        "000002": [(11, 21, 41, 61), (1, 2, 4, 6)],
        "000003": [],
    }
    first, second, third = dataset.images
    assert [image.labelled for image in dataset.images] == [True, True, False]
    assert {image.split for image in dataset.images} == {"train"}
    assert [item.name for item in dataset.classes] == ["pedestrian", "reflection"]
    assert (first.boxes[0].occluded, second.boxes[0].occluded) == (False, True)
    assert (second.boxes[0].difficult, second.boxes[1].difficult) == (False, True)
    assert second.boxes[0].extra["mot"] == {"id": 7, "visibility": 0.25}
    assert [(problem.path.name, problem.line) for problem in problems] == [
        ("gt.txt", 5),
        ("gt.txt", 6),
        ("frames", None),
    ]
    with pytest.raises(FormatError, match=r"detections.*import-detections"):
        all_formats()["mot"].read(tmp_path / "train/MOT17-02/det")


@pytest.mark.data
def test_small_lists_of_others_are_read(real_data: Path):
    """The boxes as the text files of the sets have them."""
    folder = real_data / "datumaro_assets/tests/assets"
    dataset, problems = all_formats()["mot"].read(folder / "mot_dataset/mot_seq")
    assert [item.xyxy for image in dataset.images for item in image.boxes] == [(0, 4, 4, 12)]
    assert ([item.name for item in dataset.classes], problems) == (["label_2"], [])
    dataset, problems = all_formats()["wider-face"].read(folder / "widerface_dataset")
    assert boxes_of(dataset) == {
        "0_Parade_image_01": [(1, 2, 3, 4)],
        "1_Handshaking_image_02": [(1, 1, 3, 3), (5, 1, 7, 3)],
        "0_Parade_image_03": [(0, 0, 1, 1), (3, 2, 4, 4), (5, 6, 6, 7)],
    }
    assert problems == []
    assert {image.split for image in dataset.images} == {"train", "val"}
