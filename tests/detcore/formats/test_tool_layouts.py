"""The same three boxes, laid out as nineteen tools do it."""

from __future__ import annotations

from pathlib import Path

import pytest

from detcore.exchange import import_dataset
from detcore.formats import all_formats, detect_format
from detcore.formats.base import Dataset
from detcore.project.project import Project
from tests.detcore.formats.format_samples import WRITABLE, hashes
from tests.detcore.formats.tool_layouts import BOXES, CLASSES, LAYOUTS, SPLITS, WITH_SPLITS

every_layout = pytest.mark.parametrize("layout", LAYOUTS)


def boxes_of(dataset: Dataset) -> dict[str, list[tuple[object, ...]]]:
    return {
        image.path.stem: sorted((dataset.classes[item.label].name, *item.xyxy) for item in image.boxes)
        for image in dataset.images
    }


def expected() -> dict[str, list[tuple[object, ...]]]:
    return {stem: sorted(boxes) for stem, boxes in BOXES.items()}


@every_layout
def test_the_same_boxes_come_out_of_every_layout(layout: str, tmp_path: Path) -> None:
    name, lay_out = LAYOUTS[layout]
    root = lay_out(tmp_path / "set")
    assert detect_format(root) == name
    dataset, problems = all_formats()[name].read(root)
    found = boxes_of(dataset)
    assert sorted(found) == sorted(BOXES)
    for stem, boxes in expected().items():
        for (kind, *edges), (right_kind, *right_edges) in zip(found[stem], boxes, strict=True):
            assert kind == right_kind
            assert edges == pytest.approx(right_edges, abs=1e-4)
    assert problems == []
    assert all(image.path.is_file() for image in dataset.images)
    splits = {image.path.stem: image.split for image in dataset.images}
    assert splits == SPLITS or layout not in WITH_SPLITS


def test_all_layouts_in_one_project_are_one_set_of_boxes(tmp_path: Path) -> None:
    """Labels of each tool find the images of the project, and only the first brings boxes."""
    root = LAYOUTS["voc beside images"][1](tmp_path / "first")
    with Project.create(tmp_path / "p.reticle", image_root=root) as project:
        assert import_dataset(project, "voc", root).boxes == 3
        for layout, (name, lay_out) in LAYOUTS.items():
            source = lay_out(tmp_path / layout)
            for path in [path for path in source.rglob("*") if path.suffix.lower() == ".jpg"]:
                path.unlink()
            report = import_dataset(project, name, source)
            assert (layout, report.boxes, report.matched) == (layout, 0, 2)
        assert project.statistics().boxes == 3
        assert sorted(item.name for item in project.classes()) == sorted(CLASSES)


@pytest.mark.parametrize("layout", WITH_SPLITS)
def test_every_layout_survives_every_format_and_stays_as_it_is(layout: str, tmp_path: Path) -> None:
    name, lay_out = LAYOUTS[layout]
    root = lay_out(tmp_path / "set")
    before = hashes(root)
    dataset, _ = all_formats()[name].read(root)
    for other in WRITABLE:
        item = all_formats()[other]
        item.write(dataset, tmp_path / other)
        again, problems = item.read(tmp_path / other)
        assert problems == []
        assert {stem: len(boxes) for stem, boxes in boxes_of(again).items()} == {"a": 2, "b": 1}
        assert {image.path.stem: image.split for image in again.images} == SPLITS
    assert hashes(root) == before
