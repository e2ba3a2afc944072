"""What the weights of the moment find: on the images that the window shows, and on all while the learner rests."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detcore.data.cache import ImageCache
from detcore.data.samples import Sample
from detcore.data.sweep import Detect, sweep
from detcore.errors import ProjectError
from detcore.jobs import events
from detcore.project.reading import ProjectReader
from detcore.project.run_detections import save_detections, set_aside_detections
from detcore.project.runs import RunFolder
from detcore.training.live.room import TRY_AGAIN_SECONDS, Room
from detcore.training.telling import Telling
from detcore.types import Detections, IntArray

PUBLISH_SECONDS = 4.0
"""Of learning, after which what was proposed before is looked at anew."""
_LEAST_SCORE, _MOST_PROPOSED = 0.05, 300
_File = tuple[str, int, int]
"""The path of an image, when it was written last and its size in bytes: another one for other content."""


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

    def file_of(self, image_id: int) -> _File | None:
        """As it is now; ``None`` for an image that is gone."""
        path = self._path(image_id)
        if path is None:
            return None
        try:
            status = path.stat()
        except OSError:
            return str(path), 0, 0
        return str(path), status.st_mtime_ns, status.st_size

    def _path(self, image_id: int) -> Path | None:
        try:
            return self._project.image_path(self._project.image(image_id))
        except ProjectError:
            return None

    def _sample(self, image_id: int) -> Sample | None:
        """``None`` for an image that is gone."""
        path = self._path(image_id)
        if path is None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What was found on an image, with the weights of a ``step``, in the file that it was then."""

    step: int
    file: _File
    found: Detections


class LookingAtAll:
    """Writes what is found on all images of the project into the run, for Review and for what to label next; a few images at
    a time, and only those that have not been looked at with these weights. What the weights of the time before have found
    lies in ``RunFolder.before``."""

    def __init__(
        self, project: ProjectReader, run: RunFolder, looking: Looking, telling: Telling, room: Room
    ) -> None:
        self._project, self._run = project, run
        self._looking, self._telling, self._room = looking, telling, room
        self._looks: dict[int, _Look] = {}
        self._left: deque[int] = deque()
        self.is_under_way = self._is_new = self._tells = False
        self._not_before = 0.0

    def begin(self, *, tell: bool = False) -> None:
        """Look at them from the next time on: first at those that were not looked at for the longest. ``tell``: that it is
        done, too, where nothing was left to be looked at."""
        ids = self._project.image_ids()
        self._looks = {image_id: self._looks[image_id] for image_id in ids if image_id in self._looks}
        step_of = {image_id: look.step for image_id, look in self._looks.items()}
        self._left = deque(sorted(ids, key=lambda image_id: step_of.get(image_id, -1)))
        self.is_under_way, self._tells = True, tell or self._is_new

    def go_on(self, *, step: int) -> bool:
        """Look at the next few with the weights of a ``step``; whether anything was done. At the end the file is written, which
        waits where there is no room for it."""
        if not self.is_under_way or time.monotonic() < self._not_before:
            return False
        if some := self._next(step):
            found, seen = self._looking.find(list(some))
            for image_id in seen:
                own = found.take(found.image_ids == image_id)
                self._looks[image_id] = _Look(step=step, file=some[image_id], found=own)
            self._is_new = self._tells = True
            return True
        if not self._keep(step):
            self._not_before = time.monotonic() + TRY_AGAIN_SECONDS
            return False
        self.is_under_way = False
        if self._tells:
            self._telling.emit(events.Checkpoint(step=step, file=self._run.detections.name))
        return True

    def _next(self, step: int) -> dict[int, _File]:
        """The next few images to look at, with their files."""
        some: dict[int, _File] = {}
        while self._left and len(some) < self._looking.batch_size:
            image_id = self._left.popleft()
            file = self._looking.file_of(image_id)
            look = self._looks.get(image_id)
            if file is not None and (look is None or (look.step, look.file) != (step, file)):
                some[image_id] = file
        return some

    def _keep(self, step: int) -> bool:
        """Whether the file has what was found with these weights."""
        if self._is_new:
            looks = {image_id: look for image_id, look in self._looks.items() if look.step == step}
            found = Detections.joined([look.found for look in looks.values()])

            def write() -> None:
                set_aside_detections(self._run, step=step)
                save_detections(self._run, found, image_ids=looks, step=step)

            self._is_new = not self._room.write(write, kept="What was found before stays")
        return not self._is_new
