"""How the images of a run are drawn as it goes on: small at first, of several sizes, and in the end whole ones only."""

from __future__ import annotations

from detcore.data.batches import AHEAD
from detcore.data.sizes import Sizes
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.augmentation import Augmentation
from detcore.training.load import Load
from detcore.zoo.checkpoint import RunState


class Phases:
    """Says for each image number how it is drawn. Where a phase ends is kept in the run's state, as the first image
    number of the next one, so that a resumed run draws what it would have drawn."""

    def __init__(self, config: TrainConfig, load: Load, state: RunState, *, world_size: int) -> None:
        self._augmentation = config.augmentation
        self._small_until = config.small_until
        self._small_by_itself = config.learning.small_until is None
        self._sizes = Sizes(config, load.image_size)
        self._state = state
        self._made = AHEAD * load.batch_size * world_size

    def reach(self, fraction: float) -> None:
        """The run has come to this share: a phase that ends there ends with the images that are made already, and would
        be made again if the run were taken up here."""
        state = self._state
        # weights that know the task have learnt already what small images teach quickly
        small_until = 0.0 if state.fine_tuning and self._small_by_itself else self._small_until
        if state.full_from is None and fraction >= small_until:
            state.full_from = state.drawn + self._made if small_until else 0
        if state.whole_from is None and fraction >= self._augmentation.close_after:
            state.whole_from = state.drawn + self._made

    def plan(self, number: int) -> Augmentation:
        """How to change the batch that begins with this image. In the end only whole images are seen, as they will be at
        prediction."""
        whole_from = self._state.whole_from
        mixed = whole_from is None or number < whole_from
        return self._augmentation if mixed else self._augmentation.unmixed()

    def scale(self, number: int) -> float:
        """The size of the batch that begins with this image, as ``Sizes.scale``."""
        full_from = self._state.full_from
        return self._sizes.scale(number, small=full_from is None or number < full_from)
