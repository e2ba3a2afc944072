"""new and import: where projects are made, and that a failure leaves none."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from detcore.cli.main import main
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
