"""Muon for hidden convolutions, AdamW beside it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.learning import Learning
from detcore.jobs.settings.optimisation import Optimisation
from detcore.training.optimisers import Muon, hidden_convolutions, make_optimiser, orthogonal
from detcore.training.schedule import make_schedule
from detcore.zoo.base import Detector, Look, Target
from detcore.zoo.building import build_detector
from detcore.zoo.checkpoint import optimiser_tensors, restore_optimiser
from detcore.zoo.specs import reticle

CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [(3, 6, 20), (2, 20, 6), (1, 16, 16)])
def test_orthogonal_matrices_keep_their_singular_vectors_and_have_values_near_one(
    shape: tuple[int, int, int],
) -> None:
    given = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found = orthogonal([given])[0].numpy()
    left, values, right = np.linalg.svd(given.numpy(), full_matrices=False)
    assert values.max() / values.min() > 2
    inside = np.einsum("nij,nik,nlk->njl", left, found, right)
    diagonal = np.diagonal(inside, axis1=1, axis2=2)
    assert diagonal.min() > 0.6
    assert diagonal.max() < 1.3
    assert np.abs(inside - diagonal[:, :, None] * np.eye(inside.shape[1])).max() < 0.05


def test_the_singular_values_of_orthogonal_matrices_are_those_of_the_iteration() -> None:
    """Each singular value goes five times through the polynomial of Jordan et al. (2024), worked out here in float64; one
    of a thousandth of the largest as well."""
    generator = torch.Generator().manual_seed(1)
    stacks = [torch.randn(shape, generator=generator) for shape in ((3, 6, 20), (2, 20, 6), (1, 16, 16))]
    stacks[0][1, 0] *= 1000
    for given, found in zip(stacks, orthogonal(stacks), strict=True):
        left, values, right = np.linalg.svd(given.double().numpy(), full_matrices=False)
        values /= np.sqrt((values**2).sum(axis=1, keepdims=True))
        for _ in range(5):
            values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
        np.testing.assert_allclose(found.numpy(), (left * values[:, None]) @ right, atol=2e-4)


def test_of_nothing_nothing_becomes_orthogonal() -> None:
    """A layer that got no gradient stands still."""
    (found,) = orthogonal([torch.zeros(2, 4, 9)])
    assert torch.equal(found, torch.zeros(2, 4, 9))


def test_what_is_no_matrix_steps_as_with_torchs_adamw() -> None:
    torch.manual_seed(0)
    own = nn.Linear(5, 3)
    peer = copy.deepcopy(own)
    ours = Muon([{"params": list(own.parameters()), "weight_decay": 0.1}], lr=0.01)
    theirs = torch.optim.AdamW(peer.parameters(), lr=0.01, weight_decay=0.1)
    for step in range(4):
        for net, optimiser in ((own, ours), (peer, theirs)):
            optimiser.zero_grad()
            torch.autograd.backward(net(torch.full((2, 5), 1.0 + step)).square().sum())
            optimiser.step()
    torch.testing.assert_close(own.weight, peer.weight)
    torch.testing.assert_close(own.bias, peer.bias)


def test_a_matrix_goes_as_far_in_every_direction_and_decays() -> None:
    weight = nn.Parameter(torch.ones(2, 4, 1, 1))
    optimiser = Muon([{"params": [weight], "weight_decay": 0.5, "matrix": True}], lr=0.1)
    # Two rows at right angles, one a hundred times as long: both go about 0.1.
    gradient = torch.tensor([[100.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    weight.grad = gradient.reshape(2, 4, 1, 1)
    optimiser.step()
    change = weight.detach().reshape(2, 4) - 0.95  # 1 - 0.1 * 0.5
    assert -0.13 < float(change[0, 0]) < -0.06
    assert float(change[1, 1]) < -0.02
    assert change[:, 2:].abs().max() < 1e-3


def test_hidden_convolutions_are_neither_the_first_nor_those_that_answer() -> None:
    detector = build_detector("reticle-s", num_classes=2, image_size=64, options={})
    names = hidden_convolutions(detector)
    assert "backbone.stem.0.0.weight" not in names  # of three channels
    assert "backbone.stem.1.0.weight" in names
    assert "heads.0.classes.0.0.weight" in names
    assert "heads.0.classes.2.weight" not in names
    assert all(dict(detector.named_parameters())[name].ndim == 4 for name in names)


def test_a_run_that_began_with_adamw_goes_on_with_muon() -> None:
    detector = build_detector("reticle-s", num_classes=2, image_size=64, options={})
    before = torch.optim.AdamW(detector.parameters(), lr=1e-3)
    for parameter in detector.parameters():
        parameter.grad = torch.ones_like(parameter)
    before.step()
    optimiser = make_optimiser(detector, reticle.S.recipe, device=CPU)
    restore_optimiser(optimiser, detector, optimiser_tensors(before, detector))
    state = optimiser.state[next(detector.parameters())]
    assert float(state["step"]) == 1.0
    torch.testing.assert_close(state["exp_avg"], torch.full_like(state["exp_avg"], 0.1))
    optimiser.step()
    assert all(torch.isfinite(parameter).all() for parameter in detector.parameters())


class OneLayer(Detector):
    """A detector of one layer without bias."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 3, bias=False)

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        raise NotImplementedError

    def look(self, images: Tensor) -> list[Look]:
        raise NotImplementedError


CHOSEN: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.01),
    "adamw": lambda params: torch.optim.AdamW(params, lr=0.1, weight_decay=0.01),
    "adam": lambda params: torch.optim.Adam(params, lr=0.1, weight_decay=0.01),
    "nadam": lambda params: torch.optim.NAdam(params, lr=0.1, weight_decay=0.01, decoupled_weight_decay=True),
    "radam": lambda params: torch.optim.RAdam(params, lr=0.1, weight_decay=0.01, decoupled_weight_decay=True),
    "rmsprop": lambda params: torch.optim.RMSprop(params, lr=0.1, weight_decay=0.01),
    "adagrad": lambda params: torch.optim.Adagrad(params, lr=0.1, weight_decay=0.01),
    "adamax": lambda params: torch.optim.Adamax(params, lr=0.1, weight_decay=0.01),
    "adadelta": lambda params: torch.optim.Adadelta(params, lr=0.1, rho=0.7, weight_decay=0.01),
    "adafactor": lambda params: torch.optim.Adafactor(params, lr=0.1, weight_decay=0.01),
    "asgd": lambda params: torch.optim.ASGD(params, lr=0.1, weight_decay=0.01),
    "rprop": lambda params: torch.optim.Rprop(params, lr=0.1, step_sizes=(1e-6, 0.11)),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_an_optimiser_that_is_chosen_steps_as_torchs_does_also_after_a_resume(name: str) -> None:
    torch.manual_seed(0)
    chosen = Optimisation(optimiser=name, momentum=0.8, nesterov=True, rho=0.7, largest_step=0.11)
    config = TrainConfig(optimisation=chosen)

    def made(detector: OneLayer) -> torch.optim.Optimizer:
        return make_optimiser(detector, config.recipe, learning_rate=0.1, weight_decay=0.01, device=CPU)

    detector = OneLayer()
    optimiser = made(detector)
    wanted = torch.nn.Parameter(detector.layer.weight.detach().clone())
    theirs = CHOSEN[name]([wanted])
    for step in range(6):
        if step == 3:
            saved = optimiser_tensors(optimiser, detector)
            optimiser = made(detector)
            restore_optimiser(optimiser, detector, saved)
        gradient = torch.randn_like(wanted)
        detector.layer.weight.grad, wanted.grad = gradient.clone(), gradient.clone()
        optimiser.step()
        theirs.step()
    torch.testing.assert_close(detector.layer.weight, wanted)


def test_an_optimiser_of_another_kind_brings_its_own_rate_and_decay() -> None:
    own = reticle.S.recipe
    assert TrainConfig().recipe == own
    adamw = TrainConfig(optimisation=Optimisation(optimiser="adamw")).recipe
    assert (adamw.learning_rate, adamw.weight_decay) == (own.learning_rate, own.weight_decay)
    sgd = TrainConfig(optimisation=Optimisation(optimiser="sgd")).recipe
    assert (sgd.learning_rate, sgd.weight_decay) == (0.01, 5e-4)


def test_rprop_begins_with_the_whole_rate_though_others_warm_up() -> None:
    """torch takes the rate at the first step for the length of it."""
    rprop, adamw = (TrainConfig(optimisation=Optimisation(optimiser=name)) for name in ("rprop", "adamw"))
    assert make_schedule(rprop).factor(step=0, fraction=0.0) == 1.0
    assert make_schedule(adamw).factor(step=0, fraction=0.0) == 1 / 50
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.ones(1)
    torch.optim.Rprop([weight], lr=0.01 * make_schedule(rprop).factor(step=0, fraction=0.0)).step()
    assert float(weight.detach()) == pytest.approx(-0.01)


def test_rprop_has_no_weight_decay() -> None:
    config = TrainConfig(optimisation=Optimisation(optimiser="rprop"), learning=Learning(weight_decay=0.01))
    with pytest.raises(ConfigError, match="Rprop has no weight decay"):
        config.check()
    replace(config, learning=Learning(weight_decay=0.0)).check()


def test_rates_by_layer_are_read_from_a_text_over_those_of_the_recipe() -> None:
    chosen = Optimisation(rate_groups="backbone.=0.1, heads. = 2")
    recipe = chosen.applied_to(replace(reticle.S.recipe, rate_groups={"backbone.": 0.5, "neck.": 3.0}))
    assert recipe.rate_groups == {"backbone.": 0.1, "heads.": 2.0, "neck.": 3.0}


@pytest.mark.parametrize("text", ["backbone.", "=1", "backbone.=x", "backbone.=-1", "a.=nan"])
def test_rates_by_layer_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="rate_groups"):
        Optimisation(rate_groups=text)


def test_nesterov_without_momentum_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a momentum"):
        Optimisation(nesterov=True, momentum=0.0)
