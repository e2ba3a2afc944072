"""The detections of a run: columns in one file of its folder, written whole and never altered."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcore.atomic import atomic_write
from detcore.errors import ProjectError
from detcore.project.columns import has_columns, read_columns
from detcore.project.imported_run import imported_from
from detcore.project.run_folder import RunFolder
from detcore.project.run_weights import weights_step
from detcore.types import Detections, IntArray, LabelAnswers

_PREFIX = "answers_"
_ANSWERS = {
    f"{_PREFIX}{name}": kind
    for name, kind in {
        "label_ids": "i",
        "image_ids": "i",
        "strange": "b",
        "labels": "i",
        "boxes": "f",
        "well": "f",
        "close": "f",
        "other": "f",
        "near": "f",
    }.items()
}
"""Columns of the answers at labels, and their kinds; files of old runs have none."""


def save_detections(
    run: RunFolder,
    detections: Detections,
    *,
    image_ids: Iterable[int] | None = None,
    left_out: Iterable[int] = (),
    step: int | None = None,
    answers: LabelAnswers | None = None,
) -> None:
    """Write the detections of a run, all or nothing.

    ``image_ids`` are the images that were looked at; without them those that have detections. ``left_out``
    are those that were to be, but whose files could not be read: no figure is of them.
    ``step`` is that of the weights, where one run has made them all: when it has others, these do not count
    any more. ``answers`` are what the same weights say at the labels.
    """
    looked_at = detections.image_ids if image_ids is None else np.array(sorted(image_ids), dtype=np.int64)
    with atomic_write(run.detections) as temporary:
        np.savez(
            temporary,
            allow_pickle=False,
            image_ids=detections.image_ids.astype(np.int64),
            labels=detections.labels.astype(np.int64),
            boxes=detections.boxes.astype(np.float64),
            scores=detections.scores.astype(np.float64),
            looked_at=np.unique(looked_at).astype(np.int64),
            left_out=np.array(sorted(left_out), dtype=np.int64),
            step=np.array([] if step is None else [step], dtype=np.int64),
            **({} if answers is None else _answer_columns(answers)),
        )


def set_aside_detections(run: RunFolder, *, step: int) -> None:
    """Before those of a ``step`` are written: what other weights have found is kept in ``RunFolder.before``. Raises
    OSError."""
    if not run.detections.is_file() or _step(run) in (step, None) or detections_fault(run) is not None:
        return
    run.before.path.mkdir(exist_ok=True)
    with atomic_write(run.before.detections) as temporary:
        shutil.copyfile(run.detections, temporary)


def merge_detections(
    run: RunFolder,
    detections: Detections,
    *,
    image_ids: Iterable[int],
    left_out: Iterable[int] = (),
    step: int | None = None,
    answers: LabelAnswers | None = None,
) -> None:
    """Replace the detections on ``image_ids``, and the answers at labels there, by new ones, and those on
    images that are ``left_out`` now by none; those on other images stay, unless they are of another
    ``step``."""
    fresh, unread = set(image_ids), set(left_out)
    asked = fresh | unread
    # What is damaged helps nobody: it is replaced.
    if run.detections.is_file() and _step(run) in (step, None) and detections_fault(run) is None:
        images = np.array(sorted(asked), dtype=np.int64)
        old, said = load_detections(run), load_answers(run)
        kept = old.take(~np.isin(old.image_ids, images))
        if said is not None:
            said = said.take(~np.isin(said.image_ids, images))
            answers = said if answers is None else LabelAnswers.joined([said, answers])
        detections = Detections.joined([kept, detections])
        fresh |= _looked_at(run) - asked
        unread |= _left_out(run) - asked
    save_detections(run, detections, image_ids=fresh, left_out=unread, step=step, answers=answers)


def predicted_images(run: RunFolder) -> set[int]:
    """Ids of the images that the run has looked at, with or without finding anything; none when it has other
    weights by now. Figures of a run are of these alone: elsewhere every object would seem missed.

    Raises:
        ProjectError: there are no detections, or the file is damaged.
    """
    looked_at = _looked_at(run)
    return set() if _outdated(run) else looked_at


def left_out_images(run: RunFolder) -> set[int]:
    """Ids of the images that the run was to look at and could not, since their files could not be read; none
    when it has other weights by now."""
    return set() if _outdated(run) else _left_out(run)


def has_detections(run: RunFolder) -> bool:
    """Whether there are detections, and of the weights that the run has now."""
    return run.detections.is_file() and not _outdated(run)


def load_detections(run: RunFolder) -> Detections:
    """Read the detections of a run.

    Raises:
        ProjectError: there are none, or the file is damaged.
    """
    columns = _columns(run, {"image_ids": "i", "labels": "i", "boxes": "f", "scores": "f"})
    try:
        detections = Detections(**columns)
    except ValueError as error:
        raise _fault(run, f"not detections of a run ({error})") from error
    if detections.boxes.shape != (len(detections), 4) or detections.scores.ndim != 1:
        raise _fault(run, "not detections of a run (wrong shapes)")
    return detections


def detections_fault(run: RunFolder) -> ProjectError | None:
    """What is wrong with the file of detections; ``None`` where there is none, or nothing."""
    try:
        if run.detections.is_file():
            for read in (load_detections, load_answers, _looked_at):
                read(run)
    except ProjectError as error:
        return error
    return None


def load_answers(run: RunFolder) -> LabelAnswers | None:
    """What the run says at the labels that its images had; ``None`` where that was not taken down.

    Raises:
        ProjectError: there are no detections, or the file is damaged.
    """
    if not has_columns(run.detections, _ANSWERS):
        return None
    columns = _columns(run, _ANSWERS)
    try:
        answers = LabelAnswers(
            **{
                name.removeprefix(_PREFIX): column.astype(np.float64) if _ANSWERS[name] == "f" else column
                for name, column in columns.items()
            }
        )
    except ValueError as error:
        raise _fault(run, f"not answers of a run ({error})") from error
    if answers.boxes.shape != (len(answers), 4) or any(
        column.ndim != 1 for name, column in columns.items() if name != f"{_PREFIX}boxes"
    ):
        raise _fault(run, "not answers of a run (wrong shapes)")
    return answers


def _answer_columns(answers: LabelAnswers) -> dict[str, NDArray[Any]]:
    """Scores are kept in half the width, which nothing that is learnt from them feels."""
    columns = {name: getattr(answers, name.removeprefix(_PREFIX)) for name in _ANSWERS}
    narrow = [f"{_PREFIX}{name}" for name in ("well", "close", "other", "near")]
    return {name: column.astype(np.float32) if name in narrow else column for name, column in columns.items()}


def _columns(run: RunFolder, kinds: Mapping[str, str]) -> dict[str, Any]:
    """``read_columns`` of the detections; says which command makes a damaged file anew."""
    try:
        return read_columns(run.detections, kinds)
    except ProjectError as error:
        raise _fault(run, error.message) from error


def _fault(run: RunFolder, message: str) -> ProjectError:
    project = run.path.parent.parent
    again = f"predict {project} --run {run.name}"
    if run.plan.is_file():
        again = f"crossval {project} --resume {run.name}"
    if imported_from(run) is not None:
        again = f"import-detections {project}"
    return ProjectError(message, path=run.detections, hint=f"`{again}` makes the detections anew")


def _looked_at(run: RunFolder) -> set[int]:
    return set(_columns(run, {"looked_at": "i"})["looked_at"].tolist())


def _left_out(run: RunFolder) -> set[int]:
    return set(_later_column(run, "left_out").tolist())


def _step(run: RunFolder) -> int | None:
    """The step of the weights that have made the detections; ``None`` in files that do not tell."""
    column = _later_column(run, "step")
    return int(column[0]) if column.size == 1 else None


def _later_column(run: RunFolder, name: str) -> IntArray:
    """A column that the first files did not have; empty in those, and in damaged ones, of which whoever reads
    the detections speaks."""
    try:
        return read_columns(run.detections, {name: "i"})[name]
    except ProjectError:
        return np.zeros(0, np.int64)


def _outdated(run: RunFolder) -> bool:
    made_at, now = _step(run), weights_step(run)
    return made_at is not None and now is not None and made_at != now
