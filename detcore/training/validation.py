"""Judging a detector on labelled images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from detcore.data.batches import ProblemCallback
from detcore.data.cache import ImageCache
from detcore.data.samples import Sample
from detcore.data.sweep import Detect, sweep
from detcore.errors import ImageError
from detcore.evaluation.coco import evaluate_coco
from detcore.types import GroundTruth, IntArray, ObjectClass

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

    def judge(self) -> Judged | None:
        """Evaluate now; ``None`` when ``beat`` ended it early, which says nothing about the detector.

        Images that cannot be read are told once and not judged, now and later.
        """
        broken: set[str] = set()

        def note(error: ImageError) -> None:
            broken.add(error.path or "")
            self._problem(error)

        detections = sweep(
            self._detect,
            self._samples,
            self._cache,
            class_ids=self._class_ids,
            batch_size=self._batch_size,
            problem=note,
            progress=self._beat,
        )
        if broken:
            self._samples = [sample for sample in self._samples if sample.path not in broken]
        if detections is None:
            return None
        if not self._samples:
            return Judged(metrics=dict.fromkeys(_METRICS, math.nan), per_class={})
        image_ids = np.array([sample.image_id for sample in self._samples], np.int64)
        gt = self._ground_truth.take(np.isin(self._ground_truth.image_ids, image_ids))
        result = evaluate_coco(gt, detections, image_ids, self._class_ids)
        return Judged(
            metrics={name: result.stats[name] if result.stats[name] >= 0 else math.nan for name in _METRICS},
            per_class={
                item.name: result.per_class[item.id]["AP"]
                for item in self._classes
                if result.per_class[item.id]["AP"] >= 0
            },
        )
