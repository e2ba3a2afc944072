"""What a worker process tells its owner, one JSON line an event.

The same lines go to the worker's stdout and to ``events.jsonl`` in the run's folder, so a run that is
reopened shows what it showed live. The owner answers on stdin with one ``Command`` a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar, cast, get_args

from detcore.untrusted_json import fits, parse_json


class Command(StrEnum):
    """What the owner may ask of a worker, as a bare word on a line of its own."""

    STOP = "stop"
    FINISH = "finish"
    MEASURE = "measure"
    """Look at the layers in the next step."""


class FailureKind(StrEnum):
    """Why a worker gave up."""

    OUT_OF_MEMORY = "out_of_memory"
    NON_FINITE_LOSS = "non_finite_loss"
    BAD_INPUT = "bad_input"
    PEER_LOST = "peer_lost"
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
    ``fraction`` of the whole is 0..1; ``remaining`` is seconds by the clock until all is done; ``part`` names the part
    of the work that it belongs to, where there are several. ``gradient`` is the mean length of the gradients since the
    step before, and ``clipped`` the share of them that were cut. ``memory`` of the process and ``device_memory`` are in
    bytes."""

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
    gradient: float | None = None
    clipped: float | None = None
    memory: int | None = None
    device_memory: int | None = None

    @property
    def held(self) -> int | None:
        """Bytes of the memory that matters: of the GPU where there is one."""
        return self.memory if self.device_memory is None else self.device_memory


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
class Data:
    """What there is to learn from and to judge by, counted when training begins.

    ``boxes`` to learn from by class name, classes without any included; ``small_boxes`` of them have a shorter side
    below ``SMALL_SIDE`` pixels at ``image_size``, and a tenth of all one of at most ``tenth_side`` pixels.
    ``judged_images`` and ``judged_boxes`` are those of validation. ``largest_side`` is the longer side of the largest
    file to learn from, ``usual_side`` the median, in pixels. ``tile_side`` is that of the tiles that the run looks at, in
    pixels of the original; 0 where it looks at whole images.
    """

    kind: ClassVar[str] = "data"
    image_size: int
    images: int
    boxes: dict[str, int]
    small_boxes: int
    tenth_side: float
    judged_images: int
    judged_boxes: int
    largest_side: int = 0
    usual_side: int = 0
    tile_side: int = 0


SMALL_SIDE = 8
"""Pixels below which an object is hard to find: one place of the finest level of most detectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardBatch:
    """The batch with the highest loss since the event before, against the ``usual`` one of its time, and the ids of
    its images."""

    kind: ClassVar[str] = "hard_batch"
    step: int
    loss: float
    usual: float
    images: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLosses:
    """The part of the loss that each class had, by name: means over the steps since the event before, which add up to
    the whole. Of detectors that can tell it."""

    kind: ClassVar[str] = "class_losses"
    step: int
    losses: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """One step looked at layer by layer: ``names`` of the convolutions and linear layers, and a column of
    ``figures``, with a value a layer, for each of ``LAYER_FIGURES``; ``None`` where there is none."""

    kind: ClassVar[str] = "layers"
    step: int
    names: list[str]
    figures: dict[str, list[float | None]]


LAYER_FIGURES = ("mean", "spread", "zeros", "saturated", "gradient", "update")
"""Of what comes into a layer its mean, its standard deviation, the share of zeros and of values at the upper end of
their range; the length of the gradient and of the step against that of the weights."""


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
    the run before this time; ``elsewhere`` says that it did so in another process of the job."""

    kind: ClassVar[str] = "failed"
    failure: FailureKind
    message: str
    hint: str = ""
    attempt: int = 0
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The worker is done; ``result`` names files and figures, such as ``{"best_AP": 0.41}``."""

    kind: ClassVar[str] = "ended"
    reason: EndReason
    time: float
    result: dict[str, Any] = field(default_factory=dict[str, Any])


class Doing(StrEnum):
    """What the learner beside the window is at."""

    WAITING = "waiting"
    """Nothing is verified yet that it could learn from."""
    LEARNING = "learning"
    RESTING = "resting"
    """Nothing is new, and it has got no better for a while."""
    PAUSED = "paused"
    YIELDING = "yielding"
    """Something else learns on its device."""
    LOOKING = "looking"
    """It looks at all images, since the owner wants to know what is on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The learner does something else, or has other images to learn from (``learnt``) and to be judged by (``judged``)."""

    kind: ClassVar[str] = "live"
    doing: Doing
    learnt: int
    judged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What the weights of a step find on an image, the surest first: class ids, boxes (xyxy in its pixels) and scores. It is
    said, and not written down."""

    kind: ClassVar[str] = "proposed"
    image: int
    step: int
    labels: list[int]
    boxes: list[list[float]]
    scores: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The answer to request ``number`` about a detector; a ``fault`` says why there is none."""

    kind: ClassVar[str] = "described"
    number: int
    result: dict[str, Any] = field(default_factory=dict[str, Any])
    fault: str = ""


Event = (
    Started
    | Step
    | Validation
    | Data
    | HardBatch
    | ClassLosses
    | Layers
    | Progress
    | Checkpoint
    | Log
    | Heartbeat
    | Failed
    | Live
    | Proposed
    | Described
    | Ended
)
PASSING = (Heartbeat, Proposed)
"""Events that no history keeps."""
_EVENTS: dict[str, type[Event]] = {event.kind: event for event in get_args(Event)}
LEFT_OUT = "Left out: "
"""How the warning of an image begins that cannot be read."""
_ENUMS: dict[str, type[StrEnum]] = {"FailureKind": FailureKind, "EndReason": EndReason, "Doing": Doing}
_FIGURES = "dict[str, float]"
_KINDS = {event.kind: {item.name: str(item.type) for item in fields(event)} for event in _EVENTS.values()}
"""The annotations of the fields of each event."""


def lasting(told: Iterable[Event]) -> list[Event]:
    """What a run has told, in order, without the steps that it has lost by going back to a checkpoint."""
    kept: list[Event] = []
    for event in told:
        if isinstance(event, Started):
            kept = [item for item in kept if getattr(item, "step", 0) <= event.step]
        kept.append(event)
    return kept


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
