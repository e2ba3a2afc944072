"""A run that ends while another page is shown is the one that Review shows next, and says so."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.jobs.owner import Outcome, OutcomeState
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from tests.app.review.review_driving import made_up_detections


def end_another(context: AppContext, project: Project) -> RunFolder:
    """A second run that has found something comes to its end."""
    run = create_run(project, "reticle-s")
    save_detections(run, made_up_detections(project, seed=2), image_ids=project.image_ids())
    context.jobs.ended.emit(run.path, Outcome(state=OutcomeState.COMPLETED, text="completed"))
    return run


def shown(page: ReviewPage) -> str:
    review = page.live.review
    return "" if review is None else review.run.name


def test_the_newest_is_shown_with_a_word_and_the_way_back(
    page: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    old = shown(page)
    context.actions.show_scope("train")
    new = end_another(context, labelled).name
    qtbot.waitUntil(lambda: new in [run.name for run in page.choice.runs])
    assert shown(page) == old
    context.actions.show_scope("review")
    page.entered()
    qtbot.waitUntil(lambda: shown(page) == new)
    message = context.messages.history[-1]
    assert message.text == f"{new} has ended and is shown here now."
    assert message.action is not None
    assert message.action[0] == f"Back to {old}"
    message.action[1]()
    qtbot.waitUntil(lambda: shown(page) == old)
    qtbot.waitUntil(lambda: message.is_over)
    # what was chosen then stays
    page.entered()
    qtbot.wait(100)
    assert shown(page) == old


def test_who_is_reviewing_stays_at_the_run_that_is_looked_at(
    page: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    old = shown(page)
    new = end_another(context, labelled).name
    qtbot.waitUntil(lambda: new in [run.name for run in page.choice.runs])
    qtbot.wait(50)
    assert shown(page) == old


@pytest.mark.parametrize("finds", [True, False])
def test_a_run_that_left_nothing_to_look_at_changes_nothing(
    page: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot, finds: bool
) -> None:
    old = shown(page)
    context.actions.show_scope("train")
    run = create_run(labelled, "reticle-s")
    if finds:
        save_detections(run, made_up_detections(labelled, seed=2), image_ids=labelled.image_ids())
    context.jobs.ended.emit(run.path, Outcome(state=OutcomeState.STOPPED, text="stopped"))
    context.actions.show_scope("review")
    page.entered()
    if finds:
        qtbot.waitUntil(lambda: shown(page) == run.name)
    else:
        qtbot.wait(100)
        assert shown(page) == old
