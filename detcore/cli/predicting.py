"""The images that a command is about, and what a run finds on them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detcore.cli.console import complain
from detcore.cli.launched import shared_command
from detcore.cli.watching import watch_job
from detcore.errors import Cancelled, ConfigError, EvaluationError, ImageError, JobError
from detcore.images.decoding import check_image
from detcore.jobs.config import TrainConfig
from detcore.jobs.owner import OutcomeState, WorkerJob
from detcore.jobs.preparing.runs import prepare_prediction
from detcore.jobs.preparing.start_options import start_options
from detcore.jobs.settings.learning import FROM_NOTHING
from detcore.jobs.settings.sections import SETTINGS
from detcore.project.cross_validation import is_cross_validation
from detcore.project.project import Project
from detcore.project.runs import RunFolder, imported_from, left_out_images, load_detections, predicted_images
from detcore.project.scope import (
    SCOPE_OF_SPLIT,
    SCOPE_TEXTS,
    Scope,
    image_sets,
    left_out_by_both,
    trained_images,
    usual_scope,
)
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.types import Detections
from detcore.weights.catalogue import weights_files
from detcore.wording import counted
from detcore.zoo.catalogue import DEFAULT_MODEL, find_detector, read_model


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The images that a command is about, and what each of its runs finds there."""

    scope: Scope
    images: Snapshot
    detections: tuple[Detections, ...]

    @property
    def image_ids(self) -> list[int]:
        return [image.id for image in self.images.images]

    @property
    def text(self) -> str:
        return f"{len(self.images.images):,} {SCOPE_TEXTS[self.scope]}"


def choose_images(
    project: Project, runs: Sequence[RunFolder], split: str | None, *, usual: str | None = None
) -> Chosen:
    """The labelled images of a split, of all with "all"; without one those that no run has learnt from, or,
    of trainings, those of the split ``usual``. What a run has not looked at yet it predicts; what a
    cross-validation has left out is left out, with a word.

    Raises:
        EvaluationError: there are none.
    """
    images, snapshot = project.image_list(), take_snapshot(project)
    if split is None and not any(is_cross_validation(run) for run in runs):
        split = usual
    *others, last = runs
    sets = image_sets(images, images.ids.tolist(), trained_images(last, images))
    scope = usual_scope(sets) if split is None else SCOPE_OF_SPLIT[split]
    if scope not in sets:
        where = "" if split in (None, "all") else f" in split {split}"
        hint = "Choose another with --split" if where else "Label some images, or mark empty ones as verified"
        raise EvaluationError(f"no labelled image{where}", path=project.folder, hint=hint)
    image_ids = sets[scope]
    for run in others:
        image_ids = left_out_by_both(image_ids, trained_images(run, images), scope=scope)
    chosen, found = snapshot.only(image_ids.tolist()), list[Detections]()
    for run in runs:
        chosen = _seen_part(run, chosen)
    for run in runs:
        detections = load_detections(run)
        there = np.array([image.id for image in chosen.images], np.int64)
        found.append(detections.take(np.isin(detections.image_ids, there)))
    return Chosen(scope=scope, images=chosen, detections=tuple(found))


def warn_of_known_images(project: Project, run: RunFolder, chosen: Chosen) -> None:
    """Say plainly when the run has learnt from images that its figures are of."""
    known = int(np.isin(chosen.image_ids, trained_images(run, project.image_list())).sum())
    if known:
        complain(
            f"warning: {run.name} has been trained on {known:,} of these {counted(len(chosen.image_ids), 'image')} and knows "
            "them: it errs less there than on new images."
        )


def _seen_part(run: RunFolder, chosen: Snapshot) -> Snapshot:
    """Those of the images that the run has looked at, or can; the others are left out with a word.

    Raises:
        EvaluationError: none is left.
    """
    wanted = {image.id for image in chosen.images}
    there = run.detections.is_file()
    seen = predicted_images(run) if there else set[int]()
    unread = _still_unread(chosen.only(wanted & left_out_images(run))) if there else set[int]()
    waiting = wanted - seen - unread
    if waiting and not is_cross_validation(run) and imported_from(run) is None:
        predict_images(run, chosen.only(waiting), "all")
        seen = predicted_images(run)
        unread |= left_out_images(run) & waiting
    if not wanted & seen:
        hint = go_on_hint(run) if is_cross_validation(run) else None
        raise EvaluationError(f"{run.name} has looked at none of these images", path=run.path, hint=hint)
    unseen = wanted - seen - unread
    if unseen:
        complain(f"{run.name} has not looked at {counted(len(unseen), 'labelled image')}, left out here.")
    return chosen.only(wanted & seen)


def _still_unread(images: Snapshot) -> set[int]:
    """Those of the images that cannot be read now either; each is named. Others have been mended since."""
    unread: set[int] = set()
    for image in images.images:
        try:
            check_image(Path(image.path), images.frames.get(image.id))
        except ImageError as error:
            unread.add(image.id)
            complain(f"left out: {error}")
    return unread


def predict_images(run: RunFolder, snapshot: Snapshot, split: str, *, device: str | None = None) -> None:
    """Let the run look at the images of a split as the project has them now; on the device that it was trained on,
    unless another one is given.

    Raises:
        ConfigError: it is a cross-validation, of whose detections none may come from a model that knows the image.
        JobError: the prediction ended badly.
        Cancelled: it was stopped.
    """
    if is_cross_validation(run):
        raise ConfigError(
            f"{run.name} is a cross-validation and detects only while it trains",
            path=run.path,
            hint="Give a run of train",
        )
    images = prepare_prediction(run, snapshot)
    chosen = [] if split == "all" else ["--split", split]
    arguments = ["predict", str(run.path), "--snapshot", str(images), *chosen]
    if device is not None:
        arguments += ["--device", device]
    argv = shared_command(run.path.parent.parent, *arguments)
    outcome = watch_job(lambda hear: WorkerJob(argv, on_event=hear, what="prediction"))
    if not outcome.good:
        raise JobError(outcome.text, hint=outcome.hint or None)
    if outcome.state is OutcomeState.STOPPED:
        raise Cancelled("stopped; the detections are those of before")


def go_on_hint(run: RunFolder) -> str:
    """How a cross-validation is taken up again."""
    return f"Go on with crossval --resume {run.name}"


def refuse_changes(options: argparse.Namespace, names: Sequence[str]) -> None:
    """Raises ConfigError for options that what goes on keeps from its beginning to its end."""
    for name in names:
        if getattr(options, name, None) is not None:
            word = f"--{name.replace('_', '-')}"
            hint = f"Leave {word} out, or start a new run"
            raise ConfigError(f"{word} cannot change in a run that goes on", hint=hint)


def training_config(options: argparse.Namespace) -> TrainConfig:
    """The settings of a training from the options of the command line. Weights bring the options of the detector that they
    are of.

    Raises:
        ConfigError: the detector has no such option, or not that value of it.
    """
    model, parts = read_model(options.model or DEFAULT_MODEL)
    # flags have the names of their settings
    given = {name: word for name in SETTINGS if (word := getattr(options, name, None)) is not None}
    if "epochs" in given:
        given["minutes"] = None
    file = None if options.weights in (None, FROM_NOTHING) else options.weights
    if file is not None:
        given["weights"] = _weights(file)
    chosen = {
        **(start_options(file, model) if file is not None else {}),
        **parts,
        **find_detector(model).parse_options(dict(options.option or ())),
    }
    return TrainConfig().for_detector(model, chosen).with_settings(given)


def _weights(word: str) -> str:
    """The name of published weights, or the whole path of a file."""
    return word if word in weights_files() else str(Path(word).resolve())
