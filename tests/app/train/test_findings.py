"""The line that says what keeps a run from learning."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.page import TrainPage
from app.train.widgets.findings import FindingsBar
from detcore.jobs.diagnosis import Finding
from detcore.jobs.events import Data
from detcore.project.project import Project
from tests.app.train.train_driving import WAIT, has_steps, last_message, write_run


@pytest.fixture
def bar(qtbot: QtBot, context: AppContext) -> FindingsBar:
    widget = FindingsBar(context.theme)
    qtbot.addWidget(widget)
    return widget


def test_it_is_not_there_when_nothing_is_wrong(bar: FindingsBar) -> None:
    bar.show_findings([Finding("Something is wrong.", "Mend it.")])
    assert not bar.isHidden()
    bar.show_findings([])
    assert bar.isHidden()


def test_it_shows_the_worst_and_the_others_when_asked(bar: FindingsBar) -> None:
    bar.show_findings([Finding("First.", "Do this."), Finding("Second <class>.", "Do that.")])
    assert "First." in bar.text.text()
    assert "Second" not in bar.text.text()
    assert bar.more.text() == "1 more"
    bar.more.click()
    assert "Second &lt;class&gt;." in bar.text.text()
    assert bar.more.text() == "Less"


def test_the_page_tells_it_of_the_run_that_is_shown(
    qtbot: QtBot, page: TrainPage, context: AppContext, project: Project
) -> None:
    write_run(project, [0.1, 0.3])
    context.document.open(project)
    qtbot.waitUntil(lambda: has_steps(page), timeout=WAIT)
    assert page.run_view.findings.isHidden()
    page.histories.add(
        page.run_list.selected,
        Data(
            image_size=320,
            images=9,
            boxes={"dent": 5},
            small_boxes=0,
            tenth_side=20.0,
            judged_images=20,
            judged_boxes=50,
        ),
    )
    assert "5 boxes of dent" in page.run_view.findings.text.text()


def test_the_curves_of_a_run_are_saved_as_a_picture(
    qtbot: QtBot,
    page: TrainPage,
    context: AppContext,
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_run(project, [0.1, 0.3])
    context.document.open(project)
    qtbot.waitUntil(lambda: has_steps(page), timeout=WAIT)
    file = tmp_path / "curves.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(file), ""))
    context.actions["train.curves"].trigger()
    qtbot.waitUntil(file.is_file, timeout=WAIT)
    assert file.read_bytes().startswith(b"\x89PNG")
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=WAIT)
    assert str(file) in last_message(context).text
