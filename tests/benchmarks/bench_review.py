"""The Review page: dragging the threshold, and errors dealt with by keyboard, among very many detections and few.

python -m tests.benchmarks.bench_review
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.review.page import ReviewPage
from app.shell.application import make_application
from app.shell.main_window import MainWindow
from detcore.evaluation.coco_files import read_coco_files
from detcore.review.kinds import ItemType
from tests.benchmarks.bench_evaluation import write_problem
from tests.benchmarks.figures import Figure, table
from tests.benchmarks.review_projects import large_project, small_project
from tests.benchmarks.windows import beats, open_window, spin, wait_for

DRAG_SECONDS = 8.0
SWEEP = 120
"""Moves from one end of the slider to the other: two seconds."""
ITEMS = 50
PAUSE = 0.25
VERDICTS = {
    Qt.Key.Key_C: "review.take_class",
    Qt.Key.Key_Y: "review.accept",
    Qt.Key.Key_X: "review.delete",
    Qt.Key.Key_B: "review.take_box",
    Qt.Key.Key_M: "review.model_wrong",
    Qt.Key.Key_I: "review.difficult",
}


def main() -> list[Figure]:
    """Measure with a real window, drawn in memory."""
    app = make_application()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_problem(folder)
        large = large_project(folder, read_coco_files(folder / "gt.json", folder / "dt.json"))
        figures += _measure(app, folder, large, "5,000 images, 400,000 detections", lowest=True)
        figures += _measure(app, folder, small_project(folder), "360 images")
    return figures


def _measure(
    app: QApplication, folder: Path, project: Path, name: str, *, lowest: bool = False
) -> list[Figure]:
    window = open_window(app, folder)
    window.resize(1440, 900)
    window.project_actions.open_path(project)
    wait_for(app, lambda: window.context.document.is_open)
    window.show_page("review")
    page = window.review_page
    watch = _Painted(page)
    wait_for(app, lambda: page.live.review is not None and watch.is_shown())
    spin(app, 1.0)
    figures = _drag(page, name)
    _move_slider(page, page.live.review.best_threshold if page.live.review else 0.5)
    spin(app, 0.5)
    figures += _walk(app, window, watch, name)
    if lowest:
        _move_slider(page, 0.0)
        spin(app, 0.5)
        figures += _walk(app, window, watch, f"{page.queue.count:,} items listed")
    window.close()
    spin(app, 0.2)
    return figures


class _Painted(QObject):
    """Knows since when the current item's image and boxes are painted."""

    def __init__(self, page: ReviewPage) -> None:
        super().__init__(page)
        self._page = page
        self.painted: int | None = None
        page.image.canvas.viewport().installEventFilter(self)

    def is_shown(self) -> bool:
        """Whether the item that the queue has come to is on the canvas."""
        current = self._page.queue.current
        return current is not None and self.painted == current.key and self._page.image.is_showing

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self._page.image.is_showing:
            entry = self._page.image.entry
            self.painted = None if entry is None else entry.key
        return False


def _drag(page: ReviewPage, name: str) -> list[Figure]:
    """The handle pulled to and fro over the whole slider at 60 Hz."""
    slider = page.header.slider
    y = slider.height() - 9

    def move(beat: int) -> None:
        way = abs((beat % (2 * SWEEP)) / SWEEP - 1)
        QTest.mouseMove(slider, QPoint(round(slider.x_of(way)), y))

    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(round(slider.x_of(1.0)), y))
    gaps = sorted(beats(DRAG_SECONDS, each=move))
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(round(slider.x_of(1.0)), y))
    what = f"dragging the threshold at 60 Hz, {name}"
    return [
        Figure(name=f"{what}: gap, median", value=statistics.median(gaps), unit="ms"),
        Figure(name=f"{what}: gap, p99", value=gaps[int(len(gaps) * 0.99)], unit="ms", aim=20.0),
        Figure(name=f"{what}: gap, longest", value=gaps[-1], unit="ms", aim=33.0),
    ]


def _move_slider(page: ReviewPage, threshold: float) -> None:
    slider = page.header.slider
    place = QPoint(round(slider.x_of(threshold)), slider.height() - 9)
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=place)


def _walk(app: QApplication, window: MainWindow, watch: _Painted, name: str) -> list[Figure]:
    """Half of the items as the queue has them, the other half pairs of two classes: there every verdict is
    offered. From the key to the next item painted, four keys a second."""
    taken: dict[str, list[float]] = {}
    for item_type in (None, ItemType.CLASS):
        _choose_type(window.review_page, item_type)
        spin(app, PAUSE)
        wait_for(app, watch.is_shown)
        _deal_with(app, window, watch, taken)
    _choose_type(window.review_page, None)
    return _summary(taken, f"key to the next item painted, {name}")


def _choose_type(page: ReviewPage, item_type: ItemType | None) -> None:
    box = page.queue_panel.type
    box.setCurrentIndex(max(box.findData(item_type), 0))
    box.activated.emit(box.currentIndex())


def _deal_with(app: QApplication, window: MainWindow, watch: _Painted, taken: dict[str, list[float]]) -> None:
    """Each verdict in turn, as far as it is offered; every fifth is undone, and its item passed over."""
    page, actions = window.review_page, window.context.actions
    page.queue_panel.list.setFocus()

    def press(key: Qt.Key, name: str, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        before = page.queue.current
        begin = time.perf_counter()
        QTest.keyClick(page.queue_panel.list, key, modifier)
        wait_for(app, watch.is_shown)
        taken.setdefault(name, []).append((time.perf_counter() - begin) * 1e3)
        if page.queue.current == before:
            raise AssertionError(f"{name} changed nothing: {before}")
        spin(app, PAUSE)

    for number in range(1, ITEMS // 2 + 1):
        possible = [key for key, action in VERDICTS.items() if actions[action].isEnabled()]
        key = possible[number % len(possible)]
        press(key, VERDICTS[key])
        if number % 5 == 0:
            press(Qt.Key.Key_Z, "undo", Qt.KeyboardModifier.ControlModifier)
            press(Qt.Key.Key_Space, "review.next")


def _summary(taken: dict[str, list[float]], what: str) -> list[Figure]:
    def longest(values: Sequence[float]) -> str:
        return f"{max(values):.0f}"

    every = [value for values in taken.values() for value in values]
    worst = ", ".join(f"{name.split('.')[-1]} {longest(values)}" for name, values in sorted(taken.items()))
    sys.stderr.write(f"{what}: longest by key, ms: {worst}\n")
    return [
        Figure(name=f"{what}: median", value=statistics.median(every), unit="ms", aim=50.0),
        Figure(name=f"{what}: longest", value=max(every), unit="ms", aim=50.0),
    ]


if __name__ == "__main__":
    sys.stdout.write(table(main()) + "\n")
