"""The contract between the canvas and its tools."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, runtime_checkable

from PySide6.QtCore import Qt

from app.canvas import style
from app.canvas.stage import Stage


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
"""A small state machine that reads top down: it is sent each pointer event after the press that began it, and
ends by returning. To close it is to cancel it: whatever it showed goes away and nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a place looks while the pointer is there: ``hovered`` is the id of the box to highlight, 0 for none."""

    cursor: Qt.CursorShape = Qt.CursorShape.ArrowCursor
    crosshair: bool = False
    hovered: int = 0


@runtime_checkable
class Tool(Protocol):
    """What the left button does on the canvas while there is an image."""

    def begin(self, stage: Stage, press: Pointer) -> Gesture:
        """What a press begins; ``stage.read_only`` says that boxes may only be looked at."""
        ...

    def look(self, stage: Stage, pointer: Pointer | None) -> Look:
        """What a press would do here; the pointer is elsewhere if it is ``None``."""
        ...
