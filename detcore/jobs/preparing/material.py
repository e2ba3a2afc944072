"""What a project has for a detector to learn from, and dividing it into splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from detcore.project import roles
from detcore.project.edits import Edit, set_split
from detcore.project.image_rows import ImageList
from detcore.project.project import Project
from detcore.project.reading import ProjectReader
from detcore.project.splits import fill_splits

RATIOS: Mapping[str, float] = {"train": 0.70, "val": 0.15, "test": 0.15}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """Counts of images. ``labelled`` are all that say something to a detector (``roles.labelled``),
    ``with_boxes`` those with boxes, ``to_learn_from`` the ones among these that are not held out; ``train``
    and ``val`` are the labelled ones of those splits, ``unassigned`` of no split.
    """

    images: int
    labelled: int
    with_boxes: int
    to_learn_from: int
    train: int
    val: int
    unassigned: int

    @property
    def needs_splits(self) -> bool:
        return self.with_boxes > 0 and self.train == 0 and self.unassigned > 0


def survey(project: ProjectReader) -> TrainingData:
    """Look at all images; some milliseconds for 100,000."""
    images = project.image_list()
    labelled, with_boxes = images.labelled, images.box_counts > 0
    count = np.count_nonzero
    return TrainingData(
        images=len(images),
        labelled=int(count(labelled)),
        with_boxes=int(count(with_boxes)),
        to_learn_from=int(count(with_boxes & ~images.in_splits(*roles.HELD_OUT))),
        train=int(count(labelled & images.in_splits("train"))),
        val=int(count(labelled & images.in_splits("val"))),
        unassigned=int(count(labelled & (images.splits < 0))),
    )


def split_ranks(images: ImageList) -> dict[int, int]:
    """What ``make_splits`` is to spread first: images with boxes, then those verified to have none, then those
    without labels."""
    ranks = np.where(images.box_counts > 0, 0, np.where(images.labelled, 1, 2))
    return dict(zip(images.ids.tolist(), ranks.tolist(), strict=True))


def divided_text() -> str:
    """What is said when a training had to divide the images."""
    shares = ", ".join(f"{share:.0%} {split}" for split, share in RATIOS.items())
    return f"The images without a split were divided: {shares}."


def missing_splits(project: ProjectReader, *, seed: int) -> dict[int, str]:
    """A split for every image that has none, by ``RATIOS``; groups stay together."""
    ranks = split_ranks(project.image_list())
    return fill_splits(project.images(), RATIOS, seed=seed, ranks=ranks)


def divide(project: Project, *, seed: int) -> Edit:
    """Put every image that has no split into that of ``missing_splits``."""
    return set_split(project, {**missing_splits(project, seed=seed)})
