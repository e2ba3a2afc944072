"""What import and export share."""

from __future__ import annotations

from detcore.errors import ConfigError
from detcore.formats import FORMATS
from detcore.formats.base import Format

EXTRA_SETTING = "dataset_extra"
"""The setting that keeps what a dataset said of its whole."""


def format_named(name: str) -> Format:
    """The format of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in FORMATS:
        raise ConfigError(f"there is no format {name!r}", hint=f"Choose one of {', '.join(FORMATS)}")
    return FORMATS[name]
