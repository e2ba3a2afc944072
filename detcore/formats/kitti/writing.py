"""Writing KITTI's labels, with the numbers of objects in space that an import has kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from detcore.formats.base import (
    Dataset,
    DatasetBox,
    DatasetImage,
    ExportReport,
    Progress,
    count_boxes,
    count_images,
    step,
)
from detcore.formats.common.copying import ImageCopier
from detcore.formats.common.marks import image_mark
from detcore.formats.common.naming import unique_names
from detcore.formats.common.staging import Staging, staged
from detcore.formats.common.text import number_text
from detcore.formats.label_rows.row import is_number
from detcore.formats.losses import repeated_boxes
from detcore.options import NoOptions
from detcore.wording import counted

DONT_CARE = "DontCare"
"""The type of a region in which nothing is labelled."""

_FOLDERS = {"train": "training/", "val": "validation/", "test": "testing/", None: ""}
_IN_SPACE = {"dimensions": "-1 -1 -1", "location": "-1000 -1000 -1000", "rotation_y": "-10"}
"""What the development kit writes where it does not know the object in space."""


def write_kitti(
    dataset: Dataset, out: Path, options: NoOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write ``training``, ``validation`` and ``testing``, each with ``image_2`` and ``label_2``, below ``out``; see
    :class:`detcore.formats.spec.Writer`."""
    writer = _Writer(dataset, ImageCopier(enabled=copy_images))
    with staged(out, dataset.images, dataset.image_root) as staging:
        writer.write(staging, progress)
    return writer.report(out, len(staging.files))


class _Writer:
    def __init__(self, dataset: Dataset, copier: ImageCopier) -> None:
        self._dataset = dataset
        self._copier = copier
        self._types = _types([item.name for item in dataset.classes])
        self._nameless = 0
        self._written: list[DatasetImage] = []

    def write(self, staging: Staging, progress: Progress) -> None:
        images = self._dataset.images
        names = unique_names([image.name for image in images])
        marks: dict[str, Any] = {}
        for done, (image, name) in enumerate(zip(images, names, strict=True)):
            step(progress, done, len(images))
            if self._copier.size_of(image) is None:
                continue
            folder = _FOLDERS.get(image.split, f"{image.split}/")
            place = f"{folder}image_2/{name}"
            self._copier.copy(image, staging, place)
            lines = [self._line(box) for box in image.boxes]
            stem = os.path.splitext(name)[0]
            staging.write_text(f"{folder}label_2/{stem}.txt", "".join(f"{line}\n" for line in lines))
            marks[place] = image_mark(image, lines)
            self._written.append(image)
        staging.write_marker("kitti", {"images": marks})
        step(progress, len(images), len(images))

    def report(self, out: Path, files: int) -> ExportReport:
        losses: list[str] = []
        if self._nameless:
            losses.append(
                f"{counted(self._nameless, 'crowd')} written as “{DONT_CARE}”, the regions that KITTI passes over, "
                "which name no class."
            )
        pairs = zip(self._dataset.classes, self._types, strict=True)
        renamed = [f"“{item.name}” as “{name}”" for item, name in pairs if item.name != name]
        if renamed:
            losses.append(f"KITTI's types have no blanks: {', '.join(renamed)}.")
        return ExportReport(
            out=out,
            files=files,
            images=count_images(self._written),
            boxes=count_boxes(self._dataset, self._written),
            losses=tuple(losses),
            notes=tuple(self._copier.notes() + repeated_boxes(self._written)),
        )

    def _line(self, box: DatasetBox) -> str:
        raw: Any = box.extra.get("kitti")
        kept: Mapping[str, Any] = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
        name = self._types[box.label]
        region = box.crowd or name == DONT_CARE
        self._nameless += box.crowd and name != DONT_CARE
        least = "-1" if region else "0"
        truncated = _flag(kept.get("truncated"), lambda value: (value > 0) == box.truncated)
        occluded = _flag(kept.get("occluded"), lambda value: (value in (1, 2)) == box.occluded)
        columns = [
            DONT_CARE if region else name,
            truncated or ("1" if box.truncated else least),
            occluded or ("1" if box.occluded else least),
            _numbers(kept.get("alpha"), "-10"),
            *(number_text(edge) for edge in box.xyxy),
            *(_numbers(kept.get(key), unknown) for key, unknown in _IN_SPACE.items()),
        ]
        return " ".join(columns)


def _types(names: Sequence[str]) -> list[str]:
    """A name without blanks for each class, all of them distinct."""
    taken = {name for name in names if name.split() == [name]}
    types: list[str] = []
    for name in names:
        plain = "_".join(name.split()) or "_"
        while plain != name and plain in taken:
            plain += "_"
        taken.add(plain)
        types.append(plain)
    return types


def _flag(kept: Any, fits: Callable[[float], bool]) -> str | None:
    """The number that an import has kept for a flag, where it still says the same."""
    return kept if isinstance(kept, str) and is_number(kept) and fits(float(kept)) else None


def _numbers(kept: Any, unknown: str) -> str:
    """As many numbers as there are in ``unknown``, as an import has kept them."""
    columns = kept.split() if isinstance(kept, str) else []
    right = len(columns) == len(unknown.split()) and all(map(is_number, columns))
    return " ".join(columns) if right else unknown
