"""The one door from numpy to torch."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def to_tensor(array: NDArray[Any]) -> Tensor:
    """A tensor on the same memory. (torch's own annotation of the call is incomplete.)"""
    return torch.from_numpy(array)  # pyright: ignore[reportUnknownMemberType]
