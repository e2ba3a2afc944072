"""Runs that can be trained, gone on with, or asked what they see: everything that a worker process needs, in
their folders."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from detcore.curation.emphasis import DEFAULT_STRENGTH, Emphasis, find_emphasis
from detcore.curation.lesson import find_lesson
from detcore.errors import Cancelled, ConfigError, ProjectError
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.box_options import settle_options
from detcore.jobs.preparing.folds import create_cross_validation
from detcore.jobs.preparing.material import TrainingData, divide, missing_splits, survey
from detcore.jobs.preparing.sent_errors import SentErrors, find_again, read_sent
from detcore.jobs.preparing.warm_start import earlier_run
from detcore.jobs.program import check_can_train
from detcore.jobs.settings.learning import FROM_NOTHING
from detcore.project import roles
from detcore.project.cross_validation import fold_folders, is_cross_validation, trained_images
from detcore.project.imported_run import refuse_imported
from detcore.project.project import Project
from detcore.project.reading import ProjectReader
from detcore.project.run_weights import is_of_run
from detcore.project.runs import RunFolder, create_run, find_run, hold_run, is_live, read_run
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.project.unused_runs import whole_or_gone
from detcore.project.verdicts import read_verdicts
from detcore.types import Changes
from detcore.weights.cache import check_weights, weights_path
from detcore.wording import counted
from detcore.zoo.anchors import Progress, unwatched
from detcore.zoo.installed import missing_for

NO_BOXES = "no labelled images yet"
_LOCK_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRun:
    """A run that can be trained, as a whole or ``in_folds``; ``new``: it was made just now. ``changes`` are
    of the splits that had to be made; ``sent`` is what it learns more from and is used up once it trains.
    ``notes`` are sentences for the user: what was found out, or done differently from what was asked."""

    run: RunFolder
    new: bool = False
    changes: Changes | None = None
    in_folds: bool = False
    sent: SentErrors | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunedWeights:
    """What is left of the detector of ``run``: a weights ``file``, with the share ``kept`` of its channels."""

    file: Path
    run: str
    kept: float


def prepare_run(
    project: Project,
    config: TrainConfig,
    *,
    learn_from: RunFolder | None = None,
    start: PrunedWeights | None = None,
    progress: Progress = unwatched,
) -> PreparedRun:
    """Check what would fail, divide the images when nobody has, make the run's folder, freeze the data.

    The run learns more from the errors of ``learn_from``, or without it from those that were sent to
    training, which wait on in the project until the run trains. Of its teacher it keeps what that has found. It starts from
    a copy of the pruned weights ``start``, if there are any, and where nothing was chosen from what ``earlier_run`` has learnt.

    Raises:
        ConfigError: there is nothing to train on, no such weights file, or no PyTorch.
        ProjectError: the images are not there, or the run cannot be written.
        NotLookedAtError, ProjectError: the run that it is to learn from, or the teacher, is not there or has not predicted.
        Cancelled: ``progress`` returned false; nothing was changed.
    """
    data = _checked(project, config)
    if not data.to_learn_from:
        raise ConfigError(
            "no image with boxes is in the train split",
            path=project.folder,
            hint="Give the train split to some of the images that have boxes",
        )
    # Before the images are divided, since nothing may fail after that; those that are held out count for
    # nothing.
    config, emphasis, sent = _learning_more(project, config, learn_from)
    seed = config.runtime.seed
    splits = missing_splits(project, seed=seed) if data.needs_splits else {}
    config, settled = settle_options(config, take_snapshot(project).divided(splits), progress=progress)
    config, teacher = _taught(project, config)
    if not progress(1, 1):
        raise Cancelled("no run was made")
    changes = project.edit(divide, seed=seed) if data.needs_splits else None
    snapshot = take_snapshot(project)
    config, begins = (config, "") if start is not None else _begun_before(project, config, snapshot)
    known = "" if teacher is None else _known_to_teacher(teacher, snapshot)
    run = create_run(
        project,
        config.detector,
        learns_from="" if emphasis is None else emphasis.run,
        teacher=config.learning.teacher,
        pruned_from="" if start is None else start.run,
        kept=1.0 if start is None else start.kept,
    )
    with whole_or_gone(run):
        if start is not None:
            shutil.copyfile(start.file, run.start)
            config = replace(config, learning=replace(config.learning, weights=str(run.start)))
        config.save(run.config)
        if emphasis is not None:
            emphasis.save(run.emphasis)
        if teacher is not None:
            find_lesson(teacher, snapshot).save(run.lesson)
        # The last of its files: a run that has one was made to its end.
        snapshot.save(run.snapshot)
    notes = tuple(note for note in (settled, begins, known) if note)
    return PreparedRun(run=run, new=True, changes=changes, sent=sent, notes=notes)


def prepare_cross_validation(
    project: Project, config: TrainConfig, *, folds: int, progress: Progress = unwatched
) -> PreparedRun:
    """Check what would fail, make the run and its folds; splits play no part in it.

    Raises:
        ConfigError: there are too few labelled images, no such weights file, or no PyTorch.
        ProjectError: the images are not there, or the run cannot be written.
        Cancelled: ``progress`` returned false; nothing was made.
    """
    notes: tuple[str, ...] = ()
    if is_own_weights(project, config):
        config = replace(config, learning=replace(config.learning, weights=None))
        notes = (
            "The folds start without weights: those of a run of this project have learnt the labels to be judged.",
        )
    if config.learning.teacher:
        config = replace(config, learning=replace(config.learning, teacher=""))
        notes += ("The folds have no teacher: a run of this project has learnt the labels to be judged.",)
    _checked(project, config)
    # what was sent to training is for a run as a whole; looking twice costs little beside learning
    config = replace(
        config,
        learning=replace(config.learning, hard_negatives=0.0, oversample=0.0),
        runtime=replace(config.runtime, look_twice=True),
    )
    run = create_cross_validation(project, config, folds=folds, progress=progress)
    return PreparedRun(run=run, new=True, in_folds=True, notes=notes)


def is_own_weights(project: ProjectReader, config: TrainConfig) -> bool:
    """Whether a training would start from a run of the project, which has learnt its labels."""
    weights = config.learning.weights
    return weights is not None and is_of_run(Path(weights), project.runs_folder)


def prepare_resume(
    project: ProjectReader,
    run: RunFolder,
    *,
    minutes: float | None = None,
    epochs: int | None = None,
    device: str | None = None,
) -> PreparedRun:
    """Let a run go on where it stopped: for so many ``minutes`` or ``epochs`` on top of what it has done, where
    one of them is given, else to the end that it was to have. Its images are looked for where the project has
    them now.

    Raises:
        ConfigError, ProjectError: the run was not made to its end, its files cannot be read or written, a process
            works on it, or PyTorch or its detector is not installed.
    """
    check_can_train()
    refuse_imported(run, "go on with")
    if is_live(run):
        raise ProjectError(
            "this run learns while you label",
            path=run.path,
            hint="Turn on Learn while I label on the Label page, or start a training from its weights",
        )
    in_folds = is_cross_validation(run)
    if not run.config.is_file() or not run.snapshot.is_file():
        raise ProjectError(
            "this run was not made to its end", path=run.path, hint="Discard it and start a new one"
        )
    TrainConfig.load(run.config).check()
    places = {image.id: image.path for image in take_snapshot(project).images}
    with hold_run(run, timeout=_LOCK_SECONDS):
        for part in (run, *(fold_folders(run) if in_folds else ())):
            _locate_again(part, places)
        if not in_folds:
            _change_config(project, run, minutes=minutes, epochs=epochs, device=device)
    return PreparedRun(run=run, in_folds=in_folds)


def prepare_prediction(run: RunFolder, snapshot: Snapshot) -> Path:
    """Freeze the images to look at, as the project has them now, in a file, which is returned; the run's own
    snapshot stays what it was trained on.

    Raises:
        ConfigError: PyTorch is not installed, or the run was imported.
    """
    refuse_imported(run, "look at images with")
    check_can_train()
    snapshot.save(run.predict_snapshot)
    return run.predict_snapshot


def _checked(project: ProjectReader, config: TrainConfig) -> TrainingData:
    """What there is to train on; what can be seen to be missing is said before there is a run."""
    check_can_train()
    config.check()
    if (missing := missing_for(config.spec)) is not None:
        raise missing
    data = survey(project)
    if not data.with_boxes:
        raise ConfigError(
            NO_BOXES, path=project.folder, hint="Draw boxes on the Label page, or import labels"
        )
    if not project.image_root.is_dir():
        raise ProjectError("the folder of the images is not there", path=project.image_root)
    if config.first_weights is not None:
        check_weights(config.first_weights)
    return data


def _learning_more(
    project: ProjectReader, config: TrainConfig, learn_from: RunFolder | None
) -> tuple[TrainConfig, Emphasis | None, SentErrors | None]:
    """The settings and errors of a training that learns more from some run, and what was sent of that run."""
    sent = read_sent(project)
    if learn_from is not None:
        emphasis = find_emphasis(learn_from, take_snapshot(project), verdicts=read_verdicts(project))
        learning = replace(config.learning, hard_negatives=DEFAULT_STRENGTH, oversample=DEFAULT_STRENGTH)
        config = replace(config, learning=learning)
        return config, emphasis, sent if sent is not None and sent.run == learn_from.name else None
    if sent is None or not sent.counts:
        return config, None, None
    return sent.configured(config), find_again(project, sent, take_snapshot(project)), sent


def _begun_before(project: ProjectReader, config: TrainConfig, snapshot: Snapshot) -> tuple[TrainConfig, str]:
    """The settings with the weights of an earlier run, where nobody has chosen and there is one that fits; and what to say of
    that."""
    before = earlier_run(project, config, snapshot) if config.learning.weights is None else None
    if before is None:
        return config, ""
    note = f"Starts from what {before.name} has learnt: the same detector and classes, judged by images that neither has seen."
    return replace(config, learning=replace(config.learning, weights=str(before.weights))), note


def _taught(project: ProjectReader, config: TrainConfig) -> tuple[TrainConfig, RunFolder | None]:
    """The settings with the whole name of the teacher, and its run, which has looked at all that is to be learnt."""
    if not config.learning.teacher:
        return config, None
    teacher = find_run(project, config.learning.teacher)
    find_lesson(teacher, take_snapshot(project))
    return replace(config, learning=replace(config.learning, teacher=teacher.name)), teacher


def _known_to_teacher(teacher: RunFolder, snapshot: Snapshot) -> str:
    """What to say of images to judge by that the teacher has learnt from; "" where there are none."""
    judging = {image.id for image in snapshot.labelled_images if not roles.is_learnt_from(image.split)}
    known = len(judging & trained_images(teacher)) if teacher.snapshot.is_file() else 0
    if not known:
        return ""
    return (
        f"{teacher.name} has learnt from {counted(known, 'image')} that this run is judged by: its figures will be better than "
        "on new images."
    )


def _locate_again(run: RunFolder, places: Mapping[int, str]) -> None:
    """Let the list of a run's images lead to where the project has them now (``places`` by id): its folder,
    theirs, or single files may have been moved since."""
    snapshot = Snapshot.load(run.snapshot)
    images = tuple(replace(image, path=places.get(image.id, image.path)) for image in snapshot.images)
    if images != snapshot.images:
        replace(snapshot, images=images).save(run.snapshot)


def _change_config(
    project: ProjectReader, run: RunFolder, *, minutes: float | None, epochs: int | None, device: str | None
) -> None:
    before = config = TrainConfig.load(run.config)
    if device is not None:
        config = replace(config, runtime=replace(config.runtime, device=device))
    so_far = read_run(run)
    learning = replace(config.learning, weights=_moved_weights(project, config.learning.weights))
    if epochs is not None:
        learning = replace(learning, minutes=None, epochs=epochs + round(so_far.epochs))
    elif minutes is not None:
        learning = replace(learning, minutes=minutes + so_far.seconds / 60.0, epochs=None)
    config = replace(config, learning=learning)
    if config != before:
        config.save(run.config)


def _moved_weights(project: ProjectReader, weights: str | None) -> str | None:
    """Where a weights file is now that lay in a run of the project, whose folder may have been moved."""
    if weights in (None, FROM_NOTHING) or weights_path(weights).is_file():
        return weights
    moved = project.runs_folder.joinpath(*Path(weights).parts[-2:])
    return str(moved) if moved.is_file() else weights
