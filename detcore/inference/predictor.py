"""Detections of a trained run on any images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from detcore.data.cache import ImageCache
from detcore.data.draws import ProblemCallback
from detcore.data.samples import Sample
from detcore.data.sweep import Hear, SweepProgress, sweep
from detcore.errors import ConfigError
from detcore.inference.mirrored import Mirrored
from detcore.jobs.config import TrainConfig
from detcore.project.run_weights import weights_files
from detcore.project.runs import RunFolder
from detcore.types import Detections, IntArray
from detcore.zoo.base import Detector
from detcore.zoo.building import build_detector
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
        # Each image is read once: keeping it would only take memory.
        images = ImageCache(longer_side=self._checkpoint.image_size, tiling=self._checkpoint.tiling, budget=0)
        runner = Runner(self.detector, self._compute, with_answers=hear is not None)
        while True:
            try:
                with memory_watch(), full_precision():
                    return sweep(
                        Mirrored(runner) if self._twice else runner,
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
