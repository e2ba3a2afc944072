"""Numbers of two COCO files by a named set of rules, as JSON and as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from detcore.boxes import areas
from detcore.evaluation.coco import STAT_NAMES, evaluate_coco
from detcore.evaluation.coco_files import CocoFiles, read_coco_files
from detcore.evaluation.voc import VOC2007, VOC2010, evaluate_voc
from detcore.types import Detections, GroundTruth

Rules = Literal["coco", "voc2007", "voc2010"]
RULES: tuple[Rules, ...] = ("coco", "voc2007", "voc2010")

_TITLES = {
    "coco": "COCO rules (IoU .50 to .95, 101 points)",
    "voc2007": "PASCAL VOC 2007 rules (IoU .50, 11 points)",
    "voc2010": "PASCAL VOC 2010 rules (IoU .50, area under the curve)",
}
_MEANINGS = {
    "AP": "average precision, IoU .50 to .95",
    "AP50": "average precision, IoU .50",
    "AP75": "average precision, IoU .75",
    "APs": "average precision, small objects (up to 32² pixels)",
    "APm": "average precision, medium objects",
    "APl": "average precision, large objects (from 96² pixels)",
    "AR1": "average recall, 1 detection per image and class",
    "AR10": "average recall, 10 detections per image and class",
    "AR100": "average recall, 100 detections per image and class",
    "ARs": "average recall, small objects",
    "ARm": "average recall, medium objects",
    "ARl": "average recall, large objects",
}
_COLUMNS = ("AP", "AP50", "AP75", "AR100", "tp", "fp", "gt_count", "det_count")


def evaluate_files(
    gt_path: Path, dt_path: Path, *, rules: Rules = "coco", pycocotools_quirks: bool = False
) -> dict[str, Any]:
    """Numbers as JSON can hold them.

    COCO: the twelve (-1 where nothing was to be found). VOC: ``AP50`` (``None`` there). Both: ``per_class`` by
    name, ``rules``, ``images``, ``gt_count``, ``det_count`` and ``notes``. ``pycocotools_quirks`` repeats two of
    its faults: a match with the annotation of id 0 is none, and an ``ignore`` key is passed over.
    Raises EvaluationError as ``read_coco_files``.
    """
    return _evaluate(read_coco_files(gt_path, dt_path), rules, pycocotools_quirks=pycocotools_quirks)


def evaluate_columns(
    gt: GroundTruth,
    dets: Detections,
    *,
    image_ids: Sequence[int],
    classes: Mapping[int, str],
    rules: Rules = "coco",
) -> dict[str, Any]:
    """The same numbers of a project's labels and a run's detections; ``classes`` are names by id."""
    files = CocoFiles(
        gt=gt,
        dets=dets,
        gt_box_areas=areas(gt.boxes),
        det_areas=areas(dets.boxes),
        image_ids=np.array(sorted(image_ids), dtype=np.int64),
        images={},
        classes=classes,
        notes=(),
    )
    return _evaluate(files, rules)


def _evaluate(files: CocoFiles, rules: Rules, *, pycocotools_quirks: bool = False) -> dict[str, Any]:
    numbers: dict[str, Any] = {"rules": rules}
    if rules == "coco":
        numbers |= _coco(files, pycocotools_quirks=pycocotools_quirks)
    else:
        numbers |= _voc(files, rules)
    return numbers | {
        "images": len(files.image_ids),
        "gt_count": len(files.gt),
        "det_count": len(files.dets),
        "notes": list(files.notes),
    }


def _coco(files: CocoFiles, *, pycocotools_quirks: bool) -> dict[str, Any]:
    result = evaluate_coco(
        files.gt,
        files.dets,
        files.image_ids,
        sorted(files.classes),
        gt_box_areas=files.gt_box_areas,
        det_areas=files.det_areas,
        ignore_difficult=not pycocotools_quirks,
        zero_id_is_no_match=pycocotools_quirks,
    )
    names = _unique_names(files.classes)
    per_class = {names[class_id]: dict(numbers) for class_id, numbers in result.per_class.items()}
    return {**result.stats, "per_class": per_class}


def _voc(files: CocoFiles, rules: Rules) -> dict[str, Any]:
    result = evaluate_voc(
        files.gt,
        files.dets,
        files.image_ids,
        sorted(files.classes),
        rules=VOC2007 if rules == "voc2007" else VOC2010,
    )
    names = _unique_names(files.classes)
    per_class = {
        names[class_id]: {"AP50": _known(one.ap), "gt_count": one.gt_count, "tp": one.tp, "fp": one.fp}
        for class_id, one in result.per_class.items()
    }
    return {"AP50": _known(result.mean_ap), "per_class": per_class}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _unique_names(classes: Mapping[int, str]) -> dict[int, str]:
    """Names to file numbers under; two classes of one name are told apart by their ids."""
    names = list(classes.values())
    return {key: name if names.count(name) == 1 else f"{name} ({key})" for key, name in classes.items()}


def format_table(numbers: Mapping[str, Any]) -> str:
    """The outcome of ``evaluate_files`` as lines of text."""
    lines = [
        _TITLES[numbers["rules"]],
        f"{numbers['images']} images, {numbers['gt_count']} objects, {numbers['det_count']} detections",
        *(f"Note: {note}" for note in numbers["notes"]),
        "",
        *(
            f"{name:<6} {_shown(numbers[name]):>7}   {_MEANINGS[name]}"
            for name in STAT_NAMES
            if name in numbers
        ),
    ]
    per_class: Mapping[str, Mapping[str, Any]] = numbers["per_class"]
    if not per_class:
        return "\n".join(lines)
    shown = [name for name in _COLUMNS if name in next(iter(per_class.values()))]
    width = max(len("class"), *(len(name) for name in per_class))
    lines += ["", f"{'class':<{width}}" + "".join(f" {name.replace('_count', ''):>8}" for name in shown)]
    for name, one in per_class.items():
        lines.append(f"{name:<{width}}" + "".join(f" {_shown(one[key]):>8}" for key in shown))
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    if value is None or value == -1:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.4f}"
