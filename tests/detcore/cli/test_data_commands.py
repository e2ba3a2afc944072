"""new, import and split: where projects are made, and that nothing is replaced unasked."""

from __future__ import annotations

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


def test_splits_that_are_there_are_replaced_only_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "p.reticle"
    with Project.create(
        folder, image_root=tmp_path, image_paths=[f"{n}.jpg" for n in range(1, 11)]
    ) as project:
        project.apply(set_split(project, {1: "test", 2: "test"}))
    command = ["split", str(folder), "--ratios", "0.5", "0.5", "0"]
    assert main(command) == 1
    told = capsys.readouterr().err
    assert "2 of 10 images have a split already" in told
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
