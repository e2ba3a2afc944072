"""What there is to train on, and making a run of it. Slow parts: for the pool, not for the GUI thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.models.run_history import RunHistory
from app.sent_errors import SentErrors, find_again, read_sent
from detcore.atomic import atomic_write
from detcore.crossval import create_cross_validation, is_cross_validation
from detcore.errors import ConfigError, ProjectError
from detcore.project.edits import Edit, set_split
from detcore.project.image_rows import STATUSES
from detcore.project.project import Project
from detcore.project.runs import RunFolder, RunState, create_run, read_events, read_run
from detcore.project.snapshot import take_snapshot
from detcore.project.unused_runs import whole_or_gone
from detcore.splits import make_splits
from detcore.training.config import TrainConfig
from detcore.types import Changes, Status

RATIOS: Mapping[str, float] = {"train": 0.70, "val": 0.15, "test": 0.15}
NO_BOXES = "no labelled images yet"


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Counts of images that say something to a detector (with boxes, or verified to have none).

    ``labelled`` are all of them, ``with_boxes`` those with boxes; ``train`` and ``val`` of those splits;
    ``unassigned`` of no split.
    """

    images: int
    labelled: int
    with_boxes: int
    train: int
    val: int
    unassigned: int

    @property
    def ready(self) -> bool:
        return self.with_boxes > 0 and (self.train > 0 or self.unassigned > 0)

    @property
    def needs_splits(self) -> bool:
        return self.with_boxes > 0 and self.train == 0 and self.unassigned > 0


def survey(project: Project) -> TrainingData:
    """Look at all images; some milliseconds for 100,000."""
    images = project.image_list()
    with_boxes = images.box_counts > 0
    labelled = with_boxes | (images.statuses == STATUSES.index(Status.VERIFIED))

    def in_split(name: str) -> int:
        code = images.split_names.index(name) if name in images.split_names else -2
        return int(np.count_nonzero(labelled & (images.splits == code)))

    return TrainingData(
        images=len(images),
        labelled=int(np.count_nonzero(labelled)),
        with_boxes=int(np.count_nonzero(with_boxes)),
        train=in_split("train"),
        val=in_split("val"),
        unassigned=int(np.count_nonzero(labelled & (images.splits < 0))),
    )


@dataclass(frozen=True, kw_only=True)
class PreparedRun:
    """A run that can be trained, as a whole or ``in_folds``; ``new``: it was made just now. ``changes`` are
    of the splits that had to be made; ``sent`` is what it learns more from, used up once it trains."""

    run: RunFolder
    history: RunHistory
    data: TrainingData
    new: bool = False
    changes: Changes | None = None
    in_folds: bool = False
    sent: SentErrors | None = None


def prepare_run(project: Project, config: TrainConfig, *, seed: int = 0) -> PreparedRun:
    """Check what would fail, divide the images when nobody has, make the run's folder, freeze the data.

    What was sent to training goes into the run; it waits on in the project until the run trains.

    Raises:
        ConfigError: there is nothing to train on.
        ProjectError: the images are not there, or the run cannot be written.
        NotLookedAtError, ProjectError: the run that it is to learn from is not there or has not predicted.
    """
    data = survey(project)
    if not data.with_boxes:
        raise ConfigError(NO_BOXES, hint="Draw boxes on the Label page")
    if not data.ready:
        raise ConfigError(
            "no labelled image is in the train split", hint="Give the train split to some images"
        )
    if not project.image_root.is_dir():
        raise ProjectError("the folder of the images is not there", path=project.image_root)
    sent, emphasis = read_sent(project), None
    if sent is not None and not sent.counts:
        sent = None
    if sent is not None:
        # Before the images are divided, since nothing may fail after that; those that are held out count for
        # nothing.
        emphasis = find_again(project, sent, take_snapshot(project))
        config = sent.configured(config)
    changes = project.edit(_divide, seed) if data.needs_splits else None
    if changes:
        data = survey(project)
    run = create_run(project, config.model, learns_from="" if emphasis is None else emphasis.run)
    with whole_or_gone(run):
        _write_config(run, config)
        take_snapshot(project).save(run.snapshot)
        if emphasis is not None:
            emphasis.save(run.emphasis)
    return PreparedRun(run=run, history=RunHistory(), data=data, new=True, changes=changes, sent=sent)


def prepare_cross_validation(project: Project, config: TrainConfig, folds: int) -> PreparedRun:
    """Check what would fail, make the run and its folds; splits play no part in it.

    Raises:
        ConfigError: there are too few labelled images.
        ProjectError: the images are not there, or the run cannot be written.
    """
    data = survey(project)
    if not data.with_boxes:
        raise ConfigError(NO_BOXES, hint="Draw boxes on the Label page")
    if not project.image_root.is_dir():
        raise ProjectError("the folder of the images is not there", path=project.image_root)
    # what was sent to training is for a run as a whole
    config = replace(config, hard_negatives=0.0, oversample=0.0)
    if is_own_weights(project, config):
        config = replace(config, weights=None)
    run = create_cross_validation(project, config.to_dict(), folds=folds, seed=config.seed)
    return PreparedRun(run=run, history=RunHistory(), data=data, new=True, in_folds=True)


def is_own_weights(project: Project, config: TrainConfig) -> bool:
    """Whether a training would start from a run of the project, which has learnt its labels."""
    return config.weights is not None and Path(config.weights).is_relative_to(project.runs_folder)


def prepare_resume(project: Project, run: RunFolder, longer: TrainConfig | None) -> PreparedRun:
    """Read what the run said so far; a run that was completed gets the time of ``longer`` on top.

    Raises:
        ConfigError, ProjectError: the run's files cannot be read or written.
    """
    info, in_folds = read_run(run), is_cross_validation(run)
    if info.state is RunState.COMPLETED and longer is not None and not in_folds:
        config = TrainConfig.load(run.config)
        if longer.minutes is not None:
            config = replace(config, minutes=info.seconds / 60 + longer.minutes, epochs=None)
        else:
            config = replace(config, minutes=None, epochs=round(info.epochs) + (longer.epochs or 1))
        _write_config(run, config)
    history = RunHistory(read_events(run.events))
    return PreparedRun(run=run, history=history, data=survey(project), in_folds=in_folds)


@dataclass(frozen=True, kw_only=True)
class PreparedPrediction:
    """A run, what it said so far, and the file of the images to predict on."""

    run: RunFolder
    history: RunHistory
    snapshot: Path


def prepare_prediction(project: Project, run: RunFolder) -> PreparedPrediction:
    """Freeze the images as they are now; the run's own snapshot stays what it was trained on."""
    path = run.path / "predict.npz"
    take_snapshot(project).save(path)
    return PreparedPrediction(run=run, history=RunHistory(read_events(run.events)), snapshot=path)


def _write_config(run: RunFolder, config: TrainConfig) -> None:
    with atomic_write(run.config) as temporary:
        temporary.write_text(config.to_json(), encoding="utf-8")


def _divide(project: Project, seed: int) -> Edit:
    """Put every image that has no split into one; labelled images first, so that each split gets its share
    of them, and groups stay together."""
    images = project.image_list()
    free = [image_id for image_id, code in zip(images.ids.tolist(), images.splits, strict=True) if code < 0]
    groups = {image.id: image.group for image in project.images(free)}
    says = (images.box_counts > 0) | (images.statuses == STATUSES.index(Status.VERIFIED))
    labelled = set(images.ids[says & (images.splits < 0)].tolist())
    splits = make_splits(labelled, RATIOS, seed=seed, groups=groups)
    group_splits = {groups[image_id]: split for image_id, split in splits.items() if groups[image_id]}
    rest = [image_id for image_id in free if image_id not in labelled]
    follow = {i: group_splits[groups[i]] for i in rest if groups[i] in group_splits}
    others = make_splits([i for i in rest if i not in follow], RATIOS, seed=seed, groups=groups)
    return set_split(project, {**splits, **follow, **others})
