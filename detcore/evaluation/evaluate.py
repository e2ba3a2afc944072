"""Numbers by a named set of rules, as JSON can hold them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from detcore.evaluation.coco import evaluate_coco
from detcore.evaluation.coco_files import read_coco_files
from detcore.evaluation.error_types import find_error_types
from detcore.evaluation.ultralytics import evaluate_ultralytics
from detcore.evaluation.voc import VOC2007, VOC2010, evaluate_voc
from detcore.types import Detections, FloatArray, GroundTruth, IntArray

Rules = Literal["coco", "voc2007", "voc2010", "ultralytics"]
RULES: tuple[Rules, ...] = ("coco", "voc2007", "voc2010", "ultralytics")


def evaluate_files(
    gt_path: Path, dt_path: Path, *, rules: Rules = "coco", pycocotools_quirks: bool = False
) -> dict[str, Any]:
    """The numbers of two COCO files, as ``evaluate_columns``, and ``notes`` on what was left out or assumed.
    Raises EvaluationError as ``read_coco_files``."""
    files = read_coco_files(gt_path, dt_path)
    return evaluate_columns(
        files.gt,
        files.dets,
        image_ids=files.image_ids,
        classes=files.classes,
        rules=rules,
        gt_box_areas=files.gt_box_areas,
        det_areas=files.det_areas,
        pycocotools_quirks=pycocotools_quirks,
    ) | {"notes": list(files.notes)}


def errors_of_files(
    gt_path: Path, dt_path: Path, *, iou_threshold: float = 0.5, pycocotools_quirks: bool = False
) -> dict[str, dict[str, float]]:
    """Count and ``dAP`` (0 to 1) of each of TIDE's error types of two COCO files, by its short name.
    Raises EvaluationError as ``read_coco_files``."""
    files = read_coco_files(gt_path, dt_path)
    return errors_of_columns(
        files.gt,
        files.dets,
        image_ids=list(files.images),
        class_ids=sorted(files.classes),
        iou_threshold=iou_threshold,
        gt_box_areas=files.gt_box_areas,
        det_areas=files.det_areas,
        pycocotools_quirks=pycocotools_quirks,
    )


def errors_of_columns(
    gt: GroundTruth,
    dets: Detections,
    *,
    image_ids: Sequence[int] | IntArray,
    class_ids: Sequence[int] | IntArray,
    iou_threshold: float = 0.5,
    gt_box_areas: FloatArray | None = None,
    det_areas: FloatArray | None = None,
    pycocotools_quirks: bool = False,
) -> dict[str, dict[str, float]]:
    """As ``errors_of_files``, of columns."""
    found = find_error_types(
        gt,
        dets,
        image_ids,
        class_ids,
        iou_threshold=iou_threshold,
        ignore_difficult=not pycocotools_quirks,
        gt_box_areas=gt_box_areas,
        det_areas=det_areas,
    )
    return {name.value: {"count": cost.count, "dAP": cost.gain} for name, cost in found.costs.items()}


def evaluate_columns(
    gt: GroundTruth,
    dets: Detections,
    *,
    image_ids: Sequence[int] | IntArray,
    classes: Mapping[int, str],
    rules: Rules = "coco",
    gt_box_areas: FloatArray | None = None,
    det_areas: FloatArray | None = None,
    pycocotools_quirks: bool = False,
) -> dict[str, Any]:
    """Numbers over these images and classes (id to name).

    COCO: the twelve. VOC: ``AP50``. Ultralytics, for comparison: ``AP``, ``AP50``, ``AP75``. ``None`` where
    nothing was to be found. All: ``per_class`` by name, ``rules``, ``images``, ``gt_count`` and ``det_count``.
    ``pycocotools_quirks`` repeats two of its faults: a match with the annotation of id 0 is none, and an
    ``ignore`` key (here: difficult) is passed over.
    """
    names = _unique_names(classes)
    numbers: dict[str, Any] = {"rules": rules}
    if rules == "coco":
        coco = evaluate_coco(
            gt,
            dets,
            image_ids,
            sorted(classes),
            gt_box_areas=gt_box_areas,
            det_areas=det_areas,
            ignore_difficult=not pycocotools_quirks,
            zero_id_is_no_match=pycocotools_quirks,
        )
        per_class = {names[class_id]: _figures(one) for class_id, one in coco.per_class.items()}
        numbers |= {**_figures(coco.stats), "per_class": per_class}
    elif rules == "ultralytics":
        theirs = evaluate_ultralytics(gt, dets, image_ids, sorted(classes))
        per_class = {
            names[class_id]: {
                "AP": float(theirs.per_class[class_id].mean()) if class_id in theirs.per_class else None,
                "AP50": float(theirs.per_class[class_id][0]) if class_id in theirs.per_class else None,
            }
            for class_id in sorted(classes)
        }
        overall = {"AP": theirs.ap, "AP50": theirs.ap50, "AP75": theirs.ap75}
        # Theirs is 0 where no class has a figure.
        numbers |= overall if theirs.per_class else dict.fromkeys(overall)
        numbers |= {"per_class": per_class}
    else:
        voc = evaluate_voc(
            gt, dets, image_ids, sorted(classes), rules=VOC2007 if rules == "voc2007" else VOC2010
        )
        per_class = {
            names[class_id]: {
                "AP50": figure_or_none(one.ap),
                "gt_count": one.gt_count,
                "tp": one.tp,
                "fp": one.fp,
            }
            for class_id, one in voc.per_class.items()
        }
        numbers |= {"AP50": figure_or_none(voc.mean_ap), "per_class": per_class}
    gt_count, det_count = (
        int(np.count_nonzero(np.isin(rows.image_ids, image_ids) & np.isin(rows.labels, list(classes))))
        for rows in (gt, dets)
    )
    return numbers | {"images": len(image_ids), "gt_count": gt_count, "det_count": det_count}


def figure_or_none(value: float) -> float | None:
    """A figure, or ``None`` where there is none, which COCO's rules tell by -1 and VOC's by nan: all that is
    written as JSON says null."""
    return None if math.isnan(value) or value == -1 else value


def _figures(named: Mapping[str, float]) -> dict[str, float | None]:
    return {name: figure_or_none(value) for name, value in named.items()}


def _unique_names(classes: Mapping[int, str]) -> dict[int, str]:
    """Names to file numbers under; two classes of one name are told apart by their ids."""
    names = list(classes.values())
    return {key: name if names.count(name) == 1 else f"{name} ({key})" for key, name in classes.items()}
