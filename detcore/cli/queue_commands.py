"""The queue of errors, as the window lists them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from detcore.cli.console import complain, say, table, write_json
from detcore.errors import EvaluationError
from detcore.project.project import Project
from detcore.project.runs import find_run
from detcore.project.scope import SCOPE_OF_SPLIT, SCOPE_TEXTS, Scope, unread_note
from detcore.review.entries import Entries, ErrorEntry
from detcore.review.filter import ErrorFilter, SortOrder
from detcore.review.kinds import ErrorKind
from detcore.review.orders import prepare_order
from detcore.review.query import find_items
from detcore.review.review import build_review
from detcore.wording import counted

SHOWN = 20
KINDS = {
    ErrorKind.TP: "found",
    ErrorKind.FP: "false",
    ErrorKind.FN: "missed",
    ErrorKind.UNJUDGED: "unjudged",
}


def queue(options: argparse.Namespace) -> int:
    """What the window lists, in its order; the first on stdout, all in --json."""
    order = next(order for order in SortOrder if order.word == options.order)
    with Project.open(options.project, read_only=True) as project:
        run = find_run(project, options.run)
        scope = None if options.split is None else SCOPE_OF_SPLIT[options.split]
        review = build_review(project, run, scope, options.iou)
        names = {image.id: image.path for image in project.images()}
        if not review.image_count or (scope is not None and review.scope is not scope):
            hint = (
                "Choose another with --split" if scope is not None else "Let it predict, or label some images"
            )
            raise EvaluationError(
                f"{run.name} has looked at no labelled image{'' if scope is None else f' in split {options.split}'}",
                path=project.folder,
                hint=hint,
            )
        threshold = review.best_threshold if options.threshold is None else options.threshold
        prepare_order(review, order)
        rows = find_items(review.source, ErrorFilter(), order, threshold).at(threshold)
        look_up = Entries(review.source, review.classes, review.paths)
        entries = [look_up.describe(rows[row], threshold) for row in range(len(rows))]
    if review.unread:
        complain(unread_note(review.unread))
    images = "images without labels" if review.scope is Scope.UNLABELLED else SCOPE_TEXTS[review.scope]
    what = counted(len(entries), "item")
    say(f"{run.name} on {review.image_count:,} {images}, from confidence {threshold:.2f}: {what}")
    records = [_record(entry, names) for entry in entries]
    if records:
        shown = [
            [
                one["image"],
                one["kind"],
                one["type"],
                one["class"],
                "" if one["score"] is None else f"{one['score']:.3f}",
            ]
            for one in records[:SHOWN]
        ]
        say("\n" + table(shown, head=("image", "kind", "type", "class", "score")))
    if options.json is not None:
        write_json(options.json, records)
    return 0


def _record(entry: ErrorEntry, names: Mapping[int, str]) -> dict[str, Any]:
    """An item as JSON holds it: its image, what it is, and both its halves where it has two."""
    label, detection = entry.label, entry.detection
    return {
        "image": names[entry.image_id],
        "kind": KINDS[entry.kind],
        "type": entry.type.name.lower(),
        "class": entry.class_name,
        "score": entry.score,
        "box": [round(edge, 2) for edge in entry.xyxy],
        "label_id": None if label is None else label.key,
        "label_class": None if label is None else label.class_name,
        "detection_row": None if detection is None else detection.run_row,
        "detection_class": None if detection is None else detection.class_name,
        "cost": entry.cost,
        "label_error": None if entry.suspicion is None else entry.suspicion.kind.value,
        "label_error_score": None if entry.suspicion is None else entry.suspicion.score,
    }
