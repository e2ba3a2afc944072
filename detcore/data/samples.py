"""Training samples from a project snapshot: file, boxes, labels 0 … K-1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcore.project.snapshot import Snapshot, SnapshotImage
from detcore.types import IntArray

BoxArray = NDArray[np.float32]
HELD_OUT_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One image as a detector sees it.

    ``boxes`` (N, 4) absolute xyxy of the original image, ``labels`` (N,) rows of the class list,
    ``ignore`` (M, 4) areas that are neither object nor background (crowds, difficult objects). ``frame`` is
    the (width, height) that the boxes were drawn at; ``None`` when there are none, or it is not known.
    """

    image_id: int
    path: str
    boxes: BoxArray
    labels: IntArray
    ignore: BoxArray
    frame: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The samples to learn from and those to judge by. ``note`` says, for the person, where the
    latter come from when it is not the validation split; else it is empty."""

    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    note: str = ""


def class_ids(snapshot: Snapshot) -> IntArray:
    """(K,) class ids; a label is a row of this."""
    return np.array([item.id for item in snapshot.classes], dtype=np.int64)


def make_samples(snapshot: Snapshot, images: Sequence[SnapshotImage]) -> tuple[Sample, ...]:
    """The samples of these images, in their order. Boxes without area or of an unknown class are dropped."""
    gt = snapshot.ground_truth
    ids = class_ids(snapshot)
    order = np.argsort(ids, kind="stable")
    spots = np.searchsorted(ids[order], gt.labels)
    known = (spots < len(ids)) & (ids[order][np.minimum(spots, max(len(ids) - 1, 0))] == gt.labels)
    has_area = (gt.boxes[:, 2] > gt.boxes[:, 0]) & (gt.boxes[:, 3] > gt.boxes[:, 1])
    rows = np.flatnonzero(known & has_area)
    rows = rows[np.argsort(gt.image_ids[rows], kind="stable")]
    owners = gt.image_ids[rows]
    samples: list[Sample] = []
    for image in images:
        first, last = np.searchsorted(owners, [image.id, image.id + 1])
        own = rows[first:last]
        unsure = gt.crowd[own] | gt.difficult[own]
        sure = own[~unsure]
        samples.append(
            Sample(
                image_id=image.id,
                path=image.path,
                boxes=gt.boxes[sure].astype(np.float32),
                labels=order[spots[sure]].astype(np.int64),
                ignore=gt.boxes[own[unsure]].astype(np.float32),
                frame=snapshot.frames.get(image.id),
            )
        )
    return tuple(samples)


def split_samples(snapshot: Snapshot, *, seed: int) -> Split:
    """Training and validation samples of the labelled images.

    Images without a split count as training images. Without a validation split a seeded tenth of the
    training images is held out; of fewer than two images nothing can be held out, and the judging is
    done on what was learnt from.
    """
    val = [image for image in snapshot.labelled_images if image.split == "val"]
    train = list(snapshot.training_images)
    if val or not train:
        return Split(train=make_samples(snapshot, train), val=make_samples(snapshot, val))
    if len(train) < 2:
        samples = make_samples(snapshot, train)
        note = "The validation split is empty and there is one training image only: it is judged by itself."
        return Split(train=samples, val=samples, note=note)
    count = max(1, round(len(train) * HELD_OUT_SHARE))
    chosen = set(np.random.default_rng(seed).permutation(len(train))[:count].tolist())
    held_out = [image for row, image in enumerate(train) if row in chosen]
    rest = [image for row, image in enumerate(train) if row not in chosen]
    note = f"The validation split is empty: {count} of {len(train)} training images are held out to judge by."
    return Split(train=make_samples(snapshot, rest), val=make_samples(snapshot, held_out), note=note)
