"""A training run from its folder: set everything up, train, say how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import torch

from detcore.data.batches import TrainStream
from detcore.data.cache import ImageCache
from detcore.data.samples import Sample, Split, class_ids, split_samples, why_no_figure
from detcore.data.tiles import cut_samples
from detcore.errors import ConfigError, ImageError
from detcore.images.tiles import Tiling
from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason, Event
from detcore.jobs.preparing.tiling import ObjectSizes, choose_tiling, tiling_text
from detcore.jobs.worker_process import StopFlags
from detcore.project.run_weights import best_figure
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.training.data_figures import data_figures
from detcore.training.distributed import Group
from detcore.training.draw_weights import draw_weights
from detcore.training.ema import Ema
from detcore.training.freezing import Freezing
from detcore.training.hooks import CheckpointHook, EmaHook, ThreadHook
from detcore.training.judging import ValidationHook
from detcore.training.load import Load, choose_learning_rate, choose_load
from detcore.training.machine import (
    ThreadGovernor,
    choose_precision,
    cores,
    device_name,
    dummy_batch,
    try_step,
)
from detcore.training.optimisers import make_optimiser
from detcore.training.patience import PatienceHook
from detcore.training.phases import largest_side
from detcore.training.stretch import begin_stretch, fraction_done, highest_rate
from detcore.training.tiled import tile_count, weights_of_tiles
from detcore.training.trainer import Hook, Trainer
from detcore.training.validation import Validator
from detcore.training.watching import watching_hooks
from detcore.types import FloatArray
from detcore.weights.cache import weights_path
from detcore.weights.catalogue import weights_files
from detcore.wording import counted
from detcore.zoo.base import Detector
from detcore.zoo.building import build_detector
from detcore.zoo.checkpoint import (
    Checkpoint,
    RunState,
    newest_checkpoint,
    restore_optimiser,
    restore_random,
)
from detcore.zoo.running import Compute, Runner, choose_device, memory_watch
from detcore.zoo.weights import LoadReport, load_weights, published_classes

Emit = Callable[[Event], None]
_GPU_LOADERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """How training ended and where the run stands."""

    reason: EndReason
    state: RunState


class Session:
    """Sets up one run. Files that cannot be read are told once each, as warnings.

    ``no_figure`` says, once it trains, why the run can have no figure; "" when it can.
    """

    def __init__(self, run: RunFolder, *, attempt: int, emit: Emit, flags: StopFlags, group: Group) -> None:
        self._run = run
        self._emit: Emit = emit if group.leads else _silent
        self._flags = flags
        self._group = group
        self._told: set[str] = set()
        self.no_figure = ""
        self.config = TrainConfig.load(run.config)
        self.snapshot = Snapshot.load(run.snapshot)
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
        split = self._split()
        device = choose_device(config.runtime.device, local_rank=self._group.local_rank)
        self._set_threads(device)
        torch.manual_seed(config.runtime.seed)  # pyright: ignore[reportUnknownMemberType]
        objects = ObjectSizes.of(self.snapshot)
        tiling = self._tiling(objects)
        load = self._load(device, len(split.train) if tiling is None else tile_count(split.train, tiling))
        cache = ImageCache(longer_side=load.image_size, tiling=tiling, processes=self._group.local_world_size)
        views = self._views(split.train, cache, objects)
        stream = self._stream(split, views, cache)
        self._go_beyond(stream.pass_length)
        detector = build_detector(
            config.detector,
            num_classes=len(self.snapshot.classes),
            image_size=load.image_size,
            options=config.options,
        )
        detector = Compute(device).place(detector)
        detector.label_smoothing = config.optimisation.label_smoothing
        optimiser = self._begin(detector, device)
        ema = Ema(detector, decay=config.optimisation.ema_decay) if config.learning.ema else None
        if ema is not None and self._checkpoint is not None:
            ema.detector.load_state_dict(self._checkpoint.kept())
        with memory_watch():
            compute = choose_precision(detector, device, self._precision(device), size=load.image_size)
            (bf16,) = self._group.agree(float(compute.bf16))
            compute = Compute(device, bool(bf16))
            self.state.device_type, self.state.bf16 = device.type, compute.bf16
            self._announce(detector, compute, load, split)
            self._try_worst_step(detector, compute, load, views)
        if self._checkpoint is not None:  # after all that draws numbers to try the machine
            restore_random(self._checkpoint.part("random"))
        trainer = Trainer(
            detector=detector,
            optimiser=optimiser,
            freezing=Freezing(detector, config.frozen),
            stream=stream,
            compute=compute,
            config=config,
            load=load,
            learning_rate=choose_learning_rate(config, load, world_size=self._group.world_size),
            images=stream.pass_length,
            state=self.state,
            hooks=self._hooks(ema, detector, compute, load, split, cache),
            flags=self._flags,
            group=self._group,
            loader_threads=self._loaders() if device.type == "cuda" else 1,
        )
        with memory_watch():
            reason = trainer.run()
        return TrainingResult(reason=reason, state=self.state)

    def _loaders(self) -> int:
        """Threads that read images for a GPU: it shares the cores with the others of this machine."""
        return max(1, min(_GPU_LOADERS, cores() // self._group.local_world_size))

    def _precision(self, device: torch.device) -> str:
        """As configured; what was once measured on this kind of device stays for the whole run."""
        state, wanted = self.state, self.config.runtime.precision
        if wanted != "auto" or state.bf16 is None or state.device_type != device.type:
            return wanted
        return "bf16" if state.bf16 else "fp32"

    def _find_checkpoint(self) -> Checkpoint | None:
        run = self._run
        checkpoint, problems = newest_checkpoint([run.next, run.last, run.previous, run.best])
        for problem in problems:
            fallback = "Going on from the one before" if checkpoint else "Starting from the beginning"
            self._log("warning", f"{problem} {fallback}.")
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
            self._log("warning", text)
        self.state.best_ap = None if figure is None else figure.ap
        self.state.best_step = 0 if figure is None else figure.step

    def _split(self) -> Split:
        if not self.snapshot.classes:
            raise ConfigError("the project has no classes", hint="Label some boxes first")
        split = split_samples(
            self.snapshot,
            seed=self.config.runtime.seed,
            difficult=self.config.learning.difficult_boxes,
        )
        if not any(len(sample.labels) for sample in split.train):
            raise ConfigError(
                "there are no labelled training images",
                hint="Label some, or move images from the validation and test splits to train",
            )
        if split.note:
            self._log("warning", split.note)
        self.no_figure = why_no_figure(split, [item.name for item in self.snapshot.classes])
        if self.no_figure:
            text = f"No figure can be made of this run, since {self.no_figure}. Its last weights are kept."
            self._log("warning", text)
        return split

    def _tiling(self, objects: ObjectSizes) -> Tiling | None:
        """As the run began, whatever the defaults are by now."""
        if self._checkpoint is not None:
            return self._checkpoint.tiling
        return choose_tiling(self.config, objects)

    def _views(
        self, samples: tuple[Sample, ...], cache: ImageCache, objects: ObjectSizes
    ) -> tuple[Sample, ...]:
        """What is drawn in a pass: the images, or their tiles."""
        if cache.tiling is None:
            return samples
        tiles = cut_samples(samples, cache, seed=self.config.runtime.seed, problem=self._problem)
        told = tiling_text(cache.tiling, objects, image_size=cache.longer_side)
        self._log(
            "info",
            f"{told} {counted(len(tiles), 'tile')} to learn from, each seen at {cache.longer_side} pixels.",
        )
        return tiles

    def _set_threads(self, device: torch.device) -> None:
        torch.set_flush_denormal(True)
        # Decoding and augmentation run in threads of ours; OpenCV's own would only get in their way.
        cv2.setNumThreads(1)
        if self.config.runtime.threads is not None:
            torch.set_num_threads(self.config.runtime.threads)
        if device.type == "cuda":
            torch.backends.cudnn.benchmark = False

    def _load(self, device: torch.device, images: int) -> Load:
        """What a step holds: what it held before, on whatever machine, halved each time that memory has run out since
        then; else what suits the machine."""
        state, checkpoint = self.state, self._checkpoint
        load = choose_load(self.config, on_gpu=device.type == "cuda", images=images, attempt=state.attempt)
        if checkpoint is not None and state.batch_size:
            before = Load(
                batch_size=state.batch_size, accumulate=state.accumulate, image_size=checkpoint.image_size
            )
            times = state.attempt - self._attempts_before
            load = before.shrunk(times, smallest_batch=self.config.recipe.smallest_batch)
        elif checkpoint is not None and state.attempt == 0:
            load = replace(load, image_size=checkpoint.image_size)
        state.batch_size, state.accumulate = load.batch_size, load.accumulate
        return load

    def _stream(self, split: Split, views: tuple[Sample, ...], cache: ImageCache) -> TrainStream:
        return TrainStream(
            views,
            cache,
            seed=self.config.runtime.seed,
            problem=self._problem,
            rank=self._group.rank,
            world_size=self._group.world_size,
            weights=self._weights(split.train, views),
            smallest_batch=self.config.recipe.smallest_batch,
        )

    def _weights(self, images: tuple[Sample, ...], views: tuple[Sample, ...]) -> FloatArray | None:
        """How often each of the views is drawn in a pass; ``None`` when all are alike."""
        weights = draw_weights(
            images,
            self.config.learning,
            emphasis=self._run.emphasis,
            say=lambda text: self._log("info", text),
        )
        return weights if weights is None or views is images else weights_of_tiles(weights, images, views)

    def _go_beyond(self, images: int) -> None:
        """Begin a stretch, from the best weights, when a run that is done has been given more."""
        last, state, learning = self._checkpoint, self.state, self.config.learning
        if last is None or not state.complete or fraction_done(state, learning, images=images) >= 1.0:
            return
        begin_stretch(state)
        best, _ = newest_checkpoint([self._run.best] if state.best_ap is not None else [])
        if best is not None and best.image_size == last.image_size and best.options == last.options:
            self._checkpoint = replace(best, state=state)
        share = highest_rate(state, learning, images=images)
        text = f"Goes on from the weights of step {state.best_step if best else state.step:,}; the learning rate rises to {share:.0%} and falls again."
        self._log("info", text)

    def _begin(self, detector: Detector, device: torch.device) -> torch.optim.Optimizer:
        """The optimiser; it and the detector as the checkpoint has them, or the weights to start from."""
        checkpoint = self._checkpoint
        if checkpoint is not None:
            detector.load_state_dict(checkpoint.part("weights"))
        elif self.config.first_weights is not None and self._group.leads:
            report = self._start_from(self.config.first_weights, detector)
            self._log("info", report.text())
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

    def _start_from(self, weights: str, detector: Detector) -> LoadReport:
        """Take what fits from weights of others or of an earlier run."""
        published = weights_files().get(weights)
        return load_weights(
            detector,
            weights_path(weights),
            class_names=[item.name for item in self.snapshot.classes],
            published_names=() if published is None else published_classes(published.learnt),
        )

    def _announce(self, detector: Detector, compute: Compute, load: Load, split: Split) -> None:
        self._emit(
            events.Started(
                time=time.time(),
                step=self.state.step,
                device=str(compute.device),
                device_name=self._group.times(device_name(compute.device)),
                parameters=sum(parameter.numel() for parameter in detector.parameters()),
                images=len(split.train),
                batch_size=load.batch_size * load.accumulate * self._group.world_size,
            )
        )
        self._emit(data_figures(split, self.snapshot, image_size=load.image_size))
        boxes = sum(len(sample.labels) for sample in split.train)
        precision = "bf16" if compute.bf16 else "fp32"
        self._log(
            "info",
            f"{counted(len(split.train), 'image')} with {counted(boxes, 'box', 'boxes')} to learn from, {len(split.val):,} to judge by; "
            f"{load.image_size} pixels, {precision}, {counted(torch.get_num_threads(), 'thread')}.",
        )

    def _try_worst_step(
        self, detector: Detector, compute: Compute, load: Load, samples: tuple[Sample, ...]
    ) -> None:
        """Memory that will not do is better found now than after an hour."""
        most = max(len(sample.labels) for sample in samples)
        images, targets = dummy_batch(
            detector.num_classes,
            batch_size=load.batch_size,
            size=largest_side(self.config, load),
            objects=max(1, most),
            compute=compute,
        )
        try_step(detector, compute, images, targets)

    def _hooks(
        self,
        ema: Ema | None,
        detector: Detector,
        compute: Compute,
        load: Load,
        split: Split,
        cache: ImageCache,
    ) -> list[Hook]:
        if not self._group.leads:
            return []
        checkpoints = CheckpointHook(self._run, ema, self.snapshot.classes, self._emit, tiling=cache.tiling)
        hooks: list[Hook] = [EmaHook(ema)] if ema is not None else []
        if compute.device.type == "cpu" and self.config.runtime.threads is None:
            hooks.append(ThreadHook(ThreadGovernor(torch.get_num_threads())))
        validator = None if self.no_figure else self._validator(ema, detector, compute, load, split, cache)
        hooks += watching_hooks(
            self._emit,
            measure=self._flags.measure,
            learnt=split.train,
            validator=validator,
            predicted=len(self.snapshot.images) if self.config.runtime.predict_after else 0,
        )
        hooks.append(PatienceHook(self._emit))
        if validator is not None:
            hooks.append(ValidationHook(validator, checkpoints, self._emit))
        return [*hooks, checkpoints]

    def _validator(
        self,
        ema: Ema | None,
        detector: Detector,
        compute: Compute,
        load: Load,
        split: Split,
        cache: ImageCache,
    ) -> Validator:
        judged = ema.detector if ema is not None else detector
        return Validator(
            detect=Runner(judged, compute),
            samples=split.val,
            ground_truth=self.snapshot.ground_truth,
            classes=self.snapshot.classes,
            cache=cache,
            batch_size=load.batch_size,
            problem=self._problem,
            beat=lambda _done, _total: not self._flags.stop.is_set(),
        )

    def _problem(self, error: ImageError) -> None:
        if str(error) not in self._told:
            self._told.add(str(error))
            self._log("warning", f"{events.LEFT_OUT}{error}")

    def _log(self, level: str, text: str) -> None:
        self._emit(events.Log(level=level, text=text))


def _silent(_event: Event) -> None:
    """What a process that does not lead says."""
