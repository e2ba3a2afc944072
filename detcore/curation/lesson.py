"""What a run teaches another one: what it has found in the images that are learnt from, labelled or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detcore.atomic import atomic_write
from detcore.curation.emphasis import NotLookedAtError
from detcore.errors import ConfigError, ProjectError
from detcore.project import roles
from detcore.project.columns import read_columns
from detcore.project.cross_validation import is_cross_validation
from detcore.project.runs import RunFolder, left_out_images, load_detections, predicted_images
from detcore.project.snapshot import Snapshot
from detcore.types import Detections, IntArray
from detcore.wording import counted

_KINDS = {"image_ids": "i", "labels": "i", "boxes": "f", "scores": "f", "looked_at": "i"}


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """The detections of a teacher on the images ``looked_at`` (ids), in which it may have found nothing. None of them is
    held out to judge by."""

    detections: Detections
    looked_at: IntArray

    def save(self, path: Path) -> None:
        """Write an npz that needs no pickle to read, all of it or nothing."""
        with atomic_write(path) as temporary:
            np.savez(
                temporary,
                allow_pickle=False,
                image_ids=self.detections.image_ids,
                labels=self.detections.labels,
                boxes=self.detections.boxes,
                scores=self.detections.scores,
                looked_at=self.looked_at,
            )

    @classmethod
    def load(cls, path: Path) -> Lesson:
        """Read what ``save`` wrote. Raises ConfigError where the file is missing or damaged."""
        try:
            columns = read_columns(path, _KINDS)
            looked_at = columns.pop("looked_at")
            return cls(detections=Detections(**columns), looked_at=looked_at)
        except (ProjectError, ValueError) as error:
            message = error.message if isinstance(error, ProjectError) else str(error)
            raise ConfigError(
                f"what the run is taught cannot be read ({message})", path=path, hint="Start a new run"
            ) from error


def unseen_images(teacher: RunFolder, snapshot: Snapshot) -> Snapshot:
    """The images to learn from that a run would have to look at before it can teach; not those that it could not read.

    Raises:
        ConfigError: it is a cross-validation.
        ProjectError: its detections are damaged.
    """
    if is_cross_validation(teacher):
        raise ConfigError(
            f"{teacher.name} is a cross-validation, which cannot look at new images",
            path=teacher.path,
            hint="Let a run of train be the teacher",
        )
    seen = set[int]()
    if teacher.detections.is_file():
        seen = predicted_images(teacher) | left_out_images(teacher)
    return snapshot.only(
        image.id for image in snapshot.images if roles.is_learnt_from(image.split) and image.id not in seen
    )


def find_lesson(teacher: RunFolder, snapshot: Snapshot) -> Lesson:
    """What a run has found in the images of the snapshot that are learnt from.

    Raises:
        NotLookedAtError: it has not looked at some of them.
        ConfigError, ProjectError: as ``unseen_images``.
    """
    unseen = unseen_images(teacher, snapshot)
    if unseen.images:
        raise NotLookedAtError(
            f"the teacher {teacher.name} has not looked at {counted(len(unseen.images), 'image')} to learn from",
            path=teacher.path,
            hint="Let it predict on all images first",
        )
    learnt = {image.id for image in snapshot.images if roles.is_learnt_from(image.split)}
    looked_at = np.array(sorted(learnt & predicted_images(teacher)), np.int64)
    found = load_detections(teacher)
    return Lesson(detections=found.take(np.isin(found.image_ids, looked_at)), looked_at=looked_at)
