"""Judging a detector on labelled images."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from detcore.data.cache import ImageCache
from detcore.data.draws import ProblemCallback
from detcore.data.samples import Sample
from detcore.data.sweep import Detect, sweep
from detcore.errors import ImageError
from detcore.evaluation.coco import evaluate_coco
from detcore.types import Detections, GroundTruth, IntArray, ObjectClass

_METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR100")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """COCO's numbers, not-a-number where there is no ground truth to judge by, and the AP of each class that
    has some, by name."""

    metrics: dict[str, float]
    per_class: dict[str, float]


class Validator:
    """Runs the detector over the samples and evaluates it against the ground truth."""

    def __init__(
        self,
        *,
        detect: Detect,
        samples: Sequence[Sample],
        ground_truth: GroundTruth,
        classes: Sequence[ObjectClass],
        cache: ImageCache,
        batch_size: int,
        problem: ProblemCallback,
        beat: Callable[[int, int], bool] | None = None,
    ) -> None:
        self._detect = detect
        self._samples = list(samples)
        self._classes = classes
        self._class_ids: IntArray = np.array([item.id for item in classes], np.int64)
        self._cache = cache
        self._batch_size = batch_size
        self._problem = problem
        self._beat = beat
        self._ground_truth = ground_truth
        self._judged = False
        self._first = self._again = self._evaluation = 0.0

    @property
    def images(self) -> int:
        """How many images it looks at."""
        return len(self._samples)

    def keep(self, count: int) -> None:
        """Look at so many of the images only from now on: those that a seeded shuffle puts first, the same ones
        in every process and at every resume, one with boxes among them if there is any."""
        if count >= len(self._samples):
            return
        order: list[int] = np.random.default_rng(0).permutation(len(self._samples)).tolist()
        boxed = next((row for row in order if len(self._samples[row].labels)), order[0])
        order.remove(boxed)
        kept = {boxed, *order[: count - 1]}
        self._samples = [sample for row, sample in enumerate(self._samples) if row in kept]

    def seconds_per_image(self, *, rounds: int) -> float | None:
        """What one image costs in each of so many rounds, of which the first has to read it from its file;
        ``None`` when ``beat`` ended it."""
        some = self._samples[: self._batch_size]
        costs: list[float] = []
        for _ in range(2):
            begin = time.monotonic()
            if self._sweep(some, self._problem) is None:
                return None
            costs.append((time.monotonic() - begin) / len(some))
        self._first, self._again = costs[0], min(costs)
        # A clock may be too coarse to see any time pass.
        return max((self._first + (rounds - 1) * self._again) / rounds, 1e-6)

    def seconds(self, times: int) -> float:
        """What the next so many judgings take, as far as is known. The very first one reads the images from their files;
        else they are like the one before."""
        looks = (times - 1) * self._again + (self._again if self._judged else self._first)
        return len(self._samples) * looks + times * self._evaluation

    def judge(self) -> Judged | None:
        """Evaluate now; ``None`` when ``beat`` ended it early, which says nothing about the detector.

        Images that cannot be read are told once and not judged, now and later.
        """
        broken: set[str] = set()

        def note(error: ImageError) -> None:
            broken.add(error.path or "")
            self._problem(error)

        begin, count = time.monotonic(), len(self._samples)
        detections = self._sweep(self._samples, note)
        swept = time.monotonic()
        if broken:
            self._samples = [sample for sample in self._samples if sample.path not in broken]
        if detections is None:
            return None
        if self._judged:
            self._again = (swept - begin) / max(count, 1)
        self._judged = True
        if not any(len(sample.labels) for sample in self._samples):
            return Judged(metrics=dict.fromkeys(_METRICS, math.nan), per_class={})
        image_ids = np.array([sample.image_id for sample in self._samples], np.int64)
        gt = self._ground_truth.take(np.isin(self._ground_truth.image_ids, image_ids))
        result = evaluate_coco(gt, detections, image_ids, self._class_ids)
        self._evaluation = time.monotonic() - swept
        return Judged(
            metrics={name: result.stats[name] if result.stats[name] >= 0 else math.nan for name in _METRICS},
            per_class={
                item.name: result.per_class[item.id]["AP"]
                for item in self._classes
                if result.per_class[item.id]["AP"] >= 0
            },
        )

    def _sweep(self, samples: Sequence[Sample], problem: ProblemCallback) -> Detections | None:
        return sweep(
            self._detect,
            samples,
            self._cache,
            class_ids=self._class_ids,
            batch_size=self._batch_size,
            problem=problem,
            progress=self._beat,
        )
