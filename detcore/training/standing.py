"""How a run stood before a step that is under way, for a process that must end within it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from detcore.zoo.checkpoint import RunState, random_tensors


@dataclass(frozen=True, slots=True)
class Standing:
    """Copies of all that a step changes before it is done. The weights themselves, and what the optimiser knows, change
    at its end alone."""

    state: RunState
    buffers: Mapping[str, Tensor]
    random: Mapping[str, Tensor]


class Keeper:
    """Keeps how a run stands before each step, in the same memory, since a step may take little more than making new
    copies: a small detector has hundreds of buffers."""

    def __init__(self, detector: nn.Module) -> None:
        parameters = {name for name, _ in detector.named_parameters()}
        buffers = {name: value for name, value in detector.state_dict().items() if name not in parameters}
        self._copies = {name: buffer.clone() for name, buffer in buffers.items()}
        self._buffers = list(buffers.values())
        self._kept = list(self._copies.values())

    def standing(self, state: RunState) -> Standing:
        """As it is now; what was kept before is gone."""
        if self._kept:
            torch._foreach_copy_(self._kept, self._buffers)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
        return Standing(replace(state), self._copies, random_tensors())
