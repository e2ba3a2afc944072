"""The training loop, bare: draw, forward, backward, step; everything else hangs on it as a hook.

The shape (a small loop, hooks around it) follows detectron2's; there is no global storage, hooks get the
trainer.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from statistics import fmean
from typing import cast

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler

from detcore.data.batches import Batches, TrainBatch
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason, FailureKind
from detcore.jobs.worker_process import StopFlags
from detcore.training.distributed import Group
from detcore.training.failures import TrainingError
from detcore.training.freezing import Freezing
from detcore.training.load import Load
from detcore.training.phases import Phases
from detcore.training.schedule import make_schedule
from detcore.training.standing import Keeper, Standing
from detcore.training.stretch import fraction_done, highest_rate
from detcore.training.telling import Telling
from detcore.zoo.base import Detector, Target
from detcore.zoo.checkpoint import RunState
from detcore.zoo.running import Compute

_BAD_GRADIENTS = 10


class Hook:
    """Something that happens beside training. Only the leading process has hooks."""

    def before_training(self, trainer: Trainer) -> None:
        """Called once, with the state as restored."""

    def after_step(self, trainer: Trainer) -> None:
        """Called after every optimiser step."""

    def after_validation(self, trainer: Trainer, ap: float) -> None:
        """Called after every validation that gave an AP, but for those before the first step and after the last."""

    def after_training(self, trainer: Trainer, reason: EndReason) -> None:
        """Called once, unless training failed."""

    def keep(self, trainer: Trainer) -> None:
        """Called by another thread, while training stands still and before the process ends."""


@dataclass(slots=True)
class LastStep:
    """Figures of the step just made. ``losses`` are means over all processes, ``highest_loss`` is that of one of them,
    with ``image_ids`` of what it has learnt from; ``seconds`` for the whole step, waiting for images included;
    ``gradient`` is its length before it was cut."""

    losses: dict[str, float] = field(default_factory=dict[str, float])
    highest_loss: float = 0.0
    image_ids: tuple[int, ...] = ()
    learning_rate: float = 0.0
    seconds: float = 0.0
    images: int = 0
    gradient: float = 0.0


class Trainer:
    """Trains one detector. ``state`` is what checkpoints keep; ``run`` goes on from it."""

    def __init__(
        self,
        *,
        detector: Detector,
        optimiser: torch.optim.Optimizer,
        scaler: GradScaler,
        freezing: Freezing,
        stream: Batches,
        compute: Compute,
        config: TrainConfig,
        load: Load,
        learning_rate: float,
        images: int,
        state: RunState,
        hooks: Sequence[Hook],
        flags: StopFlags,
        group: Group,
        telling: Telling,
        loader_threads: int = 1,
    ) -> None:
        self.detector = detector
        self.optimiser = optimiser
        self.scaler = scaler
        self.compute = compute
        self.config = config
        self.load = load
        self.state = state
        self.images = images
        self.last = LastStep()
        self._learning_rate = learning_rate
        self._schedule = make_schedule(config)
        self._phases = Phases(config, load, state, world_size=group.world_size)
        self._freezing = freezing
        self._module: nn.Module = detector
        self._stream = stream
        self._hooks = hooks
        self._flags = flags
        self._group = group
        self._telling = telling
        self._loader_threads = loader_threads
        self._bad_gradients = 0
        self._fraction = 0.0
        self._rate_drops = state.rate_drops
        self._enough = False
        self._aside = 0.0
        self._keeper = Keeper(detector) if group.leads else None
        self.standing: Standing | None = None
        """How the run stood before the step that is under way."""
        self._moves = threading.Lock()

    @property
    def epoch(self) -> float:
        """Passes over the training images so far."""
        return self.state.drawn / self.images

    @property
    def fraction(self) -> float:
        """The share of the run that is done, 0..1; where it is trained for longer, of what was added."""
        return fraction_done(self.state, self.config.learning, images=self.images)

    @property
    def stop_wanted(self) -> bool:
        """Whether the owner has asked to stop."""
        return self._flags.stop.is_set()

    def await_stop(self, seconds: float) -> None:
        """Wait until then, or for so long."""
        self._flags.stop.wait(seconds)

    @contextmanager
    def interruptible(self) -> Generator[None, None, None]:
        """A section of the training, within which another thread may let it stand still for ever: nothing of the run
        changes but what ``standing`` has kept."""
        self._moves.release()
        try:
            yield
        finally:
            self._moves.acquire()

    @contextmanager
    def held(self) -> Generator[None, None, None]:
        """For another thread: while the block lasts the run stands still, and how it stands is kept. Waits for a section
        in which that can be, such as the images of a step, or of a validation."""
        with self._moves:
            for hook in self._hooks:
                hook.keep(self)
            yield

    def set_aside(self, seconds: float) -> None:
        """For hooks: the time that they took after this step is not learning time."""
        self._aside += seconds

    def validated(self, ap: float) -> None:
        """For hooks: the run was judged after this step."""
        for hook in self._hooks:
            hook.after_validation(self, ap)

    def end_early(self) -> None:
        """For hooks: there is no more to be learnt; the run completes before its next step."""
        self._enough = True

    def run(self) -> EndReason:
        """Train until the end that the config names, or until asked to stop or finish.

        Raises:
            TrainingError: the loss is no longer a number.
            ImageError: not one image can be read.
        """
        with self._moves:
            return self._run()

    def _run(self) -> EndReason:
        for hook in self._hooks:
            hook.before_training(self)
        (fine_tuning,) = self._group.agree(float(self.state.fine_tuning))
        self.state.fine_tuning = bool(fine_tuning)
        batches = self._stream.batches(
            start=self.state.drawn,
            batch_size=self.load.batch_size,
            plan=self._phases.plan,
            scale=self._phases.scale,
            threads=self._loader_threads,
        )
        with closing(batches):
            reason = self._loop(batches)
        self.state.complete = reason is not EndReason.STOPPED
        for hook in self._hooks:
            hook.after_training(self, reason)
        if reason is not EndReason.STOPPED:
            with self.interruptible():
                self._group.agree(0.0)  # the others hear it if memory has run out in the hooks
        return reason

    def _loop(self, batches: Iterator[TrainBatch]) -> EndReason:
        while True:
            with self.interruptible():
                reason = self._end()
            if reason is not None:
                return reason
            self._phases.reach(self._fraction)
            begin = time.monotonic()
            self._step(batches)
            stepped = time.monotonic()
            self.last.seconds = stepped - begin
            self.state.step += 1
            self.state.seconds += stepped - begin
            for hook in self._hooks:
                hook.after_step(self)
            # Checkpoints count as learning time, what a hook sets aside does not.
            self.state.seconds += max(0.0, time.monotonic() - stepped - self._aside)
            self._aside = 0.0

    def _end(self) -> EndReason | None:
        """Whether to end, the same in all processes: the first one's clock counts, and a wish that any has heard. What
        any of them has to tell is told."""
        stop, finish, enough, self._fraction, drops, untold = self._group.highest(
            float(self._flags.stop.is_set()),
            float(self._flags.finish.is_set()),
            float(self._enough),
            self.fraction if self._group.leads else 0.0,
            float(self.state.rate_drops) if self._group.leads else 0.0,
            float(self._telling.waits),
        )
        self._rate_drops = int(drops)
        if untold:
            self._telling.share()
        if stop:
            return EndReason.STOPPED
        if finish:
            return EndReason.FINISHED_EARLY
        return EndReason.COMPLETED if enough or self._fraction >= 1.0 else None

    def _step(self, batches: Iterator[TrainBatch]) -> None:
        """One optimiser step over ``accumulate`` batches."""
        self.detector.train()
        if self._freezing.hold(self._fraction):
            # Processes wait for the gradients of all that learns, which is found out when they are bound together.
            self._module = self._group.wrap(
                self.detector, self.compute.device, batch_size=self.load.batch_size
            )
        fine_tuning = self.state.fine_tuning and self.config.learning.learning_rate is None
        rate = self._learning_rate * self._schedule.factor(
            step=self.state.step - self.state.from_step,
            fraction=self._fraction,
            drops=self._rate_drops,
            fine_tuning=fine_tuning,
        )
        if not fine_tuning:
            rate *= highest_rate(self.state, self.config.learning, images=self.images)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        self.optimiser.zero_grad(set_to_none=True)
        # How long a step will take nobody knows: images may be larger than before, or slow to come.
        self.standing = None if self._keeper is None else self._keeper.standing(self.state)
        with self.interruptible():
            own, paths, image_ids = self._gradients(batches)
        self.standing = None
        losses, highest_loss, image_ids = self._of_all(own, image_ids)
        self.scaler.unscale_(self.optimiser)
        norm = nn.utils.clip_grad_norm_(self.detector.parameters(), self.config.longest_gradient)
        self._apply(float(norm), paths)
        self.last = LastStep(
            losses=losses,
            highest_loss=highest_loss,
            image_ids=image_ids,
            learning_rate=rate,
            images=len(paths) * self._group.world_size,
            gradient=float(norm),
        )

    def _of_all(
        self, own: dict[str, float], image_ids: list[int]
    ) -> tuple[dict[str, float], float, tuple[int, ...]]:
        """The mean losses of all processes, and the highest loss of one with its images, as many as there are in a step
        where all can be read."""
        room, count = self.load.batch_size * self.load.accumulate, len(own)
        places = [*image_ids, *[-1] * room][:room]
        rows = self._group.gather(*own.values(), *map(float, places))
        means = {name: fmean(row[column] for row in rows) for column, name in enumerate(own)}
        hardest = max(rows, key=lambda row: sum(row[:count]))
        return means, sum(hardest[:count]), tuple(int(place) for place in hardest[count:] if place >= 0)

    def _gradients(self, batches: Iterator[TrainBatch]) -> tuple[dict[str, float], list[str], list[int]]:
        """Adds up those of ``accumulate`` batches; the mean losses, and the paths and ids of the images."""
        sums: dict[str, float] = {}
        paths: list[str] = []
        image_ids: list[int] = []
        for _ in range(self.load.accumulate):
            batch = next(batches)
            paths += batch.paths
            image_ids += batch.image_ids
            for name, value in self._backward(self._module, batch).items():
                sums[name] = sums.get(name, 0.0) + value / self.load.accumulate
            if not math.isfinite(sum(sums.values())):
                raise _non_finite("the loss", self.state.step, paths)
            self.state.drawn = batch.drawn
        return sums, paths, image_ids

    def _backward(self, module: nn.Module, batch: TrainBatch) -> dict[str, float]:
        images = self.compute.images(batch.images)
        device = self.compute.device
        targets = [
            Target(
                boxes=boxes.to(device),
                labels=labels.to(device),
                ignore=ignore.to(device),
                scores=scores.to(device),
            )
            for boxes, labels, ignore, scores in zip(
                batch.boxes, batch.labels, batch.ignore, batch.scores, strict=True
            )
        ]
        with self.compute.autocast():
            losses = cast("dict[str, Tensor]", module(images, targets))
        values = torch.stack(list(losses.values()))
        torch.autograd.backward(self.scaler.scale(values.sum() / self.load.accumulate))
        return {name: float(value) for name, value in zip(losses, values.detach().cpu(), strict=True)}

    def _apply(self, norm: float, paths: list[str]) -> None:
        """Step, unless the gradient overflowed, which a rare batch in low precision may do; in fp16 until the loss is
        multiplied by little enough."""
        scaled = self.scaler.get_scale() > 1.0
        if math.isfinite(norm):
            self.scaler.step(self.optimiser)
        self.scaler.update()
        if math.isfinite(norm) or scaled:
            self._bad_gradients = 0
            return
        self._bad_gradients += 1
        if self._bad_gradients >= _BAD_GRADIENTS:
            raise _non_finite(f"the gradient of {_BAD_GRADIENTS} steps on end", self.state.step, paths)


def _non_finite(what: str, step: int, paths: list[str]) -> TrainingError:
    return TrainingError(
        FailureKind.NON_FINITE_LOSS,
        f"{what} is not a number at step {step}; the images were {', '.join(paths)}",
        hint="Look at the boxes of these images, or lower the learning rate",
    )
