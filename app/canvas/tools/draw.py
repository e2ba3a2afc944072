"""Draws boxes from corner to corner, and what other tools that draw boxes share with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import Qt

from app.canvas.handles import Handle, Xyxy
from app.canvas.stage import Stage
from app.canvas.tools.gestures import RESIZE_CURSORS, resize_box, until_released
from app.canvas.tools.select import SelectTool
from app.canvas.tools.spec import ToolSpec
from app.canvas.tools.tool import Gesture, Look, Phase, Pointer
from detcore.boxes import from_corners

SPEC = ToolSpec(
    id="draw",
    title="Draw box",
    short="Draw",
    tip="Drag from corner to corner",
    icon="vector-rectangle",
    keys=("W", "R"),
    build="app.canvas.tools.draw:draw_tool",
)


@dataclass(frozen=True)
class DrawingTool:
    """The handles of the selected box first; elsewhere a box is drawn by ``draw``. With Ctrl everything is as with
    the select tool, so that a box can be mended between two others; also where boxes may only be looked at."""

    draw: Callable[[Stage, Pointer], Gesture]
    select: SelectTool = SelectTool()

    def begin(self, stage: Stage, press: Pointer) -> Gesture:
        if stage.read_only:
            return self.select.begin(stage, press)
        if press.control:
            return self.select.begin(stage, replace(press, control=False, double=False))
        handle = _handle(stage, press)
        if handle is not None:
            return resize_box(stage, press, handle)
        if press.double and stage.box_at(press.x, press.y):
            return until_released()  # its first click has made a label of a proposal
        return self.draw(stage, press)

    def look(self, stage: Stage, pointer: Pointer | None) -> Look:
        if stage.read_only or (pointer is not None and pointer.control):
            return self.select.look(stage, pointer)
        handle = None if pointer is None else _handle(stage, pointer)
        if handle is not None:
            return Look(cursor=RESIZE_CURSORS[handle])
        proposal = 0 if pointer is None else stage.proposal_at(pointer.x, pointer.y)
        return Look(cursor=Qt.CursorShape.CrossCursor, crosshair=True, hovered=proposal)


def draw_tool() -> DrawingTool:
    return DrawingTool(draw_box)


def _handle(stage: Stage, pointer: Pointer) -> Handle | None:
    """The handle that a press would take; with Shift, for a square, none."""
    return None if pointer.shift else stage.handle_hit(pointer.x, pointer.y, squares_only=True)


def draw_box(stage: Stage, press: Pointer) -> Gesture:
    """Press, drag, release; or click one corner, then the opposite one. A click on a proposal takes it over.

    A drag that follows a first click is a box of its own: a click by accident costs nothing.
    """
    corner = pressed = pointer = press
    proposal = stage.proposal_at(press.x, press.y)
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
                if proposal:
                    stage.show_draft(None)
                    stage.proposal_clicked.emit(proposal)
                    return
                held, waiting = False, True
        box = _drafted(stage, corner, pointer)
    finally:
        stage.show_draft(None)
    stage.draw(box)


def _drafted(stage: Stage, corner: Pointer, pointer: Pointer) -> Xyxy:
    """The box between two points, in the image; with Shift a square."""
    x_a, y_a = stage.in_image(corner.x, corner.y)
    x_b, y_b = stage.in_image(pointer.x, pointer.y)
    if pointer.shift:
        side = min(abs(x_b - x_a), abs(y_b - y_a))
        x_b, y_b = x_a + math.copysign(side, x_b - x_a), y_a + math.copysign(side, y_b - y_a)
    return from_corners(x_a, y_a, x_b, y_b)
