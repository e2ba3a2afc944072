"""Labels of one image, ``a.jpg`` of 100 by 80 with a cat at (10, 20) to (30, 40), as each format in JSON has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from detcore.formats import all_formats
from detcore.formats.base import Dataset, Problem
from tests.detcore.formats.format_samples import save_image

Json = dict[str, Any]


def shape(**fields: Any) -> Json:
    """A shape of LabelMe."""
    return {"label": "cat", "points": [[10, 20], [30, 40]], "shape_type": "rectangle", **fields}


def labelme(*shapes: Any, **fields: Any) -> Json:
    size = {"imageWidth": 100, "imageHeight": 80}
    return {
        "version": "5.5.0",
        "shapes": [*shapes],
        "imagePath": "a.jpg",
        "imageData": None,
        **size,
        **fields,
    }


def result(value: Json | None = None, **fields: Any) -> Json:
    """A region of Label Studio, in per cent of 100 by 80 pixels."""
    size = {"original_width": 100, "original_height": 80, "image_rotation": 0}
    box = {"x": 10, "y": 25, "width": 20, "height": 25, "rotation": 0, "rectanglelabels": ["cat"]}
    names = {"id": "r1", "from_name": "label", "to_name": "image", "type": "rectanglelabels"}
    return {**size, **names, "value": box if value is None else value, **fields}


def task(*results: Any, **fields: Any) -> Json:
    """A task of Label Studio with one annotation."""
    annotation = {"id": 7, "was_cancelled": False, "ground_truth": False, "result": [*results]}
    return {"id": 1, "data": {"image": "/data/upload/3/a.jpg"}, "annotations": [annotation], **fields}


def createml(*annotations: Any, **fields: Any) -> Json:
    return {"image": "a.jpg", "annotations": [*annotations], **fields}


def centred(**fields: Any) -> Json:
    """An annotation of CreateML: a centre and a size."""
    return {"label": "cat", "coordinates": {"x": 20, "y": 30, "width": 20, "height": 20}, **fields}


def region(shape_attributes: Json | None = None, **attributes: Any) -> Json:
    """A region of VIA."""
    rect = {"name": "rect", "x": 10, "y": 20, "width": 20, "height": 20}
    return {"shape_attributes": shape_attributes or rect, "region_attributes": {"name": "cat", **attributes}}


def via(*regions: Any, filename: str = "a.jpg", **fields: Any) -> Json:
    entry = {"filename": filename, "size": 1, "regions": [*regions], "file_attributes": {}}
    return {f"{filename}1": {**entry, **fields}}


def bdd_label(**fields: Any) -> Json:
    return {"category": "cat", "id": 4, "box2d": {"x1": 10, "y1": 20, "x2": 30, "y2": 40}, **fields}


def bdd(*labels: Any, **fields: Any) -> Json:
    return {"name": "a.jpg", "labels": [*labels], **fields}


def sly_object(**fields: Any) -> Json:
    """An object of Supervisely."""
    where = {"exterior": [[10, 20], [30, 40]], "interior": []}
    return {"id": 5, "classTitle": "cat", "geometryType": "rectangle", "points": where, **fields}


def supervisely(*items: Any, **fields: Any) -> Json:
    return {
        "description": "",
        "tags": [],
        "size": {"width": 100, "height": 80},
        "objects": [*items],
        **fields,
    }


MAKERS: dict[str, tuple[Callable[..., Any], Callable[..., Json]]] = {
    "labelme": (labelme, shape),
    "label-studio": (lambda *items, **fields: [task(*items, **fields)], result),
    "createml": (lambda *items, **fields: [createml(*items, **fields)], centred),
    "via": (via, region),
    "bdd100k": (lambda *items, **fields: [bdd(*items, **fields)], bdd_label),
    "supervisely": (supervisely, sly_object),
}
"""By format: a file of some items, and an item with some fields."""


def write(folder: Path, content: Any, name: str = "a.json") -> Path:
    """Write a file of JSON beside the image that it names."""
    if not (folder / "a.jpg").exists():
        save_image(folder / "a.jpg")
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def read(format_name: str, folder: Path) -> tuple[Dataset, list[Problem]]:
    return all_formats()[format_name].read(folder)


def boxes(dataset: Dataset, name: str = "a.jpg") -> list[tuple[str, tuple[float, ...]]]:
    """Class and edges of the boxes of one image."""
    (image,) = [image for image in dataset.images if image.path.name == name]
    return [(dataset.classes[box.label].name, box.xyxy) for box in image.boxes]
