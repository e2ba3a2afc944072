"""The worker process: trains or predicts in a run's folder, speaks events, listens to commands.

    worker train RUN_DIR            worker predict RUN_DIR --split val --split test            worker devices

Events go to the real stdout and to ``events.jsonl``, one JSON line each; whatever libraries print goes
to stderr. Commands come on stdin; its end means that the owner is gone: checkpoint and leave.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import psutil

from detcore import events
from detcore.atomic import atomic_write
from detcore.data.samples import make_samples
from detcore.errors import ConfigError, ImageError, ReticleError
from detcore.events import Command, EndReason, Event, FailureKind
from detcore.inference.predictor import Predictor, best_checkpoint
from detcore.jobs import ExitCode
from detcore.models.running import OutOfMemoryError, choose_device
from detcore.project.runs import RunFolder, hold_run, merge_detections, read_run, save_detections, write_pid
from detcore.project.snapshot import Snapshot
from detcore.training.config import TrainConfig
from detcore.training.distributed import Group, join_group
from detcore.training.failures import TrainingError
from detcore.training.machine import list_devices
from detcore.training.session import Session
from detcore.training.trainer import Wishes
from detcore.types import Detections

_NICE = 10
_HEARTBEAT_SECONDS = 3.0
_ORPHAN_SECONDS = 60.0
_LOCK_SECONDS = 2.0
_FREE_SPACE = "Free some space, then go on with the run"
_CODES = {
    FailureKind.OUT_OF_MEMORY: ExitCode.OUT_OF_MEMORY,
    FailureKind.NON_FINITE_LOSS: ExitCode.NON_FINITE_LOSS,
    FailureKind.BAD_INPUT: ExitCode.BAD_INPUT,
    FailureKind.BUG: ExitCode.BUG,
}


class Voice:
    """Says events on stdout and writes them down; used from several threads."""

    def __init__(self, out: TextIO, wishes: Wishes) -> None:
        self._out = out
        self._wishes = wishes
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        self._spoken = time.monotonic()
        self._silenced = self._file_failed = False

    def open_file(self, path: Path) -> None:
        """Write events down there from now on, after a torn last line too."""
        torn = path.is_file() and path.stat().st_size > 0 and path.read_bytes()[-1:] != b"\n"
        with self._lock:
            self._file = path.open("a", encoding="utf-8")
            if torn:
                self._file.write("\n")

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                with suppress(OSError):  # told when the line was said
                    self._file.close()
                self._file = None

    def say(self, event: Event) -> None:
        line = events.encode(event) + "\n"
        with self._lock:
            self._spoken = time.monotonic()
            if not isinstance(event, events.Heartbeat):
                self._write_down(line)
            if self._silenced:
                return
            try:
                self._out.write(line)
                self._out.flush()
            except OSError:
                # Nobody reads any more: the owner is gone. The file still tells what happened.
                self._silenced = True
                self._wishes.stop.set()

    def _write_down(self, line: str) -> None:
        """Into the file; when that fails the owner is told, once. What the disk has no room for now comes with
        the next line."""
        if self._file is None:
            return
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            if not self._file_failed:
                self._file_failed = True
                text = f"The history of the run cannot be written ({error.strerror})."
                line = events.encode(events.Log(level="warning", text=text))
                self._out.write(line + "\n")

    def beat(self, ended: threading.Event) -> None:
        """Say that the process is alive whenever it has been silent for a while, until ``ended``."""
        while not ended.wait(1.0):
            if time.monotonic() - self._spoken >= _HEARTBEAT_SECONDS:
                self.say(events.Heartbeat(time=time.time()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one job; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    unattended = _parse(arguments).unattended
    wishes = Wishes()
    voice = Voice(_take_stdout(), wishes)
    _be_modest()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: wishes.stop.set())
    ended = threading.Event()
    threading.Thread(target=voice.beat, args=(ended,), name="heartbeat", daemon=True).start()
    if not unattended and int(os.environ.get("RANK", "0")) == 0:
        threading.Thread(target=_listen, args=(wishes,), name="commands", daemon=True).start()
    try:
        return int(work(arguments, voice, wishes))
    finally:
        ended.set()
        voice.close()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="worker", description="Train or predict in the folder of a run.")
    parser.add_argument("--unattended", action="store_true", help="do not listen on stdin")
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="train, or go on with training")
    train.add_argument("run", type=Path)
    train.add_argument("--attempt", type=int, default=0, help="how often memory ran out before")
    train.add_argument("--resume", action="store_true", help="a length that is given comes on top")
    length = train.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="length of the run, instead of its config's")
    length.add_argument("--epochs", type=int, help="likewise")
    train.add_argument("--device", help="auto, cpu, cuda or cuda:N, instead of its config's")
    predict = verbs.add_parser("predict", help="write the detections of the run's best weights")
    predict.add_argument("run", type=Path)
    predict.add_argument("--split", action="append", help="only images of this split; may be repeated")
    predict.add_argument("--snapshot", type=Path, help="images to predict on, instead of the run's own")
    predict.add_argument("--device", default=None, help="auto, cpu, cuda or cuda:N; as trained by default")
    verbs.add_parser("devices", help="say what there is to train on, the fastest first")
    return parser.parse_args(arguments)


def _take_stdout() -> TextIO:
    """The real stdout for events alone; everything else that is printed goes to stderr."""
    sys.stdout.flush()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return out


def _be_modest() -> None:
    """Let the window and other programs go first."""
    process = psutil.Process()
    if os.name == "nt":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        # Who started it may have been more modest still, and there is no way back.
        process.nice(max(_NICE, int(process.nice())))


def _listen(wishes: Wishes) -> None:
    """Take commands until stdin ends, which it does when the owner dies."""
    for line in sys.stdin:
        if line.strip() == Command.STOP:
            wishes.stop.set()
        elif line.strip() == Command.FINISH:
            wishes.finish.set()
    wishes.stop.set()
    # Should a step hang, the process must not outlive its owner all the same.
    timer = threading.Timer(_ORPHAN_SECONDS, os._exit, args=(ExitCode.BUG,))
    timer.daemon = True
    timer.start()


def work(arguments: Sequence[str], voice: Voice, wishes: Wishes) -> ExitCode:
    """Do one job, such as ``["train", "RUN_DIR"]``; whatever goes wrong becomes a ``Failed`` event and an
    exit code."""
    try:
        _job(_parse(arguments), voice, wishes)
    except OutOfMemoryError as error:
        return _fail(voice, FailureKind.OUT_OF_MEMORY, error)
    except TrainingError as error:
        return _fail(voice, error.failure, error, attempt=error.attempt)
    except ReticleError as error:
        return _fail(voice, FailureKind.BAD_INPUT, error)
    except OSError as error:
        return _fail(voice, FailureKind.BAD_INPUT, _disk_error(error))
    except Exception as error:  # noqa: BLE001 - the last chance to tell the owner about a bug
        traceback.print_exc()
        message = f"{type(error).__name__}: {error}"
        voice.say(events.Failed(failure=FailureKind.BUG, message=message, hint="See the log of the process"))
        return ExitCode.BUG
    return ExitCode.DONE


def _disk_error(error: OSError) -> ReticleError:
    """What the system says of a file, with advice."""
    full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None))
    hint = _FREE_SPACE if full else "Check the folder of the project, and that its disk is there"
    return ConfigError(error.strerror or str(error), path=error.filename, hint=hint)


def _fail(voice: Voice, failure: FailureKind, error: ReticleError, *, attempt: int = 0) -> ExitCode:
    where = "" if error.path is None else f"{error.path}: "
    message = f"{where}{error.message}"
    voice.say(events.Failed(failure=failure, message=message, hint=error.hint or "", attempt=attempt))
    return _CODES[failure]


def _job(arguments: argparse.Namespace, voice: Voice, wishes: Wishes) -> None:
    if arguments.verb == "devices":
        voice.say(
            events.Ended(reason=EndReason.COMPLETED, time=time.time(), result={"devices": list_devices()})
        )
        return
    run = RunFolder(arguments.run.resolve())
    if not run.path.is_dir():
        raise ConfigError("there is no such run", path=run.path)
    if int(os.environ.get("RANK", "0")) != 0:
        _train_along(arguments, run, voice, wishes)
        return
    with hold_run(run, patience=_LOCK_SECONDS), _named(run):
        if arguments.verb == "predict":
            _predict(arguments, run, voice, wishes)
        else:
            _lead(arguments, run, voice, wishes)


def _lead(arguments: argparse.Namespace, run: RunFolder, voice: Voice, wishes: Wishes) -> None:
    """Train, alone or as the first of several processes."""
    config = _config(run)
    group = _join(config)
    try:
        voice.open_file(run.events)
        _set_changes(run, config, arguments)
        _train(run, arguments.attempt, group, voice, wishes)
    finally:
        group.close()


def _train_along(arguments: argparse.Namespace, run: RunFolder, voice: Voice, wishes: Wishes) -> None:
    """Train as one of several processes that another one leads."""
    group = _join(_config(run))
    try:
        _train(run, arguments.attempt, group, voice, wishes)
    finally:
        group.close()


def _join(config: TrainConfig) -> Group:
    return join_group(cuda=config.device != "cpu" and choose_device(config.device).type == "cuda")


@contextmanager
def _named(run: RunFolder) -> Generator[None, None, None]:
    """This process, for all to read, as the one that works on the run."""
    write_pid(run, os.getpid())
    try:
        yield
    finally:
        run.pid.unlink(missing_ok=True)


def _config(run: RunFolder) -> TrainConfig:
    try:
        return TrainConfig.from_json(run.config.read_text(encoding="utf-8"), path=run.config)
    except OSError as error:
        raise ConfigError(f"cannot read the run's settings ({error.strerror})", path=run.config) from error


def _set_changes(run: RunFolder, config: TrainConfig, arguments: argparse.Namespace) -> None:
    """Write a length or device given on the command line into the run's config; once, not again after each restart."""
    minutes: float | None = arguments.minutes
    epochs: int | None = arguments.epochs
    device: str | None = arguments.device
    if arguments.attempt:
        return
    if device is not None:
        config = replace(config, device=device)
    if minutes is None and epochs is None:
        minutes, epochs = config.minutes, config.epochs
    elif arguments.resume:
        so_far = read_run(run)
        minutes = None if minutes is None else minutes + so_far.seconds / 60.0
        epochs = None if epochs is None else epochs + round(so_far.epochs)
    changed = replace(config, minutes=minutes, epochs=epochs)
    with atomic_write(run.config) as temporary:
        temporary.write_text(changed.to_json(), encoding="utf-8")


def _train(run: RunFolder, attempt: int, group: Group, voice: Voice, wishes: Wishes) -> None:
    session = Session(run, attempt=attempt, emit=voice.say, wishes=wishes, group=group)
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
        "weights": run.best.name if run.best.exists() else run.last.name,
    }
    if result.reason is not EndReason.STOPPED and session.config.predict_after:
        found = _detect(run, session.snapshot, session.config.device, voice, wishes)
        if found is not None:
            image_ids = [image.id for image in session.snapshot.images]
            save_detections(run, found.detections, image_ids=image_ids, step=found.step)
            figures["detections"] = len(found.detections)
    voice.say(events.Ended(reason=result.reason, time=time.time(), result=figures))


def _predict(arguments: argparse.Namespace, run: RunFolder, voice: Voice, wishes: Wishes) -> None:
    """Predictions take the place of earlier ones on the same images; those on others stay."""
    snapshot = Snapshot.load(arguments.snapshot or run.snapshot)
    if arguments.split:
        wanted = set(arguments.split)
        snapshot = snapshot.only(image.id for image in snapshot.images if image.split in wanted)
    device = arguments.device
    if device is None:
        device = _config(run).device
    found = _detect(run, snapshot, device, voice, wishes)
    if found is None:
        voice.say(events.Ended(reason=EndReason.STOPPED, time=time.time()))
        return
    image_ids = [image.id for image in snapshot.images]
    merge_detections(run, found.detections, image_ids=image_ids, step=found.step)
    result = {"detections": len(found.detections), "images": len(snapshot.images)}
    voice.say(events.Ended(reason=EndReason.COMPLETED, time=time.time(), result=result))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the weights of a step found."""

    detections: Detections
    step: int


def _detect(run: RunFolder, snapshot: Snapshot, device: str, voice: Voice, wishes: Wishes) -> _Found | None:
    """Detections of the run's best weights on all images of the snapshot; ``None`` when stopped."""
    predictor = Predictor(best_checkpoint(run), choose_device(device))

    def problem(error: ImageError) -> None:
        voice.say(events.Log(level="warning", text=f"Left out: {error}"))

    def progress(done: int, total: int) -> bool:
        voice.say(events.Progress(done=done, total=total, text="Predicting"))
        return not wishes.stop.is_set()

    samples = make_samples(snapshot, snapshot.images)
    detections = predictor.predict(samples, problem=problem, progress=progress)
    return None if detections is None else _Found(detections=detections, step=predictor.step)


if __name__ == "__main__":
    sys.exit(main())
