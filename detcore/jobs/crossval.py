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
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from detcore.errors import ProjectError, ReticleError
from detcore.evaluation.coco import evaluate_coco
from detcore.jobs.config import TrainConfig
from detcore.jobs.devices import device_names
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
from detcore.jobs.fold_jobs import FoldJobs
from detcore.jobs.fold_pace import FoldPace
from detcore.jobs.outcomes import Conclusion, outcome_of
from detcore.jobs.owner import Outcome, OutcomeState, worker_command
from detcore.project.cross_validation import fold_folder, read_plan
from detcore.project.runs import (
    RunFolder,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Came:
    """How far a fold has come."""

    step: int = 0
    seconds: float = 0.0
    fraction: float = 0.0
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What this process does of a cross-validation, on ``devices``, beside ``neighbours`` on the same machine, itself
    included. The folds ``elsewhere`` are done by others: each is over when its future has what ends the whole
    before its end, or nothing once all that it has found lies in its folder."""

    devices: tuple[str, ...]
    neighbours: int = 1
    elsewhere: Mapping[int, Future[Outcome | None]] = field(
        default_factory=dict[int, "Future[Outcome | None]"]
    )


class CrossValidationJob:
    """Trains and predicts fold by fold, on several devices several folds at a time; the same calls as a
    ``TrainingJob``.

    ``on_event`` gets steps, progress and log lines of the whole, and the figures over all folds at the end;
    the run's events.jsonl holds the same. ``command`` makes the command line of a worker. Without a ``share`` it does
    all, on the devices of its settings.
    """

    def __init__(
        self,
        run: RunFolder,
        *,
        on_event: Callable[[Event], None],
        on_end: Callable[[Outcome], None] | None = None,
        command: Callable[..., Sequence[str]] = worker_command,
        share: Share | None = None,
    ) -> None:
        self._run = run
        self._on_event = on_event
        self._conclusion = Conclusion(on_end)
        self._plan = read_plan(run)
        share = share or Share(devices=_devices(run))
        self._elsewhere = share.elsewhere
        self._lanes = len(share.devices)
        self._jobs = FoldJobs(
            run,
            devices=share.devices,
            hear=self._pass_on,
            command=command,
            neighbours=share.neighbours,
        )
        # Folds speak at the same time, each on threads of its own.
        self._telling = threading.RLock()
        self._came: dict[int, _Came] = {}
        self._pace = FoldPace(lanes=self._lanes)
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

    @property
    def stopping(self) -> bool:
        """Whether its folds are to stop, as they are when one of them has failed."""
        return self._jobs.stopping

    def stop(self) -> None:
        """Stop at the next step; what was trained and found is kept. Returns at once."""
        self._jobs.stop()

    def warn(self, number: int, text: str) -> None:
        """Pass on a warning of a fold that is done elsewhere."""
        with self._telling:
            self._tell(number, Log(level="warning", text=text))

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
        todo = folds_to_do(self._run)
        for number in set(range(len(self._plan.held_out))).difference(todo):
            self._note(number)
        self._pace.expects(len(todo) - len(self._elsewhere))
        with ThreadPoolExecutor(max_workers=self._lanes, thread_name_prefix="fold") as lanes:
            futures = [self._elsewhere.get(number) or lanes.submit(self._one_fold, number) for number in todo]
            ends = list[Outcome]()
            for number, future in zip(todo, futures, strict=True):
                if (end := future.result()) is None:
                    self._note(number)
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
        with self._telling:
            self._pace.begins(number)
        end = self._jobs.do(number)
        if end is None:
            self._note(number)
        return end

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

    def _note(self, number: int) -> None:
        """Count a fold that is done."""
        history = read_run(fold_folder(self._run, number))
        with self._telling:
            self._came[number] = _Came(step=history.step, seconds=history.seconds, fraction=1.0, over=True)

    def _pass_on(self, number: int, event: Event) -> None:
        """An event of a fold as one of the whole."""
        with self._telling:
            self._pace.hears(number, event)
            self._tell(number, event)

    def _tell(self, number: int, event: Event) -> None:
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
                    remaining=self._pace.seconds(number, event),
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


def folds_to_do(run: RunFolder) -> list[int]:
    """The folds that have not looked yet at the images that they were not trained on, but for those that they cannot
    read."""
    plan = read_plan(run)
    looked = run.detections.is_file() and detections_fault(run) is None
    seen = predicted_images(run) | left_out_images(run) if looked else set[int]()
    return [number for number, held_out in enumerate(plan.held_out) if not set(held_out) <= seen]


def _devices(run: RunFolder) -> tuple[str, ...]:
    """The devices that its folds are divided among; settings that cannot be read are for the folds to tell of."""
    try:
        return device_names(TrainConfig.load(run.config).runtime.device)
    except ReticleError:
        return ("auto",)
