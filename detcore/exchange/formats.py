"""What import and export share."""

from __future__ import annotations

from detcore.errors import ConfigError
from detcore.formats import all_formats
from detcore.formats.spec import FormatSpec

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
