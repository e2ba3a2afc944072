"""What lies in the folder of a cross-validation: the plan of its folds, and a run for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from detcore.errors import ProjectError
from detcore.project.learnt import read_learnt
from detcore.project.run_folder import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.untrusted_json import fits, read_object

MODEL_NAME = "crossval"
HELD_OUT_SPLIT = "test"
"""The split of the images that a fold leaves out: training leaves it alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ids of the images that each fold is not trained on."""

    held_out: tuple[tuple[int, ...], ...]


def fold_folders(run: RunFolder) -> list[RunFolder]:
    """The runs of all folds. Raises ProjectError as ``read_plan`` does."""
    return [fold_folder(run, number) for number in range(len(read_plan(run).held_out))]


def fold_folder(run: RunFolder, number: int) -> RunFolder:
    """The run of one fold, counted from 0."""
    return RunFolder(run.path / "folds" / str(number + 1))


def is_cross_validation(run: RunFolder) -> bool:
    return run.plan.is_file()


def read_plan(run: RunFolder) -> Plan:
    """Raises ProjectError if the run is no cross-validation or its plan is damaged."""
    path = run.plan
    try:
        held_out: Any = read_object(path)["held_out"]
        if not fits(held_out, "list[list[int]]"):
            raise ValueError("held_out does not list the images of each fold")
        return Plan(held_out=tuple(tuple(fold) for fold in held_out))
    except OSError as error:
        raise ProjectError(f"not a cross-validation ({error.strerror})", path=path) from error
    except (ValueError, KeyError) as error:
        raise ProjectError(f"not the plan of a cross-validation ({error})", path=path) from error


def trained_images(run: RunFolder) -> set[int]:
    """Ids of the images whose labels the run's detections have learnt from; none for a cross-validation."""
    if is_cross_validation(run):
        return set()
    snapshot = Snapshot.load(run.snapshot)
    return {image.id for image in snapshot.training_images} | read_learnt(run)
