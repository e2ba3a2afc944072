"""A dataset taken into a project."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detcore.errors import FormatError, ProjectError
from detcore.exchange.admission import ImportOptions, admitted
from detcore.exchange.formats import EXTRA_SETTING, format_named
from detcore.formats.base import (
    Dataset,
    DatasetBox,
    DatasetClass,
    DatasetImage,
    Problem,
    Progress,
    count,
    no_progress,
)
from detcore.formats.geometry import fit
from detcore.project import edits
from detcore.project.image_paths import check_path
from detcore.project.palette import next_color
from detcore.project.project import Project
from detcore.types import Box, Changes, Image, ObjectClass, Origin, Status

_SAME = 0.01
"""Pixels within which an imported box counts as the one that is there already."""

_Edges = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did.

    ``images`` and ``boxes`` were added; ``matched`` images were in the project before, of which
    ``unchanged`` had all the boxes already. ``classes`` are the names that are new, ``splits`` counts the
    images of the dataset by split, ``""`` for none. ``changes`` tells views what to refresh.
    """

    images: int
    boxes: int
    matched: int
    unchanged: int
    classes: tuple[str, ...]
    splits: dict[str, int]
    problems: tuple[Problem, ...]
    changes: Changes
    notes: tuple[str, ...] = ()


def import_dataset(
    project: Project,
    format_name: str,
    source: Path,
    *,
    images: Path | None = None,
    options: ImportOptions | None = None,
    progress: Progress = no_progress,
) -> ImportReport:
    """Take a dataset into a project as one undoable edit. Its files are only read.

    Classes are matched by name, images by path. Boxes that an image has already are not added again, so
    importing twice changes nothing. An image that its source calls verified, or whose annotation lists no
    object, becomes verified; one with other annotations is in progress; one without stays unseen.
    What the dataset says of its whole (COCO's ``info`` and ``licenses``) becomes a setting of the project, by
    the same edit. Images that do not lie beside the labels are looked for in the folder ``images``, by
    default where the project has its own. No image comes in whose file is not there, unless ``options`` ask
    for it.

    Raises:
        ConfigError: there is no such format.
        FormatError: there is no dataset of that format, or none of its images is there, or in ``images``.
        OutsideImagesError: images lie outside of the dataset, ``images`` and the project's own folder, and
            ``options`` do not allow that.
        ProjectError: the project cannot be written.
        Cancelled: ``progress`` returned ``False``; nothing was changed.
    """
    if images is not None:
        found = _read_with(images, format_name, source, progress)
    else:
        root = project.image_root if project.image_root.is_dir() else None
        found = _read(format_name, source, image_folder=root, progress=progress)
    known = project.image_ids_by_path()
    named = [project.image_root, *([images] if images is not None else [])]
    found = _admit(found, options, named, lambda path: project.stored_path(path) in known)
    return import_found(project, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDataset:
    """A dataset as it was read from ``source``, and what was odd about it."""

    source: Path
    dataset: Dataset
    problems: tuple[Problem, ...]


def find_dataset(
    format_name: str,
    source: Path,
    *,
    images: Path | None = None,
    options: ImportOptions | None = None,
    progress: Progress = no_progress,
) -> FoundDataset:
    """Read a dataset before there is a project for it; the folder ``images`` is searched for images as well.

    Raises: see :func:`import_dataset`.
    """
    if images is not None:
        found = _read_with(images, format_name, source, progress)
    else:
        found = _read(format_name, source, image_folder=None, progress=progress)
    return _admit(found, options, [images] if images is not None else [], lambda path: False)


def _admit(
    found: FoundDataset,
    options: ImportOptions | None,
    named: Sequence[Path],
    is_known: Callable[[Path], bool],
) -> FoundDataset:
    if not found.dataset.images:
        reason = f" ({found.problems[0]})" if found.problems else ""
        raise FormatError(f"nothing here can be taken in{reason}", path=found.source)
    dataset, problems = admitted(
        found.dataset, options or ImportOptions(), source=found.source, named=named, is_known=is_known
    )
    return replace(found, dataset=dataset, problems=(*problems, *found.problems))


def _read_with(images: Path, format_name: str, source: Path, progress: Progress) -> FoundDataset:
    if not images.is_dir():
        raise FormatError(
            "the folder of images is not there", path=images, hint="Name the folder that holds them"
        )
    folder = Path(os.path.abspath(images))
    found = _read(format_name, source, image_folder=folder, progress=progress)
    if not any(_is_below(image.path, folder) for image in found.dataset.images):
        raise FormatError(
            "no image that the labels name is in this folder",
            path=images,
            hint="Name the folder that holds them, or none when they lie beside the labels",
        )
    return found


def _is_below(path: Path, folder: Path) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(folder) and path.is_file()


def _read(format_name: str, source: Path, *, image_folder: Path | None, progress: Progress) -> FoundDataset:
    reader = format_named(format_name)
    dataset, problems = reader.read(source.absolute(), image_folder=image_folder, progress=progress)
    return FoundDataset(source=source, dataset=dataset, problems=tuple(problems))


def import_found(project: Project, found: FoundDataset) -> ImportReport:
    """The part of ``import_dataset`` that changes the project.

    Raises:
        ProjectError: the project cannot be written.
    """
    merge = _Merge(found.dataset, found.problems)
    return merge.report(project.edit(merge.edit, f"Import {found.source.name}"))


def _keep_extra(project: Project, extra: Mapping[str, Any], *, text: str) -> edits.Edit:
    """What the dataset says of its whole becomes known; what was known before stays."""
    kept: dict[str, Any] = dict(project.get_setting(EXTRA_SETTING, {}))
    for name, fields in extra.items():
        kept[name] = {**fields, **kept.get(name, {})}
    return edits.change_setting(project, EXTRA_SETTING, kept, text=text)


class _Merge:
    """The changes that bring a dataset into a project."""

    def __init__(self, dataset: Dataset, problems: Sequence[Problem]) -> None:
        self._dataset = dataset
        self._problems = list(problems)
        self._classes: list[int] = []
        self._new_classes: list[ObjectClass] = []
        self._new_images: list[Image] = []
        self._updates: dict[int, dict[str, Any]] = {}
        self._boxes: list[Box] = []
        self._matched = 0
        self._unchanged = 0

    def edit(self, project: Project, text: str) -> edits.Edit:
        """All changes as one edit; to be made once."""
        known = project.image_ids_by_path()
        self._classes, self._new_classes, class_edits = _match_classes(project, self._dataset.classes)
        paths = self._stored_paths(project)
        old_ids = [known[path] for path in paths if path in known]
        old_images = {image.id: image for image in project.images(old_ids)}
        old_boxes: dict[int, list[Box]] = {}
        for box in project.all_boxes(old_ids) if old_ids else []:
            old_boxes.setdefault(box.image_id, []).append(box)
        fresh = iter(project.new_ids("image", len(paths) - len(old_ids)))
        for image, path in zip(self._dataset.images, paths, strict=True):
            if path is None:
                continue
            if path in known:
                image_id = known[path]
                self._update(old_images[image_id], image, _Present(old_boxes.get(image_id, [])))
            else:
                self._add(next(fresh), image, path)
        return edits.combine(
            text,
            [
                *class_edits,
                *([_keep_extra(project, extra, text=text)] if (extra := self._dataset.extra) else []),
                edits.update_images(project, self._updates, text=text),
                edits.add_rows(
                    project,
                    text=text,
                    classes=self._new_classes,
                    images=self._new_images,
                    boxes=self._boxes,
                ),
            ],
        )

    def report(self, changes: Changes) -> ImportReport:
        notes: list[str] = []
        if self._unchanged:
            images = count(self._unchanged, "image")
            notes.append(f"{images} had the same boxes already: nothing added to them.")
        return ImportReport(
            images=len(self._new_images),
            boxes=len(self._boxes),
            matched=self._matched,
            unchanged=self._unchanged,
            classes=tuple(item.name for item in self._new_classes),
            splits=dict(Counter(image.split or "" for image in self._dataset.images)),
            problems=tuple(self._problems),
            changes=changes,
            notes=tuple(notes),
        )

    def _stored_paths(self, project: Project) -> list[str | None]:
        """The path of each image as the project writes it, ``None`` for those that are left out."""
        met: set[str] = set()
        return [self._stored_path(project, image, met) for image in self._dataset.images]

    def _stored_path(self, project: Project, image: DatasetImage, met: set[str]) -> str | None:
        path = project.stored_path(image.path)
        if path in met:
            message = "the same image under another name: left out"
            self._problems.append(Problem(path=image.path, message=message))
            return None
        met.add(path)
        try:
            check_path(path)
        except ProjectError as error:
            name = str(image.path).encode("utf-8", "backslashreplace").decode()
            self._problems.append(Problem(path=Path(name), message=f"{error.message}: left out"))
            return None
        return path

    def _add(self, image_id: int, image: DatasetImage, path: str) -> None:
        self._new_images.append(
            Image(
                id=image_id,
                path=path,
                width=image.width,
                height=image.height,
                status=_status(image),
                split=image.split,
                extra=image.extra,
            )
        )
        self._boxes += [self._box(image_id, box, box.xyxy) for box in image.boxes]

    def _update(self, old: Image, image: DatasetImage, present: _Present) -> None:
        self._matched += 1
        added = 0
        for box in image.boxes:
            # The project may know another size of the image; its boxes have to fit that one.
            edges, message = fit(box.xyxy, width=old.width, height=old.height)
            if message is not None:
                self._problems.append(Problem(path=image.path, message=f"{message} (by the project's size)"))
            if edges is None:
                continue
            if present.take(self._classes[box.label], edges):
                continue
            self._boxes.append(self._box(old.id, box, edges))
            added += 1
        self._unchanged += image.labelled and not added
        fields: dict[str, Any] = {}
        if old.width is None and image.width is not None:
            fields |= {"width": image.width, "height": image.height}
        if old.split is None and image.split is not None:
            fields["split"] = image.split
        if image.labelled and (old.status is Status.UNSEEN or added):
            fields["status"] = _status(image)
        if any(key not in old.extra for key in image.extra):
            fields["extra"] = {**image.extra, **old.extra}
        if fields:
            self._updates[old.id] = fields

    def _box(self, image_id: int, box: DatasetBox, edges: _Edges) -> Box:
        return Box(
            id=0,
            image_id=image_id,
            class_id=self._classes[box.label],
            x1=edges[0],
            y1=edges[1],
            x2=edges[2],
            y2=edges[3],
            difficult=box.difficult,
            truncated=box.truncated,
            occluded=box.occluded,
            crowd=box.crowd,
            origin=Origin.IMPORT,
            extra=box.extra,
        )


def _status(image: DatasetImage) -> Status:
    if not image.labelled:
        return Status.UNSEEN
    return Status.VERIFIED if image.verified else Status.IN_PROGRESS


class _Present:
    """The boxes that an image has already."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self._classes = np.array([box.class_id for box in boxes], dtype=np.int64)
        self._edges = np.array([box.xyxy for box in boxes], dtype=np.float64).reshape(-1, 4)
        self._rows: dict[tuple[int, _Edges], list[int]] = {}
        for row, box in enumerate(boxes):
            self._rows.setdefault((box.class_id, box.xyxy), []).append(row)

    def take(self, class_id: int, edges: _Edges) -> bool:
        """Whether such a box is there that was not taken before."""
        rows = self._rows.get((class_id, edges), [])
        found = next((row for row in rows if self._classes[row]), None)  # the usual case, and quicker
        if found is None:
            near = (np.abs(self._edges - np.array(edges)) <= _SAME).all(axis=1)
            near &= self._classes == class_id
            found = int(near.argmax()) if near.any() else None
        if found is None:
            return False
        self._classes[found] = 0  # the id of no class
        return True


def _match_classes(
    project: Project, classes: Sequence[DatasetClass]
) -> tuple[list[int], list[ObjectClass], list[edits.Edit]]:
    """The class id of each class of the dataset, the classes to add, and edits of those that learn
    something."""
    present = {item.name: item for item in project.classes()}
    used_colors = [item.color for item in present.values()]
    free_keys = iter([key for key in range(1, 10) if key not in {item.key for item in present.values()}])
    position = max((item.position for item in present.values()), default=-1) + 1
    ids: list[int] = []
    fresh: list[ObjectClass] = []
    updates: list[edits.Edit] = []
    for item in classes:
        old = present.get(item.name)
        if old is None:
            color = next_color(used_colors)
            used_colors.append(color)
            old = ObjectClass(
                id=project.new_ids("class")[0],
                name=item.name,
                color=color,
                key=next(free_keys, None),
                position=position + len(fresh),
                source_id=item.source_id,
                extra=item.extra,
            )
            fresh.append(old)
        elif any(key not in old.extra for key in item.extra):
            updates.append(edits.update_class(project, replace(old, extra={**item.extra, **old.extra})))
        ids.append(old.id)
    return ids, fresh, updates
