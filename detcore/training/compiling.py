"""Stages of a detector compiled by torch, which saves time where there are many steps to come."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any, cast

import torch
import torch._dynamo.config

from detcore.training.freezing import Freezing
from detcore.training.machine import dummy_batch, go_through
from detcore.zoo.base import Detector
from detcore.zoo.running import Compute

_VARIANTS = 64
"""Compiled forms of one piece of code. Torch's eight are too few: to it all stages are one piece, and each has a form for
every size of images, and another when layers are freed. Beyond that it computes as if nothing were compiled."""


def compile_stages(
    detector: Detector,
    compute: Compute,
    *,
    batch_size: int,
    sides: Collection[int],
    frozen: Mapping[str, float],
    fraction: float,
) -> str:
    """Let the stages of a detector be compiled. Why that cannot be done, "" where it is. Names of weights stay, and copies
    of the detector are not compiled.

    Whether it can be done shows only in steps: one of ``batch_size`` images of each of the ``sides`` is made on a copy, with
    the layers ``frozen`` that are at this ``fraction`` of the run. What comes of it serves the detector, too.
    """
    if not detector.stages():
        return "it names no stages"
    config: Any = torch._dynamo.config
    config.recompile_limit, config.suppress_errors = _VARIANTS, False
    trial = copy.deepcopy(detector).train()
    Freezing(trial, frozen).hold(fraction)
    try:
        _compile(trial)
        for side in sides:
            images, targets = dummy_batch(
                detector.num_classes, batch_size=batch_size, size=side, objects=1, compute=compute
            )
            go_through(trial, compute, images, targets)
    except RuntimeError as error:
        # what follows is where, and how to see more
        return " ".join(str(error).strip().partition("\n\n")[0].split())
    # another form that is needed later on, and fails, is computed as if nothing were compiled
    config.suppress_errors = True
    _compile(detector)
    return ""


def _compile(detector: Detector) -> None:
    for stage in detector.stages():
        cast("Any", stage).compile(dynamic=True)
