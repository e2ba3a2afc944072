"""What a run has to learn from and to judge by, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from detcore.data.samples import Sample, Split
from detcore.images.tiles import Tiling
from detcore.jobs import events
from detcore.jobs.events import SMALL_SIDE
from detcore.project.snapshot import Snapshot
from detcore.types import FloatArray


def data_figures(
    split: Split, snapshot: Snapshot, *, image_size: int, tiling: Tiling | None = None
) -> events.Data:
    """Boxes are measured as the network sees them: with the longer side of their image at ``image_size``, and those of
    images whose size is not known are not; or with a tile's."""
    names = [item.name for item in snapshot.classes]
    longer = {image.id: max(image.width or 0, image.height or 0) for image in snapshot.images}
    measured = [sample for sample in split.train if longer[sample.image_id]]
    files = [longer[sample.image_id] for sample in measured]
    if tiling is None:
        seen = [_shorter_sides(sample) * image_size / longer[sample.image_id] for sample in measured]
    else:
        seen = [_shorter_sides(sample) * tiling.scale(image_size) for sample in split.train]
    sides: FloatArray = np.concatenate([np.zeros(0), *seen])
    return events.Data(
        image_size=image_size,
        images=len(split.train),
        boxes=_by_class(split.train, names),
        small_boxes=int(np.count_nonzero(sides < SMALL_SIDE)),
        tenth_side=float(np.quantile(sides, 0.1)) if len(sides) else 0.0,
        judged_images=len(split.val),
        judged_boxes=sum(len(sample.labels) for sample in split.val),
        largest_side=max(files, default=0),
        usual_side=int(np.median(files)) if files else 0,
        tile_side=0 if tiling is None else tiling.side,
    )


def _shorter_sides(sample: Sample) -> FloatArray:
    sides = sample.boxes[:, 2:] - sample.boxes[:, :2]
    return sides.min(axis=1).astype(np.float64)


def _by_class(samples: Sequence[Sample], names: Sequence[str]) -> dict[str, int]:
    counts = Counter(int(label) for sample in samples for label in sample.labels)
    return {name: counts[label] for label, name in enumerate(names)}
