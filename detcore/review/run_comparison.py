"""Two runs of a project compared, labels apart from model: what the older one was told is in its snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from detcore.evaluation.labels_and_model import ByLabels, ByModel, LabelsAndModel, same_labels
from detcore.project.cross_validation import is_cross_validation
from detcore.project.image_rows import ImageList
from detcore.project.imported_run import imported_from
from detcore.project.run_folder import RunFolder
from detcore.project.scope import trained_images
from detcore.project.snapshot import Snapshot
from detcore.types import Detections, GroundTruth, IntArray


@dataclass(frozen=True, kw_only=True)
class Fairness:
    """Whether two runs can be held against each other on some ``images``. Of those each has learnt from
    ``trained``; ``folds``: it is a cross-validation, in which each image was looked at by another model; ``unknown``: it is the
    detections of another program, which may have learnt from any image."""

    names: tuple[str, str]
    folds: tuple[bool, bool]
    images: int
    trained: tuple[int, int]
    unknown: tuple[bool, bool] = (False, False)

    @property
    def is_fair(self) -> bool:
        """Whether "better" and "worse" are words for the difference."""
        return not self.cautions()

    def cautions(self, count: Callable[[int], str] = "{:,}".format) -> tuple[str, ...]:
        """Why the difference is not that of two models on new images, a sentence each; ``count`` writes
        numbers."""
        first, second = self.names
        found: list[str] = []
        if self.folds[0] != self.folds[1]:
            several, one = (first, second) if self.folds[0] else (second, first)
            found.append(f"{several} is a cross-validation, that is several models, {one} a single training.")
        names = [name for name, unknown in zip(self.names, self.unknown, strict=True) if unknown]
        found += [f"{name} was imported: which images it was trained on is not known here." for name in names]
        if self.trained[0] and self.trained == (self.images, self.images):
            found.append("Both were trained on all of these images and know them.")
            return tuple(found)
        for name, trained in zip(self.names, self.trained, strict=True):
            if trained == self.images:
                found.append(f"{name} was trained on all of these images and knows them.")
            elif trained:
                found.append(
                    f"{name} was trained on {count(trained)} of these {count(self.images)} images and knows them."
                )
        return tuple(found)


def fairness(first: RunFolder, second: RunFolder, images: ImageList, image_ids: IntArray) -> Fairness:
    """Of a comparison of two runs on some images of the list."""
    known = [int(np.isin(image_ids, trained_images(run, images)).sum()) for run in (first, second)]
    return Fairness(
        names=(first.name, second.name),
        folds=(is_cross_validation(first), is_cross_validation(second)),
        images=len(image_ids),
        trained=(known[0], known[1]),
        unknown=(_is_of_others(first), _is_of_others(second)),
    )


def _is_of_others(run: RunFolder) -> bool:
    """Whether a run is what a detector of somebody else has found."""
    origin = imported_from(run)
    return origin is not None and not origin.by_person


@dataclass(frozen=True, kw_only=True)
class LabelsApart:
    """``by_labels`` is of the images that the older run knew labels of, ``None`` where it knew none or
    ``unchanged``: it knew all of them as they are now."""

    by_model: ByModel
    by_labels: ByLabels | None
    unchanged: bool


def separate_labels(
    first: RunFolder,
    gt: GroundTruth,
    dets: tuple[Detections, Detections],
    image_ids: IntArray,
    class_ids: IntArray,
    *,
    iou_threshold: float = 0.5,
    draws: int = 500,
    progress: Callable[[int, int], bool] = lambda _done, _total: True,
) -> LabelsApart:
    """What the labels of ``gt`` have changed since ``first`` was started, and what the second of ``dets`` has
    changed on them; ``dets`` are those of ``first`` and of another run.

    Raises:
        ProjectError: the snapshot of ``first`` cannot be read.
        Cancelled: ``progress`` returned False.
    """
    old = _old_labels(first, image_ids)
    known = [] if old is None else [image.id for image in old.images]
    now = gt.take(np.isin(gt.image_ids, known))
    unchanged = old is not None and len(known) == len(image_ids) and same_labels(old.ground_truth, now)
    with_labels = old is not None and not unchanged
    steps = LabelsAndModel(
        class_ids, iou_threshold=iou_threshold, draws=draws, progress=progress, parts=1 + with_labels
    )
    return LabelsApart(
        by_model=steps.by_model(gt, *dets, image_ids),
        by_labels=None
        if old is None or unchanged
        else steps.by_labels(old.ground_truth, now, dets[0], known),
        unchanged=unchanged,
    )


def _old_labels(run: RunFolder, image_ids: IntArray) -> Snapshot | None:
    """What the run was told about these images when it was started; ``None`` if that was nothing. What nobody
    had labelled then was not empty: every detection there would seem false."""
    if not run.snapshot.is_file():
        return None
    old = Snapshot.load(run.snapshot)
    known = {image.id for image in old.labelled_images} & set(image_ids.tolist())
    return old.only(known) if known else None
