"""Outlines that came with a box."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from detcore.formats.base import Dataset, DatasetBox, DatasetClass, DatasetImage, ExportReport
from detcore.formats.common.shapes import Shape, shape_of
from detcore.formats.losses import Capabilities, foreign_fields, told_losses

TRIANGLE = Shape(kind="polygon", parts=(((10.0, 20.0), (30.0, 25.0), (15.0, 60.0)),))


def boxed(shape: Shape) -> DatasetBox:
    x1, y1, x2, y2 = shape.bounds
    return DatasetBox(label=0, x1=x1, y1=y1, x2=x2, y2=y2, extra=shape.kept((x1, y1, x2, y2)))


@pytest.mark.parametrize(
    ("shape", "bounds"),
    [
        (TRIANGLE, (10.0, 20.0, 30.0, 60.0)),
        (Shape(kind="ellipse", parts=(((50.0, 40.0), (5.0, 8.0)),)), (45.0, 32.0, 55.0, 48.0)),
        (Shape(kind="points", parts=(((1.0, 2.0),), ((7.0, 0.5),))), (1.0, 0.5, 7.0, 2.0)),
    ],
)
def test_bounds_enclose_every_part(shape: Shape, bounds: tuple[float, ...]) -> None:
    assert shape.bounds == bounds


def test_an_outline_stays_with_the_box_it_came_with() -> None:
    assert shape_of(boxed(TRIANGLE)) == TRIANGLE


def test_an_outline_is_dropped_once_its_box_was_moved() -> None:
    assert shape_of(replace(boxed(TRIANGLE), x2=31.0)) is None


@pytest.mark.parametrize(
    "kept", [None, 5, {"kind": "blob"}, {"kind": "polygon", "parts": [["a"]], "box": [0, 0, 1, 1]}]
)
def test_what_is_no_outline_is_none(kept: object) -> None:
    assert shape_of(DatasetBox(label=0, x1=0.0, y1=0.0, x2=1.0, y2=1.0, extra={"shape": kept})) is None


def test_outlines_that_a_format_has_no_place_for_are_told_as_losses() -> None:
    boxes = [boxed(TRIANGLE), replace(boxed(TRIANGLE), x2=31.0)]
    image = DatasetImage(path=Path("/a.jpg"), name="a.jpg", boxes=boxes, split="train")
    dataset = Dataset(classes=[DatasetClass(name="a")], images=[image], image_root=Path("/"))
    report = ExportReport(out=Path("/out"), files=0, images={}, boxes={})
    everything = {"verified_empty": True, "splits": True}
    told = told_losses(dataset, report, "X", Capabilities(**everything))
    assert told == [
        "X has no place for outlines of the kind “polygon”: 1 box written without.",
        "1 box was changed after the outline was drawn: written without it.",
    ]
    assert (
        told_losses(dataset, report, "X", Capabilities(shapes=frozenset({"polygon"}), **everything))
        == told[1:]
    )
    assert foreign_fields(dataset, "x", "X", Capabilities()) == []
