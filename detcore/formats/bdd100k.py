"""BDD100K's JSON: a list of frames with labels (also as Scalabel writes it), or one file an image.

Boxes are read as they stand, as edges; what has only an outline, such as lanes, gets its bounds.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, cast

from detcore.boxes import Xyxy
from detcore.formats.base import MARKER, Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.json_files import (
    Json,
    as_object,
    label_files,
    numbers,
    objects,
    pixel_size,
    points,
    take_flags,
    without,
)
from detcore.formats.common.shapes import Point, Shape, fitted
from detcore.formats.common.text import foreign_parts, split_of_file
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed, json_head
from detcore.formats.spec import FormatSpec
from detcore.images.decoding import EXTENSIONS
from detcore.wording import counted

_STEP = 256


def read_bdd100k(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)

    def take(path: Path, content: Any) -> _File | None:
        frames = _frames(content)
        return _File(path, frames, found) if frames else None

    files = label_files(found, "BDD100K", "frame with a name", take)
    total = sum(len(file.frames) for file in files)
    done = 0
    for file in files:
        for frame in file.frames:
            if done % _STEP == 0:
                step(progress, done, total)
            file.read(frame)
            done += 1
        file.report_outlines()
    step(progress, total, total)
    return found.dataset(), found.problems


def sniff_bdd100k(sample: Sample) -> Sniffed | None:
    """Whether the JSON file, or the first ones of a folder, hold frames with labels."""
    return sample.surest((".json",), _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    head = None if path.name == MARKER else json_head(path)
    if head is None:
        return None
    keys = head.keys
    if head.is_list and "name" in keys and "category" in keys.get("labels", set()):
        return Sniffed(confidence=0.95, why="a list of frames with a name and labels")
    if not head.is_list and "objects" in keys.get("frames", set()) and "name" in keys:
        return Sniffed(confidence=0.95, why="one image with frames and objects")
    if not head.is_list and {"name", "labels"} <= keys.get("frames", set()):
        return Sniffed(confidence=0.95, why="frames with a name and labels")
    return None


BDD100K = FormatSpec(
    name="bdd100k",
    title="BDD100K",
    kind="JSON",
    text="Berkeley DeepDrive and Scalabel: one JSON file a split, or one an image.",
    suffixes=(".json",),
    sniff=sniff_bdd100k,
    reader=read_bdd100k,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified_empty=True,
        splits=True,
        shapes=frozenset({"polygon", "line"}),
    ),
)


def _frames(content: Any) -> list[Json]:
    """The entries of images, each with its ``name`` and ``labels``, whatever form the file has."""
    whole = as_object(content)
    items: Any = whole.get("frames", [whole]) if whole else content
    entries = [as_object(item) for item in cast("list[Any]", items)] if isinstance(items, list) else []
    if isinstance(whole.get("name"), str) and "frames" in whole:  # one file an image: frames of one name
        shared = without(whole, "frames")
        return [
            {**shared, **without(entry, "objects"), "labels": entry.get("objects", entry.get("labels"))}
            for entry in entries[:1]
        ]
    named = [entry for entry in entries if isinstance(entry.get("name"), str)]
    return [entry for entry in named if "labels" in entry or not whole]


class _File:
    """One file."""

    def __init__(self, path: Path, frames: list[Json], found: Gathering) -> None:
        self.frames = frames
        self._path = path
        self._found = found
        self._split = split_of_file(path.stem) or found.folder_split(path)
        self._outlined: Counter[str] = Counter()

    def read(self, entry: Json) -> None:
        """Take an image in, with its boxes."""
        image = self._find(entry["name"])
        if image is None:
            return
        size = as_object(entry.get("size"))
        frame = self._found.frame(self._path, image, pixel_size(size.get("width"), size.get("height")))
        labels = objects(
            entry.get("labels"), "labels", lambda message: self._report(f"{image.name}: {message}")
        )
        boxes = [box for item in labels if (box := self._box(image.name, item, frame)) is not None]
        self._found.add(
            DatasetImage(
                path=image,
                name="",
                width=frame.width,
                height=frame.height,
                split=self._split or self._found.folder_split(image),
                labelled="labels" in entry,
                verified="labels" in entry and not labels,
                boxes=boxes,
                extra={"bdd100k": without(entry, "name", "labels", "size")},
            ),
            self._path,
        )

    def report_outlines(self) -> None:
        """Tell what has become a box that had none."""
        if self._outlined:
            names = ", ".join(f"{name} {count:,}" for name, count in sorted(self._outlined.items()))
            labels = counted(self._outlined.total(), "label")
            self._report(f"{labels} without box2d: the bounds of the outline were taken ({names})")

    def _report(self, message: str) -> None:
        self._found.problem(self._path, message)

    def _find(self, written: str) -> Path | None:
        folder = self._path.parent
        parts = foreign_parts(written)
        if parts and Path(parts[-1]).suffix.lower() not in EXTENSIONS:  # one file an image names it without
            fitting = self._found.finder.anywhere((*parts[:-1], f"{parts[-1]}.x"), stem_only=True)
            if len(fitting) == 1:
                return fitting[0]
            written += ".jpg"
        homes = [folder, folder / "images"]
        return self._found.named(self._path, written, homes, expected=folder)

    def _box(self, image: str, item: Json, frame: Frame) -> DatasetBox | None:
        category = item.get("category")
        name = category.strip() if isinstance(category, str) else ""
        edges = numbers(as_object(item.get("box2d")), "x1", "y1", "x2", "y2")
        outline: Xyxy | Shape | None = None if edges is None else (edges[0], edges[1], edges[2], edges[3])
        if outline is None:
            outline = _outline(item.get("poly2d"))
            self._outlined[name] += outline is not None
        if not name or outline is None:
            self._report(f"{image}: label {item.get('id')!r} without a category or a box: left out")
            return None
        box, extra, message = fitted(outline, frame)
        if message is not None:
            self._report(f"{image}: {name}: {message}")
        if box is None:
            return None
        attributes = dict(as_object(item.get("attributes")))
        flags = take_flags(attributes)
        kept = without(item, "category", "box2d", "attributes", "poly2d")
        if attributes:
            kept["attributes"] = attributes
        return DatasetBox(
            label=self._found.classes.add(name),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            extra={**extra, "bdd100k": kept} if kept else extra,
            **flags,
        )


def _outline(poly2d: Any) -> Shape | None:
    """Closed polygons, or lines. The points that draw a curve count as points."""
    parts: list[tuple[Point, ...]] = []
    closed = False
    for item in cast("list[Any]", poly2d) if isinstance(poly2d, list) else []:
        part = points(as_object(item).get("vertices"))
        if not part:
            return None
        closed = closed or bool(as_object(item).get("closed"))
        parts.append(part)
    return Shape(kind="polygon" if closed else "line", parts=tuple(parts)) if parts else None
