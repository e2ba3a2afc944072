"""A project written as a dataset."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from detcore.collecting import no_collection
from detcore.errors import FormatError
from detcore.exchange.admission import refuse_outside
from detcore.exchange.box_fitting import BoxFitter
from detcore.exchange.formats import EXTRA_SETTING, format_named
from detcore.formats.base import (
    Dataset,
    DatasetBox,
    DatasetClass,
    DatasetImage,
    ExportOptions,
    ExportReport,
    Progress,
    no_progress,
)
from detcore.project.project import Project
from detcore.types import Box, Image, Status
from detcore.wording import counted


def export_dataset(
    project: Project,
    format_name: str,
    out: Path,
    *,
    splits: Collection[str | None] | None = None,
    options: ExportOptions | None = None,
    progress: Progress = no_progress,
) -> ExportReport:
    """Write the labelled images of a project to the folder ``out``, which appears complete or not at all.

    Exported are images with boxes and verified ones without (of these ``splits``, where ``None`` stands
    for images without a split). Images that nobody has looked at, and those in progress without a box,
    are left out unless ``options.include_unseen``. So are images whose files have another size than their
    boxes were drawn at, which notes name; no box reaches out of its image.

    Raises:
        ConfigError: there is no such format.
        FormatError: nothing to export, or ``out`` cannot be used.
        OutsideImagesError: images would be copied from outside of the project's folder of images, and
            ``options`` do not allow that.
        Cancelled: ``progress`` returned ``False``; nothing was written.
    """
    chosen = options or ExportOptions()
    writer = format_named(format_name)
    if out.resolve().is_relative_to(project.folder.resolve()):
        raise FormatError(
            "an export cannot lie in the project itself", path=out, hint="Choose another folder"
        )
    images = [image for image in project.images() if splits is None or image.split in splits]
    dataset, left_out = _labelled_dataset(project, images, chosen)
    fitter = BoxFitter()
    dataset = replace(dataset, images=fitter.fit_all(dataset.images, progress))
    if not dataset.images:
        hint = " ".join(fitter.notes()) or "Label or verify some first"
        raise FormatError("there are no labelled images to export", path=out, hint=hint)
    if chosen.copy_images and not chosen.outside:
        _refuse_outside(dataset)
    report = writer.write(dataset, out, chosen, progress)
    return replace(report, notes=(*left_out, *fitter.notes(), *report.notes))


def _refuse_outside(dataset: Dataset) -> None:
    """A project may name any file of the disk, and come from anybody."""
    root = Path(os.path.abspath(dataset.image_root))
    folders = Counter(
        image.path.parent
        for image in dataset.images
        if not image.path.is_relative_to(root) and image.path.is_file()
    )
    hint = "Give --allow-outside if they are to be copied, too"
    refuse_outside(folders, of="the project's images", path=root, hint=hint)


def _labelled_dataset(
    project: Project, images: Sequence[Image], options: ExportOptions
) -> tuple[Dataset, list[str]]:
    classes = project.classes()
    labels = {item.id: label for label, item in enumerate(classes)}
    boxes: dict[int, list[DatasetBox]] = {}
    wanted = {image.id for image in images}
    with no_collection():
        for box in project.each_box():
            if box.image_id in wanted:
                boxes.setdefault(box.image_id, []).append(_dataset_box(box, labels[box.class_id]))
    empty = [image for image in images if image.id not in boxes and not options.include_unseen]
    unseen = {image.id for image in empty if image.status is Status.UNSEEN}
    unfinished = {image.id for image in empty if image.status is Status.IN_PROGRESS}
    notes: list[str] = []
    if unseen:
        notes.append(
            f"{counted(len(unseen), 'image')} that nobody has looked at {'is' if len(unseen) == 1 else 'are'} left out."
        )
    if unfinished:
        images_text = counted(len(unfinished), "image")
        notes.append(
            f"{images_text} in progress without a box left out; verify them to export them as empty."
        )
    kept: Any = project.get_setting(EXTRA_SETTING, {})
    dataset = Dataset(
        classes=[
            DatasetClass(name=item.name, source_id=item.source_id, extra=item.extra) for item in classes
        ],
        images=[
            _dataset_image(project, image, boxes.get(image.id, []))
            for image in images
            if image.id not in unseen and image.id not in unfinished
        ],
        image_root=project.image_root,
        extra=cast("dict[str, Any]", kept),
    )
    return dataset, notes


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
