"""What was sent to training on the Review page: shown, changed, removed, used up."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QSignalBlocker, Signal
from PySide6.QtWidgets import QFormLayout, QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.services.context import AppContext
from app.services.figures import count_text, ratio_text
from app.services.theme import Theme
from app.train.control import RunControl
from app.train.run_model import run_number
from app.widgets.spin_boxes import WholeNumber
from detcore.curation.emphasis import GREATEST_WEIGHT
from detcore.jobs.preparing.sent_errors import SentErrors, keep_sent, read_sent
from detcore.project.project import Project

LABEL_WIDTH = 96
STEP = 10
GREATEST = round(100 * (GREATEST_WEIGHT - 1))
ICON = 18


class SentCard(QFrame):
    """Hidden while there is nothing to show.

    Signals:
        removed(): the user does not want it after all.
        changed(object): the ``SentErrors`` with other strengths.
    """

    removed = Signal()
    changed = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setProperty("accent", True)
        self._theme = theme
        self._sent: SentErrors | None = None
        self._icon = QLabel()
        self.title = QLabel()
        self.text = QLabel(wordWrap=True)
        self.remove = QToolButton()
        self.remove.setToolTip("Do not learn more from these")
        self.remove.setAccessibleName("Remove")
        self.false_alarms = _strength("false alarms")
        self.misses = _strength("missed objects")
        self.note = QLabel(
            "For one new run, with labels and verdicts as they are when it starts.", wordWrap=True
        )
        self._compose()
        self.remove.clicked.connect(self.removed)
        self.false_alarms.valueChanged.connect(self._change)
        self.misses.valueChanged.connect(self._change)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self.show_sent(None)

    def show_sent(self, sent: SentErrors | None) -> None:
        """Show what is waiting, or hide."""
        self._sent = sent
        self.setVisible(sent is not None)
        if sent is None:
            return
        self.title.setText(f"Learns more from run {run_number(sent.run)}")
        self.title.setToolTip(sent.run)
        self.text.setText(f"{sent.text(count_text)}, at a confidence of {ratio_text(sent.threshold)}")
        for field, strength, count in (
            (self.false_alarms, sent.hard_negatives, sent.false_positives),
            (self.misses, sent.oversample, sent.misses),
        ):
            with QSignalBlocker(field):
                field.setValue(round(100 * strength))
            field.setEnabled(count > 0)

    def _change(self) -> None:
        if self._sent is not None:
            self._sent = replace(
                self._sent,
                hard_negatives=self.false_alarms.value() / 100,
                oversample=self.misses.value() / 100,
            )
            self.changed.emit(self._sent)

    def _compose(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._icon)
        head.addWidget(self.title, 1)
        head.addWidget(self.remove)
        form = QFormLayout()
        form.setContentsMargins(0, 4, 0, 0)
        form.setVerticalSpacing(6)
        form.setHorizontalSpacing(8)
        for name, field in (("False alarms", self.false_alarms), ("Missed objects", self.misses)):
            label = QLabel(name)
            label.setFixedWidth(LABEL_WIDTH)
            form.addRow(label, field)
        self.text.setProperty("role", "small")
        self.note.setProperty("role", "small")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 8, 8)
        layout.setSpacing(3)
        layout.addLayout(head)
        layout.addWidget(self.text)
        layout.addLayout(form)
        layout.addWidget(self.note)

    def _paint_icons(self) -> None:
        self._icon.setPixmap(self._theme.icon("school-outline").pixmap(ICON, ICON))
        self.remove.setIcon(self._theme.icon("close"))


def _strength(what: str) -> WholeNumber:
    field = WholeNumber(0, GREATEST, step=STEP, auto="As any other")
    field.setPrefix("+ ")
    field.setSuffix(" %")
    field.setAccessibleName(f"How much more {what} count")
    field.setToolTip(
        f"How much more often an image is drawn that has as many {what} as is usual; at most 4 times"
    )
    return field


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
