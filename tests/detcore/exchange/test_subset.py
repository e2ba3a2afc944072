"""A part of a project as a project of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from detcore.cli.main import main
from detcore.errors import Cancelled, ProjectError
from detcore.exchange.subset import make_subset
from detcore.project.edits import add_rows
from detcore.project.project import Project
from detcore.types import Box, Image, ObjectClass, Origin, Status

CLASSES = [
    ObjectClass(id=1, name="cat", color="#112233", key=4),
    ObjectClass(id=2, name="dog", color="#445566"),
]
IMAGES = [
    Image(id=1, path="a.jpg", width=100, height=80, split="train", status=Status.VERIFIED, extra={"x": 1}),
    Image(id=2, path="b.jpg", width=100, height=80, split="val"),
    Image(id=3, path="c.jpg", width=100, height=80, split="train", group="film"),
]
BOXES = [
    Box(id=1, image_id=1, class_id=1, x1=1, y1=2, x2=3, y2=4, origin=Origin.MODEL, run="001-r", score=0.5),
    Box(id=2, image_id=2, class_id=2, x1=1, y1=2, x2=3, y2=4, difficult=True),
    Box(id=3, image_id=3, class_id=2, x1=5, y1=6, x2=7, y2=8, created=5.0, updated=6.0),
]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "photos").mkdir()
    with Project.create(tmp_path / "all.reticle", image_root=tmp_path / "photos") as project:
        project.edit(add_rows, text="", classes=CLASSES, images=IMAGES, boxes=BOXES)
        yield project


def test_a_part_has_all_that_the_whole_knows_of_its_images(source: Project, tmp_path: Path) -> None:
    make_subset(source, tmp_path / "part.reticle", [3, 1])
    with Project.open(tmp_path / "part.reticle") as part:
        assert [replace(image, id=0) for image in part.images()] == [
            replace(IMAGES[2], id=0),
            replace(IMAGES[0], id=0),
        ]
        assert [(item.name, item.color, item.key) for item in part.classes()] == [
            ("cat", "#112233", 4),
            ("dog", "#445566", None),
        ]
        boxes = {box.xyxy: box for box in part.all_boxes()}
        assert set(boxes) == {BOXES[0].xyxy, BOXES[2].xyxy}
        cat = boxes[BOXES[0].xyxy]
        assert (cat.origin, cat.run, cat.score) == (Origin.MODEL, "001-r", 0.5)
        assert part.image_root == source.image_root
        assert part.undo() is None


def test_a_part_may_have_some_classes_alone(source: Project, tmp_path: Path) -> None:
    make_subset(source, tmp_path / "part.reticle", [1, 2], class_ids={1})
    with Project.open(tmp_path / "part.reticle") as part:
        assert [item.name for item in part.classes()] == ["cat"]
        assert [box.xyxy for box in part.all_boxes()] == [BOXES[0].xyxy]
        assert len(part.images()) == 2


def test_nothing_is_left_of_a_part_that_was_cancelled(source: Project, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Cancelled):
        make_subset(source, tmp_path / "part.reticle", [1], progress=lambda done, total: False)
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_there_already_is_not_touched(source: Project, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="already something"):
        make_subset(source, source.folder, [1])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--split", "train"], ["a.jpg", "c.jpg"]),
        (["--class", "dog"], ["b.jpg", "c.jpg"]),
        (["--class", "dog", "--split", "train"], ["c.jpg"]),
        (["--status", "verified"], ["a.jpg"]),
    ],
)
def test_the_command_takes_images_that_fit_all_that_is_asked(
    source: Project, tmp_path: Path, words: list[str], expected: list[str]
) -> None:
    source.close()
    assert main(["subset", str(source.folder), "--out", str(tmp_path / "part"), *words]) == 0
    with Project.open(tmp_path / "part.reticle") as part:
        assert [image.path for image in part.images()] == expected


def test_a_part_without_images_is_refused(
    source: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source.close()
    assert main(["subset", str(source.folder), "--out", str(tmp_path / "part"), "--split", "test"]) == 1
    assert "no image is left" in capsys.readouterr().err
    assert not (tmp_path / "part.reticle").exists()
