"""What the user is told of a run's process: its warnings, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.services.actions import REVIEW
from app.services.context import AppContext
from app.services.figures import count_text, ratio_text
from app.train.control import CROSS_VALIDATING, EXPORTING, PREDICTING, RunControl
from app.train.histories import RunHistories
from detcore.jobs.events import Event, FailureKind, Log
from detcore.jobs.outcomes import judgement
from detcore.jobs.owner import Outcome, OutcomeState
from detcore.project.cross_validation import is_cross_validation
from detcore.project.opening import SUFFIX
from detcore.project.runs import RunFolder

ENDINGS = {
    OutcomeState.COMPLETED: "completed",
    OutcomeState.FINISHED_EARLY: "finished early",
    OutcomeState.STOPPED: "stopped and kept",
}

Action = tuple[str, Callable[[], None]]


class RunEndings(QObject):
    """Turns warnings and outcomes into messages with the way on.

    Signals:
        review_requested(str): the user wants to see the detections of that run.
    """

    review_requested = Signal(str)

    def __init__(
        self,
        context: AppContext,
        control: RunControl,
        histories: RunHistories,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._control = control
        self._histories = histories
        control.ended.connect(self._ended)
        context.jobs.events.connect(self._warn)

    def _warn(self, run: Path, events: list[Event]) -> None:
        """Pass on what a run warns of (memory, silence, images left out): one message a batch."""
        warnings = [event.text for event in events if isinstance(event, Log) and event.level == "warning"]
        if warnings and self._context.document.holds_run(run):
            more = f" ({len(warnings) - 1} more in the log)" if len(warnings) > 1 else ""
            self._context.messages.warning(f"{run.name}: {warnings[0]}{more}", details="\n".join(warnings))

    def _ended(self, run: Path, verb: str, outcome: Outcome) -> None:
        if verb == EXPORTING:
            return  # whoever asked for it tells
        if not self._context.document.holds_run(run):
            self._tell_elsewhere(run, verb, outcome)
        elif not outcome.good:
            self._tell_failure(run, verb, outcome)
        elif verb == PREDICTING:
            self._offer_review(run, f"{run.name}: predictions are ready.")
        else:
            self._tell_end(run, outcome)

    def _tell_elsewhere(self, run: Path, verb: str, outcome: Outcome) -> None:
        """The run of a project that is not shown any more; it was stopped when that was closed."""
        what = {PREDICTING: "Prediction", CROSS_VALIDATING: "Cross-validation"}.get(verb, "Training")
        project = run.parent.parent.name.removesuffix(SUFFIX)
        if outcome.good:
            state = ENDINGS[outcome.state]
            how = state if verb != PREDICTING or outcome.state is OutcomeState.COMPLETED else "stopped"
            self._context.messages.info(f"{what} in {project} was {how}: {run.name}.")
        else:
            reason = outcome.text.rstrip(". ")
            self._context.messages.warning(f"{what} in {project} ended ({run.name}): {reason}.")

    def _tell_failure(self, run: Path, verb: str, outcome: Outcome) -> None:
        name, words = run.name, self._context.jobs.last_words(run)
        reason = f"{outcome.text}. {outcome.hint}".rstrip(". ") + "."
        self._histories.add(name, Log(level="error", text=f"{reason}\n{words}".rstrip()))
        way_on = None if verb == PREDICTING else self._again(run, outcome)
        self._context.messages.warning(
            f"{name}: {reason}", way_on, details=words, applies=lambda: self._is_idle(run)
        )

    def _tell_end(self, run: Path, outcome: Outcome) -> None:
        name = run.name
        history = self._histories.get(name)
        result: dict[str, Any] = {} if outcome.ended is None else dict(outcome.ended.result)
        if history is not None and history.best is not None:
            result["best_AP"] = history.best[1]
        judged = judgement(result, ratio=lambda value: ratio_text(value, digits=3), number=count_text)
        text = f"{name} {ENDINGS[outcome.state]}{', ' if judged else ''}{judged}."
        if outcome.state is OutcomeState.STOPPED:
            self._context.messages.info(text, self._again(run, outcome), applies=lambda: self._is_idle(run))
        else:
            self._offer_review(run, text)

    def _offer_review(self, run: Path, text: str) -> None:
        """Lead to what a run has found, until that is looked at."""
        actions, view = self._context.actions, self._context.view
        review = ("Review", lambda: self.review_requested.emit(run.name))
        self._context.messages.success(
            text, review, applies=lambda: not (actions.scope == REVIEW and view.reviewed_run == run.name)
        )

    def _is_idle(self, run: Path) -> bool:
        """Whether the run is still there, and nothing goes on with it."""
        return run.is_dir() and run not in self._context.jobs.active()

    def _again(self, run: Path, outcome: Outcome) -> Action | None:
        """The way on from a run that ended before its time; none when it would fail again at once."""
        if outcome.failure is FailureKind.BAD_INPUT:
            return None
        folder = RunFolder(run)
        kept = outcome.last_checkpoint is not None or folder.last.is_file() or is_cross_validation(folder)
        return ("Resume" if kept else "Try again", lambda: self._control.resume_again(folder))
