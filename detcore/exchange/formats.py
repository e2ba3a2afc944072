"""What import and export share."""

from __future__ import annotations

from pathlib import Path

from detcore.errors import ConfigError, FormatError
from detcore.formats import Recognised, all_formats
from detcore.formats.spec import FormatSpec

AUTO = "auto"
"""Instead of the name of a format: the one that a dataset is recognised as."""
EXTRA_SETTING = "dataset_extra"
"""The setting that keeps what a dataset said of its whole."""


def format_named(name: str) -> FormatSpec:
    """The format of that name.

    Raises:
        ConfigError: there is none.
    """
    formats = all_formats()
    if name not in formats:
        raise ConfigError(f"there is no format {name!r}", hint=f"Choose one of {', '.join(formats)}")
    return formats[name]


def format_of(source: Path, looks: Recognised) -> FormatSpec:
    """The format that a dataset is of, as it ``looks``.

    Raises:
        FormatError: it is none that is known, or as surely one as another.
    """
    if not source.exists():
        raise FormatError("no such file or folder", path=source)
    if looks.best is None:
        advice = "" if looks.stranger is not None else "Name it with --format"
        raise FormatError(str(looks).removesuffix("."), path=source, hint=advice or None)
    if looks.is_tied:
        names = ", ".join(spec.name for spec, _ in looks.like)
        raise FormatError(
            str(looks).removesuffix("."), path=source, hint=f"Choose one with --format: {names}"
        )
    return looks.best
