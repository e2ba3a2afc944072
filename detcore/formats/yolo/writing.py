"""Writing YOLO text files that Ultralytics trains on, and that labelImg and CVAT open, as they are."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detcore.formats.base import (
    Dataset,
    DatasetBox,
    DatasetClass,
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
from detcore.formats.losses import renumbered_classes, repeated_boxes
from detcore.formats.yolo.names import NAME_FILES
from detcore.options import option
from detcore.types import SPLITS
from detcore.wording import counted

# Readers take label files of these names for lists of classes.
_RESERVED = tuple(Path(name).stem for name in NAME_FILES if name.endswith(".txt"))


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloOptions:
    """``label_classes``: labelImg looks for the names beside the label files, where other tools take each text for
    labels."""

    label_classes: bool = option(
        False,
        label="classes.txt beside the label files",
        help="labelImg asks for it; other tools may take it for labels",
    )


def write_yolo(
    dataset: Dataset, out: Path, options: YoloOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write ``data.yaml``, ``images`` and ``labels`` below ``out``; see :class:`detcore.formats.spec.Writer`."""
    writer = _Writer(dataset, options, ImageCopier(enabled=copy_images))
    with staged(out, dataset.images, dataset.image_root) as staging:
        writer.write(staging, progress)
    return writer.report(out, len(staging.files))


def class_numbers(classes: Sequence[DatasetClass]) -> list[int]:
    """Ids 0 to N-1: those of the source where they fit, else in the order of the source ids; new classes
    last."""
    source_ids = [item.source_id for item in classes]
    known = [source_id for source_id in source_ids if source_id is not None]
    if len(set(known)) < len(known):
        return list(range(len(classes)))
    if set(known) == set(range(len(known))):
        following = iter(range(len(known), len(classes)))
        return [next(following) if source_id is None else source_id for source_id in source_ids]
    order = sorted(
        range(len(classes)), key=lambda index: (source_ids[index] is None, source_ids[index] or 0, index)
    )
    numbers = [0] * len(classes)
    for number, index in enumerate(order):
        numbers[index] = number
    return numbers


class _Writer:
    def __init__(self, dataset: Dataset, options: YoloOptions, copier: ImageCopier) -> None:
        self._dataset = dataset
        self._options = options
        self._copier = copier
        self._numbers = class_numbers(dataset.classes)
        self._written: list[DatasetImage] = []

    def write(self, staging: Staging, progress: Progress) -> None:
        images = self._dataset.images
        names = unique_names([image.name for image in images], reserved=_RESERVED)
        marks: dict[str, Any] = {}
        for done, (image, name) in enumerate(zip(images, names, strict=True)):
            step(progress, done, len(images))
            size = self._copier.size_of(image)
            if size is None:
                continue
            folder = image.split or "train"
            stem = os.path.splitext(name)[0]
            self._copier.copy(image, staging, f"images/{folder}/{name}")
            lines = [self._line(box, size) for box in image.boxes]
            staging.write_text(f"labels/{folder}/{stem}.txt", "".join(f"{line}\n" for line in lines))
            marks[f"images/{folder}/{name}"] = image_mark(image, lines)
            self._written.append(image)
        self._write_classes(staging)
        content: dict[str, Any] = {"images": marks}
        kept = self._dataset.extra.get("yolo")
        if kept:
            content["yaml"] = kept
        staging.write_marker("yolo", content)
        step(progress, len(images), len(images))

    def report(self, out: Path, files: int) -> ExportReport:
        images = count_images(self._written)
        losses: list[str] = []
        if images.get(""):
            losses.append(
                f"{counted(images[''], 'image')} without a split put into “train”, as YOLO needs one."
            )
        return ExportReport(
            out=out,
            files=files,
            images=images,
            boxes=count_boxes(self._dataset, self._written),
            losses=tuple(losses),
            notes=tuple(self._copier.notes() + repeated_boxes(self._written) + self._notes()),
        )

    def _notes(self) -> list[str]:
        notes: list[str] = []
        folders = self._folders()
        if "val" not in folders:
            notes.append("There are no images for validation: data.yaml names those for training instead.")
        if folders and self._options.label_classes:
            notes.append(
                "Each folder of labels has a classes.txt, which labelImg needs. Tools that take every text file "
                "there for labels, such as pylabel, stumble on it."
            )
        reason = "YOLO's run from 0 without gaps"
        return notes + renumbered_classes(self._dataset.classes, self._numbers, reason)

    def _folders(self) -> list[str]:
        used = {image.split or "train" for image in self._written}
        return [split for split in SPLITS if split in used] + sorted(used - set(SPLITS))

    def _write_classes(self, staging: Staging) -> None:
        pairs = zip(self._numbers, self._dataset.classes, strict=True)
        names = [item.name for _, item in sorted(pairs, key=lambda pair: pair[0])]
        text = "".join(f"{name}\n" for name in names)
        folders = self._folders()
        staging.write_text("classes.txt", text)
        for folder in folders if self._options.label_classes else ():
            staging.write_text(f"labels/{folder}/classes.txt", text)
        first = folders[0] if folders else "train"
        # No `path`, which Ultralytics resolves against its own settings, and no `nc`, which CVAT
        # takes for a subset. Names are quoted, or YAML would make booleans and numbers of them.
        train = "train" if "train" in folders else first
        keys = {"train": train, "val": "val" if "val" in folders else train}
        keys |= {folder: folder for folder in folders if folder not in keys}
        lines = [f"{key}: images/{folder}" for key, folder in keys.items()]
        lines += [
            "names:",
            *(f"  {number}: {json.dumps(name, ensure_ascii=False)}" for number, name in enumerate(names)),
        ]
        staging.write_text("data.yaml", "".join(f"{line}\n" for line in lines))

    def _line(self, box: DatasetBox, size: tuple[int, int]) -> str:
        width, height = size
        values = (
            (box.x1 + box.x2) / 2 / width,
            (box.y1 + box.y2) / 2 / height,
            (box.x2 - box.x1) / width,
            (box.y2 - box.y1) / height,
        )
        texts = [f"{min(max(value, 0.0), 1.0):.10f}" for value in values]
        return " ".join([str(self._numbers[box.label]), *texts])
