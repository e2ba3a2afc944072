"""What a dataset holds, told before anything of it is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detcore.exchange.admission import outside_of
from detcore.exchange.imports import FoundDataset, known_to, named_folders
from detcore.formats import Recognised
from detcore.formats.base import Dataset, Problem, count_images
from detcore.formats.box_columns import labels_of
from detcore.formats.common.windows_names import fits_windows
from detcore.project.project import Project
from detcore.wording import counted

_SHOWN = 3
_QUOTED = re.compile(r"“[^”]*”|'[^']*'|\"[^\"]*\"|\([^)]*\)")
_PATH = re.compile(r"[^\s:,;]*[/\\][^\s:,;]+|\S+\.[A-Za-z]\w{1,4}(?=[\s:,;]|$)")
_NUMBER = re.compile(r"\d[\d.,×]*\d|\d")
_SEVERAL = re.compile(r"…(?:[ ,]+…)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundClass:
    """A class: how many boxes it has, on how many images."""

    name: str
    boxes: int
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """Problems that differ only in names and numbers: ``text`` has the first one's own where there is but one."""

    text: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a dataset holds. ``missing`` images were found nowhere; ``labelled`` ones have an annotation, which lists no
    object where they are ``empty``; ``matched`` ones are in the project already. ``outside`` counts images that lie
    elsewhere by folder, ``resized`` those that were labelled at another size. ``sizes`` are (width, height) with how
    many images have them, the most frequent first; ``splits`` counts images, ``""`` for none, and ``split_boxes`` boxes
    by split and class name."""

    found: FoundDataset
    classes: tuple[FoundClass, ...]
    splits: Mapping[str, int]
    split_boxes: Mapping[str, Mapping[str, int]]
    images: int
    boxes: int
    missing: int
    labelled: int
    empty: int
    matched: int
    outside: Mapping[Path, int]
    resized: int
    sizes: tuple[tuple[tuple[int, int], int], ...]
    kinds: tuple[ProblemKind, ...]

    @property
    def problem_count(self) -> int:
        return sum(len(kind.problems) for kind in self.kinds)

    def notes(self) -> list[str]:
        """Sentences on what there is to decide before an import, or to know."""
        notes: list[str] = []
        if self.missing:
            notes.append(f"{counted(self.missing, 'image')} not there: left out unless asked for.")
        if self.outside:
            places = ", ".join(map(str, list(self.outside)[:_SHOWN])) + (
                ", …" if len(self.outside) > _SHOWN else ""
            )
            notes.append(
                f"{counted(sum(self.outside.values()), 'image')} outside of the dataset ({places}): asked for first."
            )
        if self.resized:
            notes.append(
                f"{counted(self.resized, 'image')} of another size than when labelled: the boxes can be scaled."
            )
        strange = [image.name for image in self.found.dataset.images if not fits_windows(image.name)]
        if strange:
            notes.append(
                f"{counted(len(strange), 'image has a name', 'images have names')} that Windows cannot hold ({strange[0]})."
            )
        return notes

    def record(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "source": str(self.found.source),
            "format": self.found.format.name,
            "candidates": candidates(self.found.looks),
            "classes": [
                {"name": item.name, "boxes": item.boxes, "images": item.images} for item in self.classes
            ],
            "splits": dict(self.splits),
            "images": {
                "all": self.images,
                "missing": self.missing,
                "labelled": self.labelled,
                "empty": self.empty,
                "in_project": self.matched,
                "outside": {str(folder): number for folder, number in self.outside.items()},
                "resized": self.resized,
            },
            "boxes": self.boxes,
            "sizes": [
                {"width": width, "height": height, "images": number} for (width, height), number in self.sizes
            ],
            "problems": [
                {
                    "kind": kind.text,
                    "count": len(kind.problems),
                    "first": [
                        {"path": str(item.path), "line": item.line, "message": item.message}
                        for item in kind.problems[:_SHOWN]
                    ],
                }
                for kind in self.kinds
            ],
            "notes": self.notes(),
        }


def candidates(looks: Recognised | None) -> list[dict[str, Any]]:
    """The formats that something looks like, the surest first, as JSON."""
    if looks is None:
        return []
    return [
        {"format": spec.name, "confidence": found.confidence, "why": found.why} for spec, found in looks.like
    ]


def inspect_dataset(found: FoundDataset, project: Project | None = None) -> Inspection:
    """What a dataset that was read holds, and what of it the ``project`` has already."""
    dataset, is_known = found.dataset, known_to(project)
    images = dataset.images
    sizes = Counter(
        (image.width, image.height)
        for image in images
        if image.width is not None and image.height is not None
    )
    return Inspection(
        found=found,
        classes=_classes(dataset),
        splits=count_images(images),
        split_boxes=_split_boxes(dataset),
        images=len(images),
        boxes=dataset.box_count,
        missing=sum(image.missing for image in images),
        labelled=sum(image.labelled for image in images),
        empty=sum(image.labelled and not image.boxes for image in images),
        matched=0 if project is None else sum(is_known(image.path) for image in images),
        outside=dict(outside_of(dataset, named_folders(found, project), is_known)),
        resized=len(dataset.drawn),
        sizes=tuple(sizes.most_common()),
        kinds=kinds_of(found.problems),
    )


def _split_boxes(dataset: Dataset) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[int]] = {}
    for image in dataset.images:
        counts.setdefault(image.split or "", Counter()).update(labels_of(image.boxes))
    return {
        split: {dataset.classes[label].name: number for label, number in counter.items()}
        for split, counter in counts.items()
    }


def _classes(dataset: Dataset) -> tuple[FoundClass, ...]:
    boxes: Counter[int] = Counter()
    images: Counter[int] = Counter()
    for image in dataset.images:
        labels = labels_of(image.boxes)
        boxes.update(labels)
        images.update(set(labels))
    return tuple(
        FoundClass(name=item.name, boxes=boxes[label], images=images[label])
        for label, item in enumerate(dataset.classes)
    )


def kinds_of(problems: Iterable[Problem]) -> tuple[ProblemKind, ...]:
    """Problems by kind, the most frequent first."""
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(_kind(problem.message), []).append(problem)
    grouped = [
        ProblemKind(text=text if len(items) > 1 else items[0].message, problems=tuple(items))
        for text, items in kinds.items()
    ]
    return tuple(sorted(grouped, key=lambda kind: -len(kind.problems)))


def _kind(message: str) -> str:
    """A message without what is of one file alone: names, numbers, what is in quotes or brackets."""
    text = message
    for pattern in (_QUOTED, _PATH, _NUMBER):
        text = pattern.sub("…", text)
    return _SEVERAL.sub("…", text)


def sure_text(confidence: float) -> str:
    """How sure a format is, in a word."""
    if confidence >= 0.9:
        return "certain"
    return "likely" if confidence >= 0.5 else "perhaps"


def sizes_text(sizes: Sequence[tuple[tuple[int, int], int]]) -> str:
    """The sizes of images in a few words: the most frequent ones, and how many more there are."""
    shown = ", ".join(f"{width}×{height} ({number:,})" for (width, height), number in sizes[:_SHOWN])
    more = len(sizes) - _SHOWN
    return shown + (f" and {counted(more, 'other size')}" if more > 0 else "")
