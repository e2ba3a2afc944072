"""Annotations that say what nearly all say are read as columns: to the same boxes, and the same complaints."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PillowImage

from detcore.formats.base import Dataset, Problem
from detcore.formats.box_columns import BoxRows
from detcore.formats.coco.reading import COCO

CATEGORIES = [{"id": 3, "name": "cat"}, {"id": 5, "name": "dog"}]
IMAGES = [
    {"id": number, "file_name": f"{number}.jpg", "width": 100, "height": 80} for number in range(1, 121)
]


def read(folder: Path, annotations: list[Any], images: list[Any] = IMAGES) -> tuple[Dataset, list[Problem]]:
    folder.mkdir(exist_ok=True)
    path = folder / "instances.json"
    content = {"images": images, "annotations": annotations, "categories": CATEGORIES}
    path.write_text(json.dumps(content), encoding="utf-8")
    return COCO.read(path)


def annotation(number: int, chance: random.Random) -> dict[str, Any]:
    """One as tools write it: some reach out of their image, some have an area of their own, an outline, or both."""
    left, top = chance.uniform(-20, 90), chance.choice([chance.randint(0, 70), chance.uniform(0, 70)])
    width, height = chance.uniform(1, 60), chance.randint(1, 40)
    entry: dict[str, Any] = {
        "id": number,
        "image_id": chance.randint(1, len(IMAGES)),
        "category_id": chance.choice([3, 5]),
        "bbox": [left, top, width, height],
    }
    entry |= chance.choice([{}, {"area": None}, {"area": width * height}, {"area": 7}, {"area": 2.5}])
    entry |= chance.choice([{}, {"iscrowd": 0}, {"iscrowd": 1}])
    return entry | chance.choice([{}, {"segmentation": []}, {"segmentation": [[1, 2.5, 3, 4, 5, 6]]}])


def spoilt(entry: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The same with something that needs care."""
    return entry | chance.choice(
        [
            {"bbox": [90, 10, -30, 20]},
            {"bbox": ["1", 2, 3, 4]},
            {"bbox": [1, 2, 3]},
            {"bbox": [1, 2, float("nan"), 4]},
            {"bbox": [5, 5, 0, 4]},
            {"bbox": [10**400, 0, 1, 1]},
            {"image_id": "2"},
            {"image_id": 99},
            {"image_id": None},
            {"category_id": 8},
            {"iscrowd": True},
            {"area": float("inf")},
            {"segmentation": [[float("nan"), 1, 2, 3, 4, 5]]},
            {"score": 0.5},
            {"attributes": {"occluded": True}},
        ]
    )


def told(found: tuple[Dataset, list[Problem]]) -> tuple[list[Any], list[str]]:
    dataset, problems = found
    images = [
        (image.name, image.verified, image.labelled, image.width, list(image.boxes))
        for image in dataset.images
    ]
    return images, sorted(problem.message for problem in problems)


@pytest.mark.parametrize("spoils", [0.0, 0.002, 0.3])
@pytest.mark.parametrize("seed", range(4))
def test_columns_hold_the_boxes_of_the_careful_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, spoils: float
) -> None:
    chance = random.Random(seed)
    plain = [annotation(number, chance) for number in range(1, 700)]
    annotations = [spoilt(entry, chance) if chance.random() < spoils else entry for entry in plain]
    quick = read(tmp_path / "set", annotations)
    rows = sum(isinstance(image.boxes, BoxRows) and len(image.boxes) > 0 for image in quick[0].images)
    assert rows > 50 or spoils > 0
    monkeypatch.setattr("detcore.formats.coco.plain._read_chunk", lambda *_: None)
    careful = read(tmp_path / "set", annotations)
    assert not any(isinstance(image.boxes, BoxRows) and image.boxes for image in careful[0].images)
    assert told(quick) == told(careful)


def test_boxes_drawn_before_the_exif_rotation_are_turned(tmp_path: Path) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6  # shown, the left edge of what is stored is at the top
    PillowImage.new("RGB", (100, 80)).save(tmp_path / "1.jpg", exif=exif)
    entry = {"id": 7, "image_id": 1, "category_id": 3, "bbox": [10, 20, 30, 40]}
    dataset, problems = read(tmp_path, [entry], IMAGES[:1])
    (image,) = dataset.images
    assert (image.width, image.height) == (80, 100)
    assert [box.xyxy for box in image.boxes] == [(80 - 60, 10, 80 - 20, 40)]
    assert image.boxes[0].extra == {"coco": {"id": 7}}
    assert any("EXIF" in problem.message for problem in problems)


def test_the_rows_of_an_image_are_a_sequence_of_its_boxes(tmp_path: Path) -> None:
    entries = [
        {"id": number, "image_id": 1 + number % 2, "category_id": 5, "bbox": [number, 1, 10, 10]}
        for number in range(6)
    ]
    dataset, _ = read(tmp_path, entries)
    boxes = dataset.images[1].boxes
    assert isinstance(boxes, BoxRows)
    assert [box.x1 for box in boxes] == [1.0, 3.0, 5.0]
    assert (len(boxes), boxes[-1].x1, [box.x1 for box in boxes[1:]]) == (3, 5.0, [3.0, 5.0])
    assert boxes == list(boxes)
    assert not dataset.images[5].boxes
