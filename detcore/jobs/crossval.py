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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any

from detcore.errors import ProjectError, ReticleError
from detcore.evaluation.coco import evaluate_coco
from detcore.jobs.config import TrainConfig
from detcore.jobs.devices import device_names, environment_alone
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Came:
    """How far a fold has come."""

    step: int = 0
    seconds: float = 0.0
    fraction: float = 0.0
    over: bool = False


class CrossValidationJob:
    """Trains and predicts fold by fold, on several devices several folds at a time; the same calls as a
    ``TrainingJob``.

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
        self._devices = _devices(run)
        self._free: SimpleQueue[str] = SimpleQueue()
        for device in self._devices:
            self._free.put(device)
        self._current = list[TrainingJob | WorkerJob]()
        self._stopping = False
        # Folds speak at the same time, each on threads of its own.
        self._telling = threading.RLock()
        self._came: dict[int, _Came] = {}
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
            current = list(self._current)
        for job in current:
            job.stop()

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
        """Each fold on one device, as many at a time as there are devices; what they find is kept in their order."""
        todo = list[int]()
        for number, held_out in enumerate(self._plan.held_out):
            if self._has_seen(held_out):
                self._note(number)
            else:
                todo.append(number)
        with ThreadPoolExecutor(max_workers=len(self._devices), thread_name_prefix="fold") as lanes:
            futures = [lanes.submit(self._one_fold, number) for number in todo]
            ends = list[Outcome]()
            for number, future in zip(todo, futures, strict=True):
                if (end := future.result()) is None:
                    self._keep(number)
                else:
                    ends.append(end)
        if ends:
            # One that fails stops the others.
            return next((end for end in ends if not end.good), ends[0])
        result = self._judge()
        ended = Ended(reason=EndReason.COMPLETED, time=time.time(), result=result)
        return Outcome(state=OutcomeState.COMPLETED, text="cross-validation completed", ended=ended)

    def _one_fold(self, number: int) -> Outcome | None:
        """Train and predict a fold on a device that is free; returns what ends the whole before its end, if
        anything does."""
        fold, device = fold_folder(self._run, number), self._free.get()
        try:
            for what in ("train", "predict"):
                outcome = outcome_of(lambda what=what: self._one_job(what, fold, number, device))
                if not outcome.good:
                    self.stop()
                    return outcome
                if outcome.state is OutcomeState.STOPPED:
                    ended = Ended(reason=EndReason.STOPPED, time=time.time())
                    return Outcome(state=OutcomeState.STOPPED, text="cross-validation stopped", ended=ended)
        finally:
            self._free.put(device)
        self._note(number)
        return None

    def _keep(self, number: int) -> None:
        """Add what a fold has found to the whole."""
        fold, held_out = fold_folder(self._run, number), self._plan.held_out[number]
        merge_detections(
            self._run,
            load_detections(fold),
            image_ids=predicted_images(fold).intersection(held_out),
            left_out=left_out_images(fold).intersection(held_out),
            answers=load_answers(fold),
        )

    def _has_seen(self, held_out: Sequence[int]) -> bool:
        """Whether a fold has looked at the images that it was not trained on, but for those it cannot read."""
        run = self._run
        if not run.detections.is_file() or detections_fault(run) is not None:
            return False
        return set(held_out) <= predicted_images(run) | left_out_images(run)

    def _note(self, number: int) -> None:
        """Count a fold that is done."""
        history = read_run(fold_folder(self._run, number))
        with self._telling:
            self._came[number] = _Came(step=history.step, seconds=history.seconds, fraction=1.0, over=True)

    def _one_job(self, what: str, fold: RunFolder, number: int, device: str) -> Outcome:
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
            several = ["--device", device] if len(self._devices) > 1 else []
            environment = _environment(len(self._devices))
            if what == "train":
                argv = self._command("train", path, *several)
                job = TrainingJob(argv, on_event=hear, environment=environment)
            else:
                argv = self._command("predict", path, "--split", HELD_OUT_SPLIT, *several)
                job = WorkerJob(argv, on_event=hear, what="prediction", environment=environment)
            job.start()
            self._current.append(job)
        outcome = job.wait()
        with self._lock:
            self._current.remove(job)
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
        with self._telling:
            self._tell(event, number)

    def _tell(self, event: Event, number: int) -> None:
        folds = len(self._plan.held_out)
        name = f"Fold {number + 1} of {folds}"
        if isinstance(event, Started):
            self._say(
                Log(level="info", text=f"{name}: {counted(event.images, 'image')}, {event.device_name}")
            )
            self._came[number] = _Came(step=event.step)
            if not self._begun:
                self._begun = True
                self._say(replace(event, step=self._steps))
        elif isinstance(event, Step):
            self._came[number] = _Came(step=event.step, seconds=event.time, fraction=event.fraction)
            self._say(
                replace(
                    event,
                    step=self._steps,
                    time=self._seconds,
                    fraction=sum(came.fraction for came in self._came.values()) / folds,
                    remaining=_remaining(event, math.ceil((folds - len(self._came)) / len(self._devices))),
                    part=name,
                )
            )
        elif isinstance(event, Validation):
            self._say(Log(level="info", text=f"{name}: AP {event.metrics['AP']:.3f}"))
        elif isinstance(event, Progress):
            over = sum(came.over for came in self._came.values())
            done, total = over * event.total + event.done, folds * event.total
            self._say(Progress(done=done, total=total, text=f"{name}: {event.text}"))
        elif isinstance(event, Log):
            self._say(Log(level=event.level, text=f"{name}: {event.text}"))

    @property
    def _steps(self) -> int:
        """Of all folds so far."""
        return sum(came.step for came in self._came.values())

    @property
    def _seconds(self) -> float:
        """Of training, of all folds so far, also of those that train at the same time."""
        return sum(came.seconds for came in self._came.values())

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
                step=self._steps,
                epoch=0.0,
                time=self._seconds,
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


def _devices(run: RunFolder) -> tuple[str, ...]:
    """The devices that its folds are divided among; settings that cannot be read are for the folds to tell of."""
    try:
        return device_names(TrainConfig.load(run.config).runtime.device)
    except ReticleError:
        return ("auto",)


def _environment(lanes: int) -> dict[str, str]:
    """Each fold works by itself, whoever started the whole, and with its share of the processor."""
    share = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // lanes))} if lanes > 1 else {}
    return {**share, **environment_alone()}


def _remaining(event: Step, folds: int) -> float | None:
    """Seconds of training to the end: of this fold, and as long as this one for each that follows it."""
    if event.remaining is None:
        return None
    return event.remaining + folds * (event.time + event.remaining)
