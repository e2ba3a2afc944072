"""Why a run does not learn, in plain words, by rules over what it has told.

Free of torch: the window asks while a run trains, the command line reads the run's events.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from detcore.jobs.events import (
    LEFT_OUT,
    SMALL_SIDE,
    Data,
    Ended,
    Event,
    Failed,
    FailureKind,
    Layers,
    Log,
    Started,
    Step,
    Validation,
)
from detcore.jobs.settings.learning import SMALLEST_TILE
from detcore.wording import counted

_FEW_BOXES, _SMALL_SHARE = 10, 0.05
_FEW_JUDGED_IMAGES, _FEW_JUDGED_BOXES = 10, 30
_HUGE = 4.0
_LEAST_GAIN = 1.25
"""By how much larger boxes are to be seen at least, where nine tenths are large enough and yet too many are not."""
_LARGEST_USEFUL = 1280
_WINDOWS = 10
_RISEN, _FLAT = 1.3, 0.97
_FEWEST_STEPS, _ENOUGH_STEPS = 100, 500
_SLOW_UPDATE = 1e-5
_KNOWS_SOMETHING = 0.05
_FALLEN_AP, _FALLEN_LOSS = 0.05, 0.95
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, with its numbers, and what to do."""

    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.text} {self.advice}"


class Diagnosis:
    """Takes in the events of one run, live or from its file."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._data: Data | None = None
        self._steps: list[Step] = []
        self._judged: list[Validation] = []
        self._layers: Layers | None = None
        self._unread: set[str] = set()
        self._end: Ended | Failed | None = None
        self._found: list[Finding] | None = None
        self._good_for = 0
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        if not isinstance(event, Step) or len(self._steps) >= self._good_for:
            self._found = None
        match event:
            case Data():
                self._data = event
            case Step():
                self._steps.append(event)
            case Validation():
                self._judged.append(event)
            case Layers():
                self._layers = event
            case Started():
                # a run that goes on from a checkpoint has unlearnt what came after it
                self._steps = [item for item in self._steps if item.step <= event.step]
                self._judged = [item for item in self._judged if item.step <= event.step]
                self._end = None
                self._unread.clear()
            case Ended() | Failed():
                self._end = event
            case Log() if event.text.startswith(LEFT_OUT):
                self._unread.add(event.text)
            case _:
                pass

    def findings(self) -> list[Finding]:
        """The most harmful first; nothing when all is well. May be asked after each event: steps that are few against
        those before are not looked at anew."""
        if self._found is None:
            found = [*self._learning(), *self._unreadable()]
            self._found = [*found, *_of_data(self._data)] if self._data is not None else found
            self._good_for = len(self._steps) * 21 // 20
        return self._found

    def _learning(self) -> Iterable[Finding]:
        if isinstance(self._end, Failed) and self._end.failure is FailureKind.NON_FINITE_LOSS:
            rate = max((step.learning_rate for step in self._steps), default=None)
            lower = "" if rate is None else f", such as {rate / 10:.2g}"
            text = "The loss was no longer a number, so the learning rate is too high or a box is broken."
            yield Finding(
                text, f"Look at the images that the failure names, or train at a lower rate{lower}."
            )
            return
        losses = self._losses()
        if losses:
            yield from self._rate(losses)
        yield from self._ap(losses)

    def _losses(self) -> list[float]:
        """Means over tenths of the steps since the warm-up; empty as long as there are too few."""
        if not self._steps or self._steps[-1].step < _FEWEST_STEPS:
            return []
        values = [sum(step.losses.values()) for step in self._steps if step.step > self._steps[-1].step / 10]
        values = [value for value in values if math.isfinite(value)]
        if len(values) < _WINDOWS:
            return []
        edges = [round(row * len(values) / _WINDOWS) for row in range(_WINDOWS + 1)]
        return [statistics.fmean(values[low:high]) for low, high in zip(edges, edges[1:], strict=False)]

    def _rate(self, losses: list[float]) -> Iterable[Finding]:
        last, lowest = losses[-1], min(losses)
        rate = max(step.learning_rate for step in self._steps)
        aps = [item.metrics.get("AP", math.nan) for item in self._judged]
        learns = max(aps, default=0.0) >= _KNOWS_SOMETHING
        if last > _RISEN * lowest and not (learns and aps[-1] == max(aps)):
            text = f"The loss rises: {last:.3g} now, {lowest:.3g} at its lowest. The learning rate of {rate:.2g} is probably too high."
            yield Finding(text, f"Train at {rate / 3:.2g} or less.")
        elif last > _FLAT * losses[0] and not learns:
            recent = self._steps[len(self._steps) // 2 :]
            cut = statistics.fmean(step.clipped or 0.0 for step in recent)
            steps = counted(self._steps[-1].step, "step")
            text = f"The loss has not fallen in {steps}: {losses[0]:.3g} at first, {last:.3g} now"
            update = self._update()
            if cut > 0.9:
                text += f", and {cut:.0%} of the gradients were too long and cut. The learning rate of {rate:.2g} is probably too high."
                yield Finding(text, f"Train at {rate / 3:.2g} or less.")
            elif update is not None and update < _SLOW_UPDATE:
                moves = f"changes weights by {update:.1e} of their length" if update else "changes no weight"
                text += f", and a step {moves}. The learning rate of {rate:.2g} is probably too low."
                yield Finding(text, f"Train at {rate * 10:.2g}, or leave the rate to the detector.")
            else:
                text += "."
                yield Finding(text, "Leave the learning rate to the detector, and check the labels.")

    def _update(self) -> float | None:
        """How far a step goes in the middle one of the layers that it moves, against the length of its weights."""
        updates = self._layers.figures.get("update", []) if self._layers else []
        known = [value for value in updates if value is not None]
        moved = [value for value in known if value > 0]
        return statistics.median(moved or known) if known else None

    def _ap(self, losses: list[float]) -> Iterable[Finding]:
        aps = [item.metrics["AP"] for item in self._judged if item.metrics.get("AP", math.nan) >= 0]
        if not aps or not self._steps:
            return
        step, fraction = self._steps[-1].step, self._steps[-1].fraction
        done = isinstance(self._end, Ended)
        if max(aps) < 0.005 and (done or fraction > 0.5):
            if step < _ENOUGH_STEPS:
                text = f"Nothing is found yet: it has made {counted(step, 'step')}, and from nothing some hundred are needed."
                yield Finding(text, "Give it more time, or start from weights that know similar objects.")
            else:
                text = f"Nothing is found after {counted(step, 'step')}."
                yield Finding(text, "Look at the labels: are boxes where the objects are?")
        best = max(range(len(aps)), key=aps.__getitem__)
        later = aps[best + 1 :]
        if len(later) >= 3 and losses and max(later) < aps[best] - _FALLEN_AP:
            at = [item for item in self._judged if item.metrics.get("AP", math.nan) >= 0][best].step
            before = [sum(item.losses.values()) for item in self._steps if item.step <= at][-20:]
            now = losses[-1]
            if before and now < _FALLEN_LOSS * statistics.fmean(before):
                text = f"It learns the images by heart: since step {at:,} AP on validation has fallen from {aps[best]:.2f} to {later[-1]:.2f}, while the loss went on falling."
                yield Finding(
                    text,
                    "The best weights are kept. Label more images, vary them more, or train for less time.",
                )

    def _unreadable(self) -> Iterable[Finding]:
        if self._unread:
            one = "image was left out, since it cannot be read or has changed"
            several = "images were left out, since they cannot be read or have changed"
            yield Finding(
                f"{counted(len(self._unread), one, several)}.",
                "The log names them: put the files right, or take them out of the project.",
            )


def lost_by_class(judged: Validation) -> list[tuple[str, float]]:
    """What each class costs, the costliest first: its share of what the mean AP lacks to 1. That can be told of any
    detector, whatever its losses are made of."""
    count = len(judged.per_class)
    lost = [(name, (1.0 - ap) / count) for name, ap in judged.per_class.items()]
    return sorted(lost, key=lambda item: item[1], reverse=True)


def _of_data(data: Data) -> Iterable[Finding]:
    """What is wrong with what there is to learn from."""
    total = sum(data.boxes.values())
    if data.small_boxes > _SMALL_SHARE * total:
        boxes = counted(total, "box", "boxes")
        larger = max(_LEAST_GAIN, SMALL_SIDE / max(data.tenth_side, 1e-3))
        size = math.ceil(data.image_size * larger / 32) * 32
        where = f"in tiles of {data.tile_side:,}, seen at" if data.tile_side else "at"
        text = f"{data.small_boxes:,} of {boxes} are smaller than {SMALL_SIDE} pixels {where} {data.image_size} pixels, too small to be found."
        if data.tile_side:
            side = max(math.floor(data.tile_side / larger / 32) * 32, SMALLEST_TILE)
            smaller = side < data.tile_side
            yield Finding(text, f"Train on tiles of {side}." if smaller else "Train at a larger image size.")
        elif size <= _LARGEST_USEFUL:
            yield Finding(text, f"Train at an image size of {size}.")
        else:
            yield Finding(text, "Train on tiles, or at a larger image size.")
    absent = [name for name, count in data.boxes.items() if not count]
    if absent:
        text = f"There is no box of {_listed(absent)} to learn from."
        yield Finding(text, "Label some, move images to the train split, or delete the class.")
    few = [
        f"{counted(count, 'box', 'boxes')} of {name}"
        for name, count in data.boxes.items()
        if 0 < count < _FEW_BOXES
    ]
    if few:
        yield Finding(
            f"There are only {_listed(few)} to learn from.",
            "Label more: some dozen of each class are a beginning.",
        )
    if data.judged_images and (
        data.judged_images < _FEW_JUDGED_IMAGES or data.judged_boxes < _FEW_JUDGED_BOXES
    ):
        images = counted(data.judged_images, "image")
        boxes = counted(data.judged_boxes, "box", "boxes")
        text = f"Validation has {images} with {boxes}: too little to tell one AP from another."
        yield Finding(text, "Label more images of the val split.")
    if data.usual_side and not data.tile_side and data.largest_side > _HUGE * data.usual_side:
        text = f"One image is {counted(data.largest_side, 'pixel')} long, the others usually {data.usual_side:,}: at {data.image_size} pixels its objects shrink the most."
        yield Finding(text, "Cut it into parts, or train on tiles.")


def _listed(names: list[str]) -> str:
    """A few names, and how many more."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
