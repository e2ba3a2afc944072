"""The Review page: where detector and labels disagree, and the threshold that moves everything."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDockWidget, QStackedWidget, QToolBar, QWidget

from app.review.agreement import ReviewAgreement
from app.review.choice import ReviewChoice
from app.review.compare import ReviewCompare
from app.review.figures import ReviewFigures
from app.review.image import ReviewImage
from app.review.links import ReviewLinks
from app.review.live.live_evaluation import LiveReview
from app.review.live.order_figures import OrderFigures
from app.review.models.error_model import ErrorModel
from app.review.next_step import next_step
from app.review.place import ReviewPlace
from app.review.queue import ReviewQueue
from app.review.report import ReviewReport
from app.review.sending import ReviewSending
from app.review.sizes import ReviewSizes
from app.review.soundness import ReviewSoundness
from app.review.verdicts import ReviewVerdicts
from app.review.widgets.header import ReviewHeader
from app.review.widgets.queue_panel import QueuePanel
from app.services.context import AppContext
from app.services.image_loader import ImageLoader
from app.services.timing import Debouncer
from app.widgets.crops import crops
from app.widgets.empty_state import EmptyState
from app.widgets.page import Page
from detcore.project.scope import Scope
from detcore.review.entries import ErrorEntry

_WIDTH_LEFT, _WIDTH_MIDDLE, _WIDTH_RIGHT, _HEIGHT_BELOW = 312, 540, 284, 280
_WORDS = (
    {"review.send": "Send to training", "review.report": "Report"},
    {"review.previous": "Previous", "review.next": "Next"},
    {"review.fit": "Fit", "review.zoom_item": "Zoom"},
)
"""What stands beside icons where there is room; the first group has it first."""
_COUNTS_MS, _COUNTS_LONGEST_MS = 40, 200
"""After an edit the next item is shown first; the counts follow, but not for each of a quick series."""


class ReviewPage(Page):
    """Composes the parts of a review around one LiveReview."""

    # The user wants another page: its name.
    request_page = Signal(str)

    def __init__(self, context: AppContext, loader: ImageLoader) -> None:
        super().__init__("review", context)
        self.live = LiveReview(context.document, context.tasks, self)
        self.choice = ReviewChoice(context, self.live, self)
        self.crops = crops(context.tasks, self)
        loader.replaced.connect(self.crops.forget)
        self.errors = ErrorModel(self)
        toggles = {
            "Judged": context.actions["review.judged"],
            "This image": context.actions["review.this_image"],
        }
        self.queue_panel = QueuePanel(self.errors, self.crops, context.theme, toggles)
        self.order = OrderFigures(self.live, context.tasks, self)
        self.queue = ReviewQueue(self.live, self.order, self.errors, self.queue_panel, self)
        self.place = ReviewPlace(context, self.live, self.order, self.queue, self.queue_panel, self)
        self.soundness = ReviewSoundness(
            context, self.live, self.choice, self.order, self.queue_panel.caution, self
        )
        self.verdicts = ReviewVerdicts(context, self.live, self.queue)
        self.report = ReviewReport(context, self.live, self)
        self.sending = ReviewSending(context, self.live, self)
        self.header = ReviewHeader(context.theme)
        self.figures = ReviewFigures(self.live, context.theme, self)
        self.links = ReviewLinks(self.live, self.queue, self.header.tiles, self.figures)
        self.sizes = ReviewSizes(context, self.live, self.queue)
        self.figures.tabs.addTab(self.sizes.table, "Sizes")
        self.compare = ReviewCompare(context, self.live, self.choice, self.queue)
        self.figures.tabs.addTab(self.compare.panel, "Compare")
        self.agreement = ReviewAgreement(self.live, self.choice, self.queue, self.figures.tabs, context.theme)
        self.image = ReviewImage(context, loader, self.live)
        self.empty = EmptyState(context.theme)
        self._counts = Debouncer(
            self,
            lambda: self._show_threshold(self.live.threshold),
            pause_ms=_COUNTS_MS,
            longest_ms=_COUNTS_LONGEST_MS,
        )
        self._hidden: list[QDockWidget] = []
        self._ready = self._counted = True
        self._compose()
        self._bind()
        self._connect()
        self._show_state()

    # ---- set-up

    def _compose(self) -> None:
        self.toolbar.addWidget(self.choice.bar)
        self.add_toolbar_space()
        actions = self.context.actions
        for name in ("review.previous", "review.next"):
            self.add_icon_action(actions[name])
        self.toolbar.addSeparator()
        for name in ("global.undo", "global.redo", "review.fit", "review.zoom_item"):
            self.add_icon_action(actions[name])
        self.toolbar.addSeparator()
        for name in ("review.send", "review.report"):
            self.add_icon_action(actions[name])
        for group in _WORDS:
            for name, word in group.items():
                actions[name].setIconText(word)
            self.words.add([actions[name] for name in group])
        self.addToolBarBreak()
        self.strip = QToolBar(self)
        self.strip.setObjectName("review_strip")
        self.strip.setProperty("role", "strip")
        self.strip.setMovable(False)
        self.strip.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.strip.addWidget(self.header)
        self.addToolBar(self.strip)
        self.middle = QStackedWidget()
        self.middle.addWidget(self.image)
        self.middle.addWidget(self.empty)
        self.setCentralWidget(self.middle)
        self.homes = (self.queue_panel.list, self.empty)
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        for corner, area in (
            (Qt.Corner.BottomLeftCorner, left),
            (Qt.Corner.BottomRightCorner, right),
        ):
            self.setCorner(corner, area)
        self.panel_sizes.middle_width = _WIDTH_MIDDLE
        classes = self.add_panel("Classes", self.figures.table, left, width=_WIDTH_LEFT)
        self.add_panel("Queue", self.queue_panel, right, width=_WIDTH_RIGHT)
        below = self.add_panel(
            "Curves", self.figures.tabs, Qt.DockWidgetArea.BottomDockWidgetArea, height=_HEIGHT_BELOW
        )
        below.setTitleBarWidget(_no_title())
        self._of_figures = [classes, below]

    def _bind(self) -> None:
        actions, queue = self.context.actions, self.queue
        some = lambda: self._ready and queue.count > 0  # noqa: E731
        actions.bind("review.next", lambda: queue.go(1), when=some)
        actions.bind("review.previous", lambda: queue.go(-1), when=some)
        self.verdicts.bind(lambda: self._ready)
        actions.bind(
            "review.judged",
            lambda: queue.set_filter(queue.filter.with_judged_toggled()),
            when=lambda: self._ready,
        )
        actions.bind("review.this_image", self.links.toggle_image, when=lambda: self._ready)
        actions.bind("review.fit", self.image.canvas.camera.fit, when=lambda: self._ready)
        actions.bind("review.zoom_item", self.image.zoom_to_entry, when=lambda: queue.current is not None)

    def _connect(self) -> None:
        live, queue, figures = self.live, self.queue, self.figures
        self.choice.changed.connect(self._show_state)
        live.loaded.connect(self._show_state)
        live.threshold_changed.connect(self._show_threshold)
        live.curves_changed.connect(self._follow_curves)
        live.matches_changed.connect(self._counts.ask)
        self.header.note.linkActivated.connect(lambda scope: self.choice.open(scope=Scope(scope)))
        self.header.slider.value_changed.connect(live.set_threshold)
        self.header.slider.released.connect(live.catch_up)
        self.header.slider.released.connect(queue.pace.catch_up)
        figures.threshold_chosen.connect(live.set_threshold)
        figures.tabs.currentChanged.connect(lambda _tab: self.sizes.show())
        self.soundness.page_wanted.connect(self.request_page)
        queue.filter_changed.connect(self._show_filter)
        queue.current_changed.connect(self._show_current)
        self.queue_panel.selected.connect(self.image.details.show_selected)
        self.queue_panel.selected.connect(lambda _count: self.context.actions.refresh())
        self.image.key_chosen.connect(queue.go_to)
        self.empty.pressed.connect(self._take_next_step)
        self.sending.train_requested.connect(lambda: self.request_page.emit("train"))
        self.sending.prediction_requested.connect(self.choice.predict_chosen)
        self.context.document.closed.connect(self.crops.clear)

    # ---- showing

    def _show_state(self) -> None:
        """Show the review, or what to do to get one."""
        review = self.live.review
        ready = review is not None and review.image_count > 0
        self._set_ready(ready, counted=review is None or not review.unjudged)
        if not self._ready:
            self.image.clear()
            step = next_step(self.context, self.live, self.choice.chosen, self.choice.problem)
            self.empty.show_state(step.icon, step.title, step.text, step.button)
        else:
            self.header.note.show_text(self.choice.note())
            self._show_numbers()
            self._show_filter()
            self._show_current(self.queue.current)
        self.context.actions.refresh()

    def _take_next_step(self) -> None:
        step = next_step(self.context, self.live, self.choice.chosen, self.choice.problem)
        if step.predict is not None:
            self.choice.predict(step.predict)
        elif step.page:
            self.request_page.emit(step.page)

    def _set_ready(self, ready: bool, *, counted: bool = True) -> None:
        """Whether there is something to look at, and figures of it."""
        if (ready, counted) == (self._ready, self._counted):
            return
        came = ready and not self._ready
        self._ready, self._counted = ready, counted
        self.strip.setVisible(ready)
        self.header.tiles.setVisible(counted)
        self.middle.setCurrentWidget(self.image if ready else self.empty)
        for panel in self._hidden:
            panel.show()
        away = self.panels() if not ready else [] if counted else self._of_figures
        self._hidden = [panel for panel in away if not _is_closed(panel)]
        for panel in self._hidden:
            panel.hide()
        for panel in self.panels():
            # nor does the View menu bring back what would show other images' figures
            panel.toggleViewAction().setEnabled(panel not in away)
        if came and self.isVisible():
            self.queue_panel.list.setFocus()

    def _show_numbers(self) -> None:
        """Everything that follows from matches: histogram, curves, counts."""
        review = self.live.review
        if review is None or not self._ready:
            return
        edges, found, false = review.evaluation.score_histogram()
        if self._counted:
            self.header.slider.set_histogram(edges, found, false)
            self.figures.show_curves()
        else:
            self.header.slider.set_histogram(edges, 0 * found, 0 * false)
        self._show_threshold(self.live.threshold)

    def _follow_curves(self) -> None:
        """What an edit has changed about histogram and curves, which nobody waits for."""
        review = self.live.review
        if review is not None and self._ready and self._counted:
            self.header.slider.set_histogram(*review.evaluation.score_histogram())
            self.figures.follow_curves()

    def _show_threshold(self, threshold: float) -> None:
        """Everything that follows from the threshold."""
        review = self.live.review
        if review is None or not self._ready:
            return
        self.header.slider.set_value(threshold)
        if not self._counted:
            return
        counts = review.evaluation.counts(threshold, self.queue.filter.class_id)
        self.header.tiles.set_counts(found=counts.tp, false=counts.fp, missed=counts.fn)
        self.figures.show_threshold(threshold)
        self.sizes.show()

    def _show_filter(self) -> None:
        wanted, review = self.queue.filter, self.live.review
        if review is None or not self._ready:
            return
        self.header.tiles.mark_open(wanted.kinds if wanted.is_whole else None)
        actions = self.context.actions
        actions["review.judged"].setChecked(wanted.shows_judged)
        actions["review.this_image"].setChecked(wanted.image_id is not None)
        self.figures.show_class(wanted.class_id)
        self.figures.mark_cell(wanted.cell)
        self._show_threshold(self.live.threshold)

    def _show_current(self, entry: ErrorEntry | None) -> None:
        if self._ready:
            self.image.show_entry(entry, self.queue.neighbours())
        self.context.actions.refresh()

    # ---- the page comes and goes

    def restore_layout(self) -> None:
        shown = self._ready, self._counted
        self._set_ready(True)
        super().restore_layout()
        self._set_ready(shown[0], counted=shown[1])

    def save_layout(self) -> None:
        """The layout while there is nothing to show, or no figures, is nobody's choice."""
        if self._ready and self._counted:
            super().save_layout()

    def entered(self) -> None:
        self.choice.enter()
        self.live.bring_up_to_date()
        super().entered()

    def left(self) -> None:
        """The Label page shows the same image."""
        if self._ready and self.image.image_id:
            self.context.view.show_image(self.image.image_id)


def _is_closed(panel: QDockWidget) -> bool:
    """Whether somebody closed it; before the window is shown no widget is visible."""
    return panel.isHidden() and panel.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide)


def _no_title() -> QWidget:
    """The tabs of a panel say what is in it."""
    title = QWidget()
    title.setFixedHeight(0)
    return title
