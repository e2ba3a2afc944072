"""A run that is being made when its project is closed."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.control import Preparation
from app.train.page import TrainPage
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing import runs as preparing
from detcore.jobs.preparing.runs import prepare_resume
from detcore.jobs.settings.learning import Learning
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run
from detcore.project.snapshot import take_snapshot
from tests.app.train.train_driving import LEFT, WAIT, last_message


@pytest.mark.parametrize("made_first", [False, True])
def test_a_project_that_is_closed_while_a_run_is_made_keeps_no_folder_of_it(
    qtbot: QtBot,
    open_page: TrainPage,
    context: AppContext,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    made_first: bool,
) -> None:
    """Whether the folder is there before the project closes or only after it."""
    opened, reached = threading.Event(), threading.Event()
    make = preparing.create_run

    def wait_and_make(*arguments: Any, **named: Any) -> RunFolder:
        run = make(*arguments, **named) if made_first else None
        reached.set()
        opened.wait(WAIT / 1000)
        return run or make(*arguments, **named)

    monkeypatch.setattr(preparing, "create_run", wait_and_make)
    runs = project.runs_folder
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    assert reached.wait(WAIT / 1000)
    context.document.close()
    opened.set()
    context.tasks.shut_down()
    assert list(runs.iterdir()) == []
    assert not context.jobs.active()


def test_a_run_that_is_resumed_stays_when_its_project_is_closed_meanwhile(project: Project) -> None:
    run = create_run(project, "reticle-s")
    run.config.write_text(TrainConfig(learning=Learning(minutes=5.0)).to_json(), encoding="utf-8")
    take_snapshot(project).save(run.snapshot)
    preparation = Preparation(project, lambda _progress: prepare_resume(project, run))
    preparation.make(lambda _done, _total: True)
    preparation.leave()
    assert run.config.is_file()


def test_cancelled_while_a_run_is_made_nothing_is_started_and_one_can_train_again(
    qtbot: QtBot, open_page: TrainPage, context: AppContext, project: Project
) -> None:
    context.tasks.started.connect(lambda task: task.cancel())
    qtbot.mouseClick(open_page.buttons.start, LEFT)
    qtbot.waitUntil(lambda: not open_page.control.preparing, timeout=WAIT)
    assert last_message(context).text == "Cancelled. No training was started."
    assert list(project.runs_folder.glob("*")) == []
    assert {image.split for image in project.images()} == {None}
    assert open_page.buttons.start.isEnabled()
