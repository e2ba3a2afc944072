"""Fixtures of the tests that need a window system; they run on the offscreen platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QLocale, QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services.actions import Actions
from app.services.context import AppContext
from app.services.document import Document
from app.services.learner import LearnerProcess
from app.services.messages import Messages
from app.services.settings import Settings
from app.services.tasks import Tasks
from app.services.theme import Theme
from app.services.training_worker import Jobs
from app.services.view_state import ViewState
from app.shell.action_specs import all_actions
from app.shell.application import make_window
from app.shell.main_window import MainWindow
from detcore.project.edits import add_boxes, add_class
from detcore.project.project import Project
from detcore.types import Box
from tests.app.worker_fakes import IdleLearner

CLASSES = ("cell", "platelet", "blob")


@pytest.fixture(autouse=True)
def _closed_windows_are_gone() -> None:
    """Qt ends what the test before has closed only in an event loop; the style of the next window would reach it too,
    which takes longer than to make that window."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings in a file of the test's own. The images of tests are called like frames of a sequence; labels are carried
    from one to the next by the tests of that alone."""
    settings = Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    settings.follow_sequences = False
    return settings


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    """A pool of the test's own."""
    tasks = Tasks()
    yield tasks
    tasks.shut_down()


@pytest.fixture(autouse=True)
def _no_learner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that begins one is pressed in many tests, and its process takes seconds to load."""
    monkeypatch.setattr("app.services.learner.WorkerJob", IdleLearner)


@pytest.fixture
def context(qapp: QApplication, qtbot: object, settings: Settings) -> Iterator[AppContext]:
    """The services of a window, with nothing open."""
    theme = Theme(qapp, "light")
    context = AppContext(
        document=Document(),
        view=ViewState(),
        theme=theme,
        settings=settings,
        tasks=Tasks(),
        messages=Messages(),
        actions=Actions(all_actions(), theme),
        jobs=Jobs(),
        learner=LearnerProcess(),
    )
    yield context
    context.learner.shut_down(5.0)
    context.tasks.shut_down()
    context.jobs.shut_down()
    context.document.close()


@pytest.fixture
def window(qapp: QApplication, qtbot: QtBot, settings: Settings) -> Iterator[MainWindow]:
    """The window as the program makes it, with nothing open."""
    window = make_window(qapp, settings)
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()


@pytest.fixture
def german() -> Iterator[None]:
    """The locale of a person in Germany."""
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German, QLocale.Country.Germany))
    yield
    QLocale.setDefault(before)


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Six JPEG images of 160×120 with grey discs."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(6):
        image = np.full((120, 160, 3), 60 + 20 * number, np.uint8)
        cv2.circle(image, (40 + 10 * number, 60), 20, (200, 180, 160), -1)
        cv2.imwrite(str(folder / f"img_{number}.jpg"), image)
    return folder


@pytest.fixture
def project(tmp_path: Path, image_folder: Path) -> Iterator[Project]:
    """A project of the six images with three classes and two boxes on each of the first two images."""
    paths = sorted(path.name for path in image_folder.iterdir())
    with Project.create(tmp_path / "test.reticle", image_root=image_folder, image_paths=paths) as project:
        for name in CLASSES:
            project.edit(add_class, name)
        cell, platelet = (item.id for item in project.classes()[:2])
        for image_id in project.image_ids()[:2]:
            project.edit(
                add_boxes,
                [
                    Box(id=0, image_id=image_id, class_id=cell, x1=20, y1=40, x2=60, y2=80),
                    Box(id=0, image_id=image_id, class_id=platelet, x1=100, y1=10, x2=130, y2=30),
                ],
            )
        yield project
