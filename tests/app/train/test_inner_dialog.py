"""How a detector works: drawn, read, and put together while one looks, with a worker that answers at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.services import training_worker
from app.services.context import AppContext
from app.train.page import TrainPage
from app.train.widgets import inner_dialog
from app.train.widgets.inner_dialog import InnerDialog
from app.widgets.spin_boxes import Choice, WholeNumber
from detcore.errors import ConfigError
from detcore.zoo.spec import DetectorSpec
from detcore.zoo.specs import compose
from detcore.zoo.specs.compose import ComposeOptions, check_parts
from tests.app.train import describing_worker

WAIT = 20_000
LEFT = Qt.MouseButton.LeftButton
ROOT = Path(__file__).resolve().parents[3]
MakeDialog = Callable[..., InnerDialog]


@pytest.fixture
def describing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = [sys.executable, describing_worker.__file__]
    monkeypatch.setattr(training_worker, "worker_command", lambda *_words: command)


@pytest.fixture
def make(qtbot: QtBot, context: AppContext, describing: None) -> MakeDialog:
    def make(model: str = "compose", **options: object) -> InnerDialog:
        dialog = InnerDialog(model, options, context.jobs, context.theme, usable=True)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        return dialog

    return make


def drawn(dialog: InnerDialog) -> bool:
    return dialog.right.currentWidget() is dialog.picture and not dialog.busy.isVisible()


def neck(dialog: InnerDialog) -> str:
    cell = dialog.table.item(1, 1)
    return "" if cell is None else cell.text()


def choose(dialog: InnerDialog, name: str, value: str) -> None:
    field = dialog.options.fields[name]
    assert isinstance(field, Choice)
    field.set_choice(value)


def set_width(dialog: InnerDialog, value: int) -> None:
    field = dialog.options.fields["width"]
    assert isinstance(field, WholeNumber)
    field.setValue(value)


def test_while_it_is_built_that_is_said_and_can_be_cancelled(qtbot: QtBot, make: MakeDialog) -> None:
    dialog = make(width=512)
    assert dialog.empty.title.text() == "Building the network…"
    assert dialog.busy.isVisible()
    qtbot.mouseClick(dialog.cancel, LEFT)
    assert not dialog.busy.isVisible()
    assert dialog.empty.title.text() == "Not drawn"
    set_width(dialog, 96)
    qtbot.waitUntil(lambda: drawn(dialog), timeout=WAIT)
    assert neck(dialog) == "96 × 40 × 40"


def test_the_drawing_is_walked_by_keys_and_clicks_and_tells_each_stage(
    qtbot: QtBot, make: MakeDialog
) -> None:
    dialog = make()
    qtbot.waitUntil(lambda: drawn(dialog), timeout=WAIT)
    drawing = dialog.drawing
    assert "Backbone, Neck, Heads" in drawing.accessibleName()
    assert dialog.figures.text().startswith(
        "3.70 K parameters · 15.0 M multiply-adds for an image of 320 × 320 px"
    )
    drawing.setFocus()
    for key, row in ((Qt.Key.Key_Right, 0), (Qt.Key.Key_Down, 1), (Qt.Key.Key_Left, 0)):
        qtbot.keyClick(drawing, key)
        assert drawing.current == row
    assert dialog.about.text() == (
        "Backbone, 40 × 40 places with 32 numbers each: 3 × Conv2d, 2 × BatchNorm2d. 1234 parameters, 5.00 M multiply-adds."
    )
    qtbot.mouseClick(drawing, LEFT, pos=drawing.place_of(2).center().toPoint())
    assert drawing.current == 2
    assert dialog.about.text().startswith("Heads, 40 × 40 places with 7 numbers each")
    qtbot.mouseClick(drawing, LEFT, pos=QPoint(2, 2))
    assert drawing.current < 0
    assert "Click one" in dialog.about.text()


def test_with_other_parts_it_is_drawn_anew_and_nonsense_is_told_at_once(
    qtbot: QtBot, make: MakeDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(spec: DetectorSpec, options: ComposeOptions) -> DetectorSpec:
        check_parts(options)
        return spec

    monkeypatch.setattr(inner_dialog, "find_detector", lambda _model: replace(compose.SPEC, fit=fit))
    dialog = make()
    qtbot.waitUntil(lambda: drawn(dialog), timeout=WAIT)
    assert dialog.use is not None
    assert not dialog.use.isEnabled()
    set_width(dialog, 128)
    qtbot.waitUntil(lambda: neck(dialog) == "128 × 40 × 40", timeout=WAIT)
    assert dialog.use.isEnabled()
    choose(dialog, "assigner", "max-iou")
    assert dialog.fault.isVisible()
    assert "max-iou" in dialog.fault.text()
    assert not dialog.use.isEnabled()
    choose(dialog, "head", "retina")
    assert not dialog.fault.isVisible()
    assert dialog.use.isEnabled()
    qtbot.mouseClick(dialog.use, LEFT)
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert dialog.chosen() == {"width": 128, "assigner": "max-iou", "head": "retina"}


def test_of_what_is_asked_while_a_network_is_built_the_newest_alone_is_built_next(
    qtbot: QtBot, context: AppContext, describing: None
) -> None:
    answered: list[int] = []
    context.jobs.described.connect(lambda number, _result, _fault: answered.append(number))
    asked = [
        context.jobs.describe("compose", {"width": width}, classes=3) for width in (32, 64, 96, 128, 160)
    ]
    qtbot.waitUntil(lambda: asked[-1] in answered, timeout=WAIT)
    assert answered == [asked[0], asked[-1]]
    again = context.jobs.describe("compose", {}, classes=3)
    qtbot.waitUntil(lambda: again in answered, timeout=WAIT)


def test_what_cannot_be_built_says_why_and_can_be_tried_again(qtbot: QtBot, make: MakeDialog) -> None:
    dialog = make(width=16)
    qtbot.waitUntil(lambda: not dialog.busy.isVisible(), timeout=WAIT)
    assert dialog.empty.text.text() == "There is no room for it. Make room."
    assert dialog.empty.button.text() == "Try again"
    set_width(dialog, 32)
    qtbot.waitUntil(lambda: drawn(dialog), timeout=WAIT)


def test_a_worker_that_dies_is_told(qtbot: QtBot, make: MakeDialog, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit(3)"]
    monkeypatch.setattr(training_worker, "worker_command", lambda *_words: command)
    dialog = make()
    qtbot.waitUntil(lambda: not dialog.busy.isVisible(), timeout=WAIT)
    assert dialog.empty.title.text() == "It cannot be drawn"
    assert dialog.empty.text.text()


def test_text_paper_and_files_are_there(
    qtbot: QtBot, make: MakeDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    dialog = make("retinanet")
    links = [button for button in dialog.findChildren(QPushButton) if "retinanet.py" in button.text()]
    qtbot.mouseClick(links[0], LEFT)
    assert opened[0].endswith("detcore/zoo/detectors/retinanet.py")
    assert any("arxiv.org/abs/1708.02002" in label.text() for label in dialog.findChildren(QLabel))
    qtbot.waitUntil(lambda: drawn(dialog), timeout=WAIT)
    assert dialog.code_text.text() == "A network that is made up.\n\nOf three stages."


def test_what_is_missing_is_said_in_place_of_the_drawing(
    make: MakeDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = ConfigError("no_such_net is not installed", hint="Install it")
    monkeypatch.setattr(inner_dialog, "missing_for", lambda _spec: fault)
    dialog = make("retinanet")
    assert dialog.empty.title.text() == "It needs an install"
    assert dialog.empty.text.text() == str(fault)
    assert not dialog.busy.isVisible()


def test_options_chosen_there_are_those_of_the_page(
    qtbot: QtBot, context: AppContext, describing: None
) -> None:
    page = TrainPage(context)
    qtbot.addWidget(page)
    page.show()
    page.setup.detector.choose("compose")

    def use() -> None:
        dialog = page.findChild(InnerDialog)
        assert dialog is not None
        set_width(dialog, 32)
        assert dialog.use is not None
        qtbot.mouseClick(dialog.use, LEFT)

    QTimer.singleShot(200, use)
    qtbot.mouseClick(page.setup.detector.inside, LEFT)
    assert page.setup.config().options == {"width": 32}
