"""Whether a training looks at its images in tiles: as configured, or chosen from the sizes of images and boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detcore.images.tiles import TOUCH, Tiling
from detcore.jobs.config import TrainConfig
from detcore.project.snapshot import Snapshot
from detcore.types import FloatArray
from detcore.wording import counted
from detcore.zoo.spec import SIDE_STEP

_SMALL = 25.0
"""The percentile of sizes that stands for the small objects of a set."""
_LONGEST = 99.0
"""And for its longest; one label in a hundred may be wrong."""
_TOO_SMALL = 16.0
"""Pixels as the detector sees them, below which small objects are worth tiles."""
_WANTED = 24.0
"""Pixels that tiles give them."""
_MOST_ENLARGED = 2.0
_LARGE_IMAGE = 3.0
"""From so many times the image size on an image is large."""
_FEWEST_ACROSS = 2.0
_LEAST_OVERLAP = 1 / 8
"""Of a tile's side, so that there is something to see around what lies at a border."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSizes:
    """The N boxes of the training images whose size is known, in pixels of the original: ``sides`` (N, 2) widths and
    heights, and ``frames`` (N, 2) those of the image that each is in."""

    sides: FloatArray
    frames: FloatArray

    @classmethod
    def of(cls, snapshot: Snapshot) -> ObjectSizes:
        """Crowds and difficult boxes, which nothing is learnt from, do not count."""
        known = {image.id: snapshot.frames.get(image.id) for image in snapshot.training_images}
        frames = {number: frame for number, frame in known.items() if frame is not None}
        gt = snapshot.ground_truth
        counts = np.isin(gt.image_ids, np.fromiter(frames, np.int64, len(frames)))
        gt = gt.take(counts & ~gt.crowd & ~gt.difficult)
        return cls(
            sides=np.asarray(gt.boxes[:, 2:] - gt.boxes[:, :2], np.float64),
            frames=np.array([frames[number] for number in gt.image_ids.tolist()], np.float64).reshape(-1, 2),
        )

    @property
    def sizes(self) -> FloatArray:
        """(N,) roots of the areas."""
        return np.sqrt(self.sides.prod(axis=1))

    @property
    def lengths(self) -> FloatArray:
        """(N,) the longer sides."""
        return self.sides.max(axis=1, initial=0.0)

    @property
    def images(self) -> FloatArray:
        """(N,) the longer side of the image that each is in."""
        return self.frames.max(axis=1, initial=0.0)

    def __len__(self) -> int:
        return len(self.sides)


def choose_tiling(config: TrainConfig, objects: ObjectSizes) -> Tiling | None:
    """The tiles of a training, ``None`` where it looks at whole images.

    Unasked, there are tiles where a typical small object (a quarter of all are smaller) would be less than 16
    pixels long for the detector in images at least three times as long as its image size. They make it 24 pixels,
    though none is enlarged more than twice. Neighbours overlap by the longest object (one in a hundred is longer), so
    that each is whole in one of them; where that takes more than half a tile, tiles are larger, and there are
    none if that leaves small objects below 16 pixels, or shrinks even smaller ones.
    """
    setting, image_size = config.learning.tiles, config.size()
    if setting == "off":
        return None
    longest = float(np.percentile(objects.lengths, _LONGEST)) if len(objects) else 0.0
    if setting != "auto":
        return _tiles(int(setting), longest, image_size)
    if not len(objects):
        return None
    typical = float(np.median(objects.images))
    if typical < _LARGE_IMAGE * image_size or _small_length(objects, image_size) >= _TOO_SMALL:
        return None
    small = float(np.percentile(objects.sizes, _SMALL))
    wanted = image_size / min(_MOST_ENLARGED, _WANTED / small)
    side = math.ceil(max(wanted, (longest + 1) / (0.5 - 2 * TOUCH / image_size)) / SIDE_STEP) * SIDE_STEP
    if typical < _FEWEST_ACROSS * side or small * image_size / side < min(_TOO_SMALL, small):
        return None
    return _tiles(side, longest, image_size)


def tiling_text(tiling: Tiling, objects: ObjectSizes, *, image_size: int) -> str:
    """What is said of the tiles of a run."""
    text = f"Images are looked at in tiles of {counted(tiling.side, 'pixel')}, {tiling.overlap:,} of them in common with the next."
    if not len(objects):
        return text
    small = float(np.percentile(objects.sizes, _SMALL)) * tiling.scale(image_size)
    text += (
        f" A typical small object is {small:.0f} pixels long for the detector there; "
        f"in whole images it would be {_small_length(objects, image_size):.0f}."
    )
    longer = int((objects.lengths > tiling.overlap).sum())
    if longer:
        text += f" {counted(longer, 'box is', 'boxes are')} longer than what tiles have in common, and may be found in parts."
    return text


def _small_length(objects: ObjectSizes, image_size: int) -> float:
    """How long a typical small object is for a detector that sees whole images."""
    return float(np.percentile(objects.sizes * image_size / objects.images, _SMALL))


def _tiles(side: int, longest: float, image_size: int) -> Tiling:
    margin = 2 * TOUCH * side / image_size + 1
    overlap = max(math.ceil(longest + margin), math.ceil(side * _LEAST_OVERLAP))
    return Tiling(side=side, overlap=min(overlap, side // 2))
