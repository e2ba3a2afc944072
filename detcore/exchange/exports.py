"""A project written as a dataset."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from detcore.errors import FormatError
from detcore.exchange.admission import refuse_outside
from detcore.exchange.box_fitting import BoxFitter
from detcore.exchange.choosing import labelled_dataset
from detcore.exchange.formats import format_named
from detcore.exchange.packing import packed, zip_named
from detcore.exchange.proof import proved
from detcore.formats.base import Dataset, ExportOptions, ExportReport, Images, Progress, no_progress
from detcore.project.project import Project


def export_dataset(
    project: Project,
    format_name: str,
    out: Path,
    *,
    splits: Collection[str | None] | None = None,
    options: ExportOptions | None = None,
    proof: bool = False,
    progress: Progress = no_progress,
) -> ExportReport:
    """Write the labelled images of a project to the folder ``out``, or as a zip of that name, which appears complete or
    not at all.

    Exported are images with boxes and verified ones without (of these ``splits``, where ``None`` stands
    for images without a split). Images that nobody has looked at, and those in progress without a box,
    are left out unless ``options.include_unseen``. So are images whose files have another size than their
    boxes were drawn at, which notes name; no box reaches out of its image. ``proof``: the files are read again by the
    rules of their readers, and what these find is told and kept in ``EXPORT.txt``.

    Raises:
        ConfigError: there is no such format, or no such class.
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
    dataset, left_out = labelled_dataset(project, splits, chosen)
    fitter = BoxFitter()
    dataset = replace(dataset, images=fitter.fit_all(dataset.images, progress))
    if not dataset.images:
        is_narrowed = chosen.touched or chosen.classes is not None or chosen.statuses is not None
        reasons = fitter.notes() + (left_out if is_narrowed else [])
        hint = " ".join(reasons) or "Label or verify some first"
        raise FormatError("there are no labelled images to export", path=out, hint=hint)
    if chosen.images is not Images.REFERENCE and not chosen.outside:
        _refuse_outside(dataset)

    def write(folder: Path) -> ExportReport:
        report = writer.write(dataset, folder, chosen, progress)
        report = replace(report, notes=(*left_out, *fitter.notes(), *report.notes))
        return proved(writer, report, chosen) if proof else report

    if chosen.images is Images.ZIP:
        return packed(zip_named(out), write, progress)
    return write(out)


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
