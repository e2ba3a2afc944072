"""What a press of the mouse begins. Each gesture is a generator: a small state machine that reads top down.

A gesture is sent each pointer event after the press that began it, and ends by returning. To close
it is to cancel it: whatever it showed goes away and nothing was changed.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np

from app.canvas import style
from app.canvas.handles import Handle, Xyxy, moved, resized
from app.canvas.hit_testing import boxes_within, next_hit
from app.canvas.stage import Stage
from detcore.boxes import from_corners
from detcore.types import IntArray


class Phase(Enum):
    PRESS = auto()
    MOVE = auto()
    RELEASE = auto()


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """One event of the mouse: ``x``, ``y`` in image pixels, ``view_x``, ``view_y`` on the screen.

    ``repeated`` is set for a press at the place of the click before, ``double`` for the second of a double click.
    """

    phase: Phase
    x: float
    y: float
    view_x: float
    view_y: float
    shift: bool = False
    control: bool = False
    repeated: bool = False
    double: bool = False

    def is_near(self, other: Pointer) -> bool:
        """Whether both are the same place for a hand that trembles."""
        return math.hypot(self.view_x - other.view_x, self.view_y - other.view_y) <= style.CLICK_DISTANCE


Gesture = Generator[None, Pointer, None]


def begin_select(stage: Stage, press: Pointer) -> Gesture:
    """Handles first, then boxes; with Shift or Ctrl a box joins or leaves. A double click opens a box.

    A drag on nothing selects what lies within, or drags an image of which only a part is seen; with Shift it
    always selects, and may begin on a box.
    """
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


def begin_draw(stage: Stage, press: Pointer) -> Gesture:
    """The handles of the selected box first; elsewhere a box is drawn. With Ctrl everything is as with the
    select tool, so that a box can be mended between two others."""
    if stage.read_only:
        return begin_select(stage, press)
    if press.control:
        return begin_select(stage, replace(press, control=False, double=False))
    handle = handle_to_draw_with(stage, press.x, press.y, square=press.shift)
    if handle is not None:
        return resize_box(stage, press, handle)
    return draw_box(stage, press)


def handle_to_draw_with(stage: Stage, x: float, y: float, *, square: bool) -> Handle | None:
    """The handle that a press of the draw tool would take; with Shift, for a ``square``, none."""
    return None if square else stage.handle_hit(x, y, squares_only=True)


def activate(stage: Stage, press: Pointer) -> Gesture:
    box_id = stage.box_at(press.x, press.y)
    if box_id:
        stage.box_activated.emit(box_id)
    while (yield).phase is not Phase.RELEASE:
        pass


def toggle(stage: Stage, box_id: int) -> Gesture:
    stage.select(stage.selection ^ {box_id})
    while (yield).phase is not Phase.RELEASE:
        pass


def pan(stage: Stage, press: Pointer) -> Gesture:
    last = press
    while True:
        pointer = yield
        stage.pan_requested.emit(pointer.view_x - last.view_x, pointer.view_y - last.view_y)
        if pointer.phase is Phase.RELEASE:
            return
        last = pointer


def toggle_or_band(stage: Stage, press: Pointer) -> Gesture:
    """A click lets the box join or leave the selection; a drag adds what lies within."""
    hits = stage.hits(press.x, press.y)
    pointer = yield from _until_dragged(press)
    if pointer is not None:
        yield from rubber_band(stage, press, pointer)
    elif len(hits):
        stage.select(stage.selection ^ {int(hits[0])})


def clear_or_drag(stage: Stage, press: Pointer) -> Gesture:
    """A click on nothing selects nothing. A drag moves the image and leaves the selection; where the whole
    image is seen it selects what lies within."""
    pointer = yield from _until_dragged(press)
    if pointer is None:
        stage.select(frozenset())
    elif stage.all_in_view:
        stage.select(frozenset())
        yield from rubber_band(stage, press, pointer)
    else:
        yield from _pan_on(stage, press, pointer)


def pick_or_move(stage: Stage, press: Pointer) -> Gesture:
    """A click selects, a further one at the same place the box beneath; a drag moves what is selected."""
    hits = stage.hits(press.x, press.y)
    fresh = stage.selection.isdisjoint(hits.tolist())
    if fresh:
        stage.select(frozenset({int(hits[0])}))
    pointer = yield from _until_dragged(press)
    if pointer is None:
        if not fresh:
            _click(stage, press, hits)
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


def resize_box(stage: Stage, press: Pointer, handle: Handle) -> Gesture:
    ids = stage.editable_selection()
    start = stage.geometry(int(ids[0]))
    assert start is not None, "a handle was hit"
    width, height = stage.image_size
    pointer = yield from _until_dragged(press)
    if pointer is None:
        _click(stage, press, stage.hits(press.x, press.y))
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


def _click(stage: Stage, press: Pointer, hits: IntArray) -> None:
    """A click where a selected box is: that one alone, or with a repeated click the one beneath it."""
    if len(hits) == 0:
        return
    selected = [box_id for box_id in hits.tolist() if box_id in stage.selection]
    cycles = press.repeated and len(stage.selection) == 1 and selected
    picked = next_hit(hits, selected[0] if cycles else None)
    stage.select(frozenset() if picked is None else frozenset({picked}))


def _resize_is_sound(start: Xyxy, box: Xyxy, handle: Handle, scale: float) -> bool:
    """Whether each side that was dragged is still large enough to be meant."""
    for axis, direction in enumerate(handle.value):
        side, side_before = box[axis + 2] - box[axis], start[axis + 2] - start[axis]
        if direction and side < min(style.MIN_SIDE / scale, side_before):
            return False
    return True


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


def draw_box(stage: Stage, press: Pointer) -> Gesture:
    """Press, drag, release; or click one corner, then the opposite one.

    A drag that follows a first click is a box of its own: a click by accident costs nothing.
    """
    corner = pressed = pointer = press
    held, strayed, waiting = True, False, False
    try:
        while True:
            stage.show_draft(_drafted(stage, corner, pointer))
            pointer = yield
            if pointer.phase is Phase.PRESS:
                pressed, held, strayed = pointer, True, False
            elif held and not pointer.is_near(pressed):
                strayed = True
                if waiting:
                    corner, waiting = pressed, False
            if pointer.phase is Phase.RELEASE:
                if waiting or strayed:
                    break
                held, waiting = False, True
        box = _drafted(stage, corner, pointer)
    finally:
        stage.show_draft(None)
    if min(box[2] - box[0], box[3] - box[1]) * stage.scale >= style.MIN_SIDE:
        stage.box_drawn.emit(box)


def _drafted(stage: Stage, corner: Pointer, pointer: Pointer) -> Xyxy:
    """The box between two points, in the image; with Shift a square."""
    width, height = stage.image_size
    x_a, y_a = min(max(corner.x, 0.0), width), min(max(corner.y, 0.0), height)
    x_b, y_b = min(max(pointer.x, 0.0), width), min(max(pointer.y, 0.0), height)
    if pointer.shift:
        side = min(abs(x_b - x_a), abs(y_b - y_a))
        x_b, y_b = x_a + math.copysign(side, x_b - x_a), y_a + math.copysign(side, y_b - y_a)
    return from_corners(x_a, y_a, x_b, y_b)


def _pan_on(stage: Stage, press: Pointer, pointer: Pointer) -> Gesture:
    """Pan after a drag was recognised at ``pointer``."""
    stage.pan_requested.emit(pointer.view_x - press.view_x, pointer.view_y - press.view_y)
    if pointer.phase is not Phase.RELEASE:
        yield from pan(stage, pointer)


def _until_dragged(press: Pointer) -> Generator[None, Pointer, Pointer | None]:
    """Wait for a movement that is more than a trembling hand; ``None`` when it was a click."""
    while True:
        pointer = yield
        if not pointer.is_near(press):
            return pointer
        if pointer.phase is Phase.RELEASE:
            return None
