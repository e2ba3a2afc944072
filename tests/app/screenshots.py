"""Pictures of every page and dialog of a project, to be looked at.

    QT_QPA_PLATFORM=offscreen QT_SCALE_FACTOR=1.5 python -m tests.app.screenshots PROJECT OUT 960x600 1440x900

Sizes are logical pixels: a screen of 1440×900 at 150 % has 960×600 of them. The scale factor of Qt belongs to a
process, so each has one of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication, QDialog

from app.services.settings import Settings
from app.shell.action_specs import all_actions
from app.shell.application import make_application, make_window
from app.shell.main_window import MainWindow

PAGES = ("label", "train", "review", "export")
DIALOGS = (
    ("import", "global.import"),
    ("new-project", "global.new_project"),
    ("settings", "global.settings"),
    ("palette", "global.palette"),
    ("keys", "global.help"),
    ("messages", "global.messages"),
    ("manual", "global.manual"),
    ("about", "global.about"),
    ("divide", "global.divide"),
    ("duplicates", "global.duplicates"),
    ("class", "label.new_class"),
    ("class-names", "label.class_names"),
    ("crossval", "train.crossval"),
    ("report", "review.report"),
)


def take(project: Path, out: Path, sizes: Sequence[tuple[int, int]], themes: Sequence[str]) -> None:
    """Save a picture of each page and dialog at each size, in each theme."""
    out.mkdir(parents=True, exist_ok=True)
    app = make_application()
    window = make_window(app, Settings(QSettings(str(out / "settings.ini"), QSettings.Format.IniFormat)))
    window.resize(*sizes[0])
    window.show()
    _each(app, window, out, "start", sizes, themes)
    window.project_actions.open_path(project)
    _wait(app, lambda: window.label_page.viewer.is_showing)
    for page in PAGES:
        window.show_page(page)
        _pause(app, 3.0)
        _each(app, window, out, page, sizes, themes)
    for name, action_id in DIALOGS:
        _dialog(app, window, out, name, action_id, themes)
    window.close()


def _dialog(
    app: QApplication, window: MainWindow, out: Path, name: str, action_id: str, themes: Sequence[str]
) -> None:
    actions = window.context.actions
    window.show_page("label" if action_id.startswith("global") else action_id.split(".")[0])
    _pause(app, 0.3)
    if action_id not in {spec.id for spec in all_actions()} or not actions[action_id].isEnabled():
        return
    for theme in themes:
        window.context.settings.theme = theme
        before = set(app.topLevelWidgets())

        def look(theme: str = theme, before: set[object] = before) -> None:
            shown = [
                widget
                for widget in app.topLevelWidgets()
                if isinstance(widget, QDialog) and widget.isVisible() and widget not in before
            ]
            for dialog in shown:
                dialog.grab().save(str(out / f"dialog-{name}-{theme}.png"))
                dialog.close()

        QTimer.singleShot(700, look)  # a modal one runs an event loop of its own
        actions[action_id].trigger()
        _pause(app, 1.0)


def _each(
    app: QApplication,
    window: MainWindow,
    out: Path,
    name: str,
    sizes: Sequence[tuple[int, int]],
    themes: Sequence[str],
) -> None:
    for width, height in sizes:
        window.resize(width, height)
        for theme in themes:
            window.context.settings.theme = theme
            _pause(app, 0.6)
            window.grab().save(str(out / f"{name}-{width}x{height}-{theme}.png"))


def _pause(app: QApplication, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)


def _wait(app: QApplication, ready: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not ready() and time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)


if __name__ == "__main__":
    project, out, *sizes = sys.argv[1:]
    wanted = [(int(width), int(height)) for width, height in (size.split("x") for size in sizes)]
    take(Path(project), Path(out), wanted, ("light", "dark"))
