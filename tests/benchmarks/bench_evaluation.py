"""The evaluation on a set of COCO val's size, CPU seconds beside pycocotools and faster-coco-eval.

python -m tests.benchmarks.bench_evaluation
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from faster_coco_eval import COCO as FasterCOCO
from faster_coco_eval import COCOeval_faster
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detcore.evaluation.bootstrap import draw_images, mean_average_precision
from detcore.evaluation.coco import STAT_NAMES, evaluate_coco
from detcore.evaluation.coco_files import CocoFiles, read_coco_files
from detcore.evaluation.error_costs import find_error_costs
from detcore.evaluation.error_types import ErrorTypes, find_error_types
from detcore.evaluation.judged import judge
from detcore.evaluation.label_errors import rank_label_errors
from detcore.evaluation.live import LiveEvaluation
from detcore.evaluation.matching import match
from detcore.evaluation.problem import arrange
from tests.benchmarks.figures import Figure, table

GENERATOR = Path(__file__).resolve().parents[3] / "shared" / "bench" / "gen_synth_coco.py"
TICKS = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.95)
IMAGES, CLASSES, OBJECTS, FOUND = 5_000, 80, 36_000, 400_000


def main() -> list[Figure]:
    """5,000 images, 80 classes, 36,000 objects, 400,000 detections."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_problem(folder)
        gt_path, dt_path = folder / "gt.json", folder / "dt.json"
        figures, (gt, dt) = _reading(gt_path, dt_path)
        files = read_coco_files(gt_path, dt_path)
        figures += _coco(files, gt, dt)
        figures += _live(files)
        figures.append(
            Figure(name="error types and their costs", value=cpu(lambda: _errors(files), 2), unit="s")
        )
        figures += _insight(files)
        return [*figures, _memory(files)]


def write_problem(folder: Path) -> None:
    """The set of the generator beside the checkout, or where there is none, a simpler one."""
    if GENERATOR.is_file():
        command = [sys.executable, str(GENERATOR), "--out", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return
    rng = np.random.default_rng(0)
    image, label = rng.integers(1, IMAGES + 1, OBJECTS), rng.integers(1, CLASSES + 1, OBJECTS)
    boxes = np.concatenate(
        [rng.random((OBJECTS, 2)) * 400, np.exp(rng.normal(3.7, 0.9, (OBJECTS, 2)))], axis=1
    )
    boxes[:, 2:] = np.minimum(boxes[:, 2:], [640, 480] - boxes[:, :2])
    annotations = [
        {"id": n + 1, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": 0}
        for n, (i, c, b) in enumerate(zip(image.tolist(), label.tolist(), boxes.tolist(), strict=True))
    ]
    source = rng.integers(0, OBJECTS, FOUND)
    noise = rng.normal(0, rng.choice([0.05, 0.3, 2.0], (FOUND, 1), p=[0.08, 0.05, 0.87]), (FOUND, 4))
    moved = np.maximum(boxes[source] + noise * boxes[source][:, [2, 3, 2, 3]], 1.0)
    # a detector's boxes lie in the image
    moved[:, :2] = np.minimum(moved[:, :2], [639, 479])
    moved[:, 2:] = np.minimum(moved[:, 2:], [640, 480] - moved[:, :2])
    scores = rng.beta(0.6, 6, FOUND)
    columns = (image[source].tolist(), label[source].tolist(), moved.tolist(), scores.tolist())
    dt = [
        {"image_id": i, "category_id": c, "bbox": b, "score": s} for i, c, b, s in zip(*columns, strict=True)
    ]
    gt = {
        "images": [
            {"id": n, "file_name": f"{n}.jpg", "width": 640, "height": 480} for n in range(1, IMAGES + 1)
        ],
        "categories": [{"id": n, "name": f"class {n}"} for n in range(1, CLASSES + 1)],
        "annotations": annotations,
    }
    (folder / "gt.json").write_text(json.dumps(gt))
    (folder / "dt.json").write_text(json.dumps(dt))


def cpu(work: Callable[[], Any], times: int = 1) -> float:
    """CPU seconds of the fastest of several runs."""
    spent: list[float] = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def _insight(files: CocoFiles) -> list[Figure]:
    """What is asked for after the numbers. ObjectLab took 448 s of CPU to score 5,000 images."""
    columns, labels = (files.gt, files.dets), sorted(files.classes)
    judged = judge(*columns, files.image_ids, labels, max_detections=100)
    draws = draw_images(len(files.image_ids), draws=100)
    return [
        Figure(
            name="label errors, ranked",
            value=cpu(lambda: rank_label_errors(*columns, image_ids=files.image_ids, class_ids=labels)),
            unit="s",
            aim=448 / 50,
        ),
        Figure(
            name="cost of each single error",
            value=cpu(lambda: find_error_costs(*columns, files.image_ids, labels)),
            unit="s",
        ),
        Figure(
            name="AP50 of 100 draws of images",
            value=cpu(lambda: mean_average_precision(judged, draws)),
            unit="s",
        ),
    ]


def _reading(gt_path: Path, dt_path: Path) -> tuple[list[Figure], list[Any]]:
    start = time.process_time()
    parts = [json.loads(path.read_bytes()) for path in (gt_path, dt_path)]
    plain = time.process_time() - start
    ours = cpu(lambda: read_coco_files(gt_path, dt_path), times=2)
    return [
        Figure(name="read both files", value=ours, unit="s", aim=plain, peer=plain, peer_name="json")
    ], parts


def _coco(files: CocoFiles, gt: dict[str, Any], dt: list[Any]) -> list[Figure]:
    def twelve() -> dict[str, float]:
        classes, areas = (
            sorted(files.classes),
            {"gt_box_areas": files.gt_box_areas, "det_areas": files.det_areas},
        )
        return dict(evaluate_coco(files.gt, files.dets, files.image_ids, classes, **areas).stats)

    name = "COCO's twelve numbers"
    ours = cpu(twelve, times=3)
    peer, answers = _peer(FasterCOCO, COCOeval_faster, gt, dt)
    slow_peer, _ = _peer(COCO, COCOeval, gt, dt)
    worst = max(abs(twelve()[key] - answers[key]) for key in STAT_NAMES)
    problem = arrange(files.gt, files.dets, image_ids=files.image_ids, class_ids=sorted(files.classes))
    every_size = np.array([[0.0, 1e10]])
    one_iou = cpu(lambda: match(problem, iou_thresholds=[0.5], size_ranges=every_size), times=3)
    arranging = cpu(
        lambda: arrange(files.gt, files.dets, image_ids=files.image_ids, class_ids=sorted(files.classes)),
        times=3,
    )
    return [
        Figure(name=name, value=ours, unit="s", aim=0.35 * peer, peer=peer, peer_name="faster-coco-eval"),
        Figure(name=name, value=ours, unit="s", aim=slow_peer / 20, peer=slow_peer, peer_name="pycocotools"),
        Figure(name="largest difference to faster-coco-eval", value=worst, unit="", aim=1e-12),
        Figure(name="match table of one IoU, with sorting", value=one_iou + arranging, unit="s", aim=0.4),
    ]


def _peer(files: Any, run: Any, gt: dict[str, Any], dt: list[Any]) -> tuple[float, dict[str, float]]:
    """CPU seconds of a peer's evaluation, its reading apart, and its numbers."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = files()
        truth.dataset = json.loads(json.dumps(gt))
        truth.createIndex()
        evaluation = run(truth, truth.loadRes([dict(row) for row in dt]), "bbox")

        def work() -> None:
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()

        spent = cpu(work)
    return spent, dict(zip(STAT_NAMES, np.asarray(evaluation.stats)[:12].tolist(), strict=True))


def _live(files: CocoFiles) -> list[Figure]:
    classes = sorted(files.classes)

    def start() -> LiveEvaluation:
        return LiveEvaluation(files.gt, files.dets, class_ids=classes, image_ids=files.image_ids)

    live = start()

    def tick(threshold: float) -> None:
        live.per_class(threshold)
        live.counts(threshold)
        live.confusion(threshold)
        live.missed(threshold)
        live.false_positives(threshold)
        live.true_positives(threshold)
        live.image_view(17, threshold)

    first = cpu(lambda: tick(0.5))
    # one after the other, as a slider has them: what was counted for the latest is kept
    rounds = [[cpu(lambda t=threshold: tick(t)) for threshold in TICKS] for _ in range(3)]
    worst = max(min(each) for each in zip(*rounds, strict=True))
    edits = [(int(i), live.gt.take(live.gt.image_ids == i)) for i in files.image_ids[:200]]
    edit = cpu(lambda: [live.replace_image(number, gt) for number, gt in edits]) / len(edits)
    after = cpu(lambda: (tick(0.5), live.curve()))
    return [
        Figure(name="open the live evaluation", value=cpu(start, times=2), unit="s"),
        Figure(name="confusion matrix for the first time", value=first * 1e3, unit="ms"),
        Figure(name="slider tick, the worst of several thresholds", value=worst * 1e3, unit="ms", aim=3.0),
        Figure(name="match one image again", value=edit * 1e3, unit="ms", aim=2.0),
        Figure(name="all figures and the curve after it", value=after * 1e3, unit="ms", aim=50.0),
    ]


def _errors(files: CocoFiles) -> ErrorTypes:
    return find_error_types(files.gt, files.dets, files.image_ids, sorted(files.classes))


def _memory(files: CocoFiles) -> Figure:
    """What the evaluation takes beside its inputs."""
    tracemalloc.start()
    evaluate_coco(files.gt, files.dets, files.image_ids, sorted(files.classes))
    live = LiveEvaluation(files.gt, files.dets, class_ids=sorted(files.classes))
    live.confusion(0.3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Figure(name="memory beside the inputs", value=peak / 2**20, unit="MB", aim=600.0)


if __name__ == "__main__":
    sys.stdout.write(table(main()) + "\n")
