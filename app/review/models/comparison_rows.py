"""Two runs compared, as rows to read: figures, counts, and which differences are more than chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QLocale

from app.services.figures import AP, AP_TIP, ap_at_tip, count_text, ratio_text
from detcore.evaluation.bootstrap import Interval
from detcore.evaluation.labels_and_model import ByLabels, ByModel, Cell
from detcore.evaluation.live import Counts
from detcore.wording import ap_name

BETTER, WORSE, UNCLEAR = "better", "worse", "no clear difference"
HIGHER, LOWER = "higher", "lower"
_COUNTS: tuple[tuple[str, str, Callable[[Counts], int]], ...] = (
    ("Found", "Labels that a detection matches", lambda counts: counts.tp),
    ("False", "Detections without a label", lambda counts: counts.fp),
    ("Missed", "Labels that no detection matches", lambda counts: counts.fn),
)


@dataclass(frozen=True, kw_only=True)
class ComparisonRow:
    """``cells``: old labels and old model, new labels and old model, new labels and new model; the
    differences are between the first two and between the last two. ``by_labels_range``: how far the first
    would move with other images, "" where that is not known."""

    name: str
    tip: str
    cells: tuple[str, str, str]
    by_labels: str
    by_model: str
    by_labels_range: str = ""


@dataclass(frozen=True, kw_only=True)
class IntervalRow:
    """A difference with its interval, and what it comes to in plain words: of a comparison that is not
    ``fair`` only which figure is the higher one."""

    name: str
    difference: Interval
    fair: bool = True

    @property
    def verdict(self) -> str:
        return verdict_on(self.difference, fair=self.fair)

    @property
    def text(self) -> str:
        """The difference and how far it would move with other images."""
        return f"{signed_text(self.difference.value)} ({range_text(self.difference)})"


def verdict_on(difference: Interval, *, fair: bool = True) -> str:
    """Better or worse only where the whole interval is on one side of zero."""
    if difference.low > 0:
        return BETTER if fair else HIGHER
    if difference.high < 0:
        return WORSE if fair else LOWER
    return UNCLEAR


def signed_text(value: float) -> str:
    """A difference of scores with its sign, of the length that fits in a table."""
    if value != value:
        return "–"
    rounded = round(value, 3)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return sign + QLocale().toString(abs(rounded), "f", 3)


def range_text(difference: Interval) -> str:
    """From where to where it lies."""
    return f"{signed_text(difference.low)} to {signed_text(difference.high)}"


def interval_rows(by_model: ByModel, iou_threshold: float, *, fair: bool) -> list[IntervalRow]:
    return [
        IntervalRow(name=AP, difference=by_model.ap.difference, fair=fair),
        IntervalRow(name=ap_name(iou_threshold), difference=by_model.ap_at_iou.difference, fair=fair),
    ]


def comparison_rows(
    by_model: ByModel,
    by_labels: ByLabels | None,
    *,
    unchanged: bool,
    thresholds: tuple[float, float],
    iou_threshold: float,
) -> list[ComparisonRow]:
    """``thresholds`` of the old and the new model. ``unchanged``: the old labels are the new ones."""
    old, relabelled, new = _cells(by_model, by_labels, unchanged=unchanged)
    base = None if by_labels is None else by_labels.new
    rows = [
        _figure_row(
            AP,
            AP_TIP,
            (old, relabelled, new),
            base,
            lambda cell: cell.ap,
            None if by_labels is None else by_labels.ap,
        ),
        _figure_row(
            ap_name(iou_threshold),
            ap_at_tip(iou_threshold, limited=True),
            (old, relabelled, new),
            base,
            lambda cell: cell.ap_at_iou,
            None if by_labels is None else by_labels.ap_at_iou,
        ),
    ]
    columns = [
        None if cell is None else cell.counts(threshold)
        for cell, threshold in (
            (old, thresholds[0]),
            (relabelled, thresholds[0]),
            (new, thresholds[1]),
            (base or relabelled, thresholds[0]),
        )
    ]
    for name, tip, count in _COUNTS:
        before, middle, after, compared = (None if one is None else count(one) for one in columns)
        rows.append(
            ComparisonRow(
                name=name,
                tip=tip,
                cells=(_count(before), _count(middle), _count(after)),
                by_labels=_apart(before, compared),
                by_model=_apart(middle, after),
            )
        )
    return rows


def _cells(
    by_model: ByModel, by_labels: ByLabels | None, *, unchanged: bool
) -> tuple[Cell | None, Cell, Cell]:
    if by_labels is not None:
        return by_labels.old, by_model.old, by_model.new
    return (by_model.old if unchanged else None), by_model.old, by_model.new


def _figure_row(
    name: str,
    tip: str,
    cells: tuple[Cell | None, Cell, Cell],
    base: Cell | None,
    figure: Callable[[Cell], float],
    interval: Interval | None,
) -> ComparisonRow:
    """``base`` is the old model over new labels on the images that the old labels are of."""
    old, relabelled, new = cells
    by_labels = float("nan") if old is None else figure(base or relabelled) - figure(old)
    texts = tuple("–" if cell is None else ratio_text(figure(cell), digits=3) for cell in cells)
    return ComparisonRow(
        name=name,
        tip=tip,
        cells=(texts[0], texts[1], texts[2]),
        by_labels=signed_text(by_labels),
        by_model=signed_text(figure(new) - figure(relabelled)),
        by_labels_range="" if interval is None else range_text(interval),
    )


def _count(number: int | None) -> str:
    return "–" if number is None else count_text(number)


def _apart(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return "–"
    change = after - before
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    return sign + count_text(abs(change))
