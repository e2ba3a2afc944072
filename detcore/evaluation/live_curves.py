"""Curves of a live evaluation, computed again only for classes whose matches are others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detcore.evaluation.curves import Curve, precision_recall
from detcore.evaluation.live_tables import LiveTables
from detcore.evaluation.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    problem: Problem
    tables: LiveTables
    curve: Curve


class LiveCurves:
    """While an image is edited the curve of a class that it does not touch stays the same object."""

    def __init__(self) -> None:
        self._known: dict[int | None, _Known] = {}

    def curve(self, problem: Problem, tables: LiveTables, class_id: int | None) -> Curve:
        """Of a class, or of all together; see LiveEvaluation.curve."""
        known = self._known.get(class_id)
        if known is not None and _is_same(known, problem, tables, class_id):
            curve = known.curve
        else:
            curve = _of_all(problem, tables) if class_id is None else _of_class(problem, tables, class_id)
        self._known[class_id] = _Known(problem=problem, tables=tables, curve=curve)
        return curve


def _is_same(known: _Known, problem: Problem, tables: LiveTables, class_id: int | None) -> bool:
    old = known.tables
    if old is tables:
        return True
    if known.problem.det_score is not problem.det_score:
        return False
    if class_id is None:
        rows, labels = slice(None), slice(None)
    else:
        label = tables.label(class_id)
        rows = slice(int(tables.class_starts[label]), int(tables.class_starts[label + 1]))
        labels = slice(label, label + 1)
    pairs = (
        (old.hit[rows], tables.hit[rows]),
        (old.loose[rows], tables.loose[rows]),
        (old.positives[labels], tables.positives[labels]),
    )
    return all(np.array_equal(before, now) for before, now in pairs)


def _of_all(problem: Problem, tables: LiveTables) -> Curve:
    known = tables.average_precision[tables.positives > 0]
    ap = float(known.mean()) if len(known) else -1.0
    order = problem.by_score
    order = order[tables.hit[order] | tables.loose[order]]
    return precision_recall(tables.hit[order], int(tables.positives.sum()), problem.det_score[order], ap=ap)


def _of_class(problem: Problem, tables: LiveTables, class_id: int) -> Curve:
    label = tables.label(class_id)
    first, last = int(tables.class_starts[label]), int(tables.class_starts[label + 1])
    order = first + np.flatnonzero(tables.hit[first:last] | tables.loose[first:last])
    return precision_recall(
        tables.hit[order],
        int(tables.positives[label]),
        problem.det_score[order],
        ap=float(tables.average_precision[label]),
    )
