"""Running a detector over many images, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from detcore.data.batches import detect_batches
from detcore.data.cache import ImageCache
from detcore.data.draws import ProblemCallback
from detcore.data.samples import Sample
from detcore.types import Detections, FloatArray, IntArray
from detcore.zoo.running import Seen

Detect = Callable[[Tensor], Sequence[Seen]]
"""From (B, 3, H, W) uint8 to what is seen on each image."""
Hear = Callable[[int, FloatArray, FloatArray], None]
"""Told the id of an image and all answers about it: boxes (A, 4) in its pixels, scores (A, K)."""
SweepProgress = Callable[[int, int], bool]
"""Told (done, total); false ends the sweep."""


def sweep(
    detect: Detect,
    samples: Sequence[Sample],
    cache: ImageCache,
    *,
    class_ids: IntArray,
    batch_size: int,
    problem: ProblemCallback,
    progress: SweepProgress | None = None,
    hear: Hear | None = None,
) -> Detections | None:
    """Detections in pixels of the original images, with class ids for labels; ``None`` when ended early.

    ``problem`` is told about each file that cannot be read; such an image has no detections. ``hear`` is told
    the answers behind the detections, where ``detect`` gives them.
    """
    image_ids: list[IntArray] = []
    found: list[tuple[FloatArray, IntArray, FloatArray]] = []
    for batch in detect_batches(samples, cache, batch_size=batch_size, problem=problem):
        if batch.samples:
            for seen, sample, fit in zip(detect(batch.images), batch.samples, batch.fits, strict=True):
                image_ids.append(np.full(len(seen.scores), sample.image_id, np.int64))
                found.append((fit.to_original(seen.boxes), class_ids[seen.labels], seen.scores))
                if hear is not None and seen.answers is not None:
                    hear(sample.image_id, fit.to_original(seen.answers.boxes), seen.answers.scores)
        if progress is not None and not progress(batch.done, len(samples)):
            return None
    if not found:
        return Detections.empty()
    return Detections(
        image_ids=np.concatenate(image_ids),
        labels=np.concatenate([labels for _, labels, _ in found]),
        boxes=np.concatenate([boxes for boxes, _, _ in found]),
        scores=np.concatenate([scores for _, _, scores in found]),
    )
