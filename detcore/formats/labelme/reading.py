"""LabelMe: one JSON file beside each image.

Reads what LabelMe writes of any age, and X-AnyLabeling with its turned boxes, scores and flags. Outlines become boxes by
their bounds; they, and every field that Reticle does not use, are kept for the export.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from detcore.boxes import LARGEST
from detcore.formats.base import MARKER, Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.json_files import (
    Json,
    as_object,
    json_files,
    nearly_equal,
    objects,
    pixel_size,
    refuse_without,
    take_flags,
    without,
)
from detcore.formats.common.shapes import fitted
from detcore.formats.common.text import as_flag, foreign_parts
from detcore.formats.labelme.drawing import DRAWN, draw, kind_of, outline_of
from detcore.formats.labelme.in_place import LabelMeFiles
from detcore.formats.labelme.writing import write_labelme
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed, json_head
from detcore.formats.spec import FormatSpec

_WRITTEN = ("group_id", "description", "flags")
"""Fields of a shape that are written even where they hold nothing."""


def read_labelme(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)
    files = json_files(found)
    folders: set[Path] = set()
    for done, path in enumerate(files):
        step(progress, done, len(files))
        content: Any = found.json(path)
        if not isinstance(content, dict) or not isinstance(cast(Json, content).get("shapes"), list):
            if content is not None:
                found.problem(path, "no labels of LabelMe (no list of shapes): passed over")
            continue
        folders.add(path.parent)
        _File(path, cast(Json, content), found).read()
    if not folders:
        raise refuse_without(found, "LabelMe")
    for folder in sorted(folders):
        found.add_unlabelled(folder)
    step(progress, len(files), len(files))
    return found.dataset(), found.problems


def sniff_labelme(sample: Sample) -> Sniffed | None:
    """Whether the JSON file, or the first ones of a folder, hold shapes and the path of an image."""
    return sample.surest((".json",), _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    head = None if path.name == MARKER else json_head(path)
    if head is None or head.is_list:
        return None
    keys = head.keys
    if "shapes" in keys and ({"label", "points"} <= keys["shapes"] or "imagePath" in keys):
        return Sniffed(confidence=0.95, why="shapes with points, of one image")
    if {"imagePath", "imageData"} <= keys.keys():  # the shapes lie behind the image
        return Sniffed(confidence=0.85, why="an image, its path and its data")
    return None


LABELME = FormatSpec(
    name="labelme",
    title="LabelMe",
    kind="JSON",
    text="One JSON file beside each image. For LabelMe, AnyLabeling and X-AnyLabeling.",
    suffixes=(".json",),
    sniff=sniff_labelme,
    reader=read_labelme,
    writer=write_labelme,
    open=LabelMeFiles,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified=True,
        verified_empty=True,
        splits=True,
        sizes=True,
        shapes=frozenset({"polygon", "rotated", "line", "points", "ellipse"}),
    ),
)


class _File:
    """The labels of one image."""

    def __init__(self, path: Path, content: Json, found: Gathering) -> None:
        self._path = path
        self._content = content
        self._found = found

    def read(self) -> None:
        image = self._find()
        if image is None:
            return
        declared = pixel_size(self._content.get("imageWidth"), self._content.get("imageHeight"))
        frame = self._found.frame(self._path, image, declared)
        if isinstance(self._content.get("imageData"), str) and not os.path.isfile(image):
            self._report(f"the image is only inside this file (imageData): save it as {image.name} beside it")
        boxes: list[DatasetBox] = []
        others: list[Any] = []
        entries = objects(self._content["shapes"], "shapes", self._report)
        for place, entry in enumerate(entries):
            box = self._box(place, entry, frame)
            if box is None:
                others.append([place, entry])
            else:
                boxes.append(box)
        kept = without(
            self._content, "shapes", "imagePath", "imageData", "imageWidth", "imageHeight", "flags"
        )
        flags = dict(as_object(self._content.get("flags")))
        checked = as_flag(str(self._content.get("checked"))) or as_flag(str(flags.pop("verified", None)))
        if flags:
            kept["flags"] = flags
        if others:
            kept["others"] = others
        self._found.add(
            DatasetImage(
                path=image,
                name="",
                width=frame.width,
                height=frame.height,
                split=self._found.folder_split(self._path) or self._found.folder_split(image),
                verified=bool(checked) or not entries,
                boxes=boxes,
                extra={"labelme": kept} if kept else {},
            ),
            self._path,
        )

    def _report(self, message: str) -> None:
        self._found.problem(self._path, message)

    def _find(self) -> Path | None:
        """The image that the file names, or else the one beside it of its own name."""
        written = self._content.get("imagePath")
        folder, stem = self._path.parent, self._path.stem
        beside = self._found.finder.by_stem(folder, stem)
        if not isinstance(written, str) or not foreign_parts(written):
            return beside or folder / f"{stem}.jpg"
        image = self._found.named(self._path, written, [folder], expected=folder)
        if image is not None and beside is not None and not os.path.isfile(image):
            return beside
        return image

    def _box(self, place: int, entry: Json, frame: Frame) -> DatasetBox | None:
        what = f"shape {place + 1}"
        name = entry.get("label")
        label = "" if name is None or isinstance(name, dict | list) else str(name).strip()
        if not label:
            self._report(f"{what} without a label: kept for LabelMe, no box")
            return None
        outline = outline_of(entry)
        if outline is None:
            self._report(f"{what} ({label}): its points are no pairs of numbers: kept for LabelMe, no box")
            return None
        box, extra, message = fitted(outline, frame)
        if message is not None:
            self._report(f"{what} ({label}): {message}")
        if box is None:
            return None
        told = as_object(entry.get("flags"))
        flags = take_flags(dict(told))
        flags["difficult"] = flags.get("difficult", False) or bool(as_flag(str(entry.get("difficult"))))
        made = DatasetBox(
            label=self._found.classes.add(label),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            extra=extra,
            **flags,
        )
        kept = {key: value for key, value in entry.items() if key not in _WRITTEN or value}
        kept = without(kept, "label", *DRAWN)
        drawn = {key: entry[key] for key in DRAWN if entry.get(key) is not None} | {
            "shape_type": kind_of(entry)
        }
        # What is drawn otherwise is kept where its pixels are those of the box.
        size = (frame.width or int(LARGEST), frame.height or int(LARGEST))
        if frame.orientation == 1 and not nearly_equal(draw(made, size), drawn):
            kept |= drawn
        return replace(made, extra={**extra, "labelme": kept} if kept else extra)
