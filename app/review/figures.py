"""Class table, curves and confusion matrix of the Review page, kept in step with the review."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QTabWidget

from app.review.live.live_evaluation import LiveReview
from app.review.models.class_metrics_model import ClassMetricsModel, ClassRow
from app.review.models.score_curve import ScoreCurve
from app.review.models.threshold_goal import ThresholdGoal
from app.review.plots.calibration_plot import CalibrationPlot
from app.review.plots.confidence_plot import ConfidencePlot
from app.review.plots.confusion_matrix import ConfusionMatrix, scrolled
from app.review.plots.pr_plot import PrPlot
from app.review.widgets.class_table import ClassTable
from app.services.theme import Theme
from app.services.timing import IdleRunner
from detcore.evaluation.curves import Curve
from detcore.evaluation.scores import reliability
from detcore.evaluation.thresholds import OperatingPoint
from detcore.review.filter import BACKGROUND_ID
from detcore.types import ObjectClass

ALL_CLASSES = "All classes"
_CALIBRATION_BINS = 20
# the names are short so that all tabs fit below the image of a small window
_TAB_TIPS = (
    "Precision over recall",
    "Precision, recall and F1 over the confidence threshold",
    "Confusion matrix: what is labelled, and what is detected.\nEach object counts once: "
    "what lies on an object that something better has found is detected background",
    "Whether confidences mean what they say",
)


class ReviewFigures(QObject):
    """Owns the widgets; the page puts them into its panels."""

    # A point of a curve was clicked: its threshold.
    threshold_chosen = Signal(float)
    # A point of a precision-recall curve was clicked: class id, None for all classes, and threshold.
    point_chosen = Signal(object, float)

    def __init__(self, live: LiveReview, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._live = live
        self._curves: dict[int | None, ScoreCurve] = {}
        self._aps: dict[int | None, float] = {}
        self._best: dict[int | None, OperatingPoint | None] = {}
        self._chosen: int | None = None
        self._idle_runner = IdleRunner(self)
        self.classes = ClassMetricsModel(self)
        self.table = ClassTable(self.classes, theme)
        self.pr_plot = PrPlot(theme)
        self.confidence_plot = ConfidencePlot(theme)
        self.calibration = CalibrationPlot(theme)
        self.matrix = ConfusionMatrix(theme)
        self._matrix_tab = scrolled(self.matrix)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.pr_plot, "PR curves")
        self.tabs.addTab(self.confidence_plot, "By confidence")
        self.tabs.addTab(self._matrix_tab, "Confusion")
        self.tabs.addTab(self.calibration, "Calibration")
        for place, tip in enumerate(_TAB_TIPS):
            self.tabs.setTabToolTip(place, tip)
        self.tabs.currentChanged.connect(lambda _tab: self._show_tab())
        self.table.threshold_chosen.connect(self.threshold_chosen)
        self.table.menu.goal_chosen.connect(self._set_goal)
        self.pr_plot.point_chosen.connect(self.point_chosen)
        self.confidence_plot.threshold_chosen.connect(self.threshold_chosen)
        self.calibration.threshold_chosen.connect(self.threshold_chosen)

    def show_curves(self) -> None:
        """Compute the curves anew: matches have changed."""
        self.follow_curves()
        self._idle_runner.finish()

    def follow_curves(self) -> None:
        """The same, when there is time for it. The old ones are shown until then."""
        self._idle_runner.start(self._curve_steps())

    def _curve_steps(self) -> Iterator[None]:
        review = self._live.review
        if review is None:
            return
        curves: dict[int | None, ScoreCurve] = {}
        aps: dict[int | None, float] = {}
        best: dict[int | None, OperatingPoint | None] = {}
        for class_id in (None, *review.classes):
            item = None if class_id is None else review.classes[class_id]
            found = review.evaluation.curve(class_id)
            yield
            aps[class_id] = found.ap
            curve = _score_curve(class_id, item, found)
            old = self._curves.get(class_id)
            if old is not None and curve.shows_same(old):
                curves[class_id], best[class_id] = old, self._best[class_id]
            else:
                curves[class_id], best[class_id] = curve, self._best_of(curve)
        if review is self._live.review:
            is_same = list(self._curves.values()) == list(curves.values())
            self._curves, self._aps, self._best = curves, aps, best
            if not is_same:
                self.show_class(self._chosen)
                yield
            self.show_threshold(self._live.threshold)

    def show_class(self, chosen: int | None) -> None:
        """Let one class stand out, or all together."""
        self._chosen = chosen
        if chosen in self._curves:
            self.pr_plot.set_curves(list(self._curves.values()), chosen=chosen)
            self.confidence_plot.set_curve(self._curves[chosen])
            self._show_calibration()
        self.table.show_class(chosen)

    def show_threshold(self, threshold: float) -> None:
        """Counts and marks at a threshold; of the tabs only the one that is seen."""
        review = self._live.review
        if review is None or review.classes.keys() != self._curves.keys() - {None}:
            return  # curves of another set of classes: show_curves is about to come
        self.classes.set_rows(self._rows(threshold))
        if self.table.currentIndex().row() != self.classes.row_of(self._chosen):
            self.table.show_class(self._chosen)
        self.table.set_threshold(threshold)
        self.pr_plot.set_threshold(threshold)
        self.confidence_plot.set_threshold(threshold)
        self.calibration.set_threshold(threshold)
        if self.tabs.currentWidget() is self._matrix_tab:
            names = [review.classes[item].name for item in review.evaluation.class_ids.tolist()]
            self.matrix.set_counts(names, review.evaluation.confusion(threshold))

    def mark_cell(self, cell: tuple[int, int] | None) -> None:
        """Mark the cell (label, detection class ids) whose pairs are listed."""
        review = self._live.review
        if cell is None or review is None:
            self.matrix.mark_chosen(-1, -1)
            return
        ids = [*review.evaluation.class_ids.tolist(), BACKGROUND_ID]
        self.matrix.mark_chosen(ids.index(cell[0]), ids.index(cell[1]))

    def _set_goal(self, goal: ThresholdGoal) -> None:
        self._idle_runner.finish()
        self.classes.set_goal(goal)
        self._best = {class_id: self._best_of(curve) for class_id, curve in self._curves.items()}
        self.show_threshold(self._live.threshold)

    def _best_of(self, curve: ScoreCurve) -> OperatingPoint | None:
        review = self._live.review
        images = 0 if review is None else review.image_count
        return self.classes.goal.best(curve.points(images))

    def _show_tab(self) -> None:
        """What is computed only while it is seen."""
        self._show_calibration()
        self.show_threshold(self._live.threshold)

    def _show_calibration(self) -> None:
        curve = self._curves.get(self._chosen)
        if curve is not None and self.tabs.currentWidget() is self.calibration:
            self.calibration.set_reliability(reliability(curve.scores, curve.hits(), bins=_CALIBRATION_BINS))

    def _rows(self, threshold: float) -> list[ClassRow]:
        review = self._live.review
        if review is None:
            return []
        summaries = {row.class_id: row for row in review.evaluation.per_class(threshold)}
        total = [0, 0, 0, 0]
        rows: list[ClassRow] = []
        for class_id, item in review.classes.items():
            found = summaries[class_id]
            numbers = (found.tp, found.fp, found.fn, found.gt_count)
            total = [a + b for a, b in zip(total, numbers, strict=True)]
            rows.append(self._row(class_id, item.name, item.color, numbers))
        return [self._row(None, ALL_CLASSES, None, (total[0], total[1], total[2], total[3])), *rows]

    def _row(
        self, class_id: int | None, name: str, color: str | None, numbers: tuple[int, int, int, int]
    ) -> ClassRow:
        review = self._live.review
        return ClassRow(
            class_id=class_id,
            name=name,
            color=color,
            ap=self._aps[class_id],
            labels=numbers[3],
            counts=numbers[:3],
            curve=self._curves[class_id],
            best=self._best[class_id],
            iou_threshold=0.5 if review is None else review.evaluation.iou_threshold,
        )


def _score_curve(class_id: int | None, item: ObjectClass | None, curve: Curve) -> ScoreCurve:
    return ScoreCurve(
        class_id=class_id,
        name=ALL_CLASSES if item is None else item.name,
        color=None if item is None else QColor(item.color),
        scores=curve.scores,
        precision=curve.precision,
        recall=curve.recall,
    )
