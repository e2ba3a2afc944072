"""Commands about detectors: train, predict, evaluate. Model code runs in a worker process, as in the window."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from detcore.atomic import atomic_write
from detcore.cli.console import say
from detcore.cli.watching import watch_job
from detcore.curation.emphasis import DEFAULT_STRENGTH, find_emphasis
from detcore.errors import ConfigError, EvaluationError, JobError
from detcore.evaluation.evaluate import errors_of_files, evaluate_columns, evaluate_files
from detcore.evaluation.report import format_report
from detcore.jobs import TrainingJob, WorkerJob, worker_command
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, find_run, load_detections, predicted_images
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.training.config import TrainConfig
from detcore.types import Detections

T = TypeVar("T")
DEFAULT_MINUTES = 10.0


def train(options: argparse.Namespace) -> int:
    """Make a run (or take one up again), train in a child, show progress; Ctrl+C stops and keeps."""
    with Project.open(options.project, read_only=options.resume is not None) as project:
        if options.resume is not None:
            run = find_run(project, options.resume)
            arguments = ["train", str(run.path), "--resume", *_length(options)]
        else:
            config = _config(options)
            snapshot = take_snapshot(project)
            emphasis = None
            if options.emphasise is not None:
                emphasis = find_emphasis(find_run(project, options.emphasise), snapshot)
                config = replace(config, hard_negatives=DEFAULT_STRENGTH, oversample=DEFAULT_STRENGTH)
            run = create_run(project, config.model)
            with atomic_write(run.config) as path:
                path.write_text(config.to_json(), encoding="utf-8")
            snapshot.save(run.snapshot)
            if emphasis is not None:
                emphasis.save(run.emphasis)
            arguments = ["train", str(run.path)]
    say(f"run {run.name}")
    outcome = watch_job(lambda hear: TrainingJob(worker_command(*arguments), on_event=hear))
    if not outcome.good:
        raise JobError(outcome.text, hint=outcome.hint or f"Resume with --resume {run.name}")
    best = {} if outcome.ended is None else outcome.ended.result
    say(f"{outcome.text}; " + ", ".join(f"{name} {value}" for name, value in best.items()))
    return 0


def predict(options: argparse.Namespace) -> int:
    with Project.open(options.project, read_only=True) as project:
        run = find_run(project, options.run)
        snapshot = take_snapshot(project)
    _predict(run, snapshot, options.split)
    say(f"{len(load_detections(run)):,} detections in {run.detections}")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Score files, or a run on a split of its project; the table on stdout, the figures in --json."""
    if options.gt is not None or options.dt is not None:
        result = evaluate_files(
            _given(options.gt, "--gt"),
            _given(options.dt, "--dt"),
            rules=options.rules,
            pycocotools_quirks=options.pycocotools_quirks,
        )
    else:
        result = _evaluate_run(_given(options.project, "P.reticle"), options)
    say(format_report(result))
    if options.json is not None:
        _write_json(options.json, result)
    if options.errors is not None:
        found = errors_of_files(
            _given(options.gt, "--gt"),
            _given(options.dt, "--dt"),
            pycocotools_quirks=options.pycocotools_quirks,
        )
        _write_json(options.errors, found)
    return 0


def _write_json(file: Path, record: dict[str, Any]) -> None:
    with atomic_write(file) as path:
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _evaluate_run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    with Project.open(folder, read_only=True) as project:
        run = find_run(project, _given(options.run, "--run"))
        snapshot = take_snapshot(project)
    chosen = snapshot if options.split == "all" else snapshot.for_split(options.split)
    labelled = chosen.labelled_images
    if not labelled:
        raise EvaluationError(
            f"no labelled image in split {options.split}", path=folder, hint="Choose another with --split"
        )
    image_ids = [image.id for image in labelled]
    detections = _detections_for(run, snapshot, options.split, set(image_ids))
    classes = {item.id: item.name for item in snapshot.classes}
    return evaluate_columns(
        chosen.ground_truth, detections, image_ids=image_ids, classes=classes, rules=options.rules
    )


def _detections_for(run: RunFolder, snapshot: Snapshot, split: str, wanted: set[int]) -> Detections:
    """The run's detections on these images; images it has not seen yet are predicted first."""
    if not run.detections.is_file() or not wanted <= predicted_images(run):
        _predict(run, snapshot, split)
    detections = load_detections(run)
    return detections.take(np.isin(detections.image_ids, np.array(sorted(wanted), dtype=np.int64)))


def _predict(run: RunFolder, snapshot: Snapshot, split: str) -> None:
    """Let the run look at the images of a split as the project has them now."""
    snapshot.save(run.predict_snapshot)
    chosen = [] if split == "all" else ["--split", split]
    arguments = ["predict", str(run.path), "--snapshot", str(run.predict_snapshot), *chosen]
    outcome = watch_job(lambda hear: WorkerJob(worker_command(*arguments), on_event=hear, what="prediction"))
    if not outcome.good:
        raise JobError(outcome.text, hint=outcome.hint or None)


def _config(options: argparse.Namespace) -> TrainConfig:
    minutes = options.minutes if options.epochs is None else None
    return TrainConfig(
        model=options.model,
        epochs=options.epochs,
        minutes=DEFAULT_MINUTES if options.epochs is None and minutes is None else minutes,
        device=options.device,
        seed=options.seed,
        image_size=options.image_size,
        batch_size=options.batch_size,
        weights=None if options.weights is None else str(options.weights.resolve()),
    )


def _length(options: argparse.Namespace) -> list[str]:
    if options.epochs is not None:
        return ["--epochs", str(options.epochs)]
    return ["--minutes", str(options.minutes)] if options.minutes is not None else []


def _given(value: T | None, name: str) -> T:
    if value is None:
        raise ConfigError(f"{name} is missing", hint="Give a project with --run, or both --gt and --dt")
    return value
