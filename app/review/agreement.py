"""How far another person's labels agree with the project's, found while it is seen."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QTabWidget

from app.review.choice import ReviewChoice
from app.review.figures import ALL_CLASSES
from app.review.live.live_evaluation import LiveReview
from app.review.queue import ReviewQueue
from app.review.widgets.agreement_panel import AgreementPanel, AgreementRow
from app.services.theme import Theme
from detcore.review.kinds import ErrorKind
from detcore.review.two_people import agreement_of


class ReviewAgreement(QObject):
    """The tab is there for labels of a person alone; its figures follow labels and IoU."""

    def __init__(
        self, live: LiveReview, choice: ReviewChoice, queue: ReviewQueue, tabs: QTabWidget, theme: Theme
    ) -> None:
        super().__init__(queue)
        self._live, self._choice, self._queue, self._tabs = live, choice, queue, tabs
        self.panel = AgreementPanel(theme)
        self._before = 0  # the tab that was shown before this one
        self._tab = tabs.addTab(self.panel, "Agreement")
        tabs.setTabToolTip(self._tab, "How far the two people agree whose labels these are")
        tabs.setTabVisible(self._tab, False)
        self.panel.shown.connect(self.show)
        self.panel.table.count_opened.connect(self._open)
        live.loaded.connect(self._follow_run)
        live.curves_changed.connect(self.show)

    def show(self) -> None:
        """Bring the figures up to date, if they are seen."""
        review = self._live.review
        if review is None or review.unjudged or not self.panel.isVisible():
            return
        found = agreement_of(review)
        everything = AgreementRow(
            class_id=None,
            name=ALL_CLASSES,
            color=None,
            yours=found.first,
            theirs=found.second,
            agreed=found.agreed,
            f1=found.f1,
        )
        of_class = {one.class_id: one for one in found.classes}
        rows = [
            AgreementRow(
                class_id=class_id,
                name=item.name,
                color=item.color,
                yours=of_class[class_id].first,
                theirs=of_class[class_id].second,
                agreed=of_class[class_id].agreed,
                f1=of_class[class_id].f1,
            )
            for class_id, item in review.classes.items()
        ]
        self.panel.show_agreement(found, [everything, *rows], review.evaluation.iou_threshold)

    def _follow_run(self) -> None:
        """Another run, or none: the first look at labels of a person shows how far they agree."""
        run = self._choice.chosen
        by_person = run is not None and run.imported is not None and run.imported.by_person
        tabs = self._tabs
        if by_person and not tabs.isTabVisible(self._tab):
            self._before = tabs.currentIndex()
            tabs.setTabVisible(self._tab, True)
            tabs.setCurrentIndex(self._tab)
        elif not by_person and tabs.isTabVisible(self._tab):
            if tabs.currentIndex() == self._tab:
                tabs.setCurrentIndex(self._before)
            tabs.setTabVisible(self._tab, False)
        self.show()

    def _open(self, class_id: int | None, kind: ErrorKind) -> None:
        self._queue.set_filter(self._queue.filter.with_class(class_id).counted(frozenset({kind})))
