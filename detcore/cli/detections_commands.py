"""Commands about what others have found or labelled: import-detections, agree."""

from __future__ import annotations

import argparse
from typing import Any

from detcore.cli.console import progress_bar, say, table, write_json
from detcore.errors import ConfigError, EvaluationError
from detcore.evaluation.agreement import Agreement
from detcore.evaluation.evaluate import figure_or_none
from detcore.exchange import detections
from detcore.project.project import Project
from detcore.project.runs import find_run, imported_from
from detcore.project.scope import SCOPE_OF_SPLIT, SCOPE_TEXTS
from detcore.review.review import build_review
from detcore.review.two_people import agreement_of
from detcore.types import ObjectClass
from detcore.wording import counted

_SHOWN = 20


def import_detections(options: argparse.Namespace) -> int:
    """Read detections, say how they were understood, make a run of them."""
    choice = None if options.looked_at is None else detections.LookedAt(options.looked_at)
    with Project.open(options.project) as project, progress_bar("reading", "file") as progress:
        found = detections.find_detections(
            project, options.dt, format_name=options.format, coco_file=options.gt, progress=progress
        )
        for problem in found.problems[:_SHOWN]:
            say(str(problem))
        if len(found.problems) > _SHOWN:
            say(f"… and {counted(len(found.problems) - _SHOWN, 'more problem')}")
        for note in found.notes:
            say(f"note: {note}")
        made = detections.import_detections(
            project, found, options.name, add_classes=options.add_classes, looked_at=choice
        )
    for name in made.added:
        say(f"class {name} was added")
    if made.left_out:
        named = ", ".join(f"{name} ({count:,})" for name, count in found.unknown.items())
        say(
            f"left out {counted(made.left_out, 'detection')} of classes that the project does not have: {named}; "
            "--add-classes adds them"
        )
    what = (
        counted(made.detections, "box", "boxes")
        if found.origin.by_person
        else counted(made.detections, "detection")
    )
    say(
        f"run {made.run.name}: {what} on {counted(made.images, 'image')} that were looked at ({found.origin.format}), "
        f"{counted(len(found.problems), 'problem')}"
    )
    return 0


def agree(options: argparse.Namespace) -> int:
    """Figures of two people: the project's labels and those of a run."""
    with Project.open(options.project, read_only=True) as project:
        run = find_run(project, options.run)
        origin = imported_from(run)
        if origin is None or not origin.by_person:
            raise ConfigError(
                f"{run.name} holds detections of a model, not labels of a person",
                path=run.path,
                hint="Use evaluate, or import labels with import-detections",
            )
        scope = None if options.split is None else SCOPE_OF_SPLIT[options.split]
        review = build_review(project, run, scope, options.iou)
        if not review.image_count or review.unjudged or (scope is not None and review.scope is not scope):
            raise EvaluationError("no image here was labelled by both", path=run.path)
        found = agreement_of(review)
    say(f"{run.name} on {review.image_count:,} {SCOPE_TEXTS[review.scope]}, at IoU {options.iou:g}\n")
    say(f"{'boxes of the project':<22}{found.first:>8,}")
    say(f"{'boxes of ' + origin.source[:12]:<22}{found.second:>8,}")
    say(f"{'on the same place':<22}{found.matched:>8,}")
    say(f"{'of the same class':<22}{found.agreed:>8,}")
    say(f"{'F1':<22}{_shown(found.f1):>8}")
    say(f"{'kappa of classes':<22}{_shown(found.kappa):>8}\n")
    rows = [
        [
            review.classes[one.class_id].name,
            f"{one.first:,}",
            f"{one.second:,}",
            f"{one.agreed:,}",
            _shown(one.f1),
        ]
        for one in found.classes
        if one.first or one.second
    ]
    say(table(rows, head=["class", "project", "other", "agreed", "F1"]))
    if options.json is not None:
        write_json(options.json, _record(found, review.image_count, options.iou, {**review.classes}))
    return 0


def _shown(figure: float) -> str:
    return "–" if figure != figure else f"{figure:.3f}"


def _record(found: Agreement, images: int, iou: float, classes: dict[int, ObjectClass]) -> dict[str, Any]:
    return {
        "images": images,
        "iou": iou,
        "first": found.first,
        "second": found.second,
        "matched": found.matched,
        "agreed": found.agreed,
        "f1": figure_or_none(found.f1),
        "kappa": None if found.kappa != found.kappa else found.kappa,
        "classes": {
            classes[one.class_id].name: {
                "first": one.first,
                "second": one.second,
                "agreed": one.agreed,
                "f1": figure_or_none(one.f1),
            }
            for one in found.classes
        },
    }
