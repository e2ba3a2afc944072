"""What the window tells the user: one line that says what happened and what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from PySide6.QtCore import QObject, Signal

from detcore.errors import ReticleError, disk_error

log = logging.getLogger(__name__)

Offer = tuple[str, Callable[[], object]]
"""A label and what it does."""
Condition = Callable[[], bool]
SERIES_PAUSE = timedelta(seconds=5)
"""What is done again within this time of the last is told together with it."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """``level`` is info, success, warning or error. It is shown, and its ``action`` offered, for as long as it
    ``applies``; where that is not given, what only tells something is over as soon as the user goes on.

    ``count`` is how often something was done in the ``series`` that the message tells of.
    """

    level: str
    text: str
    action: Offer | None = None
    details: str = ""
    applies: Condition | None = None
    series: str = ""
    count: int = 1
    time: datetime = field(default_factory=datetime.now)

    @property
    def offers(self) -> bool:
        """Whether there is something that can be done, now."""
        return self.action is not None and not self.is_over

    @property
    def is_over(self) -> bool:
        """Whether it does not apply any more."""
        return self.applies is not None and not self.applies()


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
        self, text: str, action: Offer | None = None, details: str = "", applies: Condition | None = None
    ) -> None:
        self._post(Message(level="info", text=text, action=action, details=details, applies=applies))

    def success(
        self, text: str, action: Offer | None = None, details: str = "", applies: Condition | None = None
    ) -> None:
        self._post(Message(level="success", text=text, action=action, details=details, applies=applies))

    def warning(
        self, text: str, action: Offer | None = None, details: str = "", applies: Condition | None = None
    ) -> None:
        self._post(Message(level="warning", text=text, action=action, details=details, applies=applies))

    def tally(
        self, series: str, count: int, text: Callable[[int], str], applies: Condition | None = None
    ) -> None:
        """Say what was done; a quick ``series`` of one kind is told in one message with the count of all."""
        last = self.history[-1] if self.history else None
        if last is not None and last.series == series and datetime.now() - last.time < SERIES_PAUSE:
            count += last.count
            self.history.pop()
        self._post(Message(level="info", text=text(count), applies=applies, series=series, count=count))

    def end_series(self) -> None:
        """What is done from here on is told anew: an undo came in between."""
        if self.history:
            self.history[-1] = replace(self.history[-1], series="")

    def error(self, error: Exception, *, doing: str, applies: Condition | None = None) -> None:
        """Say that ``doing`` ("open the folder") failed. A bug is raised on to the report dialog."""
        if isinstance(error, OSError):
            error = disk_error(error)
        if not isinstance(error, ReticleError):
            raise error
        self._post(Message(level="error", text=f"Could not {doing}: {error}", applies=applies))

    def withdraw(self) -> None:
        """Leave a project: what was said of it can be read again, but not be done to the next one."""
        self.history = [replace(message, action=None, series="") for message in self.history]
        self.withdrawn.emit()

    def _post(self, message: Message) -> None:
        log.info("%s: %s", message.level, message.text)
        self.history.append(message)
        self.posted.emit(message)
