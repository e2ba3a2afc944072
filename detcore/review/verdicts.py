"""Which verdicts make sense for an item of a review, and what each does to the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from detcore.boxes import Xyxy, inside
from detcore.errors import ProjectError
from detcore.evaluation.label_errors import LabelError
from detcore.project.edits import Edit, add_boxes, add_verdicts, combine, delete_boxes, update_boxes
from detcore.project.operations import operation, words
from detcore.project.project import Project
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.review.entries import ErrorEntry
from detcore.review.kinds import ErrorKind
from detcore.review.query import PAIRED_TYPES
from detcore.types import Box, Origin

MOST_AT_ONCE = 1000
"""Nobody has looked at more items than that; and so many are dealt with in a moment."""

_OPERATIONS: Mapping[VerdictKind, str] = {
    VerdictKind.ACCEPT: "accept_prediction",
    VerdictKind.CLASS: "take_class",
    VerdictKind.BOX: "take_box",
    VerdictKind.DELETE: "delete_label",
    VerdictKind.MODEL_WRONG: "model_is_wrong",
    VerdictKind.AMBIGUOUS: "call_ambiguous",
    VerdictKind.IGNORE: "ignore_item",
}


def verdict_text(kind: VerdictKind) -> str:
    """What giving a verdict is called."""
    return words(operation(_OPERATIONS[kind], count=1))


def is_offered(kind: VerdictKind, entry: ErrorEntry) -> bool:
    """Whether a verdict makes sense for an item."""
    if entry.kind is ErrorKind.TP:
        return _is_offered_of_found(kind, entry)
    detection, label = entry.detection, entry.label
    missed = label is not None and label.kind is ErrorKind.FN
    if kind is VerdictKind.ACCEPT:
        return detection is not None
    if kind is VerdictKind.CLASS:
        return detection is not None and label is not None and detection.class_id != label.class_id
    if kind is VerdictKind.BOX:
        # another detection lies better on a label that is found
        return detection is not None and missed
    if kind is VerdictKind.DELETE:
        return missed
    if kind is VerdictKind.IGNORE:
        return missed or label is None
    return True


def _is_offered_of_found(kind: VerdictKind, entry: ErrorEntry) -> bool:
    """Nothing is wrong with what is found unless its label is suspected."""
    if entry.suspicion is None or entry.label is None or entry.detection is None:
        return False
    if kind is VerdictKind.DELETE:
        return entry.suspicion.kind in (LabelError.SPURIOUS, LabelError.DUPLICATE)
    return kind in (VerdictKind.BOX, VerdictKind.MODEL_WRONG, VerdictKind.AMBIGUOUS, VerdictKind.IGNORE)


def verdict_edit(
    project: Project,
    kind: VerdictKind,
    entries: Sequence[ErrorEntry],
    *,
    run: str,
    threshold: float,
) -> Edit:
    """One step: what the verdict on these items does to the labels, and the verdicts themselves.

    The items are offered that verdict, and no label is in two of them. Raises ProjectError when a label or an
    image is gone.
    """
    edits, settled = _label_edits(project, kind, entries, run)
    verdicts = [
        _verdict(kind, entry, box_id=box_id, run=run, threshold=threshold)
        for entry, box_id in zip(entries, settled, strict=True)
    ]
    return combine(
        operation(_OPERATIONS[kind], count=len(entries)), [*edits, add_verdicts(project, verdicts)]
    )


def _label_edits(
    project: Project, kind: VerdictKind, entries: Sequence[ErrorEntry], run: str
) -> tuple[list[Edit], list[int | None]]:
    """The edits of labels, and for each item the label that the verdict settles."""
    settled = [_settled_label(entry) for entry in entries]
    if kind is VerdictKind.ACCEPT:
        edit = add_boxes(project, [_label_of(project, entry, run) for entry in entries])
        return [edit], list(edit.changes[0].ids)
    if kind in (VerdictKind.CLASS, VerdictKind.BOX):
        changed = [_changed(project, kind, entry) for entry in entries]
        return [update_boxes(project, changed)], [box.id for box in changed]
    if kind is VerdictKind.DELETE:
        return [delete_boxes(project, [box_id for box_id in settled if box_id is not None])], settled
    if kind is VerdictKind.IGNORE:
        return _ignoring(project, entries, settled, run)
    _require(project, entries, settled)
    return [], settled


def _ignoring(
    project: Project, entries: Sequence[ErrorEntry], settled: list[int | None], run: str
) -> tuple[list[Edit], list[int | None]]:
    """Labels become difficult; where there is none, there is something all the same that need not be
    found."""
    kept = [(entry.image_id, box_id) for entry, box_id in zip(entries, settled, strict=True) if box_id]
    boxes = [_box(project, *pair) for pair in kept]
    edits = [update_boxes(project, [_difficult(box) for box in boxes])] if boxes else []
    bare = [at for at, box_id in enumerate(settled) if box_id is None]
    if bare:
        edit = add_boxes(project, [_difficult(_label_of(project, entries[at], run)) for at in bare])
        edits.append(edit)
        for at, box_id in zip(bare, edit.changes[0].ids, strict=True):
            settled[at] = box_id
    return edits, settled


def _verdict(
    kind: VerdictKind, entry: ErrorEntry, *, box_id: int | None, run: str, threshold: float
) -> Verdict:
    # a deleted label leaves its detection to be judged for itself
    about = entry if entry.detection is None or kind is VerdictKind.DELETE else entry.detection
    if kind is VerdictKind.DELETE and entry.label is not None:
        about = entry.label
    x1, y1, x2, y2 = about.xyxy
    return Verdict(
        id=0,
        image_id=entry.image_id,
        run=run,
        kind=kind,
        box_id=box_id,
        detection_row=about.run_row,
        class_id=about.class_id,
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        threshold=threshold,
    )


def _settled_label(entry: ErrorEntry) -> int | None:
    """The label that the item is about, and not only lies on: the verdict is about both."""
    label = entry.label
    about = label is not None and (label.kind is ErrorKind.FN or entry.type in PAIRED_TYPES)
    return label.key if about and label is not None else None


def _changed(project: Project, kind: VerdictKind, entry: ErrorEntry) -> Box:
    detection, label = entry.detection, entry.label
    if detection is None or label is None:
        raise ValueError("only a pair of detection and label has a class or box to take")
    box = _box(project, entry.image_id, label.key)
    if kind is VerdictKind.CLASS:
        return replace(box, class_id=detection.class_id)
    x1, y1, x2, y2 = _inside_image(project, detection)
    return replace(box, x1=x1, y1=y1, x2=x2, y2=y2)


def _box(project: Project, image_id: int, box_id: int) -> Box:
    found = next((box for box in project.boxes(image_id) if box.id == box_id), None)
    if found is None:
        raise _gone()
    return found


def _require(project: Project, entries: Sequence[ErrorEntry], settled: Sequence[int | None]) -> None:
    """That the images of items are still there, and the labels that verdicts on them settle."""
    image_ids = sorted({entry.image_id for entry in entries})
    project.images(image_ids)
    if not {None, *project.ground_truth(image_ids).ids.tolist()}.issuperset(settled):
        raise _gone()


def _gone() -> ProjectError:
    return ProjectError("the label that this verdict is about is not in the project any more")


def _difficult(box: Box) -> Box:
    return replace(box, difficult=True)


def _inside_image(project: Project, detection: ErrorEntry) -> Xyxy:
    """What of a detection lies in its image: those of other programs may reach out of it."""
    return inside(detection.xyxy, project.image(detection.image_id).size)


def _label_of(project: Project, entry: ErrorEntry, run: str) -> Box:
    detection = entry.detection
    if detection is None:
        raise ValueError("there is no detection to make a label of")
    x1, y1, x2, y2 = _inside_image(project, detection)
    return Box(
        id=0,
        image_id=detection.image_id,
        class_id=detection.class_id,
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        origin=Origin.MODEL,
        run=run,
        score=detection.score,
    )
