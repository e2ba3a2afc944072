"""The learner beside the window: when it runs, what it is told, and what is done with what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.label import learning
from app.label.page import LabelPage
from detcore.jobs import events
from detcore.jobs.events import Doing, Event
from detcore.jobs.outcomes import Outcome, OutcomeState
from detcore.project.edits import set_status
from detcore.project.project import Project
from detcore.types import Origin, Status
from tests.app.held_keys import WAYS
from tests.app.worker_fakes import IdleLearner


class Job(IdleLearner):
    """Remembers what it is told, and says what the test says."""

    all: list[Job] = []

    def __init__(
        self,
        argv: list[str],
        *,
        on_event: Callable[[Event], None],
        on_end: Callable[[Outcome], None],
        what: str,
    ) -> None:
        super().__init__(argv, on_event=on_event, on_end=on_end, what=what)
        self.run, self.say, self.end = Path(argv[-1]), on_event, on_end
        self.told: list[dict[str, object]] = []
        self.all.append(self)

    def tell(self, line: str) -> None:
        self.told.append(json.loads(line))

    @property
    def images(self) -> list[int]:
        """Those that it was asked for last."""
        found = next((told["images"] for told in reversed(self.told) if told["images"] is not None), [])
        assert isinstance(found, list)
        return found


@pytest.fixture(autouse=True)
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    Job.all = []
    monkeypatch.setattr("app.services.learner.WorkerJob", Job)
    return Job.all


def verify(page: LabelPage, project: Project, count: int) -> None:
    page.context.document.edit(set_status, project.image_ids()[:count], Status.VERIFIED)


def switch_on(qtbot: QtBot, page: LabelPage) -> Job:
    before = len(Job.all)
    QTest.mouseClick(page.learning_strip.switch, Qt.MouseButton.LeftButton, pos=_inside(page))
    qtbot.waitUntil(lambda: len(Job.all) > before, timeout=5000)
    return Job.all[-1]


def _inside(page: LabelPage) -> QPoint:
    """On the box of the switch."""
    return QPoint(8, page.learning_strip.switch.height() // 2)


def said(page: LabelPage) -> str:
    history = page.context.messages.history
    return history[-1].text if history else ""


def proposed(image_id: int, class_id: int, *scores: float) -> events.Proposed:
    boxes = [[10.0 + 40 * row, 10.0, 40.0 + 40 * row, 40.0] for row in range(len(scores))]
    return events.Proposed(
        image=image_id, step=3, labels=[class_id] * len(scores), boxes=boxes, scores=list(scores)
    )


def words(page: LabelPage) -> str:
    return page.learning_strip.text.toolTip() or page.learning_strip.text.text()


def test_it_is_offered_once_ten_images_are_verified_and_then_as_the_user_left_it(
    qtbot: QtBot, page: LabelPage, project: Project, jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "OFFERED_AT", 3)
    verify(page, project, 2)
    assert page.context.messages.history == []
    verify(page, project, 3)
    message = page.context.messages.history[-1]
    assert message.text.startswith("3 images are verified")
    assert not jobs
    assert message.action is not None
    message.action[1]()
    qtbot.waitUntil(lambda: len(jobs) == 1, timeout=5000)
    assert page.context.settings.learn_while_labelling is True
    assert jobs[0].run.name == "001-live"
    assert message.is_over


@pytest.mark.parametrize("way", WAYS)
def test_a_held_key_turns_it_on_once(
    qtbot: QtBot, page: LabelPage, jobs: list[Job], way: Callable[..., None]
) -> None:
    page.canvas.setFocus()
    way(page.canvas, Qt.Key.Key_L, Qt.KeyboardModifier.NoModifier)
    qtbot.waitUntil(lambda: len(jobs) == 1, timeout=5000)
    assert page.learning_strip.switch.isChecked()
    assert page.context.actions["label.learn"].isChecked()


def test_it_is_asked_for_the_image_that_is_open_and_those_to_come_that_are_not_verified(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    verify(page, project, 2)
    ids = project.image_ids()
    job = switch_on(qtbot, page)
    assert job.images == [ids[0], *ids[2:6]]
    page.context.view.show_image(ids[4])
    assert job.images == [ids[4], ids[5], ids[2], ids[3]]
    page.context.document.edit(set_status, [ids[5]], Status.VERIFIED)
    assert job.images == [ids[4], ids[2], ids[3]]


def test_what_it_finds_is_proposed_from_its_own_score_on_and_accepting_says_that_it_was_the_learner(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    page.context.view.show_image(project.image_ids()[2])
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=5000)
    cell = project.classes()[0].id
    job = switch_on(qtbot, page)
    job.say(proposed(project.image_ids()[2], cell, 0.8, 0.4))
    qtbot.waitUntil(lambda: page.proposal_bar.count.text() == "1 proposal")
    assert page.proposal_bar.run.currentText() == "001-live"
    metrics = {"AP": 0.3, "AP50": 0.6, "F1": 0.7, "threshold": 0.35}
    job.say(events.Validation(step=4, epoch=1.0, time=9.0, metrics=metrics, per_class={}, best=True))
    qtbot.wait(150)
    assert page.proposal_bar.count.text() == "1 proposal"  # nothing moves under the hand
    page.context.view.show_image(project.image_ids()[4])
    page.context.view.show_image(project.image_ids()[2])
    qtbot.waitUntil(lambda: page.proposal_bar.count.text() == "2 proposals", timeout=5000)
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=5000)
    page.canvas.setFocus()
    QTest.keyClick(page.canvas, Qt.Key.Key_Tab)
    QTest.keyClick(page.canvas, Qt.Key.Key_Q)
    (made,) = project.boxes(project.image_ids()[2])
    assert (made.origin, made.run, made.score) == (Origin.MODEL, "001-live", 0.8)
    job.say(proposed(project.image_ids()[3], cell, 0.9))
    page.proposals.choose_threshold(0.5)
    assert page.proposal_bar.count.text() == "Nothing proposed"
    page.context.view.show_image(project.image_ids()[3])
    qtbot.waitUntil(lambda: page.proposal_bar.count.text() == "1 proposal", timeout=5000)


def test_the_strip_says_what_it_is_at_and_how_right_it_is(qtbot: QtBot, page: LabelPage) -> None:
    strip = page.learning_strip
    job = switch_on(qtbot, page)
    assert strip.text.isVisible()
    for doing, text in (
        (Doing.WAITING, "Verify an image with boxes: it learns from that"),
        (Doing.LEARNING, "Learns from 7 images"),
        (Doing.RESTING, "Rests: 7 images learnt, nothing new"),
        (Doing.PAUSED, "Paused: no power supply"),
    ):
        job.say(events.Live(doing=doing, learnt=7, judged=2))
        qtbot.waitUntil(lambda text=text: words(page) == text)
    assert not strip.share.isVisible()
    for time, right in ((5.0, 0.2), (9.0, 0.56)):
        metrics = {"AP": 0.3, "AP50": 0.6, "F1": right, "threshold": 0.35}
        job.say(events.Validation(step=4, epoch=1.0, time=time, metrics=metrics, per_class={}, best=True))
    qtbot.waitUntil(lambda: strip.share.text() == "56%")
    assert strip.curve.isVisible()
    assert "2 verified images kept aside" in strip.share.toolTip()


def test_a_training_goes_first_and_the_learner_goes_on_after_it(
    qtbot: QtBot, page: LabelPage, project: Project, jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(qtbot, page)
    trained = project.runs_folder / "002-reticle-s"
    monkeypatch.setattr(page.context.jobs, "training", lambda _folder: trained)
    page.context.jobs.changed.emit()
    assert not jobs[0].running
    assert words(page) == "Waits until the training is over"
    qtbot.waitUntil(lambda: not page.context.learner.is_running)
    monkeypatch.setattr(page.context.jobs, "training", lambda _folder: None)
    page.context.jobs.changed.emit()
    qtbot.waitUntil(lambda: len(jobs) == 2, timeout=5000)
    assert page.learning.is_wanted


def test_turned_off_it_ends_and_its_proposals_go(
    qtbot: QtBot, page: LabelPage, project: Project, jobs: list[Job]
) -> None:
    job = switch_on(qtbot, page)
    job.say(proposed(page.context.view.image_id, project.classes()[2].id, 0.8))
    qtbot.waitUntil(lambda: page.proposals.proposer is not None)
    QTest.mouseClick(page.learning_strip.switch, Qt.MouseButton.LeftButton, pos=_inside(page))
    assert not job.running
    qtbot.waitUntil(lambda: page.proposals.proposer is None)
    assert page.context.settings.learn_while_labelling is False
    assert not page.learning_strip.text.isVisible()


def test_it_ends_with_the_project(qtbot: QtBot, page: LabelPage) -> None:
    job = switch_on(qtbot, page)
    page.context.document.close()
    assert not job.running
    qtbot.waitUntil(lambda: not page.context.learner.is_running)
    assert page.proposals.proposer is None


def test_one_that_fails_is_told_and_not_begun_again(qtbot: QtBot, page: LabelPage, jobs: list[Job]) -> None:
    job = switch_on(qtbot, page)
    job.end(Outcome(state=OutcomeState.FAILED, text="learner failed: the disk is full"))
    qtbot.waitUntil(lambda: "the disk is full" in said(page))
    QApplication.processEvents()
    assert len(jobs) == 1
    assert not page.learning_strip.switch.isChecked()


def test_without_a_power_supply_it_waits_unless_the_user_lets_it(
    qtbot: QtBot, page: LabelPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Battery:
        power_plugged = False

    monkeypatch.setattr("app.label.learning.psutil.sensors_battery", lambda: Battery, raising=False)
    job = switch_on(qtbot, page)
    assert [told["pause"] for told in job.told if told["pause"] is not None] == [True]
    page.context.settings.learn_on_battery = True
    assert [told["pause"] for told in job.told if told["pause"] is not None] == [True, False]
