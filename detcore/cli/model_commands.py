"""Commands about detectors: train, predict, evaluate. Model code runs in a worker process, as in the
window."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from detcore.cli.console import say, write_json
from detcore.cli.launched import remember_launch, run_of_launch, shared_command
from detcore.cli.predicting import (
    choose_images,
    go_on_hint,
    predict_images,
    refuse_changes,
    training_config,
    warn_of_known_images,
)
from detcore.cli.status import INTERRUPTED
from detcore.cli.watching import ending_text, watch_job
from detcore.curation.lesson import unseen_images
from detcore.errors import Cancelled, ConfigError, JobError
from detcore.evaluation.evaluate import errors_of_columns, errors_of_files, evaluate_columns, evaluate_files
from detcore.evaluation.report import format_report
from detcore.jobs.config import TrainConfig
from detcore.jobs.owner import OutcomeState, TrainingJob, WorkerJob, worker_command
from detcore.jobs.preparing.material import divided_text
from detcore.jobs.preparing.model_export import ModelExport, prepare_model_export, usual_folder
from detcore.jobs.preparing.runs import PreparedRun, PrunedWeights, prepare_resume, prepare_run
from detcore.jobs.preparing.sent_errors import use_up
from detcore.jobs.settings.sections import SETTINGS
from detcore.project.cross_validation import is_cross_validation
from detcore.project.project import Project
from detcore.project.runs import RunFolder, find_run, load_detections
from detcore.project.snapshot import take_snapshot
from detcore.wording import counted

T = TypeVar("T")
_MAY_CHANGE = frozenset({"minutes", "epochs", "device"})
"""Settings of a run that goes on."""


def train(options: argparse.Namespace) -> int:
    """Make a run (or take one up again), train in a child, show progress; Ctrl+C stops and keeps."""
    with Project.open(options.project, read_only=options.resume is not None) as project:
        if (begun := run_of_launch(project)) is not None:
            prepared = prepare_resume(project, begun)
        else:
            prepared = _go_on(project, options) if options.resume is not None else _begin(project, options)
    return train_prepared(options.project, prepared)


def train_prepared(folder: Path, prepared: PreparedRun) -> int:
    """Train a run of the project in ``folder`` in a child, show progress; the exit status."""
    run = prepared.run
    remember_launch(run)
    say(f"run {run.name}")
    argv = shared_command(folder, "train", str(run.path))
    outcome = watch_job(lambda hear: TrainingJob(argv, on_event=hear))
    if not outcome.good:
        raise JobError(outcome.text, hint=outcome.hint or f"Resume with --resume {run.name}")
    say(ending_text(outcome))
    return INTERRUPTED if outcome.state is OutcomeState.STOPPED else 0


def _begin(project: Project, options: argparse.Namespace) -> PreparedRun:
    learn_from = None if options.emphasise is None else find_run(project, options.emphasise)
    return begin_run(project, training_config(options), learn_from=learn_from)


def begin_run(
    project: Project,
    config: TrainConfig,
    *,
    learn_from: RunFolder | None = None,
    start: PrunedWeights | None = None,
) -> PreparedRun:
    """Make a run, as ``prepare_run``; a teacher first looks at what it has not seen. Says what was done."""
    if config.learning.teacher:
        _let_look(project, find_run(project, config.learning.teacher))
    prepared = prepare_run(project, config, learn_from=learn_from, start=start)
    if prepared.changes:
        say(divided_text())
    for note in prepared.notes:
        say(note)
    if prepared.sent is not None:
        say(f"Learns more from {prepared.sent.run}: {prepared.sent.text()}.")
        use_up(project, prepared.sent)
    return prepared


def _let_look(project: Project, teacher: RunFolder) -> None:
    """Let a teacher look at the images to learn from that it has not seen yet."""
    unseen = unseen_images(teacher, take_snapshot(project))
    if unseen.images:
        say(f"{teacher.name} looks at {counted(len(unseen.images), 'image')} first.")
        predict_images(teacher, unseen, "all")


def _go_on(project: Project, options: argparse.Namespace) -> PreparedRun:
    refuse_changes(options, ("model", "option", *(name for name in SETTINGS if name not in _MAY_CHANGE)))
    run = find_run(project, options.resume)
    if is_cross_validation(run):
        raise ConfigError(f"{run.name} is a cross-validation", path=run.path, hint=go_on_hint(run))
    return prepare_resume(
        project,
        run,
        minutes=options.minutes,
        epochs=options.epochs,
        device=options.device,
    )


def predict(options: argparse.Namespace) -> int:
    with Project.open(options.project, read_only=True) as project:
        run = find_run(project, options.run)
        snapshot = take_snapshot(project)
    predict_images(run, snapshot, options.split, device=options.device)
    say(f"{counted(len(load_detections(run)), 'detection')} in {run.detections}")
    return 0


def export_model(options: argparse.Namespace) -> int:
    """Write the model in a child; says how far it is from torch on images of the project."""
    with Project.open(options.project, read_only=True) as project:
        run = find_run(project, options.run)
        out = options.out or usual_folder(project, run, options.format)
        export = ModelExport(format=options.format, nms=options.nms, out=out)
        arguments = prepare_model_export(project, run, export)
    outcome = watch_job(lambda hear: WorkerJob(worker_command(*arguments), on_event=hear, what="export"))
    if not outcome.good:
        raise JobError(outcome.text, hint=outcome.hint or None)
    if outcome.state is OutcomeState.STOPPED or outcome.ended is None:
        raise Cancelled("stopped; nothing was written")
    result = outcome.ended.result
    say(f"{result['folder']}: {', '.join(result['files'])}")
    say(f"against torch on {counted(result['images'], 'image')}: {result['difference']}")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Score files, or a run on a split of its project; the table on stdout, the figures in --json."""
    files = options.gt is not None or options.dt is not None
    if files and any(value is not None for value in (options.project, options.run, options.split)):
        raise ConfigError(
            "files and a project are given", hint="Give a project with --run, or --gt and --dt: not both"
        )
    if options.pycocotools_quirks and not files:
        raise ConfigError(
            "--pycocotools-quirks is for files",
            hint="Give --gt and --dt: labels of a project have no id 0 and no `ignore` key",
        )
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


def _given(value: T | None, name: str) -> T:
    if value is None:
        raise ConfigError(f"{name} is missing", hint="Give a project with --run, or both --gt and --dt")
    return value
