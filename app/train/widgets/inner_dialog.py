"""How a detector works: a drawing of its parts, what they cost, who has thought of it, and its code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.services.figures import count_text, counted
from app.services.theme import Theme
from app.services.timing import Debouncer
from app.services.training_worker import Jobs
from app.train.widgets.figures_table import FiguresTable
from app.train.widgets.outline_drawing import OutlineDrawing, stage_text
from app.widgets.empty_state import EmptyState
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.option_fields import OptionFields
from detcore.errors import ConfigError
from detcore.zoo.catalogue import find_detector
from detcore.zoo.drawing import amount_text, shape_text
from detcore.zoo.installed import missing_for
from detcore.zoo.outline import Outline
from detcore.zoo.spec import DetectorSpec

_PAUSE_MS = 250
_SIDE_WIDTH = 320
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
_HEADS = (
    ("Stage", "Layers of one part that give maps of one size"),
    ("Gives", "Channels × rows × columns, for one image"),
    ("Parameters", "Numbers that it learns; – where a stage above has them too"),
    ("Multiply-adds", "For one image"),
    ("Layers", "How many layers learn"),
)
_LEGEND = (
    "A box has channels × rows × columns, below them parameters · multiply-adds. It is wider with more channels, higher with larger "
    "maps, and the more of the arithmetic it does the stronger its colour. Click one, or walk with the arrow keys, to see its layers."
)


class InnerDialog(FittedDialog):
    """The network is built by a worker; with other options it is drawn anew, and options that make no sense together are
    told at once."""

    def __init__(
        self,
        model: str,
        options: Mapping[str, Any],
        jobs: Jobs,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        usable: bool = False,
    ) -> None:
        """``usable``: the options that were chosen here can be taken over."""
        super().__init__(parent)
        self._spec = find_detector(model)
        self._jobs, self._request = jobs, 0
        self._outline: Outline | None = None
        self.setWindowTitle(f"How it works: {self._spec.title}")
        self.resize(1080, 660)
        self.options = OptionFields()
        self.fault = QLabel(wordWrap=True)
        self.fault.setProperty("role", "caution")
        self.fault.hide()
        self.figures = QLabel(wordWrap=True)
        self.code_text = QLabel(wordWrap=True)
        self.code_text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.files = QVBoxLayout()
        self.files.setSpacing(0)
        self.drawing = OutlineDrawing(theme)
        self.table = FiguresTable(_HEADS, "Stages of the network")
        self.about = QLabel(wordWrap=True)
        self.about.setProperty("role", "small")
        self.about.setMinimumHeight(3 * self.about.fontMetrics().lineSpacing())
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.empty = EmptyState(theme)
        self.busy = QProgressBar(maximum=0)
        self.busy.setTextVisible(False)
        self.busy.setAccessibleName("The network is being built")
        self.cancel = QPushButton("Cancel building")
        self.cancel.setProperty("role", "link")
        self.cancel.setToolTip("Leave the drawing as it is")
        kind = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kind.Ok | kind.Cancel if usable else kind.Close)
        self.use = self.buttons.button(kind.Ok) if usable else None
        if self.use is not None:
            self.use.setText("Use these options")
            self.use.setEnabled(False)
            self.use.setDefault(True)
            self.buttons.button(kind.Cancel).setAutoDefault(False)  # nor be what Enter presses meanwhile
        self._compose()
        self._soon = Debouncer(self, self._ask, pause_ms=_PAUSE_MS)
        self.options.changed.connect(self._follow_options)
        self.cancel.clicked.connect(self._give_up)
        self.empty.pressed.connect(self._ask)
        self.drawing.picked.connect(self._tell_stage)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        jobs.described.connect(self._take)
        self.options.show_options(self._spec.option_list(), options)
        self._chosen = dict(options)
        self._show_files(_known_files(self._spec))
        self._ask()

    def chosen(self) -> dict[str, Any]:
        """The options that are not as they come."""
        return self.options.values()

    def done(self, result: int) -> None:
        self._soon.stop()
        self._jobs.described.disconnect(self._take)
        if self._request:  # half a network is of use to nobody
            self._jobs.end_describing()
        super().done(result)

    def _follow_options(self) -> None:
        fitted = self._fitted()
        if self.use is not None:
            self.use.setEnabled(fitted is not None and self.chosen() != self._chosen)
        if fitted is not None:
            self._soon.ask()

    def _fitted(self) -> DetectorSpec | None:
        """The card with the options as they are; where they make no sense together it is said why."""
        try:
            fitted = self._spec.fitted_to(self.chosen())
        except ConfigError as error:
            self.fault.setText(str(error))
            self.fault.show()
            self.drawing.show_outdated()
            return None
        self.fault.hide()
        return fitted

    def _ask(self) -> None:
        """Have the network built as the options are now."""
        missing = missing_for(self._spec)
        if missing is not None:
            self._show_empty("package-down", "It needs an install", str(missing))
            return
        fitted = self._fitted()
        if fitted is None:
            return
        self._request = self._jobs.describe(self._spec.id, self.chosen(), classes=fitted.classes)
        self._show_busy(True)
        self.drawing.show_outdated()
        if self.right.currentWidget() is not self.picture:
            self._show_empty(
                "vector-polyline", "Building the network…", "Its parts are drawn here in some seconds."
            )

    def _take(self, number: int, result: dict[str, Any], fault: str) -> None:
        if number != self._request:
            return
        self._request = 0
        self._show_busy(False)
        if fault:
            self._show_empty("alert-circle-outline", "It cannot be drawn", fault, "Try again")
            return
        outline = Outline.from_dict(result)
        self._outline = outline
        self.drawing.show_outline(outline)
        self.table.show_rows([_row(outline, row) for row in range(len(outline.stages))])
        self.code_text.setText(_reflowed(outline.text))
        self.code_text.setVisible(bool(outline.text))
        self._show_files(outline.files)
        self.figures.setText(
            f"{amount_text(outline.parameters)} parameters · {amount_text(outline.macs)} multiply-adds for an image of "
            f"{outline.width} × {outline.height} px · {counted(outline.classes, 'class', 'classes')}"
        )
        self.right.setCurrentWidget(self.picture)

    def _tell_stage(self, row: int) -> None:
        """Below the drawing: what the stage that is picked is made of, or else what a drawing shows."""
        picked = self._outline is not None and row >= 0
        self.about.setText(stage_text(self._outline.stages[row]) if self._outline and picked else _LEGEND)

    def _give_up(self) -> None:
        self._request = 0
        self._jobs.end_describing()
        self._show_busy(False)
        if self.right.currentWidget() is not self.picture:
            self._show_empty("vector-polyline", "Not drawn", "Building the network was cancelled.", "Draw it")

    def _show_busy(self, busy: bool) -> None:
        self.busy.setVisible(busy)
        self.cancel.setVisible(busy)

    def _show_empty(self, icon: str, title: str, text: str, button: str = "") -> None:
        self.empty.show_state(icon, title, text, button)
        self.right.setCurrentWidget(self.empty)

    def _show_files(self, files: Mapping[str, str]) -> None:
        while (item := self.files.takeAt(0)) is not None:
            if (button := item.widget()) is not None:
                button.deleteLater()
        for module, path in files.items():
            name = f"{module.replace('.', '/')}{Path(path).suffix}"
            button = QPushButton("/".join(name.split("/")[-2:]))
            button.setProperty("role", "link")
            button.setToolTip(f"Open {path}")
            button.setAccessibleName(f"Open {name}")
            button.clicked.connect(
                lambda _checked, path=path: QDesktopServices.openUrl(QUrl.fromLocalFile(path))
            )
            self.files.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def _compose(self) -> None:
        text = QLabel(self._spec.text, wordWrap=True)
        paper = QLabel(_linked(self._spec.paper), wordWrap=True)
        paper.setProperty("role", "small")
        paper.setOpenExternalLinks(True)
        paper.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        paper.setVisible(bool(self._spec.paper))
        self.code_text.setProperty("role", "small")
        self.code_text.hide()
        side = QWidget()
        side.setProperty("role", "panel")
        column = QVBoxLayout(side)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        for widget in (text, paper):
            column.addWidget(widget)
        if self._spec.option_list():
            column.addWidget(_section("Options"))
            column.addWidget(self.options)
            column.addWidget(self.fault)
        column.addWidget(_section("In the code"))
        column.addWidget(self.code_text)
        column.addLayout(self.files)
        column.addStretch(1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(side)
        scroll.setFixedWidth(_SIDE_WIDTH)
        canvas = QScrollArea(widgetResizable=True)
        canvas.setAccessibleName("Drawing")
        canvas.setFrameShape(QFrame.Shape.NoFrame)
        self.drawing.setProperty("role", "panel")
        self.drawing.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        canvas.setWidget(self.drawing)
        drawn = QWidget()
        drawn.setProperty("role", "panel")
        column = QVBoxLayout(drawn)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(canvas, 1)
        self.about.setContentsMargins(12, 4, 12, 4)
        column.addWidget(self.about)
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.addTab(drawn, "Drawing")
        self.tabs.addTab(self.table, "Table")
        self.figures.setProperty("role", "muted")
        self.picture = QWidget()
        picture = QVBoxLayout(self.picture)
        picture.setContentsMargins(0, 0, 0, 0)
        picture.setSpacing(8)
        picture.addWidget(self.figures)
        picture.addWidget(self.tabs, 1)
        self.right = QStackedWidget()
        self.right.addWidget(self.empty)
        self.right.addWidget(self.picture)
        body = QHBoxLayout()
        body.setSpacing(12)
        body.addWidget(scroll)
        body.addWidget(self.right, 1)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        self.busy.setFixedWidth(160)
        foot.addWidget(self.busy)
        foot.addWidget(self.cancel)
        foot.addStretch(1)
        foot.addWidget(self.buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addLayout(body, 1)
        layout.addLayout(foot)
        self._show_busy(False)


def _section(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "section")
    label.setContentsMargins(0, 8, 0, 0)
    return label


def _row(outline: Outline, row: int) -> list[str]:
    stage = outline.stages[row]
    return [
        stage.role,
        shape_text(stage),
        count_text(stage.parameters) if stage.parameters else "–",
        amount_text(stage.macs),
        count_text(sum(stage.layers.values())),
    ]


def _reflowed(text: str) -> str:
    """Without the line breaks within its paragraphs, and the marks of code."""
    return "\n\n".join(" ".join(part.replace("`", "").split()) for part in text.split("\n\n"))


def _linked(text: str) -> str:
    """With links to the papers that it names."""
    return _ARXIV.sub(r'<a href="https://arxiv.org/abs/\1">arXiv:\1</a>', escape(text))


def _known_files(spec: DetectorSpec) -> dict[str, str]:
    """The file that builds it, as far as it is Reticle's own and can be told without loading it."""
    module = spec.build.partition(":")[0]
    found = find_spec(module) if module.startswith("detcore.") else None
    return {module: found.origin} if found is not None and found.origin else {}


def show_inside(
    parent: QWidget, model: str, options: Mapping[str, Any], jobs: Jobs, theme: Theme, *, usable: bool
) -> dict[str, Any] | None:
    """Show the dialog; the options to use from now on, ``None`` where they stay as they are."""
    dialog = InnerDialog(model, options, jobs, theme, parent, usable=usable)
    try:
        return dialog.chosen() if dialog.exec() == QDialog.DialogCode.Accepted else None
    finally:
        dialog.deleteLater()
