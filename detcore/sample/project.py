"""The sample as a project, ready to be opened."""

from __future__ import annotations

import tempfile
from pathlib import Path

from detcore.errors import ProjectError, disk_error
from detcore.project.edits import add_rows
from detcore.project.operations import operation
from detcore.project.palette import next_color
from detcore.project.project import Project
from detcore.project.splits import make_splits
from detcore.sample.generate import (
    DEFAULT_IMAGES,
    DEFAULT_SEED,
    IMAGE_FOLDER,
    TRUTH_FILE,
    Progress,
    generate_sample,
)
from detcore.sample.truth import SampleTruth
from detcore.types import Box, Image, ObjectClass, Origin, Status

PROJECT_NAME = "sample.reticle"
_RATIOS = {"train": 0.70, "val": 0.15, "test": 0.15}


def create_sample_project(
    folder: Path,
    *,
    images: int = DEFAULT_IMAGES,
    seed: int = DEFAULT_SEED,
    progress: Progress | None = None,
) -> Project:
    """Generate the sample below ``folder`` and make ``sample.reticle`` there; it is open when returned.

    Labelled images are verified and in a split; the last ones are unseen, unlabelled and in none. What is in the
    folder stays as it is.

    Raises:
        ProjectError: there is one already, or something else where its files would be.
        ReticleError: the folder cannot be written.
        Cancelled: ``progress`` said so.
    """
    project_folder = folder / PROJECT_NAME
    if project_folder.exists():
        raise ProjectError(
            "there is a sample already", path=project_folder, hint="Open it, or choose another folder"
        )
    for taken in (folder / IMAGE_FOLDER, folder / TRUTH_FILE):
        if taken.exists():
            raise ProjectError("there is already something here", path=taken, hint="Choose an empty folder")
    truth = _painted(folder, images=images, seed=seed, progress=progress)
    project = Project.create(project_folder, image_root=folder / IMAGE_FOLDER)
    try:
        _fill(project, truth)
        project.begin_history()
    except BaseException:
        project.close()
        raise
    return project


def _painted(folder: Path, *, images: int, seed: int, progress: Progress | None) -> SampleTruth:
    """Pictures and truth in the folder: all of them, or nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".sample.", dir=folder) as name:
            place = Path(name)
            truth = generate_sample(place, images=images, seed=seed, progress=progress)
            for made in (IMAGE_FOLDER, TRUTH_FILE):
                (place / made).rename(folder / made)
    except OSError as error:
        raise disk_error(error, path=folder) from error
    return truth


def _fill(project: Project, truth: SampleTruth) -> None:
    classes = _classes(project, truth.classes)
    images = _images(project, truth)
    class_ids = {item.name: item.id for item in classes}
    boxes = [
        Box(
            id=0,
            image_id=image.id,
            class_id=class_ids[label.class_name],
            x1=label.xyxy[0],
            y1=label.xyxy[1],
            x2=label.xyxy[2],
            y2=label.xyxy[3],
            truncated=label.truncated,
            origin=Origin.HUMAN,
        )
        for image, known in zip(images, truth.images, strict=True)
        for label in known.labels
    ]
    project.edit(add_rows, text=operation("make_sample"), classes=classes, images=images, boxes=boxes)


def _classes(project: Project, names: tuple[str, ...]) -> list[ObjectClass]:
    classes: list[ObjectClass] = []
    for position, (class_id, name) in enumerate(
        zip(project.new_ids("class", len(names)), names, strict=True)
    ):
        color = next_color([item.color for item in classes])
        classes.append(ObjectClass(id=class_id, name=name, color=color, key=position + 1, position=position))
    return classes


def _images(project: Project, truth: SampleTruth) -> list[Image]:
    ids = project.new_ids("image", len(truth.images))
    verified = [image_id for image_id, known in zip(ids, truth.images, strict=True) if known.verified]
    splits = make_splits(verified, _RATIOS, seed=truth.seed)
    return [
        Image(
            id=image_id,
            path=known.file.removeprefix(f"{IMAGE_FOLDER}/"),
            width=known.width,
            height=known.height,
            status=Status.VERIFIED if known.verified else Status.UNSEEN,
            split=splits.get(image_id),
        )
        for image_id, known in zip(ids, truth.images, strict=True)
    ]
