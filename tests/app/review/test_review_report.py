"""The report of the Review page, by its key and its dialog."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDialogButtonBox, QFileDialog, QLineEdit, QMessageBox
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from app.services.messages import Message


@pytest.fixture
def told(context: AppContext) -> list[Message]:
    heard: list[Message] = []
    context.messages.posted.connect(heard.append)
    return heard


def answer(out: Path | None, *, kind: str = "") -> list[str]:
    """Give the dialog that comes this name and kind, or Cancel with ``None``; what it suggested before, and what
    stood in it then."""
    seen: list[str] = []

    def act() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, QFileDialog):
            QTimer.singleShot(10, act)
            return
        field = dialog.findChild(QLineEdit, "fileNameEdit")
        assert field is not None
        seen.append(field.text())
        if kind:
            kinds = dialog.findChild(QComboBox, "fileTypeCombo")
            assert kinds is not None
            kinds.setFocus()
            QTest.keyClicks(kinds, kind)
            seen.append(field.text())
        buttons = dialog.findChild(QDialogButtonBox)
        assert buttons is not None
        chosen = (
            QDialogButtonBox.StandardButton.Cancel if out is None else QDialogButtonBox.StandardButton.Save
        )
        field.setText(str(out))  # typing would open a list of names over the buttons
        QTest.mouseClick(buttons.button(chosen), Qt.MouseButton.LeftButton)

    QTimer.singleShot(0, act)
    return seen


def test_ctrl_p_writes_what_is_shown_and_offers_to_show_it(
    page: ReviewPage,
    told: list[Message],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    suggested = answer(tmp_path / "mine")
    page.live.set_threshold(0.62)
    QTest.keyClick(page.window(), Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    out = tmp_path / "mine.html"
    qtbot.waitUntil(lambda: bool(told))
    review = page.live.review
    assert review is not None
    assert suggested == [f"test-{review.run.name}-not-trained-on.html"]
    text = out.read_text(encoding="utf-8")
    assert "3 labelled images not trained on. Detections count from a confidence of 0.62 on" in text
    counts = review.evaluation.counts(0.62)
    for count, name in ((counts.tp, "found"), (counts.fp, "false"), (counts.fn, "missed")):
        mark = {"found": "tp", "false": "fp", "missed": "fn"}[name]
        assert f'<b>{count}</b><span><span class="mark {mark}"></span>{name}</span>' in text
    (message,) = told
    assert message.level == "success"
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    assert message.action is not None
    message.action[1]()
    assert opened == [str(out)]


def test_the_dialog_writes_pdf_when_that_is_chosen(
    page: ReviewPage, told: list[Message], tmp_path: Path, qtbot: QtBot
) -> None:
    seen = answer(tmp_path / "mine", kind="PDF")
    QTest.keyClick(page.window(), Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(told))
    assert [Path(name).suffix for name in seen] == [".html", ".pdf"]
    assert told[0].text == "The report is in mine.pdf."
    assert (tmp_path / "mine.pdf").read_bytes().startswith(b"%PDF-")
    assert not list(tmp_path.glob("*.html"))


def test_a_dot_in_the_name_is_no_kind(
    page: ReviewPage, told: list[Message], tmp_path: Path, qtbot: QtBot
) -> None:
    answer(tmp_path / "run v1.2", kind="PDF")
    QTest.keyClick(page.window(), Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(told))
    assert told[0].text == "The report is in run v1.2.pdf."
    assert (tmp_path / "run v1.2.pdf").read_bytes().startswith(b"%PDF-")
    assert not (tmp_path / "run v1.2").exists()


@pytest.mark.parametrize(
    ("button", "text"),
    [
        (QMessageBox.StandardButton.Yes, "<!doctype html>"),
        (QMessageBox.StandardButton.No, "precious"),
    ],
)
def test_a_file_is_replaced_under_its_whole_name_only_after_a_question(
    page: ReviewPage, tmp_path: Path, qtbot: QtBot, button: QMessageBox.StandardButton, text: str
) -> None:
    there = tmp_path / "run v1.2.html"
    there.write_text("precious")
    asked: list[str] = []
    suggested: list[list[str]] = []

    def reply() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(10, reply)
            return
        asked.append(box.text())
        if button is QMessageBox.StandardButton.No:
            suggested.append(answer(None))
        QTest.mouseClick(box.button(button), Qt.MouseButton.LeftButton)

    answer(tmp_path / "run v1.2")
    QTimer.singleShot(0, reply)
    QTest.keyClick(page.window(), Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: there.read_text(encoding="utf-8").lower().startswith(text))
    assert asked == ["run v1.2.html already exists.\nDo you want to replace it?"]
    # after No the dialog comes back with the name in it
    assert suggested == ([["run v1.2.html"]] if button is QMessageBox.StandardButton.No else [])


def test_without_a_file_nothing_is_written(
    page: ReviewPage, told: list[Message], tmp_path: Path, qtbot: QtBot
) -> None:
    answer(None)
    page.context.actions["review.report"].trigger()
    qtbot.wait(20)
    assert not told
    assert not list(tmp_path.glob("*.html"))


def test_a_place_that_cannot_be_written_is_told(
    page: ReviewPage, told: list[Message], tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "file").write_text("")
    page.report.write(tmp_path / "file" / "r.html")
    qtbot.waitUntil(lambda: bool(told))
    assert told[0].level == "error"
    assert told[0].text.startswith("Could not write the report")


def test_there_is_no_report_of_nothing(window: ReviewPage, context: AppContext) -> None:
    assert not context.actions["review.report"].isEnabled()
