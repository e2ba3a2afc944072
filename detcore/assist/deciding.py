"""What becomes of proposals: labels, or verdicts that they are none. Each function is one step of undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detcore.assist.proposals import Found, Thresholds
from detcore.boxes import Xyxy, inside
from detcore.project.edits import Edit, add_boxes, add_verdicts, combine, set_status, update_boxes
from detcore.project.operations import operation
from detcore.project.reading import ProjectReader
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.types import Box, Origin, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A proposal that becomes a label: its ``row``, and the class or the edges where a person chose others."""

    row: int
    class_id: int | None = None
    xyxy: Xyxy | None = None


def accept(
    project: ProjectReader, found: Found, accepted: Sequence[Accepted], *, moved: Sequence[Box] = ()
) -> Edit:
    """Proposals become labels, which keep run and score, beside labels that were ``moved`` with them. Images that were not
    seen yet are in progress from here on. Raises ProjectError when an image is gone."""
    boxes = labels_of(project, found, accepted)
    edits = [add_boxes(project, boxes)]
    unseen = [
        image.id
        for image in project.images(sorted({box.image_id for box in boxes}))
        if image.status is Status.UNSEEN
    ]
    if unseen:
        edits.append(set_status(project, unseen, Status.IN_PROGRESS))
    if moved:
        edits.append(update_boxes(project, moved))
    return combine(operation("accept_proposals", count=len(accepted)), edits)


def accept_and_verify(project: ProjectReader, found: Found, image_id: int, rows: Sequence[int]) -> Edit:
    """All that is proposed on an image becomes labels, and the image is verified. Raises ProjectError when the image
    is gone."""
    boxes = labels_of(project, found, [Accepted(row=row) for row in rows])
    edits = [add_boxes(project, boxes), set_status(project, [image_id], Status.VERIFIED)]
    return combine(operation("accept_and_verify", count=len(rows)), edits)


def reject(project: ProjectReader, found: Found, rows: Sequence[int], *, thresholds: Thresholds) -> Edit:
    """Proposals that are no objects, or not of their class: no run proposes them again. ``thresholds`` are those at
    which they were seen. Raises ProjectError when an image is gone."""
    project.images(sorted(set(found.detections.image_ids[list(rows)].tolist())))
    verdicts = [_verdict(found, row, thresholds) for row in rows]
    return add_verdicts(project, verdicts, text=operation("reject_proposals", count=len(rows)))


def labels_of(project: ProjectReader, found: Found, accepted: Sequence[Accepted]) -> list[Box]:
    """The labels that proposals become, without ids. What has no area within its image is none. Raises ProjectError
    when an image is gone."""
    owners: list[int] = found.detections.image_ids[[one.row for one in accepted]].tolist()
    sizes = {image.id: image.size for image in project.images(sorted(set(owners)))}
    boxes = [_label(found, owner, sizes[owner], one) for owner, one in zip(owners, accepted, strict=True)]
    return [box for box in boxes if box.x2 > box.x1 and box.y2 > box.y1]


def _label(found: Found, image_id: int, size: tuple[int, int] | None, one: Accepted) -> Box:
    dets = found.detections
    # predictions are cut in other arithmetic than labels are checked in, and those of other programs not at all
    x1, y1, x2, y2 = inside(_xyxy(found, one.row) if one.xyxy is None else one.xyxy, size)
    return Box(
        id=0,
        image_id=image_id,
        class_id=int(dets.labels[one.row]) if one.class_id is None else one.class_id,
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        origin=Origin.MODEL,
        run=found.source(one.row),
        score=float(dets.scores[one.row]),
    )


def _verdict(found: Found, row: int, thresholds: Thresholds) -> Verdict:
    dets = found.detections
    x1, y1, x2, y2 = _xyxy(found, row)
    class_id = int(dets.labels[row])
    return Verdict(
        id=0,
        image_id=int(dets.image_ids[row]),
        run=found.source(row),
        kind=VerdictKind.MODEL_WRONG,
        detection_row=row,
        class_id=class_id,
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        threshold=thresholds.by_class.get(class_id, thresholds.overall),
    )


def _xyxy(found: Found, row: int) -> Xyxy:
    x1, y1, x2, y2 = found.detections.boxes[row].tolist()
    return x1, y1, x2, y2
