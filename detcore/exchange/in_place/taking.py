"""A label file that others have changed, on its way into the project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from detcore.boxes import fit
from detcore.errors import FormatError
from detcore.exchange.in_place.differences import follow
from detcore.exchange.in_place.record import Held, State
from detcore.formats.in_place import FileBox, FileLabels, Page
from detcore.project import edits
from detcore.project.class_edits import new_classes
from detcore.project.operations import operation
from detcore.project.project import Project
from detcore.types import Box, Image, Origin, Status

_EDGES = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """A changed file: what it said when both sides knew it (``was``, with the project's boxes of that time in ``now``), and
    what it says."""

    image: Image
    page: Page
    now: State
    content: bytes | None
    was: FileLabels
    labels: FileLabels
    tells_verified: bool


@dataclass(slots=True)
class _Plan:
    """What becomes of one image."""

    held: list[Held | None] = field(default_factory=list["Held | None"])
    added: list[tuple[int, FileBox]] = field(default_factory=list[tuple[int, FileBox]])
    updated: list[tuple[int, FileBox]] = field(default_factory=list[tuple[int, FileBox]])
    removed: list[int] = field(default_factory=list[int])


def take_in(
    project: Project, files: Sequence[Theirs], own: Mapping[int, Mapping[int, FileBox]], flags: frozenset[str]
) -> tuple[edits.Edit, dict[int, State]]:
    """The edit that lets these changes in, and what each image and its file agree on after it. ``own`` are the project's
    boxes by image and id, in the terms of the files, whose ``flags`` alone are theirs to change.

    What the project changed stays, but for a field of a box (its class, an edge, a flag) that both have changed, which
    becomes theirs. A box that one side removed and the other changed stays.
    """
    names = sorted({box.name for one in files for box in one.labels.boxes if box is not None})
    fresh = new_classes(project, names)
    classes = {item.name: item.id for item in (*project.classes(), *fresh)}
    added: list[Box] = []
    updated: list[Box] = []
    removed: list[int] = []
    statuses: dict[int, Status] = {}
    states: dict[int, State] = {}
    for one in files:
        plan = _planned(project, one, own[one.image.id])
        boxes = {box.id: box for box in project.boxes(one.image.id)}
        for box_id, box in plan.added:
            blank = Box(
                id=box_id, image_id=one.image.id, class_id=0, x1=0, y1=0, x2=0, y2=0, origin=Origin.IMPORT
            )
            added.append(_written(blank, box, classes, flags))
        updated += [_written(boxes[box_id], box, classes, flags) for box_id, box in plan.updated]
        removed += plan.removed
        verified = one.now.verified
        if one.tells_verified and one.labels.verified != one.was.verified:
            verified = one.labels.verified
            statuses[one.image.id] = Status.VERIFIED if verified else Status.IN_PROGRESS
        elif one.image.status is Status.UNSEEN and one.labels.boxes:
            statuses[one.image.id] = Status.IN_PROGRESS
        states[one.image.id] = State(content=one.content, verified=verified, boxes=tuple(plan.held))
    parts: list[edits.Edit] = []
    if removed:
        parts.append(edits.delete_boxes(project, removed))
    if added or fresh:
        parts.append(edits.add_rows(project, classes=fresh, boxes=added, text=""))
    if updated:
        parts.append(edits.update_boxes(project, updated, classes=fresh))
    for status in (Status.VERIFIED, Status.IN_PROGRESS):
        images = [image_id for image_id, wanted in statuses.items() if wanted is status]
        parts += [edits.set_status(project, images, status)] if images else []
    return edits.combine(operation("take_from_files", count=len(files)), parts), states


def fitted(box: FileBox, page: Page) -> FileBox:
    """The box as an import takes it."""
    edges, _ = fit(box.xyxy, width=page.width, height=page.height)
    if edges is None:
        raise FormatError("a box lies outside of its image", path=page.file)
    return replace(box, x1=edges[0], y1=edges[1], x2=edges[2], y2=edges[3])


def is_same(box: FileBox, other: FileBox) -> bool:
    """Whether two boxes are one, but for rounding."""
    same = replace(box, x1=0, y1=0, x2=0, y2=0) == replace(other, x1=0, y1=0, x2=0, y2=0)
    return same and all(abs(a - b) < 1e-6 for a, b in zip(box.xyxy, other.xyxy, strict=True))


def _planned(project: Project, one: Theirs, own: Mapping[int, FileBox]) -> _Plan:
    """Each entry of their file, and what the project makes of it."""
    plan = _Plan()
    followed = follow(one.was.boxes, one.labels.boxes)
    known = {held.box_id for held in one.now.boxes if held is not None}
    for place, theirs in zip(followed.places, one.labels.boxes, strict=True):
        if theirs is None:
            plan.held.append(None)
            continue
        box = fitted(theirs, one.page)
        was = None if place is None else one.was.boxes[place]
        held = None if place is None else one.now.boxes[place]
        if was == theirs:
            plan.held.append(held)
        elif was is None or held is None or held.box_id not in own:
            box_id = next((key for key, mine in own.items() if key not in known and is_same(mine, box)), None)
            if box_id is None:
                (box_id,) = project.new_ids("box")
                plan.added.append((box_id, box))
            known.add(box_id)
            plan.held.append(Held(box_id=box_id, box=box))
        else:
            before = fitted(was, one.page)
            mine = _merged(own[held.box_id], before, box)
            if mine != own[held.box_id]:
                plan.updated.append((held.box_id, mine))
            plan.held.append(Held(box_id=held.box_id, box=_merged(held.box, before, box)))
    left = {place for place in followed.places if place is not None}
    for place, held in enumerate(one.now.boxes):
        if held is not None and place not in left and own.get(held.box_id) == held.box:
            plan.removed.append(held.box_id)
    return plan


def _merged(box: FileBox, before: FileBox, after: FileBox) -> FileBox:
    """A box with what they changed of it; all of their edges where the others would leave no area."""
    changed = {
        item.name: getattr(after, item.name)
        for item in fields(FileBox)
        if getattr(before, item.name) != getattr(after, item.name)
    }
    merged = replace(box, **changed)
    if merged.x1 < merged.x2 and merged.y1 < merged.y2:
        return merged
    return replace(merged, **{edge: getattr(after, edge) for edge in _EDGES})


def _written(box: Box, wanted: FileBox, classes: Mapping[str, int], flags: frozenset[str]) -> Box:
    """The project's box as it is wanted; flags that the files do not hold stay."""
    box = replace(box, class_id=classes[wanted.name], x1=wanted.x1, y1=wanted.y1, x2=wanted.x2, y2=wanted.y2)
    return replace(box, **{flag: bool(getattr(wanted, flag)) for flag in flags})
