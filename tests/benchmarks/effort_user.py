"""What a person who knows the truth does with an image, as cheaply as it can be done; free of Qt.

The keystroke-level model (Card, Moran and Newell, "The keystroke-level model for user performance time with interactive
systems", CACM 1980) says how long it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from enum import Enum, auto
from itertools import combinations

import numpy as np

from detcore.boxes import Xyxy, greedy_pairs, iou
from detcore.types import BoolArray, FloatArray

KEY, CLICK, DRAG, POINT = 0.28, 1.1, 1.5, 1.1
LOOK_AT_IMAGE, LOOK_AT_BOX = 1.2, 0.2
"""Seconds. To point without a press takes as long as a click, which is pointing for the most part."""

RIGHT, LOOSE = 0.7, 0.3
"""The IoU from which a box is where its object is, and from which it is near enough to be dragged there."""
SAME_OBJECT, SAME_PLACE = 0.5, 0.7
"""The IoU from which nothing is proposed any more where a label of the class is, and of another class."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What was done. A modifier that is held is a key; ``points`` are places pointed at without a press."""

    keys: int = 0
    clicks: int = 0
    drags: int = 0
    points: int = 0
    images: int = 0
    boxes: int = 0

    @property
    def actions(self) -> int:
        return self.keys + self.clicks + self.drags

    @property
    def seconds(self) -> float:
        by_hand = KEY * self.keys + CLICK * self.clicks + DRAG * self.drags + POINT * self.points
        return by_hand + LOOK_AT_IMAGE * self.images + LOOK_AT_BOX * self.boxes

    def __add__(self, other: Effort) -> Effort:
        return Effort(
            keys=self.keys + other.keys,
            clicks=self.clicks + other.clicks,
            drags=self.drags + other.drags,
            points=self.points + other.points,
            images=self.images + other.images,
            boxes=self.boxes + other.boxes,
        )


NOTHING = Effort()


def total(efforts: Sequence[Effort]) -> Effort:
    return sum(efforts, NOTHING)


@dataclass(frozen=True, kw_only=True)
class Thing:
    """An object, a label or a proposal: ``id`` is that on the canvas, and means nothing for an object."""

    class_id: int
    xyxy: Xyxy
    id: int = 0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An image as the user sees it: the objects that are there in truth, the labels so far, what is proposed, and the
    class that a new box gets."""

    objects: Sequence[Thing]
    labels: Sequence[Thing]
    proposals: Sequence[Thing]
    class_id: int


class Does(Enum):
    DRAW = auto()
    ADJUST = auto()
    NAME = auto()
    ACCEPT = auto()
    REJECT = auto()
    ACCEPT_ALL = auto()
    VERIFY = auto()


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that the user does, to a proposal, for an object, or to the image as a whole.

    DRAW: drag around the object, and with ``names`` press the key of its class, which the new box has not got.
    ADJUST: click the proposal, then drag ``corners`` of it to those of the object. NAME: click it, then the key of the
    class of the object. ACCEPT: click it. REJECT: point at it and press the key. ACCEPT_ALL and VERIFY: one key.
    """

    does: Does
    proposal: Thing | None = None
    target: Thing | None = None
    names: bool = False
    corners: int = 0

    @property
    def effort(self) -> Effort:
        match self.does:
            case Does.DRAW:
                return Effort(drags=1, keys=int(self.names))
            case Does.ADJUST:
                return Effort(clicks=1, drags=self.corners)
            case Does.NAME:
                return Effort(clicks=1, keys=1)
            case Does.ACCEPT:
                return Effort(clicks=1)
            case Does.REJECT:
                return Effort(points=1, keys=1)
            case Does.ACCEPT_ALL | Does.VERIFY:
                return Effort(keys=1)


Pair = tuple[Thing, Thing]
"""A label or proposal, and its object."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What is proposed as the user judges it: proposals with their objects, those that are of none, and objects that
    nothing is proposed for. Objects with a label are settled."""

    right: list[Pair]
    misnamed: list[Pair]
    loose: list[Pair]
    wrong: list[Thing]
    missed: list[Thing]

    @property
    def looked_at(self) -> int:
        """Boxes that somebody has to look at: what is to be labelled, and what is proposed for nothing."""
        found = len(self.right) + len(self.misnamed) + len(self.loose)
        return found + len(self.wrong) + len(self.missed)


def judge(seen: Seen) -> Judged:
    """One proposal for an object at most, and one object for a proposal: the best overlap first."""
    settled = _pairs(seen.labels, seen.objects, lambda overlap, same: same & (overlap >= RIGHT))
    objects = _without(seen.objects, [target for _, target in settled])
    proposals = list(seen.proposals)

    def take(fits: Callable[[FloatArray, BoolArray], BoolArray]) -> list[Pair]:
        nonlocal objects, proposals
        pairs = _pairs(proposals, objects, fits)
        proposals = _without(proposals, [proposal for proposal, _ in pairs])
        objects = _without(objects, [target for _, target in pairs])
        return pairs

    return Judged(
        right=take(lambda overlap, same: same & (overlap >= RIGHT)),
        misnamed=take(lambda overlap, same: ~same & (overlap >= RIGHT)),
        loose=take(lambda overlap, same: same & (overlap >= LOOSE)),
        wrong=proposals,
        missed=objects,
    )


def plan(seen: Seen) -> list[Step]:
    """All that is left to do on an image, in the fewest actions, of these in the least time.

    Either what is wrong is rejected and one key accepts the rest, or what is right is accepted one by one and the rest is
    left: whatever is not accepted is no label. What is loose or misnamed is mended, or drawn anew where that is cheaper.
    """
    judged = judge(seen)
    classes = sorted({target.class_id for _, target in judged.misnamed + judged.loose})
    choices = [set(chosen) for count in range(len(classes) + 1) for chosen in combinations(classes, count)]
    endings = (False, True) if judged.right else (False,)
    ways = [_way(seen, judged, drawn, at_once=at_once) for at_once in endings for drawn in choices]
    return min(ways, key=_cost)


def actions_left(seen: Seen) -> int:
    return total([step.effort for step in plan(seen)]).actions


def corners_to_drag(box: Xyxy, target: Xyxy) -> list[tuple[int, int]]:
    """The corners, as (0 left or 1 right, 0 top or 1 bottom), after whose way to those of the target the box is right: one
    where that is enough, else two opposite ones."""
    for across in (0, 1):
        for down in (0, 1):
            moved = list(box)
            moved[2 * across], moved[2 * down + 1] = target[2 * across], target[2 * down + 1]
            if moved[0] < moved[2] and moved[1] < moved[3] and _iou(tuple(moved), target) >= RIGHT:
                return [(across, down)]
    return [(0, 0), (1, 1)]


def _way(seen: Seen, judged: Judged, may_draw: Set[int], *, at_once: bool) -> list[Step]:
    """All steps. Only objects of the classes ``may_draw`` may be drawn although something near is proposed: to draw the first
    of a class may take a key."""
    drawn, mended = list(judged.missed), list[Step]()
    for proposal, target in judged.misnamed + judged.loose:
        anew = [Step(does=Does.DRAW, target=target)]
        if at_once and not _covers(target, proposal):
            anew.append(Step(does=Does.REJECT, proposal=proposal))
        other = _mend(proposal, target)
        if target.class_id in may_draw and _cost(anew) < _cost([other]):
            drawn.append(target)
        else:
            mended.append(other)
    steps = _in_order_of_classes(mended, drawn, seen.class_id)
    if not at_once:
        accepted = [Step(does=Does.ACCEPT, proposal=proposal) for proposal, _ in judged.right]
        return [*steps, *accepted, Step(does=Does.VERIFY)]
    settled = {proposal for proposal, _ in judged.right} | {step.proposal for step in mended}
    left = [one for one in seen.proposals if not any(_covers(target, one) for target in drawn)]
    rejected = [Step(does=Does.REJECT, proposal=one) for one in left if one not in settled]
    return [*steps, *rejected, Step(does=Does.ACCEPT_ALL)]


def _mend(proposal: Thing, target: Thing) -> Step:
    if proposal.class_id != target.class_id:
        return Step(does=Does.NAME, proposal=proposal, target=target)
    corners = len(corners_to_drag(proposal.xyxy, target.xyxy))
    return Step(does=Does.ADJUST, proposal=proposal, target=target, corners=corners)


def _in_order_of_classes(mended: Sequence[Step], drawn: Sequence[Thing], class_id: int) -> list[Step]:
    """Class by class, so that none is chosen twice; the one in use first."""
    steps: list[Step] = []
    classes = {step.target.class_id for step in mended if step.target} | {thing.class_id for thing in drawn}
    in_use = class_id
    for chosen in sorted(classes, key=lambda one: (one != class_id, one)):
        for step in mended:
            if step.target and step.target.class_id == chosen:
                steps.append(step)
                in_use = chosen if step.does is Does.NAME else in_use
        for target in drawn:
            if target.class_id == chosen:
                steps.append(Step(does=Does.DRAW, target=target, names=in_use != chosen))
                in_use = chosen
    return steps


def _cost(steps: Sequence[Step]) -> tuple[int, float]:
    effort = total([step.effort for step in steps])
    return effort.actions, effort.seconds


def _covers(label: Thing, proposal: Thing) -> bool:
    """Whether something is proposed no more once the label is there."""
    limit = SAME_OBJECT if label.class_id == proposal.class_id else SAME_PLACE
    return _iou(label.xyxy, proposal.xyxy) >= limit


def _pairs(
    things: Sequence[Thing], objects: Sequence[Thing], fits: Callable[[FloatArray, BoolArray], BoolArray]
) -> list[Pair]:
    """Each with the object that it overlaps most, one to one, where ``fits(overlaps, same class)``, both (N, M)."""
    if not things or not objects:
        return []
    overlaps = iou(_boxes(things), _boxes(objects))
    same = np.array([[one.class_id == other.class_id for other in objects] for one in things])
    overlaps[~fits(overlaps, same)] = -1.0
    return [(things[row], objects[column]) for row, column in greedy_pairs(overlaps, least=0.0)]


def _without(things: Sequence[Thing], taken: Sequence[Thing]) -> list[Thing]:
    """Things are told apart by which they are: the truth may have one twice."""
    gone = {id(thing) for thing in taken}
    return [thing for thing in things if id(thing) not in gone]


def _boxes(things: Sequence[Thing]) -> FloatArray:
    return np.array([thing.xyxy for thing in things], np.float64).reshape(-1, 4)


def _iou(box: Sequence[float], other: Sequence[float]) -> float:
    return float(iou(np.array([box], np.float64), np.array([other], np.float64))[0, 0])


def in_labelimg(images: Sequence[Sequence[int]]) -> list[Effort]:
    """The least that labelImg takes for images with objects of these classes, saved as it goes on.

    A box is W, a drag, and in the dialog Enter where the class is that of the box before, else a double click on
    it; the next image is D.
    """
    efforts: list[Effort] = []
    in_use: int | None = None
    for classes in images:
        effort = Effort(keys=1, images=1, boxes=len(classes))
        for class_id in sorted(classes, key=lambda one, used=in_use: (one != used, one)):
            same = class_id == in_use
            effort += Effort(keys=1 + same, drags=1, clicks=not same)
            in_use = class_id
        efforts.append(effort)
    return efforts
