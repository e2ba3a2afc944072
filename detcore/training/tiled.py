"""What a run that looks at its images in tiles learns from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detcore.data.samples import Sample
from detcore.images.tiles import Tiling
from detcore.types import FloatArray


def tile_count(samples: Sequence[Sample], tiling: Tiling) -> int:
    """About how many tiles the images have, those without boxes counted as one."""
    return sum(
        len(tiling.cover(width=sample.frame[0], height=sample.frame[1], image_size=tiling.side))
        if sample.frame
        else 1
        for sample in samples
    )


def weights_of_tiles(weights: FloatArray, images: Sequence[Sample], tiles: Sequence[Sample]) -> FloatArray:
    """(T,) how often each tile is drawn: as often as its image, of (N,) ``weights``."""
    by_image = dict(zip((sample.image_id for sample in images), weights.tolist(), strict=True))
    return np.array([by_image[sample.image_id] for sample in tiles], np.float64)
