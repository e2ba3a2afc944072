"""DSSD's way back (Fu et al. 2017): fine maps multiplied with what coarse ones mean."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from detcore.zoo.parts.necks.neck import Neck, grown


class Deconvolution(Neck):
    """From the coarsest map on, a transposed convolution doubles it, and its product with the finer map, both through convolutions
    and BatchNorm, goes through ReLU. Each map ends in a prediction module, a residual block."""

    def __init__(self, inputs: Sequence[int], width: int) -> None:
        super().__init__()
        self.width = width
        self.last = _normed(inputs[-1], width, 1)
        self.laterals = nn.ModuleList(
            nn.Sequential(_normed(channels, width, 3), nn.ReLU(inplace=True), _normed(width, width, 3))
            for channels in inputs[:-1]
        )
        self.growths = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(width, width, 2, 2, bias=False), _normed(width, width, 3))
            for _ in inputs[:-1]
        )
        self.predictions = nn.ModuleList(_Prediction(width) for _ in inputs)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        made = [functional.relu(self.last(maps[-1]))]
        for lateral, growth, features in zip(
            reversed(self.laterals), reversed(self.growths), reversed(maps[:-1]), strict=True
        ):
            side = lateral(features)
            made.insert(0, functional.relu(side * grown(growth(made[0]), side)))
        return [module(features) for module, features in zip(self.predictions, made, strict=True)]


class _Prediction(nn.Module):
    """Three convolutions of 1×1 beside one, added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = max(1, width // 2)
        self.body = nn.Sequential(
            _normed(width, half, 1),
            nn.ReLU(inplace=True),
            _normed(half, half, 1),
            nn.ReLU(inplace=True),
            _normed(half, width, 1),
        )
        self.side = _normed(width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(self.body(features) + self.side(features))


def _normed(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs)
    )
