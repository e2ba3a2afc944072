"""Problems for the evaluation tests, and what pycocotools makes of them."""

from __future__ import annotations

import contextlib
import io
import json
import math
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detcore.evaluation.coco import STAT_NAMES
from detcore.evaluation.coco_files import CocoFiles, read_coco_files

RULE_CASES = Path(__file__).parents[2] / "cases" / "evaluation" / "rules.json"


def rule_cases() -> dict[str, dict]:
    """Small problems of one rule each, by name: ``gt`` and ``dt`` as COCO has them, and what other programs
    ``measured``: tidecv 1.0.1, Ultralytics 8, the VOC development kit, and its best known port to Python. None
    of these is installed here; pycocotools is, and is asked itself."""

    def case(packed: dict) -> dict:
        names = ("id", "image_id", "category_id", "bbox", "area", "iscrowd", "ignore")
        truths = [dict(zip(names, (*row[:3], row[3:7], *row[7:]), strict=True)) for row in packed["truths"]]
        gt = {
            "images": [
                {"id": i, "file_name": f"{i}.jpg", "width": 1000, "height": 1000} for i in packed["images"]
            ],
            "categories": [{"id": c, "name": f"c{c}"} for c in packed["classes"]],
            "annotations": truths,
        }
        dt = [
            {"image_id": image, "category_id": label, "bbox": box, "score": score}
            for image, label, *box, score in packed["found"]
        ]
        measured = {
            program: {key: math.nan if value is None else value for key, value in answers.items()}
            for program, answers in packed["measured"].items()
        }
        return {"gt": gt, "dt": dt, "measured": measured}

    cases = json.loads(RULE_CASES.read_text(encoding="utf-8"))
    return {name: case(packed) for name, packed in cases.items()}


def write_files(folder: Path, gt: dict, dt: list) -> tuple[Path, Path]:
    (folder / "gt.json").write_text(json.dumps(gt))
    (folder / "dt.json").write_text(json.dumps(dt))
    return folder / "gt.json", folder / "dt.json"


def as_files(folder: Path, gt: dict, dt: list) -> CocoFiles:
    return read_coco_files(*write_files(folder, gt, dt))


def pycocotools_run(gt: dict, dt: list) -> COCOeval:
    """The peer's own evaluation; its stats are in the order of STAT_NAMES."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = gt
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(dt), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run


def pycocotools_stats(gt: dict, dt: list) -> dict[str, float]:
    return dict(zip(STAT_NAMES, pycocotools_run(gt, dt).stats.tolist(), strict=True))


def coco_dict(annotations: list[dict], *, images: list[int], classes: list[int]) -> dict:
    return {
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": 640, "height": 480} for i in images],
        "categories": [{"id": c, "name": f"class {c}"} for c in classes],
        "annotations": annotations,
    }


@st.composite
def problems(draw: st.DrawFn) -> tuple[dict, list]:
    """Small problems on a coarse grid, so that IoUs, scores and areas tie all the time: crowds, mask areas,
    ids in any order, images and classes with gaps, images without anything."""
    images = draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=3, unique=True))
    classes = draw(st.lists(st.integers(1, 90), min_size=1, max_size=3, unique=True))
    side = draw(st.sampled_from([1.0, 8.0, 24.0, 0.1]))
    box = st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 4), st.integers(1, 4)).map(
        lambda b: [b[0] * side, b[1] * side, b[2] * side, b[3] * side]
    )
    where = st.tuples(st.sampled_from(images), st.sampled_from(classes), box)
    areas = st.one_of(st.none(), st.sampled_from([0.0, 1023.0, 1024.0, 1025.0, 9216.0, 10000.0]))
    truths = draw(st.lists(st.tuples(where, areas, st.integers(0, 5)), max_size=14))
    ids = draw(st.permutations(range(1, len(truths) + 1)))
    annotations = [
        {
            "id": number,
            "image_id": image,
            "category_id": label,
            "bbox": bbox,
            "area": bbox[2] * bbox[3] if area is None else area,
            "iscrowd": int(crowd == 0),
        }
        for number, ((image, label, bbox), area, crowd) in zip(ids, truths, strict=True)
    ]
    found = draw(st.lists(st.tuples(where, st.integers(0, 6)), min_size=1, max_size=24))
    dt = [
        {"image_id": image, "category_id": label, "bbox": bbox, "score": score / 6}
        for (image, label, bbox), score in found
    ]
    return coco_dict(annotations, images=images, classes=classes), dt


def random_problem(
    seed: int, *, images: int = 60, classes: int = 6, gts: int = 400, dets: int = 2500
) -> tuple[dict, list]:
    """A larger problem: mostly good detections, duplicates, background, rounded scores, crowds."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.normal(3.7, 0.9, (gts, 2)))
    places = rng.random((gts, 2)) * 400
    boxes = np.round(np.concatenate([places, sizes], axis=1), 1)
    image, label = rng.integers(1, images + 1, gts), rng.integers(1, classes + 1, gts)
    annotations = [
        {
            "id": n + 1,
            "image_id": int(image[n]),
            "category_id": int(label[n]),
            "bbox": boxes[n].tolist(),
            "area": float(boxes[n, 2] * boxes[n, 3] * rng.uniform(0.3, 1)),
            "iscrowd": int(rng.random() < 0.03),
        }
        for n in range(gts)
    ]
    dt = []
    for _ in range(dets):
        n = int(rng.integers(gts))
        shift = rng.normal(0, rng.choice([0.03, 0.15, 0.6]), 4) * boxes[n, [2, 3, 2, 3]]
        bbox = np.round(boxes[n] + shift, 1)
        bbox[2:] = np.maximum(bbox[2:], 0.5)
        other = rng.random() < 0.1
        dt.append(
            {
                "image_id": int(image[n]),
                "category_id": int(rng.integers(1, classes + 1) if other else label[n]),
                "bbox": bbox.tolist(),
                "score": round(float(rng.beta(1.2, 2)), 2),
            }
        )
    return coco_dict(annotations, images=list(range(1, images + 3)), classes=list(range(1, classes + 2))), dt
