"""Runs that another process works on: the Train page follows them, and looks again only while there are any."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.page import TrainPage
from app.train.runs_elsewhere import RunsElsewhere
from detcore.project.project import Project
from detcore.project.runs import RunState, create_run
from tests.app.elsewhere import WAIT, step, working_on, write


def test_the_train_page_follows_a_training_of_another_process_to_its_end(
    page: TrainPage,
    context: AppContext,
    project: Project,
    qtbot: QtBot,
) -> None:
    context.document.open(project)
    qtbot.wait(300)  # there is no run yet: it is made while the window looks on
    run = create_run(project, "reticle-s")

    def shown() -> tuple[RunState, int]:
        info = page.shelf.model.run(run.name)
        return (RunState.NEW, 0) if info is None else (info.state, info.step)

    with working_on(run):
        write(run, step(6))
        qtbot.waitUntil(lambda: shown() == (RunState.RUNNING, 6), timeout=WAIT)
        write(run, step(47))
        qtbot.waitUntil(lambda: shown() == (RunState.RUNNING, 47), timeout=WAIT)
        write(run, step(100))
    qtbot.waitUntil(lambda: shown() == (RunState.COMPLETED, 100), timeout=WAIT)


def test_nobody_looks_again_where_no_other_process_works(
    context: AppContext, project: Project, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    run: Callable[..., object] = context.tasks.run
    elsewhere = RunsElsewhere(context, look_ms=10)
    monkeypatch.setattr(context.tasks, "run", lambda work, **then: (looks.append(work), run(work, **then)))
    context.document.open(project)
    qtbot.wait(300)
    assert len(looks) == 1
    assert not elsewhere.running
