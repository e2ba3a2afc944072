"""What formats declare of themselves is true, and told where it is lost."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from detcore.errors import FormatError
from detcore.formats import all_formats
from detcore.formats.base import DatasetImage, ExportOptions
from detcore.formats.coco.writing import CocoOptions
from detcore.formats.common.shapes import Shape, shape_of
from detcore.formats.losses import Capabilities
from detcore.formats.spec import FormatSpec
from detcore.formats.voc.writing import VocOptions
from detcore.options import option
from tests.detcore.formats.format_samples import WRITABLE, box, dataset_of

FLAGS = ("difficult", "truncated", "occluded", "crowd")
SHAPES = {
    "polygon": Shape(kind="polygon", parts=(((10, 10), (30, 12), (25, 40.5)),)),
    # Sides of 25 and 5 along (3, 4) and (-4, 3), which turned are whole numbers.
    "rotated": Shape(kind="rotated", parts=(((40, 10), (55, 30), (51, 33), (36, 13)),)),
    "line": Shape(kind="line", parts=(((60, 10), (70, 20), (65, 30)),)),
    "points": Shape(kind="points", parts=(((80, 10), (90, 20), (85, 5)),)),
    "ellipse": Shape(kind="ellipse", parts=(((50, 60), (20, 10)),)),
}
every_format = pytest.mark.parametrize("name", WRITABLE)


def without_marker(name: str, tmp_path: Path) -> Path:
    """An export of flags, verified images and splits, as every other tool reads it."""
    boxes = [box(1, 10, 10 * row, 30, 10 * row + 5, **{flag: True}) for row, flag in enumerate(FLAGS, 1)]
    dataset = dataset_of(tmp_path / "in", {"full.jpg": boxes, "empty.jpg": []})
    splits = {"full.jpg": "val", "empty.jpg": "train"}
    images = [dataclasses.replace(image, verified=True, split=splits[image.name]) for image in dataset.images]
    all_formats()[name].write(dataclasses.replace(dataset, images=images), tmp_path / "out")
    (tmp_path / "out/reticle.json").unlink()
    return tmp_path / "out"


@every_format
def test_a_format_holds_what_it_says_and_nothing_else(name: str, tmp_path: Path):
    spec = all_formats()[name]
    out = without_marker(name, tmp_path)
    dataset, _ = spec.read(out)
    images = {Path(image.name).stem: image for image in dataset.images}
    full, empty = images["full"], images["empty"]
    held: dict[str, bool] = {flag: any(getattr(item, flag) for item in full.boxes) for flag in FLAGS}
    held["verified"], held["verified_empty"] = full.verified, empty.verified
    held["splits"] = (full.split, empty.split) == ("val", "train")
    held["class_ids"] = all(item.source_id is not None for item in dataset.classes)
    for path in out.rglob("*.jpg"):
        path.unlink()
    held["sizes"] = _size_without_file(spec, out) == (100, 80)
    declared = dataclasses.asdict(spec.capabilities)
    assert held == {key: value for key, value in declared.items() if key not in {"kept_beside", "shapes"}}


def _size_without_file(spec: FormatSpec, out: Path) -> tuple[int | None, int | None] | None:
    try:
        image: DatasetImage = spec.read(out)[0].images[0]
    except FormatError:  # without its images a folder is no dataset of this format
        return None
    return image.width, image.height


@every_format
def test_the_outlines_that_a_format_says_it_holds_come_back_and_no_others(name: str, tmp_path: Path):
    boxes = [box(0, *shape.bounds, extra=shape.kept(shape.bounds)) for shape in SHAPES.values()]
    report = all_formats()[name].write(dataset_of(tmp_path / "in", {"a.jpg": boxes}), tmp_path / "out")
    (tmp_path / "out/reticle.json").unlink()
    (image,) = all_formats()[name].read(tmp_path / "out", image_folder=tmp_path / "in")[0].images
    found = {shape.kind: shape for item in image.boxes if (shape := shape_of(item)) is not None}
    assert found.keys() == all_formats()[name].capabilities.shapes
    for kind, shape in found.items():
        assert [len(part) for part in shape.parts] == [len(part) for part in SHAPES[kind].parts]
        for part, original in zip(shape.parts, SHAPES[kind].parts, strict=True):
            assert np.ravel(part) == pytest.approx(np.ravel(original), abs=1e-4)
    told = [loss for loss in report.losses if "has no place for outlines" in loss]
    assert len(told) == len(SHAPES) - len(found)


@every_format
def test_what_has_no_field_is_told(name: str, tmp_path: Path):
    boxes = [box(0, 10, 20, 30, 40, truncated=True)]
    dataset = dataset_of(tmp_path / "in", {"a.jpg": boxes, "b.jpg": boxes})
    images = [dataclasses.replace(image, verified=True) for image in dataset.images]
    report = all_formats()[name].write(dataclasses.replace(dataset, images=images), tmp_path / "out")
    spec = all_formats()[name]
    fate = "marked so only in reticle.json" if spec.capabilities.kept_beside else "lose that"
    assert list(report.losses) == [
        f"{spec.title} has no field for “{what}”: 2 {things} {fate}."
        for what, things in (("truncated", "boxes"), ("verified", "images"))
        if not getattr(spec.capabilities, what)
    ]


def test_a_format_that_holds_nothing_says_so_of_each(tmp_path: Path):
    dataset = dataset_of(
        tmp_path / "in", {"a.jpg": [box(0, 1, 2, 3, 4, crowd=True)], "b.jpg": []}, split="test"
    )
    poor = dataclasses.replace(all_formats()["coco"], title="Poor", capabilities=Capabilities())
    assert poor.write(dataset, tmp_path / "out").losses == (
        "Poor has no field for “crowd”: 1 box loses that.",
        "Poor has no place for images without boxes: 1 image left out.",
        "Poor knows no splits: 2 images written without.",
    )


def test_options_of_another_format_are_a_bug(tmp_path: Path):
    dataset = dataset_of(tmp_path / "in", {"a.jpg": []})
    with pytest.raises(TypeError, match="coco takes CocoOptions, not VocOptions"):
        all_formats()["coco"].write(dataset, tmp_path / "out", ExportOptions(own=VocOptions()))
    assert not (tmp_path / "out").exists()


def test_a_format_that_goes_one_way_says_so(tmp_path: Path):
    deaf = dataclasses.replace(all_formats()["coco"], reader=None, writer=None)
    with pytest.raises(FormatError, match="COCO is only written, not read"):
        deaf.read(tmp_path)
    with pytest.raises(FormatError, match="COCO is only read, not written"):
        deaf.write(dataset_of(tmp_path / "in", {"a.jpg": []}), tmp_path / "out")


def test_options_are_listed_as_they_were_declared():
    listed = all_formats()["voc"].option_list()
    assert [(item.name, item.default, list(item.choices)) for item in listed] == [
        ("coordinates", "int", ["int", "float", "one_based"]),
        ("jpeg", False, []),
        ("trainval", False, []),
    ]
    assert [item.help for item in all_formats()["coco"].option_list()] == [
        "COCO evaluators then ignore them",
        "For evaluators that want a segmentation",
    ]
    assert CocoOptions() == all_formats()["coco"].options()
    assert all_formats()["createml"].option_list() == ()


def test_a_format_whose_option_is_none_of_its_choices_is_refused():
    @dataclasses.dataclass(frozen=True)
    class Wrong:
        size: str = option("a", label="Size", choices={"b": "B"})

    with pytest.raises(ValueError, match="Wrong: size is 'a'"):
        dataclasses.replace(all_formats()["coco"], options=Wrong)
