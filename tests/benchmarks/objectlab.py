"""cleanlab's ObjectLab on the labels of a project and the detections of a run, as a list that `plant --measure` reads.

python -m tests.benchmarks.objectlab columns P.reticle --run RUN --out COLUMNS.npz
python tests/benchmarks/objectlab.py score COLUMNS.npz --out LIST.json [--high P] [--low P]

The second step needs cleanlab and numpy alone, so that it may run in an environment of its own. Its three scores are the
kinds missing, swapped and location; badly located stands for spurious, too, the nearest that it has. Without --high and
--low its own thresholds hold.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np


def write_columns(folder: Path, run_name: str, out: Path) -> None:
    """Labelled images that the run has looked at, their labels, and the detections there."""
    from detcore.project.project import Project
    from detcore.project.runs import find_run, load_detections, predicted_images
    from detcore.project.snapshot import take_snapshot

    with Project.open(folder, read_only=True) as project:
        run = find_run(project, run_name)
        snapshot = take_snapshot(project).labelled()
        names = {image.id: image.path for image in project.images()}
    chosen = snapshot.only(predicted_images(run))
    ids = np.array(sorted(image.id for image in chosen.images), dtype=np.int64)
    dets, gt = load_detections(run), chosen.ground_truth
    dets = dets.take(np.isin(dets.image_ids, ids))
    np.savez(
        out,
        images=ids,
        names=np.array([names[image_id] for image_id in ids.tolist()]),
        classes=np.array([item.id for item in snapshot.classes]),
        class_names=np.array([item.name for item in snapshot.classes]),
        gt_ids=gt.ids,
        gt_image=gt.image_ids,
        gt_class=gt.labels,
        gt_boxes=gt.boxes,
        det_image=dets.image_ids,
        det_class=dets.labels,
        det_boxes=dets.boxes,
        det_scores=dets.scores,
    )


def score(columns: dict[str, np.ndarray], *, high: float | None, low: float | None) -> list[dict[str, Any]]:
    """Candidates; the lower ObjectLab's score, the higher theirs."""
    from cleanlab.object_detection import rank

    classes, class_names = columns["classes"].tolist(), columns["class_names"].tolist()
    place = {class_id: number for number, class_id in enumerate(classes)}
    labels, predictions, gt_rows, det_rows = [], [], [], []
    for image in columns["images"]:
        mine = np.flatnonzero(columns["gt_image"] == image)
        number = np.array([place[one] for one in columns["gt_class"][mine].tolist()], dtype=np.int64)
        labels.append({"bboxes": columns["gt_boxes"][mine], "labels": number})
        parts = [
            np.flatnonzero((columns["det_image"] == image) & (columns["det_class"] == class_id))
            for class_id in classes
        ]
        per_class = np.empty(len(classes), dtype=object)
        for number, rows in enumerate(parts):
            per_class[number] = np.column_stack([columns["det_boxes"][rows], columns["det_scores"][rows]])
        predictions.append(per_class)
        gt_rows.append(mine)
        det_rows.append(np.concatenate(parts))
    top = {} if high is None else {"high_probability_threshold": high}
    bottom = {} if low is None else {"low_probability_threshold": low}
    given = {"labels": labels, "predictions": predictions}
    found: list[dict[str, Any]] = []

    def add(kind: str, side: str, rows: list[np.ndarray], scores: list[np.ndarray]) -> None:
        for name, mine, values in zip(columns["names"].tolist(), rows, scores, strict=True):
            for row, value in zip(mine.tolist(), np.asarray(values, dtype=np.float64).tolist(), strict=True):
                if value != value:
                    continue  # below the threshold
                record = {
                    "image": name,
                    "kind": kind,
                    "box": columns[f"{side}_boxes"][row].tolist(),
                    "class": class_names[place[int(columns[f"{side}_class"][row])]],
                    "score": 1 - value,
                }
                found.append(record | ({"label_id": int(columns["gt_ids"][row])} if side == "gt" else {}))

    add("missing", "det", det_rows, rank.compute_overlooked_box_scores(**given, **top))
    add("swapped", "gt", gt_rows, rank.compute_swap_box_scores(**given, **top))
    located = rank.compute_badloc_box_scores(**given, **bottom)
    add("location", "gt", gt_rows, located)
    add("spurious", "gt", gt_rows, located)
    return sorted(found, key=lambda one: one["score"], reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    steps = parser.add_subparsers(dest="step", required=True)
    columns = steps.add_parser("columns")
    columns.add_argument("project", type=Path)
    columns.add_argument("--run", required=True)
    columns.add_argument("--out", type=Path, required=True)
    scores = steps.add_parser("score")
    scores.add_argument("columns", type=Path)
    scores.add_argument("--out", type=Path, required=True)
    scores.add_argument("--high", type=float)
    scores.add_argument("--low", type=float)
    options = parser.parse_args()
    if options.step == "columns":
        write_columns(options.project, options.run, options.out)
        return
    with np.load(options.columns, allow_pickle=False) as file:
        given = {name: file[name] for name in file.files}
    start = time.process_time()
    found = score(given, high=options.high, low=options.low)
    print(f"{time.process_time() - start:.1f} s of CPU, {len(found)} candidates")
    options.out.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
