"""What a box turned out to be: found, false or missed, and which type of error."""

from __future__ import annotations

from enum import IntEnum


class ErrorKind(IntEnum):
    """The value is the column of the kind in tables and its rank in sorted lists."""

    TP = 0
    FP = 1
    FN = 2
    UNJUDGED = 3
    """A detection on an image without labels; no figure counts it."""


class ItemType(IntEnum):
    """Why a box is an error, in TIDE's terms; the first five are places in ``error_types.KINDS``."""

    CLASS = 0
    LOCATION = 1
    BOTH = 2
    DUPLICATE = 3
    BACKGROUND = 4
    MISSED = 5
    FOUND = 6
    UNJUDGED = 7


ERRORS = frozenset({ErrorKind.FP, ErrorKind.FN})
COUNTED = (ErrorKind.TP, ErrorKind.FP, ErrorKind.FN)
EVERY_KIND = frozenset(COUNTED)
"""Every kind that figures are made of."""
