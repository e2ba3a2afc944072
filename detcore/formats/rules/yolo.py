"""How Ultralytics, labelImg and CVAT read YOLO."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml

from detcore.errors import ImageError
from detcore.formats.rules.tally import ReaderRules, Tally
from detcore.images.decoding import EXTENSIONS, read_header

_NAMES = "classes.txt"
_SMALLEST_SIDE = 10
_OVER = 0.01


def _description(folder: Path) -> dict[str, Any]:
    data: Any = yaml.safe_load((folder / "data.yaml").read_text("utf-8"))
    if not isinstance(data, dict):
        raise ValueError("data.yaml is no mapping")
    return cast("dict[str, Any]", data)


def _labels(image: Path, folder: Path) -> Path:
    """The last ``/images/`` of the path becomes ``/labels/``."""
    parts = list(image.relative_to(folder).parts)
    at = len(parts) - 1 - parts[::-1].index("images")
    parts[at] = "labels"
    return folder.joinpath(*parts).with_suffix(".txt")


def _images(folder: Path, place: str) -> list[Path]:
    return sorted(path for path in (folder / place).rglob("*") if path.suffix.lower() in EXTENSIONS)


def _rows(path: Path) -> Iterator[list[str]]:
    if path.is_file():
        yield from (line.split(" ") for line in path.read_text("utf-8").split("\n")[:-1])


def ultralytics(folder: Path, tally: Tally) -> None:
    """``train`` and ``val`` in data.yaml; a row of other than five columns, or a class or a coordinate out of its range,
    costs the image."""
    description = _description(folder)
    for key in ("train", "val", "names"):
        if key not in description:
            tally.fault("a key that data.yaml lacks", key)
    names: Any = description.get("names")
    if not isinstance(names, dict) or sorted(names) != list(range(len(names))):  # pyright: ignore[reportUnknownArgumentType]
        tally.fault("class ids do not run from 0 without gaps", "data.yaml")
        return
    count = len(cast("dict[int, Any]", names))
    places = {description[key] for key in ("train", "val", "test") if description.get(key)}
    for place in sorted(places):
        for image in _images(folder, place):
            rows = list(_rows(_labels(image, folder)))
            fault = next(filter(None, (_row_fault(row, count) for row in rows)), "") or _image_fault(image)
            if fault:
                tally.fault(f"{fault}: the image is left out", image.name)
                continue
            tally.images += 1
            distinct = {tuple(float(value) for value in row) for row in rows}
            if len(distinct) < len(rows):
                tally.fault("boxes that are there twice are taken once", image.name)
            tally.boxes += len(distinct)


def _row_fault(row: list[str], count: int) -> str:
    try:
        number, *values = (float(text) for text in row)
    except ValueError:
        return "a field that is no number"
    if len(values) != 4 or not all(map(math.isfinite, values)):
        return "a row that has not five numbers"
    if not (number.is_integer() and 0 <= number < count):
        return "a class that data.yaml does not name"
    if not all(-_OVER <= value <= 1 + _OVER for value in values) or min(values[2:]) < 0:
        return "a box outside of the image"
    return ""


def _image_fault(image: Path) -> str:
    try:
        header = read_header(image)
    except ImageError:
        return "it cannot be read as an image"
    return "it is smaller than 10 pixels" if min(header.width, header.height) < _SMALLEST_SIDE else ""


def labelimg(folder: Path, tally: Tally) -> None:
    """Exactly five fields parted by single blanks, and classes.txt beside the label files."""
    for path in sorted((folder / "labels").rglob("*.txt")):
        if path.name == _NAMES:
            continue
        beside = path.with_name(_NAMES)
        if not beside.is_file():
            tally.fault("there is no classes.txt beside the label files", path.parent.relative_to(folder))
            continue
        names = beside.read_text("utf-8").split("\n")[:-1]
        if "" in names:
            tally.fault("an empty line in classes.txt", path.parent.relative_to(folder))
        tally.images += 1
        for row in _rows(path):
            if _row_fault(row, len(names)):
                tally.fault("a row that is not a known class and four numbers", path.name)
                break
            tally.boxes += 1


def cvat(folder: Path, tally: Tally) -> None:
    """Each key of data.yaml that is not ``path`` or ``names`` is a subset; whatever lies in its folder is an image."""
    for subset, place in _description(folder).items():
        if subset in {"path", "names"}:
            continue
        if not isinstance(place, str) or not (folder / place).is_dir():
            tally.fault("a key of data.yaml that is taken for a subset", subset)
            continue
        if subset == "val" and place == _description(folder).get("train"):
            continue  # the same images under a second name
        for path in sorted(item for item in (folder / place).rglob("*") if item.is_file()):
            if path.suffix.lower() not in EXTENSIONS:
                tally.fault("a file among the images that is none", path.name)
                continue
            tally.images += 1
            for row in _rows(_labels(path, folder)):
                if len(row) == 5 and row[0].isdecimal():
                    tally.boxes += 1
                else:
                    tally.fault("a row that is not a whole number and four others", path.name)


YOLO_RULES = (
    ReaderRules(reader="Ultralytics", check=ultralytics),
    ReaderRules(reader="labelImg", check=labelimg, needs_images=False),
    ReaderRules(reader="CVAT", check=cvat),
)
