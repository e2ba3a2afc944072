"""Running a detector over many images, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from detcore.data.batches import ProblemCallback, detect_batches
from detcore.data.cache import ImageCache
from detcore.data.samples import Sample
from detcore.types import Detections, FloatArray, IntArray

Columns = tuple[FloatArray, IntArray, FloatArray]
"""Of one image: boxes (N, 4) in pixels of the frame, labels (N,) from 0, scores (N,)."""
Detect = Callable[[Tensor], Sequence[Columns]]
"""From (B, 3, H, W) uint8 to the columns of each image."""
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
) -> Detections | None:
    """Detections in pixels of the original images, with class ids for labels; ``None`` when ended early.

    ``problem`` is told about each file that cannot be read; such an image has no detections.
    """
    image_ids: list[IntArray] = []
    found: list[Columns] = []
    for batch in detect_batches(samples, cache, batch_size=batch_size, problem=problem):
        if batch.samples:
            columns = detect(batch.images)
            for (boxes, labels, scores), sample, fit in zip(columns, batch.samples, batch.fits, strict=True):
                image_ids.append(np.full(len(scores), sample.image_id, np.int64))
                found.append((fit.to_original(boxes), class_ids[labels], scores))
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
