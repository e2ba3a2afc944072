"""Runs that were made and never trained: their folders go again, as long as nothing is in them but what made
them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import PurePath

from detcore.errors import ProjectError
from detcore.project.run_folder import RunFolder, is_running

_MADE_WITH_THE_RUN = frozenset(
    {
        "run.json",
        "config.json",
        "snapshot.npz",
        "emphasis.json",
        "lesson.npz",
        "start.safetensors",
        "folds.json",
        "worker.lock",
    }
)
_FOLDS = "folds"


@contextmanager
def whole_or_gone(run: RunFolder) -> Generator[None, None, None]:
    """Fill the folder of a new run in the block; if that fails, the folder goes."""
    try:
        yield
    except BaseException:
        remove_unused(run)
        raise


def remove_unused(run: RunFolder) -> bool:
    """Delete a run that no process has ever worked on; returns whether it was one.

    A folder with anything else in it than a new run has (events, weights, detections, files of others) is
    left alone, and so is one that cannot be deleted.
    """
    try:
        there = sorted(run.path.rglob("*"), key=lambda path: len(path.parts), reverse=True)
        if is_running(run) or not all(_is_new(path.relative_to(run.path)) for path in there):
            return False
        for path in there:
            # never through a link, which would lead to files of others
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        run.path.rmdir()
    except (OSError, ProjectError):
        return False
    return True


def _is_new(path: PurePath) -> bool:
    """Whether a new run has such a file or folder, relative to its own."""
    parts = path.parts
    if parts[0] == _FOLDS:
        return len(parts) < 3 or (len(parts) == 3 and parts[2] in _MADE_WITH_THE_RUN)
    return len(parts) == 1 and parts[0] in _MADE_WITH_THE_RUN
