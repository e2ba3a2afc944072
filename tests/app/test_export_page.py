"""The Export page, driven by the mouse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.pages.export.page import ExportPage
from detcore.project.edits import set_split, update_boxes
from detcore.project.project import Project


@pytest.fixture
def page(qtbot: QtBot, context: AppContext, project: Project) -> Iterator[ExportPage]:
    """The page on the test project, of whose six images two have boxes."""
    page = ExportPage(context)
    page.resize(1200, 800)
    qtbot.addWidget(page)
    page.show()
    context.actions.show_scope("export")
    context.document.open(project)
    page.entered()
    yield page
    context.tasks.shut_down()


def _cells(page: ExportPage) -> list[list[str]]:
    table = page.summary.table
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


def test_before_the_export_the_page_tells_what_will_be_written(qtbot: QtBot, page: ExportPage) -> None:
    qtbot.waitUntil(lambda: page.summary.title.text() == "This will be written", timeout=5000)
    assert ["Boxes", "4", "4"] in _cells(page)
    assert ["Images", "2", "2"] in _cells(page)


def test_an_edit_is_counted_at_once(qtbot: QtBot, page: ExportPage) -> None:
    qtbot.waitUntil(lambda: ["Boxes", "4", "4"] in _cells(page), timeout=5000)
    project = page.context.document.project
    from detcore.project.edits import delete_boxes

    page.context.document.apply(delete_boxes(project, [project.boxes(project.image_ids()[0])[0].id]))
    qtbot.waitUntil(lambda: ["Boxes", "3", "3"] in _cells(page), timeout=5000)


def test_a_format_without_a_field_says_what_it_cannot_hold(qtbot: QtBot, page: ExportPage) -> None:
    from dataclasses import replace

    project = page.context.document.project
    box = project.boxes(project.image_ids()[0])[0]
    page.context.document.apply(update_boxes(project, [replace(box, truncated=True)]))
    page.form.formats["yolo"].click()
    qtbot.waitUntil(lambda: "truncated" in page.summary.losses.text(), timeout=5000)


def test_exporting_by_mouse_writes_the_files_and_reads_them_back(
    qtbot: QtBot, page: ExportPage, tmp_path: Path
) -> None:
    page.form.choose_folder(tmp_path / "out")
    page.button.click()
    qtbot.waitUntil(lambda: page.is_done, timeout=10000)
    assert "2 images and 4 boxes, the same as in the project" in page.summary.proof.text()
    written = next((tmp_path / "out" / "annotations").glob("*.json"))
    assert len(json.loads(written.read_text(encoding="utf-8"))["annotations"]) == 4


def test_only_the_ticked_splits_are_written(qtbot: QtBot, page: ExportPage) -> None:
    project = page.context.document.project
    first, second = project.image_ids()[:2]
    page.context.document.apply(set_split(project, {first: "train", second: "val"}))
    qtbot.waitUntil(lambda: page.form.splits["train"].isEnabled(), timeout=5000)
    page.form.splits["val"].click()
    qtbot.waitUntil(lambda: ["Images", "1", "1"] in _cells(page), timeout=5000)


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(
    qtbot: QtBot, page: ExportPage, tmp_path: Path
) -> None:
    precious = tmp_path / "out" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("years of work", encoding="utf-8")
    page.form.choose_folder(precious.parent)
    page.button.click()
    qtbot.waitUntil(lambda: bool(page.context.messages.history), timeout=5000)
    assert page.context.messages.history[-1].level == "error"
    assert precious.read_text(encoding="utf-8") == "years of work"
