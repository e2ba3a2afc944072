"""Which images the figures of a run are of: one rule for the window, the command line and reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

import numpy as np

from detcore import crossval
from detcore.project.image_rows import STATUSES, ImageList
from detcore.project.runs import RunFolder
from detcore.types import BoolArray, IntArray, Status


class Scope(StrEnum):
    """The value is what the person reads."""

    HELD_OUT = "Not trained on"
    VAL = "Validation"
    TEST = "Test"
    TRAIN = "Training"
    ALL = "All images"


_SPLITS = {Scope.VAL: "val", Scope.TEST: "test", Scope.TRAIN: "train"}
SCOPE_OF_SPLIT: Mapping[str, Scope] = {"all": Scope.ALL, **{name: scope for scope, name in _SPLITS.items()}}
"""By the names that the command line has."""
SCOPE_TEXTS: Mapping[Scope, str] = {
    Scope.HELD_OUT: "labelled images not trained on",
    Scope.VAL: "labelled images of the validation split",
    Scope.TEST: "labelled images of the test split",
    Scope.TRAIN: "labelled images of the training split",
    Scope.ALL: "labelled images, all there are",
}
"""What a number of images is followed by."""


def trained_images(run: RunFolder, images: ImageList) -> IntArray:
    """Ids of the images that a run's detections have learnt from: by the list it was started with, else by
    the splits now. Of a cross-validation none, since each image was left out by the model that looked at
    it."""
    if run.snapshot.is_file() or crossval.is_cross_validation(run):
        return np.array(sorted(crossval.trained_images(run)), np.int64)
    return images.ids[~np.isin(images.splits, _codes(images, ("val", "test")))]


def image_sets(images: ImageList, looked_at: Collection[int], trained: IntArray) -> Mapping[Scope, IntArray]:
    """Image ids of each scope that has any, in list order; the first is what is meant where nothing is
    chosen.

    Only labelled images take part (with boxes, or verified), and only those that the run has looked at:
    elsewhere every object would seem missed.
    """
    verified = images.statuses == STATUSES.index(Status.VERIFIED)
    labelled: BoolArray = (images.box_counts > 0) | verified
    ready = labelled & np.isin(images.ids, np.fromiter(looked_at, np.int64, len(looked_at)))
    sets = {Scope.HELD_OUT: ready & ~np.isin(images.ids, trained)}
    for scope, split in _SPLITS.items():
        sets[scope] = ready & np.isin(images.splits, _codes(images, (split,)))
    sets[Scope.ALL] = ready
    return {scope: images.ids[mask] for scope, mask in sets.items() if mask.any()}


def usual_scope(sets: Mapping[Scope, IntArray]) -> Scope:
    """The one that is meant where nobody has chosen: the images that the run has not learnt from, if there
    are any."""
    return next(iter(sets), Scope.ALL)


def left_out_by_both(image_ids: IntArray, trained: IntArray, *, scope: Scope) -> IntArray:
    """The images to compare two runs on: of those that one has not learnt from the ones that the other, which
    has learnt from ``trained``, has not learnt from either, if there are any; of another scope all."""
    if scope is not Scope.HELD_OUT:
        return image_ids
    fair = image_ids[~np.isin(image_ids, trained)]
    return fair if len(fair) else image_ids


def _codes(images: ImageList, names: tuple[str, ...]) -> list[int]:
    return [code for code, name in enumerate(images.split_names) if name in names]
