"""A run with weights that find something, though nothing was trained."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch
from torch import Tensor, nn

from detcore.project.runs import RunFolder
from detcore.zoo.checkpoint import Checkpoint, RunState, write_checkpoint
from detcore.zoo.detectors.reticle import Reticle
from tests.detcore.conftest import MakeRun

SIDE = 64
collect_ignore = [] if find_spec("openvino") else ["test_openvino.py"]
"""`make openvino` installs it and runs its test; else that is not collected, so that nothing is skipped."""


def coloured_squares(side: int) -> Tensor:
    """(16, 3, side, side) images of 4 × 4 squares each, in random colours."""
    return torch.rand(16, 3, 4, 4).repeat_interleave(side // 4, 2).repeat_interleave(side // 4, 3)


def wakened(detector: Reticle) -> Reticle:
    """Random weights say the same of every place until the batch norms know how large values are."""
    norms = [module for module in detector.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        detector.train().predict(coloured_squares(SIDE))
    return detector.eval()


def give_weights(
    run: RunFolder, *, class_ids: tuple[int, int] = (11, 12), keep: float | None = None
) -> RunFolder:
    """Those of Reticle S, of whose channels the share ``keep`` is left."""
    torch.manual_seed(3)
    detector = Reticle(2)
    options = {} if keep is None else {"widths": detector.prune(keep)}
    tensors = {f"ema.{name}": value for name, value in wakened(detector).state_dict().items()}
    for name, value in tensors.items():
        if name.endswith("classes.2.weight"):
            value.mul_(0.3)  # scores apart, and none of them 1
        elif name.endswith("classes.2.bias"):
            value.fill_(-0.2)
        elif name.endswith("edges.2.weight"):
            value.mul_(0.1)
        elif name.endswith("edges.2.bias"):
            value.copy_(-0.5 * torch.arange(16).repeat(4))  # boxes of a stride or two
    checkpoint = Checkpoint(
        state=RunState(step=7, best_ap=0.5),
        model="reticle-s",
        class_ids=class_ids,
        image_size=SIDE,
        config={},
        options=options,
        tensors=tensors,
    )
    write_checkpoint(checkpoint, run.best)
    return run


@pytest.fixture
def run(make_run: MakeRun) -> RunFolder:
    """On ten images of 96×64, three of them of val."""
    return give_weights(make_run(images=10, image_size=SIDE))
