"""What the window tells the person: one line that says what happened and what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from PySide6.QtCore import QObject, Signal

from detcore.errors import ReticleError

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Message:
    """``level`` is info, success, warning or error. ``action`` is a label and what it does."""

    level: str
    text: str
    action: tuple[str, Callable[[], object]] | None = None
    details: str = ""
    time: datetime = field(default_factory=datetime.now)


class Messages(QObject):
    """Collects messages so that they can be read again.

    Signals:
        posted(object): a ``Message`` to show.
        withdrawn(): what the messages so far offer can no longer be done.
    """

    posted = Signal(object)
    withdrawn = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history: list[Message] = []

    def info(
        self, text: str, action: tuple[str, Callable[[], object]] | None = None, details: str = ""
    ) -> None:
        self._post(Message(level="info", text=text, action=action, details=details))

    def success(
        self, text: str, action: tuple[str, Callable[[], object]] | None = None, details: str = ""
    ) -> None:
        self._post(Message(level="success", text=text, action=action, details=details))

    def warning(
        self, text: str, action: tuple[str, Callable[[], object]] | None = None, details: str = ""
    ) -> None:
        self._post(Message(level="warning", text=text, action=action, details=details))

    def error(self, error: Exception, *, doing: str) -> None:
        """Say that ``doing`` ("open the folder") failed. A bug is raised on to the report dialog."""
        if not isinstance(error, ReticleError):
            raise error
        self._post(Message(level="error", text=f"Could not {doing}: {error}"))

    def withdraw_offers(self) -> None:
        """What was offered for one project must not be done to another."""
        self.history = [replace(message, action=None) for message in self.history]
        self.withdrawn.emit()

    def _post(self, message: Message) -> None:
        log.info("%s: %s", message.level, message.text)
        self.history.append(message)
        self.posted.emit(message)
