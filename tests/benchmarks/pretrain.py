"""Weights that a detector of ours has learnt on painted scenes, to see whether they help it on photographs.

python -m tests.benchmarks pretrain --out FILE.safetensors [--images 2000] [--minutes 30] [--model reticle-s] [--seed 0]

Scenes are those of the sample project, each object labelled as it is. One is painted 1280 pixels wide and seen six times, 320 pixels
wide: as a whole, and from nearer and nearer, around some object, so that objects are of all sizes; what lies
half outside of such a view is ignored. A twentieth is judged by. The file has the averaged weights of the best step in half
precision, without the layers that answer for the sample's classes. A training starts from it with ``--weights FILE``, and ``race
--weights FILE`` shows what that brings.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from safetensors.torch import save_file

from detcore.atomic import atomic_write
from detcore.boxes import areas, clip
from detcore.inference.predictor import best_checkpoint
from detcore.project.runs import RunFolder
from detcore.sample.objects import KINDS
from detcore.sample.scene import paint_scene
from detcore.types import FloatArray
from detcore.zoo.building import build_detector
from tests.benchmarks.command import reticle

WIDTH, HEIGHT = 320, 240
PAINTED = 4
"""So many times as large is what is painted."""
VIEWS = (1.0, 0.5, 0.5, 0.25, 0.25, 0.15)
"""The shares of its sides that are seen."""
_MOSTLY_THERE, _SEEN = 0.5, 0.02
"""The shares of an object in a view from which it is one, and from which it is ignored."""
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
                str(options.seed), "--image-size", str(WIDTH), "--weights", "none", "--no-predict-after")  # fmt: skip
        ap = write_weights(project, options.out)
    sys.stdout.write(f"{options.out}: AP {ap:.3f} on painted scenes\n")
    return 0


def make_project(folder: Path, *, count: int, seed: int) -> Path:
    """Paint scenes on all cores, and make a project of them and of all that lies in them."""
    images = folder / "images"
    images.mkdir()
    with ProcessPoolExecutor() as pool:
        scenes = pool.map(partial(_paint, images, seed), range(math.ceil(count / len(VIEWS))), chunksize=2)
        views = [view for scene in scenes for view in scene][:count]
    ids = {kind.name: number for number, kind in enumerate(KINDS, start=1)}
    objects = [(number, item) for number, (_, seen) in enumerate(views) for item in seen]
    record = {
        "images": [
            {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT}
            for number, (name, _) in enumerate(views)
        ],
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "annotations": [
            {"id": row, "image_id": number, "category_id": ids[item.name], "bbox": [x1, y1, x2 - x1, y2 - y1],
             "area": (x2 - x1) * (y2 - y1), "iscrowd": int(item.ignored)}
            for row, (number, item) in enumerate(objects)
            for x1, y1, x2, y2 in [item.xyxy]
        ],
    }  # fmt: skip
    labels = folder / "labels.json"
    labels.write_text(json.dumps(record), encoding="utf-8")
    project = folder / "scenes.reticle"
    reticle("import", project, labels, "--format", "coco", "--images", images)
    reticle("split", project, "--ratios", *_RATIOS)
    return project


@dataclass(frozen=True, kw_only=True)
class Item:
    """What a view shows of an object."""

    name: str
    xyxy: tuple[float, float, float, float]
    ignored: bool


def _paint(folder: Path, seed: int, number: int) -> list[tuple[str, list[Item]]]:
    """Write the views of one scene; their names, and what is on them."""
    rng = np.random.default_rng([seed, number])
    pixels, objects = paint_scene(rng, width=PAINTED * WIDTH, height=PAINTED * HEIGHT)
    boxes = np.array([item.xyxy for item in objects], np.float64).reshape(-1, 4)
    views: list[tuple[str, list[Item]]] = []
    for place, share in enumerate(VIEWS):
        width, height = round(share * pixels.shape[1]), round(share * pixels.shape[0])
        left, top = _corner(rng, boxes, pixels.shape[1] - width, pixels.shape[0] - height, width, height)
        seen = clip(boxes - np.tile([left, top], 2), width=width, height=height)
        inside = areas(seen) / areas(boxes)
        name = f"{number:05}-{place}.png"
        way = cv2.INTER_AREA if width > WIDTH else cv2.INTER_LINEAR
        view = cv2.resize(pixels[top : top + height, left : left + width], (WIDTH, HEIGHT), interpolation=way)
        _, encoded = cv2.imencode(".png", view[..., ::-1])
        (folder / name).write_bytes(encoded.tobytes())
        edges = (seen * WIDTH / width).round(2).tolist()
        items = [
            Item(name=item.class_name, xyxy=tuple(edges[row]), ignored=bool(inside[row] < _MOSTLY_THERE))
            for row, item in enumerate(objects)
            if inside[row] >= _SEEN
        ]
        views.append((name, items))
    return views


def _corner(
    rng: np.random.Generator, boxes: FloatArray, most_left: int, most_top: int, width: int, height: int
) -> tuple[int, int]:
    """The left upper corner of a view that has the middle of some object anywhere in its inner half."""
    x1, y1, x2, y2 = boxes[int(rng.integers(len(boxes)))] if len(boxes) else (0.0, 0.0, 0.0, 0.0)
    across, down = rng.uniform(0.25, 0.75, 2)
    left, top = (x1 + x2) / 2 - across * width, (y1 + y2) / 2 - down * height
    return int(np.clip(left, 0, most_left)), int(np.clip(top, 0, most_top))


def write_weights(project: Path, out: Path) -> float:
    """Keep what the project's run has learnt of any class; returns its AP."""
    (run,) = (project / "runs").iterdir()
    checkpoint = best_checkpoint(RunFolder(run))
    of_classes = build_detector(checkpoint.model, num_classes=1, image_size=WIDTH).class_rows
    tensors = {
        name: tensor.half().contiguous()
        for name, tensor in checkpoint.kept().items()
        if tensor.is_floating_point() and not any(fnmatchcase(name, pattern) for pattern in of_classes)
    }
    with atomic_write(out) as path:
        save_file(tensors, path)
    return checkpoint.state.best_ap or 0.0
