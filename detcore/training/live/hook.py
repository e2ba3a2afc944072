"""What the learner does between two steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import Enum, auto
from queue import Empty

from detcore.jobs.events import Doing
from detcore.jobs.wishes import Wish
from detcore.jobs.worker_process import StopFlags
from detcore.project.snapshot import Snapshot
from detcore.project.verified import VerifiedImages
from detcore.training.hooks import CheckpointHook
from detcore.training.live.judging import Judging
from detcore.training.live.looking import LookingAtAll, Proposing
from detcore.training.trainer import Hook, Trainer

_CALM_FIGURES, _CALM_SECONDS = 4, 90.0
"""Figures in a row that are no better, and seconds of learning where there is no figure, after which it comes to rest."""
_DROPS, _DROP_SECONDS = 5, 3.0
"""How often the learning rate is halved before it rests, and seconds of learning between."""
IDLE_SECONDS = 0.1


class Taken(Enum):
    """What became of a newer state of what is verified."""

    SAME = auto()
    """Nothing is learnt that was not before: something else was written."""
    NEW = auto()
    OTHER = auto()
    """Its classes are others, or there is nothing to learn from."""


class Wishes:
    """What the owner wants at the moment: proposals for these images, the open one first, and whether to pause."""

    def __init__(self, flags: StopFlags) -> None:
        self._flags = flags
        self.images: Sequence[int] = ()
        self.paused = False

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


class LiveHook(Hook):
    """Takes in what was verified, proposes, judges, pauses when it is told to, and rests when there is no more to be learnt.

    ``others`` is what is verified by now where that has other classes, or nothing to learn from any more; the training
    ends with it.
    """

    def __init__(
        self,
        *,
        verified: VerifiedImages,
        take: Callable[[Snapshot], Taken],
        wishes: Wishes,
        proposing: Proposing,
        judging: Judging,
        everything: LookingAtAll,
        checkpoints: CheckpointHook,
        say: Callable[[Doing], None],
    ) -> None:
        """``take`` learns from these images from now on, where it can. ``say`` tells what the learner does."""
        self._verified, self._take, self._wishes = verified, take, wishes
        self._proposing, self._judging, self._everything = proposing, judging, everything
        self._checkpoints, self._say = checkpoints, say
        self._news_at = self._dropped_at = 0.0
        self.others: Snapshot | None = None

    def before_training(self, trainer: Trainer) -> None:
        self._begin_anew(trainer)

    def after_step(self, trainer: Trainer) -> None:
        begin = time.monotonic()
        with trainer.interruptible():
            self._look_up(trainer)
            if self._judging.is_due(trainer):
                self._judging.judge(trainer)
            if self._wishes.paused:
                self._idle(trainer, Doing.PAUSED, lambda: not self._wishes.paused)
            self._say(Doing.LEARNING)
        self._calm_down(trainer)
        trainer.set_aside(time.monotonic() - begin)

    def _look_up(self, trainer: Trainer) -> None:
        """Hear, take in, and propose."""
        self._wishes.hear()
        snapshot = None if self.others else self._verified.news()
        taken = Taken.SAME if snapshot is None else self._take(snapshot)
        if taken is Taken.NEW:
            self._begin_anew(trainer)
        elif taken is Taken.OTHER:
            self.others = snapshot
            trainer.end_early()
        self._proposing.tell(self._wishes.images, step=trainer.state.step, at=trainer.state.seconds)

    def _begin_anew(self, trainer: Trainer) -> None:
        """There is something new: at the full rate again."""
        trainer.state.rate_drops, self._news_at = 0, trainer.state.seconds
        self._judging.unimproved = 0

    def _idle(self, trainer: Trainer, doing: Doing, over: Callable[[], bool]) -> None:
        """Go on without learning until it is ``over``. At rest all images are looked at."""
        while not (over() or trainer.stop_wanted or self.others):
            paused = self._wishes.paused
            self._say(Doing.PAUSED if paused else doing)
            if paused or doing is not Doing.RESTING or not self._everything.go_on(step=trainer.state.step):
                trainer.await_stop(IDLE_SECONDS)
            self._look_up(trainer)

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
        self._judging.judge(trainer)
        self._checkpoints.save(trainer)
        self._everything.begin()
        with trainer.interruptible():
            self._idle(trainer, Doing.RESTING, lambda: trainer.state.rate_drops == 0)
