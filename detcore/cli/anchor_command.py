"""The command anchors."""

from __future__ import annotations

import argparse
import json

from detcore.cli.console import say
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.box_options import box_sides
from detcore.jobs.preparing.tiling import ObjectSizes
from detcore.jobs.settings.learning import Learning
from detcore.project.project import Project
from detcore.project.snapshot import take_snapshot
from detcore.wording import counted
from detcore.zoo.anchors import anchors_of, anchors_text


def anchors(options: argparse.Namespace) -> int:
    """Print anchors for the boxes of the training images, small ones first, and how well these fit them."""
    with Project.open(options.project, read_only=True) as project:
        snapshot = take_snapshot(project)
    config = TrainConfig(learning=Learning(image_size=options.image_size, tiles="off"))
    sides = box_sides(ObjectSizes.of(snapshot), config)
    try:
        found = anchors_of(sides, options.clusters)
    except ValueError as error:
        raise ConfigError(
            str(error), path=options.project, hint="Ask for fewer with --clusters, or label more"
        ) from error
    if options.json:
        record = {
            "image_size": config.size(),
            "boxes": len(sides),
            "anchors": found.sizes.round(2).tolist(),
            "mean_iou": round(found.mean_iou, 4),
        }
        say(json.dumps(record, indent=2))
        return 0
    say(anchors_text(found.sizes))
    boxes = counted(len(sides), "box", "boxes")
    say(f"mean IoU {found.mean_iou:.3f} with {boxes}, in images whose longer side is {config.size()} pixels")
    return 0
