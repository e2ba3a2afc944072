"""What the window tells the person: one line that says what happened and what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from PySide6.QtCore import QObject, Signal

from detcore.errors import ReticleError

log = logging.getLogger(__name__)

Offer = tuple[str, Callable[[], object]]
"""A label and what it does."""
Condition = Callable[[], bool]


def _always() -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Message:
    """``level`` is info, success, warning or error. ``action`` is offered for as long as it ``applies``."""

    level: str
    text: str
    action: Offer | None = None
    details: str = ""
    applies: Condition = _always
    time: datetime = field(default_factory=datetime.now)

    @property
    def offers(self) -> bool:
        """Whether there is something that can be done, now."""
        return self.action is not None and self.applies()


class Messages(QObject):
    """Collects messages so that they can be read again.

    Signals:
        posted(object): a ``Message`` to show.
        withdrawn(): the messages so far are about what is not shown any more.
    """

    posted = Signal(object)
    withdrawn = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history: list[Message] = []

    def info(
        self, text: str, action: Offer | None = None, details: str = "", applies: Condition = _always
    ) -> None:
        self._post(Message(level="info", text=text, action=action, details=details, applies=applies))

    def success(
        self, text: str, action: Offer | None = None, details: str = "", applies: Condition = _always
    ) -> None:
        self._post(Message(level="success", text=text, action=action, details=details, applies=applies))

    def warning(
        self, text: str, action: Offer | None = None, details: str = "", applies: Condition = _always
    ) -> None:
        self._post(Message(level="warning", text=text, action=action, details=details, applies=applies))

    def error(self, error: Exception, *, doing: str) -> None:
        """Say that ``doing`` ("open the folder") failed. A bug is raised on to the report dialog."""
        if not isinstance(error, ReticleError):
            raise error
        self._post(Message(level="error", text=f"Could not {doing}: {error}"))

    def withdraw(self) -> None:
        """Leave a project: what was said of it can be read again, but not be done to the next one."""
        self.history = [replace(message, action=None) for message in self.history]
        self.withdrawn.emit()

    def _post(self, message: Message) -> None:
        log.info("%s: %s", message.level, message.text)
        self.history.append(message)
        self.posted.emit(message)
