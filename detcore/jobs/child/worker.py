"""The worker process: trains, predicts or exports in a run's folder, speaks events, listens to commands.

    worker train RUN_DIR            worker predict RUN_DIR --split val --split test            worker devices
    worker export RUN_DIR --snapshot FILE --format NAME --out DIR            worker describe
    worker learn RUN_DIR
    worker crossval RUN_DIR (see crossval.py)   worker folds RUN_DIR (the same, divided among the processes of torchrun)

A job that wants several devices is led by ``ranks``. In the environment of torchrun all processes but the first follow
it (``worker follow``), as those that ``ranks`` starts do.

Events go to the real stdout and to ``events.jsonl``, one JSON line each; whatever libraries print goes
to stderr. Commands come on stdin; its end means that the owner is gone: checkpoint and leave.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from detcore.atomic import remove_leftovers
from detcore.deploy.export import export_model
from detcore.errors import Cancelled, ConfigError, ReticleError, disk_error
from detcore.jobs import events
from detcore.jobs.child import crossval
from detcore.jobs.child.arguments import parse_arguments
from detcore.jobs.child.describing import describe_detectors
from detcore.jobs.child.handing import Order, hand_out, take_in, training_files
from detcore.jobs.child.learning import learn
from detcore.jobs.child.predicting import Found, detect, rehearse
from detcore.jobs.child.shared_folds import follow_folds, lead_folds
from detcore.jobs.config import TrainConfig
from detcore.jobs.devices import process_rank
from detcore.jobs.events import EndReason, Event, FailureKind
from detcore.jobs.owner import ExitCode
from detcore.jobs.preparing.model_export import ModelExport
from detcore.jobs.tensorboard_file import with_tensorboard
from detcore.jobs.worker_process import EventWriter, StopFlags, fail, run_worker, stopped_in_time
from detcore.project.runs import (
    RunFolder,
    detections_fault,
    hold_run,
    merge_detections,
    save_detections,
    write_pid,
)
from detcore.project.snapshot import Snapshot
from detcore.training.distributed import Group, PeerLostError, PeerMemoryError, joined_group
from detcore.training.failures import TrainingError
from detcore.training.machine import list_devices
from detcore.training.session import Session
from detcore.training.telling import Telling
from detcore.zoo.running import OutOfMemoryError

_LOCK_SECONDS = 2.0
_DEAD_SECONDS = 60.0
"""After which a half written file of a run that this process holds is of one that died."""
_AFTER_THE_FIRST = 2.5
"""Seconds after which a process that only follows ends, if a stop is not heeded: the first one has kept all by then."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one job; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == [crossval.VERB]:
        return crossval.main(arguments)
    attentive = not parse_arguments(arguments).unattended
    return run_worker(lambda writer, flags: work(arguments, writer, flags), attentive=attentive, may_end=True)


def work(arguments: Sequence[str], writer: EventWriter, flags: StopFlags) -> ExitCode:
    """Do one job, such as ``["train", "RUN_DIR"]``; whatever goes wrong becomes a ``Failed`` event and an
    exit code."""
    try:
        _job(parse_arguments(arguments), writer, flags)
    except Cancelled:
        writer.say(events.Ended(reason=EndReason.STOPPED, time=time.time()))
    except OutOfMemoryError as error:
        elsewhere = isinstance(error, PeerMemoryError)
        return fail(writer.say, FailureKind.OUT_OF_MEMORY, error, elsewhere=elsewhere)
    except TrainingError as error:
        return fail(writer.say, error.failure, error, attempt=error.attempt, elsewhere=error.elsewhere)
    except PeerLostError as error:
        return fail(writer.say, FailureKind.PEER_LOST, error)
    except ReticleError as error:
        return fail(writer.say, FailureKind.BAD_INPUT, error)
    except OSError as error:
        return fail(writer.say, FailureKind.BAD_INPUT, disk_error(error))
    except Exception as error:  # noqa: BLE001 - the last chance to tell the owner about a bug
        traceback.print_exc()
        message = f"{type(error).__name__}: {error}"
        writer.say(events.Failed(failure=FailureKind.BUG, message=message, hint="See the log of the process"))
        return ExitCode.BUG
    return ExitCode.DONE


def _job(arguments: argparse.Namespace, writer: EventWriter, flags: StopFlags) -> None:
    if arguments.verb == "devices":
        writer.say(
            events.Ended(reason=EndReason.COMPLETED, time=time.time(), result={"devices": list_devices()})
        )
        return
    if arguments.verb == "describe":
        describe_detectors(writer.say, flags)
        writer.say(events.Ended(reason=EndReason.STOPPED, time=time.time()))
        return
    if process_rank() > 0:
        _follow(arguments, writer, flags)
        return
    if arguments.verb == "dismiss":
        with joined_group(stop=flags.stop) as group:
            hand_out(group, Order(verb=arguments.verb), {})
        writer.say(events.Ended(reason=EndReason.COMPLETED, time=time.time()))
        return
    run = RunFolder(arguments.run.resolve())
    if not run.path.is_dir():
        raise ConfigError("there is no such run", path=run.path)
    named = nullcontext() if arguments.verb == "folds" else _named(run)  # a cross-validation names itself
    with hold_run(run, timeout=_LOCK_SECONDS), named:
        remove_leftovers(run.path, seconds=_DEAD_SECONDS)
        if arguments.verb == "export":
            _export(arguments, run, writer, flags)
            return
        if arguments.verb == "learn":
            learn(run, writer, flags, lambda result: _leave(run, writer, EndReason.STOPPED, result))
            return
        with joined_group(stop=flags.stop) as group:
            lead = {"train": _lead_training, "predict": _predict, "folds": _lead_folds}[arguments.verb]
            lead(arguments, run, group, writer, flags)


def _follow(arguments: argparse.Namespace, writer: EventWriter, flags: StopFlags) -> None:
    """Work along in what the first process of the group does; writes nothing that stays."""
    with joined_group(stop=flags.stop) as group, TemporaryDirectory(prefix="reticle-") as folder:
        run = RunFolder(Path(folder))

        def leave() -> None:
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(ExitCode.PEER_LOST)

        order = take_in(group, run, images=arguments.images)
        if order.verb == "train":
            with stopped_in_time(flags, leave, seconds=_AFTER_THE_FIRST):
                _train(run, order, group, writer, flags, say=writer.say)
        elif order.verb == "predict":
            snapshot = Snapshot.load(run.snapshot)
            telling = Telling(writer.say, group, snapshot.images)
            with stopped_in_time(flags, leave, seconds=_AFTER_THE_FIRST):
                detect(run, snapshot, device=order.device, group=group, telling=telling, flags=flags)
        elif order.verb == "folds":
            follow_folds(run, order, group, flags=flags)
    result = {"dismissed": order.verb == "dismiss"}
    writer.say(events.Ended(reason=EndReason.COMPLETED, time=time.time(), result=result))


def _lead_training(
    arguments: argparse.Namespace, run: RunFolder, group: Group, writer: EventWriter, flags: StopFlags
) -> None:
    """Train, alone or as the first of several processes."""
    writer.open_file(run.events)
    order = Order(
        verb="train", attempt=arguments.attempt, device=arguments.device or "", images=_images(arguments)
    )
    if group.world_size > 1:
        hand_out(group, order, training_files(run))
    with with_tensorboard(run.path, writer.say) as say:
        _train(run, order, group, writer, flags, say=say)


def _lead_folds(
    arguments: argparse.Namespace, run: RunFolder, group: Group, writer: EventWriter, flags: StopFlags
) -> None:
    device = TrainConfig.load(run.config).runtime.device
    order = Order(verb="folds", device=device, images=_images(arguments))

    def say(event: Event) -> None:
        if not isinstance(event, events.Failed):  # which is said once, with the exit code
            writer.say(event)

    outcome = lead_folds(run, order, group, say=say, flags=flags)
    if not outcome.good:
        raise TrainingError(outcome.failure or FailureKind.BUG, outcome.text, hint=outcome.hint)


def _images(arguments: argparse.Namespace) -> str:
    return "" if arguments.images is None else str(arguments.images)


@contextmanager
def _named(run: RunFolder) -> Generator[None, None, None]:
    """This process, for all to read, as the one that works on the run."""
    write_pid(run, os.getpid())
    try:
        yield
    finally:
        run.pid.unlink(missing_ok=True)


def _train(
    run: RunFolder,
    order: Order,
    group: Group,
    writer: EventWriter,
    flags: StopFlags,
    *,
    say: Callable[[Event], None],
) -> None:
    """``say`` hears what is told while it learns."""
    session = Session(
        run,
        attempt=order.attempt,
        emit=say,
        flags=flags,
        group=group,
        rehearse=lambda checkpoint, device: rehearse(checkpoint, device, session.snapshot),
    )
    if order.device:
        runtime = replace(session.config.runtime, device=order.device)
        session.config = replace(session.config, runtime=runtime)
    reason, found = EndReason.STOPPED, None

    def leave() -> None:
        try:
            with session.held():
                _leave(run, writer, reason, _figures(session, run))
        except ReticleError as error:
            os._exit(fail(writer.say, FailureKind.BAD_INPUT, error))

    def give_up(error: OutOfMemoryError) -> None:
        attempt = session.state.attempt
        code = fail(writer.say, FailureKind.OUT_OF_MEMORY, error, attempt=attempt, elsewhere=True)
        if group.leads:
            run.pid.unlink(missing_ok=True)
        else:
            shutil.rmtree(run.path, ignore_errors=True)
        os._exit(code)

    with stopped_in_time(flags, leave) if group.leads else nullcontext():
        try:
            with group.memory_shared(give_up):
                reason = session.train().reason
        except OutOfMemoryError as error:
            raise TrainingError(
                FailureKind.OUT_OF_MEMORY,
                error.message,
                hint=error.hint or "",
                attempt=session.state.attempt,
                elsewhere=isinstance(error, PeerMemoryError),
            ) from error
        if reason is not EndReason.STOPPED and session.config.runtime.predict_after:
            found = _predict_after(run, session, group, flags)
    if not group.leads:
        return
    figures = _figures(session, run)
    if found is not None:
        save_detections(
            run,
            found.detections,
            image_ids=found.looked_at,
            left_out=found.left_out,
            step=found.step,
            answers=found.answers,
        )
        figures["detections"] = len(found.detections)
    writer.say(events.Ended(reason=reason, time=time.time(), result=figures))


def _predict_after(run: RunFolder, session: Session, group: Group, flags: StopFlags) -> Found | None:
    """What a training that is done has found; it stays done where memory runs out at that."""
    device, telling = session.config.runtime.device, session.telling
    try:
        return detect(run, session.snapshot, device=device, group=group, telling=telling, flags=flags)
    except OutOfMemoryError as error:
        telling.warning(
            f"The images have not been predicted: {error.message}. Close other programs, then predict with this run."
        )
        return None


def _figures(session: Session, run: RunFolder) -> dict[str, Any]:
    state = session.state
    return {
        "steps": state.step,
        "best_AP": state.best_ap,
        "best_step": state.best_step,
        "start_AP": state.start_ap,
        "no_figure": session.no_figure,
        "weights": run.best.name if run.best.exists() else run.last.name,
    }


def _leave(run: RunFolder, writer: EventWriter, reason: EndReason, figures: Mapping[str, Any]) -> None:
    """End the process here and now."""
    run.pid.unlink(missing_ok=True)
    writer.say(events.Ended(reason=reason, time=time.time(), result=dict(figures)))
    os._exit(ExitCode.DONE)


def _predict(
    arguments: argparse.Namespace, run: RunFolder, group: Group, writer: EventWriter, flags: StopFlags
) -> None:
    """Predictions take the place of earlier ones on the same images; those on others stay."""
    snapshot = Snapshot.load(arguments.snapshot or run.snapshot)
    if arguments.split:
        wanted = set(arguments.split)
        snapshot = snapshot.only(image.id for image in snapshot.images if image.split in wanted)
    device = arguments.device
    if device is None:
        device = TrainConfig.load(run.config).runtime.device
    fault = detections_fault(run)
    if fault is not None:
        text = f"{run.detections.name} is damaged and is made anew; what it held on other images is gone."
        writer.say(events.Log(level="warning", text=text))
    if group.world_size > 1:
        with TemporaryDirectory(prefix="reticle-") as folder:
            chosen = RunFolder(Path(folder)).snapshot
            snapshot.save(chosen)
            order = Order(verb="predict", device=device, images=_images(arguments))
            hand_out(group, order, {chosen.name: chosen})
    with stopped_in_time(flags, lambda: _leave(run, writer, EndReason.STOPPED, {})):
        telling = Telling(writer.say, group, snapshot.images)
        found = detect(run, snapshot, device=device, group=group, telling=telling, flags=flags)
    if found is None:
        writer.say(events.Ended(reason=EndReason.STOPPED, time=time.time()))
        return
    merge_detections(
        run,
        found.detections,
        image_ids=found.looked_at,
        left_out=found.left_out,
        step=found.step,
        answers=found.answers,
    )
    result = {"detections": len(found.detections), "images": len(found.looked_at)}
    writer.say(events.Ended(reason=EndReason.COMPLETED, time=time.time(), result=result))


def _export(arguments: argparse.Namespace, run: RunFolder, writer: EventWriter, flags: StopFlags) -> None:
    def progress(done: int, total: int, text: str) -> bool:
        writer.say(events.Progress(done=done, total=total, text=text))
        return not flags.stop.is_set()

    wanted = ModelExport(format=arguments.format, nms=arguments.nms, out=arguments.out)
    try:
        made = export_model(run, Snapshot.load(arguments.snapshot), wanted, progress=progress)
    except Cancelled:
        writer.say(events.Ended(reason=EndReason.STOPPED, time=time.time()))
        return
    result = {
        "folder": str(made.folder),
        "files": list(made.files),
        "images": made.images,
        "difference": made.difference.text,
    }
    writer.say(events.Ended(reason=EndReason.COMPLETED, time=time.time(), result=result))
