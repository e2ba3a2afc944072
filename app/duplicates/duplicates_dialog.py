"""Images that look the same: while they are looked for, when there are none, and by group."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.duplicates.duplicate_groups import DuplicateGroup
from app.duplicates.group_panel import GroupPanel
from app.services.figures import count_text, counted
from app.services.theme import Theme
from app.widgets.empty_state import EmptyState
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.pictures import Thumbnails
from detcore.curation.duplicates import LEAST_CORRELATION, MOST_BITS, Duplicates

_PROGRESS_WIDTH = 320
_WHY = (
    "A model that has learnt from one image of a group knows the others as well: where a group lies in two splits, "
    "figures on val and test are too good."
)


class DuplicatesDialog(FittedDialog):
    """A window beside the work: it may stay open while images are labelled.

    Signals:
        again_asked(): compare the images once more.
        cancel_asked(): stop comparing.
    """

    again_asked = Signal()
    cancel_asked = Signal()

    def __init__(
        self, theme: Theme, thumbnails: Thumbnails, actions: Sequence[QAction], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Near-duplicates")
        self.resize(1044, 640)
        # the window's undo and redo, which work here as well
        self.addActions(list(actions))
        self.title = QLabel(wordWrap=True)
        self.title.setProperty("role", "title")
        self.text = QLabel(_WHY, wordWrap=True)
        self.text.setProperty("role", "muted")
        self.unreadable = QLabel(wordWrap=True)
        self.unreadable.setProperty("role", "muted")
        self.panel = GroupPanel(theme, thumbnails)
        self._found: Duplicates | None = None
        self.empty = EmptyState(theme)
        self.progress = QProgressBar(textVisible=False)
        self.progress.setFixedWidth(_PROGRESS_WIDTH)
        self.counted = QLabel(alignment=Qt.AlignmentFlag.AlignHCenter)
        self.counted.setProperty("role", "muted")
        self.cancel = QPushButton("&Cancel")
        self.said = QLabel()
        self.said.setProperty("role", "muted")
        self.undo = QPushButton("&Undo")
        self.again = QPushButton("Compare &again")
        self.close_button = QPushButton("Close")
        self._compose()
        self.cancel.clicked.connect(self.cancel_asked)
        self.again.clicked.connect(self.again_asked)
        self.close_button.clicked.connect(self.close)
        self.undo.clicked.connect(actions[0].trigger)
        self.show_comparing()

    def show_comparing(self) -> None:
        """The images are being compared; nothing is known yet."""
        self.title.setText("Looking for images that look the same")
        self.text.setText(_WHY)
        self.unreadable.hide()
        self.progress.setRange(0, 0)
        self.counted.setText("")
        self._show(self._comparing)
        self.cancel.setFocus()

    def show_progress(self, done: int, total: int) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.counted.setText(f"{count_text(done)} of {counted(total, 'image')}")

    def show_found(self, found: Duplicates, groups: Sequence[DuplicateGroup]) -> None:
        """What came of comparing, as it is in the project now."""
        self.unreadable.setVisible(bool(found.problems))
        if found.problems:
            self.unreadable.setText(
                f"{counted(len(found.problems), 'file')} could not be read and took no part."
            )
            self.unreadable.setToolTip("\n".join(str(problem) for problem in found.problems[:20]))
        compared = counted(found.images, "image was compared", "images were compared")
        self.panel.show_groups(groups, same=found is self._found)
        self._found = found
        if groups:
            self.title.setText(_headline(groups))
            self.text.setText(f"{compared}. {_WHY}")
            first_look = self._stack.currentWidget() is not self.panel
            self._show(self.panel)
            if first_look:
                self.panel.groups.setFocus()
        else:
            self.title.setText("No two images look the same")
            self.text.setText(_WHY)
            title = "Nothing is left" if found.groups else "Nothing found"
            self.empty.show_state("image-multiple-outline", title, _what_was_compared(compared))
            self._show(self.empty)
            self.again.setFocus()

    def say(self, text: str) -> None:
        """One line about what was done last; Undo takes it back."""
        self.said.setText(text)
        self.undo.setVisible(bool(text))

    def _show(self, widget: QWidget) -> None:
        self._stack.setCurrentWidget(widget)
        self.again.setVisible(widget is not self._comparing)
        self.say("")

    def _compose(self) -> None:
        head = QVBoxLayout()
        head.setContentsMargins(16, 12, 16, 12)
        head.setSpacing(4)
        for label in (self.title, self.text, self.unreadable):
            head.addWidget(label)
        centre = Qt.AlignmentFlag.AlignHCenter
        self._comparing = QWidget()
        self._comparing.setProperty("role", "panel")
        self._comparing.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self._comparing)
        column.setSpacing(12)
        column.addStretch(2)
        for widget in (self.progress, self.counted, self.cancel):
            column.addWidget(widget, 0, centre)
        column.addStretch(3)
        self._stack = QStackedWidget()
        for widget in (self._comparing, self.empty, self.panel):
            self._stack.addWidget(widget)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 8, 16, 8)
        foot.setSpacing(8)
        foot.addWidget(self.said)
        foot.addWidget(self.undo)
        foot.addStretch()
        for button in (self.again, self.close_button):
            foot.addWidget(button)
        for button in (self.cancel, self.undo, self.again, self.close_button):
            button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)
        layout.addLayout(foot)


def _headline(groups: Sequence[DuplicateGroup]) -> str:
    leaks = sum(group.leaks for group in groups)
    if len(groups) == 1:
        leaking = "it leaks between splits" if leaks else "it leaks into no other split"
        return f"1 group of images that look the same; {leaking}"
    leaking = "none leaks" if not leaks else counted(leaks, "leaks", "leak")
    return f"{counted(len(groups), 'group')} of images that look the same; {leaking} between splits"


def _what_was_compared(compared: str) -> str:
    likeness = round(100 * LEAST_CORRELATION)
    return (
        f"{compared}, each with every other one. Images would be listed here when their perceptual hashes differ "
        f"in at most {MOST_BITS} of 64 bits and their pictures, made small, are at least {likeness} % alike."
    )
