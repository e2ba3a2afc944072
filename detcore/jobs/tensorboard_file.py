"""What a run tells, for TensorBoard: an event file beside ``events.jsonl``, wherever tensorboardX is installed."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from detcore.errors import ConfigError, disk_error
from detcore.jobs import events
from detcore.jobs.events import Event

Say = Callable[[Event], None]
_PACKAGE, _FILES = "tensorboardX", "events.out.tfevents.*"
_FLUSH_SECONDS = 10.0


@contextmanager
def with_tensorboard(folder: Path, say: Say) -> Generator[Say, None, None]:
    """Gives ``say`` as it is, or one that writes figures into an event file of the folder as well. When that fails
    it is told, once, and the run goes on without."""
    if find_spec(_PACKAGE) is None:
        yield say
        return
    board: _Board | None = None

    def tell(error: OSError) -> None:
        text = f"TensorBoard's file cannot be written ({disk_error(error).message})."
        say(events.Log(level="warning", text=text))

    def say_both(event: Event) -> None:
        nonlocal board
        say(event)
        if board is not None:
            try:
                board.hear(event, at=time.time())
            except OSError as error:
                board = None
                tell(error)

    try:
        board = _Board(folder)
    except OSError as error:
        tell(error)
    try:
        yield say_both
    finally:
        if board is not None:
            try:
                board.close()
            except OSError as error:
                tell(error)


def write_board(folder: Path, told: Iterable[Event]) -> None:
    """Write what a run has told, but for the steps that it has lost, into an event file of a folder, which is made where
    it is missing. Each record has the time at which it was told, as far as that is known.

    Raises:
        ConfigError: tensorboardX is not installed; the hint says how to get it. Or the folder has such a file, beside
            which TensorBoard would show all twice.
    """
    if find_spec(_PACKAGE) is None:
        raise ConfigError(
            f"a file for TensorBoard needs {_PACKAGE}, not installed here",
            hint="Install it with: pip install 'reticle[tensorboard]'",
        )
    if any(folder.glob(_FILES)):
        raise ConfigError(
            "the folder has a file for TensorBoard already",
            path=folder,
            hint="Delete it or name another folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    begun = learnt_before = learnt = 0.0
    with closing(_Board(folder)) as board:
        for event in events.lasting(told):
            if isinstance(event, events.Started):
                begun, learnt_before = event.time, learnt
            elif isinstance(event, events.Step | events.Validation):
                learnt = event.time
            board.hear(event, at=begun + learnt - learnt_before)


class _Board:
    """One event file. Its records are written here, not by the library's own thread, which nobody hears fail."""

    def __init__(self, folder: Path) -> None:
        self._protocol: Any = import_module(f"{_PACKAGE}.proto.event_pb2")
        self._summary: Any = import_module(f"{_PACKAGE}.proto.summary_pb2").Summary
        writer: Any = import_module(f"{_PACKAGE}.record_writer").RecordWriter
        self._file: Any = writer(str(folder / _FILES.replace("*", f"{time.time_ns():d}.reticle")))
        self._flushed = time.monotonic()
        self._write(wall_time=time.time(), file_version="brain.Event:2")
        self._file.flush()

    def hear(self, event: Event, *, at: float) -> None:
        """Write the figures of an event that was told ``at`` this time, in seconds since 1970."""
        figures = dict(_figures(event))
        if figures:
            values = [self._summary.Value(tag=tag, simple_value=value) for tag, value in figures.items()]
            self._write(wall_time=at, step=event.step, summary=self._summary(value=values))  # type: ignore[union-attr]
        if time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self._file.flush()
            self._flushed = time.monotonic()

    def close(self) -> None:
        self._file.close()

    def _write(self, **fields: Any) -> None:
        self._file.write(self._protocol.Event(**fields).SerializeToString())


def _figures(event: Event) -> Iterable[tuple[str, float]]:
    """Tag and value of what an event says in numbers; a tag's group stands before its bar."""
    if isinstance(event, events.Step):
        yield from ((f"loss/{name}", value) for name, value in event.losses.items())
        yield "train/learning_rate", event.learning_rate
        yield "train/images_per_second", event.images_per_second
        if event.gradient is not None:
            yield "train/gradient", event.gradient
    elif isinstance(event, events.Validation):
        yield from ((f"validation/{name}", value) for name, value in event.metrics.items())
        yield from ((f"AP by class/{name}", value) for name, value in event.per_class.items())
    elif isinstance(event, events.ClassLosses):
        yield from ((f"loss by class/{name}", value) for name, value in event.losses.items())
    elif isinstance(event, events.Layers):
        for row, layer in enumerate(event.names):
            for figure, column in event.figures.items():
                value = column[row]
                if value is not None:
                    yield f"layers {figure}/{layer}", value
