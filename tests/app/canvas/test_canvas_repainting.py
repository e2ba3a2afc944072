"""Whatever looks different is painted once, and what does not is not painted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget

from app.canvas.view import ImageCanvas
from tests.app.canvas.conftest import Person, display
from tests.app.canvas.test_canvas_painting import pixels


class Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_boxes_out_of_view_cost_no_painting(canvas, show, qtbot):
    near, far = (20, 20, 40, 40), (150, 100, 190, 140)
    show(near)
    canvas.camera.zoom_to_box(near)
    qtbot.wait(20)
    painted = Paints(canvas.viewport())
    show(near, far)
    qtbot.wait(20)
    assert painted.count == 0
    show(near, (30, 20, 60, 40))
    qtbot.waitUntil(lambda: painted.count > 0)


def test_a_selected_box_beside_the_view_leaves_no_old_name_in_it(canvas, show, qtbot):
    show((20, 20, 60, 60), name="cell")
    canvas.camera.zoom_to_box((20, 20, 60, 60))
    canvas.set_selection(frozenset({1}))
    canvas.camera.pan_by(-(canvas.mapFromScene(QPointF(60, 40)).x() + 40), 0)
    qtbot.wait(20)
    before, painted = pixels(canvas), Paints(canvas.viewport())
    show((20, 20, 60, 60), name="another name")
    qtbot.wait(20)
    seen = painted.count
    assert seen > 0 or (pixels(canvas) == before).all()


def test_boxes_that_were_seen_from_elsewhere_are_painted_anew_once_the_view_is_back(canvas, show, qtbot):
    near, far = (20, 20, 40, 40), (150, 100, 190, 140)
    show(near, far)
    canvas.camera.zoom_to_box(near)
    qtbot.wait(20)
    # two steps within one frame: the second would be all that a look at the present view knows of
    canvas.camera.zoom_to_box(far)
    show((25, 20, 45, 40), far)
    canvas.camera.zoom_to_box(near)
    moved = pixels(canvas)
    canvas.set_boxes(display([far]))
    show((25, 20, 45, 40), far)
    assert (pixels(canvas) == moved).all()
    show(near, far)
    assert (pixels(canvas) != moved).any()


def image(color: int) -> QImage:
    found = QImage(200, 150, QImage.Format.Format_RGB32)
    found.fill(color)
    return found


CHANGES: dict[str, Callable[[ImageCanvas, Person], object]] = {
    "selection": lambda canvas, _: canvas.set_selection(frozenset({1})),
    "names": lambda canvas, _: canvas.set_names_visible(False),
    "boxes hidden": lambda canvas, _: canvas.set_boxes_visible(False),
    "surround": lambda canvas, _: canvas.set_surround(QColor("red")),
    "image of the same size": lambda canvas, _: canvas.set_image(image(0xFF202020), keep_view=True),
    "no image": lambda canvas, _: canvas.set_image(None),
    "other boxes": lambda canvas, _: canvas.set_boxes(display([(60, 60, 90, 90)], name="cell")),
    "no boxes": lambda canvas, _: canvas.set_boxes(display([])),
    "zoom": lambda canvas, _: canvas.camera.zoom_in(),
    "pan": lambda canvas, _: canvas.camera.pan_by(10, 0),
    "a box under the pointer": lambda _, person: person.move(25, 40),
    "a click on a box": lambda _, person: person.click(25, 40),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_painted_once(
    canvas: ImageCanvas, person: Person, show: Callable, qtbot, change: Callable
) -> None:
    show((20, 20, 60, 60), name="cell")
    person.move(150, 100)
    canvas.grab()
    qtbot.wait(20)
    painted = Paints(canvas.viewport())
    change(canvas, person)
    qtbot.waitUntil(lambda: painted.count > 0)
    qtbot.wait(20)
    assert painted.count == 1


def test_every_step_of_a_drag_is_painted_once(canvas: ImageCanvas, person: Person, show: Callable, qtbot):
    show((20, 20, 60, 60), name="cell")
    person.press(22, 40)
    qtbot.wait(20)
    for step in range(1, 4):
        painted = Paints(canvas.viewport())
        person.move(22 + 10 * step, 40)
        qtbot.waitUntil(lambda painted=painted: painted.count > 0)
        qtbot.wait(20)
        assert painted.count == 1
    person.release(52, 40)


def test_the_crosshair_follows_the_pointer(canvas: ImageCanvas, person: Person, qtbot):
    canvas.set_tool("draw")
    person.move(50, 50)
    qtbot.wait(20)
    painted = Paints(canvas.viewport())
    person.move(80, 70)
    qtbot.waitUntil(lambda: painted.count > 0)
    qtbot.wait(20)
    assert painted.count == 1


def test_the_colour_of_the_next_box_is_seen_while_it_is_drawn(canvas: ImageCanvas, person: Person, qtbot):
    canvas.set_tool("draw")
    person.press(100, 20)
    person.move(140, 60)
    qtbot.wait(20)
    painted = Paints(canvas.viewport())
    canvas.set_draw_color(QColor("red"), "cell")
    qtbot.waitUntil(lambda: painted.count > 0)
    person.key(Qt.Key.Key_Escape)
