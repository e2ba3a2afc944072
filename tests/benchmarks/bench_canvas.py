"""The canvas: loading, repainting and dragging with 10,000 boxes on a photo.

The peers' figures were measured with as many boxes on two cores, offscreen raster.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.canvas.display import DisplayBoxes
from app.canvas.view import ImageCanvas
from tests.benchmarks.figures import Figure, best_of

BOXES = 10_000
IMAGE = (4000, 3000)
VIEW = (1440, 900)
REPEATS = 9

LABELIMG_LOAD, LABELIMG_REPAINT = 67_000.0, 447.0
LABELME_LOAD, LABELME_REPAINT = 1_700.0, 299.0
"""Milliseconds for 10,000 boxes."""

FRAME = 16.0
"""Milliseconds of one frame at 60 Hz."""


def photo() -> QImage:
    """A picture with detail everywhere."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, (IMAGE[1], IMAGE[0], 3), np.uint8)
    return QImage(pixels.data, IMAGE[0], IMAGE[1], IMAGE[0] * 3, QImage.Format.Format_RGB888).copy()


def boxes(count: int = BOXES, *, seed: int = 2) -> DisplayBoxes:
    """Boxes of 20 classes all over the image."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform((60, 60), (IMAGE[0] - 60, IMAGE[1] - 60), (count, 2))
    sides = rng.uniform(20, 120, (count, 2))
    palette = rng.integers(0xFF000000, 0xFFFFFFFF, 20, np.uint32)
    labels = rng.integers(0, 20, count)
    return DisplayBoxes(
        ids=np.arange(1, count + 1),
        boxes=np.hstack([centres - sides / 2, centres + sides / 2]),
        colors=palette[labels],
        styles=np.zeros(count, np.uint8),
        hatched=np.zeros(count, np.bool_),
        names=[f"class {label}" for label in labels],
        editable=np.ones(count, np.bool_),
    )


def main() -> list[Figure]:
    """Measure on the platform that Qt is told to use."""
    application = QApplication.instance() or QApplication([])
    canvas = ImageCanvas()
    canvas.resize(*VIEW)
    canvas.set_image(photo())
    shown = boxes()
    canvas.set_boxes(shown)
    canvas.show()
    QTest.qWaitForWindowExposed(canvas)
    viewport = canvas.viewport()
    places = iter(range(10**9))

    others = (boxes(seed=3), shown)  # what has not changed would not be loaded again

    def load() -> None:
        canvas.set_boxes(others[next(places) % 2])
        viewport.repaint()

    def move_pointer() -> None:
        QTest.mouseMove(viewport, QPoint(400 + 7 * (next(places) % 90), 450))
        viewport.repaint()

    def pan() -> None:
        canvas.camera.pan_by(3 if next(places) % 2 else -3, 0)
        viewport.repaint()

    def milliseconds(action: Callable[[], None]) -> float:
        return best_of(REPEATS, action) * 1000

    figures = [
        Figure(
            name="load 10,000 boxes and paint",
            value=milliseconds(load),
            unit="ms",
            aim=30.0,
            peer=LABELME_LOAD,
            peer_name="labelme",
        ),
        Figure(
            name="the same, against labelImg",
            value=milliseconds(load),
            unit="ms",
            peer=LABELIMG_LOAD,
            peer_name="labelImg",
        ),
        Figure(
            name="repaint with all visible and named",
            value=milliseconds(pan),
            unit="ms",
            aim=FRAME,
            peer=LABELME_REPAINT,
            peer_name="labelme",
        ),
    ]
    canvas.set_names_visible(False)
    figures.append(
        Figure(
            name="repaint with all visible, no names",
            value=milliseconds(pan),
            unit="ms",
            aim=FRAME,
            peer=LABELIMG_REPAINT,
            peer_name="labelImg",
        )
    )
    canvas.set_names_visible(True)
    hover = milliseconds(move_pointer)
    canvas.set_tool("draw")
    crosshair = milliseconds(move_pointer)
    canvas.set_tool("select")
    canvas.set_selection(frozenset({5}))
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, center(canvas, 5))
    move_pointer()
    drag = milliseconds(move_pointer)
    canvas.cancel()
    canvas.set_selection(frozenset(shown.ids.tolist()))
    all_selected = milliseconds(move_pointer)
    canvas.set_selection(frozenset())
    canvas.camera.zoom_to_box((1900, 1400, 2100, 1600))
    zoomed_in = milliseconds(pan)
    canvas.close()
    application.processEvents()
    return figures + [
        Figure(name=name, value=value, unit="ms", aim=FRAME)
        for name, value in (
            ("the pointer moves over them", hover),
            ("the crosshair moves over them", crosshair),
            ("one of them is dragged", drag),
            ("the pointer moves over them, all selected", all_selected),
            ("pan, zoomed in", zoomed_in),
        )
    ]


def center(canvas: ImageCanvas, box_id: int) -> QPoint:
    """Where the middle of a box is in the view."""
    x1, y1, x2, y2 = boxes().boxes[box_id - 1]
    return canvas.mapFromScene((x1 + x2) / 2, (y1 + y2) / 2)
