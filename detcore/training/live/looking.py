"""What the weights of the moment find: on the images that the window shows, and on all while the learner rests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detcore.data.cache import ImageCache
from detcore.data.samples import Sample
from detcore.data.sweep import Detect, sweep
from detcore.errors import ProjectError
from detcore.jobs import events
from detcore.project.reading import ProjectReader
from detcore.project.runs import RunFolder, save_detections
from detcore.training.telling import Telling
from detcore.types import Detections, IntArray

PUBLISH_SECONDS = 4.0
"""Of learning, after which what was proposed before is looked at anew."""
_LEAST_SCORE, _MOST_PROPOSED = 0.05, 300


class Looking:
    """Finds objects on images of a project, whether anybody has labelled them or not."""

    def __init__(
        self,
        project: ProjectReader,
        detect: Detect,
        cache: ImageCache,
        *,
        class_ids: IntArray,
        batch_size: int,
        telling: Telling,
    ) -> None:
        self._project, self._detect, self._cache = project, detect, cache
        self._class_ids, self._telling = class_ids, telling
        self.batch_size = batch_size

    def find(self, image_ids: Sequence[int]) -> tuple[Detections, list[int]]:
        """What is on these images, and which of them there were to be looked at."""
        samples = [sample for sample in map(self._sample, image_ids) if sample is not None]
        found = sweep(
            self._detect,
            samples,
            self._cache,
            class_ids=self._class_ids,
            batch_size=self.batch_size,
            problem=self._telling.problem,
        )
        return found or Detections.empty(), [sample.image_id for sample in samples]

    def _sample(self, image_id: int) -> Sample | None:
        """``None`` for an image that is gone."""
        try:
            image = self._project.image(image_id)
            path = self._project.image_path(image)
        except ProjectError:
            return None
        nothing, none = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
        return Sample(image_id=image_id, path=str(path), boxes=nothing, labels=none, ignore=nothing)


class Proposing:
    """Says what is found on the images that the window shows and will show."""

    def __init__(self, looking: Looking, telling: Telling) -> None:
        self._looking, self._telling = looking, telling
        self._told: dict[int, float] = {}
        self._open = 0

    def tell(self, wanted: Sequence[int], *, step: int, at: float) -> None:
        """Look at those of the ``wanted`` images that were not looked at within ``PUBLISH_SECONDS`` of learning, of which
        there were ``at`` by now. The first, which is open, is looked at no more once it lies there: nothing is to move
        under the hand of who works on it."""
        if not wanted:
            return
        old = [image_id for image_id in wanted if at - self._told.get(image_id, -1e9) >= PUBLISH_SECONDS]
        if wanted[0] == self._open and wanted[0] in self._told:
            old = [image_id for image_id in old if image_id != wanted[0]]
        self._open = wanted[0]
        for first in range(0, len(old), self._looking.batch_size):
            found, image_ids = self._looking.find(old[first : first + self._looking.batch_size])
            for image_id in image_ids:
                self._told[image_id] = at
                self._telling.emit(_proposed(found, image_id, step))


def _proposed(found: Detections, image_id: int, step: int) -> events.Proposed:
    rows = np.flatnonzero((found.image_ids == image_id) & (found.scores >= _LEAST_SCORE))
    rows = rows[np.argsort(-found.scores[rows], kind="stable")][:_MOST_PROPOSED]
    return events.Proposed(
        image=image_id,
        step=step,
        labels=found.labels[rows].tolist(),
        boxes=found.boxes[rows].round(2).tolist(),
        scores=found.scores[rows].tolist(),
    )


class LookingAtAll:
    """Writes what is found on all images of the project into the run, for Review; a few images at a time."""

    def __init__(self, project: ProjectReader, run: RunFolder, looking: Looking, telling: Telling) -> None:
        self._project, self._run = project, run
        self._looking, self._telling = looking, telling
        self._left: list[int] = []
        self._seen: list[int] = []
        self._parts: list[Detections] = []

    def begin(self) -> None:
        self._left, self._seen, self._parts = self._project.image_ids(), [], []

    def go_on(self, *, step: int) -> bool:
        """Look at the next few with the weights of a ``step``; whether any were left. The last ones write the file."""
        if not self._left:
            return False
        count = self._looking.batch_size
        some, self._left = self._left[:count], self._left[count:]
        found, seen = self._looking.find(some)
        self._parts.append(found)
        self._seen += seen
        if not self._left:
            save_detections(self._run, Detections.joined(self._parts), image_ids=self._seen, step=step)
            self._parts = []
            self._telling.emit(events.Checkpoint(step=step, file=self._run.detections.name))
        return True
