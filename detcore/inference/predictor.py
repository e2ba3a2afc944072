"""Detections of a trained run on any images."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from detcore.data.batches import stack
from detcore.data.cache import ImageCache
from detcore.data.draws import ProblemCallback
from detcore.data.samples import Sample
from detcore.data.sweep import Detect, Hear, SweepProgress, sweep
from detcore.errors import ConfigError, ImageError
from detcore.inference.mirrored import Mirrored
from detcore.jobs.config import TrainConfig
from detcore.project.run_weights import weights_files
from detcore.project.runs import RunFolder
from detcore.types import Detections, ImageArray, IntArray
from detcore.zoo.base import Detector
from detcore.zoo.building import build_detector
from detcore.zoo.catalogue import find_detector
from detcore.zoo.checkpoint import Checkpoint, newest_checkpoint
from detcore.zoo.folding import folded
from detcore.zoo.running import Compute, OutOfMemoryError, Runner, full_precision, memory_watch

_PIXELS_AT_ONCE = {"cpu": 8 * 640 * 640, "cuda": 32 * 640 * 640}


def best_checkpoint(run: RunFolder) -> Checkpoint:
    """The best weights of a run, or the newest ones when nothing was judged yet.

    Raises:
        ConfigError: there are none that can be read.
    """
    checkpoint, problems = newest_checkpoint(weights_files(run))
    if checkpoint is not None:
        return checkpoint
    if problems:
        raise problems[0]
    raise ConfigError("the run has no weights yet", path=run.path, hint="Train it first")


class Predictor:
    """A trained detector on a device, in full fp32, so that detections are the same on every machine but for
    rounding.

    Raises:
        ConfigError: the detector is not installed.
        OutOfMemoryError: the device has no room for it.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self._checkpoint = checkpoint
        self._compute = Compute(device)
        self.step = checkpoint.state.step
        self.class_ids: IntArray = np.array(checkpoint.class_ids, np.int64)
        detector = build_detector(
            checkpoint.model,
            num_classes=len(checkpoint.class_ids),
            image_size=checkpoint.image_size,
            options=checkpoint.options,
        )
        detector.load_state_dict(checkpoint.kept())
        with memory_watch():
            self.detector: Detector = self._compute.place(folded(detector))
        self._twice = TrainConfig.from_dict(checkpoint.config).looks == 2

    @property
    def batch_size(self) -> int:
        """How many images are looked at together."""
        size = self._checkpoint.image_size
        return max(1, _PIXELS_AT_ONCE[self._compute.device.type] // (size * size))

    def predict(
        self,
        samples: Sequence[Sample],
        *,
        problem: ProblemCallback,
        progress: SweepProgress | None = None,
        hear: Hear | None = None,
    ) -> Detections | None:
        """Detections on these images, in tiles where it learnt in tiles, and in their mirror images where the run looks
        twice; ``None`` when ``progress`` returned false. ``hear`` is told the answers behind them.

        The batch is halved when memory runs out, and all is told anew.

        Raises:
            OutOfMemoryError: one image at a time is too much.
        """
        batch_size = self.batch_size
        images, detect = self._images(), self._detect(with_answers=hear is not None)
        while True:
            try:
                with memory_watch(), full_precision():
                    return sweep(
                        detect,
                        samples,
                        images,
                        class_ids=self.class_ids,
                        batch_size=batch_size,
                        problem=problem,
                        progress=progress,
                        hear=hear,
                    )
            except OutOfMemoryError:
                if batch_size == 1:
                    raise
                batch_size //= 2

    def seconds_per_image(self, samples: Sequence[Sample], *, within: float) -> float:
        """How long ``predict`` takes for one of these images, as far as it can be told in so many seconds; 0 where none of
        them can be read.

        However long that takes, one image is read, and one image or tile looked at, twice, since the first time takes
        longer; then more of them, a batch at most. Tiles are alike, so that a few stand for all of an image.

        Raises:
            OutOfMemoryError: what is looked at together is too much.
        """
        images, detect = self._images(), self._detect(with_answers=True)
        begin = time.monotonic()
        views: list[ImageArray] = []
        tiles = read = 0
        for sample in samples:
            try:
                image, fit = images.get(sample.path, frame=sample.frame)
            except ImageError:
                continue
            parts = images.tiles(fit)
            views += [
                image[part.top : part.bottom, part.left : part.right].copy()
                for part in parts[: self.batch_size - len(views)]
            ]
            tiles, read = tiles + len(parts), read + 1
            if time.monotonic() - begin >= within / 2:
                break
        if not views:
            return 0.0
        reading = (time.monotonic() - begin) / read
        looking = self._seconds_per_view(detect, views, until=begin + within)
        return reading + looking * tiles / read

    @staticmethod
    def _seconds_per_view(detect: Detect, views: Sequence[ImageArray], *, until: float) -> float:
        """Of those that are looked at together, as many as there is time for after one."""
        count, seconds = 1, 0.0
        for _ in range(2):
            begin = time.monotonic()
            with memory_watch(), full_precision():
                detect(stack(views[:count]))
            end = time.monotonic()
            seconds = (end - begin) / count
            count = max(1, min(len(views), int((until - end) / max(seconds, 1e-9))))
        return seconds

    def _images(self) -> ImageCache:
        """Each image is read once: keeping it would only take memory."""
        checkpoint = self._checkpoint
        return ImageCache(
            longer_side=checkpoint.image_size,
            rule=find_detector(checkpoint.model).fitted_to(checkpoint.options).input,
            tiling=checkpoint.tiling,
            budget=0,
        )

    def _detect(self, *, with_answers: bool) -> Detect:
        runner = Runner(self.detector, self._compute, with_answers=with_answers)
        return Mirrored(runner) if self._twice else runner
