"""Running a detector over many images, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from detcore.data.batches import detect_batches
from detcore.data.cache import ImageCache
from detcore.data.draws import ProblemCallback
from detcore.data.letterbox import Fit
from detcore.data.samples import Sample
from detcore.data.tile_merging import TileSeen, merge
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
    the answers behind the detections, where ``detect`` gives them. Of a cache with a tiling what is found in the tiles
    of an image is put together as ``merge`` says; ``progress`` counts whole images, and is told after each batch.
    """
    found = _Found(class_ids, hear)
    parts: list[TileSeen] = []
    for batch in detect_batches(samples, cache, batch_size=batch_size, problem=problem):
        if batch.samples:
            seen = detect(batch.images)
            for row, (sample, fit, tile) in enumerate(
                zip(batch.samples, batch.fits, batch.tiles, strict=True)
            ):
                parts.append(TileSeen(tile=tile, seen=seen[row]))
                if tile.is_last(width=fit.new_width, height=fit.new_height):
                    found.add(sample, fit, merge(parts))
                    parts = []
        if progress is not None and not progress(batch.done, len(samples)):
            return None
    return found.detections()


class _Found:
    """Gathers what is seen, image by image."""

    def __init__(self, class_ids: IntArray, hear: Hear | None) -> None:
        self._class_ids = class_ids
        self._hear = hear
        self._parts: list[Detections] = []

    def add(self, sample: Sample, fit: Fit, seen: Seen) -> None:
        self._parts.append(
            Detections(
                image_ids=np.full(len(seen.scores), sample.image_id, np.int64),
                labels=self._class_ids[seen.labels],
                boxes=fit.to_original(seen.boxes),
                scores=seen.scores,
            )
        )
        if self._hear is not None and seen.answers is not None:
            self._hear(sample.image_id, fit.to_original(seen.answers.boxes), seen.answers.scores)

    def detections(self) -> Detections:
        return Detections.joined(self._parts)
