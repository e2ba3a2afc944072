"""How a run stood before a step that is under way, for a process that must end within it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

from detcore.zoo.checkpoint import RunState, random_tensors


@dataclass(frozen=True, slots=True)
class Standing:
    """Copies of all that a step changes before it is done. The weights themselves, and what the optimiser knows, change
    at its end alone."""

    state: RunState
    buffers: Mapping[str, Tensor]
    random: Mapping[str, Tensor]

    @classmethod
    def of(cls, detector: nn.Module, state: RunState) -> Standing:
        parameters = {name for name, _ in detector.named_parameters()}
        kept = detector.state_dict().items()
        return cls(
            state=replace(state),
            buffers={name: tensor.clone() for name, tensor in kept if name not in parameters},
            random=random_tensors(),
        )
