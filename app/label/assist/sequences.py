"""Labels that are carried along sequences of images, as proposals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject

from app.label.assist.proposals import Proposals
from app.label.current_boxes import CurrentBoxes
from app.services.context import AppContext
from app.services.image_loader import Stamp, stamp_of
from app.services.tasks import Task
from app.services.timing import Debouncer
from detcore.assist.carrying import Labelled, carry
from detcore.assist.sequences import Frames, find_sequences
from detcore.assist.tracking import Picture
from detcore.errors import ReticleError
from detcore.images.decoding import read_image
from detcore.project.project import Project
from detcore.types import Changes, Detections, Status

SOURCE = "sequence"
_PAUSE_MS, _LONGEST_MS = 200, 2000
"""An import brings images in many steps."""


@dataclass(frozen=True)
class _Read:
    """A picture, and the stamp of its file when it was read."""

    stamp: Stamp | None
    picture: Picture


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What is to be carried to an image, at that ``time`` of its sequence: what is labelled on the frame before it; what on the
    one before that tells how things move. ``key`` is another once these labels are."""

    image_id: int
    time: int
    before: Path
    after: Path
    labelled: Labelled
    earlier: Labelled | None
    key: tuple[object, ...]


@dataclass(frozen=True)
class _Answer:
    key: tuple[object, ...]
    detections: Detections


@dataclass(frozen=True)
class _Filled:
    """What lies on a frame between two labelled ones, the ``ends``."""

    ends: frozenset[int]
    detections: Detections


class SequenceProposals(QObject):
    """Proposes on an unlabelled image of a sequence what is labelled on the frame before it, where that is seen again; and
    what was filled in between labelled frames as long as these stay as they are."""

    def __init__(
        self, context: AppContext, boxes: CurrentBoxes, proposals: Proposals, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._context, self._boxes, self._proposals = context, boxes, proposals
        self.is_following = context.settings.follow_sequences
        self._places: Mapping[int, tuple[Frames, int]] = {}
        self._answers: dict[int, _Answer] = {}
        self._filled: dict[int, _Filled] = {}
        self._pictures: Mapping[Path, _Read] = {}
        self._finding: Task | None = None
        self._asked: _Question | None = None
        self._shown: list[Detections] = []
        self._list_changed = Debouncer(self, self._find, pause_ms=_PAUSE_MS, longest_ms=_LONGEST_MS)
        context.document.opened.connect(self._find)
        context.document.closed.connect(self._leave_project)
        context.document.changed.connect(self._follow)
        context.view.image_changed.connect(self._look)

    @property
    def is_busy(self) -> bool:
        """Whether something is being worked out."""
        return self._finding is not None or self._asked is not None

    def place(self, image_id: int) -> tuple[Frames, int] | None:
        """The sequence that an image is in and the number of its frame there, from 0."""
        return self._places.get(image_id)

    def follow(self, following: bool) -> None:
        """Whether labels are carried to the next frame by themselves."""
        self.is_following = following
        self._context.settings.follow_sequences = following
        self._look()

    def propose_between(self, ends: Iterable[int], filled: Mapping[int, Detections]) -> None:
        """What lies on frames (by image id) between two labelled ones."""
        keyframes = frozenset(ends)
        self._filled |= {image_id: _Filled(keyframes, dets) for image_id, dets in filled.items()}
        self._look()

    def _find(self) -> None:
        """Which images are frames of which sequence by now."""
        project = self._context.document.project

        def done(places: Mapping[int, tuple[Frames, int]]) -> None:
            if self._finding is task:
                self._finding, self._places = None, places
                self._look()

        def failed(error: Exception) -> None:
            if self._finding is task:
                self._finding = None
                self._context.messages.error(error, doing="look for sequences of images")

        task = self._context.tasks.run(lambda: _places(project), done=done, failed=failed)
        self._finding = task

    def _look(self) -> None:
        """What is to be carried to the current image, and whether that was worked out already."""
        question = self._question()
        answer = None if question is None else self._answers.get(question.image_id)
        if question is not None and (answer is None or answer.key != question.key):
            answer = None
            self._ask(question)
        shown = [filled.detections for filled in self._filled.values()]
        shown += [] if answer is None else [answer.detections]
        if [id(dets) for dets in shown] != [id(dets) for dets in self._shown]:
            self._shown = shown
            self._proposals.propose_also(SOURCE, Detections.joined(shown))

    def _question(self) -> _Question | None:
        """``None`` where there is nothing to carry, or the image is labelled, or between frames that were filled."""
        image_id = self._context.view.image_id
        frames, at = self._places.get(image_id, (None, 0))
        if frames is None or at == 0 or not self.is_following or image_id in self._filled:
            return None
        if self._boxes.boxes and image_id not in self._answers:
            return None
        project = self._context.document.project
        last = frames.image_ids[at - 1]
        others = project.boxes(last)
        if not others:
            return None
        try:
            image, before = project.images([image_id, last])
        except ReticleError:  # one was taken away since
            return None
        if image.status is Status.VERIFIED:
            return None
        earliest = project.boxes(frames.image_ids[at - 2]) if at > 1 else []
        return _Question(
            image_id=image_id,
            time=frames.times[at],
            before=project.image_path(before),
            after=project.image_path(image),
            labelled=Labelled.by(others, time=frames.times[at - 1]),
            earlier=Labelled.by(earliest, time=frames.times[at - 2]) if earliest else None,
            key=tuple((box.image_id, box.class_id, *box.xyxy, box.crowd) for box in (*others, *earliest)),
        )

    def _ask(self, question: _Question) -> None:
        asked, known = self._asked, self._pictures
        if asked is not None and (asked.image_id, asked.key) == (question.image_id, question.key):
            return
        self._asked = question

        def keep(detections: Detections) -> None:
            if self._asked is question:
                self._asked = None
                self._answers[question.image_id] = _Answer(question.key, detections)
                self._look()

        def done(answer: tuple[Detections, Mapping[Path, _Read]]) -> None:
            detections, self._pictures = answer
            keep(detections)

        def failed(error: Exception) -> None:
            if not isinstance(error, ReticleError):
                raise error
            keep(Detections.empty())  # of a picture that cannot be read its own view tells

        self._context.tasks.run(lambda: _carried(question, known), done=done, failed=failed)

    def _leave_project(self) -> None:
        self._list_changed.stop()
        self._finding = self._asked = None
        self._places, self._pictures = {}, {}
        self._answers.clear()
        self._filled.clear()
        self._shown = []

    def _follow(self, changes: Changes) -> None:
        if changes.image_list:
            self._list_changed.ask()
        self._filled = {
            image_id: filled
            for image_id, filled in self._filled.items()
            if filled.ends.isdisjoint(changes.box_images)
        }
        self._look()


def _places(project: Project) -> dict[int, tuple[Frames, int]]:
    """The sequence of each image that is in one, and the number of its frame. For the pool."""
    images = project.image_list()
    return {
        image_id: (frames, at)
        for frames in find_sequences(images.ids.tolist(), images.paths)
        for at, image_id in enumerate(frames.image_ids)
    }


def _carried(question: _Question, known: Mapping[Path, _Read]) -> tuple[Detections, Mapping[Path, _Read]]:
    """What is seen again on the image, and the pictures that were looked at. For the pool."""
    read = {path: _read(path, known.get(path)) for path in (question.before, question.after)}
    carried = carry(
        question.labelled,
        read[question.before].picture,
        read[question.after].picture,
        time=question.time,
        earlier=question.earlier,
    )
    return carried.detections(question.image_id), read


def _read(path: Path, known: _Read | None) -> _Read:
    stamp = stamp_of(path)
    return known if known is not None and known.stamp == stamp else _Read(stamp, Picture(read_image(path)))
