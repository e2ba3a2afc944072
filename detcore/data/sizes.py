"""How large images are drawn for training."""

from __future__ import annotations

import numpy as np

from detcore.jobs.config import TrainConfig
from detcore.zoo.spec import SIDE_STEP

_SMALL = 0.65
"""Of the image size, what a training begins with: two steps take no longer than one of full size."""
_SIZES = 4  # names the generator of sizes among those of the seed


class Sizes:
    """The longer sides of the batches of a training, of which ``image_size`` is that at prediction. All are multiples of
    ``SIDE_STEP``."""

    def __init__(self, config: TrainConfig, image_size: int) -> None:
        self._spread = config.learning.multi_scale
        self._seed = config.runtime.seed
        self._full = image_size
        self.begins_small = config.small_until > 0.0

    @property
    def usual(self) -> tuple[int, ...]:
        """But for those that are drawn at random."""
        small = (_whole_steps(_SMALL * self._full),) if self.begins_small else ()
        return (*small, self._full)

    @property
    def largest(self) -> int:
        return _whole_steps(self._full * (1.0 + self._spread))

    def scale(self, number: int, *, small: bool) -> float:
        """The size of the batch that begins with this image, by that at prediction: of the ``small`` half of a training,
        or of the other."""
        factor = _SMALL if small else 1.0
        if self._spread:
            draw = np.random.default_rng([self._seed, _SIZES, number]).uniform(-1.0, 1.0)
            factor *= 1.0 + self._spread * draw
        return _whole_steps(factor * self._full) / self._full


def _whole_steps(side: float) -> int:
    """Two steps at least, as for all images: of one place a batch norm learns nothing."""
    return max(2, round(side / SIDE_STEP)) * SIDE_STEP
