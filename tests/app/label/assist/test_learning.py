"""The learner beside the window: when it runs, what it is told, and what is done with what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.label.assist import learning
from app.label.page import LabelPage
from app.label.widgets.image_filter_bar import ListOrder
from detcore.errors import ConfigError
from detcore.jobs import events
from detcore.jobs.events import Doing, Event
from detcore.jobs.outcomes import Outcome, OutcomeState
from detcore.project.edits import set_status
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from detcore.types import Detections, Origin, Status
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
        (Doing.YIELDING, "Waits: something else learns on its device"),
        (Doing.LOOKING, "Looks at all images…"),
    ):
        job.say(events.Live(doing=doing, learnt=7, judged=2))
        qtbot.waitUntil(lambda text=text: words(page) == text)
    for time, right in ((5.0, 0.2), (9.0, 0.56)):
        metrics = {"AP": 0.3, "AP50": 0.6, "F1": right, "threshold": 0.35}
        job.say(events.Validation(step=4, epoch=1.0, time=time, metrics=metrics, per_class={}, best=True))
    qtbot.waitUntil(lambda: len(page.learning.standing.figures) == 2)
    assert not strip.share.isVisible()  # two images say little
    job.say(events.Live(doing=Doing.LEARNING, learnt=20, judged=5))
    qtbot.waitUntil(lambda: strip.share.text() == "56%")
    assert strip.share.isVisible()
    assert strip.curve.isVisible()
    assert "5 verified images kept aside" in strip.share.toolTip()
    assert words(page) == "Learns from 20 images, judged by 5"


def test_nothing_is_told_anew_where_nothing_is_another(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    job = switch_on(qtbot, page)
    live = events.Live(doing=Doing.LEARNING, learnt=7, judged=2)
    job.say(live)
    qtbot.waitUntil(lambda: page.learning.standing.learnt == 7)
    told: list[None] = []
    page.learning.changed.connect(lambda: told.append(None))
    page.context.document.edit(set_status, project.image_ids()[:1], Status.IN_PROGRESS)
    page.context.jobs.changed.emit()
    job.say(live)
    qtbot.wait(150)
    assert told == []
    job.say(events.Live(doing=Doing.RESTING, learnt=7, judged=2))
    qtbot.waitUntil(lambda: len(told) == 1)


def test_images_that_it_cannot_read_are_told_in_one_message(
    qtbot: QtBot, page: LabelPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = switch_on(qtbot, page)
    for number in range(30):
        job.say(events.Log(level="warning", text=f"Left out: {number}.png: not an image"))
    qtbot.waitUntil(lambda: "leaves out" in said(page), timeout=5000)
    told = [one for one in page.context.messages.history if "leaves out" in one.text]
    assert [one.text for one in told] == [
        "The learner leaves out 30 images that cannot be read, the first: 0.png: not an image"
    ]
    assert told[0].details.splitlines()[29] == "29.png: not an image"
    job.say(events.Log(level="warning", text="Left out: 99.png: not an image"))
    qtbot.waitUntil(
        lambda: said(page) == "The learner leaves out an image: 99.png: not an image", timeout=5000
    )


def test_what_it_has_found_is_what_boxes_are_tightened_and_classes_suggested_by(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    first, second = project.image_ids()[:2]
    cell = project.classes()[0].id
    run = create_run(project, "reticle-s")
    found = Detections(
        image_ids=np.array([first, second]),
        labels=np.array([cell, cell]),
        boxes=np.tile([20.0, 40.0, 60.0, 80.0], (2, 1)),
        scores=np.array([0.3, 0.4]),
    )
    save_detections(run, found, image_ids=[first, second])
    page.context.document.announce_run(run.path)
    qtbot.waitUntil(lambda: page.proposals.found_here().scores.tolist() == [0.3], timeout=5000)
    job = switch_on(qtbot, page)
    job.say(proposed(first, cell, 0.8, 0.06))
    qtbot.waitUntil(lambda: page.proposals.found_here().scores.tolist() == [0.8, 0.06])
    page.context.view.show_image(second)  # which the learner has not looked at yet
    assert page.proposals.found_here().scores.tolist() == [0.4]


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ConfigError("PyTorch is not installed", hint="Install it with: pip install 'reticle[train]'")
    monkeypatch.setattr("app.label.assist.learning.missing_for_training", lambda: missing)


def test_without_what_it_needs_it_is_not_offered_and_says_what_to_install(
    without_torch: None, page: LabelPage, project: Project, jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "OFFERED_AT", 3)
    verify(page, project, 3)
    assert page.context.messages.history == []
    assert not page.learning_strip.switch.isEnabled()
    assert words(page) == "Needs PyTorch: pip install 'reticle[train]'"
    assert page.learning_strip.text.isVisible()
    page.context.actions["label.learn"].trigger()
    assert "PyTorch is not installed" in said(page)
    assert not page.context.actions["label.learn"].isChecked()
    assert not jobs
    assert page.context.settings.learn_while_labelling is None


def found_by_learner(project: Project, run: RunFolder, scores: dict[int, float]) -> None:
    """One object on each of the images in those places of the list, of those that were looked at."""
    ids = project.image_ids()
    found = Detections(
        image_ids=np.array([ids[place] for place in scores]),
        labels=np.full(len(scores), project.classes()[0].id),
        boxes=np.tile([20.0, 40.0, 60.0, 80.0], (len(scores), 1)),
        scores=np.array(list(scores.values())),
    )
    run.path.mkdir(exist_ok=True)
    save_detections(run, found, image_ids=[ids[place] for place in scores])


def test_what_to_label_next_is_by_what_the_learner_finds_then_and_runs_differ_by_its_last_two_states(
    qtbot: QtBot, page: LabelPage, project: Project
) -> None:
    job = switch_on(qtbot, page)
    job.say(events.Live(doing=Doing.LEARNING, learnt=2, judged=0))
    qtbot.waitUntil(lambda: page.learning.knows_images)
    page.ordering.choose(ListOrder.TO_LABEL_NEXT)
    assert job.told[-1]["everything"] is True
    qtbot.wait(150)
    assert page.ordering._task is not None  # nothing is by what was found before
    run = RunFolder(job.run)
    found_by_learner(project, run, {2: 0.99, 3: 0.5, 4: 0.1, 5: 0.99})
    job.say(events.Checkpoint(step=9, file=run.detections.name))
    qtbot.waitUntil(lambda: page.ordering._task is None, timeout=5000)
    assert "(by 001-live)" in said(page)
    assert page.images.index(0).data() == "img_3.jpg"

    found_by_learner(project, run.before, {2: 0.99, 3: 0.5, 4: 0.1, 5: 0.1})
    page.ordering.choose(ListOrder.BY_TWO_RUNS)
    job.say(events.Checkpoint(step=9, file=run.detections.name))
    qtbot.waitUntil(lambda: page.ordering._task is None, timeout=5000)
    assert "(by 001-live and 001-live before)" in said(page)
    assert page.images.index(0).data() == "img_5.jpg"


def test_where_the_learner_ends_what_to_label_next_waits_for_it_no_more(
    qtbot: QtBot, page: LabelPage
) -> None:
    job = switch_on(qtbot, page)
    job.say(events.Live(doing=Doing.LEARNING, learnt=2, judged=0))
    qtbot.waitUntil(lambda: page.learning.knows_images)
    page.ordering.choose(ListOrder.TO_LABEL_NEXT)
    page.learning.want(False)
    qtbot.waitUntil(lambda: page.ordering._task is None, timeout=5000)
    assert said(page).startswith("No run has looked for objects yet.")


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

    monkeypatch.setattr("app.label.assist.learning.psutil.sensors_battery", lambda: Battery, raising=False)
    job = switch_on(qtbot, page)
    assert [told["pause"] for told in job.told if told["pause"] is not None] == [True]
    page.context.settings.learn_on_battery = True
    assert [told["pause"] for told in job.told if told["pause"] is not None] == [True, False]
