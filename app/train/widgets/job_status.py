"""Where a run stands: its name, how far it is, how long it will take."""

from __future__ import annotations

from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from app.train.run_history import RunHistory
from app.train.run_model import STATE_TEXT, format_ap, format_duration, pruned_text
from app.widgets.figure import Figure
from app.widgets.flow_layout import FlowLayout
from detcore.project.cross_validation import MODEL_NAME as CROSS_VALIDATION
from detcore.project.runs import RunInfo, RunState

STEPS = 1000
LEARNS_FROM = "Images in which that run erred are drawn more often; the log says how many"


class JobStatus(QWidget):
    """The head of the page's middle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.state = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignBottom)
        self.state.setProperty("role", "muted")
        self.time_left = QLabel()
        self.progress = QProgressBar(textVisible=False, maximum=STEPS)
        self.best = Figure("Best AP")
        self.step = Figure("Step")
        self.epoch = Figure("Epoch")
        self.speed = Figure("Images/s")
        self.memory = Figure("Memory")
        self.time = Figure("Time")
        self.device = Figure("Device")
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.title)
        head.addWidget(self.state, 1)
        head.addWidget(self.time_left, 0, Qt.AlignmentFlag.AlignBottom)
        figures = FlowLayout(spacing=8)
        for figure in (self.best, self.step, self.epoch, self.speed, self.memory, self.time, self.device):
            figures.addWidget(figure)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 16, 8)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self.progress)
        layout.addLayout(figures)

    def show_run(self, run: RunInfo, history: RunHistory, *, doing: str = "") -> None:
        """``doing`` says what its process is at, such as "Stopping…"; "" when it has none."""
        locale = QLocale()
        step, pace = history.step, history.pace
        self.title.setText(run.name)
        learns_from = f" · learns from the errors of {run.learns_from}" if run.learns_from else ""
        state = _doing_line(doing, history.part) if doing else _state_line(run)
        teacher = f" · taught by {run.teacher}" if run.teacher else ""
        pruned = f" · {pruned_text(run)}" if run.pruned_from else ""
        self.state.setText(f"{state}{learns_from}{teacher}{pruned}")
        self.state.setToolTip(
            "\n".join(line for line in (run.message, LEARNS_FROM if learns_from else "") if line)
        )
        self.progress.setVisible(bool(doing))
        self._show_progress(history)
        best = history.best[1] if history.best is not None else run.best_ap
        self.best.show_text(format_ap(best))
        self.step.show_text(locale.toString(run.step if step is None else step.step))
        self.epoch.show_text(locale.toString(float(run.epochs if step is None else step.epoch), "f", 1))
        self.speed.setVisible(bool(doing))
        self.speed.show_text("–" if pace is None else locale.toString(float(pace.images_per_second), "f", 1))
        memory = pace.held if pace is not None and doing else None
        self.memory.setVisible(memory is not None)
        self.memory.show_text("–" if memory is None else f"{locale.toString(memory / 2**30, 'f', 1)} GiB")
        self.time.show_text(format_duration(run.seconds if step is None else step.time))
        device = history.started.device_name if history.started is not None else run.device
        self.device.show_text(device or "–")
        remaining = pace.remaining if pace is not None and doing and history.progress is None else None
        self.time_left.setText("" if remaining is None else f"{format_duration(remaining)} left")

    def _show_progress(self, history: RunHistory) -> None:
        progress = history.progress
        if progress is not None:
            self.progress.setRange(0, progress.total)
            self.progress.setValue(progress.done)
        elif history.pace is not None:
            self.progress.setRange(0, STEPS)
            self.progress.setValue(round(STEPS * history.pace.fraction))
        else:
            self.progress.setRange(0, 0)


def _doing_line(doing: str, part: str) -> str:
    return doing if part in ("", doing) else f"{doing} · {part}"


def _state_line(run: RunInfo) -> str:
    text = STATE_TEXT[run.state]
    if run.state is RunState.FAILED and run.message:
        return f"{text}: {run.message}"
    if run.state is RunState.INTERRUPTED and run.model == CROSS_VALIDATION:
        return f"{text}: Resume goes on with the fold it was at"
    if run.state is RunState.INTERRUPTED and run.has_checkpoint:
        return f"{text}: Resume goes on from the last checkpoint"
    return text
