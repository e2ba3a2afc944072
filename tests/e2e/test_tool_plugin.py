"""The tool that docs/extending.md shows comes in as a plug-in: installed in a folder, nothing else touched."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from app.canvas.tools.registry import all_tools
from app.services.settings import Settings
from app.shell.action_specs import all_actions
from app.shell.application import make_window
from app.shell.main_window import MainWindow
from detcore.project.edits import add_class
from detcore.project.project import Project
from tests.conftest import InstallPlugIn

GUIDE = Path(__file__).resolve().parents[2] / "docs/extending.md"
Install = Callable[[str, str], None]


@pytest.fixture
def install(install_plug_in: InstallPlugIn) -> Iterator[Install]:
    """Installs a module, with its code, whose ``SPEC`` is a tool."""
    all_tools.cache_clear()
    yield partial(install_plug_in, "reticle.tools")
    all_tools.cache_clear()


@pytest.fixture
def centre(install: Install) -> None:
    """The plug-in of the guide."""
    _, _, part = GUIDE.read_text(encoding="utf-8").partition("## A tool in 40 lines")
    install("reticle_centre", re.findall(r"```python\n(.*?)```", part, re.DOTALL)[0])


@pytest.fixture
def make(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[[], MainWindow]]:
    """Opens the window on a project with one empty image of 400×300 and a class."""
    windows: list[MainWindow] = []

    def make() -> MainWindow:
        Image.new("RGB", (400, 300)).save(tmp_path / "a.png")
        path = tmp_path / "p.reticle"
        with Project.create(path, image_root=tmp_path, image_paths=["a.png"]) as project:
            project.edit(add_class, "cell")
        settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
        window = make_window(qapp, Settings(settings))
        qtbot.addWidget(window)
        windows.append(window)
        window.resize(1200, 800)
        window.show()
        window.show_page("label")
        window.project_actions.open_path(path)
        qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=10_000)
        return window

    yield make
    for window in windows:
        window.close()


@pytest.mark.usefixtures("centre")
def test_its_key_and_the_mouse_draw_a_box_from_its_middle(make: Callable[[], MainWindow]) -> None:
    window = make()
    canvas = window.label_page.canvas
    QTest.keyClick(canvas, Qt.Key.Key_K)
    assert canvas.tool() == "centre"

    def at(x: float, y: float) -> QPoint:
        return canvas.mapFromScene(QPointF(x, y))

    viewport, left = canvas.viewport(), Qt.MouseButton.LeftButton
    QTest.mouseMove(viewport, at(200, 150))
    assert viewport.cursor().shape() is Qt.CursorShape.CrossCursor
    QTest.mousePress(viewport, left, pos=at(200, 150))
    QTest.mouseMove(viewport, at(220, 160))
    QTest.mouseMove(viewport, at(260, 180))
    QTest.mouseRelease(viewport, left, pos=at(260, 180))
    (box,) = window.context.document.project.all_boxes()
    assert box.xyxy == pytest.approx((140, 120, 260, 180), abs=1)
    QTest.mousePress(viewport, left, pos=at(50, 50))
    QTest.mouseMove(viewport, at(80, 80))
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(viewport, left, pos=at(80, 80))
    QTest.keyClick(canvas, Qt.Key.Key_V)
    assert (canvas.tool(), len(window.context.document.project.all_boxes())) == ("select", 1)


@pytest.mark.usefixtures("centre")
def test_it_has_its_button_its_line_in_the_menu_and_its_key(make: Callable[[], MainWindow]) -> None:
    window = make()
    action = window.context.actions["label.centre_tool"]
    assert "K" in action.toolTip()
    assert "Press in the middle" in action.toolTip()
    page = window.label_page
    names = [each.objectName() for each in page.toolbar.actions()[:4]]
    assert names == ["label.select_tool", "label.draw_tool", "label.centre_tool", ""]
    button = page.toolbar.widgetForAction(action)
    assert isinstance(button, QToolButton)
    button.click()
    assert page.canvas.tool() == "centre"
    (menu,) = [each.menu() for each in window.menuBar().actions() if each.text() == "&Label"]
    assert action in menu.actions()
    assert ("label.centre_tool", ("K",)) in [(spec.id, spec.keys) for spec in all_actions()]


TOOL = "from app.canvas.tools.spec import ToolSpec\n"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('not today')", "RuntimeError('not today')"),
        ("SPEC = 3", "it is no ToolSpec"),
        ("from app.canvas.tools.draw import SPEC", "there is a tool 'draw' already"),
        (TOOL + "SPEC = ToolSpec(id='a.b', title='', build='')", "is no identifier"),
    ],
)
def test_a_plug_in_that_does_not_fit_is_logged_and_left_out(
    install: Install, caplog: pytest.LogCaptureFixture, code: str, reason: str
) -> None:
    install("reticle_odd", code)
    with caplog.at_level(logging.WARNING):
        assert list(all_tools()) == ["select", "draw"]
    assert reason in caplog.text


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        ("surely_not_installed:make", "ModuleNotFoundError"),
        ("reticle_odd:nothing", "AttributeError"),
        ("reticle_odd:ToolSpec", "TypeError"),
        ("builtins:list", "gives no Tool"),
    ],
)
def test_a_tool_that_does_not_work_is_told_when_it_is_chosen(
    install: Install, make: Callable[[], MainWindow], build: str, reason: str
) -> None:
    install("reticle_odd", f"{TOOL}SPEC = ToolSpec(id='odd', title='Odd', build={build!r})")
    window = make()
    actions = window.context.actions
    actions["label.draw_tool"].trigger()
    actions["label.odd_tool"].trigger()
    told = window.context.messages.history[-1].text
    assert told.startswith("Could not use the tool Odd: ")
    assert reason in told
    assert window.label_page.canvas.tool() == "draw"
    assert actions["label.draw_tool"].isChecked()
    assert not actions["label.odd_tool"].isChecked()


def test_a_key_that_is_taken_and_an_icon_that_is_not_there_are_logged(
    install: Install, make: Callable[[], MainWindow], caplog: pytest.LogCaptureFixture
) -> None:
    keys = ("D", "Ctrl+Z", "N", "no key", "Y")  # Next image, undo, Draw of another preset
    install(
        "reticle_odd",
        f"{TOOL}SPEC = ToolSpec(id='odd', title='Odd', build='app.canvas.tools.draw:draw_tool',"
        f"icon='no-such-icon', keys={keys!r})",
    )
    with caplog.at_level(logging.WARNING):
        window = make()
    action = window.context.actions["label.odd_tool"]
    assert [key.toString() for key in action.shortcuts()] == ["Y"]
    assert action.icon().isNull()
    assert "the tool odd has the keys ('Y',) alone" in caplog.text
    assert "there is none called 'no-such-icon'" in caplog.text
