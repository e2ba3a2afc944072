"""Training samples from a project snapshot: file, boxes, labels 0 … K-1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detcore.data.augmentation.scores import said, unsaid
from detcore.evaluation.coco import MAX_DETECTIONS
from detcore.images.tiles import Tile
from detcore.project.snapshot import Snapshot, SnapshotImage
from detcore.types import IntArray
from detcore.wording import counted

BoxArray = NDArray[np.float32]
HELD_OUT_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One image, or one ``tile`` of it, as a detector sees it.

    ``boxes`` (N, 4) absolute xyxy of the original image, ``labels`` (N,) rows of the class list,
    ``ignore`` (M, 4) areas that are neither object nor background (crowds, difficult objects). ``frame`` is
    the (width, height) that the boxes were drawn at; ``None`` when there are none, or it is not known. A tile lies
    in the image as it is resized; its boxes are what can be seen of them there, in pixels of the original all the same.
    ``scores`` (N,) say how sure it is that each object is there: 1 of labels, which is what it is where nothing is said.
    """

    image_id: int
    path: str
    boxes: BoxArray
    labels: IntArray
    ignore: BoxArray
    frame: tuple[int, int] | None = None
    tile: Tile | None = None
    scores: BoxArray = field(default_factory=unsaid)

    def __post_init__(self) -> None:
        """Raises ValueError unless there is a score for each object."""
        object.__setattr__(self, "scores", said(self.scores, self.labels))


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The samples to learn from and those to judge by. ``note`` says, for the user, where the
    latter come from when it is not the validation split; else it is empty."""

    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    note: str = ""


def class_ids(snapshot: Snapshot) -> IntArray:
    """(K,) class ids; a label is a row of this."""
    return np.array([item.id for item in snapshot.classes], dtype=np.int64)


def make_samples(
    snapshot: Snapshot, images: Sequence[SnapshotImage], *, difficult: str = "ignore"
) -> tuple[Sample, ...]:
    """The samples of these images, in their order. Boxes without area or of an unknown class are dropped.

    ``difficult`` boxes are areas to "ignore", objects to "learn" like others, or one may "drop" them. Crowds are
    always ignored.
    """
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
        if difficult == "drop":
            own = own[~gt.difficult[own]]
        unsure = gt.crowd[own] if difficult == "learn" else gt.crowd[own] | gt.difficult[own]
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


def split_samples(snapshot: Snapshot, *, seed: int, difficult: str = "ignore") -> Split:
    """Training and validation samples of the labelled images; ``difficult`` says what the former make of such
    boxes, which never count when a detector is judged.

    Images without a split count as training images. Without a validation split a seeded tenth of the
    training images is held out, images with boxes among them, though never the last one of a class. Where that
    leaves none to hold out, the judging is done on what was learnt from.
    """
    val = make_samples(snapshot, [image for image in snapshot.labelled_images if image.split == "val"])
    train = make_samples(snapshot, snapshot.training_images, difficult=difficult)
    if val or not train:
        return Split(train=train, val=val)
    judged = train if difficult == "ignore" else make_samples(snapshot, snapshot.training_images)
    held_out = _held_out(judged, seed)
    if not held_out:
        note = "The validation split is empty and the training images have too few boxes to hold any out: they are judged by themselves."
        return Split(train=train, val=judged, note=note)
    note = f"The validation split is empty: {len(held_out)} of {counted(len(train), 'training image')} held out to judge by."
    return Split(
        train=tuple(sample for row, sample in enumerate(train) if row not in held_out),
        val=tuple(sample for row, sample in enumerate(judged) if row in held_out),
        note=note,
    )


def _held_out(train: Sequence[Sample], seed: int) -> set[int]:
    """Rows to judge by, images with and without boxes by their share; none where no box can be spared."""
    count = max(1, round(len(train) * HELD_OUT_SHARE))
    order: list[int] = np.random.default_rng(seed).permutation(len(train)).tolist()
    boxed = [row for row in order if len(train[row].labels)]
    wanted = min(count, max(1, round(count * len(boxed) / len(train))))
    classes = {row: set(train[row].labels.tolist()) for row in boxed}
    left = Counter(label for row in boxed for label in classes[row])
    chosen: set[int] = set()
    for row in boxed:
        if len(chosen) < wanted and all(left[label] > 1 for label in classes[row]):
            chosen.add(row)
            left.subtract(classes[row])
    if chosen:
        chosen.update([row for row in order if row not in classes][: count - len(chosen)])
    return chosen


def why_no_figure(split: Split, names: Sequence[str]) -> str:
    """Why the validation images can give no figure, as the rest of a sentence; "" where they can. ``names`` of
    the classes, by label."""
    judged, learnt = (
        {int(label) for sample in samples for label in sample.labels} for samples in (split.val, split.train)
    )
    if not split.val:
        return "there are no labelled validation images"
    if not judged:
        return "none of the validation images has a box that counts"
    if not judged & learnt:
        unseen = ", ".join(names[label] for label in sorted(judged))
        return f"the validation images have boxes of {unseen} only, of which there is none to learn from"
    return ""


def why_low_figure(judged: Sequence[Sample]) -> str:
    """What to say of images with more objects than figures look at; "" where there are none."""
    most = MAX_DETECTIONS[-1]
    crowded = sum(bool((np.bincount(sample.labels) > most).any()) for sample in judged)
    if not crowded:
        return ""
    return (
        f"{counted(crowded, 'image')} to judge by {'has' if crowded == 1 else 'have'} more than {most} objects of one class. By "
        f"COCO's rule figures look at the {most} best detections of a class in an image, so they stay low there however good "
        "the detector is."
    )
