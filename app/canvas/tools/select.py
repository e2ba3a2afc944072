"""Selects, moves and resizes boxes."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt

from app.canvas.handles import moved
from app.canvas.hit_testing import boxes_within
from app.canvas.stage import Stage
from app.canvas.tools.gestures import RESIZE_CURSORS, click, pan, resize_box, until_dragged, until_released
from app.canvas.tools.spec import ToolSpec
from app.canvas.tools.tool import Gesture, Look, Phase, Pointer
from detcore.boxes import from_corners

SPEC = ToolSpec(
    id="select",
    title="Select",
    tip="Select, move and resize boxes",
    icon="cursor-default-outline",
    keys=("V",),
    edits=False,
    build="app.canvas.tools.select:SelectTool",
)


class SelectTool:
    """Handles first, then boxes; with Shift or Ctrl a box joins or leaves. A double click opens a box.

    A drag on nothing selects what lies within, or drags an image of which only a part is seen; with Shift it
    always selects, and may begin on a box.
    """

    def begin(self, stage: Stage, press: Pointer) -> Gesture:
        if press.double:
            return activate(stage, press)
        hits = stage.hits(press.x, press.y)
        if press.shift:
            return toggle_or_band(stage, press)
        if press.control:
            return toggle(stage, int(hits[0])) if len(hits) else pan(stage, press)
        handle = stage.handle_hit(press.x, press.y)
        if handle is not None:
            return resize_box(stage, press, handle)
        if len(hits):
            return pick_or_move(stage, press)
        return clear_or_drag(stage, press)

    def look(self, stage: Stage, pointer: Pointer | None) -> Look:
        if pointer is None:
            return Look()
        hits = stage.hits(pointer.x, pointer.y)
        hovered = int(hits[0]) if len(hits) else 0
        handle = stage.handle_hit(pointer.x, pointer.y)
        if handle is not None:
            return Look(cursor=RESIZE_CURSORS[handle], hovered=hovered)
        movable = bool(np.isin(hits, stage.editable_selection()).any())
        cursor = Qt.CursorShape.SizeAllCursor if movable else Qt.CursorShape.ArrowCursor
        return Look(cursor=cursor, hovered=hovered)


def activate(stage: Stage, press: Pointer) -> Gesture:
    box_id = stage.box_at(press.x, press.y)
    if box_id:
        stage.box_activated.emit(box_id)
    yield from until_released()


def toggle(stage: Stage, box_id: int) -> Gesture:
    stage.select(stage.selection ^ {box_id})
    yield from until_released()


def toggle_or_band(stage: Stage, press: Pointer) -> Gesture:
    """A click lets the box join or leave the selection; a drag adds what lies within."""
    hits = stage.hits(press.x, press.y)
    pointer = yield from until_dragged(press)
    if pointer is not None:
        yield from rubber_band(stage, press, pointer)
    elif len(hits):
        stage.select(stage.selection ^ {int(hits[0])})


def clear_or_drag(stage: Stage, press: Pointer) -> Gesture:
    """A click on nothing selects nothing. A drag moves the image and leaves the selection; where the whole
    image is seen it selects what lies within."""
    pointer = yield from until_dragged(press)
    if pointer is None:
        stage.select(frozenset())
    elif stage.all_in_view:
        stage.select(frozenset())
        yield from rubber_band(stage, press, pointer)
    else:
        yield from _pan_on(stage, press, pointer)


def pick_or_move(stage: Stage, press: Pointer) -> Gesture:
    """A click selects, a further one at the same place the box beneath, and takes a proposal over; a drag moves what is
    selected."""
    hits = stage.hits(press.x, press.y)
    fresh = stage.selection.isdisjoint(hits.tolist())
    if fresh:
        stage.select(frozenset({int(hits[0])}))
    pointer = yield from until_dragged(press)
    if pointer is None:
        if not fresh or stage.proposal_at(press.x, press.y):
            click(stage, press, hits)
    elif len(stage.editable_selection()) == 0:
        yield from _pan_on(stage, press, pointer)
    else:
        yield from move_boxes(stage, press, pointer)


def move_boxes(stage: Stage, press: Pointer, pointer: Pointer) -> Gesture:
    ids = stage.editable_selection()
    start = stage.boxes.boxes[stage.boxes.rows_of(ids.tolist())]
    width, height = stage.image_size
    try:
        while True:
            there = moved(start, pointer.x - press.x, pointer.y - press.y, width=width, height=height)
            stage.show_preview(ids, there)
            if pointer.phase is Phase.RELEASE:
                break
            pointer = yield
        stage.commit_preview()
    finally:
        stage.end_preview()


def rubber_band(stage: Stage, press: Pointer, pointer: Pointer) -> Gesture:
    """Select, besides what is selected, the boxes that lie wholly in a rectangle; ``pointer`` is where the
    drag was recognised."""
    before = stage.selection
    try:
        while True:
            band = from_corners(press.x, press.y, pointer.x, pointer.y)
            stage.show_band(band)
            if pointer.phase is Phase.RELEASE:
                break
            pointer = yield
    finally:
        stage.show_band(None)
    if stage.boxes_visible:
        rows = boxes_within(stage.boxes.boxes, band)
        stage.select(before | frozenset(stage.boxes.ids[rows].tolist()))


def _pan_on(stage: Stage, press: Pointer, pointer: Pointer) -> Gesture:
    """Pan after a drag was recognised at ``pointer``."""
    stage.pan_requested.emit(pointer.view_x - press.view_x, pointer.view_y - press.view_y)
    if pointer.phase is not Phase.RELEASE:
        yield from pan(stage, pointer)
