"""Supervisely's projects: folders of images and of JSON, classes in ``meta.json``, masks."""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detcore.formats import detect_format
from detcore.formats.common.shapes import shape_of
from tests.detcore.formats.format_samples import save_image
from tests.detcore.formats.json_samples import Json, boxes, read, sly_object, supervisely, write

META = {
    "classes": [{"title": "dog", "shape": "polygon", "color": "#FF0000"}, {"title": "cat", "shape": "any"}],
    "tags": [],
}


def project(folder: Path, *items: Json, name: str = "a.jpg.json", **fields: object) -> Path:
    save_image(folder / "train/img/a.jpg")
    (folder / "train/ann").mkdir(parents=True)
    (folder / "train/ann" / name).write_text(json.dumps(supervisely(*items, **fields)))
    (folder / "meta.json").write_text(json.dumps(META))
    return folder


def png(mode: str = "1") -> bytes:
    """A mask of 20 by 10: the pixels from (3, 2) to before (8, 6) are marked."""
    pixels = np.zeros((10, 20), np.uint8)
    pixels[2:6, 3:8] = 255
    mask = Image.fromarray(pixels)
    if mode == "RGBA":
        full = Image.new("RGBA", mask.size, (255, 0, 0, 0))
        full.putalpha(mask)
        mask = full
    else:
        mask = mask.convert(mode)
    file = io.BytesIO()
    mask.save(file, "PNG")
    return file.getvalue()


def bitmap(data: bytes) -> Json:
    packed = base64.b64encode(zlib.compress(data)).decode()
    return sly_object(geometryType="bitmap", bitmap={"data": packed, "origin": [50, 30]})


@pytest.mark.parametrize("name", ["a.jpg.json", "a.json"])
def test_a_project_has_its_classes_in_their_order_and_its_folders_as_splits(name: str, tmp_path: Path):
    tags = [{"name": "occluded", "value": None}, {"name": "truncated", "value": "no"}]
    folder = project(tmp_path, sly_object(tags=tags), name=name)
    save_image(folder / "train/img/b.jpg")
    dataset, problems = read("supervisely", folder)
    assert detect_format(folder) == "supervisely"
    assert [item.name for item in dataset.classes] == ["dog", "cat"]
    assert dataset.classes[0].extra["supervisely"]["color"] == "#FF0000"
    assert boxes(dataset) == [("cat", (10, 20, 30, 40))]
    (box,) = dataset.images[0].boxes
    assert (box.occluded, box.truncated, dataset.images[0].split) == (True, False, "train")
    assert [(image.name, image.labelled) for image in dataset.images] == [("a.jpg", True), ("b.jpg", False)]
    assert "1 image without annotation" in problems[0].message


def test_classes_are_known_too_where_only_the_folder_of_labels_is_opened(tmp_path: Path):
    dataset, _ = read("supervisely", project(tmp_path, sly_object()) / "train")
    assert [item.name for item in dataset.classes] == ["dog", "cat"]


def test_outlines_keep_their_holes_and_lines_and_graphs_their_points(tmp_path: Path):
    triangle, hole = [[10, 20], [30, 25], [15, 60]], [[15, 30], [20, 30], [16, 40]]
    items = [
        sly_object(geometryType="polygon", points={"exterior": triangle, "interior": [hole]}),
        sly_object(geometryType="line", points={"exterior": triangle, "interior": []}),
        sly_object(geometryType="graph", nodes={"n1": {"loc": [5, 6]}, "n2": {"loc": [9, 16]}}),
    ]
    dataset, problems = read("supervisely", project(tmp_path, *items))
    assert [edges for _, edges in boxes(dataset)] == [(10, 20, 30, 60), (10, 20, 30, 60), (5, 6, 9, 16)]
    shapes = [shape_of(box) for box in dataset.images[0].boxes]
    assert [shape and (shape.kind, len(shape.parts)) for shape in shapes] == [
        ("polygon", 2),
        ("line", 1),
        ("points", 1),
    ]
    assert problems == []


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA"])
def test_a_mask_gives_the_edges_of_its_marked_pixels(mode: str, tmp_path: Path):
    dataset, problems = read("supervisely", project(tmp_path, bitmap(png(mode))))
    assert boxes(dataset) == [("cat", (53, 32, 58, 36))]
    assert problems == []


def huge() -> bytes:
    """A PNG that says it has 100,000 by 100,000 pixels."""
    header = (100_000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    chunk = b"IHDR" + header
    data = png()
    return data[:8] + (13).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + data[33:]


@pytest.mark.parametrize("data", [bytes(200_000_000), huge(), png()[:40], b"no picture"])
def test_a_mask_that_is_a_bomb_or_none_is_left_out(data: bytes, tmp_path: Path):
    dataset, problems = read("supervisely", project(tmp_path, bitmap(data), sly_object()))
    assert boxes(dataset) == [("cat", (10, 20, 30, 40))]
    assert len(problems) == 1
    assert "a mask that cannot be read" in problems[0].message


def test_a_tag_of_the_image_may_tell_its_split(tmp_path: Path):
    write(tmp_path, supervisely(sly_object(), tags=[{"name": "val", "value": None}]), "a.jpg.json")
    dataset, _ = read("supervisely", tmp_path)
    assert dataset.images[0].split == "val"
