"""Datumaro's JSON: one file a subset, images in folders of the same names.

Boxes and what stands for a box by its bounds are read; all else (other kinds of annotations, attributes, groups,
categories of masks and keypoints) is kept for the export.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from detcore.boxes import Xyxy, fit
from detcore.errors import FormatError
from detcore.formats.base import MARKER, Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.coco.bounds import as_numbers, read_bounds
from detcore.formats.common.collect import Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.shapes import Shape, ShapeKind
from detcore.formats.common.staging import read_marks
from detcore.formats.common.text import as_flag, split_of_file
from detcore.formats.datumaro.writing import FLAGS, write_datumaro
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed, json_head
from detcore.formats.spec import FormatSpec

Json = dict[str, Any]

_OUTLINES: Mapping[str, ShapeKind] = {"polygon": "polygon", "polyline": "line", "points": "points"}
_FIGURES = ("bbox", "mask", "ellipse", *_OUTLINES)
_STEP = 256


def read_datumaro(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)
    contents: list[tuple[Path, Json]] = []
    for path in found.files(source, (".json",)):
        content: Any = found.json(path) if path.name != MARKER else None
        if isinstance(content, dict) and isinstance(cast(Json, content).get("items"), list):
            contents.append((path, cast(Json, content)))
        elif content is not None:
            found.problem(path, "no dataset of Datumaro (no list of items)")
    if not contents:
        reason = f" ({found.problems[0]})" if found.problems else ""
        raise FormatError(f"no dataset of Datumaro here{reason}", path=source)
    total, done = sum(len(content["items"]) for _, content in contents), 0
    for path, content in contents:
        file = _File(path, content, found)
        for item in content["items"]:
            if done % _STEP == 0:
                step(progress, done, total)
            file.read(item)
            done += 1
    step(progress, total, total)
    return found.dataset(), found.problems


def sniff_datumaro(sample: Sample) -> Sniffed | None:
    """Whether the JSON file, or the first ones of a folder, have categories of labels and items."""
    return sample.surest((".json",), _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    head = json_head(path)
    if head is None or head.is_list:
        return None
    keys = head.keys
    is_labelled = "label" in keys.get("categories", set())
    if "items" in keys and (is_labelled or "annotations" in keys["items"]):
        return Sniffed(confidence=0.95, why="categories and items")
    if "dm_format_version" in keys or is_labelled:
        return Sniffed(confidence=0.9, why="categories of labels" if is_labelled else "dm_format_version")
    return None


DATUMARO = FormatSpec(
    name="datumaro",
    title="Datumaro",
    kind="JSON",
    text="One JSON file a split. For Datumaro and CVAT, with outlines and attributes.",
    suffixes=(".json",),
    sniff=sniff_datumaro,
    reader=read_datumaro,
    writer=write_datumaro,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified_empty=True,
        splits=True,
        sizes=True,
        shapes=frozenset({"polygon", "line", "points", "ellipse"}),
        kept_beside=True,
    ),
)


class _File:
    """One JSON file, which is one subset."""

    def __init__(self, path: Path, content: Json, found: Gathering) -> None:
        self._path = path
        self._found = found
        self._home = path.parent.parent if path.parent.name.lower() == "annotations" else path.parent
        self._subset = path.stem
        self._split = split_of_file(path.stem) or found.folder_split(path)
        self._marks = read_marks([self._home])
        folders = (f"images/{self._subset}", "images", self._subset, "")
        self._homes = [self._home / folder for folder in folders]
        self._labels = self._read_labels(_object(content.get("categories")))
        self._keep_whole(content)

    def read(self, raw: Any) -> None:
        """Take an image in, with its boxes."""
        item = _object(raw)
        told = _object(item.get("image"))
        name = item.get("id")
        written = (
            told.get("path") or _object(item.get("media")).get("path") or (f"{name}.jpg" if name else "")
        )
        if "image" not in item and not _object(item.get("media")).get("path"):
            self._report(f"item {name!r} has no image: left out")
            return
        path = self._found.named(self._path, str(written), self._homes, expected=self._homes[0])
        if path is None:
            return
        frame = self._found.frame(self._path, path, _size(told.get("size")))
        boxes: list[DatasetBox] = []
        others: list[Any] = []
        annotations = [_object(entry) for entry in _list(item.get("annotations"))]
        for entry in annotations:
            box = self._box(entry, str(name), frame) if entry.get("type") in _FIGURES else None
            if box is not None:
                boxes.append(box)
            elif entry.get("type") not in _FIGURES:
                others.append(entry)
        # Captions and labels of whole images say nothing of the objects on them.
        labelled = len(others) < len(annotations) or not annotations
        kept = {key: value for key, value in item.items() if key not in {"annotations", "image"}}
        kept["image"] = {key: value for key, value in told.items() if key != "size"}
        if others:
            kept["annotations"] = others
        if self._split is None and self._subset != "default":
            kept["subset"] = self._subset
        image = DatasetImage(
            path=path,
            name="",
            width=frame.width,
            height=frame.height,
            split=self._split,
            labelled=labelled,
            verified=bool(self._marks.get(path, {}).get("verified")) or not annotations,
            boxes=boxes,
            extra={"datumaro": kept},
        )
        self._found.add(image, self._path)

    def _report(self, message: str) -> None:
        self._found.problem(self._path, message)

    def _read_labels(self, categories: Json) -> list[int]:
        """The class of each label."""
        labels: list[int] = []
        for place, raw in enumerate(_list(_object(categories.get("label")).get("labels"))):
            entry = _object(raw)
            name = str(entry.get("name", "")).strip() or f"class_{place}"
            extra = {key: value for key, value in entry.items() if key != "name" and value not in ("", [])}
            label = self._found.classes.add(name, None, {"datumaro": extra} if extra else None)
            if label in labels:
                self._report(f"two labels are called {name!r}: joined")
            labels.append(label)
        return labels

    def _keep_whole(self, content: Json) -> None:
        kept = {key: value for key, value in content.items() if key != "items"}
        known = self._found.extra.setdefault("datumaro", kept)
        for key, value in kept.items():
            if known.get(key) != value:
                self._report(f"“{key}” differs from that of another file, which is kept")

    def _box(self, entry: Json, item: str, frame: Frame) -> DatasetBox | None:
        what = f"item {item!r}, annotation {entry.get('id')!r}"
        number: Any = entry.get("label_id")
        if number is None:
            self._report(f"{what}: no label: left out")
            return None
        bounds, shape = _figure(entry)
        if bounds is None:
            self._report(f"{what}: a {entry['type']} without its numbers: left out")
            return None
        shape = None if shape is None else shape.turned(frame)
        raw = frame.turn(bounds) if shape is None else shape.bounds
        box, message = fit(raw, width=frame.width, height=frame.height)
        if message is not None:
            self._report(f"{what}: {message}")
        if box is None:
            return None
        used = {"type", "label_id", "bbox", "points"}
        kept = {key: value for key, value in entry.items() if key not in used}
        if entry["type"] == "mask":
            kept["box"] = list(box)
        attributes = _object(entry.get("attributes"))
        flags = {flag: bool(as_flag(str(attributes.get(name, "")))) for flag, name in FLAGS.items()}
        return DatasetBox(
            label=self._label(number, what),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            extra={"datumaro": kept} | ({} if shape is None else shape.kept(box)),
            **flags,
        )

    def _label(self, number: Any, what: str) -> int:
        if isinstance(number, int) and 0 <= number < len(self._labels):
            return self._labels[number]
        label = self._found.classes.placeholder(
            number if isinstance(number, int) and abs(number) < 2**31 else -1
        )
        name = self._found.classes.classes()[label].name
        self._report(f"{what}: there is no label {str(number)[:20]}: put into “{name}”")
        return label


def _figure(entry: Json) -> tuple[Xyxy | None, Shape | None]:
    """Edges and outline of an annotation, each where it has such."""
    kind = str(entry["type"])
    if kind == "mask":
        return read_bounds({"segmentation": entry.get("rle")})[0], None
    numbers = as_numbers(entry.get("bbox" if kind == "bbox" else "points")) or []
    if kind == "bbox":
        return read_bounds({"bbox": numbers})[0], None
    if kind == "ellipse":
        if len(numbers) != 4:
            return None, None
        x1, y1, x2, y2 = numbers
        parts = ((((x1 + x2) / 2, (y1 + y2) / 2), ((x2 - x1) / 2, (y2 - y1) / 2)),)
        shape = Shape(kind="ellipse", parts=parts)
        return shape.bounds, shape
    if not numbers or len(numbers) % 2:
        return None, None
    shape = Shape(kind=_OUTLINES[kind], parts=(tuple(zip(numbers[0::2], numbers[1::2], strict=True)),))
    return shape.bounds, shape


def _object(value: Any) -> Json:
    return cast(Json, value) if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _size(value: Any) -> tuple[int, int] | None:
    """Width and height of what is written the other way round."""
    numbers = as_numbers(value) or []
    if len(numbers) < 2 or not all(0 < side < 2**31 for side in numbers[:2]):
        return None
    return int(numbers[1]), int(numbers[0])
