"""Activations that are computed again for the gradients instead of being kept (Chen et al. 2016)."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from types import MethodType
from typing import Any, cast

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint  # pyright: ignore[reportUnknownVariableType]

from detcore.zoo.base import Detector


def recompute_stages(detector: Detector) -> bool:
    """From now on each stage of the detector keeps its inputs alone while it learns; losses, gradients and statistics
    stay what they are. Whether it names any stages."""
    stages = detector.stages()
    for stage in stages:
        # bound to the stage, so that a copy of the detector gets one of its own
        cast("Any", stage).forward = MethodType(_recomputed, stage)
    return bool(stages)


def _recomputed(stage: nn.Module, *inputs: Any) -> Any:
    forward = type(stage).forward
    if not (stage.training and torch.is_grad_enabled()):
        return forward(stage, *inputs)
    return checkpoint(
        forward,
        stage,
        *inputs,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), _norms_at_rest(stage)),
    )


@contextmanager
def _norms_at_rest(stage: nn.Module) -> Generator[None, None, None]:
    """Batch norms go by the images as before, and take no second part in their running statistics."""
    norms = [layer for layer in stage.modules() if isinstance(layer, nn.BatchNorm2d | nn.SyncBatchNorm)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        # Without the statistics themselves it would save fewer tensors than the first time, which torch refuses.
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
