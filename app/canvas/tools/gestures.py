"""What several tools do: pan, wait for a drag, resize a box."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from PySide6.QtCore import Qt

from app.canvas import style
from app.canvas.handles import Handle, Xyxy, resized
from app.canvas.hit_testing import next_hit
from app.canvas.stage import Stage
from app.canvas.tools.tool import Gesture, Phase, Pointer
from detcore.types import IntArray

RESIZE_CURSORS = {
    Handle.TOP_LEFT: Qt.CursorShape.SizeFDiagCursor,
    Handle.BOTTOM_RIGHT: Qt.CursorShape.SizeFDiagCursor,
    Handle.TOP_RIGHT: Qt.CursorShape.SizeBDiagCursor,
    Handle.BOTTOM_LEFT: Qt.CursorShape.SizeBDiagCursor,
    Handle.LEFT: Qt.CursorShape.SizeHorCursor,
    Handle.RIGHT: Qt.CursorShape.SizeHorCursor,
    Handle.TOP: Qt.CursorShape.SizeVerCursor,
    Handle.BOTTOM: Qt.CursorShape.SizeVerCursor,
}


def pan(stage: Stage, press: Pointer) -> Gesture:
    last = press
    while True:
        pointer = yield
        stage.pan_requested.emit(pointer.view_x - last.view_x, pointer.view_y - last.view_y)
        if pointer.phase is Phase.RELEASE:
            return
        last = pointer


def until_dragged(press: Pointer) -> Generator[None, Pointer, Pointer | None]:
    """Wait for a movement that is more than a trembling hand; ``None`` when it was a click."""
    while True:
        pointer = yield
        if not pointer.is_near(press):
            return pointer
        if pointer.phase is Phase.RELEASE:
            return None


def until_released() -> Gesture:
    """Nothing more comes of a press."""
    while (yield).phase is not Phase.RELEASE:
        pass


def resize_box(stage: Stage, press: Pointer, handle: Handle) -> Gesture:
    ids = stage.editable_selection()
    start = stage.geometry(int(ids[0]))
    assert start is not None, "a handle was hit"
    width, height = stage.image_size
    pointer = yield from until_dragged(press)
    if pointer is None:
        click(stage, press, stage.hits(press.x, press.y))
        return
    try:
        while True:
            dx, dy = pointer.x - press.x, pointer.y - press.y
            box = resized(start, handle, dx, dy, width=width, height=height)
            stage.show_preview(ids, np.array([box]))
            if pointer.phase is Phase.RELEASE:
                break
            pointer = yield
        if _resize_is_sound(start, box, handle, stage.scale):
            stage.commit_preview()
    finally:
        stage.end_preview()


def _resize_is_sound(start: Xyxy, box: Xyxy, handle: Handle, scale: float) -> bool:
    """Whether each side that was dragged is still large enough to be meant."""
    for axis, direction in enumerate(handle.value):
        side, side_before = box[axis + 2] - box[axis], start[axis + 2] - start[axis]
        if direction and side < min(style.MIN_SIDE / scale, side_before):
            return False
    return True


def click(stage: Stage, press: Pointer, hits: IntArray) -> None:
    """A click on a proposal takes it over; one where a selected box is selects that one alone, or with a repeated click
    the one beneath it."""
    proposal = stage.proposal_at(press.x, press.y)
    if proposal:
        stage.proposal_clicked.emit(proposal)
        return
    if len(hits) == 0:
        return
    selected = [box_id for box_id in hits.tolist() if box_id in stage.selection]
    cycles = press.repeated and len(stage.selection) == 1 and selected
    picked = next_hit(hits, selected[0] if cycles else None)
    stage.select(frozenset() if picked is None else frozenset({picked}))
