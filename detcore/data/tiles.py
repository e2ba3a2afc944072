"""Tiles of large images: what a detector learns of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from detcore.boxes import areas, clip
from detcore.data.augmentation.labelled import Labelled
from detcore.data.cache import ImageCache
from detcore.data.letterbox import Fit
from detcore.data.samples import BoxArray, Sample
from detcore.errors import ImageError
from detcore.images.decoding import read_size
from detcore.images.tiles import Tile
from detcore.types import FloatArray

OBJECT_SHARE = 0.5
"""Of a box inside a tile, from which on it is an object there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """T tiles as ``samples``, of images as the ``cache`` has them."""

    samples: Sequence[Sample]
    cache: ImageCache

    def places(self) -> FloatArray:
        """(T, 4) where each lies in its image, in pixels of the original."""
        places = [
            _place(sample.tile, self.cache.fit(width=sample.frame[0], height=sample.frame[1]))
            for sample in self.samples
            if sample.tile is not None and sample.frame is not None
        ]
        return np.array(places, np.float64).reshape(-1, 4)


def cut_samples(
    samples: Sequence[Sample], cache: ImageCache, *, problem: Callable[[ImageError], None]
) -> tuple[Sample, ...]:
    """The tiles to learn from, those with an object first.

    A box of which at least half lies in a tile is an object there, as far as it can be seen; less of one is an area
    that is neither object nor background. Files whose size cannot be read are told and left out.

    Raises:
        ImageError: none can be read.
    """
    with_objects: list[Sample] = []
    empty: list[Sample] = []
    fault: ImageError | None = None
    for sample in samples:
        try:
            width, height = sample.frame or read_size(Path(sample.path))
        except ImageError as error:
            problem(error)
            fault = error
            continue
        fit = cache.fit(width=width, height=height)
        whole = replace(sample, frame=(width, height))
        for tile in cache.tiles(fit):
            part = _part(whole, fit, tile)
            (with_objects if len(part.labels) else empty).append(part)
    if fault is not None and not with_objects and not empty:
        raise fault
    return (*with_objects, *empty)


def _part(sample: Sample, fit: Fit, tile: Tile) -> Sample:
    """What of an image is to be learnt in one of its tiles."""
    left, top, right, bottom = _place(tile, fit)
    seen, share = _visible(sample.boxes, left, top, right, bottom)
    unsure, of_unsure = _visible(sample.ignore, left, top, right, bottom)
    objects = share >= OBJECT_SHARE
    rest = (share > 0) & ~objects
    return replace(
        sample,
        boxes=seen[objects],
        labels=sample.labels[objects],
        ignore=np.concatenate([seen[rest], unsure[of_unsure > 0]]),
        tile=tile,
    )


def _place(tile: Tile, fit: Fit) -> tuple[float, float, float, float]:
    """Its edges in pixels of the original."""
    edges = np.array([[tile.left, tile.top, tile.right, tile.bottom]], np.float64)
    left, top, right, bottom = fit.to_original(edges)[0].tolist()
    return left, top, right, bottom


def _visible(
    boxes: BoxArray, left: float, top: float, right: float, bottom: float
) -> tuple[BoxArray, FloatArray]:
    """The part of each box inside, (N, 4), and the share of its area that this is, (N,)."""
    whole = boxes.astype(np.float64)
    corner = np.array([left, top, left, top])
    inside = clip(whole - corner, width=right - left, height=bottom - top) + corner
    return inside.astype(np.float32), areas(inside) / np.maximum(areas(whole), 1e-9)


def cut_out(whole: Labelled, tile: Tile) -> Labelled:
    """The tile of a resized image, with boxes, which are of the tile already, in its own pixels."""
    corner = np.array([tile.left, tile.top, tile.left, tile.top], np.float32)
    return Labelled(
        image=whole.image[tile.top : tile.bottom, tile.left : tile.right],
        boxes=whole.boxes - corner,
        labels=whole.labels,
        ignore=whole.ignore - corner,
    )


def weights_of_tiles(weights: FloatArray, images: Sequence[Sample], tiles: Sequence[Sample]) -> FloatArray:
    """(T,) how often each tile is drawn: as often as its image, of (N,) ``weights``."""
    by_image = dict(zip((sample.image_id for sample in images), weights.tolist(), strict=True))
    return np.array([by_image[sample.image_id] for sample in tiles], np.float64)
