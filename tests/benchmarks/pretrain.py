"""Weights that a detector of ours has learnt on painted scenes, to see whether they help it on photographs.

python -m tests.benchmarks pretrain --out FILE.safetensors [--images 2000] [--minutes 30] [--model reticle-s] [--seed 0]

Scenes are those of the sample project, 320 pixels wide, each object labelled as it is; a twentieth is judged by. The file
has the averaged weights of the best step without the layers that answer for the sample's classes. A training starts
from it with ``--weights FILE``, and ``race --weights FILE`` shows what that brings.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from safetensors.torch import save_file

from detcore.atomic import atomic_write
from detcore.inference.predictor import best_checkpoint
from detcore.project.runs import RunFolder
from detcore.sample.objects import KINDS
from detcore.sample.scene import paint_scene
from detcore.zoo.building import build_detector
from tests.benchmarks.command import reticle

WIDTH, HEIGHT = 320, 240
_RATIOS = ("0.95", "0.05", "0")


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks pretrain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="a .safetensors file")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--model", default="reticle-s")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), count=options.images, seed=options.seed)
        sys.stderr.write(f"{options.images} scenes are painted\n")
        reticle("train", project, "--model", options.model, "--minutes", str(options.minutes), "--seed",
                str(options.seed), "--image-size", str(WIDTH), "--no-predict-after")  # fmt: skip
        ap = write_weights(project, options.out)
    sys.stdout.write(f"{options.out}: AP {ap:.3f} on painted scenes\n")
    return 0


def make_project(folder: Path, *, count: int, seed: int) -> Path:
    """Paint scenes on all cores, and make a project of them and of all that lies in them."""
    images = folder / "images"
    images.mkdir()
    with ProcessPoolExecutor() as pool:
        painted = list(pool.map(partial(_paint, images, seed), range(count), chunksize=8))
    ids = {kind.name: number for number, kind in enumerate(KINDS, start=1)}
    boxes = [(number, name, edges) for number, objects in enumerate(painted) for name, edges in objects]
    record = {
        "images": [
            {"id": number, "file_name": _name(number), "width": WIDTH, "height": HEIGHT}
            for number in range(count)
        ],
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "annotations": [
            {"id": row, "image_id": number, "category_id": ids[name], "bbox": [x1, y1, x2 - x1, y2 - y1],
             "area": (x2 - x1) * (y2 - y1), "iscrowd": 0}
            for row, (number, name, (x1, y1, x2, y2)) in enumerate(boxes)
        ],
    }  # fmt: skip
    labels = folder / "labels.json"
    labels.write_text(json.dumps(record), encoding="utf-8")
    project = folder / "scenes.reticle"
    reticle("import", project, labels, "--format", "coco", "--images", images)
    reticle("split", project, "--ratios", *_RATIOS)
    return project


def _paint(folder: Path, seed: int, number: int) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Write one scene; the classes and boxes of what is on it."""
    pixels, objects = paint_scene(np.random.default_rng([seed, number]), width=WIDTH, height=HEIGHT)
    _, encoded = cv2.imencode(".png", pixels[..., ::-1])
    (folder / _name(number)).write_bytes(encoded.tobytes())
    return [(item.class_name, item.xyxy) for item in objects]


def _name(number: int) -> str:
    return f"{number:05}.png"


def write_weights(project: Path, out: Path) -> float:
    """Keep what the project's run has learnt of any class; returns its AP."""
    (run,) = (project / "runs").iterdir()
    checkpoint = best_checkpoint(RunFolder(run))
    of_classes = build_detector(checkpoint.model, num_classes=1, image_size=WIDTH).class_rows
    tensors = {
        name: tensor.contiguous()
        for name, tensor in checkpoint.kept().items()
        if not any(fnmatchcase(name, pattern) for pattern in of_classes)
    }
    with atomic_write(out) as path:
        save_file(tensors, path)
    return checkpoint.state.best_ap or 0.0
