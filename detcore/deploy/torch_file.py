"""Files of ``torch.export``, and the program from which other formats are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from detcore.data.tensors import to_tensor
from detcore.deploy.running import Floats, Run
from detcore.zoo.base import DenseNet

_EXAMPLES = 2
"""Images while the graph is recorded; with one torch would take the batch for fixed."""


class _Named(nn.Module):
    """Puts "net." before the names of all weights, so that none of them is that of an input or output."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        boxes, scores = self.net(images)
        return boxes, scores


def record(dense: DenseNet) -> ExportedProgram:
    """The graph of the network for any number of images of its one size."""
    images = torch.zeros(_EXAMPLES, 3, dense.side, dense.side)
    shapes = {"images": {0: Dim("batch", min=1)}}
    with torch.no_grad():
        return torch.export.export(_Named(dense.net).eval(), (images,), dynamic_shapes=shapes)


def write_torch(program: ExportedProgram, path: Path) -> None:
    torch.export.save(program, path)  # pyright: ignore[reportUnknownMemberType]


def run_torch(path: Path) -> Run:
    """The file, read again."""
    program = torch.export.load(path)  # pyright: ignore[reportUnknownMemberType]
    return run_module(program.module())


def run_module(module: Any) -> Run:
    """A module of torch that gives boxes and scores."""

    def run(images: Floats) -> tuple[Floats, ...]:
        with torch.inference_mode():
            answers = cast("tuple[torch.Tensor, ...]", module(to_tensor(images)))
        return tuple(answer.numpy() for answer in answers)

    return run
