"""How fast the canvas loads and repaints 10,000 boxes. Run it: ``python -m tests.benchmarks.bench_canvas``.

The peers' figures were measured with the same 10,000 boxes on two cores, offscreen raster.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.canvas.display import DisplayBoxes
from app.canvas.view import ImageCanvas

BOXES = 10_000
IMAGE = (4000, 3000)
VIEW = (1440, 900)
REPEATS = 9

PEERS = {
    "labelImg": {"load": 67_000.0, "repaint": 447.0},
    "labelme": {"load": 1_700.0, "repaint": 299.0},
}
"""Milliseconds for 10,000 boxes: labelImg 1.8.6 and labelme 7.1."""


def photo() -> QImage:
    """A picture with detail everywhere."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, (IMAGE[1], IMAGE[0], 3), np.uint8)
    return QImage(pixels.data, IMAGE[0], IMAGE[1], IMAGE[0] * 3, QImage.Format.Format_RGB888).copy()


def boxes(count: int = BOXES) -> DisplayBoxes:
    """Boxes of 20 classes all over the image."""
    rng = np.random.default_rng(2)
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


def milliseconds(action: Callable[[], object]) -> float:
    """Median of some runs."""
    action()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1000)
    return median(times)


def measure() -> dict[str, float]:
    """Milliseconds of each case."""
    canvas = ImageCanvas()
    canvas.resize(*VIEW)
    canvas.set_image(photo())
    shown = boxes()
    canvas.set_boxes(shown)
    canvas.show()
    QTest.qWaitForWindowExposed(canvas)
    viewport = canvas.viewport()
    places = iter(range(10**9))

    def load() -> None:
        canvas.set_boxes(boxes_to_load)
        viewport.repaint()

    def move_pointer() -> None:
        QTest.mouseMove(viewport, QPoint(400 + 7 * (next(places) % 90), 450))
        viewport.repaint()

    def pan() -> None:
        canvas.pan_by(3 if next(places) % 2 else -3, 0)
        viewport.repaint()

    boxes_to_load = shown
    rows = {"load and first paint": milliseconds(load)}
    canvas.set_names_visible(False)
    rows["repaint, all visible, no names"] = milliseconds(load)
    canvas.set_names_visible(True)
    rows["pointer moves over them"] = milliseconds(move_pointer)
    canvas.set_tool("draw")
    rows["crosshair moves"] = milliseconds(move_pointer)
    canvas.set_tool("select")
    canvas.set_selection(frozenset({5}))
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, center(canvas, 5))
    move_pointer()
    rows["drag one of them"] = milliseconds(move_pointer)
    canvas.cancel()
    rows["pan with all visible"] = milliseconds(pan)
    canvas.zoom_to_box((1900, 1400, 2100, 1600))
    rows["load, zoomed in"] = milliseconds(load)
    rows["pan, zoomed in"] = milliseconds(pan)
    rows["fit, new image size"] = milliseconds(canvas.fit)
    canvas.close()
    return rows


def center(canvas: ImageCanvas, box_id: int) -> QPoint:
    """Where the middle of a box is in the view."""
    x1, y1, x2, y2 = boxes().boxes[box_id - 1]
    return canvas.mapFromScene((x1 + x2) / 2, (y1 + y2) / 2)


def main() -> None:
    """Print one row a case."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication.instance() or QApplication(sys.argv[:1])
    lines = [f"canvas, {BOXES:,} boxes on {IMAGE[0]}x{IMAGE[1]}, view {VIEW[0]}x{VIEW[1]}"]
    lines += [f"  {name:34} {value:8.2f} ms" for name, value in measure().items()]
    for peer, figures in PEERS.items():
        lines.append(f"  {peer + ': load':34} {figures['load']:8.0f} ms")
        lines.append(f"  {peer + ': repaint':34} {figures['repaint']:8.0f} ms")
    sys.stdout.write("\n".join(lines) + "\n")
    application.processEvents()


if __name__ == "__main__":
    main()
