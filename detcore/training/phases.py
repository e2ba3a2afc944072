"""How the images of a run are drawn as it goes on: small at first, of several sizes, and in the end whole ones only."""

from __future__ import annotations

import numpy as np

from detcore.data.batches import AHEAD
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.augmentation import Augmentation
from detcore.training.load import Load
from detcore.zoo.checkpoint import RunState
from detcore.zoo.spec import SIDE_STEP

_SMALL = 0.65
"""Of the image size, what a training begins with: two steps take no longer than one of full size."""
_SIZES = 4  # names the generator of sizes among those of the seed


def largest_side(config: TrainConfig, load: Load) -> int:
    """The longer side of the largest image that is drawn."""
    return _whole_steps(load.image_size * (1.0 + config.learning.multi_scale))


def usual_sides(config: TrainConfig, load: Load) -> tuple[int, ...]:
    """The longer sides that images are drawn at, but for those that are drawn at random."""
    small = (_whole_steps(_SMALL * load.image_size),) if config.small_until else ()
    return (*small, load.image_size)


def _whole_steps(side: float) -> int:
    """Two steps at least, as for all images: of one place a batch norm learns nothing."""
    return max(2, round(side / SIDE_STEP)) * SIDE_STEP


class Phases:
    """Says for each image number how it is drawn. Where a phase ends is kept in the run's state, as the first image
    number of the next one, so that a resumed run draws what it would have drawn."""

    def __init__(self, config: TrainConfig, load: Load, state: RunState, *, world_size: int) -> None:
        self._augmentation = config.augmentation
        self._small_until = config.small_until
        self._spread = config.learning.multi_scale
        self._seed = config.runtime.seed
        self._size = load.image_size
        self._state = state
        self._made = AHEAD * load.batch_size * world_size

    def reach(self, fraction: float) -> None:
        """The run has come to this share: a phase that ends there ends with the images that are made already, and would
        be made again if the run were taken up here."""
        state = self._state
        if state.full_from is None and fraction >= self._small_until:
            state.full_from = state.drawn + self._made if self._small_until else 0
        if state.whole_from is None and fraction >= self._augmentation.close_after:
            state.whole_from = state.drawn + self._made

    def plan(self, number: int) -> Augmentation:
        """How to change the batch that begins with this image. In the end only whole images are seen, as they will be at
        prediction."""
        whole_from = self._state.whole_from
        mixed = whole_from is None or number < whole_from
        return self._augmentation if mixed else self._augmentation.unmixed()

    def scale(self, number: int) -> float:
        """The size of the batch that begins with this image, by that at prediction; it makes the longer side a multiple
        of ``SIDE_STEP``."""
        full_from = self._state.full_from
        factor = _SMALL if full_from is None or number < full_from else 1.0
        if self._spread:
            factor *= 1.0 + self._spread * np.random.default_rng([self._seed, _SIZES, number]).uniform(
                -1.0, 1.0
            )
        return _whole_steps(factor * self._size) / self._size
