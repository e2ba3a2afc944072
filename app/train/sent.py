"""What was sent to training on the Review page: shown, changed, removed, used up."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.services.context import AppContext
from app.train.control import RunControl
from app.train.widgets.sent_card import SentCard
from detcore.jobs.preparing.sent_errors import SentErrors, keep_sent, read_sent
from detcore.project.project import Project


class SentToTraining(QObject):
    """Keeps the card and the project in step."""

    def __init__(self, context: AppContext, control: RunControl, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._control = control
        self.card = SentCard(context.theme)
        self.card.removed.connect(self._remove)
        self.card.changed.connect(self._keep)
        context.document.opened.connect(self.refresh)
        # A training on the command line uses it up as well.
        context.document.runs_changed.connect(self.refresh)
        context.document.closed.connect(lambda: self.card.show_sent(None))
        control.prepared.connect(lambda _run: self.refresh())
        control.changed.connect(self._hold)

    def refresh(self) -> None:
        """Show what waits for the next training."""
        document = self._context.document
        self.card.show_sent(read_sent(document.project) if document.is_open else None)

    def _hold(self) -> None:
        """A run in the making has read what is sent: a change would come too late for it."""
        self.card.setEnabled(not self._control.preparing)

    def _keep(self, sent: SentErrors) -> None:
        keep_sent(self._context.document.project, sent)

    def _remove(self) -> None:
        project = self._context.document.project
        sent = read_sent(project)
        keep_sent(project, None)
        self.refresh()
        if sent is not None:
            undo = ("Undo", lambda: self._bring_back(project, sent))
            self._context.messages.info(
                f"The errors of {sent.run} will not count in the next training.",
                undo,
                applies=lambda: self.card.isHidden(),
            )

    def _bring_back(self, project: Project, sent: SentErrors) -> None:
        if self._context.document.shows(project):
            keep_sent(project, sent)
            self.refresh()
