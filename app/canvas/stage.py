"""What the tools act upon: the boxes shown, the selection, and what a gesture shows before it is done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor

from app.canvas import style
from app.canvas.display import DisplayBoxes
from app.canvas.handles import Handle, Xyxy, handle_at
from app.canvas.hit_testing import boxes_at
from detcore.types import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A box that is being drawn, in image pixels, with the class it will get."""

    box: Xyxy
    color: QColor
    name: str


class Stage(QObject):
    """The state that gestures change and painters read. It knows no events and no widgets.

    Coordinates are image pixels; ``scale`` is how many screen pixels one of them takes.
    """

    # what lies above the boxes looks different: selection, hover, drafts, boxes being dragged
    overlay_changed = Signal()
    # the boxes themselves look different
    boxes_changed = Signal()
    # a new box was drawn: (x1, y1, x2, y2)
    box_drawn = Signal(object)
    # ids and their new (N, 4) geometry, when a gesture is done
    boxes_edited = Signal(object, object)
    # frozenset of ids, when the user changed it
    selection_changed = Signal(object)
    # id of a proposal, by a click
    proposal_clicked = Signal(int)
    # id of the box under the pointer, 0 for none
    hovered = Signal(int)
    # id of a box, by double click or Enter
    box_activated = Signal(int)
    # whether the ghosts are wanted
    ghosts_answered = Signal(bool)
    # screen pixels by which the user drags the image
    pan_requested = Signal(float, float)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.boxes = DisplayBoxes.empty()
        self.selection: frozenset[int] = frozenset()
        self.hovered_id = 0
        self.image_size = (0.0, 0.0)
        self.scale = 1.0
        self.read_only = False
        self.boxes_visible = True
        self.all_in_view = True
        """Whether the whole image is seen, so that there is nothing to pan to."""
        self.draw_color = QColor(64, 140, 255)
        self.draw_name = ""
        self.draft: Draft | None = None
        self.band: Xyxy | None = None
        self.ghosts = DisplayBoxes.empty()
        """What boxes could be, seen beside them until the user wants them or not. The first name says how to."""
        self.preview_count = 0
        """Grows with each change of the preview."""
        self.preview_ids: IntArray = np.zeros(0, np.int64)
        self.preview_boxes: FloatArray = np.zeros((0, 4), np.float64)

    # --- what is shown

    def set_boxes(self, boxes: DisplayBoxes, *, looks_same: bool = False) -> None:
        """Show other boxes; nothing is painted anew where those in view look the same."""
        self.boxes = boxes
        self.selection &= frozenset(boxes.ids.tolist())
        self.set_hovered(self.hovered_id if boxes.row_of(self.hovered_id) is not None else 0)
        if not looks_same:
            self.boxes_changed.emit()

    def keeps_preview(self, boxes: DisplayBoxes) -> bool:
        """Whether other boxes leave those alone that are being dragged."""
        rows, old_rows = boxes.rows_of(self.preview_ids), self.boxes.rows_of(self.preview_ids)
        return (
            len(rows) == len(self.preview_ids)
            and np.array_equal(boxes.ids[rows], self.boxes.ids[old_rows])
            and np.array_equal(boxes.boxes[rows], self.boxes.boxes[old_rows])
            and bool(boxes.editable[rows].all())
        )

    def shown(self, ids: Iterable[int]) -> DisplayBoxes:
        """Boxes where they are seen now, dragged or not, in row order."""
        boxes = self.boxes.take(self.boxes.rows_of(ids))
        dragged = np.flatnonzero(np.isin(boxes.ids, self.preview_ids)).astype(np.int64)
        if len(dragged) == 0:
            return boxes
        # Both are in row order
        return boxes.with_geometry(dragged, self.preview_boxes[np.isin(self.preview_ids, boxes.ids)])

    def geometry(self, box_id: int) -> Xyxy | None:
        """Where one box is seen now."""
        boxes = self.shown([box_id]).boxes
        return _xyxy(boxes[0]) if len(boxes) else None

    # --- what is where

    def hits(self, x: float, y: float) -> IntArray:
        """Ids under a point, the one to pick first."""
        if not self.boxes_visible:
            return np.zeros(0, np.int64)
        tolerance = style.HIT_TOLERANCE / self.scale
        return self.boxes.ids[boxes_at(self.boxes.boxes, x, y, tolerance=tolerance)]

    def box_at(self, x: float, y: float) -> int:
        """The id under a point that a menu or double click is meant for: a selected one first, 0 for none."""
        hits = self.hits(x, y).tolist()
        return next((box_id for box_id in hits if box_id in self.selection), next(iter(hits), 0))

    def proposal_at(self, x: float, y: float) -> int:
        """The id of the proposal that a click there takes over, 0 for none."""
        if self.read_only:
            return 0
        hits = self.hits(x, y)
        rows = self.boxes.rows_of(hits[:1].tolist())
        return int(hits[0]) if len(rows) and self.boxes.proposed[rows[0]] else 0

    def handle_hit(self, x: float, y: float, *, squares_only: bool = False) -> Handle | None:
        """The handle under a point, of the one selected box when it may be resized; see ``handle_at``."""
        box_id = self.resizable()
        box = None if box_id is None else self.geometry(box_id)
        if box is None:
            return None
        on_screen = (box[0] * self.scale, box[1] * self.scale, box[2] * self.scale, box[3] * self.scale)
        return handle_at(on_screen, x * self.scale, y * self.scale, squares_only=squares_only)

    def in_image(self, x: float, y: float) -> tuple[float, float]:
        """The nearest point of the image."""
        width, height = self.image_size
        return min(max(x, 0.0), width), min(max(y, 0.0), height)

    def resizable(self) -> int | None:
        """The id whose handles are shown."""
        ids = self.editable_selection()
        usable = self.boxes_visible and self.draft is None and len(self.selection) == 1
        return int(ids[0]) if usable and len(ids) == 1 else None

    def editable_selection(self) -> IntArray:
        """The selected ids that the user may change, in row order."""
        if self.read_only:
            return np.zeros(0, np.int64)
        rows = self.boxes.rows_of(self.selection)
        return self.boxes.ids[rows[self.boxes.editable[rows]]]

    # --- what the user does

    def select(self, ids: frozenset[int]) -> None:
        """A selection by the user."""
        if ids == self.selection:
            return
        self.selection = ids
        self.overlay_changed.emit()
        self.selection_changed.emit(ids)

    def draw(self, box: Xyxy) -> None:
        """A new box by the user; one that is too small to be meant is none."""
        if min(box[2] - box[0], box[3] - box[1]) * self.scale >= style.MIN_SIDE:
            self.box_drawn.emit(box)

    def set_hovered(self, box_id: int) -> None:
        if box_id == self.hovered_id:
            return
        self.hovered_id = box_id
        self.overlay_changed.emit()
        self.hovered.emit(box_id)

    def show_draft(self, box: Xyxy | None) -> None:
        self.draft = None if box is None else Draft(box=box, color=self.draw_color, name=self.draw_name)
        self.overlay_changed.emit()

    def show_band(self, band: Xyxy | None) -> None:
        self.band = band
        self.overlay_changed.emit()

    def show_ghosts(self, ghosts: DisplayBoxes) -> None:
        self.ghosts = ghosts
        self.overlay_changed.emit()

    def answer_ghosts(self, *, wanted: bool) -> bool:
        """The user wants them, or does something else. Whether there are any."""
        if not len(self.ghosts):
            return False
        self.ghosts_answered.emit(wanted)
        return True

    def show_preview(self, ids: IntArray, boxes: FloatArray) -> None:
        """Show boxes elsewhere for as long as they are dragged; no ids ends it."""
        lifted = len(ids) != len(self.preview_ids)
        self.preview_ids, self.preview_boxes = ids, boxes
        self.preview_count += 1
        if lifted:
            self.boxes_changed.emit()
        self.overlay_changed.emit()

    def end_preview(self) -> None:
        """The boxes are seen again where they are."""
        if len(self.preview_ids):
            self.show_preview(np.zeros(0, np.int64), np.zeros((0, 4), np.float64))

    def commit_preview(self) -> None:
        """The dragged boxes stay where they are seen; the owner hears of it and answers with set_boxes."""
        ids, boxes = self.preview_ids, self.preview_boxes
        self.end_preview()
        rows = self.boxes.rows_of(ids.tolist())
        if len(rows) == 0 or np.array_equal(self.boxes.boxes[rows], boxes):
            return
        self.boxes = self.boxes.with_geometry(rows, boxes)
        self.boxes_changed.emit()
        self.boxes_edited.emit(tuple(ids.tolist()), boxes.copy())


def _xyxy(row: FloatArray) -> Xyxy:
    x1, y1, x2, y2 = (float(edge) for edge in row)
    return (x1, y1, x2, y2)
