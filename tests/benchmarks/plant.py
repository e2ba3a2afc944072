"""Label errors planted in a project by seed, and how well a ranked list finds them.

python -m tests.benchmarks.plant P.reticle --truth FILE [--seed 0] [--share 0.05]
python -m tests.benchmarks.plant --truth FILE --measure AUDIT.json [...]

Each kind takes its own share of the labels; no label gets two errors. A list is what `audit --json` writes; of other
programs the keys image, kind, box and score are enough. A candidate is right if the error of its kind at its place
(same label, or IoU of at least a half, 0.9 for kinds that are about a label) has not been found by a better one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from detcore.atomic import atomic_write
from detcore.boxes import iou
from detcore.project.edits import Edit, add_boxes, combine, delete_boxes, update_boxes
from detcore.project.project import Project
from detcore.types import Box, Image, Origin

KINDS = ("missing", "spurious", "swapped", "location", "duplicate")
_SHIFT = (0.2, 0.4)  # of the sides; the IoU that is left is 0.3 to 0.7
_JITTER = 0.05
_SAME_LABEL = 0.9
_SAME_PLACE = 0.5
_TRIES = 60
_FIRST = (50, 200)

Rng = np.random.Generator


def plant(project: Project, *, seed: int = 0, share: float = 0.05) -> list[dict[str, Any]]:
    """Spoil labels in one undoable edit; returns what was done, an entry each: kind, image, box and class as the labels
    now say (of a missing one: as they said), what would be right, and the label's id or null."""
    rng = np.random.default_rng(seed)
    images = {image.id: image for image in project.images()}
    boxes = [
        box
        for box in project.all_boxes()
        if not box.crowd and not box.difficult and images[box.image_id].width is not None
    ]
    classes = [one.id for one in project.classes()]
    names = {one.id: one.name for one in project.classes()}
    by_image: dict[int, list[Box]] = {}
    for box in boxes:
        by_image.setdefault(box.image_id, []).append(box)
    count = round(share * len(boxes))
    order = rng.permutation(len(boxes))
    parts = [[boxes[row] for row in order[start : start + count]] for start in range(0, 4 * count, count)]
    missing, swapped, shifted, doubled = parts if count else ([], [], [], [])
    if len(classes) < 2:
        swapped = []

    renamed = [replace(box, class_id=_other(rng, classes, box.class_id)) for box in swapped]
    moved = [_moved(rng, box, images[box.image_id]) for box in shifted]
    copies = [_jittered(rng, box, images[box.image_id]) for box in doubled]
    gone = {box.id for box in missing}
    strange = _spurious(rng, [box for box in boxes if box.id not in gone], by_image, images, count)
    new_ids: list[int] = []

    def spoil(project: Project) -> Edit:
        adding = add_boxes(project, [*copies, *strange])
        new_ids.extend(adding.changes[0].ids if adding.changes else ())
        edits = [delete_boxes(project, gone), update_boxes(project, [*renamed, *moved]), adding]
        return combine("Plant label errors", edits)

    project.edit(spoil)

    def entry(kind: str, given: Box, label_id: int | None, right: Box | None) -> dict[str, Any]:
        return {
            "kind": kind,
            "image": images[given.image_id].path,
            "box": list(given.xyxy),
            "class": names[given.class_id],
            "label_id": label_id,
            "right_box": None if right is None else list(right.xyxy),
            "right_class": None if right is None else names[right.class_id],
        }

    return [
        *(entry("missing", box, None, box) for box in missing),
        *(
            entry("spurious", box, new_id, None)
            for box, new_id in zip(strange, new_ids[len(copies) :], strict=True)
        ),
        *(entry("swapped", now, now.id, box) for now, box in zip(renamed, swapped, strict=True)),
        *(entry("location", now, now.id, box) for now, box in zip(moved, shifted, strict=True)),
        *(
            entry("duplicate", box, new_id, first) | {"first_id": first.id}
            for box, new_id, first in zip(copies, new_ids[: len(copies)], doubled, strict=True)
        ),
    ]


def measure(truth: Sequence[dict[str, Any]], ranked: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Average precision of the ranking of each kind that was planted."""
    figures: dict[str, float] = {}
    for kind in KINDS:
        planted = [error for error in truth if error["kind"] == kind]
        if not planted:
            continue
        candidates = sorted(
            (one for one in ranked if one["kind"] == kind), key=lambda one: one["score"], reverse=True
        )
        by_image: dict[str, list[int]] = {}
        for row, error in enumerate(planted):
            by_image.setdefault(error["image"], []).append(row)
        found: set[int] = set()
        total = 0.0
        for place, candidate in enumerate(candidates, start=1):
            row = _found(
                candidate, planted, [r for r in by_image.get(candidate["image"], []) if r not in found]
            )
            if row is not None:
                found.add(row)
                total += len(found) / place
        figures[kind] = total / len(planted)
    return figures


def measure_together(truth: Sequence[dict[str, Any]], ranked: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The ranking of all kinds in one list, where each label stands once, with its strongest suspicion of whatever
    kind: average precision, and the share of planted errors among the first."""
    gone = [error for error in truth if error["kind"] == "missing"]
    spoilt = [error for error in truth if error["kind"] != "missing"]
    by_image: dict[tuple[bool, str], list[int]] = {}
    for there, errors in ((False, gone), (True, spoilt)):
        for row, error in enumerate(errors):
            by_image.setdefault((there, error["image"]), []).append(row)
    hits: list[bool] = []
    met: set[int] = set()
    found: set[tuple[bool, int]] = set()
    for candidate in sorted(ranked, key=lambda one: one["score"], reverse=True):
        label = candidate.get("label_id")
        if label in met:
            continue
        if label is not None:
            met.add(label)
        there = label is not None
        rows = [row for row in by_image.get((there, candidate["image"]), []) if (there, row) not in found]
        row = _found(candidate, spoilt if there else gone, rows)
        hits.append(row is not None)
        if row is not None:
            found.add((there, row))
    right = np.array(hits, dtype=np.bool_)
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    firsts = {f"first {many}": float(right[:many].mean()) for many in _FIRST if len(right) >= many}
    return {"average precision": float(precision[right].sum() / len(truth)), **firsts}


def _found(candidate: dict[str, Any], planted: list[dict[str, Any]], rows: list[int]) -> int | None:
    """Which of the errors of its image the candidate is, if any."""
    if not rows:
        return None
    label = candidate.get("label_id")
    if label is not None:
        return next((r for r in rows if label in (planted[r]["label_id"], planted[r].get("first_id"))), None)
    boxes = np.array([planted[row]["box"] for row in rows], dtype=np.float64)
    overlaps = iou(np.array([candidate["box"]], dtype=np.float64), boxes)[0]
    best = int(np.argmax(overlaps))
    least = _SAME_PLACE if candidate["kind"] == "missing" else _SAME_LABEL
    return rows[best] if overlaps[best] >= least else None


def _other(rng: Rng, classes: Sequence[int], label: int) -> int:
    rest = [one for one in classes if one != label]
    return rest[int(rng.integers(len(rest)))]


def _placed(box: Box, edges: np.ndarray, image: Image) -> Box:
    """The box at other edges, cut to the image."""
    limits = np.array([image.width, image.height] * 2, dtype=np.float64)
    x1, y1, x2, y2 = np.clip(edges, 0, limits).round(2).tolist()
    return replace(box, x1=x1, y1=y1, x2=x2, y2=y2)


def _moved(rng: Rng, box: Box, image: Image) -> Box:
    sides = np.array([box.x2 - box.x1, box.y2 - box.y1])
    for _ in range(_TRIES):
        angle = rng.uniform(0, 2 * np.pi)
        step = rng.uniform(*_SHIFT) * sides * [np.cos(angle), np.sin(angle)]
        moved = _placed(box, np.array(box.xyxy) + [*step, *step], image)
        kept = iou(np.array([moved.xyxy]), np.array([box.xyxy]))[0, 0]
        if 0.3 <= kept <= 0.75:
            return moved
    x1, y1, x2, y2 = box.xyxy
    return _placed(box, np.array([x1, y1, x1 + 0.6 * (x2 - x1), y2]), image)


def _jittered(rng: Rng, box: Box, image: Image) -> Box:
    sides = np.array([box.x2 - box.x1, box.y2 - box.y1] * 2)
    edges = np.array(box.xyxy) + rng.uniform(-_JITTER, _JITTER, 4) * sides
    return _placed(replace(box, id=0, origin=Origin.HUMAN), edges, image)


def _spurious(
    rng: Rng, boxes: list[Box], by_image: dict[int, list[Box]], images: dict[int, Image], count: int
) -> list[Box]:
    """Boxes around nothing, each as large as some label and of its class."""
    made: list[Box] = []
    places = list(by_image)
    for _ in range(count * _TRIES):
        if len(made) == count:
            break
        image = images[places[int(rng.integers(len(places)))]]
        like = boxes[int(rng.integers(len(boxes)))]
        width, height = like.x2 - like.x1, like.y2 - like.y1
        if image.width is None or image.height is None or width >= image.width or height >= image.height:
            continue
        x, y = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
        box = _placed(
            replace(like, id=0, image_id=image.id, origin=Origin.HUMAN),
            np.array([x, y, x + width, y + height]),
            image,
        )
        near = np.array([one.xyxy for one in by_image[image.id]])
        if iou(np.array([box.xyxy]), near).max() < 0.05:
            made.append(box)
            by_image[image.id].append(box)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "project", type=Path, nargs="?", metavar="P.reticle", help="is changed; undo brings it back"
    )
    parser.add_argument("--truth", type=Path, required=True, metavar="FILE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=0.05, help="of the labels, for each kind")
    parser.add_argument("--measure", type=Path, nargs="+", metavar="AUDIT.json", default=[])
    options = parser.parse_args()
    if options.project is not None:
        with Project.open(options.project) as project:
            truth = plant(project, seed=options.seed, share=options.share)
        with atomic_write(options.truth) as path:
            path.write_text(json.dumps(truth, indent=1), encoding="utf-8")
        print({kind: sum(error["kind"] == kind for error in truth) for kind in KINDS})
    truth = json.loads(options.truth.read_text(encoding="utf-8"))
    for file in options.measure:
        ranked = json.loads(file.read_text(encoding="utf-8"))
        figures = measure(truth, ranked)
        print(file.name, {kind: round(value, 4) for kind, value in figures.items()})
        together = measure_together(truth, ranked)
        print("  together", {name: round(value, 4) for name, value in together.items()})


if __name__ == "__main__":
    main()
