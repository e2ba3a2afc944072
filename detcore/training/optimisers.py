"""What turns gradients into steps: the optimisers of the recipes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from detcore.errors import ConfigError
from detcore.zoo.base import Detector
from detcore.zoo.running import full_precision
from detcore.zoo.spec import Recipe

_MATRIX_MOMENTUM = 0.95
_BETAS, _EPSILON = (0.9, 0.999), 1e-8
_SMALLEST_STEP = 1e-6
_QUINTIC, _QUINTIC_STEPS = (3.4445, -4.7750, 2.0315), 5


def make_optimiser(
    detector: Detector,
    recipe: Recipe,
    *,
    learning_rate: float | None = None,
    weight_decay: float | None = None,
    device: torch.device,
) -> torch.optim.Optimizer:
    """The optimiser of the recipe, with its rate and decay where none are given; norms and biases do not decay.

    Each of its groups has a ``share`` of the learning rate, as the recipe's ``rate_groups`` say.

    Raises:
        ConfigError: no parameter has a name that one of them begins.
    """
    rate = recipe.learning_rate if learning_rate is None else learning_rate
    decay = recipe.weight_decay if weight_decay is None else weight_decay
    named = dict(detector.named_parameters())
    for start in recipe.rate_groups:
        if not any(name.startswith(start) for name in named):
            starts = ", ".join(dict.fromkeys(f"{name.partition('.')[0]}." for name in named))
            raise ConfigError(
                f"no parameter's name begins with {start!r}, a rate group",
                hint=f"Names begin with {starts}",
            )
    matrices = hidden_convolutions(detector) if recipe.optimiser == "muon" else set[str]()
    groups: dict[tuple[float, bool, bool], dict[str, Any]] = {}
    for name, parameter in named.items():
        share, decays, matrix = recipe.rate_share(name), parameter.ndim > 1, name in matrices
        if matrix:
            share *= recipe.matrix_rate / recipe.learning_rate
        group: dict[str, Any] = {
            "params": [],
            "lr": rate * share,
            "weight_decay": decay * decays,
            "share": share,
            "matrix": matrix,
        }
        groups.setdefault((share, decays, matrix), group)["params"].append(parameter)
    return _make(recipe, list(groups.values()), rate=rate, device=device)


def _make(
    recipe: Recipe, groups: list[dict[str, Any]], *, rate: float, device: torch.device
) -> torch.optim.Optimizer:
    fused = device.type in ("cpu", "cuda")
    match recipe.optimiser:
        case "muon":
            return Muon(groups, lr=rate)
        case "sgd":
            return torch.optim.SGD(groups, lr=rate, momentum=recipe.momentum, nesterov=recipe.nesterov)
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, fused=fused)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, fused=fused)
        case "nadam":
            return torch.optim.NAdam(groups, lr=rate, decoupled_weight_decay=True)
        case "radam":
            return torch.optim.RAdam(groups, lr=rate, decoupled_weight_decay=True)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate)
        case "adagrad":
            return torch.optim.Adagrad(groups, lr=rate)
        case "adamax":
            return torch.optim.Adamax(groups, lr=rate)
        case "adadelta":
            return torch.optim.Adadelta(groups, lr=rate, rho=recipe.rho)
        case "adafactor":
            return torch.optim.Adafactor(groups, lr=rate)
        case "asgd":
            return torch.optim.ASGD(groups, lr=rate)
        case "rprop":
            sizes = (min(_SMALLEST_STEP, recipe.largest_step), recipe.largest_step)
            return torch.optim.Rprop(groups, lr=rate, step_sizes=sizes)


def hidden_convolutions(detector: nn.Module) -> set[str]:
    """Names of the weights between the first layer and the answers: of convolutions over more than three channels
    that a norm follows, so that they have no bias, and that mix channels."""
    layers = cast("Iterable[tuple[str, nn.Module]]", detector.named_modules())
    return {
        f"{name}.weight"
        for name, layer in layers
        if isinstance(layer, nn.Conv2d) and layer.bias is None and layer.in_channels > 3 and layer.groups == 1
    }


def orthogonal(stacks: Sequence[Tensor]) -> list[Tensor]:
    """Stacks of matrices (N, R, C) with the singular vectors of those given and singular values near 1 (0.7 to 1.2).

    Five steps of a quintic Newton-Schulz iteration (Jordan et al. 2024), a X + b (X Xᵀ) X + c (X Xᵀ)² X. All that a step
    multiplies X by is a polynomial of X Xᵀ, so that the steps are done with the smaller of the two Gram matrices, and
    X is multiplied by their product once: on a processor half the time of the plain iteration. It needs fp32, since each
    step makes an error of the small values twelve times as large. Gram matrices of one size are dealt with together.
    """
    with full_precision():
        return _orthogonal(stacks)


def _orthogonal(stacks: Sequence[Tensor]) -> list[Tensor]:
    wide = [stack.mT if stack.shape[1] > stack.shape[2] else stack for stack in stacks]
    wide = [stack / (_length(stack) + 1e-7) for stack in wide]
    sizes: dict[int, list[int]] = defaultdict(list)
    for at, stack in enumerate(wide):
        sizes[stack.shape[1]].append(at)
    found = dict[int, Tensor]()
    for places in sizes.values():
        grams = torch.cat([torch.bmm(wide[at], wide[at].mT) for at in places])
        factors = torch.split(_newton_schulz(grams), [len(wide[at]) for at in places])
        found |= {at: torch.bmm(factor, wide[at]) for at, factor in zip(places, factors, strict=True)}
    return [found[at].mT if stack.shape[1] > stack.shape[2] else found[at] for at, stack in enumerate(stacks)]


def _length(stack: Tensor) -> Tensor:
    """(N, 1, 1) that of each matrix."""
    return stack.square().sum(dim=(1, 2), keepdim=True).sqrt()


def _newton_schulz(grams: Tensor) -> Tensor:
    """What the steps multiply matrices by that have these Gram matrices (N, R, R)."""
    a, b, c = _QUINTIC
    product: Tensor | None = None
    for step in range(_QUINTIC_STEPS):
        factor = torch.baddbmm(grams, grams, grams, beta=b, alpha=c)
        factor.diagonal(dim1=1, dim2=2).add_(a)
        product = factor if product is None else torch.bmm(factor, product)
        if step < _QUINTIC_STEPS - 1:
            grams = torch.bmm(torch.bmm(factor, grams), factor)
    assert product is not None
    return product


class Muon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) for groups with ``matrix`` true, AdamW for the others.

    A convolution (O, I, kH, kW) is taken for a matrix (O, I kH kW); torch's own takes no convolutions. Those of one
    shape are made orthogonal together. Moments have AdamW's names, so that a run begun with AdamW can go on.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, lr: float) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0, "matrix": False})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step along the gradients."""
        for group in self.param_groups:
            having = [parameter for parameter in group["params"] if parameter.grad is not None]
            if group["matrix"]:
                self._matrix_step(having, rate=group["lr"], decay=group["weight_decay"])
            elif having:
                self._plain_step(having, rate=group["lr"], decay=group["weight_decay"])

    def _matrix_step(self, parameters: list[Tensor], *, rate: float, decay: float) -> None:
        shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
        for parameter in parameters:
            shapes[parameter.shape].append(parameter)
        stacks = [
            torch.stack([self._direction(parameter).flatten(1) for parameter in alike])
            for alike in shapes.values()
        ]
        for alike, changes in zip(shapes.values(), orthogonal(stacks), strict=True):
            rows, columns = changes.shape[1:]
            scale = max(1.0, rows / columns) ** 0.5
            for parameter, change in zip(alike, changes, strict=True):
                parameter.mul_(1.0 - rate * decay)
                parameter.add_(change.reshape(parameter.shape), alpha=-rate * scale)

    def _direction(self, parameter: Tensor) -> Tensor:
        """The gradient with Nesterov's momentum, as a running mean."""
        gradient = parameter.grad
        assert gradient is not None
        state = self.state[parameter]
        if "exp_avg" not in state:
            state["exp_avg"] = torch.zeros_like(parameter)
        mean: Tensor = state["exp_avg"].lerp_(gradient, 1.0 - _MATRIX_MOMENTUM)
        return gradient.lerp(mean, _MATRIX_MOMENTUM)

    def _plain_step(self, parameters: list[Tensor], *, rate: float, decay: float) -> None:
        for parameter in parameters:
            state = self.state[parameter]
            for name in ("exp_avg", "exp_avg_sq"):
                if name not in state:
                    state[name] = torch.zeros_like(parameter)
            if "step" not in state:
                state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
        states = [self.state[parameter] for parameter in parameters]
        adamw(
            parameters,
            [parameter.grad for parameter in parameters if parameter.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=_BETAS[0],
            beta2=_BETAS[1],
            lr=rate,
            weight_decay=decay,
            eps=_EPSILON,
            maximize=False,
        )
