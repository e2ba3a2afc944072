"""What a worker process tells its owner, one JSON line an event.

The same lines go to the worker's stdout and to ``events.jsonl`` in the run's folder, so a run that is
reopened shows what it showed live. The owner answers on stdin with one ``Command`` a line.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar, cast

from detcore.untrusted_json import fits, parse_json


class Command(StrEnum):
    """What the owner may ask of a worker, as a bare word on a line of its own."""

    STOP = "stop"
    FINISH = "finish"


class FailureKind(StrEnum):
    """Why a worker gave up."""

    OUT_OF_MEMORY = "out_of_memory"
    NON_FINITE_LOSS = "non_finite_loss"
    BAD_INPUT = "bad_input"
    BUG = "bug"


class EndReason(StrEnum):
    """How a worker that did not fail came to its end."""

    COMPLETED = "completed"
    STOPPED = "stopped"
    FINISHED_EARLY = "finished_early"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The work begins (or goes on, when ``step`` > 0)."""

    kind: ClassVar[str] = "started"
    time: float
    step: int = 0
    device: str
    device_name: str
    parameters: int = 0
    images: int = 0
    batch_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Training metrics at a step. ``time`` is seconds of training so far, resumed ones included;
    ``fraction`` of the whole is 0..1; ``remaining`` is in seconds; ``part`` names the part of the work that
    it belongs to, where there are several."""

    kind: ClassVar[str] = "step"
    step: int
    epoch: float
    time: float
    fraction: float
    remaining: float | None
    learning_rate: float
    losses: dict[str, float]
    images_per_second: float
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Metrics on the validation split: ``AP``, ``AP50`` …, and AP by class name. ``best`` says that
    this is the best so far."""

    kind: ClassVar[str] = "validation"
    step: int
    epoch: float
    time: float
    metrics: dict[str, float]
    per_class: dict[str, float]
    best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job without steps has come, and what it is doing."""

    kind: ClassVar[str] = "progress"
    done: int
    total: int
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint is on disk, complete."""

    kind: ClassVar[str] = "checkpoint"
    step: int
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A line for the user. ``level`` is info, warning or error."""

    kind: ClassVar[str] = "log"
    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Alive, nothing to report. At least one line of any kind comes every five seconds."""

    kind: ClassVar[str] = "heartbeat"
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The worker gives up: why, and what the user can do. ``attempt`` is how often memory had run out in
    the run before this time."""

    kind: ClassVar[str] = "failed"
    failure: FailureKind
    message: str
    hint: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The worker is done; ``result`` names files and figures, such as ``{"best_AP": 0.41}``."""

    kind: ClassVar[str] = "ended"
    reason: EndReason
    time: float
    result: dict[str, Any] = field(default_factory=dict[str, Any])


Event = Started | Step | Validation | Progress | Checkpoint | Log | Heartbeat | Failed | Ended
_EVENTS: dict[str, type[Event]] = {
    event.kind: event
    for event in (Started, Step, Validation, Progress, Checkpoint, Log, Heartbeat, Failed, Ended)
}
_ENUMS: dict[str, type[StrEnum]] = {"FailureKind": FailureKind, "EndReason": EndReason}
_FIGURES = "dict[str, float]"
_KINDS = {event.kind: {item.name: str(item.type) for item in fields(event)} for event in _EVENTS.values()}
"""The annotations of the fields of each event."""


def encode(event: Event) -> str:
    """The event as one line of JSON, without the line feed. Not-a-number becomes null."""
    return json.dumps({"event": event.kind, **_finite(asdict(event))}, allow_nan=False)


def decode(line: str) -> Event | None:
    """The event in a line, or ``None`` for a line that is none (a library's print, a torn last line, a value
    of another kind than the event has). Fields that are not known here are passed over."""
    try:
        record = parse_json(line)
        event_type = _EVENTS[record.pop("event")]
        kinds = _KINDS[event_type.kind]
        return event_type(
            **{name: _restored(value, kinds[name]) for name, value in record.items() if name in kinds}
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _restored(value: Any, kind: str) -> Any:
    """A value of that annotation.

    Raises:
        ValueError, TypeError: it is of another kind.
    """
    if kind in _ENUMS:
        return _ENUMS[kind](value)
    if not fits(value, "dict[str, float | None]" if kind == _FIGURES else kind):
        raise ValueError(f"{value!r:.40} is no {kind}")
    if kind == _FIGURES:
        return {key: float("nan") if item is None else float(item) for key, item in value.items()}
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
