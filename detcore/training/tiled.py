"""What a run that looks at its images in tiles learns from."""

from __future__ import annotations

from collections.abc import Sequence

from detcore.data.samples import Sample
from detcore.images.tiles import Tiling


def tile_count(samples: Sequence[Sample], tiling: Tiling) -> int:
    """About how many tiles the images have, those without boxes counted as one."""
    return sum(
        len(tiling.cover(width=sample.frame[0], height=sample.frame[1], image_size=tiling.side))
        if sample.frame
        else 1
        for sample in samples
    )
