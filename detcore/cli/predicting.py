"""The images that a command is about, and what a run finds on them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detcore.cli.console import complain
from detcore.cli.watching import watch_job
from detcore.crossval import is_cross_validation
from detcore.errors import Cancelled, ConfigError, EvaluationError, JobError
from detcore.jobs import OutcomeState, WorkerJob, worker_command
from detcore.project.runs import RunFolder, load_detections, predicted_images
from detcore.project.snapshot import Snapshot
from detcore.training.config import DEFAULT_MODEL, TrainConfig
from detcore.types import Detections

DEFAULT_MINUTES = 10.0


def labelled_part(snapshot: Snapshot, split: str, folder: Path) -> Snapshot:
    """The labelled images of a split, or of all.

    Raises:
        EvaluationError: there are none.
    """
    chosen = (snapshot if split == "all" else snapshot.for_split(split)).labelled()
    if not chosen.images:
        raise EvaluationError(
            f"no labelled image in split {split}", path=folder, hint="Choose another with --split"
        )
    return chosen


def detections_for(run: RunFolder, snapshot: Snapshot, split: str, wanted: set[int]) -> Detections:
    """The run's detections on these images; images it has not seen yet are predicted first, unless it is a
    cross-validation, which can say nothing about them."""
    missing = not run.detections.is_file() or not wanted <= predicted_images(run)
    if missing and not is_cross_validation(run):
        predict_images(run, snapshot, split)
    detections = load_detections(run)
    return detections.take(np.isin(detections.image_ids, np.array(sorted(wanted), dtype=np.int64)))


def seen_part(
    run: RunFolder, snapshot: Snapshot, split: str, chosen: Snapshot
) -> tuple[Snapshot, Detections]:
    """Those of the chosen images that the run has looked at, or can, and its detections there; the others are left
    out with a word.

    Raises:
        EvaluationError: none is left.
    """
    wanted = {image.id for image in chosen.images}
    detections = detections_for(run, snapshot, split, wanted)
    unseen = wanted - predicted_images(run)
    if unseen == wanted:
        raise EvaluationError(f"{run.name} has looked at none of these images", path=run.path)
    if unseen:
        complain(f"{run.name} has not looked at {len(unseen):,} labelled images; they are left out.")
        chosen = chosen.only(wanted - unseen)
    return chosen, detections


def predict_images(run: RunFolder, snapshot: Snapshot, split: str) -> None:
    """Let the run look at the images of a split as the project has them now."""
    snapshot.save(run.predict_snapshot)
    chosen = [] if split == "all" else ["--split", split]
    arguments = ["predict", str(run.path), "--snapshot", str(run.predict_snapshot), *chosen]
    outcome = watch_job(lambda hear: WorkerJob(worker_command(*arguments), on_event=hear, what="prediction"))
    if not outcome.good:
        raise JobError(outcome.text, hint=outcome.hint or None)
    if outcome.state is OutcomeState.STOPPED:
        raise Cancelled("stopped; the detections are those of before")


def refuse_changes(options: argparse.Namespace, names: Sequence[str]) -> None:
    """Raises ConfigError for options that what goes on keeps from its beginning to its end."""
    for name in names:
        if getattr(options, name) is not None:
            word = f"--{name.replace('_', '-')}"
            hint = f"Leave {word} out, or start a new run"
            raise ConfigError(f"{word} cannot change in a run that goes on", hint=hint)


def training_config(options: argparse.Namespace) -> TrainConfig:
    """The settings of a training from the options of the command line."""
    minutes = options.minutes if options.epochs is None else None
    return TrainConfig(
        model=options.model or DEFAULT_MODEL,
        epochs=options.epochs,
        minutes=DEFAULT_MINUTES if options.epochs is None and minutes is None else minutes,
        device=options.device or "auto",
        seed=options.seed or 0,
        image_size=options.image_size,
        batch_size=options.batch_size,
        weights=None if options.weights is None else str(options.weights.resolve()),
    )
