"""Tiles of large images: what a detector learns of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
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
from detcore.types import FloatArray, IntArray

OBJECT_SHARE = 0.5
"""Of a box inside a tile, from which on it is an object there."""


class TileSamples:
    """The T tiles of N ``images``, as the ``cache`` has these, by row: those ``with_objects`` come first.

    A large image may have hundreds of tiles without, of which a pass has few: these are made when they are asked for.
    ``spots`` (T, 2) say of which of the images each tile is, and which of its tiles. All images have a frame.
    """

    def __init__(self, images: Sequence[Sample], cache: ImageCache) -> None:
        self.images = images
        self._cache = cache
        self._fits = [_fit(image, cache) for image in images]
        self.with_objects: list[Sample] = []
        having, bare = [np.zeros((0, 2), np.int64)], [np.zeros((0, 2), np.int64)]
        for row, (image, fit) in enumerate(zip(images, self._fits, strict=True)):
            parts = [_part(image, fit, tile) for tile in cache.tiles(fit)]
            self.with_objects += [part for part in parts if len(part.labels)]
            counts = np.array([len(part.labels) for part in parts])
            for spots, numbers in ((having, np.flatnonzero(counts)), (bare, np.flatnonzero(counts == 0))):
                spots.append(np.column_stack([np.full(len(numbers), row), numbers]))
        self.spots: IntArray = np.concatenate([*having, *bare])

    def __len__(self) -> int:
        return len(self.spots)

    def __getitem__(self, row: int) -> Sample:
        """Raises IndexError where there is none."""
        if 0 <= row < len(self.with_objects):
            return self.with_objects[row]
        spot: list[int] = self.spots[row].tolist()
        image, number = spot
        return _part(self.images[image], self._fits[image], self._cache.tiles(self._fits[image])[number])

    @property
    def image_ids(self) -> IntArray:
        """(T,) of the image that each is of."""
        return np.array([image.image_id for image in self.images], np.int64)[self.spots[:, 0]]

    @property
    def pixels(self) -> IntArray:
        """(N,) of each image as it is held."""
        return np.array([fit.new_width * fit.new_height for fit in self._fits], np.int64)

    def places(self) -> FloatArray:
        """(T, 4) where each lies in its image, in pixels of the original."""
        edges = [[_place(tile, fit) for tile in self._cache.tiles(fit)] for fit in self._fits]
        first: IntArray = np.cumsum([0, *map(len, edges)])
        of_all = np.array([place for image in edges for place in image], np.float64).reshape(-1, 4)
        return of_all[first[self.spots[:, 0]] + self.spots[:, 1]]


def cut_samples(
    samples: Sequence[Sample], cache: ImageCache, *, problem: Callable[[ImageError], None]
) -> TileSamples:
    """The tiles to learn from.

    A box of which at least half lies in a tile is an object there, as far as it can be seen; less of one is an area
    that is neither object nor background. Files whose size cannot be read are told and left out.

    Raises:
        ImageError: none can be read.
    """
    images: list[Sample] = []
    fault: ImageError | None = None
    for sample in samples:
        try:
            images.append(replace(sample, frame=sample.frame or read_size(Path(sample.path))))
        except ImageError as error:
            problem(error)
            fault = error
    if fault is not None and not images:
        raise fault
    return TileSamples(images, cache)


def having_objects(samples: Sequence[Sample] | TileSamples) -> Sequence[Sample]:
    """The first of them, without those of which it is known that they have no object."""
    return samples.with_objects if isinstance(samples, TileSamples) else samples


def _fit(image: Sample, cache: ImageCache) -> Fit:
    assert image.frame is not None
    width, height = image.frame
    return cache.fit(width=width, height=height)


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
        scores=sample.scores[objects],
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
        scores=whole.scores,
        ignore=whole.ignore - corner,
    )


def weights_of_tiles(weights: FloatArray, images: Sequence[Sample], tiles: TileSamples) -> FloatArray:
    """(T,) how often each tile is drawn: as often as its image, of (N,) ``weights``."""
    by_image = dict(zip((sample.image_id for sample in images), weights.tolist(), strict=True))
    return np.array([by_image[image.image_id] for image in tiles.images], np.float64)[tiles.spots[:, 0]]
