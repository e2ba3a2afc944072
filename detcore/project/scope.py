"""Which images the figures of a run are of: one rule for the window, the command line and reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

import numpy as np

from detcore.project import cross_validation, roles
from detcore.project.image_rows import ImageList
from detcore.project.imported_run import imported_from
from detcore.project.runs import RunFolder
from detcore.types import IntArray
from detcore.wording import counted


class Scope(StrEnum):
    """The value is what the user reads."""

    HELD_OUT = "Not trained on"
    VAL = "Validation"
    TEST = "Test"
    TRAIN = "Training"
    ALL = "All images"
    UNLABELLED = "Without labels"
    """To look at what a run sees there, never for figures: nothing there is right or wrong."""


_MOST_NAMES = 5
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
    it; of an imported run none that anybody knows of."""
    if imported_from(run) is not None:
        return np.zeros(0, np.int64)
    if run.snapshot.is_file() or cross_validation.is_cross_validation(run):
        return np.array(sorted(cross_validation.trained_images(run)), np.int64)
    return images.ids[~images.in_splits(*roles.HELD_OUT)]


def image_sets(images: ImageList, looked_at: Collection[int], trained: IntArray) -> Mapping[Scope, IntArray]:
    """Image ids of each scope that has any, in list order; the first is what is meant where nothing is
    chosen.

    Only labelled images take part, and only those that the run has looked at:
    elsewhere every object would seem missed.
    """
    ready = images.labelled & np.isin(images.ids, np.fromiter(looked_at, np.int64, len(looked_at)))
    sets = {Scope.HELD_OUT: ready & ~np.isin(images.ids, trained)}
    for scope, split in _SPLITS.items():
        sets[scope] = ready & images.in_splits(split)
    sets[Scope.ALL] = ready
    return {scope: images.ids[mask] for scope, mask in sets.items() if mask.any()}


def unlabelled_images(images: ImageList, looked_at: Collection[int]) -> IntArray:
    """Ids of the images that a run has looked at and that are in none of the ``image_sets``, in list
    order."""
    return images.ids[
        ~images.labelled & np.isin(images.ids, np.fromiter(looked_at, np.int64, len(looked_at)))
    ]


def unread_images(
    images: ImageList, left_out: Collection[int], trained: IntArray, scope: Scope
) -> tuple[str, ...]:
    """Paths of the labelled images of a scope that a run could not look at: they are in no figure of it."""
    ids = image_sets(images, left_out, trained).get(scope, np.zeros(0, np.int64))
    rows: list[int] = np.searchsorted(images.ids, ids).tolist()
    return tuple(images.paths[row] for row in rows)


def unread_note(paths: Sequence[str]) -> str:
    """A sentence that names those images, the first ones of many; "" for none."""
    if not paths:
        return ""
    names = ", ".join(paths[:_MOST_NAMES]) + (", …" if len(paths) > _MOST_NAMES else "")
    unread = counted(
        len(paths),
        "labelled image could not be read and is in no figure",
        "labelled images could not be read and are in no figure",
    )
    return f"{unread}: {names}."


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
