"""Proposing between two labelled frames of a sequence what is labelled on both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.label.assist.sequences import SequenceProposals
from app.services.context import AppContext
from app.services.figures import counted
from app.services.tasks import ProgressCallback
from detcore.assist.carrying import Labelled
from detcore.assist.filling import MOST_FRAMES, fill, gap_around
from detcore.assist.sequences import LEAST_FRAMES, Frames
from detcore.assist.tracking import Picture
from detcore.errors import Cancelled, ImageError, ReticleError
from detcore.images.decoding import read_image
from detcore.project.project import Project
from detcore.types import Box, Detections, Image, Status

_DOING = "fill between labelled frames"
_IN_NONE = (
    f"This image is in no sequence: {LEAST_FRAMES} images and more of one folder whose names count up, such as "
    "shot_01.png, shot_02.png."
)
_NEEDS_TWO = (
    f"Label the same objects on a frame before this one and on one after it, with {MOST_FRAMES} in between at most. "
    "They are then proposed on those in between."
)
_NOTHING_SAME = (
    "No object of {first} was found again on {last}. It needs the same class on both, and is known by its look, or as the "
    "only one of its class."
)
_CHANGED = "The labels to fill between were changed meanwhile. Fill once more."


@dataclass(frozen=True)
class _Gap:
    """Images from a labelled frame to the next, when they were taken, and the boxes of both ends."""

    images: Sequence[Image]
    times: Sequence[int]
    first: Sequence[Box]
    last: Sequence[Box]


class FillingBetween:
    """Finds the labelled frames around the current image, and in the pool what lies between them."""

    def __init__(self, context: AppContext, sequences: SequenceProposals) -> None:
        self._context, self._sequences = context, sequences

    def ask(self) -> None:
        context, project = self._context, self._context.document.project
        place = self._sequences.place(context.view.image_id)
        if place is None:
            context.messages.info(_IN_NONE)
            return
        try:
            gap = _gap(project, *place)
        except ReticleError as error:
            context.messages.error(error, doing=_DOING)
            return
        if gap is None:
            context.messages.info(_NEEDS_TWO)
            return
        context.tasks.run_with_progress(
            "Filling between labelled frames",
            lambda progress: _filled(project, gap, progress),
            done=lambda filled: self._propose(project, gap, filled),
            failed=lambda error: self._fail(project, error),
        )

    def _propose(self, project: Project, gap: _Gap, filled: dict[int, Detections]) -> None:
        if not self._context.document.shows(project):
            return
        messages, first, last = self._context.messages, gap.images[0], gap.images[-1]
        if (project.boxes(first.id), project.boxes(last.id)) != (gap.first, gap.last):
            messages.info(_CHANGED)
        elif not filled:
            messages.info(_NOTHING_SAME.format(first=first.path, last=last.path))
        else:
            self._sequences.propose_between((first.id, last.id), filled)
            images = counted(len(filled), "image has", "images have")
            messages.success(f"{images} proposals now, between {first.path} and {last.path}.")

    def _fail(self, project: Project, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self._context.messages.info("Cancelled. Nothing more is proposed.")
        elif self._context.document.shows(project):
            self._context.messages.error(error, doing=_DOING)


def _gap(project: Project, frames: Frames, at: int) -> _Gap | None:
    """Raises ProjectError where an image is gone."""
    begin = max(at - MOST_FRAMES - 1, 0)
    near = frames.image_ids[begin : at + MOST_FRAMES + 2]
    labelled = {box.image_id for box in project.all_boxes(near)}
    found = gap_around([image_id in labelled for image_id in near], at - begin)
    if found is None:
        return None
    wanted = slice(begin + found[0], begin + found[1] + 1)
    images = project.images(frames.image_ids[wanted])
    return _Gap(images, frames.times[wanted], project.boxes(images[0].id), project.boxes(images[-1].id))


def _filled(project: Project, gap: _Gap, progress: ProgressCallback) -> dict[int, Detections]:
    """What lies on each image in between that is not verified. For the pool.

    Raises:
        Cancelled: the user has cancelled.
        ImageError: a labelled picture cannot be read, or they differ in size.
    """
    first = Labelled.by(gap.first, time=gap.times[0])
    last = Labelled.by(gap.last, time=gap.times[-1])
    image_at = dict(zip(gap.times, gap.images, strict=True))
    return {
        image_at[found.time].id: found.detections(image_at[found.time].id)
        for found in fill(first, last, _pictures(project, gap, progress))
        if image_at[found.time].status is not Status.VERIFIED
    }


def _pictures(project: Project, gap: _Gap, progress: ProgressCallback) -> Iterator[tuple[int, Picture]]:
    """Those that can be read and have the size of the first one."""
    size: tuple[int, int] | None = None
    for number, (time, image) in enumerate(zip(gap.times, gap.images, strict=True)):
        if not progress(number, len(gap.images)):
            raise Cancelled("filling between frames was cancelled")
        is_end = number in (0, len(gap.images) - 1)
        path = project.image_path(image)
        try:
            picture = Picture(read_image(path))
        except ImageError:
            if is_end:
                raise
            continue
        size = picture.size if size is None else size
        if picture.size == size:
            yield time, picture
        elif is_end:
            raise ImageError("the image is of another size than the first labelled one", path=path)
