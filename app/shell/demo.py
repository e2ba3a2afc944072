"""The whole loop on the sample, in a real window, with a picture of every page in both themes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSettings, QSize
from PySide6.QtWidgets import QApplication

from app.services.figures import counted
from app.services.screen import has_screen
from app.services.settings import Settings
from app.shell.application import make_application, make_window
from app.shell.main_window import MainWindow
from detcore.errors import JobError, ProjectError
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.learning import Learning
from detcore.project.runs import RunState, list_runs
from detcore.sample import create_sample_project

SIZE = QSize(1440, 900)
LONGEST_WAIT_SECONDS = 120.0


def run_demo(out: Path, *, minutes: float, say: Callable[[str], None]) -> int:
    """Make the sample, open it, train, review, export; pictures and the export go to ``out``.

    Raises:
        ProjectError: there is an earlier demo in ``out`` that is not one.
        JobError: the training ended badly.
    """
    if not has_screen():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        say("no screen: the window is drawn in memory")
    out.mkdir(parents=True, exist_ok=True)
    _clear(out)
    project = create_sample_project(out / "sample")
    images = counted(len(project.image_ids()), "image")
    project.close()
    say(f"made a sample of {images} in {out / 'sample'}")
    app = make_application()
    store = QSettings(str(out / "settings.ini"), QSettings.Format.IniFormat)
    window = make_window(app, Settings(store))
    try:
        Demo(app, window, out, say).run(project.folder, minutes)
    finally:
        window.close()
    say(f"pictures of all pages are in {out}")
    return 0


class Demo:
    """Walks a window through the loop, as a person would."""

    def __init__(self, app: QApplication, window: MainWindow, out: Path, say: Callable[[str], None]) -> None:
        self._app, self._window, self._out, self._say = app, window, out, say
        self._context = window.context

    def run(self, project: Path, minutes: float) -> None:
        window = self._window
        window.resize(SIZE)
        window.show()
        self._picture("start")
        window.project_actions.open_path(project)
        self._wait(lambda: window.label_page.viewer.is_showing, "the first image")
        self._label()
        self._train(minutes)
        self._review()
        self._export()

    def _label(self) -> None:
        """Look at an image with its boxes, one of them selected."""
        boxes = self._window.label_page.boxes.boxes
        if boxes:
            largest = max(boxes, key=lambda box: (box.x2 - box.x1) * (box.y2 - box.y1))
            self._context.view.select(frozenset({largest.id}))
        self._picture("label")
        self._say("label: boxes, classes and images")

    def _train(self, minutes: float) -> None:
        self._show("train")
        page = self._window.train_page
        self._wait(self._context.actions["train.start"].isEnabled, "the training page")
        page.setup.show_config(TrainConfig(learning=Learning(minutes=minutes)))
        page.buttons.start.click()
        self._wait(lambda: bool(self._context.jobs.active()), "the training process")
        self._say(f"train: {minutes:g} minutes of reticle-s")
        self._wait(
            lambda: not self._context.jobs.active(), "the training", minutes * 60 + LONGEST_WAIT_SECONDS
        )
        self._pause(0.5)
        run = list_runs(self._context.document.project)[0]
        if run.state is not RunState.COMPLETED:
            raise JobError(f"the training {run.state}: {run.message}")
        self._say(f"train: best AP on the validation images {run.best_ap or 0.0:.3f}")
        self._picture("train")

    def _review(self) -> None:
        self._show("review")
        page = self._window.review_page
        self._wait(lambda: page.queue.count > 0, "the review")
        self._context.actions["review.next"].trigger()
        self._window.messages.dismiss()
        self._pause(1.5)
        self._picture("review")
        self._say("review: misses and false positives over the labels")

    def _export(self) -> None:
        self._show("export")
        folder = self._out / "sample-coco"
        self._window.export_page.form.choose_folder(folder)
        self._wait(lambda: self._context.actions["export.start"].isEnabled(), "the export page")
        self._pause(1.0)
        self._context.actions["export.start"].trigger()
        self._wait(lambda: self._window.export_page.is_done, "the export")
        self._picture("export")
        self._say(f"export: {folder}")

    def _show(self, page: str) -> None:
        self._context.actions[f"global.page_{page}"].trigger()
        self._pause(0.2)

    def _picture(self, name: str) -> None:
        """The window in both themes."""
        for theme in ("dark", "light"):
            self._context.settings.theme = theme
            self._pause(0.4)
            self._window.grab().save(str(self._out / f"{name}-{theme}.png"))

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._app.processEvents()
            time.sleep(0.01)

    def _wait(self, ready: Callable[[], bool], what: str, seconds: float = LONGEST_WAIT_SECONDS) -> None:
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                raise JobError(f"{what} took more than {seconds:.0f} seconds")
            self._app.processEvents()
            time.sleep(0.01)


def _clear(out: Path) -> None:
    """Remove what an earlier demo left, and nothing else."""
    sample = out / "sample"
    if sample.exists() and not (sample / "truth.json").is_file():
        raise ProjectError(
            "the folder holds something else than a demo", path=sample, hint="Choose another folder"
        )
    for name in ("sample", "sample-coco"):
        if (out / name).is_dir():
            shutil.rmtree(out / name)
