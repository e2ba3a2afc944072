"""Any dataset, written and read back by every format, is the same dataset."""

from __future__ import annotations

import dataclasses
import itertools
import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from detcore.formats import all_formats
from detcore.formats.base import Dataset, DatasetBox, DatasetClass, DatasetImage, ExportOptions
from detcore.formats.voc.writing import VocOptions

SIZES = ((100, 80), (1, 1), (4000, 3000))
FLAGS = ("difficult", "truncated", "occluded", "crowd")
names = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("in")
    for number, (width, height) in enumerate(SIZES):
        Image.new("L", (width, height)).save(root / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def outs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return (tmp_path_factory.mktemp("out") / str(number) for number in itertools.count())


@st.composite
def edges(draw: st.DrawFn, limit: int) -> tuple[float, float]:
    kinds = st.one_of(
        st.floats(0, limit, allow_nan=False, allow_subnormal=False), st.integers(0, limit).map(float)
    )
    low, high = sorted((draw(kinds), draw(kinds)))
    if high - low < limit * 1e-3:  # YOLO's ten decimals have to hold the size
        return 0.0, float(limit)
    return low, high


@st.composite
def datasets(draw: st.DrawFn) -> list[tuple[str, list[DatasetBox], int, str | None]]:
    class_names = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    images = []
    for number, size in enumerate(SIZES):
        boxes = []
        for _ in range(draw(st.integers(0, 3))):
            x, y = draw(edges(size[0])), draw(edges(size[1]))
            flags = {flag: draw(st.booleans()) for flag in FLAGS}
            label = draw(st.integers(0, len(class_names) - 1))
            boxes.append(DatasetBox(label=label, x1=x[0], y1=y[0], x2=x[1], y2=y[1], **flags))
        images.append((number, boxes, draw(st.sampled_from(["train", "val", "test", None]))))
    return [class_names, images]  # type: ignore[return-value]


def build(content, folder: Path) -> Dataset:
    class_names, images = content
    return Dataset(
        classes=[DatasetClass(name=name) for name in class_names],
        images=[
            DatasetImage(
                path=folder / f"{number}.png",
                name=f"{number}.png",
                width=SIZES[number][0],
                height=SIZES[number][1],
                split=split,
                verified=not boxes,
                boxes=boxes,
            )
            for number, boxes, split in images
        ],
        image_root=folder,
    )


def there_and_back(
    content, folder: Path, out: Path, name: str, options: ExportOptions, flags: Sequence[str] = FLAGS
):
    """The boxes before and after, paired; ``flags`` are those that the format holds."""
    before = build(content, folder)
    all_formats()[name].write(before, out, options)
    after, _ = all_formats()[name].read(out)
    shutil.rmtree(out)
    found = {image.path.stem: image for image in after.images}
    pairs: list[tuple[DatasetBox, DatasetBox]] = []
    for image in before.images:
        again = found[image.path.stem]
        assert again.split == image.split
        assert again.verified == image.verified
        assert (again.width, again.height) == (image.width, image.height)
        assert len(again.boxes) == len(image.boxes)
        for first, second in zip(image.boxes, again.boxes, strict=True):
            assert after.classes[second.label].name == before.classes[first.label].name
            for flag in flags:
                assert getattr(first, flag) == getattr(second, flag)
            pairs.append((first, second))
    return pairs


many = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@many
@given(content=datasets())
def test_voc_with_floats_is_exact(content, folder: Path, outs: Iterator[Path]):
    options = ExportOptions(own=VocOptions(coordinates="float"))
    for first, second in there_and_back(content, folder, next(outs), "voc", options):
        assert first.xyxy == second.xyxy


@many
@given(content=datasets())
def test_coco_is_exact_to_the_last_bit(content, folder: Path, outs: Iterator[Path]):
    """COCO holds widths, and not every right edge is the sum of a left edge and a width."""
    for first, second in there_and_back(content, folder, next(outs), "coco", ExportOptions()):
        for written, read in zip(first.xyxy, second.xyxy, strict=True):
            assert abs(written - read) <= math.ulp(read)


@many
@given(content=datasets())
@pytest.mark.parametrize("name", ["cvat", "datumaro", "fiftyone", "labelme", "label-studio"])
def test_formats_of_other_tools_are_exact_to_a_billionth_of_a_pixel(
    content, folder: Path, outs: Iterator[Path], name: str
):
    for first, second in there_and_back(content, folder, next(outs), name, ExportOptions()):
        assert first.xyxy == pytest.approx(second.xyxy, abs=1e-9)


@many
@given(content=datasets())
def test_createml_is_exact_to_a_billionth_of_a_pixel_but_knows_no_flags(
    content, folder: Path, outs: Iterator[Path]
):
    for first, second in there_and_back(content, folder, next(outs), "createml", ExportOptions(), flags=()):
        assert first.xyxy == pytest.approx(second.xyxy, abs=1e-9)


@many
@given(content=datasets())
def test_tfrecord_is_exact_to_the_floats_of_four_bytes_that_it_holds(
    content, folder: Path, outs: Iterator[Path]
):
    for first, second in there_and_back(content, folder, next(outs), "tfrecord", ExportOptions()):
        # 24 bits of the largest image
        assert first.xyxy == pytest.approx(second.xyxy, abs=4000 * 2**-24)


@many
@given(content=datasets())
@pytest.mark.parametrize("name", ["csv", "kitti"])
def test_tables_and_rows_of_text_are_exact(content, folder: Path, outs: Iterator[Path], name: str):
    class_names, images = content
    if name == "kitti":  # its crowds have no class
        images = [
            (number, [dataclasses.replace(box, crowd=False) for box in boxes], split)
            for number, boxes, split in images
        ]
    for first, second in there_and_back([class_names, images], folder, next(outs), name, ExportOptions()):
        assert first.xyxy == second.xyxy


@many
@given(content=datasets())
def test_yolo_is_exact_to_a_millionth_of_a_pixel(content, folder: Path, outs: Iterator[Path]):
    for first, second in there_and_back(content, folder, next(outs), "yolo", ExportOptions()):
        assert first.xyxy == pytest.approx(second.xyxy, abs=1e-6)


@many
@given(content=datasets())
def test_voc_with_whole_pixels_is_off_by_at_most_one_and_one_based_says_the_same(
    content, folder: Path, outs: Iterator[Path]
):
    whole = there_and_back(
        content, folder, next(outs), "voc", ExportOptions(own=VocOptions(coordinates="int"))
    )
    one_based = there_and_back(
        content, folder, next(outs), "voc", ExportOptions(own=VocOptions(coordinates="one_based"))
    )
    for (first, second), (_, third) in zip(whole, one_based, strict=True):
        assert second.xyxy == third.xyxy
        width, height = second.x2 - second.x1, second.y2 - second.y1
        limit = 0.5 if min(first.x2 - first.x1, first.y2 - first.y1) >= 1 else 1
        assert all(abs(a - b) <= limit for a, b in zip(first.xyxy, second.xyxy, strict=True))
        assert width >= 1
        assert height >= 1
