"""A step of many rows is undone and redone without holding up the window."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.services.tasks import Task
from app.services.undo_redo import UndoRedo
from detcore.project.edits import add_boxes
from detcore.project.history import next_step_size
from detcore.project.project import Project
from detcore.types import Box


@pytest.fixture
def many(context: AppContext, project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppContext]:
    """A project whose last step is long: 400 boxes, with the limit lowered to a kilobyte."""
    monkeypatch.setattr("app.services.undo_redo.LONG_STEP", 1000)
    UndoRedo(context)
    image_id, class_id = project.image_ids()[0], project.classes()[0].id
    boxes = [
        Box(id=0, image_id=image_id, class_id=class_id, x1=n / 10, y1=1, x2=n / 10 + 5, y2=9)
        for n in range(400)
    ]
    project.edit(add_boxes, boxes)
    context.document.open(project)
    yield context
    context.tasks.shut_down()


def test_a_long_step_is_undone_and_redone_off_the_gui_thread(
    qtbot: QtBot, many: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    titles: list[str] = []
    project = many.document.project
    undo = Project.undo

    def watched(self: Project) -> object:
        threads.append(threading.get_ident())
        return undo(self)

    monkeypatch.setattr(Project, "undo", watched)
    many.tasks.started.connect(lambda task: titles.append(task.title if isinstance(task, Task) else ""))
    with qtbot.waitSignal(many.document.changed, timeout=5000):
        many.actions["global.undo"].trigger()
        assert not many.actions["global.undo"].isEnabled(), "one at a time"
    assert threads == [thread for thread in threads if thread != threading.get_ident()]
    assert len(threads) == 1
    assert titles == ["Undoing add 400 boxes"]
    assert project.box_count() == 4
    assert many.actions["global.redo"].isEnabled()
    with qtbot.waitSignal(many.document.changed, timeout=5000):
        many.actions["global.redo"].trigger()
    assert project.box_count() == 404


def test_a_project_closed_meanwhile_hears_no_more_of_it(qtbot: QtBot, many: AppContext) -> None:
    heard: list[object] = []
    many.document.changed.connect(heard.append)
    many.actions["global.undo"].trigger()
    many.document.close()
    qtbot.wait(100)
    QApplication.processEvents()
    assert heard == []


def test_the_size_of_the_next_step_counts_its_parts(project: Project) -> None:
    assert next_step_size(project, redo=True) == 0
    small = next_step_size(project)
    assert 0 < small < 1000
    project.undo()
    assert next_step_size(project, redo=True) == small
