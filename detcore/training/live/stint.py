"""What the learner learns as long as the classes are the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields

import numpy as np
import torch

from detcore.data.batches import TrainStream
from detcore.data.cache import ImageCache
from detcore.data.samples import class_ids
from detcore.errors import ConfigError
from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.device_use import LearnerTurn
from detcore.jobs.events import Doing, EndReason, Event
from detcore.jobs.worker_process import StopFlags
from detcore.project.reading import ProjectReader
from detcore.project.run_weights import weights_files
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.project.verified import VerifiedImages
from detcore.training.distributed import Group
from detcore.training.ema import Ema
from detcore.training.first_weights import load_first_weights
from detcore.training.freezing import Freezing
from detcore.training.hooks import CheckpointHook, EmaHook, ThreadHook
from detcore.training.live.data import LiveStream, Roles, is_startable, split_of
from detcore.training.live.hook import LiveHook, Taken, Wishes
from detcore.training.live.judging import Judging
from detcore.training.live.looking import Looking, LookingAtAll, Proposing
from detcore.training.live.room import Room
from detcore.training.load import Load, choose_learning_rate, load_of_run
from detcore.training.machine import ThreadGovernor, choose_precision, device_name
from detcore.training.optimisers import make_optimiser
from detcore.training.run_data import RunData
from detcore.training.telling import Telling
from detcore.training.trainer import Hook, Trainer
from detcore.training.watching import watching_hooks
from detcore.types import GroundTruth
from detcore.zoo.base import Detector
from detcore.zoo.building import build_detector
from detcore.zoo.checkpoint import (
    Checkpoint,
    RunState,
    newest_checkpoint,
    restore_optimiser,
    restore_scaler,
)
from detcore.zoo.running import Compute, Runner, choose_device, memory_watch


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the learner works: the project that it follows, its run, and who it hears and tells."""

    project: ProjectReader
    run: RunFolder
    config: TrainConfig
    verified: VerifiedImages
    roles: Roles
    wishes: Wishes
    turn: LearnerTurn
    room: Room
    flags: StopFlags
    emit: Callable[[Event], None]
    say: Callable[[Doing, Snapshot], None]
    """Told what it does, and with which images."""
    note: Callable[[Snapshot], bool]
    """Writes down what is learnt from now on, before it is; whether there was room for it."""


class Stint:
    """Learns from ``divided`` images, which are noted, and those that are verified meanwhile.

    ``others`` is what is verified at the end where that has other classes, or nothing to learn from. ``attempt`` counts the
    times that memory ran out in the run.
    """

    def __init__(self, place: Place, divided: Snapshot, *, attempt: int) -> None:
        """Raises ConfigError where detector and weights do not fit together, OutOfMemoryError."""
        self._place = place
        self._divided: Snapshot = divided
        self._group = Group()
        self._telling = Telling(place.emit, self._group, divided.images)
        checkpoint, state = self._before()
        times = max(0, attempt - state.attempt)
        state.attempt += times
        self.attempt = state.attempt
        device = choose_device(place.config.runtime.device, local_rank=0)
        self._data = RunData(
            divided, place.config, checkpoint, self._telling, split=split_of(divided, place.config)
        )
        load = load_of_run(
            place.config,
            state,
            checkpoint,
            on_gpu=device.type == "cuda",
            images=max(self._data.pass_length, place.config.recipe.batch_size),  # there will be more
            times=times,
        )
        self._cache = self._data.cache(load, self._group)
        self._stream = LiveStream(self._draw())
        with memory_watch():
            detector, optimiser = self._begin(device, load, checkpoint, state)
            ema = Ema(detector, decay=place.config.optimisation.ema_decay)
            if checkpoint is not None:
                ema.detector.load_state_dict(checkpoint.kept())
            known = state.precision if state.device_type == device.type else None
            wanted = known or place.config.runtime.precision
            compute = choose_precision(detector, device, wanted, size=load.image_size)
        state.device_type, state.precision = device.type, compute.precision
        scaler = compute.scaler()
        if checkpoint is not None:
            restore_scaler(scaler, checkpoint.part("scaler"))
        self._judging, self._live, hooks = self._hooks(detector, ema, compute, load)
        self._trainer = Trainer(
            detector=detector,
            optimiser=optimiser,
            scaler=scaler,
            freezing=Freezing(detector, {}),
            stream=self._stream,
            compute=compute,
            config=place.config,
            load=load,
            learning_rate=choose_learning_rate(place.config, load),
            images=max(1, self._data.pass_length),
            state=state,
            hooks=hooks,
            flags=place.flags,
            group=self._group,
            telling=self._telling,
        )
        self._announce(detector, compute, load, state)

    @property
    def others(self) -> Snapshot | None:
        return self._live.others

    def held(self) -> AbstractContextManager[None]:
        """As ``Trainer.held``."""
        return self._trainer.held()

    def work(self) -> EndReason:
        """Until it is stopped, or there are others. Raises as ``Trainer.run``."""
        with memory_watch():
            return self._trainer.run()

    def _before(self) -> tuple[Checkpoint | None, RunState]:
        """What the run has of these classes, and how far it has come with whichever."""
        run = self._place.run
        checkpoint, _ = newest_checkpoint([run.next, run.last, run.previous])
        if checkpoint is None or checkpoint.model != self._place.config.detector:
            return None, RunState()
        state = checkpoint.state
        state.complete = False
        if checkpoint.class_ids == tuple(class_ids(self._divided).tolist()):
            return checkpoint, state
        return None, RunState(
            step=state.step, drawn=state.drawn, seconds=state.seconds, attempt=state.attempt
        )

    def _begin(
        self, device: torch.device, load: Load, checkpoint: Checkpoint | None, state: RunState
    ) -> tuple[Detector, torch.optim.Optimizer]:
        """The detector as the checkpoint has it, or with what fits of the weights that there are; and its optimiser."""
        config = self._place.config
        detector = Compute(device).place(
            build_detector(
                config.detector,
                num_classes=len(self._divided.classes),
                image_size=load.image_size,
                options=config.options if checkpoint is None else checkpoint.options,
            )
        )
        detector.label_smoothing = config.optimisation.label_smoothing
        if checkpoint is not None:
            detector.load_state_dict(checkpoint.part("weights"))
        else:
            self._start(detector, state)
        optimiser = make_optimiser(
            detector,
            config.recipe,
            learning_rate=config.learning.learning_rate,
            weight_decay=config.learning.weight_decay,
            device=device,
        )
        if checkpoint is not None:
            restore_optimiser(optimiser, detector, checkpoint.part("optimiser"))
        return detector, optimiser

    def _start(self, detector: Detector, state: RunState) -> None:
        """From the run's own weights of other classes, or from those that its config names; from nothing where none fit."""
        run = self._place.run
        own = next((path for path in weights_files(run) if path.is_file()), None)
        weights = self._place.config.first_weights if own is None else str(own)
        if weights is None:
            return
        try:
            report = load_first_weights(detector, weights, self._divided, runs_folder=run.path.parent)
        except ConfigError as error:
            self._telling.warning(f"Starts from nothing: {error.path or weights}: {error.message}.")
            return
        self._telling.info(report.text())
        state.fine_tuning = report.complete

    def _draw(self) -> TrainStream:
        return self._data.stream(
            self._data.views(self._cache),
            self._cache,
            emphasis=self._place.run.emphasis,
            group=self._group,
        )

    def _hooks(
        self, detector: Detector, ema: Ema, compute: Compute, load: Load
    ) -> tuple[Judging, LiveHook, list[Hook]]:
        place, telling, classes = self._place, self._telling, self._divided.classes
        detect = Runner(ema.detector, compute)
        judging = Judging(detect, self._cache, classes, batch_size=load.batch_size, telling=telling)
        judging.renew(self._data.split.val, self._divided.ground_truth)
        # what it looks at leaves the memory to what it learns from
        cache = self._cache
        passing = ImageCache(longer_side=cache.longer_side, rule=cache.rule, tiling=cache.tiling, budget=0)
        looking = Looking(
            place.project,
            detect,
            passing,
            class_ids=class_ids(self._divided),
            batch_size=load.batch_size,
            telling=telling,
        )
        checkpoints = CheckpointHook(place.run, ema, classes, telling.emit, tiling=self._cache.tiling)
        live = LiveHook(
            verified=place.verified,
            take=self._take,
            wishes=place.wishes,
            turn=place.turn,
            proposing=Proposing(looking, telling),
            judging=judging,
            everything=LookingAtAll(place.project, place.run, looking, telling, place.room),
            checkpoints=checkpoints,
            say=lambda doing: place.say(doing, self._divided),
        )
        hooks: list[Hook] = [EmaHook(ema)]
        if compute.device.type == "cpu" and place.config.runtime.threads is None:
            hooks.append(ThreadHook(ThreadGovernor(torch.get_num_threads())))
        hooks += watching_hooks(telling.emit, measure=place.flags.measure, costs=None, classes=classes)
        return judging, live, [*hooks, live, checkpoints]

    def _take(self, verified: Snapshot) -> Taken:
        """Learn from these from now on."""
        divided = self._place.roles.divided(verified)
        split = split_of(divided, self._place.config)
        if _names(divided) != _names(self._divided) or not is_startable(split):
            return Taken.OTHER
        if _same(divided, self._divided):
            return Taken.SAME
        if not self._place.note(divided):
            return Taken.LATER
        self._divided, self._data = divided, self._data.renewed(divided, split)
        self._stream.renew(self._draw())
        self._judging.renew(split.val, divided.ground_truth)
        return Taken.NEW

    def _announce(self, detector: Detector, compute: Compute, load: Load, state: RunState) -> None:
        self._place.emit(
            events.Started(
                time=time.time(),
                step=state.step,
                device=str(compute.device),
                device_name=device_name(compute.device),
                parameters=detector.parameter_count(),
                images=len(self._data.learnt),
                batch_size=load.batch_size,
            )
        )


def _names(snapshot: Snapshot) -> list[tuple[int, str]]:
    """What makes the classes those of a detector, which knows no colours and keys."""
    return [(item.id, item.name) for item in snapshot.classes]


def _same(one: Snapshot, other: Snapshot) -> bool:
    """Whether the same is learnt from both."""
    mine, theirs = one.ground_truth, other.ground_truth
    return one.images == other.images and all(
        np.array_equal(getattr(mine, item.name), getattr(theirs, item.name)) for item in fields(GroundTruth)
    )
