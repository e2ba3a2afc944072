"""The folds of a cross-validation divided among the processes of a job, each of which does whole folds by itself.

They share no disk: what a fold has found goes to the first process as soon as the fold is done, which makes one run of
all. What another process has learnt of a fold that is not done is lost when it ends.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from detcore.jobs.child.handing import Order, fold_files, hand_out, pack, unpack, write_files
from detcore.jobs.crossval import CrossValidationJob, Share, folds_to_do
from detcore.jobs.events import Event, FailureKind, Log
from detcore.jobs.fold_jobs import FoldJobs, stopped
from detcore.jobs.owner import Outcome, OutcomeState, worker_command
from detcore.jobs.worker_process import StopFlags
from detcore.project.cross_validation import fold_folder
from detcore.project.run_weights import weights_files
from detcore.project.runs import RunFolder
from detcore.training.distributed import Group
from detcore.untrusted_json import parse_json
from detcore.zoo.running import device_of

_LOOK_SECONDS = 0.5
"""Between two times that all tell each other how they are, so that none waits for the others longer than that."""
_END = "end.json"
_Theirs = Mapping[int, "Future[Outcome | None]"]
_Command = Callable[..., Sequence[str]]


def lead_folds(
    run: RunFolder,
    order: Order,
    group: Group,
    *,
    say: Callable[[Event], None],
    flags: StopFlags,
    command: _Command = worker_command,
) -> Outcome:
    """Do a cross-validation together with the others, as the first process; what comes of it is said."""
    todo = tuple(folds_to_do(run))
    theirs = {number: Future[Outcome | None]() for number in set(todo).difference(_own(todo, group))}
    hand_out(group, replace(order, folds=todo), fold_files(run, sorted(theirs)))
    share = Share(devices=_device(order, group), neighbours=group.local_world_size, elsewhere=theirs)
    job = CrossValidationJob(run, on_event=say, command=command, share=share)
    job.start()
    try:
        while True:
            outcome = job.outcome
            wants_stop = flags.stop.is_set() or job.stopping or _one_failed(theirs)
            over, stop = group.highest(float(outcome is not None), float(wants_stop))
            if over and outcome is not None:
                return outcome
            if stop:
                job.stop()
            for rank, content in enumerate(group.collect(b"")):
                if content:
                    name = f"process {rank + 1} of {group.world_size}"
                    _take(run, content, theirs, name=name, warn=job.warn)
            if stop:
                _give_up(theirs)
            time.sleep(_LOOK_SECONDS)
    finally:
        job.stop()
        _give_up(theirs)
        job.wait()


def follow_folds(
    run: RunFolder,
    order: Order,
    group: Group,
    *,
    flags: StopFlags,
    command: _Command = worker_command,
) -> None:
    """Do this process's share, until the first one says that all is over. What its folds warn of is told with their
    end; for all else that is said the first one speaks."""
    warnings: dict[int, list[str]] = {number: [] for number in _own(order.folds, group)}

    def hear(number: int, event: Event) -> None:
        if isinstance(event, Log) and event.level == "warning":
            warnings[number].append(event.text)

    jobs = FoldJobs(
        run,
        devices=_device(order, group),
        hear=hear,
        command=command,
        neighbours=group.local_world_size,
    )
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="fold") as lane:
        numbers = {lane.submit(jobs.do, number): number for number in warnings}
        try:
            while True:
                over, stop = group.highest(0.0, float(flags.stop.is_set()))
                if over:
                    return
                if stop:
                    jobs.stop()
                done, content = next((future for future in numbers if future.done()), None), b""
                if done is not None:
                    number = numbers.pop(done)
                    content = _told(run, number, done.result(), warnings[number])
                group.collect(content)
                time.sleep(_LOOK_SECONDS)
        finally:
            jobs.stop()


def _own(folds: Sequence[int], group: Group) -> Sequence[int]:
    return folds[group.rank :: group.world_size]


def _device(order: Order, group: Group) -> tuple[str]:
    return (str(device_of(order.device, local_rank=group.local_rank)),)


def _told(run: RunFolder, number: int, end: Outcome | None, warnings: Sequence[str]) -> bytes:
    """How a fold has ended and what it warned of, with its history, its weights and what it has found if it is done."""
    record = {"number": number, "warnings": list(warnings)}
    if end is not None:
        told = {"state": end.state, "text": end.text, "hint": end.hint, "failure": end.failure}
        return pack({_END: json.dumps({**record, **told}).encode()})
    fold = fold_folder(run, number)
    weights = next((path for path in weights_files(fold) if path.is_file()), None)
    files = [path for path in (fold.events, fold.detections, weights) if path is not None]
    return pack({_END: json.dumps(record).encode(), **{path.name: path.read_bytes() for path in files}})


def _take(
    run: RunFolder, content: bytes, theirs: _Theirs, *, name: str, warn: Callable[[int, str], None]
) -> None:
    """Let a fold that another process, called ``name``, has done be as if it had been done here."""
    files = unpack(content)
    record: dict[str, Any] = parse_json(files.pop(_END))
    for text in record["warnings"]:
        warn(record["number"], f"{name}: {text}")
    future = theirs[record["number"]]
    if future.done():
        return
    if "state" in record:
        state, failure = OutcomeState(record["state"]), record["failure"] and FailureKind(record["failure"])
        future.set_result(
            stopped()
            if state is OutcomeState.STOPPED
            else Outcome(state=state, text=f"{name}: {record['text']}", hint=record["hint"], failure=failure)
        )
        return
    fold = fold_folder(run, record["number"])
    for path in (fold.next, fold.last, fold.previous, fold.best):
        path.unlink(missing_ok=True)  # of a time when it was this process's
    write_files(fold.path, files)
    future.set_result(None)


def _one_failed(theirs: _Theirs) -> bool:
    """Whether a fold of others has failed, which ends all of them."""
    ends = (future.result() for future in theirs.values() if future.done())
    return any(end is not None and not end.good for end in ends)


def _give_up(theirs: _Theirs) -> None:
    """Wait for no fold of others any more."""
    for future in theirs.values():
        if not future.done():
            future.set_result(stopped())
