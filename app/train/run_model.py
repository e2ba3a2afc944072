"""The runs of a project as a list; a tick puts a run's curves beside those of the run that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from app.services.figures import counted, ratio_text
from detcore.project.runs import RunInfo, RunState

Index = QModelIndex | QPersistentModelIndex

RUN_ROLE = Qt.ItemDataRole.UserRole
COMPARED_ROLE = Qt.ItemDataRole.UserRole + 1
"""The place of a ticked run among the ticked ones, from 0; -1 when it is not ticked."""

STATE_TEXT = {
    RunState.NEW: "Not started",
    RunState.RUNNING: "Running",
    RunState.COMPLETED: "Completed",
    RunState.STOPPED: "Stopped",
    RunState.INTERRUPTED: "Interrupted",
    RunState.FAILED: "Failed",
    RunState.IMPORTED: "Imported",
}


class RunModel(QAbstractListModel):
    """Rows are runs, the newest first.

    Signals:
        compared_changed(): other runs are ticked.
    """

    compared_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs: list[RunInfo] = []
        self._compared: list[str] = []

    @property
    def runs(self) -> list[RunInfo]:
        return self._runs

    @property
    def compared(self) -> list[str]:
        """The names of the ticked runs, in the order in which they were ticked."""
        return self._compared

    def set_runs(self, runs: Sequence[RunInfo]) -> None:
        """Show these runs. Rows stay selected when only their contents are new."""
        runs = list(runs)
        if [run.name for run in runs] == [run.name for run in self._runs]:
            self._runs = runs
            self._announce(range(len(runs)))
            return
        self.beginResetModel()
        self._runs = runs
        names = {run.name for run in runs}
        gone = [name for name in self._compared if name not in names]
        self._compared = [name for name in self._compared if name in names]
        self.endResetModel()
        if gone:
            self.compared_changed.emit()

    def update_run(self, name: str, **values: Any) -> None:
        """Give fields of one run new values, while it trains."""
        row = self.row_of(name)
        if row >= 0:
            self._runs[row] = replace(self._runs[row], **values)
            self._announce([row])

    def row_of(self, name: str) -> int:
        """The row of a run, -1 when there is none."""
        return next((row for row, run in enumerate(self._runs) if run.name == name), -1)

    def run(self, name: str) -> RunInfo | None:
        row = self.row_of(name)
        return self._runs[row] if row >= 0 else None

    def set_compared(self, name: str, compared: bool) -> None:
        if (name in self._compared) == compared:
            return
        if compared:
            self._compared.append(name)
        else:
            self._compared.remove(name)
        self._announce(range(len(self._runs)))
        self.compared_changed.emit()

    def _announce(self, rows: Sequence[int]) -> None:
        if rows:
            self.dataChanged.emit(self.index(rows[0]), self.index(rows[-1]))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._runs)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        run = self._runs[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return run.name
        if role == RUN_ROLE:
            return run
        if role == COMPARED_ROLE:
            return self._compared.index(run.name) if run.name in self._compared else -1
        if role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if run.name in self._compared else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tooltip(run)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{run.name}, {STATE_TEXT[run.state]}, best AP {format_ap(run.best_ap)}"
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if not index.isValid() or role != Qt.ItemDataRole.CheckStateRole:
            return False
        self.set_compared(self._runs[index.row()].name, Qt.CheckState(value) == Qt.CheckState.Checked)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.isValid() else flags


def format_ap(ap: float | None) -> str:
    return "–" if ap is None else ratio_text(ap, digits=3)


def format_duration(seconds: float) -> str:
    """``45 s``, ``4 min 05 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def state_text(run: RunInfo) -> str:
    """What became of a run, and the numbers of those that it comes from: whose errors it learns from, its teacher, and the one of
    whose detector it is a part."""
    parts = [STATE_TEXT[run.state]]
    if run.imported is not None:
        parts.append("labels" if run.imported.by_person else "detections")
    if run.learns_from:
        parts.append(f"errors of {run_number(run.learns_from)}")
    if run.teacher:
        parts.append(f"taught by {run_number(run.teacher)}")
    if run.pruned_from:
        parts.append(f"pruned from {run_number(run.pruned_from)}")
    return " · ".join(parts)


def pruned_text(run: RunInfo) -> str:
    """Of which run a pruned one is a part, and of what share of it."""
    return f"pruned from {run.pruned_from}, {run.kept:.0%} of its channels kept"


def run_number(name: str) -> str:
    """``012`` of ``012-reticle-s``: no two runs of a project have the same."""
    return name.partition("-")[0]


def _tooltip(run: RunInfo) -> str:
    if run.imported is not None:
        what = "Labels of a person" if run.imported.by_person else "Detections of another program"
        return f"<b>{run.name}</b><br>{what}, imported from {escape(run.imported.source)} ({escape(run.imported.format)})"
    lines = [
        f"<b>{run.name}</b>",
        f"{STATE_TEXT[run.state]}, best AP {format_ap(run.best_ap)}",
        f"{counted(run.step, 'step')}, {ratio_text(run.epochs, digits=1)} epochs, {format_duration(run.seconds)}",
    ]
    if run.device:
        lines.append(f"on {run.device}")
    if run.learns_from:
        lines.append(f"learns more from the errors of {run.learns_from}")
    if run.teacher:
        lines.append(f"taught by {run.teacher}")
    if run.pruned_from:
        lines.append(pruned_text(run))
    if run.message:
        lines.append(run.message)
    return "<br>".join(lines)
