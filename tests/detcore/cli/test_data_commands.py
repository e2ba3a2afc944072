"""new, import and split: where projects are made, and that nothing is replaced unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from detcore.cli.main import main
from detcore.project.edits import set_split
from detcore.project.project import Project


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (100, 80)).save(folder / "a.jpg")
    return folder


def test_an_import_that_finds_nothing_leaves_no_project(images: Path, tmp_path: Path):
    assert main(["import", str(tmp_path / "p.reticle"), "--format", "voc", str(images)]) != 0
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_projects_get_the_ending_by_which_they_are_recognised(images: Path, tmp_path: Path):
    assert main(["new", str(tmp_path / "plain"), "--images", str(images)]) == 0
    (images / "a.txt").write_text("0 .5 .5 .1 .1\n")
    for _ in range(2):
        assert main(["import", str(tmp_path / "read"), "--format", "yolo", str(images)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "plain.reticle", "read.reticle"]
    with Project.open(tmp_path / "read.reticle") as project:
        assert project.statistics().boxes == 1


def test_an_import_says_on_how_many_images_boxes_came_and_how_many_are_new(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (images / "a.txt").write_text("0 .5 .5 .1 .1\n0 .2 .2 .1 .1\n")
    assert main(["new", str(tmp_path / "p"), "--images", str(images)]) == 0
    Image.new("RGB", (100, 80)).save(images / "b.jpg")
    assert main(["import", str(tmp_path / "p"), "--format", "yolo", str(images)]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("2 boxes on 1 image, 1 new image, ")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Labels of the image, in a folder without it."""
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "classes.txt").write_text("cell\n")
    (folder / "a.txt").write_text("0 .5 .5 .1 .1\n")
    return folder


def test_images_elsewhere_become_the_images_of_a_new_project(images: Path, labels: Path, tmp_path: Path):
    folder = tmp_path / "p.reticle"
    command = ["import", str(folder), "--format", "yolo", str(labels)]
    assert main(command) == 1  # nothing to label
    assert not folder.exists()
    assert main([*command, "--images", str(images)]) == 0
    with Project.open(folder, read_only=True) as project:
        assert project.image_root == images
        assert [image.path for image in project.images()] == ["a.jpg"]
        (box,) = project.all_boxes()
        assert box.xyxy == pytest.approx((45, 36, 55, 44))  # of 100 x 80 pixels


def test_an_image_outside_of_the_projects_folder_is_known_by_its_whole_path(
    images: Path, labels: Path, tmp_path: Path
):
    own = tmp_path / "own"
    own.mkdir()
    Image.new("RGB", (60, 60)).save(own / "b.jpg")
    folder = tmp_path / "p.reticle"
    assert main(["new", str(folder), "--images", str(own)]) == 0
    assert main(["import", str(folder), "--format", "yolo", str(labels), "--images", str(images)]) == 0
    with Project.open(folder, read_only=True) as project:
        assert [image.path for image in project.images()] == ["b.jpg", (images / "a.jpg").as_posix()]


def test_a_folder_that_is_named_in_vain_is_told_though_the_images_lie_beside_the_labels(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (images / "a.txt").write_text("0 .5 .5 .1 .1\n")
    other = tmp_path / "other"
    other.mkdir()
    folder = tmp_path / "p.reticle"
    command = ["import", str(folder), "--format", "yolo", str(images)]
    assert main([*command, "--images", str(other)]) == 1
    assert "no image that the labels name" in capsys.readouterr().err
    assert not folder.exists()
    assert main([*command, "--images", str(images)]) == 0


@pytest.mark.parametrize(
    ("name", "told"), [("nothing", "is not there"), ("empty", "no image that the labels name")]
)
def test_a_folder_without_the_images_is_told_and_changes_nothing(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
):
    (tmp_path / "empty").mkdir()
    folder = tmp_path / "p.reticle"
    content = {"images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}], "annotations": []}
    (labels / "all.json").write_text(json.dumps({**content, "categories": []}))
    command = ["import", str(folder), "--format", "coco", str(labels / "all.json")]
    assert main([*command, "--images", str(tmp_path / name)]) == 1
    text = capsys.readouterr().err
    assert told in text
    assert str(tmp_path / name) in text
    assert not folder.exists()


def test_splits_that_are_there_are_replaced_only_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "p.reticle"
    with Project.create(
        folder, image_root=tmp_path, image_paths=[f"{n}.jpg" for n in range(1, 11)]
    ) as project:
        project.edit(set_split, {1: "test", 2: "test"})
    command = ["split", str(folder), "--ratios", "0.5", "0.5", "0"]
    assert main(command) == 1
    told = capsys.readouterr().err
    assert "2 of 10 images already in a split" in told
    assert "--fill" in told
    assert "--replace" in told
    assert splits(folder) == {"test": 2}

    assert main([*command, "--fill"]) == 0
    assert splits(folder) == {"test": 2, "train": 4, "val": 4}
    assert main(command) == 1
    assert main([*command, "--replace"]) == 0
    assert splits(folder) == {"train": 5, "val": 5}
    with pytest.raises(SystemExit):
        main([*command, "--fill", "--replace"])


def test_images_without_splits_are_divided_at_once(tmp_path: Path):
    folder = tmp_path / "p.reticle"
    with Project.create(folder, image_root=tmp_path, image_paths=[f"{n}.jpg" for n in range(20)]):
        pass
    assert main(["split", str(folder)]) == 0
    assert splits(folder) == {"train": 14, "val": 3, "test": 3}


def splits(folder: Path) -> dict[str, int]:
    with Project.open(folder, read_only=True) as project:
        return dict(project.statistics().splits)


def test_an_import_in_the_wrong_format_says_what_the_labels_look_like(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    command = ["import", str(tmp_path / "p.reticle"), "--format", "voc", str(labels)]
    assert main(command) == 1
    assert capsys.readouterr().err.strip().endswith("Choose that format (yolo).")


def test_inspect_says_all_and_writes_nothing(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (images / "a.txt").write_text("0 .5 .5 .1 .1\n0 .2 .2 0 0\n")
    (images / "classes.txt").write_text("cell\n")
    assert main(["inspect", str(images)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{images}: YOLO (text), likely: classes.txt, a list of classes"
    assert lines[1] == "1 image: 1 there, 0 not there, 1 labelled (0 without a box)"
    assert "cell       1       1" in lines
    assert f"{images / 'a.txt'}:2: box without area (20, 16, 20, 16): left out" in lines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images"]


def test_a_dry_run_of_an_import_tells_the_same_for_the_project(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (images / "a.txt").write_text("0 .5 .5 .1 .1\n")
    assert main(["new", str(tmp_path / "p"), "--images", str(images)]) == 0
    assert main(["import", str(tmp_path / "p"), str(images), "--dry-run"]) == 0
    assert "1 in the project already" in capsys.readouterr().out
    with Project.open(tmp_path / "p.reticle") as project:
        assert project.box_count() == 0
        assert project.undo_text is None


def test_inspect_as_json_is_nothing_else(images: Path, capsys: pytest.CaptureFixture[str]):
    (images / "a.txt").write_text("0 .5 .5 .1 .1\n")
    assert main(["inspect", str(images), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "yolo"


def test_an_import_without_a_format_takes_the_one_it_recognises_or_says_what_it_is(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["import", str(tmp_path / "p"), str(images)]) == 1
    assert "This is a folder of images without labels" in capsys.readouterr().err
    (images / "a.txt").write_text("0 .5 .5 .1 .1\n")
    assert main(["import", str(tmp_path / "p"), str(images)]) == 0
    assert capsys.readouterr().out.startswith(f"{images}: YOLO (text), likely: a class and fractions")
