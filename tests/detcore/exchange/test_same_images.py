"""Images that a project has under another path."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from detcore.cli.main import main
from detcore.project.project import Project

BOX = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two images without labels."""
    (tmp_path / "mine").mkdir()
    for name, color in (("a.png", "red"), ("b.png", "blue")):
        Image.new("RGB", (100, 80), color).save(tmp_path / "mine" / name)
    assert main(["new", str(tmp_path / "p.reticle"), "--images", str(tmp_path / "mine")]) == 0
    return tmp_path / "p.reticle"


def labels_of(folder: Path) -> Path:
    """Somebody else's copy of a.png under another name, and an image of their own of the same size, with a box each."""
    folder.mkdir()
    shutil.copy(folder.parent / "mine" / "a.png", folder / "first.png")
    Image.new("RGB", (100, 80), "lime").save(folder / "second.png")
    for stem in ("first", "second"):
        (folder / f"{stem}.xml").write_text(
            f"<annotation><object><name>cat</name>{BOX}</object></annotation>"
        )
    return folder


def test_the_same_bytes_are_the_same_image_where_that_is_asked_for(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = labels_of(project.parent / "theirs")
    assert main(["import", str(project), str(theirs), "--same-content"]) == 0
    assert "1 image in the project under another path" in capsys.readouterr().out
    with Project.open(project) as opened:
        boxes = {Path(image.path).name: len(opened.boxes(image.id)) for image in opened.images()}
    assert boxes == {"a.png": 1, "b.png": 0, "second.png": 1}


def test_an_image_of_another_path_is_another_one_otherwise(project: Path) -> None:
    assert main(["import", str(project), str(labels_of(project.parent / "theirs"))]) == 0
    with Project.open(project) as opened:
        boxes = {Path(image.path).name: len(opened.boxes(image.id)) for image in opened.images()}
    assert boxes == {"a.png": 0, "b.png": 0, "first.png": 1, "second.png": 1}
