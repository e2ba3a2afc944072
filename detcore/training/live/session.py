"""The learner beside the window: learns without an end from a project that others write to."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch

from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import Doing, Event
from detcore.jobs.worker_process import StopFlags
from detcore.project.reading import ProjectReader
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.project.verified import VerifiedImages
from detcore.training.live.data import Roles, is_startable, split_of
from detcore.training.live.hook import IDLE_SECONDS, Wishes
from detcore.training.live.stint import Place, Stint
from detcore.training.machine import set_up_torch


class LiveSession:
    """Learns from the verified images of a project until it is asked to stop. Where classes come, go or are renamed it
    begins another stint with the weights that it has."""

    def __init__(
        self,
        project: ProjectReader,
        run: RunFolder,
        *,
        emit: Callable[[Event], None],
        flags: StopFlags,
        known: Collection[int] = (),
    ) -> None:
        """``known`` images were learnt by the weights that the run begins with. Raises ConfigError, ProjectError."""
        config = TrainConfig.load(run.config)
        config.check()
        before = Snapshot.load(run.snapshot) if run.snapshot.is_file() else None
        self._emit, self._said = emit, events.Live(doing=Doing.WAITING, learnt=-1, judged=0)
        self._place = Place(
            project=project,
            run=run,
            config=config,
            verified=VerifiedImages(project),
            roles=Roles(before, known=known),
            wishes=Wishes(flags),
            flags=flags,
            emit=emit,
            say=self._say,
        )

    def run(self) -> None:
        """Raises as ``Session.train``, and ProjectError where the project cannot be read."""
        set_up_torch(self._place.config.runtime)
        torch.manual_seed(self._place.config.runtime.seed)  # pyright: ignore[reportUnknownMemberType]
        verified: Snapshot | None = None
        while (divided := self._something(verified)) is not None:
            stint = Stint(self._place, divided)
            stint.work()
            verified = stint.others
            del stint  # the next one wants its memory

    def _something(self, verified: Snapshot | None) -> Snapshot | None:
        """What is ``verified``, or will be, divided, once there is anything to learn from; ``None`` when it is to stop."""
        place = self._place
        while not place.flags.stop.is_set() and not place.flags.finish.is_set():
            if verified is not None:
                divided = place.roles.divided(verified)
                if is_startable(split_of(divided, place.config)):
                    return divided
                self._say(Doing.WAITING, divided)
            place.wishes.hear()
            verified = place.verified.news()
            if verified is None:
                place.flags.stop.wait(IDLE_SECONDS)
        return None

    def _say(self, doing: Doing, divided: Snapshot) -> None:
        judged = sum(image.split == "val" for image in divided.images)
        live = events.Live(doing=doing, learnt=len(divided.images) - judged, judged=judged)
        if live != self._said:
            self._said = live
            self._emit(live)
