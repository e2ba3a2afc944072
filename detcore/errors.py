"""Errors that the user can act on.

    ReticleError                 anything below: shown as one line, never as a traceback
    ├── ProjectError             the project folder cannot be made, opened or written
    │   ├── ProjectLockedError   another process has it open
    │   ├── ProjectTooNewError   written by a newer Reticle
    │   ├── ProjectDamagedError  its database is damaged
    │   └── UnfinishedImportError an import stopped on its way
    ├── ImageError               an image file cannot be read
    │   └── ImageMissingError    it is not there
    ├── FormatError              a dataset file cannot be read or written
    │   └── OutsideImagesError   a dataset names images outside of its folder
    ├── EvaluationError          ground truth and detections do not belong together
    ├── ConfigError              a setting or argument makes no sense
    ├── DownloadError            a file cannot be had from where it is published
    ├── JobError                 a worker process could not start or ended badly
    └── Cancelled                the user stopped a long operation

Everything else that is raised is a bug.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path


class ReticleError(Exception):
    """Something the user can act on. ``str()`` is one line: where, what, what to do."""

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        hint: str | None = None,
    ) -> None:
        self.message = message
        self.path = None if path is None else str(path)
        self.line = line
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        where = "" if self.path is None else self.path
        if self.path is not None and self.line is not None:
            where += f":{self.line}"
        parts = [f"{where}: {self.message}" if where else self.message]
        if self.hint:
            parts.append(self.hint)
        return ". ".join(part.rstrip(".") for part in parts) + "."


class ProjectError(ReticleError):
    """The project folder cannot be made, opened or written."""


class ProjectLockedError(ProjectError):
    """Another process has the project open for writing."""


class ProjectTooNewError(ProjectError):
    """The project was written by a newer version of Reticle."""


class ProjectDamagedError(ProjectError):
    """The database of the project is not as it was written; nothing was written to it."""


class UnfinishedImportError(ProjectError):
    """An import that had begun to change the project could not go on. The rest follows at the next opening."""


class ImageError(ReticleError):
    """An image file is missing, broken or of a kind that cannot be decoded."""


class ImageMissingError(ImageError):
    """An image file is not there."""


class FormatError(ReticleError):
    """A dataset file cannot be read or written."""


class OutsideImagesError(FormatError):
    """A dataset names images that lie outside of its folder; ``folders`` counts them by folder."""

    def __init__(self, message: str, *, path: Path, hint: str, folders: Mapping[Path, int]) -> None:
        super().__init__(message, path=path, hint=hint)
        self.folders = folders


class EvaluationError(ReticleError):
    """Ground truth and detections cannot be compared."""


class ConfigError(ReticleError):
    """A setting or a command line argument makes no sense."""


class DownloadError(ReticleError):
    """A file cannot be had from where it is published."""


class JobError(ReticleError):
    """A worker process could not start, or ended badly."""


class Cancelled(ReticleError):
    """The user stopped a long operation; nothing of it remains."""


_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def is_disk_full(error: OSError) -> bool:
    """Whether there is no room left, or none that this user may take."""
    return error.errno in _FULL


def disk_error(error: OSError, *, path: str | Path | None = None) -> ReticleError:
    """What the system says of a file, with advice; ``path`` where it does not say of which."""
    hint = "Check that the folder is there and that you may write to it"
    if is_disk_full(error):
        hint = "Free some space on that disk and try again; what was there before is still there"
    elif isinstance(error, FileExistsError | NotADirectoryError):
        hint = "A file is in the place of a folder: choose another name"
    return ReticleError(error.strerror or str(error), path=error.filename or path, hint=hint)
