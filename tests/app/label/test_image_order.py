"""The list of images in the order in which they are most worth labelling."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from pytestqt.qtbot import QtBot

from app.label.models.image_model import REASON_ROLE, UNREADABLE_ROLE, ImageModel, Reason
from app.label.order import Ranking, rank
from app.label.page import LabelPage
from app.label.widgets.image_filter_bar import ORDERS, ListOrder
from app.services.tasks import Task
from detcore.project.edits import remove_images, set_status
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, predicted_images, save_detections
from detcore.types import Detections, Status

CTRL = Qt.KeyboardModifier.ControlModifier


def predict(project: Project, scores: dict[int, float]) -> RunFolder:
    """A run that has found one object on each of the images in those places of the list."""
    ids = project.image_ids()
    run = create_run(project, "reticle-s")
    found = Detections(
        image_ids=np.array([ids[place] for place in scores]),
        labels=np.full(len(scores), project.classes()[0].id),
        boxes=np.tile([20.0, 40.0, 60.0, 80.0], (len(scores), 1)),
        scores=np.array(list(scores.values())),
    )
    save_detections(run, found, image_ids=[ids[place] for place in scores])
    return run


def names(images: ImageModel) -> list[str]:
    return [images.index(row).data() for row in range(images.rowCount())]


def reasons(images: ImageModel) -> list[str]:
    return [images.index(row).data(REASON_ROLE) for row in range(images.rowCount())]


def files(*numbers: int) -> list[str]:
    return [f"img_{number}.jpg" for number in numbers]


def said(page: LabelPage) -> str:
    history = page.context.messages.history
    return history[-1].text if history else ""


def choose(page: LabelPage, order: ListOrder) -> None:
    """Go to an entry of the box with the arrow keys."""
    box = page.image_list.bar.order
    box.setFocus()
    steps = [item for _, item, _ in ORDERS].index(order) - box.currentIndex()
    for _ in range(abs(steps)):
        QTest.keyClick(box, Qt.Key.Key_Down if steps > 0 else Qt.Key.Key_Up)


def finish(qtbot: QtBot, page: LabelPage) -> None:
    qtbot.waitUntil(lambda: page.ordering._task is None, timeout=5000)


@pytest.fixture
def alike(project: Project) -> Project:
    """Images 0 and 1 are labelled; 2 to 5 are the same picture, so that only doubt tells them apart."""
    grey = np.full((120, 160, 3), 90, np.uint8)
    for number in range(2, 6):
        cv2.imwrite(str(project.image_root / f"img_{number}.jpg"), grey)
    return project


@pytest.fixture
def doubtful(alike: Project) -> Project:
    """Doubt is entropy x score / (1 + score): at 0.5 it is 1/3, at 0.9 0.222, at 0.1 0.043, at 0.99 0.040."""
    predict(alike, {2: 0.99, 3: 0.5, 4: 0.1, 5: 0.9, 0: 0.5})
    return alike


@pytest.fixture
def ordered(qtbot: QtBot, doubtful: Project, page: LabelPage) -> LabelPage:
    choose(page, ListOrder.TO_LABEL_NEXT)
    finish(qtbot, page)
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=5000)
    page.entered()
    return page


def test_unlabelled_images_come_first_and_the_labelled_ones_after_them_as_listed(ordered: LabelPage) -> None:
    shown = names(ordered.images)
    # the first is chosen by doubt; the others are the same picture as it, so that nothing is left to learn
    assert shown[0] == "img_3.jpg"
    assert sorted(shown[:4]) == files(2, 3, 4, 5)
    assert shown[4:] == files(0, 1)
    assert reasons(ordered.images)[4:] == ["", ""]
    assert said(ordered).startswith("4 images without labels come first,")
    assert "001-reticle-s" in said(ordered)


def test_the_best_one_is_shown_and_its_row_says_why(ordered: LabelPage) -> None:
    images = ordered.images
    assert ordered.context.view.image_id == images.image_id(0)
    assert ordered.image_list.view.currentIndex().row() == 0
    tip = images.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert "001-reticle-s is uncertain: 0.33" in tip
    # doubt is a third; all four unlabelled images are equally far from the labelled ones, which is the median: a half
    # and what the order is by is (0.05 + 0.95 / 3) x 0.5; nothing is left to learn from the same picture again
    assert reasons(images)[:4] == ["0.18 · unlike others", *["0.00 · uncertain"] * 3]


def test_files_that_could_not_be_read_are_marked_in_the_list(
    qtbot: QtBot, doubtful: Project, page: LabelPage
) -> None:
    (doubtful.image_root / "img_5.jpg").write_bytes(b"no image")
    choose(page, ListOrder.TO_LABEL_NEXT)
    finish(qtbot, page)
    marked = {
        name: bool(page.images.index(row).data(UNREADABLE_ROLE))
        for row, name in enumerate(names(page.images))
    }
    assert marked == {name: name == "img_5.jpg" for name in files(0, 1, 2, 3, 4, 5)}


def test_next_and_previous_follow_the_order(ordered: LabelPage) -> None:
    view, images = ordered.context.view, ordered.images
    for row in (1, 2, 3, 4):
        QTest.keyClick(ordered.canvas, Qt.Key.Key_D)
        assert view.image_id == images.image_id(row)
    QTest.keyClick(ordered.canvas, Qt.Key.Key_A)
    assert view.image_id == images.image_id(3)


def test_next_unverified_follows_the_order_and_goes_round(ordered: LabelPage) -> None:
    images, document = ordered.images, ordered.context.document
    document.edit(set_status, [images.image_id(1), images.image_id(5)], Status.VERIFIED)
    shift = CTRL | Qt.KeyboardModifier.ShiftModifier
    seen: list[int] = []
    for _ in range(4):
        QTest.keyClick(ordered.canvas, Qt.Key.Key_D, shift)
        seen.append(images.row_of(ordered.context.view.image_id))
    assert seen == [2, 3, 4, 0]


def test_verifying_moves_no_row(ordered: LabelPage) -> None:
    before = names(ordered.images)
    QTest.keyClick(ordered.canvas, Qt.Key.Key_Space)
    assert names(ordered.images) == before
    assert ordered.context.view.image_id == ordered.images.image_id(1)


def test_search_and_filter_keep_the_order(ordered: LabelPage) -> None:
    before = names(ordered.images)
    document, images = ordered.context.document, ordered.images
    document.edit(set_status, [images.image_id(1)], Status.VERIFIED)
    ordered.image_list.bar.status.setCurrentIndex(3)
    assert names(images) == before[1:2]
    assert images.row_of(images.image_id(0)) == 0
    ordered.image_list.bar.status.setCurrentIndex(0)
    assert names(images) == before


def test_an_image_that_leaves_the_project_leaves_the_others_where_they_are(ordered: LabelPage) -> None:
    before = names(ordered.images)
    document = ordered.context.document
    document.edit(remove_images, [ordered.images.image_id(0)])
    assert names(ordered.images) == before[1:]
    document.undo()
    assert names(ordered.images) == before


def test_the_key_takes_to_the_order_and_back(qtbot: QtBot, doubtful: Project, page: LabelPage) -> None:
    action = page.context.actions["label.to_label_next"]
    QTest.keyClick(page.canvas, Qt.Key.Key_U, CTRL)
    finish(qtbot, page)
    assert names(page.images)[0] == "img_3.jpg"
    assert page.image_list.bar.order.currentText() == "To label next"
    assert action.isChecked()
    QTest.keyClick(page.canvas, Qt.Key.Key_U, CTRL)
    assert names(page.images) == files(0, 1, 2, 3, 4, 5)
    assert page.image_list.bar.order.currentText() == "As listed"
    assert not action.isChecked()


def test_the_newest_run_that_has_seen_unlabelled_images_is_asked(
    qtbot: QtBot, doubtful: Project, page: LabelPage
) -> None:
    predict(doubtful, {2: 0.5, 3: 0.99, 4: 0.99, 5: 0.99})
    predict(doubtful, {0: 0.5, 1: 0.5})
    create_run(doubtful, "reticle-s")
    choose(page, ListOrder.TO_LABEL_NEXT)
    finish(qtbot, page)
    assert names(page.images)[0] == "img_2.jpg"
    assert "002-reticle-s" in said(page)


def test_two_runs_that_differ_bring_an_image_up(qtbot: QtBot, doubtful: Project, page: LabelPage) -> None:
    # on image 4 the first run is as good as blind and the second one sure: they share 2 x .1 of .1 + .99
    predict(doubtful, {2: 0.99, 3: 0.5, 4: 0.99, 5: 0.9})
    choose(page, ListOrder.BY_TWO_RUNS)
    finish(qtbot, page)
    assert names(page.images)[0] == "img_4.jpg"
    tip = page.images.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert f"002-reticle-s and 001-reticle-s differ: {1 - 0.2 / 1.09:.2f}" in tip
    # the doubt at 0.99 is 0.040: (0.05 + 0.95 x (0.040 + 0.817) / 2) x 0.5
    assert reasons(page.images)[0] == "0.23 · runs differ"


def test_runs_older_than_those_that_are_asked_are_not_read(
    qtbot: QtBot, doubtful: Project, page: LabelPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = predict(doubtful, {2: 0.5, 3: 0.99, 4: 0.99, 5: 0.99})
    read: list[str] = []

    def watched(run: RunFolder) -> set[int]:
        read.append(run.name)
        return predicted_images(run)

    monkeypatch.setattr("app.label.order.predicted_images", watched)
    choose(page, ListOrder.TO_LABEL_NEXT)
    finish(qtbot, page)
    assert read == [newest.name]


def test_who_has_moved_on_meanwhile_stays_there_and_is_offered_the_first(
    qtbot: QtBot, doubtful: Project, page: LabelPage
) -> None:
    view = page.context.view
    choose(page, ListOrder.TO_LABEL_NEXT)
    second = doubtful.image_ids()[1]
    view.show_image(second)
    boxes = frozenset(box.id for box in doubtful.boxes(second))
    view.select(boxes)
    finish(qtbot, page)
    assert names(page.images)[0] == "img_3.jpg"
    assert (view.image_id, view.selection) == (second, boxes)
    assert doubtful.image(page.images.image_id(page.image_list.view.currentIndex().row())).path == "img_1.jpg"
    offer = page.context.messages.history[-1].action
    assert offer is not None
    assert offer[0] == "Show first"
    offer[1]()
    assert doubtful.image(view.image_id).path == "img_3.jpg"


@pytest.mark.parametrize("search", ["img_1", "nothing is called so"])
def test_where_the_filter_hides_them_the_image_stays_and_all_can_be_shown(
    qtbot: QtBot, doubtful: Project, page: LabelPage, search: str
) -> None:
    view = page.context.view
    at = view.image_id
    page.image_list.bar.search.setText(search)
    choose(page, ListOrder.TO_LABEL_NEXT)
    finish(qtbot, page)
    assert view.image_id == at > 0
    assert said(page).endswith("The filter of the list hides them.")
    offer = page.context.messages.history[-1].action
    assert offer is not None
    assert offer[0] == "Show all images"
    offer[1]()
    assert page.image_list.bar.search.text() == ""
    assert doubtful.image(view.image_id).path == "img_3.jpg"


@pytest.mark.parametrize(
    ("scores", "order", "message"),
    [
        ([], ListOrder.TO_LABEL_NEXT, "No run has looked for objects yet."),
        ([{0: 0.5}], ListOrder.TO_LABEL_NEXT, "No run has looked at the images without labels."),
        ([{2: 0.5}], ListOrder.BY_TWO_RUNS, "Only one run has looked at the images without labels."),
    ],
)
def test_without_such_runs_it_says_what_to_do_and_leads_to_train(
    qtbot: QtBot,
    alike: Project,
    page: LabelPage,
    scores: Sequence[dict[int, float]],
    order: ListOrder,
    message: str,
) -> None:
    went: list[str] = []
    page.context.actions.bind("global.page_train", lambda: went.append("train"))
    for some in scores:
        predict(alike, some)
    choose(page, order)
    qtbot.waitUntil(lambda: said(page).startswith(message), timeout=5000)
    assert page.image_list.bar.order.currentText() == "As listed"
    assert not page.context.actions["label.to_label_next"].isChecked()
    assert names(page.images) == files(0, 1, 2, 3, 4, 5)
    offer = page.context.messages.history[-1].action
    assert offer is not None
    offer[1]()
    assert went == ["train"]


def test_when_all_is_labelled_it_says_so(qtbot: QtBot, doubtful: Project, page: LabelPage) -> None:
    doubtful.edit(set_status, doubtful.image_ids(), Status.VERIFIED)
    choose(page, ListOrder.TO_LABEL_NEXT)
    qtbot.waitUntil(lambda: said(page).startswith("Every image is labelled"), timeout=5000)
    assert page.context.messages.history[-1].action is None


def test_images_that_no_run_has_seen_are_spoken_of(qtbot: QtBot, alike: Project, page: LabelPage) -> None:
    predict(alike, {3: 0.5})
    choose(page, ListOrder.TO_LABEL_NEXT)
    finish(qtbot, page)
    assert names(page.images) == files(3, 0, 1, 2, 4, 5)
    assert said(page).startswith("1 image without labels comes first,")
    assert said(page).endswith("3 more are not looked at yet: listed after these.")


def test_another_project_begins_as_listed(ordered: LabelPage, tmp_path: Path, image_folder: Path) -> None:
    paths = sorted(path.name for path in image_folder.iterdir())
    other = Project.create(tmp_path / "other.reticle", image_root=image_folder, image_paths=paths)
    ordered.context.document.open(other)
    assert names(ordered.images) == files(0, 1, 2, 3, 4, 5)
    assert set(reasons(ordered.images)) == {""}
    assert ordered.image_list.bar.order.currentText() == "As listed"
    assert not ordered.context.actions["label.to_label_next"].isChecked()


def test_cancelling_leaves_the_list_as_it_was(qtbot: QtBot, doubtful: Project, page: LabelPage) -> None:
    page.context.tasks.started.connect(lambda task: task.cancel())
    choose(page, ListOrder.TO_LABEL_NEXT)
    qtbot.waitUntil(lambda: said(page).startswith("Cancelled."), timeout=5000)
    assert names(page.images) == files(0, 1, 2, 3, 4, 5)
    assert page.image_list.bar.order.currentText() == "As listed"


def test_cancelled_when_the_order_had_been_found_leaves_the_list_as_well(
    qtbot: QtBot, doubtful: Project, page: LabelPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled = threading.Event()

    def held(*args: Any, learner: RunFolder | None) -> Ranking:
        ranking = rank(*args, learner=learner)
        assert cancelled.wait(30)
        return ranking

    monkeypatch.setattr("app.label.order.rank", held)
    tasks: list[Task] = []
    page.context.tasks.started.connect(tasks.append)
    choose(page, ListOrder.TO_LABEL_NEXT)
    tasks[0].cancel()
    cancelled.set()
    finish(qtbot, page)
    assert said(page).startswith("Cancelled.")
    assert names(page.images) == files(0, 1, 2, 3, 4, 5)


def test_choosing_as_listed_meanwhile_drops_what_is_being_found(
    qtbot: QtBot, doubtful: Project, page: LabelPage
) -> None:
    tasks: list[object] = []
    page.context.tasks.started.connect(tasks.append)
    choose(page, ListOrder.TO_LABEL_NEXT)
    with qtbot.waitSignal(tasks[0].finished, timeout=5000):  # type: ignore[attr-defined]
        choose(page, ListOrder.AS_LISTED)
    assert names(page.images) == files(0, 1, 2, 3, 4, 5)
    assert page.context.messages.history == []


def test_the_model_keeps_to_the_rules_of_qt_in_any_order(doubtful: Project, page: LabelPage) -> None:
    tester = QAbstractItemModelTester(page.images, QAbstractItemModelTester.FailureReportingMode.Fatal)
    ids = doubtful.image_ids()
    page.images.set_first({i: Reason(short="a", long="b") for i in (ids[4], ids[1], 9999)})
    assert names(page.images) == files(4, 1, 0, 2, 3, 5)
    assert [page.images.row_of(i) for i in ids] == [2, 1, 3, 4, 0, 5]
    page.images.set_first({})
    assert names(page.images) == files(0, 1, 2, 3, 4, 5)
    tester.deleteLater()
