"""Folders of label files as other programs leave them, for tests of editing them in their place."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image as PillowImage

from detcore.exchange.imports import import_dataset
from detcore.exchange.in_place.linked import LinkedFolder
from detcore.project.project import Project

WIDTH, HEIGHT = 128, 64
NAMES = ("cat", "dog", "owl")
Row = tuple[str, int, int, int, int]
"""A class and the edges of a box in whole pixels."""


def voc_text(image: Path, rows: list[Row]) -> str:
    """An XML file as labelImg writes it."""
    objects = "".join(
        f"\t<object>\n\t\t<name>{name}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n"
        f"\t\t<difficult>0</difficult>\n\t\t<bndbox>\n\t\t\t<xmin>{x1}</xmin>\n\t\t\t<ymin>{y1}</ymin>\n"
        f"\t\t\t<xmax>{x2}</xmax>\n\t\t\t<ymax>{y2}</ymax>\n\t\t</bndbox>\n\t</object>\n"
        for name, x1, y1, x2, y2 in rows
    )
    return (
        f"<annotation>\n\t<folder>images</folder>\n\t<filename>{image.name}</filename>\n\t<path>{image}</path>\n"
        f"\t<source>\n\t\t<database>Unknown</database>\n\t</source>\n\t<size>\n\t\t<width>{WIDTH}</width>\n"
        f"\t\t<height>{HEIGHT}</height>\n\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</segmented>\n{objects}"
        "</annotation>\n"
    )


def yolo_text(rows: list[Row]) -> str:
    """A text file as labelImg writes it. Sizes that are powers of two have exact fractions of six digits."""
    return "".join(
        f"{NAMES.index(name)} {(x1 + x2) / 2 / WIDTH:.8f} {(y1 + y2) / 2 / HEIGHT:.8f}"
        f" {(x2 - x1) / WIDTH:.8f} {(y2 - y1) / HEIGHT:.8f}\n"
        for name, x1, y1, x2, y2 in rows
    )


def labelme_text(image: Path, rows: list[Row]) -> str:
    """A JSON file as LabelMe writes it."""
    shapes = [
        {"label": name, "points": [[float(x1), float(y1)], [float(x2), float(y2)]], "group_id": None}
        | {"description": "", "shape_type": "rectangle", "flags": {}, "mask": None}
        for name, x1, y1, x2, y2 in rows
    ]
    content = {"version": "5.4.1", "flags": {}, "shapes": shapes, "imagePath": image.name, "imageData": None}
    return json.dumps(content | {"imageHeight": HEIGHT, "imageWidth": WIDTH}, indent=2)


def read_labelme(path: Path) -> list[Row]:
    rows: list[Row] = []
    for shape in json.loads(path.read_text(encoding="utf-8"))["shapes"]:
        (xa, ya), (xb, yb) = shape["points"]
        rows.append((shape["label"], int(min(xa, xb)), int(min(ya, yb)), int(max(xa, xb)), int(max(ya, yb))))
    return rows


def read_voc(path: Path) -> list[Row]:
    """What another program reads."""
    rows: list[Row] = []
    for item in ElementTree.parse(path).iter("object"):
        x1, y1, x2, y2 = (
            int(item.findtext(f"bndbox/{edge}") or "") for edge in ("xmin", "ymin", "xmax", "ymax")
        )
        rows.append((item.findtext("name") or "", x1, y1, x2, y2))
    return rows


def read_yolo(path: Path) -> list[Row]:
    names = (path.parent / "classes.txt").read_text().splitlines()
    rows: list[Row] = []
    for line in path.read_text().splitlines():
        number, *values = line.split()
        x, y, across, down = (float(value) for value in values)
        edges = (
            (x - across / 2) * WIDTH,
            (y - down / 2) * HEIGHT,
            (x + across / 2) * WIDTH,
            (y + down / 2) * HEIGHT,
        )
        x1, y1, x2, y2 = (round(edge) for edge in edges)
        rows.append((names[int(number)], x1, y1, x2, y2))
    return rows


def some_row(rng: random.Random) -> Row:
    x1, y1 = rng.randrange(WIDTH - 8), rng.randrange(HEIGHT - 8)
    return rng.choice(NAMES), x1, y1, rng.randrange(x1 + 4, WIDTH), rng.randrange(y1 + 4, HEIGHT)


class Foreign:
    """Another program that works on the same files."""

    def __init__(self, format_name: str) -> None:
        self.format_name = format_name
        self.suffix = {"voc": ".xml", "yolo": ".txt", "labelme": ".json"}[format_name]
        readers = {"voc": read_voc, "yolo": read_yolo, "labelme": read_labelme}
        self.read: Callable[[Path], list[Row]] = readers[format_name]

    def write(self, image: Path, rows: list[Row]) -> None:
        if self.format_name == "yolo":
            text = yolo_text(rows)
        else:
            text = (voc_text if self.format_name == "voc" else labelme_text)(image, rows)
        image.with_suffix(self.suffix).write_text(text, encoding="utf-8", newline="")

    def rows(self, image: Path) -> list[Row]:
        return self.read(image.with_suffix(self.suffix))


def make_folder(folder: Path, foreign: Foreign, *, images: int, seed: int = 0) -> list[Path]:
    """Images with labels beside them."""
    rng = random.Random(seed)
    folder.mkdir(parents=True)
    if foreign.format_name == "yolo":
        (folder / "classes.txt").write_text("".join(f"{name}\n" for name in NAMES))
    paths = [folder / f"{number}.png" for number in range(images)]
    for path in paths:
        PillowImage.new("RGB", (WIDTH, HEIGHT)).save(path)
        foreign.write(path, [some_row(rng) for _ in range(rng.randrange(1, 5))])
    return paths


def link(folder: Path, foreign: Foreign) -> tuple[Project, LinkedFolder]:
    """A new project that is linked with a folder."""
    project = Project.create(folder.parent / "p.reticle", image_root=folder)
    import_dataset(project, foreign.format_name, folder)
    linked, problems = LinkedFolder.link(project, foreign.format_name, folder)
    assert problems == []
    return project, linked
