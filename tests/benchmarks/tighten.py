"""How much tighter loose boxes become: those of public sets, each edge moved by up to 15 % of its side.

python -m tests.benchmarks tighten --data DIR [--work DIR] [--boxes 200] [--train-seconds 0] [--seed 0]

Prints median and mean IoU with the truth, as drawn, by the pixels alone, and by the newest run of the set's project in
``--work`` (``SET.reticle``, made where it is not there). With ``--train-seconds`` one is trained there first. With a run the
boxes are those of the part to be tested on.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from detcore.assist.proposals import Found
from detcore.assist.tighten import Fit, Loose, Unchanged, tighten
from detcore.boxes import Xyxy, clip, iou
from detcore.images.decoding import read_image
from detcore.project.project import Project
from detcore.project.runs import list_runs
from detcore.types import Box, Detections, FloatArray, ImageArray
from tests.benchmarks.command import reticle
from tests.benchmarks.race_sets import SETS, make_set

JITTER = 0.15


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A label as it should be, and as it was drawn."""

    label: Box
    loose: Loose


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks tighten",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder with bccd, playing_cards, raccoon"
    )
    parser.add_argument("--work", type=Path, help="a folder for projects, which stay there")
    parser.add_argument("--boxes", type=int, default=200, help="of each set")
    parser.add_argument("--train-seconds", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    print("| set | boxes | as drawn | by the pixels | ms a box | by a run |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for name in SETS:
            path = make_set(name, options.data, options.work or Path(scratch))
            if options.train_seconds:
                _train(path, options.train_seconds)
            with Project.open(path) as project:
                print(_row(name, project, boxes=options.boxes, seed=options.seed), flush=True)
    return 0


def _train(project: Path, seconds: float) -> None:
    minutes = f"{seconds / 60:.4f}"
    reticle("train", project, "--model", "reticle-s", "--minutes", minutes, "--image-size", "320")


def _row(name: str, project: Project, *, boxes: int, seed: int) -> str:
    runs = [info.folder for info in list_runs(project) if info.has_detections]
    found = Found.read(runs[0]) if runs else None
    drawn = jittered(project, boxes, seed=seed, tested=found is not None)

    @lru_cache(maxsize=4)
    def read(image_id: int) -> ImageArray:
        return read_image(project.image_path(project.image(image_id)))

    def fitted(box: Drawn, dets: Detections) -> Xyxy:
        (fit,) = tighten(
            [box.loose], dets, lambda: read(box.label.image_id), progress=lambda _done, _total: True
        )
        return _edges(fit, box.loose)

    for box in drawn:
        read(box.label.image_id)
    begun = time.perf_counter()
    by_pixels = [fitted(box, Detections.empty()) for box in drawn]
    milliseconds = (time.perf_counter() - begun) / len(drawn) * 1000
    by_run = "–"
    if found is not None:
        rows = [found.detections.take(found.rows(box.label.image_id)) for box in drawn]
        by_run = _figures(drawn, [fitted(box, dets) for box, dets in zip(drawn, rows, strict=True)])
    before = _figures(drawn, [box.loose.xyxy for box in drawn])
    return (
        f"| {name} | {len(drawn)} | {before} | {_figures(drawn, by_pixels)} | {milliseconds:.0f} | {by_run} |"
    )


def jittered(project: Project, count: int, *, seed: int, tested: bool) -> list[Drawn]:
    """Labels, of the images to be tested on where that is asked for, by image, each edge elsewhere by up to ``JITTER`` of its
    side, within the image."""
    splits = {image.id: image.split for image in project.images()}
    labels = [box for box in project.all_boxes() if not tested or splits[box.image_id] == "test"]
    rng = np.random.default_rng(seed)
    chosen = sorted(rng.permutation(len(labels))[:count].tolist())
    drawn: list[Drawn] = []
    for label in (labels[row] for row in chosen):
        width, height = project.image(label.image_id).size or (np.inf, np.inf)
        truth = np.array(label.xyxy)
        moved = truth + rng.uniform(-JITTER, JITTER, 4) * np.tile(truth[2:] - truth[:2], 2)
        x1, y1, x2, y2 = clip(moved[None], width=width, height=height)[0].tolist()
        drawn.append(Drawn(label=label, loose=Loose(class_id=label.class_id, xyxy=(x1, y1, x2, y2))))
    return drawn


def _edges(fit: Fit, loose: Loose) -> Xyxy:
    return loose.xyxy if isinstance(fit, Unchanged) else fit


def _figures(drawn: Sequence[Drawn], edges: Sequence[Xyxy]) -> str:
    """Median and mean IoU with the truth."""
    overlaps: FloatArray = np.array(
        [
            iou(np.array([box.label.xyxy]), np.array([one]))[0, 0]
            for box, one in zip(drawn, edges, strict=True)
        ]
    )
    return f"{np.median(overlaps):.3f}, {overlaps.mean():.3f}"
