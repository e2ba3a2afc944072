"""EfficientDet's head (Tan et al. 2020): convolutions that all levels share, with a BatchNorm for each level."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import cast

from torch import Tensor, nn

from detcore.zoo.parts.blocks import SeparableConv
from detcore.zoo.parts.heads.dense_head import joined, rows_of


class SeparableHead(nn.Module):
    """Maps (B, ``width``, rows, columns), fine ones first, to (B, A, ``numbers``), fp32, for ``each`` anchors of a cell: ``depth``
    convolutions split by channel, then one that answers. Features of one level are spread otherwise than those of another, so each
    has statistics of its own. It begins with answers near ``begin``.

    Tensors are called as in the published files of EfficientDet; those have a ``bias`` before each BatchNorm too.
    """

    def __init__(
        self,
        width: int,
        numbers: int,
        *,
        each: int,
        levels: int,
        depth: int = 3,
        activation: Callable[[], nn.Module] = nn.SiLU,
        bias: bool = False,
        begin: float = 0.0,
    ) -> None:
        super().__init__()
        self.numbers = numbers
        self.conv_rep = nn.ModuleList(SeparableConv(width, width, bias=bias) for _ in range(depth))
        self.bn_rep = nn.ModuleList(nn.ModuleList(_norm(width) for _ in range(levels)) for _ in range(depth))
        self.act = activation()
        self.predict = SeparableConv(width, each * numbers, bias=True)
        nn.init.normal_(self.predict.conv_pw.weight, std=0.01)
        nn.init.constant_(cast("Tensor", self.predict.conv_pw.bias), begin)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        answers: list[Tensor] = []
        for level, features in enumerate(maps):
            for convolution, norms in zip(self.conv_rep, self.bn_rep, strict=True):
                features = self.act(cast("nn.ModuleList", norms)[level](convolution(features)))
            answers.append(rows_of(self.predict(features), self.numbers))
        return joined(answers)


def _norm(width: int) -> nn.Module:
    return nn.Sequential(OrderedDict(bn=nn.BatchNorm2d(width, eps=1e-3, momentum=0.03)))
