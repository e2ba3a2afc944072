"""What the person does to boxes, turned into edits of the project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject

from app.context import AppContext
from app.models.box_model import BoxModel
from app.pages.apply_edit import apply_edit
from detcore.project import edits
from detcore.project.edits import Edit
from detcore.types import Box, FloatArray, Origin, Status

PASTE_OFFSET = 10.0


class LabelEditing(QObject):
    """Edits of the current image and its boxes. Every one can be undone."""

    def __init__(self, context: AppContext, boxes: BoxModel, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._boxes = boxes
        self._clipboard: list[Box] = []

    @property
    def can_paste(self) -> bool:
        return bool(self._clipboard)

    def selected(self) -> list[Box]:
        selection = self._context.view.selection
        return [box for box in self._boxes.boxes if box.id in selection]

    def draw(self, xyxy: tuple[float, float, float, float], class_id: int) -> None:
        """Add a box of a class and select it."""
        x1, y1, x2, y2 = xyxy
        self._add(
            [Box(id=0, image_id=self._context.view.image_id, class_id=class_id, x1=x1, y1=y1, x2=x2, y2=y2)],
            "Draw box",
        )

    def reshape(self, box_ids: Sequence[int], xyxy: FloatArray) -> None:
        """New geometry for boxes, (N, 4)."""
        by_id = {box.id: box for box in self._boxes.boxes}
        moved = [
            replace(by_id[box_id], x1=float(row[0]), y1=float(row[1]), x2=float(row[2]), y2=float(row[3]))
            for box_id, row in zip(box_ids, xyxy, strict=True)
            if box_id in by_id
        ]
        self._update(moved, "Move box" if len(moved) == 1 else f"Move {len(moved)} boxes")

    def delete(self, box_ids: Iterable[int]) -> None:
        chosen = frozenset(box_ids)
        if chosen:
            self._context.view.select(frozenset())
            apply_edit(self._context, lambda: edits.delete_boxes(self._context.document.project, chosen))

    def set_class(self, class_id: int) -> None:
        """Give the selected boxes a class; new boxes get it from now on."""
        self._context.view.use_class(class_id)
        self._update([replace(box, class_id=class_id) for box in self.selected()], "Change class")

    def toggle_flag(self, name: str) -> None:
        """Set a flag on the selected boxes, or clear it when all of them have it."""
        chosen = self.selected()
        target = not all(getattr(box, name) for box in chosen)
        self._update([replace(box, **{name: target}) for box in chosen], f"Mark {name}")

    def copy(self) -> None:
        self._clipboard = self.selected()

    def paste(self) -> None:
        """Add the copied boxes to this image; where they come from this image, shifted a little."""
        self._add_copies(self._clipboard, "Paste boxes")

    def duplicate(self) -> None:
        self._add_copies(self.selected(), "Duplicate boxes")

    def _add_copies(self, boxes: Sequence[Box], text: str) -> None:
        image_id = self._context.view.image_id
        image = self._context.document.project.image(image_id)
        copies = [_copy_onto(box, image_id, image.width, image.height) for box in boxes]
        self._add([box for box in copies if box.x2 > box.x1 and box.y2 > box.y1], text)

    def _add(self, boxes: Sequence[Box], text: str) -> None:
        """Add boxes and select them; an image that was not seen yet is in progress from here on."""
        if not boxes:
            return
        project = self._context.document.project
        image_id = self._context.view.image_id

        def edit() -> Edit:
            added = edits.add_boxes(project, boxes).changes
            if project.image(image_id).status is Status.UNSEEN:
                added += edits.set_status(project, [image_id], Status.IN_PROGRESS).changes
            return Edit(text=text, changes=added)

        changes = apply_edit(self._context, edit)
        if changes is not None:
            self._context.view.select(changes.boxes)

    def _update(self, boxes: Sequence[Box], text: str) -> None:
        if boxes:
            project = self._context.document.project
            apply_edit(self._context, lambda: replace(edits.update_boxes(project, boxes), text=text))

    def set_status(self, status: Status) -> None:
        image_id = self._context.view.image_id
        if image_id:
            apply_edit(
                self._context, lambda: edits.set_status(self._context.document.project, [image_id], status)
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
