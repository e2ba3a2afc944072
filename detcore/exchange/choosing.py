"""What of a project goes into an export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, cast

from detcore.collecting import no_collection
from detcore.errors import ConfigError
from detcore.exchange.formats import EXTRA_SETTING
from detcore.formats.base import Dataset, DatasetBox, DatasetClass, DatasetImage, ExportOptions
from detcore.project.project import Project
from detcore.project.verdicts import read_verdicts
from detcore.types import Box, Image, ObjectClass, Origin, Status
from detcore.wording import counted


def labelled_dataset(
    project: Project, splits: Collection[str | None] | None, options: ExportOptions
) -> tuple[Dataset, list[str]]:
    """The images, classes and boxes that are chosen, and sentences about what is left out.

    Raises:
        ConfigError: the project has no such class.
    """
    images = [
        image
        for image in project.images()
        if (splits is None or image.split in splits)
        and (options.statuses is None or image.status in options.statuses)
    ]
    classes = _chosen_classes(project.classes(), options.classes)
    chooser = _Chooser(project, images, classes, options)
    chosen = [
        _dataset_image(project, image, boxes)
        for image in images
        if (boxes := chooser.boxes_of(image)) is not None
    ]
    kept: Any = project.get_setting(EXTRA_SETTING, {})
    dataset = Dataset(
        classes=[
            DatasetClass(name=item.name, source_id=item.source_id, extra=item.extra) for item in classes
        ],
        images=chosen,
        image_root=project.image_root,
        extra=cast("dict[str, Any]", kept),
    )
    return dataset, chooser.notes()


def _chosen_classes(classes: Sequence[ObjectClass], names: Collection[str] | None) -> list[ObjectClass]:
    if names is None:
        return list(classes)
    unknown = set(names) - {item.name for item in classes}
    if unknown:
        known = ", ".join(item.name for item in classes) or "none yet"
        raise ConfigError(f"the project has no class {min(unknown)!r}", hint=f"Its classes: {known}")
    return [item for item in classes if item.name in names]


class _Chooser:
    """Chooses among the boxes of some images and counts what it leaves out."""

    def __init__(
        self,
        project: Project,
        images: Sequence[Image],
        classes: Sequence[ObjectClass],
        options: ExportOptions,
    ) -> None:
        self._options = options
        self._kept: dict[int, list[DatasetBox]] = {}
        self._of_class: Counter[int] = Counter()
        self._all: Counter[int] = Counter()
        self._count: Counter[str] = Counter()
        labels = {item.id: label for label, item in enumerate(classes)}
        judged = _judged(project) if options.touched else frozenset[int]()
        wanted = {image.id for image in images}
        with no_collection():
            for box in project.each_box():
                if box.image_id not in wanted:
                    continue
                self._all[box.image_id] += 1
                if box.class_id not in labels:
                    continue
                self._of_class[box.image_id] += 1
                if not options.touched or _is_touched(box) or box.id in judged:
                    self._kept.setdefault(box.image_id, []).append(_dataset_box(box, labels[box.class_id]))

    def boxes_of(self, image: Image) -> list[DatasetBox] | None:
        """The boxes of an image that are chosen; ``None`` where the image is left out."""
        count, options = self._count, self._options
        kept, of_class, all_of_it = (
            self._kept.get(image.id, []),
            self._of_class[image.id],
            self._all[image.id],
        )
        count["other class"] += all_of_it - of_class
        count["untouched"] += of_class - len(kept)
        if kept:
            count["in part"] += len(kept) < of_class
        elif all_of_it:
            if of_class or image.status is not Status.VERIFIED or not options.keep_emptied:
                count["nothing left"] += 1
                return None
            count["emptied"] += 1
        elif not options.include_unseen and image.status is not Status.VERIFIED:
            count[image.status] += 1
            return None
        return kept

    def notes(self) -> list[str]:
        """Sentences about what was left out."""
        count = self._count
        notes: list[str] = []
        if count["other class"]:
            boxes = counted(count["other class"], "box", "boxes")
            notes.append(f"{boxes} of classes that were not chosen left out.")
        if count["untouched"]:
            boxes = counted(count["untouched"], "box", "boxes")
            notes.append(f"{boxes} that no person drew, changed or judged left out.")
        if count["in part"]:
            images = counted(count["in part"], "image lacks", "images lack")
            notes.append(f"{images} some of these: what trains on them learns that nothing is there.")
        if count["emptied"]:
            images = counted(count["emptied"], "verified image")
            notes.append(f"{images} without a box of the chosen classes written as empty.")
        if count["nothing left"]:
            images = counted(count["nothing left"], "image")
            notes.append(f"{images} left out, of whose boxes none is left.")
        if count[Status.UNSEEN]:
            images = counted(count[Status.UNSEEN], "image")
            verb = "is" if count[Status.UNSEEN] == 1 else "are"
            notes.append(f"{images} that nobody has looked at {verb} left out.")
        if count[Status.IN_PROGRESS]:
            images = counted(count[Status.IN_PROGRESS], "image")
            notes.append(f"{images} in progress without a box left out; verify them to export them as empty.")
        return notes


def _is_touched(box: Box) -> bool:
    """Whether a person has drawn or changed it."""
    return box.origin is Origin.HUMAN or box.updated > box.created


def _judged(project: Project) -> frozenset[int]:
    """The boxes that a verdict is about."""
    return frozenset(verdict.box_id for verdict in read_verdicts(project) if verdict.box_id is not None)


def _dataset_image(project: Project, image: Image, boxes: Sequence[DatasetBox]) -> DatasetImage:
    return DatasetImage(
        path=project.image_path(image),
        name=Path(image.path).relative_to(Path(image.path).anchor).as_posix(),
        width=image.width,
        height=image.height,
        split=image.split,
        labelled=image.status is not Status.UNSEEN,
        verified=image.status is Status.VERIFIED,
        boxes=boxes,
        extra=image.extra,
    )


def _dataset_box(box: Box, label: int) -> DatasetBox:
    return DatasetBox(
        label=label,
        x1=box.x1,
        y1=box.y1,
        x2=box.x2,
        y2=box.y2,
        difficult=box.difficult,
        truncated=box.truncated,
        occluded=box.occluded,
        crowd=box.crowd,
        extra=box.extra,
    )
