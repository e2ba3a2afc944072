"""Images whose files have another size than their boxes were drawn at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from detcore.cli.main import main
from detcore.project.edits import add_boxes, add_class, add_images
from detcore.project.file_checks import find_new_sizes
from detcore.project.new_sizes import keep_boxes, scale_boxes
from detcore.project.project import Project
from detcore.types import Box, Image


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Three images labelled at 100×80: the file of the first is 200×40 now, that of the second broken."""
    for name, size in (("a.png", (40, 200)), ("c.png", (80, 100)), ("empty.png", (10, 10))):
        cv2.imwrite(str(tmp_path / name), np.zeros((*size, 3), np.uint8))
    (tmp_path / "b.png").write_bytes(b"no image")
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as project:
        names = ("a.png", "b.png", "c.png", "empty.png")
        project.edit(add_images, [Image(id=0, path=name, width=100, height=80) for name in names])
        project.edit(add_class, "cell")
        boxes = [
            Box(id=0, image_id=image_id, class_id=1, x1=x, y1=y, x2=x + 20, y2=y + 30)
            for image_id in (1, 2, 3)
            for x, y in ((10, 20), (70, 50))
        ]
        project.edit(add_boxes, boxes)
        yield project


def edges(project: Project, image_id: int = 1) -> list[tuple[float, float, float, float]]:
    return [box.xyxy for box in project.boxes(image_id)]


def test_only_labelled_images_that_can_be_read_and_are_of_another_size_are_found(project: Project) -> None:
    assert find_new_sizes(project) == {1: (200, 40)}


def test_boxes_are_scaled_in_each_direction_by_one_edit(project: Project) -> None:
    before = edges(project)
    project.edit(scale_boxes, find_new_sizes(project))
    assert edges(project) == [(20, 10, 60, 25), (140, 25, 180, 40)]
    assert project.image(1).size == (200, 40)
    assert find_new_sizes(project) == {}
    project.undo()
    assert (edges(project), project.image(1).size) == (before, (100, 80))
    project.redo()
    assert (edges(project)[0], project.image(1).size) == ((20, 10, 60, 25), (200, 40))


def test_kept_boxes_lose_what_is_outside_and_undo_brings_it_back(project: Project) -> None:
    before = project.boxes(1)
    project.edit(keep_boxes, find_new_sizes(project))
    assert edges(project) == [(10, 20, 30, 40)]
    assert project.image(1).size == (200, 40)
    project.undo()
    assert project.boxes(1) == before


def test_the_command_lists_them_and_mends_them_only_when_asked_to(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(project.folder)
    project.close()
    assert main(["sizes", folder]) == 0
    said = capsys.readouterr().out
    assert "a.png" in said
    assert "100×80" in said
    assert "200×40" in said
    assert "b.png" not in said
    assert "1 image of another size" in said
    assert main(["sizes", folder, "--scale"]) == 0
    assert main(["sizes", folder]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 images of another size")
    with Project.open(project.folder, read_only=True) as again:
        assert edges(again)[0] == (20, 10, 60, 25)
