"""The learning rate over a run."""

from __future__ import annotations

import math

from detcore.zoo.spec import Schedule

FLOOR = 0.01
FINE_TUNING = 0.2
"""Of the full rate, what weights that know the task already are trained with at most."""
_WARM_UP_SHARE = 0.1
_STEPS_AT = (16 / 26, 22 / 26)
"""Epochs 16 and 22 of 26, as in torchvision's reference training of detectors."""


def rate_factor(
    *,
    step: int,
    warmup_steps: int,
    fraction: float,
    fine_tuning: bool = False,
    schedule: Schedule = "cosine",
) -> float:
    """The share of the full learning rate at a step, with ``fraction`` 0..1 of the run behind it.

    A linear warm-up over ``warmup_steps``, though over no more than a tenth of a short run, then a cosine
    down to ``FLOOR``; or with ``steps`` a tenth at each of ``_STEPS_AT``. By fraction, not by step: a run that
    is given time ends its schedule in time however fast the machine is.
    """
    warm = max((step + 1) / warmup_steps if warmup_steps else 1.0, fraction / _WARM_UP_SHARE)
    full = FINE_TUNING if fine_tuning else 1.0
    if schedule == "steps":
        falling = 0.1 ** sum(fraction >= at for at in _STEPS_AT)
    else:
        cosine = 0.5 * (1.0 + math.cos(math.pi * min(max(fraction, 0.0), 1.0)))
        falling = FLOOR + (1.0 - FLOOR) * cosine
    return full * min(warm, 1.0) * falling
