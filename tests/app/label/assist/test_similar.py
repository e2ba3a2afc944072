"""*Find similar* on the Label page, by keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.label.page import LabelPage
from detcore.project.edits import add_boxes, add_class, delete_class
from detcore.project.project import Project
from detcore.types import Box, Origin
from tests.app.held_keys import WAYS

NONE = Qt.KeyboardModifier.NoModifier
PLACES = ((30, 30), (80, 25), (130, 35), (35, 90), (90, 85), (130, 90))
"""Middles of six discs of 24 pixels."""


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Four images of 160×120: three with six dark discs on noise, one without."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(4):
        image = np.random.default_rng(number).normal(170, 8, (120, 160, 3))
        image = np.clip(image, 0, 255).astype(np.uint8)
        for x, y in PLACES if number < 3 else ():
            cv2.circle(image, (x, y), 12, (70, 60, 160), -1)
        cv2.imwrite(str(folder / f"img_{number}.png"), image)
    return folder


@pytest.fixture
def project(tmp_path: Path, image_folder: Path) -> Project:
    """The images with one disc labelled on the first."""
    paths = sorted(path.name for path in image_folder.iterdir())
    with Project.create(tmp_path / "test.reticle", image_root=image_folder, image_paths=paths) as made:
        for name in ("disc", "other"):
            made.edit(add_class, name)
        box = Box(
            id=0, image_id=made.image_ids()[0], class_id=made.classes()[0].id, x1=18, y1=18, x2=42, y2=42
        )
        made.edit(add_boxes, [box])
        yield made


@pytest.fixture
def similar(qtbot: QtBot, page: LabelPage) -> LabelPage:
    """Its disc is selected."""
    page.context.view.select(frozenset(box.id for box in labels(page)))
    page.canvas.setFocus()
    qtbot.waitUntil(page.canvas.hasFocus)
    return page


def labels(page: LabelPage) -> list[Box]:
    return list(page.context.document.project.boxes(page.context.view.image_id))


def key(page: LabelPage, which: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(page.canvas, which, modifier)
    QApplication.processEvents()


def find(qtbot: QtBot, page: LabelPage, count: int = 5) -> None:
    key(page, Qt.Key.Key_S)
    qtbot.waitUntil(lambda: len(page.proposals.rows) == count, timeout=5000)


def said(page: LabelPage) -> str:
    history = page.context.messages.history
    return history[-1].text if history else ""


def rest(qtbot: QtBot, page: LabelPage) -> None:
    """Until nothing is looked for any more."""
    qtbot.waitUntil(lambda: not page.similar.is_busy, timeout=5000)


def test_the_key_proposes_all_that_is_alike_and_writes_nothing(qtbot: QtBot, similar: LabelPage) -> None:
    find(qtbot, similar)
    assert said(similar) == "5 objects like “disc” proposed."
    assert similar.proposal_bar.isVisible()
    assert similar.proposal_bar.count.text() == "5 proposals"
    assert len(labels(similar)) == 1


@pytest.mark.parametrize("presses", [(Qt.Key.Key_S,), (Qt.Key.Key_Escape, Qt.Key.Key_Escape)])
def test_the_key_again_or_esc_takes_them_away(
    qtbot: QtBot, similar: LabelPage, presses: tuple[Qt.Key, ...]
) -> None:
    find(qtbot, similar)
    for which in presses:
        key(similar, which)
    assert len(similar.proposals.rows) == 0
    assert not similar.proposal_bar.isVisible()
    key(similar, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(labels(similar)) == 0, "the label was drawn last, so undo is about it"


def test_an_accepted_one_is_a_label_that_says_who_found_it(qtbot: QtBot, similar: LabelPage) -> None:
    find(qtbot, similar)
    key(similar, Qt.Key.Key_Tab)
    key(similar, Qt.Key.Key_Q)
    made = labels(similar)[-1]
    assert (made.origin, made.run) == (Origin.MODEL, "similar")
    assert made.score is not None
    assert 0.5 <= made.score <= 1
    rest(qtbot, similar)
    assert len(similar.proposals.rows) == 4


def test_after_a_rejection_it_looks_again_and_undo_brings_it_back(qtbot: QtBot, similar: LabelPage) -> None:
    find(qtbot, similar)
    key(similar, Qt.Key.Key_Tab)
    key(similar, Qt.Key.Key_X)
    rest(qtbot, similar)
    assert len(similar.proposals.rows) < 5
    key(similar, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    rest(qtbot, similar)
    assert len(similar.proposals.rows) == 5


def test_where_nothing_is_alike_it_says_what_to_do(qtbot: QtBot, page: LabelPage, project: Project) -> None:
    empty = project.image_ids()[3]
    class_id = project.classes()[0].id
    page.context.document.edit(
        add_boxes, [Box(id=0, image_id=empty, class_id=class_id, x1=0, y1=0, x2=160, y2=120)]
    )
    page.context.view.show_image(empty)
    qtbot.waitUntil(lambda: page.viewer.is_showing)
    page.context.view.select(frozenset(box.id for box in labels(page)))
    page.canvas.setFocus()
    key(page, Qt.Key.Key_S)
    rest(qtbot, page)
    assert said(page).startswith("Nothing alike was found. Select more examples of “disc”")
    assert len(page.proposals.rows) == 0


def test_without_a_selected_label_there_is_nothing_to_look_for(page: LabelPage) -> None:
    assert not page.context.actions["label.find_similar"].isEnabled()
    assert not page.context.actions["label.drop_similar"].isEnabled()


def test_the_next_images_are_searched_and_their_proposals_wait_there(
    qtbot: QtBot, similar: LabelPage, project: Project
) -> None:
    key(similar, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert menu.activeAction().text() == "On the next 20 images"
    QTest.keyClick(menu, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "alike" in said(similar), timeout=5000)
    assert len(similar.proposals.rows) == 5
    counts: list[int] = []
    for image_id in project.image_ids()[1:]:
        similar.context.view.show_image(image_id)
        counts.append(len(similar.proposals.rows))
    assert counts == [6, 6, 0]
    assert said(similar) == "17 objects alike on 4 images, proposed where you go on to them."


def test_a_deleted_class_is_proposed_no_more(qtbot: QtBot, similar: LabelPage, project: Project) -> None:
    find(qtbot, similar)
    similar.context.document.edit(delete_class, project.classes()[0].id, delete_boxes=True)
    assert len(similar.proposals.rows) == 0
    rest(qtbot, similar)
    assert not similar.context.actions["label.drop_similar"].isEnabled()


def test_another_project_is_told_nothing(qtbot: QtBot, similar: LabelPage) -> None:
    key(similar, Qt.Key.Key_S)
    similar.context.document.close()
    similar.context.tasks.shut_down()
    QApplication.processEvents()
    assert similar.proposals.proposer is None


@pytest.mark.parametrize("hold", WAYS)
def test_a_held_key_does_it_once(
    qtbot: QtBot, similar: LabelPage, hold: Callable[[QWidget, Qt.Key, Qt.KeyboardModifier], None]
) -> None:
    hold(similar.canvas, Qt.Key.Key_S, NONE)
    qtbot.waitUntil(lambda: len(similar.proposals.rows) == 5, timeout=5000)
