"""Darknet's layers as modules of torch. Those that make features from the ones before are called with these alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from detcore.zoo.darknet.shapes.shape import Step

BATCH_NORM_EPS = 1e-5
BATCH_NORM_MOMENTUM = 0.01
"""Darknet keeps 0.99 of the old statistics at each step."""
_TINY_SUM = 1e-4


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


def _share_of_channels(x: Tensor) -> Tensor:
    """What is above 0 as a share of all that is, in each place; ``x`` (B, C, …)."""
    above = functional.relu(x)
    return above / (above.sum(dim=1, keepdim=True) + _TINY_SUM)


def _softmax_of_channels(x: Tensor) -> Tensor:
    """The softmax of each place, a little less than one in all; ``x`` (B, C, …)."""
    grown = x.exp()
    return grown / (grown.sum(dim=1, keepdim=True) + _TINY_SUM)


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
    "revleaky": lambda x: functional.leaky_relu(x, 0.1),
    "tanh": torch.tanh,
    "plse": _plse,
    "stair": _stair,
    "hardtan": functional.hardtanh,
    "lhtan": _lhtan,
    "swish": functional.silu,
    "mish": functional.mish,
    "hard_mish": _hard_mish,
    "normalize_channels": _share_of_channels,
    "normalize_channels_softmax": _softmax_of_channels,
    "normalize_channels_softmax_maxval": lambda x: _softmax_of_channels(x - x.amax(dim=1, keepdim=True)),
}
"""By darknet's names; the formulas are those of its `activations.h`."""


class Around(nn.Module):
    """A window over features with places put around them, the odd one to the right and the bottom."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.size, self.stride = step.size, (step.down, step.across)
        before = step.padding // 2
        self.around = (before, step.padding - before) * 2

    def padded(self, features: Tensor, value: float) -> Tensor:
        return functional.pad(features, self.around, value=value) if any(self.around) else features


class MaxPool(Around):
    """The largest of each window."""

    def forward(self, features: Tensor) -> Tensor:
        return functional.max_pool2d(self.padded(features, -torch.inf), self.size, self.stride)


class MeanPool(Around):
    """The mean of each window; what was put around does not count."""

    def forward(self, features: Tensor) -> Tensor:
        sums = functional.avg_pool2d(self.padded(features, 0.0), self.size, self.stride)
        counts = functional.avg_pool2d(
            self.padded(torch.ones_like(features[:1, :1]), 0.0), self.size, self.stride
        )
        return sums / counts


class Upsample(nn.Module):
    """Each place ``stride`` times in a row, times ``scale``."""

    def __init__(self, stride: int, scale: float) -> None:
        super().__init__()
        self.stride, self.scale = stride, scale

    def forward(self, features: Tensor) -> Tensor:
        larger = functional.interpolate(features, scale_factor=float(self.stride), mode="nearest")
        return larger if self.scale == 1 else larger * self.scale


class WeightedSum(nn.Module):
    """Shares of the features that a shortcut adds: ``weight`` (inputs, 1 or channels, 1, 1), all of them made
    positive and to one in sum where it ``normalizes``, by relu or softmax (fast normalized fusion of Tan et al.
    2020)."""

    def __init__(self, inputs: int, channels: int, normalization: str) -> None:
        super().__init__()
        self.normalization = normalization
        self.weight = nn.Parameter(1 + 0.01 * (2 * torch.rand(inputs, channels, 1, 1) - 1))

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """(B, C, H, W) each, times its share."""
        weight = self.weight
        if self.normalization in ("relu", "avg_relu"):
            weight = functional.relu(weight)
        elif self.normalization == "softmax":
            weight = (weight - weight.amax(dim=0, keepdim=True)).exp()
        if self.normalization != "none":
            weight = weight / (weight.sum(dim=0, keepdim=True) + _TINY_SUM)
        return [one * _first_channels(share, one) for one, share in zip(features, weight, strict=True)]


def _first_channels(share: Tensor, features: Tensor) -> Tensor:
    """A share (1 or channels, 1, 1) for features that may have other channels: those that the sum does not take
    are left out later."""
    channels = features.shape[1]
    if len(share) in (1, channels):
        return share
    if len(share) > channels:
        return share[:channels]
    return torch.cat([share, share.new_zeros(channels - len(share), 1, 1)])


class Reorg(nn.Module):
    """Places to channels as darknet does it: it reads the numbers as if there were a quarter of the channels at twice
    the sides, and writes them as if the sides were half, so that neighbours do not end up in one place."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, features: Tensor) -> Tensor:
        images, channels, height, width = features.shape
        step = self.stride
        wide = features.reshape(images, channels // step**2, height, step, width, step)
        turned = wide.permute(0, 3, 5, 1, 2, 4)
        return turned.reshape(images, channels * step**2, height // step, width // step)


class Product(nn.Module):
    """The features of two layers, times one another at each place and channel that both have."""

    def forward(self, features: list[Tensor]) -> Tensor:
        first, second = features
        return first * second

    def multiply_adds(self, output: Tensor) -> int:
        """Of the call that gave this."""
        return output.numel()


class Flat(nn.Module):
    """All numbers of an image in a row, in the order of channels, rows and columns."""

    def forward(self, features: Tensor) -> Tensor:
        return features.flatten(1)


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
        return answers.reshape(-1, *self.bias.shape) + self.bias

    def multiply_adds(self, output: Tensor) -> int:
        """Of the call that gave this: each weight is used once an image."""
        return len(output) * self.weight.numel()
