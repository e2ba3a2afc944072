"""The learning rate over a run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.expression import Expression
from detcore.zoo.spec import Schedule

FINE_TUNING = 0.2
"""Of the full rate, what weights that know the task already are trained with at most."""
_WARM_UP_SHARE = 0.1
_CYCLE_START, _CYCLE_RISES = 1 / 25, 0.3
"""Where one cycle begins and how long it rises (Smith and Topin 2018, as torch has it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSchedule:
    """Which share of the full learning rate is taken when.

    A linear warm-up over ``warmup_steps``, though over no more than a tenth of a short run, then the course that
    ``kind`` names. By fraction, not by step: a run that is given time ends its schedule in time however fast the
    machine is. One cycle is a warm-up itself.
    """

    kind: Schedule = "cosine"
    warmup_steps: int = 50
    floor: float = 0.01
    hold: float = 0.5
    milestones: tuple[float, ...] = (16 / 26, 22 / 26)
    drop: float = 0.1
    expression: Expression | None = None

    def factor(self, *, step: int, fraction: float, drops: int = 0, fine_tuning: bool = False) -> float:
        """The share at a step, with ``fraction`` 0..1 of the run behind it, after so many ``drops`` on plateaus."""
        warm = max((step + 1) / self.warmup_steps if self.warmup_steps else 1.0, fraction / _WARM_UP_SHARE)
        warm = 1.0 if self.kind == "one-cycle" else min(warm, 1.0)
        full = FINE_TUNING if fine_tuning else 1.0
        return full * warm * self._course(step, min(max(fraction, 0.0), 1.0), drops)

    def _course(self, step: int, t: float, drops: int) -> float:
        match self.kind:
            case "hold":
                held = min(self.hold, t)
                return 1.0 if t == held else 1.0 + (self.floor - 1.0) * (t - held) / (1.0 - held)
            case "cosine":
                return _ease(1.0, self.floor, t)
            case "linear":
                return 1.0 + (self.floor - 1.0) * t
            case "steps":
                return self.drop ** sum(t >= at for at in self.milestones)
            case "one-cycle":
                if t < _CYCLE_RISES:
                    return _ease(_CYCLE_START, 1.0, t / _CYCLE_RISES)
                return _ease(1.0, self.floor, (t - _CYCLE_RISES) / (1.0 - _CYCLE_RISES))
            case "plateau":
                return max(self.floor, self.drop**drops)
            case "constant":
                return 1.0
            case "expression":
                assert self.expression is not None
                return self.expression.at(t, step)


def make_schedule(config: TrainConfig) -> RateSchedule:
    """The schedule that the settings describe. Rprop takes the first rate for its first steps, and none after: a warm-up would
    only begin with shorter ones."""
    chosen, kind = config.optimisation, config.recipe.schedule
    return RateSchedule(
        kind=kind,
        warmup_steps=0 if config.recipe.optimiser == "rprop" else config.learning.warmup_steps,
        floor=chosen.rate_floor,
        hold=chosen.hold_until,
        milestones=chosen.milestone_shares(),
        drop=chosen.rate_drop,
        expression=config.expression if kind == "expression" else None,
    )


def _ease(start: float, end: float, t: float) -> float:
    """From start to end along half a cosine."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * t))
