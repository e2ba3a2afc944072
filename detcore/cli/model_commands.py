"""Commands about detectors: train, predict, evaluate. Model code runs in a worker process, as in the
window."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from detcore.atomic import atomic_write
from detcore.cli.console import say, write_json
from detcore.cli.predicting import (
    choose_images,
    predict_images,
    refuse_changes,
    training_config,
    warn_of_known_images,
)
from detcore.cli.status import INTERRUPTED
from detcore.cli.watching import watch_job
from detcore.curation.emphasis import DEFAULT_STRENGTH, SENT_SETTING, find_emphasis
from detcore.errors import ConfigError, JobError
from detcore.evaluation.evaluate import errors_of_columns, errors_of_files, evaluate_columns, evaluate_files
from detcore.evaluation.report import format_report
from detcore.jobs import OutcomeState, TrainingJob, worker_command
from detcore.project.project import Project
from detcore.project.runs import create_run, find_run, load_detections
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.project.unused_runs import whole_or_gone
from detcore.project.verdicts import read_verdicts
from detcore.training.config import TrainConfig

T = TypeVar("T")


def train(options: argparse.Namespace) -> int:
    """Make a run (or take one up again), train in a child, show progress; Ctrl+C stops and keeps."""
    with Project.open(options.project, read_only=options.resume is not None) as project:
        if options.resume is not None:
            run = find_run(project, options.resume)
            refuse_changes(options, ("model", "seed", "image_size", "batch_size", "weights"))
            device = [] if options.device is None else ["--device", options.device]
            arguments = ["train", str(run.path), "--resume", *_length(options), *device]
        else:
            config = training_config(options)
            snapshot = take_snapshot(project)
            _check_material(config, snapshot)
            emphasis = None
            if options.emphasise is not None:
                run = find_run(project, options.emphasise)
                emphasis = find_emphasis(run, snapshot, verdicts=read_verdicts(project))
                config = replace(config, hard_negatives=DEFAULT_STRENGTH, oversample=DEFAULT_STRENGTH)
            learns_from = "" if emphasis is None else emphasis.run
            run = create_run(project, config.model, learns_from=learns_from)
            with whole_or_gone(run):
                with atomic_write(run.config) as path:
                    path.write_text(config.to_json(), encoding="utf-8")
                snapshot.save(run.snapshot)
                if emphasis is not None:
                    emphasis.save(run.emphasis)
            if emphasis is not None:
                _use_up_sent(project, emphasis.run)
            arguments = ["train", str(run.path)]
    say(f"run {run.name}")
    outcome = watch_job(lambda hear: TrainingJob(worker_command(*arguments), on_event=hear))
    if not outcome.good:
        raise JobError(outcome.text, hint=outcome.hint or f"Resume with --resume {run.name}")
    say(f"{outcome.text}{_figures({} if outcome.ended is None else outcome.ended.result)}")
    return INTERRUPTED if outcome.state is OutcomeState.STOPPED else 0


def _use_up_sent(project: Project, run: str) -> None:
    """Errors of that run which were sent to training in the window need not be learnt from once more."""
    sent: Any = project.get_setting(SENT_SETTING)
    if isinstance(sent, dict) and cast("dict[str, Any]", sent).get("run") == run:
        project.set_setting(SENT_SETTING, None)


def _check_material(config: TrainConfig, snapshot: Snapshot) -> None:
    """What can be seen to be missing is said before there is a run."""
    if not len(snapshot.ground_truth):
        raise ConfigError("there are no boxes to learn from", hint="Label some images or import labels first")
    if config.weights is not None and not Path(config.weights).is_file():
        raise ConfigError("there is no such weights file", path=config.weights)


def _figures(result: dict[str, Any]) -> str:
    """The figures of a run's end, for people."""
    parts: list[str] = []
    if "steps" in result:
        parts.append(f"{result['steps']:,} steps")
    if result.get("best_AP") is not None:
        parts.append(f"best AP {result['best_AP']:.3f} at step {result['best_step']:,}")
    if "detections" in result:
        parts.append(f"{result['detections']:,} detections")
    return f": {', '.join(parts)}" if parts else ""


def predict(options: argparse.Namespace) -> int:
    with Project.open(options.project, read_only=True) as project:
        run = find_run(project, options.run)
        snapshot = take_snapshot(project)
    predict_images(run, snapshot, options.split)
    say(f"{len(load_detections(run)):,} detections in {run.detections}")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Score files, or a run on a split of its project; the table on stdout, the figures in --json."""
    files = options.gt is not None or options.dt is not None
    result, errors = _evaluate_files(options) if files else _evaluate_run(options)
    say(format_report(result))
    if options.json is not None:
        write_json(options.json, result)
    if options.errors is not None:
        write_json(options.errors, errors())
    return 0


_Errors = Callable[[], dict[str, dict[str, float]]]


def _evaluate_files(options: argparse.Namespace) -> tuple[dict[str, Any], _Errors]:
    gt, dt = _given(options.gt, "--gt"), _given(options.dt, "--dt")
    quirks: bool = options.pycocotools_quirks
    result = evaluate_files(gt, dt, rules=options.rules, pycocotools_quirks=quirks)
    return result, lambda: errors_of_files(gt, dt, pycocotools_quirks=quirks)


def _evaluate_run(options: argparse.Namespace) -> tuple[dict[str, Any], _Errors]:
    folder: Path = _given(options.project, "P.reticle")
    with Project.open(folder, read_only=True) as project:
        run = find_run(project, _given(options.run, "--run"))
        chosen = choose_images(project, [run], options.split, usual="test")
        warn_of_known_images(project, run, chosen)
    say(f"{run.name} on {chosen.text}\n")
    gt, image_ids, (detections,) = chosen.images.ground_truth, chosen.image_ids, chosen.detections
    classes = {item.id: item.name for item in chosen.images.classes}
    result = evaluate_columns(gt, detections, image_ids=image_ids, classes=classes, rules=options.rules)
    return result, lambda: errors_of_columns(gt, detections, image_ids=image_ids, class_ids=sorted(classes))


def _length(options: argparse.Namespace) -> list[str]:
    if options.epochs is not None:
        return ["--epochs", str(options.epochs)]
    return ["--minutes", str(options.minutes)] if options.minutes is not None else []


def _given(value: T | None, name: str) -> T:
    if value is None:
        raise ConfigError(f"{name} is missing", hint="Give a project with --run, or both --gt and --dt")
    return value
