"""What the learner does between two steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from enum import Enum, auto
from queue import Empty

from detcore.jobs.device_use import LearnerTurn
from detcore.jobs.events import Doing
from detcore.jobs.wishes import Wish
from detcore.jobs.worker_process import StopFlags
from detcore.project.snapshot import Snapshot
from detcore.project.verified import VerifiedImages
from detcore.training.hooks import CheckpointHook
from detcore.training.live.judging import Judging
from detcore.training.live.looking import LookingAtAll, Proposing
from detcore.training.live.room import TRY_AGAIN_SECONDS
from detcore.training.trainer import Hook, Trainer

_CALM_FIGURES, _CALM_SECONDS = 4, 90.0
"""Figures in a row that are no better, and seconds of learning where there is no figure, after which it comes to rest."""
_DROPS, _DROP_SECONDS = 5, 3.0
"""How often the learning rate is halved before it rests, and seconds of learning between."""
IDLE_SECONDS = 0.1
_LOOK_AGAIN_SECONDS = 30.0
"""At rest, after which it looks whether images have come or changed."""


class Taken(Enum):
    """What became of a newer state of what is verified."""

    SAME = auto()
    """Nothing is learnt that was not before: something else was written."""
    NEW = auto()
    OTHER = auto()
    """Its classes are others, or there is nothing to learn from."""
    LATER = auto()
    """There is no room on the disk to write down from what is learnt."""


class Wishes:
    """What the owner wants at the moment: proposals for these images, the open one first, whether to pause, and whether to look
    at all images."""

    def __init__(self, flags: StopFlags) -> None:
        self._flags = flags
        self.images: Sequence[int] = ()
        self.paused = self.everything = False

    def hear(self) -> None:
        """Take all that was said since the last time."""
        while True:
            try:
                wish = Wish.decode(self._flags.asked.get_nowait())
            except Empty:
                return
            if wish is not None:
                self.images = self.images if wish.images is None else wish.images
                self.paused = self.paused if wish.pause is None else wish.pause
                self.everything |= wish.everything


class LiveHook(Hook):
    """Takes in what was verified, proposes, judges, looks at all images when it is told to or rests, waits when it is told to
    or something else learns on the device, and rests when there is no more to be learnt.

    ``others`` is what is verified by now where that has other classes, or nothing to learn from any more; the training
    ends with it.
    """

    def __init__(
        self,
        *,
        verified: VerifiedImages,
        take: Callable[[Snapshot], Taken],
        wishes: Wishes,
        turn: LearnerTurn,
        proposing: Proposing,
        judging: Judging,
        everything: LookingAtAll,
        checkpoints: CheckpointHook,
        say: Callable[[Doing], None],
    ) -> None:
        """``take`` learns from these images from now on, where it can. ``say`` tells what the learner does."""
        self._verified, self._take, self._wishes, self._turn = verified, take, wishes, turn
        self._proposing, self._judging, self._everything = proposing, judging, everything
        self._checkpoints, self._say = checkpoints, say
        self._news_at = self._dropped_at = 0.0
        self._untaken: Snapshot | None = None
        self._take_at = self._save_at = 0.0
        self._saved_step = -1
        self.others: Snapshot | None = None

    def before_training(self, trainer: Trainer) -> None:
        self._begin_anew(trainer)

    def after_step(self, trainer: Trainer) -> None:
        begin = time.monotonic()
        with trainer.interruptible():
            self._look_up(trainer)
            if self._judging.is_due(trainer):
                self._judging.judge(trainer)
            self._idle(trainer, lambda: self._waits() is None)
            self._say(Doing.LEARNING)
        if self._wishes.everything and self._is_saved(trainer):
            self._look_at_all(trainer)
        self._calm_down(trainer)
        trainer.set_aside(time.monotonic() - begin)

    def _waits(self) -> Doing | None:
        """Why it may not work."""
        if self._wishes.paused:
            return Doing.PAUSED
        return None if self._turn.is_mine() else Doing.YIELDING

    def _rests(self, trainer: Trainer) -> bool:
        """Whether there is no more to be done: the device is left to others."""
        rests = trainer.state.rate_drops > _DROPS and not self._everything.is_under_way
        if rests:
            self._turn.end()
        return rests

    def _is_over(self, trainer: Trainer) -> bool:
        return trainer.stop_wanted or self.others is not None

    def _look_up(self, trainer: Trainer) -> None:
        """Hear, take in, and propose."""
        self._wishes.hear()
        self._take_in(trainer)
        self._proposing.tell(self._wishes.images, step=trainer.state.step, at=trainer.state.seconds)

    def _take_in(self, trainer: Trainer) -> None:
        if self.others is not None:
            return
        news = self._verified.news()
        if news is not None:
            self._untaken, self._take_at = news, 0.0
        if self._untaken is None or time.monotonic() < self._take_at:
            return
        snapshot, self._untaken = self._untaken, None
        match self._take(snapshot):
            case Taken.NEW:
                self._begin_anew(trainer)
            case Taken.OTHER:
                self.others = snapshot
                trainer.end_early()
            case Taken.LATER:
                self._untaken, self._take_at = snapshot, time.monotonic() + TRY_AGAIN_SECONDS
            case Taken.SAME:
                pass

    def _begin_anew(self, trainer: Trainer) -> None:
        """There is something new: at the full rate again."""
        trainer.state.rate_drops, self._news_at = 0, trainer.state.seconds
        self._judging.unimproved = 0

    def _idle(self, trainer: Trainer, over: Callable[[], bool], *, seconds: float = math.inf) -> None:
        """Go on without learning until it is ``over``, for so many ``seconds``, or until the owner wants to know what is on
        all images. At rest these are looked at."""
        until = time.monotonic() + seconds
        while not (over() or self._is_over(trainer) or self._wishes.everything):
            if time.monotonic() >= until:
                return
            waits = None if self._rests(trainer) else self._waits()
            self._say(waits or Doing.RESTING)
            if waits or not self._everything.go_on(step=trainer.state.step):
                trainer.await_stop(IDLE_SECONDS)
            self._look_up(trainer)

    def _is_saved(self, trainer: Trainer) -> bool:
        """Whether the weights of now are on the disk, as those have to be that detections are of. Where there was no room it
        is tried again after a while."""
        if self._saved_step != trainer.state.step and time.monotonic() >= self._save_at:
            saved = self._checkpoints.save(trainer)
            self._saved_step = trainer.state.step if saved else -1
            self._save_at = 0.0 if saved else time.monotonic() + TRY_AGAIN_SECONDS
        return self._saved_step == trainer.state.step

    def _look_at_all(self, trainer: Trainer) -> None:
        """Since the owner wants to know it now; again after a while where there was no room to write it."""
        self._wishes.everything = False
        with trainer.interruptible():
            self._everything.begin(tell=True)
            while not self._is_over(trainer) and self._everything.go_on(step=trainer.state.step):
                self._say(Doing.LOOKING)
                self._look_up(trainer)
            if self._everything.is_under_way:
                self._wishes.everything = True
                trainer.await_stop(IDLE_SECONDS)

    def _calm_down(self, trainer: Trainer) -> None:
        """Where it has got no better for a while the rate falls step by step, and in the end it rests until something is
        new; meanwhile it looks at all images."""
        state = trainer.state
        if state.rate_drops == 0:
            judging = self._judging
            long = state.seconds - self._news_at >= _CALM_SECONDS
            due = judging.unimproved >= _CALM_FIGURES if judging.has_images else long
        else:
            due = state.seconds - self._dropped_at >= _DROP_SECONDS
        if due:
            state.rate_drops, self._dropped_at = state.rate_drops + 1, state.seconds
        if state.rate_drops > _DROPS:
            self._rest(trainer)

    def _rest(self, trainer: Trainer) -> None:
        with trainer.interruptible():
            self._judging.judge(trainer)
        while trainer.state.rate_drops > _DROPS and not self._is_over(trainer):
            saved = self._is_saved(trainer)
            if saved and self._wishes.everything:
                self._look_at_all(trainer)
            elif saved:
                self._everything.begin()
            with trainer.interruptible():
                if not saved:
                    trainer.await_stop(IDLE_SECONDS)
                self._idle(
                    trainer,
                    lambda: trainer.state.rate_drops == 0,
                    seconds=_LOOK_AGAIN_SECONDS if saved else TRY_AGAIN_SECONDS,
                )
