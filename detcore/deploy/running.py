"""What runs an exported file, whatever wrote it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Run = Callable[[Floats], tuple[Floats, ...]]
"""From (B, 3, side, side) RGB in 0..1 to what the file gives: boxes (B, A, 4) and scores (B, A, K), or with NMS inside
the detections (B, M, 6) alone."""
