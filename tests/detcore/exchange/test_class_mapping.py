"""Classes of a dataset under the names that a project has for them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from detcore.cli.main import main
from detcore.project.project import Project

NAMES = ("cat", "kitten", "dog")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """One image with a box of each class, in COCO."""
    Image.new("RGB", (100, 80)).save(tmp_path / "a.png")
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}],
        "categories": [{"id": number, "name": name} for number, name in enumerate(NAMES, start=1)],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": n, "bbox": [n, n, 20, 20], "area": 400, "iscrowd": 0}
            for n in (1, 2, 3)
        ],
    }
    (tmp_path / "labels.json").write_text(json.dumps(content))
    return tmp_path / "labels.json"


def imported(source: Path, *words: str) -> Counter[str]:
    folder = source.parent / "p.reticle"
    assert main(["import", str(folder), str(source), *words]) == 0
    with Project.open(folder) as project:
        names = {item.id: item.name for item in project.classes()}
        return Counter(names[box.class_id] for box in project.all_boxes())


def test_classes_that_get_one_name_are_joined(source: Path) -> None:
    assert imported(source, "--rename", "kitten", "cat", "--rename", "dog", "hound") == {"cat": 2, "hound": 1}


def test_a_class_is_left_out_with_its_boxes(source: Path) -> None:
    assert imported(source, "--leave-out", "kitten") == {"cat": 1, "dog": 1}


def test_a_class_that_the_dataset_does_not_have_is_named(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = source.parent / "p.reticle"
    assert main(["import", str(folder), str(source), "--rename", "cow", "bull"]) == 1
    told = capsys.readouterr().err
    assert "no class 'cow'" in told
    assert "cat, dog, kitten" in told
    assert not folder.exists()
