"""How right the learner is on verified images that it has not learnt from."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from detcore.data.cache import ImageCache
from detcore.data.samples import Sample
from detcore.data.sweep import Detect, sweep
from detcore.evaluation.coco import evaluate_coco
from detcore.evaluation.judged import judge
from detcore.evaluation.thresholds import best_threshold, operating_points
from detcore.jobs import events
from detcore.training.telling import Telling
from detcore.training.trainer import Trainer
from detcore.types import Detections, GroundTruth, ObjectClass

_SECONDS = 15.0
_SHARE = 0.1
"""Of the time, what judging takes at most."""
MOST_IMAGES = 60
_IOU = 0.5
_WELL = 0.7
"""The IoU from which a proposal is taken over as it is; one that lies worse costs as much as a new box."""


class Judging:
    """Judges from time to time; of many images by a fair sample, which stays much the same as others come."""

    def __init__(
        self,
        detect: Detect,
        cache: ImageCache,
        classes: Sequence[ObjectClass],
        *,
        batch_size: int,
        telling: Telling,
    ) -> None:
        self._detect, self._cache = detect, cache
        self._classes = classes
        self._class_ids = np.array([item.id for item in classes], np.int64)
        self._batch_size, self._telling = batch_size, telling
        self._samples: list[Sample] = []
        self._truth: GroundTruth | None = None
        self._best = -1.0
        self._due = 0.0
        self.unimproved = 0
        """Figures in a row that were no better than one before, on the same images."""

    @property
    def has_images(self) -> bool:
        return any(len(sample.labels) for sample in self._samples)

    def renew(self, samples: Sequence[Sample], truth: GroundTruth) -> None:
        """Judge by these images, and their boxes, from now on."""
        self._samples, self._truth = fair_sample(samples), truth
        self._best, self.unimproved = -1.0, 0

    def is_due(self, trainer: Trainer) -> bool:
        return self.has_images and trainer.state.seconds >= self._due

    def judge(self, trainer: Trainer) -> None:
        """Say it: AP, AP50, the best F1 at an IoU of a half, and the score from which F1 is best where a proposal has to lie
        well."""
        begin = time.monotonic()
        found = sweep(
            self._detect,
            self._samples,
            self._cache,
            class_ids=self._class_ids,
            batch_size=self._batch_size,
            problem=self._telling.problem,
            progress=lambda _done, _total: not trainer.stop_wanted,
        )
        cost = time.monotonic() - begin
        self._due = trainer.state.seconds + max(_SECONDS, cost / _SHARE)
        if found is None or self._truth is None:
            return
        metrics, per_class = self._figures(found, self._truth)
        if math.isnan(metrics["AP"]):
            return
        is_best = metrics["AP"] > self._best
        self._best = max(metrics["AP"], self._best)
        self.unimproved = 0 if is_best else self.unimproved + 1
        self._telling.emit(
            events.Validation(
                step=trainer.state.step,
                epoch=trainer.epoch,
                time=trainer.state.seconds,
                metrics=metrics,
                per_class=per_class,
                best=is_best,
            )
        )

    def _figures(self, found: Detections, truth: GroundTruth) -> tuple[dict[str, float], dict[str, float]]:
        image_ids = np.array([sample.image_id for sample in self._samples], np.int64)
        truth = truth.take(np.isin(truth.image_ids, image_ids))
        result = evaluate_coco(truth, found, image_ids, self._class_ids)
        judged = judge(truth, found, image_ids, self._class_ids, iou_thresholds=(_IOU, _WELL))
        points, well = (operating_points(one.outcomes()) for one in judged)
        best = points.best_f_beta()
        metrics = {
            name: result.stats[name] if result.stats[name] >= 0 else math.nan for name in ("AP", "AP50")
        }
        per_class = {
            item.name: result.per_class[item.id]["AP"]
            for item in self._classes
            if result.per_class[item.id]["AP"] >= 0
        }
        f1 = 0.0 if best is None else best.f_beta(1.0)
        return {**metrics, "F1": f1, "threshold": best_threshold(well)}, per_class


def fair_sample(samples: Sequence[Sample]) -> list[Sample]:
    """At most ``MOST_IMAGES`` of them, whichever came first: those whose ids have the lowest hashes. Of more images most of
    them are the same again, so that figures can be compared."""
    drawn = sorted(samples, key=lambda sample: blake2b(str(sample.image_id).encode()).digest())[:MOST_IMAGES]
    return sorted(drawn, key=lambda sample: sample.image_id)
