"""What a training would see: augmented images of a project, before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from detcore.data.augmentation.labelled import Labelled
from detcore.data.cache import ImageCache
from detcore.data.draws import Draws, ProblemCallback
from detcore.data.letterbox import PAD_VALUE, fit_size, resize
from detcore.data.samples import Sample, split_samples
from detcore.data.sampling import repeat_factors
from detcore.data.sizes import Sizes
from detcore.data.tiles import TileSamples, cut_samples, weights_of_tiles
from detcore.errors import ConfigError, ImageError
from detcore.images.tiles import Tiling
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.tiling import ObjectSizes, choose_tiling
from detcore.project.snapshot import Snapshot
from detcore.types import ImageArray

_CACHE_BYTES = 256 * 2**20
_TILE = 320
_GAP = 8
_CAPTION = 16
"""Pixels below an image, for its size."""
_TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewBatch:
    """Some images as they are learnt from, of ``total`` training images; ``problems`` of files that cannot be read.

    With a ``tiling`` they are of the ``tiles`` that a training would cut from these images. ``painted``: areas to
    ignore are painted over, since the detector cannot leave them out of its losses.
    """

    images: tuple[Labelled, ...]
    total: int
    problems: tuple[ImageError, ...]
    tiling: Tiling | None = None
    tiles: int = 0
    painted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """The images of the last batch cut into tiles, and what that depends on besides the cache."""

    key: tuple[object, ...]
    views: TileSamples


class Preview:
    """Draws images as a training with the same settings would before they are no longer mixed; the errors of an earlier run
    are left aside. Where a training begins with small images every other one is as small, and where each batch has a size of
    its own each image has one. What has been read stays in memory for the next batch. Not for several threads at once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._objects = ObjectSizes.of(snapshot)
        self._cache = ImageCache(longer_side=1, budget=0)
        self._cut: _Cut | None = None

    def batch(self, config: TrainConfig, *, number: int, count: int) -> PreviewBatch:
        """``count`` images or tiles, from number ``number`` · ``count`` of the training on.

        Raises:
            ConfigError: there is no labelled training image.
        """
        samples = self._samples(config)
        tiling = choose_tiling(config, self._objects)
        rule = config.spec.input
        if (self._cache.longer_side, self._cache.rule, self._cache.tiling) != (config.size(), rule, tiling):
            self._cache = ImageCache(longer_side=config.size(), rule=rule, tiling=tiling, budget=_CACHE_BYTES)
            self._cut = None
        problems: list[ImageError] = []
        try:
            draws = self._draws(config, samples, problems.append)
        except ImageError:  # of tiles: none of the files can be read, each of which has been told
            return PreviewBatch(images=(), total=len(samples), problems=tuple(problems))
        images: list[Labelled] = []
        sizes = Sizes(config, config.size())
        first = number * count
        for at in range(first, first + count * _TRIES):
            scale = sizes.scale(at, small=sizes.begins_small and at % 2 == 0)
            drawn = draws.item(at, config.augmentation, scale=scale)
            if drawn is not None:
                images.append(drawn.labelled)
            if len(images) == count or draws.all_broken(at):
                break
        return PreviewBatch(
            images=tuple(images),
            total=len(samples),
            problems=tuple(problems),
            tiling=tiling,
            tiles=0 if tiling is None else len(draws.samples),
            painted=not config.spec.masks_ignored,
        )

    def _draws(self, config: TrainConfig, samples: tuple[Sample, ...], problem: ProblemCallback) -> Draws:
        """Raises ImageError where no file can be read to be cut into tiles."""
        seed, balance = config.runtime.seed, config.learning.class_balance
        weights = repeat_factors(samples, balance) if balance else None
        tiles = None if self._cache.tiling is None else self._tiles(config, samples, problem)
        if tiles is not None and weights is not None:
            weights = weights_of_tiles(weights, samples, tiles)
        return Draws(
            samples if tiles is None else tiles,
            self._cache,
            seed=seed,
            problem=problem,
            weights=weights,
            paint_ignored=not config.spec.masks_ignored,
        )

    def _tiles(
        self, config: TrainConfig, samples: tuple[Sample, ...], problem: ProblemCallback
    ) -> TileSamples:
        """The images cut, which takes a look into each file. Raises ImageError where none can be read."""
        key = (config.runtime.seed, config.learning.difficult_boxes)
        if self._cut is None or self._cut.key != key:
            told = list[ImageError]()

            def tell(error: ImageError) -> None:
                told.append(error)
                problem(error)

            views = cut_samples(samples, self._cache, problem=tell)
            if told:  # files may be mended: they are looked into again
                return views
            self._cut = _Cut(key=key, views=views)
        return self._cut.views

    def _samples(self, config: TrainConfig) -> tuple[Sample, ...]:
        samples = split_samples(
            self._snapshot, seed=config.runtime.seed, difficult=config.learning.difficult_boxes
        ).train
        if not any(len(sample.labels) for sample in samples):
            raise ConfigError(
                "there are no labelled training images",
                hint="Label some, or move images from the validation and test splits to train",
            )
        return samples


def contact_sheet(images: Sequence[Labelled], colours: Sequence[str], *, columns: int) -> ImageArray:
    """Images side by side on white, all equally large, with their boxes in the colours (``#rrggbb``) of their labels,
    areas to ignore in grey, and their sizes below."""
    tiles = [_with_boxes(item, colours) for item in images]
    rows = -(-len(tiles) // columns)
    step = np.max([tile.shape[:2] for tile in tiles], axis=0) + (_CAPTION + _GAP, _GAP)
    sheet = np.full((rows * int(step[0]) + _GAP, columns * int(step[1]) + _GAP, 3), 255, np.uint8)
    for at, (item, tile) in enumerate(zip(images, tiles, strict=True)):
        y, x = (place * int(one) + _GAP for place, one in zip(divmod(at, columns), step, strict=True))
        sheet[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
        size = f"{item.size[0]} x {item.size[1]}"
        cv2.putText(
            sheet,
            size,
            (x, y + tile.shape[0] + 12),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.4,
            (60, 60, 60),
            1,
            cv2.LINE_AA,
        )
    return sheet


def _with_boxes(item: Labelled, colours: Sequence[str]) -> ImageArray:
    fit = fit_size(width=item.size[0], height=item.size[1], longer_side=_TILE)
    tile = resize(item.image, fit).copy()
    grey = (PAD_VALUE, PAD_VALUE, PAD_VALUE)
    shown = [(box, grey) for box in fit.to_frame(item.ignore)]
    shown += [
        (box, _rgb(colours[int(label)]))
        for box, label in zip(fit.to_frame(item.boxes), item.labels.tolist(), strict=True)
    ]
    for box, colour in shown:
        x1, y1, x2, y2 = (round(float(edge)) for edge in box)
        cv2.rectangle(tile, (x1, y1), (max(x2 - 1, x1), max(y2 - 1, y1)), colour, 2)
    return tile


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
