"""The strip above the canvas: which run proposes, from which score, and how much on this image."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLayout, QMenu, QSlider, QToolButton, QWidget

from app.label.assist.proposals import Proposals
from app.services.context import AppContext
from app.services.figures import counted, ratio_text
from app.services.theme import ICON_SIZE
from app.widgets.elided_label import ElidedLabel

_STEPS = 100
_RUN_WIDTH, _SLIDER_WIDTH = 220, 90
_ROOM_FOR_WORDS, _ROOM_FOR_RUN = 640, 500
"""Pixels of width from which on buttons have words beside their icons, and the run is told."""
_NOT_SEEN = "{run} has not looked at this image; Predict again on the Train page lets it."
_NOT_YET = "{run} is about to look at this image."
STARTS: tuple[tuple[str, float | None], ...] = (
    ("Where F1 is best", None),
    ("Where 80 % are right", 0.8),
    ("Where 90 % are right", 0.9),
    ("Where 95 % are right", 0.95),
)
"""From which score proposals are shown at first, as the labelled images say."""


class ProposalBar(QWidget):
    """There once a run could propose, or others do."""

    def __init__(self, context: AppContext, proposals: Proposals) -> None:
        super().__init__()
        self._context, self._proposals = context, proposals
        self.setProperty("role", "notice")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.toggle = QToolButton()
        self.toggle.setDefaultAction(context.actions["label.proposals"])
        self.toggle.setIconSize(ICON_SIZE)
        self.run = QComboBox()
        self.run.setAccessibleName("The run that proposes")
        self.run.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.run.setMinimumContentsLength(7)
        self.run.setMaximumWidth(_RUN_WIDTH)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setFixedWidth(_SLIDER_WIDTH)
        self.slider.setAccessibleName("The score from which is proposed")
        self.slider.setToolTip(
            "<b>The score from which is proposed</b><br>Lower shows more, and more that is wrong"
        )
        self.value = QLabel()
        self.more = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setAccessibleName("More about proposals")
        self.more.setToolTip(
            "<b>More about proposals</b><br>Where their score starts, as the labelled images say; all images at once"
        )
        self._by_class, self._starts = self._add_menu()
        self.count = QLabel()
        self.text = ElidedLabel(Qt.TextElideMode.ElideRight)
        self.accept_all = QToolButton()
        self.accept_all.setDefaultAction(context.actions["label.accept_all"])
        self.accept_all.setIconSize(ICON_SIZE)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 3, 8, 3)
        row.setSpacing(6)
        row.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        for widget in (self.toggle, self.run, self.slider, self.value, self.more, self.count):
            row.addWidget(widget)
        row.addWidget(self.text, 1)
        row.addWidget(self.accept_all)
        self.run.textActivated.connect(proposals.choose_run)
        self.slider.valueChanged.connect(lambda step: proposals.choose_threshold(step / _STEPS))
        proposals.proposer_changed.connect(self._show_proposer)
        proposals.changed.connect(self._show_state)
        context.view.image_changed.connect(self._show_state)
        context.theme.changed.connect(self._paint_icon)
        self._paint_icon()
        self._show_proposer()
        self._show_state()

    def _add_menu(self) -> tuple[QAction, list[QAction]]:
        menu = QMenu(self.more)
        menu.setToolTipsVisible(True)
        group = QActionGroup(menu)
        starts: list[QAction] = []
        for text, _ in STARTS:
            action = menu.addAction(text)
            action.setCheckable(True)
            group.addAction(action)
            starts.append(action)
        menu.addSeparator()
        by_class = menu.addAction("Each class from a score of its own")
        by_class.setCheckable(True)
        by_class.setToolTip("Of classes with ten labelled objects and more; the slider moves them together")
        group.triggered.connect(lambda _action: self._choose_start())
        by_class.triggered.connect(lambda _on: self._choose_start())
        menu.addSeparator()
        for name in ("accept_everywhere", "interpolate", "follow_sequences"):
            menu.addAction(self._context.actions[f"label.{name}"])
        self.more.setMenu(menu)
        return by_class, starts

    def _show_proposer(self) -> None:
        proposer, names = self._proposals.proposer, self._proposals.run_names
        settings = self._context.settings
        self.setVisible(bool(names) or proposer is not None)
        name = "" if proposer is None else proposer.found.run
        with QSignalBlocker(self.run):
            if names != tuple(self.run.itemText(row) for row in range(self.run.count())):
                self.run.clear()
                self.run.addItems(list(names))
            self.run.setCurrentIndex(self.run.findText(name))
        self.run.setToolTip(f"<b>The run that proposes</b><br>{name}")
        self._starts[[share for _, share in STARTS].index(_near(settings.proposal_precision))].setChecked(
            True
        )
        self._by_class.setChecked(settings.proposals_by_class)
        for action in (*self._starts, self._by_class):
            action.setEnabled(self._proposals.run_proposes)
        if proposer is not None:
            overall = proposer.thresholds.overall
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(overall * _STEPS))
            self.value.setText(f"{'≈' if proposer.thresholds.by_class else '≥'} {ratio_text(overall)}")

    def _show_state(self) -> None:
        """How many are proposed on this image, or why none is."""
        proposals, count = self._proposals, len(self._proposals.rows)
        self.count.setText(counted(count, "proposal") if count else "Nothing proposed")
        text = ""
        if proposals.run_proposes and proposals.is_shown and not proposals.has_seen and not count:
            text = (_NOT_YET if proposals.learner_proposes else _NOT_SEEN).format(run=self.run.currentText())
        self.text.set_text(text)
        self._arrange()

    def _arrange(self) -> None:
        """What there is to choose, as far as there is room."""
        proposals, styles = self._proposals, Qt.ToolButtonStyle
        style = (
            styles.ToolButtonTextBesideIcon if self.width() >= _ROOM_FOR_WORDS else styles.ToolButtonIconOnly
        )
        for button in (self.toggle, self.accept_all):
            button.setToolButtonStyle(style)
        has_room = self.width() >= _ROOM_FOR_RUN
        self.run.setVisible(proposals.is_shown and self.run.count() > 0 and has_room)
        for widget in (self.slider, self.value):
            widget.setVisible(proposals.is_shown and proposals.has_seen)
        proposes = proposals.is_shown and (proposals.has_seen or len(proposals.rows) > 0)
        for widget in (self.more, self.count, self.accept_all):
            widget.setVisible(proposes)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def _choose_start(self) -> None:
        chosen = next(row for row, action in enumerate(self._starts) if action.isChecked())
        self._proposals.start_from(STARTS[chosen][1], by_class=self._by_class.isChecked())

    def _paint_icon(self) -> None:
        self.more.setIcon(self._context.theme.icon("tune-variant"))


def _near(share: float | None) -> float | None:
    """The start that is offered for a share from the settings."""
    return share if share in [offered for _, offered in STARTS] else None
