"""The making of a cross-validation: its folds, each with a list of images to train on and to leave out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from detcore.atomic import atomic_write
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.box_options import part_of, settle_options
from detcore.project.cross_validation import HELD_OUT_SPLIT, MODEL_NAME, fold_folder
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.project.splits import make_splits
from detcore.project.unused_runs import whole_or_gone
from detcore.wording import counted
from detcore.zoo.anchors import Progress, unwatched

VALIDATION_SHARE = 0.1
"""Of the images that a fold trains on, the part that chooses its best weights."""


def create_cross_validation(
    project: Project, config: TrainConfig, *, folds: int, progress: Progress = unwatched
) -> RunFolder:
    """Make the run and its folds, all with these settings; images of one group stay in one fold. What boxes tell, such as anchors,
    each fold takes from those that it learns from.

    Raises:
        ConfigError: fewer than two folds, or fewer labelled images, or images with boxes, than folds need.
        Cancelled: ``progress`` returned false; nothing was made.
    """
    snapshot, seed = take_snapshot(project).labelled(), config.runtime.seed
    if folds < 2:
        raise ConfigError(f"{folds} folds, there must be at least 2")
    if len(snapshot.images) < folds * 2:
        raise ConfigError(
            f"{counted(len(snapshot.images), 'labelled image is', 'labelled images are')} too few for {folds} folds",
            path=project.folder,
            hint="Take fewer folds, or label more images",
        )
    ids = [image.id for image in snapshot.images]
    groups = {image.id: image.group for image in project.images(ids)}
    names = [f"fold {number}" for number in range(folds)]
    ranks = _ranks(snapshot)
    place = make_splits(ids, dict.fromkeys(names, 1.0), seed=seed, groups=(groups,), ranks=ranks)
    held_out = [[image_id for image_id in ids if place[image_id] == name] for name in names]
    if not all(held_out):
        raise ConfigError(
            f"the images have too few groups for {folds} folds", path=project.folder, hint="Take fewer folds"
        )
    parts = [
        _fold_snapshot(snapshot, set(left_out), groups, seed=seed + number)
        for number, left_out in enumerate(held_out)
    ]
    for number, part in enumerate(parts, start=1):
        _check_fold(part, f"fold {number} of {folds}", project.folder)
    for_fold = replace(config, runtime=replace(config.runtime, predict_after=False))
    settled = [
        settle_options(for_fold, part, progress=part_of(progress, number, folds))[0]
        for number, part in enumerate(parts)
    ]
    run = create_run(project, MODEL_NAME)
    with whole_or_gone(run):
        _write(run.config, config.to_dict())
        for number, (part, for_part) in enumerate(zip(parts, settled, strict=True)):
            fold = fold_folder(run, number)
            fold.path.mkdir(parents=True)
            _write(fold.config, for_part.to_dict())
            part.save(fold.snapshot)
        _write(run.plan, {"held_out": held_out})
        # The last of its files: a run that has one was made to its end.
        snapshot.save(run.snapshot)
    return run


def _fold_snapshot(
    snapshot: Snapshot, held_out: set[int], groups: Mapping[int, str | None], *, seed: int
) -> Snapshot:
    """The same images with splits of their own: held out, to train on, and some to choose weights by."""
    rest = [image.id for image in snapshot.images if image.id not in held_out]
    shares = {"train": 1 - VALIDATION_SHARE, "val": VALIDATION_SHARE}
    split = make_splits(rest, shares, seed=seed, groups=(groups,), ranks=_ranks(snapshot))
    return snapshot.divided({**dict.fromkeys(held_out, HELD_OUT_SPLIT), **split})


def _ranks(snapshot: Snapshot) -> dict[int, int]:
    """Images with boxes are spread first: a fold without any has nothing to learn from or to be judged by."""
    with_boxes = set(snapshot.ground_truth.image_ids.tolist())
    return {image.id: 0 if image.id in with_boxes else 1 for image in snapshot.images}


def _check_fold(part: Snapshot, name: str, project: Path) -> None:
    """Raises ConfigError when a fold has nothing to learn from, before the first of them is trained."""
    with_boxes = set(part.ground_truth.image_ids.tolist())
    if with_boxes.isdisjoint(image.id for image in part.training_images):
        raise ConfigError(
            f"{name} would have no image with boxes to learn from: only {counted(len(with_boxes), 'image')} "
            f"of {len(part.images):,} {'has' if len(with_boxes) == 1 else 'have'} any",
            path=project,
            hint="Draw boxes in more images",
        )


def _write(file: Path, record: Mapping[str, Any]) -> None:
    with atomic_write(file) as path:
        path.write_text(json.dumps(dict(record), indent=2) + "\n", encoding="utf-8")
