"""Labels of somebody else where a project has its own."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from detcore.cli.main import main
from detcore.project.project import Project

MINE = [("cat", [10, 10, 20, 20]), ("dog", [60, 10, 20, 20]), ("owl", [10, 50, 20, 20])]
"""The class of each box, its left and top, its width and height."""
THEIRS = [
    ("cat", [10, 10, 20, 20]),
    ("cow", [60, 10, 20, 20]),
    ("owl", [12, 50, 20, 20]),
    ("cat", [60, 50, 20, 20]),
]
"""The same cat, a cow for the dog, the owl by two pixels (IoU 18 / 22), and a cat of their own."""


def coco(path: Path, boxes: list[tuple[str, list[int]]]) -> Path:
    names = sorted({name for name, _ in boxes})
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, start=1)],
        "annotations": [
            {
                "id": n,
                "image_id": 1,
                "category_id": names.index(name) + 1,
                "bbox": box,
                "area": 400,
                "iscrowd": 0,
            }
            for n, (name, box) in enumerate(boxes, start=1)
        ],
    }
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    Image.new("RGB", (100, 80)).save(tmp_path / "a.png")
    assert main(["import", str(tmp_path / "p.reticle"), str(coco(tmp_path / "mine.json", MINE))]) == 0
    coco(tmp_path / "theirs.json", THEIRS)
    return tmp_path / "p.reticle"


def boxes(project: Project) -> Counter[tuple[str, int, int]]:
    names = {item.id: item.name for item in project.classes()}
    return Counter((names[box.class_id], int(box.x1), int(box.y1)) for box in project.all_boxes())


AGREED = [("cat", 10, 10), ("cat", 60, 50)]


@pytest.mark.parametrize(
    ("settle", "expected"),
    [
        ("both", [*AGREED, ("dog", 60, 10), ("cow", 60, 10), ("owl", 10, 50), ("owl", 12, 50)]),
        ("mine", [*AGREED, ("dog", 60, 10), ("owl", 10, 50)]),
        ("theirs", [*AGREED, ("cow", 60, 10), ("owl", 12, 50)]),
    ],
)
def test_conflicts_are_listed_and_settled_as_asked_in_one_step(
    project: Path, settle: str, expected: list[tuple[str, int, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(project), str(project.parent / "theirs.json"), "--conflicts", settle]) == 0
    told = capsys.readouterr().out
    assert "a box of “cow” where the project has “dog”" in told
    assert "a box of “owl” where the project has another one" in told
    assert told.count("where the project has") == 2
    with Project.open(project) as opened:
        assert boxes(opened) == Counter(expected)
        opened.undo()
        assert boxes(opened) == Counter([("cat", 10, 10), ("dog", 60, 10), ("owl", 10, 50)])
