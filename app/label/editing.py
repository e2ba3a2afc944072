"""What the user does to boxes, turned into edits of the project."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.label.current_boxes import CurrentBoxes
from app.services.context import AppContext, apply_edit
from app.services.figures import counted
from detcore.project import edits
from detcore.project.edits import Edit
from detcore.project.operations import operation
from detcore.project.project import Project
from detcore.project.reading import images_with_box
from detcore.types import Box, FloatArray, Origin, Status

PASTE_OFFSET = 10.0


class LabelEditing(QObject):
    """Edits of the current image and its boxes. Every one can be undone.

    Signals:
        drawn(): a box was drawn, and is selected.
    """

    drawn = Signal()

    def __init__(self, context: AppContext, boxes: CurrentBoxes, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._boxes = boxes
        self._clipboard: list[tuple[Box, str]] = []
        context.document.closed.connect(self._forget_source)

    @property
    def can_paste(self) -> bool:
        return bool(self._clipboard)

    def selected(self) -> list[Box]:
        selection = self._context.view.selection
        return [box for box in self._boxes.boxes if box.id in selection]

    def draw(self, xyxy: tuple[float, float, float, float], class_id: int) -> None:
        """Add a box of a class and select it."""
        x1, y1, x2, y2 = xyxy
        box = Box(id=0, image_id=self._context.view.image_id, class_id=class_id, x1=x1, y1=y1, x2=x2, y2=y2)
        if self._add([box], operation("draw_box")):
            self.drawn.emit()

    def moved(self, box_ids: Sequence[int], xyxy: FloatArray) -> list[Box]:
        """The labels among the boxes (N) with other edges (N, 4)."""
        by_id = {box.id: box for box in self._boxes.boxes}
        return [
            replace(by_id[box_id], x1=float(row[0]), y1=float(row[1]), x2=float(row[2]), y2=float(row[3]))
            for box_id, row in zip(box_ids, xyxy, strict=True)
            if box_id in by_id
        ]

    def reshape(self, box_ids: Sequence[int], xyxy: FloatArray) -> None:
        """New geometry for boxes, (N, 4)."""
        moved = self.moved(box_ids, xyxy)
        if len(moved) == 1:
            box = moved[0]
            before = next(one for one in self._boxes.boxes if one.id == box.id)
            name = "move_boxes" if _same_size(box, before) else "resize_box"
            self._update(moved, operation(name, count=1))
        else:
            self._update(moved, operation("move_boxes", count=len(moved)))

    def tighten(self, box_ids: Sequence[int], xyxy: FloatArray) -> None:
        """Boxes get the edges (N, 4) that were found to fit."""
        self._update(self.moved(box_ids, xyxy), operation("tighten_boxes", count=len(box_ids)))

    def move_edge(self, side: str, value: float) -> None:
        """Put one edge (``x1``, ``y1``, ``x2`` or ``y2``) of the selected box elsewhere."""
        chosen = self.selected()
        if len(chosen) != 1:
            return
        box = replace(chosen[0], **{side: value})
        if box.x2 <= box.x1:
            self._context.messages.warning("Right must be larger than Left. The box stays as it was.")
        elif box.y2 <= box.y1:
            self._context.messages.warning("Bottom must be larger than Top. The box stays as it was.")
        else:
            self._update([box], operation("resize_box", count=1))

    def delete(self, box_ids: Iterable[int]) -> None:
        chosen = frozenset(box_ids)
        if chosen:
            self._context.view.select(frozenset())
            apply_edit(self._context, edits.delete_boxes, chosen)

    def set_class(self, class_id: int) -> None:
        """Give the selected boxes a class; new boxes get it from now on."""
        self._context.view.use_class(class_id)
        changed = [replace(box, class_id=class_id) for box in self.selected()]
        self._update(changed, operation("change_class_of_boxes", count=len(changed)))

    def toggle_flag(self, name: str) -> None:
        """Set a flag on the selected boxes, or clear it when all of them have it."""
        chosen = self.selected()
        target = not all(getattr(box, name) for box in chosen)
        text = operation("mark_boxes" if target else "unmark_boxes", flag=name, count=len(chosen))
        self._update([replace(box, **{name: target}) for box in chosen], text)

    def copy(self) -> None:
        """Keep the selected boxes with the names of their classes, which hold in another project, too."""
        self._clipboard = [(box, self._boxes.classes[box.class_id].name) for box in self.selected()]
        self._context.actions.refresh()

    def paste(self) -> None:
        """Add the copied boxes to this image; where they come from this image, shifted a little."""
        by_name = {item.name: item.id for item in self._boxes.classes.values()}
        missing = sorted({name for _, name in self._clipboard if name not in by_name})
        if missing:
            names = ", ".join(f"“{name}”" for name in missing)
            self._context.messages.warning(f"Not all was pasted: this project has no class {names}.")
        boxes = [replace(box, class_id=by_name[name]) for box, name in self._clipboard if name in by_name]
        if not self._add_copies(boxes, operation("paste_boxes", count=len(boxes))) and boxes:
            self._context.messages.warning("Nothing was pasted: the boxes lie outside of this image.")

    def duplicate(self) -> None:
        boxes = self.selected()
        self._add_copies(boxes, operation("duplicate_boxes", count=len(boxes)))

    def _forget_source(self) -> None:
        """In another project the same id is another image."""
        self._clipboard = [(replace(box, image_id=0), name) for box, name in self._clipboard]

    def _add_copies(self, boxes: Sequence[Box], text: str) -> int:
        """Add what lies on this image of the boxes; how many that are."""
        image_id = self._context.view.image_id
        image = self._context.document.project.image(image_id)
        copies = [_copy_onto(box, image_id, image.width, image.height) for box in boxes]
        inside = [box for box in copies if box.x2 > box.x1 and box.y2 > box.y1]
        self._add(inside, text)
        return len(inside)

    def _add(self, boxes: Sequence[Box], text: str) -> bool:
        """Add boxes and select them; an image that was not seen yet is in progress from here on. Whether any were added."""
        if not boxes:
            return False
        image_id = self._context.view.image_id

        def edit(project: Project) -> Edit:
            added = edits.add_boxes(project, boxes).changes
            if project.image(image_id).status is Status.UNSEEN:
                added += edits.set_status(project, [image_id], Status.IN_PROGRESS).changes
            return Edit(text=text, changes=added)

        changes = apply_edit(self._context, edit)
        if changes is None:
            return False
        self._context.view.select(changes.boxes)
        return True

    def _update(self, boxes: Sequence[Box], text: str) -> None:
        if boxes:
            apply_edit(self._context, edits.update_boxes, boxes, text=text)

    def set_status(self, status: Status, image_ids: Sequence[int] | None = None) -> None:
        """Of some images, by default of the current one."""
        chosen = [self._context.view.image_id] if image_ids is None else list(image_ids)
        if not any(chosen):
            return
        changes = apply_edit(self._context, edits.set_status, chosen, status)
        if changes and status is Status.VERIFIED:
            self._tell_empty(sorted(changes.images))

    def _tell_empty(self, image_ids: Sequence[int]) -> None:
        """That images were said to hold nothing: a detector will be taught so."""
        project = self._context.document.project
        empty = sorted(set(image_ids) - set(images_with_box(project, image_ids).tolist()))
        if not empty:
            return
        name = project.image(empty[0]).path
        self._context.messages.tally(
            "verified empty",
            len(empty),
            lambda count: (
                f"{name}: verified, empty" if count == 1 else f"{counted(count, 'image')} verified, empty"
            ),
            applies=self._context.document.until_next_edit(),
        )


def _same_size(box: Box, other: Box) -> bool:
    return math.isclose(box.x2 - box.x1, other.x2 - other.x1, abs_tol=1e-6) and math.isclose(
        box.y2 - box.y1, other.y2 - other.y1, abs_tol=1e-6
    )


def _copy_onto(box: Box, image_id: int, width: int | None, height: int | None) -> Box:
    """The same box on another image, clipped to it; on its own image moved aside."""
    shift = PASTE_OFFSET if box.image_id == image_id else 0.0
    right = float(width) if width else box.x2 + shift
    bottom = float(height) if height else box.y2 + shift
    return replace(
        box,
        id=0,
        image_id=image_id,
        x1=min(box.x1 + shift, right),
        y1=min(box.y1 + shift, bottom),
        x2=min(box.x2 + shift, right),
        y2=min(box.y2 + shift, bottom),
        origin=Origin.HUMAN,
        run=None,
        score=None,
    )
