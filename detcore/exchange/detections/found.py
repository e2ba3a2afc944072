"""Detections of another program, or labels of another person, in the terms of a project: what there is to import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from detcore.boxes import TOLERANCE
from detcore.errors import ConfigError, FormatError, ImageError
from detcore.exchange.detections.formats import read_raw
from detcore.exchange.detections.names import ImageNames, class_names, find_by_id, read_coco_names
from detcore.exchange.detections.raw import RawDetections
from detcore.exchange.detections.scores import as_shares
from detcore.exchange.formats import AUTO
from detcore.formats.base import Problem, Progress, no_progress, step
from detcore.images.decoding import read_size
from detcore.project.image_rows import ImageList
from detcore.project.imported_run import ImportedFrom
from detcore.project.reading import ProjectReader
from detcore.types import Detections, FloatArray, IntArray
from detcore.wording import counted

_SHOWN = 5


class LookedAt(StrEnum):
    """Which images were looked at, with or without finding anything: figures are of them alone."""

    SPLITS = "splits"
    """Those of the splits in which something was found."""
    LISTED = "listed"
    """Those that the file names."""
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class FoundDetections:
    """What can be imported from ``source``. ``detections`` have the ids of the project's images and classes; those of the classes
    that the project does not have, ``unknown`` (counts by name), have -1 for the first, -2 for the second, and so on.
    ``listed`` are ids of all images that the file names, or the COCO file that came with it; ``names_all``:
    no others were looked at. ``notes`` are sentences on how the file was understood."""

    source: Path
    origin: ImportedFrom
    detections: Detections
    unknown: Mapping[str, int]
    listed: IntArray
    names_all: bool
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def usual(self) -> LookedAt:
        """What is meant where nobody has chosen."""
        return LookedAt.LISTED if self.names_all else LookedAt.SPLITS

    def looked_at(self, images: ImageList, choice: LookedAt) -> IntArray:
        """Ids of the images of a project that were looked at."""
        listed = np.isin(images.ids, self.listed)
        if choice is LookedAt.LISTED:
            return images.ids[listed]
        if choice is LookedAt.ALL:
            return images.ids
        return images.ids[np.isin(images.splits, images.splits[listed])]


def find_detections(
    project: ProjectReader,
    source: Path,
    *,
    format_name: str = AUTO,
    coco_file: Path | None = None,
    progress: Progress = no_progress,
) -> FoundDetections:
    """Read detections, and find the images and classes of the project that they are of. Nothing is changed. ``coco_file`` says what
    the ids of COCO results stand for; without it they are those of the COCO files that the project was imported from.

    Raises:
        ConfigError: there is no such format, or it needs no ``coco_file``.
        FormatError: nothing of that format is there, or of none of its images and classes.
        Cancelled: ``progress`` returned ``False``.
    """
    root = project.image_root if project.image_root.is_dir() else None
    raw, title, by_ids = read_raw(source, format_name, image_folder=root, progress=progress)
    if coco_file is not None and not by_ids:
        raise ConfigError(f"{title} has no ids that a COCO file could explain", hint="Leave that out")
    coco = None if coco_file is None else read_coco_names(coco_file)
    names = ImageNames(project)
    if by_ids:
        found, note = find_by_id(raw.images, names, coco, source)
    else:
        found, note = [names.find(str(key)) for key in raw.images], ""
    image_ids, problems = _single(raw, found, source)
    called, class_note = class_names(raw.classes, project.classes(), coco, source, by_ids=by_ids)
    sizes = _sizes(project, image_ids[image_ids > 0], progress)
    kept, boxes, box_problems, box_notes = _boxes(raw, image_ids[raw.image_rows], sizes)
    scores, score_note = as_shares(raw.scores[kept], source)
    present = {item.name: item.id for item in project.classes()}
    unknown = list(dict.fromkeys(name for name in called if name not in present))
    labels = np.array([present.get(name, 0) or -1 - unknown.index(name) for name in called], np.int64)
    rows = raw.class_rows[kept]
    counts = np.bincount(rows, minlength=len(called))
    listed = set(image_ids[image_ids > 0].tolist())
    if coco is not None:
        for key in coco.images:
            listed |= set(names.find(coco.images.find(key) or ""))
    return FoundDetections(
        source=source,
        origin=ImportedFrom(source=source.name, format=title, by_person=raw.by_person),
        detections=Detections(
            image_ids=image_ids[raw.image_rows][kept],
            labels=labels[rows] if len(rows) else np.zeros(0, np.int64),
            boxes=boxes,
            scores=scores,
        ),
        unknown={
            name: sum(int(counts[place]) for place, other in enumerate(called) if other == name)
            for name in unknown
        },
        listed=np.array(sorted(listed), np.int64),
        names_all=raw.names_all or coco is not None,
        problems=(*raw.problems, *problems, *box_problems),
        notes=tuple(text for text in (*raw.notes, note, class_note, score_note, *box_notes) if text),
    )


def _single(
    raw: RawDetections, found: Sequence[Sequence[int]], source: Path
) -> tuple[IntArray, list[Problem]]:
    """(M,) the image of each name, 0 where there is none, and what is to be said of those.

    Raises:
        FormatError: there is none for any.
    """
    ids = np.array([one[0] if len(one) == 1 else 0 for one in found], np.int64)
    counts = np.bincount(raw.image_rows, minlength=len(ids))
    problems: list[Problem] = []
    for place in np.flatnonzero(ids == 0).tolist():
        lost = counted(int(counts[place]), "detection")
        what = (
            "is not in the project"
            if not found[place]
            else f"may be one of {counted(len(found[place]), 'image')}"
        )
        message = f"the image {str(raw.images[place])!r} {what}: left out with {lost}"
        problems.append(Problem(path=source, message=message))
    if not ids.any():
        named = ", ".join(str(key) for key in raw.images[:_SHOWN])
        raise FormatError(
            f"none of the {counted(len(ids), 'image')} that it names is in the project ({named})",
            path=source,
            hint="Open the project of these images, or name the COCO file that says what its ids stand for",
        )
    return ids, problems


def _sizes(project: ProjectReader, image_ids: Iterable[int], progress: Progress) -> dict[int, FloatArray]:
    """(2,) width and height of the images, as far as they can be told; from the files where nobody has opened them yet."""
    sizes: dict[int, FloatArray] = {}
    images = project.images(sorted({int(image_id) for image_id in image_ids}))
    for done, image in enumerate(images):
        size = image.size
        if size is None:
            step(progress, done, len(images))
            try:
                size = read_size(project.image_path(image))
            except ImageError:
                continue
        sizes[image.id] = np.array(size, np.float64)
    return sizes


def _boxes(
    raw: RawDetections, image_ids: IntArray, sizes: Mapping[int, FloatArray]
) -> tuple[IntArray, FloatArray, list[Problem], list[str]]:
    """Rows of the detections that can be kept, their edges in pixels, what is to be said of the others, and of all. What reaches
    out of its image stays as it is: evaluators count it so."""
    unknown = np.full(2, np.nan)
    limits = np.array([sizes.get(image_id, unknown) for image_id in image_ids.tolist()]).reshape(-1, 2)
    boxes = raw.boxes * np.tile(limits, 2) if raw.in_shares else raw.boxes
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    sized = ~np.isnan(limits).any(axis=1)
    here = image_ids > 0
    faults: list[tuple[Any, str]] = [
        (~np.isfinite(raw.boxes).all(axis=1), "a coordinate is not a number: left out"),
        (~np.isfinite(raw.scores), "the score is not a number: left out"),
        (~sized & raw.in_shares, "a share of an image that cannot be read: left out"),
        ((low == high).any(axis=1), "a box without area: left out"),
        (sized & ((high <= 0) | (low >= limits)).any(axis=1), "a box outside of its image: left out"),
    ]
    kept = here.copy()
    problems: list[Problem] = []
    for wrong, message in faults:
        problems += [raw.problem(row, message) for row in np.flatnonzero(wrong & kept).tolist()]
        kept &= ~wrong
    notes: list[str] = []
    swapped = int(np.count_nonzero(kept & (boxes[:, :2] > boxes[:, 2:]).any(axis=1)))
    beyond = sized & ((low < -TOLERANCE) | (high > limits + TOLERANCE)).any(axis=1)
    reaching = int(np.count_nonzero(kept & beyond))
    if swapped:
        notes.append(f"{counted(swapped, 'box has', 'boxes have')} swapped edges: put in order.")
    if reaching:
        notes.append(
            f"{counted(reaching, 'box reaches', 'boxes reach')} out of the image: counted as written."
        )
    rows = np.flatnonzero(kept)
    return rows, np.concatenate([low, high], axis=1)[rows], problems, notes
