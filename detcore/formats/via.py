"""VGG Image Annotator: the projects of version 2, and the JSON that versions 1 and 2 export.

A region has any attributes, and no file says which of them is the class: it is chosen, and told.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from detcore.boxes import Xyxy
from detcore.formats.base import MARKER, Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.json_files import (
    Json,
    as_object,
    json_files,
    number,
    numbers,
    objects,
    points,
    refuse_without,
    take_flags,
    without,
)
from detcore.formats.common.shapes import Shape, fitted, turned_ellipse
from detcore.formats.common.text import split_of_file
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed, json_head
from detcore.formats.spec import FormatSpec
from detcore.options import option

_DEFAULT_CLASS = "object"
_CLASS_WORDS = ("class", "label", "name", "type", "category", "object")
"""Names that an attribute of the class often has, for a choice between equals."""
_STEP = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ViaReading:
    """``attribute``: the attribute of a region that is its class; "" chooses it."""

    attribute: str = option(
        "",
        label="Attribute of the class",
        help="Which attribute of a region is its class; left empty, the one with a list of options or with the most values",
    )


def read_via(
    source: Path, *, image_folder: Path | None, progress: Progress, options: ViaReading | None = None
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)
    files: list[_File] = []
    for path in json_files(found):
        content: Any = found.json(path)
        images = _images(content)
        if images:
            files.append(_File(path, as_object(content), images, found))
        elif content is not None:
            found.problem(path, "no labels of VIA (no image with regions): passed over")
    if not files:
        raise refuse_without(found, "VIA")
    chosen = _class_attribute(files, options.attribute if options else "", found)
    total = sum(len(file.images) for file in files)
    done = 0
    for file in files:
        for image in file.images:
            if done % _STEP == 0:
                step(progress, done, total)
            file.read(image, chosen)
            done += 1
        found.add_unlabelled(file.path.parent)
    step(progress, total, total)
    return found.dataset(), found.problems


def sniff_via(sample: Sample) -> Sniffed | None:
    """Whether the JSON file, or the first ones of a folder, hold a project or images with regions."""
    return sample.surest((".json",), _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    head = None if path.name == MARKER else json_head(path)
    if head is None or head.is_list:
        return None
    if "_via_img_metadata" in head.keys or "_via_settings" in head.keys:
        return Sniffed(confidence=0.95, why="a project of VIA 2")
    if any({"filename", "regions"} <= inner for inner in head.keys.values()):
        return Sniffed(confidence=0.95, why="images with a filename and regions")
    return None


VIA = FormatSpec(
    name="via",
    title="VIA",
    kind="JSON",
    text="VGG Image Annotator: projects of version 2, and JSON exported by versions 1 and 2.",
    suffixes=(".json",),
    sniff=sniff_via,
    reader=read_via,
    reading=ViaReading,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified_empty=True,
        splits=True,
        shapes=frozenset({"polygon", "line", "points", "ellipse"}),
    ),
)


def _images(content: Any) -> list[Json]:
    """The entries of images, of a project or an export."""
    whole = as_object(content)
    entries = as_object(whole.get("_via_img_metadata", whole))
    return [
        cast(Json, entry)
        for entry in entries.values()
        if isinstance(entry, dict) and {"filename", "regions"} <= entry.keys()
    ]


def _class_attribute(files: Sequence[_File], wanted: str, found: Gathering) -> str:
    """The attribute that is the class: the one ``wanted``, else of those with a list of options, else of all, the one
    that most regions have; "" where there is none. A choice is reported."""
    listed: set[str] = set()
    values: Counter[str] = Counter()
    for file in files:
        for name, attribute in file.attributes.items():
            values[name] += 0
            if as_object(as_object(attribute).get("options")):
                listed.add(name)
        for image in file.images:
            for region in file.regions(image):
                attributes = as_object(region.get("region_attributes"))
                values.update(name for name in attributes if _value(attributes[name]))
    if wanted:
        if wanted not in values:
            found.problem(
                found.source,
                f"no region has the attribute “{wanted}”: all are of the class “{_DEFAULT_CLASS}”",
            )
        return wanted
    candidates = [name for name in values if name in listed] or list(values)
    if not candidates:
        found.problem(
            found.source, f"the regions have no attributes: all are of the class “{_DEFAULT_CLASS}”"
        )
        return ""
    chosen = max(candidates, key=lambda name: (values[name], name.lower() in _CLASS_WORDS))
    others = [name for name in values if name != chosen]
    if others:
        found.problem(
            found.source,
            f"the attribute “{chosen}” was taken for the class; others are {', '.join(f'“{name}”' for name in others)}",
        )
    return chosen


class _File:
    """One file; ``attributes`` are those that a project declares for regions."""

    def __init__(self, path: Path, content: Json, images: Sequence[Json], found: Gathering) -> None:
        self.path = path
        self.images = images
        self.attributes = as_object(as_object(content.get("_via_attributes")).get("region"))
        self._found = found
        self._split = split_of_file(path.stem) or found.folder_split(path)

    def regions(self, image: Json) -> list[Json]:
        """The regions of an image: a list, in version 1 an object."""
        value: Any = image.get("regions")
        items: Any = list(cast(Json, value).values()) if isinstance(value, dict) else value
        return objects(items, "regions", lambda message: None)

    def read(self, entry: Json, chosen: str) -> None:
        """Take an image in, with its boxes; ``chosen`` is the attribute of the class."""
        folder = self.path.parent
        homes = [folder, folder / "images"]
        image = self._found.named(self.path, str(entry["filename"]), homes, expected=folder)
        if image is None:
            return
        frame = self._found.frame(self.path, image, None)
        value: Any = entry["regions"]
        regions = self.regions(entry)
        if not isinstance(value, list | dict) or len(regions) < len(cast("list[Any]", value)):
            self._report(f"{image.name}: regions that are no objects: left out")
        boxes = [
            box for region in regions if (box := self._box(image.name, region, frame, chosen)) is not None
        ]
        kept = without(entry, "filename", "regions", "size", "fileref", "base64_img_data")
        self._found.add(
            DatasetImage(
                path=image,
                name="",
                width=frame.width,
                height=frame.height,
                split=self._split or self._found.folder_split(image),
                verified=not value,
                boxes=boxes,
                extra={"via": kept} if any(kept.values()) else {},
            ),
            self.path,
        )

    def _report(self, message: str) -> None:
        self._found.problem(self.path, message)

    def _box(self, image: str, region: Json, frame: Frame, chosen: str) -> DatasetBox | None:
        attributes = dict(as_object(region.get("region_attributes")))
        label = _value(attributes.pop(chosen, ""))
        drawn = as_object(region.get("shape_attributes"))
        outline = _outline(drawn)
        if outline is None:
            self._report(f"{image}: a region “{str(drawn.get('name'))[:40]}” without its numbers: left out")
            return None
        box, extra, message = fitted(outline, frame)
        if message is not None:
            self._report(f"{image}: {drawn.get('name')}: {message}")
        if box is None:
            return None
        if chosen and not label:
            self._report(f"{image}: a region without a value of “{chosen}”: of the class “{_DEFAULT_CLASS}”")
        flags = take_flags(attributes)
        if attributes:
            extra = {**extra, "via": {"region_attributes": attributes}}
        return DatasetBox(
            label=self._found.classes.add(label or _DEFAULT_CLASS),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            extra=extra,
            **flags,
        )


def _value(value: Any) -> str:
    """The value of an attribute; of a checkbox the first that is ticked."""
    if isinstance(value, dict):
        return next((key for key, ticked in cast(Json, value).items() if ticked), "").strip()
    return "" if value is None or isinstance(value, list) else str(value).strip()


def _outline(drawn: Mapping[str, Any]) -> Shape | Xyxy | None:
    kind = drawn.get("name")
    if kind == "rect":
        sides = numbers(drawn, "x", "y", "width", "height")
        return None if sides is None else (sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3])
    if kind in ("circle", "ellipse"):
        radii = ("r", "r") if kind == "circle" else ("rx", "ry")
        found = numbers(drawn, "cx", "cy", *radii)
        angle = math.degrees(number(drawn.get("theta")) or 0.0)
        if found is None or not all(map(math.isfinite, (*found, angle))):
            return None
        return turned_ellipse((found[0], found[1]), found[2], found[3], angle)
    if kind == "point":
        centre = points([[drawn.get("cx"), drawn.get("cy")]])
        return Shape(kind="points", parts=(centre,)) if centre else None
    pairs = [drawn.get(key) for key in ("all_points_x", "all_points_y")]
    if not all(isinstance(item, list) for item in pairs):
        return None
    xs, ys = (cast("list[Any]", item) for item in pairs)
    line = points([[x, y] for x, y in zip(xs, ys, strict=False)]) if len(xs) == len(ys) else None
    return Shape(kind="line" if kind == "polyline" else "polygon", parts=(line,)) if line else None
