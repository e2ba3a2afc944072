"""What weights have learnt from: the images of their run, and of those that it started from."""

from __future__ import annotations

from pathlib import Path

from detcore.jobs.config import TrainConfig
from detcore.project.cross_validation import trained_images
from detcore.project.run_weights import is_of_run
from detcore.project.runs import RunFolder


def images_learnt(run: RunFolder) -> set[int]:
    """Ids of the images that a run of a project has learnt from, or an earlier one that its weights go back to.

    Raises:
        ProjectError, ConfigError: one of them cannot be read.
    """
    learnt: set[int] = set()
    seen: set[Path] = set()
    while run.path not in seen:
        seen.add(run.path)
        learnt |= trained_images(run)
        weights = TrainConfig.load(run.config).learning.weights
        if not weights or not is_of_run(Path(weights), run.path.parent):
            break
        run = RunFolder(Path(weights).resolve().parent)
    return learnt
