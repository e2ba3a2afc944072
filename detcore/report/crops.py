"""The worst errors as small pictures, with the boxes around drawn over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from detcore.errors import Cancelled, ImageError
from detcore.evaluation.error_types import KINDS, ErrorType
from detcore.evaluation.live import DetState, GtState
from detcore.images.decoding import check_frame, read_image
from detcore.project.reading import ProjectReader
from detcore.report.blocks import Crop, CropBox
from detcore.report.findings import Findings
from detcore.types import FloatArray, ImageArray

Progress = Callable[[int, int], bool]
"""Told (done, total); false cancels."""

MOST_CROPS = 24
"""Of false positives and of misses each."""

_PIXELS = 240
_QUALITY = 82
_CONTEXT = 0.5
_SMALLEST = 48.0
_STYLES = {"tp": "found", "fp": "false", "fn": "missed"}
_REASONS = {
    ErrorType.CLASS: "labelled {label}",
    ErrorType.LOCATION: "badly placed, label {label}",
    ErrorType.BOTH: "badly placed, of another class",
    ErrorType.DUPLICATE: "found already",
    ErrorType.BACKGROUND: "nothing labelled here",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """One error to show: ``kind`` fp or fn, the edges, what stands below it."""

    kind: str
    image_id: int
    box: tuple[float, float, float, float]
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstErrors:
    """Pictures of the false positives with the highest scores and of the largest misses; ``problems`` of
    images that could not be read."""

    false: tuple[Crop, ...]
    missed: tuple[Crop, ...]
    problems: tuple[ImageError, ...]


def worst_errors(findings: Findings) -> tuple[list[Error], list[Error]]:
    """The false positives with the highest scores, and the largest objects that are missed."""
    live, names = findings.live, {key: item.name for key, item in findings.classes.items()}
    gt, dets = live.gt, live.dets
    false: list[Error] = []
    for row in live.false_positives(findings.threshold)[:MOST_CROPS].tolist():
        place, target = int(findings.errors.kind[row]), int(findings.errors.gt_row[row])
        label = names[int(gt.labels[target])] if target >= 0 else ""
        false.append(
            Error(
                kind="fp",
                image_id=int(dets.image_ids[row]),
                box=_edges(dets.boxes[row]),
                title=f"{names[int(dets.labels[row])]} {dets.scores[row]:.2f}",
                text=_REASONS[KINDS[place]].format(label=label) if place >= 0 else "",
            )
        )
    rows = live.missed(findings.threshold)
    rows = rows[np.argsort(-gt.areas[rows], kind="stable")][:MOST_CROPS]
    scores = live.found_scores()
    missed = [
        Error(
            kind="fn",
            image_id=int(gt.image_ids[row]),
            box=_edges(gt.boxes[row]),
            title=names[int(gt.labels[row])],
            text=f"found only at {scores[row]:.2f}" if scores[row] > 0 else "not found",
        )
        for row in rows.tolist()
    ]
    return false, missed


def picture_errors(
    project: ProjectReader, findings: Findings, *, progress: Progress | None = None
) -> WorstErrors:
    """Decode each image once and cut the errors out of it.

    Raises:
        Cancelled: ``progress`` returned false.
    """
    lists = worst_errors(findings)
    by_image: dict[int, list[Error]] = {}
    for error in (*lists[0], *lists[1]):
        by_image.setdefault(error.image_id, []).append(error)
    pictures: dict[Error, Crop] = {}
    problems: list[ImageError] = []
    for done, (image_id, errors) in enumerate(by_image.items(), start=1):
        image = findings.images[image_id]
        path = project.image_path(image)
        try:
            pictures |= _pictures(path, image.size, errors, findings)
        except ImageError as problem:
            problems.append(problem)
        if progress is not None and not progress(done, len(by_image)):
            raise Cancelled("the report was cancelled")
    false, missed = (tuple(pictures[error] for error in some if error in pictures) for some in lists)
    return WorstErrors(false=false, missed=missed, problems=tuple(problems))


def _pictures(
    path: Path, frame: tuple[int, int] | None, errors: Sequence[Error], findings: Findings
) -> dict[Error, Crop]:
    image = read_image(path)
    height, width = image.shape[:2]
    check_frame(path, (width, height), frame)
    found: dict[Error, Crop] = {}
    for error in errors:
        left, top, side = crop_square(error.box, width=width, height=height)
        part = image[top : top + side, left : left + side]
        name = findings.images[error.image_id].path
        found[error] = Crop(
            jpeg=_small_jpeg(part),
            filled=(part.shape[1] / side, part.shape[0] / side),
            boxes=_boxes_around(error, findings, left=left, top=top, side=side),
            title=error.title,
            text=error.text,
            path=name,
            alt=f"{error.title} in {name}, {_STYLES[error.kind]}",
        )
    return found


def crop_square(box: tuple[float, float, float, float], *, width: int, height: int) -> tuple[int, int, int]:
    """Left, top and side of a square around a box with some of what surrounds it, moved inside an image of
    that size; where the image is narrower the square reaches beyond it to the right or below."""
    wanted = max(box[2] - box[0], box[3] - box[1]) * (1.0 + 2.0 * _CONTEXT)
    side = max(1, round(min(max(wanted, _SMALLEST), max(width, height))))
    left = min(max((box[0] + box[2] - side) / 2.0, 0.0), max(width - side, 0.0))
    top = min(max((box[1] + box[3] - side) / 2.0, 0.0), max(height - side, 0.0))
    return round(left), round(top), side


def _boxes_around(error: Error, findings: Findings, *, left: int, top: int, side: int) -> tuple[CropBox, ...]:
    """All boxes of the image that are seen in the square, the error itself last."""
    view = findings.live.image_view(error.image_id, findings.threshold)
    gt, dets = findings.live.gt, findings.live.dets
    kinds = {int(DetState.TRUE_POSITIVE): "tp", int(DetState.FALSE_POSITIVE): "fp"}
    around = [
        (kinds[state], _edges(dets.boxes[row]))
        for row, state in zip(view.det_rows.tolist(), view.det_state.tolist(), strict=True)
        if state in kinds
    ]
    around += [
        ("fn", _edges(gt.boxes[row]))
        for row, state in zip(view.gt_rows.tolist(), view.gt_state.tolist(), strict=True)
        if state == GtState.MISSED
    ]
    mine = (error.kind, error.box)
    boxes: list[CropBox] = []
    for kind, box in [*(one for one in around if one != mine), mine]:
        x1, y1, x2, y2 = box
        edges = ((x1 - left) / side, (y1 - top) / side, (x2 - left) / side, (y2 - top) / side)
        if min(edges[2:]) > 0 and max(edges[:2]) < 1:
            boxes.append(CropBox(kind=kind, main=(kind, box) == mine, edges=edges))
    return tuple(boxes)


def _small_jpeg(part: ImageArray) -> bytes:
    height, width = part.shape[:2]
    scale = _PIXELS / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.cvtColor(cv2.resize(part, size, interpolation=way), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return data.tobytes()


def _edges(box: FloatArray) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box.tolist()
    return x1, y1, x2, y2
