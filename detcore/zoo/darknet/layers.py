"""Darknet's layers as modules of torch. Those that make features from the ones before are called with these alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

BATCH_NORM_EPS = 1e-5
BATCH_NORM_MOMENTUM = 0.01
"""Darknet keeps 0.99 of the old statistics at each step."""


class Activation(nn.Module):
    """One of darknet's functions, by its name there."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._function = ACTIVATIONS[name]

    def forward(self, features: Tensor) -> Tensor:
        return self._function(features)

    def extra_repr(self) -> str:
        return self.name


def _lhtan(x: Tensor) -> Tensor:
    return torch.where(x < 0, 0.001 * x, torch.where(x > 1, 0.001 * (x - 1) + 1, x))


def _plse(x: Tensor) -> Tensor:
    ends = torch.where(x < 0, 0.01 * (x + 4), 0.01 * (x - 4) + 1)
    return torch.where(x.abs() > 4, ends, 0.125 * x + 0.5)


def _stair(x: Tensor) -> Tensor:
    floor = torch.floor(x)
    half = torch.floor(x / 2)
    return torch.where(floor % 2 == 0, half, x - floor + half)


def _hard_mish(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, torch.where(x > -2, x * x / 2 + x, torch.zeros_like(x)))


ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "logistic": torch.sigmoid,
    "loggy": lambda x: 2 * torch.sigmoid(x) - 1,
    "relu": functional.relu,
    "relu6": functional.relu6,
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": lambda x: functional.gelu(x, approximate="tanh"),
    "relie": lambda x: functional.leaky_relu(x, 0.01),
    "ramp": lambda x: functional.relu(x) + 0.1 * x,
    "leaky": lambda x: functional.leaky_relu(x, 0.1),
    "tanh": torch.tanh,
    "plse": _plse,
    "stair": _stair,
    "hardtan": functional.hardtanh,
    "lhtan": _lhtan,
    "swish": functional.silu,
    "mish": functional.mish,
    "hard_mish": _hard_mish,
}
"""By darknet's names; the formulas are those of its `activations.h`."""


class MaxPool(nn.Module):
    """Max pooling with ``padding`` places shared out to both sides, the odd one to the right and the bottom."""

    def __init__(self, size: int, stride: int, padding: int) -> None:
        super().__init__()
        self.size, self.stride = size, stride
        self.before, self.behind = padding // 2, padding - padding // 2

    def forward(self, features: Tensor) -> Tensor:
        around = (self.before, self.behind, self.before, self.behind)
        if any(around):
            features = functional.pad(features, around, value=-torch.inf)
        return functional.max_pool2d(features, self.size, self.stride)


class Reorg(nn.Module):
    """Places to channels as darknet does it: it reads the numbers as if there were a quarter of the channels at twice the
    sides, and writes them as if the sides were half, so that neighbours do not end up in one place."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, features: Tensor) -> Tensor:
        images, channels, height, width = features.shape
        step = self.stride
        wide = features.reshape(images, channels // step**2, height, step, width, step)
        turned = wide.permute(0, 3, 5, 1, 2, 4)
        return turned.reshape(images, channels * step**2, height // step, width // step)


class Flat(nn.Module):
    """All numbers of an image in a row, in the order of channels, rows and columns."""

    def forward(self, features: Tensor) -> Tensor:
        return features.reshape(len(features), -1)


class Local(nn.Module):
    """A convolution whose weights are others at each place.

    ``weight`` is (places, filters, channels · size²), ``bias`` (filters, height, width).
    """

    def __init__(
        self, channels: int, filters: int, size: int, stride: int, padding: int, height: int, width: int
    ) -> None:
        super().__init__()
        self.size, self.stride, self.padding = size, stride, padding
        reach = channels * size * size
        self.weight = nn.Parameter(torch.randn(height * width, filters, reach) * (2 / reach) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(filters, height, width))

    def forward(self, features: Tensor) -> Tensor:
        patches = functional.unfold(features, self.size, padding=self.padding, stride=self.stride)
        answers = torch.einsum("bip,poi->bop", patches, self.weight.to(patches.dtype))
        return answers.reshape(len(features), *self.bias.shape) + self.bias
