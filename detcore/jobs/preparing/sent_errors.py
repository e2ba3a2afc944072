"""Errors of a run that were sent to training: kept in the project until the next training takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from detcore.curation.emphasis import DEFAULT_STRENGTH, SENT_SETTING, Emphasis, find_emphasis
from detcore.errors import Cancelled, ProjectError
from detcore.formats.base import Progress
from detcore.jobs.config import TrainConfig
from detcore.project.project import Project
from detcore.project.reading import ProjectReader
from detcore.project.runs import RunFolder, find_run
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.project.verdicts import read_verdicts
from detcore.untrusted_json import fits_fields
from detcore.wording import counted


@dataclass(frozen=True, kw_only=True)
class SentErrors:
    """What was sent: a run and how it was judged, how much was found in how many images then, and how much
    that is to count (as in ``Learning``)."""

    run: str
    threshold: float
    iou_threshold: float
    images: int
    false_positives: int
    misses: int
    hard_negatives: float = DEFAULT_STRENGTH
    oversample: float = DEFAULT_STRENGTH

    @property
    def counts(self) -> bool:
        """Whether a training would be any different."""
        return self.hard_negatives > 0 or self.oversample > 0

    def text(self, number: Callable[[int], str] = "{:,}".format) -> str:
        """``12 training images with 30 false alarms and 41 missed objects``; ``number`` writes a count."""
        images, *parts = [
            f"{counted(count, word, write=number)}"
            for count, word in (
                (self.images, "training image"),
                (self.false_positives, "false alarm"),
                (self.misses, "missed object"),
            )
            if count or word == "training image"
        ]
        return f"{images} with {' and '.join(parts)}"

    def configured(self, config: TrainConfig) -> TrainConfig:
        """The settings of a training that learns from these."""
        learning = replace(config.learning, hard_negatives=self.hard_negatives, oversample=self.oversample)
        return replace(config, learning=learning)


def find_errors(
    project: ProjectReader, run: RunFolder, *, threshold: float, iou_threshold: float, progress: Progress
) -> SentErrors:
    """Look for what a run got wrong in the training images; for the pool.

    Raises:
        NotLookedAtError, ConfigError, ProjectError: as ``find_emphasis`` says.
        Cancelled: ``progress`` returned False.
    """
    snapshot, verdicts = take_snapshot(project), read_verdicts(project)
    _go_on(progress, 1)
    found = find_emphasis(run, snapshot, verdicts=verdicts, threshold=threshold, iou_threshold=iou_threshold)
    _go_on(progress, 2)
    return SentErrors(
        run=run.name,
        threshold=threshold,
        iou_threshold=iou_threshold,
        images=len(found.images),
        false_positives=found.false_positives,
        misses=found.misses,
    )


def find_again(project: ProjectReader, sent: SentErrors, snapshot: Snapshot) -> Emphasis:
    """The errors that were sent as labels and verdicts are now: what has been mended since is none any more.

    Raises:
        ProjectError: the run is gone.
        NotLookedAtError, ConfigError, ProjectError: as ``find_emphasis`` says.
    """
    try:
        run = find_run(project, sent.run)
    except ProjectError as error:
        raise ProjectError(
            f"{sent.run}, whose errors were sent to training, is not there any more",
            hint="Bring that run back, or remove it from “Learns more from”",
        ) from error
    return find_emphasis(
        run,
        snapshot,
        verdicts=read_verdicts(project),
        threshold=sent.threshold,
        iou_threshold=sent.iou_threshold,
    )


def read_sent(project: ProjectReader) -> SentErrors | None:
    """What is waiting for the next training, if anything is."""
    stored: Any = project.get_setting(SENT_SETTING)
    if not isinstance(stored, dict) or not fits_fields(cast("dict[str, Any]", stored), SentErrors):
        return None
    return SentErrors(**cast("dict[str, Any]", stored))


def keep_sent(project: Project, sent: SentErrors | None) -> None:
    """Let these wait for the next training in place of any others; ``None`` for none."""
    project.set_setting(SENT_SETTING, None if sent is None else asdict(sent))


def use_up(project: Project, sent: SentErrors) -> None:
    """A training has taken these; what was sent or changed since waits for the next one."""
    if read_sent(project) == sent:
        keep_sent(project, None)


def _go_on(progress: Progress, done: int) -> None:
    if not progress(done, 2):
        raise Cancelled("nothing was sent to training")
