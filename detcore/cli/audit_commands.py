"""Commands about labels and runs: audit, compare, crossval."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from detcore.cli.console import complain, say, table, write_json
from detcore.cli.launched import is_launched, remember_launch, run_of_launch, shared_command
from detcore.cli.predicting import Chosen, choose_images, refuse_changes, training_config
from detcore.cli.status import DONE, INTERRUPTED
from detcore.cli.watching import ending_text, watch_job
from detcore.errors import ConfigError, JobError
from detcore.evaluation.bootstrap import Interval
from detcore.evaluation.compare import Comparison, Difference, compare_runs
from detcore.evaluation.evaluate import figure_or_none
from detcore.evaluation.judged import judge
from detcore.evaluation.label_errors import LABEL_ERRORS, LabelErrors, rank_label_errors
from detcore.evaluation.strength import ap50, is_too_weak
from detcore.evaluation.thresholds import operating_points
from detcore.jobs.crossval import CrossValidationJob
from detcore.jobs.events import Event
from detcore.jobs.owner import OutcomeState, WorkerJob
from detcore.jobs.preparing.runs import prepare_cross_validation, prepare_resume
from detcore.jobs.settings.sections import SETTINGS
from detcore.project.cross_validation import is_cross_validation
from detcore.project.project import Project
from detcore.project.runs import RunFolder, find_run, load_answers
from detcore.project.scope import Scope, trained_images
from detcore.review.run_comparison import LabelsApart, fairness, separate_labels
from detcore.types import Detections, GroundTruth
from detcore.wording import counted

SHOWN = 20
DEFAULT_FOLDS = 5
_KEPT_BY_FOLDS = ("folds", "model", "option", *SETTINGS)
_MEANINGS = {
    "missing": "objects without label",
    "spurious": "labels around nothing",
    "swapped": "labels of another class",
    "location": "boxes that are off",
    "duplicate": "objects labelled twice",
}


def audit(options: argparse.Namespace) -> int:
    """Rank labels by how probably they are wrong; the worst on stdout, all in --json."""
    with Project.open(options.project, read_only=True) as project:
        run = find_run(project, options.run)
        chosen = choose_images(project, [run], options.split)
        names = {image.id: image.path for image in project.images()}
        learnt = set(trained_images(run, project.image_list()).tolist())
    gt, image_ids, (detections,) = chosen.images.ground_truth, chosen.image_ids, chosen.detections
    say(f"{run.name} on {chosen.text}")
    _warn(run, chosen, learnt)
    classes = {item.id: item.name for item in chosen.images.classes}
    reached = ap50(gt, detections, image_ids, sorted(classes))
    if is_too_weak(reached):
        complain(
            f"warning: {run.name} is too weak to judge labels: its AP50 here is {max(reached, 0.0):.2f}. Train longer."
        )
    errors = rank_label_errors(
        gt, detections, image_ids=image_ids, class_ids=sorted(classes), answers=load_answers(run)
    )
    records = audit_records(errors, gt, names=names, classes=classes)
    for kind in LABEL_ERRORS:
        expected = round(sum(record["score"] for record in records if record["kind"] == kind))
        say(f"{expected:>6}  {_MEANINGS[kind.value]} expected ({kind.value})")
    if records:
        rows = [[one["image"], one["kind"], one["class"], f"{one['score']:.3f}"] for one in records[:SHOWN]]
        say("\n" + table(rows, head=("image", "kind", "class", "score")))
    if options.json is not None:
        write_json(options.json, records)
    return 0


def audit_records(
    errors: LabelErrors, gt: GroundTruth, *, names: Mapping[int, str], classes: Mapping[int, str]
) -> list[dict[str, Any]]:
    """The ranked list as JSON holds it: image path, kind, box (xyxy) and class of the label (of a missing one
    those of the detection), score; what to put there instead; the label's id and the error type of the row or
    null."""
    columns: dict[str, list[Any]] = {
        "image": [names[image_id] for image_id in errors.image_ids.tolist()],
        "kind": [LABEL_ERRORS[int(kind)].value for kind in errors.kind.tolist()],
        "box": errors.boxes.round(2).tolist(),
        "class": [classes[label] for label in errors.labels.tolist()],
        "score": errors.scores.round(6).tolist(),
        "suggested_box": errors.suggested_boxes.round(2).tolist(),
        "suggested_class": [classes[label] for label in errors.suggested_labels.tolist()],
        "label_id": [int(gt.ids[row]) if row >= 0 else None for row in errors.gt_rows.tolist()],
        "error_type": list(errors.error_type),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _warn(run: RunFolder, chosen: Chosen, learnt: set[int]) -> None:
    """Say plainly when the run knows labels by heart, or which it does not judge for that."""
    known = learnt.intersection(chosen.image_ids)
    if known:
        complain(
            f"warning: {run.name} has been trained on {len(known):,} of these {counted(len(chosen.image_ids), 'image')}. It "
            "has learnt their labels, wrong ones too, and will overlook errors there. "
            "Make a run with `crossval`, or choose images held out with --split."
        )
    elif learnt and chosen.scope is Scope.HELD_OUT:
        complain(
            f"{run.name} has been trained on {counted(len(learnt), 'other image')}, left out: a run of `crossval` judges all."
        )


def compare(options: argparse.Namespace) -> int:
    """Two runs on the same images: what is not fair about it, figures with intervals, objects gained and
    lost."""
    if len(options.run) != 2:
        raise ConfigError(
            f"{counted(len(options.run), 'run')} given", hint="Give --run twice: before and after"
        )
    with Project.open(options.project, read_only=True) as project:
        first, second = (find_run(project, name) for name in options.run)
        chosen = choose_images(project, [first, second], options.split)
        gt, ids = chosen.images.ground_truth, chosen.image_ids
        fair = fairness(first, second, project.image_list(), np.array(ids))
    for caution in fair.cautions():
        complain(f"warning: not a fair comparison: {caution}")
    class_ids, dets = sorted(item.id for item in chosen.images.classes), chosen.detections
    thresholds = (
        _threshold(gt, dets[0], ids, class_ids, options.threshold),
        _threshold(gt, dets[1], ids, class_ids, options.threshold),
    )
    found = compare_runs(gt, dets[0], dets[1], ids, class_ids, thresholds=thresholds)
    say(f"{first.name} at {thresholds[0]:.3f}, {second.name} at {thresholds[1]:.3f}, on {chosen.text}\n")
    rows = [
        [name, f"{one.first:.4f}", f"{one.second:.4f}", _shown(one.difference), f"{one.better:.0%}"]
        for name, one in found.figures.items()
    ]
    chance = "chance of better" if fair.is_fair else "chance of higher"
    say(table(rows, head=("", "before", "after", "difference (95 %)", chance)))
    say(
        f"\n{counted(len(found.gained), 'object')} gained, {len(found.lost)} lost, {len(found.changed)} missed differently"
    )
    say(f"{counted(len(found.false_second), 'new false positive')}, {len(found.false_first)} gone")
    apart = separate_labels(first, gt, (dets[0], dets[1]), np.array(ids), np.array(class_ids))
    if apart.by_labels is not None:
        old, model = apart.by_labels.old, apart.by_model.ap_at_iou
        on = (
            ""
            if old.image_count == len(ids)
            else f" (on the {counted(old.image_count, 'image')} that it had labels of)"
        )
        say(
            f"\nAP50 {old.ap_at_iou:.4f} with the labels that {first.name} was trained with, and its detections{on}"
        )
        say(f"     {model.first:.4f} with the labels of now: {_shown(apart.by_labels.ap_at_iou)}{on}")
        say(f"     {model.second:.4f} with the detections of {second.name}: {_shown(model.difference)}")
    if options.json is not None:
        record = {"images": len(ids), "scope": chosen.scope.value, "cautions": list(fair.cautions())}
        write_json(options.json, {**record, **_comparison_record(found, apart, gt, thresholds)})
    return 0


def _threshold(
    gt: GroundTruth, dets: Detections, image_ids: list[int], class_ids: list[int], given: float | None
) -> float:
    if given is not None:
        return given
    best = operating_points(judge(gt, dets, image_ids, class_ids)[0].outcomes()).best_f_beta()
    return 0.5 if best is None else best.threshold


def _comparison_record(
    found: Comparison, apart: LabelsApart, gt: GroundTruth, thresholds: tuple[float, float]
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "thresholds": list(thresholds),
        "figures": {name: figure_record(one) for name, one in found.figures.items()},
        "gained": gt.ids[found.gained].tolist(),
        "lost": gt.ids[found.lost].tolist(),
        "changed": gt.ids[found.changed].tolist(),
        "false_before": len(found.false_first),
        "false_after": len(found.false_second),
    }
    if apart.by_labels is not None:
        record["labels_and_model"] = {
            "old_labels_old_model": figure_or_none(apart.by_labels.old.ap_at_iou),
            "new_labels_old_model": figure_or_none(apart.by_model.old.ap_at_iou),
            "new_labels_new_model": figure_or_none(apart.by_model.new.ap_at_iou),
        }
    return record


def figure_record(one: Difference) -> dict[str, float | None]:
    """A figure before and after as JSON holds it; null where there is none, and then no difference either."""
    before, after = figure_or_none(one.first), figure_or_none(one.second)
    change = {
        "difference": one.difference.value,
        "low": one.difference.low,
        "high": one.difference.high,
        "better": one.better,
    }
    if before is None or after is None:
        return {"before": before, "after": after, **dict.fromkeys(change)}
    known = {name: None if math.isnan(value) else value for name, value in change.items()}
    return {"before": before, "after": after, **known}


def _shown(change: Interval) -> str:
    return f"{change.value:+.4f} ({change.low:+.4f} to {change.high:+.4f})"


def crossval(options: argparse.Namespace) -> int:
    """Train fold by fold and detect on the images left out; Ctrl+C stops and keeps."""
    with Project.open(options.project, read_only=options.resume is not None) as project:
        if (begun := run_of_launch(project)) is not None:
            run = prepare_resume(project, begun).run
        elif options.resume is not None:
            refuse_changes(options, _KEPT_BY_FOLDS)
            run = find_run(project, options.resume)
            if not is_cross_validation(run):
                raise ConfigError(f"{run.name} is no cross-validation", path=run.path)
            prepare_resume(project, run)
        else:
            folds = DEFAULT_FOLDS if options.folds is None else options.folds
            prepared = prepare_cross_validation(project, training_config(options), folds=folds)
            run = prepared.run
            for note in prepared.notes:
                say(note)
    remember_launch(run)
    say(f"run {run.name}")
    outcome = watch_job(lambda hear: _folds_job(options.project, run, hear))
    if not outcome.good:
        raise JobError(outcome.text, hint=outcome.hint or f"Go on with --resume {run.name}")
    say(ending_text(outcome))
    return INTERRUPTED if outcome.state is OutcomeState.STOPPED else DONE


def _folds_job(
    project: Path, run: RunFolder, hear: Callable[[Event], None]
) -> CrossValidationJob | WorkerJob:
    if not is_launched():
        return CrossValidationJob(run, on_event=hear)
    argv = shared_command(project, "folds", str(run.path))
    return WorkerJob(argv, on_event=hear, what="cross-validation")
