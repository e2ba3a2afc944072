"""Runs: folders below ``runs/``, one for each training, that describe themselves."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path

from detcore.atomic import atomic_write, sync_folder
from detcore.errors import ProjectError, disk_error
from detcore.jobs.events import Ended, EndReason, Event, Failed, Heartbeat, Started, Step, Validation, decode
from detcore.project.imported_run import COMING, ImportedFrom, check_name, imported_from, imported_record
from detcore.project.imported_run import KEY as IMPORTED
from detcore.project.reading import ProjectReader
from detcore.project.run_detections import (
    detections_fault,
    has_detections,
    left_out_images,
    load_answers,
    load_detections,
    merge_detections,
    predicted_images,
    save_detections,
)
from detcore.project.run_folder import RunFolder, hold_run, is_running, read_json, write_pid
from detcore.project.run_weights import best_figure, weights_files
from detcore.project.unused_runs import whole_or_gone
from detcore.untrusted_json import fits

__all__ = [
    "RunFolder",
    "RunInfo",
    "RunState",
    "create_run",
    "detections_fault",
    "discard",
    "find_run",
    "has_detections",
    "hold_run",
    "imported_from",
    "is_live",
    "is_running",
    "list_runs",
    "left_out_images",
    "make_imported_run",
    "load_answers",
    "load_detections",
    "merge_detections",
    "predicted_images",
    "read_events",
    "read_run",
    "restore",
    "save_detections",
    "write_pid",
]

_NAME = re.compile(r"(\d+)-.+")
_EVENT_START = '{"event":'
_STEP = f'{_EVENT_START} "{Step.kind}"'
_HEARTBEAT = f'{_EVENT_START} "{Heartbeat.kind}"'


class RunState(StrEnum):
    """What became of a run. ``INTERRUPTED``: its process is gone without a word; it can go on. ``IMPORTED``: it was never
    trained here, and has detections alone."""

    NEW = "new"
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """A run as lists show it. ``created`` is Unix time; ``best_ap`` is on the validation split, ``None``
    before the first validation; ``weights`` is the file to predict with or to start from, ``None`` without any;
    ``seconds`` and ``epochs`` are of training; ``fraction`` done is 0..1;
    ``message`` says why a run failed; ``learns_from`` is the run whose errors count more in this one, ``teacher`` the one
    whose detections it learns, ``pruned_from`` the one of whose detector it has the share ``kept`` of the channels, "" for none;
    ``imported`` says where a run came from that was not trained here."""

    name: str
    folder: RunFolder
    model: str
    created: float
    state: RunState
    best_ap: float | None
    seconds: float
    epochs: float
    step: int
    fraction: float
    device: str
    message: str
    has_detections: bool
    weights: Path | None
    learns_from: str = ""
    teacher: str = ""
    pruned_from: str = ""
    kept: float = 1.0
    imported: ImportedFrom | None = None

    @property
    def has_checkpoint(self) -> bool:
        return self.weights is not None


def create_run(
    project: ProjectReader,
    model_name: str,
    *,
    title: str | None = None,
    learns_from: str = "",
    teacher: str = "",
    pruned_from: str = "",
    kept: float = 1.0,
    is_live: bool = False,
) -> RunFolder:
    """Make the folder of a new run: ``001-reticle-s``, or with a ``title`` ``001-TITLE``. Numbers are not used again, even
    after ``discard``.

    ``learns_from``, ``teacher``, ``pruned_from`` and ``kept`` as in ``RunInfo``; ``is_live`` as ``is_live`` tells.
    """
    project.runs_folder.mkdir(exist_ok=True)
    while True:
        path = _next_path(project, title or model_name)
        try:
            path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise ProjectError(f"cannot make the run ({error.strerror})", path=path) from error
        run = RunFolder(path)
        record = {
            "model": model_name,
            "created": time.time(),
            "learns_from": learns_from,
            "teacher": teacher,
            **({"pruned_from": pruned_from, "kept": kept} if pruned_from else {}),
            **({"live": True} if is_live else {}),
        }
        with whole_or_gone(run), atomic_write(run.info) as temporary:
            temporary.write_text(json.dumps(record), encoding="utf-8")
        return run


def make_imported_run(
    project: ProjectReader, name: str, origin: ImportedFrom, fill: Callable[[RunFolder], None]
) -> RunFolder:
    """The run ``001-NAME`` of detections that were not made here, which ``fill`` writes into its folder. That becomes a run when all
    of it is there, and goes when anything fails.

    Raises:
        ConfigError: there can be no run of that name.
        ProjectError: the run cannot be written.
    """
    check_name(name)
    try:
        project.runs_folder.mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=COMING, dir=project.runs_folder))
        try:
            folder.chmod(0o755)
            run = RunFolder(folder)
            record = {"model": IMPORTED, "created": time.time(), **imported_record(origin)}
            with atomic_write(run.info) as temporary:
                temporary.write_text(json.dumps(record), encoding="utf-8")
            fill(run)
            path = _next_path(project, name)
            folder.rename(path)
            sync_folder(project.runs_folder)
            return RunFolder(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        message, hint = f"cannot make the run ({error.strerror or error})", disk_error(error).hint
        raise ProjectError(message, path=project.runs_folder, hint=hint) from error


def is_live(run: RunFolder) -> bool:
    """Whether it is a run of the learner beside the window."""
    return read_json(run.info).get("live") is True


def list_runs(project: ProjectReader) -> list[RunInfo]:
    """All runs, the newest first, from their folders alone."""
    runs = sorted(_folders(project.runs_folder), key=_number, reverse=True)
    return [read_run(RunFolder(path)) for path in runs if _number(path)]


def find_run(project: ProjectReader, name: str) -> RunFolder:
    """The run of that name, or of that number alone.

    Raises:
        ProjectError: there is none.
    """
    folder = project.runs_folder
    there = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    found = [one for one in there if name in (one, one.partition("-")[0]) and _NAME.fullmatch(one)]
    if len(found) != 1:
        runs = [one for one in there if _NAME.fullmatch(one)]
        hint = f"There are: {', '.join(runs)}" if runs else "Make one with train"
        raise ProjectError(f"there is no run {name}", path=folder, hint=hint)
    return RunFolder(folder / found[0])


def read_run(run: RunFolder) -> RunInfo:
    """What became of a run, from its files."""
    info = read_json(run.info)
    model = info.get("model")
    created = info.get("created")
    origin = {name: info.get(name) for name in ("learns_from", "teacher", "pruned_from")}
    kept = info.get("kept")
    history = _History(read_events(run.events, milestones=True))
    state, best = _state(run, history), best_figure(run)
    return RunInfo(
        name=run.name,
        folder=run,
        model=model if isinstance(model, str) else run.name.partition("-")[2],
        created=float(created)
        if created is not None and fits(created, "float")
        else run.path.stat().st_mtime,
        state=state,
        best_ap=history.best_ap if best is None else best.ap,
        seconds=history.seconds,
        epochs=history.epochs,
        step=history.step,
        fraction=1.0 if state in (RunState.COMPLETED, RunState.IMPORTED) else history.fraction,
        device=history.device,
        message=history.message,
        has_detections=has_detections(run),
        weights=next((path for path in weights_files(run) if path.is_file()), None),
        kept=float(kept) if kept is not None and fits(kept, "float") else 1.0,
        imported=imported_from(run),
        **{name: run_name for name, run_name in origin.items() if isinstance(run_name, str)},
    )


def read_events(path: Path, *, milestones: bool = False) -> list[Event]:
    """The events of a run in order; none when the file is missing.

    A torn last line, left by a process that was killed, is passed over, as are lines that are no events.
    ``milestones`` leaves out heartbeats and all steps but the last of those that follow each other, which is
    much faster for a long run.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ProjectError(f"cannot read the run ({error.strerror})", path=path) from error
    if milestones:
        lines = [
            line
            for line, following in zip_longest(lines, lines[1:], fillvalue="")
            if not line.startswith(_HEARTBEAT)
            and not (line.startswith(_STEP) and following.startswith(_STEP))
        ]
    return [event for line in lines if (event := _decode(line)) is not None]


def discard(project: ProjectReader, name: str) -> Path:
    """Move a run to the project's trash; returns where it is now. ``restore`` brings it back.

    Raises:
        ProjectError: there is no such run, or it is running.
    """
    run = find_run(project, name)
    if is_running(run):
        raise ProjectError(f"run {name} is still running", path=run.path, hint="Stop it first")
    # A process that has only begun has not said yet who it is. Windows moves no folder with an open file in
    # it, so the lock is tried, not kept.
    with hold_run(run):
        trash = _trash(project)
    trash.mkdir(exist_ok=True)
    return _move(run.path, trash / name)


def restore(project: ProjectReader, name: str) -> RunFolder:
    """Take a run out of the trash.

    Raises:
        ProjectError: it is not there.
    """
    path = _trash(project) / name
    if Path(name).name != name or not path.is_dir():
        raise ProjectError(f"there is no run {name} in the trash", path=_trash(project))
    return RunFolder(_move(path, project.runs_folder / name))


class _History:
    """The events of a run boiled down to the figures of ``RunInfo``."""

    def __init__(self, events: list[Event]) -> None:
        self.any = bool(events)
        self.end: Ended | Failed | None = None
        self.best_ap: float | None = None
        self.seconds = self.epochs = self.fraction = 0.0
        self.step = 0
        self.device = self.message = ""
        for event in events:
            self._add(event)

    def _add(self, event: Event) -> None:
        if isinstance(event, Started):
            self.end = None
            self.device = event.device_name or event.device
        elif isinstance(event, Step):
            self.seconds, self.epochs, self.step = event.time, event.epoch, event.step
            self.fraction = event.fraction
        elif isinstance(event, Validation):
            self.seconds, self.epochs, self.step = event.time, event.epoch, event.step
            ap = event.metrics.get("AP")
            if ap is not None and ap == ap:
                self.best_ap = ap if self.best_ap is None else max(ap, self.best_ap)
        elif isinstance(event, Ended | Failed):
            self.end = event
            self.message = event.message if isinstance(event, Failed) else ""


def _state(run: RunFolder, history: _History) -> RunState:
    if is_running(run):
        return RunState.RUNNING
    if imported_from(run) is not None:
        return RunState.IMPORTED
    if isinstance(history.end, Failed):
        return RunState.FAILED
    if history.end is not None:
        return RunState.STOPPED if history.end.reason == EndReason.STOPPED else RunState.COMPLETED
    return RunState.INTERRUPTED if history.any or run.pid.exists() else RunState.NEW


def _decode(line: str) -> Event | None:
    event = decode(line)
    if event is None and (start := line.rfind(_EVENT_START)) > 0:
        # A line torn by a kill, to which the process that went on with the run has added its first one.
        event = decode(line[start:])
    return event


def _next_path(project: ProjectReader, title: str) -> Path:
    """The folder of a new run: a number that no run has or had."""
    taken = [_number(path) for folder in (project.runs_folder, _trash(project)) for path in _folders(folder)]
    return project.runs_folder / f"{max(taken, default=0) + 1:03d}-{title}"


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _number(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else 0


def _trash(project: ProjectReader) -> Path:
    return project.folder / "trash"


def _move(source: Path, target: Path) -> Path:
    try:
        source.rename(target)
    except OSError as error:
        raise ProjectError(f"cannot move the run ({error.strerror})", path=source) from error
    return target
