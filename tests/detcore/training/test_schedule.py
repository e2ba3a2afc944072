"""Learning rates over a run are those of torch's own schedulers, and arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
)

from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import Event, Log
from detcore.jobs.settings.optimisation import Optimisation
from detcore.training.patience import PatienceHook
from detcore.training.schedule import RateSchedule, make_schedule
from detcore.training.trainer import Trainer
from detcore.zoo.checkpoint import RunState

STEPS = 1000


def torchs(make: Callable[[Optimizer], LRScheduler]) -> list[float]:
    """The rates that a scheduler of torch gives in ``STEPS`` steps, of a full rate of 1."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimiser)
    rates: list[float] = []
    for _ in range(STEPS):
        rates.append(float(optimiser.param_groups[0]["lr"]))
        optimiser.step()
        scheduler.step()
    return rates


def ours(schedule: RateSchedule, *, last: int = STEPS) -> list[float]:
    return [schedule.factor(step=step, fraction=step / last) for step in range(STEPS)]


def test_the_cosine_is_torchs() -> None:
    rates = torchs(lambda optimiser: CosineAnnealingLR(optimiser, STEPS, eta_min=0.05))
    assert ours(RateSchedule(kind="cosine", warmup_steps=0, floor=0.05))[100:] == pytest.approx(rates[100:])


def test_the_line_is_torchs() -> None:
    rates = torchs(lambda optimiser: LinearLR(optimiser, 1.0, 0.2, total_iters=STEPS))
    assert ours(RateSchedule(kind="linear", warmup_steps=0, floor=0.2)) == pytest.approx(rates)


def test_steps_fall_at_their_milestones_as_torchs_do() -> None:
    rates = torchs(lambda optimiser: MultiStepLR(optimiser, [300, 600, 900], gamma=0.5))
    schedule = RateSchedule(kind="steps", warmup_steps=0, milestones=(0.3, 0.6, 0.9), drop=0.5)
    assert ours(schedule) == pytest.approx(rates)


def test_hold_is_torchs_constant_rate_and_then_its_linear_one() -> None:
    rates = torchs(
        lambda optimiser: SequentialLR(
            optimiser,
            [ConstantLR(optimiser, 1.0), LinearLR(optimiser, 1.0, 0.1, total_iters=STEPS * 3 // 4)],
            milestones=[STEPS // 4],
        )
    )
    assert ours(RateSchedule(kind="hold", warmup_steps=0, hold=0.25, floor=0.1)) == pytest.approx(rates)


def test_hold_until_the_end_never_falls() -> None:
    schedule = RateSchedule(kind="hold", warmup_steps=0, hold=1.0)
    assert [schedule.factor(step=10, fraction=t) for t in (0.2, 0.99, 1.0)] == [1.0] * 3


def test_one_cycle_is_torchs_and_has_no_other_warm_up() -> None:
    # torch counts its phases in steps from 0 to total - 1, which shifts them by up to one step of a thousand.
    rates = torchs(lambda optimiser: OneCycleLR(optimiser, 1.0, total_steps=STEPS + 1, final_div_factor=4))
    schedule = RateSchedule(kind="one-cycle", warmup_steps=500, floor=0.01)
    assert ours(schedule) == pytest.approx(rates, abs=6e-3)
    assert schedule.factor(step=0, fraction=0.0) == pytest.approx(0.04)


def test_a_constant_rate_and_an_expression_are_what_they_say() -> None:
    assert set(ours(RateSchedule(kind="constant", warmup_steps=0))) == {1.0}
    config = TrainConfig(optimisation=Optimisation(schedule="expression", rate_expression="(1 - t) ** 2"))
    assert make_schedule(config).factor(step=500, fraction=0.5) == pytest.approx(0.25)


def test_the_rate_warms_up_then_falls_as_a_cosine_to_its_floor() -> None:
    schedule = RateSchedule(kind="cosine", warmup_steps=50, floor=0.01)
    assert schedule.factor(step=0, fraction=0.0) == pytest.approx(1 / 50)
    assert schedule.factor(step=24, fraction=0.0) == pytest.approx(0.5)
    assert schedule.factor(step=500, fraction=0.5) == pytest.approx(0.505)
    assert schedule.factor(step=1000, fraction=1.0) == pytest.approx(0.01)


def test_a_rate_in_steps_falls_to_a_tenth_where_torchvision_lets_it_unless_told_where() -> None:
    # epochs 15, 17, 21 and 23 of 26
    schedule = make_schedule(TrainConfig(optimisation=Optimisation(schedule="steps")))
    factors = [schedule.factor(step=1000, fraction=epoch / 26) for epoch in (15, 17, 21, 23)]
    assert factors == pytest.approx([1.0, 0.1, 0.1, 0.01])
    told = Optimisation(schedule="steps", milestones="0.25, 0.5", rate_drop=0.5)
    schedule = make_schedule(TrainConfig(optimisation=told))
    factors = [schedule.factor(step=1000, fraction=fraction) for fraction in (0.2, 0.3, 0.6)]
    assert factors == pytest.approx([1.0, 0.5, 0.25])


@pytest.mark.parametrize("text", ["a", "0.5, 0.5", "0.8, 0.2", "0", "1", "2"])
def test_milestones_that_are_no_rising_shares_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="milestones"):
        Optimisation(milestones=text)


def test_a_run_of_few_steps_has_a_short_warm_up() -> None:
    # 0.01 + 0.99 * (1 + cos(0.1 pi)) / 2, by hand
    assert RateSchedule().factor(step=1, fraction=0.1) == pytest.approx(0.97577, abs=1e-5)


class Judged:
    """What a hook sees of a trainer."""

    def __init__(self, chosen: Optimisation, state: RunState) -> None:
        self.config = TrainConfig(optimisation=chosen)
        self.state = state
        self.ended = False

    def end_early(self) -> None:
        self.ended = True


APS = [0.1, 0.2, 0.2, 0.15, 0.19, 0.3, 0.3, 0.29, 0.28, 0.27, 0.26, 0.25, 0.24, 0.31, 0.3]


def test_on_a_plateau_the_rate_falls_when_torchs_does_also_over_a_resume() -> None:
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = ReduceLROnPlateau(optimiser, mode="max", factor=0.5, patience=2, threshold=0.0, min_lr=0.2)
    chosen = Optimisation(schedule="plateau", plateau_patience=2, rate_drop=0.5, rate_floor=0.2)
    schedule = make_schedule(TrainConfig(optimisation=chosen))
    told: list[Event] = []
    state = RunState()
    for number, ap in enumerate(APS):
        if number % 4 == 0:  # a process of its own goes on from the state alone
            hook = PatienceHook(told.append)
        hook.after_validation(_trainer(Judged(chosen, state)), ap)
        scheduler.step(ap)
        wanted = float(optimiser.param_groups[0]["lr"])
        assert schedule.factor(step=10**6, fraction=0.5, drops=state.rate_drops) == pytest.approx(wanted)
    assert wanted < 1.0


def test_a_run_ends_early_after_so_many_validations_without_a_better_ap_and_says_so() -> None:
    told: list[Event] = []
    judged = Judged(Optimisation(stop_after=3), RunState())
    ended = []
    for ap in APS[:9]:
        PatienceHook(told.append).after_validation(_trainer(judged), ap)
        ended.append(judged.ended)
    # the AP of 0.2 is followed by three that are no better
    assert ended.index(True) == 4
    assert isinstance(told[0], Log)
    assert told[0].text == "Ended early: 3 validations in a row brought no better AP than 0.200."


def _trainer(judged: Judged) -> Trainer:
    return judged  # type: ignore[return-value]
