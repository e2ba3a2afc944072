"""The learning rate over a run."""

from __future__ import annotations

import math

FLOOR = 0.01
FINE_TUNING = 0.2
"""Of the full rate, what weights that know the task already are trained with at most."""
_WARM_UP_SHARE = 0.1


def rate_factor(*, step: int, warmup_steps: int, fraction: float, fine_tuning: bool = False) -> float:
    """The share of the full learning rate at a step, with ``fraction`` 0..1 of the run behind it.

    A linear warm-up over ``warmup_steps``, though over no more than a tenth of a short run, then a cosine
    down to ``FLOOR``. By fraction, not by step: a run that is given time ends its cosine in time however
    fast the machine is.
    """
    warm = max((step + 1) / warmup_steps if warmup_steps else 1.0, fraction / _WARM_UP_SHARE)
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(max(fraction, 0.0), 1.0)))
    full = FINE_TUNING if fine_tuning else 1.0
    return full * min(warm, 1.0) * (FLOOR + (1.0 - FLOOR) * cosine)
