"""What nobody caught: the user's kind goes to the message bar, ours to a report dialog."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.services.messages import Messages
from app.widgets.fitted_dialog import FittedDialog
from detcore.errors import ReticleError

log = logging.getLogger(__name__)


class ReportDialog(FittedDialog):
    """Shows a bug with its traceback, ready to be copied. The program goes on."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Something went wrong in Reticle")
        self.resize(720, 420)
        intro = QLabel(
            "This is a mistake of the program, not yours. Your labels are saved. Please report the text below."
        )
        intro.setWordWrap(True)
        self.text = QPlainTextEdit(text, readOnly=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QApplication.clipboard().setText(text))
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.addWidget(intro)
        layout.addWidget(self.text)
        layout.addWidget(buttons)


class ExceptionHook(QObject):
    """Installed as ``sys.excepthook`` and ``threading.excepthook``; hands exceptions of any thread to the GUI
    thread.

    Signals:
        caught(object): the exception.
    """

    caught = Signal(object)

    def __init__(self, messages: Messages, window: QWidget) -> None:
        super().__init__(window)
        self._messages, self._window = messages, window
        self._dialog: ReportDialog | None = None
        self.caught.connect(self._report)

    def install(self) -> None:
        sys.excepthook = self._hook
        threading.excepthook = self._thread_hook

    def _hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        log.error("uncaught", exc_info=(kind, error, trace))
        if QThread.currentThread() is self.thread():
            self._report(error)
        else:
            self.caught.emit(error)

    def _thread_hook(self, failed: threading.ExceptHookArgs) -> None:
        """Of threads that Python started, which never reach ``sys.excepthook``."""
        error = failed.exc_value or failed.exc_type()
        if not isinstance(error, SystemExit):  # a thread's way of ending itself
            self._hook(failed.exc_type, error, failed.exc_traceback)

    def _report(self, error: BaseException) -> None:
        if isinstance(error, ReticleError | OSError):
            self._messages.error(error, doing="go on")
            return
        if self._dialog is None or not self._dialog.isVisible():
            self._dialog = ReportDialog("".join(traceback.format_exception(error)), self._window)
            self._dialog.open()
