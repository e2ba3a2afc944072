"""A training run from its folder: set everything up, train, say how it ended."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import get_args

import torch

from detcore.curation.lesson import Lesson
from detcore.data.cache import ImageCache
from detcore.data.samples import Sample, class_ids
from detcore.data.sizes import Sizes
from detcore.data.tiles import having_objects
from detcore.errors import ConfigError
from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.device_use import training_on
from detcore.jobs.devices import cores
from detcore.jobs.events import EndReason
from detcore.jobs.worker_process import StopFlags
from detcore.project.run_weights import best_figure
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.training.compiling import compile_stages
from detcore.training.data_figures import data_figures
from detcore.training.distributed import Group
from detcore.training.ema import Ema
from detcore.training.first_weights import load_first_weights
from detcore.training.freezing import Freezing
from detcore.training.hooks import CheckpointHook, EmaHook, ThreadHook
from detcore.training.judging import ValidationHook
from detcore.training.load import Load, choose_learning_rate, load_of_run
from detcore.training.machine import (
    ThreadGovernor,
    choose_precision,
    device_name,
    dummy_batch,
    set_up_torch,
    try_step,
)
from detcore.training.optimisers import make_optimiser
from detcore.training.pace import Cost, PredictionHook
from detcore.training.patience import PatienceHook
from detcore.training.recomputing import recompute_stages
from detcore.training.run_data import RunData
from detcore.training.stretch import fraction_done, go_beyond
from detcore.training.telling import Emit, Telling
from detcore.training.trainer import Hook, Trainer
from detcore.training.validation import Validator
from detcore.training.watching import watching_hooks
from detcore.wording import counted
from detcore.zoo.base import Detector
from detcore.zoo.building import build_detector
from detcore.zoo.checkpoint import (
    Checkpoint,
    RunState,
    newest_checkpoint,
    restore_optimiser,
    restore_random,
    restore_scaler,
)
from detcore.zoo.running import Compute, Precision, Runner, choose_device, memory_watch

Rehearse = Callable[[Checkpoint, torch.device], float]
"""Seconds that an image takes at the prediction that follows, with the weights of the checkpoint."""
_GPU_LOADERS = 8
_PRECISIONS: tuple[Precision, ...] = get_args(Precision)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """How training ended and where the run stands."""

    reason: EndReason
    state: RunState


class Session:
    """Sets up one run.

    ``no_figure`` says, once it trains, why the run can have no figure; "" when it can. ``rehearse`` tries the prediction
    that follows, where one does.
    """

    def __init__(
        self,
        run: RunFolder,
        *,
        attempt: int,
        emit: Emit,
        flags: StopFlags,
        group: Group,
        rehearse: Rehearse | None = None,
    ) -> None:
        self._run = run
        self._rehearse = rehearse
        self._flags = flags
        self._group = group
        self._trainer: Trainer | None = None
        self.no_figure = ""
        self.config = TrainConfig.load(run.config)
        self.snapshot = Snapshot.load(run.snapshot)
        self.telling = Telling(emit, group, self.snapshot.images)
        self._checkpoint = self._find_checkpoint()
        if self._checkpoint is not None:
            # as it was built, whatever the defaults are by now
            self.config = replace(self.config, options=self._checkpoint.options)
        self.state = self._checkpoint.state if self._checkpoint else RunState()
        self._attempts_before = self.state.attempt
        self.state.attempt = max(attempt, self.state.attempt)
        self._take_best()

    def train(self) -> TrainingResult:
        """Train to the end, or until a wish of the owner.

        Raises:
            ConfigError: the config, the snapshot or the weights do not fit together, or the detector is not
                installed.
            TrainingError: the loss is no longer a number.
            OutOfMemoryError: memory ran out.
            ImageError: not one training image can be read.
        """
        config = self.config
        config.check()
        lesson = Lesson.load(self._run.lesson) if config.learning.teacher else None
        data = RunData(self.snapshot, config, self._checkpoint, self.telling, lesson=lesson)
        self.no_figure = data.no_figure
        set_up_torch(config.runtime)
        device = choose_device(config.runtime.device, local_rank=self._group.local_rank)
        torch.manual_seed(config.runtime.seed)  # pyright: ignore[reportUnknownMemberType]
        load = load_of_run(
            config,
            self.state,
            self._checkpoint,
            on_gpu=device.type == "cuda",
            images=data.pass_length,
            times=self.state.attempt - self._attempts_before,
        )
        cache = data.cache(load, self._group)
        views = data.views(cache)
        stream = data.stream(views, cache, emphasis=self._run.emphasis, group=self._group)
        if self._checkpoint is not None:
            self._checkpoint = go_beyond(
                self._checkpoint,
                config.learning,
                images=stream.pass_length,
                best=self._run.best,
                say=self.telling.info,
            )
        detector = build_detector(
            config.detector,
            num_classes=len(self.snapshot.classes),
            image_size=load.image_size,
            options=config.options,
        )
        with memory_watch():
            detector = Compute(device).place(detector)
            detector.label_smoothing = config.optimisation.label_smoothing
            optimiser = self._begin(detector, device)
            ema = Ema(detector, decay=config.optimisation.ema_decay) if config.learning.ema else None
        if ema is not None and self._checkpoint is not None:
            ema.detector.load_state_dict(self._checkpoint.kept())
        if config.runtime.checkpoint_activations and not recompute_stages(detector):
            self.telling.warning(
                f"Spare memory does nothing here: {config.detector} names no stages that could be computed again."
            )
        with memory_watch():
            compute = choose_precision(detector, device, self._precision(device), size=load.image_size)
            (chosen,) = self._group.agree(_PRECISIONS.index(compute.precision))
            compute = Compute(device, _PRECISIONS[int(chosen)])
            self.state.device_type, self.state.precision = device.type, compute.precision
            self._announce(detector, compute, load, data)
            self._try_worst_step(detector, compute, load, having_objects(views))
            if config.runtime.compile:
                self._compile(detector, compute, load, stream.pass_length)
        scaler = compute.scaler()
        if self._checkpoint is not None:
            restore_scaler(scaler, self._checkpoint.part("scaler"))
            restore_random(self._checkpoint.part("random"))  # after all that draws numbers to try the machine
        self._trainer = Trainer(
            detector=detector,
            optimiser=optimiser,
            scaler=scaler,
            freezing=Freezing(detector, config.frozen),
            stream=stream,
            compute=compute,
            config=config,
            load=load,
            learning_rate=choose_learning_rate(config, load, world_size=self._group.world_size),
            images=stream.pass_length,
            state=self.state,
            hooks=self._hooks(ema, detector, compute, load, data, cache),
            flags=self._flags,
            group=self._group,
            telling=self.telling,
            loader_threads=self._loaders() if device.type == "cuda" else 1,
        )
        with memory_watch(), training_on(str(device)):
            reason = self._trainer.run()
        return TrainingResult(reason=reason, state=self.state)

    def held(self) -> AbstractContextManager[None]:
        """As ``Trainer.held``; before there is anything to keep nothing is waited for."""
        return nullcontext() if self._trainer is None else self._trainer.held()

    def _loaders(self) -> int:
        """Threads that read images for a GPU: it shares the cores with the others of this machine."""
        return max(1, min(_GPU_LOADERS, cores() // self._group.local_world_size))

    def _precision(self, device: torch.device) -> str:
        """As configured; what was once measured on this kind of device stays for the whole run, and nothing is measured
        where runs are to repeat."""
        state, wanted = self.state, self.config.runtime.precision
        if wanted == "auto" and self.config.runtime.deterministic:
            return "fp32"
        if wanted != "auto" or state.precision not in _PRECISIONS or state.device_type != device.type:
            return wanted
        return state.precision

    def _find_checkpoint(self) -> Checkpoint | None:
        run = self._run
        checkpoint, problems = newest_checkpoint([run.next, run.last, run.previous, run.best])
        for problem in problems:
            fallback = "Going on from the one before" if checkpoint else "Starting from the beginning"
            self.telling.warning(f"{problem} {fallback}.")
        if checkpoint is None:
            return None
        wanted = tuple(class_ids(self.snapshot).tolist())
        if checkpoint.class_ids != wanted or checkpoint.model != self.config.detector:
            raise ConfigError(
                "the checkpoint was made with other classes or another model",
                path=run.last,
                hint="Start a new run",
            )
        return checkpoint

    def _take_best(self) -> None:
        """What is best is what lies in the file of the best weights. The newest checkpoint may not know it yet,
        if the process was killed between the two."""
        figure = best_figure(self._run)
        if figure is None and self.state.best_ap is not None:
            text = f"{self._run.best.name} is gone or damaged: the next weights that are judged count as the best."
            self.telling.warning(text)
        self.state.best_ap = None if figure is None else figure.ap
        self.state.best_step = 0 if figure is None else figure.step

    def _begin(self, detector: Detector, device: torch.device) -> torch.optim.Optimizer:
        """The optimiser; it and the detector as the checkpoint has them, or the weights to start from."""
        checkpoint = self._checkpoint
        if checkpoint is not None:
            detector.load_state_dict(checkpoint.part("weights"))
        elif self.config.first_weights is not None and self._group.leads:
            report = load_first_weights(
                detector, self.config.first_weights, self.snapshot, runs_folder=self._run.path.parent
            )
            self.telling.info(report.text())
            self.state.fine_tuning = report.complete
        optimiser = make_optimiser(
            detector,
            self.config.recipe,
            learning_rate=self.config.learning.learning_rate,
            weight_decay=self.config.learning.weight_decay,
            device=device,
        )
        if checkpoint is not None:
            restore_optimiser(optimiser, detector, checkpoint.part("optimiser"))
        return optimiser

    def _announce(self, detector: Detector, compute: Compute, load: Load, data: RunData) -> None:
        split = data.split
        self.telling.emit(
            events.Started(
                time=time.time(),
                step=self.state.step,
                device=str(compute.device),
                device_name=self._group.times(device_name(compute.device)),
                parameters=detector.parameter_count(),
                images=len(data.learnt),
                batch_size=load.batch_size * load.accumulate * self._group.world_size,
            )
        )
        for note in self.config.spec.notes_on(self.config.options, classes=len(self.snapshot.classes)):
            self.telling.info(f"{note[0].upper()}{note[1:]}.")
        self.telling.emit(data_figures(split, self.snapshot, image_size=load.image_size, tiling=data.tiling))
        boxes = sum(len(sample.labels) for sample in split.train)
        self.telling.info(
            f"{counted(len(split.train), 'image')} with {counted(boxes, 'box', 'boxes')} to learn from, {len(split.val):,} to judge by; "
            f"{load.image_size} pixels, {compute.precision}, {counted(torch.get_num_threads(), 'thread')}.",
        )

    def _try_worst_step(
        self, detector: Detector, compute: Compute, load: Load, samples: Sequence[Sample]
    ) -> None:
        """Memory that will not do is better found now than after an hour."""
        most = max((len(sample.labels) for sample in samples), default=0)
        images, targets = dummy_batch(
            detector.num_classes,
            batch_size=load.batch_size,
            size=Sizes(self.config, load.image_size).largest,
            objects=max(1, most),
            compute=compute,
        )
        try_step(detector, compute, images, targets)

    def _compile(self, detector: Detector, compute: Compute, load: Load, images: int) -> None:
        """Compile what can be; where nothing can, training goes on without."""
        config = self.config
        begin = time.monotonic()
        if self._group.world_size > 1:
            fault = "several devices train together"
        else:
            fault = compile_stages(
                detector,
                compute,
                batch_size=min(2, load.batch_size),
                sides=Sizes(config, load.image_size).usual,
                frozen=config.frozen,
                fraction=fraction_done(self.state, config.learning, images=images),
            )
        if fault:
            self.telling.warning(f"The detector is not compiled: {fault}.")
        else:
            self.telling.info(
                f"The detector is compiled, in {counted(round(time.monotonic() - begin), 'second')}."
            )

    def _hooks(
        self,
        ema: Ema | None,
        detector: Detector,
        compute: Compute,
        load: Load,
        data: RunData,
        cache: ImageCache,
    ) -> list[Hook]:
        if not self._group.leads:
            return []
        checkpoints = CheckpointHook(
            self._run, ema, self.snapshot.classes, self.telling.emit, tiling=cache.tiling
        )
        hooks: list[Hook] = [EmaHook(ema)] if ema is not None else []
        runtime = self.config.runtime
        # with other threads sums have another order
        if compute.device.type == "cpu" and runtime.threads is None and not runtime.deterministic:
            hooks.append(ThreadHook(ThreadGovernor(torch.get_num_threads())))
        costs: list[Cost] = [checkpoints]
        last: list[Hook] = [checkpoints]
        if not self.no_figure:
            validator = self._validator(ema, detector, compute, load, data, cache)
            judging = ValidationHook(validator, checkpoints, self.telling.emit)
            costs.append(judging)
            last.insert(0, judging)
        rehearse = self._rehearse
        if rehearse is not None and runtime.predict_after:
            prediction = PredictionHook(
                math.ceil(len(self.snapshot.images) / self._group.world_size),
                lambda trainer: rehearse(checkpoints.checkpoint(trainer), compute.device),
            )
            costs.append(prediction)
            hooks.append(prediction)
        hooks += watching_hooks(
            self.telling.emit,
            measure=self._flags.measure,
            costs=costs,
            classes=self.snapshot.classes,
        )
        return [*hooks, PatienceHook(self.telling.emit), *last]

    def _validator(
        self,
        ema: Ema | None,
        detector: Detector,
        compute: Compute,
        load: Load,
        data: RunData,
        cache: ImageCache,
    ) -> Validator:
        judged = ema.detector if ema is not None else detector
        return Validator(
            detect=Runner(judged, compute),
            samples=data.split.val,
            ground_truth=self.snapshot.ground_truth,
            classes=self.snapshot.classes,
            cache=cache,
            batch_size=load.batch_size,
            problem=self.telling.problem,
            beat=lambda _done, _total: not self._flags.stop.is_set(),
        )
