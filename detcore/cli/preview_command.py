"""The command preview-training."""

from __future__ import annotations

import argparse
import math

import cv2

from detcore.atomic import atomic_write
from detcore.cli.console import complain, say
from detcore.cli.predicting import training_config
from detcore.data.preview import Preview, contact_sheet
from detcore.errors import ConfigError
from detcore.project.project import Project
from detcore.project.snapshot import take_snapshot
from detcore.wording import counted


def preview_training(options: argparse.Namespace) -> int:
    """Write training images, changed as the settings say, with their boxes, as one picture."""
    ending = options.out.suffix.lower()
    if ending not in (".png", ".jpg", ".jpeg"):
        raise ConfigError("--out is neither PNG nor JPEG", path=options.out, hint="Name it FILE.png")
    config = training_config(options)
    config.check()
    with Project.open(options.project, read_only=True) as project:
        snapshot = take_snapshot(project)
    batch = Preview(snapshot).batch(config, number=0, count=options.count)
    for problem in batch.problems:
        complain(f"left out: {problem}")
    if not batch.images:
        raise ConfigError(
            "none of the training images can be read", hint="Check the image folder of the project"
        )
    columns = math.ceil(math.sqrt(len(batch.images)))
    sheet = contact_sheet(batch.images, [item.color for item in snapshot.classes], columns=columns)
    _, data = cv2.imencode(ending, sheet[..., ::-1])
    with atomic_write(options.out) as temporary:
        temporary.write_bytes(data.tobytes())
    of = counted(batch.total, "training image")
    if batch.tiling is not None:
        of = f"{counted(batch.tiles, 'tile')} of {counted(batch.tiling.side, 'pixel')}, cut from {of}"
    text = f"{options.out}: {len(batch.images)} drawn from {of}, as they are learnt from"
    if batch.painted and any(len(item.ignore) for item in batch.images):
        text += f"; areas to ignore are painted over, since {config.detector} cannot leave them out"
    say(text)
    return 0
