"""What is verified in a project by now, for who learns from it while somebody else writes."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from detcore.project import journal
from detcore.project.reading import ProjectReader
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.types import GroundTruth, Status

_SHARE = 0.1
"""Of the time, what reading takes at most."""


class VerifiedImages:
    """Follows a project that others write to, from one thread. Of boxes only those of images are read whose boxes have
    changed since, as the project's journal tells."""

    def __init__(self, project: ProjectReader) -> None:
        self._project = project
        self._version: int | None = None
        self._mark: journal.Mark | None = None
        self._changed: frozenset[int] | None = None
        self._read: Snapshot | None = None
        self._not_before = 0.0

    def news(self) -> Snapshot | None:
        """The verified images with their boxes, where these are now, and the classes, once any of it is another than when
        it was read last; ``None`` where all is as it was. Where there is much, what was written waits for a while. Raises
        ProjectError."""
        begin = time.monotonic()
        if begin < self._not_before:
            return None
        with self._project.database.read() as connection:
            # another number after each commit of another connection (SQLite, "PRAGMA data_version")
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version == self._version:
                return None
            self._changed = None if self._mark is None else journal.images_since(connection, self._mark)
            self._project.look_for_image_root()
            snapshot = take_snapshot(self._project, status=Status.VERIFIED, boxes=self._boxes)
            self._mark = journal.mark(connection)
        self._version = version
        before, self._read = self._read, snapshot
        end = time.monotonic()
        self._not_before = end + (end - begin) * (1.0 - _SHARE) / _SHARE
        return None if before is not None and _same(before, snapshot) else snapshot

    def _boxes(self, image_ids: Sequence[int] | None) -> GroundTruth:
        """Those that are known, as they were where nothing has changed."""
        if self._read is None or self._changed is None or image_ids is None:
            return self._project.ground_truth(image_ids)
        before = self._read.ground_truth
        known = {image.id for image in self._read.images} - self._changed
        fresh = [image_id for image_id in image_ids if image_id not in known]
        kept = np.isin(before.image_ids, sorted(known.intersection(image_ids)))
        if not fresh and kept.all():
            return before
        boxes = GroundTruth.joined([before.take(kept), self._project.ground_truth(fresh)])
        return boxes.take(np.lexsort((boxes.ids, boxes.image_ids)))


def _same(one: Snapshot, other: Snapshot) -> bool:
    unread = one.ground_truth is other.ground_truth
    return unread and one.images == other.images and one.classes == other.classes
