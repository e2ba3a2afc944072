"""The learner beside the window: learns without an end from a project that others write to."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext

import torch

from detcore.errors import ProjectError
from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.device_use import LearnerTurn
from detcore.jobs.events import Doing, Event
from detcore.jobs.worker_process import StopFlags
from detcore.project.learnt import read_learnt, write_learnt
from detcore.project.reading import ProjectReader
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.project.verified import VerifiedImages
from detcore.training.live.data import Roles, is_startable, split_of
from detcore.training.live.hook import IDLE_SECONDS, Wishes
from detcore.training.live.judging import MOST_IMAGES
from detcore.training.live.room import TRY_AGAIN_SECONDS, Room
from detcore.training.live.stint import Place, Stint
from detcore.training.machine import set_up_torch
from detcore.types import Status
from detcore.zoo.running import OutOfMemoryError, device_of

_MOST_ATTEMPTS = 6
"""So often memory may run out before it ends."""


class LiveSession:
    """Learns from the verified images of a project until it is asked to stop. Where classes come, go or are renamed it
    begins another stint with the weights that it has, and with a smaller batch where memory has run out."""

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
        self._emit, self._said = emit, events.Live(doing=Doing.WAITING, learnt=-1, judged=0)
        self._run = run
        self._roles = _roles(project, run, known, self._warn)
        self._noted: frozenset[int] = frozenset()
        self._room = Room(self._warn)
        self._stint: Stint | None = None
        self._attempt = self._ran_out = 0
        self._place = Place(
            project=project,
            run=run,
            config=config,
            verified=VerifiedImages(project),
            roles=self._roles,
            wishes=Wishes(flags),
            turn=LearnerTurn(str(device_of(config.runtime.device))),
            room=self._room,
            flags=flags,
            emit=emit,
            say=self._say,
            note=self._note,
        )

    def run(self) -> None:
        """Raises as ``Session.train``, and ProjectError where the project cannot be read."""
        set_up_torch(self._place.config.runtime)
        torch.manual_seed(self._place.config.runtime.seed)  # pyright: ignore[reportUnknownMemberType]
        verified: Snapshot | None = None
        try:
            while (divided := self._something(verified)) is not None:
                verified = self._learn(divided)
        finally:
            self._place.turn.end()

    def held(self) -> AbstractContextManager[None]:
        """As ``Trainer.held``; before there is anything to keep nothing is waited for."""
        return nullcontext() if self._stint is None else self._stint.held()

    def _learn(self, divided: Snapshot) -> Snapshot | None:
        """As long as the classes are the same and memory does; what is verified then."""
        try:
            self._stint = Stint(self._place, divided, attempt=self._attempt)
            self._attempt = self._stint.attempt
            self._stint.work()
            return self._stint.others
        except OutOfMemoryError:
            self._attempt, self._ran_out = self._attempt + 1, self._ran_out + 1
            if self._ran_out > _MOST_ATTEMPTS:
                raise
            self._warn(
                "Memory ran out while it learnt: it goes on with a smaller batch. Close other programs."
            )
        finally:
            self._stint = None  # the next one wants its memory
        gc.collect()
        torch.cuda.empty_cache()
        self._place.flags.stop.wait(IDLE_SECONDS)
        return take_snapshot(self._place.project, status=Status.VERIFIED)

    def _something(self, verified: Snapshot | None) -> Snapshot | None:
        """What is ``verified``, or will be, divided and noted, once there is anything to learn from; ``None`` when it is to
        stop."""
        place = self._place
        while not place.flags.stop.is_set() and not place.flags.finish.is_set():
            if verified is not None:
                divided = place.roles.divided(verified)
                if is_startable(split_of(divided, place.config)):
                    if self._note(divided):
                        return divided
                    place.flags.stop.wait(TRY_AGAIN_SECONDS)
                    continue
                self._say(Doing.WAITING, divided)
            place.wishes.hear()
            verified = place.verified.news()
            if verified is None:
                place.flags.stop.wait(IDLE_SECONDS)
        return None

    def _note(self, divided: Snapshot) -> bool:
        """Write down what is learnt from now on, and all that ever was; whether there was room for it."""
        learnt = self._roles.learnt

        def write() -> None:
            if learnt != self._noted:
                write_learnt(self._run, learnt)
            divided.save(self._run.snapshot)

        noted = self._room.write(write, kept="What was verified since is not learnt yet")
        if noted:
            self._noted = learnt
        return noted

    def _warn(self, text: str) -> None:
        self._emit(events.Log(level="warning", text=text))

    def _say(self, doing: Doing, divided: Snapshot) -> None:
        judging = sum(image.split == "val" for image in divided.images)
        learnt = len(divided.images) - judging
        live = events.Live(doing=doing, learnt=learnt, judged=min(judging, MOST_IMAGES))
        if live != self._said:
            self._said = live
            self._emit(live)


def _roles(
    project: ProjectReader, run: RunFolder, known: Collection[int], warn: Callable[[str], None]
) -> Roles:
    """As the run's files have them. Where one of these is damaged all that is verified may have been learnt: it judges no
    more, and ``warn`` says so."""
    try:
        before = Snapshot.load(run.snapshot) if run.snapshot.is_file() else None
        return Roles(before, known={*known, *read_learnt(run)})
    except ProjectError as error:
        warn(
            f"{error.path}: {error.message}. It is made anew; what is verified by now may have been learnt and judges no "
            "more, images to come do."
        )
    run.learnt.unlink(missing_ok=True)
    run.snapshot.unlink(missing_ok=True)
    verified = take_snapshot(project, status=Status.VERIFIED)
    return Roles(None, known={*known, *(image.id for image in verified.images)})
