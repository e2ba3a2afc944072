"""What is alike to labels of a class, on the images of a project."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add

import numpy as np

from detcore.assist.proposals import SAME_OBJECT
from detcore.assist.similar.finding import Alike, Lesson, Look
from detcore.boxes import iou
from detcore.errors import ImageError
from detcore.images.decoding import read_image
from detcore.project.project import Project
from detcore.project.verdict_rows import VerdictKind
from detcore.project.verdicts import read_verdicts
from detcore.types import Box, Detections, FloatArray, ImageArray

Progress = Callable[[int, int], bool]
SOURCE = "similar"
"""Who proposes what is alike: what labels and verdicts say that come of it."""
MOST_EXAMPLES = 100
"""Of an image. More tell nothing new."""
_MOST_OTHERS = 50


class Search:
    """What is alike to labels of a class. It keeps what the image that was looked at last looks like, and what was learnt on every
    image.

    Nothing of it is kept in the project: examples are labels, what was rejected are verdicts, and both are read again
    each time, so that an undo is followed like an edit. Safe to use from any thread.
    """

    def __init__(self, project: Project, class_id: int) -> None:
        self.class_id = class_id
        self._project = project
        self._lessons: dict[int, Lesson] = {}
        self._look: tuple[int, Look] | None = None
        self._one_at_a_time = threading.Lock()

    def forget_image(self) -> None:
        """What the last image looks like; it is worked out again when it is wanted."""
        self._look = None

    def on_image(self, image_id: int, left_out: Collection[int]) -> Detections:
        """What is proposed on an image by now. Labels of the class on it are examples, but for those ``left_out`` (ids).

        Raises:
            ImageError: its file cannot be read.
            ProjectError: the image is gone.
        """
        with self._one_at_a_time:
            return self._on_image(image_id, left_out)

    def _on_image(self, image_id: int, left_out: Collection[int]) -> Detections:
        boxes = self._project.boxes(image_id)
        own = [box for box in boxes if box.class_id == self.class_id and not box.crowd]
        alike = _edges([box for box in own if box.id not in left_out][-MOST_EXAMPLES:])
        unlike = _edges(
            [box for box in boxes if box.class_id != self.class_id and not box.crowd][:_MOST_OTHERS]
        )
        unlike = np.concatenate([unlike, self._rejected(image_id)])
        before = [lesson for at, lesson in self._lessons.items() if at != image_id]
        if not len(alike) + sum(len(lesson.alike) for lesson in before):
            self._lessons.pop(image_id, None)
            return Detections.empty()
        look = self._kept(image_id)
        is_new = look is None
        if look is None:
            look = Look(self._pixels(image_id), _side(alike, before))
        here = look.learn(alike, unlike)
        self._lessons[image_id] = here
        lesson = reduce(add, before, here)
        if is_new:
            look.search(lesson, examples=alike)
            self._look = (image_id, look)
        return self._detections(image_id, look.propose(lesson))

    def on_next_image(self, image_id: int) -> Detections:
        """What is proposed on an image that has no examples. Raises as ``on_image`` does."""
        lessons = list(self._lessons.values())
        if not sum(len(lesson.alike) for lesson in lessons):
            return Detections.empty()
        lesson = reduce(add, lessons)
        look = Look(self._pixels(image_id), _side(np.zeros((0, 4)), lessons))
        look.search(lesson, examples=np.zeros((0, 4)))
        return self._detections(image_id, look.propose(lesson))

    def labels_on(self, image_id: int) -> frozenset[int]:
        """Ids of all labels of an image."""
        return frozenset(box.id for box in self._project.boxes(image_id))

    def _kept(self, image_id: int) -> Look | None:
        kept = self._look
        return kept[1] if kept is not None and kept[0] == image_id else None

    def _pixels(self, image_id: int) -> ImageArray:
        return read_image(self._project.image_path(self._project.image(image_id)))

    def _rejected(self, image_id: int) -> FloatArray:
        verdicts = read_verdicts(self._project, run=SOURCE, image_ids=[image_id])
        wrong = [
            verdict.xyxy
            for verdict in verdicts
            if verdict.class_id == self.class_id and verdict.kind is VerdictKind.MODEL_WRONG
        ]
        return np.array(wrong[-MOST_EXAMPLES:], np.float64).reshape(-1, 4)

    def _detections(self, image_id: int, alike: Alike) -> Detections:
        """Without what is a label of the class already, as the examples are."""
        labels = _edges([box for box in self._project.boxes(image_id) if box.class_id == self.class_id])
        is_new = (iou(alike.boxes, labels) < SAME_OBJECT).all(axis=1)
        count = int(np.count_nonzero(is_new))
        return Detections(
            image_ids=np.full(count, image_id, np.int64),
            labels=np.full(count, self.class_id, np.int64),
            boxes=alike.boxes[is_new],
            scores=alike.scores[is_new],
        )


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is alike by class and image (ids); by image the labels that are there; images that could not be read."""

    found: dict[tuple[int, int], Detections] = field(default_factory=dict[tuple[int, int], Detections])
    labels: dict[int, frozenset[int]] = field(default_factory=dict[int, frozenset[int]])
    unread: list[int] = field(default_factory=list[int])


def search_images(
    asked: Sequence[tuple[Search, Collection[int]]], first: int, following: Sequence[int], progress: Progress
) -> Found:
    """What is alike on the ``first`` image, which has the examples, and on those that follow, as far as ``progress`` lets it go
    on. With each search come the labels of the first image that are no examples. Raises as ``Search.on_image`` does."""
    result = Found()
    for search, left_out in asked:
        result.found[search.class_id, first] = search.on_image(first, left_out)
        result.labels[first] = search.labels_on(first)
    for number, image_id in enumerate(following):
        if not progress(number, len(following)):
            break
        try:
            found = {(search.class_id, image_id): search.on_next_image(image_id) for search, _ in asked}
        except ImageError:
            result.unread.append(image_id)
        else:
            result.found.update(found)
            result.labels[image_id] = asked[0][0].labels_on(image_id)
    return result


def _edges(boxes: Sequence[Box]) -> FloatArray:
    return np.array([box.xyxy for box in boxes], np.float64).reshape(-1, 4)


def _side(alike: FloatArray, lessons: Sequence[Lesson]) -> float:
    """The square root of the area of the examples on this image, else of all, in pixels."""
    sizes = (
        np.concatenate([lesson.sizes for lesson in lessons])
        if not len(alike)
        else alike[:, 2:] - alike[:, :2]
    )
    return float(np.exp(np.log(np.maximum(sizes, 1.0)).mean()))
