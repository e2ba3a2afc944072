"""Starts the window: QApplication, theme, services, what was asked to be opened."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication

from app.services.screen import fit, has_screen
from app.services.settings import Settings
from app.shell.errors import ExceptionHook
from detcore.errors import ConfigError

if TYPE_CHECKING:
    from app.shell.main_window import MainWindow


def make_application() -> QApplication:
    """The one QApplication, with its names set."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("Reticle")
    app.setOrganizationName("Reticle")
    app.setApplicationDisplayName("")
    if QLocale.system().language() is QLocale.Language.C:
        # no language is set: numbers are written as the command line writes them, 1,234 and not 1234
        QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
    return app


def make_window(app: QApplication, settings: Settings) -> MainWindow:
    """A window with nothing open."""
    with _garbage_left():  # loading takes longer than all else
        from app.services.actions import Actions
        from app.services.context import AppContext
        from app.services.document import Document
        from app.services.keyboard import FocusKeys
        from app.services.learner import LearnerProcess
        from app.services.messages import Messages
        from app.services.tasks import Tasks
        from app.services.theme import Theme
        from app.services.training_worker import Jobs
        from app.services.view_state import ViewState
        from app.shell.action_specs import all_actions
        from app.shell.main_window import MainWindow

        theme = Theme(app, settings.theme)
        window_actions = Actions(all_actions(), theme)
        context = AppContext(
            document=Document(),
            view=ViewState(),
            theme=theme,
            settings=settings,
            tasks=Tasks(),
            messages=Messages(),
            actions=window_actions,
            jobs=Jobs(),
            learner=LearnerProcess(),
        )
        with theme.put_on_last():
            window = MainWindow(context)
        FocusKeys(app, window, window_actions.held_keys)
    return window


@contextmanager
def _garbage_left() -> Generator[None, None, None]:
    """What is loaded and made at the start stays: to look for garbage among it again and again takes a tenth of
    the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def run(path: Path | None) -> int:
    """Open the window, on ``path`` if one is given; returns the exit status of the event loop.

    Raises:
        ConfigError: there is no screen to open it on.
    """
    if not has_screen() and "QT_QPA_PLATFORM" not in os.environ:
        hint = "`demo --out DIR` draws pictures of every page without one, and all commands run without one"
        raise ConfigError("there is no screen to open a window on", hint=hint)
    logging.basicConfig(level=logging.WARNING)
    app = make_application()
    window = make_window(app, Settings())
    ExceptionHook(window.context.messages, window).install()
    fit(window, window.screen().availableGeometry().size())
    window.show()
    window.show_page("label")
    if path is not None:
        window.project_actions.open_path(path)
    return app.exec()
