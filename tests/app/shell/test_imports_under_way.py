"""The window while an import is written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as Picture
from pytestqt.qtbot import QtBot

from app.services.document import Document
from app.shell import project_actions
from app.shell.import_dialog import ImportRequest
from app.shell.main_window import MainWindow
from detcore.exchange import import_dataset
from detcore.project.edits import add_class, set_status
from detcore.project.project import Project
from detcore.types import Changes, Status
from tests.detcore.project.store_helpers import arriving, bring_in

PATHS = [f"{number:03}.png" for number in range(100)]


@pytest.fixture
def document(qtbot: QtBot, tmp_path: Path) -> Iterator[Document]:
    """An open project with images and a class cat (1)."""
    document = Document()
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=PATHS) as project:
        project.edit(add_class, "cat")
        document.open(project)
        yield document
        document.close()


def test_views_hear_of_what_an_import_brought_before_they_hear_of_the_edit_that_it_was_brought_for(
    document: Document,
) -> None:
    heard: list[Changes] = []
    document.changed.connect(heard.append)

    def verify_last(done: int, total: int) -> bool:
        if done > total // 2 and not heard:
            document.edit(set_status, [len(PATHS)], Status.VERIFIED)
        return True

    bring_in(document.project, arriving(PATHS), verify_last)
    brought, edited = heard
    assert brought.box_images == {len(PATHS)}
    assert brought.classes == {1, 2}  # views that meet the boxes know their classes
    assert (edited.images, edited.boxes, edited.text) == ({len(PATHS)}, frozenset(), "Mark as verified")


def test_a_project_is_closed_in_the_midst_of_an_import_and_the_rest_follows(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "classes.txt").write_text("cell\n", encoding="utf-8")
    for path in PATHS:
        Picture.new("RGB", (40, 40)).save(labels / path)
        (labels / path).with_suffix(".txt").write_text("0 0.5 0.5 0.25 0.25\n", encoding="utf-8")
    project = Project.create(tmp_path / "p.reticle", image_root=labels, image_paths=PATHS)
    window.context.document.open(project)
    reached, go_on = threading.Event(), threading.Event()

    def import_slowly(*args: object, progress: object, **fields: object) -> object:
        def stop_in_the_midst(done: int, total: int) -> bool:
            if total == 2 * len(PATHS) and done > len(PATHS) and not reached.is_set():
                reached.set()
                go_on.wait(10)
            return True

        return import_dataset(*args, progress=stop_in_the_midst, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(project_actions, "import_dataset", import_slowly)
    window.project_actions.import_from(ImportRequest(format="yolo", source=labels))
    qtbot.waitUntil(reached.is_set, timeout=10_000)
    window.context.document.close()
    go_on.set()
    qtbot.waitUntil(lambda: bool(window.context.messages.history), timeout=10_000)
    assert window.context.messages.history[-1].text.startswith("labels is in p in part; the rest follows")
    with Project.open(tmp_path / "p.reticle") as again:
        assert again.box_count() == len(PATHS)
        assert again.undo_text == "Import labels"
