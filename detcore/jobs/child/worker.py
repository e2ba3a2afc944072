"""The worker process: trains, predicts or exports in a run's folder, speaks events, listens to commands.

    worker train RUN_DIR            worker predict RUN_DIR --split val --split test            worker devices
    worker export RUN_DIR --snapshot FILE --format NAME --out DIR
    worker crossval RUN_DIR (see crossval.py)

Events go to the real stdout and to ``events.jsonl``, one JSON line each; whatever libraries print goes
to stderr. Commands come on stdin; its end means that the owner is gone: checkpoint and leave.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detcore.data.samples import make_samples
from detcore.deploy.export import export_model
from detcore.errors import Cancelled, ConfigError, ImageError, ReticleError, disk_error
from detcore.evaluation.label_answers import AnswerRecorder
from detcore.inference.predictor import Predictor, best_checkpoint
from detcore.jobs import events
from detcore.jobs.child import crossval
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason, Event, FailureKind
from detcore.jobs.owner import ExitCode
from detcore.jobs.preparing.model_export import MODEL_FORMATS, ModelExport
from detcore.jobs.tensorboard_file import with_tensorboard
from detcore.jobs.worker_process import EventWriter, StopFlags, fail, run_worker
from detcore.project.runs import (
    RunFolder,
    detections_fault,
    hold_run,
    merge_detections,
    save_detections,
    write_pid,
)
from detcore.project.snapshot import Snapshot
from detcore.training.distributed import Group, join_group
from detcore.training.failures import TrainingError
from detcore.training.machine import list_devices
from detcore.training.session import Session
from detcore.types import Detections, LabelAnswers
from detcore.zoo.running import OutOfMemoryError, choose_device

_LOCK_SECONDS = 2.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one job; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == [crossval.VERB]:
        return crossval.main(arguments)
    unattended = _parse(arguments).unattended
    attentive = not unattended and int(os.environ.get("RANK", "0")) == 0
    return run_worker(lambda writer, flags: work(arguments, writer, flags), attentive=attentive)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="worker", description="Train or predict in the folder of a run.")
    parser.add_argument("--unattended", action="store_true", help="do not listen on stdin")
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="train, or go on with training")
    train.add_argument("run", type=Path)
    train.add_argument("--attempt", type=int, default=0, help="how often memory ran out before")
    predict = verbs.add_parser("predict", help="write the detections of the run's best weights")
    predict.add_argument("run", type=Path)
    predict.add_argument("--split", action="append", help="only images of this split; may be repeated")
    predict.add_argument("--snapshot", type=Path, help="images to predict on, instead of the run's own")
    predict.add_argument("--device", default=None, help="auto, cpu, cuda or cuda:N; as trained by default")
    export = verbs.add_parser("export", help="write the run's best weights as a file that runs elsewhere")
    export.add_argument("run", type=Path)
    export.add_argument("--snapshot", type=Path, required=True, help="images to check the file on")
    export.add_argument("--format", choices=list(MODEL_FORMATS), required=True)
    export.add_argument("--out", type=Path, required=True, help="an empty or new folder")
    export.add_argument("--nms", action="store_true", help="with NMS inside")
    verbs.add_parser("devices", help="say what there is to train on, the fastest first")
    return parser.parse_args(arguments)


def work(arguments: Sequence[str], writer: EventWriter, flags: StopFlags) -> ExitCode:
    """Do one job, such as ``["train", "RUN_DIR"]``; whatever goes wrong becomes a ``Failed`` event and an
    exit code."""
    try:
        _job(_parse(arguments), writer, flags)
    except OutOfMemoryError as error:
        return fail(writer.say, FailureKind.OUT_OF_MEMORY, error)
    except TrainingError as error:
        return fail(writer.say, error.failure, error, attempt=error.attempt)
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
    run = RunFolder(arguments.run.resolve())
    if not run.path.is_dir():
        raise ConfigError("there is no such run", path=run.path)
    if int(os.environ.get("RANK", "0")) != 0:
        _train_along(arguments, run, writer, flags)
        return
    with hold_run(run, timeout=_LOCK_SECONDS), _named(run):
        if arguments.verb == "predict":
            _predict(arguments, run, writer, flags)
        elif arguments.verb == "export":
            _export(arguments, run, writer, flags)
        else:
            _lead(arguments, run, writer, flags)


def _lead(arguments: argparse.Namespace, run: RunFolder, writer: EventWriter, flags: StopFlags) -> None:
    """Train, alone or as the first of several processes."""
    group = _join(TrainConfig.load(run.config))
    try:
        writer.open_file(run.events)
        with with_tensorboard(run.path, writer.say) as say:
            _train(run, arguments.attempt, group, writer, flags, say=say)
    finally:
        group.close()


def _train_along(
    arguments: argparse.Namespace, run: RunFolder, writer: EventWriter, flags: StopFlags
) -> None:
    """Train as one of several processes that another one leads."""
    group = _join(TrainConfig.load(run.config))
    try:
        _train(run, arguments.attempt, group, writer, flags, say=writer.say)
    finally:
        group.close()


def _join(config: TrainConfig) -> Group:
    return join_group(
        cuda=config.runtime.device != "cpu" and choose_device(config.runtime.device).type == "cuda"
    )


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
    attempt: int,
    group: Group,
    writer: EventWriter,
    flags: StopFlags,
    *,
    say: Callable[[Event], None],
) -> None:
    """``say`` hears what is told while it learns."""
    session = Session(run, attempt=attempt, emit=say, flags=flags, group=group)
    try:
        result = session.train()
    except OutOfMemoryError as error:
        raise TrainingError(
            FailureKind.OUT_OF_MEMORY, error.message, hint=error.hint or "", attempt=session.state.attempt
        ) from error
    if not group.leads:
        return
    state = result.state
    figures: dict[str, Any] = {
        "steps": state.step,
        "best_AP": state.best_ap,
        "best_step": state.best_step,
        "start_AP": state.start_ap,
        "no_figure": session.no_figure,
        "weights": run.best.name if run.best.exists() else run.last.name,
    }
    if result.reason is not EndReason.STOPPED and session.config.runtime.predict_after:
        found = _detect(run, session.snapshot, session.config.runtime.device, writer, flags)
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
    writer.say(events.Ended(reason=result.reason, time=time.time(), result=figures))


def _predict(arguments: argparse.Namespace, run: RunFolder, writer: EventWriter, flags: StopFlags) -> None:
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
    found = _detect(run, snapshot, device, writer, flags)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the weights of a step found and answered on the images ``looked_at``; the files of those ``left_out`` could not
    be read. Both are image ids."""

    detections: Detections
    answers: LabelAnswers
    step: int
    looked_at: frozenset[int]
    left_out: frozenset[int]


def _detect(
    run: RunFolder, snapshot: Snapshot, device: str, writer: EventWriter, flags: StopFlags
) -> _Found | None:
    """Detections of the run's best weights on all images of the snapshot; ``None`` when stopped."""
    predictor = Predictor(best_checkpoint(run), choose_device(device))
    unread: set[str] = set()

    def problem(error: ImageError) -> None:
        unread.add(error.path or "")
        writer.say(events.Log(level="warning", text=f"{events.LEFT_OUT}{error}"))

    def progress(done: int, total: int) -> bool:
        writer.say(events.Progress(done=done, total=total, text="Predicting"))
        return not flags.stop.is_set()

    recorder = AnswerRecorder(
        snapshot.ground_truth,
        image_ids=[image.id for image in snapshot.images],
        class_ids=predictor.class_ids,
    )
    samples = make_samples(snapshot, snapshot.images)
    detections = predictor.predict(samples, problem=problem, progress=progress, hear=recorder.hear)
    if detections is None:
        return None
    left_out = frozenset(sample.image_id for sample in samples if sample.path in unread)
    return _Found(
        detections=detections,
        answers=recorder.answers(),
        step=predictor.step,
        looked_at=frozenset(sample.image_id for sample in samples) - left_out,
        left_out=left_out,
    )
