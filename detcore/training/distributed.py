"""Several processes, one a device, in torchrun's environment: who we are, how all keep in step, and what they hand
each other.

Without that environment there is one process and every call here is free. What is said goes over gloo, also between
GPUs; only gradients take NCCL, where there is one.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous  # pyright: ignore[reportUnknownVariableType]
from torch.nn.parallel import DistributedDataParallel

from detcore.errors import ReticleError
from detcore.jobs.devices import process_count, process_rank
from detcore.zoo.parts.divisor import shared_divisors

_PATIENCE = timedelta(hours=1)
"""How long a process waits for the others: while the first one judges or writes, or has more images to look at. That
one has died is noticed at once, by its connections."""
_SMALL_BATCH = 8
"""Of fewer images statistics are too noisy to normalise by."""
_PEER_WORDS = ("gloo/", "nccl", "connection closed by peer", "connection reset by peer", "broken pipe")


class PeerLostError(ReticleError):
    """Another process of the job is gone, and says itself why."""


class _Step(DistributedDataParallel):
    """Losses of a step that all processes make together."""

    def forward(self, *inputs: Any, **named: Any) -> Any:
        with shared_divisors():
            return cast("Any", super()).forward(*inputs, **named)


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

    def times(self, device_name: str) -> str:
        """What all compute on, where all are alike: ``2 × NVIDIA H200``."""
        return device_name if self.world_size == 1 else f"{self.world_size} × {device_name}"

    def agree(self, *values: float) -> tuple[float, ...]:
        """The leader's values, in every process."""
        if self.world_size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64)
        distributed.broadcast(tensor, src=0)
        return tuple(float(value) for value in tensor)

    def highest(self, *values: float) -> tuple[float, ...]:
        """The highest that any process has of each value, in every process."""
        if self.world_size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(tensor, distributed.ReduceOp.MAX)
        return tuple(float(value) for value in tensor)

    def spread(self, content: bytes) -> bytes:
        """The leader's bytes, in every process; what the others give is passed over."""
        if self.world_size == 1:
            return content
        size = torch.tensor([len(content)], dtype=torch.int64)
        distributed.broadcast(size, src=0)
        tensor = _as_tensor(content) if self.leads else torch.empty(int(size), dtype=torch.uint8)
        if len(tensor):
            distributed.broadcast(tensor, src=0)
        return tensor.numpy().tobytes()

    def collect(self, content: bytes) -> list[bytes]:
        """In the leader the bytes of every process, by rank; in the others nothing."""
        if self.world_size == 1:
            return [content]
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.world_size)]
        distributed.all_gather(sizes, torch.tensor([len(content)], dtype=torch.int64))
        if not self.leads:
            if content:
                distributed.send(_as_tensor(content), dst=0)
            return []
        found = [content]
        for rank in range(1, self.world_size):
            tensor = torch.empty(int(sizes[rank]), dtype=torch.uint8)
            if len(tensor):
                distributed.recv(tensor, src=rank)
            found.append(tensor.numpy().tobytes())
        return found

    def wrap(self, detector: nn.Module, device: torch.device, *, batch_size: int) -> nn.Module:
        """The detector with its gradients averaged over all processes, so that they are those of one process with
        all ``world_size`` times ``batch_size`` images, as far as its losses use ``divisor``.

        On GPUs with few images each, batch norm takes its statistics of the images of all. Torch has none for that
        on the processor: there each process normalises by its own images, and the running averages
        are the leader's.
        """
        if self.world_size == 1:
            return detector
        if device.type != "cuda":
            return _Step(detector)
        if batch_size < _SMALL_BATCH:
            detector = cast("Any", nn.SyncBatchNorm).convert_sync_batchnorm(detector)
        return _Step(detector, device_ids=[device])


@contextmanager
def joined_group(*, job: int = 0) -> Generator[Group, None, None]:
    """The group that torchrun's environment describes; alone without it. ``job`` counts those that the same
    torchrun has brought together before.

    Raises:
        PeerLostError: another process is gone, or never came.
    """
    count = process_count()
    if count == 1:
        yield Group()
        return
    if os.name == "nt":
        os.environ.setdefault("USE_LIBUV", "0")
    with _peer_watch():
        _join(job)
        yield Group(
            rank=process_rank(),
            world_size=count,
            local_rank=int(os.environ.get("LOCAL_RANK", "0")),
            local_world_size=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        )
        # After a failure the end of the process closes the connections: saying goodbye to those that are gone
        # could take for ever.
        distributed.destroy_process_group()


def _join(job: int) -> None:
    gpus = torch.cuda.is_available() and distributed.is_nccl_available()
    store, rank, count = next(cast("Any", rendezvous)("env://", timeout=_PATIENCE))
    distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if gpus else "gloo",
        # Under torchrun the store outlives a job, and with it the addresses of its processes.
        store=PrefixStore(f"reticle/{job}", store),
        rank=rank,
        world_size=count,
        timeout=_PATIENCE,
    )


@contextmanager
def _peer_watch() -> Generator[None, None, None]:
    """Turn every way in which torch says that another process is gone into one ``PeerLostError``."""
    try:
        yield
    except RuntimeError as error:
        words = str(error).lower()
        if not isinstance(error, distributed.DistError) and not any(part in words for part in _PEER_WORDS):
            raise
        raise PeerLostError(
            "another process of this job is gone", hint="See what that one said; then resume"
        ) from error


def _as_tensor(content: bytes) -> Tensor:
    if not content:
        return torch.empty(0, dtype=torch.uint8)
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)
