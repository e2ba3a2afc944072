"""VGG Image Annotator: the projects of versions 2 and 3, and the JSON that versions 1 and 2 export.

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
    label_files,
    number,
    numbers,
    objects,
    points,
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
_WITH_NAMES: Mapping[int, tuple[str, ...]] = {
    1: ("point", "cx", "cy"),
    2: ("rect", "x", "y", "width", "height"),
    3: ("circle", "cx", "cy", "r"),
    4: ("ellipse", "cx", "cy", "rx", "ry"),
}
_WITH_POINTS: Mapping[int, str] = {5: "polyline", 6: "polyline", 7: "polygon"}
"""The shapes of version 3 by their numbers, as version 2 calls them and their numbers."""
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

    def take(path: Path, content: Any) -> _File | None:
        images = _images(content)
        return _File(path, as_object(content), images, found) if images else None

    files = label_files(found, "VIA", "image with regions", take)
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
    if {"view", "file"} <= head.keys.keys() and "vid_list" in head.keys.get("project", set()):
        return Sniffed(confidence=0.95, why="a project of VIA 3")
    if "_via_img_metadata" in head.keys or "_via_settings" in head.keys:
        return Sniffed(confidence=0.95, why="a project of VIA 2")
    if any({"filename", "regions"} <= inner for inner in head.keys.values()):
        return Sniffed(confidence=0.95, why="images with a filename and regions")
    return None


VIA = FormatSpec(
    name="via",
    title="VIA",
    kind="JSON",
    text="VGG Image Annotator: projects of versions 2 and 3, and JSON exported by versions 1 and 2.",
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
    """The entries of images, of a project or an export, in the form of version 2."""
    whole = as_object(content)
    if "view" in whole and "metadata" in whole:
        return _images_of_version_3(whole)
    entries = as_object(whole.get("_via_img_metadata", whole))
    return [
        cast(Json, entry)
        for entry in entries.values()
        if isinstance(entry, dict) and {"filename", "regions"} <= entry.keys()
    ]


def _images_of_version_3(whole: Json) -> list[Json]:
    """The images of a project of version 3, where a view shows a file, and a region is of a view. What is said of a
    moment of a video has no place in an image and is passed over."""
    names = {key: as_object(file).get("fname") for key, file in as_object(whole.get("file")).items()}
    told = as_object(whole.get("attribute"))
    images: dict[str, Json] = {}
    for key, view in as_object(whole["view"]).items():
        files: Any = as_object(view).get("fid_list")
        first = str(cast("list[Any]", files)[0]) if isinstance(files, list) and files else ""
        if isinstance(names.get(first), str):
            images[key] = {"filename": names[first], "regions": []}
    for region in map(as_object, as_object(whole["metadata"]).values()):
        image, where = images.get(str(region.get("vid"))), region.get("xy")
        if image is None or not isinstance(where, list) or not where:
            continue
        said = dict(
            _said(as_object(told.get(key)), key, value) for key, value in as_object(region.get("av")).items()
        )
        image["regions"].append(
            {"shape_attributes": _drawn(cast("list[Any]", where)), "region_attributes": said}
        )
    return list(images.values())


def _said(attribute: Json, key: str, value: Any) -> tuple[str, Any]:
    """The name of an attribute of version 3, and its value: that of the option whose number the file has."""
    return str(attribute.get("aname") or key), as_object(attribute.get("options")).get(str(value), value)


def _drawn(where: list[Any]) -> Json:
    """What version 3 draws, the number of a shape and then its numbers, as version 2 says it."""
    kind = where[0] if type(where[0]) is int else 0
    if kind in _WITH_NAMES:
        name, *keys = _WITH_NAMES[kind]
        return {"name": name, **dict(zip(keys, where[1:], strict=False))}
    name = _WITH_POINTS.get(kind, f"shape {kind}")
    return {"name": name, "all_points_x": where[1::2], "all_points_y": where[2::2]}


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
        self.attributes = as_object(as_object(content.get("_via_attributes")).get("region")) or {
            str(as_object(item).get("aname")): item for item in as_object(content.get("attribute")).values()
        }
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
