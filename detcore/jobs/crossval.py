"""Detections of models that have not been trained on the images they look at, for all labelled images.

The labelled images are divided into folds. For each fold a detector is trained on the others, in a worker
process as any training is, and looks at the images left out; what it finds goes into one run,
``NNN-crossval``, that opens like any other. The folds lie in its folder ``folds``, each a run of its own, so
that an interrupted job goes on where it was.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from detcore.errors import ProjectError
from detcore.evaluation.coco import evaluate_coco
from detcore.jobs.events import (
    Ended,
    EndReason,
    Event,
    Failed,
    FailureKind,
    Log,
    Progress,
    Started,
    Step,
    Validation,
    encode,
)
from detcore.jobs.outcomes import Conclusion, outcome_of
from detcore.jobs.owner import Outcome, OutcomeState, TrainingJob, WorkerJob, worker_command
from detcore.project.cross_validation import HELD_OUT_SPLIT, fold_folder, read_plan
from detcore.project.runs import (
    RunFolder,
    RunState,
    detections_fault,
    is_running,
    left_out_images,
    load_answers,
    load_detections,
    merge_detections,
    predicted_images,
    read_run,
    write_pid,
)
from detcore.project.snapshot import Snapshot
from detcore.wording import counted

_log = logging.getLogger(__name__)
_PARTING_SECONDS = 30.0


class CrossValidationJob:
    """Trains and predicts fold by fold; the same calls as a ``TrainingJob``.

    ``on_event`` gets steps, progress and log lines of the whole, and the figures over all folds at the end;
    the run's events.jsonl holds the same. ``command`` makes the command line of a worker.
    """

    def __init__(
        self,
        run: RunFolder,
        *,
        on_event: Callable[[Event], None],
        on_end: Callable[[Outcome], None] | None = None,
        command: Callable[..., Sequence[str]] = worker_command,
    ) -> None:
        self._run = run
        self._on_event = on_event
        self._conclusion = Conclusion(on_end)
        self._command = command
        self._plan = read_plan(run)
        self._lock = threading.Lock()
        self._current: TrainingJob | WorkerJob | None = None
        self._stopping = False
        self._steps_before, self._seconds_before = 0, 0.0
        self._begun = False

    def start(self) -> None:
        """Start or go on; returns at once.

        Raises:
            ProjectError: it is running already.
        """
        if is_running(self._run):
            raise ProjectError("another process works on this run", path=self._run.path, hint="Stop it first")
        write_pid(self._run, os.getpid())
        threading.Thread(
            target=self._conclusion.draw, args=(self._work,), name="cross-validation", daemon=True
        ).start()

    @property
    def running(self) -> bool:
        return not self._conclusion.reached

    @property
    def outcome(self) -> Outcome | None:
        return self._conclusion.outcome

    def stop(self) -> None:
        """Stop at the next step; what was trained and found is kept. Returns at once."""
        with self._lock:
            self._stopping = True
            current = self._current
        if current is not None:
            current.stop()

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """Wait for the end; ``None`` when ``timeout`` seconds went by first."""
        return self._conclusion.wait(timeout)

    def _work(self) -> Outcome:
        """All folds, and a last event that says what came of them."""
        outcome = outcome_of(self._all_folds)
        try:
            if not outcome.good:
                failure = outcome.failure or FailureKind.BUG
                self._say(Failed(failure=failure, message=outcome.text, hint=outcome.hint))
            elif outcome.ended is not None:
                self._say(outcome.ended)
        finally:
            self._run.pid.unlink(missing_ok=True)
        return outcome

    def _all_folds(self) -> Outcome:
        for number, held_out in enumerate(self._plan.held_out):
            fold = fold_folder(self._run, number)
            if self._has_seen(held_out):
                self._count(fold)
                continue
            for what in ("train", "predict"):
                outcome = self._one_job(what, fold, number)
                if not outcome.good:
                    return outcome
                if outcome.state is OutcomeState.STOPPED:
                    ended = Ended(reason=EndReason.STOPPED, time=time.time())
                    return Outcome(state=OutcomeState.STOPPED, text="cross-validation stopped", ended=ended)
            self._count(fold)
            merge_detections(
                self._run,
                load_detections(fold),
                image_ids=predicted_images(fold).intersection(held_out),
                left_out=left_out_images(fold).intersection(held_out),
                answers=load_answers(fold),
            )
        result = self._judge()
        ended = Ended(reason=EndReason.COMPLETED, time=time.time(), result=result)
        return Outcome(state=OutcomeState.COMPLETED, text="cross-validation completed", ended=ended)

    def _has_seen(self, held_out: Sequence[int]) -> bool:
        """Whether a fold has looked at the images that it was not trained on, but for those it cannot read."""
        run = self._run
        if not run.detections.is_file() or detections_fault(run) is not None:
            return False
        return set(held_out) <= predicted_images(run) | left_out_images(run)

    def _count(self, fold: RunFolder) -> None:
        """Add what a fold has trained to the whole."""
        history = read_run(fold)
        self._steps_before += history.step
        self._seconds_before += history.seconds

    def _one_job(self, what: str, fold: RunFolder, number: int) -> Outcome:
        """Train a fold unless that is done, or let it predict."""
        if what == "train" and read_run(fold).state == RunState.COMPLETED:
            return Outcome(state=OutcomeState.COMPLETED, text="trained before")
        self._let_go(fold)

        def hear(event: Event) -> None:
            self._pass_on(event, number)

        path = str(fold.path)
        with self._lock:
            if self._stopping:
                return Outcome(state=OutcomeState.STOPPED, text="stopped")
            if what == "train":
                job = TrainingJob(self._command("train", path), on_event=hear)
            else:
                arguments = self._command("predict", path, "--split", HELD_OUT_SPLIT)
                job = WorkerJob(arguments, on_event=hear, what="prediction")
            job.start()
            self._current = job
        outcome = job.wait()
        if outcome is None:
            raise RuntimeError("a job ended without an outcome")
        return outcome

    def _let_go(self, fold: RunFolder) -> None:
        """Wait for what an owner that was killed has left behind: it writes its checkpoint and ends."""
        until = time.monotonic() + _PARTING_SECONDS
        while is_running(fold) and not self._stopping and time.monotonic() < until:
            time.sleep(0.1)

    def _pass_on(self, event: Event, number: int) -> None:
        """An event of a fold as one of the whole."""
        folds = len(self._plan.held_out)
        name = f"Fold {number + 1} of {folds}"
        if isinstance(event, Started):
            self._say(
                Log(level="info", text=f"{name}: {counted(event.images, 'image')}, {event.device_name}")
            )
            if not self._begun:
                self._begun = True
                self._say(replace(event, step=self._steps_before + event.step))
        elif isinstance(event, Step):
            self._say(
                replace(
                    event,
                    step=self._steps_before + event.step,
                    time=self._seconds_before + event.time,
                    fraction=(number + event.fraction) / folds,
                    remaining=_remaining(event, folds - number - 1),
                    part=name,
                )
            )
        elif isinstance(event, Validation):
            self._say(Log(level="info", text=f"{name}: AP {event.metrics['AP']:.3f}"))
        elif isinstance(event, Progress):
            done, total = number * event.total + event.done, folds * event.total
            self._say(Progress(done=done, total=total, text=f"{name}: {event.text}"))
        elif isinstance(event, Log):
            self._say(Log(level=event.level, text=f"{name}: {event.text}"))

    def _judge(self) -> dict[str, Any]:
        """The figures over all images, each seen by a model that has not been trained on it."""
        found = load_detections(self._run)
        snapshot = Snapshot.load(self._run.snapshot).only(predicted_images(self._run))
        image_ids, names = [image.id for image in snapshot.images], {c.id: c.name for c in snapshot.classes}
        coco = evaluate_coco(snapshot.ground_truth, found, image_ids, sorted(names))
        stats = {name: value if value >= 0 else math.nan for name, value in coco.stats.items()}
        per_class = {names[class_id]: one["AP"] for class_id, one in coco.per_class.items() if one["AP"] >= 0}
        self._say(
            Validation(
                step=self._steps_before,
                epoch=0.0,
                time=self._seconds_before,
                metrics=stats,
                per_class=per_class,
                best=True,
            )
        )
        return {"best_AP": coco.stats["AP"], "detections": len(found), "images": len(image_ids)}

    def _say(self, event: Event) -> None:
        with self._run.events.open("a", encoding="utf-8") as file:
            file.write(encode(event) + "\n")
        self._on_event(event)


def _remaining(event: Step, folds: int) -> float | None:
    """Seconds of training to the end: of this fold, and as long as this one for each of the others."""
    if event.remaining is None:
        return None
    return event.remaining + folds * (event.time + event.remaining)
