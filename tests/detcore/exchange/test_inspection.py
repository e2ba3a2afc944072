"""What a dataset holds is told before anything is written, and by one way to behave comes in or not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detcore.errors import FormatError
from detcore.exchange import (
    AUTO,
    FoundDataset,
    ImportOptions,
    Inspection,
    admit,
    import_dataset,
    inspect_dataset,
    read_dataset,
)
from detcore.exchange.inspection import kinds_of
from detcore.formats.base import Problem
from detcore.formats.coco.reading import COCO
from detcore.formats.sniffing import Sniffed
from detcore.formats.voc.reading import VOC
from detcore.project.project import Project
from tests.detcore.formats.format_samples import hashes, save_image


def coco(folder: Path, boxes: list[list[float]], *, size: tuple[int, int] = (100, 80), **more: Any) -> Path:
    """A COCO dataset of three images of 100×80, of which the last is not there: the boxes lie on the first."""
    for name in ("a.jpg", "b.jpg"):
        save_image(folder / "train" / name)
    images = [
        {"id": number, "file_name": name, "width": size[0], "height": size[1]}
        for number, name in enumerate(("a.jpg", "b.jpg", "gone.jpg"), start=1)
    ]
    annotations = [
        {"id": number, "image_id": 1, "category_id": 1, "bbox": bbox, **more}
        for number, bbox in enumerate(boxes, start=1)
    ]
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "train/_annotations.coco.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return coco(tmp_path / "set", [[10, 20, 20, 20], [50, 20, 20, 20], [90, 20, 20, 20], [95, 20, 20, 20]])


def looked_into(folder: Path, project: Project | None = None) -> Inspection:
    return inspect_dataset(read_dataset(AUTO, folder, project=project), project)


def test_it_is_counted_by_hand_and_nothing_is_written(dataset: Path):
    before = hashes(dataset)
    found = looked_into(dataset)
    assert found.found.format.name == "coco"
    assert [(item.name, item.boxes, item.images) for item in found.classes] == [("cat", 4, 1), ("dog", 0, 0)]
    assert (found.images, found.boxes, found.missing, found.labelled, found.empty) == (3, 4, 1, 3, 2)
    assert found.splits == {"train": 3}
    assert found.split_boxes == {"train": {"cat": 4}}
    assert found.sizes == (((100, 80), 3),)
    assert found.outside == {}
    clipped, missing = found.kinds
    assert len(clipped.problems) == 2
    assert clipped.text == "annotation …: box reaches out of the image …: clipped"
    assert missing.text == "image not found"
    assert hashes(dataset) == before


def test_images_of_the_project_are_matched(dataset: Path, tmp_path: Path):
    with Project.create(tmp_path / "p.reticle", image_root=dataset, image_paths=["train/b.jpg"]) as project:
        assert looked_into(dataset, project).matched == 1


def test_its_record_is_json_with_the_candidates_and_the_first_places(dataset: Path):
    record = json.loads(json.dumps(looked_into(dataset).record()))
    assert record["format"] == "coco"
    assert record["candidates"][0]["confidence"] == 0.95
    assert record["images"]["missing"] == 1
    assert record["problems"][0]["count"] == 2
    assert record["problems"][0]["first"][0]["message"].startswith("annotation 3: box reaches out")


def test_problems_that_differ_in_names_and_numbers_are_of_one_kind():
    path = Path("a.txt")
    messages = [
        "class 'cat' has 3 boxes in x/a.jpg: left out",
        "class 'a dog' has 12 boxes in b.png: left out",
        "something else",
    ]
    first, second = kinds_of([Problem(path=path, message=message) for message in messages])
    assert first.text == "class … has … boxes in …: left out"
    assert [len(first.problems), len(second.problems)] == [2, 1]
    assert second.text == "something else"


def test_a_dataset_that_is_as_surely_of_two_formats_is_not_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: Path
):
    other = replace(VOC, sniff=lambda sample: Sniffed(confidence=0.95, why="x"))
    monkeypatch.setattr(
        "detcore.formats.registry.all_formats",
        lambda: {"coco": COCO, "voc": other},
    )
    with pytest.raises(FormatError, match="Choose one with --format: coco, voc"):
        read_dataset(AUTO, dataset)


def test_boxes_of_another_size_stay_unless_they_are_to_be_scaled(tmp_path: Path):
    shape = {"segmentation": [[40, 40, 80, 40, 80, 80, 40, 80]]}
    found = read_dataset(AUTO, coco(tmp_path / "set", [[40, 40, 40, 40]], size=(200, 160), **shape))
    kept, scaled = (admit(found, ImportOptions(scale=scale)) for scale in (False, True))
    assert box_of(kept) == (40, 40, 80, 80)
    assert box_of(scaled) == (20, 20, 40, 40)
    assert scaled.notes == (
        "2 images of another size than when they were labelled: their boxes were scaled.",
    )
    assert "--scale" in kept.notes[0]


def test_boxes_that_the_smaller_file_cut_off_come_back_when_scaled(tmp_path: Path):
    found = read_dataset(
        AUTO, coco(tmp_path / "set", [[40, 40, 80, 80], [150, 100, 40, 40]], size=(200, 160))
    )
    kept, scaled = (admit(found, ImportOptions(scale=scale)) for scale in (False, True))
    assert [box.xyxy for box in kept.dataset.images[0].boxes] == [(40, 40, 100, 80)]
    assert [box.xyxy for box in scaled.dataset.images[0].boxes] == [(20, 20, 60, 60), (75, 50, 95, 70)]
    told = [problem.message for problem in found.problems]
    assert "1 box reach out of the smaller a.jpg: clipped" in told
    assert "1 box reach out of the smaller a.jpg: left out" in told


def test_fractions_where_pixels_belong_are_pointed_out_and_can_be_scaled(tmp_path: Path):
    found = read_dataset(AUTO, coco(tmp_path / "set", [[0.25, 0.25, 0.5, 0.5]]))
    assert any("as fractions of the image" in problem.message for problem in found.problems)
    assert box_of(admit(found, ImportOptions(scale=True))) == (25, 20, 75, 60)


def box_of(found: FoundDataset) -> tuple[float, ...]:
    return found.dataset.images[0].boxes[0].xyxy


def test_with_anything_odd_the_rest_comes_in_or_strictly_nothing_does(dataset: Path, tmp_path: Path):
    with Project.create(tmp_path / "p.reticle", image_root=dataset) as project:
        with pytest.raises(FormatError, match="nothing was imported, since something is odd"):
            import_dataset(project, AUTO, dataset, options=ImportOptions(strict=True))
        assert (len(project.image_ids()), project.box_count()) == (0, 0)
        report = import_dataset(project, AUTO, dataset)
        assert (report.images, report.boxes) == (2, 4)
        assert any("not there" in problem.message for problem in report.problems)


def test_names_that_windows_cannot_hold_are_told(tmp_path: Path):
    folder = coco(tmp_path / "set", [[10, 20, 20, 20]])
    (folder / "train/b.jpg").rename(folder / "train/12:30.jpg")
    file = folder / "train/_annotations.coco.json"
    file.write_text(file.read_text().replace("b.jpg", "12:30.jpg"))
    assert any("Windows cannot hold (12:30.jpg)" in note for note in looked_into(folder).notes())
