"""How much a step of training holds, and how far it goes: batch, accumulation, size and learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from detcore.jobs.config import TrainConfig
from detcore.zoo.checkpoint import Checkpoint, RunState
from detcore.zoo.spec import SIDE_STEP

_GPU_PIXELS = 32 * 640 * 640
_RATE_RANGE = (0.25, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much one step holds in memory: ``batch_size`` images at a time, ``accumulate`` times."""

    batch_size: int
    accumulate: int
    image_size: int

    def shrunk(self, attempts: int, *, smallest_batch: int = 1) -> Load:
        """The load after that many times out of memory: each time half the batch at most and as much more accumulation,
        so that a step has the same images where the batch can be divided; with the smallest batch, three quarters of the
        size."""
        load = self
        for _ in range(attempts):
            if load.batch_size > smallest_batch:
                less = _part(load.batch_size, smallest_batch)
                times = max(2, load.batch_size // less)
                load = replace(load, batch_size=less, accumulate=load.accumulate * times)
            else:
                smaller = load.image_size * 3 // 4 // SIDE_STEP * SIDE_STEP
                load = replace(load, image_size=max(SIDE_STEP * 2, smaller))
        return load


def _part(batch: int, smallest: int) -> int:
    """The largest that divides a batch, or else half of it."""
    whole = [size for size in range(smallest, batch // 2 + 1) if batch % size == 0]
    return max(whole, default=max(smallest, batch // 2))


def choose_load(config: TrainConfig, *, on_gpu: bool, images: int, attempt: int) -> Load:
    """As configured, else what suits the machine and a training set of so many ``images``; smaller by each
    ``attempt`` that ran out of memory."""
    size, recipe = config.size(), config.recipe
    smallest = recipe.smallest_batch
    batch = config.learning.batch_size
    if batch is None and on_gpu:
        # On small sets the number of steps decides, so no more than a sixteenth of the images.
        by_memory = max(2, _GPU_PIXELS // (size * size))
        batch = min(recipe.largest_batch, by_memory, max(recipe.batch_size, images // 16))
    elif batch is None:
        batch = recipe.batch_size
    batch = max(smallest, min(batch, images))
    load = Load(batch_size=batch, accumulate=config.learning.accumulate, image_size=size)
    return load.shrunk(attempt, smallest_batch=smallest)


def load_of_run(
    config: TrainConfig,
    state: RunState,
    checkpoint: Checkpoint | None,
    *,
    on_gpu: bool,
    images: int,
    times: int,
) -> Load:
    """What a step holds: what it held before, on whatever machine, halved as many ``times`` as memory has run out
    since then; else what suits the machine, as ``choose_load`` says. The state keeps it."""
    load = choose_load(config, on_gpu=on_gpu, images=images, attempt=state.attempt)
    if checkpoint is not None and state.batch_size:
        before = Load(
            batch_size=state.batch_size, accumulate=state.accumulate, image_size=checkpoint.image_size
        )
        load = before.shrunk(times, smallest_batch=config.recipe.smallest_batch)
    elif checkpoint is not None and state.attempt == 0:
        load = replace(load, image_size=checkpoint.image_size)
    state.batch_size, state.accumulate = load.batch_size, load.accumulate
    return load


def choose_learning_rate(config: TrainConfig, load: Load, *, world_size: int = 1) -> float:
    """As configured, else the recipe's, scaled with the batch: in proportion for SGD, with its root for others."""
    if config.learning.learning_rate is not None:
        return config.learning.learning_rate
    recipe = config.recipe
    share = load.batch_size * load.accumulate * world_size / recipe.batch_size
    low, high = _RATE_RANGE
    factor = share if recipe.optimiser in ("sgd", "asgd") else math.sqrt(share)
    return recipe.learning_rate * min(high, max(low, factor))
