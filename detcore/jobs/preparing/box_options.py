"""Options of a detector that the boxes of a training tell, such as anchors by k-means: settled before the run begins, so that it and
what comes of it always have the same."""

from __future__ import annotations

from dataclasses import asdict, replace

from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.tiling import ObjectSizes, choose_tiling
from detcore.project.snapshot import Snapshot
from detcore.types import FloatArray
from detcore.zoo.anchors import Progress, unwatched


def settle_options(
    config: TrainConfig, snapshot: Snapshot, *, progress: Progress = unwatched
) -> tuple[TrainConfig, str]:
    """The settings with options that the boxes of the training images tell, and what is said of them, "" where there is nothing
    to be told.

    Raises:
        ConfigError: there are too few boxes, or the options are wrong.
        Cancelled: ``progress`` returned false.
    """
    spec = config.spec
    if spec.from_boxes is None:
        return config, ""
    found = spec.from_boxes(
        spec.read_options(config.options), box_sides(ObjectSizes.of(snapshot), config), progress
    )
    if not found.note:
        return config, ""
    return replace(config, options=asdict(found.options)), found.note


def part_of(progress: Progress, number: int, parts: int) -> Progress:
    """What one of several equal ``parts`` of some work tells, as the progress of the whole."""
    return lambda done, total: progress(number * total + done, parts * total)


def box_sides(objects: ObjectSizes, config: TrainConfig) -> FloatArray:
    """(M, 2) widths and heights, in pixels as the detector will see them, of the boxes that a training learns from."""
    side = config.size()
    tiling = choose_tiling(config, objects)
    if tiling is not None:
        return objects.sides * tiling.scale(side)
    if config.spec.input.resize == "stretch":
        return objects.sides * side / objects.frames
    return objects.sides * side / objects.images[:, None]
