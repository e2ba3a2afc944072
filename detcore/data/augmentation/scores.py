"""How sure it is that each object of an image is there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcore.wording import counted

_UNSAID = np.zeros(0, np.float32)


def unsaid() -> NDArray[np.float32]:
    """Stands for a 1 for each object, which is what labels have."""
    return _UNSAID


def said(scores: NDArray[np.float32], labels: NDArray[Any]) -> NDArray[np.float32]:
    """(N,) the scores of objects with (N,) ``labels``. Raises ValueError where there are not as many."""
    if scores is _UNSAID:
        return np.ones(len(labels), np.float32)
    if len(scores) != len(labels):
        raise ValueError(f"{counted(len(scores), 'score')} for {counted(len(labels), 'object')}")
    return scores
