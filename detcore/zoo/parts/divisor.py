"""What a loss is divided by, so that several processes learn as one with all their images would."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor, distributed

_shared = ContextVar("shared", default=False)


@contextmanager
def shared_divisors() -> Generator[None, None, None]:
    """All processes of the group compute their losses at this moment, each of its own images, and will average the
    gradients."""
    token = _shared.set(True)
    try:
        yield
    finally:
        _shared.reset(token)


def of_all(amount: Tensor) -> Tensor:
    """An amount of this process's batch; where all processes compute their losses at this moment, the sum of theirs."""
    if not _shared.get():
        return amount
    total = amount.detach().clone()
    distributed.all_reduce(total)
    return total


def divisor(amount: Tensor) -> Tensor:
    """What to divide a loss by that is summed over the objects of a batch: ``amount`` of the batch, at least 1.

    Between processes it is the mean of their amounts: the average of the gradients of sums / mean is the gradient of
    the sum of all over the amount of all. Averages of sums / own amount would give an object more weight
    where there are few beside it.
    """
    processes = distributed.get_world_size() if _shared.get() else 1
    return of_all(amount).clamp(min=1.0) / processes
