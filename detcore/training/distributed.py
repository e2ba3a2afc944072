"""Several processes, one a GPU, started by torchrun: who we are, and how all keep in step.

Without torchrun there is one process and every call here is free.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """This process is number ``rank`` of ``world_size``, number ``local_rank`` of ``local_world_size`` on its
    machine."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that speaks, judges and writes."""
        return self.rank == 0

    def agree(self, *values: float, device: torch.device) -> tuple[float, ...]:
        """The leader's values, in every process."""
        if self.world_size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=device)
        distributed.broadcast(tensor, src=0)
        return tuple(float(value) for value in tensor)

    def wrap(self, detector: nn.Module, device: torch.device) -> nn.Module:
        """The detector with its gradients averaged over all processes."""
        if self.world_size == 1:
            return detector
        ids = [device] if device.type == "cuda" else None
        return DistributedDataParallel(detector, device_ids=ids)

    def close(self) -> None:
        if self.world_size > 1:
            distributed.destroy_process_group()


def join_group(*, cuda: bool) -> Group:
    """The group that torchrun's environment describes; alone without it."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        return Group()
    distributed.init_process_group("nccl" if cuda else "gloo")
    return Group(
        rank=int(os.environ["RANK"]),
        world_size=world_size,
        local_rank=int(os.environ.get("LOCAL_RANK", "0")),
        local_world_size=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
    )
