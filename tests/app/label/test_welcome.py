"""The start screen: recent projects with what there is to know before one is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.label.widgets.project_card import ProjectCard
from app.label.widgets.welcome import Welcome
from app.services.context import AppContext
from detcore.project.edits import set_status
from detcore.project.project import Project
from detcore.types import Status


@pytest.fixture
def welcome(context: AppContext, qtbot: QtBot) -> Welcome:
    welcome = Welcome(context.actions, context.theme, context.tasks)
    qtbot.addWidget(welcome)
    welcome.resize(700, 600)
    welcome.show()
    return welcome


def _card(welcome: Welcome, qtbot: QtBot, folder: Path) -> ProjectCard:
    """The card of a project, once it has been looked into."""
    card = next(card for card in welcome.cards if card.folder == folder)
    qtbot.waitUntil(lambda: card.project is not None, timeout=5000)
    return card


def test_a_card_has_name_place_picture_and_progress_while_another_window_has_the_project(
    welcome: Welcome, qtbot: QtBot, project: Project
) -> None:
    project.edit(set_status, project.image_ids()[:2], Status.VERIFIED)
    welcome.show_recent([project.folder])
    card = _card(welcome, qtbot, project.folder)
    assert (card.text(), card.said) == ("test", "2 of 6 verified")
    assert card.project is not None
    assert card.project.picture == project.image_path(project.images()[0])
    assert str(project.folder) in card.toolTip()
    assert "2 of 6 verified" in card.accessibleName()


def test_cards_of_projects_that_are_gone_damaged_or_too_new_say_so_and_the_others_are_told(
    welcome: Welcome, qtbot: QtBot, project: Project, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.reticle"
    damaged.mkdir()
    (damaged / "project.db").write_bytes(b"SQLite format 3\0" + b"x" * 9000)
    none = tmp_path / "none.reticle"
    none.mkdir()
    gone = tmp_path / "gone.reticle"
    welcome.show_recent([gone, damaged, none, project.folder])
    assert _card(welcome, qtbot, gone).said == "Not here any more"
    assert _card(welcome, qtbot, damaged).said == "Damaged: open it to mend it"
    assert _card(welcome, qtbot, none).said
    assert _card(welcome, qtbot, project.folder).said == "0 of 6 verified"
    assert sorted(path.name for path in damaged.iterdir()) == ["project.db"]
    assert list(none.iterdir()) == []


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Space])
def test_keys_go_from_card_to_card_and_open_one(
    welcome: Welcome, qtbot: QtBot, tmp_path: Path, key: Qt.Key
) -> None:
    folders = [tmp_path / "one.reticle", tmp_path / "two.reticle"]
    welcome.show_recent(folders)
    first, second = welcome.cards
    first.setFocus()
    QTest.keyClick(first, Qt.Key.Key_Tab)
    assert second.hasFocus()
    with qtbot.waitSignal(welcome.recent_chosen) as chosen:
        QTest.keyClick(second, key)
    assert chosen.args == [folders[1]]
    with qtbot.waitSignal(welcome.recent_chosen) as chosen:
        QTest.mouseClick(first, Qt.MouseButton.LeftButton)
    assert chosen.args == [folders[0]]


def test_other_projects_take_the_place_of_cards_that_are_still_looked_into(
    welcome: Welcome, qtbot: QtBot, project: Project, tmp_path: Path
) -> None:
    welcome.show_recent([tmp_path / "gone.reticle", project.folder])
    welcome.show_recent([project.folder])
    card = _card(welcome, qtbot, project.folder)
    assert welcome.cards == [card]


def test_cards_have_rows_of_as_many_as_there_is_room_for(welcome: Welcome, tmp_path: Path) -> None:
    welcome.show_recent([tmp_path / f"{number}.reticle" for number in range(4)])
    QTest.qWait(20)
    rows = [card.y() for card in welcome.cards]
    # 200 each, 12 between them, in 700 less margins
    assert rows[0] == rows[1] == rows[2] < rows[3]
    welcome.resize(260, 600)
    QTest.qWait(20)
    assert len({card.y() for card in welcome.cards}) == 4
    assert welcome.horizontalScrollBar().maximum() == 0
