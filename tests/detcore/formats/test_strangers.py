"""What is no dataset is called by its name, with what to do."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from detcore.formats import recognise
from tests.detcore.formats.format_samples import save_image, thing, write_xml

DETECTIONS = json.dumps([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.9}])
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def told(path: Path) -> str:
    looks = recognise(path)
    assert looks.best is None
    return str(looks)


@pytest.mark.parametrize(
    ("name", "content", "what", "advice"),
    [
        ("dt.json", DETECTIONS, "a list of detections (COCO results)", "import-detections"),
        ("a.json", POINTER, "a git-LFS pointer", "git lfs pull"),
        ("a.json", "", "an empty file", "once more"),
        ("labels.csv", "<!DOCTYPE html><title>Log in</title>", "a web page", "once more"),
        ("results.csv", "                  epoch,   train/box_loss\n0, 1.5\n", "a training", "trained on"),
    ],
)
def test_a_file_that_is_often_taken_for_a_dataset(
    name: str, content: str, what: str, advice: str, tmp_path: Path
):
    file = tmp_path / name
    file.write_text(content)
    text = told(file)
    assert text.startswith(f"This is {what}") or what in text
    assert advice in text


def test_archives_images_and_projects(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.txt", "0 .5 .5 .1 .1")
    assert "Unpack it" in told(tmp_path / "set.zip")
    assert told(save_image(tmp_path / "photos/a.jpg")).startswith("This is an image.")
    assert told(tmp_path / "photos").startswith("This is a folder of images without labels.")
    (tmp_path / "p.reticle").mkdir()
    (tmp_path / "p.reticle/project.db").touch()
    assert told(tmp_path / "p.reticle") == "This is a project of Reticle. Open it instead."


@pytest.mark.parametrize("name", ["args.yaml", "results.csv"])
def test_what_a_training_wrote_is_no_dataset_though_its_settings_look_like_one(name: str, tmp_path: Path):
    save_image(tmp_path / "train3/val_batch0_labels.jpg")
    (tmp_path / "train3" / name).write_text("task: detect\nmode: train\n")
    assert told(tmp_path / "train3").startswith("This is what a training or a prediction wrote")


def test_a_folder_of_detections_or_pointers_is_told_by_the_first_of_them(tmp_path: Path):
    for name, content in (("found", DETECTIONS), ("pointers", POINTER)):
        save_image(tmp_path / name / "a.jpg")
        (tmp_path / name / "labels.json").write_text(content)
    assert "import-detections" in told(tmp_path / "found")
    assert "git lfs pull" in told(tmp_path / "pointers")


def test_labels_with_the_extension_of_something_else_are_named_with_the_right_one(tmp_path: Path):
    write_xml(tmp_path / "voc/a.xml", thing()).rename(tmp_path / "voc/a.txt")
    for place in (tmp_path / "voc/a.txt", tmp_path / "voc"):
        assert told(place) == (
            "This is Pascal VOC (XML) in a file called a.txt. Give such files the extension .xml (a.xml)."
        )
    coco = tmp_path / "coco.csv"
    coco.write_text(json.dumps({"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": []}))
    assert "COCO (JSON) in a file called coco.csv" in told(coco)


def test_one_label_file_of_a_folder_asks_for_the_folder(tmp_path: Path):
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    assert told(tmp_path / "a.txt") == (
        "This is a single file of YOLO (text) labels. Choose the folder that it lies in."
    )
